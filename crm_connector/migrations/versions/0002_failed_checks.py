"""Failed proofs of identity."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and the indexes that counting needs."""
    op.create_table(
        "failed_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_failed_checks"),
        sa.UniqueConstraint("source_key", name="uq_failed_checks_source_key"),
    )
    op.create_index("ix_failed_checks_order", "failed_checks", ["order_number", "failed_at"])
    op.create_index("ix_failed_checks_sender", "failed_checks", ["sender_id", "failed_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("failed_checks")
