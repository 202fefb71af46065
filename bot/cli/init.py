"""`frontdesk init`: a small project that works, to begin with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.screen import explained, out
from bot.cli.serve import shell
from bot.cli.train import train
from bot.errors import FrontdeskError

STARTER = Path(__file__).parents[1] / "starter"


def init(
    init_dir: Annotated[Path | None, typer.Option(help="Where the project goes; asked for without.")] = None,
    no_prompt: Annotated[
        bool, typer.Option("--no-prompt", help="Ask nothing: write into this folder or --init-dir, train.")
    ] = False,
) -> None:
    """Write a small project (a café: opening hours, a table to book), train it, and talk to it."""
    target = init_dir or (Path() if no_prompt else Path(typer.prompt("Folder of the project", ".")))
    with explained():
        write_starter(target)
    out.print(f"The project is in {target.resolve()}", soft_wrap=True)
    if no_prompt or typer.confirm("Train it now?", default=True):
        train(project=target)
        if not no_prompt and typer.confirm("Talk to it?", default=True):
            shell(project=target)
            return
    inside = "" if target.resolve() == Path.cwd() else f"cd {target} && "
    out.print(f"Go on with: {inside}frontdesk shell", soft_wrap=True)


def write_starter(target: Path) -> None:
    """Copy the starter project.

    Raises:
        FrontdeskError: One of its files is there already; none is overwritten.
    """
    names = [path.relative_to(STARTER) for path in sorted(STARTER.rglob("*.yml"))]
    there = [name for name in names if (target / name).exists()]
    if there:
        raise FrontdeskError(f"{target / there[0]} is there already; choose an empty folder with --init-dir")
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(STARTER / name, target / name)
