"""Figures of the service, counted from a small week in which every case occurs once."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from crm_connector.choices import Sentiment, Target
from crm_connector.columns import JSONObject
from crm_connector.desk import reports
from crm_connector.desk.csv_export import to_csv
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.tables import (
    Agent,
    Clock,
    Conversation,
    ConversationEvent,
    Handoff,
    ServiceLevel,
    Survey,
)
from tests.crm_connector.factories import a_customer, an_agent, stored

DAY = timedelta(days=1)
START = datetime(2026, 11, 2, tzinfo=UTC)
PERIOD = reports.Period(START, START + 3 * DAY)
LATER = START + 30 * DAY


def _conversation(
    session: Session, name: str, at: datetime, *events: JSONObject, channel: str = "rest"
) -> Conversation:
    """A conversation whose events all happened at one moment."""
    conversation = stored(session, Conversation(sender_id=name, channel=channel, last_activity_at=at))
    for sequence, data in enumerate(events, start=1):
        stored(
            session,
            ConversationEvent(
                conversation_id=conversation.id,
                sequence=sequence,
                type_name=str(data["event"]),
                data=data,
                created_at=at,
            ),
        )
    return conversation


def _user(intent: str, sentiment: str = "neutral") -> JSONObject:
    parsed = {"intent": {"name": intent}, "sentiment": {"value": sentiment}}
    return {"event": "user", "text": "x", "parse_data": parsed}


BOT: JSONObject = {"event": "bot", "text": "y"}


def _action(name: str) -> JSONObject:
    return {"event": "action", "name": name}


def _loop(name: str | None) -> JSONObject:
    return {"event": "active_loop", "name": name}


def _handoff(
    session: Session, conversation: Conversation, agent: Agent, at: datetime, reply_s: int
) -> Handoff:
    row = Handoff(
        conversation_id=conversation.id,
        reason="asked",
        agent_id=agent.id,
        requested_at=at,
        first_reply_at=at + timedelta(seconds=reply_s),
        ended_at=at + timedelta(seconds=10 * reply_s),
    )
    return stored(session, row)


@pytest.fixture
def week(session: Session) -> Agent:
    """Contained, with a person, left in a form, not understood, unanswered, and one of another time."""
    agent = an_agent(session)
    _conversation(session, "contained", START, _user("greet", "positive"), BOT, _loop("f"), _loop(None))
    with_person = _conversation(
        session, "person", START + DAY, _user("complaint", "negative"), _user("human"), BOT, channel="slack"
    )
    _handoff(session, with_person, agent, START + DAY, 60)
    _conversation(session, "in a form", START + DAY, _user("ticket"), BOT, _loop("ticket_form"))
    _conversation(
        session, "lost", START + 2 * DAY,
        _user("nlu_fallback"), BOT, _action("action_default_fallback"), _action("action_listen"),
    )  # fmt: skip
    _conversation(session, "silent", START + 2 * DAY, _user("out_of_scope"))
    _conversation(session, "later", START + 3 * DAY, _user("greet"), BOT)
    customer = a_customer(session)
    for rating, conversation in ((5, with_person), (2, None)):
        stored(
            session,
            Survey(
                source_key=f"s{rating}",
                customer_id=customer.id,
                conversation_id=conversation.id if conversation else None,
                rating=rating,
                created_at=START + DAY,
            ),
        )
    return agent


@pytest.mark.usefixtures("week")
def test_a_period_is_counted(session: Session) -> None:
    """Only what the customer wrote within the period counts."""
    found = reports.report(session, PERIOD, now=LATER)
    assert (found.conversations, found.messages, found.judged, found.handoffs) == (5, 6, 5, 1)
    assert found.containment == pytest.approx(2 / 5), "contained, and the one the bot said nothing in"
    assert found.involvement == pytest.approx(4 / 5)
    assert found.automation == pytest.approx(8 / 25)
    assert found.first_response == reports.Durations(1, 60, 60)
    assert found.resolution == reports.Durations(1, 600, 600)
    assert found.not_understood == pytest.approx(1 / 6)
    assert found.out_of_scope == pytest.approx(1 / 6)
    assert found.satisfaction == reports.Satisfaction(2, 3.5, 0.5, 0.4)
    assert found.intents[0] == ("complaint", 1)
    assert found.by_day == [(date(2026, 11, 2), 1), (date(2026, 11, 3), 2), (date(2026, 11, 4), 2)]
    assert found.sentiment_by_day[1][1] == {
        Sentiment.POSITIVE: 0,
        Sentiment.NEUTRAL: 2,
        Sentiment.NEGATIVE: 1,
    }


@pytest.mark.usefixtures("week")
def test_what_is_still_going_on_is_not_judged(session: Session) -> None:
    """Containment waits for three quiet days; without any judged conversation there is no rate."""
    found = reports.report(session, PERIOD, now=START + 4 * DAY)
    assert (found.judged, found.containment) == (3, pytest.approx(1 / 3))
    early = reports.report(session, PERIOD, now=START + DAY)
    assert (early.judged, early.containment, early.automation) == (0, None, None)


def test_an_empty_period_has_no_rates(session: Session) -> None:
    """Nothing is divided by nothing."""
    found = reports.report(session, PERIOD, now=LATER)
    assert found.conversations == 0
    assert found.containment is found.involvement is found.not_understood is None
    assert found.first_response == reports.Durations()
    assert [count for _, count in found.by_day] == [0, 0, 0]
    assert reports.by_channel(session, PERIOD, now=LATER) == {}
    assert reports.by_agent(session, PERIOD) == []


def test_channels_and_agents_have_their_own_figures(session: Session, week: Agent) -> None:
    """Each adds up what is its own."""
    channels = reports.by_channel(session, PERIOD, now=LATER)
    assert {name: one.conversations for name, one in channels.items()} == {"rest": 4, "slack": 1}
    assert (channels["rest"].handoffs, channels["slack"].handoffs) == (0, 1)
    assert channels["slack"].satisfaction.average == 5
    [mine] = reports.by_agent(session, PERIOD)
    assert mine.agent is week
    assert (mine.conversations, mine.satisfaction) == (1, 5)
    assert reports.by_agent(session, reports.Period(START, START + 3 * DAY, "rest")) == []


def test_promises_are_kept_or_not(session: Session) -> None:
    """A clock counts once it is decided: stopped, or run out."""
    level = stored(session, ServiceLevel(name="all", hours=OpeningHours().as_json()))
    agent = an_agent(session)
    for number, (stopped, due) in enumerate([(5, 10), (15, 10), (None, 10), (None, 10**6)]):
        conversation = _conversation(session, f"c{number}", START, _user("greet"))
        handoff = _handoff(session, conversation, agent, START, 60)
        stored(
            session,
            Clock(
                source_key=f"k{number}",
                level_id=level.id,
                target=Target.FIRST_RESPONSE,
                handoff_id=handoff.id,
                started_at=START,
                due_at=START + timedelta(minutes=due),
                warn_at=START,
                stopped_at=None if stopped is None else START + timedelta(minutes=stopped),
            ),
        )
    kept = reports.report(session, PERIOD, now=LATER).promises_kept
    assert kept == {
        Target.FIRST_RESPONSE: pytest.approx(1 / 3),
        Target.NEXT_RESPONSE: None,
        Target.RESOLUTION: None,
    }


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n-1"])
def test_nothing_a_customer_wrote_is_computed(cell: str) -> None:
    """A spreadsheet shows the words instead of running them."""
    assert _read(to_csv(["said"], [[cell]]))[1] == [f"'{cell}"]


@given(
    st.lists(
        st.lists(
            st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0")), min_size=2, max_size=2
        )
    )
)
def test_tables_can_be_read_again(rows: list[list[str]]) -> None:
    """Whatever stands in a cell, the table keeps its shape and its words, but for the apostrophe."""
    read = _read(to_csv(["a", "b"], rows))
    assert [[cell.removeprefix("'") for cell in row] for row in read[1:]] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]


def test_numbers_stay_numbers() -> None:
    """A negative figure of ours is no formula."""
    assert _read(to_csv(["n"], [[-1.5, None]]))[1] == ["-1.5", ""]


def _read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
