"""Conversations, evidence, investigations, votes and notes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "team",
            "channel",
            "thread",
            "flow",
            "position",
            name=op.f("uq_messages_team_channel_thread_flow_position"),
        ),
    )
    op.create_table(
        "evidence",
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "id", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_until"), "evidence", ["until"])
    op.create_table(
        "investigations",
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cost_usd", sa.Double(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", name=op.f("pk_investigations")),
    )
    op.create_index(op.f("ix_investigations_started"), "investigations", ["started"])
    op.create_index(
        op.f("ix_investigations_team_channel_thread_started"),
        "investigations",
        ["team", "channel", "thread", "started"],
    )
    op.create_table(
        "votes",
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("vote", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "person", name=op.f("pk_votes")),
    )
    op.create_table(
        "notes",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notes")),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("notes", "votes", "investigations", "evidence", "messages"):
        op.drop_table(table)
