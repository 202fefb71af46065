"""Working time, over nights, weekends, holidays and changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_connector.desk.opening_hours import OpeningHours, WrongHours

BERLIN = OpeningHours.parse(
    time_zone="Europe/Berlin",
    week={day: ["09:00-12:00", "13:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    country="DE",
    closed=["2026-11-18"],
)


def _at(text: str) -> datetime:
    """A moment of Berlin's winter or summer, by its offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        pytest.param("2026-11-16T09:00+01:00", 60, "2026-11-16T10:00+01:00", id="within a span"),
        pytest.param("2026-11-16T11:30+01:00", 60, "2026-11-16T13:30+01:00", id="over lunch"),
        pytest.param("2026-11-16T16:30+01:00", 60, "2026-11-17T09:30+01:00", id="over a night"),
        pytest.param("2026-11-13T16:30+01:00", 60, "2026-11-16T09:30+01:00", id="over a weekend"),
        pytest.param("2026-11-17T16:30+01:00", 60, "2026-11-19T09:30+01:00", id="over a closed day"),
        pytest.param("2026-12-24T16:30+01:00", 60, "2026-12-28T09:30+01:00", id="over Christmas"),
        pytest.param("2026-11-15T03:00+01:00", 30, "2026-11-16T09:30+01:00", id="begun on a Sunday"),
        pytest.param(
            "2026-03-27T16:30+01:00", 60, "2026-03-30T09:30+02:00", id="over the change to summer time"
        ),
        pytest.param("2026-11-16T11:00+01:00", 60, "2026-11-16T12:00+01:00", id="to the very end of a span"),
    ],
)
def test_only_working_time_counts(start: str, minutes: int, due: str) -> None:
    """So much working time after a moment is when people have worked so much."""
    working_time = timedelta(minutes=minutes)
    assert BERLIN.after(_at(start), working_time) == _at(due)
    assert BERLIN.between(_at(start), _at(due)) == working_time


def test_who_never_closes_counts_every_minute() -> None:
    """Without settings, working time is time."""
    start = _at("2026-03-28T22:00+01:00")
    assert OpeningHours().after(start, timedelta(hours=30)) == start + timedelta(hours=30)


def test_a_night_shift_is_two_spans() -> None:
    """A span may end with the day and go on with the next."""
    night = OpeningHours.parse(
        time_zone="Asia/Shanghai", week={"fri": ["22:00-24:00"], "sat": ["00:00-06:00"]}
    )
    start = _at("2026-11-20T23:00+08:00")
    assert night.after(start, timedelta(hours=3)) == _at("2026-11-21T02:00+08:00")
    assert night.is_open(_at("2026-11-21T00:00+08:00"))
    assert not night.is_open(_at("2026-11-21T06:00+08:00"))


@given(
    start=st.integers(0, 10 * 365 * 24 * 60).map(
        lambda minutes: _at("2020-01-01T00:00+00:00") + timedelta(minutes=minutes)
    ),
    minutes=st.integers(0, 60 * 200),
    more=st.integers(0, 60 * 200),
)
def test_after_and_between_are_inverse(start: datetime, minutes: int, more: int) -> None:
    """What `after` adds, `between` counts, and more working time never ends earlier."""
    end = BERLIN.after(start, timedelta(minutes=minutes))
    assert BERLIN.between(start, end) == timedelta(minutes=minutes)
    assert BERLIN.after(start, timedelta(minutes=minutes + more)) >= end
    assert BERLIN.between(end, start) == -timedelta(minutes=minutes)


def test_hours_survive_being_stored() -> None:
    """What is written can be read again."""
    assert OpeningHours.parse(**BERLIN.as_json()) == BERLIN


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"time_zone": "Europe/Nowhere"}, "unknown time zone 'Europe/Nowhere'"),
        ({"week": {"monday": ["09:00-17:00"]}}, "unknown weekday 'monday'"),
        ({"week": {"mon": ["9 to 5"]}}, "'9 to 5' is no span"),
        ({"week": {"mon": ["17:00-09:00"]}}, "ends before it starts"),
        ({"week": {"mon": ["09:00-12:00", "11:00-13:00"]}}, "overlap"),
        ({"week": {}}, "no day has a span"),
        ({"country": "XQ"}, "no public holidays known for 'XQ'"),
        ({"closed": ["24.12.2026"]}, "expected for instance '2026-12-24'"),
    ],
)
def test_wrong_hours_are_refused(wrong: dict[str, object], message: str) -> None:
    """The error says which part is wrong and what was expected."""
    settings = {"time_zone": "UTC", "week": {"mon": ["09:00-17:00"]}, **wrong}
    with pytest.raises(WrongHours, match=message):
        OpeningHours.parse(**settings)
