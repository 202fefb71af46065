"""`frontdesk migrate`: a Rasa 2 project becomes one of Rasa 3, the old files are kept."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import Root, explained, load_project, out, print_findings
from bot.errors import Finding, FrontdeskError, InvalidProject, Severity

if TYPE_CHECKING:
    from bot.training_data.migration import MigratedFile


def migrate(
    project: Root = Path(),
    dry_run: Annotated[bool, typer.Option(help="Show what would change, and change nothing.")] = False,
) -> None:
    """Rewrite a Rasa 2 project for Rasa 3: slot mappings, forms, versions. Comments stay.

    The old files are kept in `before_migration`. What a person has to do is named with file and line.
    """
    # Fast commands do not wait for the YAML writer.
    from bot.training_data.migration import BACKUP, migrate, old_names_in_actions  # noqa: PLC0415

    with explained():
        migration = migrate(project)
        if not migration.files:
            out.print("Nothing to migrate: no file is of Rasa 2.")
            return
        for file in migration.files:
            _print_change(file, project)
        if dry_run:
            print_findings(migration.remarks)
            out.print(f"{len(migration.files)} files would change")
            return
        _write(migration.files, project, project / BACKUP)
        out.print(f"{len(migration.files)} files changed; as they were in {project / BACKUP}", soft_wrap=True)
        remarks = [*migration.remarks, *old_names_in_actions(project)]
        _report(remarks, _still_wrong(project))


def _print_change(file: MigratedFile, root: Path) -> None:
    name = file.path.relative_to(root).as_posix()
    before, after = file.before.splitlines(), file.after.splitlines()
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in difflib.unified_diff(before, after, name, name, lineterm="", n=1):
        out.print(line, style=styles.get(line[0]), markup=False, highlight=False, soft_wrap=True)


def _write(files: tuple[MigratedFile, ...], root: Path, backup: Path) -> None:
    """Keep all the old files before the first new one is written."""
    if backup.exists():
        raise FrontdeskError(f"{backup} is there already; move the files of an earlier migration away")
    for file in files:
        target = backup / file.path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file.path, target)
    for file in files:
        file.path.write_text(file.after, encoding="utf-8")


def _still_wrong(root: Path) -> list[Finding]:
    """Return the errors that are left, for a person."""
    from bot.runtime.check import check_project  # noqa: PLC0415 - loading the engine takes a second

    try:
        findings = check_project(load_project(root))
    except InvalidProject as error:
        findings = list(error.findings)
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def _report(remarks: list[Finding], errors: list[Finding]) -> None:
    print_findings(remarks)
    if errors:
        out.print(f"What is left for you ({len(errors)}):")
        print_findings(errors)
        raise typer.Exit(1)
    out.print("The project is valid. Look at what changed, then run `frontdesk train`.")
