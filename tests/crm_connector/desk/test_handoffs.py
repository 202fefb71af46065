"""A stay with people, from the wish for one to the hand-back, and the promises that run meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import conversations, ownership
from crm_connector.choices import (
    ComplaintCategory,
    Outcome,
    Owner,
    Presence,
    Role,
    Sentiment,
    Severity,
    Target,
)
from crm_connector.columns import JSONObject
from crm_connector.desk import accounts, assignment, queue, service_levels
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.ownership import Matter
from crm_connector.tables import Account, Clock, Conversation, Handoff, ServiceLevel
from tests.crm_connector.factories import an_agent, stored

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
ASKED = Matter()
OFFICE = OpeningHours.parse(time_zone="UTC", week={"mon": ["09:00-17:00"], "tue": ["09:00-17:00"]})


def _waiting(
    session: Session,
    sender_id: str,
    matter: Matter = ASKED,
    *,
    since: datetime = MONDAY,
) -> tuple[Conversation, Handoff]:
    """A conversation in the queue since a moment."""
    conversation = conversations.find_or_create(session, sender_id, "web_widget")
    assert ownership.request_agent(session, conversation, matter)
    handoff = ownership.handoff_of(session, conversation)
    assert handoff is not None
    handoff.requested_at = handoff.waiting_since_at = since
    session.flush()
    return conversation, handoff


def _account(
    session: Session, email: str, *, seen_at: datetime = MONDAY, presence: Presence = Presence.ONLINE,
    **skills: object,
) -> Account:  # fmt: skip
    """An agent at her desk."""
    account = accounts.create(session, email, name=email.split("@")[0], roles=[Role.AGENT])
    accounts.set_skills(session, account, **{"languages": [], "topics": [], "capacity": 2, **skills})
    assignment.sign_of_life(session, account, presence, seen_at)
    return account


def _level(session: Session, **settings: object) -> ServiceLevel:
    defaults: JSONObject = {"name": "all", "hours": OFFICE.as_json(), "first_response_min": 30}
    return stored(session, ServiceLevel(**{**defaults, **settings}))


def _clocks(session: Session) -> list[Clock]:
    return list(session.scalars(select(Clock).order_by(Clock.id)))


def test_a_stay_is_written_down_from_end_to_end(session: Session) -> None:
    """It remembers why it began, who took it, when it was answered, and how it ended."""
    matter = Matter(
        "asked", ComplaintCategory.DELIVERY, Severity.HIGH, Sentiment.NEGATIVE, "zh", {"wanted": "a refund"}
    )
    conversation, handoff = _waiting(session, "ada", matter)
    agent = an_agent(session)
    assert ownership.claim(session, conversation, agent)
    assert ownership.reply(session, conversation, agent, "Let me look.", key="r1")
    assert ownership.hand_back(session, conversation, agent, outcome=Outcome.SOLVED)
    assert (handoff.reason, handoff.severity, handoff.card) == (
        "asked",
        Severity.HIGH,
        {"wanted": "a refund"},
    )
    assert handoff.agent_id == agent.id
    assert handoff.claimed_at is not None
    assert handoff.first_reply_at is not None
    assert handoff.ended_at is not None
    assert handoff.outcome == Outcome.SOLVED
    assert ownership.handoff_of(session, conversation) is None
    events = conversations.load_events(session, conversation, after=0)
    assert [event.data["event"] for event in events] == ["pause", "agent", "resume"]
    assert {event.data["metadata"]["agent"] for event in events} == {agent.name}


def test_a_reply_that_is_sent_twice_is_said_once(session: Session) -> None:
    """A click that is repeated, or a request that is, does not repeat the words."""
    conversation, _ = _waiting(session, "ada")
    agent = an_agent(session)
    ownership.claim(session, conversation, agent)
    for _ in range(2):
        assert ownership.reply(session, conversation, agent, "Hello", key="r1")
    spoken = [line.text for line in conversations.transcript(session, conversation)]
    assert spoken == ["Hello"]


def test_only_the_owner_speaks(session: Session) -> None:
    """Nobody answers in a conversation that waits, that the bot has, or that somebody else has."""
    conversation, _ = _waiting(session, "ada")
    owner, other = an_agent(session), an_agent(session)
    assert not ownership.reply(session, conversation, owner, "Too early", key="r1")
    ownership.claim(session, conversation, owner)
    assert not ownership.reply(session, conversation, other, "Not mine", key="r2")
    assert not ownership.pass_on(session, conversation, other, owner)
    assert ownership.pass_on(session, conversation, owner, other)
    assert ownership.reply(session, conversation, other, "Mine now", key="r3")
    ownership.hand_back(session, conversation, other)
    assert not ownership.reply(session, conversation, other, "Too late", key="r4")
    assert ownership.take_over(session, conversation, owner), "an agent may step in where the bot answers"
    assert not ownership.take_over(session, conversation, other)
    assert conversations.transcript(session, conversation)[-1].text == "Mine now"


def test_who_leaves_the_queue_has_the_bot_again(session: Session) -> None:
    """The stay ends as the customer's own wish."""
    conversation, handoff = _waiting(session, "ada")
    assert ownership.leave_queue(session, conversation)
    assert conversation.owner == Owner.BOT
    assert handoff.outcome == Outcome.CUSTOMER_LEFT
    assert not ownership.leave_queue(session, conversation)


