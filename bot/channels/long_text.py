"""Texts that are too long for one message, divided where a reader would pause."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from language.sentences import sentence_spans

_JOINER = "\u200d"  # makes one picture of two
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_SKIN_TONES = range(0x1F3FB, 0x1F400)

# How long a text is; no character may be shorter than 1.
Measure = Callable[[str], int]


def utf16_length(text: str) -> int:
    """Return how long a text is in UTF-16 code units, as Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def divide(text: str, limit: int, length: Measure = len) -> list[str]:
    """Return the parts of a text, each stripped, none empty, none longer than `limit`.

    It is divided at the last end of a paragraph, a line, a sentence or a word in the second half of what
    fits, in this order of preference; where there is none, between two characters that are seen as two.
    """
    parts: list[str] = []
    rest = text.strip()
    while length(rest) > limit:
        fitting = _fitting(rest, limit, length)
        cut = _cut(rest, fitting)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


def shorten(text: str, limit: int, length: Measure = len) -> str:
    """Return a text of at most `limit`, with an ellipsis where something is left out."""
    if length(text) <= limit:
        return text
    return text[: _whole_characters(text, _fitting(text, limit - 1, length))].rstrip() + "…"


def _fitting(text: str, limit: int, length: Measure) -> int:
    """Return how many characters from the start are at most `limit` long, at least 1."""
    fitting, too_many = 1, min(len(text), limit) + 1
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        if length(text[:middle]) <= limit:
            fitting = middle
        else:
            too_many = middle
    return fitting


def _cut(text: str, fitting: int) -> int:
    """Return where the first part ends."""
    for separator in ("\n\n", "\n"):
        found = text.rfind(separator, fitting // 2, fitting + len(separator))
        if found > 0:
            return found
    # The last one may only be cut off: then no mark stands at its end.
    spans = sentence_spans(text[: fitting + 1])
    ends = [end for _, end in spans if fitting // 2 < end <= fitting and not text[end - 1].isalnum()]
    if ends:
        return ends[-1]
    found = max(text.rfind(blank, fitting // 2, fitting + 1) for blank in (" ", "\t", "\u3000"))
    return found if found > 0 else _whole_characters(text, fitting)


def _whole_characters(text: str, cut: int) -> int:
    """Return the last place up to `cut` that tears no character apart."""
    place = cut
    while 0 < place < len(text) and _belong_together(text[place - 1], text[place]):
        place -= 1
    return place or cut


def _belong_together(before: str, after: str) -> bool:
    code = ord(after)
    return (
        before == _JOINER
        or after == _JOINER
        or bool(unicodedata.combining(after))
        or code in _VARIATION_SELECTORS
        or code in _SKIN_TONES
    )
