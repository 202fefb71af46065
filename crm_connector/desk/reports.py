"""How the service did over a period: for all, by day, by channel and by agent.

A conversation belongs to a period when the customer wrote in it then. It is judged `JUDGED_AFTER` its last
message: contained when no person had it and no question was left open, that is, no form was waiting and the
last answer was no fallback. Involvement is the share in which the bot answered at least once, automation is
involvement times containment. Times are wall-clock seconds; what was promised is measured by the clocks of
`service_levels`, in working hours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median, quantiles
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from crm_connector.choices import Sentiment, Target
from crm_connector.tables import (
    Agent,
    Clock,
    Conversation,
    ConversationEvent,
    Handoff,
    Survey,
)

JUDGED_AFTER = timedelta(hours=72)
NOT_UNDERSTOOD = ("nlu_fallback",)
OUT_OF_SCOPE = ("out_of_scope",)

_FALLBACK_ACTIONS = ("action_default_fallback", "action_two_stage_fallback")
_INTENT = ConversationEvent.data[("parse_data", "intent", "name")].as_string()
_SENTIMENT = ConversationEvent.data[("parse_data", "sentiment", "value")].as_string()
_NAME = ConversationEvent.data["name"].as_string()


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to and without `end`, of one channel or of all; days are those of `zone`."""

    start: datetime
    end: datetime
    channel: str | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def holds(self, moment: Any) -> ColumnElement[bool]:
        """The condition that the moment of a column lies in the period."""
        return and_(moment >= self.start, moment < self.end)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took: `count` of them, in seconds; None where there was none."""

    count: int = 0
    median_s: float | None = None
    p90_s: float | None = None

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Durations:
        """Sum up."""
        if not seconds:
            return cls()
        p90 = quantiles(seconds, n=10, method="inclusive")[8] if len(seconds) > 1 else seconds[0]
        return cls(len(seconds), median(seconds), p90)


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Marks from 1 to 5; `share` is that of the 4s and 5s, `response_rate` counts over all conversations."""

    ratings: int
    average: float | None
    share: float | None
    response_rate: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a period; a rate is None where there is nothing to count it over."""

    conversations: int
    messages: int
    judged: int
    containment: float | None
    involvement: float | None
    automation: float | None
    handoffs: int
    first_response: Durations
    resolution: Durations
    promises_kept: Mapping[Target, float | None]
    satisfaction: Satisfaction
    not_understood: float | None
    out_of_scope: float | None
    intents: Sequence[tuple[str, int]]
    by_day: Sequence[tuple[date, int]]
    sentiment_by_day: Sequence[tuple[date, Mapping[Sentiment, int]]]


@dataclass(frozen=True, slots=True)
class AgentReport:
    """What one agent did; `satisfaction` averages the marks of the conversations she ended."""

    agent: Agent
    conversations: int
    first_response: Durations
    resolution: Durations
    satisfaction: float | None


def report(session: Session, period: Period, *, now: datetime) -> Report:
    """Count everything of a period."""
    ids = _conversation_ids(session, period)
    judged = _judged(session, period, now)
    contained = judged - _with_people(session, judged) - _with_open_question(session, judged)
    containment = _rate(len(contained), len(judged))
    involvement = _rate(len(_answered(session, period)), len(ids))
    intents = _intents(session, period)
    messages = sum(count for _, count in intents)
    handoffs = _handoffs(session, period)
    return Report(
        conversations=len(ids),
        messages=messages,
        judged=len(judged),
        containment=containment,
        involvement=involvement,
        automation=None if containment is None or involvement is None else containment * involvement,
        handoffs=len(handoffs),
        first_response=_first_responses(handoffs),
        resolution=_resolutions(handoffs),
        promises_kept=_promises_kept(session, period, now),
        satisfaction=_satisfaction(session, period, len(ids)),
        not_understood=_rate(sum(n for name, n in intents if name in NOT_UNDERSTOOD), messages),
        out_of_scope=_rate(sum(n for name, n in intents if name in OUT_OF_SCOPE), messages),
        intents=intents,
        by_day=_by_day(session, period),
        sentiment_by_day=_sentiment_by_day(session, period),
    )


def by_channel(session: Session, period: Period, *, now: datetime) -> dict[str, Report]:
    """The figures of each channel that was written to."""
    query = _messages(period, Conversation.channel).distinct().order_by(Conversation.channel)
    return {
        channel: report(session, Period(period.start, period.end, channel, period.zone), now=now)
        for channel in session.scalars(query)
    }


def by_agent(session: Session, period: Period) -> list[AgentReport]:
    """The figures of each agent who had a conversation, by name."""
    query = _of_channel(
        select(Handoff, Agent)
        .join(Agent, Agent.id == Handoff.agent_id)
        .where(period.holds(Handoff.requested_at)),
        period,
        Handoff.conversation_id,
    )
    agents: dict[int, Agent] = {}
    handoffs: dict[int, list[Handoff]] = {}
    for handoff, agent in session.execute(query.order_by(Agent.name, Agent.id)):
        agents[agent.id] = agent
        handoffs.setdefault(agent.id, []).append(handoff)
    return [
        AgentReport(
            agent,
            len(handoffs[agent.id]),
            _first_responses(handoffs[agent.id]),
            _resolutions(handoffs[agent.id]),
            _average(_ratings(session, period, {one.conversation_id for one in handoffs[agent.id]})),
        )
        for agent in agents.values()
    ]


def _messages(period: Period, *columns: Any) -> Select[Any]:
    """A query over the customers' messages of the period."""
    query = (
        select(*columns)
        .select_from(ConversationEvent)
        .join(Conversation, Conversation.id == ConversationEvent.conversation_id)
        .where(
            ConversationEvent.type_name == "user",
            period.holds(ConversationEvent.created_at),
            ConversationEvent.data["text"].as_string().not_like("EXTERNAL: %"),
        )
    )
    return query if period.channel is None else query.where(Conversation.channel == period.channel)


