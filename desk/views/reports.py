"""The figures of a period as supervisors see them: tiles, tables, and CSV for each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select

from crm_connector.choices import Target
from crm_connector.columns import utc_now
from crm_connector.desk import reports
from crm_connector.desk.csv_export import to_csv
from crm_connector.desk.reports import AgentReport, Durations, Period, Report
from crm_connector.tables import Conversation
from desk.access import Desk, Permission
from desk.deeds.conversations import Refused

LONGEST = timedelta(days=731)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with what it means."""

    label: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `name` is that of its CSV file."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def csv(self) -> str:
        """The table as a spreadsheet reads it."""
        return to_csv(self.header, self.rows)


@dataclass(frozen=True, slots=True)
class ReportView:
    """Everything on the page."""

    tiles: tuple[Tile, ...]
    tables: tuple[Table, ...]
    days: tuple[str, ...]
    conversations_by_day: tuple[int, ...]
    sentiment_by_day: Mapping[str, tuple[int, ...]]
    intents: tuple[tuple[str, int], ...]
    channels: tuple[str, ...]


def report_view(desk: Desk, token: str, first: date, last: date, *, channel: str | None = None) -> ReportView:
    """The figures from the beginning of `first` to the end of `last`, days of UTC.

    Raises:
        Refused: The last day comes before the first, or the period is longer than two years.
    """
    if not timedelta() <= last - first <= LONGEST:
        raise Refused("A period ends after it begins, and is at most two years long.")
    start = datetime.combine(first, time(), UTC)
    period = Period(start, datetime.combine(last + timedelta(days=1), time(), UTC), channel)
    now = utc_now()
    with desk.read(token, Permission.REPORTS) as deed:
        whole = reports.report(deed.session, period, now=now)
        by_channel = reports.by_channel(deed.session, period, now=now)
        by_agent = reports.by_agent(deed.session, period)
        known = select(Conversation.channel).distinct().order_by(Conversation.channel)
        channels = tuple(deed.session.scalars(known))
    return ReportView(
        tiles=_tiles(whole),
        tables=(_channel_table(by_channel), _agent_table(by_agent), _intent_table(whole), _day_table(whole)),
        days=tuple(day.isoformat() for day, _ in whole.by_day),
        conversations_by_day=tuple(count for _, count in whole.by_day),
        sentiment_by_day={
            mood: tuple(counts[mood] for _, counts in whole.sentiment_by_day)
            for mood in (whole.sentiment_by_day[0][1] if whole.sentiment_by_day else ())
        },
        intents=tuple(whole.intents[:15]),
        channels=channels,
    )


def percent(rate: float | None) -> str:
    """A share as people read it."""
    return "–" if rate is None else "100 %" if rate == 1 else f"{100 * rate:.1f} %"


def duration(seconds: float | None) -> str:
    """A time as people read it."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _tiles(whole: Report) -> tuple[Tile, ...]:
    mood = whole.satisfaction
    average = "–" if mood.average is None else f"{mood.average:.1f} of 5"
    kept = whole.promises_kept
    return (
        Tile("Conversations", f"{whole.conversations:,}", f"{whole.messages:,} messages of customers"),
        Tile("Containment", percent(whole.containment), f"needed no person, of {whole.judged:,} judged"),
        Tile("Involvement", percent(whole.involvement), "the bot answered at least once"),
        Tile("Automation", percent(whole.automation), "involvement × containment"),
        Tile("Handed to people", f"{whole.handoffs:,}", "stays with people that began"),
        Tile("First response", duration(whole.first_response.median_s), _p90(whole.first_response)),
        Tile("Resolution", duration(whole.resolution.median_s), _p90(whole.resolution)),
        Tile("Answered in time", percent(kept.get(Target.FIRST_RESPONSE)), "of first responses promised"),
        Tile("Resolved in time", percent(kept.get(Target.RESOLUTION)), "of ends promised, in working hours"),
        Tile(
            "Satisfaction",
            average,
            f"{mood.ratings:,} ratings, {percent(mood.response_rate)} rated",
        ),
        Tile("Not understood", percent(whole.not_understood), "of messages fell back"),
        Tile("Out of scope", percent(whole.out_of_scope), "of messages belong to no intent"),
    )


def _p90(durations: Durations) -> str:
    if not durations.count:
        return "median; nothing to measure yet"
    return f"median of {durations.count:,}; 90 % within {duration(durations.p90_s)}"


def _channel_table(found: Mapping[str, Report]) -> Table:
    return Table(
        "channels",
        "By channel",
        ("Channel", "Conversations", "Containment", "Handed to people", "First response", "Satisfaction"),
        tuple(
            (
                name,
                one.conversations,
                percent(one.containment),
                one.handoffs,
                duration(one.first_response.median_s),
                _mark(one.satisfaction.average),
            )
            for name, one in found.items()
        ),
    )


def _agent_table(found: Sequence[AgentReport]) -> Table:
    return Table(
        "agents",
        "By agent",
        ("Agent", "Conversations", "First response", "Resolution", "Satisfaction"),
        tuple(
            (
                one.agent.name,
                one.conversations,
                duration(one.first_response.median_s),
                duration(one.resolution.median_s),
                _mark(one.satisfaction),
            )
            for one in found
        ),
    )


def _intent_table(whole: Report) -> Table:
    rows = tuple((name or "(none)", count) for name, count in whole.intents)
    return Table("intents", "By intent", ("Intent", "Messages"), rows)


def _day_table(whole: Report) -> Table:
    moods = tuple(whole.sentiment_by_day[0][1]) if whole.sentiment_by_day else ()
    rows = tuple(
        (day.isoformat(), count, *(moods_of_day[mood] for mood in moods))
        for (day, count), (_, moods_of_day) in zip(whole.by_day, whole.sentiment_by_day, strict=True)
    )
    return Table("days", "By day", ("Day", "Conversations", *(mood.value for mood in moods)), rows)


def _mark(average: float | None) -> str:
    return "–" if average is None else f"{average:.1f}"
