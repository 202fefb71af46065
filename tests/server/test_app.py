"""The application keeps to Rasa's answers and errors, and to the rules of a careful site."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from bot.channels.web_widget.conversations import Listener
from bot.channels.web_widget.frames import Frame
from bot.channels.web_widget.widget import WebWidget
from bot.dialogue.messages import UserMessage
from bot.server.health import STORE_TIMEOUT_S
from tests.channels.scripted import ScriptedProcessor
from tests.server.factories import NamedModel, SwitchedStore, application

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def client_of(app: FastAPI, *, raises: bool = True) -> httpx.AsyncClient:
    """Talk to an application without a network."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=raises)
    return httpx.AsyncClient(transport=transport, base_url="http://shop")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Talk to an application of fakes."""
    async with client_of(application()) as client:
        yield client


async def test_the_page_forbids_everything_inline(client: httpx.AsyncClient) -> None:
    """A browser gets the page, under a policy that allows our own files only."""
    response = await client.get("/", headers=BROWSER)
    assert "/static/widget.js" in response.text
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in response.text
    assert " style=" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accept", "credentials"),
    [
        pytest.param("text/plain", {"web_widget": None}, id="asked for text"),
        pytest.param(BROWSER["Accept"], {"rest": None}, id="no widget to show"),
    ],
)
async def test_without_a_page_the_product_says_hello(accept: str, credentials: dict[str, None]) -> None:
    """Who asks for text, and who serves no widget, gets Rasa's kind of greeting."""
    async with client_of(application(credentials=credentials)) as client:
        response = await client.get("/", headers={"Accept": accept})
    assert response.text.startswith("Hello from Frontdesk: ")


@pytest.mark.parametrize("credentials", [{"web_widget": None}, {"rest": None}], ids=["widget", "no widget"])
async def test_browsers_find_an_icon_where_they_look(credentials: dict[str, None]) -> None:
    """Also before an answer that is no page of ours."""
    async with client_of(application(credentials=credentials)) as client:
        response = await client.get("/favicon.ico")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.text.startswith("<svg ")


async def test_nothing_beside_the_static_files_is_served(client: httpx.AsyncClient) -> None:
    """A path cannot leave the folder."""
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/page"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("model_id", "is_there", "code", "status", "store"),
    [
        pytest.param("m1", True, 200, "ok", "reachable", id="well"),
        pytest.param(None, True, 503, "degraded", "reachable", id="no model"),
        pytest.param("m1", False, 503, "degraded", "unreachable", id="no store"),
    ],
)
async def test_health_tells_what_is_missing(
    model_id: str | None, is_there: bool, code: int, status: str, store: str
) -> None:
    """Health names the model and says whether the store can be reached."""
    switched = SwitchedStore()
    switched.is_there = is_there
    async with client_of(application(model=NamedModel(model_id), store=switched)) as client:
        response = await client.get("/health")
    assert response.status_code == code
    body = response.json()
    assert (body["status"], body["model_id"], body["store"]) == (status, model_id, store)


async def test_a_store_that_never_answers_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Health does not wait for a store longer than its time limit."""
    assert STORE_TIMEOUT_S < 5
    monkeypatch.setattr("bot.server.health.STORE_TIMEOUT_S", 0.01)

    class Hanging(SwitchedStore):
        async def is_reachable(self) -> bool:
            await asyncio.Event().wait()
            return True

    async with client_of(application(store=Hanging())) as client:
        assert (await client.get("/health")).json()["store"] == "unreachable"


async def test_version_has_rasas_fields(client: httpx.AsyncClient) -> None:
    """The version is known without the HTTP API."""
    assert set((await client.get("/version")).json()) == {"version", "minimum_compatible_version"}


@pytest.mark.parametrize("path", ["/status", "/domain", "/conversations/mia/tracker"])
async def test_without_being_asked_for_there_is_no_http_api(client: httpx.AsyncClient, path: str) -> None:
    """Rasa's HTTP API is there on demand only."""
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "reason"),
    [
        pytest.param("GET", "/nowhere", None, 404, "Not found", id="unknown path"),
        pytest.param("DELETE", "/health", None, 405, "BadRequest", id="unknown method"),
        pytest.param(
            "POST", "/webhooks/rest/webhook", b"x" * 300_000, 413, "BodyTooLarge", id="large message"
        ),
        pytest.param("POST", "/webhooks/rest/webhook", b"[]", 400, "BadRequest", id="bad message"),
    ],
)
async def test_errors_have_rasas_shape(
    client: httpx.AsyncClient, method: str, path: str, body: bytes | None, code: int, reason: str
) -> None:
    """Every error carries version, status, message, reason, details, help and code."""
    response = await client.request(method, path, content=body)
    error = response.json()
    assert set(error) == {"version", "status", "message", "reason", "details", "help", "code"}
    assert (response.status_code, error["code"], error["reason"]) == (code, code, reason)


async def test_the_unexpected_shows_no_inside() -> None:
    """An error nobody foresaw is a 500 in Rasa's shape, without its text."""

    class Broken(SwitchedStore):
        async def is_reachable(self) -> bool:
            raise RuntimeError("secret detail")

    async with client_of(application(store=Broken()), raises=False) as client:
        response = await client.get("/health")
    assert (response.status_code, response.json()["reason"]) == (500, "InternalError")
    assert "secret" not in response.text


async def test_a_body_of_ten_thousand_escaped_emojis_passes() -> None:
    """The largest message that is allowed fits into the largest body that is allowed."""
    processor = ScriptedProcessor()
    body = json.dumps({"message": "\U0001f621" * 10_000})
    async with client_of(application(processor)) as client:
        assert (await client.post("/webhooks/rest/webhook", content=body)).status_code == 200
    assert len(processor.handled[0].text) == 10_000


async def test_logs_hold_no_words_of_the_customers(client: httpx.AsyncClient) -> None:
    """The request log names path, status and duration, and neither text nor query."""
    with capture_logs() as logs:
        await client.post("/webhooks/rest/webhook?token=t0p", json={"message": "my secret"})
    [log] = [log for log in logs if log["event"] == "request"]
    assert (log["method"], log["path"], log["status"]) == ("POST", "/webhooks/rest/webhook", 200)
    assert "secret" not in str(logs)
    assert "t0p" not in str(logs)


async def test_what_went_well_is_logged_for_those_who_look_for_something(client: httpx.AsyncClient) -> None:
    """A turn that was answered is no news at the usual level, a request that was refused is."""
    with capture_logs() as logs:
        await client.post("/webhooks/rest/webhook", json={"message": "hi"})
        await client.post("/webhooks/rest/webhook", json={})
    levels = [(log["status"], log["log_level"]) for log in logs if log["event"] == "request"]
    assert levels == [(200, "debug"), (400, "info")]


async def test_turns_under_way_end_before_the_parts_are_closed() -> None:
    """At the end the channels finish their turns first, then what they lean on is closed."""
    processor = ScriptedProcessor()
    handled_at_close: list[list[str]] = []

    async def close() -> None:
        handled_at_close.append([message.text for message in processor.handled])

    app = application(processor, close=close)
    async with app.router.lifespan_context(app):
        widget: WebWidget = app.state.channels["web_widget"]
        conversation = widget.conversations.join("c", Listener(Silence(), 0))
        await conversation.submit(UserMessage("hi", sender_id="c"))
        assert processor.handled == []
    assert handled_at_close == [["hi"]]


class Silence:
    """A connection on which nobody listens."""

    async def send(self, frame: Frame) -> None:
        """Send nothing."""
