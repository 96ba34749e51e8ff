"""When each row was written, so that it can go when its time is over.

The database itself writes the time, as the former release does not know of it. `evidence.until` was the end of the
window looked at, which says nothing of that; the former release still writes it, so the column goes with the next.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = ("evidence", "messages", "notes", "votes")


def upgrade() -> None:
    """Apply."""
    op.drop_index(op.f("ix_evidence_until"), "evidence")
    for table in _TABLES:
        created = sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
        with op.batch_alter_table(table) as batch:
            batch.add_column(created)
            if table == "evidence":
                batch.alter_column("until", existing_type=sa.DateTime(timezone=True), nullable=True)
        op.create_index(op.f(f"ix_{table}_created"), table, ["created"])


def downgrade() -> None:
    """Take back."""
    op.execute("UPDATE evidence SET until = created WHERE until IS NULL")
    for table in _TABLES:
        op.drop_index(op.f(f"ix_{table}_created"), table)
        with op.batch_alter_table(table) as batch:
            batch.drop_column("created")
            if table == "evidence":
                batch.alter_column("until", existing_type=sa.DateTime(timezone=True), nullable=False)
    op.create_index(op.f("ix_evidence_until"), "evidence", ["until"])
