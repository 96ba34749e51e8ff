"""What is private in DBOS and relied on: each fails here first when a new release of it is taken."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from dbos import _sys_db
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.domain.plugin import Flow
from bot.domain.ports import Steps
from bot.engine import _inside, lease
from bot.engine._quiet import quieten
from bot.engine.dbos import DbosEngine


class Ground:
    """What the flow did; `go` lets it end."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.owned: list[bool] = []
        self.go = asyncio.Event()

    async def begun(self, count: int = 1) -> None:
        """Wait for so many beginnings."""
        async with asyncio.timeout(20):
            while len(self.began) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def wait(steps: Steps, ground: Ground, payload: Any) -> Any:
    """One step that waits to be let go."""

    async def waits() -> bool:
        ground.began.append(steps.key)
        await ground.go.wait()
        ground.owned.append(await asyncio.to_thread(_inside.owned, steps.key))
        return True

    await steps.once("wait", waits, bool)


@pytest.fixture
def ground() -> Ground:
    """A new one."""
    return Ground()


@pytest.fixture
async def engine(postgres_url: str, ground: Ground) -> AsyncIterator[DbosEngine]:
    """A worker on PostgreSQL."""
    made = DbosEngine(postgres_url, {"wait": Flow("wait", wait)})
    async with made.serving(ground, drain_seconds=0):
        yield made


def row(url: str, key: str = "k") -> tuple[str, str, int]:
    """Status, executor and attempts of a run."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT status, executor_id, recovery_attempts FROM dbos.workflow_status WHERE workflow_uuid = %s", (key,)
        ).fetchone()
    assert found is not None
    return found


def change(url: str, statement: str) -> None:
    """Do something to the tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


async def test_recovering_takes_from_the_dead_only(engine: DbosEngine, ground: Ground, postgres_url: str) -> None:
    """What a living worker has taken since is left alone, and its attempts stay what they were."""
    await engine.start("wait", "k", "lane", None)
    await ground.begun()
    before = row(postgres_url)
    assert before == ("PENDING", _inside.executor(), 1)
    await asyncio.to_thread(_inside.recover, "worker-that-is-dead")
    await asyncio.sleep(0.6)
    assert row(postgres_url) == before


async def test_many_reapers_recover_once(engine: DbosEngine, ground: Ground, postgres_url: str) -> None:
    """Eight at once, again and again: the run is taken once more, and no more often."""
    await engine.start("wait", "k", "lane", None)
    await ground.begun()
    change(postgres_url, "UPDATE dbos.workflow_status SET executor_id = 'dead'")
    with ThreadPoolExecutor(8) as pool:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            await asyncio.gather(*(asyncio.wrap_future(pool.submit(_inside.recover, "dead")) for _ in range(8)))
    assert row(postgres_url) == ("PENDING", _inside.executor(), 2)
    assert ground.began == ["k", "k"]


async def test_a_row_of_another_version_stops_nobody(engine: DbosEngine, ground: Ground, postgres_url: str) -> None:
    """It is left alone, and the beats go on."""
    await engine.start("wait", "k", "lane", None)
    await ground.begun()
    change(postgres_url, "UPDATE dbos.workflow_status SET executor_id = 'dead', application_version = '0'")
    await asyncio.sleep(2.5)
    assert row(postgres_url) == ("PENDING", "dead", 1)
    assert engine.fence.holds()
    with psycopg.connect(postgres_url) as connection:
        beats = connection.execute("SELECT clock_timestamp() - beat < interval '2 s' FROM nightjar_engine.workers")
        assert beats.fetchall() == [(True,)]


