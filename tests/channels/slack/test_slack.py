"""A Slack app answers in order, once each, whatever Slack and the network do."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from benchmarks.peers.faults import Fault, Faults
from benchmarks.peers.slack import APP_TOKEN, BOT, SlackPeer, signature
from bot.channels.channel import Proof, ProofKind
from bot.channels.received_files import FetchFailed, ReceivedFile
from bot.delivery.peer import Outgoing, RetryLater, Undeliverable
from bot.dialogue.events import BotUttered
from bot.runtime.tracker_store import StoreUnavailable
from tests.channels.in_loop import until
from tests.channels.memory_files import MemoryFiles
from tests.channels.memory_queue import MemoryQueue
from tests.channels.scripted import ScriptedProcessor
from tests.channels.slack.door import GENERAL, MIA, MIAS, opened
from tests.channels.slack.test_slack_events import payload

LONG_PAYLOAD = "/order_status" + json.dumps({"order_number": "LC104233", "reason": "late " * 500})
PERSON = {
    "id": MIA,
    "name": "mia",
    "locale": "de-DE",
    "is_bot": False,
    "is_email_confirmed": True,
    "profile": {"display_name": "Mia Lang", "email": "mia@shop.example"},
}


def buttons(text: str) -> list[BotUttered]:
    """Answer "menu" with two buttons, everything else with itself."""
    choice = [{"title": "Track", "payload": LONG_PAYLOAD}, {"title": "Return", "payload": "/start_return"}]
    if text == "menu":
        return [BotUttered(text="What can I do?", data={"buttons": choice})]
    return [BotUttered(text=f"You said: {text}")]


def outgoing(text: str, sender_id: str = MIA, **message: Any) -> Outgoing:
    """Return a message that waits to be sent."""
    return Outgoing("k1", "slack", sender_id, {"message": {"text": text, **message}, "said_at": time.time()})


async def test_a_direct_message_is_answered() -> None:
    """The answer stands in the direct messages, and carries its key."""
    async with SlackPeer() as peer, opened(peer) as door:
        event = await peer.write(MIA, "hello &lt;3")
        await door.settle()
        assert peer.said_in(MIAS) == ["You said: hello &lt;3"]
        [message] = door.processor.handled
        assert (message.text, message.sender_id) == ("hello <3", MIA)
        assert peer.posted[0].key == f"{MIAS}.{event['ts']}.0"
        assert peer.answers == [200]


async def test_a_mention_is_answered_in_a_thread() -> None:
    """The thread goes on without the bot's name; others in it are left alone until they name the bot."""
    async with SlackPeer() as peer, opened(peer) as door:
        event = await peer.write(MIA, f"<@{BOT}> hello", channel=GENERAL)
        await door.settle()
        for user, text in ((MIA, "and again"), ("U0OTHER", "what is that?"), ("U0OTHER", f"<@{BOT}> hi")):
            await peer.write(user, text, channel=GENERAL, thread_ts=event["ts"])
            await door.settle()
        assert peer.said_in(GENERAL, event["ts"]) == [
            "You said: hello",
            "You said: and again",
            "You said: hi",
        ]
        assert {message.sender_id for message in door.processor.handled} == {
            f"{MIA}_{GENERAL}_{event['ts']}",
            f"U0OTHER_{GENERAL}_{event['ts']}",
        }


async def test_a_thread_goes_on_after_a_restart() -> None:
    """The transcript knows with whom the bot talks."""
    processor = ScriptedProcessor()
    async with SlackPeer() as peer:
        async with opened(peer, queue=MemoryQueue(processor)) as door:
            event = await peer.write(MIA, f"<@{BOT}> hello", channel=GENERAL)
            await door.settle()
        async with opened(peer, queue=MemoryQueue(processor.restarted())) as door:
            await peer.write(MIA, "still there?", channel=GENERAL, thread_ts=event["ts"])
            await door.settle()
        assert peer.said_in(GENERAL, event["ts"]) == ["You said: hello", "You said: still there?"]


async def test_talk_of_others_is_left_alone() -> None:
    """What is not said to the bot is neither stored nor answered; Slack hears that it has arrived."""
    async with SlackPeer() as peer, opened(peer) as door:
        await peer.write(MIA, "lunch anyone?", channel=GENERAL)
        for name in ("own_message", "bot_message", "joined", "reaction", "deleted"):
            await peer.bring(payload(name)["event"])
        await door.settle()
        assert (door.queue.accepted, peer.answers) == ([], [200] * 6)


