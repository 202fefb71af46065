"""Files that customers send, and the conversations of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
        sa.UniqueConstraint("file_id", name="uq_attachments_file"),
        sa.UniqueConstraint("source_key", name="uq_attachments_source_key"),
    )
    op.create_index("ix_attachments_sender", "attachments", ["channel", "sender_id"])
    op.create_table(
        "account_conversations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account_conversations"),
        sa.UniqueConstraint("channel", "account_id", name="uq_account_conversations_account"),
        sa.UniqueConstraint("channel", "sender_id", name="uq_account_conversations_sender"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("account_conversations")
    op.drop_table("attachments")
