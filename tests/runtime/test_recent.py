"""What a process holds of recent conversations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.messages import UserMessage
from bot.dialogue.tracker import EventVerbosity, Tracker
from bot.runtime.recent import Recent
from bot.runtime.tracker_store import InMemoryTrackerStore
from tests.runtime.stand_ins import domain, processor


def test_a_value_is_taken_out_once() -> None:
    """Who takes a value has it alone until it is put back."""
    recent: Recent[int] = Recent()
    recent.put("a", 1)
    assert (recent.take("a"), recent.take("a")) == (1, None)


def test_the_oldest_is_let_go() -> None:
    """Beyond its size only the newest values are kept, and putting again makes a value new."""
    recent: Recent[int] = Recent(size=2)
    for name in ("a", "b", "a", "c"):
        recent.put(name, ord(name))
    assert [recent.take(name) for name in "abc"] == [97, None, 99]


@given(st.lists(st.sampled_from(["greet Rome", "greet", "bye", "ask", "crash", "/restart"]), max_size=8))
async def test_a_held_conversation_equals_its_events(messages: list[str]) -> None:
    """Whatever is said, the tracker that a processor holds is the one that its stored events give."""
    store = InMemoryTrackerStore()
    bot = processor(store=store)
    for number, text in enumerate(messages):
        await bot.handle(UserMessage(text, "s", message_id=str(number)))
        held = bot._trackers.take("s")
        assert held is not None
        fresh = Tracker.from_events("s", store.events_of("s"), domain())
        everything = EventVerbosity.ALL
        assert held.current_state(events=everything) == fresh.current_state(events=everything)
        bot._trackers.put("s", held)
