"""Which requests a Slack app takes, and the socket that it opens where there is no address to post to."""

from __future__ import annotations

import json
import time

import pytest
from structlog.testing import capture_logs

from benchmarks.peers.faults import Fault
from benchmarks.peers.slack import APP_TOKEN, SlackPeer, signature
from bot.runtime.tracker_store import StoreUnavailable
from tests.channels.in_loop import until
from tests.channels.slack.door import MIA, MIAS, opened
from tests.channels.slack.test_slack import buttons
from tests.channels.slack.test_slack_events import payload


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
