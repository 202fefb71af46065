"""A running widget channel, and how a test talks to it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import uvicorn
import websockets
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection

from bot.channels.web_widget.identity import Visitor
from bot.channels.web_widget.widget import WebWidget
from bot.dialogue.messages import JSON
from bot.server.middleware import MAX_BODY_BYTES
from tests.channels.scripted import ScriptedProcessor

CONVERSATION = "c" * 32
SENDER = Visitor(CONVERSATION).own_sender_id
OTHER = "d" * 32
M1, M2 = "1" * 32, "2" * 32


class Door:
    """A running server with nothing but the widget's channel."""

    def __init__(self, channel: WebWidget, port: int) -> None:
        self.channel = channel
        self.host = f"127.0.0.1:{port}"

    @asynccontextmanager
    async def socket(
        self, *, origin: str | None = None, forwarded_for: str | None = None
    ) -> AsyncIterator[ClientConnection]:
        """Open a socket, from our own page unless an origin is named; a proxy may name an address."""
        url = f"ws://{self.host}/webhooks/web_widget/socket"
        headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
        connecting = websockets.connect(
            url,
            origin=origin or f"http://{self.host}",  # type: ignore[arg-type]
            additional_headers=headers,
            proxy=None,
        )
        async with connecting as line:
            yield line

    @asynccontextmanager
    async def widget(
        self,
        *,
        last_sequence: int = 0,
        secret: str = CONVERSATION,
        customer: Mapping[str, JSON] | None = None,
    ) -> AsyncIterator[tuple[ClientConnection, list[JSON]]]:
        """Open a socket, say hello, and give what comes up to `ready`."""
        hello = {"type": "hello", "conversation_id": secret, "last_sequence": last_sequence}
        async with self.socket() as line:
            await say(line, **hello, **({"customer": customer} if customer else {}))
            yield line, await frames_until(line, "ready")

    def client(self) -> httpx.AsyncClient:
        """Return a client for the channel's files."""
        return httpx.AsyncClient(base_url=f"http://{self.host}/webhooks/web_widget/files/")


@asynccontextmanager
async def serving(
    processor: ScriptedProcessor, settings: Mapping[str, JSON] | None = None
) -> AsyncIterator[Door]:
    """Run a server around a processor, in this event loop."""
    app = FastAPI()
    channel = WebWidget.from_credentials(settings or {}, processor.parts())
    channel.watch._every_s = 0.01
    app.include_router(channel.router())
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2, ws_max_size=MAX_BODY_BYTES)
        )
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield Door(channel, listening.getsockname()[1])
        finally:
            await channel.close()
            server.should_exit = True
            await running


async def say(line: ClientConnection, **frame: JSON) -> None:
    """Send one frame."""
    await line.send(json.dumps(frame))


async def hear(line: ClientConnection) -> JSON:
    """Receive one frame."""
    async with asyncio.timeout(60):
        return json.loads(await line.recv())


async def frames_until(line: ClientConnection, kind: str, **expected: JSON) -> list[JSON]:
    """Receive frames up to and including one of a kind."""
    frames = []
    while True:
        frames.append(await hear(line))
        if frames[-1]["type"] == kind and expected.items() <= frames[-1].items():
            return frames


def said(frames: list[JSON]) -> list[str]:
    """Return who said what in a list of frames."""
    return [
        f"{frame['from']}: {message['text']}"
        for frame in frames
        if frame["type"] in ("event", "notice")
        for message in frame["messages"]
    ]