async def test_a_mention_that_comes_twice_is_answered_once() -> None:
    """Slack tells an app in the channel of the message and of the mention."""
    async with SlackPeer() as peer, opened(peer) as door:
        event = peer.message(MIA, f"<@{BOT}> hello", channel=GENERAL)
        await peer.bring(event)
        await peer.bring({**event, "type": "message"})
        await door.settle()
        assert peer.said_in(GENERAL, event["ts"]) == ["You said: hello"]


async def test_a_redelivered_event_is_answered_once() -> None:
    """Slack repeats what was not acknowledged in time; the customer hears one answer."""
    async with SlackPeer() as peer, opened(peer) as door:
        await peer.bring(peer.message(MIA, "hello"), times=3)
        await door.settle()
        assert peer.said_in(MIAS) == ["You said: hello"]
        assert len(door.queue.redelivered) == 2


async def test_what_could_not_be_stored_comes_again() -> None:
    """A redelivery is not dropped for its header: the first time may have been lost."""
    async with SlackPeer() as peer, opened(peer) as door:
        door.queue.failing = StoreUnavailable("locked")
        await peer.write(MIA, "hello")
        await until(lambda: peer.answers, "the event was refused")
        door.queue.failing = None
        await door.settle()
        assert (peer.said_in(MIAS), peer.lost) == (["You said: hello"], [])
        assert peer.answers[0] == 500
        assert peer.answers[-1] == 200


async def test_the_address_is_verified() -> None:
    """Slack asks whether the address is ours by a challenge."""
    async with SlackPeer() as peer, opened(peer):
        body = payload("url_verification")
        answer = await peer.post(json.dumps(body).encode())
        assert (answer.status_code, answer.json()["challenge"]) == (200, body["challenge"])


BODY = json.dumps(payload("direct_message")).encode()


@pytest.mark.parametrize(
    ("body", "signed", "age_s", "headers"),
    [
        pytest.param(BODY, BODY, 0, {"X-Slack-Signature": ""}, id="no signature"),
        pytest.param(BODY, BODY, 0, {"X-Slack-Signature": "v0=" + "0" * 64}, id="a wrong one"),
        pytest.param(BODY, BODY, 0, {"X-Slack-Signature": "v0=ü"}, id="a strange one"),
        pytest.param(BODY + b" ", BODY, 0, {}, id="of other bytes"),
        pytest.param(BODY, BODY, 310, {}, id="older than five minutes"),
        pytest.param(BODY, BODY, -310, {}, id="from the future"),
        pytest.param(BODY, BODY, 0, {"X-Slack-Request-Timestamp": "now"}, id="without a time"),
        pytest.param(b"\xff\xfe", b"\xff\xfe", 0, {}, id="no text"),
    ],
)
async def test_forged_and_old_requests_are_refused(
    body: bytes, signed: bytes, age_s: float, headers: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody writes in a customer's name, and the log tells without repeating what stood in it."""
    async with SlackPeer() as peer, opened(peer) as door:
        given = signature(signed, time.time() - age_s) | headers
        answer = await peer.post(body, headers=given)
        assert answer.status_code == 401
        assert door.queue.accepted == []
    log = capsys.readouterr().out
    assert "request refused, its signature is wrong or old" in log
    assert "LC104233" not in log


async def test_a_replayed_request_is_answered_once() -> None:
    """Within five minutes a copy of a signed request is as good as the first; the message counts once."""
    async with SlackPeer() as peer, opened(peer) as door:
        with capture_logs() as logs:
            for _ in range(3):
                assert (await peer.post(BODY, headers=signature(BODY))).status_code == 200
            await door.settle()
        assert len(door.processor.handled) == 1
    assert [log["event"] for log in logs].count("redelivery dropped") == 2


async def test_an_oversized_request_is_refused() -> None:
    """Nothing larger than the server's limit is read, signed or not."""
    async with SlackPeer() as peer, opened(peer) as door:
        with capture_logs() as logs:
            assert (await peer.post(b"x" * 300_000)).status_code == 413
        assert door.queue.accepted == []
    assert [log["status"] for log in logs if log["event"] == "request"] == [413]


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"type": "event_callback", "event": {"type": "message"}}', b"no json"]
)
async def test_a_signed_request_that_cannot_be_read_harms_nothing(body: bytes) -> None:
    """It is answered, and the next one is served."""
    async with SlackPeer() as peer, opened(peer) as door:
        assert (await peer.post(body)).status_code in (200, 400)
        await peer.write(MIA, "hello")
        await door.settle()
        assert peer.said_in(MIAS) == ["You said: hello"]


