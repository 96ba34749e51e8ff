"""What was said in channels that opted in, each message until its time is over."""

from datetime import datetime

from sqlalchemy import Column, Connection, Table, bindparam, delete, select

from bot.domain.place import Place, Said
from bot.store.base import Moment, Repository, Words, metadata, upsert
from bot.store.conversations import in_channel, in_thread

history = Table(
    "history",
    metadata,
    Column("team", Words, primary_key=True),
    Column("channel", Words, primary_key=True),
    Column("ts", Words, primary_key=True),
    Column("thread", Words, nullable=False),
    Column("author", Words, nullable=False),
    Column("bot", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("until", Moment, nullable=False, index=True),
    info={"key": ("team", "channel", "ts")},
)


_NEWEST = (
    select(history.c.ts, history.c.author, history.c.text, history.c.bot)
    .where(in_thread(history))
    .order_by(history.c.ts.desc())
    .limit(bindparam("limit"))
)
_FORGET = delete(history).where(in_channel(history), history.c.ts == bindparam("ts"))


class SqlHistory(Repository):
    """The `History` port."""

    async def keep(self, place: Place, said: Said, until: datetime) -> None:
        """Keep a message, or what became of it, until then."""
        row = {
            **vars(place), "ts": said.ts, "author": said.author, "bot": said.bot, "text": said.text, "until": until
        }  # fmt: skip
        await self._database.run(lambda connection: upsert(connection, history, [row]))

    async def forget(self, place: Place, ts: str) -> None:
        """Delete a message of the channel."""
        given = {"team": place.team, "channel": place.channel, "ts": ts}
        await self._database.run(lambda connection: connection.execute(_FORGET, given))

    async def recent(self, place: Place, limit: int = 20) -> tuple[Said, ...]:
        """The newest of a thread, or of the channel's top level, oldest first."""

        def work(connection: Connection) -> tuple[Said, ...]:
            rows = connection.execute(_NEWEST, {**vars(place), "limit": limit}).all()
            return tuple(Said(row.ts, row.author, row.text, row.bot) for row in reversed(rows))

        return await self._database.run(work)

    async def purge(self, before: datetime) -> int:
        """Delete a batch, over all channels, of what was to be kept until then or less long; how much it was."""
        return await self._drop(history, history.c.until <= before)
