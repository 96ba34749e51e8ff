"""The transcript of each place, message by message."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Table, UniqueConstraint, delete, select

from bot.domain.messages import Message
from bot.domain.outcomes import decode, encode
from bot.domain.place import Place
from bot.store.base import Plain, Repository, Words, metadata, upsert

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
    UniqueConstraint("team", "channel", "thread", "flow", "position"),
    info={"key": ("team", "channel", "thread", "flow", "position")},
)


def within(table: Table, place: Place) -> ColumnElement[bool]:
    """Rows of the place: of its thread, or without one of the whole channel."""
    channel = (table.c.team == place.team) & (table.c.channel == place.channel)
    return channel & (table.c.thread == place.thread) if place.thread else channel


class SqlConversations(Repository):
    """The `Conversations` port."""

    async def load(self, place: Place) -> tuple[Message, ...]:
        """What was said in this thread, oldest first; outside any thread only what was said outside."""
        here = (
            (messages.c.team == place.team)
            & (messages.c.channel == place.channel)
            & (messages.c.thread == place.thread)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(messages.c.message).where(here).order_by(messages.c.id))
            return tuple(decode(Message, row.message) for row in rows)

    async def append(self, place: Place, flow: str, messages_: Sequence[Message]) -> None:
        """Keep what a flow adds; the same flow again replaces its own."""
        rows = [
            {
                "team": place.team,
                "channel": place.channel,
                "thread": place.thread,
                "flow": flow,
                "position": position,
                "message": encode(Message, message),
            }
            for position, message in enumerate(messages_)
        ]
        async with self._engine.begin() as connection:
            await upsert(connection, messages, rows)

    async def forget(self, place: Place, ts: str = "") -> None:
        """Delete what the message `ts` led to, in whichever thread; without one, the thread or the whole channel."""
        channel = Place(place.team, place.channel)
        asked = messages.c.flow.contains(f":{ts}", autoescape=True)
        gone = within(messages, channel) & asked if ts else within(messages, place)
        async with self._engine.begin() as connection:
            await connection.execute(delete(messages).where(gone))
