"""What the commands share: options, progress, findings and errors as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bot.errors import Finding, FrontdeskError, InvalidProject, Location, Severity

if TYPE_CHECKING:
    from bot.training_data.project import Project

DEFAULT_CONFIG = "config.yml"
out = Console()
err = Console(stderr=True)

Root = Annotated[Path, typer.Option("--project", help="Folder with config.yml, domain.yml and data/.")]
Models = Annotated[
    Path | None,
    typer.Option("--models", "--model", "-m", help="Folder of trained models; `models` in the project."),
]
DomainFile = Annotated[str, typer.Option("--domain", "-d", help="Domain, a file or a folder of files.")]
ConfigFile = Annotated[str, typer.Option("--config", "-c", help="Configuration.")]
Endpoints = Annotated[str, typer.Option("--endpoints", help="Where actions run and conversations are kept.")]
ConfigFiles = Annotated[
    list[str] | None,
    typer.Option("--config", "-c", help="Configuration; several are compared. [config.yml]"),
]
DataFiles = Annotated[
    list[str] | None, typer.Option("--data", help="Files and folders of training data; repeatable. [data]")
]


def load_project(
    root: Path, domain: str = "domain.yml", config: str = DEFAULT_CONFIG, data: Sequence[str] | None = None
) -> Project:
    """Read the project in a folder; the other paths are relative to it.

    Raises:
        InvalidProject: It cannot be read, or a configuration that was named is not there.
    """
    from bot.runtime.own_code import make_importable  # noqa: PLC0415 - the same as below
    from bot.training_data.project import Project  # noqa: PLC0415 - commands without a project start faster

    if config != DEFAULT_CONFIG and not (root / config).exists():
        place = Location(str(root / config))
        raise InvalidProject([Finding("config-missing", "there is no such configuration", place)])
    make_importable(root)
    return Project.load(root, domain=domain, config=config, data=data or ("data",))


@contextmanager
def explained() -> Iterator[None]:
    """End with what went wrong in one line per mistake; anything unexpected keeps its traceback."""
    try:
        yield
    except InvalidProject as error:
        print_findings(error.findings)
        errors = sum(finding.severity is Severity.ERROR for finding in error.findings)
        err.print(f"{errors} errors; nothing was changed", style="red")
        raise typer.Exit(1) from error
    except FrontdeskError as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """A bar that shows the stage and how much of it is done."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def show(stage: str, share: float) -> None:
            bar.update(task, description=stage, completed=share)

        yield show


def print_findings(findings: Sequence[Finding]) -> None:
    """Print each finding on a line that an editor can follow."""
    for finding in findings:
        style = "red" if finding.severity is Severity.ERROR else "yellow"
        err.print(str(finding), style=style, markup=False, highlight=False, soft_wrap=True)
