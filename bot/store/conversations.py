"""The transcript of each place, message by message."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    select,
)

from bot.domain.messages import Message
from bot.domain.outcomes import decode, encode
from bot.domain.place import Place
from bot.store.base import Plain, Repository, Words, created, metadata, upsert

messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("team", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("thread", Words, nullable=False),
    Column("flow", Words, nullable=False),
    Column("position", Integer, nullable=False),
    Column("message", Plain, nullable=False),
    created(),
    UniqueConstraint("team", "channel", "thread", "flow", "position"),
    info={"key": ("team", "channel", "thread", "flow", "position")},
)


def in_channel(table: Table) -> ColumnElement[bool]:
    """Rows of the channel given as `team` and `channel`."""
    return (table.c.team == bindparam("team")) & (table.c.channel == bindparam("channel"))


def in_thread(table: Table) -> ColumnElement[bool]:
    """Rows of the thread given as `team`, `channel` and `thread`."""
    return in_channel(table) & (table.c.thread == bindparam("thread"))


_LOAD = select(messages.c.message).where(in_thread(messages)).order_by(messages.c.id)


class SqlConversations(Repository):
    """The `Conversations` port."""

    async def load(self, place: Place) -> tuple[Message, ...]:
        """What was said in this thread, oldest first; outside any thread only what was said outside."""

        def work(connection: Connection) -> tuple[Message, ...]:
            return tuple(decode(Message, row.message) for row in connection.execute(_LOAD, vars(place)))

        return await self._database.run(work)

    async def append(self, place: Place, flow: str, messages_: Sequence[Message]) -> None:
        """Keep what a flow adds; the same flow again replaces its own."""
        rows = [
            {**vars(place), "flow": flow, "position": position, "message": encode(Message, message)}
            for position, message in enumerate(messages_)
        ]
        await self._database.run(lambda connection: upsert(connection, messages, rows))

    async def forget(self, place: Place, ts: str = "") -> None:
        """Delete what the message `ts` led to, in whichever thread; without one, the thread or the whole channel."""
        gone: ColumnElement[bool]
        if ts:
            gone = in_channel(messages) & messages.c.flow.contains(f":{ts}", autoescape=True)
        else:
            gone = in_thread(messages) if place.thread else in_channel(messages)
        statement = delete(messages).where(gone)
        await self._database.run(lambda connection: connection.execute(statement, vars(place)))

    async def purge(self, before: datetime) -> int:
        """Delete a batch of what was written before then; how much it was."""
        return await self._drop(messages, messages.c.created < before)
