"""What a worker began goes on in another: dead, frozen, leaving, or given up; real processes on PostgreSQL."""

import asyncio
import signal
from collections import Counter
from typing import Any

import psycopg
import pytest

from bot.engine import lease
from tests.engine.herd import Herd, Worker

SHORT = (2.0, 0.4, 0.7)  # lease, beat and margin where the length is not the point
LONG = (60.0, 1.0, 1.0)  # longer than any test waits: it goes on without it


def names(count: int, of: str = "run") -> list[str]:
    """Keys."""
    return [f"{of} {number}" for number in range(count)]


async def at_work(workers: Herd, keys: list[str], **options: Any) -> tuple[Worker, Worker]:
    """One that is held in the third step of all of them, and one that has nothing to do."""
    first = await workers.start(**options)
    await workers.send(keys, count=6, seconds=0.1, hold=2)
    await workers.until(lambda: {line.key for line in workers.log.lines("began") if line.step == 2} >= set(keys))
    return first, await workers.start(**options)


async def taken_over(workers: Herd, heir: Worker, keys: list[str], at: float) -> list[float]:
    """Wait until it has all of them, and let them go on; seconds from then to its first step, of each."""
    await workers.until(lambda: workers.of(heir, "began") >= set(keys))
    workers.log.go()
    first: dict[str, float] = {}
    for line in workers.log.lines("began"):
        if line.pid == heir.pid:
            first.setdefault(line.key, line.at - at)
    await all_end(workers, keys)
    return sorted(first.values())


def repeated(workers: Herd) -> dict[tuple[str, int], int]:
    """Steps whose work was done more than once."""
    counts = Counter((line.key, line.step) for line in workers.log.lines("did"))
    return {what: count for what, count in counts.items() if count > 1}


async def all_end(workers: Herd, keys: list[str], seconds: float = 20) -> None:
    """Each once, and nobody is told of an error."""
    await workers.until(lambda: workers.log.keys("ends") >= set(keys), seconds)
    await asyncio.sleep(0.5)
    assert Counter(line.key for line in workers.log.lines("ends")) == Counter(keys)
    assert not [line for line in workers.log.path.read_text().splitlines() if '"told ' in line]


async def test_by_the_lease_alone(workers: Herd) -> None:
    """Another machine: all within moments of each other once the lease has run out; no step done is done again."""
    dead, heir = await at_work(workers, keys := names(8), alone=True)
    at = await dead.killed()
    took = await taken_over(workers, heir, keys, at)
    assert took[0] > lease.SECONDS - lease.BEAT - 1
    assert repeated(workers) == {}


async def test_on_one_machine(workers: Herd) -> None:
    """Its process is seen to be gone, without waiting for the lease."""
    dead, heir = await at_work(workers, keys := names(8), lease=LONG)
    await taken_over(workers, heir, keys, await dead.killed())
    assert repeated(workers) == {}


async def test_one_that_leaves_gives_back_at_once(workers: Herd) -> None:
    """SIGTERM: what it cannot end goes on in the other at the next poll, and no lease is waited for."""
    leaver, heir = await at_work(workers, keys := names(8), alone=True, lease=LONG)
    at = leaver.send(signal.SIGTERM)
    assert await asyncio.wait_for(leaver.process.wait(), 10) == 0
    await taken_over(workers, heir, keys, at)


@pytest.mark.parametrize("thaw", ["early", "late"])
async def test_one_that_was_frozen(workers: Herd, thaw: str) -> None:
    """It does nothing more for runs that it lost, tells nobody, and then works on as a new one."""
    frozen, heir = await at_work(workers, keys := names(8), lease=SHORT)
    at = frozen.send(signal.SIGSTOP)

    def taken(what: str) -> set[str]:
        return {line.key for line in workers.log.lines(what) if line.at > at and line.pid == heir.pid}

    await workers.until(lambda: taken("began") >= set(keys))
    workers.log.go()
    if thaw == "late":
        await workers.until(lambda: taken("ends") >= set(keys))
    thawed = frozen.send(signal.SIGCONT)
    await all_end(workers, keys)
    assert [line for line in workers.log.lines("began") if line.pid == frozen.pid and line.at > thawed] == []
    assert set(repeated(workers).values()) <= {2}  # what it was in the middle of
    await heir.killed()
    await workers.send(keys := names(3, "later"), count=2, seconds=0.1)
    await workers.until(lambda: workers.of(frozen, "ends") >= set(keys))


async def test_a_run_that_kills_its_process_is_given_up(workers: Herd) -> None:
    """At the twenty-second attempt: it is told once, by one of two, and its lane is free."""
    first = await workers.start(lease=SHORT)
    await workers.send(["bad"], "poison", ["lane"])
    await workers.send(["good"], "walk", ["lane"], count=1, seconds=0)
    assert await asyncio.wait_for(first.process.wait(), 10) == -signal.SIGKILL
    with psycopg.connect(workers.url, autocommit=True) as connection:
        connection.execute("UPDATE dbos.workflow_status SET recovery_attempts = 20 WHERE workflow_uuid = 'bad'")
    last = await workers.start(lease=SHORT)
    assert await asyncio.wait_for(last.process.wait(), 10) == -signal.SIGKILL
    assert workers.log.lines("ends") == []
    await asyncio.gather(workers.start(lease=SHORT), workers.start(lease=SHORT))
    await workers.until(lambda: workers.log.lines("told GivenUp") and workers.log.lines("ends", "good"))
    await asyncio.sleep(1.5)  # the keepers look again, and again
    assert len(workers.log.lines("told GivenUp", "bad")) == 1
    assert len(workers.log.lines("began", "bad")) == 2


async def test_one_that_comes_on_is_not_given_up(workers: Herd) -> None:
    """It was taken up twenty times, and each time recorded a step more: its attempts count from the last one."""
    first = await workers.start(lease=SHORT)
    await workers.send(["slow"], count=4, seconds=0.4)
    for step in (1, 2):
        await workers.until(lambda step=step: step in {line.step for line in workers.log.lines("began")})
        await first.killed()
        with psycopg.connect(workers.url, autocommit=True) as connection:
            connection.execute("UPDATE dbos.workflow_status SET recovery_attempts = 20")
        first = await workers.start(lease=SHORT)
    await all_end(workers, ["slow"])
    with psycopg.connect(workers.url) as connection:
        assert connection.execute("SELECT recovery_attempts FROM dbos.workflow_status").fetchall() == [(2,)]


async def test_a_schedule_runs_once_per_tick(workers: Herd) -> None:
    """Over all processes; each tick has a key of its own."""
    await asyncio.gather(workers.start(ticks=True), workers.start(ticks=True))
    await workers.until(lambda: len(workers.log.lines("ticks")) >= 2)
    keys = [line.key for line in workers.log.lines("ticks")]
    assert len(keys) == len(set(keys))
    assert all(key.startswith("every:tick:20") for key in keys)
