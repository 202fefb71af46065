"""The Slack channel: events come in by signed requests or over a socket, answers go out through the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_sdk.signature import SignatureVerifier

from bot.channels.channel import ChannelParts
from bot.channels.http_errors import refusal_response
from bot.channels.incoming import Refused
from bot.channels.slack.api import SlackApi
from bot.channels.slack.bolt import bolt_app
from bot.channels.slack.events import NAME
from bot.channels.slack.place import Place, place_of
from bot.channels.slack.reception import Reception
from bot.channels.slack.rendering import messages
from bot.channels.slack.settings import SlackSettings
from bot.delivery.peer import Outgoing, RetryLater, Undeliverable
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, UserMessage

_log = structlog.get_logger(__name__)

_LONGEST_PAUSE_S = 60.0


class Slack:
    """A conversation is somebody's direct messages, or what she says in one thread of a channel."""

    name = NAME

    def __init__(self, settings: SlackSettings, api: SlackApi, parts: ChannelParts) -> None:
        self._settings = settings
        self.api = api
        self._outbox = parts.outbox
        self._reception = Reception(api, settings, parts)
        self._app = bolt_app(self._reception, api.client)
        self._socket: AsyncSocketModeHandler | None = None
        self._opening: asyncio.Task[None] | None = None

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON], parts: ChannelParts) -> Slack:
        """Build the channel from its section of `credentials.yml`.

        Raises:
            SettingsError: A setting is wrong, or a secret is missing.
        """
        settings = SlackSettings.from_credentials(credentials)
        return cls(settings, SlackApi(settings), parts)

    def router(self) -> APIRouter:
        """Return the status route, and the one for events where Slack posts them."""
        router = APIRouter(prefix="/webhooks/slack")
        router.add_api_route("/", self._status, methods=["GET"])
        if not self._settings.uses_socket:
            router.add_api_route("/webhook", self._webhook, methods=["POST"], response_model=None)
        return router

    async def start(self) -> None:
        """Ask Slack who we are, and open the socket where there is one; again and again until it answers."""
        self._opening = asyncio.create_task(self._open())

    async def close(self) -> None:
        """Take no more events, and close all connections."""
        if self._opening is not None:
            self._opening.cancel()
            with suppress(asyncio.CancelledError):
                await self._opening
        if self._socket is not None:
            await self._socket.close_async()  # type: ignore[no-untyped-call] # the library's
        await self.api.close()

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Queue what nobody has just asked for, after all that was said before."""
        await self._outbox.put(self.name, sender_id, utterances)

    def render(self, utterance: BotUttered, answers: UserMessage | None) -> Sequence[Mapping[str, JSON]]:
        """Return the messages that show an utterance, where the one that it answers came from."""
        place = (answers.metadata.get(NAME) if answers else None) or {}
        where = {key: place.get(key) for key in ("channel", "thread_ts")} if place.get("channel") else {}
        return [
            {**where, "message": message, "said_at": utterance.timestamp} for message in messages(utterance)
        ]

    async def send(self, outgoing: Outgoing) -> str | None:
        """Post one message, and return its `ts`.

        Raises:
            RetryLater: Not now.
            Undeliverable: Never.
        """
        return await self.api.post(_place(outgoing), outgoing.payload["message"], outgoing.key)

    async def find_sent(self, outgoing: Outgoing) -> str | None:
        """Look in Slack's history for the message, by the key in its metadata.

        Raises:
            RetryLater: Slack cannot be asked now.
        """
        message = outgoing.payload["message"]
        place = _place(outgoing)
        if "channel" in message:
            place = Place(str(message["channel"]), None)
        if "thread_ts" in message:
            place = replace(place, thread_ts=str(message["thread_ts"]))
        return await self.api.find(place, outgoing.key, float(outgoing.payload["said_at"]))

    async def complete(self, message: UserMessage) -> UserMessage:
        """Ask Slack who wrote the message and who is named in it, and fetch its files."""
        return await self._reception.complete(message)

    async def _open(self) -> None:
        pause_s = 1.0
        while self._reception.bot_id is None:
            try:
                self._reception.bot_id = await self.api.own_id()
            except RetryLater as error:
                wait_s = error.after_s or pause_s
                _log.warning("Slack not reached, trying again", error=error.reason, pause_s=wait_s)
                await asyncio.sleep(wait_s)
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
        _log.info("app known to Slack", channel=NAME, bot=self._reception.bot_id)
        if self._settings.uses_socket:
            self._socket = AsyncSocketModeHandler(
                self._app,
                self._settings.slack_app_token,
                web_client=self.api.client,
                proxy=self._settings.proxy,
            )
            await self._socket.connect_async()  # type: ignore[no-untyped-call] # the library's
            _log.info("socket open", channel=NAME)

    async def _status(self) -> dict[str, str]:
        return {"status": "ok"}

    async def _webhook(self, request: Request) -> Response:
        body = await request.body()
        if not self._is_signed(body, request):
            _log.warning("request refused, its signature is wrong or old", channel=NAME)
            text = "The signature is missing, wrong, or older than five minutes."
            return refusal_response(Refused(text, code=401, reason="NotAuthenticated"))
        again = request.headers.get("x-slack-retry-num")
        if again:
            _log.info(
                "redelivery", channel=NAME, number=again, why=request.headers.get("x-slack-retry-reason")
            )
        try:
            asked = to_async_bolt_request(request, body)
            is_known = bool(asked.body.get("type"))
        except (ValueError, TypeError, KeyError, AttributeError):
            # The library looks into what it has not checked.
            is_known = False
        if not is_known:
            return refusal_response(Refused("The request is neither an event nor an interaction."))
        return to_starlette_response(await self._app.async_dispatch(asked))

    def _is_signed(self, body: bytes, request: Request) -> bool:
        """Whether Slack signed these very bytes within the last five minutes."""
        verifier = SignatureVerifier(self._settings.slack_signing_secret or "")
        signature = request.headers.get("x-slack-signature", "")
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        try:
            return signature.isascii() and verifier.is_valid(body, timestamp, signature)
        except ValueError:
            # The time is no number, or the bytes are no text: the library expects both.
            return False


def _place(outgoing: Outgoing) -> Place:
    payload = outgoing.payload
    if payload.get("channel"):
        return Place(str(payload["channel"]), payload.get("thread_ts"))
    found = place_of(outgoing.sender_id)
    if found is None:
        raise Undeliverable(f"{outgoing.sender_id!r} is no conversation on Slack")
    return found
