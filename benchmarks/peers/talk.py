"""Talk to a served assistant as on Telegram or Slack, without an account: `python -m benchmarks.peers.talk`.

The peer of the tests stands in for the messenger. It prints the section of `credentials.yml` to serve with;
each line is a message, a number presses the button with that number.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from enum import StrEnum
from html import unescape
from typing import Annotated, Protocol

import typer

from benchmarks.peers.slack import APP_TOKEN, SlackPeer
from benchmarks.peers.slack import TOKEN as SLACK_TOKEN
from benchmarks.peers.telegram import TOKEN as TELEGRAM_TOKEN
from benchmarks.peers.telegram import TelegramPeer

_CHAT, _USER = 1001, "U0VISITOR"


class Messenger(StrEnum):
    """Which messenger is stood in for."""

    TELEGRAM = "telegram"
    SLACK = "slack"


class Customer(Protocol):
    """A customer at her end of the conversation."""

    def heard(self) -> Sequence[tuple[str, Sequence[str]]]:
        """Return all messages so far, each with the titles of its buttons."""
        ...

    async def write(self, text: str) -> None:
        """Write a message."""
        ...

    async def press(self, message: int, title: str) -> None:
        """Press a button of a message, which counts from 0."""
        ...


class OnTelegram:
    """A customer in a private chat."""

    def __init__(self, peer: TelegramPeer) -> None:
        self._peer = peer

    def heard(self) -> Sequence[tuple[str, Sequence[str]]]:
        """Return all messages so far."""
        return [(sent.text, [key["text"] for key in sent.keys]) for sent in self._peer.sent]

    async def write(self, text: str) -> None:
        """Write a message."""
        await self._peer.write(_CHAT, text)

    async def press(self, message: int, title: str) -> None:
        """Press a button."""
        await self._peer.press(self._peer.sent[message], title)


class OnSlack:
    """A customer in direct messages."""

    def __init__(self, peer: SlackPeer) -> None:
        self._peer = peer

    def heard(self) -> Sequence[tuple[str, Sequence[str]]]:
        """Return all messages so far, as Slack shows them: it is sent `&amp;` for `&`."""
        titles = [[element["text"]["text"] for element in post.elements] for post in self._peer.posted]
        return [(unescape(post.text), shown) for post, shown in zip(self._peer.posted, titles, strict=True)]

    async def write(self, text: str) -> None:
        """Write a message."""
        await self._peer.write(_USER, text)

    async def press(self, message: int, title: str) -> None:
        """Press a button."""
        await self._peer.press(self._peer.posted[message], title, _USER)


class Screen:
    """What the terminal shows; buttons are numbered from the first one on."""

    def __init__(self, customer: Customer) -> None:
        self._customer = customer
        self._shown = 0
        self._buttons: list[tuple[int, str]] = []

    def update(self) -> None:
        """Show what is new."""
        for index, (text, titles) in list(enumerate(self._customer.heard()))[self._shown :]:
            typer.echo(f"< {text}")
            for title in titles:
                self._buttons.append((index, title))
                typer.echo(f"    {len(self._buttons)}: {title}")
            self._shown += 1

    async def say(self, line: str) -> None:
        """Press the button with this number, or write the line."""
        if line.isdecimal() and 1 <= int(line) <= len(self._buttons):
            await self._customer.press(*self._buttons[int(line) - 1])
        elif line:
            await self._customer.write(line)


async def talk(customer: Customer) -> None:
    """Carry lines from the terminal to the assistant, and its messages back, until the input ends."""
    screen = Screen(customer)

    async def show() -> None:
        while True:
            screen.update()
            await asyncio.sleep(0.05)

    showing = asyncio.create_task(show())
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            screen.update()
            await screen.say(line.strip())
    finally:
        showing.cancel()
        screen.update()


def main(
    messenger: Messenger,
    port: Annotated[int, typer.Option("--port", "-p", help="Port of the stand-in.")] = 8081,
) -> None:
    """Stand in for a messenger."""

    async def run() -> None:
        if messenger is Messenger.TELEGRAM:
            async with TelegramPeer(port=port) as telegram:
                _print_section("telegram", {"access_token": TELEGRAM_TOKEN, "api_url": telegram.url})
                await talk(OnTelegram(telegram))
        else:
            async with SlackPeer(port=port) as slack:
                tokens = {"slack_token": SLACK_TOKEN, "slack_app_token": APP_TOKEN}
                _print_section("slack", {**tokens, "api_url": slack.url})
                await talk(OnSlack(slack))

    asyncio.run(run())


def _print_section(name: str, settings: dict[str, str]) -> None:
    lines = "".join(f"  {key}: {value}\n" for key, value in settings.items())
    typer.echo(f"Serve the assistant with this in credentials.yml, then write:\n\n{name}:\n{lines}")


if __name__ == "__main__":
    typer.run(main)
