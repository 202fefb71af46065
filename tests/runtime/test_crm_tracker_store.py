"""Conversations in the CRM, through the processor."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.dialogue.events import ActionExecuted, BotUttered, Event, SessionStarted, SlotSet, UserUttered
from bot.dialogue.messages import Entity, Intent, ParseResult, Sentiment, UserMessage
from bot.dialogue.tracker import Tracker
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.tracker_store import AlreadyAnswered, StoreUnavailable
from crm_connector import agents, conversations, database, ownership
from tests.runtime.stand_ins import Server, domain, kinds, processor, texts


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[database.Store]:
    """A store in a file."""
    with database.open(f"sqlite:///{tmp_path / 'crm.db'}", busy_timeout_s=0.1) as store:
        yield store


SESSION = [ActionExecuted(name="action_session_start"), SessionStarted()]


def message(message_id: str = "1", text: str = "greet") -> UserMessage:
    """Return a message of one sender."""
    return UserMessage(text, "s", message_id=message_id)


def turn(message_id: str = "1") -> list[Event]:
    """Return the events of a turn."""
    parsed = ParseResult(
        "hi", Intent("greet", 0.5), (Entity("city", "Rome", 0, 2),), sentiment=Sentiment("neutral", 0.1)
    )
    said = UserUttered(text="hi", parse_data=parsed, input_channel="rest", message_id=message_id)
    return [said, SlotSet(name="city", value=["Rome", None]), BotUttered(text="你好", data={"image": "x"})]


def test_events_come_back_as_they_went(crm: database.Store) -> None:
    """The wire form loses nothing, times included."""
    store, events = CrmTrackerStore(crm), turn()
    store.append(message(), events)
    loaded = store.load(message("2"))
    assert (list(loaded.events), loaded.answered) == (events, None)
    assert [event.timestamp for event in loaded.events] == [event.timestamp for event in events]


def test_a_message_has_one_turn(crm: database.Store) -> None:
    """A second turn for the same message adds nothing and learns what was said."""
    store = CrmTrackerStore(crm)
    store.append(message(), turn())
    with pytest.raises(AlreadyAnswered) as refused:
        store.append(message(), turn())
    assert texts(refused.value.replies) == texts(store.load(message()).answered or []) == ["你好"]
    assert len(store.load(message("2")).events) == 3


def test_what_is_known_is_loaded_at_once(crm: database.Store) -> None:
    """What is new or known needs no thread; what others added, and a redelivery, do."""
    store, other = CrmTrackerStore(crm), CrmTrackerStore(crm)
    assert store.load_at_once(message()) == store.load(message())
    assert store.append_at_once(message(), [*SESSION, *turn()])
    known = store.load_at_once(message("2"))
    assert known is not None
    assert known == store.load(message("2"))
    assert store.load_at_once(message()) is None
    other.append(message("2"), turn("2"))
    assert store.load_at_once(message("3")) is None
    assert other.load_at_once(message("3")) is None
    assert [*store.load(message("3")).events] == [*known.events, *other.load(message("3")).events[-3:]]
    assert store.load_at_once(message("3")) == store.load(message("3"))


def test_a_turn_is_not_added_at_once_beside_a_writer(crm: database.Store) -> None:
    """Nothing is added while somebody else writes, in this process or in another one."""
    store = CrmTrackerStore(crm)
    with sqlite3.connect(str(crm.engine.url.database), isolation_level=None) as elsewhere:
        elsewhere.execute("BEGIN IMMEDIATE")
        assert not store.append_at_once(message(), turn())
        elsewhere.execute("ROLLBACK")
    elsewhere.close()
    with crm.session() as session:
        assert not store.append_at_once(message(), turn())
        assert conversations.find(session, "s") is None
    assert store.append_at_once(message(), turn())
    with pytest.raises(AlreadyAnswered):
        store.append_at_once(message(), turn())


@pytest.mark.postgresql
def test_nothing_is_done_at_once_over_a_network(new_postgresql: Callable[[], str]) -> None:
    """Whoever serves all conversations does not wait for a server's answer."""
    with database.open(new_postgresql()) as crm:
        store = CrmTrackerStore(crm)
        assert store.load_at_once(message()) is None
        assert not store.append_at_once(message(), turn())
        assert not store.load(message()).events


def test_a_locked_store_is_unavailable(crm: database.Store) -> None:
    """Nothing is written, and the error says so."""
    store = CrmTrackerStore(crm)
    with crm.session() as session:
        conversations.find_or_create(session, "other", "rest")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.append(message(), turn())
    assert store.load(message()).events == ()


