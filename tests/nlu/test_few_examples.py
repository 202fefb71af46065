"""Intents with few examples: when the encoder is tuned for them, and what tuning does."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bot.dialogue.domain import Domain
from bot.nlu.few_examples import has_few, intent_names, may_tune, tuning_epochs
from bot.nlu.interpreter import Interpreter
from bot.nlu.model import ENCODER_FOLDER
from bot.nlu.plan import FineTune, UnderstandingOptions
from bot.nlu.train import TrainingReport, train
from bot.nlu.upper_layers import Lesson, Source, tune_upper_layers
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from language.backbone import exported
from language.encoder import OnnxEncoder

_DEEDS = ("send", "return", "track", "cancel", "praise")
_THINGS = ("lamp", "radio", "parcel", "chair")
_WAYS = ("{} my {}", "{} the {} now", "i want to {} a {}", "can you {} that {}", "{} {} today")
_ENDS = ("", " please")
EXAMPLES = tuple(
    NluExample(way.format(deed, thing) + end, f"{deed}_{thing}")
    for deed, thing, way, end in product(_DEEDS, _THINGS, _WAYS, _ENDS)
)
MOODS = tuple(
    SentimentExample(f"{word} {thing}", value)
    for value, words in {"positive": ("good", "lovely"), "negative": ("bad", "awful")}.items()
    for word, thing in product(words, _THINGS)
)
HEAD, FULL = UnderstandingOptions(), UnderstandingOptions(fine_tune=FineTune.FULL)


@pytest.mark.parametrize(
    ("examples", "options", "expected"),
    [
        pytest.param(EXAMPLES, HEAD, True, id="few of many intents"),
        pytest.param(EXAMPLES[:199], HEAD, False, id="too few to calibrate on"),
        pytest.param(EXAMPLES * 3, HEAD, False, id="thirty of each intent"),
        pytest.param(EXAMPLES, FULL, False, id="full tunes all layers"),
        pytest.param(EXAMPLES, UnderstandingOptions(intent_classification=False), False, id="no intents"),
    ],
)
def test_when_the_encoder_is_tuned(
    examples: tuple[NluExample, ...], options: UnderstandingOptions, expected: bool
) -> None:
    """Only `head` with few examples of each intent, yet enough in all, tunes the upper layers."""
    assert may_tune(examples, options) is expected


def test_few_is_told_from_many() -> None:
    """Twenty examples of an intent are few on average, more are not."""
    assert has_few(EXAMPLES * 2)
    assert not has_few([*EXAMPLES * 2, EXAMPLES[0]])


@pytest.mark.parametrize(("pieces", "epochs"), [(0, 5), (10_000, 5), (20_000, 4), (30_000, 3), (30_001, 0)])
def test_more_text_is_gone_through_less_often(pieces: int, epochs: int) -> None:
    """The time of tuning stays within its limit, and tuning stays away where it would get too little."""
    assert tuning_epochs(pieces) == epochs


def test_names_of_intents_are_sentences() -> None:
    """Snake case, camel case and the key of a retrieval intent become words; one without is left out."""
    labels = ("track_parcel", "startReturn", "faq/opening-hours", "___")
    found = intent_names([NluExample("x", label) for label in labels])
    assert [(row.text, row.intent) for row in found] == [
        ("opening hours", "faq/opening-hours"),
        ("start return", "startReturn"),
        ("track parcel", "track_parcel"),
    ]


@pytest.fixture(scope="module")
def tuned(
    tmp_path_factory: pytest.TempPathFactory, backbone: Path, cache: Path
) -> tuple[Path, TrainingReport]:
    """Train on ten sentences for each of twenty intents."""
    folder = tmp_path_factory.mktemp("tuned")
    return folder, train(NluData(EXAMPLES, MOODS), _pipeline(backbone), folder, cache=cache)


def _pipeline(backbone: Path) -> list[ComponentConfig]:
    return [ComponentConfig("BertUnderstanding", {"backbone": str(backbone)})]


def test_tuning_brings_sentences_of_an_intent_together(backbone: Path, cache: Path, tmp_path: Path) -> None:
    """In the last layer intents stand further apart than before; the middle layer is as it was."""
    source = Source(str(backbone), backbone, exported(str(backbone), cache))
    lesson = Lesson(EXAMPLES, intent_names(EXAMPLES), epochs=60, seed=1)
    assert tune_upper_layers(source, lesson, tmp_path / "tuned", lambda _: None)
    plain, tuned = OnnxEncoder(source.encoder), OnnxEncoder(tmp_path / "tuned")
    assert _apartness(tuned) > 1.03 * _apartness(plain)
    for text in ("send my lamp", "你好"):
        before, after = plain.encode(text).pooled, tuned.encode(text).pooled
        np.testing.assert_allclose(np.split(after, 2)[1], np.split(before, 2)[1], atol=1e-5)
    assert plain.facts.key != tuned.facts.key


def _apartness(encoder: OnnxEncoder) -> float:
    """Return the spread of the intents' means over the spread of sentences around them, last layer alone."""
    vectors = np.stack([np.split(encoder.encode(row.text).pooled, 2)[0] for row in EXAMPLES])
    groups = vectors.reshape(len(_DEEDS) * len(_THINGS), -1, vectors.shape[1])
    means = groups.mean(axis=1, keepdims=True)
    return float((means - vectors.mean(axis=0)).std() / (groups - means).std())


def test_confidence_is_calibrated_on_what_tuning_has_not_seen(tuned: tuple[Path, TrainingReport]) -> None:
    """A tenth of the examples is judged; sentiment taught the encoder nothing, so all of it is."""
    report = tuned[1]
    assert report.intent_scores
    assert report.sentiment_scores
    assert report.intent_scores.sentences == len(EXAMPLES) / 10
    assert report.sentiment_scores.sentences == len(MOODS)


def test_tuned_model_serves(tuned: tuple[Path, TrainingReport]) -> None:
    """The encoder in the model's folder is the one that the heads were fitted on."""
    interpreter = Interpreter.load(tuned[0], Domain())
    right = [interpreter.parse(row.text).intent.name == row.intent for row in EXAMPLES]
    assert np.mean(right) > 0.9


def test_tuning_twice_gives_the_same_encoder(
    tuned: tuple[Path, TrainingReport], backbone: Path, cache: Path, tmp_path: Path
) -> None:
    """Same data, same seed, same weights; another seed gives others."""
    again = train(NluData(EXAMPLES, MOODS), _pipeline(backbone), tmp_path / "again", cache=cache)
    options = {"backbone": str(backbone), "random_seed": 2}
    line = [ComponentConfig("BertUnderstanding", options)]
    train(NluData(EXAMPLES), line, tmp_path / "other", cache=cache)
    first, second, other = (
        OnnxEncoder(folder / ENCODER_FOLDER).facts.key
        for folder in (tuned[0], tmp_path / "again", tmp_path / "other")
    )
    assert first == second != other
    assert again.intent_scores == tuned[1].intent_scores
