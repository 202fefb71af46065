"""Who gets which conversation: by skill and load, the most urgent first.

An agent is given conversations while she is online and holds fewer than her capacity. Skills are languages
and topics; whoever names none has all. When nobody with the skill is there at all, topics stop counting, so
that a customer is not left alone; languages never do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector import ownership
from crm_connector.choices import Owner, Presence, Role
from crm_connector.desk import queue
from crm_connector.tables import Account, Agent, Conversation, Handoff

ABSENT_AFTER = timedelta(minutes=2)  # without a sign of life from her browser


@dataclass(slots=True)
class Candidate:
    """An agent who is there; `load` is how many conversations she holds, snoozed ones not counted."""

    account: Account
    load: int

    @property
    def is_free(self) -> bool:
        """Whether she can take one more."""
        return self.load < self.account.capacity

    def order(self) -> tuple[float, int]:
        """Where she stands among those who could take one more: the lightest load for her capacity first."""
        return self.load / max(1, self.account.capacity), self.account.id

    def speaks(self, handoff: Handoff) -> bool:
        """Whether she speaks the customer's language."""
        return not self.account.languages or handoff.language in (None, *self.account.languages)

    def knows(self, handoff: Handoff) -> bool:
        """Whether the matter is one of hers."""
        return not self.account.topics or handoff.topic in self.account.topics


def candidates(session: Session, now: datetime) -> list[Candidate]:
    """Agents who are there, those with the lightest load for their capacity first."""
    loads = _loads(session, now)
    query = select(Account).join(Agent).where(Agent.is_active, Account.presence == Presence.ONLINE)
    found = [
        Candidate(account, loads.get(account.agent_id, 0))
        for account in session.scalars(query.order_by(Account.id))
        if Role.AGENT in account.roles and not _is_absent(account, now)
    ]
    return sorted(found, key=Candidate.order)


def choose(handoff: Handoff, present: Sequence[Candidate]) -> Candidate | None:
    """Who gets a matter, None when everybody fit for it is busy or away."""
    able = [one for one in present if one.speaks(handoff)]
    skilled = [one for one in able if one.knows(handoff)]
    return next((one for one in skilled or able if one.is_free), None)


def is_anybody_left_alone(session: Session, now: datetime) -> bool:
    """Whether somebody has gone whose customers wait: a question that takes no lock."""
    return bool(_left_alone(session, now))


def is_anything_to_give(session: Session, now: datetime) -> bool:
    """Whether somebody could be given something: a question that takes no lock."""
    waits = session.scalar(select(Conversation.id).where(Conversation.owner == Owner.QUEUE).limit(1))
    return waits is not None and any(one.is_free for one in candidates(session, now))


def assign_waiting(session: Session, now: datetime) -> list[tuple[Conversation, Agent]]:
    """Give waiting conversations to agents who can take them; returns who got what.

    Safe in several processes at once: whoever is first changes the owner, the other one passes on.
    """
    given = []
    present = candidates(session, now)
    for place in queue.places(session, now):
        chosen = choose(place.handoff, present)
        if chosen is not None and ownership.claim(session, place.conversation, chosen.account.agent):
            given.append((place.conversation, chosen.account.agent))
            chosen.load += 1
            present.sort(key=Candidate.order)
    return given


def release_absent(session: Session, now: datetime) -> list[Conversation]:
    """Put conversations back into the queue whose agents are gone and whose customers wait for an answer."""
    return [
        conversation
        for conversation, account in _left_alone(session, now)
        if ownership.release(session, conversation, account.agent)
    ]


def is_there(account: Account, now: datetime) -> bool:
    """Whether somebody is at the desk, taking conversations or not."""
    is_gone = account.presence == Presence.OFFLINE or not account.agent.is_active
    return not is_gone and not _is_absent(account, now)


def _left_alone(session: Session, now: datetime) -> list[tuple[Conversation, Account]]:
    """Conversations whose agents are gone and whose customers wait for an answer."""
    query = (
        select(Conversation, Account)
        .join(Account, Account.agent_id == Conversation.agent_id)
        .join(Handoff, Handoff.conversation_id == Conversation.id)
        .where(
            Conversation.owner == Owner.AGENT,
            Handoff.ended_at.is_(None),
            Handoff.waiting_since_at.is_not(None),
        )
    )
    return [
        (conversation, account)
        for conversation, account in session.execute(query)
        if not is_there(account, now)
    ]


def sign_of_life(session: Session, account: Account, presence: Presence, now: datetime) -> None:
    """Note that an agent is there, or that she goes; send it at least once a minute."""
    account.presence, account.seen_at = presence, now
    session.flush()


def _loads(session: Session, now: datetime) -> dict[int, int]:
    query = (
        select(Conversation.agent_id, func.count())
        .join(Handoff, Handoff.conversation_id == Conversation.id)
        .where(
            Conversation.owner == Owner.AGENT,
            Handoff.ended_at.is_(None),
            (Handoff.snoozed_until_at.is_(None)) | (Handoff.snoozed_until_at <= now),
        )
        .group_by(Conversation.agent_id)
    )
    return {agent_id: count for agent_id, count in session.execute(query) if agent_id is not None}


def _is_absent(account: Account, now: datetime) -> bool:
    return account.seen_at is None or now - account.seen_at > ABSENT_AFTER
