"""A model says what it was made from and how well it understands, to people and to programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.dialogue.messages import Entity
from bot.nlu.held_out import Bin, HeldOutScores, PartScores
from bot.nlu.model import NluModel
from bot.nlu.out_of_scope import Scope, Signals
from bot.nlu.plan import ComponentRow, FallbackOptions, PipelinePlan
from bot.nlu.train import TrainingReport
from bot.nlu.training_facts import facts, write_facts
from bot.runtime.model_card import CARD_DATA_FILE, CARD_FILE, summary, write_card
from bot.training_data.config_file import ComponentConfig, ProjectConfig
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from bot.training_data.project import Project

SCORES = HeldOutScores(
    sentences=6,
    accuracy=5 / 6,
    macro_f1=0.8,
    expected_calibration_error=0.02,
    temperature=1.25,
    by_language={
        "?": PartScores(1, 1.0, 1.0), "en": PartScores(3, 1.0, 1.0), "zh": PartScores(2, 0.5, 0.5),
    },
    reliability=(Bin(0.4, 0.5, 2), Bin(0.95, 1.0, 4)),
)  # fmt: skip
REPORT = TrainingReport(
    components=(ComponentRow("BertUnderstanding", "heads"),),
    backbone="tiny",
    intents=2,
    examples=6,
    sentiment_examples=1,
    entities=("city",),
    intent_scores=SCORES,
    sentiment_scores=None,
    seconds=3.14159,
    notes=("six examples are few",),
)
MODEL = NluModel(
    plan=PipelinePlan(fallback=FallbackOptions(0.35, 0.05)),
    language="en",
    scope=Scope(Signals(1.0, 0.5, 2.0), Signals(0.5, 0.1, 4.0), -1.5, {"en": -1.25}),
)
DATA = NluData(
    examples=(
        *(NluExample(text, "greet") for text in ("hello there", "good to see you", "您好", "早上好", "42")),
        NluExample("i want to go to Oslo", "travel|by train", (Entity("city", "Oslo", 16, 20),)),
    ),
    sentiment_examples=(SentimentExample("i love it", "positive"),),
    lookups={"category": ("lamp", "phone")},
    synonyms={"phones": "phone"},
)
PROJECT = Project(
    Path("shop"), config=ProjectConfig(assistant_id="lumen", policies=(ComponentConfig("RulePolicy"),))
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write what training knows into a model's folder, and the card beside it."""
    (tmp_path / "nlu").mkdir()
    write_facts(tmp_path / "nlu", REPORT, DATA, MODEL)
    write_card(tmp_path, PROJECT, "1.2.3")
    return tmp_path


def test_sentences_are_counted_by_label_and_language() -> None:
    """A sentence counts under the language it shows, an entity under that of its sentence."""
    written = facts(REPORT, DATA, MODEL)
    assert written["intents"]["examples"] == {
        "greet": {"?": 1, "en": 2, "zh": 2},
        "travel|by train": {"en": 1},
    }
    assert written["sentiment"]["examples"] == {"positive": {"en": 1}}
    assert written["entities"]["examples"] == {"city": {"en": 1}}
    assert written["libraries"]["numpy"]
    assert written["seconds"] == 3.14


def test_the_card_holds_scores_by_language_calibration_thresholds_and_versions(folder: Path) -> None:
    """Whoever reads the card finds every figure that was measured."""
    text = (folder / CARD_FILE).read_text("utf-8")
    assert text.startswith("# Model card: lumen\n")
    assert "by Frontdesk 1.2.3." in text
    for row in (
        "| intents | zh | 2 | 0.500 | 0.500 |",
        "| intents | all | 6 | 0.833 | 0.800 |",
        "expected calibration error 0.020, temperature 1.25",
        "| 0.40 | 0.50 | 2 |",
        "| the intent is `nlu_fallback` below | 0.35 |",
        "| or out of scope, below a score of | -1.50 |",
        "| or below, in `en` | -1.25 |",
        "| `greet` | 1 | 2 | 2 | 5 |",
        "Fewer than 5 examples teach `travel|by train`",
        "| lookup table `category` | 2 phrases |",
        "| training of the understanding | 3 s |",
        "| policies | RulePolicy |",
        "- six examples are few",
    ):
        assert row in text, row


def test_the_mark_of_unknown_languages_is_explained(folder: Path) -> None:
    """A question mark in the column of languages is not left to guess."""
    assert "`?`: the language does not show" in (folder / CARD_FILE).read_text("utf-8")


def test_names_with_bars_break_no_table(folder: Path) -> None:
    """Every row of a table has as many cells as its heading, whatever an intent is called."""
    lines = (folder / CARD_FILE).read_text("utf-8").splitlines()
    widths: list[int] = []
    for line in lines:
        if not line.startswith("|"):
            widths = []
            continue
        widths.append(line.replace("\\|", "").count("|"))
        assert len(set(widths)) == 1, line
    assert "| `travel\\|by train` | 0 | 1 | 0 | 1 |" in lines


def test_the_card_is_json_too(folder: Path) -> None:
    """Programs read the same figures under their names."""
    card = json.loads((folder / CARD_DATA_FILE).read_text("utf-8"))
    assert card["assistant_id"] == "lumen"
    assert card["understanding"]["intents"]["held_out"]["by_language"]["zh"]["accuracy"] == 0.5
    assert card["understanding"]["thresholds"]["fallback"]["threshold"] == 0.35
    assert card["dialogue"]["policies"] == ["RulePolicy"]
    assert summary(card) == "intents 0.833 (en 1.000, zh 0.500)"


def test_an_assistant_of_one_language_is_summed_up_shortly(tmp_path: Path) -> None:
    """With one language there is nothing to tell apart."""
    scores = replace(SCORES, by_language={"en": SCORES.by_language["en"], "?": SCORES.by_language["?"]})
    (tmp_path / "nlu").mkdir()
    write_facts(tmp_path / "nlu", replace(REPORT, intent_scores=scores), DATA, MODEL)
    write_card(tmp_path, PROJECT, "1")
    assert summary(json.loads((tmp_path / CARD_DATA_FILE).read_text("utf-8"))) == "intents 0.833"


def test_a_model_of_policies_alone_has_a_card(tmp_path: Path) -> None:
    """Without an NLU that tells of itself the card says what else there is."""
    write_card(tmp_path, PROJECT, "1")
    card = json.loads((tmp_path / CARD_DATA_FILE).read_text("utf-8"))
    assert card["understanding"] is None
    assert summary(card) is None
    assert "## Dialogue" in (tmp_path / CARD_FILE).read_text("utf-8")
