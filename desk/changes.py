"""Notices what changes in the store, whoever changes it, and wakes the open pages; gives out what waits.

One watcher in each process asks the store a few times a second how far it has come: that costs one small
query, however many pages are open, and what an action server or another process wrote is seen as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector.columns import utc_now
from crm_connector.database import Store, StoreUnavailable
from crm_connector.desk import assignment, service_levels
from crm_connector.tables import AuditEntry, ConversationEvent, Handoff, Note

LOOK_EVERY_S = 0.25
GIVE_OUT_EVERY_S = 2.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that an agent should hear of, whatever page she is on; `agent_id` is None for everybody."""

    text: str
    conversation_id: int | None = None
    agent_id: int | None = None
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """What has changed since the last look: these conversations, anything else, and what to tell."""

    conversation_ids: frozenset[int] = frozenset()
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class _Marks:
    """How far the store has come."""

    event: int
    handoff: int
    note: int
    audit: int


Listener = Callable[[News], None]


@dataclass
class Changes:
    """The watcher of one process; listeners are called on its event loop and must not wait.

    `is_giving_out` switches off the assignment of waiting conversations.
    """

    store: Store
    is_giving_out: bool = True
    _listeners: set[Listener] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call a listener with all news from now on; returns how to stop that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _watch(self) -> None:
        marks: _Marks | None = None
        rounds = 0
        while True:
            try:
                if self.is_giving_out and rounds % round(GIVE_OUT_EVERY_S / LOOK_EVERY_S) == 0:
                    self._tell(News(alerts=await asyncio.to_thread(self._give_out)))
                present, ids = await asyncio.to_thread(self._look, marks)
                if marks is not None and present != marks:
                    self._tell(News(ids))
                marks = present
            except StoreUnavailable as error:
                _log.warning("the desk cannot read its store", error=str(error))
            # A rim: whatever goes wrong once, agents must not wait for news for ever.
            except Exception:  # noqa: BLE001
                _log.exception("the desk missed a look at its store")
            rounds += 1
            await asyncio.sleep(LOOK_EVERY_S)

    def _tell(self, news: News) -> None:
        if news == News() and not news.alerts:
            return
        for listener in tuple(self._listeners):
            listener(news)

    def _look(self, before: _Marks | None) -> tuple[_Marks, frozenset[int]]:
        with self.store.reading() as session:
            marks = _Marks(
                *(
                    session.scalar(select(func.max(table.id))) or 0
                    for table in (ConversationEvent, Handoff, Note, AuditEntry)
                )
            )
            if before is None or before == marks:
                return marks, frozenset()
            return marks, _changed(session, before)

    def _give_out(self) -> tuple[Alert, ...]:
        """Take back from who is gone, give to who is free, and see which promises run out."""
        now = utc_now()
        with self.store.session() as session:
            assignment.release_absent(session, now)
            given = [
                Alert(f"New conversation for you, {agent.name}", conversation.id, agent.id)
                for conversation, agent in assignment.assign_waiting(session, now)
            ]
            alarms = [_alarm(alarm) for alarm in service_levels.run_out(session, now)]
        return (*given, *alarms)


def _changed(session: Session, before: _Marks) -> frozenset[int]:
    """The conversations with something new in them."""
    ids: set[int] = set()
    for table, last in ((ConversationEvent, before.event), (Handoff, before.handoff), (Note, before.note)):
        ids.update(session.scalars(select(table.conversation_id).where(table.id > last).distinct()))
    return frozenset(ids)


def _alarm(alarm: service_levels.Alarm) -> Alert:
    what = alarm.clock.target.value.replace("_", " ")
    text = f"Too late: {what}" if alarm.is_breach else f"Due soon: {what}"
    handoff = alarm.clock.handoff
    if handoff is None:
        ticket = alarm.clock.ticket
        return Alert(f"{text} of ticket {ticket.number if ticket else '?'}", is_urgent=alarm.is_breach)
    return Alert(text, handoff.conversation_id, handoff.agent_id, is_urgent=alarm.is_breach)
