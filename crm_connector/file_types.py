"""What a file is by its own bytes, and a name for it that is safe to show and to save."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Mapping

MAX_NAME_CHARACTERS = 120
HEAD_BYTES = 4096

TEXT = "text/plain"
# The endings under which each type may be saved; the first one is added to a name with another.
_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
    TEXT: (".txt", ".text", ".log", ".csv", ".md"),
}
KNOWN_TYPES = tuple(_ENDINGS)
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
# Control characters that occur in text files: tab, line feed, form feed, carriage return, escape.
_TEXT_CONTROLS = frozenset("\t\n\f\r\x1b")
_MARKUP = ("<!doctype", "<html", "<?xml", "<svg", "<script")


def media_type_of(head: bytes) -> str | None:
    """Return one of `KNOWN_TYPES` by the first `HEAD_BYTES` bytes; None for everything else.

    Text that a browser could take for a page (HTML, SVG, XML) is everything else.
    """
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return TEXT if _is_text(head) else None


def safe_name(name: str, media_type: str) -> str:
    """Return the last part of a name without what could mislead, with an ending that fits the type.

    Characters that change the direction of writing go: they make `exe.txt` out of `txt.exe`.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    # Categories C…: control, format, surrogate, private, unassigned.
    plain = "".join(char for char in last if not unicodedata.category(char).startswith("C"))
    plain = " ".join(plain.split()).strip(". ") or "file"
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    if f".{ending.lower()}" not in _ENDINGS[media_type]:
        stem, ending = plain, _ENDINGS[media_type][0][1:]
    return f"{stem[: MAX_NAME_CHARACTERS - len(ending) - 1]}.{ending}"


def _is_text(head: bytes) -> bool:
    if not head:
        return False
    try:
        # A character may be cut at the end of the head, but not at the end of the file.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    start = text.lstrip().lower()
    return not start.startswith(_MARKUP) and all(
        char in _TEXT_CONTROLS or unicodedata.category(char) != "Cc" for char in text
    )
