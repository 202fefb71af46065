"""Web chats written for Rasa connect with their own Socket.IO client, and get what Rasa would send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt
import pytest
import socketio
from structlog.testing import capture_logs

from bot.channels.delivery import ChannelDelivery
from bot.channels.socketio import SocketIO, SocketIOSettings, wire_messages
from bot.dialogue.events import BotUttered
from bot.errors import SettingsError
from tests.channels.scripted import ScriptedProcessor
from tests.server.factories import RunningServer, application

KEY = "a key of more than thirty-two characters"


class Chat:
    """A client that keeps what it hears."""

    def __init__(self, namespace: str = "/", bot_event: str = "bot_uttered") -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.namespace = namespace
        self._heard: asyncio.Queue[Any] = asyncio.Queue()
        self._confirmed: asyncio.Queue[str] = asyncio.Queue()
        self.client.on(bot_event, self._heard.put, namespace=namespace)
        self.client.on("session_confirm", self._confirmed.put, namespace=namespace)

    async def say(self, message: Any, event: str = "user_uttered") -> None:
        """Send one message."""
        await self.client.emit(event, message, namespace=self.namespace)

    async def hear(self) -> Any:
        """Wait for the next message."""
        return await asyncio.wait_for(self._heard.get(), 60)

    async def session(self, request: Any) -> str:
        """Ask for a session and wait for its id."""
        await self.client.emit("session_request", request, namespace=self.namespace)
        return await asyncio.wait_for(self._confirmed.get(), 60)

    @property
    def id(self) -> str:
        """The id that the server knows the connection by."""
        sid: str = self.client.get_sid(self.namespace)
        return sid


@asynccontextmanager
async def chatting(
    url: str,
    *,
    auth: Any = None,
    path: str = "socket.io",
    transports: Sequence[str] = ("websocket",),
    **options: str,
) -> AsyncIterator[Chat]:
    """Connect over a WebSocket, as browsers end up doing, or as `transports` say."""
    chat = Chat(**options)
    await chat.client.connect(
        url, auth=auth, socketio_path=path, namespaces=[chat.namespace], transports=list(transports)
    )
    try:
        yield chat
    finally:
        await chat.client.disconnect()


@asynccontextmanager
async def serving(
    processor: ScriptedProcessor, settings: Mapping[str, Any] | None = None
) -> AsyncIterator[RunningServer]:
    """Serve the channel alone."""
    server = RunningServer(application(processor, credentials={"socketio": settings}))
    await asyncio.to_thread(server.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)


async def test_a_message_is_answered_on_its_connection() -> None:
    """Without session persistence the connection's id is the sender_id, and only it hears the answer."""
    processor = ScriptedProcessor()
    async with serving(processor) as server, chatting(server.url) as mia, chatting(server.url) as bob:
        await mia.say({"message": " hello ", "metadata": {"page": "/lamps"}, "session_id": "ignored"})
        assert await mia.hear() == {"text": "You said: hello"}
        await bob.say({"message": "hi"})
        assert await bob.hear() == {"text": "You said: hi"}
    first = processor.handled[0]
    assert (first.text, first.input_channel, first.metadata) == ("hello", "socketio", {"page": "/lamps"})
    assert len({message.sender_id for message in processor.handled}) == 2


async def test_a_client_may_begin_by_polling() -> None:
    """A client that polls first and then changes to a WebSocket, as in browsers, is served all the way."""
    processor = ScriptedProcessor()
    async with (
        serving(processor) as server,
        chatting(server.url, transports=["polling", "websocket"]) as chat,
    ):
        await chat.say({"message": "hello"})
        assert await chat.hear() == {"text": "You said: hello"}


async def test_a_session_outlives_its_connection() -> None:
    """With session persistence the session_id is the sender_id, on every connection that names it."""
    processor = ScriptedProcessor()
    async with serving(processor, {"session_persistence": True}) as server:
        async with chatting(server.url) as chat:
            session_id = await chat.session(None)
            await chat.say({"message": "first", "session_id": session_id})
            assert await chat.hear() == {"text": "You said: first"}
        async with chatting(server.url) as chat, chatting(server.url) as second:
            assert await chat.session({"session_id": session_id}) == session_id
            await second.session({"session_id": session_id})
            await chat.say({"message": "lost", "session_id": None})
            await chat.say({"message": "again", "session_id": session_id})
            assert await chat.hear() == await second.hear() == {"text": "You said: again"}
    assert [(message.sender_id, message.text) for message in processor.handled] == [
        (session_id, "first"),
        (session_id, "again"),
    ]


