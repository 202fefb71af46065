"""Begins with each row when its turn has come: as soon as the one before it in its lane is closed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Iterable
from contextlib import suppress

from bot.delivery.work import Kind, Lane, Work
from crm_connector import lanes
from crm_connector.choices import Progress
from crm_connector.database import Store, StoreUnavailable
from crm_connector.lanes import Head

logger = logging.getLogger(__name__)

# Rows come from other processes, too: the desk, an action server, an operator who has one tried again.
LOOK_AROUND_S = 1.0
# Whoever carries a row may be gone: another process with its memory, DBOS with its database.
LOOK_AFTER_S = 300.0
_BATCH = 500
# A head that was begun and is still untouched waits for its place among those that run; begun again it is
# found to be begun, so that forgetting is harmless.
_REMEMBERED_S = 30.0
_BEGUN = (Progress.RUNNING, Progress.RETRYING)


class Dispatcher:
    """Watches the lanes of these channels in both queues; `wake` names one in which something has changed."""

    def __init__(
        self, store: Store, work: Work, channels: Collection[str], *, look_around_s: float = LOOK_AROUND_S
    ) -> None:
        self._store = store
        self._work = work
        self._channels = channels
        self._look_around_s = look_around_s
        self._looked_around_at = self._looked_after_at = float("-inf")
        self._woken: set[Lane] = set()
        self._something = asyncio.Event()
        self._begun: dict[tuple[Kind, Head], float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what waits, and watch from now on."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Begin with nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def wake(self, lane: Lane) -> None:
        """Look into a lane at once, if it is one of ours; from the event loop only."""
        _, channel, _ = lane
        if channel in self._channels:
            self._woken.add(lane)
            self._something.set()

    async def _watch(self) -> None:
        while True:
            try:
                await self._look_after()
                await self._look_around()
                await self._look_into_woken()
            except StoreUnavailable as error:
                logger.warning("queues cannot be read: %s", error)
                await asyncio.sleep(self._look_around_s)
            # A rim: whatever goes wrong once, what waits must not wait for ever.
            except Exception:
                logger.exception("work of a queue could not be begun")
                await asyncio.sleep(self._look_around_s)
            await self._sleep(self._looked_around_at + self._look_around_s - time.monotonic())

    async def _sleep(self, wait_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._something.wait()

    async def _look_into_woken(self) -> None:
        self._something.clear()
        woken, self._woken = self._woken, set()
        if woken:
            await self._begin(await asyncio.to_thread(self._heads_of, woken))

    async def _look_after(self) -> None:
        """Have rows begun anew that were begun, and that nobody carries any more."""
        if time.monotonic() - self._looked_after_at < LOOK_AFTER_S:
            return
        self._looked_after_at = time.monotonic()
        for kind in Kind:
            for head in await asyncio.to_thread(self._all_heads, kind, _BEGUN):
                if not await self._work.is_carried(kind, head):
                    await asyncio.to_thread(self._release, kind, head)

    async def _look_around(self) -> None:
        """Begin with the heads of all lanes that nobody has begun with."""
        now = time.monotonic()
        if now - self._looked_around_at < self._look_around_s:
            return
        self._looked_around_at = now
        self._begun = {head: at for head, at in self._begun.items() if now - at < _REMEMBERED_S}
        for kind in Kind:
            heads = await asyncio.to_thread(self._all_heads, kind, (Progress.QUEUED,))
            await self._begin((kind, head) for head in heads)

    async def _begin(self, heads: Iterable[tuple[Kind, Head]]) -> None:
        for kind, head in heads:
            if (kind, head) not in self._begun:
                self._begun[kind, head] = time.monotonic()
                await self._work.begin(kind, head)

    def _all_heads(self, kind: Kind, states: tuple[Progress, ...]) -> list[Head]:
        with self._store.reading() as session:
            return lanes.heads(session, kind.table, self._channels, states=states, limit=_BATCH)

    def _release(self, kind: Kind, head: Head) -> None:
        with self._store.session() as session:
            lanes.release(session, kind.table, head.id)
        logger.warning("row %d of queue %r is begun anew: nobody carries it", head.id, str(kind))

    def _heads_of(self, woken: Iterable[Lane]) -> list[tuple[Kind, Head]]:
        with self._store.reading() as session:
            found = [
                (kind, lanes.head_of(session, kind.table, channel, sender_id))
                for kind, channel, sender_id in woken
            ]
        return [(kind, head) for kind, head in found if head is not None]
