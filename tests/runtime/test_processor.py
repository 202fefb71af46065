"""One message through its turn."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ConversationPaused,
    EntitiesAdded,
    SlotSet,
    UserUttered,
)
from bot.dialogue.messages import Entity, Intent, ParseResult, UserMessage
from bot.dialogue.tracker import Tracker
from bot.runtime.custom_actions import ActionRejected
from bot.runtime.tracker_store import InMemoryTrackerStore, StoredConversation
from tests.runtime.stand_ins import (
    PLAN,
    Guess,
    Script,
    Server,
    Words,
    events_of,
    kinds,
    processor,
    texts,
)


async def test_a_turn_from_end_to_end() -> None:
    """Session, message, slots, actions and listening are noted in this order, and the answer comes back."""
    bot = processor()
    assert texts(await bot.handle(UserMessage("greet Rome"))) == ["hi Rome"]
    assert kinds(events_of(bot)) == [
        "action:action_session_start", "session_started", "action:action_listen", "user", "slot:city",
        "action:utter_hi", "bot", "action:action_listen",
    ]  # fmt: skip


async def test_the_executed_action_names_its_policy() -> None:
    """Who chose an action and how sure it was is kept, as are the model's marks."""
    bot = processor(marks={"model_id": "m1"})
    await bot.handle(UserMessage("greet", metadata={"k": "v"}))
    executed = next(event for event in events_of(bot) if getattr(event, "name", "") == "utter_hi")
    assert isinstance(executed, ActionExecuted)
    assert (executed.policy, executed.confidence) == ("ScriptedPolicy", 0.8)
    assert {event.metadata["model_id"] for event in events_of(bot)} == {"m1"}
    assert kinds(events_of(bot))[0] == "slot:session_started_metadata"


async def test_a_redelivered_message_gets_its_first_answer() -> None:
    """Nothing runs twice, whatever came in between."""
    server = Server({"responses": [{"text": "done"}]})
    bot = processor(server=server)
    first = await bot.handle(UserMessage("ask", message_id="1"))
    await bot.handle(UserMessage("greet", message_id="2"))
    stored = events_of(bot)
    assert texts(await bot.handle(UserMessage("ask", message_id="1"))) == texts(first) == ["done", "bye"]
    assert (server.calls, events_of(bot)) == (1, stored)


async def test_the_same_id_on_another_channel_is_another_message() -> None:
    """Ids are unique within a channel only."""
    bot = processor()
    await bot.handle(UserMessage("greet", message_id="1", input_channel="rest"))
    await bot.handle(UserMessage("greet", message_id="1", input_channel="telegram"))
    assert kinds(events_of(bot)).count("user") == 2


async def test_a_new_session_starts_after_a_silence() -> None:
    """The time since the last message counts, and slots are carried over."""
    now = [0.0]
    bot = processor(clock=lambda: now[0])
    await bot.handle(UserMessage("greet Rome"))
    said_at = next(event.timestamp for event in events_of(bot) if isinstance(event, UserUttered))
    now[0] = said_at + 59 * 60
    await bot.handle(UserMessage("greet"))
    assert kinds(events_of(bot)).count("session_started") == 1
    now[0] = said_at + 10 * 3600
    assert texts(await bot.handle(UserMessage("greet"))) == ["hi Rome"]
    assert kinds(events_of(bot)).count("session_started") == 2


async def test_an_action_may_reject() -> None:
    """Only the rejection is noted, and the policies choose again."""
    bot = processor(server=Server(error=ActionRejected("action_custom")))
    assert texts(await bot.handle(UserMessage("ask"))) == ["bye"]
    assert kinds(events_of(bot))[4:6] == ["action_execution_rejected:action_custom", "action:utter_bye"]


async def test_messages_of_an_action_come_before_its_events() -> None:
    """A response by name is filled with what the action gives; its own buttons are added."""
    said = {"response": "utter_hi", "city": "Oslo", "buttons": [{"title": "ok"}], "image": None}
    slot = {"event": "slot", "name": "note", "value": 1, "timestamp": 5.0}
    bot = processor(server=Server({"responses": [said], "events": [slot]}))
    replies = await bot.handle(UserMessage("ask"))
    assert replies[0].text == "hi Oslo"
    assert replies[0].data["buttons"] == [{"title": "ok"}]
    assert kinds(events_of(bot))[4:7] == ["action:action_custom", "bot", "slot:note"]
    noted = next(event for event in events_of(bot) if isinstance(event, SlotSet) and event.name == "note")
    assert noted.timestamp > 5.0


