"""How accuracy grows with the examples of each intent: whether more sentences would help."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from bot.dialogue.messages import JSON
from bot.nlu.cross_validation import Judged, Lesson, judged_by, tunes
from bot.nlu.evaluate import split
from bot.nlu.held_out import macro_f1
from bot.training_data.nlu_examples import NluData, NluExample

Progress = Callable[[str, float], None]
SIZES = (2, 5, 10, 20, 50, 100)
DRAWS = 3  # of each size but the last, which has nothing to draw


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Held-out scores with at most `examples_per_intent` of each intent: means over the draws.

    `lowest` and `highest` are the accuracies of the worst and of the best draw. `examples` is how many
    sentences taught, on average.
    """

    examples_per_intent: int
    examples: float
    accuracy: float
    lowest: float
    highest: float
    macro_f1: float

    def as_dict(self) -> dict[str, JSON]:
        """The JSON form."""
        return asdict(self)


def learning_curve(lesson: Lesson, *, folds: int, seed: int, progress: Progress) -> tuple[CurvePoint, ...]:
    """Train on ever more examples of each intent, and judge the same held-out part of the sentences.

    The last point has all examples that are not held out. Only intents are learnt.
    """
    learnt, held_out = (_intents_only(part) for part in split(lesson.data, folds=folds))
    points: dict[int, list[tuple[int, Judged]]] = defaultdict(list)
    draws = _draws(learnt, seed)
    for number, (size, part) in enumerate(draws):

        def tell(_stage: str, share: float, done: int = number, size: int = size) -> None:
            progress(f"{size} of each intent ({done + 1} of {len(draws)})", (done + share) / len(draws))

        points[size].append((len(part.examples), judged_by(replace(lesson, data=part), held_out, tell)))
    return tuple(_point(size, draws) for size, draws in points.items())


def points_that_tune(lesson: Lesson, *, folds: int, seed: int) -> int:
    """Count the trainings of `learning_curve` that tune the encoder, each for up to a minute."""
    learnt = _intents_only(split(lesson.data, folds=folds)[0])
    return sum(tunes(replace(lesson, data=part)) for _, part in _draws(learnt, seed))


def _draws(learnt: NluData, seed: int) -> list[tuple[int, NluData]]:
    """Return what each training learns from, behind how many examples of each intent that is."""
    random = np.random.default_rng(seed)
    return [
        (size, replace(learnt, examples=_drawn(learnt.examples, size, random)))
        for size in _rounds(learnt.examples)
    ]


def _intents_only(data: NluData) -> NluData:
    """Leave out what a curve of intents does not need: it would be trained at every point."""
    return replace(
        data,
        examples=tuple(replace(example, entities=()) for example in data.examples),
        sentiment_examples=(),
    )


def _rounds(examples: Sequence[NluExample]) -> list[int]:
    """Return how many examples of each intent each training gets."""
    counts: dict[str, int] = defaultdict(int)
    for example in examples:
        counts[example.intent] += 1
    most = max(counts.values(), default=0)
    return [size for size in SIZES if size < most for _ in range(DRAWS)] + [most]


def _drawn(examples: Sequence[NluExample], size: int, random: np.random.Generator) -> tuple[NluExample, ...]:
    by_intent: dict[str, list[NluExample]] = defaultdict(list)
    for place in random.permutation(len(examples)):
        by_intent[examples[place].intent].append(examples[place])
    return tuple(example for rows in by_intent.values() for example in rows[:size])


def _point(size: int, draws: Sequence[tuple[int, Judged]]) -> CurvePoint:
    pairs = [[(row.expected, row.predicted) for row in judged.examples] for _, judged in draws]
    accuracies = [statistics.fmean(left == right for left, right in rows) for rows in pairs]
    return CurvePoint(
        size,
        statistics.fmean(count for count, _ in draws),
        statistics.fmean(accuracies),
        min(accuracies),
        max(accuracies),
        statistics.fmean(macro_f1(rows) for rows in pairs),
    )
