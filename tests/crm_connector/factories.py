"""A factory for each table: a stored row that is valid without a word, and different where you say so."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from sqlalchemy.orm import Session

from crm_connector.choices import ComplaintCategory, OrderStatus, Sentiment, Severity
from crm_connector.columns import Base
from crm_connector.tables import (
    Agent,
    Conversation,
    Customer,
    Escalation,
    EscalationSentence,
    Opportunity,
    Order,
    OrderLine,
    Product,
    Recommendation,
    Survey,
    Ticket,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

Row = TypeVar("Row", bound=Base)

_count = itertools.count(1)


def stored(session: Session, row: Row) -> Row:
    """Store a row and give it its id."""
    session.add(row)
    session.flush()
    return row


def a_customer(session: Session, *, email: str | None = None, phone: str | None = None) -> Customer:
    """A customer with a name."""
    return stored(session, Customer(name="Mara Lind", email=email, phone=phone))


def an_agent(session: Session) -> Agent:
    """An agent with an e-mail of her own."""
    return stored(session, Agent(name="Ines", email=f"ines{next(_count)}@lumen.example"))


def a_product(
    session: Session, *, code: str | None = None, name: str = "Desk lamp", price: str = "49.90"
) -> Product:
    """A lamp on sale."""
    return stored(
        session,
        Product(
            code=code or f"LC-LP-{next(_count)}",
            category="lamp",
            name_en=name,
            name_zh="台灯",
            description_en="Warm light without flicker",
            description_zh="无频闪的暖光",
            price=Decimal(price),
        ),
    )


def an_order(
    session: Session,
    *,
    number: str | None = None,
    customer: Customer | None = None,
    product: Product | None = None,
    status: OrderStatus = OrderStatus.DELIVERED,
    email: str = "anna@example.com",
    phone: str | None = "+49 171 2345678",
    delivered_at: datetime | None = None,
) -> Order:
    """An order of two pieces of one product, promised for `NOW`."""
    product = product or a_product(session)
    arrived = delivered_at or (NOW if status == OrderStatus.DELIVERED else None)
    order = Order(
        number=number or f"LC{500_000 + next(_count)}",
        customer_id=(customer or a_customer(session)).id,
        email=email,
        phone=phone,
        status=status,
        total=product.price * 2,
        placed_at=NOW - timedelta(days=5),
        promised_at=NOW,
        delivered_at=arrived,
        lines=[OrderLine(product_id=product.id, quantity=2, unit_price=product.price)],
    )
    return stored(session, order)


def a_conversation(session: Session, *, sender_id: str | None = None) -> Conversation:
    """A conversation that the bot owns."""
    return stored(session, Conversation(sender_id=sender_id or f"sender-{next(_count)}", channel="rest"))


def new_ticket(customer: Customer, *, source_key: str = "turn-1", subject: str = "Late parcel") -> Ticket:
    """A ticket that is not stored."""
    return Ticket(
        source_key=source_key,
        customer_id=customer.id,
        category=ComplaintCategory.DELIVERY,
        subject=subject,
    )


def new_escalation(
    customer: Customer, *, source_key: str = "turn-1", sources: tuple[str, ...] = ("m-1",)
) -> Escalation:
    """An escalation that is not stored, with a summary of two sentences."""
    return Escalation(
        source_key=source_key,
        customer_id=customer.id,
        category=ComplaintCategory.DELIVERY,
        severity=Severity.HIGH,
        sentiment=Sentiment.NEGATIVE,
        wanted="her parcel",
        tried=["looked up the order"],
        open_questions=["Where is the parcel?"],
        sentences=[
            EscalationSentence(position=1, text="The parcel is late.", sources=list(sources)),
            EscalationSentence(position=2, text="She is angry.", sources=["m-2", "slot:sentiment"]),
        ],
    )


def new_recommendation(customer: Customer, product: Product, *, source_key: str = "turn-1") -> Recommendation:
    """A recommendation that is not stored."""
    return Recommendation(
        source_key=source_key,
        customer_id=customer.id,
        product_id=product.id,
        reason="goes with it",
        score=0.7,
    )


def new_opportunity(customer: Customer, *, source_key: str = "turn-1") -> Opportunity:
    """An opportunity that is not stored."""
    return Opportunity(source_key=source_key, customer_id=customer.id, title="Lamp", amount=Decimal("49.90"))


def new_survey(customer: Customer, *, source_key: str = "turn-1", rating: int = 4) -> Survey:
    """A survey that is not stored."""
    return Survey(source_key=source_key, customer_id=customer.id, rating=rating)
