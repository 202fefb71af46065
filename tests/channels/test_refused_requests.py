"""The doors that take everybody's word refuse what is no message, and log it without what stood in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from tests.channels.scripted import ScriptedProcessor
from tests.server.factories import application

DOORS = ["/webhooks/rest/webhook", "/webhooks/callback/webhook"]
CREDENTIALS = {"rest": None, "callback": {"url": "http://127.0.0.1:9/answers"}}


@pytest.fixture
def processor() -> ScriptedProcessor:
    """Answer from a script."""
    return ScriptedProcessor()


@pytest.fixture
async def client(processor: ScriptedProcessor) -> AsyncIterator[httpx.AsyncClient]:
    """Ask the whole application."""
    transport = httpx.ASGITransport(application(processor, credentials=CREDENTIALS))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot.example") as client:
        yield client


@pytest.mark.parametrize("door", DOORS)
async def test_a_foreign_page_may_neither_ask_nor_read(
    door: str, client: httpx.AsyncClient, processor: ScriptedProcessor
) -> None:
    """Without configured origins a browser lets no other page send JSON, or see an answer."""
    asking = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    with capture_logs() as logs:
        asked = await client.options(door, headers=asking)
        answered = await client.post(door, json={}, headers={"Origin": asking["Origin"]})
    assert (asked.status_code, answered.status_code) == (405, 400)
    for answer in (asked, answered):
        assert "access-control-allow-origin" not in answer.headers
    assert [log["status"] for log in logs if log["event"] == "request"] == [405, 400]
    assert processor.handled == []


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"secret" * 50_000, 413, id="a large body"),
        pytest.param(json.dumps({"message": "secret" * 2_000}).encode(), 413, id="a long text"),
        pytest.param(b'{"message": "secret', 400, id="no JSON"),
        pytest.param(json.dumps({"message": "hi", "sender": "secret" * 40}).encode(), 400, id="a long name"),
    ],
)
async def test_what_is_no_message_is_refused_and_logged(
    door: str, body: bytes, code: int, client: httpx.AsyncClient, processor: ScriptedProcessor
) -> None:
    """Nothing of it is handled, and nothing of it stands in the log."""
    with capture_logs() as logs:
        assert (await client.post(door, content=body)).status_code == code
    assert [(log["path"], log["status"]) for log in logs if log["event"] == "request"] == [(door, code)]
    assert "secret" not in str(logs)
    assert processor.handled == []
