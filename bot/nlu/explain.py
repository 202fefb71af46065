"""Why a message was understood as it was: the words that decided, and the training sentences beside it.

Words are weighed by asking the served model itself about the message with some of them left out, so
whatever heads it has, the weights are of what customers get.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from bot.dialogue.messages import JSON, NLU_FALLBACK, ParseResult
from bot.nlu.held_out import languages_of
from bot.nlu.interpreter import Chances, Interpreter
from bot.nlu.model import SentenceHead
from bot.nlu.out_of_scope import log_odds
from bot.nlu.plan import FallbackOptions
from bot.nlu.response_selector import intent_ranking, retrieval_intent
from bot.nlu.training_sentences import (
    INTENT_SENTENCES,
    SENTIMENT_SENTENCES,
    NearSentence,
    SentenceSearch,
    TrainingSentences,
)
from language.tokens import Span

Progress = Callable[[float], None]
MOST_PARTS = 32  # a longer message is weighed by runs of words
_ORDERS = 6  # orders in which the parts are added; every second one is the one before it, backwards
_SEED = 1
_NEAR, _NEAR_OTHER = 5, 3
_RANKED = 5

_Kept = frozenset[int]  # the parts of a message that are not left out


@dataclass(frozen=True, slots=True)
class PartWeight:
    """A part of the message, in half-open character offsets, and what it does to the label.

    `weight` is its Shapley value in log odds: negative speaks against the label. `without` is the label's
    chance when this part alone is left out.
    """

    start: int
    end: int
    text: str
    weight: float
    without: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One head's answer with its reasons.

    The weights of `parts` add up to the log odds of `confidence` minus those of `baseline`, the label's
    chance for a message without words. `ranking` has the best labels. `near` are the training sentences most
    like the message, `near_other` those most like it that teach another label.
    """

    label: str
    confidence: float
    baseline: float
    ranking: tuple[tuple[str, float], ...]
    parts: tuple[PartWeight, ...]
    near: tuple[NearSentence, ...] = ()
    near_other: tuple[NearSentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A parse result with its reasons.

    `fallback` says why the assistant is not sure, None where it is. `is_new_language` tells that the message
    is in a language of less than a hundredth of the training sentences.
    """

    result: ParseResult
    fallback: str | None = None
    is_new_language: bool = False
    intent: Decision | None = None
    sentiment: Decision | None = None

    def as_dict(self) -> dict[str, JSON]:
        """The JSON form."""
        return {
            "parse": self.result.as_dict(),
            "fallback": self.fallback,
            "is_new_language": self.is_new_language,
            "intent": asdict(self.intent) if self.intent else None,
            "sentiment": asdict(self.sentiment) if self.sentiment else None,
        }


@dataclass(frozen=True, slots=True)
class _Task:
    """A head with its training sentences; `read` takes its chances out of what the model says."""

    head: SentenceHead
    sentences: SentenceSearch
    read: Callable[[Chances], Mapping[str, float]]


class Explainer:
    """Explains messages by the model that `interpreter` has loaded from `folder`."""

    def __init__(self, interpreter: Interpreter, folder: Path) -> None:
        self._interpreter = interpreter
        self._folder = folder

    def explain(self, text: str, progress: Progress = lambda _: None) -> Explanation:
        """Understand a message and say why; `progress` is told the share done, in [0, 1].

        A message of 12 words is asked about 70 times: a quarter of a second on two cores.

        Raises:
            ModelError: The model's training sentences are missing or broken.
        """
        result = self._interpreter.parse(text)
        if not result.text_tokens:
            return Explanation(result)
        parts = joined(result.text_tokens)
        answers = _Answers.ask(text, parts, self._interpreter.chances, progress)
        return Explanation(
            result,
            why_not_sure(result, self._interpreter.model.plan.fallback),
            result.language is not None and result.language not in self._languages,
            self._explained(answers, self._intents),
            self._explained(answers, self._moods),
        )

    @cached_property
    def _intents(self) -> _Task | None:
        head = self._interpreter.model.intent
        if not head:
            return None
        sentences = TrainingSentences.load(self._folder, INTENT_SENTENCES).search(head.space)
        return _Task(head, sentences, lambda chances: dict(intent_ranking(chances.intents)))

    @cached_property
    def _moods(self) -> _Task | None:
        head = self._interpreter.model.sentiment
        if not head:
            return None
        sentences = TrainingSentences.load(self._folder, SENTIMENT_SENTENCES).search(head.sentence.space)
        return _Task(head.sentence, sentences, lambda chances: chances.sentiments)

    @cached_property
    def _languages(self) -> set[str]:
        tasks = [task for task in (self._intents, self._moods) if task]
        return {name for task in tasks for name in languages_of([r.text for r in task.sentences.sentences])}

    def _explained(self, answers: _Answers, task: _Task | None) -> Decision | None:
        if not task:
            return None
        decision = answers.decision(task.read)
        near = task.sentences.nearest(task.head.space.features(*self._interpreter.encode(answers.text)))
        others = [row for row in near if _label(row.sentence.label) != decision.label]
        return replace(decision, near=tuple(near[:_NEAR]), near_other=tuple(others[:_NEAR_OTHER]))


def _label(label: str) -> str:
    return retrieval_intent(label) or label


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the model says of the message with some of its parts left out.

    Each order adds the parts one by one; what a part adds, averaged over the orders, is its Shapley value
    (Strumbelj and Kononenko 2014, Explaining prediction models and individual predictions).
    """

    text: str
    parts: Sequence[Span]
    orders: Sequence[Sequence[int]]
    chances: Mapping[_Kept, Chances]

    @classmethod
    def ask(
        cls, text: str, parts: Sequence[Span], chances: Callable[[str], Chances], progress: Progress
    ) -> _Answers:
        """Ask about every text that the weights need, each once, on all cores."""
        orders = _orders(len(parts))
        every = frozenset(range(len(parts)))
        wanted = {frozenset(order[:count]) for order in orders for count in range(len(parts) + 1)}
        wanted |= {every - {part} for part in every}
        kept = sorted(wanted, key=sorted)
        told: dict[_Kept, Chances] = {}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            texts = (_without(text, parts, every - some) for some in kept)
            for some, answer in zip(kept, pool.map(chances, texts), strict=True):
                told[some] = answer
                progress(len(told) / len(kept))
        return cls(text, parts, orders, told)

    def decision(self, read: Callable[[Chances], Mapping[str, float]]) -> Decision:
        """Weigh the parts for the best label of a head."""
        told = {kept: read(chances) for kept, chances in self.chances.items()}
        every = frozenset(range(len(self.parts)))
        ranking = sorted(told[every].items(), key=lambda row: -row[1])
        label, confidence = ranking[0]
        odds = {kept: log_odds(chances[label]) for kept, chances in told.items()}
        return Decision(
            label,
            confidence,
            told[frozenset()][label],
            tuple(ranking[:_RANKED]),
            tuple(
                PartWeight(
                    start, end, self.text[start:end], self._weight(row, odds), told[every - {row}][label]
                )
                for row, (start, end) in enumerate(self.parts)
            ),
        )

    def _weight(self, part: int, odds: Mapping[_Kept, float]) -> float:
        added = 0.0
        for order in self.orders:
            before = frozenset(order[: list(order).index(part)])
            added += odds[before | {part}] - odds[before]
        return added / len(self.orders)


def joined(words: Sequence[Span]) -> list[Span]:
    """Return the words as parts, runs of neighbours in one where there are more words than 32."""
    size = -(-len(words) // MOST_PARTS)
    runs = [words[start : start + size] for start in range(0, len(words), size)]
    return [(run[0][0], run[-1][1]) for run in runs]


def _orders(count: int) -> list[list[int]]:
    """Draw orders of the parts in pairs, one the other backwards, which halves the noise of the weights."""
    random = np.random.default_rng(_SEED)
    drawn = [random.permutation(count).tolist() for _ in range(_ORDERS // 2)]
    return [order for pair in drawn for order in (pair, pair[::-1])]


def _without(text: str, parts: Sequence[Span], left_out: Iterable[int]) -> str:
    """Cut parts out of a text; the spaces around them stay."""
    for start, end in sorted((parts[part] for part in left_out), reverse=True):
        text = text[:start] + text[end:]
    return text


def why_not_sure(result: ParseResult, options: FallbackOptions | None) -> str | None:
    """Say which of the fallback's rules was broken, with its figures; None for an intent that stands."""
    if result.intent.name != NLU_FALLBACK or options is None or len(result.intent_ranking) < 2:
        return None
    first, *others = [row for row in result.intent_ranking if row.name != NLU_FALLBACK]
    if first.confidence < options.threshold:
        return f"{first.name} at {first.confidence:.2f} is below the threshold {options.threshold:g}"
    if others and first.confidence - others[0].confidence < options.ambiguity_threshold:
        gap = first.confidence - others[0].confidence
        return (
            f"{first.name} is only {gap:.2f} ahead of {others[0].name}, "
            f"less than the ambiguity_threshold {options.ambiguity_threshold:g}"
        )
    return "the message is too far from everything that the assistant was taught (out_of_scope)"
