"""What is forged, replayed, too large, from a wrong page or another customer's is refused, and logged."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
import websockets
from structlog.testing import capture_logs

from bot.dialogue.messages import JSON
from bot.server.attachments import AttachmentOptions, KeptFiles
from crm_connector import database
from tests.channels.scripted import ScriptedProcessor
from tests.channels.scripted_records import ScriptedRecords
from tests.channels.test_widget_identity import SETTINGS, signed
from tests.channels.widget_door import (
    CONVERSATION,
    M1,
    M2,
    OTHER,
    SENDER,
    Door,
    frames_until,
    hear,
    said,
    say,
    serving,
)

KEY, SECOND_KEY = "u" * 32, "v" * 32
MIB = 1024 * 1024


def picture(width: int = 2, height: int = 2) -> bytes:
    """Return a small PNG of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\x00" + b"\x0b\x4f\x4a" * width for _ in range(height))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def authorization(secret: str = CONVERSATION, customer: Mapping[str, JSON] | None = None) -> dict[str, str]:
    """Say in a header what a hello says."""
    raw = json.dumps({"conversation_id": secret, "customer": customer or {}}).encode()
    return {"Authorization": f"Bearer {base64.urlsafe_b64encode(raw).decode()}"}


def on_disk(folder: Path) -> list[Path]:
    """Return all files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def files(tmp_path: Path) -> KeptFiles:
    """Keep files of one megabyte, three a conversation."""
    store = database.open("sqlite://")
    return AttachmentOptions(max_megabytes=1, max_files=3).open_files(tmp_path, store)


@pytest.fixture
def processor(files: KeptFiles) -> ScriptedProcessor:
    """Echo, beside files and a CRM."""
    processor = ScriptedProcessor()
    processor.files = files
    processor.records = ScriptedRecords()
    return processor


@pytest.fixture
async def door(processor: ScriptedProcessor) -> AsyncIterator[Door]:
    """Serve the echo for a shop that signs its customers."""
    async with serving(processor, SETTINGS) as door:
        yield door


async def upload(
    client: httpx.AsyncClient, content: bytes = b"", key: str = KEY, **headers: str
) -> httpx.Response:
    """Send a file for the conversation, unless the headers name another."""
    sent = authorization() | {"X-File-Name": "lamp%20%E7%81%AF.png"} | headers
    return await client.put(key, content=content or picture(), headers=sent)


async def test_a_file_comes_in_and_out_for_its_own_conversation(door: Door) -> None:
    """A file is kept, said in a message, and given back as a download that nothing can run in."""
    async with door.client() as client, door.widget() as (line, _):
        sent = await upload(client)
        assert (sent.status_code, sent.json()["name"], sent.json()["type"]) == (
            201,
            "lamp 灯.png",
            "image/png",
        )
        await say(line, type="message", message_id=M1, attachments=[sent.json()["id"]])
        frames = await frames_until(line, "typing", on=False)
        [event] = [frame for frame in frames if frame.get("from") == "customer"]
        assert event["messages"] == [{"file": sent.json()}]
        assert said(frames[:1]) == []
        got = await client.get(sent.json()["id"], headers=authorization())
    assert got.content == picture()
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]


async def test_a_message_brings_its_files_to_the_bot(door: Door, processor: ScriptedProcessor) -> None:
    """The bot reads the files in the metadata, and the customer's words beside them where there are some."""
    async with door.client() as client, door.widget() as (line, _):
        file = (await upload(client)).json()
        for message_id, text in ((M1, None), (M2, "It flickers")):
            await say(line, type="message", message_id=message_id, text=text, attachments=[file["id"]])
            await frames_until(line, "ack", message_id=message_id, state="stored")
    assert [message.text for message in processor.handled] == ["lamp 灯.png", "It flickers"]
    assert all(message.metadata["attachments"] == [file] for message in processor.handled)


async def test_a_file_of_another_conversation_is_not_there(door: Door, processor: ScriptedProcessor) -> None:
    """Neither a download nor a message reaches a stranger's file, and both attempts are logged."""
    async with door.client() as client, door.widget(secret=OTHER) as (line, _):
        file_id = (await upload(client)).json()["id"]
        with capture_logs() as logs:
            stolen = await client.get(file_id, headers=authorization(OTHER))
            await say(line, type="message", message_id=M1, attachments=[file_id])
            refused = await hear(line)
    assert (stolen.status_code, stolen.json()["reason"]) == (404, "UnknownFile")
    assert (refused["type"], refused["reason"], refused["message_id"]) == ("error", "UnknownFile", M1)
    assert processor.handled == []
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == [
        "file refused",
        "frame refused",
    ]


async def test_the_name_of_a_conversation_does_not_open_it(door: Door) -> None:
    """Who knows a sender_id from a log or a transcript sees an empty conversation, and no file."""
    async with door.client() as client:
        file_id = (await upload(client)).json()["id"]
        async with door.widget() as (line, _):
            await say(line, type="message", message_id=M1, text="my secret")
            await frames_until(line, "ack", state="stored")
        async with door.widget(secret=SENDER) as (_, frames):
            assert said(frames) == []
        assert (await client.get(file_id, headers=authorization(SENDER))).status_code == 404


