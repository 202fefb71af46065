"""Whether an account works with keys of single letters."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; whoever has an account has been working with them."""
    op.add_column(
        "accounts", sa.Column("has_letter_keys", sa.Boolean(), nullable=False, server_default=sa.true())
    )


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("accounts", "has_letter_keys")
