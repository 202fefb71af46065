"""Files that customers send are checked by their bytes, kept once, and shown to their conversation alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_connector import attachments, database
from crm_connector.attachments import Attachments, FileRefused, Limits, Origin, Refusal
from crm_connector.file_types import HEAD_BYTES, KNOWN_TYPES, MAX_NAME_CHARACTERS, media_type_of, safe_name
from crm_connector.tables import Attachment

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
HERS = Origin("web_widget", "hers", "upload-1")


@pytest.fixture
def files(store: database.Store, tmp_path: Path) -> Attachments:
    """A folder beside an empty store."""
    return Attachments(store, tmp_path / "files", Limits(max_bytes=100, max_files=2))


def keep(files: Attachments, content: bytes = PNG, origin: Origin = HERS, name: str = "a.png") -> Attachment:
    """Take a file in, in two parts."""
    with files.receiving() as upload:
        upload.write(content[:5])
        upload.write(content[5:])
        return files.keep(upload, origin, name)


def on_disk(files: Attachments) -> list[Path]:
    """All files below the folder."""
    return [path for path in files._folder.rglob("*") if path.is_file()]


def test_a_file_is_kept_with_its_bytes(files: Attachments, store: database.Store) -> None:
    """The row says what the file is, the bytes lie where this user alone can read them."""
    kept = keep(files, name="C:\\photos\\broken lamp.PNG")
    assert (kept.name, kept.media_type, kept.size_bytes) == ("broken lamp.PNG", "image/png", len(PNG))
    assert files.path(kept).read_bytes() == PNG
    assert files.path(kept).stat().st_mode & 0o077 == 0
    with store.reading() as session:
        [listed] = attachments.of_conversation(session, "web_widget", "hers")
    assert listed.file_id == kept.file_id


def test_an_upload_that_is_repeated_is_kept_once(files: Attachments) -> None:
    """The same upload again gives the same file, whatever bytes it has now."""
    first = keep(files)
    assert keep(files, b"%PDF-1.7 other").file_id == first.file_id
    assert len(on_disk(files)) == 1


def test_a_file_belongs_to_its_conversation(files: Attachments) -> None:
    """Another sender, or the same name on another channel, does not find it."""
    kept = keep(files)
    assert files.find("web_widget", "hers", kept.file_id) is not None
    assert files.find("web_widget", "his", kept.file_id) is None
    assert files.find("telegram", "hers", kept.file_id) is None
    assert files.find("web_widget", "hers", "0" * 32) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", Refusal.EMPTY, id="empty"),
        pytest.param(PNG + b"\x00" * 100, Refusal.TOO_LARGE, id="large"),
        pytest.param(b"MZ\x90\x00\x03", Refusal.WRONG_TYPE, id="program"),
        pytest.param(b"PK\x03\x04", Refusal.WRONG_TYPE, id="archive"),
        pytest.param(b"<svg onload=alert(1)>", Refusal.WRONG_TYPE, id="picture with a script"),
        pytest.param(b"\xef\xbb\xbf \n<!DOCTYPE html>", Refusal.WRONG_TYPE, id="page"),
        pytest.param(b"RIFF\x00\x00\x00\x00WAVE", Refusal.WRONG_TYPE, id="sound"),
        pytest.param(b"caf\xe9", Refusal.WRONG_TYPE, id="no UTF-8"),
    ],
)
def test_what_is_not_allowed_leaves_nothing_behind(
    files: Attachments, content: bytes, reason: Refusal
) -> None:
    """A file is refused by its bytes, whatever it is called, and nothing stays on the disk."""
    with pytest.raises(FileRefused) as refused:
        keep(files, content, name="holiday.png")
    assert refused.value.reason == reason
    assert on_disk(files) == []


def test_a_conversation_has_so_many_files_only(files: Attachments) -> None:
    """The third of two is refused and not kept; another conversation still has room."""
    for number in range(2):
        keep(files, origin=Origin("web_widget", "hers", str(number)))
    with pytest.raises(FileRefused) as refused:
        keep(files, origin=Origin("web_widget", "hers", "2"))
    assert refused.value.reason == Refusal.TOO_MANY
    keep(files, origin=Origin("web_widget", "his", "2"))
    assert len(on_disk(files)) == 3


def test_types_can_be_narrowed_down(store: database.Store, tmp_path: Path) -> None:
    """A type that the operator does not want is refused like an unknown one."""
    files = Attachments(store, tmp_path, Limits(media_types=("application/pdf",)))
    with pytest.raises(FileRefused):
        keep(files)
    assert keep(files, b"%PDF-1.7").media_type == "application/pdf"


def test_what_a_dead_process_left_is_removed_after_a_day(files: Attachments) -> None:
    """An unfinished file of yesterday goes when the next one comes, one of just now stays."""
    files._folder.mkdir()
    old, new = files._folder / "unfinished-old", files._folder / "unfinished-new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    keep(files)
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        pytest.param(b"\xff\xd8\xff\xe0rest", "image/jpeg", id="jpeg"),
        pytest.param(b"GIF89a", "image/gif", id="gif"),
        pytest.param(b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp", id="webp"),
        pytest.param(
            ("台灯坏了" * 342).encode()[:HEAD_BYTES], "text/plain", id="text cut within a character"
        ),
        pytest.param(b"a\x00b", None, id="zero byte"),
    ],
)
def test_the_bytes_say_what_a_file_is(head: bytes, media_type: str | None) -> None:
    """Known types are told by their first bytes."""
    assert media_type_of(head) == media_type


@pytest.mark.parametrize(
    ("name", "media_type", "safe"),
    [
        pytest.param("../../etc/passwd", "text/plain", "passwd.txt", id="path"),
        pytest.param("invoice.pdf.exe", "application/pdf", "invoice.pdf.exe.pdf", id="other ending"),
        pytest.param("gpj.\u202eexe.txt", "text/plain", "gpj.exe.txt", id="direction turned round"),
        pytest.param("a\nb\x00.jpeg", "image/jpeg", "ab.jpeg", id="control characters"),
        pytest.param("...", "image/png", "file.png", id="only dots"),
        pytest.param("灯.PNG", "image/png", "灯.PNG", id="Chinese"),
    ],
)
def test_names_are_made_safe(name: str, media_type: str, safe: str) -> None:
    """A name keeps what is good about it."""
    assert safe_name(name, media_type) == safe


@given(st.text(max_size=300), st.sampled_from(KNOWN_TYPES))
def test_a_safe_name_is_short_and_stays_as_it_is(name: str, media_type: str) -> None:
    """Whatever the name, the safe one is no path, of bounded length, and safe already."""
    safe = safe_name(name, media_type)
    assert 0 < len(safe) <= MAX_NAME_CHARACTERS
    assert not set(safe) & set("/\\\n\0")
    assert safe_name(safe, media_type) == safe
