"""Service levels: which promise a matter has, and the clocks that run until it is kept.

A clock stands in the database with the moment it runs out: nothing has to be running for it to go on, and
after a restart it is as late as it is. `run_out` finds each warning and each breach once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.orm import Session

from crm_connector.choices import Priority, Severity, Target
from crm_connector.database import insert_once
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.tables import Clock, Conversation, Handoff, ServiceLevel, Ticket

_SEVERITIES = list(Severity)
_TOLD_WITHIN = timedelta(days=1)  # a breach that ended longer ago is no news
SEVERITY_OF_PRIORITY = dict(zip(Priority, Severity, strict=True))


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something to be told about a clock: it is about to run out, or it has."""

    clock: Clock
    is_breach: bool


def all_levels(session: Session) -> list[ServiceLevel]:
    """All service levels, by name."""
    return list(session.scalars(select(ServiceLevel).order_by(ServiceLevel.name)))


def choose(
    levels: Sequence[ServiceLevel], *, severity: Severity, channel: str, language: str | None
) -> ServiceLevel | None:
    """The promise that a matter has: the one for the severest matters that it reaches, then the narrowest."""
    reach = _SEVERITIES.index(severity)
    fitting = [
        level
        for level in levels
        if _SEVERITIES.index(level.least_severity) <= reach
        and (not level.channels or channel in level.channels)
        and (not level.languages or language in level.languages)
    ]
    return max(fitting, key=_narrowness, default=None)


def start_handoff(session: Session, handoff: Handoff, conversation: Conversation) -> None:
    """Start what is promised to a customer who has asked for a person: an answer, and an end."""
    level = choose(
        all_levels(session),
        severity=handoff.severity,
        channel=conversation.channel,
        language=handoff.language,
    )
    if level is None:
        return
    for target in (Target.FIRST_RESPONSE, Target.RESOLUTION):
        _start(session, level, target, f"handoff {handoff.id} {target}", at=handoff.requested_at, of=handoff)


def start_next_response(session: Session, handoff: Handoff, at: datetime) -> None:
    """The customer wrote again: start the clock of the next answer, by the promise the handoff began with."""
    level = session.scalar(
        select(ServiceLevel).join(Clock).where(Clock.handoff_id == handoff.id).order_by(Clock.id).limit(1)
    )
    if level is not None and handoff.first_reply_at is not None:
        key = f"handoff {handoff.id} {Target.NEXT_RESPONSE} {at.isoformat()}"
        _start(session, level, Target.NEXT_RESPONSE, key, at=at, of=handoff)


def start_ticket(session: Session, ticket: Ticket) -> None:
    """Start what is promised about a ticket: an end. Its severity is its priority."""
    conversation = session.get(Conversation, ticket.conversation_id) if ticket.conversation_id else None
    level = choose(
        all_levels(session),
        severity=SEVERITY_OF_PRIORITY[ticket.priority],
        channel=conversation.channel if conversation else "",
        language=conversation.language if conversation else None,
    )
    if level is not None:
        _start(session, level, Target.RESOLUTION, f"ticket {ticket.id}", at=ticket.created_at, of=ticket)


def stop(session: Session, of: Handoff | Ticket, targets: Collection[Target], at: datetime) -> None:
    """A promise was kept, or is over: stop its clocks; whichever is late is a breach."""
    session.execute(
        update(Clock)
        .where(_clocks_of(of), Clock.target.in_(targets), Clock.stopped_at.is_(None))
        .values(stopped_at=at)
        .execution_options(synchronize_session="fetch")
    )


def go_on(session: Session, ticket: Ticket) -> None:
    """A resolved ticket was opened again: its clock was never stopped."""
    session.execute(
        update(Clock)
        .where(_clocks_of(ticket))
        .values(stopped_at=None)
        .execution_options(synchronize_session="fetch")
    )


def is_anything_due(session: Session, now: datetime) -> bool:
    """Whether `run_out` would find something: a question that takes no lock."""
    return session.scalar(select(Clock.id).where(_is_to_be_told(now)).limit(1)) is not None


def run_out(session: Session, now: datetime) -> list[Alarm]:
    """What has to be told by now, each thing once: run it every few seconds, in one process or in several.

    Whichever process marks a clock first has it; another one passes over rows that are being marked.
    """
    free = select(Clock.id).where(_is_to_be_told(now)).with_for_update(skip_locked=True)
    found = session.scalars(
        update(Clock)
        .where(Clock.id.in_(free))
        .values(
            warned_at=func.coalesce(Clock.warned_at, now),
            breached_at=case((Clock.due_at <= now, now), else_=Clock.breached_at),
        )
        .returning(Clock)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    alarms = [Alarm(clock, clock.breached_at is not None) for clock in found]
    return sorted(alarms, key=lambda alarm: (alarm.clock.due_at, alarm.clock.id))


def _is_to_be_told(now: datetime) -> ColumnElement[bool]:
    """A running clock before which to warn, or that ran out; and one that was lately stopped too late.

    Both halves begin with `stopped_at`, the first column of an index: what was kept long ago is never read.
    """
    is_late = (Clock.due_at <= now) & Clock.breached_at.is_(None)
    is_close = (Clock.warn_at <= now) & Clock.warned_at.is_(None)
    return or_(
        Clock.stopped_at.is_(None) & (is_late | is_close),
        (Clock.stopped_at > now - _TOLD_WITHIN) & (Clock.stopped_at > Clock.due_at) & is_late,
    )


def next_due(session: Session, handoff_ids: Collection[int]) -> dict[int, Clock]:
    """The clock of each handoff that runs out first, of those that run."""
    query = select(Clock).where(Clock.handoff_id.in_(handoff_ids), Clock.stopped_at.is_(None))
    first: dict[int, Clock] = {}
    for clock in session.scalars(query.order_by(Clock.due_at.desc(), Clock.id.desc())):
        if clock.handoff_id is not None:
            first[clock.handoff_id] = clock
    return first


def _start(
    session: Session, level: ServiceLevel, target: Target, key: str, *, at: datetime, of: Handoff | Ticket
) -> None:
    minutes = {
        Target.FIRST_RESPONSE: level.first_response_min,
        Target.NEXT_RESPONSE: level.next_response_min,
        Target.RESOLUTION: level.resolution_min,
    }[target]
    if minutes is None:
        return
    hours = OpeningHours.parse(**level.hours)
    warn_after = timedelta(minutes=max(0, minutes - level.warn_before_min))
    clock = Clock(
        source_key=key,
        level_id=level.id,
        target=target,
        started_at=at,
        due_at=hours.after(at, timedelta(minutes=minutes)),
        warn_at=hours.after(at, warn_after),
        handoff_id=of.id if isinstance(of, Handoff) else None,
        ticket_id=of.id if isinstance(of, Ticket) else None,
    )
    insert_once(session, clock, Clock.source_key == key)


def _clocks_of(of: Handoff | Ticket) -> ColumnElement[bool]:
    return Clock.handoff_id == of.id if isinstance(of, Handoff) else Clock.ticket_id == of.id


def _narrowness(level: ServiceLevel) -> tuple[int, int, int]:
    return (
        _SEVERITIES.index(level.least_severity),
        bool(level.channels) + bool(level.languages),
        -level.id,
    )
