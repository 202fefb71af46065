"""Channels as a project may bring them, written for Rasa; the names of Rasa are ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import (
    CollectingOutputChannel,
    InputChannel,
    OutputChannel,
    UserMessage,
)
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

sent: list[tuple[str, str]] = []


class Beeps(OutputChannel):
    """Sends text alone, so that all else takes its default."""

    @classmethod
    def name(cls) -> str:
        """Name for variations of responses."""
        return "pager"

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Keep it."""
        del kwargs
        sent.append((recipient_id, text))


class Pager(InputChannel):
    """Answers a request with what was said; a customer can be called at any time."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.listening = False

    @classmethod
    def name(cls) -> str:
        """Name in paths."""
        return "pager"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> Pager:
        """Read the section."""
        if not credentials:
            cls.raise_missing_credentials_exception()
        return cls(credentials["prefix"])

    def get_output_channel(self) -> OutputChannel:
        """Return what calls customers."""
        return Beeps()

    def get_metadata(self, request: Request) -> dict[str, Any]:
        """Tell who made the request."""
        return {"agent": request.headers.get("x-agent")}

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Make the two routes."""
        routes = Blueprint("pager_routes", __name__)

        @routes.listener("before_server_start")
        async def begin(*_: object) -> None:
            self.listening = True

        @routes.route("/", methods=["GET"])
        async def health(_: Request) -> HTTPResponse:
            return response.json({"listening": self.listening})

        @routes.route("/webhook", methods=["POST"])
        async def receive(request: Request) -> HTTPResponse:
            collector = CollectingOutputChannel()
            await on_new_message(
                UserMessage(
                    f"{self.prefix} {request.json['text']}",
                    collector,
                    request.json["sender"],
                    input_channel=self.name(),
                    metadata=self.get_metadata(request),
                )
            )
            return response.json(collector.messages)

        return routes


class NoPager:
    """No channel at all."""


class Broken(InputChannel):
    """A channel that fails while it is made."""

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Fail."""
        del on_new_message
        raise ValueError("no line")
