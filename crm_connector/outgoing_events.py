"""What other systems are told of: queued for the webhooks that hear of it, in the transaction of the change.

An event names what changed and how it stands now. Words of customers are not in it, but for a ticket's
subject: who wants more asks for it with a right of her own.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from crm_connector import deliveries
from crm_connector.choices import Outcome, Owner
from crm_connector.columns import JSONObject, utc_now
from crm_connector.prepared import Prepared
from crm_connector.tables import (
    Agent,
    Conversation,
    DeliveryTarget,
    Escalation,
    Ticket,
    TicketChange,
)


class EventType(StrEnum):
    """What a webhook may hear of."""

    TICKET_OPENED = "ticket.opened"
    TICKET_CHANGED = "ticket.changed"
    ESCALATION_OPENED = "escalation.opened"
    ESCALATION_ACCEPTED = "escalation.accepted"
    ESCALATION_RESOLVED = "escalation.resolved"
    CONVERSATION_STARTED = "conversation.started"
    CONVERSATION_QUEUED = "conversation.queued"
    CONVERSATION_HANDED_OVER = "conversation.handed_over"
    CONVERSATION_HANDED_BACK = "conversation.handed_back"
    CONVERSATION_RESOLVED = "conversation.resolved"


_OWNED = {
    Owner.QUEUE: EventType.CONVERSATION_QUEUED,
    Owner.AGENT: EventType.CONVERSATION_HANDED_OVER,
    Owner.BOT: EventType.CONVERSATION_HANDED_BACK,
}


_TARGETS = Prepared(select(func.count()).select_from(DeliveryTarget))


def hears(patterns: Sequence[str], event: str) -> bool:
    """Whether an event is among those that patterns name: `ticket.opened`, `ticket.*`, `*`."""
    return any(
        event.startswith(pattern[:-1]) if pattern.endswith("*") else event == pattern for pattern in patterns
    )


def ticket_changed(session: Session, ticket: Ticket, change: TicketChange) -> None:
    """Tell of a step in a ticket's history."""
    opened = change.field == "opened"
    event = EventType.TICKET_OPENED if opened else EventType.TICKET_CHANGED
    data = {
        "number": ticket.number,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "category": ticket.category.value,
        "subject": ticket.subject,
        "customer_id": ticket.customer_id,
        "actor": change.actor,
        **_conversation(session, ticket.conversation_id),
    }
    if not opened:
        # What a note says stays in the ticket.
        values = {} if change.field == "note" else {"old": change.old_value, "new": change.new_value}
        data["change"] = {"field": change.field, **values}
    _tell(session, event, f"ticket {ticket.number}", data)


def escalation_changed(session: Session, event: EventType, escalation: Escalation) -> None:
    """Tell that a complaint was escalated, accepted or resolved."""
    data = {
        "id": escalation.id,
        "status": escalation.status.value,
        "severity": escalation.severity.value,
        "category": escalation.category.value,
        "sentiment": escalation.sentiment.value,
        "customer_id": escalation.customer_id,
        "agent": _agent(session, escalation.agent_id),
        **_conversation(session, escalation.conversation_id),
    }
    _tell(session, event, f"escalation {escalation.id}", data)


def somebody_hears(connection: Connection) -> bool:
    """Whether there is anything that could be told."""
    [(count,)] = _TARGETS.rows(connection, {})
    return bool(count)


def conversation_started(session: Session, conversation: Conversation) -> None:
    """Tell that somebody has written for the first time."""
    _tell(session, EventType.CONVERSATION_STARTED, *_about(session, conversation))


def owner_changed(session: Session, conversation: Conversation, outcome: Outcome | None = None) -> None:
    """Tell that the queue, an agent or the bot has a conversation now; `outcome` is how a stay ended."""
    event = _OWNED[conversation.owner]
    if outcome is Outcome.SOLVED:
        event = EventType.CONVERSATION_RESOLVED
    subject, data = _about(session, conversation)
    if outcome is not None:
        data["outcome"] = outcome.value
    _tell(session, event, subject, data)


def _about(session: Session, conversation: Conversation) -> tuple[str, JSONObject]:
    return f"conversation {conversation.id}", {
        **_conversation(session, conversation.id),
        "owner": conversation.owner.value,
        "agent": _agent(session, conversation.agent_id),
        "customer_id": conversation.customer_id,
    }


def _conversation(session: Session, conversation_id: int | None) -> JSONObject:
    row = None if conversation_id is None else session.get(Conversation, conversation_id)
    return {"sender_id": row.sender_id if row else None, "channel": row.channel if row else None}


def _agent(session: Session, agent_id: int | None) -> str | None:
    agent = None if agent_id is None else session.get(Agent, agent_id)
    return agent.name if agent else None


def _tell(session: Session, event: EventType, subject: str, data: JSONObject) -> None:
    """Queue an event for each webhook that hears of it; those about one subject stay in order."""
    targets = [
        target.name for target in session.scalars(select(DeliveryTarget)) if hears(target.events, event)
    ]
    if not targets:
        return
    now = utc_now()
    content = {
        "id": f"evt_{uuid.uuid4().hex}",
        "type": event.value,
        "timestamp": now.isoformat(timespec="milliseconds"),
        "data": data,
    }
    parcel = deliveries.Parcel({"timestamp": now.timestamp()}, [content])
    for name in targets:
        deliveries.queue(session, name, subject, [parcel], key=f"{name}/{content['id']}")
