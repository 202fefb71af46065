"""What goes in is handled once and in order, and what comes of it is queued."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.delivery.inbox import GATHER_S, DurableInbox
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import ParseResult, UserMessage
from bot.errors import ModelError
from bot.runtime.tracker_store import StoreUnavailable
from crm_connector import deliveries, inbox, lanes
from crm_connector.choices import Progress
from crm_connector.columns import utc_now
from crm_connector.database import Store
from crm_connector.tables import AcceptedMessage
from tests.delivery.peers import (
    Echo,
    ListChannel,
    accepted,
    message,
    rows,
    serving,
    started,
)


async def test_a_message_is_handled_and_its_answer_sent(store: Store) -> None:
    """What a channel accepts is answered over the same channel, part by part."""
    channel = ListChannel()
    async with serving(store, channel) as served:
        assert await served.queues.inbox.accept(message("one\n\ntwo"))
        await served.settled()
    assert channel.texts("ada") == ["You said: one", "two"]
    assert [row.state for row in rows(store)] == [Progress.DONE]
    assert rows(store)[0].peer_ids == ["peer-1", "peer-2"]


async def test_everything_a_channel_says_of_a_message_reaches_the_processor(store: Store) -> None:
    """Metadata and a meaning that the channel knew already survive the store."""
    meaning = ParseResult("/greet")
    given = UserMessage("/greet", "ada", "list", "id-1", {"thread": "t1"}, meaning)
    async with serving(store, ListChannel()) as served:
        await served.queues.inbox.accept(given)
        await served.settled()
    assert served.echo.handled == [given]


async def test_a_redelivery_is_handled_once(store: Store) -> None:
    """The second delivery of a message is told from a new one, before and after the first was answered."""
    channel = ListChannel()
    async with serving(store, channel) as served:
        results = [await served.queues.inbox.accept(message("hi")) for _ in range(2)]
        await served.settled()
        results.append(await served.queues.inbox.accept(message("hi")))
        results.append(await served.queues.inbox.accept(message("hi", sender_id="grace")))
        await served.settled()
    assert results == [True, False, False, True]
    assert channel.texts("ada") == channel.texts("grace") == ["You said: hi"]


async def test_what_is_done_keeps_no_words(store: Store) -> None:
    """Once handled and sent, the words of customer and bot stand in the transcript alone."""
    async with serving(store, ListChannel()) as served:
        await served.queues.inbox.accept(message("my card is 1234"))
        await served.settled()
    assert [row.message for row in accepted(store)] == [{}]
    assert [(row.content, row.payloads) for row in rows(store)] == [({}, None)]


async def test_messages_of_a_conversation_are_handled_and_answered_in_order(store: Store) -> None:
    """Twenty messages that are accepted at once come back in their order, for each of three senders."""
    channel = ListChannel()
    async with serving(store, channel) as served:
        for number in range(20):
            for sender in ("ada", "grace", "joan"):
                await served.queues.inbox.accept(message(str(number), sender_id=sender))
        await served.settled()
    for sender in ("ada", "grace", "joan"):
        assert channel.texts(sender) == [f"You said: {number}" for number in range(20)]


async def test_names_that_hold_what_keys_are_made_of_do_not_meet(store: Store) -> None:
    """Two conversations whose names and message ids only look alike when put together are both answered."""
    channel = ListChannel()
    async with serving(store, channel) as served:
        for sender_id, message_id in (("a/b", "c"), ("a", "b/c"), ("a'/'b", "c"), ("a", "b'/'c")):
            await served.queues.inbox.accept(UserMessage("hi", sender_id, "list", message_id))
        await served.settled()
    assert len(channel.taken) == 4


async def test_rendering_knows_which_message_is_answered(store: Store) -> None:
    """An answer is rendered for the message it answers, what nobody asked for without one."""
    channel = ListChannel()
    async with serving(store, channel) as served:
        await served.queues.inbox.accept(message("hi"))
        await served.queues.outbox.put("list", "ada", [BotUttered(text="By the way")])
        await served.settled()
    assert sorted(channel.rendered) == [("By the way", None), ("You said: hi", message("hi"))]


@pytest.mark.parametrize("error", [ModelError("none is loaded"), StoreUnavailable("away")], ids=str)
async def test_a_message_waits_for_a_model_and_a_store_however_long(store: Store, error: Exception) -> None:
    """Where nobody can answer now, the message is kept and handled when somebody can."""
    echo, channel = Echo(), ListChannel()
    echo.failing = [error] * 20
    async with serving(store, channel, echo=echo) as served:
        await served.queues.inbox.accept(message("hi"))
        await served.settled()
    assert channel.texts() == ["You said: hi"]


async def test_a_message_that_nobody_can_handle_is_a_dead_letter_and_the_next_one_is_handled(
    store: Store,
) -> None:
    """After six attempts that break in an unexpected way a message is given up; an operator can replay it."""
    echo, channel = Echo(), ListChannel()
    echo.failing = [KeyError("surprise")] * 6
    async with serving(store, channel, echo=echo) as served:
        await served.queues.inbox.accept(message("first"))
        await served.settled()
        await served.queues.inbox.accept(message("second"))
        await served.settled()
        assert [(row.state, row.last_error) for row in accepted(store)] == [
            (Progress.DEAD, "KeyError: 'surprise'"),
            (Progress.DONE, None),
        ]
        with store.session() as session:
            lanes.replay(session, AcceptedMessage)
        await served.settled()
    assert channel.texts() == ["You said: second", "You said: first"]


async def test_a_channel_completes_a_message_and_shows_work_around_its_turn(store: Store) -> None:
    """What the channel asks its peer for is there when the turn begins; the dots run while it asks, too."""
    seen: list[str] = []

    class Curious(ListChannel):
        async def complete(self, message: UserMessage) -> UserMessage:
            seen.append("asks")
            return replace(message, metadata={"name": "Ada"})

        @asynccontextmanager
        async def working(self, message: UserMessage) -> AsyncIterator[None]:
            seen.append(f"dots for {message.sender_id}")
            yield
            seen.append("no dots")

    async with serving(store, Curious()) as served:
        await served.queues.inbox.accept(message("hi"))
        await served.settled()
    assert served.echo.handled[0].metadata == {"name": "Ada"}
    assert seen == ["dots for ada", "asks", "no dots"]


class Albums(ListChannel):
    """Messages named `album/picture` are parts of an album."""

    def part_of(self, message: UserMessage) -> str | None:
        """Name it, until it is put together."""
        return None if message.metadata else message.text.partition("/")[0]

    def gather(self, parts: Sequence[UserMessage]) -> UserMessage:
        """Join the names."""
        return replace(parts[0], text="+".join(part.text for part in parts), metadata={"whole": True})


async def test_parts_of_one_thing_are_one_turn(store: Store) -> None:
    """Pictures of an album that follow each other are handled together, under the name of the first."""
    with store.session() as session:
        for text in ("sea/1", "sea/2", "hi/", "sea/3", "hill/1", "hill/2"):
            inbox.accept(session, "list", "ada", text, {"text": text, "metadata": {}, "parse_data": None})
    channel = Albums()
    async with serving(store, channel) as served:
        await served.settled()
        assert not await served.queues.inbox.accept(message("sea/2"))
    assert [(turn.message_id, turn.text) for turn in served.echo.handled] == [
        ("sea/1", "sea/1+sea/2"),
        ("hi/", "hi/"),
        ("sea/3", "sea/3"),
        ("hill/1", "hill/1+hill/2"),
    ]
    assert [row.state for row in accepted(store)] == [Progress.DONE] * 6
    assert channel.texts() == [
        "You said: sea/1+sea/2",
        "You said: hi/",
        "You said: sea/3",
        "You said: hill/1+hill/2",
    ]


async def test_a_part_waits_for_the_others(store: Store) -> None:
    """The last picture may still be on its way: nothing is handled before none has come for a while."""
    echo = Echo()
    attempts = DurableInbox(store, echo, {"list": Albums()}, wake=lambda _: None)
    for text in ("sea/1", "sea/2"):
        await attempts.accept(message(text))
        wait_s = await attempts.attempt(accepted(store)[0].id, 1)
        assert wait_s is not None
        assert 0 < wait_s <= GATHER_S
    assert (echo.handled, [row.attempts for row in accepted(store)]) == ([], [0, 0])
    with store.session() as session:
        session.execute(update(AcceptedMessage).values(created_at=utc_now() - timedelta(seconds=GATHER_S)))
    assert await attempts.attempt(accepted(store)[0].id, 2) is None
    assert [turn.text for turn in echo.handled] == ["sea/1+sea/2"]


async def test_what_another_process_serves_is_left_to_it(store: Store) -> None:
    """A process without a channel touches none of its messages, and gives back what a dead one has left."""
    said = BotUttered(text="hi").as_dict()
    with store.session() as session:
        deliveries.queue(session, "list", "ada", [deliveries.Parcel(said)], key="k")
        inbox.accept(session, "list", "ada", "1", {"text": "hi", "metadata": {}})
    async with serving(store, ListChannel("other")) as served:
        for attempt in (served.queues.outbox.attempt, served.queues.inbox.attempt):
            assert await attempt(1, 1) is None
    assert [(row.state, row.replays) for row in (*rows(store), *accepted(store))] == [
        (Progress.QUEUED, 1)
    ] * 2
    channel = ListChannel()
    async with serving(store, channel) as served:
        await served.settled()
    assert channel.texts() == ["hi", "You said: hi"]


async def test_words_that_cannot_be_rendered_are_a_dead_letter(store: Store) -> None:
    """An answer that breaks a channel's rendering is given up with the reason, and others are sent."""

    class Picky(ListChannel):
        def render(self, utterance: BotUttered, answers: UserMessage | None) -> list[dict[str, str]]:
            if "bad" in (utterance.text or ""):
                raise ValueError("bad words")
            return list(super().render(utterance, answers))

    channel = Picky()
    async with serving(store, channel) as served:
        await served.queues.inbox.accept(message("bad"))
        await served.queues.inbox.accept(message("good"))
        await served.settled()
    assert channel.texts() == ["You said: good"]
    assert rows(store)[0].last_error == "it cannot be rendered: ValueError: bad words"


async def test_a_server_without_queued_channels_starts_nothing(store: Store) -> None:
    """Where nothing is queued no DBOS is launched."""

    async def refuse(*_: object) -> None:
        raise AssertionError("launched")

    async with started(store, launch=refuse):
        pass
