"""Keeps everybody out of `/desk/` who is not signed in: pages, their files and their WebSockets alike."""

from __future__ import annotations

import asyncio
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_connector.database import StoreUnavailable
from desk.access import Desk
from desk.sign_in import COOKIE, HOME, OPEN_PATHS, SIGN_IN

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
        try:
            is_in = await asyncio.to_thread(self._desk.visitor, _token(headers)) is not None
        except StoreUnavailable:
            _log.warning("desk closed, its store is away")
            is_in = False
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, is_welcome=is_in and _is_same_origin(headers))
        elif is_in:
            await self._app(scope, receive, _with_policy(send))
        else:
            await _refusal(scope, headers)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, *, is_welcome: bool) -> None:
        if is_welcome:
            await self._app(scope, receive, send)
            return
        _log.warning("desk connection refused", path=scope["path"])
        await send({"type": "websocket.close", "code": 4401})


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


def _token(headers: Headers) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _is_same_origin(headers: Headers) -> bool:
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")