async def test_every_name_on_the_wire_can_be_another() -> None:
    """Events, namespace, path and the metadata's key are the project's choice."""
    processor = ScriptedProcessor()
    settings = {
        "user_message_evt": "said",
        "bot_message_evt": "replied",
        "namespace": "/chat",
        "socketio_path": "/live",
        "metadata_key": "extra",
    }
    async with (
        serving(processor, settings) as server,
        chatting(server.url, path="live", namespace="/chat", bot_event="replied") as chat,
    ):
        await chat.say({"message": "hello", "extra": '{"page": "/lamps"}'}, event="said")
        assert await chat.hear() == {"text": "You said: hello"}
    assert processor.handled[0].metadata == {"page": "/lamps"}


@pytest.mark.parametrize(
    ("auth", "connects"),
    [
        pytest.param({"token": jwt.encode({"user": "mia"}, KEY)}, True, id="signed"),
        pytest.param({"token": "Bearer " + jwt.encode({"user": "mia"}, KEY)}, True, id="as a bearer"),
        pytest.param({"token": jwt.encode({"user": "mia"}, KEY + "?")}, False, id="signed by somebody else"),
        pytest.param({"token": jwt.encode({"user": "mia", "exp": 1000}, KEY)}, False, id="expired"),
        pytest.param({"token": 7}, False, id="no text"),
        pytest.param("token", False, id="no object"),
        pytest.param(None, False, id="nothing"),
    ],
)
async def test_with_a_key_only_signed_tokens_connect(auth: Any, connects: bool) -> None:
    """Whoever has no valid token gets no connection."""
    processor = ScriptedProcessor()
    async with serving(processor, {"jwt_key": KEY}) as server:
        if connects:
            async with chatting(server.url, auth=auth) as chat:
                await chat.say({"message": "hello"})
                assert await chat.hear() == {"text": "You said: hello"}
            return
        with capture_logs() as logs, pytest.raises(socketio.exceptions.ConnectionError):
            async with chatting(server.url, auth=auth):
                pass
    assert processor.handled == []
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == [
        "connection refused, no valid token"
    ]
    assert "eyJ" not in str(logs)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(None, id="nothing"),
        pytest.param("hello", id="no object"),
        pytest.param({"message": 7}, id="no text"),
        pytest.param({"message": "  "}, id="blank"),
        pytest.param({"message": "a" * 10_001}, id="too long"),
    ],
)
async def test_what_is_no_message_is_passed_over(message: Any) -> None:
    """A wrong frame is no turn and is logged without its words; the connection goes on."""
    processor = ScriptedProcessor()
    with capture_logs() as logs:
        await _say_and_go_on(processor, message)
    assert len(processor.handled) == 1
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == [
        "message passed over, no text of a length that is allowed"
    ]
    assert "aaa" not in str(logs)


async def _say_and_go_on(processor: ScriptedProcessor, message: Any) -> None:
    async with serving(processor) as server, chatting(server.url) as chat:
        await chat.say(message)
        await chat.say({"message": "hello", "metadata": "no json"})
        assert await chat.hear() == {"text": "You said: hello"}


async def test_a_frame_over_the_limit_ends_the_connection() -> None:
    """What is larger than any message can be is not read; another chat goes on."""
    processor = ScriptedProcessor()
    async with serving(processor) as server, chatting(server.url) as flood, chatting(server.url) as chat:
        await flood.say({"message": "a" * 1_000_000})
        await asyncio.wait_for(flood.client.wait(), 60)
        await chat.say({"message": "hello"})
        assert await chat.hear() == {"text": "You said: hello"}
    assert [message.text for message in processor.handled] == ["hello"]


async def test_one_connection_speaks_in_no_other_ones_name() -> None:
    """Without session persistence nobody chooses whose conversation she writes in."""
    processor = ScriptedProcessor()
    async with serving(processor) as server, chatting(server.url) as mia, chatting(server.url) as thief:
        await mia.say({"message": "my secret"})
        await mia.hear()
        await thief.say({"message": "what did I say?", "session_id": mia.id})
        await thief.hear()
        assert [message.sender_id for message in processor.handled] == [mia.id, thief.id]


