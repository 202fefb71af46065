"""Recommendations, opportunities, and how satisfied customers are."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_connector.choices import RecommendationStatus, Stage
from crm_connector.columns import Base, choice, utc_now
from crm_connector.tables.people import Customer
from crm_connector.tables.shop import Product


class Recommendation(Base, kw_only=True):
    """A product put before a customer for a reason; `score` is higher for a better fit, of no fixed scale."""

    __tablename__ = "recommendations"
    __table_args__ = (
        UniqueConstraint("customer_id", "product_id", "source_key", name="uq_recommendations_source_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source_key: Mapped[str]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", name="fk_recommendations_customer"))
    product_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", name="fk_recommendations_product"), index=True
    )
    conversation_id: Mapped[int | None] = mapped_column(
        ForeignKey("conversations.id", name="fk_recommendations_conversation"), default=None, index=True
    )
    reason: Mapped[str]
    score: Mapped[float]
    status: Mapped[RecommendationStatus] = mapped_column(
        choice(RecommendationStatus, "ck_recommendations_status"), default=RecommendationStatus.OFFERED
    )
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    customer: Mapped[Customer] = relationship(init=False)
    product: Mapped[Product] = relationship(init=False)


class Opportunity(Base, kw_only=True):
    """A sale that may come of a conversation."""

    __tablename__ = "opportunities"
    __table_args__ = (UniqueConstraint("source_key", name="uq_opportunities_source_key"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source_key: Mapped[str]
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="fk_opportunities_customer"), index=True
    )
    product_id: Mapped[int | None] = mapped_column(
        ForeignKey("products.id", name="fk_opportunities_product"), default=None, index=True
    )
    recommendation_id: Mapped[int | None] = mapped_column(
        ForeignKey("recommendations.id", name="fk_opportunities_recommendation"), default=None, index=True
    )
    conversation_id: Mapped[int | None] = mapped_column(
        ForeignKey("conversations.id", name="fk_opportunities_conversation"), default=None, index=True
    )
    title: Mapped[str]
    stage: Mapped[Stage] = mapped_column(
        choice(Stage, "ck_opportunities_stage"), default=Stage.LEAD, index=True
    )
    amount: Mapped[Decimal | None] = mapped_column(default=None)
    currency: Mapped[str] = mapped_column(default="EUR")
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    customer: Mapped[Customer] = relationship(init=False)
    product: Mapped[Product | None] = relationship(init=False)


class Survey(Base, kw_only=True):
    """A customer's mark for the service, from 1 (bad) to 5 (good)."""

    __tablename__ = "surveys"
    __table_args__ = (
        UniqueConstraint("source_key", name="uq_surveys_source_key"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="ck_surveys_rating"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source_key: Mapped[str]
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="fk_surveys_customer"), index=True
    )
    conversation_id: Mapped[int | None] = mapped_column(
        ForeignKey("conversations.id", name="fk_surveys_conversation"), default=None, index=True
    )
    ticket_id: Mapped[int | None] = mapped_column(
        ForeignKey("tickets.id", name="fk_surveys_ticket"), default=None, index=True
    )
    rating: Mapped[int]
    comment: Mapped[str | None] = mapped_column(default=None)
    language: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
