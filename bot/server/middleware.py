"""What wraps every request: a size limit, security headers, a line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import cast

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.channels.incoming import Refused

# 10,000 characters are 120,000 bytes when every one of them is written as two \uXXXX.
MAX_BODY_BYTES = 256 * 1024

_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


class BodyLimit:
    """Refuses bodies over `max_bytes`, announced or not; `larger` are paths that may take more.

    A path that ends with a slash stands for all below it.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES, larger: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counter on its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen_bytes = 0
        max_bytes = self._limit(scope["path"])

        async def counted() -> Message:
            nonlocal seen_bytes
            message = await receive()
            seen_bytes += len(message.get("body", b""))
            if seen_bytes > max_bytes:
                text = f"The body is too large, at most {max_bytes:,} bytes are allowed."
                raise Refused(text, code=413, reason="BodyTooLarge")
            return message

        await self._app(scope, counted, send)

    def _limit(self, path: str) -> int:
        return self._larger.get(path) or self._larger.get(f"{path.rpartition('/')[0]}/", self._max_bytes)


class SecurityHeaders:
    """Adds the headers of a careful site to every answer that does not bring its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer's headers."""

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                named = {name.lower() for name, _ in own}
                message["headers"] = own + [header for header in _HEADERS if header[0] not in named]
            await send(message)

        await self._app(scope, receive, completed)


class RequestLog:
    """Logs method, path, status and duration; never a query, a header or a body: they may name people."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger(__name__).bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            duration_ms = round((time.perf_counter() - started_s) * 1000, 1)
            log = self._level(scope["path"], status)
            log("request", method=scope["method"], path=scope["path"], status=status, ms=duration_ms)

    def _level(self, path: str, status: int) -> Callable[..., None]:
        """What went well is a line for those who look for something: it takes as long as a rule to decide."""
        if status >= 500:
            return cast(Callable[..., None], self._log.warning)
        is_usual = status < 400 or path.startswith("/static/")
        return cast(Callable[..., None], self._log.debug if is_usual else self._log.info)
