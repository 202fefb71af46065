"""The customer of a conversation: who it is, what was bought, what is open, what may be sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import opportunities, orders, recommendations, tickets
from crm_connector.choices import OrderStatus, Owner, RecommendationStatus, Stage, TicketStatus
from crm_connector.tables import ChannelIdentity, Conversation, Customer
from desk.access import Desk, Permission
from desk.deeds.conversations import find

MOST = 10  # of each kind


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order; `items` are the products with how many of each."""

    number: str
    status: OrderStatus
    placed_at: datetime
    total: Decimal
    currency: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket."""

    id: int
    number: str
    subject: str
    status: TicketStatus


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """Another conversation of the same customer."""

    id: int
    channel: str
    owner: Owner
    last_activity_at: datetime


@dataclass(frozen=True, slots=True)
class OpportunityRow:
    """A sale that may come."""

    id: int
    title: str
    stage: Stage
    amount: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class RecommendationRow:
    """A product that was put before the customer."""

    id: int
    product: str
    reason: str
    status: RecommendationStatus


@dataclass(frozen=True, slots=True)
class CustomerPanel:
    """Everything in the right pane; `is_verified` when an order has proven who it is."""

    name: str | None
    email: str | None
    phone: str | None
    language: str | None
    city: str | None
    country: str | None
    since_at: datetime
    channels: tuple[str, ...]
    orders: tuple[OrderRow, ...]
    tickets: tuple[TicketRow, ...]
    conversations: tuple[ConversationRow, ...]
    opportunities: tuple[OpportunityRow, ...]
    recommendations: tuple[RecommendationRow, ...]


def customer_panel(desk: Desk, token: str, conversation_id: int) -> CustomerPanel | None:
    """The customer of a conversation, None while nobody knows one.

    Raises:
        Refused: There is no such conversation.
    """
    with desk.read(token, Permission.CONVERSATIONS) as deed:
        session = deed.session
        conversation = find(session, conversation_id)
        customer = session.get(Customer, conversation.customer_id) if conversation.customer_id else None
        return None if customer is None else _panel(session, customer, conversation)


def _panel(session: Session, customer: Customer, conversation: Conversation) -> CustomerPanel:
    channels = select(ChannelIdentity.channel).where(ChannelIdentity.customer_id == customer.id).distinct()
    return CustomerPanel(
        name=customer.name,
        email=customer.email,
        phone=customer.phone,
        language=customer.language,
        city=customer.city,
        country=customer.country,
        since_at=customer.created_at,
        channels=tuple(sorted(session.scalars(channels))),
        orders=_orders(session, customer),
        tickets=tuple(
            TicketRow(one.id, one.number, one.subject, one.status)
            for one in tickets.tickets_of(session, customer)[:MOST]
        ),
        conversations=_conversations(session, customer, conversation),
        opportunities=tuple(
            OpportunityRow(one.id, one.title, one.stage, one.amount, one.currency)
            for one in opportunities.opportunities_of(session, customer)[:MOST]
        ),
        recommendations=tuple(
            RecommendationRow(one.id, one.product.name_en, one.reason, one.status)
            for one in recommendations.recommendations_for(session, customer)[:MOST]
        ),
    )


def _orders(session: Session, customer: Customer) -> tuple[OrderRow, ...]:
    return tuple(
        OrderRow(
            one.number,
            one.status,
            one.placed_at,
            one.total,
            one.currency,
            tuple(f"{line.quantity} × {line.product.name_en}" for line in one.lines),
        )
        for one in orders.orders_of(session, customer)[:MOST]
    )


def _conversations(
    session: Session, customer: Customer, present: Conversation
) -> tuple[ConversationRow, ...]:
    query = (
        select(Conversation)
        .where(Conversation.customer_id == customer.id, Conversation.id != present.id)
        .order_by(Conversation.last_activity_at.desc())
        .limit(MOST)
    )
    return tuple(
        ConversationRow(one.id, one.channel, one.owner, one.last_activity_at)
        for one in session.scalars(query)
    )
