"""Running a project's own actions: in this process through rasa-sdk, or on an action server over HTTP.

Both take and give the JSON of Rasa's action protocol.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import threading
import zlib
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from bot.dialogue.messages import JSON
from bot.errors import FrontdeskError, SettingsError
from bot.runtime.http_endpoint import DEFAULT_TIMEOUT_S, HttpEndpoint

logger = logging.getLogger(__name__)

MAX_WORKERS = 64


class ActionRejected(FrontdeskError):
    """An action said "not me": another one is to be chosen."""

    def __init__(self, action: str, reason: str | None = None) -> None:
        self.action = action
        super().__init__(reason or f"action '{action}' rejected its execution")


class ActionFailed(FrontdeskError):
    """An action raised, answered what nobody understands, or did not answer in time."""


class ActionServer(Protocol):
    """Whoever runs custom actions."""

    async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Run the action `payload["next_action"]`; the answer holds `events` and `responses`.

        Raises:
            ActionRejected: The action does not want to run.
            ActionFailed: It could not run, or did not come back.
        """
        ...


class NoActions:
    """Stands where no action endpoint is configured."""

    async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Refuse with the way out."""
        raise ActionFailed(
            f"no action server for '{payload['next_action']}': "
            "set action_endpoint in endpoints.yml to a url, or to a package"
        )


class InProcessActions:
    """Runs the actions of a Python package, each call in a worker thread with an event loop of its own.

    A call that blocks or never ends is given up after `timeout_s`; its thread is left behind and a new one
    takes its place, so that neither the server nor other calls wait for it.
    """

    def __init__(self, package: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self._executor = _load_executor(package)
        self._idle: list[_Worker] = []
        self._alive: set[_Worker] = set()

    @property
    def names(self) -> frozenset[str]:
        """Names of the actions that the package defines."""
        return frozenset(self._executor.actions)

    async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Run one action; see `ActionServer.call`."""
        name = payload["next_action"]
        if name not in self._executor.actions:
            raise ActionFailed(f"the actions package has no action '{name}'")
        worker = self._take_worker(name)
        try:
            result = await asyncio.wait_for(worker.run(_run(self._executor, payload)), self.timeout_s)
        except TimeoutError:
            worker.stop()
            raise ActionFailed(f"action '{name}' did not answer within {self.timeout_s:g} s") from None
        except BaseException:
            self._give_back(worker)
            raise
        self._give_back(worker)
        return result

    def close(self) -> None:
        """Let the workers end."""
        for worker in self._idle:
            worker.stop()
        self._idle.clear()

    def _take_worker(self, action: str) -> _Worker:
        self._alive = {worker for worker in self._alive if worker.is_alive()}
        if self._idle:
            return self._idle.pop()
        if len(self._alive) >= MAX_WORKERS:
            raise ActionFailed(
                f"action '{action}' cannot run: {MAX_WORKERS} other actions have not come back"
            )
        worker = _Worker()
        self._alive.add(worker)
        return worker

    def _give_back(self, worker: _Worker) -> None:
        self._idle.append(worker)


class _Worker:
    """A daemon thread with an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="action-worker", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def run(self, work: Coroutine[Any, Any, Mapping[str, JSON]]) -> Mapping[str, JSON]:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self) -> None:
        """End the thread as soon as what it runs lets go."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def is_alive(self) -> bool:
        return self._thread.is_alive()


def _load_executor(package: str) -> Any:
    # Importing rasa-sdk takes most of a second and brings a web server; only in-process actions need it.
    from rasa_sdk.executor import ActionExecutor  # noqa: PLC0415

    try:
        importlib.import_module(package)
        executor = ActionExecutor()
        executor.register_package(package)
    except ImportError as error:
        raise SettingsError(f"action_endpoint: cannot import the package '{package}': {error}") from error
    except SystemExit as error:
        # rasa-sdk ends the process when one of the package's modules cannot be imported.
        raise SettingsError(f"action_endpoint: a module of '{package}' cannot be imported") from error
    # A rim: importing and registering runs code that is not ours.
    except Exception as error:
        raise SettingsError(f"action_endpoint: the package '{package}' is broken: {error}") from error
    return executor


async def _run(executor: Any, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
    from rasa_sdk.interfaces import ActionExecutionRejection  # noqa: PLC0415 (loaded with the executor)

    try:
        result = await executor.run(dict(payload))
    except ActionExecutionRejection as error:
        raise ActionRejected(error.action_name, error.message) from error
    # The rim around code that is not ours: whatever it raises is the action's failure, not the server's.
    except Exception as error:
        raise ActionFailed(f"action '{payload['next_action']}' raised {error!r}") from error
    return {"events": result.events, "responses": result.responses}


@dataclass(frozen=True, slots=True)
class ActionEndpoint(HttpEndpoint):
    """A remote action server, as `action_endpoint` in `endpoints.yml` names it."""

    selective_domain: bool = False
    compressed: bool = False


class HttpActions:
    """Calls a standard action server."""

    def __init__(
        self, endpoint: ActionEndpoint, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.endpoint = endpoint
        self._client = httpx.AsyncClient(transport=transport, **endpoint.client_arguments())

    async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Run one action; see `ActionServer.call`."""
        name = payload["next_action"]
        lean = {key: value for key, value in payload.items() if key != "domain"}
        response = await self._post(name, lean if self.endpoint.selective_domain else payload)
        if response.status_code == 449 and self.endpoint.selective_domain:
            # Newer action servers ask for the domain when they have not seen it yet.
            response = await self._post(name, payload)
        rejection = _rejection(response) if response.status_code == 400 else None
        if rejection is not None:
            raise ActionRejected(name, str(rejection.get("error") or "") or None)
        if response.status_code == 404:
            raise ActionFailed(f"the action server at {self.endpoint.url} knows no action '{name}'")
        if response.status_code != 200:
            raise ActionFailed(
                f"action '{name}': the action server at {self.endpoint.url} answered {response.status_code}"
            )
        return _answer(name, response)

    async def close(self) -> None:
        """Close open connections."""
        await self._client.aclose()

    async def _post(self, action: str, payload: Mapping[str, JSON]) -> httpx.Response:
        body, headers = json.dumps(payload).encode(), {"Content-Type": "application/json"}
        if self.endpoint.compressed:
            body, headers["Content-Encoding"] = zlib.compress(body), "deflate"
        try:
            call = self._client.post(self.endpoint.url, content=body, headers=headers)
            return await asyncio.wait_for(call, self.endpoint.timeout_s)
        except (httpx.TimeoutException, TimeoutError):
            raise ActionFailed(
                f"action '{action}': {self.endpoint.url} did not answer within {self.endpoint.timeout_s:g} s"
            ) from None
        except httpx.HTTPError as error:
            raise ActionFailed(f"action '{action}': cannot reach {self.endpoint.url}: {error}") from error


def _answer(action: str, response: httpx.Response) -> Mapping[str, JSON]:
    try:
        answer: JSON = response.json()
    except ValueError as error:
        raise ActionFailed(f"action '{action}': the answer is no JSON: {error}") from error
    if not isinstance(answer, dict):
        raise ActionFailed(f"action '{action}': the answer is no JSON object")
    return answer


def _rejection(response: httpx.Response) -> Mapping[str, JSON] | None:
    """Return what an action said with its rejection; a web server's own 400 names no action."""
    try:
        answer: JSON = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "action_name" in answer else None
