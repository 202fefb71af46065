"""How satisfied customers are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector.columns import storable
from crm_connector.database import insert_once
from crm_connector.tables import Conversation, Survey


def record_survey(session: Session, survey: Survey) -> Survey:
    """Store a survey, or return the one that was given under the same `source_key` before.

    Raises:
        ValueError: The rating is not one of 1 to 5.
    """
    if not 1 <= survey.rating <= 5:
        raise ValueError(f"rating {survey.rating}, expected 1 to 5")
    survey.source_key = storable(survey.source_key)
    return insert_once(session, survey, Survey.source_key == survey.source_key)


def was_rated(session: Session, sender_id: str, since: datetime) -> bool:
    """Whether a customer has rated her conversation since a moment, over whichever door."""
    query = (
        select(Survey.id)
        .join(Conversation, Conversation.id == Survey.conversation_id)
        .where(Conversation.sender_id == sender_id, Survey.created_at >= since)
    )
    return session.scalar(query.limit(1)) is not None


def mean_rating(session: Session) -> float | None:
    """The mean of all ratings, None before the first."""
    mean = session.scalar(select(func.avg(Survey.rating)))
    return None if mean is None else float(mean)
