"""`frontdesk test` writes Rasa's report files, and pictures that can be read."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.nlu_scores import print_lonely, print_outlook, report
from bot.cli.result_files import ResultFiles
from bot.dialogue.domain import Domain
from bot.dialogue.messages import Entity, Intent, ParseResult, Sentiment
from bot.nlu.confusions import confused_pairs
from bot.nlu.cross_validation import Judged, JudgedExample, JudgedMood, Lesson
from bot.nlu.label_errors import Suspect
from bot.nlu.learning_curve import CurvePoint
from bot.runtime.evaluate import StepResult, StoryResult, TestReport
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample

STORIES = TestReport(
    (
        StoryResult(
            "right",
            (
                StepResult("user: |\n    hi\nintent: greet", expected="greet", predicted="greet"),
                StepResult(
                    "action: utter_greet", is_action=True, expected="utter_greet", predicted="utter_greet"
                ),
            ),
        ),
        StoryResult(
            "unlikely",
            (
                StepResult(
                    "action: utter_bye",
                    is_warning=True,
                    is_action=True,
                    expected="utter_bye",
                    predicted="utter_bye",
                ),
            ),
        ),
        StoryResult(
            "wrong",
            (
                StepResult(
                    "action: utter_bye",
                    wrong="utter_greet (RulePolicy, 1.00)",
                    is_action=True,
                    expected="utter_bye",
                    predicted="utter_greet",
                ),
            ),
        ),
    )
)


def _found(text: str, intent: str, confidence: float, *entities: Entity) -> ParseResult:
    return ParseResult(text, Intent(intent, confidence), tuple(entities))


PARSED = (
    (NluExample("hi", "greet"), _found("hi", "greet", 0.9)),
    (NluExample("查天气", "查询天气"), _found("查天气", "greet", 0.4)),
    (
        NluExample("to Oslo now", "travel", (Entity("city", "Oslo", 3, 7, role="to"),)),
        _found("to Oslo now", "travel", 0.8, Entity("city", "Oslo", 3, 7, extractor="Learnt")),
    ),
    (
        NluExample("from Rome", "travel", (Entity("city", "Rome", 5, 9),)),
        _found("from Rome", "travel", 0.7, Entity("city", "Rome", 5, 9, extractor="Learnt")),
    ),
    (
        NluExample("until when", "faq/hours"),
        ParseResult(
            "until when",
            Intent("faq", 0.95),
            response_selector={
                "default": {"response": {"intent_response_key": "faq/price", "confidence": 0.6}},
            },
        ),
    ),
)


def _json(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))


def test_stories_are_written_by_how_they_went(tmp_path: Path) -> None:
    """Each file names the stories it is for, and a failed step says what was found instead."""
    ResultFiles(tmp_path, plot=False).write_stories(STORIES)
    text = {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.yml")}
    assert "action: utter_bye  # found: utter_greet (RulePolicy, 1.00)" in text["failed_test_stories.yml"]
    assert "story: right" not in text["failed_test_stories.yml"]
    assert "story: unlikely" in text["successful_test_stories.yml"]
    assert "story: wrong" not in text["successful_test_stories.yml"]
    assert "action: utter_bye  # found: action_unlikely_intent" in text["stories_with_warnings.yml"]


def test_the_story_report_counts_actions_intents_and_conversations(tmp_path: Path) -> None:
    """Every label has Rasa's figures, and whole conversations are counted beside."""
    ResultFiles(tmp_path, plot=False).write_stories(STORIES)
    report = _json(tmp_path / "story_report.json")
    assert isinstance(report, dict)
    assert report["conversation_accuracy"] == {
        "accuracy": 2 / 3,
        "correct": 2,
        "with_warnings": 1,
        "total": 3,
    }
    assert report["utter_bye"] == {"precision": 1.0, "recall": 0.5, "f1-score": 2 / 3, "support": 2}
    assert report["greet"]["support"] == 1


def test_nlu_results_have_rasas_names_and_shapes(tmp_path: Path) -> None:
    """Intents, answers and the words of entities: report, errors and successes of each."""
    ResultFiles(tmp_path, plot=False).write_nlu(PARSED)
    assert _json(tmp_path / "intent_errors.json") == [
        {"text": "查天气", "intent": "查询天气", "intent_prediction": {"name": "greet", "confidence": 0.4}}
    ]
    successes = _json(tmp_path / "intent_successes.json")
    assert isinstance(successes, list)
    assert [row["text"] for row in successes] == ["hi", "to Oslo now", "from Rome", "until when"]
    assert _json(tmp_path / "response_selection_errors.json") == [
        {
            "text": "until when",
            "intent_response_key_target": "faq/hours",
            "intent_response_key_prediction": {"name": "faq/price", "confidence": 0.6},
        }
    ]
    report = _json(tmp_path / "Learnt_report.json")
    assert isinstance(report, dict)
    assert (report["city"]["recall"], report["city.to"]["recall"]) == (1.0, 0.0)
    assert report["city.to"]["confused_with"] == {"city": 1}
    errors = _json(tmp_path / "Learnt_errors.json")
    assert isinstance(errors, list)
    assert [row["text"] for row in errors] == ["to Oslo now"]


