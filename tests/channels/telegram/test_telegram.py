"""A Telegram bot answers in order, once each, whatever Telegram and the network do."""

from __future__ import annotations

import asyncio
import logging
from itertools import groupby
from typing import Any

import pytest
from structlog.testing import capture_logs

from benchmarks.peers.faults import Fault, Faults
from benchmarks.peers.telegram import TOKEN, TelegramPeer
from bot.channels.channel import ProofKind
from bot.channels.telegram.telegram import Telegram
from bot.delivery.peer import Outgoing, RetryLater, Undeliverable
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import UserMessage
from bot.runtime.tracker_store import StoreUnavailable
from tests.channels.in_loop import until
from tests.channels.memory_files import MemoryFiles
from tests.channels.memory_queue import MemoryQueue
from tests.channels.scripted import ScriptedProcessor
from tests.channels.telegram.door import MIA, SECRET, WEBHOOK, opened, settings
from tests.channels.telegram.test_telegram_rendering import message
from tests.channels.telegram.test_telegram_updates import payload

LONG_PAYLOAD = '/order_status{"order_number": "LC104233", "reason": "it has not arrived for three weeks"}'


def buttons(text: str) -> list[BotUttered]:
    """Answer "menu" with two buttons, everything else with itself."""
    choice = [{"title": "Track", "payload": LONG_PAYLOAD}, {"title": "Return", "payload": "/start_return"}]
    if text == "menu":
        return [BotUttered(text="What can I do?", data={"buttons": choice})]
    return [BotUttered(text=f"You said: {text}")]


async def test_the_webhook_is_opened_with_its_secret() -> None:
    """Telegram is asked for exactly the updates that are read, and keeps what waits."""
    async with TelegramPeer() as peer, opened(peer, webhook_url="https://shop.example") as door:
        [asked] = door.calls("setWebhook")
        assert asked["url"] == WEBHOOK
        assert asked["secret_token"] == SECRET
        assert asked["drop_pending_updates"] is False
        assert asked["allowed_updates"] == ["message", "edited_message", "callback_query", "my_chat_member"]


async def test_a_message_is_answered() -> None:
    """The answer reaches the chat, the CRM hears the name, and "typing…" is shown meanwhile."""
    async with TelegramPeer() as peer, opened(peer) as door:
        await peer.write(MIA, "hello")
        await door.settle()
        assert peer.said_to(MIA) == ["You said: hello"]
        assert door.queue.proven == [("telegram", str(MIA), (), "Mia Lang")]
        [message] = door.processor.handled
        assert (message.text, message.sender_id, message.metadata["locale"]) == ("hello", str(MIA), "en")


async def test_a_redelivered_update_is_answered_once() -> None:
    """Telegram repeats what it does not know to have arrived; the customer hears one answer."""
    async with TelegramPeer() as peer, opened(peer) as door:
        with capture_logs() as logs:
            await peer.bring({"message": peer.message(MIA, text="hello")}, times=3)
            await door.settle()
        assert peer.said_to(MIA) == ["You said: hello"]
        assert len(door.queue.redelivered) == 2
    assert [log["event"] for log in logs].count("redelivery dropped") == 2


