"""PostgreSQL goes away: in the middle of steps, for longer than a lease, and while a worker leaves."""

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bot.domain.errors import SetupError
from bot.engine.dbos import DbosEngine
from bot.engine.lease import reached
from tests import postgres
from tests.chaos.postgres_outage import Server, serving
from tests.engine.herd import FLOWS, Log, herd

SHORT = (1.5, 0.3, 0.5)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL of the tests' own, which keeps what it said it stored."""
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is NOT tested: its server is not installed")
    with serving() as made:
        yield made


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """A database in it."""
    with server.cluster.database() as made:
        yield made


def seen(log: Log, since: float, keys: list[str]) -> bool:
    """Whether each run has done a step since."""
    return log.since(since, "did") >= set(keys)


async def crash(server: Server) -> None:
    """Stop it at once."""
    await asyncio.to_thread(server.ctl, "stop", "-m", "immediate")


async def test_it_crashes_in_the_middle_of_steps(server: Server, url: str, tmp_path: Path) -> None:
    """Twice, once longer than the lease: within 5 s of its return all goes on; no step that was done is done again, and
    nobody takes another for dead."""
    async with herd(url, tmp_path) as workers:
        await asyncio.gather(workers.start(lease=SHORT), workers.start(lease=SHORT))
        await workers.send(keys := [f"run {number}" for number in range(8)], count=12, seconds=0.25)
        await workers.until(lambda: workers.log.keys("did") >= set(keys))
        for away in (0.2, 3.0):
            await crash(server)
            await asyncio.sleep(away)
            await asyncio.to_thread(server.start)
            back = time.time()
            await workers.until(partial(seen, workers.log, back, keys), 5)
        await workers.until(lambda: workers.log.keys("ends") >= set(keys))
        did = Counter((line.key, line.step) for line in workers.log.lines("did"))
        assert set(did.values()) == {1}
        assert "taken for dead" not in workers.log.path.with_suffix(".err").read_text()
        assert len(workers.log.lines("ends")) == len(keys)


async def test_a_worker_leaves_while_it_is_away(server: Server, url: str, tmp_path: Path) -> None:
    """SIGTERM ends it in time; the next one goes on with what it had."""
    async with herd(url, tmp_path) as workers:
        leaver = await workers.start(lease=SHORT)
        await workers.send(keys := ["a", "b"], count=6, seconds=0.3)
        await workers.until(lambda: workers.log.keys("did") >= set(keys))
        await crash(server)
        try:
            await asyncio.sleep(1)
            leaver.send(signal.SIGTERM)
            assert await asyncio.wait_for(leaver.process.wait(), 8) == 0
        finally:
            await asyncio.to_thread(server.start)
        await workers.start(lease=SHORT)
        await workers.until(lambda: workers.log.keys("ends") >= set(keys))
        assert workers.log.lines("told DBAPIError") == []


async def test_while_it_is_away(server: Server, url: str, tmp_path: Path) -> None:
    """Accepting fails within seconds, a process does not even start, and what a flow asks or stops waits; what was
    accepted after all, when the answer was given up, is the same run when it is delivered again."""
    engine = DbosEngine(url, FLOWS)
    async with engine.serving(Log(tmp_path / "log")):
        await crash(server)
        try:
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                await engine.start("walk", "k", "lane", {"count": 1, "seconds": 0})
            assert time.monotonic() - began < 2.5
            waiting = asyncio.gather(engine.cancel("unknown"), engine.lane("nobody's"))
            await asyncio.sleep(1)
            assert not waiting.done()
            with pytest.raises(SetupError, match="cannot be reached"):
                reached(url)
        finally:
            await asyncio.to_thread(server.start)
        assert (await asyncio.wait_for(waiting, 10))[1] == ()
        async with asyncio.timeout(10):
            while await engine.spot("k") is None:  # noqa: ASYNC110  another thread tries again
                await asyncio.sleep(0.1)
        assert not await engine.start("walk", "k", "lane", {"count": 1, "seconds": 0})
        await asyncio.wait_for(engine.drained(), 20)
    assert len(Log(tmp_path / "log").lines("ends", "k")) <= 1


async def test_an_acceptance_that_waits_holds_nobody_who_leaves(server: Server, url: str, tmp_path: Path) -> None:
    """Its thread goes on trying when nobody waits for the ack any more; a process that ends would wait for it for as
    long as the database is away."""
    engine = DbosEngine(url, FLOWS)
    try:
        async with engine.serving(Log(tmp_path / "log")):
            await crash(server)
            with pytest.raises(TimeoutError):
                await engine.start("walk", "k", "lane", {"count": 1, "seconds": 0})
            waiting = [thread for thread in threading.enumerate() if thread.name.startswith("door")]
            began = time.monotonic()
        for thread in waiting:
            await asyncio.to_thread(thread.join, 10 - (time.monotonic() - began))
        assert waiting
        assert not any(thread.is_alive() for thread in waiting)
    finally:
        await asyncio.to_thread(server.start)
