"""A whole application around a scripted processor, and a real server for it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping

import uvicorn
from fastapi import FastAPI

from bot.dialogue.messages import JSON
from bot.server.app import create_app, server
from bot.server.parts import ServerParts, nothing_to_close
from tests.channels.scripted import ScriptedProcessor

CREDENTIALS: Mapping[str, JSON] = {"rest": None, "web_widget": None}


class NamedModel:
    """A name for a model; without a `model_id` there is none."""

    model_file = "models/keyword"

    def __init__(self, model_id: str | None = "keyword-1") -> None:
        self.model_id = model_id


class SwitchedStore:
    """A store that is there or away."""

    def __init__(self) -> None:
        self.is_there = True

    async def is_reachable(self) -> bool:
        """Say so."""
        return self.is_there


def application(
    processor: ScriptedProcessor | None = None,
    *,
    model: NamedModel | None = None,
    store: SwitchedStore | None = None,
    credentials: Mapping[str, JSON] = CREDENTIALS,
    close: Callable[[], Awaitable[None]] = nothing_to_close,
) -> FastAPI:
    """Build an application from fakes."""
    parts = ServerParts(
        channel_parts=(processor or ScriptedProcessor()).parts(),
        model=model or NamedModel(),
        store=store or SwitchedStore(),
        close=close,
    )
    return create_app(parts, credentials)


class RunningServer:
    """A real server in a thread of its own, on a free port unless one is named."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, app: FastAPI, port: int = 0) -> None:
        self.app = app
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen()
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: uvicorn.Server = server(app, host="127.0.0.1", port=self.port, grace_s=2)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> RunningServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Shut it down as an operator would, and wait for it."""
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])