MOOD = ParseResult("not bad", sentiment=Sentiment("neutral", 0.4))
JUDGED = Judged(
    tuple(
        JudgedExample(example, replace(result, intent_ranking=(result.intent,))) for example, result in PARSED
    ),
    (
        JudgedMood(SentimentExample("not bad", "positive"), MOOD, {"positive": 0.45, "negative": 0.55}),
        JudgedMood(
            SentimentExample("great", "positive"),
            ParseResult("great", sentiment=Sentiment("positive", 0.9)),
            {"positive": 0.9, "negative": 0.1},
        ),
    ),
)


def test_sentiment_has_the_same_files_as_intents(tmp_path: Path) -> None:
    """An abstention is a mistake of its own, written with what was said instead."""
    ResultFiles(tmp_path, plot=False).write_judged(JUDGED)
    report = _json(tmp_path / "sentiment_report.json")
    assert isinstance(report, dict)
    assert report["positive"]["recall"] == 0.5
    assert _json(tmp_path / "sentiment_errors.json") == [
        {
            "text": "not bad",
            "sentiment": "positive",
            "sentiment_prediction": {"value": "neutral", "confidence": 0.4},
        }
    ]
    assert (tmp_path / "intent_report.json").exists()


def test_doubts_are_written_by_task_and_gone_when_there_are_none(tmp_path: Path) -> None:
    """Confused pairs and doubted labels have files of their own; a later test without any removes them."""
    files = ResultFiles(tmp_path, plot=False)
    files.folder.mkdir(exist_ok=True)
    pairs = confused_pairs(JUDGED.examples)
    suspect = Suspect("hm", "a", "b", 0.1, 0.9)
    files.write_doubts(pairs, {"intent": [suspect], "sentiment": []})
    assert [row["intents"] for row in _rows(tmp_path / "intent_confusions.json")] == [["greet", "查询天气"]]
    assert [(row["task"], row["text"]) for row in _rows(tmp_path / "label_errors.json")] == [("intent", "hm")]
    files.write_doubts([], {})
    assert not list(tmp_path.glob("*.json"))


def _rows(path: Path) -> list[dict[str, object]]:
    rows = _json(path)
    assert isinstance(rows, list)
    return rows


def test_the_report_reads_like_a_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Scores come first, then the worst labels, then the confused pairs with their sentences."""
    report(JUDGED, ResultFiles(tmp_path, plot=False))
    text = capsys.readouterr().out
    places = [text.index(words) for words in ("macro F1", "micro avg", "most confusable", "查天气")]
    assert places == sorted(places)
    assert "greet / 查询天气" in text


def test_one_sentence_is_no_plural(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A pair that one sentence confuses is told in the singular, and `?` is explained where it stands."""
    number = JudgedExample(NluExample("42", "greet"), _found("42", "greet", 0.9))
    report(replace(JUDGED, examples=(*JUDGED.examples, number)), ResultFiles(tmp_path, plot=False))
    text = capsys.readouterr().out
    assert "1 sentence," in text
    assert "1 sentences" not in text
    assert "?: the language does not show" in text


def _lesson(examples: tuple[NluExample, ...]) -> Lesson:
    return Lesson(NluData(examples), (ComponentConfig("BertUnderstanding"),), Domain(), "en")


def test_minutes_of_tuning_are_announced(capsys: pytest.CaptureFixture[str]) -> None:
    """Few examples of each intent say beforehand how often the encoder is tuned; many say nothing."""
    few = _lesson(tuple(NluExample(f"text {row}", f"intent_{row % 30}") for row in range(300)))
    print_outlook(few, folds=5, parts=5, curve=False)
    assert "the encoder may be tuned 5 times" in capsys.readouterr().out
    print_outlook(few, folds=5, parts=1, curve=True)
    # Of 240 sentences all draws but the last have fewer than tuning takes.
    assert "the encoder may be tuned 2 times" in capsys.readouterr().out
    many = _lesson(tuple(NluExample(f"text {row}", f"intent_{row % 3}") for row in range(300)))
    print_outlook(many, folds=5, parts=5, curve=False)
    assert not capsys.readouterr().out


