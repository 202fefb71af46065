"""Work beside the event loop: results, failures, and loops that end before the work does."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextvars import ContextVar

import pytest

from bot.runtime.workers import Begun, Workers

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


async def test_what_has_begun_goes_on_before_anybody_waits_for_it() -> None:
    """It runs up to where it first waits, and what it waits for ends meanwhile."""
    workers, ended = Workers(), threading.Event()

    async def answer() -> str:
        await workers.run(ended.set)
        await asyncio.sleep(0)
        return "done"

    begun = Begun(answer())
    assert ended.wait(60)  # the event loop has not moved
    assert await begun == "done"


async def test_what_has_begun_may_end_at_once_or_break() -> None:
    """A result without any wait is there; what breaks before or after the first wait is raised."""

    async def quick() -> int:
        return 7

    async def broken(*, waits: bool) -> None:
        if waits:
            await asyncio.sleep(0)
        raise ZeroDivisionError

    assert await Begun(quick()) == 7
    begun = Begun(broken(waits=True))
    with pytest.raises(ZeroDivisionError):
        await begun
    with pytest.raises(ZeroDivisionError):
        Begun(broken(waits=False))


async def test_what_has_begun_hears_of_failures_and_cancellation() -> None:
    """It can catch what breaks in a thread, and clean up when nobody waits any more."""
    workers, go, cleaned = Workers(), threading.Event(), threading.Event()

    async def careful() -> str:
        try:
            await workers.run(lambda: 1 // 0)
        except ZeroDivisionError:
            await asyncio.sleep(0)
            return "caught"
        return "missed"

    async def waiting() -> None:
        try:
            await workers.run(lambda: go.wait(60))
        finally:
            cleaned.set()

    async def wait() -> None:
        await Begun(waiting())

    assert await Begun(careful()) == "caught"
    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    assert cleaned.is_set()


async def test_what_has_begun_can_be_left_alone() -> None:
    """Nothing warns of it, and its work ends."""
    workers, ended = Workers(), threading.Event()

    async def work() -> None:
        await workers.run(ended.set)

    Begun(work())
    assert ended.wait(60)
    gc.collect()
