"""Rows of the CRM as flat JSON, newest first: for the command line, and for whoever wants a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from crm_connector.columns import JSONObject
from crm_connector.tables import (
    Conversation,
    Customer,
    Escalation,
    Opportunity,
    Order,
    Recommendation,
    Ticket,
)


def tickets(session: Session, *, limit: int = 50, status: str | None = None) -> list[JSONObject]:
    """Tickets, with the customer's name and the sender_id."""
    query = select(Ticket).options(joinedload(Ticket.customer)).order_by(Ticket.id.desc()).limit(limit)
    rows = session.scalars(query if status is None else query.where(Ticket.status == status)).all()
    senders = _senders(session, [row.conversation_id for row in rows])
    return [
        {
            "number": row.number,
            "status": row.status.value,
            "priority": row.priority.value,
            "category": row.category.value,
            "subject": row.subject,
            "description": row.description,
            "customer": row.customer.name,
            "email": row.customer.email,
            "sender_id": senders.get(row.conversation_id),
            "created_at": _moment(row.created_at),
            "updated_at": _moment(row.updated_at),
        }
        for row in rows
    ]


def escalations(session: Session, *, limit: int = 50, status: str | None = None) -> list[JSONObject]:
    """Escalations, with the summary and what each of its sentences rests on."""
    query = (
        select(Escalation)
        .options(joinedload(Escalation.customer), selectinload(Escalation.sentences))
        .order_by(Escalation.id.desc())
        .limit(limit)
    )
    rows = session.scalars(query if status is None else query.where(Escalation.status == status)).all()
    senders = _senders(session, [row.conversation_id for row in rows])
    numbers = _ticket_numbers(session, [row.ticket_id for row in rows])
    return [
        {
            "id": row.id,
            "status": row.status.value,
            "severity": row.severity.value,
            "category": row.category.value,
            "sentiment": row.sentiment.value,
            "wanted": row.wanted,
            "tried": row.tried,
            "open_questions": row.open_questions,
            "summary": [{"text": line.text, "sources": line.sources} for line in row.sentences],
            "ticket": numbers.get(row.ticket_id),
            "customer": row.customer.name,
            "email": row.customer.email,
            "sender_id": senders.get(row.conversation_id),
            "created_at": _moment(row.created_at),
        }
        for row in rows
    ]


def recommendations(session: Session, *, limit: int = 50, status: str | None = None) -> list[JSONObject]:
    """Recommendations, with the product and the reason."""
    query = (
        select(Recommendation)
        .options(joinedload(Recommendation.customer), joinedload(Recommendation.product))
        .order_by(Recommendation.id.desc())
        .limit(limit)
    )
    rows = session.scalars(query if status is None else query.where(Recommendation.status == status)).all()
    senders = _senders(session, [row.conversation_id for row in rows])
    return [
        {
            "id": row.id,
            "status": row.status.value,
            "product": row.product.code,
            "name": row.product.name_in(row.customer.language),
            "price": str(row.product.price),
            "currency": row.product.currency,
            "reason": row.reason,
            "score": row.score,
            "customer": row.customer.name,
            "email": row.customer.email,
            "sender_id": senders.get(row.conversation_id),
            "created_at": _moment(row.created_at),
        }
        for row in rows
    ]


def opportunities(session: Session, *, limit: int = 50, status: str | None = None) -> list[JSONObject]:
    """Opportunities; their status is the stage."""
    query = (
        select(Opportunity)
        .options(joinedload(Opportunity.customer), joinedload(Opportunity.product))
        .order_by(Opportunity.id.desc())
        .limit(limit)
    )
    rows = session.scalars(query if status is None else query.where(Opportunity.stage == status)).all()
    senders = _senders(session, [row.conversation_id for row in rows])
    return [
        {
            "id": row.id,
            "stage": row.stage.value,
            "title": row.title,
            "product": row.product.code if row.product else None,
            "amount": None if row.amount is None else str(row.amount),
            "currency": row.currency,
            "customer": row.customer.name,
            "email": row.customer.email,
            "sender_id": senders.get(row.conversation_id),
            "created_at": _moment(row.created_at),
            "updated_at": _moment(row.updated_at),
        }
        for row in rows
    ]


def customers(session: Session, *, limit: int = 50, status: str | None = None) -> list[JSONObject]:  # noqa: ARG001 - the shape of all listings
    """Customers with the number of their orders and tickets; they have no status."""
    orders = select(func.count(Order.id)).where(Order.customer_id == Customer.id).scalar_subquery()
    opened = select(func.count(Ticket.id)).where(Ticket.customer_id == Customer.id).scalar_subquery()
    query = select(Customer, orders, opened).order_by(Customer.id.desc()).limit(limit)
    return [
        {
            "id": row.id,
            "name": row.name,
            "email": row.email,
            "phone": row.phone,
            "language": row.language,
            "city": row.city,
            "country": row.country,
            "orders": order_count,
            "tickets": ticket_count,
            "created_at": _moment(row.created_at),
        }
        for row, order_count, ticket_count in session.execute(query)
    ]


LISTINGS: Mapping[str, Callable[..., list[JSONObject]]] = MappingProxyType(
    {
        "tickets": tickets,
        "escalations": escalations,
        "recommendations": recommendations,
        "opportunities": opportunities,
        "customers": customers,
    }
)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _senders(session: Session, conversations: list[int | None]) -> dict[int | None, str]:
    """The sender_id of each conversation."""
    query = select(Conversation.id, Conversation.sender_id).where(
        Conversation.id.in_(set(conversations) - {None})
    )
    return dict(session.execute(query).all())


def _ticket_numbers(session: Session, ids: list[int | None]) -> dict[int | None, str]:
    """The number of each ticket."""
    rows = session.scalars(select(Ticket).where(Ticket.id.in_(set(ids) - {None})))
    return {row.id: row.number for row in rows}
