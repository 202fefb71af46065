"""Who answers a conversation: the bot, nobody yet (queue), or one agent; changed in one statement each.

A stay with people is a `Handoff`: it begins when a person is asked for or takes over, ends when the bot has
the conversation again, and is written in the transaction that changes the owner. Customers see when a person
comes and goes: a `pause` mark with the person's name, and a `resume` mark, which says so if another one is
to come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from crm_connector import deliveries, outgoing_events
from crm_connector.choices import ComplaintCategory, Outcome, Owner, Sentiment, Severity, Target
from crm_connector.columns import JSONObject, storable, utc_now
from crm_connector.conversations import MessageKey, append_events, seen_message
from crm_connector.desk import service_levels
from crm_connector.tables import Agent, Conversation, Handoff

DESK = "desk"  # the channel by which agents' replies come in


@dataclass(frozen=True, slots=True)
class Matter:
    """Why a person is asked for, and what about: decides who gets it, how soon; `card` as in `Handoff`."""

    reason: str = "asked"
    topic: ComplaintCategory = ComplaintCategory.OTHER
    severity: Severity = Severity.LOW
    sentiment: Sentiment = Sentiment.NEUTRAL
    language: str | None = None
    card: JSONObject = field(default_factory=dict)


_ASKED = Matter()


def update_matter(session: Session, conversation: Conversation, matter: Matter) -> None:
    """Tell the people who have or will have a conversation what became known; it never gets less severe."""
    handoff = handoff_of(session, conversation)
    if handoff is not None:
        order = list(Severity)
        handoff.severity = max(handoff.severity, matter.severity, key=order.index)
        handoff.topic, handoff.sentiment, handoff.card = matter.topic, matter.sentiment, matter.card
        session.flush()


def owner_of(session: Session, sender_id: str) -> Owner:
    """Who answers this sender now; the bot answers whoever is new."""
    owner = session.scalar(select(Conversation.owner).where(Conversation.sender_id == sender_id))
    return owner or Owner.BOT


def handoff_of(session: Session, conversation: Conversation) -> Handoff | None:
    """The present stay with people, None while the bot owns the conversation."""
    query = select(Handoff).where(Handoff.conversation_id == conversation.id, Handoff.ended_at.is_(None))
    return session.scalars(query).one_or_none()


def request_agent(session: Session, conversation: Conversation, matter: Matter = _ASKED) -> bool:
    """Put a conversation of the bot into the queue; False when it waits or has an agent already."""
    if not _change(session, conversation, Conversation.owner == Owner.BOT, Owner.QUEUE):
        return False
    _begin(session, conversation, matter)
    return True


def claim(session: Session, conversation: Conversation, agent: Agent) -> bool:
    """Give a waiting conversation to an agent; True for the agent who has it now, however often she asks."""
    if _change(session, conversation, Conversation.owner == Owner.QUEUE, Owner.AGENT, agent_id=agent.id):
        _take(session, conversation, agent)
        return True
    return conversation.owner == Owner.AGENT and conversation.agent_id == agent.id


def take_over(session: Session, conversation: Conversation, agent: Agent) -> bool:
    """Let an agent step in where the bot answers; False when the conversation waits or has an agent."""
    if not _change(session, conversation, Conversation.owner == Owner.BOT, Owner.AGENT, agent_id=agent.id):
        return False
    _begin(session, conversation, Matter(reason="taken over", language=conversation.language))
    _take(session, conversation, agent)
    return True


def pass_on(session: Session, conversation: Conversation, agent: Agent, to: Agent) -> bool:
    """Give an agent's own conversation to another agent; False when it is not hers."""
    if agent.id == to.id:
        return conversation.owner == Owner.AGENT and conversation.agent_id == agent.id
    if not _change(session, conversation, _held_by(agent), Owner.AGENT, agent_id=to.id):
        return False
    _take(session, conversation, to)
    return True


def release(session: Session, conversation: Conversation, agent: Agent) -> bool:
    """Put an agent's own conversation back into the queue; False when it is not hers."""
    if not _change(session, conversation, _held_by(agent), Owner.QUEUE):
        return False
    handoff = handoff_of(session, conversation)
    if handoff is not None:
        handoff.agent_id = None
    _mark(session, conversation, "resume", agent, to=Owner.QUEUE)
    return True


def hand_back(
    session: Session, conversation: Conversation, agent: Agent, *, outcome: Outcome = Outcome.HANDED_BACK
) -> bool:
    """Give an agent's own conversation back to the bot, marked by a `resume` event; False when not hers."""
    if not _change(session, conversation, _held_by(agent), Owner.BOT):
        return False
    _end(session, conversation, outcome)
    _mark(session, conversation, "resume", agent)
    return True


