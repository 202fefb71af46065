"""How well the demo's understanding does on a fifth of its sentences that it has not seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.nlu.evaluate import NluScores, evaluate, split
from bot.nlu.interpreter import Interpreter
from bot.nlu.train import train
from bot.nlu.training_facts import FACTS_FILE
from bot.training_data.project import Project
from tests.integration.demo import ROOT


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> NluScores:
    """Train on four fifths, score the fifth."""
    project, folder = Project.load(ROOT), tmp_path_factory.mktemp("nlu")
    learnt, held_out = split(project.nlu)
    train(learnt, project.config.pipeline, folder, language="en")
    return evaluate(Interpreter.load(folder, project.domain).parse, held_out)


@pytest.mark.parametrize(("language", "floor"), [("en", 0.92), ("zh", 0.90)])
def test_intents_of_new_sentences_are_understood(scores: NluScores, language: str, floor: float) -> None:
    """Accuracy does not fall below what was promised."""
    assert scores.intents_by_language[language].accuracy >= floor


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentiment_of_new_sentences_is_felt(models: Path, language: str) -> None:
    """Accuracy over the five folds of the training, in each of which a fifth is new, is what was promised."""
    (facts,) = models.glob(f"*/nlu/{FACTS_FILE}")
    held_out = json.loads(facts.read_text("utf-8"))["sentiment"]["held_out"]
    assert held_out["by_language"][language]["accuracy"] >= 0.85


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentiment_abstains_rather_than_guesses(scores: NluScores, language: str) -> None:
    """What is said of a fifth that was not learnt is right in most cases, and little is left unsaid."""
    felt = scores.sentiment_by_language[language]
    assert felt.accuracy_when_sure >= 0.85
    assert felt.abstention_share <= 0.15


def test_confidence_is_honest(scores: NluScores) -> None:
    """The expected calibration error stays small: 0.9 means that nine of ten are right."""
    assert scores.expected_calibration_error is not None
    assert scores.expected_calibration_error <= 0.03
