"""Custom actions in process and over HTTP: answers, rejections, failures, silence."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bot.dialogue.messages import JSON
from bot.errors import SettingsError
from bot.runtime.custom_actions import (
    ActionEndpoint,
    ActionFailed,
    ActionRejected,
    HttpActions,
    InProcessActions,
    NoActions,
)


def payload(action: str) -> dict[str, JSON]:
    """Return a call as the engine makes it."""
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
    return {"next_action": action, "sender_id": "s", "tracker": tracker, "domain": {"version": "3.1"}}


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], InProcessActions]]:
    """Make executors of the sample package, and let its blocked threads go in the end."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    made: list[InProcessActions] = []

    def make(timeout_s: float = 20) -> InProcessActions:
        made.append(InProcessActions("sample_actions", timeout_s=timeout_s))
        sys.modules["sample_actions"].RELEASE.clear()
        return made[-1]

    yield make
    if "sample_actions" in sys.modules:
        sys.modules["sample_actions"].RELEASE.set()
    for actions in made:
        actions.close()


Make = Callable[..., InProcessActions]


async def test_an_action_in_process_answers(sample: Make) -> None:
    """Events and responses come back as rasa-sdk makes them."""
    answer = await sample().call(payload("action_sample_greet"))
    assert answer["responses"][0]["text"] == "you said hi"
    assert answer["events"] == [{"event": "slot", "timestamp": None, "name": "s", "value": 1}]


async def test_an_action_in_process_may_reject(sample: Make) -> None:
    """A rejection is no failure."""
    with pytest.raises(ActionRejected, match="not me"):
        await sample().call(payload("action_sample_reject"))


async def test_an_action_in_process_may_raise(sample: Make) -> None:
    """Whatever it raises is its failure, with the cause in the message."""
    with pytest.raises(ActionFailed, match="action_sample_fail' raised ZeroDivisionError"):
        await sample().call(payload("action_sample_fail"))


@pytest.mark.parametrize("action", ["action_sample_block", "action_sample_hang"])
async def test_an_action_that_never_answers_holds_nobody_up(sample: Make, action: str) -> None:
    """After the timeout the call is given up, and others still run."""
    actions = sample(0.2)
    with pytest.raises(ActionFailed, match=f"'{action}' did not answer within 0.2 s"):
        await actions.call(payload(action))
    actions.timeout_s = 20
    assert (await actions.call(payload("action_sample_greet")))["responses"]


async def test_an_unknown_action_in_process(sample: Make) -> None:
    """The package does not have it."""
    with pytest.raises(ActionFailed, match="no action 'action_nope'"):
        await sample().call(payload("action_nope"))


def test_a_package_that_cannot_be_imported_is_a_setting_error() -> None:
    """The start fails with the name of the package."""
    with pytest.raises(SettingsError, match="cannot import the package 'no_such_package'"):
        InProcessActions("no_such_package")


async def test_without_an_endpoint_the_way_out_is_named() -> None:
    """The message says what to set."""
    with pytest.raises(ActionFailed, match=r"set action_endpoint in endpoints\.yml"):
        await NoActions().call(payload("action_x"))


def server(answer: Callable[[httpx.Request], httpx.Response], **options: JSON) -> HttpActions:
    """Return a client whose server is a function."""
    endpoint = ActionEndpoint("http://actions/webhook", **options)
    return HttpActions(endpoint, transport=httpx.MockTransport(answer))


async def test_a_call_over_http_sends_everything() -> None:
    """Payload, token, headers and credentials arrive, and the answer comes back."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"events": [], "responses": [{"text": "hi"}]})

    options = {"token": "T", "headers": {"X-A": "b"}, "username": "u", "password": "p"}
    client = server(answer, **options)
    assert (await client.call(payload("action_x")))["responses"] == [{"text": "hi"}]
    await client.close()
    assert seen[0].url.params["token"] == "T"
    assert (seen[0].headers["X-A"], seen[0].headers["Authorization"]) == ("b", "Basic dTpw")
    assert b'"domain"' in seen[0].content


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        (httpx.Response(400, json={"action_name": "action_x", "error": "not me"}), ActionRejected, "not me"),
        (httpx.Response(400, json={"action_name": "action_x"}), ActionRejected, "action 'action_x' rejected"),
        (httpx.Response(400, text="?"), ActionFailed, "answered 400"),
        (httpx.Response(400, json={"status": 400, "message": "bad body"}), ActionFailed, "answered 400"),
        (httpx.Response(404), ActionFailed, "knows no action 'action_x'"),
        (httpx.Response(500), ActionFailed, "answered 500"),
        (httpx.Response(449), ActionFailed, "answered 449"),
        (httpx.Response(200, text="<html>"), ActionFailed, "no JSON"),
        (httpx.Response(200, json=[1]), ActionFailed, "no JSON object"),
    ],
    ids=[
        "rejection",
        "rejection without words",
        "bad request",
        "bad request in JSON",
        "unknown",
        "error",
        "domain wanted",
        "html",
        "list",
    ],
)
async def test_answers_that_are_no_success(
    response: httpx.Response, error: type[Exception], message: str
) -> None:
    """Each status has its meaning."""
    client = server(lambda _: response)
    with pytest.raises(error, match=message):
        await client.call(payload("action_x"))
    await client.close()


async def test_a_server_that_is_away() -> None:
    """No connection is a failure that names the address."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = server(refuse)
    with pytest.raises(ActionFailed, match="cannot reach http://actions/webhook: refused"):
        await client.call(payload("action_x"))
    await client.close()


async def test_a_server_that_does_not_answer() -> None:
    """A timeout is a failure that says how long it was waited for."""

    def silence(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    client = server(silence, timeout_s=3.0)
    with pytest.raises(ActionFailed, match="did not answer within 3 s"):
        await client.call(payload("action_x"))
    await client.close()


async def test_a_lean_call_is_repeated_with_the_domain() -> None:
    """Servers of newer rasa-sdk answer 449 until they have seen the domain."""
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(200 if b'"domain"' in request.content else 449, json={"events": []})

    client = server(answer, selective_domain=True)
    await client.call(payload("action_x"))
    await client.close()
    assert [b'"domain"' in body for body in bodies] == [False, True]


async def test_a_compressed_call_is_a_deflated_body() -> None:
    """An action server reads it as Rasa's."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Content-Encoding"] == "deflate"
        assert json.loads(zlib.decompress(request.content)) == payload("greet")
        return httpx.Response(200, json={"events": [], "responses": []})

    endpoint = ActionEndpoint(url="http://actions.example/webhook", compressed=True)
    server = HttpActions(endpoint, transport=httpx.MockTransport(answer))
    assert await server.call(payload("greet")) == {"events": [], "responses": []}
    await server.close()