async def test_a_pressed_button_is_answered() -> None:
    """Its payload is handled, however long it is; what stood on it is kept; two quick presses are one."""
    async with SlackPeer() as peer, opened(peer, buttons) as door:
        await peer.write(MIA, "menu")
        await door.settle()
        for title in ("Track", "Track", "Return"):
            await peer.press(peer.posted[0], title, MIA)
        await door.settle()
        assert [message.text for message in door.processor.handled] == ["menu", LONG_PAYLOAD, "/start_return"]
        assert door.processor.handled[1].metadata["title"] == "Track"
        assert peer.answers == [200] * 4


async def test_somebody_elses_button_opens_her_own_conversation() -> None:
    """Who presses in a channel what the bot has shown to another speaks for herself alone."""
    async with SlackPeer() as peer, opened(peer, buttons) as door:
        await peer.write(MIA, f"<@{BOT}> menu", channel=GENERAL)
        await door.settle()
        await peer.press(peer.posted[0], "Return", "U0STRANGER")
        await door.settle()
        mia, stranger = (message.sender_id for message in door.processor.handled)
        assert MIA in mia
        assert "U0STRANGER" in stranger
        assert MIA not in stranger


async def test_a_payload_that_cannot_be_read_is_its_title() -> None:
    """While the transcript is away the words on the button are known."""
    async with SlackPeer() as peer, opened(peer, buttons) as door:
        await peer.write(MIA, "menu")
        await door.settle()
        door.processor.transcript_failing = StoreUnavailable("locked")
        await peer.press(peer.posted[0], "Track", MIA)
        await door.settle()
        assert door.processor.handled[-1].text == "Track"


async def test_who_writes_is_known() -> None:
    """The address that Slack has checked proves who she is; her language comes along."""
    async with SlackPeer(people={MIA: PERSON}) as peer, opened(peer) as door:
        await peer.write(MIA, "hello")
        await peer.write(MIA, "again")
        await door.settle()
        proof = (Proof(ProofKind.EMAIL, "mia@shop.example"),)
        assert door.queue.proven == [("slack", MIA, proof, "Mia Lang")] * 2
        assert door.processor.handled[0].metadata["locale"] == "de-DE"
        assert len(door.calls("users.info")) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"is_email_confirmed": False}, id="not confirmed"),
        pytest.param({"is_bot": True}, id="a bot's"),
        pytest.param({"profile": {"display_name": "Mia Lang"}}, id="not shown to us"),
    ],
)
async def test_an_address_that_nobody_checked_proves_nothing(change: dict[str, Any]) -> None:
    """The name is noted without it."""
    async with SlackPeer(people={MIA: PERSON | change}) as peer, opened(peer) as door:
        await peer.write(MIA, "hello")
        await door.settle()
        assert door.queue.proven == [("slack", MIA, (), "Mia Lang")]


async def test_people_who_are_named_have_names() -> None:
    """The engine reads words, not ids; who is not known keeps the id."""
    async with SlackPeer(people={MIA: PERSON}) as peer, opened(peer) as door:
        await peer.write(MIA, f"ask <@{MIA}> and <@U0NOBODY>")
        await door.settle()
        assert door.processor.handled[0].text == "ask @Mia Lang and @U0NOBODY"


async def test_an_answer_does_not_wait_for_names() -> None:
    """Where Slack does not say who writes, she is answered all the same."""
    async with SlackPeer() as peer, opened(peer) as door:
        peer.faults.expect("users.info", Fault.SERVER_ERROR, Fault.SERVER_ERROR)
        await peer.write(MIA, "hello")
        await peer.write(MIA, "again")
        await door.settle()
        assert (peer.said_in(MIAS), door.queue.proven) == (["You said: hello", "You said: again"], [])
        assert peer.faults.draw("users.info") is Fault.SERVER_ERROR  # the second one was not asked for


