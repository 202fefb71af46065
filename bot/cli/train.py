"""`frontdesk train` and `frontdesk validate`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import (
    ConfigFile,
    DataFiles,
    DomainFile,
    Root,
    explained,
    load_project,
    out,
    print_findings,
    progress_bar,
)
from bot.errors import Severity

if TYPE_CHECKING:
    from bot.nlu.train import TrainingReport
    from bot.training_data.config_file import ComponentConfig
    from bot.training_data.nlu_examples import NluData
    from bot.training_data.project import Project


TrainedModels = Annotated[
    Path | None,
    typer.Option("--models", "--out", help="Folder for trained models; `models` in the project."),
]


def train(  # noqa: PLR0913 - each option of the command is an argument
    project: Root = Path(),
    models: TrainedModels = None,
    domain: DomainFile = "domain.yml",
    config: ConfigFile = "config.yml",
    data: DataFiles = None,
    force: Annotated[bool, typer.Option(help="Train everything, even what has not changed.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Train again whenever a file changes.")] = False,
) -> None:
    """Check the project, then train what has changed since the last model."""
    folder = models or project / "models"
    source = partial(load_project, project, domain, config, data)
    if watch:
        train_on_changes(project, folder, source, force=force)
    else:
        with explained():
            _train(source, folder, force=force)


def train_on_changes(
    project: Path,
    models: Path,
    source: Callable[[], Project],
    *,
    force: bool,
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
            _train(source, models, force=force and number == 0)
        out.print(while_waiting, style="dim", soft_wrap=True)


def is_source(path: Path, root: Path, models: Path) -> bool:
    """Whether a file is written by the bot developer: YAML or JSON, neither hidden nor part of a model."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.suffix in (".yml", ".yaml", ".json") and not hidden and models not in path.parents


def _train(source: Callable[[], Project], models: Path, *, force: bool) -> None:
    from bot.runtime.check import check_project  # noqa: PLC0415 - loading the engine takes a second
    from bot.runtime.train import train as train_project  # noqa: PLC0415 - the same

    started = time.perf_counter()
    with progress_bar() as progress:
        outcome = train_project(
            source(),
            models,
            train_nlu=_train_nlu,
            check=check_project,
            progress=progress,
            force=force,
        )
    print_findings(outcome.warnings)
    for note in outcome.notes:
        out.print(f"  {note}", markup=False)
    if outcome.trained:
        what = " and ".join(outcome.trained)
        seconds = time.perf_counter() - started
        out.print(f"Trained {what} in {seconds:.0f} s: {outcome.package.folder}", soft_wrap=True)
    elif outcome.is_new:
        out.print(f"Nothing to train, took the new wording over: {outcome.package.folder}", soft_wrap=True)
    else:
        out.print(f"Nothing to train, the model is up to date: {outcome.package.folder}", soft_wrap=True)


def _train_nlu(
    data: NluData,
    pipeline: Sequence[ComponentConfig],
    folder: Path,
    *,
    language: str,
    progress: Callable[[str, float], None],
) -> TrainingReport:
    """Load what trains only when something is to be trained: it takes seconds."""
    from bot.nlu.train import train  # noqa: PLC0415 - the reason is the function

    return train(data, pipeline, folder, language=language, progress=progress)


def validate(
    project: Root = Path(),
    domain: DomainFile = "domain.yml",
    config: ConfigFile = "config.yml",
    data: DataFiles = None,
    fail_on_warnings: Annotated[bool, typer.Option(help="End with an error for warnings too.")] = False,
) -> None:
    """Look for mistakes in the project's files, before training."""
    from bot.runtime.check import check_project  # noqa: PLC0415 - loading the engine takes a second

    with explained():
        findings = check_project(load_project(project, domain, config, data))
    print_findings(findings)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    out.print(f"{errors} errors, {len(findings) - errors} warnings")
    raise typer.Exit(1 if errors or (fail_on_warnings and findings) else 0)
