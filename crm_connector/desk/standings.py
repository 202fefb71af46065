"""How conversations stand, as their customers are told: who answers, and their place in the queue."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector.choices import Owner
from crm_connector.columns import storable
from crm_connector.desk import queue
from crm_connector.tables import Agent, Conversation


@dataclass(frozen=True, slots=True)
class ConversationStanding:
    """Who answers a conversation; `position` counts from 1, `agent` is the name of the person who has it."""

    sender_id: str
    owner: Owner
    last_sequence: int
    agent: str | None = None
    position: int | None = None


def standings(session: Session, sender_ids: Collection[str], now: datetime) -> list[ConversationStanding]:
    """How these conversations stand; those that do not exist are left out."""
    rows = session.execute(
        select(Conversation.sender_id, Conversation.owner, Conversation.last_sequence, Agent.name)
        .outerjoin(Agent, Agent.id == Conversation.agent_id)
        .where(Conversation.sender_id.in_([storable(sender_id) for sender_id in sender_ids]))
    ).all()
    places: dict[str, int] = {}
    if any(owner == Owner.QUEUE for _, owner, _, _ in rows):
        waiting = queue.places(session, now)
        places = {place.conversation.sender_id: at for at, place in enumerate(waiting, start=1)}
    return [
        ConversationStanding(sender_id, owner, last_sequence, agent, places.get(sender_id))
        for sender_id, owner, last_sequence, agent in rows
    ]
