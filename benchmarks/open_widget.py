"""One visitor with an open widget, as far as the protocol goes: load on widget and desk share her."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

JSON = Any  # a JSON value as it crosses a wire

ANSWER_LIMIT_S = 60
# One address begins all conversations here.
CREDENTIALS = "rest:\nweb_widget:\n  new_conversations_per_hour: 1000000\n"


@dataclass(frozen=True, slots=True)
class Door:
    """Where the widget of a server on this machine connects, and the origin of the page it stands on."""

    socket: str
    origin: str

    @classmethod
    def of(cls, port: int) -> Door:
        """Return the door of a server at a port."""
        return cls(f"ws://127.0.0.1:{port}/webhooks/web_widget/socket", f"http://127.0.0.1:{port}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one message: seconds to its first words, None without any, and until it was stored."""

    whole_s: float
    first_words_s: float | None
    is_error: bool


class OpenWidget:
    """A widget whose conversation has begun; it hears at any time what is said to the customer."""

    def __init__(self, line: ClientConnection, on_frame: Callable[[JSON], None] | None = None) -> None:
        self._line = line
        self._on_frame = on_frame
        self._frames: asyncio.Queue[JSON] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, door: Door, on_frame: Callable[[JSON], None] | None = None
    ) -> AsyncIterator[OpenWidget]:
        """Begin a new conversation; `on_frame` is called with every frame the moment it comes."""
        async with connect(door.socket, origin=door.origin, proxy=None) as line:  # type: ignore[arg-type]
            widget = cls(line, on_frame)
            reading = asyncio.create_task(widget._read())
            try:
                await line.send(json.dumps({"type": "hello", "conversation_id": uuid.uuid4().hex}))
                while (await widget._next())["type"] != "ready":
                    pass
                yield widget
            finally:
                reading.cancel()

    async def say(self, text: str) -> Answer:
        """Send a message and wait until its turn is over.

        Raises:
            TimeoutError: The server fell silent.
            ConnectionClosed: The server hung up.
        """
        while not self._frames.empty():
            self._frames.get_nowait()
        message_id = uuid.uuid4().hex
        frame = {"type": "message", "message_id": message_id, "text": text, "locale": "en"}
        sent = time.perf_counter()
        await self._line.send(json.dumps(frame))
        first_words_s: float | None = None
        while True:
            heard = await self._next()
            seconds = time.perf_counter() - sent
            if heard["type"] == "event" and heard["from"] == "assistant" and first_words_s is None:
                first_words_s = seconds
            is_over = heard["type"] == "ack" and heard["state"] == "stored"
            if is_over or heard["type"] == "error":
                return Answer(seconds, first_words_s, not is_over)

    async def _next(self) -> JSON:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            frame = await self._frames.get()
        if isinstance(frame, ConnectionClosed):
            raise frame
        return frame

    async def _read(self) -> None:
        try:
            async for raw in self._line:
                frame = json.loads(raw)
                if self._on_frame is not None:
                    self._on_frame(frame)
                self._frames.put_nowait(frame)
        except ConnectionClosed as closed:
            self._frames.put_nowait(closed)