async def test_a_lost_row_means_a_new_name(engine: DbosEngine, ground: Ground, postgres_url: str) -> None:
    """What runs is cut off, its rows go to whoever finds them, and what is taken since stays though reapers come late.

    Nobody is told of an error, and what an execution was before it lost its run no longer counts as its owner.
    """
    former = _inside.executor()
    await engine.start("wait", "k", "lane", None)
    await ground.begun()
    change(postgres_url, "DELETE FROM nightjar_engine.workers")
    await ground.begun(2)
    assert _inside.executor() != former
    for _ in range(20):
        await asyncio.to_thread(_inside.recover, former)
        await asyncio.sleep(0.05)
    assert row(postgres_url) == ("PENDING", _inside.executor(), 2)
    assert engine.fence.holds()
    ground.go.set()
    await asyncio.wait_for(engine.drained(), 20)
    assert (ground.began, ground.owned, row(postgres_url)[0]) == (["k", "k"], [True], "SUCCESS")


async def test_behind_a_closed_fence_no_step_begins(engine: DbosEngine, ground: Ground) -> None:
    """It waits until this process may act again."""
    engine.fence.seconds = 0.0
    await engine.start("wait", "k", "lane", None)
    await asyncio.sleep(1)
    assert ground.began == []
    engine.fence.seconds = 4.0
    await ground.begun()


async def test_a_lost_claim_is_put_back(engine: DbosEngine, ground: Ground, postgres_url: str) -> None:
    """The database took the claim, and its answer got lost: the run begins all the same."""
    ground.go.set()
    await engine.start("wait", "k", "lane", None)
    await asyncio.wait_for(engine.drained(), 20)
    change(postgres_url, "UPDATE dbos.workflow_status SET status = 'PENDING'")
    await asyncio.sleep(0.1)
    assert row(postgres_url) == ("PENDING", _inside.executor(), 1)
    await engine._keeper.revive(engine._found())
    assert row(postgres_url) == ("PENDING", _inside.executor(), 1)
    await engine._keeper.revive(engine._found())
    await asyncio.wait_for(engine.drained(), 20)
    assert row(postgres_url) == ("SUCCESS", _inside.executor(), 2)


async def test_who_works_is_not_idle(engine: DbosEngine, ground: Ground, postgres_url: str) -> None:
    """However often it is looked at."""
    await engine.start("wait", "k", "lane", None)
    await ground.begun()
    for _ in range(3):
        await engine._keeper.revive(engine._found())
    assert _inside.working() == {"k"}
    assert row(postgres_url) == ("PENDING", _inside.executor(), 1)


async def test_waiting_for_the_database_can_be_ended(
    engine: DbosEngine, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that waits fails at its next attempt; the longest pause between two is a second."""
    naps: list[float] = []
    monkeypatch.setattr(_sys_db.time, "sleep", naps.append)  # type: ignore[attr-defined]

    @_sys_db.db_retry(sys_db=_inside.database())
    def asks() -> None:
        if len(naps) == 5:
            _inside.wait_no_more()
        raise OperationalError("", {}, psycopg.OperationalError("connection refused"), connection_invalidated=True)

    with pytest.raises(OperationalError):
        await asyncio.to_thread(asks)
    assert len(naps) == 5
    monkeypatch.undo()
    began = time.monotonic()
    _sys_db.time.sleep(30)  # type: ignore[attr-defined]
    assert time.monotonic() - began < 1.5


def test_that_the_database_is_away_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Each thread would say so every second; what else DBOS says is heard."""
    quieten(set())
    logger = logging.getLogger("dbos")
    with caplog.at_level(logging.WARNING, "dbos"):
        for _ in range(5):
            logger.warning("Database connection failed: refused. Retrying in 1.00s (attempt 3)")
        logger.warning("something else")
    assert [record.getMessage()[:14] for record in caplog.records] == ["Database conne", "something else"]


async def test_a_transaction_in_which_nothing_happens_is_ended(engine: DbosEngine) -> None:
    """On every connection, those of the start too, before the lease is over: a frozen worker holds no lock for long."""

    def told() -> set[str]:
        pool = _inside.database().engine
        with ExitStack() as stack:
            opened = [stack.enter_context(pool.connect()) for _ in range(4)]
            return {str(one.execute(text("SHOW idle_in_transaction_session_timeout")).scalar()) for one in opened}

    assert await asyncio.to_thread(told) == {"4s"}
    assert lease.SECONDS > 4
