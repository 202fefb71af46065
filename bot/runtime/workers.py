"""Threads for work that would keep the event loop from others; handing it over costs next to nothing."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")

_Job = tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[], Any]]


class Begun(Generator[Any, Any, Result]):
    """A coroutine that runs at once until it first waits, and goes on from there when this is awaited.

    What it waits for goes on meanwhile; a task would begin only when the event loop comes to it. What is
    raised before the coroutine first waits is raised at once.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Result]) -> None:
        self._coroutine = coroutine
        self._waits_for: list[Any] = []
        self._ended: list[Result] = []
        try:
            self._waits_for.append(coroutine.send(None))
        except StopIteration as ended:
            self._ended.append(ended.value)

    def __await__(self) -> Generator[Any, Any, Result]:
        """Wait for the result; once only, as for a coroutine."""
        return self

    def send(self, value: Any) -> Any:
        """Go on, where nobody knows yet what is waited for by telling it."""
        if self._ended:
            raise StopIteration(self._ended[0])
        return self._waits_for.pop() if self._waits_for else self._coroutine.send(value)

    def throw(self, *broken: Any) -> Any:
        """Raise in the coroutine what it waited for in vain."""
        return self._coroutine.throw(*broken)


class Workers:
    """Does work beside the event loop, in the order it comes; the threads start with the first of it.

    An executor of the standard library takes ten times as long to hand work over and back, for locks that
    nobody needs here. There are as many threads as `asyncio.to_thread` has.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._starting = threading.Lock()
        self._is_running = False

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do work in one of the threads and return its result; who stops waiting does not stop the work."""
        if not self._is_running:
            self._start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        self._jobs.put((loop, done, partial(copy_context().run, work)))
        return await done

    def _start(self) -> None:
        with self._starting:
            if not self._is_running:
                for number in range(min(32, (os.cpu_count() or 1) + 4)):
                    threading.Thread(target=self._work, name=f"worker-{number}", daemon=True).start()
                self._is_running = True

    def _work(self) -> None:
        while True:
            loop, done, work = self._jobs.get()
            try:
                tell = partial(_succeed, done, work())
            # A rim: what breaks is raised where the work was asked for.
            except BaseException as error:  # noqa: BLE001
                tell = partial(_fail, done, error)
            # A loop that has ended meanwhile waits for nothing.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(tell)
            del loop, done, work, tell


def _succeed(done: asyncio.Future[Any], result: Any) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[Any], error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
