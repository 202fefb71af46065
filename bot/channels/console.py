"""The console: a conversation in the terminal, for bot developers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from bot.channels.channel import MessageHandler
from bot.channels.incoming import MAX_TEXT_CHARACTERS, clean
from bot.channels.rendering import OutgoingMessage, render_all
from bot.dialogue.messages import JSON, ParseResult, UserMessage

STOP = "/stop"
NAME = "cmdline"  # Rasa's name, which channel-specific responses and stories use


@dataclass(frozen=True, slots=True)
class _Choice:
    title: str
    payload: str


async def chat(
    processor: MessageHandler,
    console: Console,
    *,
    sender_id: str | None = None,
    read_line: Callable[[str], str] = input,
) -> None:
    """Talk until `/stop`, or until the input ends; a number picks the button it stands beside."""
    sender_id = sender_id or uuid.uuid4().hex
    console.print(Text(f"Talk to the bot. A number picks a button, {STOP} ends.", style="dim"))
    choices: Sequence[_Choice] = ()
    while (line := await _next_line(read_line)) is not None:
        text = _picked(line, choices)
        if len(text) > MAX_TEXT_CHARACTERS:
            limit = f"At most {MAX_TEXT_CHARACTERS:,} characters, these are {len(text):,}."
            console.print(Text(limit, style="red"))
            continue
        utterances = await processor.handle(UserMessage(text, sender_id=sender_id, input_channel=NAME))
        choices = _print_answer(console, render_all(utterances))


def show_understanding(
    parse: Callable[[str], ParseResult], console: Console, *, read_line: Callable[[str], str] = input
) -> None:
    """Print what is understood of each line, until `/stop` or the end of the input."""
    console.print(Text(f"What is understood of each line is shown. {STOP} ends.", style="dim"))
    with contextlib.suppress(EOFError):
        while (line := clean(read_line("Your input -> ")).strip()) != STOP:
            if line:
                console.print_json(json.dumps(parse(line).as_dict(), ensure_ascii=False), ensure_ascii=False)


async def _next_line(read_line: Callable[[str], str]) -> str | None:
    """Return the next line with something in it, None at the end."""
    while True:
        line = await _typed(read_line)
        if line is None or line == STOP:
            return None
        if line:
            return line


async def _typed(read_line: Callable[[str], str]) -> str | None:
    """Return what was typed, stripped; None when the input has ended.

    A daemon thread reads: asyncio waits for the threads of its own pool, so Ctrl+C would wait for Enter.
    """
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str | None] = loop.create_future()

    def read() -> None:
        try:
            line = clean(read_line("You: ")).strip()
        except EOFError:
            line = None
        with contextlib.suppress(RuntimeError):  # the loop was closed in the meantime
            loop.call_soon_threadsafe(_settle, typed, line)

    threading.Thread(target=read, daemon=True).start()
    return await typed


def _settle(typed: asyncio.Future[str | None], line: str | None) -> None:
    if not typed.done():
        typed.set_result(line)


def _picked(line: str, choices: Sequence[_Choice]) -> str:
    """Return the payload of the button that was picked by number, else the line itself."""
    if line.isascii() and line.isdigit() and 1 <= int(line) <= len(choices):
        return choices[int(line) - 1].payload
    return line


def _print_answer(console: Console, messages: Sequence[OutgoingMessage]) -> list[_Choice]:
    """Print the bot's messages and return their buttons, numbered through."""
    choices: list[_Choice] = []
    for message in messages:
        if message.text:
            console.print(Text("Bot: ", style="bold cyan") + Text(message.text))
        for label, value in _extras(message):
            console.print(Text(f"{label}: ", style="cyan") + Text(str(value)))
        for button in message.buttons or ():
            choice = _choice(button)
            choices.append(choice)
            console.print(Text(f"  {len(choices)}  ", style="bold") + Text(choice.title))
    return choices


def _extras(message: OutgoingMessage) -> list[tuple[str, JSON]]:
    extras = [("Image", message.image), ("Attachment", message.attachment), ("Custom", message.custom)]
    return [(label, value) for label, value in extras if value is not None]


def _choice(button: JSON) -> _Choice:
    title = str(button.get("title") or "")
    return _Choice(title, str(button.get("payload") or title))
