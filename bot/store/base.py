"""What all tables share: the naming of constraints, columns cleaned at the door, transactions, upserts."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Executable,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from bot.domain import plain
from bot.domain.messages import JSON
from bot.store.outage import Outage, why_away

BATCH = 500  # rows deleted in one transaction, so that nobody waits long for it
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds
T = TypeVar("T")
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Words(TypeDecorator[str]):
    """Text without what one of the databases refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean it."""
        return None if value is None else plain.text(value)


class Plain(TypeDecorator[JSON]):
    """JSON as text, byte for byte the same on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: JSON, dialect: Dialect) -> str:
        """Write it."""
        return plain.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> JSON:
        """Read it."""
        return None if value is None else json.loads(value)


class Moment(TypeDecorator[datetime]):
    """A time in UTC, never null; SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn it to UTC."""
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC."""
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


def created() -> Column[datetime]:
    """The column that says when a row was written last; the database fills it in."""
    return Column("created", Moment, nullable=False, server_default=func.now(), index=True)


class Database:
    """Runs each transaction in a thread of its own pool.

    A driver for asyncio hops between threads several times a statement; one hop a transaction costs a third of the CPU.
    """

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, "store")
        self.outage = Outage()

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, in one transaction: all of it is kept, or nothing.

        While the database is away it waits and tries again, for as long as the caller does. A commit whose outcome is
        not known is tried again, too, so that `work` must be one that may be done twice.
        """
        loop, pause, waited = asyncio.get_running_loop(), _FIRST_PAUSE, False
        try:
            while True:
                try:
                    found = await loop.run_in_executor(self._threads, self._transaction, work)
                except DBAPIError as error:
                    if not (why := why_away(error)):
                        raise
                    self.outage.begins(why, waited=waited)
                    waited = True
                else:
                    self.outage.ends(waited=waited)
                    return found
                await asyncio.sleep(pause)  # here and not in the thread: nothing goes on for one who has left
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            if waited:
                self.outage.leaves()

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        """Let what runs end, then close the connections; blocks."""
        self._threads.shutdown()
        self._engine.dispose()


class Repository:
    """What every repository has: the database. One method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _drop(self, table: Table, gone: ColumnElement[bool]) -> int:
        """Delete a batch of the rows that `gone` is true of; how many there were."""
        key = tuple_(*table.primary_key.columns)
        batch = select(*table.primary_key.columns).where(gone).limit(BATCH)
        statement = delete(table).where(key.in_(batch))

        def work(connection: Connection) -> int:
            done = connection.execute(statement)
            return done.rowcount

        return await self._database.run(work)


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those that have the same key (`table.info["key"]`)."""
    if rows:
        connection.execute(_upsert(table, connection.dialect.name), rows)


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless its key is there; whether it was inserted."""
    return connection.execute(_insert_new(table, connection.dialect.name), row).first() is not None


@cache
def _upsert(table: Table, dialect: str) -> Executable:
    key: tuple[str, ...] = table.info["key"]
    statement = _INSERT[dialect](table)
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in (*key, "id")}
    return cast(Executable, statement.on_conflict_do_update(index_elements=key, set_=changed))


@cache
def _insert_new(table: Table, dialect: str) -> Executable:
    key: tuple[str, ...] = table.info["key"]
    return cast(
        Executable, _INSERT[dialect](table).on_conflict_do_nothing(index_elements=key).returning(table.c[key[0]])
    )


_INSERT: dict[str, Callable[[Table], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
