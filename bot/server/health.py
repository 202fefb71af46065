"""Is it alive, what does it run: `/health`, `/status`, `/version`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from bot.channels.http_errors import PRODUCT_VERSION
from bot.channels.incoming import Refused
from bot.dialogue.messages import JSON
from bot.server.parts import ServerParts

STORE_TIMEOUT_S = 2.0


def health_router(parts: ServerParts) -> APIRouter:
    """Return the three routes."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> JSONResponse:
        model_id = parts.model.model_id
        is_reachable = await _is_reachable(parts)
        is_well = model_id is not None and is_reachable
        body = {
            "status": "ok" if is_well else "degraded",
            "model_id": model_id,
            "store": "reachable" if is_reachable else "unreachable",
            "version": PRODUCT_VERSION,
        }
        return JSONResponse(body, status_code=200 if is_well else 503)

    @router.get("/status")
    async def status() -> dict[str, JSON]:
        if parts.model.model_id is None:
            raise Refused("No model is loaded.", code=409, reason="Conflict")
        # Training has its own process, so none of its jobs is ever ours.
        return {
            "model_file": parts.model.model_file,
            "model_id": parts.model.model_id,
            "num_active_training_jobs": 0,
        }

    @router.get("/version")
    async def version() -> dict[str, str]:
        return {"version": PRODUCT_VERSION, "minimum_compatible_version": PRODUCT_VERSION}

    return router


async def _is_reachable(parts: ServerParts) -> bool:
    try:
        async with asyncio.timeout(STORE_TIMEOUT_S):
            return await parts.store.is_reachable()
    except TimeoutError:
        return False
