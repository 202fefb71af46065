"""Channels of a project's own that were written for Rasa: an `InputChannel` with a Sanic blueprint."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.types import ASGIApp, Message

from bot.channels.channel import ChannelParts
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, ParseResult, UserMessage
from bot.written_for_rasa import channels as theirs
from bot.written_for_rasa.imports import NoOwnClass, own_class


class RasasChannel:
    """Such a channel; its blueprint runs in Sanic, inside this server, at Rasa's address for it."""

    def __init__(self, made: Any, parts: ChannelParts) -> None:
        from sanic import Sanic  # noqa: PLC0415 - most of a second where nobody uses it

        self.name = str(made.name())
        self.path = f"/webhooks/{str(made.url_prefix()).strip('/')}"
        self._processor = parts.processor
        self._app = Sanic(f"channel-{uuid.uuid4().hex}", configure_logging=False)
        self._app.config.MOTD = False
        self._app.blueprint(made.blueprint(self._take), url_prefix=self.path)
        self._lifespan = _Lifespan(self._app)

    def router(self) -> APIRouter:
        """Return no routes: the blueprint has them."""
        return APIRouter()

    def asgi_app(self) -> ASGIApp:
        """Return the application of the blueprint."""
        return self._app

    async def start(self) -> None:
        """Let the blueprint's listeners begin."""
        await self._lifespan.start()

    async def close(self) -> None:
        """Let the blueprint's listeners end."""
        await self._lifespan.close()

    async def _take(self, message: theirs.UserMessage) -> None:
        said = await self._processor.handle(_read(message, self.name))
        await send(message.output_channel, message.sender_id, said)


class PushingRasasChannel(RasasChannel):
    """One that can also write to customers who have not just asked (`get_output_channel`)."""

    def __init__(self, made: Any, parts: ChannelParts) -> None:
        super().__init__(made, parts)
        self._made = made

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Send what was said."""
        await send(self._made.get_output_channel(), sender_id, utterances)


def make(path: str, credentials: Mapping[str, JSON], parts: ChannelParts) -> RasasChannel:
    """Build the channel whose class stands at a Python path.

    Raises:
        AbsentCode: Its module is not here.
        NoOwnClass: It is no such channel, or it refuses its settings.
    """
    made_of = own_class(path)
    if not issubclass(made_of, theirs.InputChannel):
        raise NoOwnClass(f"'{path}' is no InputChannel of rasa.core.channels.channel")
    # A rim: own code fails in every way there is.
    try:
        made = made_of.from_credentials(dict(credentials) or None)
        can_push = made.get_output_channel() is not None
        return (PushingRasasChannel if can_push else RasasChannel)(made, parts)
    except Exception as error:
        raise NoOwnClass(f"channel '{path}' does not start: {error or type(error).__name__}") from error


async def send(channel: Any, recipient_id: str, utterances: Sequence[BotUttered]) -> None:
    """Send each utterance as Rasa's `BotUttered.message` gives it."""
    for said in utterances:
        message = {**said.data, "text": said.text, "timestamp": said.timestamp, **said.metadata}
        await channel.send_response(recipient_id, message)


def _read(message: theirs.UserMessage, channel: str) -> UserMessage:
    return UserMessage(
        message.text or "",
        message.sender_id,
        message.input_channel or channel,
        message_id=message.message_id,
        metadata=message.metadata or {},
        parse_data=ParseResult.from_dict(message.parse_data) if message.parse_data else None,
    )


class _Lifespan:
    """The begin and the end of an ASGI application, as its server tells it of them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._running = asyncio.create_task(self._run())
        await self._tell("lifespan.startup")

    async def close(self) -> None:
        if self._running is not None:
            await self._tell("lifespan.shutdown")
            await self._running
            self._running = None

    async def _run(self) -> None:
        await self._app({"type": "lifespan", "asgi": {"version": "3.0"}}, self._told.get, self._answers.put)

    async def _tell(self, what: str) -> None:
        await self._told.put({"type": what})
        answer = await self._answers.get()
        if answer["type"].endswith("failed"):
            raise RuntimeError(f"a channel of the project's own failed: {answer.get('message')}")
