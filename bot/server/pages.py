"""The page at `/` and the files of the widget."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from bot.channels.http_errors import PRODUCT_VERSION

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


class WidgetFiles(StaticFiles):
    """The static files; other people's pages load the widget's modules, so every origin may read them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve one file; the browser asks each time whether it is still the newest."""
        response = await super().get_response(path, scope)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Cache-Control"] = "no-cache"
        return response


def pages_router(*, with_widget: bool) -> APIRouter:
    """Return `/`: the page with the widget on it, or a line of text for those who ask for text."""
    router = APIRouter()

    @router.get("/", response_model=None)
    async def home(request: Request) -> Response:
        if not with_widget or _wants_text(request.headers.get("accept", "")):
            return PlainTextResponse(f"Hello from Frontdesk: {PRODUCT_VERSION}")
        headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}
        return FileResponse(STATIC / "page" / "index.html", headers=headers)

    return router


def _wants_text(accept: str) -> bool:
    return "text/plain" in accept and "text/html" not in accept
