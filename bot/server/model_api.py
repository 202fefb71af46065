"""The model over HTTP: `POST /model/parse`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from bot.channels.incoming import Refused, read_object, read_text
from bot.dialogue.messages import JSON
from bot.errors import ModelError
from bot.server.parts import LoadedModel


def model_router(model: LoadedModel) -> APIRouter:
    """Return the route."""
    router = APIRouter()

    @router.post("/model/parse")
    async def parse(request: Request) -> dict[str, JSON]:
        text = read_text(read_object(await request.body()), "text")
        try:
            result = await asyncio.to_thread(model.parse, text)
        except ModelError as error:
            raise Refused(f"No model can parse: {error}", code=409, reason="Conflict") from error
        return result.as_dict()

    return router