async def test_a_follow_up_action_needs_no_policy() -> None:
    """What an action asks for runs next; an unknown name is passed over."""
    followup = {"event": "followup", "name": "utter_hi"}
    bot = processor(server=Server({"events": [followup]}))
    assert texts(await bot.handle(UserMessage("ask"))) == ["hi None"]
    unknown = processor(server=Server({"events": [{**followup, "name": "utter_nope"}]}))
    assert texts(await unknown.handle(UserMessage("ask"))) == ["bye"]


async def test_a_paused_conversation_hears_only_restart() -> None:
    """The bot is silent but keeps what is said."""
    bot = processor()
    await bot.handle(UserMessage("greet"))
    bot.store.append(UserMessage(""), [ConversationPaused()])
    assert await bot.handle(UserMessage("greet")) == []
    assert kinds(events_of(bot))[-1] == "user"
    await bot.handle(UserMessage("restart"))
    assert kinds(events_of(bot))[-1] == "action:action_listen"


async def test_the_bot_is_silent_while_a_person_owns_the_conversation() -> None:
    """The message is stored and understood, nothing is said."""
    bot = processor()
    assert isinstance(bot.store, InMemoryTrackerStore)
    bot.store.with_agent.add("default")
    assert await bot.handle(UserMessage("greet Rome")) == []
    assert kinds(events_of(bot))[-2:] == ["user", "slot:city"]


async def test_messages_of_one_sender_are_answered_in_order() -> None:
    """A second message waits for the first; other senders do not."""
    order: list[str] = []
    gates: dict[str, threading.Event] = {"a1": threading.Event()}

    class Slow(Words):
        def parse(self, text: str) -> ParseResult:
            order.append(f"begin {text}")
            if text in gates:
                gates[text].wait(10)
            order.append(f"end {text}")
            return super().parse(text)

    bot = processor(parser=Slow())
    first = asyncio.create_task(bot.handle(UserMessage("a1", "a")))
    second = asyncio.create_task(bot.handle(UserMessage("a2", "a")))
    await bot.handle(UserMessage("b1", "b"))
    assert "begin a2" not in order
    gates["a1"].set()
    await asyncio.gather(first, second)
    assert [step for step in order if " a" in step] == ["begin a1", "end a1", "begin a2", "end a2"]
    assert len(bot.locks) == 0


async def test_a_text_is_read_while_its_conversation_is_loaded() -> None:
    """The store waits here until the parser is at work."""
    begun = threading.Event()

    class Watched(Words):
        def parse(self, text: str) -> ParseResult:
            begun.set()
            return super().parse(text)

    class Waiting(InMemoryTrackerStore):
        def load(self, message: UserMessage) -> StoredConversation:
            assert begun.wait(20)
            return super().load(message)

    bot = processor(parser=Watched(), store=Waiting())
    assert texts(await bot.handle(UserMessage("greet Rome"))) == ["hi Rome"]


async def test_a_payload_needs_no_parser() -> None:
    """A button's intent and entities count as they are."""
    bot = processor(parser=object())
    assert texts(await bot.handle(UserMessage('/greet{"city": "Bonn"}'))) == ["hi Bonn"]


async def test_a_caller_may_bring_what_the_text_means() -> None:
    """A parse result that comes with the message is taken over."""
    bot = processor(parser=object())
    parsed = ParseResult("x", Intent("greet", 1.0), (Entity("city", "Ulm"),))
    assert texts(await bot.handle(UserMessage("x", parse_data=parsed))) == ["hi Ulm"]


async def test_a_message_that_an_action_repeats_fills_slots() -> None:
    """When an action puts a customer's turn into the conversation, its slots are extracted."""
    repeated = UserUttered(text="greet Kiel", parse_data=Words().parse("greet Kiel")).as_dict()
    bot = processor(server=Server({"events": [repeated]}))
    assert texts(await bot.handle(UserMessage("ask"))) == ["hi Kiel"]


class Reader(Script):
    """Decides by the text, and finds a city in it that the NLU has not seen."""

    def predict(self, tracker: Tracker, domain: Domain) -> Guess:
        """Add what was found to the first prediction of a turn."""
        guess = super().predict(tracker, domain)
        if tracker.latest_action_name != "action_listen":
            return guess
        return replace(guess, is_end_to_end=True, events=(EntitiesAdded(entities=(Entity("city", "Oslo"),)),))


async def test_entities_that_a_policy_finds_fill_slots_before_its_action_runs() -> None:
    """As those of the NLU do."""
    bot = processor(policies=Reader(PLAN))
    assert texts(await bot.handle(UserMessage("greet"))) == ["hi Oslo"]
    assert kinds(events_of(bot))[3:7] == ["user", "slot:city", "entities", "action:utter_hi"]
