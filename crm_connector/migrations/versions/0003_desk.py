"""The desk: accounts, handoffs, notes, and an audit log that nobody can edit."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "audit_entries",
    "canned_replies",
    "failed_sign_ins",
    "accounts",
    "drafts",
    "handoffs",
    "notes",
    "sign_ins",
    "viewings",
    "ticket_merges",
)

_FUNCTION = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is never changed'; END $$
"""


def _seal_audit_log() -> None:
    """Refuse every change of the audit log, whoever asks: rows are only ever added."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTION)
        op.execute(
            "CREATE TRIGGER audit_entries_sealed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entries_no_{change.lower()} BEFORE {change} ON audit_entries "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END"
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


def _audit_entries() -> None:
    op.create_table(
        "audit_entries",
        _id(),
        _text("actor"),
        _text("action"),
        _text("subject"),
        _json("detail"),
        _time("noted_at"),
        _text("seal"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject", "id"])


def _canned_replies() -> None:
    op.create_table(
        "canned_replies",
        _id(),
        _text("shortcut"),
        _text("language"),
        _text("text"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_canned_replies"),
        sa.UniqueConstraint("shortcut", "language", name="uq_canned_replies_shortcut"),
    )


def _failed_sign_ins() -> None:
    op.create_table(
        "failed_sign_ins",
        _id(),
        _text("email"),
        _text("address"),
        _time("failed_at"),
        sa.PrimaryKeyConstraint("id", name="pk_failed_sign_ins"),
    )
    op.create_index("ix_failed_sign_ins_address", "failed_sign_ins", ["address", "failed_at"])
    op.create_index("ix_failed_sign_ins_email", "failed_sign_ins", ["email", "failed_at"])


def _accounts() -> None:
    op.create_table(
        "accounts",
        _id(),
        _number("agent_id"),
        _json("roles"),
        _text("password_hash", nullable=True),
        _text("subject", nullable=True),
        _json("languages"),
        _json("topics"),
        _number("capacity"),
        _choice("presence", "ck_accounts_presence", "online", "away", "offline"),
        _time("seen_at", nullable=True),
        _time("created_at"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_accounts_agent"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("agent_id", name="uq_accounts_agent"),
        sa.UniqueConstraint("subject", name="uq_accounts_subject"),
    )


def _drafts() -> None:
    op.create_table(
        "drafts",
        _id(),
        _number("conversation_id"),
        _number("agent_id"),
        _text("text"),
        sa.Column("is_note", sa.Boolean(), nullable=False),
        _time("updated_at"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_drafts_agent"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_drafts_conversation", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
        sa.UniqueConstraint("conversation_id", "agent_id", "is_note", name="uq_drafts_conversation_agent"),
    )


def _handoffs() -> None:
    op.create_table(
        "handoffs",
        _id(),
        _number("conversation_id"),
        _text("reason"),
        _choice(
            "topic",
            "ck_handoffs_topic",
            "delivery",
            "product",
            "service",
            "order",
            "return",
            "payment",
            "account",
            "other",
        ),
        _choice("severity", "ck_handoffs_severity", "low", "medium", "high", "critical"),
        _choice("sentiment", "ck_handoffs_sentiment", "positive", "neutral", "negative"),
        _json("card"),
        _text("language", nullable=True),
        _number("agent_id", nullable=True),
        _time("requested_at"),
        _time("waiting_since_at", nullable=True),
        _time("claimed_at", nullable=True),
        _time("first_reply_at", nullable=True),
        _time("snoozed_until_at", nullable=True),
        _time("ended_at", nullable=True),
        _choice(
            "outcome",
            "ck_handoffs_outcome",
            "solved",
            "handed_back",
            "customer_left",
            "duplicate",
            "spam",
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_handoffs_agent"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_handoffs_conversation", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_handoffs"),
    )
    op.create_index("ix_handoffs_agent_id", "handoffs", ["agent_id"])
    op.create_index("ix_handoffs_conversation_id", "handoffs", ["conversation_id"])
    op.create_index("ix_handoffs_requested", "handoffs", ["requested_at"])
    op.create_index(
        "uq_handoffs_open",
        "handoffs",
        ["conversation_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _notes() -> None:
    op.create_table(
        "notes",
        _id(),
        _text("source_key"),
        _number("conversation_id"),
        _number("agent_id"),
        _text("text"),
        _time("created_at"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_notes_agent"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_notes_conversation", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        sa.UniqueConstraint("source_key", name="uq_notes_source_key"),
    )
    op.create_index("ix_notes_conversation_id", "notes", ["conversation_id"])


def _sign_ins() -> None:
    op.create_table(
        "sign_ins",
        _id(),
        _number("account_id"),
        _text("token_hash"),
        _text("address"),
        _time("expires_at"),
        _time("used_at"),
        _time("created_at"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_sign_ins_account", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sign_ins"),
        sa.UniqueConstraint("token_hash", name="uq_sign_ins_token"),
    )
    op.create_index("ix_sign_ins_account_id", "sign_ins", ["account_id"])


def _viewings() -> None:
    op.create_table(
        "viewings",
        _id(),
        _number("conversation_id"),
        _number("agent_id"),
        _time("seen_at"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_viewings_agent"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_viewings_conversation", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_viewings"),
        sa.UniqueConstraint("conversation_id", "agent_id", name="uq_viewings_conversation_agent"),
    )


def _ticket_merges() -> None:
    op.create_table(
        "ticket_merges",
        _id(),
        _number("ticket_id"),
        _number("into_id"),
        _text("actor"),
        _time("created_at"),
        sa.ForeignKeyConstraint(["into_id"], ["tickets.id"], name="fk_ticket_merges_into"),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name="fk_ticket_merges_ticket", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_merges"),
        sa.UniqueConstraint("ticket_id", name="uq_ticket_merges_ticket"),
    )
    op.create_index("ix_ticket_merges_into_id", "ticket_merges", ["into_id"])


def upgrade() -> None:
    """Create the tables in the order of their references."""
    _audit_entries()
    _canned_replies()
    _failed_sign_ins()
    _accounts()
    _drafts()
    _handoffs()
    _notes()
    _sign_ins()
    _viewings()
    _ticket_merges()
    _seal_audit_log()


def downgrade() -> None:
    """Drop all."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_audit_change()")
