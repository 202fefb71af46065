"""The queue: who has waited how long for a person, and who comes next.

Everything that makes a matter urgent is counted in minutes of waiting, so that nobody waits for ever: a
critical complaint comes two hours before a plain question, and a plain question that has waited longer than
that comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector.choices import Owner, Sentiment, Severity
from crm_connector.desk import service_levels
from crm_connector.tables import Clock, Conversation, Handoff

_SEVERITY_MIN: Mapping[Severity, float] = {
    Severity.LOW: 0,
    Severity.MEDIUM: 10,
    Severity.HIGH: 40,
    Severity.CRITICAL: 120,
}
_SENTIMENT_MIN: Mapping[Sentiment, float] = {
    Sentiment.POSITIVE: 0,
    Sentiment.NEUTRAL: 0,
    Sentiment.NEGATIVE: 10,
}
_PROMISE_MIN = 30  # worth of a promise that runs out now; it begins to count this long before


@dataclass(frozen=True, slots=True)
class Place:
    """A waiting conversation; `urgency` is in minutes of waiting, `due_at` None where nothing is promised."""

    conversation: Conversation
    handoff: Handoff
    urgency: float
    due_at: datetime | None


def urgency(handoff: Handoff, *, now: datetime, due_at: datetime | None) -> float:
    """How urgent a matter is, in minutes of waiting."""
    return (
        _minutes(now - handoff.requested_at)
        + _SEVERITY_MIN[handoff.severity]
        + _SENTIMENT_MIN[handoff.sentiment]
        + _promise(now, due_at)
    )


def places(session: Session, now: datetime) -> list[Place]:
    """All who wait for a person, the most urgent first."""
    query = (
        select(Conversation, Handoff)
        .join(Handoff, Handoff.conversation_id == Conversation.id)
        .where(Conversation.owner == Owner.QUEUE, Handoff.ended_at.is_(None))
    )
    rows = session.execute(query).all()
    clocks: dict[int, Clock] = service_levels.next_due(session, [handoff.id for _, handoff in rows])
    found = [
        Place(conversation, handoff, urgency(handoff, now=now, due_at=due), due)
        for conversation, handoff in rows
        for due in [clocks[handoff.id].due_at if handoff.id in clocks else None]
    ]
    return sorted(found, key=lambda place: (-place.urgency, place.handoff.requested_at, place.handoff.id))


def position(session: Session, conversation: Conversation, now: datetime) -> int | None:
    """How many-th in the queue a conversation is, 1 for the next; None when it does not wait."""
    ids = [place.conversation.id for place in places(session, now)]
    return ids.index(conversation.id) + 1 if conversation.id in ids else None


def _promise(now: datetime, due_at: datetime | None) -> float:
    """Rises from nothing to `_PROMISE_MIN` when the promise runs out, and on with every minute after."""
    if due_at is None:
        return 0.0
    return max(0.0, _PROMISE_MIN - _minutes(due_at - now))


def _minutes(duration: timedelta) -> float:
    return duration / timedelta(minutes=1)
