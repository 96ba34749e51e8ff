"""Every investigation, what it cost, what became of it."""

from datetime import datetime

from sqlalchemy import Column, Connection, Double, Index, Table, bindparam, func, select

from bot.domain.investigations import Record
from bot.domain.outcomes import decode, encode
from bot.domain.place import Place
from bot.store.base import Moment, Plain, Repository, Words, metadata, upsert
from bot.store.conversations import in_channel, in_thread
from bot.store.repositories import cost_of, place_of, without_words

investigations = Table(
    "investigations",
    metadata,
    Column("flow", Words, primary_key=True),
    Column("team", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("thread", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("started", Moment, nullable=False, index=True),
    Column("cost_usd", Double, nullable=False),
    Column("record", Plain, nullable=False),
    Index(None, "team", "channel", "thread", "started"),
    info={"key": ("flow",)},
)


_ONE = select(investigations.c.record).where(investigations.c.flow == bindparam("flow"))
_NEWEST = (
    select(investigations.c.record)
    .order_by(investigations.c.started.desc(), investigations.c.flow.desc())
    .limit(bindparam("limit"))
)
_NEWEST_OF_CHANNEL = _NEWEST.where(in_channel(investigations))
_NEWEST_OF_THREAD = _NEWEST.where(in_thread(investigations))
_OF_CHANNEL = select(investigations.c.record).where(in_channel(investigations))
_SPENT = select(func.coalesce(func.sum(investigations.c.cost_usd), 0.0)).where(
    investigations.c.started >= bindparam("since")
)


class SqlAudit(Repository):
    """The `Audit` port."""

    async def put(self, record: Record) -> None:
        """Keep it; the same flow again replaces it."""
        row = _row(record)
        await self._database.run(lambda connection: upsert(connection, investigations, [row]))

    async def get(self, flow: str) -> Record | None:
        """One record, or None."""

        def work(connection: Connection) -> Record | None:
            row = connection.execute(_ONE, {"flow": flow}).one_or_none()
            return None if row is None else decode(Record, row.record)

        return await self._database.run(work)

    async def recent(self, place: Place | None = None, limit: int = 20, kind: str = "") -> tuple[Record, ...]:
        """The latest, newest first: of a thread, of a channel, or of all; of one kind, or of every."""
        given = {"limit": limit, **(vars(place) if place else {})}
        found = _NEWEST if place is None else _NEWEST_OF_THREAD if place.thread else _NEWEST_OF_CHANNEL
        if kind:
            found = found.where(investigations.c.flow.startswith(f"{kind}:", autoescape=True))

        def work(connection: Connection) -> tuple[Record, ...]:
            return tuple(decode(Record, row.record) for row in connection.execute(found, given))

        return await self._database.run(work)

    async def forget(self, place: Place, ts: str) -> bool:
        """Blank the words of what the message `ts` of the channel asked, and of the answers; whether there were any."""
        found = _OF_CHANNEL.where(investigations.c.flow.contains(f":{ts}", autoescape=True))

        def work(connection: Connection) -> bool:
            records = [decode(Record, row.record) for row in connection.execute(found, vars(place))]
            upsert(connection, investigations, [_row(without_words(record)) for record in records])
            return bool(records)

        return await self._database.run(work)

    async def spent(self, since: datetime) -> float:
        """US dollars of the investigations begun since then."""

        def work(connection: Connection) -> float:
            return float(connection.execute(_SPENT, {"since": since}).scalar_one())

        return await self._database.run(work)

    async def purge(self, before: datetime) -> int:
        """Delete a batch of what was begun before then; how much it was."""
        return await self._drop(investigations, investigations.c.started < before)


def _row(record: Record) -> dict[str, object]:
    return {
        "flow": record.flow,
        **vars(place_of(record)),
        "state": record.state,
        "started": record.started,
        "cost_usd": cost_of(record),
        "record": encode(Record, record),
    }
