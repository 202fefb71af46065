"""Keeps everybody out of `/desk/` who is not signed in: pages, their files and their WebSockets alike.

A WebSocket is as old as its page: whoever signs out, or is signed out, loses it within seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_connector.database import StoreUnavailable
from desk.access import Desk
from desk.files import FILES
from desk.sign_in import COOKIE, HOME, OPEN_PATHS, SIGN_IN

SIGNED_OUT = 4401  # the code with which a WebSocket is closed to who is not signed in, after HTTP's 401
_ASKED_EVERY_S = 2.0

_log = structlog.get_logger(__name__)

# NiceGUI's pages compile their templates in the browser and start from inline scripts; everything comes from
# here, and what customers write reaches the page as data alone.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: https:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class OnlySignedIn:
    """Lets requests below `/desk/` through when their cookie stands for somebody."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or send to the sign-in page; a WebSocket of another site is closed."""
        path = scope.get("path", "")
        is_ours = scope["type"] in ("http", "websocket") and (path == "/desk" or path.startswith(HOME))
        if not is_ours or path in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_in = await self._is_in(headers)
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, is_welcome=is_in and _is_same_origin(headers))
        elif is_in:
            # Files bring a stricter policy of their own.
            await self._app(scope, receive, send if path.startswith(FILES) else _with_policy(send))
        else:
            _log.warning("desk request refused", path=path, address=_address(scope))
            await _refusal(scope, headers)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, *, is_welcome: bool) -> None:
        if is_welcome:
            door = _LastingDoor(partial(self._is_in, Headers(scope=scope)), receive, send)
            await self._app(scope, door.receive, door.send)
            return
        _log.warning("desk connection refused", path=scope["path"], address=_address(scope))
        await send({"type": "websocket.close", "code": SIGNED_OUT})

    async def _is_in(self, headers: Headers) -> bool:
        try:
            return await asyncio.to_thread(self._desk.visitor, _token(headers)) is not None
        except StoreUnavailable:
            _log.warning("desk closed, its store is away")
            return False


class _LastingDoor:
    """An open WebSocket that closes when the sign-in it was opened with is over.

    Whether it is, is asked with what comes and goes, at most every `_ASKED_EVERY_S` seconds; something comes
    in any case, an answer to a ping.
    """

    def __init__(self, is_in: Callable[[], Awaitable[bool]], receive: Receive, send: Send) -> None:
        self._is_in = is_in
        self._receive = receive
        self._send = send
        self._asked_s = time.monotonic()
        self._is_shut = False

    async def receive(self) -> Message:
        """Pass on what comes, or say that nothing will come any more."""
        message = await self._receive()
        if await self._is_open():
            return message
        return {"type": "websocket.disconnect", "code": SIGNED_OUT}

    async def send(self, message: Message) -> None:
        """Pass on what goes."""
        if await self._is_open():
            await self._send(message)

    async def _is_open(self) -> bool:
        if not self._is_shut and time.monotonic() - self._asked_s > _ASKED_EVERY_S:
            self._asked_s = time.monotonic()
            if not await self._is_in():
                self._is_shut = True
                _log.warning("desk connection closed, signed out")
                await self._send({"type": "websocket.close", "code": SIGNED_OUT})
        return not self._is_shut


def _refusal(scope: Scope, headers: Headers) -> ASGIApp:
    """Pages lead to the sign-in form; anything else just hears no."""
    wants_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
    if wants_page:
        return RedirectResponse(SIGN_IN, 303)
    return PlainTextResponse("Please sign in.", 401)


def _with_policy(send: Send) -> Send:
    async def completed(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer = MutableHeaders(scope=message)
            answer["Content-Security-Policy"] = _POLICY  # in the place of the server's, which allows nothing
            answer.setdefault("Cache-Control", "no-store")
        await send(message)

    return completed


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else "unknown"


def _token(headers: Headers) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _is_same_origin(headers: Headers) -> bool:
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")
