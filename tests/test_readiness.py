"""What is wrong is said part by part, within two seconds, and without asking anybody too often."""

import asyncio
import time
from collections import namedtuple
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from bot import readiness
from bot.domain.ports import Load
from bot.domain.sources import Health, Instance
from bot.engine.lease import Fence
from bot.readiness import Look, Readiness, Trouble, little_room
from bot.slack.clock import SlackClock

Usage = namedtuple("Usage", "total used free")


class Clock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    """A time to begin with."""
    return Clock()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every report looks again; a part gets a moment."""
    monkeypatch.setattr(readiness, "FRESH", 0.0)
    monkeypatch.setattr(readiness, "AGAIN", 0.0)
    monkeypatch.setattr(readiness, "PATIENCE", 0.05)


def saying(trouble: Trouble | None, asked: list[int] | None = None) -> Look:
    """A part in that state, which counts how often it is looked at."""

    async def look() -> Trouble | None:
        if asked is not None:
            asked.append(1)
        return trouble

    return look


async def test_what_stops_the_work_is_told_from_what_does_not(clock: Clock) -> None:
    """An orchestrator must not take the bot away because Prometheus is down."""
    looks = {
        "prom": saying(Trouble("down")),
        "lease": saying(Trouble("lost", stops=True)),
        "slack": saying(None),
    }
    report = await Readiness(looks, clock).report()
    assert (set(report.wrong), set(report.impaired), set(report.parts)) == ({"lease"}, {"prom"}, set(looks))


async def test_since_when_stays_until_it_is_well_again(clock: Clock, fresh: None) -> None:
    """The first time it was seen counts, whatever the words are by now."""
    state: list[Trouble | None] = [Trouble("slow"), Trouble("down"), None, Trouble("down")]

    async def look() -> Trouble | None:
        return state.pop(0)

    ready, seen = Readiness({"prom": look}, clock), []
    for _ in range(4):
        trouble = (await ready.report()).parts["prom"]
        seen.append(trouble and trouble.since and trouble.since.minute)
        clock.at += timedelta(minutes=1)
    assert seen == [0, 0, None, 3]
    assert readiness.shown({"prom": Trouble("down", since=clock.at)})["prom"]["since"] == "2026-01-01T00:04:00Z"


async def test_many_may_ask(clock: Clock) -> None:
    """Within ten seconds nothing is looked at twice."""
    asked: list[int] = []
    ready = Readiness({"prom": saying(None, asked)}, clock)
    await asyncio.gather(*(ready.report() for _ in range(20)))
    await ready.report()
    assert len(asked) == 1


async def test_what_is_well_again_is_noticed_soon(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not well holds for two seconds only, so that nobody is kept away for longer than it lasts."""
    state: list[Trouble | None] = [Trouble("down"), None]

    async def look() -> Trouble | None:
        return state.pop(0)

    ready = Readiness({"prom": look}, clock)
    assert [set((await ready.report()).impaired) for _ in range(2)] == [{"prom"}, {"prom"}]
    monkeypatch.setattr(readiness, "AGAIN", 0.0)
    assert (await ready.report()).impaired == {}


async def test_a_part_that_hangs_holds_nobody_up(clock: Clock, fresh: None) -> None:
    """It is asked once, however often it is wanted; of a vital one no answer is a bad one."""
    asked: list[int] = []
    go = asyncio.Event()

    async def hang() -> Trouble | None:
        asked.append(1)
        await go.wait()
        return None

    ready = Readiness({"database": hang, "prom": hang}, clock, {"database"})
    began = time.perf_counter()
    for _ in range(3):
        report = await ready.report()
        assert (set(report.wrong), set(report.impaired)) == ({"database"}, {"prom"})
    assert time.perf_counter() - began < 1
    assert len(asked) == 2
    go.set()
    await asyncio.sleep(0)
    assert (await ready.report()).wrong == {}


async def test_nothing_hangs_on_at_the_end(clock: Clock, fresh: None) -> None:
    """A look under way is given up."""

    async def hang() -> Trouble | None:
        await asyncio.Event().wait()
        return None

    ready = Readiness({"prom": hang}, clock)
    await ready.report()
    await asyncio.wait_for(ready.close(), 1)