def test_what_is_urgent_comes_first_and_nobody_waits_for_ever(session: Session) -> None:
    """Severity, mood and promises count as minutes of waiting."""
    now = MONDAY + timedelta(minutes=100)
    _waiting(session, "calm", since=now - timedelta(minutes=5))
    _waiting(session, "upset", Matter(sentiment=Sentiment.NEGATIVE), since=now - timedelta(minutes=4))
    _waiting(session, "critical", Matter(severity=Severity.CRITICAL), since=now)
    patient, _ = _waiting(session, "patient", since=now - timedelta(minutes=130))
    order = [place.conversation.sender_id for place in queue.places(session, now)]
    assert order == ["patient", "critical", "upset", "calm"]
    assert queue.position(session, patient, now) == 1
    agent = an_agent(session)
    ownership.claim(session, patient, agent)
    assert queue.position(session, patient, now) is None


def test_a_promise_that_runs_out_moves_a_matter_forward(session: Session) -> None:
    """Of two who have waited alike, the one to whom more was promised is first."""
    _level(session, hours=OpeningHours().as_json(), channels=["telegram"], first_response_min=20)
    _waiting(session, "no promise")
    promised = conversations.find_or_create(session, "promised", "telegram")
    ownership.request_agent(session, promised)
    now = datetime.now(UTC)
    for handoff in session.scalars(select(Handoff)):
        handoff.requested_at = now
    first = queue.places(session, now)[0]
    assert first.conversation is promised
    assert first.due_at is not None


@pytest.mark.parametrize(
    ("matter", "expected"),
    [
        pytest.param(Matter(), "light", id="the lightest load"),
        pytest.param(Matter(language="zh"), "chinese", id="by language"),
        pytest.param(Matter(topic=ComplaintCategory.PAYMENT), "payments", id="by topic"),
        pytest.param(Matter(language="ar"), None, id="nobody speaks it"),
    ],
)
def test_a_matter_goes_to_who_can_take_it(session: Session, matter: Matter, expected: str | None) -> None:
    """Skill decides first, then the lightest load; whoever is away or full gets nothing."""
    _account(session, "away@x.example", presence=Presence.AWAY)
    _account(session, "gone@x.example", seen_at=MONDAY - timedelta(minutes=3))
    _account(session, "full@x.example", capacity=0)
    others = [topic for topic in ComplaintCategory if topic != ComplaintCategory.PAYMENT]
    busy = _account(session, "busy@x.example", languages=["en"], topics=others)
    _account(session, "light@x.example", languages=["en"], topics=others)
    _account(session, "chinese@x.example", languages=["zh"], topics=others, capacity=1)
    _account(session, "payments@x.example", languages=["en"], topics=[ComplaintCategory.PAYMENT])
    held, _ = _waiting(session, "held", Matter(language="en"))
    ownership.claim(session, held, busy.agent)
    conversation, _ = _waiting(session, "new", matter)
    given = assignment.assign_waiting(session, MONDAY)
    assert [(one.sender_id, agent.name) for one, agent in given] == ([("new", expected)] if expected else [])
    assert conversation.owner == (Owner.AGENT if expected else Owner.QUEUE)


def test_capacity_is_never_exceeded(session: Session) -> None:
    """With two agents for two each, four of five get one, and the fifth when somebody is free."""
    agents = [_account(session, "a@x.example"), _account(session, "b@x.example")]
    for number in range(5):
        _waiting(session, f"c{number}", since=MONDAY + timedelta(seconds=number))
    given = assignment.assign_waiting(session, MONDAY)
    assert [conversation.sender_id for conversation, _ in given] == ["c0", "c1", "c2", "c3"]
    assert [one.load for one in assignment.candidates(session, MONDAY)] == [2, 2]
    first = given[0][0]
    ownership.hand_back(session, first, given[0][1])
    assert [one.sender_id for one, _ in assignment.assign_waiting(session, MONDAY)] == ["c4"]
    assert {account.agent.name for account in agents} == {agent.name for _, agent in given}


