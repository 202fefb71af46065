"""Reminders: at its date, each triggers an intent in its conversation.

Timers live in a process; at its start it takes up those that the stored events tell of.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TypeGuard

from bot.dialogue.events import Event, ReminderCancelled, ReminderScheduled, UserUttered
from bot.dialogue.tracker import Tracker
from bot.runtime.tracker_store import StoreUnavailable

EXTERNAL = "EXTERNAL: "
"""What stands before the intent in the text of a message that nobody said."""

# A reminder that was due while no process ran is late but not forgotten, for as long as a restart may take.
MAX_LATE_S = 3600.0
_ASK_AGAIN_S = 30.0
# Timers and clocks do not agree to the millisecond.
_EARLY_S = 1.0

logger = logging.getLogger(__name__)

Fire = Callable[[str, ReminderScheduled], Awaitable[None]]
_Key = tuple[str, str]
StoredEvents = Callable[[], Iterable[tuple[str, Event]]]
"""Gives sender ids with the events of `KINDS` in all conversations, in the order they were stored in."""


KINDS = (ReminderScheduled.event, ReminderCancelled.event)


class Reminders:
    """One timer per conversation and name; a new reminder takes the place of the one of the same name.

    Whether a reminder still counts is asked when its time has come (`is_due`). Unlike in Rasa, where timers
    have the name alone, conversations do not take each other's place, and events count in their order.
    """

    def __init__(self, fire: Fire | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.fire = fire
        self._clock = clock
        self._timers: dict[_Key, tuple[ReminderScheduled, asyncio.TimerHandle]] = {}
        self._firing: set[asyncio.Task[None]] = set()
        self._resuming: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._timers)

    def note(self, sender_id: str, events: Iterable[Event]) -> None:
        """Set and cancel timers as the new events of a conversation say."""
        for event in events:
            if isinstance(event, ReminderScheduled):
                self._schedule(sender_id, event)
            elif isinstance(event, ReminderCancelled):
                self._cancel(sender_id, event)

    def resume(self, stored: StoredEvents) -> None:
        """Take up, beside everything else, the reminders that were set before this process began."""
        self._resuming = asyncio.get_running_loop().create_task(self._resume(stored))

    async def _resume(self, stored: StoredEvents) -> None:
        since = self._clock() - MAX_LATE_S
        while True:
            try:
                found = await asyncio.to_thread(lambda: pending(stored(), since))
                break
            except StoreUnavailable as error:
                logger.warning("reminders set before this start are asked for again: %s", error)
                await asyncio.sleep(_ASK_AGAIN_S)
        for sender_id, reminder in found:
            # What has been said since this process began is newer than what was read.
            if _key(sender_id, reminder) not in self._timers:
                self._schedule(sender_id, reminder)
        if found:
            logger.info("%d reminders set before this start were taken up", len(found))

    async def close(self) -> None:
        """Forget all timers, and let what was already due finish."""
        if self._resuming:
            self._resuming.cancel()
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._firing:
            await asyncio.wait(self._firing)

    def _schedule(self, sender_id: str, reminder: ReminderScheduled) -> None:
        due_at = _seconds(reminder.date_time)
        if due_at is None:
            logger.error(
                "reminder %r of conversation %r has no date: %r, expected ISO 8601",
                reminder.name,
                sender_id,
                reminder.date_time,
            )
            return
        key = _key(sender_id, reminder)
        if key in self._timers:
            self._timers[key][1].cancel()
        # A date that has passed is due now.
        timer = asyncio.get_running_loop().call_later(max(0.0, due_at - self._clock()), self._ring, key)
        self._timers[key] = (reminder, timer)

    def _cancel(self, sender_id: str, event: ReminderCancelled) -> None:
        for key, (reminder, timer) in tuple(self._timers.items()):
            if key[0] == sender_id and _cancels(event, reminder):
                timer.cancel()
                del self._timers[key]

    def _ring(self, key: _Key) -> None:
        reminder, _ = self._timers.pop(key)
        task = asyncio.get_running_loop().create_task(self._fire(key[0], reminder))
        self._firing.add(task)
        task.add_done_callback(self._firing.discard)

    async def _fire(self, sender_id: str, reminder: ReminderScheduled) -> None:
        if self.fire is None:
            return
        try:
            await self.fire(sender_id, reminder)
        # A rim: nobody waits for a timer, so nobody else would hear of it.
        except Exception:
            logger.exception("reminder %r of conversation %r failed", reminder.name, sender_id)


def pending(stored: Iterable[tuple[str, Event]], since: float) -> list[tuple[str, ReminderScheduled]]:
    """Return the reminders whose date comes after `since` and that were neither cancelled nor replaced."""
    kept: dict[str, dict[str, ReminderScheduled]] = {}
    for sender_id, event in stored:
        own = kept.setdefault(sender_id, {})
        if isinstance(event, ReminderScheduled):
            own[_key(sender_id, event)[1]] = event
        elif isinstance(event, ReminderCancelled):
            kept[sender_id] = {name: held for name, held in own.items() if not _cancels(event, held)}
    return [
        (sender_id, reminder)
        for sender_id, own in kept.items()
        for reminder in own.values()
        if (due_at := _seconds(reminder.date_time)) is not None and due_at > since
    ]


def is_due(reminder: ReminderScheduled, tracker: Tracker) -> bool:
    """Tell whether a reminder still counts.

    It does not after a restart, a new session or a rewind that took its event back, nor, unless it was set
    to outlive them, once the customer has said something. Other processes may have timers of the same
    conversation, so a reminder that was cancelled, replaced or rung there does not count here.
    """
    if not any(_is(event, reminder) for event in tracker.applied_events()):
        return False
    for event in reversed(tracker.events):
        if _is(event, reminder):
            return event.date_time == reminder.date_time
        if isinstance(event, ReminderCancelled) and _cancels(event, reminder):
            return False
        said = event if isinstance(event, UserUttered) and event.text else None
        if said and (reminder.kill_on_user_msg or _rang(said, reminder)):
            return False
    return False


def _rang(event: UserUttered, reminder: ReminderScheduled) -> bool:
    """Whether this is what the reminder itself made when its date had come."""
    due_at = _seconds(reminder.date_time)
    is_its_intent = event.text == f"{EXTERNAL}{reminder.intent}"
    return is_its_intent and due_at is not None and event.timestamp > due_at - _EARLY_S


def _key(sender_id: str, reminder: ReminderScheduled) -> _Key:
    return sender_id, reminder.name or f"at {reminder.timestamp}"


def _is(event: Event, reminder: ReminderScheduled) -> TypeGuard[ReminderScheduled]:
    if not isinstance(event, ReminderScheduled):
        return False
    return event.name == reminder.name if reminder.name else event.timestamp == reminder.timestamp


def _cancels(event: ReminderCancelled, reminder: ReminderScheduled) -> bool:
    """Filters that are not given fit everything."""
    return (
        (not event.name or event.name == reminder.name)
        and (not event.intent or event.intent == reminder.intent)
        and (not event.entities or event.entities == reminder.entities)
    )


def _seconds(date_time: str) -> float | None:
    """Return seconds since the epoch; a date without an offset is UTC, as in Rasa."""
    try:
        date = datetime.fromisoformat(date_time)
    except (TypeError, ValueError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
