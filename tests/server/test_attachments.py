"""Channels keep files through one seam, and hear in words why one was refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.channels.attachments import StoredFile, attachments_of, in_one_part, text_beside
from bot.channels.incoming import Refused
from bot.errors import SettingsError
from bot.server.attachments import AttachmentOptions, KeptFiles
from bot.settings import Settings
from crm_connector import database

PDF = b"%PDF-1.7 a receipt"
LAMP = StoredFile("f1", "lamp.png", "image/png", 3)
BILL = StoredFile("f2", "bill.pdf", "application/pdf", 4)


@pytest.fixture
def store() -> Iterator[database.Store]:
    """Open a store in memory."""
    with database.open("sqlite://") as store:
        yield store


@pytest.fixture
def files(store: database.Store, tmp_path: Path) -> KeptFiles:
    """Take PDF files of one megabyte, two a conversation."""
    options = AttachmentOptions(max_megabytes=1, max_files=2, media_types=("application/pdf",))
    return options.open_files(tmp_path, store)


async def keep(files: KeptFiles, content: bytes = PDF, key: str = "k") -> StoredFile:
    """Send a file as a customer of Telegram would."""
    return await files.keep("telegram", "hers", key=key, name="bill", content=in_one_part(content))


async def test_a_file_is_found_by_its_own_conversation(files: KeptFiles, tmp_path: Path) -> None:
    """What was kept is found with its bytes, in the project's folder, and by nobody else."""
    stored = await keep(files)
    assert stored.as_dict() == {
        "id": stored.file_id,
        "name": "bill.pdf",
        "type": "application/pdf",
        "size": 18,
    }
    found = await files.find("telegram", "hers", stored.file_id)
    assert found is not None
    assert found[0] == stored
    assert found[1].read_bytes() == PDF
    assert found[1].is_relative_to(tmp_path / "attachments")
    assert await files.find("telegram", "his", stored.file_id) is None


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        pytest.param(b"", 400, "EmptyFile", id="empty"),
        pytest.param(b"%PDF-" + b"x" * 1024 * 1024, 413, "FileTooLarge", id="large"),
        pytest.param(b"\x89PNG\r\n\x1a\n", 415, "WrongFileType", id="a type that is not wanted"),
    ],
)
async def test_a_refusal_has_a_code_and_a_reason(
    files: KeptFiles, content: bytes, code: int, reason: str
) -> None:
    """What is not kept is refused in words that a channel can pass on."""
    with pytest.raises(Refused) as refused:
        await keep(files, content)
    assert (refused.value.code, refused.value.reason) == (code, reason)


async def test_one_file_too_many_is_refused(files: KeptFiles) -> None:
    """The third of two is refused; one that came before is still given back."""
    first = await keep(files, key="1")
    await keep(files, key="2")
    with pytest.raises(Refused) as refused:
        await keep(files, key="3")
    assert refused.value.reason == "TooManyFiles"
    assert await keep(files, key="1") == first


async def test_a_sender_who_breaks_off_leaves_nothing(files: KeptFiles, tmp_path: Path) -> None:
    """A line that breaks in the middle of a file leaves no file behind."""

    async def broken() -> AsyncIterator[bytes]:
        yield PDF
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await files.keep("telegram", "hers", key="k", name="bill", content=broken())
    assert list((tmp_path / "attachments").iterdir()) == []


async def test_a_store_that_is_away_is_said_so(files: KeptFiles, store: database.Store) -> None:
    """When the CRM cannot be written the sender hears that it may work later."""
    with store.session() as session:
        session.connection().exec_driver_sql("ALTER TABLE attachments RENAME TO lost")
    with pytest.raises(Refused) as refused:
        await keep(files)
    assert (refused.value.code, refused.value.reason) == (503, "Unavailable")


@pytest.mark.parametrize(
    ("text", "files", "knows_files", "expected"),
    [
        pytest.param("It is broken", [LAMP], True, "It is broken", id="words beside it"),
        pytest.param("", [LAMP], True, "/send_file", id="nothing but a file"),
        pytest.param("", [LAMP, BILL], False, "lamp.png, bill.pdf", id="a bot that knows no files"),
        pytest.param("", [], True, "", id="no file"),
    ],
)
def test_a_message_with_files_has_a_text(
    text: str, files: list[StoredFile], knows_files: bool, expected: str
) -> None:
    """Where the customer wrote nothing the bot hears of the files in a way that it knows."""
    assert text_beside(files, text, knows_files=knows_files) == expected


def test_files_are_read_from_metadata() -> None:
    """Only what looks like a file is one."""
    assert attachments_of({"attachments": [LAMP.as_dict(), "x"]}) == [LAMP.as_dict()]
    assert attachments_of({}) == []


@pytest.mark.parametrize(
    ("section", "message"),
    [
        pytest.param("attachments: here", "expected its settings", id="no mapping"),
        pytest.param("attachments: {folders: x}", "did you mean 'folder'", id="typo"),
        pytest.param("attachments: {max_megabytes: -1}", "expected 'max_megabytes' from 0", id="negative"),
        pytest.param("attachments: {media_types: [image/pngs]}", "did you mean 'image/png'", id="type"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, section: str, message: str) -> None:
    """A mistake in `attachments` says what was found and what was expected."""
    (tmp_path / "endpoints.yml").write_text(section, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        Settings.read(tmp_path)


def test_settings_are_read(tmp_path: Path) -> None:
    """Folder, size and number come from `endpoints.yml`."""
    section = "attachments: {folder: /srv/files, max_megabytes: 25, max_files: 3}"
    (tmp_path / "endpoints.yml").write_text(section, encoding="utf-8")
    assert Settings.read(tmp_path).attachments == AttachmentOptions("/srv/files", 25, 3)
