"""Words: spaCy tokenizers for any language, one character a word where a script has no word boundaries."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language

Span = tuple[int, int]  # half-open character offsets

# The inside of a regular expression's character class.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
)
_UNSPACED_CHARACTER = re.compile(f"[{UNSPACED}]")
_PARTS = re.compile(f"[{UNSPACED}]|[^{UNSPACED}]+")


def is_unspaced(character: str) -> bool:
    """Tell whether a character belongs to a script that is written without spaces between words."""
    return _UNSPACED_CHARACTER.match(character) is not None


@functools.lru_cache(maxsize=8)
def _tokenizer(language: str) -> Language:
    """Return spaCy's blank pipeline; `xx` for a language it does not know or needs other packages for."""
    import spacy  # noqa: PLC0415 - half a second that commands without text to read need not wait for

    try:
        return spacy.blank(language)
    except (ImportError, ValueError):
        return spacy.blank("xx")


def word_spans(text: str, language: str = "en") -> list[Span]:
    """Split a text into words, spaces left out.

    Characters of unspaced scripts (Chinese, Japanese, Thai …) are one word each in every language, so mixed
    messages work; the rest goes through spaCy's rules of `language` (an ISO 639-1 code, `en` for zh and ja).
    """
    name = "en" if language in {"zh", "ja", "th", "km", "lo", "my"} else language
    spans: list[Span] = []
    for token in _tokenizer(name).make_doc(text):
        if not token.is_space:
            spans.extend(
                (token.idx + part.start(), token.idx + part.end()) for part in _PARTS.finditer(token.text)
            )
    return spans
