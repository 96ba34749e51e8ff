"""What the engine does for itself: schedules, beginning anew, forgetting, order; and cancelling from elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.plugin import Flow
from bot.domain.ports import Run, Steps
from bot.engine._rows import Rows
from bot.engine.dbos import DbosEngine
from tests.engine.herd import Herd


class Ground:
    """What the flows did, and what was told."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.anew: list[Run] = []
        self.told: list[str] = []

    async def begins_anew(self, run: Run) -> None:
        """Note it."""
        self.anew.append(run)

    async def tell(self, run: Run, error: Exception) -> None:
        """Note it."""
        self.told.append(run.key)


async def say(steps: Steps, ground: Ground, payload: Any) -> Any:
    """Note its key."""
    ground.done.append(steps.key)


async def wait(steps: Steps, ground: Ground, payload: Any) -> Any:
    """A step that waits to be let go."""
    ground.began.set()
    await ground.go.wait()
    ground.done.append(steps.key)


def stepping(*names: str) -> Flow:
    """A flow of those steps, the second of which waits."""

    async def run(steps: Steps, ground: Ground, payload: Any) -> Any:
        async def one(name: str) -> str:
            if name == names[1]:
                ground.began.set()
                await ground.go.wait()
            ground.done.append(name)
            return name

        for name in names:
            await steps.once(name, lambda name=name: one(name), str)  # type: ignore[misc]

    return Flow("steps", run)


FLOWS = {"say": Flow("say", say), "wait": Flow("wait", wait), "rare": Flow("rare", say, every="0 0 29 2 *")}
LEAP = datetime(2028, 2, 29, 0, 0, 2, tzinfo=UTC)


@pytest.fixture
def ground() -> Ground:
    """A new one."""
    return Ground()


@pytest.fixture
async def engine(engine_url: str, ground: Ground) -> AsyncIterator[DbosEngine]:
    """A worker."""
    made = DbosEngine(engine_url, FLOWS)
    async with made.serving(ground):
        yield made


async def test_a_tick_starts_a_scheduled_flow_once(engine: DbosEngine, ground: Ground) -> None:
    """However many processes look; what was missed while nobody worked is left out."""
    keeper, before = engine._keeper, LEAP - timedelta(seconds=5)
    assert await keeper.tick(before, LEAP) == LEAP
    await keeper.tick(before, LEAP)
    await keeper.tick(LEAP, LEAP + timedelta(days=365))
    await keeper.tick(LEAP + timedelta(days=1500), LEAP + timedelta(days=1500, seconds=5))
    await asyncio.wait_for(engine.drained(), 20)
    assert ground.done == ["every:rare:2028-02-29T00:00:00"]


async def test_what_ended_long_ago_is_forgotten(
    engine: DbosEngine, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches, with its key; nothing that works or waits, however old."""
    monkeypatch.setattr(Rows.ended, "__defaults__", (2,))
    for number in range(5):
        await engine.start("say", f"k{number}", f"lane {number}", None)
    await asyncio.wait_for(engine.drained(), 20)
    await engine.start("wait", "1 works", "lane", None)
    await engine.start("say", "2 waits", "lane", None)
    await asyncio.wait_for(ground.began.wait(), 20)
    assert await engine.forget(datetime.now(UTC) - timedelta(minutes=1)) == 0
    assert await engine.forget(datetime.now(UTC) + timedelta(minutes=1)) == 5
    assert await engine.read("k0") is None
    assert [run.key for run in await engine.lane("lane")] == ["1 works", "2 waits"]
    assert await engine.start("say", "k0", "lane 0", None)
    ground.go.set()
    await asyncio.wait_for(engine.drained(), 20)


async def test_random_ids_within_one_second(engine: DbosEngine, ground: Ground) -> None:
    """SQLite's clock has whole seconds, so that ids break ties: ours carry Slack's ts, and so the order is Slack's."""
    await engine.start("wait", "0", "lane", None)
    await asyncio.wait_for(ground.began.wait(), 20)
    keys = [f"ans:{1795516146 + number / 1e6:.6f}" for number in range(8)]
    for key in keys:
        await engine.start("say", key, "lane", None)
    ground.go.set()
    await asyncio.wait_for(engine.drained(), 20)
    assert ground.done == ["0", *keys]


async def test_a_lane_keeps_its_order_under_limits(engine_url: str, ground: Ground) -> None:
    """DBOS takes another way with them, and on it nothing but its index breaks ties."""
    keys = [f"ans:{number}" for number in range(9)]
    engine = DbosEngine(engine_url, FLOWS, everywhere=4, per_minute=1000)
    async with engine.serving(ground):
        for key in keys:
            await engine.start("say", key, "lane", None)
        await asyncio.wait_for(engine.drained(), 30)
    assert ground.done == keys


@pytest.mark.parametrize(("names", "goes_on"), [(("a", "b", "c"), True), (("new", "a", "b"), False)])
async def test_a_release_beside_what_the_last_one_began(
    engine_url: str, ground: Ground, names: tuple[str, ...], *, goes_on: bool
) -> None:
    """With the same steps it goes on behind the last; with others it begins again from its first, and nobody is told of
    a failure."""
    old = DbosEngine(engine_url, {"steps": stepping("a", "b", "c")})
    async with old.serving(ground, drain_seconds=0):
        await old.start("steps", "k", "lane", {"n": 1})
        await asyncio.wait_for(ground.began.wait(), 20)
    assert ground.done == ["a"]
    ground.go.set()
    new = DbosEngine(engine_url, {"steps": stepping(*names)}, on_error=ground.tell, on_anew=ground.begins_anew)
    async with new.serving(ground):
        await asyncio.wait_for(new.drained(), 30)
    assert ground.done == (["a", "b", "c"] if goes_on else ["a", *names])
    assert [run.key for run in ground.anew] == ([] if goes_on else ["k"])
    assert ground.told == []


async def test_cancelling_what_runs_elsewhere(workers: Herd) -> None:
    """Its step is cut off within 2 s, none begins after that, nobody is told, and its lane goes on."""
    await workers.start()
    await workers.send(["first", "second"], lanes=["lane", "lane"], count=20, seconds=0.7)
    await workers.until(lambda: workers.log.lines("did", "first"))
    door = DbosEngine(workers.url, FLOWS)
    async with door.serving(None, listen=False):
        await door.cancel("first")
        cancelled = time.time()
        await workers.until(lambda: workers.log.lines("began", "second"), 3)
        await asyncio.sleep(2)
        await door.cancel("second")
    late = [line for line in workers.log.lines("began", "first") if line.at > cancelled + 0.1]
    assert late == []
    assert [line for line in workers.log.lines("did", "first") if line.at > cancelled + 2] == []
    assert not [line for line in workers.log.path.read_text().splitlines() if '"told ' in line]
