"""Why the bot did what it did, over HTTP: `GET /conversations/{id}/trace`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request

from bot.channels.incoming import Refused
from bot.dialogue.messages import JSON
from bot.policies.ensemble import Ensemble
from bot.runtime.live import LiveProcessor
from bot.runtime.trace import trace
from bot.server.api_requests import number, refusals
from bot.server.auth import Access

DEFAULT_TURNS, MOST_TURNS = 10, 200


class TraceApi:
    """The route; an id may hold slashes."""

    def __init__(self, live: LiveProcessor) -> None:
        self._live = live

    def router(self, access: Access) -> APIRouter:
        """Return the route, behind authentication."""
        router = APIRouter(dependencies=[Depends(access.check)])
        router.add_api_route("/conversations/{conversation_id:path}/trace", self.explain, methods=["GET"])
        return router

    async def explain(self, conversation_id: str, request: Request) -> JSON:
        """Explain the last turns; `turns` says how many, 10 without it, at most 200."""
        async with refusals():
            given = number(request, "turns")
            turns = DEFAULT_TURNS if given is None else given
            if not 1 <= turns <= MOST_TURNS:
                raise Refused(f"'turns' must be from 1 to {MOST_TURNS}.")
            processor = self._live.processor
            if not await processor.knows(conversation_id):
                raise Refused("Conversation ID not found.", code=404, reason="Not found")
            policies = processor.policies
            if not isinstance(policies, Ensemble):
                raise Refused("The loaded model cannot explain itself.", code=409, reason="Conflict")
            events = (await processor.history(conversation_id)).events
            explained = await asyncio.to_thread(
                trace, conversation_id, events, processor.domain, policies, turns=int(turns)
            )
        return {
            "sender_id": conversation_id,
            "model_id": self._live.model_id,
            "turns": [turn.as_dict() for turn in explained],
        }
