"""Is it alive, what version is it: `/health`, `/version`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from bot.channels.http_errors import PRODUCT_VERSION
from bot.server.parts import ServerParts

STORE_TIMEOUT_S = 2.0


def health_router(parts: ServerParts) -> APIRouter:
    """Return the two routes."""
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
