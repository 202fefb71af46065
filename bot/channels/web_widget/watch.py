"""Looks after open conversations: who answers them now, and what others have added, in whichever process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog

from bot.channels.web_widget.conversations import Conversation, Conversations
from bot.channels.web_widget.records import Hours, Records, Standing
from bot.channels.web_widget.shown import Service

_log = structlog.get_logger(__name__)

# A question to the store for so many conversations at once.
_BATCH = 200


class Watch:
    """Asks every `every_s` seconds, with one question for all open conversations.

    `has_model` says whether the assistant can answer at all; outside the hours it answers only where
    `assistant_outside_hours`.
    """

    def __init__(
        self,
        conversations: Conversations,
        records: Records,
        hours: Hours,
        *,
        has_model: Callable[[], bool],
        assistant_outside_hours: bool,
        every_s: float = 1.0,
    ) -> None:
        self._conversations = conversations
        self._records = records
        self._hours = hours
        self._has_model = has_model
        self._assistant_outside_hours = assistant_outside_hours
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def service(self) -> Service:
        """Return who can answer at this moment."""
        opens_at = self._hours.opens_at(datetime.now(UTC))
        has_assistant = self._has_model() and (opens_at is None or self._assistant_outside_hours)
        return Service(has_assistant, opens_at)

    async def look_at(self, conversation: Conversation) -> None:
        """Bring one conversation up to date, for a listener who has just come."""
        standings = await self._records.standings([conversation.sender_id])
        await conversation.tell(standings.get(conversation.sender_id, Standing()), self.service())

    def begin(self) -> None:
        """Go on looking until `close`; a second call changes nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._go_on())

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Bring every open conversation up to date."""
        open_ones = self._conversations.open_ones()
        standings: dict[str, Standing] = {}
        for start in range(0, len(open_ones), _BATCH):
            batch = [conversation.sender_id for conversation in open_ones[start : start + _BATCH]]
            standings |= await self._records.standings(batch)
        await self._tell(open_ones, standings)

    async def _tell(self, open_ones: list[Conversation], standings: Mapping[str, Standing]) -> None:
        service = self.service()
        for conversation in open_ones:
            await conversation.tell(standings.get(conversation.sender_id, Standing()), service)
            await conversation.show_new()

    async def _go_on(self) -> None:
        is_well = True
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.look()
                is_well = True
            except Exception:  # noqa: BLE001  the rim: whatever ails the store, it is asked again
                # Once, and not with every question.
                if is_well:
                    _log.exception("standing of conversations not readable")
                is_well = False