async def test_transcripts_are_numbered(crm: database.Store) -> None:
    """A reader goes on after what it has seen."""
    store = CrmTrackerStore(crm)
    assert await store.transcript("s", 0) == []
    store.append(message(), turn())
    assert [(number, event.event) for number, event in await store.transcript("s", 1)] == [
        (2, "slot"),
        (3, "bot"),
    ]


async def test_a_conversation_goes_on_from_the_store(crm: database.Store) -> None:
    """Another process finds slots and session where the first one left them."""
    await processor(store=CrmTrackerStore(crm)).handle(message("1", "greet Rome"))
    again = processor(store=CrmTrackerStore(crm))
    assert texts(await again.handle(message("2"))) == ["hi Rome"]
    events = CrmTrackerStore(crm).load(message("3")).events
    assert kinds(events).count("session_started") == 1
    assert Tracker.from_events("s", events, domain()).slots["city"] == "Rome"


async def test_a_redelivery_is_answered_from_the_store(crm: database.Store) -> None:
    """The action runs once for both deliveries."""
    server = Server({"responses": [{"text": "ticket opened"}]})
    bot = processor(store=CrmTrackerStore(crm), server=server)
    first = await bot.handle(message("1", "ask"))
    assert texts(await bot.handle(message("1", "ask"))) == texts(first)
    assert server.calls == 1


async def test_the_bot_is_silent_while_an_agent_owns_the_conversation(crm: database.Store) -> None:
    """It is silent from the moment an agent takes over until she hands back."""
    bot = processor(store=CrmTrackerStore(crm))
    await bot.handle(message("1"))
    with crm.session() as session:
        agent = agents.find_or_create(session, "ada@example.org", name="Ada")
        conversation = conversations.find_or_create(session, "s", "rest")
        ownership.request_agent(session, conversation)
        assert ownership.claim(session, conversation, agent)
    assert await bot.handle(message("2")) == []
    with crm.session() as session:
        conversation = conversations.find_or_create(session, "s", "rest")
        assert ownership.hand_back(session, conversation, agent)
    assert texts(await bot.handle(message("3"))) == ["hi None"]


async def test_what_others_added_is_read_between_turns(crm: database.Store) -> None:
    """A process that holds a conversation sees what another one, or an agent, wrote into it meanwhile."""
    here, elsewhere = (processor(store=CrmTrackerStore(crm)) for _ in range(2))
    for number, (bot, text) in enumerate(
        [(here, "greet Rome"), (here, "greet"), (elsewhere, "greet Oslo"), (here, "greet")]
    ):
        replies = await bot.handle(message(str(number), text))
    assert texts(replies) == ["hi Oslo"]


async def test_a_replaced_conversation_is_read_anew(crm: database.Store) -> None:
    """A process that holds a conversation notices that another one put other events in its place."""
    bot = processor(store=CrmTrackerStore(crm))
    for number in range(3):
        await bot.handle(message(str(number), "greet Rome"))
    CrmTrackerStore(crm).replace(message(), [SlotSet(name="city", value="Lima")])
    assert CrmTrackerStore(crm).load(message("9")).events == [SlotSet(name="city", value="Lima")]
    assert texts(await bot.handle(message("9"))) == ["hi Lima"]


def test_a_loaded_conversation_is_not_read_again(crm: database.Store) -> None:
    """The events that a process wrote or read before are the same objects the next time."""
    store = CrmTrackerStore(crm)
    store.append(message("1"), turn("1"))
    first = store.load(message("2")).events
    store.append(message("2"), second := turn("2"))
    again = store.load(message("3")).events
    assert [*map(id, again)] == [*map(id, [*first, *second])]


@pytest.mark.parametrize("has_action", [True, False])
def test_a_session_that_begins_is_not_read_again(crm: database.Store, has_action: bool) -> None:
    """What a turn wrote from its session start on is what anybody would read, and is not read."""
    store = CrmTrackerStore(crm)
    store.append(message("1"), turn("1"))
    began = [ActionExecuted(name="action_session_start")] if has_action else []
    session = [*began, SessionStarted(), *turn("2")]
    store.append(message("2"), [SlotSet(name="city", value="Lima"), *session])
    again = store.load(message("3")).events
    assert [*map(id, again)] == [*map(id, session)]
    assert again == CrmTrackerStore(crm).load(message("3")).events
