"""Files that customers sent, for those who may read the conversation: pictures to look at, the rest to save.

Strangers uploaded them: a file is shown as the picture that its bytes say it is, or saved; it never runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from crm_connector.attachments import Attachments
from crm_connector.database import StoreUnavailable
from desk.access import Desk, Forbidden, NotSignedIn
from desk.deeds.conversations import Refused
from desk.sign_in import COOKIE
from desk.views.conversation import attachment_of, is_picture

FILES = "/desk/files/"
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class FileDoor:
    """`GET /desk/files/{conversation_id}/{file_id}`; `files` knows where the bytes lie."""

    def __init__(self, desk: Desk, files: Attachments) -> None:
        self._desk = desk
        self._files = files

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter()
        path = FILES + "{conversation_id}/{file_id}"
        router.add_api_route(path, self._give, methods=["GET"], response_model=None)
        return router

    async def _give(self, request: Request, conversation_id: int, file_id: str) -> Response:
        token = request.cookies.get(COOKIE, "")
        try:
            found = await asyncio.to_thread(attachment_of, self._desk, token, conversation_id, file_id)
        except NotSignedIn as refusal:
            return PlainTextResponse(str(refusal), 401)
        except Forbidden as refusal:
            return PlainTextResponse(str(refusal), 403)
        except Refused as refusal:
            return PlainTextResponse(str(refusal), 404)
        except StoreUnavailable:
            return PlainTextResponse("The desk cannot reach its store.", 503)
        path = self._files.path(found)
        if not path.exists():
            return PlainTextResponse("The file is not there any more.", 404)
        return FileResponse(
            path,
            media_type=found.media_type,
            filename=found.name,
            content_disposition_type="inline" if is_picture(found.media_type) else "attachment",
            headers=_HEADERS,
        )
