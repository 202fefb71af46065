"""The page at `/`, the icon and the files of the widget."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from bot.channels.http_errors import PRODUCT_VERSION
from bot.server.widget_scripts import widget_scripts

STATIC = Path(__file__).parent / "static"

# Nothing inline, nothing from elsewhere but pictures, and no text ever parsed as HTML by a script.
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: https:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


@dataclass(frozen=True)
class Script:
    """A script as it is sent, whole or compressed."""

    body: bytes

    @cached_property
    def compressed(self) -> bytes:
        """The same for browsers that take it so."""
        return gzip.compress(self.body, mtime=0)

    @cached_property
    def etag(self) -> str:
        """Names this version."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'

    def response(self, request: Headers) -> Response:
        """Answer a request: nothing for who has this version already."""
        headers = {"ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in request.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.get("accept-encoding", ""):
            return Response(self.body, media_type="text/javascript", headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(self.compressed, media_type="text/javascript", headers=headers)


class WidgetFiles(StaticFiles):
    """The static files; other people's pages load the widget's scripts, so every origin may read them."""

    @cached_property
    def scripts(self) -> dict[str, Script]:
        """The widget's scripts, made once from their sources; the sources themselves are not served."""
        made = widget_scripts(Path(str(self.directory)))
        return {name: Script(text.encode()) for name, text in made.items()}

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve one file; the browser asks each time whether it is still the newest."""
        name = Path(path).as_posix()
        if name.startswith("widget"):
            response = self._script(name, Headers(scope=scope))
        else:
            response = await super().get_response(path, scope)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Cache-Control"] = "no-cache"
        return response

    def _script(self, name: str, request: Headers) -> Response:
        if name not in self.scripts:
            raise HTTPException(404)
        return self.scripts[name].response(request)


def pages_router(*, with_widget: bool) -> APIRouter:
    """Return `/`, which is the page with the widget or a line for who asks for text, and the icon."""
    router = APIRouter()

    @router.get("/", response_model=None)
    async def home(request: Request) -> Response:
        if not with_widget or _wants_text(request.headers.get("accept", "")):
            return PlainTextResponse(f"Hello from Frontdesk: {PRODUCT_VERSION}")
        headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}
        return FileResponse(STATIC / "page" / "index.html", headers=headers)

    # Where browsers look for it unasked, as for an answer that is no page.
    @router.get("/favicon.ico")
    async def icon() -> FileResponse:
        headers = {"Cache-Control": "max-age=86400"}
        return FileResponse(STATIC / "page" / "icon.svg", media_type="image/svg+xml", headers=headers)

    return router


def _wants_text(accept: str) -> bool:
    return "text/plain" in accept and "text/html" not in accept
