"""The Socket.IO channel: web chats written for Rasa connect unchanged."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import socketio
import structlog
from fastapi import APIRouter
from starlette.types import ASGIApp

from bot.channels.channel import ChannelParts, MessageHandler
from bot.channels.incoming import MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS, clean
from bot.channels.signed_tokens import check_method, read_claims
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, UserMessage
from bot.errors import SettingsError, nearest
from bot.runtime.options import place_of

_FILE = "credentials.yml"
_log = structlog.get_logger(__name__)

MAX_FRAME_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class SocketIOSettings:
    """The channel's section of `credentials.yml`, with Rasa's names and defaults.

    Without `session_persistence` a conversation ends with its connection, and its sender_id is the
    connection's id; with it the client's `session_id` is the sender_id, known again after a reconnect.
    """

    user_message_evt: str = "user_uttered"
    bot_message_evt: str = "bot_uttered"
    namespace: str | None = None
    session_persistence: bool = False
    socketio_path: str = "/socket.io"
    jwt_key: str | None = None
    jwt_method: str = "HS256"
    metadata_key: str = "metadata"

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON]) -> SocketIOSettings:
        """Read the section.

        Raises:
            SettingsError: A setting is unknown or of the wrong type.
        """
        types = {name: bool if name == "session_persistence" else str for name in cls.__slots__}
        for key, value in credentials.items():
            where = f"{place_of(credentials, key, _FILE)}: channel 'socketio': '{key}'"
            if key not in types:
                raise SettingsError(f"{where} is unknown{nearest(str(key), types)}")
            if value is not None and not isinstance(value, types[key]):
                raise SettingsError(f"{where} is {value!r}, expected a {types[key].__name__}")
        settings = cls(**{key: value for key, value in credentials.items() if value is not None})
        where = f"{place_of(credentials, 'jwt_method', _FILE)}: channel 'socketio': 'jwt_method'"
        check_method(settings.jwt_method, where)
        return settings


class SocketIO:
    """`user_uttered` in, `bot_uttered` out; `session_request` is answered with `session_confirm`.

    Any origin may connect, as with Rasa; whoever wants to know who connects sets `jwt_key`.
    """

    name = "socketio"

    def __init__(self, processor: MessageHandler, settings: SocketIOSettings) -> None:
        self._processor = processor
        self._settings = settings
        # An empty list leaves cross-origin headers to the server's own setting.
        self._server = socketio.AsyncServer(
            async_mode="asgi", cors_allowed_origins=[], max_http_buffer_size=MAX_FRAME_BYTES
        )
        for event, handler in (
            ("connect", self._connect),
            ("session_request", self._session_request),
            (settings.user_message_evt, self._user_message),
        ):
            self._server.on(event, handler, namespace=settings.namespace)

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON], parts: ChannelParts) -> SocketIO:
        """Build the channel from its section of `credentials.yml`."""
        return cls(parts.processor, SocketIOSettings.from_credentials(credentials))

    def router(self) -> APIRouter:
        """Return the status route; the connections themselves are served by `asgi_app`."""
        router = APIRouter(prefix="/webhooks/socketio")
        router.add_api_route("/", self._status, methods=["GET"])
        return router

    @property
    def path(self) -> str:
        """Where `asgi_app` is to be mounted."""
        return "/" + self._settings.socketio_path.strip("/")

    def asgi_app(self) -> ASGIApp:
        """Return what serves the connections."""
        app: ASGIApp = socketio.ASGIApp(self._server, socketio_path=None)
        return app

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Send each message to every connection of the conversation."""
        for utterance in utterances:
            for message in wire_messages(utterance):
                await self._emit(self._settings.bot_message_evt, message, room=sender_id)

    async def close(self) -> None:
        """Close all connections."""
        await self._server.shutdown()

    async def _status(self) -> dict[str, str]:
        return {"status": "ok"}

    async def _emit(self, event: str, data: JSON, *, room: str) -> None:
        await self._server.emit(event, data, room=room, namespace=self._settings.namespace)

    async def _connect(self, sid: str, _environ: Mapping[str, JSON], auth: JSON = None) -> bool:
        key = self._settings.jwt_key
        if key is None:
            return True
        token = auth.get("token") if isinstance(auth, Mapping) else None
        if isinstance(token, str) and read_claims(token, key, self._settings.jwt_method.upper()):
            return True
        _log.warning("connection refused, no valid token", channel=self.name, sid=sid)
        return False

    async def _session_request(self, sid: str, data: JSON = None) -> None:
        session_id = _session_id(data) or uuid.uuid4().hex
        if self._settings.session_persistence:
            await self._server.enter_room(sid, session_id, namespace=self._settings.namespace)
        await self._emit("session_confirm", session_id, room=sid)

    async def _user_message(self, sid: str, data: JSON = None) -> None:
        message = self._read_message(sid, data)
        if message is None:
            return
        try:
            utterances = await self._processor.handle(message)
        except Exception:  # noqa: BLE001  the rim: one bad turn must not end the connection
            _log.exception("message not answered", channel=self.name, sender_id=message.sender_id)
            return
        await self.push(message.sender_id, utterances)

    def _read_message(self, sid: str, data: JSON) -> UserMessage | None:
        """Return the message; None, with a word in the log, when there is nothing to handle."""
        sender_id = _session_id(data) if self._settings.session_persistence else sid
        text = data.get("message") if isinstance(data, Mapping) else None
        if sender_id is None:
            _log.warning("message passed over, it has no session_id", channel=self.name)
            return None
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT_CHARACTERS:
            _log.warning("message passed over, no text of a length that is allowed", channel=self.name)
            return None
        metadata = _metadata(data.get(self._settings.metadata_key))
        return UserMessage(clean(text).strip(), sender_id, self.name, metadata=metadata)


def wire_messages(utterance: BotUttered) -> Iterator[JSON]:
    """Render one utterance as Rasa's Socket.IO channel sends it: one message per part, in its order."""
    data = utterance.data
    parts = [part for part in (utterance.text or "").strip().split("\n\n") if part.strip()]
    buttons = data.get("quick_replies") or data.get("buttons")
    if buttons:
        # The buttons stand below the last part of the text.
        for index, part in enumerate(parts or [""], start=1):
            shown = _quick_replies(buttons) if index >= len(parts) else []
            yield {"text": part, "quick_replies": shown}
    else:
        yield from ({"text": part} for part in parts)
    if data.get("custom"):
        yield _custom(data["custom"])
    if data.get("image"):
        yield {"attachment": {"type": "image", "payload": {"src": data["image"]}}}
    if data.get("attachment"):
        yield {"attachment": data["attachment"]}
    for element in data.get("elements") or ():
        payload = {"template_type": "generic", "elements": element}
        yield {"attachment": {"type": "template", "payload": payload}}


def _quick_replies(buttons: Sequence[Mapping[str, JSON]]) -> list[JSON]:
    return [
        {"content_type": "text", "title": button.get("title"), "payload": button.get("payload")}
        for button in buttons
    ]


def _custom(custom: JSON) -> JSON:
    """Rasa sends what stands under `data`; a custom message without it, which Rasa loses, goes out whole."""
    return custom["data"] if isinstance(custom, Mapping) and "data" in custom else custom


def _session_id(data: JSON) -> str | None:
    found = data.get("session_id") if isinstance(data, Mapping) else None
    return found if isinstance(found, str) and 0 < len(found) <= MAX_ID_CHARACTERS else None


def _metadata(found: JSON) -> Mapping[str, JSON]:
    """Some clients send metadata as JSON in a string."""
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}
