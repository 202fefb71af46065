"""The console shows what the bot says and picks buttons by number."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from bot.channels.console import chat
from bot.dialogue.events import BotUttered
from tests.channels.scripted import ScriptedProcessor

MENU = [
    BotUttered(
        text="Pick one", data={"buttons": [{"title": "Order [1]", "payload": "/order"}, {"title": "No"}]}
    ),
    BotUttered(data={"image": "https://x/y.png", "custom": {"type": "card"}, "attachment": "a.pdf"}),
]


def typed(*lines: str) -> Callable[[str], str]:
    """Type lines, then press Ctrl+D."""
    remaining = iter(lines)

    def read_line(_: str) -> str:
        try:
            return next(remaining)
        except StopIteration:
            raise EOFError from None

    return read_line


async def talk(processor: ScriptedProcessor, *lines: str) -> str:
    """Hold a conversation and return what stood on the screen."""
    screen = io.StringIO()
    await chat(processor, Console(file=screen, width=200), read_line=typed(*lines))
    return screen.getvalue()


async def test_everything_the_bot_says_is_printed() -> None:
    """Text, numbered buttons, images, attachments and custom payloads are shown as they are."""
    screen = await talk(ScriptedProcessor(lambda _: MENU), "hello")
    for shown in ("Bot: Pick one", "1  Order [1]", "2  No", "https://x/y.png", "a.pdf", "'type': 'card'"):
        assert shown in screen


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        pytest.param("1", "/order", id="payload"),
        pytest.param("2", "No", id="title for want of a payload"),
        pytest.param("3", "3", id="no such button"),
        pytest.param("0", "0", id="zero"),
        pytest.param("²", "²", id="a digit that is no number"),
        pytest.param(" yes \x00", "yes", id="text"),
    ],
)
async def test_a_number_picks_the_button_it_stands_beside(line: str, sent: str) -> None:
    """A number of a button sends its payload, everything else is text."""
    processor = ScriptedProcessor(lambda _: MENU)
    await talk(processor, "hello", "", line)
    assert [message.text for message in processor.handled] == ["hello", sent]
    assert {message.input_channel for message in processor.handled} == {"cmdline"}


async def test_stop_ends_the_conversation() -> None:
    """After /stop nothing is sent any more; too long a line is not sent either."""
    processor = ScriptedProcessor()
    screen = await talk(processor, "a" * 10_001, "/stop", "hello")
    assert processor.handled == []
    assert "At most 10,000 characters, these are 10,001." in screen
