"""From training data and a pipeline to a model folder. The one way in is `train`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.dialogue.messages import Entity
from bot.nlu.augment import Copies, augmented
from bot.nlu.augmentation_gain import Gain, HeldOutCopies, told, with_copies
from bot.nlu.calibration import (
    NEVER_HELD_OUT,
    abstention_threshold,
    cross_validated_scores,
    fit_temperature,
    held_out_folds,
    in_fine_tuning,
    luck_of_the_draw,
)
from bot.nlu.earlier_encoder import going_on
from bot.nlu.encoding import TrainingEncoder, encoded, training_encoder
from bot.nlu.entity_lookup import Patterns
from bot.nlu.features import BlockWeights, FeatureSpace, FloatArray
from bot.nlu.few_examples import has_few, intent_names
from bot.nlu.fitting import FeatureMatrix, IntArray, fit_kernel, head_of
from bot.nlu.held_out import HeldOutScores, held_out_scores
from bot.nlu.linear import softmax
from bot.nlu.model import ENCODER_FOLDER, NluModel, SentenceHead, SentimentHead
from bot.nlu.out_of_scope import last_layer
from bot.nlu.own_components import train as train_own
from bot.nlu.plan import ComponentRow, LookupOptions, PipelinePlan
from bot.nlu.registry import plan_pipeline
from bot.nlu.response_selector import retrieval_intent
from bot.nlu.scope_training import HeldOut, fit_landmarks, fit_scope
from bot.nlu.tagger_training import train_tagger
from bot.nlu.training_facts import write_facts
from bot.nlu.training_sentences import INTENT_SENTENCES, SENTIMENT_SENTENCES, TrainingSentences
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample
from bot.training_data.warm_start import WarmStart
from language.backbone import default_cache
from language.detect import detect_language
from language.encoder import EncodedText, OnnxEncoder
from language.ngrams import NgramVocabulary, ngrams
from language.tokens import word_rules
from language.vector_cache import VectorCache

Progress = Callable[[str, float], None]
INTENT_STRENGTH, SENTIMENT_STRENGTH = 20.0, 8.0
INTENT_WEIGHTS = BlockWeights()
# n-grams and single layers need examples before they tell more than the sentence vector: with 5 to 10 of each
# intent these are worth 1 to 2 points of held-out accuracy, from 50 on the others are as good or better.
FEW_SHOT_WEIGHTS = BlockWeights(middle_known=0.55, middle_unknown=0.4, ngrams_known=0.35)
SENTIMENT_WEIGHTS = BlockWeights(
    last_known=0.7,
    last_unknown=0.2,
    middle_known=1.0,
    middle_unknown=0.15,
    ngrams_known=0.6,
    ngrams_unknown=1.6,
)
_MOST_SENTENCES = 16_000  # the kernel of so many takes 1 GiB


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What was trained from what: one row for each pipeline line, counts, held-out scores, seconds."""

    components: tuple[ComponentRow, ...]
    backbone: str
    intents: int
    examples: int
    sentiment_examples: int
    entities: tuple[str, ...]
    intent_scores: HeldOutScores | None
    sentiment_scores: HeldOutScores | None
    seconds: float
    intent_gain: Gain | None = None
    sentiment_gain: Gain | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def train(  # noqa: PLR0913 - the one way in
    data: NluData,
    pipeline: Sequence[ComponentConfig],
    folder: Path,
    *,
    language: str = "en",
    progress: Progress | None = None,
    cache: Path | None = None,
    warm_start: WarmStart | None = None,
) -> TrainingReport:
    """Train the understanding of a project and write it to `folder`.

    Args:
        data: The NLU data of the project.
        pipeline: The lines of `config.yml`.
        folder: Where the model goes; it may exist.
        language: The project's language, which decides how words are cut.
        progress: Called with a stage and the fraction of the whole that is done.
        cache: Where exported encoders are kept, `language.backbone.default_cache()` unless given.
        warm_start: An earlier model to go on from.

    Raises:
        InvalidProject: The pipeline names something unknown, or a regex is broken.
        FrontdeskError: The backbone cannot be loaded, or a component of the project's own failed.
    """
    started = time.perf_counter()
    tell = progress or (lambda _stage, _fraction: None)
    plan = plan_pipeline(pipeline)
    folder.mkdir(parents=True, exist_ok=True)
    data, own_notes = train_own(plan.own, data, folder, language=language, warm_start=warm_start)
    patterns = Patterns(data.regexes, data.lookups, plan.lookup or LookupOptions())
    examples, notes = _at_most(data.examples, plan.understanding.random_seed)
    options, warm_notes = going_on(plan.understanding, warm_start, ENCODER_FOLDER)
    names = intent_names(examples)
    made = training_encoder(
        replace(data, examples=examples), names, options, folder, cache or default_cache(), tell
    )
    encoder = OnnxEncoder(made.folder)
    moods = [example.text for example in data.sentiment_examples]
    copies, mood_copies = augmented(data, examples, plan.understanding, at_most=_MOST_SENTENCES)
    taught = (*examples, *copies.examples)
    vectors, name_vectors, mood_vectors = encoded(
        encoder,
        (
            [example.text for example in taught],
            [example.text for example in names],
            [*moods, *(copy.text for copy in mood_copies.examples)],
        ),
        pieces=plan.understanding.entity_recognition and any(example.entities for example in examples),
        # What is encoded by a freshly tuned encoder is never asked for again.
        cache=None if made.knows_examples else cache or default_cache(),
        tell=lambda part: tell("Reading the examples", 0.6 + 0.15 * part),
    )
    tell("Intents", 0.75)
    model = _empty(data, plan, language)
    model, intent_scores, intent_gain = _with_intents(
        model,
        examples,
        copies,
        names,
        _Read([*vectors, *name_vectors], made.knows_examples, _untuned(made, taught, names, cache)),
    )
    tell("Sentiment", 0.85)
    model, sentiment_scores, sentiment_gain = _with_sentiment(
        model, data, mood_copies, mood_vectors, knows=made.knows_moods
    )
    tell("Entities", 0.88)
    if plan.understanding.entity_recognition:
        model = replace(model, tagger=train_tagger(taught, vectors, patterns, language=language))
    tell("Writing the model", 0.97)
    model.save(folder)
    kept = TrainingSentences.of(examples, [row.intent for row in examples], vectors[: len(examples)])
    kept.save(folder, INTENT_SENTENCES)
    values = [row.value for row in data.sentiment_examples]
    kept = TrainingSentences.of(data.sentiment_examples, values, mood_vectors[: len(values)])
    kept.save(folder, SENTIMENT_SENTENCES)
    report = TrainingReport(
        components=plan.rows,
        backbone=plan.understanding.backbone,
        intents=len({retrieval_intent(row.intent) or row.intent for row in examples}),
        examples=len(examples),
        sentiment_examples=len(moods),
        entities=tuple(sorted({tag.entity for tag in model.tagger.tags if tag.entity}))
        if model.tagger
        else (),
        intent_scores=intent_scores,
        sentiment_scores=sentiment_scores,
        seconds=time.perf_counter() - started,
        intent_gain=intent_gain,
        sentiment_gain=sentiment_gain,
        notes=(*notes, *own_notes, *warm_notes, *told(intents=intent_gain, sentiment=sentiment_gain)),
    )
    write_facts(folder, report, data, model)
    tell("Done", 1.0)
    return report