async def test_a_file_is_fetched_and_kept() -> None:
    """Slack gives it out to the app's token; the message carries what was kept."""
    files = MemoryFiles()
    async with SlackPeer(files={"F1": b"Total: 12.50"}) as peer, opened(peer, files=files) as door:
        place = peer.url.replace("/api/", "/files/F1")
        event = peer.message(MIA, "") | {"subtype": "file_share"}
        event["files"] = [{"id": "F1", "name": "bill.txt", "size": 12, "url_private_download": place}]
        await peer.bring(event)
        await door.settle()
        assert list(files.kept.values()) == [("bill.txt", b"Total: 12.50")]
        assert peer.said_in(MIAS) == ["You said: bill.txt"]


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:9/F1",
        "http://files.slack.com/F1",
        "https://slack.com.example/F1",
        "https://badslack.com/F1",
    ],
)
async def test_the_token_goes_to_slack_alone(place: str) -> None:
    """A file that lies elsewhere is not fetched, whatever the event says."""
    async with SlackPeer() as peer, opened(peer) as door:
        with pytest.raises(FetchFailed, match="not at Slack's"):
            await anext(door.channel.api.fetch(ReceivedFile("file", place, "F1")))


async def test_a_page_is_no_file() -> None:
    """Without the right to read files Slack answers with its page for signing in."""
    async with SlackPeer(files={"F1": b"x"}) as peer, opened(peer) as door:
        door.channel.api.client.token = "xoxb-other"
        file = ReceivedFile("file", peer.url.replace("/api/", "/files/F1"), "F1")
        with pytest.raises(FetchFailed, match="files:read"):
            await anext(door.channel.api.fetch(file))


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


async def test_an_app_waits_for_slack_at_its_start() -> None:
    """A workspace that is away for a moment does not keep the app from its work."""
    async with SlackPeer() as peer:
        peer.faults.expect("auth.test", Fault.DROP_BEFORE)
        async with opened(peer) as door:
            await peer.write(MIA, "hello")
            await door.settle()
            assert peer.said_in(MIAS) == ["You said: hello"]


class TestSocket:
    """Over a socket the same holds, without a public address and without a signing secret."""

    async def test_a_message_and_a_button_are_answered(self) -> None:
        """Events and interactions come as envelopes, each acknowledged when it is stored."""
        async with SlackPeer() as peer, opened(peer, buttons, slack_app_token=APP_TOKEN) as door:
            await peer.write(MIA, "menu")
            await door.settle()
            await peer.press(peer.posted[0], "Return", MIA)
            await door.settle()
            assert [message.text for message in door.processor.handled] == ["menu", "/start_return"]

    async def test_the_order_of_a_conversation_is_kept(self) -> None:
        """Envelopes are handled side by side; those of one person are stored as they came."""
        async with SlackPeer() as peer, opened(peer, slack_app_token=APP_TOKEN) as door:
            for number in range(40):
                await peer.write(MIA, str(number))
            await door.settle()
            assert peer.said_in(MIAS) == [f"You said: {number}" for number in range(40)]

    async def test_there_is_no_door_for_requests(self) -> None:
        """What is posted to the address of the webhook finds nobody."""
        async with SlackPeer() as peer, opened(peer, slack_app_token=APP_TOKEN):
            peer.events_url = f"{peer.url.removesuffix('/api/')}/webhooks/slack/webhook"
            assert (await peer.post(BODY)).status_code == 404

    async def test_a_socket_that_is_closed_is_opened_again(self) -> None:
        """Slack does so every few hours; what was not acknowledged comes again."""
        async with SlackPeer(retry_pauses_s=(0.1,) * 5) as peer:
            async with opened(peer, slack_app_token=APP_TOKEN) as door:
                await peer.write(MIA, "one")
                await door.settle()
                await peer.hang_up()
                await peer.connected()
                await peer.write(MIA, "two")
                await door.settle()
            assert peer.said_in(MIAS) == ["You said: one", "You said: two"]

    async def test_what_could_not_be_stored_is_not_acknowledged(self) -> None:
        """Slack brings it again."""
        async with SlackPeer(acknowledged_within_s=0.2) as peer:
            async with opened(peer, slack_app_token=APP_TOKEN) as door:
                door.queue.failing = StoreUnavailable("locked")
                await peer.write(MIA, "hello")
                await until(lambda: door.queue.refused, "the event was refused")
                door.queue.failing = None
                await door.settle()
            assert (peer.said_in(MIAS), peer.lost) == (["You said: hello"], [])
