"""What goes out is sent in order, tried again, asked for, or given up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.delivery import sending
from bot.delivery.backoff import Backoff
from bot.delivery.peer import Outgoing, RetryLater, Undeliverable
from bot.dialogue.events import AgentUttered, BotUttered
from crm_connector import conversations, database, deliveries, lanes
from crm_connector.choices import Progress
from crm_connector.database import Store
from crm_connector.tables import Delivery
from tests.delivery.peers import (
    AskableChannel,
    ListChannel,
    rows,
    serving,
    until,
)


async def test_a_message_that_waits_holds_its_own_conversation_only(store: Store) -> None:
    """While one customer's peer refuses, others are served, and her next words do not overtake."""
    channel = ListChannel(outcomes=[RetryLater("busy")])
    async with serving(store, channel) as served:
        channel.gate = asyncio.Event()
        await served.queues.outbox.put("list", "ada", [BotUttered(text="first")])
        await served.queues.outbox.put("list", "ada", [BotUttered(text="second")])
        channel.gate.set()
        await served.queues.outbox.put("list", "grace", [BotUttered(text="hello")])
        await served.settled()
    assert channel.texts("ada") == ["first", "second"]
    assert channel.texts("grace") == ["hello"]


async def test_a_peer_that_does_not_answer_holds_up_no_other(store: Store) -> None:
    """However many conversations wait for one messenger, those of another are sent."""
    away, channel = ListChannel("away"), ListChannel()
    async with serving(store, away, channel) as served:
        away.gate = asyncio.Event()
        for number in range(sending.AT_ONCE + 1):
            await served.queues.outbox.put("away", f"customer-{number}", [BotUttered(text="hi")])
        await until(lambda: len(away.attempts) == sending.AT_ONCE)
        await served.queues.outbox.put("list", "ada", [BotUttered(text="hello")])
        await until(lambda: channel.texts() == ["hello"])
        assert away.taken == []
        away.gate.set()
        await served.settled()
    assert len(away.taken) == sending.AT_ONCE + 1


async def test_words_under_a_used_key_are_not_queued_again(store: Store) -> None:
    """Whoever queues the same words again after a crash gives them the same key, and they are sent once."""
    channel = ListChannel()
    async with serving(store, channel) as served:
        for _ in range(2):
            words = [BotUttered(text="Your parcel has arrived."), BotUttered(text="Enjoy!")]
            await served.queues.outbox.put("list", "ada", words, key="reminder-7")
        await served.settled()
    assert channel.texts() == ["Your parcel has arrived.", "Enjoy!"]


async def test_a_peer_that_says_when_is_obeyed(store: Store) -> None:
    """A wait that the peer asks for is kept, and stretched by a tenth at most."""
    channel = ListChannel(outcomes=[RetryLater("too many requests", after_s=30.0)])
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="hi")])
        await served.settled()
    [waits] = served.work.waits.values()
    assert 30.0 <= waits[0] <= 33.1
    assert channel.texts() == ["hi"]


async def test_waits_grow_until_a_message_is_given_up(store: Store) -> None:
    """Without a word from the peer each wait is about twice the one before; after the last comes death."""
    channel = ListChannel(outcomes=[RetryLater(f"failure {number}") for number in range(5)])
    async with serving(store, channel, backoff=Backoff(attempts=4, longest_s=3.0)) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one")])
        await served.settled()
        await served.queues.outbox.put("list", "ada", [BotUttered(text="two")])
        await served.settled()
    waits = served.work.waits[rows(store)[0].id]
    assert [low <= wait <= 2 * low for wait, low in zip(waits, (0.5, 1.0, 1.5), strict=True)] == [True] * 3
    assert [(row.state, row.last_error) for row in rows(store)] == [
        (Progress.DEAD, "failure 3"),
        (Progress.DONE, None),
    ]


async def test_an_undeliverable_message_is_dead_at_once_and_the_next_one_goes(store: Store) -> None:
    """What the peer will never take is a dead letter after one attempt."""
    channel = ListChannel(outcomes=[Undeliverable("the customer has blocked the bot")])
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one"), BotUttered(text="two")])
        await served.settled()
    assert [(row.state, row.last_error) for row in rows(store)] == [
        (Progress.DEAD, "the customer has blocked the bot"),
        (Progress.DONE, None),
    ]
    assert channel.texts() == ["two"]


async def test_a_replayed_dead_letter_is_sent(store: Store) -> None:
    """An operator has a dead letter tried again, and words that were sent already are not sent twice."""
    channel = ListChannel(outcomes=["peer-1", Undeliverable("no")])
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one\n\ntwo")])
        await served.settled()
        with store.session() as session:
            [row] = rows(store)
            assert lanes.replay(session, Delivery) == [row.id]
        await served.settled()
    assert channel.texts() == ["one", "two"]
    assert [(row.state, row.replays) for row in rows(store)] == [(Progress.DONE, 1)]


async def test_a_dropped_message_is_not_sent(store: Store) -> None:
    """What an operator drops while it waits is gone, and the next one is sent."""
    channel = ListChannel()
    channel.gate = asyncio.Event()
    async with serving(store, channel) as served:
        words = [BotUttered(text=text) for text in ("one", "two", "three")]
        await served.queues.outbox.put("list", "ada", words)
        with store.session() as session:
            assert lanes.drop(session, Delivery, [rows(store)[1].id]) == [rows(store)[1].id]
        channel.gate.set()
        await served.settled()
    assert channel.texts() == ["one", "three"]


