"""A real server in the event loop of the test, so that both share what they wait for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from bot.channels.channel import ChannelParts
from bot.dialogue.messages import JSON
from bot.server.app import create_app
from bot.server.parts import ServerParts
from tests.server.factories import NamedModel, SwitchedStore


def application(parts: ChannelParts, credentials: Mapping[str, JSON]) -> FastAPI:
    """Return the product's application with these channels."""
    return create_app(ServerParts(parts, NamedModel(), SwitchedStore()), credentials)


@asynccontextmanager
async def served(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on a free port, and give its address."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        config = uvicorn.Config(app, log_config=None, log_level="error", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def until(condition: object, what: str) -> None:
    """Give way to everything else in the loop until `condition()` is true."""
    assert callable(condition)
    for _ in range(20_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"never happened: {what}")
