"""Who answers a conversation: the bot, nobody yet (queue), or one agent; changed in one statement each."""

from __future__ import annotations

import time

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from crm_connector.choices import Owner
from crm_connector.columns import utc_now
from crm_connector.conversations import append_events
from crm_connector.tables import Agent, Conversation


def owner_of(session: Session, sender_id: str) -> Owner:
    """Who answers this sender now; the bot answers whoever is new."""
    owner = session.scalar(select(Conversation.owner).where(Conversation.sender_id == sender_id))
    return owner or Owner.BOT


def request_agent(session: Session, conversation: Conversation) -> bool:
    """Put a conversation of the bot into the queue; False when it waits or has an agent already."""
    return _change(session, conversation, Conversation.owner == Owner.BOT, Owner.QUEUE)


def claim(session: Session, conversation: Conversation, agent: Agent) -> bool:
    """Give a waiting conversation to an agent; True for the agent who has it now, however often she asks."""
    won = _change(session, conversation, Conversation.owner == Owner.QUEUE, Owner.AGENT, agent_id=agent.id)
    return won or (conversation.owner == Owner.AGENT and conversation.agent_id == agent.id)


def release(session: Session, conversation: Conversation, agent: Agent) -> bool:
    """Put an agent's own conversation back into the queue; False when it is not hers."""
    return _change(session, conversation, _held_by(agent), Owner.QUEUE)


def hand_back(session: Session, conversation: Conversation, agent: Agent) -> bool:
    """Give an agent's own conversation back to the bot, marked by a `resume` event; False when not hers."""
    if not _change(session, conversation, _held_by(agent), Owner.BOT):
        return False
    mark = {"event": "resume", "timestamp": time.time(), "metadata": {"agent": agent.name}}
    append_events(session, conversation, [mark])
    return True


def waiting(session: Session) -> list[Conversation]:
    """The queue, longest wait first."""
    query = select(Conversation).where(Conversation.owner == Owner.QUEUE)
    return list(session.scalars(query.order_by(Conversation.owner_since_at, Conversation.id)))


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
    return changed is not None