async def test_a_look_that_fails_is_what_is_wrong(clock: Clock) -> None:
    """Its first line; it stops the work only where the part is vital."""

    async def look() -> Trouble | None:
        raise ConnectionError("gone\n[parameters: a whole message]")

    report = await Readiness({"database": look, "prom": look}, clock, {"database"}).report()
    assert report.wrong["database"].why == "ConnectionError: gone"
    assert set(report.impaired) == {"prom"}


def look_at(look: Look) -> Trouble | None:
    """One look."""

    async def once() -> Trouble | None:
        return await look()

    return asyncio.run(once())


def given(value: Any) -> Callable[[], Awaitable[Any]]:
    """Something that is asked for."""

    async def give() -> Any:
        return value

    return give


def test_a_source_is_missed_and_stops_nothing() -> None:
    """Answers say themselves what they lack."""
    up, down = (Instance("prom", "x", "prod", given(health)) for health in (Health(True), Health(False, "502")))
    assert look_at(readiness.of_source(up)) is None
    assert look_at(readiness.of_source(down)) == Trouble("502")


def test_a_lost_lease_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was taken for dead does nothing until it is back."""
    fence = Fence()
    assert look_at(readiness.of_lease(fence)) is None
    fence.seconds = 0.0
    trouble = look_at(readiness.of_lease(fence))
    assert trouble is not None
    assert trouble.stops


def test_that_nobody_works_is_said() -> None:
    """A web process goes on accepting; it must not be taken away for that."""
    assert look_at(readiness.of_workers(given(Load(workers=1)))) is None
    trouble = look_at(readiness.of_workers(given(Load(waiting=3))))
    assert trouble is not None
    assert not trouble.stops
    assert "nightjar worker" in trouble.why


def test_words_of_a_part() -> None:
    """Empty means well."""
    assert look_at(readiness.of_words(lambda: "", stops=True)) is None
    assert look_at(readiness.of_words(lambda: "not connected", stops=True)) == Trouble("not connected", stops=True)


@pytest.mark.parametrize(("skew", "told"), [(None, False), (2.0, False), (-65.0, True), (612.0, True), (-612.0, True)])
def test_a_clock_that_is_off(skew: float | None, told: bool) -> None:
    """Over a minute it is said, and Slack's time is gone by: that stops nothing."""
    clock = SlackClock(lambda: time.time() + (skew or 0.0))
    clock.heard({} if skew is None else {"Date": formatdate(time.time())})
    trouble = look_at(readiness.of_clock(clock))
    assert (trouble is not None) == told
    assert trouble is None or not trouble.stops
    assert trouble is None or f"clock is {skew:+.0f}"[:14] in trouble.why


@pytest.mark.parametrize(
    ("total", "free", "told"),
    [
        (100e9, 50e9, False),
        (2e12, 50e9, False),  # 2.5 %, and plenty
        (100e9, 4e9, True),
        (1e9, 300e6, False),
        (1e9, 190e6, True),
        (1e9, 0.5e6, True),
    ],
)
def test_a_disk_that_fills(total: float, free: float, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under 200 MB, or under 5 % of what is no big disk."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(total, total - free, free))
    trouble = little_room(Path("/somewhere/nightjar.sqlite"))
    assert (trouble is not None) == told
    assert trouble is None or "MB free at /somewhere" in trouble.why
    assert trouble is None or trouble.stops == (free < 1e6)
    assert (look_at(readiness.of_disk([Path("/somewhere/x")])) is not None) == told


def test_a_database_without_its_schema(tmp_path: Path, sqlite_url: str) -> None:
    """It stops the work, and says what to run."""
    assert look_at(readiness.of_schema(sqlite_url)) is None
    trouble = look_at(readiness.of_schema(f"sqlite:///{tmp_path}/other.sqlite"))
    assert trouble is not None
    assert trouble.stops
    assert "nightjar migrate" in trouble.why
    away = look_at(readiness.of_schema("postgresql://127.0.0.1:1/x"))
    assert away is not None
    assert "cannot be opened" in away.why