def _at_most(examples: Sequence[NluExample], seed: int) -> tuple[tuple[NluExample, ...], tuple[str, ...]]:
    """Leave examples without text out, and draw from more than training can hold at once."""
    kept = tuple(example for example in examples if example.text.strip())
    if len(kept) <= _MOST_SENTENCES:
        return kept, ()
    chosen = np.random.default_rng(seed).choice(len(kept), _MOST_SENTENCES, replace=False)
    note = f"{len(kept)} examples: intents were learnt from {_MOST_SENTENCES} drawn at random"
    return tuple(kept[row] for row in sorted(chosen)), (note,)


def _empty(data: NluData, plan: PipelinePlan, language: str) -> NluModel:
    annotated = {entity.entity for example in data.examples for entity in example.entities}
    from_examples = {
        str(example.text[entity.start : entity.end]).lower(): str(entity.value)
        for example in data.examples
        for entity in example.entities
        if _renames(example.text, entity)
    }
    synonyms = {surface.lower(): value for surface, value in data.synonyms.items()}
    return NluModel(
        plan=plan,
        language=language,
        words=word_rules(language),
        annotated=tuple(sorted(annotated)),
        regexes=data.regexes,
        lookups=data.lookups,
        synonyms={**from_examples, **synonyms} if plan.synonyms else {},
        responses=data.responses,
    )


