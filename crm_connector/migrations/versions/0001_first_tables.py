"""The first tables."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "agents",
    "customers",
    "products",
    "channel_identities",
    "conversations",
    "orders",
    "conversation_events",
    "inbound_messages",
    "order_lines",
    "recommendations",
    "tickets",
    "escalations",
    "opportunities",
    "returns",
    "surveys",
    "ticket_changes",
    "escalation_sentences",
)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _money(name: str, *, nullable: bool = False) -> sa.Column[Decimal]:
    return sa.Column(name, sa.Numeric(12, 2), nullable=nullable)


def _choice(name: str, constraint: str, values: str) -> sa.Column[str]:
    kind = sa.Enum(*values.split(), name=constraint, native_enum=False, create_constraint=True, length=20)
    return sa.Column(name, kind, nullable=False)


def _reference(
    name: str, target: str, constraint: str, *, nullable: bool = False, ondelete: str | None = None
) -> sa.Column[int]:
    key = sa.ForeignKey(target, name=constraint, ondelete=ondelete)
    return sa.Column(name, sa.Integer(), key, nullable=nullable)


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "agents",
        _id(),
        _text("name"),
        _text("email"),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
        sa.UniqueConstraint("email", name="uq_agents_email"),
    )
    op.create_table(
        "customers",
        _id(),
        _text("name", nullable=True),
        _text("email", nullable=True),
        _text("phone", nullable=True),
        _text("language", nullable=True),
        _text("street", nullable=True),
        _text("postal_code", nullable=True),
        _text("city", nullable=True),
        _text("country", nullable=True),
        _time("created_at"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_index("ix_customers_email", "customers", ["email"])
    op.create_index("ix_customers_phone", "customers", ["phone"])
    op.create_table(
        "products",
        _id(),
        _text("code"),
        _text("category"),
        _text("name_en"),
        _text("name_zh"),
        _text("description_en"),
        _text("description_zh"),
        _money("price"),
        _text("currency"),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        sa.UniqueConstraint("code", name="uq_products_code"),
    )
    op.create_index("ix_products_category", "products", ["category"])
    op.create_table(
        "channel_identities",
        _id(),
        _reference("customer_id", "customers.id", "fk_channel_identities_customer"),
        _text("channel"),
        _text("sender_id"),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_channel_identities"),
        sa.UniqueConstraint("channel", "sender_id", name="uq_channel_identities_channel_sender"),
    )
    op.create_index("ix_channel_identities_customer_id", "channel_identities", ["customer_id"])
    op.create_table(
        "conversations",
        _id(),
        _text("sender_id"),
        _text("channel"),
        _reference("customer_id", "customers.id", "fk_conversations_customer", nullable=True),
        _choice("owner", "ck_conversations_owner", "bot queue agent"),
        _reference("agent_id", "agents.id", "fk_conversations_agent", nullable=True),
        _time("owner_since_at"),
        _text("language", nullable=True),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        _time("created_at"),
        _time("last_activity_at"),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("sender_id", name="uq_conversations_sender"),
    )
    op.create_index("ix_conversations_agent_id", "conversations", ["agent_id"])
    op.create_index("ix_conversations_customer_id", "conversations", ["customer_id"])
    op.create_index("ix_conversations_last_activity_at", "conversations", ["last_activity_at"])
    op.create_table(
        "orders",
        _id(),
        _text("number"),
        _reference("customer_id", "customers.id", "fk_orders_customer"),
        _text("email"),
        _text("phone", nullable=True),
        _choice("status", "ck_orders_status", "processing shipped delivered cancelled"),
        _money("total"),
        _text("currency"),
        _text("carrier", nullable=True),
        _text("parcel_number", nullable=True),
        _text("street", nullable=True),
        _text("postal_code", nullable=True),
        _text("city", nullable=True),
        _text("country", nullable=True),
        _time("placed_at"),
        _time("promised_at"),
        _time("shipped_at", nullable=True),
        _time("delivered_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("number", name="uq_orders_number"),
    )
    op.create_index("ix_orders_customer_id", "orders", ["customer_id"])
    op.create_table(
        "conversation_events",
        _id(),
        _reference(
            "conversation_id", "conversations.id", "fk_conversation_events_conversation", ondelete="CASCADE"
        ),
        sa.Column("sequence", sa.Integer(), nullable=False),
        _text("type_name"),
        sa.Column("data", sa.JSON(), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_conversation_events"),
        sa.UniqueConstraint("conversation_id", "sequence", name="uq_conversation_events_sequence"),
    )
    op.create_index(
        "ix_conversation_events_type", "conversation_events", ["conversation_id", "type_name", "sequence"]
    )
    op.create_table(
        "inbound_messages",
        _id(),
        _reference(
            "conversation_id", "conversations.id", "fk_inbound_messages_conversation", ondelete="CASCADE"
        ),
        _text("channel"),
        _text("external_id"),
        sa.Column("first_sequence", sa.Integer(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_messages"),
        sa.UniqueConstraint(
            "channel", "external_id", "conversation_id", name="uq_inbound_messages_channel_external"
        ),
    )
    op.create_index("ix_inbound_messages_conversation_id", "inbound_messages", ["conversation_id"])
    op.create_table(
        "order_lines",
        _id(),
        _reference("order_id", "orders.id", "fk_order_lines_order", ondelete="CASCADE"),
        _reference("product_id", "products.id", "fk_order_lines_product"),
        sa.Column("quantity", sa.Integer(), nullable=False),
        _money("unit_price"),
        sa.PrimaryKeyConstraint("id", name="pk_order_lines"),
        sa.CheckConstraint("quantity > 0", name="ck_order_lines_quantity"),
        sa.UniqueConstraint("order_id", "product_id", name="uq_order_lines_order_product"),
    )
    op.create_index("ix_order_lines_product_id", "order_lines", ["product_id"])
    op.create_table(
        "recommendations",
        _id(),
        _text("source_key"),
        _reference("customer_id", "customers.id", "fk_recommendations_customer"),
        _reference("product_id", "products.id", "fk_recommendations_product"),
        _reference("conversation_id", "conversations.id", "fk_recommendations_conversation", nullable=True),
        _text("reason"),
        sa.Column("score", sa.Double(), nullable=False),
        _choice("status", "ck_recommendations_status", "offered accepted declined"),
        _time("created_at"),
        _time("decided_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_recommendations"),
        sa.UniqueConstraint("customer_id", "product_id", "source_key", name="uq_recommendations_source_key"),
    )
    op.create_index("ix_recommendations_conversation_id", "recommendations", ["conversation_id"])
    op.create_index("ix_recommendations_product_id", "recommendations", ["product_id"])
    op.create_table(
        "tickets",
        _id(),
        _text("source_key"),
        _reference("customer_id", "customers.id", "fk_tickets_customer"),
        _reference("conversation_id", "conversations.id", "fk_tickets_conversation", nullable=True),
        _reference("order_id", "orders.id", "fk_tickets_order", nullable=True),
        _reference("agent_id", "agents.id", "fk_tickets_agent", nullable=True),
        _choice(
            "category", "ck_tickets_category", "delivery product service order return payment account other"
        ),
        _choice("status", "ck_tickets_status", "open pending resolved closed"),
        _choice("priority", "ck_tickets_priority", "low normal high urgent"),
        _text("subject"),
        _text("description"),
        _time("created_at"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("source_key", name="uq_tickets_source_key"),
    )
    op.create_index("ix_tickets_agent_id", "tickets", ["agent_id"])
    op.create_index("ix_tickets_conversation_id", "tickets", ["conversation_id"])
    op.create_index("ix_tickets_customer_id", "tickets", ["customer_id"])
    op.create_index("ix_tickets_order_id", "tickets", ["order_id"])
    op.create_index("ix_tickets_status", "tickets", ["status"])
    op.create_table(
        "escalations",
        _id(),
        _text("source_key"),
        _reference("customer_id", "customers.id", "fk_escalations_customer"),
        _reference("conversation_id", "conversations.id", "fk_escalations_conversation", nullable=True),
        _reference("ticket_id", "tickets.id", "fk_escalations_ticket", nullable=True),
        _reference("agent_id", "agents.id", "fk_escalations_agent", nullable=True),
        _choice(
            "category",
            "ck_escalations_category",
            "delivery product service order return payment account other",
        ),
        _choice("severity", "ck_escalations_severity", "low medium high critical"),
        _choice("sentiment", "ck_escalations_sentiment", "positive neutral negative"),
        _choice("status", "ck_escalations_status", "open accepted resolved"),
        _text("wanted"),
        sa.Column("tried", sa.JSON(), nullable=False),
        sa.Column("open_questions", sa.JSON(), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_escalations"),
        sa.UniqueConstraint("source_key", name="uq_escalations_source_key"),
    )
    op.create_index("ix_escalations_agent_id", "escalations", ["agent_id"])
    op.create_index("ix_escalations_conversation_id", "escalations", ["conversation_id"])
    op.create_index("ix_escalations_customer_id", "escalations", ["customer_id"])
    op.create_index("ix_escalations_status", "escalations", ["status"])
    op.create_index("ix_escalations_ticket_id", "escalations", ["ticket_id"])
    op.create_table(
        "opportunities",
        _id(),
        _text("source_key"),
        _reference("customer_id", "customers.id", "fk_opportunities_customer"),
        _reference("product_id", "products.id", "fk_opportunities_product", nullable=True),
        _reference(
            "recommendation_id", "recommendations.id", "fk_opportunities_recommendation", nullable=True
        ),
        _reference("conversation_id", "conversations.id", "fk_opportunities_conversation", nullable=True),
        _text("title"),
        _choice("stage", "ck_opportunities_stage", "lead qualified proposal won lost"),
        _money("amount", nullable=True),
        _text("currency"),
        _time("created_at"),
        _time("updated_at"),
        _time("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_opportunities"),
        sa.UniqueConstraint("source_key", name="uq_opportunities_source_key"),
    )
    op.create_index("ix_opportunities_conversation_id", "opportunities", ["conversation_id"])
    op.create_index("ix_opportunities_customer_id", "opportunities", ["customer_id"])
    op.create_index("ix_opportunities_product_id", "opportunities", ["product_id"])
    op.create_index("ix_opportunities_recommendation_id", "opportunities", ["recommendation_id"])
    op.create_index("ix_opportunities_stage", "opportunities", ["stage"])
    op.create_table(
        "returns",
        _id(),
        _reference("order_line_id", "order_lines.id", "fk_returns_order_line"),
        _text("reason"),
        _choice("status", "ck_returns_status", "requested received refunded rejected"),
        _money("amount"),
        _text("currency"),
        _time("created_at"),
        _time("refunded_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_returns"),
        sa.UniqueConstraint("order_line_id", name="uq_returns_order_line"),
    )
    op.create_table(
        "surveys",
        _id(),
        _text("source_key"),
        _reference("customer_id", "customers.id", "fk_surveys_customer"),
        _reference("conversation_id", "conversations.id", "fk_surveys_conversation", nullable=True),
        _reference("ticket_id", "tickets.id", "fk_surveys_ticket", nullable=True),
        sa.Column("rating", sa.Integer(), nullable=False),
        _text("comment", nullable=True),
        _text("language", nullable=True),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_surveys"),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="ck_surveys_rating"),
        sa.UniqueConstraint("source_key", name="uq_surveys_source_key"),
    )
    op.create_index("ix_surveys_conversation_id", "surveys", ["conversation_id"])
    op.create_index("ix_surveys_customer_id", "surveys", ["customer_id"])
    op.create_index("ix_surveys_ticket_id", "surveys", ["ticket_id"])
    op.create_table(
        "ticket_changes",
        _id(),
        _reference("ticket_id", "tickets.id", "fk_ticket_changes_ticket", ondelete="CASCADE"),
        _text("source_key", nullable=True),
        _text("actor"),
        _text("field"),
        _text("old_value", nullable=True),
        _text("new_value", nullable=True),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_changes"),
        sa.UniqueConstraint("ticket_id", "source_key", name="uq_ticket_changes_source_key"),
    )
    op.create_index("ix_ticket_changes_ticket_id", "ticket_changes", ["ticket_id"])
    op.create_table(
        "escalation_sentences",
        _id(),
        _reference(
            "escalation_id", "escalations.id", "fk_escalation_sentences_escalation", ondelete="CASCADE"
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        _text("text"),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_escalation_sentences"),
        sa.UniqueConstraint("escalation_id", "position", name="uq_escalation_sentences_position"),
    )


def downgrade() -> None:
    """Drop all tables."""
    for table in reversed(TABLES):
        op.drop_table(table)
