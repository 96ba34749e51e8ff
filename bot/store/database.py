"""Opens the store on SQLite or PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.domain.errors import SetupError
from bot.store.audit import SqlAudit
from bot.store.conversations import SqlConversations
from bot.store.evidence import SqlEvidence
from bot.store.notes import SqlNotes
from bot.store.repositories import Store
from bot.store.votes import SqlVotes

_BUSY_MS = 30_000


def normalised(url: str, *, blocking: bool = False) -> URL:
    """`sqlite:///path`, `postgres://…` or `postgresql://…` with our drivers; SetupError for anything else."""
    try:
        given = make_url(url)
    except ArgumentError as error:
        raise SetupError("DATABASE_URL is no URL; write sqlite:///path or postgresql://user@host/name") from error
    kind = given.drivername.partition("+")[0]
    if kind in ("postgres", "postgresql"):
        return given.set(drivername="postgresql+psycopg")
    if kind == "sqlite":
        return given.set(drivername="sqlite" if blocking else "sqlite+aiosqlite")
    raise SetupError(f"DATABASE_URL begins with {kind}://; there are sqlite:///path and postgresql://…")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _engine(url: str) -> AsyncEngine:
    full = normalised(url)
    if full.get_backend_name() != "sqlite":
        return create_async_engine(full, pool_size=5, max_overflow=5, pool_pre_ping=True)
    if full.database:
        Path(full.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(full)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """The store in a database that has this version's schema (`bot.store.migrate.migrate` sees to it)."""
    engine = _engine(url)
    try:
        yield Store(SqlConversations(engine), SqlEvidence(engine), SqlAudit(engine), SqlVotes(engine), SqlNotes(engine))
    finally:
        await engine.dispose()