def _renames(text: str, entity: Entity) -> bool:
    return entity.start is not None and str(entity.value) != text[entity.start : entity.end]


def _sentences(
    texts: Sequence[str], vectors: Sequence[EncodedText], weights: BlockWeights
) -> tuple[FeatureSpace, FeatureMatrix]:
    vocabulary = NgramVocabulary.fit(texts)
    mean: FloatArray = np.stack([encoded.pooled for encoded in vectors]).mean(axis=0)
    space = FeatureSpace(vocabulary, mean, weights)
    features = [space.features(ngrams(text), encoded) for text, encoded in zip(texts, vectors, strict=True)]
    size = len(vocabulary.columns)
    return space, FeatureMatrix.stack(features, width=len(mean), vocabulary_size=size)


@dataclass(frozen=True, slots=True)
class _Read:
    """Vectors of the sentences; `untuned` are those before upper layers were tuned, empty where none were.

    `knows` says that the encoder was tuned on the examples.
    """

    vectors: Sequence[EncodedText]
    knows: bool
    untuned: Sequence[EncodedText]


def _untuned(
    made: TrainingEncoder, taught: Sequence[NluExample], names: Sequence[NluExample], cache: Path | None
) -> Sequence[EncodedText]:
    if made.untuned is None:
        return ()
    texts = [example.text for example in (*taught, *names)]
    vectors = VectorCache(cache or default_cache())
    return vectors.encode(OnnxEncoder(made.untuned), texts, pieces=False, progress=lambda _: None)


def _with_intents(
    model: NluModel,
    examples: Sequence[NluExample],
    copies: Copies,
    names: Sequence[NluExample],
    read: _Read,
) -> tuple[NluModel, HeldOutScores | None, Gain | None]:
    """Fit the intents on examples, their copies and names; `read` has all three, in this order."""
    if not examples or not model.plan.understanding.intent_classification:
        return model, None, None
    seed = model.plan.understanding.random_seed
    learnt = [*examples, *copies.examples, *names]
    labels = sorted({example.intent for example in examples})
    weights = FEW_SHOT_WEIGHTS if has_few(examples) else INTENT_WEIGHTS
    space, matrix = _sentences([example.text for example in learnt], read.vectors, weights)
    kernel = matrix.kernel()
    targets = np.array([labels.index(example.intent) for example in learnt])
    judged = np.zeros(len(learnt), bool)
    # Names are no messages: they teach, and are never held out.
    folds = np.full(len(learnt), NEVER_HELD_OUT)
    rows = with_copies(held_out_folds(targets[: len(examples)], seed=seed), copies.sources)
    folds[: len(rows)] = rows
    judged[: len(examples)] = _judged([example.intent for example in examples], knows=read.knows, seed=seed)
    judged &= folds != NEVER_HELD_OUT
    scores = cross_validated_scores(
        kernel, targets, labels=len(labels), strength=INTENT_STRENGTH, folds=folds
    )
    temperature = fit_temperature(scores[judged], targets[judged])
    if read.untuned:
        _, plain = _sentences([example.text for example in learnt], read.untuned, weights)
        before = cross_validated_scores(
            plain.kernel(), targets, labels=len(labels), strength=INTENT_STRENGTH, folds=folds
        )
        tried = folds[: len(examples)] != NEVER_HELD_OUT
        known = (rows[: len(examples)][tried] for rows in (before, targets, judged))
        temperature *= luck_of_the_draw(*known)
    coefficients = fit_kernel(kernel, targets, labels=len(labels), strength=INTENT_STRENGTH)
    texts = [example.text for example in learnt]
    last = last_layer(matrix.dense)
    held_out = HeldOut(kernel, last, scores, folds, judged)
    trained = replace(
        model,
        intent=SentenceHead(space, head_of(coefficients, matrix, labels, temperature=temperature)),
        landmarks=fit_landmarks(matrix, last, targets, labels=len(labels)),
        scope=fit_scope(held_out, targets, [detect_language(text) for text in texts]),
    )
    is_copy = np.isin(np.arange(len(learnt)), len(examples) + np.arange(len(copies.examples)))
    gain = HeldOutCopies(kernel, targets, folds, judged, is_copy).gain(scores, strength=INTENT_STRENGTH)
    return trained, _scores(texts, scores, targets, judged, temperature), gain


