"""What the engine on DBOS promises beyond the port: one worker a file, slots, quiet logs, giving back on leaving."""

import asyncio
import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import SetupError
from bot.domain.plugin import Flow
from bot.domain.ports import Run, Steps
from bot.engine import _file
from bot.engine.dbos import DbosEngine
from bot.engine.lease import reached


class Ground:
    """What the flows did; `go` lets the waiting one end."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.began = asyncio.Event()
        self.go = asyncio.Event()


async def wait(steps: Steps, ground: Ground, payload: Any) -> Any:
    """Two steps, the second waits."""

    async def first() -> int:
        ground.done.append("first")
        return 1

    async def second() -> int:
        ground.began.set()
        await ground.go.wait()
        return 2

    ground.done.append([await steps.once("first", first, int), await steps.once("second", second, int)])


async def fail(steps: Steps, ground: Ground, payload: Any) -> Any:
    """No step, an error."""
    raise ValueError(payload)


FLOWS = {"wait": Flow("wait", wait), "fail": Flow("fail", fail)}


def engine(url: str) -> DbosEngine:
    """An engine with both flows."""
    return DbosEngine(url, FLOWS)


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """A SQLite file that is not there yet, in a folder that is not there yet."""
    return f"sqlite:///{tmp_path}/data/engine.sqlite"


async def test_a_second_worker_on_a_file_is_refused(file_url: str) -> None:
    """It would steal the first one's runs; the message names the file, the lock and the way out."""
    file = file_url.removeprefix("sqlite:///")
    async with engine(file_url).serving(Ground()):
        with pytest.raises(SetupError, match=rf"{file} \(it holds {file}\.lock\).*PostgreSQL"):
            async with engine(file_url).serving(Ground()):
                pass
    async with engine(file_url).serving(Ground()):
        pass


async def test_a_door_enqueues_and_does_not_work(engine_url: str) -> None:
    """Without `listen` a run is accepted and waits; a worker picks it up later."""
    ground, door = Ground(), engine(engine_url)
    async with door.serving(ground, listen=False):
        assert await door.start("wait", "k", "lane", {"a": 1})
        await asyncio.sleep(0.6)
        assert await door.lane("lane") == (Run("k", "wait", {"a": 1}, running=False),)
    ground.go.set()
    worker = engine(engine_url)
    async with worker.serving(ground):
        await asyncio.wait_for(worker.drained(), 20)
    assert ground.done == ["first", [1, 2]]


async def test_what_is_cut_short_on_leaving_goes_on_later(engine_url: str) -> None:
    """A run that outlasts the drain is given back, and goes on behind its last step, in whichever worker."""
    ground, first, second = Ground(), engine(engine_url), engine(engine_url)
    async with first.serving(ground, drain_seconds=0):
        await first.start("wait", "k", "lane", None)
        await asyncio.wait_for(ground.began.wait(), 20)
    async with second.serving(ground, listen=False):
        assert await second.lane("lane") == (Run("k", "wait", None, running=False),)
    ground.go.set()
    async with second.serving(ground):
        await asyncio.wait_for(second.drained(), 20)
    assert ground.done == ["first", [1, 2]]


async def test_what_is_taken_while_leaving_is_given_back(engine_url: str) -> None:
    """A run that comes from the queue in the very last moment does nothing, and goes on in the next worker."""
    ground, one = Ground(), engine(engine_url)
    ground.go.set()
    async with one.serving(ground):
        one._refusing = True
        await one.start("wait", "k", "lane", None)
        await asyncio.sleep(1.5)
        assert await one.lane("lane") == (Run("k", "wait", None, running=True),)
    assert ground.done == []
    async with one.serving(ground):
        await asyncio.wait_for(one.drained(), 20)
    assert ground.done == ["first", [1, 2]]


async def test_leaving_waits_for_what_is_nearly_done(file_url: str) -> None:
    """Within the drain a running flow ends by itself."""
    ground, one = Ground(), engine(file_url)
    async with one.serving(ground, drain_seconds=20):
        await one.start("wait", "k", "lane", None)
        await asyncio.wait_for(ground.began.wait(), 20)
        asyncio.get_running_loop().call_later(0.2, ground.go.set)
    assert ground.done == ["first", [1, 2]]


async def test_the_loop_works_on_afterwards(file_url: str) -> None:
    """DBOS takes over the loop's thread pool; leaving gives the loop one that works."""
    async with engine(file_url).serving(Ground()):
        pass
    assert await asyncio.to_thread(lambda: 1) == 1