async def test_an_uncertain_failure_asks_a_peer_that_can_be_asked(store: Store) -> None:
    """A message that may have arrived is looked up first: it is sent again only if it is not there."""
    arrives, vanishes = RetryLater("cut off", is_uncertain=True), RetryLater("cut off", is_uncertain=True)
    channel = AskableChannel(outcomes=[arrives, vanishes])
    async with serving(store, channel) as served:
        channel.arrived["list/'ada'/k1/0/0"] = "peer-7"
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one")], key="k1")
        await served.settled()
        await served.queues.outbox.put("list", "ada", [BotUttered(text="two")], key="k2")
        await served.settled()
    assert channel.asked == ["list/'ada'/k1/0/0", "list/'ada'/k2/0/0"]
    assert channel.texts() == ["two"]
    assert [(row.peer_ids, row.is_doubtful) for row in rows(store)] == [
        (["peer-7"], False),
        (["peer-1"], False),
    ]


async def test_an_uncertain_failure_of_a_peer_that_cannot_be_asked_is_marked_doubtful(store: Store) -> None:
    """It is sent again, for a lost answer is worse than a doubled one, and people can see that it may be."""
    channel = ListChannel(outcomes=[RetryLater("cut off", is_uncertain=True), RetryLater("busy")])
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one"), BotUttered(text="two")])
        await served.settled()
    assert [(row.state, row.is_doubtful) for row in rows(store)] == [
        (Progress.DONE, True),
        (Progress.DONE, False),
    ]


async def test_a_peer_that_cannot_be_asked_now_leaves_the_doubt(store: Store) -> None:
    """When the peer does not answer the question either, it is asked again later, and nothing is sent."""

    class AwayForAMoment(AskableChannel):
        async def find_sent(self, outgoing: Outgoing) -> str | None:
            await super().find_sent(outgoing)
            if len(self.asked) == 1:
                raise RetryLater("away")
            return "peer-9"

    channel = AwayForAMoment(outcomes=[RetryLater("cut off", is_uncertain=True)])
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one")])
        await served.settled()
    assert len(channel.attempts) == 1
    assert rows(store)[0].peer_ids == ["peer-9"]


@pytest.mark.parametrize("channel", [AskableChannel(), ListChannel()], ids=["askable", "not askable"])
async def test_an_attempt_that_a_crash_broke_off_is_in_doubt(store: Store, channel: ListChannel) -> None:
    """Whoever finds a request that was under way asks, or sends it again and says so."""
    channel.gate = asyncio.Event()
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one")])
        await until(lambda: bool(channel.attempts))
    assert rows(store)[0].is_in_doubt
    channel.gate = None
    async with serving(store, channel) as served:
        await served.settled()
    assert channel.texts() == ["one"]
    can_ask = isinstance(channel, AskableChannel)
    assert rows(store)[0].is_doubtful is not can_ask


async def test_what_was_taken_is_noted_when_the_store_is_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store is away, the process remembers that the peer has the message, and sends it once."""
    away, part_sent = [database.StoreUnavailable("locked")] * 3, deliveries.part_sent

    def stumble(*arguments: Any) -> bool:
        if away:
            raise away.pop()
        return part_sent(*arguments)

    monkeypatch.setattr(deliveries, "part_sent", stumble)
    monkeypatch.setattr(sending, "NOTE_PAUSES_S", (0.0,) * 5)
    channel = ListChannel()
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one")])
        await served.settled()
    assert channel.texts() == ["one"]
    assert not rows(store)[0].is_doubtful


async def test_an_error_of_a_channels_own_code_is_tried_again_as_uncertain(store: Store) -> None:
    """A channel that raises what it should not counts as one that may have sent."""
    channel = ListChannel(outcomes=[KeyError("surprise")])
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one")])
        await served.settled()
    assert channel.texts() == ["one"]
    assert rows(store)[0].is_doubtful


async def test_words_that_take_no_request_are_done(store: Store) -> None:
    """An utterance of which a channel shows nothing does not hold up the lane."""
    channel = ListChannel()
    async with serving(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text=""), BotUttered(text="hi")])
        await served.settled()
    assert channel.texts() == ["hi"]
    assert {row.state for row in rows(store)} == {Progress.DONE}


async def test_what_another_process_queues_is_sent(store: Store) -> None:
    """The desk queues a person's words in the transaction that stores them; the server finds them."""
    channel = ListChannel()
    said = AgentUttered(text="Ines here, how can I help?").as_dict()
    async with serving(store, channel) as served:
        with store.session() as session:
            conversation = conversations.find_or_create(session, "ada", "list")
            elsewhere = conversations.find_or_create(session, "bea", "web_widget")
            assert deliveries.queue_said(session, conversation, said, key="reply-1")
            assert not deliveries.queue_said(session, elsewhere, said, key="reply-1")
        await served.settled()
    assert channel.texts() == ["Ines here, how can I help?"]


async def test_what_nobody_carries_any_more_is_begun_anew(store: Store) -> None:
    """A row that was begun by whoever is gone, with all memory of it, does not wait for ever."""
    with store.session() as session:
        deliveries.queue(session, "list", "ada", [deliveries.Parcel({"event": "bot", "text": "hi"})], key="k")
        lanes.begin(session, Delivery, 1)
    channel = ListChannel()
    async with serving(store, channel) as served:
        await served.settled()
    assert channel.texts() == ["hi"]
