"""`frontdesk test nlu`: how held-out sentences are understood, what is confused, what looks mislabelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from bot.cli.result_files import ResultFiles
from bot.cli.screen import out, progress_bar
from bot.nlu.confusions import ConfusedPair, confused_pairs
from bot.nlu.cross_validation import (
    Judged,
    JudgedExample,
    JudgedMood,
    Lesson,
    held_out_parts,
    judge,
    lessons_that_tune,
)
from bot.nlu.evaluate import NluScores, scores_of
from bot.nlu.held_out import UNKNOWN_LANGUAGE
from bot.nlu.interpreter import Interpreter
from bot.nlu.label_errors import Suspect, suspected_label_errors
from bot.nlu.learning_curve import CurvePoint, learning_curve, points_that_tune
from bot.server.reports import score_labels
from bot.training_data.config_file import DEFAULT_LANGUAGE
from bot.training_data.nlu_examples import NluData
from bot.training_data.project import Project

_SEED = 1
_LABELS_SHOWN, _PAIRS_SHOWN, _CAUSES_SHOWN, _SUSPECTS_SHOWN = 15, 5, 2, 8
_AVERAGES = ("micro avg", "macro avg")


def score_held_out(
    project: Project, files: ResultFiles, *, folds: int, every_part: bool, curve: bool
) -> None:
    """Train without one part of the sentences, or without each in turn, and tell what became of the rest."""
    language = project.config.language or DEFAULT_LANGUAGE
    lesson = Lesson(project.nlu, project.config.pipeline, project.domain, language)
    judged = Judged()
    parts = folds if every_part else 1
    print_outlook(lesson, folds=folds, parts=parts, curve=curve)
    with progress_bar() as progress:
        for part in held_out_parts(lesson, folds=folds, parts=parts, progress=progress):
            judged = judged.joined(part)
        points = learning_curve(lesson, folds=folds, seed=_SEED, progress=progress) if curve else ()
    report(judged, files)
    print_lonely(lesson, judged)
    if points:
        files.write_curve(points)
        _print_curve(points)


def print_outlook(lesson: Lesson, *, folds: int, parts: int, curve: bool) -> None:
    """Say beforehand where the trainings take minutes."""
    tunings = lessons_that_tune(lesson, folds=folds, parts=parts)
    tunings += points_that_tune(lesson, folds=folds, seed=_SEED) if curve else 0
    if tunings:
        times = "once" if tunings == 1 else f"{tunings} times"
        out.print(
            f"Intents with few examples: the encoder may be tuned {times}, for up to a minute each",
            style="dim",
            soft_wrap=True,
        )


def print_lonely(lesson: Lesson, judged: Judged) -> None:
    """Say which mistakes no model could have avoided."""
    counts = Counter(row.intent for row in lesson.data.examples)
    alone = [row for row in judged.examples if counts[row.example.intent] == 1]
    if alone:
        out.print(
            f"{_sentences(len(alone))} held out had no other of the same intent to learn from: all of them "
            "count as mistakes; write more for these intents",
            style="yellow",
            soft_wrap=True,
        )


def _sentences(count: int) -> str:
    return f"{count} sentence" if count == 1 else f"{count} sentences"


def score_model(interpreter: Interpreter, folder: Path, held_out: NluData, files: ResultFiles) -> None:
    """Tell how a model understands sentences of a file of their own."""
    with progress_bar() as progress:
        judged = judge(interpreter, folder, held_out, lambda share: progress("Sentences", share))
    report(judged, files)


def report(judged: Judged, files: ResultFiles) -> None:
    """Print and write everything that the sentences tell."""
    examples, moods = judged.examples, judged.moods
    _print_scores(
        scores_of(
            [(row.example, row.result) for row in examples], [(row.example, row.result) for row in moods]
        )
    )
    _print_labels("intent", examples)
    _print_labels("sentiment", moods)
    pairs = confused_pairs(examples)
    suspects = {"intent": suspected_label_errors(examples), "sentiment": suspected_label_errors(moods)}
    _print_pairs(pairs)
    _print_suspects(suspects)
    files.write_judged(judged)
    files.write_doubts(pairs, suspects)


def _print_scores(scores: NluScores) -> None:
    if scores.intents:
        table = _table("intents", "macro F1", "fell back")
        for name, row in [*scores.intents_by_language.items(), ("all", scores.intents)]:
            table.add_row(
                name,
                str(row.sentences),
                f"{row.accuracy:.3f}",
                f"{row.macro_f1:.3f}",
                f"{row.fallback_share:.1%}",
            )
        out.print(table)
    if scores.sentiment:
        table = _table("sentiment", "when sure", "abstained")
        for name, mood in [*scores.sentiment_by_language.items(), ("all", scores.sentiment)]:
            table.add_row(
                name,
                str(mood.sentences),
                f"{mood.accuracy:.3f}",
                f"{mood.accuracy_when_sure:.3f}",
                f"{mood.abstention_share:.1%}",
            )
        out.print(table)
    if UNKNOWN_LANGUAGE in {*scores.intents_by_language, *scores.sentiment_by_language}:
        out.print(
            f"{UNKNOWN_LANGUAGE}: the language does not show, or is in hardly any sentence", style="dim"
        )
    if scores.entities:
        found = scores.entities
        out.print(f"entities: precision {found.precision:.3f}, recall {found.recall:.3f}, F1 {found.f1:.3f}")
    if scores.expected_calibration_error is not None:
        out.print(f"expected calibration error of intents: {scores.expected_calibration_error:.3f}")


def _table(title: str, *more: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    table.add_column("language")
    for heading in ("sentences", "accuracy", *more):
        table.add_column(heading, justify="right")
    return table


def _print_labels(title: str, judged: Sequence[JudgedExample] | Sequence[JudgedMood]) -> None:
    """Print precision, recall and F1 of each label, the worst first, and their averages."""
    if not judged:
        return
    scores = score_labels([row.expected for row in judged], [row.predicted for row in judged])
    labels = sorted({row.expected for row in judged}, key=lambda label: (scores[label]["f1-score"], label))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(title)
    for heading in ("precision", "recall", "F1", "sentences"):
        table.add_column(heading, justify="right")
    for label in [*labels[:_LABELS_SHOWN], *_AVERAGES]:
        row = scores[label]
        figures = [f"{row[name]:.3f}" for name in ("precision", "recall", "f1-score")]
        table.add_row(Text(label, style="bold" if label in _AVERAGES else ""), *figures, str(row["support"]))
    out.print(table)
    if len(labels) > _LABELS_SHOWN:
        out.print(
            f"the {_LABELS_SHOWN} worst of {len(labels)}; all stand in {title}_report.json", style="dim"
        )


def _print_pairs(pairs: Sequence[ConfusedPair]) -> None:
    if not pairs:
        return
    out.print("most confusable intents", style="italic")
    for pair in pairs[:_PAIRS_SHOWN]:
        mistaken = f"{_sentences(len(pair.sentences))}, {pair.share:.1%} of both"
        _print(("  " + " / ".join(pair.intents), "bold"), (f"  {mistaken}", "dim"))
        for row in pair.sentences[:_CAUSES_SHOWN]:
            place = f"  {row.example.location}" if row.example.location else ""
            sure = row.chances.get(str(row.predicted), 0.0)
            _print(
                f"    {row.example.text}",
                (f"  {row.expected}, taken for {row.predicted} {sure:.2f}{place}", "dim"),
            )
            if row.cause:
                near = row.cause.sentence
                _print(
                    ("      because of  ", "dim"),
                    near.text,
                    (f"  {row.cause.similarity:.2f}  {near.place or ''}", "dim"),
                )


def _print_suspects(suspects: Mapping[str, Sequence[Suspect]]) -> None:
    for task, found in suspects.items():
        if found:
            out.print(
                f"{_sentences(len(found))} may carry the wrong {task}: label_errors.json", style="italic"
            )
        for row in found[:_SUSPECTS_SHOWN]:
            place = f"  {row.location}" if row.location else ""
            doubt = f"{row.label} {row.chance:.2f}, rather {row.better} {row.better_chance:.2f}"
            _print(f"  {row.text}", (f"  {doubt}{place}", "dim"))


def _print_curve(points: Sequence[CurvePoint]) -> None:
    table = Table(title="learning curve", title_justify="left", box=None, pad_edge=False, header_style="dim")
    for heading in ("examples of each intent", "examples", "accuracy", "worst to best draw", "macro F1"):
        table.add_column(heading, justify="right")
    for point in points:
        table.add_row(
            str(point.examples_per_intent),
            f"{point.examples:.0f}",
            f"{point.accuracy:.3f}",
            f"{point.lowest:.3f} to {point.highest:.3f}",
            f"{point.macro_f1:.3f}",
        )
    out.print(table)


def _print(*parts: str | tuple[str, str]) -> None:
    """Print words of a project, which are no markup, on one line however long it gets."""
    out.print(Text.assemble(*parts), soft_wrap=True)
