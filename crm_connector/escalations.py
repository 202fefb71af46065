"""Complaints that a person must see."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm_connector.choices import EscalationStatus
from crm_connector.columns import storable
from crm_connector.database import insert_once
from crm_connector.tables import Agent, Escalation


class UntracedSentence(ValueError):
    """A sentence of a summary that rests on nothing."""


def escalate(session: Session, escalation: Escalation) -> Escalation:
    """Store an escalation with its sentences, or return the one made under the same `source_key` before.

    Raises:
        UntracedSentence: A sentence names no source; a summary must not invent.
    """
    for sentence in escalation.sentences:
        if not sentence.sources:
            raise UntracedSentence(
                f"sentence {sentence.position} of the summary names no source: {sentence.text}"
            )
    escalation.source_key = storable(escalation.source_key)
    return insert_once(session, escalation, Escalation.source_key == escalation.source_key)


def open_escalations(session: Session) -> list[Escalation]:
    """Escalations that nobody has accepted yet, oldest first."""
    query = select(Escalation).where(Escalation.status == EscalationStatus.OPEN)
    return list(session.scalars(query.order_by(Escalation.id)))


def accept(session: Session, escalation: Escalation, agent: Agent) -> bool:
    """Take an open escalation; True for the agent who has it now, however often she asks."""
    session.flush()
    session.execute(
        update(Escalation)
        .where(Escalation.id == escalation.id, Escalation.status == EscalationStatus.OPEN)
        .values(status=EscalationStatus.ACCEPTED, agent_id=agent.id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(escalation)
    return escalation.status == EscalationStatus.ACCEPTED and escalation.agent_id == agent.id


def resolve(session: Session, escalation: Escalation) -> None:
    """Nothing is left to do."""
    escalation.status = EscalationStatus.RESOLVED
    session.flush()
