"""What people said of an answer."""

from datetime import datetime

from sqlalchemy import Column, Connection, Table, bindparam, select

from bot.store.base import Repository, Words, created, metadata, upsert

votes = Table(
    "votes",
    metadata,
    Column("flow", Words, primary_key=True),
    Column("person", Words, primary_key=True),
    Column("vote", Words, nullable=False),
    Column("reason", Words, nullable=False),
    created(),
    info={"key": ("flow", "person")},
)


_OF_FLOW = select(votes.c.person, votes.c.vote, votes.c.reason).where(votes.c.flow == bindparam("flow"))


class SqlVotes(Repository):
    """The `Votes` port."""

    async def put(self, flow: str, person: str, vote: str, reason: str = "") -> None:
        """One vote a person; the last counts."""
        row = {"flow": flow, "person": person, "vote": vote, "reason": reason}
        await self._database.run(lambda connection: upsert(connection, votes, [row]))

    async def all(self, flow: str) -> tuple[tuple[str, str, str], ...]:
        """Person, vote and reason, by person."""

        def work(connection: Connection) -> tuple[tuple[str, str, str], ...]:
            rows = connection.execute(_OF_FLOW, {"flow": flow})
            return tuple(sorted((row.person, row.vote, row.reason) for row in rows))

        return await self._database.run(work)

    async def purge(self, before: datetime) -> int:
        """Delete a batch of what was written before then; how much it was."""
        return await self._drop(votes, votes.c.created < before)
