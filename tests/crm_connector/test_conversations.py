"""Conversations: events in order, messages once, one owner."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from crm_connector import conversations, database, ownership
from crm_connector.choices import Owner
from crm_connector.columns import JSONObject
from crm_connector.conversations import DuplicateMessage, MessageKey, Speaker
from crm_connector.tables import Conversation
from tests.crm_connector import factories

KEY = MessageKey("rest", "m-1")


def said(text: str, message_id: str = "m-1") -> JSONObject:
    """A customer's words as an event."""
    return {"event": "user", "text": text, "timestamp": 1_770_000_000.5, "message_id": message_id}


def answered(text: str | None) -> JSONObject:
    """The bot's words as an event."""
    return {"event": "bot", "text": text, "timestamp": 1_770_000_001.5, "data": {}}


LISTEN: JSONObject = {"event": "action", "name": "action_listen", "timestamp": 1.0}
BEGIN: JSONObject = {"event": "action", "name": "action_session_start", "timestamp": 1.0}
STARTED: JSONObject = {"event": "session_started", "timestamp": 1.0}


def _data(session: Session, conversation: Conversation, **window: int) -> list[JSONObject]:
    return [event.data for event in conversations.load_events(session, conversation, **window)]


_plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
_json = st.recursive(
    _plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(turns=st.lists(st.lists(_json, max_size=4), max_size=4))
def test_events_come_back_as_they_went(store: database.Store, turns: list[list[object]]) -> None:
    """Any JSON in any number of turns comes back equal, in order, numbered from one without a gap."""
    events = [[{"event": "slot", "name": "x", "value": value} for value in turn] for turn in turns]
    with store.session() as session:
        conversation = factories.a_conversation(session)
        for turn in events:
            conversations.append_events(session, conversation, turn)
    with store.reading() as session:
        stored = conversations.load_events(session, conversation, after=0)
    assert [event.data for event in stored] == [event for turn in events for event in turn]
    assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))


def test_a_message_is_stored_once(session: Session) -> None:
    """The redelivery appends nothing, and the answer of the first delivery is at hand."""
    conversation = factories.a_conversation(session)
    conversations.append_events(session, conversation, [LISTEN])
    turn = [said("where is it"), LISTEN, answered("On its way."), answered(None)]
    assert conversations.append_events(session, conversation, turn, inbound=KEY) == (2, 6)
    conversations.append_events(session, conversation, [said("thanks", "m-2"), answered("Gladly.")])
    with pytest.raises(DuplicateMessage, match="'m-1'"), session.begin_nested():
        conversations.append_events(session, conversation, turn, inbound=KEY)
    seen = conversations.seen_message(session, conversation, KEY)
    assert seen is not None
    assert conversations.answers_of(session, seen) == turn[2:]
    assert len(_data(session, conversation, after=0)) == 7


def test_a_seen_message_is_known(session: Session) -> None:
    """A message is seen from its turn on, in its own conversation and channel only."""
    mine, other = factories.a_conversation(session), factories.a_conversation(session)
    assert conversations.seen_message(session, mine, KEY) is None
    conversations.append_events(session, mine, [said("hello")], inbound=KEY)
    seen = conversations.seen_message(session, mine, KEY)
    assert seen is not None
    assert (seen.first_sequence, seen.last_sequence) == (1, 1)
    assert conversations.seen_message(session, mine, MessageKey("slack", "m-1")) is None
    assert conversations.seen_message(session, other, KEY) is None


def test_a_guessed_message_id_reveals_nothing(session: Session) -> None:
    """Another sender with the same message id is heard, and gets an answer of her own."""
    mine, other = factories.a_conversation(session), factories.a_conversation(session)
    conversations.append_events(session, mine, [said("hello"), answered("for me")], inbound=KEY)
    conversations.append_events(session, other, [said("hello"), answered("for her")], inbound=KEY)
    seen = conversations.seen_message(session, other, KEY)
    assert seen is not None
    assert [event["text"] for event in conversations.answers_of(session, seen)] == ["for her"]