@pytest.mark.parametrize(
    "secret",
    ["", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), "gehéim"],
    ids=lambda text: text or "none",
)
async def test_a_forged_update_is_refused(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the secret nobody writes in a customer's name, and the log tells."""
    async with TelegramPeer() as peer, opened(peer) as door:
        response = await peer.post_once(payload("text"), secret=secret.encode())
        await door.settle()
        assert response.status_code == 403
        assert door.queue.accepted == []
    assert "update refused, its secret token is wrong" in capsys.readouterr().out


async def test_an_oversized_update_is_refused() -> None:
    """Nothing larger than the server's limit is read, whatever secret it carries."""
    async with TelegramPeer() as peer, opened(peer) as door:
        update = payload("text") | {"padding": "x" * 300_000}
        with capture_logs() as logs:
            assert (await peer.post_once(update)).status_code == 413
        assert door.queue.accepted == []
    assert [log["status"] for log in logs if log["event"] == "request"] == [413]


@pytest.mark.parametrize("update", [{"update_id": 1, "message": "x"}, {"update_id": 1, "message": {}}, {}])
async def test_an_update_that_cannot_be_read_is_not_asked_for_again(update: Any) -> None:
    """It is taken and logged: repeated for a day it would hold up everything behind it."""
    async with TelegramPeer() as peer, opened(peer) as door:
        assert (await peer.post_once(update)).status_code == 200
        await peer.write(MIA, "hello")
        await door.settle()
        assert peer.said_to(MIA) == ["You said: hello"]


async def test_what_cannot_be_stored_comes_again() -> None:
    """Telegram hears of trouble until the message is stored; it is answered once."""
    async with TelegramPeer() as peer, opened(peer) as door:
        door.queue.failing = StoreUnavailable("locked")
        await peer.write(MIA, "hello")
        response = await peer.post_once(payload("text"))
        assert response.status_code == 503
        door.queue.failing = None
        await door.settle()
        assert peer.said_to(MIA) == ["You said: hello"]


async def test_a_pressed_button_is_answered() -> None:
    """Its payload is handled, however long it is; the button stops to spin; what stood on it is kept."""
    async with TelegramPeer() as peer, opened(peer, buttons) as door:
        await peer.write(MIA, "menu")
        await door.settle()
        await peer.press(peer.sent[0], "Track")
        await door.settle()
        await until(lambda: door.calls("answerCallbackQuery"), "the press is acknowledged")
        assert peer.said_to(MIA)[1:] == [f"You said: {LONG_PAYLOAD}"]
        assert door.processor.handled[-1].metadata["title"] == "Track"


async def test_a_long_payload_survives_the_process() -> None:
    """A button that an earlier process sent still says what it said: the transcript knows."""
    async with TelegramPeer() as peer:
        processor = ScriptedProcessor(buttons)
        async with opened(peer, queue=MemoryQueue(processor)) as door:
            await peer.write(MIA, "menu")
            await door.settle()
        async with opened(peer, queue=MemoryQueue(processor.restarted())) as door:
            await peer.press(peer.sent[0], "Track")
            await door.settle()
        assert peer.said_to(MIA)[1:] == [f"You said: {LONG_PAYLOAD}"]


async def test_a_payload_that_nobody_knows_any_more_is_its_title() -> None:
    """Better the words on the button than a mark that means nothing."""
    async with TelegramPeer() as peer, opened(peer, buttons) as door:
        await peer.write(MIA, "menu")
        await door.settle()
        door.processor.wipe()
        await peer.press(peer.sent[0], "Track")
        await door.settle()
        assert peer.said_to(MIA)[1:] == ["You said: Track"]


async def test_a_double_press_counts_once() -> None:
    """Two quick presses of one button are one; one of another button is another."""
    async with TelegramPeer() as peer, opened(peer, buttons) as door:
        await peer.write(MIA, "menu")
        await door.settle()
        for title in ("Return", "Return", "Track"):
            await peer.press(peer.sent[0], title)
            await peer.all_posted()
        await door.settle()
        assert [message.text for message in door.processor.handled] == ["menu", "/start_return", LONG_PAYLOAD]


async def test_a_press_that_could_not_be_stored_is_no_double_press() -> None:
    """Telegram brings it again, and then it counts."""
    async with TelegramPeer() as peer, opened(peer, buttons) as door:
        await peer.write(MIA, "menu")
        await door.settle()
        door.queue.failing = StoreUnavailable("locked")
        await peer.press(peer.sent[0], "Return")
        await until(lambda: peer.posts > 2, "the press was refused")
        door.queue.failing = None
        await door.settle()
        assert peer.said_to(MIA)[1:] == ["You said: /start_return"]


async def test_telegrams_patience_is_respected() -> None:
    """A 429 says how long to wait, and what waits goes out in order."""
    async with TelegramPeer(faults=Faults(retry_after_s=7)) as peer, opened(peer) as door:
        peer.faults.expect("sendMessage", Fault.RATE_LIMIT, Fault.RATE_LIMIT)
        await peer.write(MIA, "one\n\ntwo")
        await door.settle()
        assert peer.said_to(MIA) == ["You said: one", "two"]
        assert [(failure.after_s, failure.is_uncertain) for failure in door.queue.failures] == [
            (7.0, False)
        ] * 2


@pytest.mark.parametrize(
    ("fault", "is_uncertain", "said"),
    [
        pytest.param(Fault.SERVER_ERROR, False, ["You said: hello"], id="an error of Telegram's"),
        pytest.param(Fault.DROP_BEFORE, True, ["You said: hello"], id="connection lost before"),
        # Telegram cannot be asked: what may have been lost is said again.
        pytest.param(Fault.DROP_AFTER, True, ["You said: hello"] * 2, id="answer lost"),
    ],
)
async def test_nothing_is_lost(fault: Fault, is_uncertain: bool, said: list[str]) -> None:
    """What did not go out goes out again; the queue is told where nobody knows."""
    async with TelegramPeer() as peer, opened(peer) as door:
        peer.faults.expect("sendMessage", fault)
        await peer.write(MIA, "hello")
        await door.settle()
        assert peer.said_to(MIA) == said
        assert [failure.is_uncertain for failure in door.queue.failures] == [is_uncertain]


async def test_an_address_where_nobody_listens_is_tried_again() -> None:
    """Without a connection nothing went out, and that is certain."""
    async with TelegramPeer() as peer:
        section = settings(peer)
    channel = Telegram.from_credentials(section, MemoryQueue(ScriptedProcessor()).parts())
    with pytest.raises(RetryLater) as caught:
        await channel.send(Outgoing("k", "telegram", "1", message("x")))
    await channel.close()
    assert not caught.value.is_uncertain


async def test_a_flood_with_every_fault_keeps_its_order() -> None:
    """Of 150 messages of five customers each is answered, in order, once but where an answer was lost."""
    rates = {Fault.RATE_LIMIT: 0.1, Fault.SERVER_ERROR: 0.1, Fault.DROP_BEFORE: 0.05, Fault.DROP_AFTER: 0.05}
    faults = Faults(rates, retry_after_s=1, delay_s=0.01)
    async with TelegramPeer(faults=faults) as peer, opened(peer) as door:
        for number in range(30):
            for chat_id in range(5):
                await peer.bring({"message": peer.message(chat_id, text=str(number))}, times=1 + number % 3)
        await door.settle()
        expected = [f"You said: {number}" for number in range(30)]
        for chat_id in range(5):
            assert [text for text, _ in groupby(peer.said_to(chat_id))] == expected
        doubled = len(peer.sent) - 150
        assert 0 < doubled <= sum(failure.is_uncertain for failure in door.queue.failures)


@pytest.mark.parametrize(
    ("chat_id", "payload", "reason"),
    [
        pytest.param(
            "7", {"method": "send_message", "arguments": {"text": "x"}}, "blocked by the user", id="blocked"
        ),
        pytest.param(
            "8", {"method": "send_message", "arguments": {"text": "x" * 5000}}, "too long", id="too long"
        ),
        pytest.param(
            "mia", {"method": "send_message", "arguments": {"text": "x"}}, "no chat of", id="no chat"
        ),
        pytest.param(
            "8", {"method": "send_message", "arguments": {"txt": "x"}}, "not a call", id="no argument"
        ),
        pytest.param("8", {"method": "leave_chat", "arguments": {}}, "not among the calls", id="no message"),
    ],
)
async def test_what_telegram_will_never_take_is_given_up(chat_id: str, payload: Any, reason: str) -> None:
    """The operator reads why, and the next message is sent."""
    async with TelegramPeer(blocked={7}) as peer, opened(peer) as door:
        with pytest.raises(Undeliverable, match=reason):
            await door.channel.send(Outgoing("k", "telegram", chat_id, payload))


async def test_a_picture_that_telegram_cannot_fetch_is_a_link() -> None:
    """The customer sees the address instead of nothing."""
    picture = "https://shop.example/lamp.png"
    async with TelegramPeer(unreachable={picture}) as peer:
        async with opened(peer, lambda _: [BotUttered(data={"image": picture})]) as door:
            await peer.write(MIA, "show me")
            await door.settle()
        assert [(sent.method, sent.text) for sent in peer.sent] == [("sendMessage", picture)]


async def test_a_wrong_token_keeps_what_waits() -> None:
    """The operator has to act; until then the words wait for longer than a moment."""
    async with TelegramPeer() as peer:
        section = settings(peer, access_token=f"{TOKEN}-revoked")
        channel = Telegram.from_credentials(section, MemoryQueue(ScriptedProcessor()).parts())
        with pytest.raises(RetryLater, match="Unauthorized") as caught:
            await channel.send(Outgoing("k", "telegram", "1", message("x")))
        await channel.close()
        assert caught.value.after_s == 60.0


async def test_typing_is_shown_while_the_bot_works() -> None:
    """It begins before the turn does, and ends with it, also when nothing is said."""
    async with TelegramPeer() as peer, opened(peer, lambda _: []) as door:
        door.processor.gate = asyncio.Event()
        await peer.write(MIA, "hello")
        await until(lambda: door.calls("sendChatAction"), "typing is shown")
        assert door.calls("sendChatAction") == [{"chat_id": str(MIA), "action": "typing"}]
        door.processor.gate.set()
        await door.settle()
        assert peer.sent == []
        assert not [task for task in asyncio.all_tasks() if "_type" in repr(task)]


async def test_an_answer_does_not_wait_for_the_dots() -> None:
    """Where "typing…" cannot be shown the customer is answered all the same."""
    async with TelegramPeer() as peer, opened(peer) as door:
        peer.faults.expect("sendChatAction", Fault.SERVER_ERROR)
        await peer.write(MIA, "hello")
        await door.settle()
        assert peer.said_to(MIA) == ["You said: hello"]


async def test_trouble_with_the_dots_is_none_of_the_turns() -> None:
    """Whatever breaks while they are shown, the block is carried out to its end."""
    channel = Telegram.from_credentials({"access_token": TOKEN}, MemoryQueue(ScriptedProcessor()).parts())
    await channel.close()  # no request is possible any more
    done = False
    async with channel.working(UserMessage("hi", str(MIA), "telegram")):
        await asyncio.sleep(0)
        done = True
    assert done


async def test_a_group_is_told_once() -> None:
    """A bot that is taken into a group says where it answers, and is silent from then on."""
    async with TelegramPeer() as peer, opened(peer) as door:
        update = payload("added_to_group")
        group = update["my_chat_member"]["chat"]["id"]
        for _ in range(2):
            await peer.bring({"my_chat_member": update["my_chat_member"]})
        await peer.bring({"message": payload("group")["message"]})
        await door.settle()
        await until(lambda: peer.sent, "the group is told")
        assert peer.said_to(group) == ["I answer in private chats only: https://t.me/shop_bot"]
        assert door.queue.accepted == []


async def test_a_bot_may_be_silent_in_groups() -> None:
    """With an empty notice nothing is said."""
    async with TelegramPeer() as peer, opened(peer, group_notice="") as door:
        await peer.bring({"my_chat_member": payload("added_to_group")["my_chat_member"]})
        await door.settle()
        await door.channel.close()
        assert peer.sent == []


async def test_a_shared_number_is_proven() -> None:
    """Telegram has checked the number of a customer's own contact."""
    async with TelegramPeer() as peer, opened(peer) as door:
        await peer.bring({"message": payload("own_contact")["message"]})
        await door.settle()
        [(_, _, proofs, _)] = door.queue.proven
        assert [(proof.kind, proof.value) for proof in proofs] == [(ProofKind.PHONE, "+491701234567")]


async def test_what_nobody_asked_for_is_brought() -> None:
    """A person's answer reaches the chat after all that was said before."""
    async with TelegramPeer() as peer, opened(peer) as door:
        await peer.write(MIA, "hello")
        await peer.all_posted()
        await door.channel.push(str(MIA), [BotUttered(text="This is Ada. I am looking into it.")])
        await door.settle()
        assert peer.said_to(MIA) == ["You said: hello", "This is Ada. I am looking into it."]


async def test_the_token_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Addresses of requests hold it; in the log they do not."""
    with caplog.at_level(logging.DEBUG, logger="httpx"):
        async with TelegramPeer() as peer, opened(peer) as door:
            await peer.write(MIA, "hello")
            await door.settle()
    assert "bot<token>" in caplog.text
    assert TOKEN not in caplog.text.replace(f"/file/bot{TOKEN}", "")


async def test_a_file_is_fetched_and_kept() -> None:
    """Telegram gives it out by its id; the message carries what was kept."""
    files = MemoryFiles()
    async with TelegramPeer(files={"BQACbill": b"Total: 12.50"}) as peer, opened(peer, files=files) as door:
        update = payload("document")["message"]
        update["document"]["file_size"] = 12
        await peer.bring({"message": update})
        await door.settle()
        assert list(files.kept.values()) == [("invoice.pdf", b"Total: 12.50")]
        [message] = door.processor.handled
        assert message.metadata["attachments"][0]["name"] == "invoice.pdf"
        assert peer.said_to(MIA) == ["You said: invoice.pdf"]
