"""The REST channel keeps to Rasa's wire format, and refuses what is wrong in a way that helps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from bot.channels.rest import Rest
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON
from bot.errors import ModelError, SettingsError
from tests.channels.scripted import ScriptedProcessor

WEBHOOK = "/webhooks/rest/webhook"


@pytest.fixture
def processor() -> ScriptedProcessor:
    """Echo what it is told."""
    return ScriptedProcessor()


@pytest.fixture
async def client(processor: ScriptedProcessor) -> AsyncIterator[httpx.AsyncClient]:
    """Talk to an application with nothing but the channel."""
    app = FastAPI()
    app.include_router(Rest(processor).router())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        yield client


async def test_a_message_is_answered_in_rasas_wire_format(
    client: httpx.AsyncClient, processor: ScriptedProcessor
) -> None:
    """The answer is a list of messages, each addressed to the sender."""
    processor.script = lambda _: [
        BotUttered(text="Hi\n\nHow can I help?"),
        BotUttered(
            text="Pick", data={"buttons": [{"title": "A", "payload": "/a"}], "image": "https://x/y.png"}
        ),
    ]
    response = await client.post(WEBHOOK, json={"sender": "mia", "message": " hello ", "metadata": {"a": 1}})
    assert response.status_code == 200
    assert response.json() == [
        {"recipient_id": "mia", "text": "Hi"},
        {"recipient_id": "mia", "text": "How can I help?"},
        {"recipient_id": "mia", "text": "Pick", "buttons": [{"title": "A", "payload": "/a"}]},
        {"recipient_id": "mia", "image": "https://x/y.png"},
    ]
    [handled] = processor.handled
    assert (handled.text, handled.sender_id, handled.input_channel) == ("hello", "mia", "rest")
    assert handled.metadata == {"a": 1}


async def test_sender_and_channel_have_rasas_defaults(
    client: httpx.AsyncClient, processor: ScriptedProcessor
) -> None:
    """Without a sender it is "default"; the input channel can be named; unknown fields are passed over."""
    await client.post(WEBHOOK, json={"message": "hi", "sender": None, "colour": "red"})
    await client.post(WEBHOOK, json={"message": "hi", "input_channel": "kiosk"})
    assert [(m.sender_id, m.input_channel) for m in processor.handled] == [
        ("default", "rest"),
        ("default", "kiosk"),
    ]


async def test_a_message_sent_twice_is_handled_once(
    client: httpx.AsyncClient, processor: ScriptedProcessor
) -> None:
    """The same message_id of the same sender gets the same answer and no second turn."""
    body = {"sender": "mia", "message": "hi", "message_id": "1"}
    first, second = await asyncio.gather(client.post(WEBHOOK, json=body), client.post(WEBHOOK, json=body))
    assert first.json() == second.json()
    assert len(processor.handled) == 1


async def test_two_senders_may_choose_the_same_message_id(client: httpx.AsyncClient) -> None:
    """Nobody gets somebody else's answer by sending her message_id."""
    mine = await client.post(WEBHOOK, json={"sender": "mia", "message": "secret", "message_id": "1"})
    theirs = await client.post(WEBHOOK, json={"sender": "bob", "message": "hi", "message_id": "1"})
    assert mine.json()[0]["text"] == "You said: secret"
    assert theirs.json() == [{"recipient_id": "bob", "text": "You said: hi"}]


async def test_stream_sends_one_message_per_line(
    client: httpx.AsyncClient, processor: ScriptedProcessor
) -> None:
    """With ?stream=true the answer is one JSON object per line."""
    processor.script = lambda _: [BotUttered(text="A"), BotUttered(text="B")]
    response = await client.post(f"{WEBHOOK}?stream=true", json={"message": "hi"})
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["text"] for line in lines] == ["A", "B"]


