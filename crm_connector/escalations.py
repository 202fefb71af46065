"""Complaints that a person must see."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm_connector import outgoing_events
from crm_connector.choices import EscalationStatus
from crm_connector.columns import storable
from crm_connector.database import insert_once
from crm_connector.outgoing_events import EventType
from crm_connector.tables import Agent, Conversation, Escalation, EscalationSentence


class UntracedSentence(ValueError):
    """A sentence of a summary that rests on nothing."""


def escalate(session: Session, escalation: Escalation) -> Escalation:
    """Store an escalation with its sentences, or return the one made under the same `source_key` before.

    Raises:
        UntracedSentence: A sentence names no source; a summary must not invent.
    """
    _check_sources(escalation.sentences)
    escalation.source_key = storable(escalation.source_key)
    stored = insert_once(session, escalation, Escalation.source_key == escalation.source_key)
    if stored is escalation:
        outgoing_events.escalation_changed(session, EventType.ESCALATION_OPENED, escalation)
    return stored


def revise(
    session: Session,
    escalation: Escalation,
    *,
    wanted: str,
    tried: list[str],
    open_questions: list[str],
    sentences: list[EscalationSentence],
) -> None:
    """Write the summary of an escalation anew, because more is known; category and severity stay.

    Raises:
        UntracedSentence: A sentence names no source.
    """
    _check_sources(sentences)
    session.refresh(escalation, with_for_update=True)
    session.execute(
        delete(EscalationSentence).where(EscalationSentence.escalation_id == escalation.id),
        execution_options={"synchronize_session": "fetch"},
    )
    session.expire(escalation, ["sentences"])
    escalation.wanted, escalation.tried, escalation.open_questions = wanted, tried, open_questions
    escalation.sentences.extend(sentences)
    session.flush()


def open_escalations(session: Session) -> list[Escalation]:
    """Escalations that nobody has accepted yet, oldest first."""
    query = select(Escalation).where(Escalation.status == EscalationStatus.OPEN)
    return list(session.scalars(query.order_by(Escalation.id)))


def of_conversation(session: Session, conversation: Conversation) -> list[Escalation]:
    """Escalations of a conversation that are not resolved, oldest first."""
    query = select(Escalation).where(
        Escalation.conversation_id == conversation.id, Escalation.status != EscalationStatus.RESOLVED
    )
    return list(session.scalars(query.order_by(Escalation.id)))


def accept(session: Session, escalation: Escalation, agent: Agent) -> bool:
    """Take an open escalation; True for the agent who has it now, however often she asks."""
    session.flush()
    won = session.execute(
        update(Escalation)
        .where(Escalation.id == escalation.id, Escalation.status == EscalationStatus.OPEN)
        .values(status=EscalationStatus.ACCEPTED, agent_id=agent.id)
        .returning(Escalation.id)
        .execution_options(synchronize_session=False)
    ).first()
    session.refresh(escalation)
    if won is not None:
        outgoing_events.escalation_changed(session, EventType.ESCALATION_ACCEPTED, escalation)
    return escalation.status == EscalationStatus.ACCEPTED and escalation.agent_id == agent.id


def resolve(session: Session, escalation: Escalation) -> None:
    """Nothing is left to do."""
    session.refresh(escalation, with_for_update=True)
    if escalation.status == EscalationStatus.RESOLVED:
        return
    escalation.status = EscalationStatus.RESOLVED
    session.flush()
    outgoing_events.escalation_changed(session, EventType.ESCALATION_RESOLVED, escalation)


def _check_sources(sentences: Sequence[EscalationSentence]) -> None:
    """Refuse a summary that invents."""
    for sentence in sentences:
        if not sentence.sources:
            raise UntracedSentence(
                f"sentence {sentence.position} of the summary names no source: {sentence.text}"
            )
