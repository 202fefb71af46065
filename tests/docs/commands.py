"""The lists of docs/commands.md, made from the commands themselves and from the table of Rasa's spellings.

Run `python -m tests.docs.commands` to print them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer.main

from bot.cli import spelling
from bot.cli.app import app


def commands() -> str:
    """Return each command with its arguments and options, each option with its help."""
    return "\n".join(_of("frontdesk", typer.main.get_command(app))) + "\n"


def _of(name: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for part, inner in command.commands.items():
            yield from _of(f"{name} {part}", inner)
        return
    places = [f"[{param.name}]" for param in command.params if param.param_type_name == "argument"]
    yield f"### {' '.join([name, *places])}\n"
    yield f"{(command.help or '').split(chr(10) * 2)[0].replace(chr(10), ' ')}\n"
    options = [
        param for param in command.params if param.param_type_name == "option" and param.name != "help"
    ]
    if options:
        yield "| option | meaning |\n|---|---|"
        yield from (_row(option) for option in options)
        yield ""


def _row(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    default = "" if option.default in (None, False, True, (), []) else f" [{option.default}]"
    return f"| {names} | {' '.join((option.help or '').split())}{default} |"


def spellings() -> str:
    """Return Rasa's commands that have another name, and its flags that change nothing or are refused."""
    lines = ["| Rasa | here |", "|---|---|"]
    lines += [f"| `{' '.join(theirs)}` | `{' '.join(ours)}` |" for theirs, ours in spelling.COMMANDS.items()]
    lines += [f"| `{name}` | {answer} |" for name, answer in spelling.NOTHING_TO_DO.items()]
    lines += [
        "",
        "| command | flag | changes nothing, because |",
        "|---|---|---|",
        *_flags(spelling.NO_EFFECT),
    ]
    lines += ["", "| command | flag | is refused; instead |", "|---|---|---|", *_flags(spelling.REFUSED)]
    return "\n".join(lines) + "\n"


def _flags(table: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for command, flags in table.items():
        reasons: dict[str, list[str]] = {}
        for flag, reason in flags.items():
            reasons.setdefault(reason, []).append(flag.rstrip("=?"))
        for reason, names in reasons.items():
            yield f"| `{command}` | {', '.join(f'`{name}`' for name in names if name)} | {reason} |"


if __name__ == "__main__":
    print(commands(), spellings(), sep="\n", end="")  # noqa: T201 - a command line