def _of_channel(query: Any, period: Period, conversation_id: Any) -> Any:
    """Narrow a query to the period's channel, by the column that names the conversation."""
    if period.channel is None:
        return query
    return query.join(Conversation, Conversation.id == conversation_id).where(
        Conversation.channel == period.channel
    )


def _conversation_ids(session: Session, period: Period) -> set[int]:
    return set(session.scalars(_messages(period, Conversation.id).distinct()))


def _judged(session: Session, period: Period, now: datetime) -> set[int]:
    """Conversations of the period that have been quiet for long enough."""
    is_quiet = Conversation.last_activity_at <= now - JUDGED_AFTER
    return set(session.scalars(_messages(period, Conversation.id).where(is_quiet).distinct()))


def _with_people(session: Session, ids: Collection[int]) -> set[int]:
    query = select(Handoff.conversation_id).where(Handoff.conversation_id.in_(ids))
    return set(session.scalars(query.distinct()))


def _with_open_question(session: Session, ids: Collection[int]) -> set[int]:
    """Conversations that ended in the middle of a form, or with a message that was not understood."""
    loops = _last_names(session, ids, ConversationEvent.type_name == "active_loop")
    actions = _last_names(
        session, ids, (ConversationEvent.type_name == "action") & (_NAME != "action_listen")
    )
    waiting = {id_ for id_, name in loops.items() if name is not None}
    return waiting | {id_ for id_, name in actions.items() if name in _FALLBACK_ACTIONS}


def _last_names(session: Session, ids: Collection[int], kind: ColumnElement[bool]) -> dict[int, str | None]:
    """The name that the last event of a kind carries, by conversation."""
    last = (
        select(ConversationEvent.conversation_id, func.max(ConversationEvent.sequence).label("sequence"))
        .where(ConversationEvent.conversation_id.in_(ids), kind)
        .group_by(ConversationEvent.conversation_id)
        .subquery()
    )
    query = select(ConversationEvent.conversation_id, _NAME).join(
        last,
        (last.c.conversation_id == ConversationEvent.conversation_id)
        & (last.c.sequence == ConversationEvent.sequence),
    )
    return {id_: name for id_, name in session.execute(query)}  # noqa: C416 - dict() would lose the types