async def test_a_signed_out_browser_reaches_no_file_of_the_account(door: Door) -> None:
    """A file sent under an account is given to its signature, on every device, not to the secret alone."""
    hers = signed("7")
    async with door.client() as client:
        file_id = (await upload(client, **authorization(customer=hers))).json()["id"]
        elsewhere = await client.get(file_id, headers=authorization(OTHER, hers))
        signed_out = await client.get(file_id, headers=authorization())
        another = await client.get(file_id, headers=authorization(customer=signed("8")))
        forged = await client.get(
            file_id, headers=authorization(customer={**hers, "identifier_hash": "0" * 64})
        )
    assert elsewhere.status_code == 200
    assert [answer.status_code for answer in (signed_out, another, forged)] == [403, 404, 403]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param(None, 401, id="none"),
        pytest.param("Basic abc", 401, id="another scheme"),
        pytest.param("Bearer ???", 401, id="no base64"),
        pytest.param("Bearer " + base64.urlsafe_b64encode(b"[]").decode(), 400, id="no object"),
        pytest.param(
            "Bearer " + base64.urlsafe_b64encode(b'{"conversation_id": "guess"}').decode(), 400, id="guess"
        ),
    ],
)
async def test_a_request_that_does_not_say_who_asks_is_refused(
    door: Door, header: str | None, code: int
) -> None:
    """Without a conversation's secret nothing is taken and nothing is given."""
    headers = {"Authorization": header} if header else {}
    async with door.client() as client:
        with capture_logs() as logs:
            answers = [
                await client.put(KEY, content=picture(), headers=headers),
                await client.get("a" * 32, headers=headers),
            ]
    assert [answer.status_code for answer in answers] == [code, code]
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["file refused"] * 2


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        pytest.param(b"MZ\x90\x00" * 9, 415, "WrongFileType", id="program called picture"),
        pytest.param(b"<svg xmlns='x' onload='a()'/>", 415, "WrongFileType", id="picture with a script"),
        pytest.param(b"<!doctype html><script>a()</script>", 415, "WrongFileType", id="page"),
        pytest.param(picture() + b"x" * MIB, 413, "FileTooLarge", id="large"),
    ],
)
async def test_a_file_that_is_not_what_it_says_is_refused(
    door: Door, tmp_path: Path, content: bytes, code: int, reason: str
) -> None:
    """The bytes decide, not the name or the type that the browser sends; nothing stays on the disk."""
    async with door.client() as client:
        with capture_logs() as logs:
            answer = await upload(client, content, **{"Content-Type": "image/png"})
    assert (answer.status_code, answer.json()["reason"]) == (code, reason)
    assert [log["reason"] for log in logs if log["event"] == "file refused"] == [reason]
    assert on_disk(tmp_path) == []


async def test_a_file_that_hides_its_size_is_refused_too(door: Door) -> None:
    """A body that comes in parts without saying how long it is ends where it is too long."""

    async def endless() -> AsyncIterator[bytes]:
        yield picture()
        for _ in range(40):
            yield b"x" * 65_536

    async with door.client() as client:
        with capture_logs() as logs:
            try:
                answer = await client.put(KEY, content=endless(), headers=authorization())
                assert answer.status_code == 413
            except (httpx.WriteError, httpx.ReadError):
                pass  # the server hung up in the middle, which is an answer as well
    assert [log["reason"] for log in logs if log["event"] == "file refused"] == ["FileTooLarge"]


async def test_a_replayed_upload_keeps_the_first_file(door: Door, tmp_path: Path) -> None:
    """The same upload again, with other bytes, gives back the file of then; a stranger's is another."""
    async with door.client() as client:
        first = (await upload(client)).json()
        again = (await upload(client, b"%PDF-1.7 other")).json()
        stranger = (await upload(client, **authorization(OTHER))).json()
    assert again == first
    assert stranger["id"] != first["id"]
    assert len(on_disk(tmp_path)) == 2


async def test_one_file_too_many_is_refused(door: Door) -> None:
    """A conversation has its share of the disk and no more."""
    async with door.client() as client:
        with capture_logs() as logs:
            codes = [(await upload(client, key=f"{number}" * 32)).status_code for number in range(4)]
            wrong_key = await upload(client, key="short")
    assert codes == [201, 201, 201, 403]
    assert wrong_key.status_code == 400
    assert [log["reason"] for log in logs if log["event"] == "file refused"] == ["TooManyFiles", "BadRequest"]


