"""A web server of this process on a free port, whose answers can go wrong as those of a distant one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web

from benchmarks.peers.faults import Fault, Faults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class FaultAnswers:
    """How a peer words its refusals; `rate_limit` is given the seconds to wait."""

    rate_limit: Callable[[int], web.Response]
    server_error: Callable[[], web.Response]


class LocalServer:
    """Serves an application in the running event loop, between `async with` and its end."""

    def __init__(self, app: web.Application, port: int = 0) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._port = port
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()


async def with_fault(
    request: web.Request, fault: Fault | None, faults: Faults, handler: Handler, answers: FaultAnswers
) -> web.StreamResponse:
    """Carry a request out unless a fault is in its way."""
    await asyncio.sleep(faults.delay())
    if fault is Fault.RATE_LIMIT:
        return answers.rate_limit(faults.retry_after_s)
    if fault is Fault.SERVER_ERROR:
        return answers.server_error()
    if fault is Fault.DROP_BEFORE:
        return _hang_up(request)
    response = await handler(request)
    return _hang_up(request) if fault is Fault.DROP_AFTER else response


def _hang_up(request: web.Request) -> web.Response:
    """Close the connection; what is returned finds nobody to go to."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
