"""Small facts by key."""

from sqlalchemy import Column, Connection, Table, bindparam, select

from bot.store.base import Repository, Words, insert_new, metadata, upsert

notes = Table(
    "notes",
    metadata,
    Column("key", Words, primary_key=True),
    Column("value", Words, nullable=False),
    info={"key": ("key",)},
)


_ONE = select(notes.c.value).where(notes.c.key == bindparam("key"))


class SqlNotes(Repository):
    """The `Notes` port."""

    async def put(self, key: str, value: str, *, replace: bool = False) -> bool:
        """Whether the key is new; the value of a known one changes only with `replace`."""
        row = {"key": key, "value": value}

        def work(connection: Connection) -> bool:
            new = insert_new(connection, notes, row)
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