def _with_sentiment(
    model: NluModel, data: NluData, copies: Copies, vectors: Sequence[EncodedText], *, knows: bool
) -> tuple[NluModel, HeldOutScores | None, Gain | None]:
    examples = data.sentiment_examples
    if len({example.value for example in examples}) < 2:  # a single value would be every message's
        return model, None, None
    texts = [*(example.text for example in examples), *(copy.text for copy in copies.examples)]
    values = [example.value for example in examples]
    values += [values[source] for source in copies.sources]
    space, matrix = _sentences(texts, vectors, SENTIMENT_WEIGHTS)
    kernel = matrix.kernel()
    labels = sorted(set(values))
    targets = np.array([labels.index(value) for value in values])
    seed = model.plan.understanding.random_seed
    judged = np.zeros(len(texts), bool)
    folds = with_copies(held_out_folds(targets[: len(examples)], seed=seed), copies.sources)
    judged[: len(examples)] = _judged(values[: len(examples)], knows=knows, seed=seed)
    judged &= folds != NEVER_HELD_OUT
    scores = cross_validated_scores(
        kernel, targets, labels=len(labels), strength=SENTIMENT_STRENGTH, folds=folds
    )
    temperature = fit_temperature(scores[judged], targets[judged])
    coefficients = fit_kernel(kernel, targets, labels=len(labels), strength=SENTIMENT_STRENGTH)
    head = head_of(coefficients, matrix, labels, temperature=temperature)
    threshold = abstention_threshold(softmax(scores[judged] / np.float32(temperature)))
    trained = replace(model, sentiment=SentimentHead(SentenceHead(space, head), threshold))
    is_copy = np.arange(len(texts)) >= len(examples)
    gain = HeldOutCopies(kernel, targets, folds, judged, is_copy).gain(scores, strength=SENTIMENT_STRENGTH)
    return trained, _scores(texts, scores, targets, judged, temperature), gain


def _judged(labels: Sequence[str], *, knows: bool, seed: int) -> npt.NDArray[np.bool_]:
    """Tell which sentences confidence is calibrated on: those that taught the encoder nothing."""
    return ~np.array(in_fine_tuning(labels, seed=seed)) if knows else np.ones(len(labels), bool)


def _scores(
    texts: Sequence[str],
    scores: FloatArray,
    targets: IntArray,
    judged: npt.NDArray[np.bool_],
    temperature: float,
) -> HeldOutScores:
    """Judge the sentences that count."""
    counted = [text for text, counts in zip(texts, judged, strict=True) if counts]
    chances = softmax(scores[judged] / np.float32(temperature))
    return held_out_scores(counted, targets[judged], chances, temperature=temperature)
