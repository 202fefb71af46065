"""`frontdesk test`: the test conversations, and the understanding of sentences held out from training."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import ConfigFiles, DomainFile, Root, explained, load_project, out
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.cli.result_files import ResultFiles
    from bot.runtime.evaluate import TestReport
    from bot.training_data.project import Project
    from bot.training_data.stories import StoryStep


class What(StrEnum):
    """What is tested: conversations through the whole model (Rasa calls it core), or the NLU alone."""

    CONVERSATIONS = "conversations"
    CORE = "core"
    NLU = "nlu"


def run_tests(  # noqa: PLR0913 - each option of the command is an argument
    what: Annotated[What, typer.Argument(help="What to test.")] = What.CONVERSATIONS,
    project: Root = Path(),
    models: Annotated[
        list[Path] | None,
        typer.Option("--models", "--model", "-m", help="Folder of models, or one; several are compared."),
    ] = None,
    domain: DomainFile = "domain.yml",
    config: ConfigFiles = None,
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
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Train on ever more examples of each intent.")
    ] = False,
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
    evaluate_model_directory: Annotated[
        bool, typer.Option("--evaluate-model-directory", help="Compare what `train core` trained to compare.")
    ] = False,
    runs: Annotated[
        int, typer.Option("--runs", "-r", min=1, help="How often configurations are compared.")
    ] = 3,
    percentages: Annotated[
        list[int] | None,
        typer.Option("--percentages", "-p", help="Shares of sentences left out. [0 25 50 75]"),
    ] = None,
    fail_on_prediction_errors: Annotated[
        bool, typer.Option(help="End with an error if a conversation failed.")
    ] = True,
) -> None:
    """Run the test conversations through the newest model, or score the NLU on sentences it has not seen.

    `nlu` trains on four fifths of the sentences of every intent and language and scores the held-out fifth;
    with `--cross-validation` every part is held out once; with `--nlu` nothing is trained;
    `--learning-curve` also trains on ever more examples. Several configurations (`test nlu -c a.yml
    -c b.yml`) or models (`test core -m a -m b`) are compared.
    """
    if learning_curve and (what is not What.NLU or nlu is not None):
        raise typer.BadParameter(
            "it trains, so it goes with `nlu` and without --nlu", param_hint="--learning-curve"
        )
    from bot.cli.result_files import ResultFiles, can_draw  # noqa: PLC0415 - loads the engine

    files = ResultFiles(results, successes=successes, errors=errors, warnings=warnings, plot=plot)
    sources = {file: partial(load_project, project, domain, file) for file in config or ["config.yml"]}
    source, places = next(iter(sources.values())), models or [project / "models"]
    passed = True
    with explained():
        if what is not What.NLU and (evaluate_model_directory or len(places) > 1):
            _compare_models(source(), places, stories, results, in_folder=evaluate_model_directory)
        elif what is not What.NLU:
            passed = _test_stories(source(), places[0], stories, max_stories, files)
        elif nlu is not None:
            _test_model(project, places[0], nlu, files)
        elif len(sources) > 1 or percentages:
            from bot.cli.compare import DEFAULT_PERCENTAGES, compare_nlu  # noqa: PLC0415 - loads the engine

            compare_nlu(sources, percentages or DEFAULT_PERCENTAGES, runs, results)
        else:
            from bot.cli.nlu_scores import score_held_out  # noqa: PLC0415 - loading the NLU takes a second

            score_held_out(source(), files, folds=folds, every_part=cross_validation, curve=learning_curve)
    out.print(f"written to {results}", soft_wrap=True)
    if plot and not can_draw():
        out.print("no pictures: they need matplotlib, `pip install frontdesk-crm\\[train]`")
    raise typer.Exit(0 if passed or not fail_on_prediction_errors else 1)


def _compare_models(
    project: Project, models: list[Path], stories: Path, results: Path, *, in_folder: bool
) -> None:
    from bot.cli.compare import compare_directory, compare_models  # noqa: PLC0415 - loads the engine

    steps = _test_steps(project, stories)
    if in_folder:
        compare_directory(models[0], steps, results)
    else:
        compare_models(models, steps, results)


def _test_steps(project: Project, stories: Path) -> list[StoryStep]:
    steps = [step for file in project.load_tests([stories]) for step in file.steps]
    if not steps:
        raise FrontdeskError(f"no test stories below {project.root / stories}: files named test_….yml")
    return steps


def _test_stories(
    project: Project, models: Path, stories: Path, most: int | None, files: ResultFiles
) -> bool:
    from bot.bootstrap import Model  # noqa: PLC0415 - after torch is hidden
    from bot.dialogue.intent_payload import PayloadParser  # noqa: PLC0415 - the same
    from bot.runtime.evaluate import TestReport, evaluate  # noqa: PLC0415 - the same

    model = Model.load(models)
    steps = _test_steps(project, stories)
    parser = None if isinstance(model.interpreter, PayloadParser) else model.interpreter
    if parser is None:
        out.print("The model has policies alone: what the stories say of texts is believed.", style="yellow")
    report = evaluate(steps, model.domain, parser, model.policies)
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


def _test_model(root: Path, models: Path, data: Path, files: ResultFiles) -> None:
    """Score the newest model on a file or folder of NLU data."""
    from bot.bootstrap import Model  # noqa: PLC0415 - after torch is hidden
    from bot.cli.nlu_scores import score_model  # noqa: PLC0415 - the same
    from bot.training_data.project import Project  # noqa: PLC0415 - the same

    held_out = Project.load(root, data=[data.resolve() if data.exists() else data]).nlu
    if not held_out.examples:
        raise FrontdeskError(f"no NLU data in {data}")
    model = Model.load(models)
    score_model(model.understanding, model.package.nlu_folder, held_out, files)
