"""One WebSocket, as a line that can be written to without caring whether the other end is still there."""

from __future__ import annotations

import asyncio
import json

import structlog
from fastapi import WebSocket, WebSocketDisconnect

from bot.channels.incoming import Refused
from bot.channels.web_widget.frames import Frame, Hello, read_frame

_log = structlog.get_logger(__name__)

POLICY_VIOLATION = 1008
TOO_LARGE = 1009
TRY_AGAIN_LATER = 1013
SLOWEST_SEND_S = 10.0


class Line:
    """A WebSocket; `send` never raises, a line that is gone swallows what it gets."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._is_open = True
        self._writing = asyncio.Lock()

    async def send(self, frame: Frame) -> None:
        """Send one frame."""
        async with self._writing:
            if not self._is_open:
                return
            try:
                async with asyncio.timeout(SLOWEST_SEND_S):
                    await self._socket.send_text(json.dumps(frame, ensure_ascii=False))
            except (WebSocketDisconnect, RuntimeError, TimeoutError):
                # RuntimeError is Starlette's word for "already closed"; the reader ends by itself.
                self._is_open = False

    async def receive(self) -> str | bytes:
        """Wait for one frame, as it came.

        Raises:
            WebSocketDisconnect: The line is gone.
        """
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            self._is_open = False
            code = message.get("code", 1005)
            if code == TOO_LARGE:
                _log.warning("frame refused", channel="web_widget", reason="TooLarge")
            raise WebSocketDisconnect(code)
        return message.get("text") or message.get("bytes") or ""

    async def read_hello(self) -> Hello:
        """Wait for the first frame.

        Raises:
            Refused: It is no `hello`.
            WebSocketDisconnect: The line is gone.
        """
        frame = read_frame(await self.receive())
        if not isinstance(frame, Hello):
            raise Refused("The first frame must be 'hello'.")
        return frame

    async def close(self, code: int = 1000) -> None:
        """Hang up."""
        async with self._writing:
            if self._is_open:
                self._is_open = False
                await self._socket.close(code)
