"""Evidence with its raw data."""

from sqlalchemy import Column, Table, select

from bot.domain.evidence import Evidence
from bot.domain.outcomes import decode, encode
from bot.store.base import Moment, Plain, Repository, Words, metadata, upsert
from bot.store.repositories import by_number

evidence = Table(
    "evidence",
    metadata,
    Column("flow", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("until", Moment, nullable=False, index=True),
    Column("body", Plain, nullable=False),
    info={"key": ("flow", "id")},
)


class SqlEvidence(Repository):
    """The `EvidenceStore` port. The flow's key is the whole address: it holds team, channel and asking message."""

    async def put(self, evidence_: Evidence) -> None:
        """Keep it; the same flow and id again replaces it."""
        row = {
            "flow": evidence_.flow,
            "id": evidence_.id,
            "until": evidence_.window.end,
            "body": encode(Evidence, evidence_),
        }
        async with self._engine.begin() as connection:
            await upsert(connection, evidence, [row])

    async def get(self, flow: str, id: str) -> Evidence | None:
        """One piece, or None."""
        found = select(evidence.c.body).where(evidence.c.flow == flow, evidence.c.id == id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(found)).one_or_none()
        return None if row is None else decode(Evidence, row.body)

    async def all(self, flow: str) -> tuple[Evidence, ...]:
        """All of an investigation, by number."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(select(evidence.c.body).where(evidence.c.flow == flow))).all()
        return tuple(sorted((decode(Evidence, row.body) for row in rows), key=by_number))
