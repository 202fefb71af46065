"""Files that customers sent: shown in the transcript, given out to agents alone, never run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from crm_connector import conversations
from crm_connector.attachments import Attachments, Origin
from crm_connector.choices import Role
from crm_connector.columns import JSONObject
from crm_connector.tables import Attachment, Conversation
from desk.access import Desk
from desk.files import FileDoor
from desk.guard import OnlySignedIn
from desk.sign_in import COOKIE
from desk.views.conversation import File, Line, LineKind, open_conversation
from desk.views.conversation_list import Folder, rows

SignIn = Callable[..., str]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
TEXT = b"javascript:alert(1) is only text"


@pytest.fixture
def files(desk: Desk, tmp_path: Path) -> Attachments:
    """A folder for files."""
    return Attachments(desk.store, tmp_path / "files")


@pytest.fixture
def client(desk: Desk, files: Attachments) -> Iterator[TestClient]:
    """A browser before a desk that gives files out."""
    app = FastAPI()
    app.include_router(FileDoor(desk, files).router())
    app.add_middleware(OnlySignedIn, desk=desk)
    with TestClient(app) as client:
        yield client


def _keep(files: Attachments, name: str, content: bytes, sender_id: str = "ada") -> Attachment:
    with files.receiving() as upload:
        upload.write(content)
        return files.keep(upload, Origin("web_widget", sender_id, name), name)


def _say(
    desk: Desk, text: str, files: list[Attachment], sender_id: str = "ada", title: str | None = None
) -> int:
    named = [{"id": one.file_id, "name": one.name, "type": one.media_type, "size": 1} for one in files]
    metadata: JSONObject = {"attachments": named} | ({"title": title} if title else {})
    said = {"event": "user", "text": text, "timestamp": time.time(), "metadata": metadata}
    with desk.store.session() as session:
        conversation = conversations.find_or_create(session, sender_id, "web_widget")
        conversations.append_events(session, conversation, [said])
        return conversation.id


def _browser(token: str) -> dict[str, str]:
    return {"cookie": f"{COOKIE}={token}"}


def _customers_lines(desk: Desk, token: str, conversation_id: int) -> list[Line]:
    shown = open_conversation(desk, token, conversation_id).lines
    return [line for line in shown if line.kind is LineKind.CUSTOMER]


def test_files_stand_in_the_transcript(desk: Desk, signed_in: SignIn, files: Attachments) -> None:
    """With what the store knows of them; words that only stand for files are not shown."""
    anna = signed_in(Role.AGENT)
    picture, text = _keep(files, "lamp.png", PNG), _keep(files, "notes.txt", TEXT)
    foreign = _keep(files, "foreign.png", PNG, sender_id="bo")
    id_ = _say(desk, "/send_file", [picture, foreign])
    _say(desk, "notes.txt", [text])
    _say(desk, "It looks like this", [picture])
    shown = File(picture.file_id, "lamp.png", len(PNG), is_picture=True)
    assert [(line.text, line.files) for line in _customers_lines(desk, anna, id_)] == [
        ("", (shown,)),
        ("", (File(text.file_id, "notes.txt", len(TEXT), is_picture=False),)),
        ("It looks like this", (shown,)),
    ]


@pytest.mark.parametrize(
    ("text", "title", "shown"),
    [
        pytest.param('/inform{"reason": "refund"}', "Money back", "Money back", id="button"),
        pytest.param("/send_file", None, "lamp.png", id="file"),
        pytest.param("Look", None, "Look", id="words"),
    ],
)
def test_the_list_says_what_the_customer_saw(
    desk: Desk, signed_in: SignIn, files: Attachments, text: str, title: str | None, shown: str
) -> None:
    """The title of a button, the name of a file, her words; never a payload."""
    anna = signed_in(Role.AGENT)
    id_ = _say(desk, text, [_keep(files, "lamp.png", PNG)] if title is None else [], title=title)
    [row] = rows(desk, anna, Folder.BOT)
    assert row.preview == shown
    [line] = _customers_lines(desk, anna, id_)
    assert (line.text or line.files[0].name) == shown


@pytest.mark.parametrize(
    ("name", "content", "disposition", "media_type"),
    [
        pytest.param("lamp.png", PNG, "inline", "image/png", id="picture"),
        pytest.param("page.html", TEXT, "attachment", "text/plain", id="text"),
        pytest.param("a.pdf", b"%PDF-1.7 /JS", "attachment", "application/pdf", id="pdf"),
    ],
)
def test_nothing_that_was_uploaded_runs(
    desk: Desk,
    signed_in: SignIn,
    files: Attachments,
    client: TestClient,
    name: str,
    content: bytes,
    disposition: str,
    media_type: str,
) -> None:
    """Pictures are shown, the rest is saved; a page that opens one may do nothing with it."""
    kept = _keep(files, name, content)
    id_ = _say(desk, "/send_file", [kept])
    answer = client.get(f"/desk/files/{id_}/{kept.file_id}", headers=_browser(signed_in(Role.AGENT)))
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-disposition"].startswith(f'{disposition}; filename="')
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_files_are_given_to_agents_alone(
    desk: Desk, signed_in: SignIn, files: Attachments, client: TestClient
) -> None:
    """Not to strangers, not to other roles, and only by the conversation that they were sent in."""
    kept = _keep(files, "lamp.png", PNG)
    id_ = _say(desk, "/send_file", [kept])
    other = _say(desk, "hello", [], sender_id="bo")
    path = f"/desk/files/{id_}/{kept.file_id}"
    assert client.get(path).status_code == 401
    for role in (Role.BOT_DEVELOPER, Role.OPERATOR):
        assert client.get(path, headers=_browser(signed_in(role))).status_code == 403
    anna = _browser(signed_in(Role.AGENT))
    assert client.get(f"/desk/files/{other}/{kept.file_id}", headers=anna).status_code == 404
    assert client.get(f"/desk/files/999/{kept.file_id}", headers=anna).status_code == 404
    assert client.get(f"/desk/files/{id_}/..%2F..%2Fcrm.db", headers=anna).status_code == 404
    files.path(kept).unlink()
    assert client.get(path, headers=anna).status_code == 404
    with desk.store.reading() as session:
        assert session.get_one(Conversation, id_).last_sequence == 1
