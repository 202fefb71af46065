"""Is it alive, what version is it: `/health`, `/version`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from bot.channels.http_errors import PRODUCT_VERSION
from bot.delivery.queues import DurableQueues
from bot.dialogue.messages import JSON
from bot.server.parts import ServerParts
from crm_connector.choices import Progress
from crm_connector.database import StoreUnavailable
from crm_connector.lanes import OPEN

STORE_TIMEOUT_S = 2.0


def health_router(parts: ServerParts) -> APIRouter:
    """Return the two routes."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> JSONResponse:
        model_id = parts.model.model_id
        is_reachable = await _is_reachable(parts)
        is_well = model_id is not None and is_reachable
        body: JSON = {
            "status": "ok" if is_well else "degraded",
            "model_id": model_id,
            "store": "reachable" if is_reachable else "unreachable",
            "version": PRODUCT_VERSION,
        }
        if parts.queues is not None and parts.queues.is_serving:
            body["queues"] = await asyncio.to_thread(_queues, parts.queues)
        return JSONResponse(body, status_code=200 if is_well else 503)

    @router.get("/version")
    async def version() -> dict[str, str]:
        return {"version": PRODUCT_VERSION, "minimum_compatible_version": PRODUCT_VERSION}

    return router


def _queues(queues: DurableQueues) -> JSON:
    """Say how much waits in each queue and how much was given up; None when it cannot be read."""
    try:
        counts = queues.counts()
    except StoreUnavailable:
        return None
    return {
        kind.value: {
            "waiting": sum(count for state, count in states.items() if state in OPEN),
            "dead": states[Progress.DEAD],
        }
        for kind, states in counts.items()
    }


async def _is_reachable(parts: ServerParts) -> bool:
    try:
        async with asyncio.timeout(STORE_TIMEOUT_S):
            return await parts.store.is_reachable()
    except TimeoutError:
        return False