def test_customers_of_an_agent_who_vanishes_wait_again(session: Session) -> None:
    """Without a sign of life for two minutes, those who wait for an answer go back; the others stay."""
    account = _account(session, "a@x.example")
    owed, _ = _waiting(session, "owed")
    answered, _ = _waiting(session, "answered")
    assignment.assign_waiting(session, MONDAY)
    ownership.reply(session, answered, account.agent, "Here you are.", key="r1")
    assert assignment.release_absent(session, MONDAY + timedelta(minutes=2)) == []
    assert assignment.release_absent(session, MONDAY + timedelta(minutes=3)) == [owed]
    assert owed.owner == Owner.QUEUE
    assert answered.owner == Owner.AGENT


def test_the_narrowest_promise_counts() -> None:
    """Among those that reach a matter, severity decides, then channel and language."""
    levels = [
        ServiceLevel(name=name, hours={}, **settings)
        for name, settings in {
            "all": {},
            "widget": {"channels": ["web_widget"]},
            "severe": {"least_severity": Severity.HIGH},
            "chinese": {"languages": ["zh"]},
        }.items()
    ]
    for number, level in enumerate(levels, start=1):
        level.id = number

    def chosen(severity: Severity, channel: str, language: str) -> str:
        level = service_levels.choose(levels, severity=severity, channel=channel, language=language)
        return level.name if level else "none"

    assert chosen(Severity.LOW, "rest", "en") == "all"
    assert chosen(Severity.LOW, "web_widget", "en") == "widget"
    assert chosen(Severity.CRITICAL, "web_widget", "zh") == "severe"
    assert chosen(Severity.MEDIUM, "rest", "zh") == "chinese"
    assert service_levels.choose([], severity=Severity.LOW, channel="rest", language=None) is None


def test_a_promise_is_kept_or_broken_in_working_time(session: Session) -> None:
    """The clock stands still at night; each warning and each breach is told once."""
    _level(session, first_response_min=60, resolution_min=480, warn_before_min=10)
    evening = MONDAY + timedelta(hours=7, minutes=30)
    conversation = conversations.find_or_create(session, "ada", "rest")
    ownership.request_agent(session, conversation)
    handoff = ownership.handoff_of(session, conversation)
    assert handoff is not None
    for clock in _clocks(session):
        session.delete(clock)
    handoff.requested_at = evening
    service_levels.start_handoff(session, handoff, conversation)
    response, resolution = _clocks(session)
    assert response.due_at == MONDAY + timedelta(days=1, minutes=30)
    assert service_levels.run_out(session, MONDAY + timedelta(days=1)) == []
    warned = service_levels.run_out(session, MONDAY + timedelta(days=1, minutes=20))
    assert [(alarm.clock.target, alarm.is_breach) for alarm in warned] == [(Target.FIRST_RESPONSE, False)]
    late = MONDAY + timedelta(days=1, minutes=31)
    service_levels.stop(session, handoff, [Target.FIRST_RESPONSE], late)
    broken = service_levels.run_out(session, late)
    assert [(alarm.clock.target, alarm.is_breach) for alarm in broken] == [(Target.FIRST_RESPONSE, True)]
    assert service_levels.run_out(session, late) == []
    assert service_levels.next_due(session, [handoff.id])[handoff.id].id == resolution.id


def test_each_answer_that_is_owed_has_its_clock(session: Session) -> None:
    """After the first reply, what the customer writes starts the clock of the next one."""
    _level(session, first_response_min=30, next_response_min=15)
    conversation, handoff = _waiting(session, "ada", since=datetime.now(UTC))
    agent = an_agent(session)
    ownership.claim(session, conversation, agent)
    ownership.customer_wrote(session, conversation, datetime.now(UTC))
    assert [clock.target for clock in _clocks(session)] == [Target.FIRST_RESPONSE]
    ownership.reply(session, conversation, agent, "Yes?", key="r1")
    for _ in range(2):
        ownership.customer_wrote(session, conversation, datetime.now(UTC))
    ownership.reply(session, conversation, agent, "I see.", key="r2")
    clocks = _clocks(session)
    assert [clock.target for clock in clocks] == [Target.FIRST_RESPONSE, Target.NEXT_RESPONSE]
    assert all(clock.stopped_at is not None for clock in clocks)
    assert handoff.waiting_since_at is None


def test_a_message_of_the_customer_ends_a_snooze(session: Session) -> None:
    """What was put aside comes back when the customer writes."""
    conversation, handoff = _waiting(session, "ada")
    handoff.snoozed_until_at = MONDAY + timedelta(days=1)
    ownership.customer_wrote(session, conversation, MONDAY)
    assert handoff.snoozed_until_at is None
