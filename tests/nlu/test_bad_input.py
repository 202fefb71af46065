"""Data and messages that nobody wishes for: what was wrong is said, and the assistant goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bot.dialogue.domain import Domain
from bot.errors import InvalidProject, Location, ModelError
from bot.nlu.explain import Explainer
from bot.nlu.interpreter import Interpreter
from bot.nlu.model import TENSORS_FILE, VALUES_FILE
from bot.nlu.registry import plan_pipeline
from bot.nlu.train import TrainingReport, train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample
from tests.language.tiny_backbone import write_tiny_backbone
from tests.nlu.conftest import DATA, DOMAIN

Trained = tuple[Path, TrainingReport, list[tuple[str, float]]]


def test_three_hundred_intents_are_learnt(
    pipeline: tuple[ComponentConfig, ...], cache: Path, tmp_path: Path
) -> None:
    """Many intents of few sentences train like few of many, and each gets its sentences back."""
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(random.choice(letters, 6)) for _ in range(300)]
    examples = tuple(
        NluExample(text.format(word), f"intent_{number}")
        for number, word in enumerate(words)
        for text in ("{}", "i want {}")
    )
    report = train(NluData(examples), pipeline, tmp_path, cache=cache)
    interpreter = Interpreter.load(tmp_path, Domain())
    assert report.intents == 300
    asked = examples[::37]
    ranked = [interpreter.parse(row.text).intent_ranking for row in asked]
    assert [next(i.name for i in rows if i.name != "nlu_fallback") for rows in ranked] == [
        row.intent for row in asked
    ]


def test_an_intent_with_one_example_is_learnt_beside_others(
    pipeline: tuple[ComponentConfig, ...], cache: Path, tmp_path: Path
) -> None:
    """Its one sentence is understood, and an intent whose only example is blank takes nothing from others."""
    more = (NluExample("sing me a song", "sing"), NluExample(" ", "blank"))
    train(replace(DATA, examples=(*DATA.examples, *more)), pipeline, tmp_path, cache=cache)
    interpreter = Interpreter.load(tmp_path, Domain())
    texts = ("sing me a song", "many thanks", "where is my parcel")
    ranked = [interpreter.parse(text).intent_ranking for text in texts]
    names = [next(row.name for row in rows if row.name != "nlu_fallback") for rows in ranked]
    assert names == ["sing", "thank", "order_status"]


@pytest.mark.parametrize("unit", ["parcel ", "包裹"], ids=["words", "characters"])
def test_a_message_of_five_thousand_words_is_read_as_far_as_the_limit(
    interpreter: Interpreter, unit: str
) -> None:
    """The answer holds the whole text; what was understood is that of its first 4,000 characters."""
    text = "where is my parcel " + unit * 5_000
    result = interpreter.parse(text)
    assert result.text == text
    assert result.intent_ranking == interpreter.parse(text[:4_000]).intent_ranking
    assert all(end <= 4_000 for _, end in result.text_tokens)


@pytest.mark.parametrize(
    ("text", "language", "is_new"),
    [("Где моя посылка", "ru", True), ("أين طردي", "ar", True), ("我的包裹呢", "zh", False)],
    ids=["Russian", "Arabic", "Chinese"],
)
def test_a_language_without_training_sentences_is_named(
    interpreter: Interpreter, trained: Trained, text: str, language: str, is_new: bool
) -> None:
    """A message in a language that nobody taught is answered, and its explanation says what is missing."""
    explanation = Explainer(interpreter, trained[0]).explain(text)
    assert (explanation.result.language, explanation.is_new_language) == (language, is_new)


def test_sentiment_of_one_value_is_not_learnt(
    pipeline: tuple[ComponentConfig, ...], cache: Path, tmp_path: Path
) -> None:
    """Where all sentences are positive no head is fitted: it would call every message positive."""
    moods = tuple(row for row in DATA.sentiment_examples if row.value == "positive")
    train(replace(DATA, sentiment_examples=moods), pipeline, tmp_path, cache=cache)
    assert Interpreter.load(tmp_path, DOMAIN).parse("i hate it").sentiment is None


def _other_width(folder: Path) -> None:
    tensors = load_file(folder / TENSORS_FILE)
    save_file(tensors | {"intent.dense": tensors["intent.dense"][:-1]}, folder / TENSORS_FILE)


def _fewer_labels(folder: Path) -> None:
    text = (folder / VALUES_FILE).read_text("utf-8")
    (folder / VALUES_FILE).write_text(text.replace('"labels": ["change_address", ', '"labels": ['), "utf-8")


def _fewer_marks(folder: Path) -> None:
    tensors = load_file(folder / TENSORS_FILE)
    save_file(tensors | {"tagger.marks": tensors["tagger.marks"][:5]}, folder / TENSORS_FILE)


@pytest.mark.parametrize(
    "damage",
    [_other_width, _fewer_labels, _fewer_marks],
    ids=["other width", "fewer labels", "fewer marks"],
)
def test_parts_that_do_not_fit_are_refused(trained: Trained, tmp_path: Path, damage: object) -> None:
    """Files that can be read but belong to different models are found when they are loaded."""
    folder = tmp_path / "model"
    shutil.copytree(trained[0], folder)
    damage(folder)  # type: ignore[operator] # one of the three above
    with pytest.raises(ModelError, match="train again"):
        Interpreter.load(folder, DOMAIN)


def test_a_backbone_without_weights_is_an_error_of_its_line(tmp_path: Path) -> None:
    """The folder is looked for beside the configuration, and what it lacks is said with file and line."""
    write_tiny_backbone(tmp_path / "company")
    place = Location(str(tmp_path / "config.yml"), 7)
    line = ComponentConfig("BertUnderstanding", {"backbone": "company"}, place)
    assert plan_pipeline([line]).understanding.backbone == str(tmp_path / "company")
    (tmp_path / "company" / "model.safetensors").unlink()
    with pytest.raises(InvalidProject) as caught:
        plan_pipeline([line])
    (finding,) = caught.value.findings
    assert finding.location == place
    assert "backbone" in finding.message
    assert "no weights in it" in finding.message
