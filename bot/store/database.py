"""Opens the store on SQLite or PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from bot.domain.errors import SetupError
from bot.store.audit import SqlAudit
from bot.store.base import Database
from bot.store.conversations import SqlConversations
from bot.store.evidence import SqlEvidence
from bot.store.history import SqlHistory
from bot.store.notes import SqlNotes
from bot.store.repositories import Store
from bot.store.votes import SqlVotes

_IDLE_MS = 4_000
_BUSY_MS = 2_000  # then the thread is free for others, and the transaction is tried again
_LIVE = {"connect_timeout": 2, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}  # seconds
_NONE_PREPARED = {"prepare_threshold": None}  # behind a PgBouncer the next transaction may have another session
_UNHEARD_MS = 5_000
_HUNG_MS = 30_000
"""One statement: a batch that retention deletes takes seconds at most, and migrations connect by themselves."""
_THREADS = 5
_SQLITE_THREADS = 2  # it has one writer at a time


def normalised(url: str) -> URL:
    """`sqlite:///path`, `postgres://…` or `postgresql://…` with our drivers; SetupError for anything else."""
    try:
        given = make_url(url)
    except ArgumentError as error:
        raise SetupError("DATABASE_URL is no URL; write sqlite:///path or postgresql://user@host/name") from error
    kind = given.drivername.partition("+")[0]
    if kind in ("postgres", "postgresql"):
        return given.set(drivername="postgresql+psycopg")
    if kind == "sqlite":
        return given.set(drivername="sqlite")
    raise SetupError(f"DATABASE_URL begins with {kind}://; there are sqlite:///path and postgresql://…")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _let_go(connection: Any, _: Any) -> None:
    """A process that is frozen amid a transaction must not hold its locks for long, nor a query its thread."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
        if "statement_timeout" not in connection.info.get_parameters().get("options", ""):
            cursor.execute(f"SET statement_timeout = {_HUNG_MS}")
    connection.commit()


def liveness(full: URL) -> dict[str, Any]:
    """How connections to PostgreSQL notice that nobody is there, and keep nothing in a session; the URL wins."""
    if full.get_backend_name() == "sqlite":
        return {}
    return {**_LIVE, **_NONE_PREPARED, "tcp_user_timeout": _UNHEARD_MS, **full.query}


def _database(url: str) -> Database:
    full = normalised(url)
    if full.get_backend_name() != "sqlite":
        engine = create_engine(
            full, pool_size=_THREADS, max_overflow=0, pool_pre_ping=True, connect_args=liveness(full)
        )
        event.listen(engine, "connect", _let_go)
        return Database(engine, _THREADS)
    if full.database:
        Path(full.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(full, pool_size=_SQLITE_THREADS, max_overflow=0)
    event.listen(engine, "connect", _prepare_sqlite)
    return Database(engine, _SQLITE_THREADS)


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """The store in a database that has this version's schema (`bot.store.migrate.migrate` sees to it)."""
    database = _database(url)
    try:
        yield Store(
            SqlConversations(database),
            SqlEvidence(database),
            SqlAudit(database),
            SqlVotes(database),
            SqlNotes(database),
            SqlHistory(database),
            database.outage.__str__,
        )
    finally:
        database.close()
