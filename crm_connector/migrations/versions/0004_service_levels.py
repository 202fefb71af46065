"""Service levels with their clocks, and the training inbox."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "service_levels",
    "doubtful_messages",
    "clocks",
)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=False)


def _choice(name: str, constraint: str, *values: str, nullable: bool = False) -> sa.Column[str]:
    kind = sa.Enum(*values, name=constraint, native_enum=False, create_constraint=True, length=20)
    return sa.Column(name, kind, nullable=nullable)


def _service_levels() -> None:
    op.create_table(
        "service_levels",
        _id(),
        _text("name"),
        _json("hours"),
        _choice("least_severity", "ck_service_levels_severity", "low", "medium", "high", "critical"),
        _json("channels"),
        _json("languages"),
        _number("first_response_min", nullable=True),
        _number("next_response_min", nullable=True),
        _number("resolution_min", nullable=True),
        _number("warn_before_min"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_service_levels"),
        sa.UniqueConstraint("name", name="uq_service_levels_name"),
    )


def _doubtful_messages() -> None:
    op.create_table(
        "doubtful_messages",
        _id(),
        _number("conversation_id"),
        _number("sequence"),
        _text("text"),
        _text("language", nullable=True),
        _text("why"),
        _json("parsed"),
        _time("said_at"),
        _choice(
            "verdict", "ck_doubtful_messages_verdict", "open", "validated", "changed", "unknown", "deleted"
        ),
        _text("intent", nullable=True),
        _json("entities"),
        _choice(
            "sentiment", "ck_doubtful_messages_sentiment", "positive", "neutral", "negative", nullable=True
        ),
        _number("agent_id", nullable=True),
        _time("decided_at", nullable=True),
        _time("exported_at", nullable=True),
        _time("created_at"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_doubtful_messages_agent"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_doubtful_messages_conversation",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_doubtful_messages"),
        sa.UniqueConstraint("conversation_id", "sequence", name="uq_doubtful_messages_sequence"),
    )
    op.create_index("ix_doubtful_messages_verdict", "doubtful_messages", ["verdict"])
    op.create_index("ix_doubtful_messages_why", "doubtful_messages", ["why"])


def _clocks() -> None:
    op.create_table(
        "clocks",
        _id(),
        _text("source_key"),
        _number("level_id"),
        _choice("target", "ck_clocks_target", "first_response", "next_response", "resolution"),
        _time("due_at"),
        _time("warn_at"),
        _number("handoff_id", nullable=True),
        _number("ticket_id", nullable=True),
        _time("started_at"),
        _time("stopped_at", nullable=True),
        _time("warned_at", nullable=True),
        _time("breached_at", nullable=True),
        sa.CheckConstraint("(handoff_id IS NULL) <> (ticket_id IS NULL)", name="ck_clocks_subject"),
        sa.ForeignKeyConstraint(
            ["handoff_id"], ["handoffs.id"], name="fk_clocks_handoff", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["level_id"], ["service_levels.id"], name="fk_clocks_level"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_clocks_ticket", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_clocks"),
        sa.UniqueConstraint("source_key", name="uq_clocks_source_key"),
    )
    op.create_index("ix_clocks_due", "clocks", ["stopped_at", "due_at"])
    op.create_index("ix_clocks_handoff_id", "clocks", ["handoff_id"])
    op.create_index("ix_clocks_ticket_id", "clocks", ["ticket_id"])


def upgrade() -> None:
    """Create the tables in the order of their references."""
    _service_levels()
    _doubtful_messages()
    _clocks()


def downgrade() -> None:
    """Drop all."""
    for table in reversed(TABLES):
        op.drop_table(table)
