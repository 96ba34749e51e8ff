"""The databases that are measured, with this version's schema."""

import asyncio
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from sqlalchemy import create_engine, func, inspect, select, table

from bot.engine.dbos import DbosEngine  # noqa: F401  DBOS sets warnings up when read, and so before Alembic
from bot.store.migrate import migrate
from tests import postgres

KINDS = ("sqlite", "postgresql")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a new one; PostgreSQL is a cluster of its own that ends with it."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'nightjar.sqlite'}"
        return
    with (
        tempfile.TemporaryDirectory() as state,
        postgres.shared(Path(state) / "cluster", "", _prepare) as cluster,
        cluster.database() as url,
    ):
        yield url


def _prepare(url: str) -> None:
    migrate(url)


def engine_of(url: str) -> str:
    """Where the engine of that database keeps its runs."""
    return url.replace("nightjar.sqlite", "nightjar-engine.sqlite")


def connections(url: str) -> int:
    """How many connections to a PostgreSQL database are open, without the one that asks."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return _one(url, query)


def size(url: str) -> int:
    """Bytes of all that is stored, with the write-ahead log of SQLite."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*") if not file.name.endswith("-shm"))
    return _one(url, "SELECT pg_database_size(current_database())")


def rows(url: str) -> int:
    """How many rows all tables have."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        look = inspect(connection)
        tables = [(s, t) for s in look.get_schema_names() if s != "information_schema" for t in look.get_table_names(s)]
        counts = [select(func.count()).select_from(table(name, schema=schema)) for schema, name in tables]
        found = sum(connection.scalar(count) or 0 for count in counts)
    engine.dispose()
    return found


def states(url: str) -> Counter[str]:
    """How many investigations of a store there are, by state."""
    return Counter(str(row[0]) for row in _rows(url, "SELECT state FROM investigations"))


async def answered(url: str, count: int, seconds: float = 120.0) -> None:
    """Wait until so many investigations in all are answered; AssertionError when one failed, TimeoutError."""
    async with asyncio.timeout(seconds):
        while (found := await asyncio.to_thread(states, url))["answered"] < count:
            assert not found["failed"], found
            await asyncio.sleep(0.1)


def _one(url: str, query: LiteralString) -> int:
    return int(_rows(url, query)[0][0])


def _rows(url: str, query: LiteralString) -> list[Any]:
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as file:
            return file.execute(query).fetchall()
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        return connection.execute(query).fetchall()
