"""Evidence with its raw data."""

from datetime import datetime

from sqlalchemy import Column, Connection, Table, bindparam, select

from bot.domain.evidence import Evidence
from bot.domain.outcomes import decode, encode
from bot.store.base import Moment, Plain, Repository, Words, created, metadata, upsert
from bot.store.repositories import by_number

evidence = Table(
    "evidence",
    metadata,
    Column("flow", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("until", Moment),  # of no use; the former release writes it
    Column("body", Plain, nullable=False),
    created(),
    info={"key": ("flow", "id")},
)


_ONE = select(evidence.c.body).where(evidence.c.flow == bindparam("flow"), evidence.c.id == bindparam("id"))
_ALL = select(evidence.c.body).where(evidence.c.flow == bindparam("flow"))


class SqlEvidence(Repository):
    """The `EvidenceStore` port. The flow's key is the whole address: it holds team, channel and asking message."""

    async def put(self, evidence_: Evidence) -> None:
        """Keep it; the same flow and id again replaces it."""

        def work(connection: Connection) -> None:
            row = {"flow": evidence_.flow, "id": evidence_.id, "body": encode(Evidence, evidence_)}
            upsert(connection, evidence, [row])

        await self._database.run(work)

    async def get(self, flow: str, id: str) -> Evidence | None:
        """One piece, or None."""

        def work(connection: Connection) -> Evidence | None:
            row = connection.execute(_ONE, {"flow": flow, "id": id}).one_or_none()
            return None if row is None else decode(Evidence, row.body)

        return await self._database.run(work)

    async def all(self, flow: str) -> tuple[Evidence, ...]:
        """All of an investigation, by number."""

        def work(connection: Connection) -> tuple[Evidence, ...]:
            rows = connection.execute(_ALL, {"flow": flow})
            return tuple(sorted((decode(Evidence, row.body) for row in rows), key=by_number))

        return await self._database.run(work)

    async def purge(self, before: datetime) -> int:
        """Delete a batch of what was written before then; how much it was."""
        return await self._drop(evidence, evidence.c.created < before)
