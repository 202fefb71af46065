"""Entities that need no learning: the regexes, lookup tables and synonyms of the training data."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.dialogue.messages import Entity
from bot.errors import Finding, InvalidProject
from bot.nlu.plan import LookupOptions
from language.tokens import UNSPACED

_LETTER = rf"[^\W{UNSPACED}]"  # a word character of a script that has word boundaries
_BOUNDARY = rf"(?:(?<={_LETTER})(?!{_LETTER})|(?<!{_LETTER})(?={_LETTER}))"
_ESCAPE = re.compile(r"\\.", re.DOTALL)


def _with_boundaries_of_words(pattern: str) -> str:
    r"""Let `\b` stand between Chinese and Latin too, where Python sees two word characters."""
    return _ESCAPE.sub(lambda escape: _BOUNDARY if escape.group() == r"\b" else escape.group(), pattern)


def _phrase_pattern(phrases: Sequence[str], *, boundaries: bool) -> str:
    longest_first = sorted(
        {phrase for phrase in phrases if phrase}, key=lambda phrase: (-len(phrase), phrase)
    )
    parts = []
    for phrase in longest_first:
        before = rf"(?<!{_LETTER})" if boundaries and re.match(_LETTER, phrase[0]) else ""
        after = rf"(?!{_LETTER})" if boundaries and re.match(_LETTER, phrase[-1]) else ""
        parts.append(f"{before}{re.escape(phrase)}{after}")
    return "|".join(parts)


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """A place where a pattern of this name matched."""

    name: str
    start: int
    end: int


class Patterns:
    """The named patterns of a project, compiled.

    Raises:
        InvalidProject: A regex cannot be compiled.
    """

    def __init__(
        self,
        regexes: Mapping[str, Sequence[str]],
        lookups: Mapping[str, Sequence[str]],
        options: LookupOptions,
    ) -> None:
        flags = 0 if options.case_sensitive else re.IGNORECASE
        self._compiled: list[tuple[str, re.Pattern[str]]] = []
        if options.use_lookup_tables:
            for name, phrases in lookups.items():
                pattern = _phrase_pattern(phrases, boundaries=options.use_word_boundaries)
                if pattern:
                    self._compiled.append((name, re.compile(pattern, flags)))
        if options.use_regexes:
            for name, patterns in regexes.items():
                self._compiled.extend((name, _compiled(name, pattern, flags)) for pattern in patterns)

    def find(self, text: str, names: Collection[str] | None = None) -> list[PatternMatch]:
        """Return every non-empty match of the named patterns (all when no names are given)."""
        return [
            PatternMatch(name, match.start(), match.end())
            for name, pattern in self._compiled
            if names is None or name in names
            for match in pattern.finditer(text)
            if match.end() > match.start()
        ]


def _compiled(name: str, pattern: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(_with_boundaries_of_words(pattern), flags)
    except re.error as error:
        message = f"regex '{name}': '{pattern}' is not a regular expression ({error})"
        raise InvalidProject([Finding("invalid-regex", message)]) from error


def map_synonyms(entities: Sequence[Entity], synonyms: Mapping[str, str], processor: str) -> list[Entity]:
    """Replace values by their canonical form, whatever their case; `synonyms` has lower-case keys."""
    mapped = []
    for entity in entities:
        canonical = synonyms.get(str(entity.value).lower())
        if canonical is None:
            mapped.append(entity)
        else:
            mapped.append(replace(entity, value=canonical, processors=(*entity.processors, processor)))
    return mapped
