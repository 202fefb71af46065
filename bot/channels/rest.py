"""The REST channel: Rasa's wire format, with a `message_id` of the client's that makes retries harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from bot.channels.channel import ChannelParts, MessageHandler
from bot.channels.http_errors import refusal_response
from bot.channels.incoming import Refused, own_message_id, read_id, read_mapping, read_object, read_text
from bot.channels.rendering import render_all
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, UserMessage
from bot.errors import ModelError, SettingsError

_log = structlog.get_logger(__name__)


class Rest:
    """`POST /webhooks/rest/webhook` answers with the bot's messages, `GET /webhooks/rest/` with "ok"."""

    name = "rest"

    def __init__(self, processor: MessageHandler) -> None:
        self._processor = processor

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON], parts: ChannelParts) -> Rest:
        """Build the channel; it has no settings.

        Raises:
            SettingsError: A setting is given.
        """
        if credentials:
            found = ", ".join(f"'{key}'" for key in credentials)
            raise SettingsError(f"credentials.yml: channel 'rest' has no settings, found {found}")
        return cls(parts.processor)

    def router(self) -> APIRouter:
        """Return the two routes."""
        router = APIRouter(prefix="/webhooks/rest")
        router.add_api_route("/", self._status, methods=["GET"])
        # A plain route (it takes no prefix): the body is read here, and FastAPI's work around it is as long.
        router.add_route(f"{router.prefix}/webhook", self._webhook, methods=["POST"])
        return router

    async def close(self) -> None:
        """Nothing stays open between requests."""

    async def _status(self) -> dict[str, str]:
        return {"status": "ok"}

    async def _webhook(self, request: Request) -> Response:
        try:
            message = read_message(await request.body())
            utterances = await self._answer(message)
        except Refused as refused:
            return refusal_response(refused)
        answer = _wire_form(utterances, message.sender_id)
        if request.query_params.get("stream", "").lower() == "true":
            return StreamingResponse(_lines(answer), media_type="text/event-stream")
        return JSONResponse(answer)

    async def _answer(self, message: UserMessage) -> Sequence[BotUttered]:
        try:
            return await self._processor.handle(message)
        except ModelError as error:
            raise Refused(f"No model can answer: {error}", code=409, reason="Conflict") from error
        except Exception as error:  # the rim: the caller gets an answer, whatever went wrong
            _log.exception("message not answered", sender_id=message.sender_id, message_id=message.message_id)
            text = "The message could not be answered. Send it again with the same message_id."
            raise Refused(text, code=500, reason="ConversationError") from error


def read_message(body: bytes) -> UserMessage:
    """Read `{sender, message, metadata?, input_channel?, message_id?}`; unknown fields are passed over.

    Raises:
        Refused: No JSON object, a field of the wrong type, no text or too much of it.
    """
    data = read_object(body)
    message = UserMessage(
        text=read_text(data, "message"),
        sender_id=read_id(data, "sender") or "default",
        input_channel=read_id(data, "input_channel") or Rest.name,
        metadata=read_mapping(data, "metadata"),
    )
    message_id = read_id(data, "message_id")
    if message_id is None:
        return message
    return replace(message, message_id=own_message_id(message.sender_id, message_id))


def _wire_form(utterances: Sequence[BotUttered], sender_id: str) -> list[dict[str, JSON]]:
    return [{"recipient_id": sender_id} | message.as_dict() for message in render_all(utterances)]


def _lines(answer: Sequence[dict[str, JSON]]) -> Iterator[str]:
    return (json.dumps(message) + "\n" for message in answer)
