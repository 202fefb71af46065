"""Messages taken in: stored before their channel acknowledges them, handled once, their answers queued.

The answers are queued in the transaction that closes the message. A crash before it has the message handled
again, and the processor then gives the answers it gave the first time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Protocol

from sqlalchemy.orm import Session

from bot.delivery.backoff import FOR_OURSELVES, Backoff
from bot.delivery.peer import CompletesMessages, GathersMessages, QueuedChannel, ShowsWork
from bot.delivery.work import Kind, Wake
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, ParseResult, UserMessage
from bot.errors import ModelError
from bot.runtime.tracker_store import StoreUnavailable
from crm_connector import database, deliveries, inbox, lanes
from crm_connector.columns import utc_now
from crm_connector.tables import AcceptedMessage

logger = logging.getLogger(__name__)

_AT_ONCE = 32
_GIVE_UP = Backoff(first_s=1.0, longest_s=60.0, attempts=6)
# Parts of one thing come within moments; a clock that is wrong must not hold them up.
GATHER_S = 1.0
_LONGEST_GATHERING = 10


class _MorePartsToCome(Exception):
    """What was said may not be complete yet; `wait_s` are seconds to wait for the rest."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(f"more may come within {wait_s:g} s")


class Handler(Protocol):
    """Who answers: the processor."""

    async def handle(self, message: UserMessage, *, must_store: bool = False) -> Sequence[BotUttered]:
        """Take one message through its turn; a message that came before gets its first answer again.

        Raises:
            StoreUnavailable: With `must_store`: the turn is not stored yet, and may be lost.
            ModelError: Nobody can answer now.
        """
        ...


class DurableInbox:
    """Takes messages in, and has each handled when its turn in the conversation has come."""

    def __init__(
        self,
        store: database.Store,
        handler: Handler,
        channels: Mapping[str, QueuedChannel],
        wake: Wake,
    ) -> None:
        self._store = store
        self._handler = handler
        self._channels = channels
        self._wake = wake
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def accept(self, message: UserMessage) -> bool:
        """Store a message durably; see `bot.channels.channel.Inbox`."""
        is_new = await asyncio.to_thread(self._accept, message)
        if is_new:
            self._wake((Kind.IN, message.input_channel, message.sender_id))
        return is_new

    def _accept(self, message: UserMessage) -> bool:
        try:
            with self._store.session() as session:
                stored = inbox.accept(
                    session, message.input_channel, message.sender_id, message.message_id, _as_json(message)
                )
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        return stored is not None

    async def attempt(self, row_id: int, number: int) -> float | None:
        """Handle one message; see `Attempt`."""
        async with self._at_once:
            try:
                row = await asyncio.to_thread(self._begin, row_id, number)
                if row is None:
                    return None
                wait_s = await self._handle_or_note(row)
            except _MorePartsToCome as more:
                return more.wait_s
            except (ModelError, StoreUnavailable, database.StoreUnavailable) as error:
                logger.warning("message %d of the inbox waits: %s", row_id, error)
                return FOR_OURSELVES.wait_s(number)
        if wait_s is None:
            self._wake((Kind.OUT, row.channel, row.sender_id))
            self._wake((Kind.IN, row.channel, row.sender_id))
        return wait_s

    async def _handle_or_note(self, row: AcceptedMessage) -> float | None:
        try:
            await self._handle(row)
        except (ModelError, StoreUnavailable, database.StoreUnavailable):
            raise
        # A rim: a channel's code fails in its own ways, and the next message must not wait for ever.
        except Exception as error:
            logger.exception("message %d of the inbox cannot be handled", row.id)
            wait_s = _GIVE_UP.wait_s(row.attempts)
            await asyncio.to_thread(self._note_failure, row.id, f"{type(error).__name__}: {error}", wait_s)
            return wait_s
        return None

    def _begin(self, row_id: int, number: int) -> AcceptedMessage | None:
        with self._store.session() as session:
            row = lanes.begin(session, AcceptedMessage, row_id)
            if row is None:
                return None
            if row.channel in self._channels:
                channel = self._channels[row.channel]
                if isinstance(channel, GathersMessages):
                    _gather(session, row, channel, may_wait=number < _LONGEST_GATHERING)
                return row
            # A dead process has left it, which served more channels than this one.
            session.flush()
            lanes.release(session, AcceptedMessage, row_id)
        logger.warning("message %d of the inbox waits: %r is not served here", row_id, row.channel)
        return None

    async def _handle(self, row: AcceptedMessage) -> None:
        message, channel = _from_json(row), self._channels[row.channel]
        with_dots = channel.working(message) if isinstance(channel, ShowsWork) else nullcontext()
        async with with_dots:
            if isinstance(channel, CompletesMessages):
                message = await channel.complete(message)
            said = await self._handler.handle(message, must_store=True)
        parcels = [deliveries.Parcel(words.as_dict(), _rendered(channel, words, message)) for words in said]
        await asyncio.to_thread(self._close, row, parcels)

    def _close(self, row: AcceptedMessage, parcels: Sequence[deliveries.Parcel]) -> None:
        # Quoted, so that no two pairs of names make one key.
        key = f"{row.channel}/{row.sender_id!r}/{row.external_id!r}"
        with self._store.session() as session:
            if inbox.handled(session, row.id):
                deliveries.queue(session, row.channel, row.sender_id, parcels, key=key)

    def _note_failure(self, row_id: int, reason: str, wait_s: float | None) -> None:
        with self._store.session() as session:
            if wait_s is None:
                lanes.bury(session, AcceptedMessage, row_id, reason)
            else:
                lanes.postpone(session, AcceptedMessage, row_id, reason, wait_s)


def _gather(session: Session, row: AcceptedMessage, channel: GathersMessages, *, may_wait: bool) -> None:
    """Let a message take in the others that belong to it, before it is handled for the first time.

    Raises:
        _MorePartsToCome: It is too early; the transaction is to be left as it was.
    """
    name = channel.part_of(_from_json(row))
    if name is None:
        return
    parts = [row]
    for later in inbox.following(session, row):
        if channel.part_of(_from_json(later)) != name:
            break
        parts.append(later)
    age_s = (utc_now() - parts[-1].created_at).total_seconds()
    if may_wait and age_s < GATHER_S:
        raise _MorePartsToCome(min(GATHER_S, GATHER_S - age_s))
    row.message = _as_json(channel.gather([_from_json(part) for part in parts]))
    for part in parts[1:]:
        inbox.handled(session, part.id)


def _rendered(
    channel: QueuedChannel, words: BotUttered, message: UserMessage
) -> list[dict[str, JSON]] | None:
    """What the words take to be sent; None when it shall show at the first attempt that they cannot be."""
    try:
        return [dict(payload) for payload in channel.render(words, message)]
    # A rim: words that break a channel's rendering are a dead letter, the others are sent.
    except Exception:
        logger.exception("an answer could not be rendered for channel %r", message.input_channel)
        return None


def _as_json(message: UserMessage) -> dict[str, JSON]:
    return {
        "text": message.text,
        "metadata": dict(message.metadata),
        "parse_data": message.parse_data.as_dict() if message.parse_data else None,
    }


def _from_json(row: AcceptedMessage) -> UserMessage:
    parsed = row.message.get("parse_data")
    return UserMessage(
        text=row.message["text"],
        sender_id=row.sender_id,
        input_channel=row.channel,
        message_id=row.external_id,
        metadata=row.message["metadata"],
        parse_data=ParseResult.from_dict(parsed) if parsed else None,
    )
