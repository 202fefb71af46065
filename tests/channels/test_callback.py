"""The callback channel takes messages as REST does, and posts each answer to the project's address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from bot.channels.callback import Callback
from bot.channels.delivery import ChannelDelivery
from bot.dialogue.events import BotUttered
from bot.errors import ModelError, SettingsError
from tests.channels.scripted import ScriptedProcessor
from tests.server.factories import RunningServer, application

WEBHOOK = "/webhooks/callback/webhook"


class Peer:
    """The project's own server: keeps what is posted, and refuses what `refuses` says."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.asked: list[tuple[str, str | None]] = []
        self.refuses: str | None = None
        self.app = FastAPI(openapi_url=None)
        self.app.add_api_route("/bot", self.take, methods=["POST"])

    async def take(self, request: Request) -> Response:
        """Keep one message."""
        body = await request.json()
        self.asked.append((request.url.query, request.headers.get("x-shop")))
        if self.refuses is not None and body.get("text") == self.refuses:
            return Response(status_code=503)
        self.received.append(body)
        return Response(status_code=204)


@pytest.fixture
def peer() -> Iterator[tuple[Peer, str]]:
    """Run a peer, and name its address."""
    peer = Peer()
    with RunningServer(peer.app) as server:
        yield peer, f"{server.url}/bot"


async def post(processor: ScriptedProcessor, settings: Mapping[str, Any], body: Any) -> httpx.Response:
    """Send one message to an application with nothing but the channel."""
    app = application(processor, credentials={"callback": settings})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        response = await client.post(WEBHOOK, json=body)
    await app.state.channels["callback"].close()
    return response


async def test_each_message_is_posted_in_order(peer: tuple[Peer, str]) -> None:
    """The caller hears "success" when everything has been posted, each message by itself."""
    taken, url = peer
    buttons = [{"title": "A", "payload": "/a"}]
    said = [BotUttered(text="One\n\nTwo"), BotUttered(text="Three", data={"buttons": buttons})]
    processor = ScriptedProcessor(lambda _: said)
    body = {"sender": "mia", "message": "hi", "metadata": {"a": 1}, "input_channel": "kiosk"}
    response = await post(processor, {"url": url}, body)
    assert (response.status_code, response.text) == (200, "success")
    assert taken.received == [
        {"recipient_id": "mia", "text": "One"},
        {"recipient_id": "mia", "text": "Two"},
        {"recipient_id": "mia", "text": "Three", "buttons": buttons},
    ]
    [message] = processor.handled
    assert (message.sender_id, message.input_channel, message.metadata) == ("mia", "callback", {})


async def test_the_endpoints_settings_go_along(peer: tuple[Peer, str]) -> None:
    """Headers, parameters and the token are sent as Rasa's endpoints send them."""
    taken, url = peer
    settings = {"url": url, "headers": {"X-Shop": "7"}, "params": {"a": "b"}, "token": "t0p"}
    await post(ScriptedProcessor(), settings, {"message": "hi"})
    assert taken.asked == [("a=b&token=t0p", "7")]


async def test_a_message_that_is_not_taken_does_not_hold_up_the_next(peer: tuple[Peer, str]) -> None:
    """A refusal of the other end is logged, and what follows is posted."""
    taken, url = peer
    taken.refuses = "One"
    processor = ScriptedProcessor(lambda _: [BotUttered(text="One"), BotUttered(text="Two")])
    assert (await post(processor, {"url": url}, {"message": "hi"})).text == "success"
    assert [message["text"] for message in taken.received] == ["Two"]


async def test_an_address_where_nobody_listens_is_no_error_of_the_caller() -> None:
    """The turn took place, so the caller hears of success."""
    settings = {"url": "http://127.0.0.1:1/bot"}
    assert (await post(ScriptedProcessor(), settings, {"message": "hi"})).text == "success"


@pytest.mark.parametrize(
    ("body", "failing", "code"),
    [
        pytest.param({}, None, 400, id="no message"),
        pytest.param({"message": "hi"}, ModelError("none"), 409, id="no model"),
    ],
)
async def test_what_cannot_be_answered_is_said(body: Any, failing: Exception | None, code: int) -> None:
    """A bad request and a missing model are refused in Rasa's shape."""
    processor = ScriptedProcessor()
    processor.failing = failing
    response = await post(processor, {"url": "http://127.0.0.1:1/bot"}, body)
    assert (response.status_code, response.json()["status"]) == (code, "failure")


async def test_what_nobody_asked_for_is_posted_too(peer: tuple[Peer, str]) -> None:
    """A reminder's words go to the same address."""
    taken, url = peer
    channel = Callback.from_credentials({"url": url}, ScriptedProcessor().parts())
    delivery = ChannelDelivery({"callback": channel})
    assert delivery.reaches("callback")
    assert not delivery.reaches("rest")
    await delivery.push("callback", "mia", [BotUttered(text="Still there?")])
    await channel.close()
    assert taken.received == [{"recipient_id": "mia", "text": "Still there?"}]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({}, "callback: 'url' is '', expected an http address", id="no address"),
        pytest.param({"url": "shop"}, "callback: 'url' is 'shop'", id="no http"),
        pytest.param({"url": "http://x", "ulr": 1}, "no setting 'ulr', did you mean 'url'", id="typo"),
    ],
)
def test_a_wrong_setting_is_named(settings: Mapping[str, Any], message: str) -> None:
    """A mistake in credentials.yml names the setting and what was expected."""
    with pytest.raises(SettingsError, match=message):
        Callback.from_credentials(settings, ScriptedProcessor().parts())
