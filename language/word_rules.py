"""spaCy's rules for cutting a text into words, as data, and a way to follow them without spaCy.

A tokenizer of spaCy is five regular expressions and a table of exceptions. Training writes them into the
model, and whoever serves it cuts words exactly as training did, without spaCy's hundred megabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Span = tuple[int, int]  # half-open character offsets

_RUNS = re.compile(r"\s+|\S+")
_MOST_REMEMBERED = 20_000  # runs of a text between spaces
_Affixes = tuple[list[str], str, list[str]]


@dataclass(frozen=True)
class WordRules:
    """The rules of one language, as spaCy names them; an empty expression finds nothing.

    `specials` maps a string to the tokens that it is always cut into.
    """

    prefix: str = ""
    suffix: str = ""
    infix: str = ""
    token_match: str = ""
    url_match: str = ""
    specials: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> WordRules:
        """Read what `as_dict` gave."""
        specials = {text: tuple(tokens) for text, tokens in values["specials"].items()}
        return cls(**{**values, "specials": specials})

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        names = ("prefix", "suffix", "infix", "token_match", "url_match", "specials")
        return {name: getattr(self, name) for name in names}

    def spans(self, text: str) -> list[Span]:
        """Return the places of the words, white space left out."""
        words = self._retokenized(text, list(self._words(text)))
        return [(start, end) for start, end in words if not text[start:end].isspace()]

    def _words(self, text: str) -> Iterator[Span]:
        """Cut at white space, then at affixes; white space but for one space is a word, too."""
        for match in _RUNS.finditer(text):
            start, run = match.start(), match.group()
            if run[0].isspace():
                skipped = int(start > 0 and run[0] == " ")
                if len(run) > skipped:
                    yield start + skipped, match.end()
                continue
            for token in self._cut(run):
                yield start, start + len(token)
                start += len(token)

    def _cut(self, run: str) -> tuple[str, ...]:
        known = self._known.get(run)
        if known is None:
            known = self.specials.get(run) or tuple(self._tokens(run, self.specials))
            if len(self._known) < _MOST_REMEMBERED:
                self._known[run] = known
        return known

    def _tokens(self, run: str, specials: Mapping[str, Sequence[str]]) -> list[str]:
        prefixes, middle, suffixes = self._without_affixes(run, specials)
        return [*prefixes, *self._middle(middle, specials), *reversed(suffixes)]

    def _without_affixes(self, run: str, specials: Mapping[str, Sequence[str]]) -> _Affixes:
        """Take prefixes and suffixes off, from the outside, until nothing changes or an exception is left."""
        prefixes: list[str] = []
        suffixes: list[str] = []
        before = -1
        while run and len(run) != before:
            if self._is_whole(run) or run in specials:
                break
            before = len(run)
            front = _length(self._prefix, run)
            if front and run[front:] in specials:
                prefixes.append(run[:front])
                return prefixes, run[front:], suffixes
            back = _length(self._suffix, run[front:])
            if back and run[:-back] in specials:
                suffixes.append(run[-back:])
                return prefixes, run[:-back], suffixes
            if front and back and front + back <= len(run):
                prefixes.append(run[:front])
                suffixes.append(run[-back:])
                run = run[front:-back]
            elif front:
                prefixes.append(run[:front])
                run = run[front:]
            elif back:
                suffixes.append(run[-back:])
                run = run[:-back]
        return prefixes, run, suffixes

    def _middle(self, run: str, specials: Mapping[str, Sequence[str]]) -> Iterable[str]:
        """Cut what is left between the affixes at its infixes."""
        if not run:
            return []
        if run in specials:
            return specials[run]
        if self._is_whole(run) or (self._url_match and self._url_match.match(run)):
            return [run]
        tokens, start = [], 0
        for match in self._infix.finditer(run) if self._infix else ():
            if match.start() == 0:
                continue
            tokens += [run[start : match.start()], match.group()]
            start = match.end()
        return [token for token in (*tokens, run[start:]) if token]

    def _is_whole(self, run: str) -> bool:
        return bool(self._token_match and self._token_match.match(run))

    def _retokenized(self, text: str, words: list[Span]) -> list[Span]:
        """Cut again where neighbouring words together are an exception, the longest first."""
        if not self._phrases:
            return words
        seen: set[int] = set()
        chosen: dict[int, int] = {}
        for count, first in sorted(self._matches(text, words), key=lambda match: (-match[0], match[1])):
            if first not in seen and first + count - 1 not in seen:
                chosen[first] = count
            seen.update(range(first, first + count))
        cut: list[Span] = []
        place = 0
        while place < len(words):
            count = chosen.get(place, 1)
            start, end = words[place][0], words[place + count - 1][1]
            tokens = self.specials.get(text[start:end]) if place in chosen else None
            if tokens is None:
                cut += words[place : place + count]
            for token in tokens or ():
                cut.append((start, start + len(token)))
                start += len(token)
            place += count
        return cut

    def _matches(self, text: str, words: Sequence[Span]) -> Iterator[tuple[int, int]]:
        """Find the exceptions of several words: how many words, and the first one."""
        tokens = [text[start:end] for start, end in words]
        for first, token in enumerate(tokens):
            for phrase in self._phrases.get(token, ()):
                if tokens[first : first + len(phrase)] == phrase:
                    yield len(phrase), first

    @cached_property
    def _phrases(self) -> dict[str, list[list[str]]]:
        """Exceptions that affixes would cut: the words that they would become, by the first of them."""
        phrases: dict[str, list[list[str]]] = {}
        for special in self.specials:
            has_affix = _length(self._prefix, special) or _length(self._suffix, special)
            if has_affix or " " in special or (self._infix and self._infix.search(special)):
                words = [
                    special[start:end] for start, end in WordRules.spans(self._without_specials, special)
                ]
                if words:
                    phrases.setdefault(words[0], []).append(words)
        return phrases

    @cached_property
    def _without_specials(self) -> WordRules:
        return WordRules(self.prefix, self.suffix, self.infix, self.token_match, self.url_match)

    @cached_property
    def _prefix(self) -> re.Pattern[str] | None:
        return _compiled(self.prefix)

    @cached_property
    def _suffix(self) -> re.Pattern[str] | None:
        return _compiled(self.suffix)

    @cached_property
    def _infix(self) -> re.Pattern[str] | None:
        return _compiled(self.infix)

    @cached_property
    def _token_match(self) -> re.Pattern[str] | None:
        return _compiled(self.token_match)

    @cached_property
    def _url_match(self) -> re.Pattern[str] | None:
        return _compiled(self.url_match)


def _compiled(pattern: str) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


def _length(pattern: re.Pattern[str] | None, text: str) -> int:
    match = pattern.search(text) if pattern else None
    return match.end() - match.start() if match else 0
