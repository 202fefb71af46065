"""`frontdesk train`: the understanding and the policies of a project, into a new model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import (
    ConfigFiles,
    DataFiles,
    DomainFile,
    Root,
    explained,
    load_project,
    out,
    print_findings,
    progress_bar,
)
from bot.cli.tracking import Track, require_tracking, write_down
from bot.errors import Finding, FrontdeskError, InvalidProject
from bot.runtime.threads import limit_threads

if TYPE_CHECKING:
    from bot.nlu.train import TrainingReport
    from bot.runtime.experiments import Experiment
    from bot.runtime.train import TrainingOutcome, Wishes
    from bot.training_data.config_file import ComponentConfig
    from bot.training_data.nlu_examples import NluData
    from bot.training_data.project import Project
    from bot.training_data.warm_start import WarmStart

NEEDS_TRAINING, IS_FORCED = 1, 8
"""How `--dry-run` ends, as in Rasa; 0 when nothing is to be trained."""


class Part(StrEnum):
    """What is trained: the understanding alone, or the policies alone (Rasa calls them core)."""

    NLU = "nlu"
    CORE = "core"


TrainedModels = Annotated[
    Path | None,
    typer.Option("--models", "--out", help="Folder for trained models; `models` in the project."),
]


@dataclass(frozen=True, slots=True)
class Checks:
    """What is looked at before training."""

    skipped: bool = False
    fail_on_warnings: bool = False
    max_history: int | None = None

    def run(self, project: Project) -> list[Finding]:
        """Return what is wrong with a project.

        Raises:
            InvalidProject: There are warnings, and they are to end the training.
        """
        from bot.runtime.check import check_project  # noqa: PLC0415 - loading the engine takes a second

        findings = [] if self.skipped else check_project(project, max_history=self.max_history)
        if findings and self.fail_on_warnings:
            raise InvalidProject(findings)
        return findings


def train(  # noqa: PLR0913 - each option of the command is an argument
    part: Annotated[Part | None, typer.Argument(help="Train this part alone.")] = None,
    project: Root = Path(),
    models: TrainedModels = None,
    domain: DomainFile = "domain.yml",
    config: ConfigFiles = None,
    data: DataFiles = None,
    nlu: Annotated[str | None, typer.Option("--nlu", "-u", help="NLU data of `train nlu`.")] = None,
    stories: Annotated[str | None, typer.Option("--stories", "-s", help="Stories of `train core`.")] = None,
    force: Annotated[bool, typer.Option(help="Train everything, even what has not changed.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Train again whenever a file changes.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be trained: ends with 0, 1 or 8 (forced).")
    ] = False,
    skip_validation: Annotated[bool, typer.Option("--skip-validation", help="Check nothing before.")] = False,
    fail_on_validation_warnings: Annotated[
        bool, typer.Option("--fail-on-validation-warnings", help="Train only without any warning.")
    ] = False,
    validation_max_history: Annotated[
        int | None, typer.Option(min=1, help="Steps by which stories are compared; all without.")
    ] = None,
    augmentation: Annotated[
        int | None, typer.Option(min=0, help="Bound of the stories that are glued together, in tens. [50]")
    ] = None,
    num_threads: Annotated[int | None, typer.Option(min=1, help="Threads to train with.")] = None,
    fixed_model_name: Annotated[str | None, typer.Option(help="A second name for the model.")] = None,
    persist_nlu_data: Annotated[
        bool, typer.Option("--persist-nlu-data", help="Keep the NLU data in the model.")
    ] = False,
    finetune: Annotated[
        bool, typer.Option("--finetune", help="Go on from the weights of the newest model.")
    ] = False,
    finetune_from: Annotated[
        Path | None, typer.Option(help="Go on from the weights of this model, or of the newest in a folder.")
    ] = None,
    epoch_fraction: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the epochs that --finetune takes.")
    ] = 1.0,
    percentages: Annotated[
        list[int] | None, typer.Option(help="Shares of stories that a comparison leaves out. [0 25 50 75]")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="How often a comparison is made.")] = 3,
    track: Track = None,
) -> None:
    """Check the project, then train what has changed since the last model.

    `train nlu` and `train core` train one part; the other one is taken over while it is up to date. Several
    configurations (`train core -c a.yml -c b.yml`) are compared: `frontdesk test core` says how they do.
    """
    limit_threads(num_threads)
    folder = models or project / "models"
    files = data or [path for path in (nlu, stories) if path] or None
    sources = [partial(load_project, project, domain, file, files) for file in config or ["config.yml"]]
    checks = Checks(skip_validation or part is Part.NLU, fail_on_validation_warnings, validation_max_history)
    with explained():
        if track and watch:
            raise FrontdeskError("--track writes down one training; leave --watch out")
        require_tracking(track)
        wishes = _wishes(
            part,
            force=force,
            augmentation=augmentation,
            finetune=finetune_from or (folder if finetune else None),
            epoch_fraction=epoch_fraction,
            name=fixed_model_name,
            keep_nlu_data=persist_nlu_data,
        )
        if len(sources) > 1 or percentages:
            _compare(
                part, dict(zip(config or ["config.yml"], sources, strict=True)), folder, percentages, runs
            )
        elif dry_run:
            _say_what_is_due(sources[0](), folder, wishes, checks)
        elif not watch:
            outcome = _train(sources[0], folder, wishes, checks)
            if outcome.trained:
                write_down(track, project, lambda: _experiment(outcome))
    if watch:
        train_on_changes(project, folder, sources[0], wishes=wishes, checks=checks)


def _wishes(part: Part | None, *, augmentation: int | None, **wishes: object) -> Wishes:
    from bot.runtime.model_package import NLU, POLICIES  # noqa: PLC0415 - loading the engine takes a second
    from bot.runtime.train import Wishes  # noqa: PLC0415 - the same

    if not wishes["epoch_fraction"]:
        raise FrontdeskError("--epoch-fraction is 0, expected a share above 0 and up to 1")
    parts = {None: (NLU, POLICIES), Part.NLU: (NLU,), Part.CORE: (POLICIES,)}[part]
    if augmentation is not None:
        wishes["augmentation"] = augmentation
    return Wishes(parts, **wishes)  # type: ignore[arg-type] # the options' types are the fields'


def _say_what_is_due(project: Project, models: Path, wishes: Wishes, checks: Checks) -> None:
    from bot.runtime.train import outdated, refuse_errors  # noqa: PLC0415 - loading the engine takes a second

    print_findings(refuse_errors(checks.run(project)))
    due = outdated(project, models, wishes)
    if wishes.force:
        out.print("Everything would be trained, it is forced.")
    elif due:
        out.print(f"{' and '.join(due)} would be trained.")
    else:
        out.print("Nothing would be trained; the wording may still be new.")
    raise typer.Exit(IS_FORCED if wishes.force else NEEDS_TRAINING if due else 0)


def _compare(
    part: Part | None,
    sources: dict[str, Callable[[], Project]],
    models: Path,
    percentages: list[int] | None,
    runs: int,
) -> None:
    if part is not Part.CORE:
        raise FrontdeskError(
            "several configurations are compared by `frontdesk train core` (policies) and "
            "`frontdesk test nlu` (understanding)"
        )
    from bot.cli.compare import DEFAULT_PERCENTAGES, train_to_compare  # noqa: PLC0415 - as above

    train_to_compare(sources, models, percentages or DEFAULT_PERCENTAGES, runs)


def train_on_changes(
    project: Path,
    models: Path,
    source: Callable[[], Project],
    *,
    wishes: Wishes,
    checks: Checks = Checks(),
    changes: Iterable[object] | None = None,
) -> None:
    """Train now and after each change, until Ctrl+C; what is wrong is told, and the next change tried."""
    from watchfiles import watch  # noqa: PLC0415 - only here

    root, folder = project.resolve(), models.resolve()
    if changes is None:
        changes = watch(root, watch_filter=lambda _, path: is_source(Path(path), root, folder))
    while_waiting = f"Waiting for changes below {root}; Ctrl+C ends."
    for number, _ in enumerate(chain([None], changes)):
        with suppress(typer.Exit), explained():
            _train(source, models, wishes if number == 0 else replace(wishes, force=False), checks)
        out.print(while_waiting, style="dim", soft_wrap=True)


def is_source(path: Path, root: Path, models: Path) -> bool:
    """Whether a file is written by the bot developer: YAML or JSON, neither hidden nor part of a model."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.suffix in (".yml", ".yaml", ".json") and not hidden and models not in path.parents


