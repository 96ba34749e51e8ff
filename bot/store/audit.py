"""Every investigation, what it cost, what became of it."""

from datetime import datetime

from sqlalchemy import Column, Double, Index, Table, func, select

from bot.domain.investigations import Record
from bot.domain.outcomes import decode, encode
from bot.domain.place import Place
from bot.store.base import Moment, Plain, Repository, Words, metadata, upsert
from bot.store.conversations import within
from bot.store.repositories import cost_of, place_of

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


class SqlAudit(Repository):
    """The `Audit` port."""

    async def put(self, record: Record) -> None:
        """Keep it; the same flow again replaces it."""
        place = place_of(record)
        row = {
            "flow": record.flow,
            "team": place.team,
            "channel": place.channel,
            "thread": place.thread,
            "state": record.state,
            "started": record.started,
            "cost_usd": cost_of(record),
            "record": encode(Record, record),
        }
        async with self._engine.begin() as connection:
            await upsert(connection, investigations, [row])

    async def get(self, flow: str) -> Record | None:
        """One record, or None."""
        async with self._engine.connect() as connection:
            found = select(investigations.c.record).where(investigations.c.flow == flow)
            row = (await connection.execute(found)).one_or_none()
        return None if row is None else decode(Record, row.record)

    async def recent(self, place: Place | None = None, limit: int = 20) -> tuple[Record, ...]:
        """The latest, newest first: of a thread, of a channel, or of all."""
        newest = (investigations.c.started.desc(), investigations.c.flow.desc())
        found = select(investigations.c.record).order_by(*newest).limit(limit)
        if place is not None:
            found = found.where(within(investigations, place))
        async with self._engine.connect() as connection:
            return tuple(decode(Record, row.record) for row in await connection.execute(found))

    async def spent(self, since: datetime) -> float:
        """US dollars of the investigations begun since then."""
        total = select(func.coalesce(func.sum(investigations.c.cost_usd), 0.0)).where(investigations.c.started >= since)
        async with self._engine.connect() as connection:
            return float((await connection.execute(total)).scalar_one())
