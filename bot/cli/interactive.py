"""`frontdesk interactive`: talk, correct what is wrong, and keep it to learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import Endpoints, Models, Root, explained, out
from bot.cli.serve import hide_torch

if TYPE_CHECKING:
    from bot.cli.lesson import Lesson

TITLE = "interactive"


def interactive(
    project: Root = Path(),
    models: Models = None,
    endpoints: Endpoints = "endpoints.yml",
    intents_only: Annotated[
        bool, typer.Option("--intents-only", help="Understand nothing but messages such as /greet.")
    ] = False,
) -> None:
    """Talk to the newest model, correct intents and actions, and write stories and sentences from it.

    They go to new files in `data/stories` and `data/nlu`; nothing that is there is changed.
    """
    import asyncio  # noqa: PLC0415 - commands that only read files start faster

    hide_torch()
    from bot.bootstrap import Assistant  # noqa: PLC0415 - after torch is hidden
    from bot.cli.lesson import Lesson, Teacher  # noqa: PLC0415 - the same
    from bot.dialogue.intent_payload import PayloadParser  # noqa: PLC0415 - the same
    from bot.settings import Settings  # noqa: PLC0415 - the same

    async def teach() -> None:
        assistant = Assistant.start(Settings.read(project, models=models, endpoints=endpoints))
        try:
            processor = assistant.processor.processor
            if intents_only:
                processor = replace(processor, parser=PayloadParser(processor.domain))
            lesson = Lesson.begin(processor, Teacher(input, out))
            await talk(lesson, input)
        finally:
            await assistant.close()
        keep(lesson, project / "data")

    with explained():
        asyncio.run(teach())


async def talk(lesson: Lesson, read_line: Callable[[str], str]) -> None:
    """Take messages until `/stop` or the end of the input."""
    from bot.cli.lesson import NEXT, STOP, UNDO  # noqa: PLC0415 - after torch is hidden

    out.print(
        f"Talk as a customer. {UNDO} forgets a turn, {NEXT} begins another story, {STOP} ends and writes; "
        "all three also where a question is asked."
    )
    out.print(
        "Where entities are wrong, write the sentence again with the right ones: to [Rome](city)",
        markup=False,
    )
    while True:
        try:
            line = read_line("You: ").strip()
        except EOFError:
            line = STOP
        if line == UNDO:
            out.print("forgotten" if lesson.undo() else "nothing to forget", style="dim")
            continue
        if line not in (STOP, NEXT):
            line = (await lesson.say(line) if line else None) or ""
            if line:
                out.print("this turn is forgotten", style="dim")
        if line == STOP:
            break
        if line == NEXT:
            lesson.close_story()
    lesson.close_story()


def keep(lesson: Lesson, data: Path) -> None:
    """Write what was told into new files."""
    title = _free_title(data)
    for folder, text in (("stories", lesson.stories(title)), ("nlu", lesson.nlu())):
        if text is None:
            continue
        target = data / folder / f"{title}.yml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        out.print(f"written to {target}", soft_wrap=True)


def _free_title(data: Path) -> str:
    """Return a name that neither folder has."""
    title, number = TITLE, 1
    while any((data / folder / f"{title}.yml").exists() for folder in ("stories", "nlu")):
        number += 1
        title = f"{TITLE}-{number}"
    return title
