"""While the database is away the store waits, and it is back soon after the database is."""

import asyncio
import logging
import shutil
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from bot.domain.place import Place
from bot.store.base import Database, Repository
from bot.store.database import _database, normalised, open_store
from bot.store.memory import open_memory
from bot.store.migrate import _open, migrate
from bot.store.notes import SqlNotes
from bot.store.outage import Outage, why_away
from tests.chaos.proxy import Proxy, Weather

T = TypeVar("T")


def failed(url: str, statement: str = "SELECT 1", *, timeout: float = 0.02) -> DBAPIError:
    """How a statement fails."""
    lite = url.startswith("sqlite")
    engine = create_engine(normalised(url), connect_args={"timeout": timeout} if lite else {"connect_timeout": 2})
    try:
        with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
    return caught.value


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another program writes into the file and takes its time."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.rollback()


def test_a_locked_file_is_an_outage(sqlite_url: str) -> None:
    """Somebody else writes: that ends."""
    with locked(sqlite_url):
        assert why_away(failed(sqlite_url, "INSERT INTO notes (key, value) VALUES ('a', 'b')")) == "database is locked"


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["57P01", "57P03", "53100", "53300", "25006"])
def test_states_of_a_server_that_end(postgres_url: str, state: str) -> None:
    """It stops, starts, is full, has too many guests, or is a standby."""
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'soon again' USING ERRCODE = '{state}'; END $$"
    assert why_away(failed(postgres_url, raising)) == "soon again"


