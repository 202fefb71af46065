"""What an app says to Slack arrives once and in order, whatever Slack and the network do."""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.peers.faults import Fault, Faults
from benchmarks.peers.slack import BOT, SlackPeer
from bot.delivery.peer import Outgoing, RetryLater, Undeliverable
from bot.dialogue.events import BotUttered
from tests.channels.slack.door import GENERAL, MIA, MIAS, opened


def outgoing(text: str, sender_id: str = MIA, **message: Any) -> Outgoing:
    """Return a message that waits to be sent."""
    return Outgoing("k1", "slack", sender_id, {"message": {"text": text, **message}, "said_at": time.time()})


async def test_slacks_patience_is_respected() -> None:
    """A 429 says how long to wait, and what waits goes out in order."""
    async with SlackPeer(faults=Faults(retry_after_s=7)) as peer, opened(peer) as door:
        peer.faults.expect("chat.postMessage", Fault.RATE_LIMIT, Fault.RATE_LIMIT)
        await peer.write(MIA, "one\n\ntwo")
        await door.settle()
        assert peer.said_in(MIAS) == ["You said: one", "two"]
        assert [failure.after_s for failure in door.queue.failures] == [7.0, 7.0]
        assert not any(failure.is_uncertain for failure in door.queue.failures)


@pytest.mark.parametrize("place", [None, GENERAL], ids=["direct", "thread"])
@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.DROP_BEFORE, Fault.DROP_AFTER])
async def test_nothing_is_lost_and_nothing_doubled(fault: Fault, place: str | None) -> None:
    """Slack is asked whether a message has arrived before it is sent again."""
    async with SlackPeer() as peer, opened(peer) as door:
        peer.faults.expect("chat.postMessage", fault)
        event = await peer.write(MIA, f"<@{BOT}> hello", channel=place)
        await door.settle()
        said = peer.said_in(MIAS) if place is None else peer.said_in(place, event["ts"])
        assert said == ["You said: hello"]
        assert [failure.is_uncertain for failure in door.queue.failures] == [True]
        assert door.queue.sent == [peer.posted[0].ts]


async def test_what_nobody_asked_for_is_found_too() -> None:
    """A person's answer goes to the direct messages by her customer's name, and is looked for there."""
    async with SlackPeer() as peer, opened(peer) as door:
        peer.faults.expect("chat.postMessage", Fault.DROP_AFTER)
        await door.channel.push(MIA, [BotUttered(text="This is Ada.")])
        await door.settle()
        assert peer.said_in(MIAS) == ["This is Ada."]
        assert door.calls("conversations.open") == [{"users": MIA}]


async def test_what_was_posted_elsewhere_is_found_there() -> None:
    """A bot developer's message may name a channel of its own, and a thread in it."""
    custom = {"text": "A customer is angry", "channel": "C0ALERTS", "thread_ts": "1.2"}
    async with SlackPeer() as peer, opened(peer, lambda _: [BotUttered(data={"custom": custom})]) as door:
        peer.faults.expect("chat.postMessage", Fault.DROP_AFTER)
        await peer.write(MIA, "hello")
        await door.settle()
        assert peer.said_in("C0ALERTS", "1.2") == ["A customer is angry"]
        assert [call["channel"] for call in door.calls("conversations.replies")] == ["C0ALERTS"]


async def test_a_history_that_may_not_be_read_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The operator reads which right is missing; the message is sent again, and may come twice."""
    async with SlackPeer(not_granted={"conversations.history"}) as peer, opened(peer) as door:
        peer.faults.expect("chat.postMessage", Fault.DROP_BEFORE)
        await peer.write(MIA, "hello")
        await door.settle()
        assert peer.said_in(MIAS) == ["You said: hello"]
    assert "error=missing_scope" in capsys.readouterr().out


async def test_slack_that_hangs_up_cannot_be_asked() -> None:
    """A question without an answer is no answer."""
    async with SlackPeer() as peer, opened(peer) as door:
        peer.faults.expect("conversations.open", Fault.DROP_BEFORE)
        with pytest.raises(RetryLater, match="ServerDisconnected"):
            await door.channel.find_sent(outgoing("hello"))


async def test_what_was_not_posted_is_not_found() -> None:
    """Messages of others with other keys are not taken for it, on however many pages."""
    async with SlackPeer() as peer, opened(peer) as door:
        for number in range(450):
            waiting = outgoing(str(number))
            await door.channel.send(Outgoing(f"other-{number}", "slack", MIA, waiting.payload))
        assert await door.channel.find_sent(outgoing("hello")) is None
        ts = await door.channel.send(outgoing("hello"))
        assert await door.channel.find_sent(outgoing("hello")) == ts
        assert len(door.calls("conversations.history")) == 4


async def test_slack_that_does_not_answer_cannot_be_asked() -> None:
    """Nothing is sent again on a guess."""
    async with SlackPeer() as peer, opened(peer) as door:
        peer.faults.expect("conversations.open", Fault.SERVER_ERROR)
        with pytest.raises(RetryLater):
            await door.channel.find_sent(outgoing("hello"))


async def test_a_flood_with_every_fault_loses_and_doubles_nothing() -> None:
    """Of 150 messages of five customers each is answered once, in order."""
    rates = {Fault.RATE_LIMIT: 0.1, Fault.SERVER_ERROR: 0.1, Fault.DROP_BEFORE: 0.05, Fault.DROP_AFTER: 0.05}
    async with SlackPeer() as peer, opened(peer) as door:
        peer.faults.rates = rates
        for number in range(30):
            for user in range(5):
                await peer.bring(peer.message(f"U000000{user}", str(number)), times=1 + number % 2)
            await peer.all_delivered()
        await door.settle()
        for user in range(5):
            assert peer.said_in(f"D000000{user}") == [f"You said: {number}" for number in range(30)]
        assert door.queue.failures


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        pytest.param(outgoing("hi", f"{MIA}_C0CLOSED_1.2"), "not_in_channel", id="closed"),
        pytest.param(outgoing("x" * 40_001), "msg_too_long", id="too long"),
        pytest.param(outgoing("hi", "mia"), "no conversation on Slack", id="no place"),
    ],
)
async def test_what_slack_will_never_take_is_given_up(waiting: Outgoing, reason: str) -> None:
    """The operator reads why, and the next message is sent."""
    async with SlackPeer(closed={"C0CLOSED"}) as peer, opened(peer) as door:
        with pytest.raises(Undeliverable, match=reason):
            await door.channel.send(waiting)


async def test_a_wrong_token_keeps_what_waits() -> None:
    """The operator has to act; until then the words wait for longer than a moment."""
    async with SlackPeer() as peer, opened(peer) as door:
        door.channel.api.client.token = "xoxb-revoked"
        with pytest.raises(RetryLater, match="invalid_auth") as caught:
            await door.channel.send(outgoing("hello"))
        assert caught.value.after_s == 60.0


async def test_a_picture_that_slack_cannot_fetch_is_a_link() -> None:
    """The words of the message are posted without the block that is refused."""
    picture = "https://shop.example/lamp.png"
    async with SlackPeer(unreachable={picture}) as peer:
        async with opened(peer, lambda _: [BotUttered(data={"image": picture})]) as door:
            await peer.write(MIA, "show me")
            await door.settle()
        assert (peer.said_in(MIAS), door.queue.dead) == ([picture], [])
