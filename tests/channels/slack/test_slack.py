"""A Slack app answers who writes to it, in order and once, and knows who that is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.peers.faults import Fault
from benchmarks.peers.slack import BOT, SlackPeer
from bot.channels.channel import Proof, ProofKind
from bot.channels.received_files import FetchFailed, ReceivedFile
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