async def test_an_error_is_logged_once_with_its_key(file_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """One line with the key, not a second one by DBOS; and the row says ERROR."""
    one = engine(file_url)
    async with one.serving(Ground()):
        await one.start("fail", "k", "lane", "no luck")
        await asyncio.wait_for(one.drained(), 20)
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (record.name, record.__dict__["key"]) == ("bot.engine.dbos", "k")
    assert row(file_url, "status") == "ERROR"


async def test_a_cancelled_run_is_no_news(file_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Stopping is normal: nothing is logged as a warning or an error."""
    ground, one = Ground(), engine(file_url)
    async with one.serving(ground):
        await one.start("wait", "k", "lane", None)
        await asyncio.wait_for(ground.began.wait(), 20)
        await one.cancel("k")
        await asyncio.sleep(2.5)  # DBOS notices within 1 s, then waits 1 s for the outcome
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert row(file_url, "status") == "CANCELLED"


async def test_what_a_row_says(file_url: str) -> None:
    """The version never changes, so that a deploy strands nothing; payloads are JSON, no pickles; the file is WAL."""
    one = engine(file_url)
    async with one.serving(Ground(), listen=False):
        await one.start("wait", "k", "lane", {"a": ["ü"]})
    assert row(file_url, "application_version") == "1"
    assert json.loads(row(file_url, "inputs", "workflow_input")) == {
        "positionalArgs": ["wait", {"a": ["ü"]}],
        "namedArgs": {},
    }
    with closing(sqlite3.connect(file_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def row(url: str, column: str, table: str = "workflow_status") -> Any:
    """A column of the one run there is."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        ((value,),) = connection.execute(f"SELECT {column} FROM {table}").fetchall()
    return value


async def test_one_engine_a_process(file_url: str, tmp_path: Path) -> None:
    """DBOS is one per process, so a second engine is refused, even on another file."""
    async with engine(file_url).serving(Ground()):
        with pytest.raises(SetupError, match="one only"):
            async with engine(f"sqlite:///{tmp_path}/other.sqlite").serving(Ground()):
                pass


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """The message names it."""
    (tmp_path / "bad.sqlite").write_bytes(b"x" * 4096)
    with pytest.raises(SetupError, match=r"bad\.sqlite cannot be used: file is not a database"):
        async with engine(f"sqlite:///{tmp_path}/bad.sqlite").serving(Ground()):
            pass


async def test_a_failed_launch_leaves_nothing(file_url: str, tmp_path: Path) -> None:
    """DBOS fails on tables it does not know; the next start, on a good file, works."""
    with closing(sqlite3.connect(tmp_path / "odd.sqlite")) as connection:
        connection.execute("CREATE TABLE dbos_migrations (other TEXT)")
    with pytest.raises(Exception, match="no such column: version"):
        async with engine(f"sqlite:///{tmp_path}/odd.sqlite").serving(Ground()):
            pass
    async with engine(file_url).serving(Ground(), listen=False):
        pass


async def test_a_door_needs_its_database_too() -> None:
    """A process that only accepts says at its start that it cannot."""
    with pytest.raises(SetupError, match="cannot be reached"):
        async with engine("postgresql://me@127.0.0.1:1/night").serving(Ground(), listen=False):
            pass


def test_an_unreachable_server_is_named_without_its_password() -> None:
    """Host and database, never the whole URL."""
    secret = "swordfish"
    url = f"postgresql://me:{secret}@127.0.0.1:1/night"
    with pytest.raises(SetupError, match=r"127\.0\.0\.1/night cannot be reached") as caught:
        reached(url)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("python", "sqlite", "fits"),
    [((3, 11), (3, 40, 1), True), ((3, 12), (3, 42, 0), True), ((3, 12), (3, 41, 9), False), ((3, 13), (3, 40), False)],
)
def test_the_clock_that_sqlite_lacks(python: tuple[int, ...], sqlite: tuple[int, ...], *, fits: bool) -> None:
    """Python 3.12 and later need SQLite 3.42; the error names both remedies."""
    if fits:
        _file.require_clock(python, sqlite)
        return
    with pytest.raises(SetupError, match=r"Use Python 3\.11, or a Python built with SQLite 3\.42.*PostgreSQL"):
        _file.require_clock(python, sqlite)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgres://u@h/d", "postgresql://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u@h/d?sslmode=require", "postgresql://u@h/d?sslmode=require"),
        ("sqlite+aiosqlite:///a/b.sqlite", "sqlite:///a/b.sqlite"),
        ("sqlite:////a/b.sqlite", "sqlite:////a/b.sqlite"),
    ],
)
def test_urls_as_dbos_takes_them(given: str, taken: str) -> None:
    """Whatever driver the URL names, DBOS gets its own form."""
    assert _file.database_url(given) == taken
