"""A turn in which something breaks, and texts that try to break it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    BotUttered,
    Event,
    UserUttered,
)
from bot.dialogue.messages import UserMessage
from bot.dialogue.tracker import Tracker
from bot.runtime.custom_actions import ActionFailed
from bot.runtime.tracker_store import (
    AlreadyAnswered,
    InMemoryTrackerStore,
    StoredConversation,
    StoreUnavailable,
)
from tests.runtime.stand_ins import (
    APOLOGY,
    Away,
    Endless,
    Guess,
    Server,
    domain,
    events_of,
    kinds,
    processor,
    texts,
)


@pytest.mark.parametrize("error", [ActionFailed("away"), ZeroDivisionError("bug")], ids=["failed", "broken"])
@pytest.mark.parametrize(("more", "apology"), [("", []), (APOLOGY, ["sorry, shall I call a person?"])])
async def test_an_action_that_fails_leaves_none_of_its_events(
    error: Exception, more: str, apology: list[str]
) -> None:
    """Its execution stays, the turn goes on, and the customer gets an apology where the domain has words."""
    bot = processor(server=Server(error=error), domain=domain(more))
    assert texts(await bot.handle(UserMessage("ask"))) == [*apology, "bye"]
    noted = [kind for kind in kinds(events_of(bot))[4:] if kind != "bot"]
    assert noted == ["action:action_custom", "action:utter_bye", "action:action_listen"]


async def test_one_bad_event_loses_all_of_the_action() -> None:
    """An answer counts as a whole or not at all."""
    answer = {"events": [{"event": "slot", "name": "note", "value": 1}, {"event": "nonsense"}]}
    bot = processor(server=Server(answer))
    await bot.handle(UserMessage("ask"))
    assert "slot:note" not in kinds(events_of(bot))


async def test_endless_predictions_are_cut() -> None:
    """Ten actions without listening end the turn; the next message gets its own ten."""
    bot = processor(policies=Endless())
    assert len(await bot.handle(UserMessage("greet"))) == 10
    assert len(await bot.handle(UserMessage("greet"))) == 10
    assert kinds(events_of(bot))[-1] == "bot"


async def test_a_broken_model_gets_an_apology_and_loses_nothing() -> None:
    """The message is stored; the dialogue stands where it stood before it."""
    bot = processor()
    await bot.handle(UserMessage("greet"))
    replies = await bot.handle(UserMessage("crash"))
    assert texts(replies)[0].startswith("Sorry, something went wrong")  # type: ignore[union-attr]
    assert kinds(events_of(bot))[-4:] == ["user", "bot", "rewind", "action:action_listen"]
    assert texts(await bot.handle(UserMessage("greet"))) == ["hi None"]


async def test_a_chinese_message_gets_a_chinese_apology() -> None:
    """The apology speaks the language of the message."""
    bot = processor(store=Away(loads=False))
    assert texts(await bot.handle(UserMessage("你好")))[0].startswith("抱歉")  # type: ignore[union-attr]


async def test_a_store_that_cannot_be_read_gets_an_apology() -> None:
    """Without its past a conversation is not gone on with."""
    bot = processor(store=Away(loads=False))
    assert texts(await bot.handle(UserMessage("greet")))[0].startswith("Sorry")  # type: ignore[union-attr]
    assert events_of(bot) == []


async def test_a_turn_that_cannot_be_stored_is_stored_with_the_next() -> None:
    """The customer is answered, the conversation goes on from there, and nothing is lost or doubled."""
    store = Away(appends=False)
    bot = processor(store=store)
    assert texts(await bot.handle(UserMessage("greet Rome"))) == ["hi Rome"]
    assert texts(await bot.handle(UserMessage("greet"))) == ["hi Rome"]
    assert events_of(bot) == []
    store.appends = True
    assert texts(await bot.handle(UserMessage("greet"))) == ["hi Rome"]
    assert kinds(events_of(bot)).count("user") == 3
    assert kinds(events_of(bot)).count("session_started") == 1


async def test_a_turn_that_cannot_be_stored_is_stored_when_its_message_comes_again() -> None:
    """A channel that redelivers what was never stored brings it into the store, with one answer."""
    store = Away(appends=False)
    bot = processor(store=store)
    message = UserMessage("greet Rome", message_id="1")
    first = await bot.handle(message)
    store.appends = True
    assert await bot.handle(message) == first
    assert kinds(events_of(bot)).count("user") == 1


@pytest.mark.parametrize("away", [{"loads": False}, {"appends": False}], ids=["loading", "storing"])
async def test_who_must_know_that_a_turn_is_stored_hears_when_it_is_not(away: dict[str, bool]) -> None:
    """A queue that holds the message keeps it until its turn is stored, and then gets the first answer."""
    store = Away(**away)
    bot = processor(store=store)
    message = UserMessage("greet", message_id="1")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await bot.handle(message, must_store=True)
    store.loads = store.appends = True
    assert texts(await bot.handle(message, must_store=True)) == ["hi None"]
    said = [event for event in events_of(bot) if isinstance(event, UserUttered)]
    assert len(said) == 1


async def test_a_message_that_another_process_answered_gets_that_answer() -> None:
    """Whoever stored the turn first has spoken."""

    class Late(InMemoryTrackerStore):
        def append(self, message: UserMessage, events: Sequence[Event]) -> None:
            raise AlreadyAnswered([BotUttered(text=f"first, not {len(events)} of {message.sender_id}")])

    replies = await processor(store=Late()).handle(UserMessage("greet"))
    assert texts(replies) == ["first, not 7 of default"]


async def test_an_answer_of_an_older_session_is_given_again() -> None:
    """A store may know more than the events it loads; silence is an answer, too."""

    class Knows(InMemoryTrackerStore):
        def load(self, message: UserMessage) -> StoredConversation:
            return StoredConversation(answered=[BotUttered(text="old")] if message.text == "greet" else [])

    bot = processor(store=Knows())
    assert texts(await bot.handle(UserMessage("greet"))) == ["old"]
    assert await bot.handle(UserMessage("ask")) == []


async def test_a_policy_that_breaks_ends_the_turn_with_an_apology() -> None:
    """What was understood stays, and the bot listens."""

    class Broken:
        def predict(self, tracker: Tracker, domain: Domain) -> Guess:
            raise RuntimeError(f"{tracker.sender_id} {len(domain.slots)}")

    bot = processor(policies=Broken())
    assert texts(await bot.handle(UserMessage("greet Rome")))[0].startswith("Sorry")  # type: ignore[union-attr]
    assert kinds(events_of(bot))[-3:] == ["slot:city", "bot", "action:action_listen"]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("", ""),
        ("   \n", ""),
        ("😀😀", "😀😀"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("x" * 20_000, "x" * 10_000),
        ("half \ud83d pair", "half \ufffd pair"),
        ("<b>'; DROP TABLE customers; --", "<b>'; DROP TABLE customers; --"),
        ("line\r\nbreak\ttab", "line\nbreak\ttab"),
    ],
    ids=["empty", "blank", "emoji", "control", "long", "surrogate", "html and sql", "breaks"],
)  # fmt: skip
async def test_any_text_is_taken(text: str, stored: str) -> None:
    """Text is cleaned and bounded, and every message gets through its turn."""
    bot = processor()
    await bot.handle(UserMessage(text))
    message = next(event for event in events_of(bot) if isinstance(event, UserUttered))
    assert message.text == stored
    assert kinds(events_of(bot))[-1] == "action:action_listen"
