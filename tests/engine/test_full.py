"""The disk of a SQLite file is full: what runs waits for room, what is accepted is refused at once, leaving ends."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from bot.engine.dbos import DbosEngine
from tests.chaos.disk import fill, small_disk
from tests.engine.test_dbos import FLOWS, Ground


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small one."""
    try:
        with small_disk("8m") as made:
            yield made
    except PermissionError as error:
        pytest.skip(str(error))


async def begun(engine: DbosEngine, ground: Ground) -> None:
    """A run is in its second step."""
    assert await engine.start("wait", "k", "lane", None)
    await asyncio.wait_for(ground.began.wait(), 10)


async def test_what_runs_waits_for_room(disk: Path) -> None:
    """Its step is recorded once there is some; meanwhile nothing new is accepted, and Slack hears that in time."""
    engine, ground = DbosEngine(f"sqlite:///{disk}/engine.sqlite", FLOWS), Ground()
    async with engine.serving(ground):
        await begun(engine, ground)
        fill(disk / "ballast")
        ground.go.set()
        began = time.monotonic()
        with pytest.raises(OperationalError, match="full"):
            await engine.start("wait", "another", "other lane", None)
        assert time.monotonic() - began < 1.5
        await asyncio.sleep(1.5)
        assert ground.done == ["first"]
        (disk / "ballast").unlink()
        await asyncio.wait_for(engine.drained(), 10)
    assert ground.done == ["first", [1, 2]]


async def test_a_worker_leaves_a_full_disk(disk: Path) -> None:
    """What waits for room holds nobody; the next worker does it again."""
    url = f"sqlite:///{disk}/engine.sqlite"
    ground = Ground()
    engine = DbosEngine(url, FLOWS)
    async with engine.serving(ground, drain_seconds=0.2):
        await begun(engine, ground)
        fill(disk / "ballast")
        ground.go.set()
        await asyncio.sleep(0.5)
        began = time.monotonic()
    assert time.monotonic() - began < 8
    (disk / "ballast").unlink()
    engine = DbosEngine(url, FLOWS)
    async with engine.serving(ground):
        await asyncio.wait_for(engine.drained(), 10)
    assert ground.done == ["first", [1, 2]]
