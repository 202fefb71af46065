"""The stand-in for a messenger carries lines from the terminal to the assistant, and its messages back."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.peers.slack import APP_TOKEN, SlackPeer
from benchmarks.peers.talk import Customer, OnSlack, OnTelegram, talk
from benchmarks.peers.telegram import TelegramPeer
from bot.dialogue.events import BotUttered
from tests.channels.slack.door import opened as slack
from tests.channels.telegram.door import opened as telegram


def menu(text: str) -> list[BotUttered]:
    """Answer "menu" with two buttons, everything else with itself."""
    buttons = [{"title": "Track", "payload": "/track"}, {"title": "Return", "payload": "/return"}]
    return [BotUttered(text="Choose & press", data={"buttons": buttons} if text == "menu" else {})]


@asynccontextmanager
async def customer(messenger: str) -> AsyncIterator[tuple[Customer, list[str]]]:
    """Give a customer, and what the assistant has heard of her."""
    if messenger == "telegram":
        async with TelegramPeer() as peer, telegram(peer, menu, webhook_url=None, secret_token=None) as door:
            yield OnTelegram(peer), (heard := [])
            await door.settle()
            heard += [message.text for message in door.processor.handled]
    else:
        async with SlackPeer() as peer, slack(peer, menu, slack_app_token=APP_TOKEN) as door:
            yield OnSlack(peer), (heard := [])
            await door.settle()
            heard += [message.text for message in door.processor.handled]


class Lines(io.StringIO):
    """Lines of which each comes when the assistant has answered the one before."""

    def __init__(self, *lines: str) -> None:
        super().__init__("".join(f"{line}\n" for line in lines))
        self.customer: Customer | None = None
        self.count = 0

    def readline(self, *_: int) -> str:  # type: ignore[override]
        """Return the next line."""
        assert self.customer is not None
        while len(self.customer.heard()) < self.count:
            time.sleep(0.005)
        self.count += 1
        return super().readline()


@pytest.mark.parametrize("messenger", ["telegram", "slack"])
async def test_a_conversation_in_the_terminal(
    messenger: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line is a message, a number presses a button, and what is said is shown with its buttons."""
    lines = Lines("menu", "2")
    monkeypatch.setattr(sys, "stdin", lines)
    async with customer(messenger) as (somebody, heard):
        lines.customer = somebody
        await talk(somebody)
    assert heard == ["menu", "/return"]
    assert "< Choose & press\n    1: Track\n    2: Return\n" in capsys.readouterr().out
