"""The limits over all processes, and that a lane keeps its order under them; real processes on PostgreSQL."""

import asyncio
import signal

from tests.engine.herd import Herd


def most_at_once(workers: Herd) -> int:
    """The most runs that worked at one time, by their first step and their end."""
    lines = sorted([*workers.log.lines("began"), *workers.log.lines("ends")], key=lambda line: line.at)
    working: set[str] = set()
    most = 0
    for line in lines:
        (working.add if line.what == "began" else working.discard)(line.key)
        most = max(most, len(working))
    return most


async def ran(workers: Herd, name: str, **options: int) -> None:
    """Two workers do twelve runs: three in each of two lanes, and six in lanes of their own."""
    pair = await asyncio.gather(*(workers.start(**options) for _ in range(2)))
    keys = [f"{name} {number:02}" for number in range(12)]
    lanes = [f"lane {number % 2}" if number < 6 else f"lane {number}" for number in range(12)]
    await workers.send(keys, lanes=lanes, count=2, seconds=0.15)
    await workers.until(lambda: workers.log.keys("ends") >= set(keys), 30)
    for lane in range(2):
        mine = [line.key for line in workers.log.lines("ends") if line.key in keys[lane:6:2]]
        assert mine == sorted(mine)
    for worker in pair:
        worker.send(signal.SIGTERM)
        await worker.process.wait()


async def test_never_more_at_once_than_allowed(workers: Herd) -> None:
    """In both processes together; another number at the next start takes effect."""
    await ran(workers, "three", everywhere=3)
    assert most_at_once(workers) == 3
    await ran(workers, "none")
    assert most_at_once(workers) > 3


async def test_no_more_begin_in_a_minute_than_allowed(workers: Herd) -> None:
    """In both processes together."""
    await asyncio.gather(workers.start(per_minute=5), workers.start(per_minute=5))
    await workers.send([f"run {number}" for number in range(9)], count=1, seconds=0)
    await workers.until(lambda: len(workers.log.lines("ends")) == 5)
    await asyncio.sleep(2)
    assert len(workers.log.lines("began")) == 5