async def test_an_address_sends_so_many_files_only(processor: ScriptedProcessor) -> None:
    """Uploads of one address are counted over all its conversations."""
    async with serving(processor, {"uploads_per_hour": 2}) as door, door.client() as client:
        with capture_logs() as logs:
            answers = [await upload(client, **authorization(f"{number}" * 32)) for number in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert [log["reason"] for log in logs if log["event"] == "file refused"] == ["RateLimited"]
    assert answers[2].json()["details"]["retry_after_s"] > 0


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_foreign_page_uses_neither_socket_nor_files(door: Door, origin: str) -> None:
    """A page that is not allowed gets no socket, no file, no leave to send one; each attempt is logged."""
    async with door.client() as client:
        with capture_logs() as logs:
            with pytest.raises(websockets.InvalidStatus):
                async with door.socket(origin=origin):
                    pass
            answers = [
                await client.options(KEY, headers={"Origin": origin, "Access-Control-Request-Method": "PUT"}),
                await upload(client, Origin=origin),
                await client.get("a" * 32, headers={"Origin": origin} | authorization()),
            ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert all("access-control-allow-origin" not in answer.headers for answer in answers)
    refusals = [(log["event"], log["origin"]) for log in logs if log["log_level"] == "warning"]
    assert refusals == [("origin refused", origin)] * 4


async def test_an_allowed_page_may_send_and_read_files(processor: ScriptedProcessor) -> None:
    """A configured page is told what it may do, and reads answers and refusals alike."""
    page = "https://shop.example"
    async with serving(processor, {"allowed_origins": [page]}) as door, door.client() as client:
        asked = await client.options(KEY, headers={"Origin": page, "Access-Control-Request-Method": "PUT"})
        sent = await upload(client, Origin=page)
        missing = await client.get("a" * 32, headers={"Origin": page} | authorization())
    assert asked.headers["access-control-allow-headers"] == "authorization, content-type, x-file-name"
    assert [answer.status_code for answer in (asked, sent, missing)] == [204, 201, 404]
    for answer in (asked, sent, missing):
        assert answer.headers["access-control-allow-origin"] == page
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_forged_identity_opens_nothing(door: Door) -> None:
    """Whoever claims to be somebody with a hash of her own making stays a stranger, and is logged."""
    async with door.widget(customer=signed("7")) as (line, _):
        await say(line, type="message", message_id=M1, text="my secret")
        await frames_until(line, "ack", state="stored")
    forged = {"id": "7", "identifier_hash": hashlib.sha256(b"7").hexdigest()}
    with capture_logs() as logs:
        async with door.widget(secret=OTHER, customer=forged) as (line, frames):
            assert said(frames) == []
            assert (await hear(line))["reason"] == "IdentityRefused"
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["identity refused"]


async def test_a_replayed_message_is_answered_once(door: Door, processor: ScriptedProcessor) -> None:
    """The same message again is not handled again; in a stranger's conversation it is a stranger's."""
    for secret in (CONVERSATION, CONVERSATION, OTHER):
        async with door.widget(secret=secret) as (line, _):
            await say(line, type="message", message_id=M1, text="hi")
            await frames_until(line, "ack", state="stored")
    assert [message.sender_id for message in processor.handled][:1] == [SENDER]
    assert len({message.sender_id for message in processor.handled}) == len(processor.handled)


async def test_a_frame_over_the_limit_ends_the_line(door: Door) -> None:
    """A frame larger than any message can be is not read: the line is closed, and that is logged."""
    with capture_logs() as logs:
        async with door.widget() as (line, _):
            await line.send("x" * 300_000)
            with pytest.raises(websockets.ConnectionClosed):
                await frames_until(line, "pong")
    assert [log["reason"] for log in logs if log["event"] == "frame refused"] == ["TooLarge"]


async def test_new_conversations_of_one_address_are_limited(processor: ScriptedProcessor) -> None:
    """An address begins so many conversations; those it has go on, and it hears when it may begin again."""
    async with serving(processor, {"new_conversations_per_hour": 2}) as door:
        for number in range(2):
            async with door.widget(secret=f"{number}" * 32) as (line, _):
                await say(line, type="message", message_id=M1, text="hi")
                await frames_until(line, "ack", state="stored")
        with capture_logs() as logs:
            async with door.widget() as (line, _):
                await say(line, type="message", message_id=M1, text="hi")
                refused = (await frames_until(line, "error"))[-1]
        async with door.widget(secret="0" * 32) as (line, _):
            await say(line, type="message", message_id=M2, text="hi again")
            await frames_until(line, "ack", message_id=M2, state="stored")
    assert (refused["reason"], refused["message_id"]) == ("RateLimited", M1)
    assert 0 < refused["retry_after_s"] <= 3600
    assert [log["reason"] for log in logs if log["event"] == "frame refused"] == ["RateLimited"]


async def test_customers_behind_a_trusted_proxy_are_told_apart(processor: ScriptedProcessor) -> None:
    """A proxy on this machine is believed: one customer's flood does not keep another one out."""
    reasons: list[str | None] = []
    async with serving(processor, {"new_conversations_per_hour": 1}) as door:
        for number, address in enumerate(("198.51.100.7", "198.51.100.7", "198.51.100.8")):
            async with door.socket(forwarded_for=address) as line:
                await say(line, type="hello", conversation_id=f"{number}" * 32)
                await frames_until(line, "ready")
                await say(line, type="message", message_id=M1, text="hi")
                answer = await hear(line)
                while answer["type"] not in ("error", "event"):
                    answer = await hear(line)
                reasons.append(answer.get("reason"))
    assert reasons == [None, "RateLimited", None]
