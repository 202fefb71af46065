"""`frontdesk validate`: every mistake in a project's files, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
)
from bot.errors import Severity


def validate(  # noqa: PLR0913 - each option of the command is an argument
    project: Root = Path(),
    domain: DomainFile = "domain.yml",
    config: ConfigFile = "config.yml",
    data: DataFiles = None,
    fail_on_warnings: Annotated[bool, typer.Option(help="End with an error for warnings too.")] = False,
    max_history: Annotated[
        int | None, typer.Option(min=1, help="Steps by which stories are compared; all without.")
    ] = None,
    stories_only: Annotated[
        bool, typer.Option("--stories-only", help="Only look for stories that contradict each other.")
    ] = False,
) -> None:
    """Look for mistakes in the project's files, before training."""
    from bot.runtime.check import check_project, check_stories  # noqa: PLC0415 - loading takes a second

    with explained():
        loaded = load_project(project, domain, config, data)
        check = check_stories if stories_only else check_project
        findings = check(loaded, max_history=max_history)
    print_findings(findings)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    out.print(f"{errors} errors, {len(findings) - errors} warnings")
    raise typer.Exit(1 if errors or (fail_on_warnings and findings) else 0)