async def test_a_turn_that_breaks_leaves_the_connection() -> None:
    """After an error the next message is answered."""
    processor = ScriptedProcessor()
    processor.failing = RuntimeError("broken")
    async with serving(processor) as server, chatting(server.url) as chat:
        await chat.say({"message": "first"})
        while processor.failing:
            if processor.attempts:
                processor.failing = None
            await asyncio.sleep(0)
        await chat.say({"message": "second"})
        assert await chat.hear() == {"text": "You said: second"}


async def test_what_nobody_asked_for_reaches_the_open_chat() -> None:
    """A reminder's words are pushed to the connection of their conversation."""
    processor = ScriptedProcessor()
    async with serving(processor) as server, chatting(server.url) as chat:
        await chat.say({"message": "hello"})
        await chat.hear()
        delivery = ChannelDelivery(server.app.state.channels)
        assert delivery.reaches("socketio")
        sender_id = processor.handled[0].sender_id
        pushing = delivery.push("socketio", sender_id, [BotUttered(text="Still there?")])
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(pushing, server.loop))
        assert await chat.hear() == {"text": "Still there?"}


async def test_the_channel_says_it_is_there() -> None:
    """GET on the channel answers ok."""
    async with serving(ScriptedProcessor()) as server, httpx.AsyncClient() as client:
        assert (await client.get(f"{server.url}/webhooks/socketio/")).json() == {"status": "ok"}


BUTTONS = [{"title": "Yes", "payload": "/affirm", "type": "postback"}]
SHOWN = [{"content_type": "text", "title": "Yes", "payload": "/affirm"}]


@pytest.mark.parametrize(
    ("utterance", "messages"),
    [
        pytest.param(BotUttered(text="A\n\nB"), [{"text": "A"}, {"text": "B"}], id="parts"),
        pytest.param(
            BotUttered(text="A\n\nB", data={"buttons": BUTTONS}),
            [{"text": "A", "quick_replies": []}, {"text": "B", "quick_replies": SHOWN}],
            id="buttons below the last part",
        ),
        pytest.param(
            BotUttered(data={"buttons": BUTTONS}), [{"text": "", "quick_replies": SHOWN}], id="buttons alone"
        ),
        pytest.param(
            BotUttered(data={"image": "https://x/y.png"}),
            [{"attachment": {"type": "image", "payload": {"src": "https://x/y.png"}}}],
            id="image",
        ),
        pytest.param(
            BotUttered(data={"attachment": {"type": "video"}}), [{"attachment": {"type": "video"}}], id="file"
        ),
        pytest.param(BotUttered(data={"custom": {"data": {"a": 1}}}), [{"a": 1}], id="custom as in Rasa"),
        pytest.param(BotUttered(data={"custom": {"map": 1}}), [{"map": 1}], id="custom, whole"),
        pytest.param(
            BotUttered(data={"elements": [{"title": "T"}]}),
            [
                {
                    "attachment": {
                        "type": "template",
                        "payload": {"template_type": "generic", "elements": {"title": "T"}},
                    }
                }
            ],
            id="elements",
        ),
    ],
)
def test_messages_have_rasas_form(utterance: BotUttered, messages: list[Any]) -> None:
    """Each part of an utterance goes out as Rasa's Socket.IO channel sends it."""
    assert list(wire_messages(utterance)) == messages


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"user_message_event": "x"}, "'user_message_event' is unknown, did you mean", id="typo"),
        pytest.param(
            {"session_persistence": "yes"}, "'session_persistence' is 'yes', expected a bool", id="t"
        ),
        pytest.param({"jwt_method": "none"}, "'jwt_method' is 'none', expected one of HS256", id="method"),
    ],
)
def test_a_wrong_setting_is_named(settings: Mapping[str, Any], message: str) -> None:
    """A mistake in credentials.yml names the setting and what was expected."""
    with pytest.raises(SettingsError, match=message):
        SocketIO.from_credentials(settings, ScriptedProcessor().parts())


def test_empty_settings_are_rasas() -> None:
    """A section without settings, or with empty ones, has Rasa's defaults."""
    assert SocketIOSettings.from_credentials({"namespace": None}) == SocketIOSettings()
    assert SocketIOSettings().socketio_path == "/socket.io"
