"""NLU training data: examples, synonyms, regexes and lookup tables, as typed data with their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.dialogue.messages import JSON, Entity
from bot.errors import Location


@dataclass(frozen=True, slots=True)
class NluExample:
    """One training sentence, markup stripped.

    `intent` is the full name (`faq/opening_hours` for a retrieval intent). Offsets point into `text`.
    """

    text: str
    intent: str
    entities: tuple[Entity, ...] = ()
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class SentimentExample:
    """One sentence of the top-level key `sentiment:` (Rasa passes over it); value as in `Sentiment`."""

    text: str
    value: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class NluData:
    """All NLU data of a project.

    `synonyms` maps a surface value to its canonical one. `regexes` and `lookups` map a name to its patterns
    or phrases, in file order. `responses` are the full retrieval keys with their texts (`faq/opening_hours`).
    """

    examples: tuple[NluExample, ...] = ()
    sentiment_examples: tuple[SentimentExample, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    regexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    responses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
