"""Small facts by key."""

from sqlalchemy import Column, Table, select, update

from bot.store.base import Repository, Words, insert_new, metadata

notes = Table(
    "notes",
    metadata,
    Column("key", Words, primary_key=True),
    Column("value", Words, nullable=False),
    info={"key": ("key",)},
)


class SqlNotes(Repository):
    """The `Notes` port."""

    async def put(self, key: str, value: str, *, replace: bool = False) -> bool:
        """Whether the key is new; the value of a known one changes only with `replace`."""
        async with self._engine.begin() as connection:
            new = await insert_new(connection, notes, {"key": key, "value": value})
            if replace and not new:
                await connection.execute(update(notes).where(notes.c.key == key).values(value=value))
        return new

    async def get(self, key: str) -> str | None:
        """The value, or None."""
        async with self._engine.connect() as connection:
            value: str | None = (
                await connection.execute(select(notes.c.value).where(notes.c.key == key))
            ).scalar_one_or_none()
        return value