def leave_queue(session: Session, conversation: Conversation) -> bool:
    """Give a waiting conversation back to the bot, because the customer wants nobody any more."""
    if not _change(session, conversation, Conversation.owner == Owner.QUEUE, Owner.BOT):
        return False
    _end(session, conversation, Outcome.CUSTOMER_LEFT)
    return True


def waiting(session: Session) -> list[Conversation]:
    """The queue, longest wait first."""
    query = select(Conversation).where(Conversation.owner == Owner.QUEUE)
    return list(session.scalars(query.order_by(Conversation.owner_since_at, Conversation.id)))


def customer_wrote(session: Session, conversation: Conversation, at: datetime) -> None:
    """Note that an answer is owed, where people own the conversation; a snooze is over."""
    handoff = None if conversation.owner == Owner.BOT else handoff_of(session, conversation)
    if handoff is None:
        return
    handoff.snoozed_until_at = None
    if handoff.waiting_since_at is None:
        handoff.waiting_since_at = at
        service_levels.start_next_response(session, handoff, at)


def reply(session: Session, conversation: Conversation, agent: Agent, text: str, *, key: str) -> bool:
    """Say something to the customer as the agent who owns the conversation; False when she does not.

    A reply that comes again under the same `key` is not said again.
    """
    session.refresh(conversation, with_for_update=True)
    if conversation.owner != Owner.AGENT or conversation.agent_id != agent.id:
        return False
    inbound = MessageKey(DESK, key)
    if seen_message(session, conversation, inbound) is not None:
        return True
    said = {
        "event": "agent",
        "timestamp": utc_now().timestamp(),
        "text": storable(text),
        "data": None,
        "metadata": {"agent": agent.name},
    }
    append_events(session, conversation, [said], inbound=inbound)
    deliveries.queue_said(session, conversation, said, key=f"{DESK} {conversation.id} {key}")
    handoff = handoff_of(session, conversation)
    if handoff is not None:
        now = utc_now()
        handoff.first_reply_at = handoff.first_reply_at or now
        handoff.waiting_since_at = None
        service_levels.stop(session, handoff, (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE), now)
    return True


def _begin(session: Session, conversation: Conversation, matter: Matter) -> None:
    language = matter.language or conversation.language
    handoff = Handoff(
        conversation_id=conversation.id,
        reason=matter.reason,
        topic=matter.topic,
        severity=matter.severity,
        sentiment=matter.sentiment,
        card=matter.card,
        language=language,
    )
    session.add(handoff)
    session.flush()
    service_levels.start_handoff(session, handoff, conversation)


def _take(session: Session, conversation: Conversation, agent: Agent) -> None:
    handoff = handoff_of(session, conversation)
    if handoff is not None:
        handoff.agent_id = agent.id
        handoff.claimed_at = handoff.claimed_at or utc_now()
    _mark(session, conversation, "pause", agent)


def _end(session: Session, conversation: Conversation, outcome: Outcome) -> None:
    outgoing_events.owner_changed(session, conversation, outcome)
    handoff = handoff_of(session, conversation)
    if handoff is not None:
        handoff.ended_at, handoff.outcome, handoff.waiting_since_at = utc_now(), outcome, None
        service_levels.stop(session, handoff, tuple(Target), handoff.ended_at)


def _mark(
    session: Session, conversation: Conversation, event: str, agent: Agent, *, to: Owner | None = None
) -> None:
    metadata = {"agent": agent.name} | ({"to": to.value} if to else {})
    mark = {"event": event, "timestamp": utc_now().timestamp(), "metadata": metadata}
    append_events(session, conversation, [mark])


def _held_by(agent: Agent) -> ColumnElement[bool]:
    return (Conversation.owner == Owner.AGENT) & (Conversation.agent_id == agent.id)


def _change(
    session: Session,
    conversation: Conversation,
    condition: ColumnElement[bool],
    owner: Owner,
    *,
    agent_id: int | None = None,
) -> bool:
    """Change the owner if the condition still holds: the database decides between two who ask at once."""
    session.flush()
    changed = session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id, condition)
        .values(owner=owner, agent_id=agent_id, owner_since_at=utc_now())
        .returning(Conversation.id)
        .execution_options(synchronize_session=False)
    ).first()
    session.refresh(conversation)
    if changed is not None and owner != Owner.BOT:
        outgoing_events.owner_changed(session, conversation)
    return changed is not None
