"""The widget's files over HTTP: in as the body of a PUT, out as downloads, each for its own conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import unquote

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from bot.channels.attachments import Files
from bot.channels.http_errors import refusal_response
from bot.channels.incoming import Refused
from bot.channels.web_widget.address import Addresses
from bot.channels.web_widget.frames import is_key, read_visitor
from bot.channels.web_widget.identity import CHANNEL, Doorkeeper, read_authorization
from bot.channels.web_widget.rate_limit import RateLimit
from bot.channels.web_widget.settings import WidgetSettings

_log = structlog.get_logger(__name__)

PATH = "/files/{key}"
# A page that was tricked into opening a file can do nothing with it.
_DOWNLOAD_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
}

_Answer = Callable[[Request, str], Awaitable[Response]]


class FileDoor:
    """`PUT` and `GET /webhooks/web_widget/files/…`; `Authorization` holds what a `hello` would say.

    Nothing that a browser sends by itself opens this door, so a foreign page cannot use a customer's browser.
    """

    def __init__(
        self, files: Files, settings: WidgetSettings, doorkeeper: Doorkeeper, addresses: Addresses
    ) -> None:
        self._files = files
        self._settings = settings
        self._doorkeeper = doorkeeper
        self._addresses = addresses
        per_hour = settings.uploads_per_hour
        self._limit = RateLimit(burst=per_hour, per_minute=per_hour / 60)

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the channel's."""
        router.add_api_route(PATH, self._preflight, methods=["OPTIONS"])
        router.add_api_route(PATH, self._put, methods=["PUT"], response_model=None)
        router.add_api_route(PATH, self._get, methods=["GET"], response_model=None)

    async def _preflight(self, request: Request) -> Response:
        return await self._answer(request, "", self._allowed)

    async def _put(self, request: Request, key: str) -> Response:
        return await self._answer(request, key, self._take)

    async def _get(self, request: Request, key: str) -> Response:
        return await self._answer(request, key, self._give)

    async def _answer(self, request: Request, key: str, answer: _Answer) -> Response:
        """Answer a page that may ask; a refusal is logged, and told in a way that the page may read."""
        try:
            origin = self._check_origin(request)
        except Refused as refused:
            _log.warning("origin refused", channel=CHANNEL, origin=request.headers.get("origin"))
            return refusal_response(refused)
        try:
            response = await answer(request, key)
        except Refused as refused:
            _log.warning("file refused", channel=CHANNEL, method=request.method, reason=refused.reason)
            response = refusal_response(refused)
        if origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
        return response

    def _check_origin(self, request: Request) -> str | None:
        """Return the page's origin; a browser names none where page and server have the same."""
        origin = request.headers.get("origin")
        if origin is not None and not self._settings.allows(origin, request.headers.get("host")):
            raise Refused("This page may not use files.", code=403, reason="OriginRefused")
        return origin

    async def _allowed(self, _request: Request, _key: str) -> Response:
        headers = {
            "Access-Control-Allow-Methods": "GET, PUT",
            "Access-Control-Allow-Headers": "authorization, content-type, x-file-name",
            "Access-Control-Max-Age": "7200",
        }
        return Response(status_code=204, headers=headers)

    async def _take(self, request: Request, key: str) -> Response:
        sender_id = await self._sender_id(request)
        if not is_key(key):
            raise Refused("The upload's key is wrong, expected 16 to 64 letters and digits.")
        wait_s = self._limit.wait_s(self._addresses.of(request))
        if wait_s > 0:
            details = {"retry_after_s": round(wait_s, 1)}
            raise Refused("Too many files.", code=429, reason="RateLimited", details=details)
        self._check_length(request.headers.get("content-length"))
        stored = await self._files.keep(
            CHANNEL,
            sender_id,
            key=key,
            name=unquote(request.headers.get("x-file-name", "")),
            content=request.stream(),
        )
        return JSONResponse(stored.as_dict(), status_code=201)

    async def _give(self, request: Request, key: str) -> Response:
        found = await self._files.find(CHANNEL, await self._sender_id(request), key)
        if found is None or not found[1].exists():
            raise Refused("There is no such file.", code=404, reason="UnknownFile")
        file, path = found
        return FileResponse(path, media_type=file.media_type, filename=file.name, headers=_DOWNLOAD_HEADERS)

    async def _sender_id(self, request: Request) -> str:
        visitor = read_visitor(read_authorization(request.headers.get("authorization")))
        return (await self._doorkeeper.admit(visitor)).sender_id

    def _check_length(self, announced: str | None) -> None:
        """Refuse before reading what says itself that it is too large."""
        limit = self._files.max_bytes
        if announced is not None and announced.isdigit() and int(announced) > limit:
            text = f"The file is too large, at most {limit:,} bytes are taken."
            raise Refused(text, code=413, reason="FileTooLarge", details={"limit": limit})
