"""How far what was said has come, over HTTP: `GET /conversations/{id}/deliveries`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends

from bot.channels.incoming import Refused
from bot.delivery.queues import DurableQueues
from bot.dialogue.messages import JSON
from bot.server.auth import Access
from crm_connector.database import StoreUnavailable
from crm_connector.tables import Delivery


class DeliveriesApi:
    """The route; an id may hold slashes."""

    def __init__(self, queues: DurableQueues) -> None:
        self._queues = queues

    def router(self, access: Access) -> APIRouter:
        """Return the route, behind authentication."""
        router = APIRouter(dependencies=[Depends(access.check)])
        router.add_api_route("/conversations/{conversation_id:path}/deliveries", self.show, methods=["GET"])
        return router

    async def show(self, conversation_id: str) -> JSON:
        """Show the deliveries of a conversation; `said_at` is the `timestamp` of the event that was said."""
        try:
            found = await asyncio.to_thread(self._queues.deliveries, conversation_id)
        except StoreUnavailable as error:
            raise Refused("The store cannot be read now.", code=503, reason="Unavailable") from error
        return {"sender_id": conversation_id, "deliveries": [_as_json(row) for row in found]}


def _as_json(row: Delivery) -> dict[str, JSON]:
    return {
        "said_at": row.said_at,
        "channel": row.channel,
        "state": row.state.value,
        "doubtful": row.is_doubtful,
        "attempts": row.attempts,
        "error": row.last_error,
        "parts_sent": row.parts_sent,
        "peer_ids": row.peer_ids,
        "next_attempt_at": row.next_attempt_at.isoformat() if row.next_attempt_at else None,
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
    }
