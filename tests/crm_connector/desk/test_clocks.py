"""The question which promises run out stays small, and two who ask it at once never both get an answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm_connector import conversations, database, ownership
from crm_connector.choices import Target
from crm_connector.desk import service_levels
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.tables import Clock, Handoff, ServiceLevel

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _handoff(session: Session) -> Handoff:
    """Somebody waits; nothing was promised to her."""
    conversation = conversations.find_or_create(session, "ada", "rest")
    ownership.request_agent(session, conversation)
    handoff = ownership.handoff_of(session, conversation)
    assert handoff is not None
    return handoff


def _clocks(session: Session, *kept: timedelta | None, due_at: datetime = NOW) -> list[Clock]:
    """Clocks due at a moment; each was stopped so much before or after it, or runs (None)."""
    handoff = _handoff(session)
    level = ServiceLevel(name="all", hours=OpeningHours().as_json(), resolution_min=60)
    session.add(level)
    session.flush()
    clocks = [
        Clock(
            source_key=f"clock {number}", level_id=level.id, target=Target.RESOLUTION, handoff_id=handoff.id,
            due_at=due_at, warn_at=due_at - 5 * MINUTE, stopped_at=None if after is None else due_at + after,
        )
        for number, after in enumerate(kept)
    ]  # fmt: skip
    session.add_all(clocks)
    session.flush()
    return clocks


@pytest.mark.parametrize(
    ("stopped_after", "told"),
    [
        pytest.param(None, [False, True], id="one that runs: the warning, then the breach"),
        pytest.param(-6 * MINUTE, [], id="one that was kept before the warning"),
        pytest.param(-MINUTE, [], id="one that was kept after the warning fell due"),
        pytest.param(MINUTE, [True], id="one that was stopped too late"),
    ],
)
def test_each_clock_is_told_of_as_often_as_it_should(
    session: Session, stopped_after: timedelta | None, told: list[bool]
) -> None:
    """A warning while something can be done about it, a breach in any case."""
    _clocks(session, stopped_after)
    moments = (NOW - 10 * MINUTE, NOW - 2 * MINUTE, NOW - MINUTE, NOW + 2 * MINUTE, NOW + 3 * MINUTE)
    found = []
    for moment in moments if stopped_after is None else moments[-2:]:
        is_due = service_levels.is_anything_due(session, moment)
        alarms = service_levels.run_out(session, moment)
        assert is_due == bool(alarms)
        found += [alarm.is_breach for alarm in alarms]
    assert found == told


def test_what_fell_due_meanwhile_is_one_alarm(session: Session) -> None:
    """After a night without a server a promise is broken; nobody is warned of it first."""
    [clock] = _clocks(session, None)
    [alarm] = service_levels.run_out(session, NOW + timedelta(hours=10))
    assert (alarm.clock.id, alarm.is_breach) == (clock.id, True)
    assert service_levels.run_out(session, NOW + timedelta(hours=11)) == []


def test_the_question_reads_the_index_and_nothing_that_was_kept_long_ago(session: Session) -> None:
    """With years of kept promises in the table, those that run are found by the index."""
    kept = (-number * timedelta(seconds=1) for number in range(2000))
    _clocks(session, *kept, None, due_at=NOW - timedelta(days=30))
    session.execute(text("ANALYZE"))
    query = select(Clock.id).where(service_levels._is_to_be_told(NOW)).limit(1)
    dialect = session.get_bind().dialect
    compiled = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN" if dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    plan = " ".join(str(row) for row in session.execute(text(f"{explain} {compiled}")))
    assert "ix_clocks_due" in plan
    assert "SCAN clocks" not in plan
    assert "Seq Scan" not in plan
    assert len(service_levels.run_out(session, NOW)) == 1


def test_of_two_processes_one_tells(store: database.Store) -> None:
    """Two who look at the same moment, each with connections of its own, find each clock once, together."""
    with store.session() as session:
        _clocks(session, *[None] * 40)
    barrier = Barrier(2, timeout=30)

    def look() -> list[tuple[int, bool]]:
        with database.open(store.engine.url.render_as_string(hide_password=False)) as own:
            found: list[tuple[int, bool]] = []
            for late_min in range(-6, 4):
                barrier.wait()
                with own.session() as session:
                    alarms = service_levels.run_out(session, NOW + late_min * MINUTE)
                    found += [(alarm.clock.id, alarm.is_breach) for alarm in alarms]
            return found

    with ThreadPoolExecutor(2) as processes:
        one, other = processes.submit(look), processes.submit(look)
        found = sorted(one.result(60) + other.result(60))
    with store.reading() as session:
        ids = sorted(session.scalars(select(Clock.id)))
    assert found == sorted((id_, is_breach) for id_ in ids for is_breach in (False, True))
