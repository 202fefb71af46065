"""What the server leans on, handed in by whoever starts it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.channels.channel import ChannelParts
from bot.dialogue.messages import ParseResult


class LoadedModel(Protocol):
    """The model that answers now; without one `model_id` is None and `parse` raises `ModelError`."""

    @property
    def model_id(self) -> str | None:
        """Its name, the same in events and logs."""
        ...

    @property
    def model_file(self) -> str | None:
        """Where it was loaded from."""
        ...

    def parse(self, text: str) -> ParseResult:
        """Understand one text; called in a worker thread."""
        ...


class Store(Protocol):
    """The store of conversations, as far as health goes."""

    async def is_reachable(self) -> bool:
        """Whether it answers; never raises."""
        ...


async def nothing_to_close() -> None:
    """Stand in for parts that hold nothing open."""


@dataclass(frozen=True, slots=True)
class ServerParts:
    """Everything behind the HTTP door; `close` is awaited once, after the last turn."""

    channel_parts: ChannelParts
    model: LoadedModel
    store: Store
    close: Callable[[], Awaitable[None]] = nothing_to_close
