"""The Telegram channel: updates come in by a webhook or are asked for, answers go out through the queue."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from telegram.error import TelegramError

from bot.channels.button_marks import with_payload
from bot.channels.channel import ChannelParts
from bot.channels.http_errors import refusal_response
from bot.channels.incoming import Refused, read_object
from bot.channels.received_files import with_files
from bot.channels.telegram.api import BotApi
from bot.channels.telegram.connection import Connection
from bot.channels.telegram.files import ALBUM_KEY, album
from bot.channels.telegram.reception import Reception
from bot.channels.telegram.rendering import calls
from bot.channels.telegram.settings import WEBHOOK_PATH, TelegramSettings
from bot.channels.telegram.updates import NAME
from bot.delivery.peer import Outgoing, Undeliverable
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, UserMessage
from bot.runtime.tracker_store import StoreUnavailable

_log = structlog.get_logger(__name__)

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the name of a header
# Telegram shows "typing…" for five seconds.
TYPING_EVERY_S = 4.0


class Telegram:
    """A conversation is a private chat; its `sender_id` is the chat's number."""

    name = NAME

    def __init__(self, settings: TelegramSettings, api: BotApi, parts: ChannelParts) -> None:
        self._settings = settings
        self._api = api
        self._parts = parts
        self._reception = Reception(api, settings, parts)
        self._connection = Connection(api, settings, self._reception.take)

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON], parts: ChannelParts) -> Telegram:
        """Build the channel from its section of `credentials.yml`.

        Raises:
            SettingsError: A setting is wrong, or a secret is missing.
        """
        settings = TelegramSettings.from_credentials(credentials)
        return cls(settings, BotApi(settings), parts)

    @property
    def most_per_s(self) -> float:
        """How many messages Telegram takes in a second."""
        return self._settings.messages_per_second

    def router(self) -> APIRouter:
        """Return the status route, and the webhook where there is one."""
        router = APIRouter()
        router.add_api_route("/webhooks/telegram/", self._status, methods=["GET"])
        if self._settings.webhook_url is not None:
            router.add_api_route(WEBHOOK_PATH, self._webhook, methods=["POST"], response_model=None)
        return router

    async def start(self) -> None:
        """Tell Telegram how updates are to come, again and again until it listens."""
        self._connection.open()

    async def close(self) -> None:
        """Take no more updates, and close all connections."""
        await self._connection.close()
        await self._reception.close()
        await self._api.close()

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Queue what nobody has just asked for, after all that was said before."""
        await self._parts.outbox.put(self.name, sender_id, utterances)

    def render(
        self,
        utterance: BotUttered,
        answers: UserMessage | None,  # noqa: ARG002 (the seam's signature)
    ) -> Sequence[Mapping[str, JSON]]:
        """Return the calls that show an utterance."""
        return calls(utterance)

    async def send(self, outgoing: Outgoing) -> str | None:
        """Make one call, and return the number of the message in its chat.

        Raises:
            RetryLater: Not now.
            Undeliverable: Never.
        """
        if not outgoing.sender_id.lstrip("-").isdecimal():
            raise Undeliverable(f"{outgoing.sender_id!r} is no chat of Telegram's")
        return await self._api.send(outgoing.sender_id, outgoing.payload)

    @asynccontextmanager
    async def working(self, message: UserMessage) -> AsyncIterator[None]:
        """Show "typing…" while the block runs."""
        typing = asyncio.create_task(self._type(message.sender_id))
        try:
            yield
        finally:
            typing.cancel()
            # Whatever became of the dots is no matter of the turn's.
            await asyncio.gather(typing, return_exceptions=True)

    def part_of(self, message: UserMessage) -> str | None:
        """Name the album that a picture belongs to."""
        name = message.metadata.get(ALBUM_KEY)
        return str(name) if name else None

    def gather(self, parts: Sequence[UserMessage]) -> UserMessage:
        """Put an album together."""
        return album(parts)

    async def complete(self, message: UserMessage) -> UserMessage:
        """Fetch the message's files, and the payload of a button that was too long to travel with it."""
        message = await with_payload(message, self._parts.transcript)
        return await with_files(message, self._parts, self._api.fetch)

    async def _type(self, chat_id: str) -> None:
        """Show it until cancelled; where that fails the answer comes without."""
        with suppress(TelegramError):
            while True:
                await self._api.show_typing(chat_id)
                await asyncio.sleep(TYPING_EVERY_S)

    async def _status(self) -> dict[str, str]:
        return {"status": "ok"}

    async def _webhook(self, request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), (self._settings.secret_token or "").encode()):
            _log.warning("update refused, its secret token is wrong", channel=self.name)
            text = "The secret token is missing or wrong."
            return refusal_response(Refused(text, code=403, reason="NotAuthorized"))
        try:
            await self._reception.take(read_object(await request.body()))
        except StoreUnavailable as error:
            _log.warning("update not stored, it comes again", channel=self.name, error=str(error))
            return refusal_response(Refused("Try again later.", code=503, reason="Unavailable"))
        return JSONResponse({})
