"""Notices what changes in the store, whoever changes it, and wakes the open pages; gives out what waits.

One watcher in each process asks the store a few times a second how far it has come: that costs one small
query, however many pages are open, and what an action server or another process wrote is seen as well.

What agents should hear of at once stands in the audit log, written by whichever process did it: each process
tells it to its own pages. Promises that run out are looked for only where somebody listens, so one that ran
out while no server or no page was there is told when the first page opens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector.choices import Owner
from crm_connector.columns import utc_now
from crm_connector.database import Store, StoreUnavailable
from crm_connector.desk import assignment, service_levels
from crm_connector.tables import Conversation, ConversationEvent, Handoff, Note
from desk.alerts import Alert, alerts_since, note_alarm, note_assignment, note_release
from desk.marks import Marks, read_marks

LOOK_EVERY_S = 0.25
GIVE_OUT_EVERY_S = 2.0
_LATELY = timedelta(seconds=30)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """What has changed since the last look: these conversations, anything else, and what to tell.

    `is_of_people` is unset when all of it is what customers and the bot say to each other.
    """

    conversation_ids: frozenset[int] = frozenset()
    alerts: tuple[Alert, ...] = ()
    is_of_people: bool = True


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
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call a listener with all news from now on; returns how to stop that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Watch no more; a look that is under way ends first, as it holds the store."""
        self._is_over.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def _watch(self) -> None:
        marks: Marks | None = None
        rounds = 0
        while not self._is_over.is_set():
            try:
                # Not before the first look: what is given out must come after it, to be told.
                if marks is not None and rounds % round(GIVE_OUT_EVERY_S / LOOK_EVERY_S) == 1:
                    await asyncio.to_thread(self._give_out, is_heard=bool(self._listeners))
                marks, news = await asyncio.to_thread(self._look, marks)
                if news is not None:
                    self._tell(news)
            except StoreUnavailable as error:
                _log.warning("the desk cannot read its store", error=str(error))
            # A rim: whatever goes wrong once, agents must not wait for news for ever.
            except Exception:  # noqa: BLE001
                _log.exception("the desk missed a look at its store")
            rounds += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), LOOK_EVERY_S)

    def _tell(self, news: News) -> None:
        for listener in tuple(self._listeners):
            listener(news)

    def _look(self, before: Marks | None) -> tuple[Marks, News | None]:
        with self.store.reading() as session:
            marks = read_marks(session)
            if before is None or before == marks:
                return marks, None
            ids = _changed(session, before)
            by_people = (marks.handoff, marks.note, marks.audit) != (
                before.handoff,
                before.note,
                before.audit,
            )
            is_of_people = by_people or _are_with_people(session, ids)
            return marks, News(ids, alerts_since(session, before.audit), is_of_people)

    def _give_out(self, *, is_heard: bool) -> None:
        """Take back from who is gone, give to who is free, and see which promises run out.

        Most of the time there is nothing to do; only otherwise the store is written to.
        """
        now = utc_now()
        with self.store.reading() as session:
            takes_back = assignment.is_anybody_left_alone(session, now)
            gives_out = self.is_giving_out and (takes_back or assignment.is_anything_to_give(session, now))
            tells = is_heard and service_levels.is_anything_due(session, now)
        if not takes_back and not gives_out and not tells:
            return
        with self.store.session() as session:
            if takes_back:
                for conversation in assignment.release_absent(session, now):
                    note_release(session, conversation)
            if gives_out:
                for conversation, agent in assignment.assign_waiting(session, now):
                    note_assignment(session, conversation, agent)
            if tells:
                for alarm in service_levels.run_out(session, now):
                    note_alarm(session, alarm)


def _changed(session: Session, before: Marks) -> frozenset[int]:
    """The conversations with something new in them."""
    ids: set[int] = set()
    for table, last in ((ConversationEvent, before.event), (Handoff, before.handoff), (Note, before.note)):
        ids.update(session.scalars(select(table.conversation_id).where(table.id > last).distinct()))
    return frozenset(ids)


def _are_with_people(session: Session, ids: frozenset[int]) -> bool:
    """Whether one of these conversations is with people, or was a moment ago."""
    lately = utc_now() - _LATELY
    are = (Conversation.owner != Owner.BOT) | (Conversation.owner_since_at > lately)
    return session.scalar(select(Conversation.id).where(Conversation.id.in_(ids), are).limit(1)) is not None