def test_mistakes_that_no_model_avoids_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """The only example of an intent teaches nothing while it is held out."""
    lonely, other = NluExample("wifi?", "ask_wifi"), NluExample("hi", "greet")
    lesson = _lesson((lonely, other, NluExample("hello", "greet")))
    judged = Judged(tuple(JudgedExample(row, _found(row.text, "greet", 0.9)) for row in (lonely, other)))
    print_lonely(lesson, judged)
    assert "1 sentence held out had no other of the same intent" in " ".join(capsys.readouterr().out.split())
    print_lonely(lesson, Judged(judged.examples[1:]))
    assert not capsys.readouterr().out


def test_a_curve_is_written_with_its_picture(tmp_path: Path) -> None:
    """Figures for programs, a picture for people."""
    pytest.importorskip("matplotlib")
    points = [CurvePoint(2, 10, 0.5, 0.4, 0.6, 0.45), CurvePoint(5, 25, 0.7, 0.7, 0.7, 0.68)]
    ResultFiles(tmp_path).write_curve(points)
    assert [row["accuracy"] for row in _rows(tmp_path / "learning_curve.json")] == [0.5, 0.7]
    assert min(_size(tmp_path / "learning_curve.png")) > 200


def test_a_curve_cannot_be_asked_of_a_finished_model(tmp_path: Path) -> None:
    """It trains, so it contradicts test conversations and `--nlu`."""
    for arguments in (["--learning-curve"], ["nlu", "--learning-curve", "--nlu", str(tmp_path)]):
        result = CliRunner().invoke(app, ["test", "--project", str(tmp_path), *arguments])
        assert result.exit_code == 2, result.output
        assert "--learning-curve" in result.output


def test_what_is_switched_off_is_not_written(tmp_path: Path) -> None:
    """Rasa's switches leave files out, and no file of an earlier test stays behind."""
    ResultFiles(tmp_path, plot=False).write_nlu(PARSED)
    assert (tmp_path / "intent_errors.json").exists()
    files = ResultFiles(tmp_path, successes=False, errors=False, warnings=False, plot=False)
    files.write_nlu(PARSED)
    files.write_stories(STORIES)
    reports = {
        "intent_report.json",
        "response_selection_report.json",
        "Learnt_report.json",
        "story_report.json",
    }
    assert {path.name for path in tmp_path.iterdir()} == reports


def _size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG from its header."""
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:24])
    return width, height


@pytest.mark.parametrize("labels", [1, 3, 70], ids="{} labels".format)
def test_a_confusion_matrix_grows_with_its_labels(tmp_path: Path, labels: int) -> None:
    """A cell never gets smaller than its number; a letter that no font has is no error."""
    pictures = pytest.importorskip("bot.cli.pictures")
    names = [f"意图{index}\U0001f9ff" for index in range(labels)]
    path = tmp_path / "matrix.png"
    pictures.draw_confusions(path, "Intents", names, [*names[1:], names[0]])
    width, height = _size(path)
    assert min(width, height) >= 36 * min(labels, pictures.MOST_LABELS)


@pytest.mark.parametrize("right", [True, False])
def test_numbers_can_be_read_on_every_cell(right: bool) -> None:
    """Ink and cell differ in brightness by 3 to 1 at least (WCAG 2.1, large text)."""
    pictures = pytest.importorskip("bot.cli.pictures")
    colours = pytest.importorskip("matplotlib.colors")
    blues = pytest.importorskip("matplotlib").colormaps["Blues"]

    def brightness(colour: object) -> float:
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
                 for part in colours.to_rgb(colour)]  # fmt: skip
        return float(np.dot((0.2126, 0.7152, 0.0722), parts))

    for shade in np.linspace(0, 1, 101):
        dark, light = sorted((brightness(blues(shade)), brightness(pictures.ink(shade, right=right))))
        assert (light + 0.05) / (dark + 0.05) >= 3, shade


def test_pictures_stand_beside_the_reports(tmp_path: Path) -> None:
    """Each report has a confusion matrix, and all but the stories a histogram."""
    pytest.importorskip("matplotlib")
    ResultFiles(tmp_path).write_judged(JUDGED)
    ResultFiles(tmp_path).write_stories(STORIES)
    names = {path.stem.rpartition("_")[0]: path for path in tmp_path.glob("*.png")}
    learnt = ("intent", "sentiment", "response_selection", "Learnt")
    assert {path.name for path in tmp_path.glob("*.png")} == {
        *(f"{kind}_confusion_matrix.png" for kind in (*learnt, "story")),
        *(f"{kind}_histogram.png" for kind in learnt),
        *(f"{kind}_reliability.png" for kind in ("intent", "sentiment")),
    }
    assert all(min(_size(path)) > 200 for path in names.values())


def test_a_project_without_a_model_is_told_so(tmp_path: Path) -> None:
    """No traceback, and no result files."""
    result = CliRunner().invoke(app, ["test", "--project", str(tmp_path), "--out", str(tmp_path / "results")])
    assert result.exit_code == 1
    assert "no trained model" in " ".join(result.output.split())
    assert not (tmp_path / "results").exists()
