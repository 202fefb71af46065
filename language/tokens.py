"""Words: spaCy's rules for any language, one character a word where a script has no word boundaries."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

from language.word_rules import Span as Span  # the type of what this file gives
from language.word_rules import WordRules

# The inside of a regular expression's character class.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
)
_UNSPACED_CHARACTER = re.compile(f"[{UNSPACED}]")
_PARTS = re.compile(f"[{UNSPACED}]|[^{UNSPACED}]+")
_UNSPACED_LANGUAGES = frozenset({"zh", "ja", "th", "km", "lo", "my"})


def is_unspaced(character: str) -> bool:
    """Tell whether a character belongs to a script that is written without spaces between words."""
    return _UNSPACED_CHARACTER.match(character) is not None


@functools.lru_cache(maxsize=8)
def word_rules(language: str) -> WordRules:
    """Return spaCy's rules of a language (an ISO 639-1 code, `en` for zh and ja), `xx` where it has none."""
    # Half a second and 90 MB, and whoever serves has the rules in the model.
    import spacy  # noqa: PLC0415
    from spacy.attrs import ORTH  # noqa: PLC0415
    from spacy.tokenizer import Tokenizer  # noqa: PLC0415

    tokenizer: Any = None
    # A language that spaCy does not know, or one for which it needs other packages.
    with contextlib.suppress(ImportError, ValueError):
        tokenizer = spacy.blank("en" if language in _UNSPACED_LANGUAGES else language).tokenizer
    if not isinstance(tokenizer, Tokenizer):
        tokenizer = spacy.blank("xx").tokenizer
    return WordRules(
        prefix=_pattern(tokenizer.prefix_search),
        suffix=_pattern(tokenizer.suffix_search),
        infix=_pattern(tokenizer.infix_finditer),
        token_match=_pattern(tokenizer.token_match),
        url_match=_pattern(tokenizer.url_match),
        specials={text: tuple(token[ORTH] for token in tokens) for text, tokens in tokenizer.rules.items()},
    )


def _pattern(method: Callable[[str], Any] | None) -> str:
    """Return the expression behind a bound method of it, with its flags."""
    if method is None:
        return ""
    compiled: re.Pattern[str] = method.__self__  # type: ignore[attr-defined] # every method of spaCy's is bound
    flags = "".join(
        letter for letter, flag in (("i", re.I), ("x", re.X), ("s", re.S)) if compiled.flags & flag
    )
    return (f"(?{flags})" if flags else "") + compiled.pattern


def words_by(rules: WordRules, text: str) -> list[Span]:
    """Split a text into words, spaces left out.

    Characters of unspaced scripts (Chinese, Japanese, Thai …) are one word each in every language, so mixed
    messages work; the rest is cut by the rules.
    """
    return list(_parts(text, rules.spans(text)))


def _parts(text: str, words: Iterable[Span]) -> Iterable[Span]:
    for start, end in words:
        for part in _PARTS.finditer(text, start, end):
            yield part.span()


def word_spans(text: str, language: str = "en") -> list[Span]:
    """Split a text into words by the rules of its language."""
    return words_by(word_rules(language), text)