def _train(source: Callable[[], Project], models: Path, wishes: Wishes, checks: Checks) -> TrainingOutcome:
    from bot.runtime.train import train as train_project  # noqa: PLC0415 - loading the engine takes a second

    started = time.perf_counter()
    with progress_bar() as progress:
        outcome = train_project(
            source(), models, train_nlu=train_nlu, check=checks.run, progress=progress, wishes=wishes
        )
    print_findings(outcome.warnings)
    for note in outcome.notes:
        out.print(f"  {note}", markup=False, soft_wrap=True)
    _print_outcome(outcome, time.perf_counter() - started)
    if wishes.name:
        out.print(f"It is also called {models / wishes.name}", soft_wrap=True)
    return outcome


def _experiment(outcome: TrainingOutcome) -> Experiment:
    from bot.runtime.experiments import of_model  # noqa: PLC0415 - the engine is loaded by now

    return of_model(outcome.package.folder)


def _print_outcome(outcome: TrainingOutcome, seconds: float) -> None:
    place = outcome.package.folder
    if outcome.trained:
        out.print(f"Trained {' and '.join(outcome.trained)} in {seconds:.0f} s: {place}", soft_wrap=True)
    elif outcome.is_new:
        out.print(f"Nothing to train, took the new wording over: {place}", soft_wrap=True)
    else:
        out.print(f"Nothing to train, the model is up to date: {place}", soft_wrap=True)


def train_nlu(
    data: NluData,
    pipeline: Sequence[ComponentConfig],
    folder: Path,
    *,
    language: str,
    progress: Callable[[str, float], None],
    warm_start: WarmStart | None = None,
) -> TrainingReport:
    """Load what trains only when something is to be trained: it takes seconds."""
    from bot.nlu.train import train  # noqa: PLC0415 - the reason is the function

    return train(data, pipeline, folder, language=language, progress=progress, warm_start=warm_start)
