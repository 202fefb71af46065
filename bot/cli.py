"""The command `frontdesk`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bot.errors import Finding, FrontdeskError, InvalidProject, Severity
from crm_connector.cli import app as crm

if TYPE_CHECKING:
    from bot.runtime.evaluate import TestReport
    from bot.training_data.project import Project

app = typer.Typer(
    name="frontdesk",
    help="A conversational agent for customer service that lives beside a CRM.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(crm, name="crm")

_out = Console()
_err = Console(stderr=True)

Root = Annotated[Path, typer.Option("--project", help="Folder with config.yml, domain.yml and data/.")]
Models = Annotated[Path | None, typer.Option(help="Folder of trained models; `models` in the project.")]


@app.command()
def train(
    project: Root = Path(),
    models: Models = None,
    force: Annotated[bool, typer.Option(help="Train everything, even what has not changed.")] = False,
) -> None:
    """Check the project, then train what has changed since the last model."""
    from bot.bootstrap import check_project  # noqa: PLC0415 - loading the engine takes a second
    from bot.nlu.train import train as train_nlu  # noqa: PLC0415 - the same
    from bot.runtime.train import train as train_project  # noqa: PLC0415 - the same

    started = time.perf_counter()
    with _explained(), _progress() as progress:
        outcome = train_project(
            _load(project),
            models or project / "models",
            train_nlu=train_nlu,
            check=check_project,
            progress=progress,
            force=force,
        )
    _print_findings(outcome.warnings)
    for note in outcome.notes:
        _out.print(f"  {note}", markup=False)
    if outcome.trained:
        what = " and ".join(outcome.trained)
        _out.print(f"Trained {what} in {time.perf_counter() - started:.0f} s: {outcome.package.folder}")
    else:
        _out.print(f"Nothing to train, the model is up to date: {outcome.package.folder}")


@app.command()
def run(
    project: Root = Path(),
    models: Models = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    log_json: Annotated[bool, typer.Option(help="Log one JSON object per line.")] = False,
) -> None:
    """Serve the newest model: chat page, web widget, REST."""
    _hide_torch()
    from bot.bootstrap import Assistant  # noqa: PLC0415 - after torch is hidden
    from bot.server.app import server  # noqa: PLC0415 - the same
    from bot.server.logs import configure_logs  # noqa: PLC0415 - the same
    from bot.settings import Settings  # noqa: PLC0415 - the same

    configure_logs(as_json=log_json)
    with _explained():
        assistant = Assistant.start(Settings.read(project, models=models))
        web = assistant.app()
    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"  # noqa: S104
    _out.print("Frontdesk is ready.")
    _out.print(f"  chat page  {address}/")
    _out.print(f"  REST       {address}/webhooks/rest/webhook")
    _out.print(f"  health     {address}/health")
    server(web, host=host, port=port).run()


@app.command()
def shell(project: Root = Path(), models: Models = None) -> None:
    """Talk to the newest model in the terminal."""
    _hide_torch()
    from bot.bootstrap import Assistant  # noqa: PLC0415 - after torch is hidden
    from bot.channels.console import chat  # noqa: PLC0415 - the same
    from bot.settings import Settings  # noqa: PLC0415 - the same

    async def talk() -> None:
        assistant = Assistant.start(Settings.read(project, models=models))
        try:
            await chat(assistant.processor, _out)
        finally:
            await assistant.close()

    with _explained():
        asyncio.run(talk())


@app.command("test")
def run_tests(
    project: Root = Path(),
    models: Models = None,
    conversations: Annotated[Path, typer.Option(help="Test stories, files named test_….")] = Path("tests"),
    out: Annotated[Path, typer.Option(help="Where the failed stories are written.")] = Path("results"),
) -> None:
    """Run the test conversations through the newest model."""
    _hide_torch()
    from bot.bootstrap import Model  # noqa: PLC0415 - after torch is hidden
    from bot.runtime.evaluate import evaluate  # noqa: PLC0415 - the same

    with _explained():
        model = Model.load(models or project / "models")
        steps = [step for file in _load(project).load_tests([conversations]) for step in file.steps]
        if not steps:
            raise FrontdeskError(f"no test stories below {project / conversations}: files named test_….yml")
        report = evaluate(steps, model.domain, model.interpreter, model.policies)
    _print_report(report, out)
    raise typer.Exit(1 if report.failed else 0)


@app.command()
def validate(
    project: Root = Path(),
    fail_on_warnings: Annotated[bool, typer.Option(help="End with an error for warnings too.")] = False,
) -> None:
    """Look for mistakes in the project's files, before training."""
    from bot.bootstrap import check_project  # noqa: PLC0415 - loading the engine takes a second

    with _explained():
        findings = check_project(_load(project))
    _print_findings(findings)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    _out.print(f"{errors} errors, {len(findings) - errors} warnings")
    raise typer.Exit(1 if errors or (fail_on_warnings and findings) else 0)


@app.command()
def run_actions(
    actions: Annotated[str, typer.Argument(help="Python package with the actions.")] = "actions",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5055,
) -> None:
    """Serve custom actions to this or any other assistant, with rasa-sdk's own server."""
    import rasa_sdk.__main__  # noqa: PLC0415 - brings a web server of its own

    sys.path.insert(0, str(Path.cwd()))
    sys.argv = ["rasa_sdk", "--actions", actions, "--port", str(port)]
    rasa_sdk.__main__.main()


def main() -> None:
    """Run the command line."""
    app()


def _hide_torch() -> None:
    """Keep a serving process small: spaCy imports torch wherever it is installed, 270 MB for nothing."""
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]


def _load(root: Path) -> Project:
    from bot.training_data.project import Project  # noqa: PLC0415 - commands without a project start faster

    return Project.load(root)


@contextmanager
def _explained() -> Iterator[None]:
    """End with what went wrong in one line per mistake; anything unexpected keeps its traceback."""
    try:
        yield
    except InvalidProject as error:
        _print_findings(error.findings)
        errors = sum(finding.severity is Severity.ERROR for finding in error.findings)
        _err.print(f"{errors} errors; nothing was changed", style="red")
        raise typer.Exit(1) from error
    except FrontdeskError as error:
        _err.print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(1) from error


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A bar that shows the stage and how much of it is done."""
    with Progress(
        TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn(), console=_err, transient=True
    ) as bar:
        task = bar.add_task("", total=1.0)

        def show(stage: str, share: float) -> None:
            bar.update(task, description=stage, completed=share)

        yield show


def _print_findings(findings: tuple[Finding, ...] | list[Finding]) -> None:
    for finding in findings:
        style = "red" if finding.severity is Severity.ERROR else "yellow"
        _err.print(str(finding), style=style, markup=False, highlight=False, soft_wrap=True)


def _print_report(report: TestReport, out: Path) -> None:
    passed = len(report.stories) - len(report.failed)
    _out.print(f"{passed} of {len(report.stories)} conversations passed,", end=" ")
    _out.print(f"{report.action_accuracy:.1%} of their actions were predicted as told")
    if report.failed:
        out.mkdir(parents=True, exist_ok=True)
        target = out / "failed_test_stories.yml"
        target.write_text(report.render_failed(), encoding="utf-8")
        _out.print(report.render_failed(), markup=False)
        _out.print(f"written to {target}")