def _answered(session: Session, period: Period) -> set[int]:
    """Conversations in which the bot said something in the period."""
    query = _of_channel(
        select(ConversationEvent.conversation_id).where(
            ConversationEvent.type_name == "bot", period.holds(ConversationEvent.created_at)
        ),
        period,
        ConversationEvent.conversation_id,
    )
    return set(session.scalars(query.distinct())) & _conversation_ids(session, period)


def _intents(session: Session, period: Period) -> list[tuple[str, int]]:
    """How often each intent was meant, the most frequent first; "" where nothing was understood."""
    name = func.coalesce(_INTENT, "")
    query = _messages(period, name, func.count()).group_by(name).order_by(func.count().desc(), name)
    return [(intent, count) for intent, count in session.execute(query)]


def _handoffs(session: Session, period: Period) -> list[Handoff]:
    query = select(Handoff).where(period.holds(Handoff.requested_at))
    return list(session.scalars(_of_channel(query, period, Handoff.conversation_id)))


def _first_responses(handoffs: Sequence[Handoff]) -> Durations:
    return Durations.of(
        [
            (one.first_reply_at - one.requested_at).total_seconds()
            for one in handoffs
            if one.first_reply_at is not None
        ]
    )


def _resolutions(handoffs: Sequence[Handoff]) -> Durations:
    return Durations.of(
        [(one.ended_at - one.requested_at).total_seconds() for one in handoffs if one.ended_at is not None]
    )


def _promises_kept(session: Session, period: Period, now: datetime) -> dict[Target, float | None]:
    """The share of promises kept, of those that were decided by now."""
    query = (
        select(Clock).outerjoin(Handoff, Handoff.id == Clock.handoff_id).where(period.holds(Clock.started_at))
    )
    clocks = list(session.scalars(_of_channel(query, period, Handoff.conversation_id)))
    shares: dict[Target, float | None] = {}
    for target in Target:
        decided = [one for one in clocks if one.target == target and (one.stopped_at or one.due_at <= now)]
        kept = [one for one in decided if one.stopped_at is not None and one.stopped_at <= one.due_at]
        shares[target] = _rate(len(kept), len(decided))
    return shares


def _satisfaction(session: Session, period: Period, conversations: int) -> Satisfaction:
    ratings = _ratings(session, period, None)
    good = sum(rating >= 4 for rating in ratings)
    return Satisfaction(
        len(ratings), _average(ratings), _rate(good, len(ratings)), _rate(len(ratings), conversations)
    )


def _ratings(session: Session, period: Period, ids: Collection[int] | None) -> list[int]:
    query = select(Survey.rating).where(period.holds(Survey.created_at))
    if ids is not None:
        query = query.where(Survey.conversation_id.in_(ids))
    return list(session.scalars(_of_channel(query, period, Survey.conversation_id)))


def _by_day(session: Session, period: Period) -> list[tuple[date, int]]:
    """How many conversations had a message on each day, quiet days too."""
    rows = session.execute(_messages(period, Conversation.id, ConversationEvent.created_at))
    seen = {(moment.astimezone(period.zone).date(), id_) for id_, moment in rows}
    counts: dict[date, int] = dict.fromkeys(_days(period), 0)
    for day, _ in seen:
        counts[day] += 1
    return sorted(counts.items())


def _sentiment_by_day(session: Session, period: Period) -> list[tuple[date, Mapping[Sentiment, int]]]:
    counts: dict[date, dict[Sentiment, int]] = {day: dict.fromkeys(Sentiment, 0) for day in _days(period)}
    for value, moment in session.execute(_messages(period, _SENTIMENT, ConversationEvent.created_at)):
        if value in set(Sentiment):
            counts[moment.astimezone(period.zone).date()][Sentiment(value)] += 1
    return sorted(counts.items())


def _days(period: Period) -> list[date]:
    first = period.start.astimezone(period.zone).date()
    last = (period.end - timedelta(microseconds=1)).astimezone(period.zone).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _average(ratings: Sequence[int]) -> float | None:
    return sum(ratings) / len(ratings) if ratings else None


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
