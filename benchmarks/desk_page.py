"""The conversations page of an agent's browser, as far as NiceGUI's protocol goes, without the browser.

The page is fetched with the cookie that signing in gave; its elements stand in it as JSON. Then its WebSocket
is opened and kept open as Engine.IO and Socket.IO ask: what comes are elements that replace those of the same
number, what goes are events of their listeners.
"""

from __future__ import annotations

import ast
import asyncio
import html
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

JSON = Any  # a JSON value as it crosses a wire

LIST = "nicegui-conversation_list"
THREAD = "nicegui-thread"
_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)
_QUERY = re.compile(r"^\s*query: (\{.*\}),$", re.MULTILINE)
_ACKNOWLEDGES_EVERY_S = 3.0
_OPEN, _PING, _PONG, _CONNECT, _EVENT = "0", "2", "3", "40", "42"


class PageRefused(Exception):
    """The desk did not let somebody in, or did not answer as a page of NiceGUI's does."""


class DeskPage:
    """One open page; `on_change` is called after each update, `on_notice` with each notification."""

    def __init__(self, line: ClientConnection, elements: dict[str, JSON], query: dict[str, JSON]) -> None:
        self._line = line
        self._elements = elements
        self._client_id = query["client_id"]
        self._next_message_id = int(query["next_message_id"])
        self.on_change: Callable[[], None] = lambda: None
        self.on_notice: Callable[[str], None] = lambda _: None
        self.cookie = self._address = self._origin = ""
        self.received_bytes = 0
        self.is_open = True

    @classmethod
    @asynccontextmanager
    async def open(cls, origin: str, email: str, password: str) -> AsyncIterator[DeskPage]:
        """Sign somebody in and open her page.

        Raises:
            PageRefused: She was not let in.
        """
        cookie, body = await _fetch(origin, email, password)
        elements, query = _read(body)
        asked = {
            **query,
            "implicit_handshake": "true",
            "document_id": str(uuid.uuid4()),
            "tab_id": str(uuid.uuid4()),
            "EIO": "4",
            "transport": "websocket",
        }
        address = f"{origin.replace('http', 'ws', 1)}/desk/_nicegui_ws/socket.io/?{httpx.QueryParams(asked)}"
        async with _line(address, origin, cookie) as line:
            page = cls(line, elements, query)
            page.cookie, page._address, page._origin = cookie, address, origin
            await page._greet()
            tasks = [asyncio.create_task(page._read()), asyncio.create_task(page._acknowledge())]
            try:
                yield page
            finally:
                for task in tasks:
                    task.cancel()

    def props(self, tag: str) -> dict[str, JSON]:
        """What the element of this tag shows; nothing while it is not there."""
        for element in self._elements.values():
            if element["tag"] == tag:
                shown: dict[str, JSON] = element.get("props", {})
                return shown
        return {}

    async def emit(self, tag: str, event: str, value: JSON) -> None:
        """Let the element of this tag tell the server something, as its component in the browser would."""
        for number, element in self._elements.items():
            for listener in element.get("events", ()) if element["tag"] == tag else ():
                if listener["type"] == event:
                    told = {
                        "id": int(number),
                        "client_id": self._client_id,
                        "listener_id": listener["listener_id"],
                        "args": [json.dumps(value)],
                    }
                    await self._send("event", told)
                    return
        raise PageRefused(f"no element {tag} that tells of {event}")

    async def again(self, *, cookie: str | None = None, origin: str | None = None) -> None:
        """Open the page's socket a second time, perhaps as somebody else would, and close it.

        Raises:
            websockets.exceptions.InvalidStatus: The server did not let it in.
        """
        async with _line(self._address, origin or self._origin, cookie or self.cookie) as line:
            await line.recv()

    async def _greet(self) -> None:
        opened = str(await self._line.recv())
        await self._line.send(_CONNECT)
        answer = str(await self._line.recv())
        if not opened.startswith(_OPEN) or not answer.startswith(_CONNECT):
            raise PageRefused(f"the desk's socket answered {answer[:200]}")

    async def _read(self) -> None:
        try:
            async for raw in self._line:
                self.received_bytes += len(raw)
                packet = str(raw)
                if packet == _PING:
                    await self._line.send(_PONG)
                elif packet.startswith(_EVENT):
                    self._take(*json.loads(packet.removeprefix(_EVENT)))
        except ConnectionClosed:
            pass
        self.is_open = False

    def _take(self, kind: str, told: dict[str, JSON]) -> None:
        self._next_message_id = max(self._next_message_id, told.pop("_id", -1) + 1)
        if kind == "update":
            for number, element in told.items():
                if element is None:
                    self._elements.pop(number, None)
                else:
                    self._elements[number] = element
            self.on_change()
        elif kind == "notify":
            self.on_notice(str(told.get("message")))

    async def _acknowledge(self) -> None:
        while True:
            await asyncio.sleep(_ACKNOWLEDGES_EVERY_S)
            await self._send("ack", {"client_id": self._client_id, "next_message_id": self._next_message_id})

    async def _send(self, kind: str, told: dict[str, JSON]) -> None:
        await self._line.send(_EVENT + json.dumps([kind, told]))


def _line(address: str, origin: str, cookie: str) -> connect:
    headers = {"Cookie": cookie}
    return connect(address, origin=Origin(origin), additional_headers=headers, proxy=None, max_size=None)


async def _fetch(origin: str, email: str, password: str) -> tuple[str, str]:
    """Sign in and get the page; returns the cookie and the page."""
    async with httpx.AsyncClient(base_url=origin, headers={"Origin": origin}, timeout=60) as browser:
        form = {"email": email, "password": password}
        signed_in = await browser.post("/desk/sign-in", data=form)
        if signed_in.status_code != httpx.codes.SEE_OTHER:
            raise PageRefused(f"{email} was not signed in: {signed_in.status_code}")
        page = await browser.get("/desk/", headers={"Accept": "text/html"})
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return cookie, page.text


def _read(body: str) -> tuple[dict[str, JSON], dict[str, JSON]]:
    elements, query = _ELEMENTS.search(body), _QUERY.search(body)
    if elements is None or query is None:
        raise PageRefused(f"this is no page of NiceGUI's: {body[:200]!r}")
    return json.loads(html.unescape(elements[1])), ast.literal_eval(query[1])
