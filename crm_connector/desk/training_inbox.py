"""The training inbox: messages that the assistant was unsure of, and what people say about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from crm_connector.choices import Sentiment, Verdict
from crm_connector.columns import JSON, JSONObject, utc_now
from crm_connector.database import insert_once
from crm_connector.tables import Agent, Conversation, ConversationEvent, DoubtfulMessage

FALLBACK, LOW_SCORE, NEAR_TIE, NEGATIVE = "fallback", "low_score", "near_tie", "negative"
REASONS = (FALLBACK, LOW_SCORE, NEAR_TIE, NEGATIVE)

_data = ConversationEvent.data
_intent = _data[("parse_data", "intent", "name")].as_string()
_score = _data[("parse_data", "intent", "confidence")].as_float()
_runner_up = _data[("parse_data", "intent_ranking", 1, "confidence")].as_float()
_sentiment = _data[("parse_data", "sentiment", "value")].as_string()
_text = _data["text"].as_string()


@dataclass(frozen=True, slots=True)
class Doubt:
    """What counts as doubtful: a score below `low_score`, or one less than `near_tie` above the runner-up."""

    low_score: float = 0.6
    near_tie: float = 0.15
    fallback_intents: tuple[str, ...] = ("nlu_fallback",)


class WrongEntity(ValueError):
    """An entity that does not fit its text."""


DEFAULT_DOUBT = Doubt()


def collect(session: Session, since: datetime, doubt: Doubt = DEFAULT_DOUBT, *, limit: int = 1000) -> int:
    """Put doubtful messages since a moment into the inbox, those that are not there yet; returns how many.

    What a button sent (`/intent`), or another program (`EXTERNAL: intent`), was never in doubt.
    """
    is_known = and_(
        DoubtfulMessage.conversation_id == ConversationEvent.conversation_id,
        DoubtfulMessage.sequence == ConversationEvent.sequence,
    )
    query = (
        select(ConversationEvent, Conversation.language)
        .join(Conversation, Conversation.id == ConversationEvent.conversation_id)
        .outerjoin(DoubtfulMessage, is_known)
        .where(
            ConversationEvent.type_name == "user",
            ConversationEvent.created_at >= since,
            DoubtfulMessage.id.is_(None),
            _text != "",
            _text.not_like("/%"),
            _text.not_like("EXTERNAL: %"),
            _is_doubtful(doubt),
        )
        .order_by(ConversationEvent.id)
        .limit(limit)
    )
    found = session.execute(query).all()
    for event, language in found:
        row = _row(event, language, doubt)
        key = (
            DoubtfulMessage.conversation_id == row.conversation_id,
            DoubtfulMessage.sequence == row.sequence,
        )
        insert_once(session, row, *key)
    return len(found)


def messages(
    session: Session,
    *,
    verdict: Verdict = Verdict.OPEN,
    why: str | None = None,
    language: str | None = None,
    limit: int = 50,
    after_id: int = 0,
) -> list[DoubtfulMessage]:
    """Messages of the inbox in the order they came."""
    query = select(DoubtfulMessage).where(DoubtfulMessage.verdict == verdict, DoubtfulMessage.id > after_id)
    if why is not None:
        query = query.where(DoubtfulMessage.why == why)
    if language is not None:
        query = query.where(DoubtfulMessage.language == language)
    return list(session.scalars(query.order_by(DoubtfulMessage.id).limit(limit)))


def counts(session: Session) -> dict[str, int]:
    """How many messages are open, by why they are doubtful."""
    query = (
        select(DoubtfulMessage.why, func.count())
        .where(DoubtfulMessage.verdict == Verdict.OPEN)
        .group_by(DoubtfulMessage.why)
    )
    return dict.fromkeys(REASONS, 0) | {why: count for why, count in session.execute(query)}  # noqa: C416 - for types


def predicted(message: DoubtfulMessage) -> list[tuple[str, float]]:
    """The intents the assistant had in mind with their scores, best first."""
    ranking = message.parsed.get("intent_ranking") or [message.parsed.get("intent") or {}]
    return [(str(one.get("name") or ""), float(one.get("confidence") or 0)) for one in ranking]


def validate(session: Session, message: DoubtfulMessage, agent: Agent) -> None:
    """The assistant was right, in intent and entities."""
    ranking = predicted(message)
    _decide(message, agent, Verdict.VALIDATED, ranking[0][0], learnable(message.parsed), None)
    session.flush()


def change(
    session: Session,
    message: DoubtfulMessage,
    agent: Agent,
    *,
    intent: str,
    entities: Sequence[Mapping[str, JSON]] = (),
    sentiment: Sentiment | None = None,
) -> None:
    """Say what was meant.

    Args:
        session: The transaction.
        message: Of the inbox.
        agent: Who says so.
        intent: What was meant.
        entities: Each with `start`, `end` (half-open) and `entity`; perhaps `value`, `role`, `group`.
        sentiment: How it sounds, None when it was taken rightly.

    Raises:
        WrongEntity: An entity lies outside the text, is empty or unnamed, or overlaps another one.
    """
    _decide(message, agent, Verdict.CHANGED, intent, _checked(message.text, entities), sentiment)
    session.flush()


def mark_unknown(session: Session, message: DoubtfulMessage, agent: Agent) -> None:
    """It belongs to no intent: out of scope."""
    _decide(message, agent, Verdict.UNKNOWN, None, [], None)
    session.flush()


def remove(session: Session, message: DoubtfulMessage, agent: Agent) -> None:
    """Nothing is to be learnt from it."""
    _decide(message, agent, Verdict.DELETED, None, [], None)
    session.flush()


def reopen(session: Session, message: DoubtfulMessage, agent: Agent) -> None:
    """Somebody was too quick: it stands in the inbox again."""
    _decide(message, agent, Verdict.OPEN, None, [], None)
    session.flush()


def to_export(session: Session) -> list[DoubtfulMessage]:
    """What was said about messages and is not training data yet, in the order they came."""
    query = select(DoubtfulMessage).where(
        DoubtfulMessage.verdict.in_((Verdict.VALIDATED, Verdict.CHANGED)),
        DoubtfulMessage.exported_at.is_(None),
    )
    return list(session.scalars(query.order_by(DoubtfulMessage.id)))


def exported(session: Session, found: Sequence[DoubtfulMessage]) -> None:
    """These are training data now."""
    session.execute(
        update(DoubtfulMessage)
        .where(DoubtfulMessage.id.in_([message.id for message in found]))
        .values(exported_at=utc_now())
        .execution_options(synchronize_session="fetch")
    )


def _is_doubtful(doubt: Doubt) -> ColumnElement[bool]:
    return or_(
        _intent.in_(doubt.fallback_intents),
        _score < doubt.low_score,
        _score - _runner_up < doubt.near_tie,
        _sentiment == Sentiment.NEGATIVE.value,
    )


def _row(event: ConversationEvent, language: str | None, doubt: Doubt) -> DoubtfulMessage:
    parsed: JSONObject = event.data.get("parse_data") or {}
    return DoubtfulMessage(
        conversation_id=event.conversation_id,
        sequence=event.sequence,
        text=str(event.data.get("text")),
        language=parsed.get("language") or language,
        why=_why(parsed, doubt),
        parsed=parsed,
        said_at=datetime.fromtimestamp(float(event.data.get("timestamp") or 0), UTC),
    )


def _why(parsed: JSONObject, doubt: Doubt) -> str:
    intent = parsed.get("intent") or {}
    ranking = parsed.get("intent_ranking") or []
    score = float(intent.get("confidence") or 0)
    if intent.get("name") in doubt.fallback_intents:
        return FALLBACK
    if score < doubt.low_score:
        return LOW_SCORE
    if len(ranking) > 1 and score - float(ranking[1].get("confidence") or 0) < doubt.near_tie:
        return NEAR_TIE
    return NEGATIVE


def _decide(
    message: DoubtfulMessage,
    agent: Agent,
    verdict: Verdict,
    intent: str | None,
    entities: list[JSONObject],
    sentiment: Sentiment | None,
) -> None:
    message.verdict, message.intent, message.entities = verdict, intent, entities
    message.sentiment, message.agent_id = sentiment, agent.id
    message.decided_at, message.exported_at = utc_now(), None


def learnable(parsed: JSONObject) -> list[JSONObject]:
    """The entities of the text itself that a trained extractor found: what lookups find needs no example."""
    keys = ("start", "end", "entity", "value", "role", "group")
    return [
        {key: entity[key] for key in keys if entity.get(key) is not None}
        for entity in parsed.get("entities") or ()
        if "start" in entity and "end" in entity and entity.get("entity")
    ]


def _checked(text: str, entities: Sequence[Mapping[str, JSON]]) -> list[JSONObject]:
    """Entities in the order of their places, if each fits the text."""
    rows = sorted((dict(entity) for entity in entities), key=lambda entity: (entity["start"], entity["end"]))
    end = 0
    for row in rows:
        if not row.get("entity"):
            raise WrongEntity(f"{text[row['start'] : row['end']]!r} has no kind of entity")
        if not 0 <= row["start"] < row["end"] <= len(text):
            raise WrongEntity(f"characters {row['start']} to {row['end']} are no part of {text!r}")
        if row["start"] < end:
            raise WrongEntity(f"{text[row['start'] : row['end']]!r} overlaps what stands before it")
        end = row["end"]
    return rows