async def test_the_channel_says_it_is_there(client: httpx.AsyncClient) -> None:
    """GET on the channel answers ok."""
    assert (await client.get("/webhooks/rest/")).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("body", "code", "reason", "named"),
    [
        pytest.param(b"", 400, "BadRequest", "not valid JSON", id="no body"),
        pytest.param(b'{"message": "hi"', 400, "BadRequest", "not valid JSON", id="malformed"),
        pytest.param(b'{"message": "\xff"}', 400, "BadRequest", "not UTF-8", id="not UTF-8"),
        pytest.param(b'{"message": "a", "x": NaN}', 400, "BadRequest", "NaN", id="NaN"),
        pytest.param(b"[" * 100_000, 400, "BadRequest", "nested too deeply", id="nested"),
        pytest.param(b'{"message": "a", "x": ' + b"9" * 5000 + b"}", 400, "BadRequest", "JSON", id="huge"),
        pytest.param(b'["hi"]', 400, "BadRequest", "array, expected an object", id="list"),
        pytest.param(b"null", 400, "BadRequest", "null, expected an object", id="null"),
        pytest.param(b"{}", 400, "BadRequest", "'message' is missing", id="no message"),
        pytest.param(b'{"message": null}', 400, "BadRequest", "'message' is missing", id="null message"),
        pytest.param(b'{"message": ""}', 400, "BadRequest", "'message' is empty", id="empty"),
        pytest.param(b'{"message": " \\n\\u0000 "}', 400, "BadRequest", "'message' is empty", id="blank"),
        pytest.param(b'{"message": 7}', 400, "BadRequest", "number, expected a string", id="number"),
        pytest.param(b'{"message": {"a": 1}}', 400, "BadRequest", "object, expected", id="object"),
        pytest.param(b'{"message": "a", "sender": 7}', 400, "BadRequest", "'sender' is", id="sender"),
        pytest.param(b'{"message": "a", "sender": true}', 400, "BadRequest", "boolean", id="boolean"),
        pytest.param(b'{"message": "a", "metadata": []}', 400, "BadRequest", "'metadata'", id="metadata"),
        pytest.param(b'{"message": "a", "message_id": 1}', 400, "BadRequest", "'message_id'", id="id"),
        pytest.param(
            json.dumps({"message": "a", "sender": "s" * 201}).encode(), 400, "BadRequest", "200", id="long id"
        ),
        pytest.param(
            json.dumps({"message": "a" * 10_001}).encode(), 413, "MessageTooLong", "10,001", id="too long"
        ),
    ],
)
async def test_a_bad_request_gets_a_clear_error_in_rasas_shape(
    client: httpx.AsyncClient, processor: ScriptedProcessor, body: bytes, code: int, reason: str, named: str
) -> None:
    """What the caller did wrong is named, nothing is handled, and no trace is shown."""
    response = await client.post(WEBHOOK, content=body)
    error = response.json()
    assert (response.status_code, error["code"], error["reason"]) == (code, code, reason)
    assert named in error["message"]
    assert error["status"] == "failure"
    assert set(error) == {"version", "status", "message", "reason", "details", "help", "code"}
    assert processor.handled == []


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        pytest.param("a" * 10_000, "a" * 10_000, id="10,000 characters"),
        pytest.param("\U0001f621\U0001f621", "\U0001f621\U0001f621", id="emoji only"),
        pytest.param("where 包裹 is", "where 包裹 is", id="mixed languages"),
        pytest.param("a\x00b\x1b[31mc\td\r\ne", "ab[31mc\td\ne", id="control characters"),
        pytest.param("half \ud83d pair", "half \ufffd pair", id="half a surrogate pair"),
        pytest.param("<script>alert(1)</script>", "<script>alert(1)</script>", id="HTML"),
        pytest.param("'; DROP TABLE tickets; --", "'; DROP TABLE tickets; --", id="SQL"),
    ],
)
async def test_odd_text_arrives_as_text(
    client: httpx.AsyncClient, processor: ScriptedProcessor, sent: str, understood: str
) -> None:
    """Unusual text is handled as it is, but for characters that no store can hold."""
    body = json.dumps({"message": sent, "metadata": {"note": "\x00\ud83d"}}).encode()
    response = await client.post(WEBHOOK, content=body)
    assert response.status_code == 200
    assert processor.handled[0].text == understood
    assert processor.handled[0].metadata == {"note": "\ufffd"}


@pytest.mark.parametrize(
    ("failing", "code", "reason"),
    [
        pytest.param(ModelError("models/ is empty"), 409, "Conflict", id="no model"),
        pytest.param(RuntimeError("secret detail"), 500, "ConversationError", id="anything"),
    ],
)
async def test_a_turn_that_fails_is_answered_and_can_be_sent_again(
    client: httpx.AsyncClient, processor: ScriptedProcessor, failing: Exception, code: int, reason: str
) -> None:
    """A failing turn gives an error without its inner details; the same message_id works afterwards."""
    body: JSON = {"sender": "mia", "message": "hi", "message_id": "1"}
    processor.failing = failing
    response = await client.post(WEBHOOK, json=body)
    assert (response.status_code, response.json()["reason"]) == (code, reason)
    assert "secret" not in response.text
    processor.failing = None
    assert (await client.post(WEBHOOK, json=body)).json() == [{"recipient_id": "mia", "text": "You said: hi"}]


def test_a_setting_is_refused(processor: ScriptedProcessor) -> None:
    """The channel has no settings, so one is a mistake."""
    with pytest.raises(SettingsError, match="'rest' has no settings, found 'token'"):
        Rest.from_credentials({"token": "x"}, processor.parts())
