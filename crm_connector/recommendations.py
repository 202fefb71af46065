"""What was recommended to whom, and the purchases that recommendations learn from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector.choices import OrderStatus, RecommendationStatus
from crm_connector.columns import storable, utc_now
from crm_connector.database import insert_once
from crm_connector.tables import Customer, Order, OrderLine, Recommendation


@dataclass(frozen=True, slots=True)
class Purchase:
    """How many of a product a customer bought in all, cancelled orders left out."""

    customer_id: int
    product_id: int
    quantity: int


def offer(session: Session, recommendation: Recommendation) -> Recommendation:
    """Store a recommendation, or return the one for the same customer, product and `source_key`."""
    recommendation.source_key = storable(recommendation.source_key)
    return insert_once(
        session,
        recommendation,
        Recommendation.customer_id == recommendation.customer_id,
        Recommendation.product_id == recommendation.product_id,
        Recommendation.source_key == recommendation.source_key,
    )


def recommendations_for(session: Session, customer: Customer) -> list[Recommendation]:
    """All that was ever recommended to a customer, newest first."""
    query = select(Recommendation).where(Recommendation.customer_id == customer.id)
    return list(session.scalars(query.order_by(Recommendation.id.desc())))


def decide(session: Session, recommendation: Recommendation, status: RecommendationStatus) -> None:
    """Note what the customer made of it; saying the same twice keeps the first time."""
    if recommendation.status != status:
        recommendation.status = status
        recommendation.decided_at = None if status == RecommendationStatus.OFFERED else utc_now()
        session.flush()


def purchases(session: Session, *, customer: Customer | None = None) -> list[Purchase]:
    """The customer-by-product matrix as its filled cells, of all customers or of one, sorted by both ids."""
    query = (
        select(Order.customer_id, OrderLine.product_id, func.sum(OrderLine.quantity))
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.status != OrderStatus.CANCELLED)
        .group_by(Order.customer_id, OrderLine.product_id)
        .order_by(Order.customer_id, OrderLine.product_id)
    )
    if customer is not None:
        query = query.where(Order.customer_id == customer.id)
    return [Purchase(who, what, int(quantity)) for who, what, quantity in session.execute(query)]