def test_a_turn_without_events_is_remembered(session: Session) -> None:
    """A message that led to nothing is still not heard twice."""
    conversation = factories.a_conversation(session)
    conversations.append_events(session, conversation, [], inbound=KEY)
    seen = conversations.seen_message(session, conversation, KEY)
    assert seen is not None
    assert conversations.answers_of(session, seen) == []


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        ([], 0),
        ([said("a"), LISTEN], 2),
        ([BEGIN, STARTED, LISTEN], 3),
        ([said("a"), LISTEN, BEGIN, STARTED, LISTEN, said("b")], 4),
        ([said("a"), LISTEN, STARTED, LISTEN], 2),
        ([BEGIN, STARTED, LISTEN, BEGIN, STARTED], 2),
        ([BEGIN, STARTED, LISTEN, BEGIN], 4),
    ],
    ids=["nothing", "no-session", "first", "second", "bare", "just-begun", "beginning"],
)
def test_loading_begins_with_the_session(session: Session, events: list[JSONObject], kept: int) -> None:
    """Without a window only the present session is read, with the action that began it."""
    conversation = factories.a_conversation(session)
    conversations.append_events(session, conversation, events)
    assert _data(session, conversation) == events[len(events) - kept :]


def test_windows_are_open_below_and_closed_above(session: Session) -> None:
    """`after` is left out and `until` is taken in."""
    conversation = factories.a_conversation(session)
    conversations.append_events(session, conversation, [said(str(number)) for number in range(1, 6)])
    assert [event["text"] for event in _data(session, conversation, after=1, until=3)] == ["2", "3"]


def test_a_transcript_has_what_was_said(session: Session) -> None:
    """Customer, assistant and agent speak; actions and slots do not."""
    conversation = factories.a_conversation(session)
    agent = {"event": "agent", "text": "Ines here.", "timestamp": 1_770_000_002.0}
    conversations.append_events(
        session, conversation, [LISTEN, said("hi"), answered("Hello!"), answered(None), agent]
    )
    lines = conversations.transcript(session, conversation)
    assert [(line.speaker, line.text, line.message_id) for line in lines] == [
        (Speaker.CUSTOMER, "hi", "m-1"),
        (Speaker.ASSISTANT, "Hello!", None),
        (Speaker.ASSISTANT, "", None),
        (Speaker.AGENT, "Ines here.", None),
    ]
    assert lines[0].said_at.timestamp() == 1_770_000_000.5


def test_a_new_sender_belongs_to_the_bot(session: Session) -> None:
    """The bot answers whoever nobody knows."""
    assert ownership.owner_of(session, "nobody") == Owner.BOT
    conversations.find_or_create(session, "ada", "rest")
    assert ownership.owner_of(session, "ada") == Owner.BOT


def test_a_conversation_goes_round(session: Session) -> None:
    """Bot, queue, agent and back, each step once, marked at the end for the bot."""
    conversation, agent = factories.a_conversation(session), factories.an_agent(session)
    assert not ownership.claim(session, conversation, agent), "nobody takes what the bot is holding"
    assert ownership.request_agent(session, conversation)
    assert not ownership.request_agent(session, conversation)
    assert ownership.waiting(session) == [conversation]
    assert ownership.claim(session, conversation, agent)
    assert ownership.claim(session, conversation, agent), "asking again is harmless"
    assert ownership.waiting(session) == []
    assert ownership.hand_back(session, conversation, agent)
    assert not ownership.hand_back(session, conversation, agent)
    assert ownership.owner_of(session, conversation.sender_id) == Owner.BOT
    assert [(e["event"], e["metadata"]) for e in _data(session, conversation)] == [
        ("pause", {"agent": "Ines"}),
        ("resume", {"agent": "Ines"}),
    ]


def test_only_the_owner_lets_go(session: Session) -> None:
    """An agent can neither release nor hand back what another one holds."""
    conversation, holder, other = (
        factories.a_conversation(session), factories.an_agent(session), factories.an_agent(session)
    )  # fmt: skip
    ownership.request_agent(session, conversation)
    ownership.claim(session, conversation, holder)
    assert not ownership.release(session, conversation, other)
    assert not ownership.hand_back(session, conversation, other)
    assert not ownership.claim(session, conversation, other)
    assert conversation.agent_id == holder.id
    assert ownership.release(session, conversation, holder)
    assert (conversation.owner, conversation.agent_id) == (Owner.QUEUE, None)


def test_a_conversation_learns_its_customer_once(session: Session) -> None:
    """A customer who is known later is added to the conversation, and does not replace another."""
    conversation = conversations.find_or_create(session, "ada", "rest")
    ada, other = factories.a_customer(session), factories.a_customer(session)
    assert conversations.find_or_create(session, "ada", "rest", customer_id=ada.id) is conversation
    conversations.find_or_create(session, "ada", "rest", customer_id=other.id)
    assert conversation.customer_id == ada.id
    assert conversations.find(session, "ada") is conversation
    assert conversations.find(session, "nobody") is None
