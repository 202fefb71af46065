"""The files `frontdesk test` writes, by Rasa's names: reports, errors, successes, pictures."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.dialogue.messages import JSON, Entity, ParseResult
from bot.nlu.confusions import ConfusedPair
from bot.nlu.cross_validation import Judged, JudgedExample, JudgedMood
from bot.nlu.held_out import expected_calibration_error, reliability
from bot.nlu.label_errors import Suspect
from bot.nlu.learning_curve import CurvePoint
from bot.runtime.evaluate import StoryResult, TestReport, render_stories
from bot.server.reports import (
    NO_ENTITY,
    extractors_of,
    label_of,
    score_labels,
    selected_response,
    words_of,
)
from bot.training_data.nlu_examples import NluExample

Parsed = Sequence[tuple[NluExample, ParseResult]]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One label that was expected and one that was predicted; `row` is what is written of it."""

    target: str
    predicted: str | None
    confidence: float
    row: JSON


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """Writes into `folder`; the switches are Rasa's."""

    folder: Path
    successes: bool = True
    errors: bool = True
    warnings: bool = True
    plot: bool = True

    def write_stories(self, report: TestReport) -> None:
        """Write the stories that failed, that passed and that have warnings, scores and a picture."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, stories, nothing, wanted in (
            ("failed_test_stories.yml", report.failed, "None of the test stories failed.", self.errors),
            ("successful_test_stories.yml", report.successful, "No test story passed.", self.successes),
            ("stories_with_warnings.yml", report.with_warnings, "No story has a warning.", self.warnings),
        ):
            if wanted:
                self._write_stories(name, stories, nothing)
        steps = [step for story in report.stories for step in story.steps if step.expected is not None]
        judged = [step for step in steps if step.is_action or step.line.startswith("user:")]
        scores = score_labels([step.expected for step in judged], [step.predicted for step in judged])
        count, passed = len(report.stories), len(report.successful)
        scores["conversation_accuracy"] = {
            "accuracy": passed / count if count else 1.0,
            "correct": passed,
            "with_warnings": len(report.with_warnings),
            "total": count,
        }
        self._write_json("story_report.json", scores)
        actions = [step for step in judged if step.is_action]
        self._draw_confusions(
            "story_confusion_matrix.png",
            "Actions of the test conversations",
            [step.expected for step in actions],
            [step.predicted for step in actions],
        )

    def write_nlu(self, parsed: Parsed) -> None:
        """Write what was found of intents, of answers of retrieval intents, and by each entity extractor."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_judged("intent", "Intents", [_intent(*pair) for pair in parsed if pair[0].intent])
        answers = [_answer(*pair) for pair in parsed if "/" in pair[0].intent]
        self._write_judged("response_selection", "Answers", answers)
        for extractor in extractors_of(parsed):
            self._write_entities(extractor, parsed)

    def write_judged(self, judged: Judged) -> None:
        """Write what `write_nlu` writes, the sentiment, and how honest confidence was."""
        self.write_nlu([(row.example, row.result) for row in judged.examples])
        self._write_judged("sentiment", "Sentiment", [_mood(row) for row in judged.moods])
        self._draw_reliability("intent_reliability.png", "Intents", judged.examples)
        self._draw_reliability("sentiment_reliability.png", "Sentiment", judged.moods)

    def write_doubts(self, pairs: Sequence[ConfusedPair], suspects: Mapping[str, Sequence[Suspect]]) -> None:
        """Write the pairs of intents that were confused, and by task the sentences whose label is doubted."""
        self._write_rows("intent_confusions.json", [pair.as_dict() for pair in pairs], wanted=self.errors)
        rows = [{"task": task, **row.as_dict()} for task, found in suspects.items() for row in found]
        self._write_rows("label_errors.json", rows, wanted=self.errors)

    def write_curve(self, points: Sequence[CurvePoint]) -> None:
        """Write how accuracy grew with the examples."""
        self._write_json("learning_curve.json", [point.as_dict() for point in points])
        if self.plot and can_draw():
            from bot.cli.pictures import draw_learning_curve  # noqa: PLC0415 - matplotlib is optional

            draw_learning_curve(self.folder / "learning_curve.png", points)

    def _draw_reliability(
        self, name: str, title: str, judged: Sequence[JudgedExample] | Sequence[JudgedMood]
    ) -> None:
        if not (self.plot and can_draw() and judged):
            return
        from bot.cli.pictures import draw_reliability  # noqa: PLC0415 - matplotlib is optional

        sure = np.array([row.chances.get(str(row.predicted), 0.0) for row in judged])
        right = np.array([row.predicted == row.expected for row in judged])
        error = expected_calibration_error(sure, right)
        draw_reliability(self.folder / name, title, reliability(sure, right), error)

    def _write_judged(self, name: str, title: str, judged: Sequence[_Judged]) -> None:
        if not judged:
            return
        targets, predictions = [row.target for row in judged], [row.predicted for row in judged]
        self._write_json(f"{name}_report.json", score_labels(targets, predictions, confusions=True))
        wrong = [row for row in judged if row.target != row.predicted]
        right = [row for row in judged if row.target == row.predicted]
        self._write_rows(f"{name}_errors.json", [row.row for row in wrong], wanted=self.errors)
        self._write_rows(f"{name}_successes.json", [row.row for row in right], wanted=self.successes)
        self._draw_confusions(f"{name}_confusion_matrix.png", title, targets, predictions)
        confidences = [row.confidence for row in right], [row.confidence for row in wrong]
        self._draw_confidences(f"{name}_histogram.png", f"{title}: how sure they were", *confidences)

    def _write_entities(self, extractor: str, parsed: Parsed) -> None:
        """Judge word by word, as Rasa does."""
        targets: list[str] = []
        found: list[str] = []
        errors: list[JSON] = []
        successes: list[JSON] = []
        right: list[float] = []
        wrong: list[float] = []
        for example, result in parsed:
            entities = [entity for entity in result.entities if entity.extractor == extractor]
            labels = [
                (label_of(word, example.entities), label_of(word, entities), _confidence(word, entities))
                for word in words_of(result)
            ]
            targets += [target for target, _, _ in labels]
            found += [label for _, label, _ in labels]
            right += [sure for target, label, sure in labels if target == label != NO_ENTITY]
            wrong += [sure for target, label, sure in labels if label not in (NO_ENTITY, target)]
            row = {
                "text": example.text,
                "entities": [entity.as_dict() for entity in example.entities],
                "predicted_entities": [entity.as_dict() for entity in entities],
            }
            if any(target != label for target, label, _ in labels):
                errors.append(row)
            if any(target == label != NO_ENTITY for target, label, _ in labels):
                successes.append(row)
        report = score_labels(targets, found, without=NO_ENTITY, confusions=True)
        self._write_json(f"{extractor}_report.json", report)
        self._write_rows(f"{extractor}_errors.json", errors, wanted=self.errors)
        self._write_rows(f"{extractor}_successes.json", successes, wanted=self.successes)
        title = f"Words of entities found by {extractor}"
        self._draw_confusions(f"{extractor}_confusion_matrix.png", title, targets, found)
        self._draw_confidences(f"{extractor}_histogram.png", title, right, wrong)

    def _write_stories(self, name: str, stories: Sequence[StoryResult], nothing: str) -> None:
        text = render_stories(stories) if stories else f"# {nothing}\n"
        (self.folder / name).write_text(text, encoding="utf-8")

    def _write_rows(self, name: str, rows: Sequence[JSON], *, wanted: bool) -> None:
        """Leave no file of an earlier test where there is nothing to say now."""
        if wanted and rows:
            self._write_json(name, list(rows))
        else:
            (self.folder / name).unlink(missing_ok=True)

    def _write_json(self, name: str, content: JSON) -> None:
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (self.folder / name).write_text(text + "\n", encoding="utf-8")

    def _draw_confusions(
        self, name: str, title: str, targets: Sequence[str | None], found: Sequence[str | None]
    ) -> None:
        if self.plot and can_draw() and targets:
            from bot.cli.pictures import draw_confusions  # noqa: PLC0415 - matplotlib is optional

            draw_confusions(self.folder / name, title, targets, found)

    def _draw_confidences(
        self, name: str, title: str, right: Sequence[float], wrong: Sequence[float]
    ) -> None:
        if self.plot and can_draw():
            from bot.cli.pictures import draw_confidences  # noqa: PLC0415 - matplotlib is optional

            draw_confidences(self.folder / name, title, right, wrong)


