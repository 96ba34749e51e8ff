"""Small facts by key."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Column, Connection, Table, and_, bindparam, not_, select

from bot.store.base import Repository, Words, created, insert_new, metadata, upsert

notes = Table(
    "notes",
    metadata,
    Column("key", Words, primary_key=True),
    Column("value", Words, nullable=False),
    created(),
    info={"key": ("key",)},
)


_WRITTEN = select(notes.c.created).where(notes.c.key == bindparam("key"), notes.c.value == bindparam("value"))
_ONE = select(notes.c.value).where(notes.c.key == bindparam("key"))


class SqlNotes(Repository):
    """The `Notes` port."""

    async def put(self, key: str, value: str, *, replace: bool = False) -> bool:
        """Whether the key is new; the value of a known one changes only with `replace`."""
        row = {"key": key, "value": value}
        first = {**row, "created": datetime.now(UTC)}

        def work(connection: Connection) -> bool:
            new = insert_new(connection, notes, first)
            if not new:  # unless it is what this very call wrote, and lost the connection before it was told
                new = connection.execute(_WRITTEN, row).scalar_one_or_none() == first["created"]
            if replace and not new:
                upsert(connection, notes, [row])
            return new

        return await self._database.run(work)

    async def get(self, key: str) -> str | None:
        """The value, or None."""

        def work(connection: Connection) -> str | None:
            value: str | None = connection.execute(_ONE, {"key": key}).scalar_one_or_none()
            return value

        return await self._database.run(work)

    async def purge(self, before: datetime, kept: Sequence[str] = ()) -> int:
        """Delete a batch of what was written before then, but for keys that begin with one of `kept`; how much."""
        others = (not_(notes.c.key.startswith(prefix, autoescape=True)) for prefix in kept)
        return await self._drop(notes, and_(notes.c.created < before, *others))
