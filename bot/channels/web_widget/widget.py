"""The web widget's door: one WebSocket per open page, and files over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from bot.channels.attachments import METADATA_KEY, StoredFile, text_beside
from bot.channels.channel import ChannelParts
from bot.channels.incoming import Refused
from bot.channels.web_widget.address import Addresses
from bot.channels.web_widget.conversations import Conversation, Conversations, Listener
from bot.channels.web_widget.files import FileDoor
from bot.channels.web_widget.frames import CustomerMessage, Hello, Ping, message_id_of, read_frame
from bot.channels.web_widget.identity import CHANNEL, Admission, Doorkeeper, Visitor
from bot.channels.web_widget.line import POLICY_VIOLATION, TRY_AGAIN_LATER, Line
from bot.channels.web_widget.rate_limit import RateLimit
from bot.channels.web_widget.records import LeftMessage, Rating
from bot.channels.web_widget.settings import WidgetSettings
from bot.channels.web_widget.shown import (
    PONG,
    RESET,
    SIGNED_OUT,
    ack_frame,
    error_frame,
    ready_frame,
    standing_frame,
)
from bot.channels.web_widget.watch import Watch
from bot.dialogue.events import BotUttered
from bot.dialogue.intent_payload import FILE_INTENT
from bot.dialogue.messages import JSON, UserMessage

_log = structlog.get_logger(__name__)

MAX_CONNECTIONS_PER_CONVERSATION = 8
MAX_BAD_FRAMES = 20
_CONTACT = ("name", "email", "phone")


@dataclass(slots=True)
class Visit:
    """One open page: its line, its conversation, who has come; `is_new` until the conversation has begun."""

    line: Line
    conversation: Conversation
    listener: Listener
    visitor: Visitor
    admission: Admission
    address: str
    is_new: bool = True

    @property
    def metadata(self) -> dict[str, JSON]:
        """What a message says about its customer: the proven account, and what the page only claims."""
        claimed = {key: value for key, value in self.visitor.customer.items() if key != "identifier_hash"}
        proven = {"account_id": self.admission.account_id} if self.admission.account_id else {}
        return proven | ({"claimed_customer": claimed} if claimed else {})


class WebWidget:
    """`WS /webhooks/web_widget/socket`; a line that says nothing for `idle_s` seconds is closed."""

    name = CHANNEL

    def __init__(self, parts: ChannelParts, settings: WidgetSettings, *, idle_s: float = 90.0) -> None:
        self._parts = parts
        self._settings = settings
        self._idle_s = idle_s
        self.conversations = Conversations(parts)
        self.watch = Watch(
            self.conversations,
            parts.records,
            parts.records.read_hours(settings.opening_hours),
            has_model=parts.has_model,
            assistant_outside_hours=settings.assistant_outside_hours,
        )
        self._doorkeeper = Doorkeeper(settings, parts.records, parts.identities)
        self._addresses = Addresses()
        self._files = FileDoor(parts.files, settings, self._doorkeeper, self._addresses)
        self._rate_limit = RateLimit(burst=settings.burst, per_minute=settings.messages_per_minute)
        per_hour = settings.new_conversations_per_hour
        self._new_limit = RateLimit(burst=per_hour, per_minute=per_hour / 60)

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON], parts: ChannelParts) -> WebWidget:
        """Build the channel from its section of `credentials.yml`."""
        return cls(parts, WidgetSettings.from_credentials(credentials))

    @property
    def largest_body(self) -> tuple[str, int]:
        """Below which path a request's body may be large, and how many bytes."""
        return f"/webhooks/{self.name}/files/", self._parts.files.max_bytes

    def router(self) -> APIRouter:
        """Return the socket, the files and the status route."""
        router = APIRouter(prefix=f"/webhooks/{self.name}")
        router.add_api_route("/", self._status, methods=["GET"])
        router.add_api_websocket_route("/socket", self._serve)
        self._files.add_routes(router)
        return router

    async def notify(self, sender_id: str) -> None:
        """Show an open widget what was added to its conversation from elsewhere."""
        await self.conversations.notify(sender_id)

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:  # noqa: ARG002
        """Show it where the widget is open; it is in the transcript for those who come later."""
        await self.notify(sender_id)

    async def close(self) -> None:
        """Finish the turns under way; the server closes the sockets."""
        await self.watch.close()
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
        line = Line(socket)
        try:
            async with asyncio.timeout(self._idle_s):
                hello = await line.read_hello()
            await self._welcome(line, hello, self._addresses.of(socket))
        except (WebSocketDisconnect, TimeoutError):
            await line.close()
        except Refused as refused:
            _log.warning("line refused", channel=self.name, reason=refused.reason)
            await line.send(SIGNED_OUT if refused.reason == "SignedOut" else error_frame(refused))
            await line.close(TRY_AGAIN_LATER if refused.code == 503 else POLICY_VIOLATION)

    async def _welcome(self, line: Line, hello: Hello, address: str) -> None:
        admission = await self._doorkeeper.admit(hello.visitor)
        listener = Listener(line, hello.last_sequence)
        conversation = self.conversations.join(admission.sender_id, listener)
        visit = Visit(line, conversation, listener, hello.visitor, admission, address)
        self.watch.begin()
        try:
            if len(conversation.listeners) > MAX_CONNECTIONS_PER_CONVERSATION:
                raise Refused("The conversation is open in too many places.", reason="TooManyConnections")
            await self._greet(visit)
            await self._listen(visit)
        finally:
            self.conversations.leave(conversation, listener)

    async def _greet(self, visit: Visit) -> None:
        """Send what was missed.

        Raises:
            Refused: The store cannot say, and the widget is to come again later.
        """
        line, conversation, listener = visit.line, visit.conversation, visit.listener
        try:
            if await conversation.rewind_if_forgotten(listener):
                await line.send(RESET)
            await conversation.catch_up(listener)
            await self.watch.look_at(conversation)
        except Exception as error:
            _log.exception("transcript not readable", sender_id=conversation.sender_id)
            text = "The conversation cannot be read right now."
            raise Refused(text, code=503, reason="Unavailable") from error
        visit.is_new = listener.cursor == 0
        await line.send(standing_frame(conversation.standing, conversation.service))
        await line.send(ready_frame(listener.cursor, typing=conversation.is_busy, files=self._parts.files))
        if visit.admission.is_claim_refused:
            await line.send(
                error_frame(Refused("The customer's identity is not proven.", reason="IdentityRefused"))
            )

    async def _listen(self, visit: Visit) -> None:
        bad_frames = 0
        while bad_frames < MAX_BAD_FRAMES:
            async with asyncio.timeout(self._idle_s):
                raw = await visit.line.receive()
            try:
                await self._take(visit, raw)
            except Refused as refused:
                bad_frames += refused.reason != "RateLimited"
                sender_id = visit.conversation.sender_id
                _log.warning("frame refused", channel=self.name, sender_id=sender_id, reason=refused.reason)
                await visit.line.send(error_frame(refused, message_id_of(raw)))
        raise Refused("Too many frames that make no sense.", reason="TooManyErrors")

    async def _take(self, visit: Visit, raw: str | bytes) -> None:
        match read_frame(raw):
            case Ping():
                await visit.line.send(PONG)
            case CustomerMessage() as message:
                self._check_rate(visit)
                await visit.conversation.submit(await self._user_message(visit, message))
                visit.is_new = False
            case Rating() as rating:
                self._check_rate(visit)
                if visit.is_new:
                    raise Refused("There is nothing to rate yet.", reason="NothingToRate")
                await self._parts.records.keep_rating(visit.conversation.sender_id, rating)
                await visit.line.send(ack_frame(rating.key, stored=True))
            case LeftMessage() as left:
                self._check_rate(visit)
                ticket = await self._parts.records.open_ticket(visit.conversation.sender_id, left)
                await visit.line.send(ack_frame(left.key, stored=True, ticket=ticket))
            case Hello():
                raise Refused("'hello' was already said.")

    async def _user_message(self, visit: Visit, message: CustomerMessage) -> UserMessage:
        sender_id = visit.conversation.sender_id
        files = [await self._own_file(sender_id, file_id) for file_id in message.attachments]
        metadata = {**visit.metadata, **message.metadata}
        if files:
            metadata[METADATA_KEY] = [file.as_dict() for file in files]
        if message.pre_chat:
            metadata["pre_chat"] = message.pre_chat
            await self._note_contact(sender_id, message.pre_chat)
        return UserMessage(
            text=text_beside(files, message.text, knows_files=self._parts.knows_intent(FILE_INTENT)),
            sender_id=sender_id,
            input_channel=self.name,
            message_id=message.message_id,
            metadata=metadata,
        )

    async def _own_file(self, sender_id: str, file_id: str) -> StoredFile:
        found = await self._parts.files.find(self.name, sender_id, file_id)
        if found is None:
            raise Refused("There is no such file in this conversation.", code=404, reason="UnknownFile")
        return found[0]

    async def _note_contact(self, sender_id: str, answers: Mapping[str, str]) -> None:
        """Write down how to reach the customer; her message goes on where that fails."""
        contact = {key: answers[key] for key in _CONTACT if key in answers}
        if not contact:
            return
        try:
            await self._parts.records.note_contact(sender_id, contact)
        except Refused:
            _log.exception("contact not noted", sender_id=sender_id)

    def _check_rate(self, visit: Visit) -> None:
        wait_s = self._rate_limit.wait_s(visit.conversation.sender_id)
        if wait_s == 0 and visit.is_new:
            wait_s = self._new_limit.wait_s(visit.address)
        if wait_s > 0:
            text = f"Too many messages, the next one in {wait_s:.1f} s."
            raise Refused(text, code=429, reason="RateLimited", details={"retry_after_s": round(wait_s, 1)})
