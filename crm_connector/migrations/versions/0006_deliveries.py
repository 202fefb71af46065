"""Messages taken in, deliveries, and where deliveries go."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('queued', 'running', 'retrying')")
_STATES = ("queued", "running", "retrying", "done", "dead", "dropped")


def _queued(state_constraint: str) -> tuple[sa.Column[Any], ...]:
    state = sa.Enum(*_STATES, name=state_constraint, native_enum=False, create_constraint=True, length=20)
    return (
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
    )


def _index(table: str) -> None:
    op.create_index(f"ix_{table}_state", table, ["state"])
    op.create_index(
        f"ix_{table}_open",
        table,
        ["channel", "sender_id", "id"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "accepted_messages",
        *_queued("ck_accepted_messages_state"),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accepted_messages"),
        sa.UniqueConstraint("channel", "sender_id", "external_id", name="uq_accepted_messages_external"),
    )
    _index("accepted_messages")
    op.create_table(
        "deliveries",
        *_queued("ck_deliveries_state"),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("said_at", sa.Double(), nullable=False),
        sa.Column("payloads", sa.JSON(), nullable=True),
        sa.Column("parts_sent", sa.Integer(), nullable=False),
        sa.Column("peer_ids", sa.JSON(), nullable=False),
        sa.Column("is_in_doubt", sa.Boolean(), nullable=False),
        sa.Column("is_doubtful", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("key", name="uq_deliveries_key"),
    )
    _index("deliveries")
    op.create_index("ix_deliveries_said", "deliveries", ["sender_id", "channel", "said_at"])
    op.create_table(
        "delivery_targets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_delivery_targets"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("delivery_targets")
    op.drop_table("deliveries")
    op.drop_table("accepted_messages")
