"""The web widget's door: one WebSocket per open page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from bot.channels.channel import ChannelParts
from bot.channels.incoming import Refused
from bot.channels.web_widget.conversations import Conversation, Conversations, Listener
from bot.channels.web_widget.frames import (
    CustomerMessage,
    Frame,
    Hello,
    Ping,
    error_frame,
    message_id_of,
    read_frame,
    ready_frame,
)
from bot.channels.web_widget.rate_limit import RateLimit
from bot.channels.web_widget.settings import WidgetSettings
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, UserMessage

_log = structlog.get_logger(__name__)

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
MAX_CONNECTIONS_PER_CONVERSATION = 8
MAX_BAD_FRAMES = 20
SLOWEST_SEND_S = 10.0


class WebWidget:
    """`WS /webhooks/web_widget/socket`; a line that says nothing for `idle_s` seconds is closed."""

    name = "web_widget"

    def __init__(self, parts: ChannelParts, settings: WidgetSettings, *, idle_s: float = 90.0) -> None:
        self._settings = settings
        self._idle_s = idle_s
        self.conversations = Conversations(parts)
        self._rate_limit = RateLimit(burst=settings.burst, per_minute=settings.messages_per_minute)

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON], parts: ChannelParts) -> WebWidget:
        """Build the channel from its section of `credentials.yml`."""
        return cls(parts, WidgetSettings.from_credentials(credentials))

    def router(self) -> APIRouter:
        """Return the socket and the status route."""
        router = APIRouter(prefix="/webhooks/web_widget")
        router.add_api_route("/", self._status, methods=["GET"])
        router.add_api_websocket_route("/socket", self._serve)
        return router

    async def notify(self, sender_id: str) -> None:
        """Show an open widget what was added to its conversation from elsewhere."""
        await self.conversations.notify(sender_id)

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:  # noqa: ARG002
        """Show it where the widget is open; it is in the transcript for those who come later."""
        await self.notify(sender_id)

    async def close(self) -> None:
        """Finish the turns under way; the server closes the sockets."""
        await self.conversations.close()

    async def _status(self) -> dict[str, str]:
        return {"status": "ok"}

    async def _serve(self, socket: WebSocket) -> None:
        origin, host = socket.headers.get("origin"), socket.headers.get("host")
        if not self._settings.allows(origin, host):
            _log.warning("origin refused", channel=self.name, origin=origin)
            await socket.close(POLICY_VIOLATION)
            return
        await socket.accept()
        line = _Line(socket)
        try:
            async with asyncio.timeout(self._idle_s):
                hello = await line.read_hello()
            await self._talk(line, hello)
        except (WebSocketDisconnect, TimeoutError):
            await line.close()
        except Refused as refused:
            await line.send(error_frame(refused))
            await line.close(POLICY_VIOLATION)

    async def _talk(self, line: _Line, hello: Hello) -> None:
        listener = Listener(line, hello.last_sequence)
        conversation = self.conversations.join(hello.conversation_id, listener)
        try:
            if len(conversation.listeners) > MAX_CONNECTIONS_PER_CONVERSATION:
                raise Refused("The conversation is open in too many places.", reason="TooManyConnections")
            if await self._greet(line, conversation, listener):
                await self._listen(line, conversation)
            else:
                await line.close(TRY_AGAIN_LATER)
        finally:
            self.conversations.leave(conversation, listener)

    async def _greet(self, line: _Line, conversation: Conversation, listener: Listener) -> bool:
        """Send what was missed; False when the store cannot say, and the widget is to come again later."""
        try:
            if await conversation.rewind_if_forgotten(listener):
                await line.send({"type": "reset"})
            await conversation.catch_up(listener)
        except Exception:  # noqa: BLE001  the rim: whatever ails the store, the widget tries again by itself
            _log.exception("transcript not readable", sender_id=conversation.sender_id)
            await line.send(error_frame(_UNAVAILABLE))
            return False
        await line.send(ready_frame(listener.cursor, typing=conversation.is_busy))
        return True

    async def _listen(self, line: _Line, conversation: Conversation) -> None:
        bad_frames = 0
        while bad_frames < MAX_BAD_FRAMES:
            async with asyncio.timeout(self._idle_s):
                raw = await line.receive()
            try:
                await self._take(line, conversation, raw)
            except Refused as refused:
                bad_frames += refused.reason != "RateLimited"
                await line.send(error_frame(refused, message_id_of(raw)))
        raise Refused("Too many frames that make no sense.", reason="TooManyErrors")

    async def _take(self, line: _Line, conversation: Conversation, raw: str | bytes) -> None:
        match read_frame(raw):
            case Ping():
                await line.send({"type": "pong"})
            case CustomerMessage() as message:
                self._check_rate(conversation.sender_id)
                await conversation.submit(self._user_message(conversation.sender_id, message))
            case Hello():
                raise Refused("'hello' was already said.")

    def _user_message(self, sender_id: str, message: CustomerMessage) -> UserMessage:
        return UserMessage(
            text=message.text,
            sender_id=sender_id,
            input_channel=self.name,
            message_id=message.message_id,
            metadata=message.metadata,
        )

    def _check_rate(self, sender_id: str) -> None:
        wait_s = self._rate_limit.wait_s(sender_id)
        if wait_s > 0:
            text = f"Too many messages, the next one in {wait_s:.1f} s."
            raise Refused(text, code=429, reason="RateLimited", details={"retry_after_s": round(wait_s, 1)})


class _Line:
    """A WebSocket that can be written to without caring whether the other end is still there."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._is_open = True
        self._writing = asyncio.Lock()

    async def send(self, frame: Frame) -> None:
        async with self._writing:
            if not self._is_open:
                return
            try:
                async with asyncio.timeout(SLOWEST_SEND_S):
                    await self._socket.send_text(json.dumps(frame, ensure_ascii=False))
            except (WebSocketDisconnect, RuntimeError, TimeoutError):
                # RuntimeError is Starlette's word for "already closed"; the reader ends by itself.
                self._is_open = False

    async def receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            self._is_open = False
            raise WebSocketDisconnect(message.get("code", 1005))
        return message.get("text") or message.get("bytes") or ""

    async def read_hello(self) -> Hello:
        frame = read_frame(await self.receive())
        if not isinstance(frame, Hello):
            raise Refused("The first frame must be 'hello'.")
        return frame

    async def close(self, code: int = 1000) -> None:
        async with self._writing:
            if self._is_open:
                self._is_open = False
                await self._socket.close(code)


_UNAVAILABLE = Refused("The conversation cannot be read right now.", code=503, reason="Unavailable")
