"""One delivery on its way: part after part, each marked as under way before it is sent.

That mark is what a crash leaves behind. Whoever finds it asks the peer whether the part has arrived; a peer
that cannot be asked gets it again, and the delivery is marked as doubtful.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.delivery.backoff import FOR_CHANNELS, Backoff, at_least_s
from bot.delivery.pace import Pace
from bot.delivery.peer import (
    SEND_TIMEOUT_S,
    AskablePeer,
    Outgoing,
    Peer,
    QueuedChannel,
    RetryLater,
    Undeliverable,
)
from bot.dialogue.events import AgentUttered, BotUttered, Event, event_from_dict
from bot.dialogue.messages import JSON
from crm_connector import database, deliveries, lanes
from crm_connector.columns import utc_now
from crm_connector.tables import Delivery

logger = logging.getLogger(__name__)

# How long what is done is known: a redelivery for one (peers deliver again for a day at most), a target for
# one that works.
KEPT = timedelta(days=14)
# So many conversations of one peer are sent to beside each other.
AT_ONCE = 64
NOTE_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


@dataclass(frozen=True, slots=True)
class Route:
    """A peer, how long to go on trying, and how fast.

    A peer with `off_after` counts as switched off when it has taken nothing for so long since a delivery was
    given up: then only what an operator has tried again is sent.
    """

    peer: Peer
    backoff: Backoff = FOR_CHANNELS
    pace: Pace = field(default_factory=Pace)
    off_after: timedelta | None = None
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends by one route; what comes of it is in the row."""

    store: database.Store
    route: Route

    async def send_rest(self, row: Delivery) -> float | None:
        """Send what is left of a delivery; returns seconds until the next attempt, None when it is closed.

        Raises:
            crm_connector.database.StoreUnavailable: The row cannot be read or written; nothing is lost.
        """
        off_since = await asyncio.to_thread(self._off_since, row)
        if off_since is not None:
            reason = f"switched off: one was given up on {off_since:%Y-%m-%d}, and none was taken since"
            return await asyncio.to_thread(self._bury, row, reason)
        try:
            payloads = row.payloads if row.payloads is not None else self._render(row)
        # A rim: words that break a channel's rendering are a dead letter, the next ones are sent.
        except Exception as error:
            logger.exception("delivery %d cannot be rendered for channel %r", row.id, row.channel)
            return await asyncio.to_thread(
                self._bury, row, f"it cannot be rendered: {type(error).__name__}: {error}"
            )
        while True:
            held_s = self.route.pace.held_s()
            if held_s > 0:
                # Nothing was tried, so nothing is counted.
                return at_least_s(held_s)
            await self.route.pace.turn()
            begun = await asyncio.to_thread(self._begin, row.id, payloads)
            if begun is None:
                return None
            row, is_in_doubt = begun
            try:
                peer_id = await self._send(_outgoing(row), is_in_doubt=is_in_doubt)
            except RetryLater as later:
                return await asyncio.to_thread(self._postpone, row, later)
            except Undeliverable as never:
                return await asyncio.to_thread(self._bury, row, never.reason)
            if await self._note_sent(row, peer_id):
                return None

    async def _note_sent(self, row: Delivery, peer_id: str | None) -> bool:
        """Note that a part was taken, trying for a minute: what is forgotten is sent again, or asked for."""
        for pause_s in NOTE_PAUSES_S:
            try:
                return await asyncio.to_thread(self._part_sent, row, peer_id)
            except database.StoreUnavailable as error:
                logger.warning("delivery %s was taken, but this cannot be noted: %s", row.key, error)
                await asyncio.sleep(pause_s)
        return await asyncio.to_thread(self._part_sent, row, peer_id)

    async def _send(self, outgoing: Outgoing, *, is_in_doubt: bool) -> str | None:
        """Send one part, unless the peer says that it has it."""
        peer = self.route.peer
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                if is_in_doubt and isinstance(peer, AskablePeer):
                    found = await self._find(peer, outgoing)
                    if found is not None:
                        return found
                return await peer.send(outgoing)
        except (RetryLater, Undeliverable):
            raise
        except TimeoutError as error:
            raise RetryLater(f"no answer within {SEND_TIMEOUT_S:g} s", is_uncertain=True) from error
        # A rim: a channel's code and its library fail in their own ways.
        except Exception as error:
            logger.exception("delivery %s failed in an unexpected way", outgoing.key)
            raise RetryLater(f"{type(error).__name__}: {error}", is_uncertain=True) from error

    @staticmethod
    async def _find(peer: AskablePeer, outgoing: Outgoing) -> str | None:
        try:
            return await peer.find_sent(outgoing)
        except RetryLater as later:
            # Not to know is still not to know.
            raise RetryLater(later.reason, after_s=later.after_s, is_uncertain=True) from later

    def _render(self, row: Delivery) -> list[dict[str, JSON]]:
        peer = self.route.peer
        if not isinstance(peer, QueuedChannel):
            raise TypeError(f"{type(peer).__name__} renders nothing")
        return [dict(payload) for payload in peer.render(_words(event_from_dict(row.content)), None)]

    def _off_since(self, row: Delivery) -> datetime | None:
        if self.route.off_after is None or row.attempts or row.replays:
            return None
        now = utc_now()
        with self.store.reading() as session:
            since = deliveries.failing_since(session, row.channel, now - KEPT)
        return since if since is not None and since < now - self.route.off_after else None

    def _begin(self, row_id: int, payloads: list[dict[str, JSON]]) -> tuple[Delivery, bool] | None:
        can_ask = isinstance(self.route.peer, AskablePeer)
        with self.store.session() as session:
            return deliveries.begin(session, row_id, payloads, can_ask=can_ask)

    def _part_sent(self, row: Delivery, peer_id: str | None) -> bool:
        with self.store.session() as session:
            return deliveries.part_sent(session, row.id, row.parts_sent, peer_id)

    def _postpone(self, row: Delivery, later: RetryLater) -> float | None:
        if later.after_s is not None:
            self.route.pace.refused(row.sender_id, later.after_s)
        wait_s = self.route.backoff.wait_s(row.attempts, asked_s=later.after_s)
        with self.store.session() as session:
            if not later.is_uncertain:
                deliveries.not_sent(session, row.id, row.parts_sent)
            if wait_s is None:
                lanes.bury(session, Delivery, row.id, later.reason)
            else:
                lanes.postpone(session, Delivery, row.id, later.reason, wait_s)
        level = logging.ERROR if wait_s is None else logging.INFO
        logger.log(level, "delivery %s failed, attempt %d: %s", row.key, row.attempts, later.reason)
        return wait_s

    def _bury(self, row: Delivery, reason: str) -> None:
        with self.store.session() as session:
            deliveries.not_sent(session, row.id, row.parts_sent)
            lanes.bury(session, Delivery, row.id, reason)
        logger.error("delivery %s is undeliverable: %s", row.key, reason)


def _outgoing(row: Delivery) -> Outgoing:
    payload = (row.payloads or [])[row.parts_sent]
    # The number of the part belongs to the name: peers know each request by it.
    return Outgoing(f"{row.key}/{row.parts_sent}", row.channel, row.sender_id, payload, row.attempts)


def _words(event: Event) -> BotUttered:
    """What a person wrote goes out as the bot's words do."""
    if isinstance(event, AgentUttered):
        data = event.data if isinstance(event.data, dict) else {}
        return BotUttered(text=event.text, data=data, timestamp=event.timestamp, metadata=event.metadata)
    if not isinstance(event, BotUttered):
        raise TypeError(f"{type(event).__name__} holds no words")
    return event
