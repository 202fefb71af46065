"""A real rasa-sdk server in a process of its own, called as `endpoints.yml` has it called."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from bot.dialogue.messages import JSON
from bot.runtime.custom_actions import ActionEndpoint, ActionFailed, ActionRejected, HttpActions

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60


def payload(action: str) -> dict[str, JSON]:
    """Return a call as the engine makes it; a domain of its own per action asks the server to read it."""
    tracker = {
        "sender_id": "s",
        "slots": {},
        "latest_message": {"text": "hi", "intent": {}, "entities": []},
        "events": [],
        "paused": False,
        "followup_action": None,
        "active_loop": {},
        "latest_action_name": None,
    }
    domain = {"version": "3.1", "actions": [action]}
    return {
        "next_action": action,
        "sender_id": "s",
        "tracker": tracker,
        "domain": domain,
        "domain_digest": f"digest of {action}",
    }


class Server:
    """One `python -m rasa_sdk` process on a free port."""

    def __init__(self, log: Path) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "rasa_sdk", "--actions", "tests.runtime.sample_actions"]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )
        self._await_health(log)

    @property
    def url(self) -> str:
        """Where calls go."""
        return f"http://127.0.0.1:{self.port}/webhook"

    def kill(self) -> None:
        """End the process at once, whatever it is doing, and the workers that it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _await_health(self, log: Path) -> None:
        until = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < until:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=1).status_code == 200:
                    return
            except httpx.HTTPError:
                continue
        self.kill()
        pytest.fail(f"the action server did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start one server for all tests that leave it alive."""
    started = Server(tmp_path_factory.mktemp("actions") / "server.log")
    yield started
    started.kill()


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
async def actions(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[HttpActions]:
    """Call the server with plain and with deflated bodies."""
    client = HttpActions(ActionEndpoint(server.url, compressed=request.param))
    yield client
    await client.close()


async def test_a_server_of_rasa_answers(actions: HttpActions) -> None:
    """Events and responses come back as the action made them."""
    answer = await actions.call(payload("action_sample_greet"))
    assert answer["events"] == [{"event": "slot", "timestamp": None, "name": "s", "value": 2}]
    assert [response["text"] for response in answer["responses"]] == ["you said hi"]


async def test_an_action_that_raises_there_is_a_failure(actions: HttpActions) -> None:
    """The server answers 500, or 400 where it cannot show a deflated body, and the next call is served."""
    status = 400 if actions.endpoint.compressed else 500
    with pytest.raises(
        ActionFailed, match=f"'action_sample_fail': the action server at .* answered {status}"
    ):
        await actions.call(payload("action_sample_fail"))
    assert (await actions.call(payload("action_sample_greet")))["responses"]


async def test_an_action_that_rejects_there_is_a_rejection(actions: HttpActions) -> None:
    """The server answers 400 with the reason."""
    with pytest.raises(ActionRejected, match="not me") as caught:
        await actions.call(payload("action_sample_reject"))
    assert caught.value.action == "action_sample_reject"


async def test_an_action_that_is_unknown_there_is_a_failure(actions: HttpActions) -> None:
    """The server answers 404, which is said in words."""
    with pytest.raises(ActionFailed, match="knows no action 'action_nope'"):
        await actions.call(payload("action_nope"))


async def test_a_server_that_wants_the_domain_gets_it(server: Server) -> None:
    """With a selective domain the server's 449 is answered with the whole call, and once is enough."""
    statuses: list[int] = []

    async def note(response: httpx.Response) -> None:
        statuses.append(response.status_code)

    client = HttpActions(ActionEndpoint(server.url, selective_domain=True))
    client._client.event_hooks["response"].append(note)
    call = {**payload("action_sample_greet"), "domain_digest": "seen for the first time"}
    for _ in range(2):
        answer = await client.call(call)
        assert answer["events"][0]["value"] == 2
    await client.close()
    assert statuses == [449, 200, 200]


async def test_a_server_that_dies_in_mid_call_is_a_failure(tmp_path: Path) -> None:
    """The call that it was busy with fails at once, and so does the next one, which nobody answers."""
    dying = Server(tmp_path / "server.log")
    client = HttpActions(ActionEndpoint(dying.url, timeout_s=60))
    reached = asyncio.Event()

    async def note(request: httpx.Request) -> None:  # noqa: ARG001 (httpx wants a coroutine)
        reached.set()

    client._client.event_hooks["request"].append(note)
    busy = asyncio.create_task(client.call(payload("action_sample_hang")))
    await reached.wait()
    await asyncio.to_thread(dying.kill)
    with pytest.raises(ActionFailed, match="cannot reach"):
        await busy
    with pytest.raises(ActionFailed, match="cannot reach"):
        await client.call(payload("action_sample_greet"))
    await client.close()
