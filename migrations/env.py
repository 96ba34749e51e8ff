"""Run by Alembic: the same revisions on SQLite and PostgreSQL, from a checkout and from the wheel."""

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine, text

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


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """Whether a table found in the database is ours: the engine's live beside them when both share a database."""
    return kind != "table" or name in metadata.tables


def run(connection: Connection) -> None:
    """Upgrade in one transaction; a second process waits for the first."""
    on_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=on_sqlite,
        include_name=is_ours,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        if not on_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        context.run_migrations()


url = context.config.attributes.get("url") or normalised(settings.read().database_url)
with create_engine(url, poolclass=NullPool).connect() as opened:
    run(opened)
