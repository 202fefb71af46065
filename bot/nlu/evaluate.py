"""How well a model understands sentences that it was not trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from bot.dialogue.messages import JSON, NLU_FALLBACK, Entity, Intent, ParseResult
from bot.nlu.calibration import fold_numbers
from bot.nlu.held_out import UNKNOWN_LANGUAGE, expected_calibration_error, languages_of, macro_f1
from bot.nlu.response_selector import retrieval_intent
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from language.detect import detect_language

Parse = Callable[[str], ParseResult]


@dataclass(frozen=True, slots=True)
class IntentScores:
    """Intents of a set of sentences; a fallback is judged by the intent under it and counted beside.

    `response_accuracy` is the share of retrieval sentences whose full key was selected, None without any.
    """

    sentences: int
    accuracy: float
    macro_f1: float
    fallback_share: float
    response_accuracy: float | None


@dataclass(frozen=True, slots=True)
class SentimentScores:
    """`accuracy` counts an abstention as neutral; `accuracy_when_sure` leaves abstentions out."""

    sentences: int
    accuracy: float
    accuracy_when_sure: float
    abstention_share: float


@dataclass(frozen=True, slots=True)
class EntityScores:
    """Entities by exact span, type, role and group, micro-averaged over the annotated types."""

    annotated: int
    found: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class NluScores:
    """Everything that a held-out set tells, by language as `held_out.languages_of` names them.

    `confusions` are (intent, predicted, count), most frequent first.
    """

    intents: IntentScores | None
    intents_by_language: Mapping[str, IntentScores]
    sentiment: SentimentScores | None
    sentiment_by_language: Mapping[str, SentimentScores]
    entities: EntityScores | None
    entities_by_type: Mapping[str, EntityScores]
    expected_calibration_error: float | None
    confusions: tuple[tuple[str, str, int], ...]

    def as_dict(self) -> dict[str, JSON]:
        """The JSON form."""
        return asdict(self)


def split(data: NluData, *, seed: int = 1, folds: int = 5, held_out: int = 0) -> tuple[NluData, NluData]:
    """Cut data in a part to train on and a held-out one, every intent, value and language in proportion.

    Synonyms, regexes, lookups and responses stay with both.
    """
    rows = data.examples, data.sentiment_examples
    strata = (
        [f"{row.intent} {_language(row.text)}" for row in data.examples],
        [f"{row.value} {_language(row.text)}" for row in data.sentiment_examples],
    )
    is_out = [_fold_of(names, seed, folds) == held_out for names in strata]
    parts = []
    for wanted in (False, True):
        examples = tuple(row for row, out in zip(rows[0], is_out[0], strict=True) if bool(out) is wanted)
        moods = tuple(row for row, out in zip(rows[1], is_out[1], strict=True) if bool(out) is wanted)
        parts.append(
            NluData(examples, moods, data.synonyms, data.regexes, data.lookups, data.responses),
        )
    return parts[0], parts[1]


def _fold_of(names: Sequence[str], seed: int, folds: int) -> np.typing.NDArray[np.int64]:
    known = sorted(set(names))
    targets = np.array([known.index(name) for name in names], np.int64)
    return fold_numbers(targets, seed=seed, folds=folds)


def evaluate(parse: Parse, held_out: NluData) -> NluScores:
    """Parse every held-out sentence and compare."""
    return scores_of(
        [(example, parse(example.text)) for example in held_out.examples],
        [(example, parse(example.text)) for example in held_out.sentiment_examples],
    )


def scores_of(
    parsed: Sequence[tuple[NluExample, ParseResult]], moods: Sequence[tuple[SentimentExample, ParseResult]]
) -> NluScores:
    """Compare what was understood of sentences with what they mean."""
    types = {entity.entity for example, _ in parsed for entity in example.entities}
    by_language: dict[str, list[tuple[NluExample, ParseResult]]] = {}
    for language, row in zip(languages_of([example.text for example, _ in parsed]), parsed, strict=True):
        by_language.setdefault(language, []).append(row)
    moods_by_language: dict[str, list[tuple[SentimentExample, ParseResult]]] = {}
    for language, pair in zip(languages_of([mood.text for mood, _ in moods]), moods, strict=True):
        moods_by_language.setdefault(language, []).append(pair)
    return NluScores(
        intents=_intents(parsed) if parsed else None,
        intents_by_language={name: _intents(rows) for name, rows in sorted(by_language.items())},
        sentiment=_sentiment(moods) if moods else None,
        sentiment_by_language={name: _sentiment(rows) for name, rows in sorted(moods_by_language.items())},
        entities=_entities(parsed, types) if types else None,
        entities_by_type={name: _entities(parsed, {name}) for name in sorted(types)},
        expected_calibration_error=_calibration_error(parsed) if parsed else None,
        confusions=_confusions(parsed),
    )


def _language(text: str) -> str:
    return detect_language(text) or UNKNOWN_LANGUAGE


def _expected(example: NluExample) -> str:
    return retrieval_intent(example.intent) or example.intent


def _best(result: ParseResult) -> Intent:
    """Return the best intent below a fallback."""
    return next((row for row in result.intent_ranking if row.name != NLU_FALLBACK), result.intent)


def _intents(rows: Sequence[tuple[NluExample, ParseResult]]) -> IntentScores:
    pairs = [(_expected(example), _best(result).name) for example, result in rows]
    keys = [
        example.intent == _selected(result) for example, result in rows if retrieval_intent(example.intent)
    ]
    return IntentScores(
        sentences=len(rows),
        accuracy=sum(expected == predicted for expected, predicted in pairs) / len(rows),
        macro_f1=macro_f1(pairs),
        fallback_share=sum(result.intent.name == NLU_FALLBACK for _, result in rows) / len(rows),
        response_accuracy=sum(keys) / len(keys) if keys else None,
    )


def _selected(result: ParseResult) -> str | None:
    chosen = result.response_selector.get("default") or {}
    key = chosen.get("response", {}).get("intent_response_key")
    return str(key) if key else None


def _sentiment(rows: Iterable[tuple[SentimentExample, ParseResult]]) -> SentimentScores:
    judged = [(example.value, result.sentiment) for example, result in rows]
    right = [bool(found) and value == found.value for value, found in judged if found]
    # Only an abstention is neutral with at most 0.5.
    sure = [value == found.value for value, found in judged if found and found.confidence > 0.5]
    return SentimentScores(
        sentences=len(judged),
        accuracy=sum(right) / len(judged),
        accuracy_when_sure=sum(sure) / len(sure) if sure else 0.0,
        abstention_share=1 - len(sure) / len(judged),
    )


def _entities(rows: Sequence[tuple[NluExample, ParseResult]], types: Container[str]) -> EntityScores:
    annotated = [
        {_place(entity) for entity in example.entities if entity.entity in types} for example, _ in rows
    ]
    found = [
        {_place(entity) for entity in result.entities if entity.entity in types and entity.start is not None}
        for _, result in rows
    ]
    right = sum(len(left & other) for left, other in zip(annotated, found, strict=True))
    wanted, given = sum(map(len, annotated)), sum(map(len, found))
    precision, recall = right / given if given else 0.0, right / wanted if wanted else 0.0
    f1 = 2 * right / (wanted + given) if right else 0.0
    return EntityScores(wanted, given, precision, recall, f1)


def _place(entity: Entity) -> tuple[JSON, ...]:
    return (entity.start, entity.end, entity.entity, entity.role, entity.group)


def _calibration_error(rows: Sequence[tuple[NluExample, ParseResult]]) -> float:
    """Return the expected calibration error of the best intent's confidence."""
    best = [_best(result) for _, result in rows]
    right = [intent.name == _expected(example) for intent, (example, _) in zip(best, rows, strict=True)]
    sure = np.array([intent.confidence for intent in best], np.float32)
    return expected_calibration_error(sure, np.array(right))


def _confusions(rows: Sequence[tuple[NluExample, ParseResult]]) -> tuple[tuple[str, str, int], ...]:
    pairs = Counter((_expected(example), str(_best(result).name)) for example, result in rows)
    wrong = [(*pair, count) for pair, count in pairs.items() if pair[0] != pair[1]]
    return tuple(sorted(wrong, key=lambda row: (-row[2], row[0], row[1])))
