"""The callback channel: messages come in as over REST, each answer goes out as a request to a URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import httpx
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from bot.channels.channel import ChannelParts, MessageHandler
from bot.channels.http_errors import refusal_response
from bot.channels.incoming import Refused
from bot.channels.rendering import render_all
from bot.channels.rest import read_message
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON
from bot.errors import ModelError, SettingsError
from bot.runtime.options import read_options

_log = structlog.get_logger(__name__)

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class CallbackSettings:
    """Where answers go; the rest is as in Rasa's endpoints."""

    url: str = ""
    headers: Mapping[str, JSON] = field(default_factory=dict)
    params: Mapping[str, JSON] = field(default_factory=dict)
    basic_auth: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    token: str | None = field(default=None, repr=False)
    token_name: str = "token"  # noqa: S105 - the name of a parameter

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise SettingsError(f"'url' is {self.url!r}, expected an http address")


class Callback:
    """`POST /webhooks/callback/webhook` answers "success" when the bot's messages have been delivered."""

    name = "callback"

    def __init__(self, processor: MessageHandler, client: httpx.AsyncClient, url: str) -> None:
        self._processor = processor
        self._client = client
        self._url = url

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON], parts: ChannelParts) -> Callback:
        """Build the channel; `url` is where answers go, the rest is as in Rasa's endpoints.

        Raises:
            SettingsError: There is no URL, or a setting is unknown.
        """
        settings = read_options(CallbackSettings, credentials, "callback", file="credentials.yml")
        auth = settings.basic_auth
        client = httpx.AsyncClient(
            timeout=TIMEOUT_S,
            headers={str(name): str(value) for name, value in settings.headers.items()},
            params={
                **settings.params,
                **({settings.token_name: settings.token} if settings.token else {}),
            },
            auth=(str(auth.get("username")), str(auth.get("password"))) if auth else None,
        )
        return cls(parts.processor, client, settings.url)

    def router(self) -> APIRouter:
        """Return the two routes."""
        router = APIRouter(prefix="/webhooks/callback")
        router.add_api_route("/", self._status, methods=["GET"])
        router.add_api_route("/webhook", self._webhook, methods=["POST"], response_model=None)
        return router

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Send each message by itself, in order; one that is not taken is logged and the next is sent."""
        for message in render_all(utterances):
            body = {"recipient_id": sender_id} | message.as_dict()
            try:
                response = await self._client.post(self._url, json=body)
                response.raise_for_status()
            except httpx.HTTPError as error:
                _log.error("message not delivered", channel=self.name, sender_id=sender_id, error=str(error))

    async def close(self) -> None:
        """Close open connections."""
        await self._client.aclose()

    async def _status(self) -> dict[str, str]:
        return {"status": "ok"}

    async def _webhook(self, request: Request) -> Response:
        try:
            # As in Rasa, metadata and another channel's name mean nothing here.
            message = replace(read_message(await request.body()), input_channel=self.name, metadata={})
            await self.push(message.sender_id, await self._processor.handle(message))
        except Refused as refused:
            return refusal_response(refused)
        except ModelError as error:
            return refusal_response(Refused(f"No model can answer: {error}", code=409, reason="Conflict"))
        return PlainTextResponse("success")
