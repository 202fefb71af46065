"""`frontdesk test`: the test conversations, and the understanding of sentences held out from training."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.cli.screen import Models, Root, explained, load_project, out, progress_bar
from bot.cli.serve import hide_torch
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.nlu.evaluate import IntentScores, NluScores, SentimentScores
    from bot.runtime.evaluate import TestReport


class What(StrEnum):
    """What is tested: conversations through the whole model, or the NLU on held-out sentences."""

    CONVERSATIONS = "conversations"
    NLU = "nlu"


def run_tests(
    what: Annotated[What, typer.Argument(help="What to test.")] = What.CONVERSATIONS,
    project: Root = Path(),
    models: Models = None,
    conversations: Annotated[Path, typer.Option(help="Test stories, files named test_….")] = Path("tests"),
    results: Annotated[Path, typer.Option("--out", help="Where results go.")] = Path("results"),
) -> None:
    """Run the test conversations through the newest model, or score the NLU on sentences it has not seen.

    `nlu` trains on four fifths of the sentences of every intent and language and scores the held-out fifth.
    """
    with explained():
        passed = _test_nlu(project) if what is What.NLU else _run(project, models, conversations, results)
    raise typer.Exit(0 if passed else 1)


def _run(project: Path, models: Path | None, conversations: Path, results: Path) -> bool:
    hide_torch()
    from bot.bootstrap import Model  # noqa: PLC0415 - after torch is hidden
    from bot.runtime.evaluate import evaluate  # noqa: PLC0415 - the same

    model = Model.load(models or project / "models")
    steps = [step for file in load_project(project).load_tests([conversations]) for step in file.steps]
    if not steps:
        raise FrontdeskError(f"no test stories below {project / conversations}: files named test_….yml")
    report = evaluate(steps, model.domain, model.interpreter, model.policies)
    _print_report(report, results)
    return not report.failed


def _print_report(report: TestReport, results: Path) -> None:
    passed = len(report.stories) - len(report.failed)
    out.print(f"{passed} of {len(report.stories)} conversations passed,", end=" ")
    out.print(f"{report.action_accuracy:.1%} of their actions were predicted as told")
    if report.failed:
        results.mkdir(parents=True, exist_ok=True)
        target = results / "failed_test_stories.yml"
        target.write_text(report.render_failed(), encoding="utf-8")
        out.print(report.render_failed(), markup=False)
        out.print(f"written to {target}")


def _test_nlu(root: Path) -> bool:
    from bot.nlu.evaluate import evaluate, split  # noqa: PLC0415 - loading the NLU takes a second
    from bot.nlu.interpreter import Interpreter  # noqa: PLC0415 - the same
    from bot.nlu.train import train  # noqa: PLC0415 - the same

    project = load_project(root)
    learnt, held_out = split(project.nlu)
    with tempfile.TemporaryDirectory() as scratch, progress_bar() as progress:
        language = project.config.language or "en"
        train(learnt, project.config.pipeline, Path(scratch), language=language, progress=progress)
        scores = evaluate(Interpreter.load(Path(scratch), project.domain).parse, held_out)
    _print_scores(scores)
    return True


def _print_scores(scores: NluScores) -> None:
    out.print(_table("intents", scores.intents, scores.intents_by_language))
    out.print(_table("sentiment", scores.sentiment, scores.sentiment_by_language))
    if scores.entities:
        found = scores.entities
        out.print(f"entities: precision {found.precision:.3f}, recall {found.recall:.3f}, F1 {found.f1:.3f}")
    if scores.expected_calibration_error is not None:
        out.print(f"expected calibration error: {scores.expected_calibration_error:.3f}")
    for intent, predicted, count in scores.confusions[:10]:
        out.print(f"  {count} x {intent} taken for {predicted}", markup=False)


def _table(
    title: str,
    overall: IntentScores | SentimentScores | None,
    by_language: Mapping[str, IntentScores] | Mapping[str, SentimentScores],
) -> Table:
    """One row for each language with sentences of its own, and one for all."""
    table = Table("language", "sentences", "accuracy", title=title)
    rows: list[tuple[str, IntentScores | SentimentScores]] = [*by_language.items()]
    for name, scores in [*rows, *([("all", overall)] if overall else [])]:
        table.add_row(name, str(scores.sentences), f"{scores.accuracy:.3f}")
    return table
