"""What is proven about customers, and invitations from one channel to another."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KINDS = ("account", "email", "phone", "invitation")


def upgrade() -> None:
    """Create the tables."""
    kind = sa.Enum(
        *_KINDS, name="ck_proven_identities_kind", native_enum=False, create_constraint=True, length=20
    )
    op.create_table(
        "proven_identities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_proven_identities_customer"),
        sa.PrimaryKeyConstraint("id", name="pk_proven_identities"),
        sa.UniqueConstraint("kind", "value", name="uq_proven_identities_value"),
    )
    op.create_index("ix_proven_identities_customer_id", "proven_identities", ["customer_id"])
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("word_hash", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_invitations_customer"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("word_hash", name="uq_invitations_word"),
    )
    op.create_index("ix_invitations_customer_id", "invitations", ["customer_id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("invitations")
    op.drop_table("proven_identities")