def can_draw() -> bool:
    """Whether the library that draws is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def _intent(example: NluExample, result: ParseResult) -> _Judged:
    target = example.intent.partition("/")[0]
    found = result.intent
    prediction = {"name": found.name, "confidence": found.confidence}
    row = {"text": example.text, "intent": target, "intent_prediction": prediction}
    return _Judged(target, found.name, found.confidence, row)


def _mood(judged: JudgedMood) -> _Judged:
    found = judged.result.sentiment
    value, confidence = (found.value, found.confidence) if found else (None, 0.0)
    prediction = {"value": value, "confidence": confidence}
    row = {"text": judged.example.text, "sentiment": judged.expected, "sentiment_prediction": prediction}
    return _Judged(judged.expected, value, confidence, row)


def _answer(example: NluExample, result: ParseResult) -> _Judged:
    chosen = selected_response(result, example.intent.partition("/")[0])
    key, confidence = chosen.get("intent_response_key"), float(chosen.get("confidence") or 0.0)
    row = {
        "text": example.text,
        "intent_response_key_target": example.intent,
        "intent_response_key_prediction": {"name": key, "confidence": confidence},
    }
    return _Judged(example.intent, key, confidence, row)


def _confidence(word: tuple[int, int], entities: Sequence[Entity]) -> float:
    """Return how sure the entity over a word is; entities that are looked up are certain."""
    covering = (entity for entity in entities if label_of(word, [entity]) != NO_ENTITY)
    sure = next((entity.confidence_entity for entity in covering), None)
    return 1.0 if sure is None else float(sure)
