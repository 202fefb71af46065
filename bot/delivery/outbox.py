"""Messages on their way out: queued durably, sent one by one in their order, tried again, given up."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence

from bot.delivery.backoff import FOR_OURSELVES
from bot.delivery.sending import Route, Sending
from bot.delivery.work import Kind, Wake
from bot.dialogue.events import BotUttered
from bot.runtime.tracker_store import StoreUnavailable
from crm_connector import database, deliveries, lanes
from crm_connector.tables import Delivery

logger = logging.getLogger(__name__)


class DurableOutbox:
    """Queues what is said, and sends it by the route that its channel has."""

    def __init__(self, store: database.Store, routes: Mapping[str, Route], wake: Wake) -> None:
        self._store = store
        self._routes = routes
        self._wake = wake

    async def put(
        self, channel: str, sender_id: str, utterances: Sequence[BotUttered], *, key: str | None = None
    ) -> None:
        """Queue what was said; see `bot.channels.channel.Outbox`."""
        parcels = [deliveries.Parcel(utterance.as_dict()) for utterance in utterances]
        await asyncio.to_thread(self._queue, channel, sender_id, parcels, key or uuid.uuid4().hex)
        self._wake((Kind.OUT, channel, sender_id))

    def _queue(self, channel: str, sender_id: str, parcels: Sequence[deliveries.Parcel], key: str) -> None:
        try:
            with self._store.session() as session:
                deliveries.queue(session, channel, sender_id, parcels, key=f"{channel}/{sender_id!r}/{key}")
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    async def attempt(self, row_id: int, number: int) -> float | None:
        """Send what is left of one delivery; see `Attempt`."""
        try:
            row = await asyncio.to_thread(self._read, row_id)
            if row is None:
                return None
            wait_s = await self._send(row)
        except database.StoreUnavailable as error:
            logger.warning("delivery %d waits: %s", row_id, error)
            return FOR_OURSELVES.wait_s(number)
        if wait_s is None:
            self._wake((Kind.OUT, row.channel, row.sender_id))
        return wait_s

    async def _send(self, row: Delivery) -> float | None:
        route = self._routes.get(row.channel)
        if route is not None:
            # A peer that does not answer takes no other peer's place.
            async with route.at_once:
                return await Sending(self._store, route).send_rest(row)
        await asyncio.to_thread(self._release, row)
        return None

    def _read(self, row_id: int) -> Delivery | None:
        with self._store.reading() as session:
            row = session.get(Delivery, row_id)
            return row if row is not None and row.state in lanes.OPEN else None

    def _release(self, row: Delivery) -> None:
        """Leave to others what a dead process has left, and what does not go by here."""
        with self._store.session() as session:
            lanes.release(session, Delivery, row.id)
        logger.warning("delivery %s waits: %r is not served here", row.key, row.channel)
