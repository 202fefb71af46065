"""What models say of sentences that were held out from their training, and why they were wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.dialogue.domain import Domain
from bot.dialogue.messages import NLU_FALLBACK, ParseResult
from bot.nlu.evaluate import split
from bot.nlu.few_examples import may_tune
from bot.nlu.interpreter import Interpreter
from bot.nlu.registry import plan_pipeline
from bot.nlu.response_selector import retrieval_intent
from bot.nlu.train import train
from bot.nlu.training_sentences import INTENT_SENTENCES, NearSentence, TrainingSentences
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample

Progress = Callable[[str, float], None]
_TRAINING_SHARE = 0.6  # of the time that a part takes


@dataclass(frozen=True, slots=True)
class JudgedExample:
    """A held-out sentence and what was understood.

    `cause` is the training sentence most like it among those of the intent it was taken for; None for one
    that was understood.
    """

    example: NluExample
    result: ParseResult
    cause: NearSentence | None = None

    @property
    def expected(self) -> str:
        """The intent, without the key of a retrieval intent."""
        return retrieval_intent(self.example.intent) or self.example.intent

    @property
    def chances(self) -> Mapping[str, float]:
        """The confidence of each ranked intent, a fallback left out."""
        ranking = self.result.intent_ranking
        return {str(row.name): row.confidence for row in ranking if row.name != NLU_FALLBACK}

    @property
    def predicted(self) -> str | None:
        """The best intent, also where the assistant would fall back."""
        return next(iter(self.chances), self.result.intent.name)


@dataclass(frozen=True, slots=True)
class JudgedMood:
    """A held-out sentence of the sentiment data, what was decided, and the chance of each value."""

    example: SentimentExample
    result: ParseResult
    chances: Mapping[str, float]

    @property
    def expected(self) -> str:
        """Its value."""
        return self.example.value

    @property
    def predicted(self) -> str | None:
        """The likeliest value, also where the assistant would abstain."""
        return max(self.chances, key=lambda value: self.chances[value], default=None)


@dataclass(frozen=True, slots=True)
class Judged:
    """Held-out sentences of one part, or of all."""

    examples: tuple[JudgedExample, ...] = ()
    moods: tuple[JudgedMood, ...] = ()

    def joined(self, other: Judged) -> Judged:
        """Put the sentences of another part behind these."""
        return Judged(self.examples + other.examples, self.moods + other.moods)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is trained again and again: data, pipeline, and what serving needs beside.

    `cache` is where exported encoders are kept, the usual place without it.
    """

    data: NluData
    pipeline: Sequence[ComponentConfig]
    domain: Domain
    language: str
    cache: Path | None = None


def tunes(lesson: Lesson) -> bool:
    """Tell whether a training tunes the encoder on few examples of each intent, if that is quick enough."""
    return may_tune(lesson.data.examples, plan_pipeline(lesson.pipeline).understanding)


def lessons_that_tune(lesson: Lesson, *, folds: int, parts: int) -> int:
    """Count the trainings of `held_out_parts` that tune the encoder, each for up to a minute."""
    learnt = (split(lesson.data, folds=folds, held_out=part)[0] for part in range(parts))
    return sum(tunes(replace(lesson, data=data)) for data in learnt)


def held_out_parts(
    lesson: Lesson, *, folds: int, parts: int, progress: Progress = lambda _stage, _share: None
) -> Iterator[Judged]:
    """Train without each of the first `parts` of `folds` parts, and judge what was held out.

    `progress` is told a stage and the share done of all parts, in [0, 1].
    """
    for part in range(parts):

        def tell(stage: str, share: float, done: int = part) -> None:
            progress(f"{stage} ({done + 1} of {parts})" if parts > 1 else stage, (done + share) / parts)

        learnt, held_out = split(lesson.data, folds=folds, held_out=part)
        yield judged_by(replace(lesson, data=learnt), held_out, tell)


def judged_by(lesson: Lesson, held_out: NluData, progress: Progress) -> Judged:
    """Train, and judge sentences that did not teach."""
    with tempfile.TemporaryDirectory() as scratch:
        train(
            lesson.data,
            lesson.pipeline,
            Path(scratch),
            language=lesson.language,
            progress=lambda stage, share: progress(stage, _TRAINING_SHARE * share),
            cache=lesson.cache,
        )
        return judge(
            Interpreter.load(Path(scratch), lesson.domain),
            Path(scratch),
            held_out,
            lambda share: progress("Held-out sentences", _TRAINING_SHARE + (1 - _TRAINING_SHARE) * share),
        )


def judge(
    interpreter: Interpreter, folder: Path, held_out: NluData, progress: Callable[[float], None]
) -> Judged:
    """Let a model understand held-out sentences; `folder` holds its files.

    Raises:
        ModelError: The model's training sentences are missing or broken.
    """
    count = len(held_out.examples) + len(held_out.sentiment_examples)
    examples: list[JudgedExample] = []
    for example in held_out.examples:
        examples.append(JudgedExample(example, interpreter.parse(example.text)))
        progress(len(examples) / count)
    moods: list[JudgedMood] = []
    for mood in held_out.sentiment_examples:
        chances = interpreter.chances(mood.text).sentiments
        moods.append(JudgedMood(mood, interpreter.parse(mood.text), chances))
        progress((len(examples) + len(moods)) / count)
    return Judged(tuple(_with_causes(interpreter, folder, examples)), tuple(moods))


def _with_causes(
    interpreter: Interpreter, folder: Path, judged: Sequence[JudgedExample]
) -> Iterator[JudgedExample]:
    head = interpreter.model.intent
    if not head or all(row.predicted == row.expected for row in judged):
        yield from judged
        return
    search = TrainingSentences.load(folder, INTENT_SENTENCES).search(head.space)
    for row in judged:
        if row.predicted == row.expected:
            yield row
            continue
        near = search.nearest(head.space.features(*interpreter.encode(row.example.text)))
        taken_for = (
            found for found in near
            if (retrieval_intent(found.sentence.label) or found.sentence.label) == row.predicted
        )  # fmt: skip
        yield JudgedExample(row.example, row.result, next(taken_for, None))
