"""What agents should hear of at once: written down in the audit log by one process, read from it by all."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import tickets
from crm_connector.columns import utc_now
from crm_connector.desk import assignment, audit, service_levels
from crm_connector.tables import Account, Agent, AuditEntry, Conversation, Customer
from desk.views.conversation_list import short_name

DESK = "desk"  # who acts, in the audit log, where no person does
RELEASED, ASSIGNED = "conversation.release", "conversation.assign"
DUE_SOON, BROKEN = "promise.due_soon", "promise.broken"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that an agent should hear of, whatever page she is on; `agent_id` is None for everybody."""

    text: str
    conversation_id: int | None = None
    agent_id: int | None = None
    is_urgent: bool = False


def note_release(session: Session, conversation: Conversation) -> None:
    """Write down that a conversation was taken back from somebody who is gone."""
    audit.note(session, DESK, RELEASED, _subject(conversation.id))


def note_assignment(session: Session, conversation: Conversation, agent: Agent) -> None:
    """Write down who was given a conversation."""
    audit.note(session, DESK, ASSIGNED, _subject(conversation.id), {"to": agent.email})


def note_alarm(session: Session, alarm: service_levels.Alarm) -> None:
    """Write down that a promise is about to run out or has, for whoever has the matter and is there."""
    handoff, ticket = alarm.clock.handoff, alarm.clock.ticket
    subject = _subject(handoff.conversation_id) if handoff else f"ticket {ticket.number if ticket else '?'}"
    holder = handoff.agent_id if handoff else None
    account = session.scalar(select(Account).where(Account.agent_id == holder)) if holder else None
    is_there = account is not None and assignment.is_there(account, utc_now())
    detail = {
        "promise": alarm.clock.target.value,
        "due_at": alarm.clock.due_at.isoformat(),
        "to": account.agent.email if account and is_there else None,
    }
    audit.note(session, DESK, BROKEN if alarm.is_breach else DUE_SOON, subject, detail)


def alerts_since(session: Session, after: int) -> tuple[Alert, ...]:
    """What was written down since then that agents should hear of; nobody hears of her own deeds."""
    query = select(AuditEntry).where(
        AuditEntry.id > after, AuditEntry.action.in_((ASSIGNED, DUE_SOON, BROKEN))
    )
    entries = [
        entry
        for entry in session.scalars(query.order_by(AuditEntry.id))
        if entry.actor != entry.detail.get("to")
    ]
    emails = {str(entry.detail["to"]) for entry in entries if entry.detail.get("to")}
    agents = {agent.email: agent for agent in session.scalars(select(Agent).where(Agent.email.in_(emails)))}
    return tuple(_alert(session, entry, agents.get(str(entry.detail.get("to")))) for entry in entries)


def _alert(session: Session, entry: AuditEntry, agent: Agent | None) -> Alert:
    id_ = _conversation_id(entry)
    agent_id = agent.id if agent else None
    if entry.action == ASSIGNED:
        return Alert(f"New conversation for you, {agent.name if agent else ''}", id_, agent_id)
    is_breach = entry.action == BROKEN
    what = str(entry.detail["promise"]).replace("_", " ")
    matter = _customer(session, id_) if id_ is not None else _ticket(session, entry.subject)
    return Alert(f"{'Too late' if is_breach else 'Due soon'}: {what} for {matter}", id_, agent_id, is_breach)


def _customer(session: Session, conversation_id: int) -> str:
    """Who waits in a conversation."""
    conversation = session.get_one(Conversation, conversation_id)
    customer = session.get(Customer, conversation.customer_id) if conversation.customer_id else None
    return (customer.name if customer else None) or short_name(conversation.sender_id)


def _ticket(session: Session, subject: str) -> str:
    """A ticket, and whose it is if she has a name."""
    ticket = tickets.find_ticket(session, subject.removeprefix("ticket "))
    return f"{ticket.customer.name}, {subject}" if ticket and ticket.customer.name else subject


def _conversation_id(entry: AuditEntry) -> int | None:
    kind, _, number = entry.subject.partition(" ")
    return int(number) if kind == "conversation" else None


def _subject(conversation_id: int) -> str:
    return f"conversation {conversation_id}"
