"""Opening hours: how much working time lies between two moments, and when so much of it will have passed.

A day of the week has spans of local time; holidays have none. Where the clocks change, a span is as long as
the clock on the wall says, less or more the hour that was skipped or repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm_connector.columns import JSON

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_HORIZON = timedelta(days=3660)  # working time that has not come in ten years never will


class WrongHours(ValueError):
    """Opening hours that cannot be: the message says which part, and what was expected."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one day in local time; an `end` of midnight is the end of the day."""

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read `09:00-17:30`; `24:00` is the end of the day.

        Raises:
            WrongHours: It is no such thing, or ends before it starts.
        """
        try:
            start, end = (part.strip() for part in text.split("-"))
            span = cls(time.fromisoformat(start), time() if end == "24:00" else time.fromisoformat(end))
        except ValueError as error:
            raise WrongHours(f"{text!r} is no span of a day, expected for instance '09:00-17:30'") from error
        if span.end != time() and span.end <= span.start:
            raise WrongHours(f"{text!r} ends before it starts")
        return span

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return when it begins and ends on a day, in UTC."""
        last = day if self.end != time() else day + timedelta(days=1)
        begins = datetime.combine(day, self.start, zone)
        return begins.astimezone(UTC), datetime.combine(last, self.end, zone).astimezone(UTC)

    def __str__(self) -> str:
        end = "24:00" if self.end == time() else f"{self.end:%H:%M}"
        return f"{self.start:%H:%M}-{end}"


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When people work: spans by weekday (Monday first), less the holidays of `country` and `closed` days."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    week: tuple[tuple[Span, ...], ...] = ((Span(time(), time()),),) * 7
    country: str | None = None
    closed: frozenset[date] = frozenset()

    @classmethod
    def parse(
        cls,
        *,
        time_zone: str,
        week: Mapping[str, Sequence[str]],
        country: str | None = None,
        closed: Sequence[str] = (),
    ) -> OpeningHours:
        """Read opening hours as they are stored.

        Args:
            time_zone: IANA name, such as `Europe/Berlin`.
            week: Spans such as `09:00-17:30` by `mon` to `sun`; a day that is missing is free.
            country: ISO 3166 code whose public holidays are free, with a region after a hyphen: `DE-BY`.
            closed: Further free days, `2026-12-24`.

        Raises:
            WrongHours: A part is wrong, or nobody ever works.
        """
        try:
            zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise WrongHours(
                f"unknown time zone {time_zone!r}, expected for instance 'Europe/Berlin'"
            ) from error
        unknown = [day for day in week if day not in DAYS]
        if unknown:
            raise WrongHours(f"unknown weekday {unknown[0]!r}, expected one of {', '.join(DAYS)}")
        spans = tuple(_spans(week.get(day, ())) for day in DAYS)
        if not any(spans):
            raise WrongHours("no day has a span, expected at least one")
        _public_holidays(country, 2000)
        try:
            days = frozenset(date.fromisoformat(day) for day in closed)
        except ValueError as error:
            raise WrongHours(f"{error}, expected for instance '2026-12-24'") from error
        return cls(zone, spans, country, days)

    def as_json(self) -> dict[str, JSON]:
        """The arguments of `parse`."""
        week = {
            day: [str(span) for span in spans] for day, spans in zip(DAYS, self.week, strict=True) if spans
        }
        return {
            "time_zone": self.zone.key,
            "week": week,
            "country": self.country,
            "closed": sorted(day.isoformat() for day in self.closed),
        }

    def is_open(self, moment: datetime) -> bool:
        """Whether people work at a moment."""
        return any(start <= moment < end for start, end in self._spans_from(moment, moment))

    def after(self, start: datetime, working_time: timedelta) -> datetime:
        """Return when so much working time will have passed since `start`, in UTC.

        Raises:
            WrongHours: It will not have passed in ten years.
        """
        left = working_time
        for begins, ends in self._spans_from(start, start + _HORIZON):
            begins = max(begins, start)
            if left <= ends - begins:
                return begins + left
            left -= ends - begins
        raise WrongHours(f"{working_time} of working time do not pass within ten years of {start}")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from `start` to `end`; negative when `end` comes first."""
        if end < start:
            return -self.between(end, start)
        total = timedelta()
        for begins, ends in self._spans_from(start, end):
            total += max(timedelta(), min(ends, end) - max(begins, start))
        return total

    def _spans_from(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The spans that end after `start` and begin up to `end`, in their order."""
        day = start.astimezone(self.zone).date() - timedelta(days=1)
        last = end.astimezone(self.zone).date()
        while day <= last:
            for span in () if self._is_free(day) else self.week[day.weekday()]:
                begins, ends = span.on(day, self.zone)
                if ends > start and begins <= end:
                    yield begins, ends
            day += timedelta(days=1)

    def _is_free(self, day: date) -> bool:
        return day in self.closed or day in _public_holidays(self.country, day.year)


_holidays_by_country: dict[tuple[str, int], frozenset[date]] = {}


def _public_holidays(country: str | None, year: int) -> frozenset[date]:
    """The public holidays of a country in a year, computed once."""
    if country is None:
        return frozenset()
    key = (country, year)
    if key not in _holidays_by_country:
        import holidays  # noqa: PLC0415 - every server loads this file, and few have hours with holidays

        name, _, region = country.partition("-")
        try:
            days = holidays.country_holidays(name, subdiv=region or None, years=year)
        except NotImplementedError as error:
            raise WrongHours(
                f"no public holidays known for {country!r}, expected for instance 'DE-BY'"
            ) from error
        _holidays_by_country[key] = frozenset(days)
    return _holidays_by_country[key]


def _spans(texts: Sequence[str]) -> tuple[Span, ...]:
    """Spans of one day, in their order; they must not overlap."""
    spans = tuple(sorted(map(Span.parse, texts), key=lambda span: span.start))
    for earlier, later in pairwise(spans):
        if earlier.end == time() or later.start < earlier.end:
            raise WrongHours(f"{earlier} and {later} overlap")
    return spans