@pytest.mark.postgres
def test_a_server_that_ends_the_connection(postgres_url: str) -> None:
    """An administrator's shutdown cuts what is at work."""
    assert "terminating connection" in why_away(failed(postgres_url, "SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_a_transaction_in_which_nothing_happens_is_ended(postgres_url: str) -> None:
    """A process that is frozen in the middle of one holds its locks for four seconds at the most."""
    database = _database(postgres_url)
    try:
        show = text("SHOW idle_in_transaction_session_timeout")
        assert await database.run(lambda connection: connection.execute(show).scalar()) == "4s"
    finally:
        database.close()


@pytest.mark.postgres
@pytest.mark.parametrize(("more", "longest"), [("", "30s"), ("?options=-c%20statement_timeout%3D7s", "7s")])
async def test_a_statement_has_an_end(postgres_url: str, more: str, longest: str) -> None:
    """Of the store's, as the URL says or half a minute; a migration takes its time."""
    show = text("SHOW statement_timeout")
    with closing(_database(f"{postgres_url}{more}")) as database:
        assert await database.run(lambda connection: connection.execute(show).scalar()) == longest
    if not more:
        engine = _open(postgres_url)
        with engine.connect() as connection:
            assert connection.execute(show).scalar() == "0"
        engine.dispose()


@pytest.mark.postgres
async def test_a_statement_that_hangs_frees_its_thread_and_is_tried_again(postgres_url: str) -> None:
    """Somebody locks a table for long: what needs it waits outside of the pool, is named, and goes on in the end."""
    async with open_store(f"{postgres_url}?options=-c%20statement_timeout%3D200") as store:
        with psycopg.connect(postgres_url) as other:
            other.execute("LOCK TABLE notes")
            waiting = [asyncio.create_task(store.notes.put(f"a{number}", "b")) for number in range(8)]
            while "statement timeout" not in store.trouble():  # noqa: ASYNC110  it is asked as /readyz asks
                await asyncio.sleep(0.02)
            place = Place("T1", "C1", "1.0")
            for _ in range(3):
                await asyncio.wait_for(store.history.recent(place), 3)
            assert not any(task.done() for task in waiting)
            other.rollback()
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        assert store.trouble() == ""


def test_a_server_that_is_not_there() -> None:
    """What is shown is the reason alone."""
    why = why_away(failed("postgresql://me:swordfish@127.0.0.1:1/night"))
    assert "refused" in why
    assert "swordfish" not in why


@pytest.mark.postgres
@pytest.mark.parametrize("statement", ["SELEC 1", "INSERT INTO notes (key) VALUES ('a')", "SELECT 1 / 0"])
def test_errors_that_waiting_does_not_mend(database_url: str, statement: str) -> None:
    """They are raised at once."""
    if statement == "SELECT 1 / 0" and database_url.startswith("sqlite"):
        statement = "SELECT * FROM nowhere"
    assert why_away(failed(database_url, statement)) == ""


@pytest.mark.postgres
def test_a_database_that_does_not_exist_is_no_outage(postgres_url: str) -> None:
    """A wrong name stays wrong."""
    assert why_away(failed(f"{postgres_url}_not")) == ""


async def test_errors_are_raised_at_once(database_url: str) -> None:
    """The store does not try again what cannot work."""
    async with open_store(database_url) as store:
        assert isinstance(store.notes, Repository)
        with pytest.raises(DBAPIError):
            await asyncio.wait_for(store.notes._database.run(lambda c: c.execute(text("SELEC 1"))), 2)
        assert store.trouble() == ""


async def test_a_locked_file_is_waited_for(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Many writers come through soon after the lock is gone, the store says so meanwhile, and the log once."""
    caplog.set_level(logging.WARNING, "bot.store.outage")
    engine = create_engine(sqlite_url, pool_size=2, connect_args={"timeout": 0.05})
    with closing(Database(engine, 2)) as database:
        with locked(sqlite_url):
            writing = [asyncio.create_task(database.run(partial(put, n))) for n in range(5)]
            await asyncio.sleep(1.5)
            assert str(database.outage).startswith("the database cannot be reached since ")
            assert str(database.outage).endswith(" UTC: database is locked")
        began = time.monotonic()
        await asyncio.gather(*writing)
        assert time.monotonic() - began < 2
        assert str(database.outage) == ""
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def put(number: int, connection: Connection) -> None:
    """Write one row."""
    connection.execute(text("INSERT INTO notes (key, value) VALUES (:key, '')"), {"key": str(number)})


async def test_a_full_file_heals(sqlite_url: str) -> None:
    """Once there is room again, what waited is written, and nothing needs to be started again."""
    engine = create_engine(sqlite_url, pool_size=1, max_overflow=0)
    big = {"value": "x" * 20_000}
    statement = text("INSERT OR REPLACE INTO notes (key, value) VALUES ('big', :value)")
    with closing(Database(engine, 1)) as database:
        await database.run(lambda connection: connection.execute(text("PRAGMA max_page_count=1")))
        writing = asyncio.create_task(database.run(lambda connection: connection.execute(statement, big)))
        await asyncio.sleep(0.5)
        assert "full" in str(database.outage)
        await database.run(lambda connection: connection.execute(text("PRAGMA max_page_count=100000")))
        await asyncio.wait_for(writing, 3)
        found = await database.run(lambda connection: connection.execute(text("PRAGMA integrity_check")).scalar_one())
    assert found == "ok"


class Forgetful(Database):
    """Loses the connection right after the first commits, before anybody is told."""

    losses = 1

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        found = super()._transaction(work)
        if self.losses:
            self.losses -= 1
            raise OperationalError("COMMIT", {}, psycopg.OperationalError("lost"), connection_invalidated=True)
        return found


@pytest.mark.parametrize("replace", [False, True])
async def test_a_commit_that_was_kept_and_not_told(database_url: str, replace: bool) -> None:
    """Whoever put the note is told that it is new, and nobody else is."""
    with closing(Forgetful(create_engine(normalised(database_url)), 1)) as database:
        first, other = SqlNotes(database), SqlNotes(database)
        assert await first.put("once", "1", replace=replace)
        assert not await other.put("once", "1", replace=replace)
        database.losses = 1
        assert not await other.put("once", "1", replace=replace)
        assert await first.get("once") == "1"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a full disk is NOT tested: no file system may be mounted here ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="a full disk is NOT tested: there is no mount here")
async def test_a_full_disk_heals(small_disk: Path) -> None:
    """What was told as stored is there, what waits is stored once there is room, and the file is whole."""
    migrate(url := f"sqlite:///{small_disk}/nightjar.sqlite")
    (ballast := small_disk / "ballast").write_bytes(b"x" * 20_000_000)
    async with open_store(url) as store:
        stored: list[str] = []

        async def fill(writer: int) -> None:
            for number in range(60):
                await store.notes.put(key := f"{writer}:{number}", "x" * 20_000)
                stored.append(key)

        writing = asyncio.gather(*(fill(writer) for writer in range(4)))
        async with asyncio.timeout(20):
            while not store.trouble():  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.05)
        assert "full" in store.trouble() or "disk" in store.trouble()
        assert all([await store.notes.get(key) for key in stored])
        assert store.trouble()  # what is only read goes on, and ends nothing
        ballast.unlink()
        await asyncio.wait_for(writing, 5)
        assert store.trouble() == ""
        assert len(stored) == 240
        assert all([await store.notes.get(key) for key in stored])
    with closing(sqlite3.connect(small_disk / "nightjar.sqlite")) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@asynccontextmanager
async def before(url: str) -> AsyncIterator[tuple[str, Proxy]]:
    """The database's URL through a proxy."""
    real = make_url(url)
    async with Proxy(real.host or "", real.port or 0) as proxy:
        yield real.set(port=proxy.port).render_as_string(hide_password=False), proxy


@pytest.mark.postgres
async def test_a_server_that_goes_and_comes(postgres_url: str) -> None:
    """What was asked meanwhile is done within 5 s of its return."""
    async with before(postgres_url) as (url, proxy), open_store(url) as store:
        await store.notes.put("a", "1")
        proxy.weather = Weather(closed=True)
        proxy.reset()
        waiting = [asyncio.create_task(store.notes.put(f"b{number}", "2")) for number in range(20)]
        await asyncio.sleep(2)
        assert "cannot be reached" in store.trouble()
        proxy.weather, began = Weather(), time.monotonic()
        assert all(await asyncio.gather(*waiting))
        assert time.monotonic() - began < 5
        assert store.trouble() == ""


@pytest.mark.postgres
async def test_who_leaves_leaves_nothing_behind(postgres_url: str) -> None:
    """A call that was given up is tried no more, and the threads are free for the next."""
    async with before(postgres_url) as (url, proxy), open_store(url) as store:
        await store.notes.put("a", "1")
        proxy.weather = Weather(closed=True)
        proxy.reset()
        for _ in range(2):
            async with asyncio.timeout(10):
                given_up = await asyncio.gather(*(briefly(store.notes.put(f"b{n}", "2")) for n in range(20)))
            assert given_up == [False] * 20
        asked = proxy.accepted
        await asyncio.sleep(1.5)
        assert proxy.accepted == asked
        proxy.weather = Weather()
        assert await asyncio.wait_for(store.notes.get("a"), 2) == "1"
        assert await store.notes.get("b1") is None


async def briefly(call: Awaitable[object]) -> bool:
    """Whether it was done in the time that an acknowledgement leaves."""
    try:
        async with asyncio.timeout(0.5):
            await call
    except TimeoutError:
        return False
    return True


def test_an_outage_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """However many meet it; what ends without having begun says nothing."""
    caplog.set_level(logging.WARNING)
    outage = Outage()
    outage.ends(waited=False)
    for why in ("first", "second"):
        outage.begins(why, waited=False)
    outage.begins("third", waited=True)
    outage.ends(waited=False)
    assert str(outage).endswith("third")
    for _ in range(2):
        outage.ends(waited=True)
    assert str(outage) == ""


def test_an_outage_that_nobody_waits_for_ends_with_the_next_success() -> None:
    """Whoever met it has left."""
    outage = Outage()
    outage.begins("gone", waited=False)
    outage.leaves()
    assert str(outage).endswith("gone")
    outage.ends(waited=False)
    assert str(outage) == ""


def test_the_ends_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """One line each."""
    caplog.set_level(logging.WARNING)
    outage = Outage()
    outage.begins("gone", waited=False)
    outage.begins("gone", waited=True)
    outage.ends(waited=True)
    assert [record.message for record in caplog.records] == [
        "the database cannot be reached; what needs it waits", "the database is back",
    ]  # fmt: skip


def test_the_memory_has_no_outage() -> None:
    """The same question may be asked there."""
    assert open_memory().trouble() == ""


@pytest.mark.postgres
def test_how_postgres_connections_end(postgres_url: str) -> None:
    """A cut that nobody tells of is noticed within seconds, and a connection attempt is given up."""
    database = _database(f"{postgres_url}?keepalives_idle=7")
    with closing(database), database._engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        given = driver.info.get_parameters()
    assert (given["connect_timeout"], given["tcp_user_timeout"], given["keepalives_idle"]) == ("2", "5000", "7")
