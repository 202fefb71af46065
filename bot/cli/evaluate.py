"""`frontdesk test`: the test conversations, and the understanding of sentences held out from training."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.cli.screen import Root, explained, load_project, out, progress_bar
from bot.cli.serve import hide_torch
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.cli.result_files import ResultFiles
    from bot.dialogue.messages import ParseResult
    from bot.nlu.evaluate import IntentScores, NluScores, SentimentScores
    from bot.nlu.interpreter import Interpreter
    from bot.runtime.evaluate import TestReport
    from bot.training_data.nlu_examples import NluData, NluExample


class What(StrEnum):
    """What is tested: conversations through the whole model (Rasa calls it core), or the NLU alone."""

    CONVERSATIONS = "conversations"
    CORE = "core"
    NLU = "nlu"


def run_tests(  # noqa: PLR0913 - each option of the command is an argument
    what: Annotated[What, typer.Argument(help="What to test.")] = What.CONVERSATIONS,
    project: Root = Path(),
    models: Annotated[
        Path | None, typer.Option("--models", "--model", "-m", help="Folder of models, or one model.")
    ] = None,
    stories: Annotated[
        Path, typer.Option("--stories", "--conversations", "-s", help="Test stories, files named test_….")
    ] = Path("tests"),
    nlu: Annotated[
        Path | None, typer.Option("--nlu", "-u", help="NLU data to test the newest model on.")
    ] = None,
    cross_validation: Annotated[
        bool, typer.Option("--cross-validation", help="Hold out each part of the sentences once.")
    ] = False,
    folds: Annotated[int, typer.Option("--folds", "-f", min=2, help="Parts of --cross-validation.")] = 5,
    max_stories: Annotated[int | None, typer.Option(min=1, help="Test at most so many stories.")] = None,
    results: Annotated[Path, typer.Option("--out", help="Where results go.")] = Path("results"),
    successes: Annotated[
        bool, typer.Option("--successes/--no-successes", help="Write what was right.")
    ] = True,
    errors: Annotated[bool, typer.Option("--errors/--no-errors", help="Write what was wrong.")] = True,
    warnings: Annotated[
        bool, typer.Option("--warnings/--no-warnings", help="Write unlikely intents.")
    ] = True,
    plot: Annotated[bool, typer.Option("--plot/--no-plot", help="Draw pictures.")] = True,
    fail_on_prediction_errors: Annotated[
        bool, typer.Option(help="End with an error if a conversation failed.")
    ] = True,
) -> None:
    """Run the test conversations through the newest model, or score the NLU on sentences it has not seen.

    `nlu` trains on four fifths of the sentences of every intent and language and scores the held-out fifth;
    with `--cross-validation` every part is held out once; with `--nlu` nothing is trained.
    """
    # The rest of the command needs what it reads before the engine is loaded: torch has to be hidden first.
    if what is not What.NLU or nlu is not None:
        hide_torch()
    from bot.cli.result_files import ResultFiles, can_draw  # noqa: PLC0415 - loads the engine

    files = ResultFiles(results, successes=successes, errors=errors, warnings=warnings, plot=plot)
    with explained():
        if what is not What.NLU:
            passed = _test_stories(project, models, stories, max_stories, files)
        elif nlu is not None:
            passed = _test_model(project, models, nlu, files)
        else:
            passed = _test_held_out(project, folds if cross_validation else None, files)
    out.print(f"written to {results}", soft_wrap=True)
    if plot and not can_draw():
        out.print("no pictures: they need matplotlib, `pip install frontdesk-crm\\[train]`")
    raise typer.Exit(0 if passed or not fail_on_prediction_errors else 1)


def _test_stories(
    project: Path, models: Path | None, stories: Path, most: int | None, files: ResultFiles
) -> bool:
    from bot.bootstrap import Model  # noqa: PLC0415 - after torch is hidden
    from bot.runtime.evaluate import TestReport, evaluate  # noqa: PLC0415 - the same

    model = Model.load(models or project / "models")
    steps = [step for file in load_project(project).load_tests([stories]) for step in file.steps]
    if not steps:
        raise FrontdeskError(f"no test stories below {project / stories}: files named test_….yml")
    report = evaluate(steps, model.domain, model.interpreter, model.policies)
    report = TestReport(report.stories[:most])
    files.write_stories(report)
    _print_report(report)
    return not report.failed


def _print_report(report: TestReport) -> None:
    passed = len(report.stories) - len(report.failed)
    out.print(f"{passed} of {len(report.stories)} conversations passed,", end=" ")
    out.print(f"{report.action_accuracy:.1%} of their actions were predicted as told")
    if report.failed:
        out.print(report.render_failed(), markup=False)


def _test_model(root: Path, models: Path | None, data: Path, files: ResultFiles) -> bool:
    """Score the newest model on a file or folder of NLU data."""
    from bot.bootstrap import Model  # noqa: PLC0415 - after torch is hidden
    from bot.nlu.evaluate import evaluate  # noqa: PLC0415 - the same
    from bot.training_data.project import Project  # noqa: PLC0415 - the same

    held_out = Project.load(root, data=[data.resolve() if data.exists() else data]).nlu
    if not held_out.examples:
        raise FrontdeskError(f"no NLU data in {data}")
    parsed = _Parsed(Model.load(models or root / "models").interpreter)
    _print_scores(evaluate(parsed.parse, held_out))
    files.write_nlu(parsed.rows(held_out))
    return True


def _test_held_out(root: Path, folds: int | None, files: ResultFiles) -> bool:
    """Train without a part of the sentences and score that part; all parts in turn if `folds` is given."""
    from bot.nlu.evaluate import evaluate, split  # noqa: PLC0415 - loading the NLU takes a second
    from bot.nlu.interpreter import Interpreter  # noqa: PLC0415 - the same
    from bot.nlu.train import train  # noqa: PLC0415 - the same
    from bot.training_data.config_file import DEFAULT_LANGUAGE  # noqa: PLC0415 - the same

    project = load_project(root)
    rows: list[tuple[NluExample, ParseResult]] = []
    for held_out_fold in range(folds or 1):
        learnt, held_out = split(project.nlu, folds=folds or 5, held_out=held_out_fold)
        with tempfile.TemporaryDirectory() as scratch, progress_bar() as progress:
            language = project.config.language or DEFAULT_LANGUAGE
            train(learnt, project.config.pipeline, Path(scratch), language=language, progress=progress)
            parsed = _Parsed(Interpreter.load(Path(scratch), project.domain))
            scores = evaluate(parsed.parse, held_out)
        if folds:
            out.print(f"part {held_out_fold + 1} of {folds}:", style="bold")
        _print_scores(scores)
        rows += parsed.rows(held_out)
    files.write_nlu(rows)
    return True


class _Parsed:
    """Parses each text once, for the scores and for the files."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._known: dict[str, ParseResult] = {}

    def parse(self, text: str) -> ParseResult:
        if text not in self._known:
            self._known[text] = self._interpreter.parse(text)
        return self._known[text]

    def rows(self, data: NluData) -> list[tuple[NluExample, ParseResult]]:
        return [(example, self.parse(example.text)) for example in data.examples]


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
