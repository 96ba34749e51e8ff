"""Run by Alembic: the same revisions on SQLite and PostgreSQL, from a checkout and from the wheel."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine, event, text

from bot import settings
from bot.store import audit, conversations, evidence, history, notes, votes
from bot.store.base import metadata
from bot.store.database import normalised

TABLES = (
    audit.investigations,
    conversations.messages,
    evidence.evidence,
    history.history,
    notes.notes,
    votes.votes,
)
_ONE_AT_A_TIME = 0x6E6A_6D67
_LOCK_SECONDS = 3  # a table in use by others is not waited for longer, as everybody else would wait behind us


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """Whether a table found in the database is ours: the engine's live beside them when both share a database."""
    return kind != "table" or name in metadata.tables


def leave_transactions(connection: Any, _: Any) -> None:
    """Python's driver begins a transaction at the first row that is written only, after the tables are changed."""
    connection.isolation_level = None


def begin(connection: Connection) -> None:
    """Begin one that nobody writes beside."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def run(connection: Connection) -> None:
    """Change the schema in one transaction, wholly or not at all; a second process waits for the first."""
    on_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=on_sqlite,
        include_name=is_ours,
        transaction_per_migration=False,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if not on_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
        context.run_migrations()


url = context.config.attributes.get("url") or normalised(settings.read().database_url)
engine = create_engine(url, poolclass=NullPool)
if engine.dialect.name == "sqlite":
    event.listen(engine, "connect", leave_transactions)
    event.listen(engine, "begin", begin)
with engine.connect() as opened:
    run(opened)
