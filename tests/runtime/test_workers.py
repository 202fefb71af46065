"""Work beside the event loop: results, failures, and loops that end before the work does."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from bot.runtime.workers import Workers

_NAME: ContextVar[str] = ContextVar("name", default="nobody")


async def test_work_is_done_in_another_thread() -> None:
    """Its result comes back, and it sees the context of who asked."""
    _NAME.set("Ada")
    done_in, name = await Workers().run(lambda: (threading.get_ident(), _NAME.get()))
    assert (done_in != threading.get_ident(), name) == (True, "Ada")


async def test_what_breaks_is_raised_where_it_was_asked_for() -> None:
    """The threads go on with the next work."""
    workers = Workers()
    for _ in range(100):
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 // 0)
    assert await workers.run(lambda: "alive") == "alive"


async def test_work_waits_for_other_work_and_not_for_the_event_loop() -> None:
    """Two pieces meet in two threads while the event loop waits for both."""
    workers, meeting = Workers(), threading.Barrier(2)
    met = await asyncio.gather(*(workers.run(lambda: meeting.wait(60)) for _ in range(2)))
    assert sorted(met) == [0, 1]


async def test_who_stops_waiting_stops_nobody_else() -> None:
    """Work that nobody waits for any more ends all the same."""
    workers, go, ended = Workers(), threading.Event(), threading.Event()

    def work() -> None:
        go.wait(60)
        ended.set()

    waiting = asyncio.create_task(workers.run(work))
    await asyncio.sleep(0)
    waiting.cancel()
    go.set()
    assert await workers.run(lambda: ended.wait(60))
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_a_loop_may_end_before_its_work() -> None:
    """The threads serve the next loop."""
    workers, go = Workers(), threading.Event()

    async def leave() -> None:
        waiting = asyncio.create_task(workers.run(lambda: go.wait(60)))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(leave())
    go.set()
    assert asyncio.run(workers.run(lambda: "served")) == "served"
