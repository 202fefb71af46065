"""Event brokers: what they inherit from, and what they are told of their section in `endpoints.yml`."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.dialogue.messages import JSON


class EndpointConfig:
    """A section of `endpoints.yml`; keys without an attribute of their own are `kwargs`."""

    def __init__(
        self,
        url: str | None = None,
        params: dict[str, JSON] | None = None,
        headers: dict[str, JSON] | None = None,
        basic_auth: dict[str, str] | None = None,
        token: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.url = url
        self.params = params or {}
        self.headers = headers or {}
        self.basic_auth = basic_auth or {}
        self.token = token
        self.token_name = kwargs.pop("token_name", "token")
        self.cafile = kwargs.pop("cafile", None)
        self.type = kwargs.pop("type", None)
        self.kwargs = kwargs


class EventBroker:
    """Publishes events somewhere; a subclass says where."""

    @classmethod
    async def from_endpoint_config(
        cls, broker_config: EndpointConfig, event_loop: asyncio.AbstractEventLoop | None = None
    ) -> EventBroker | None:
        """Make a broker of its section."""
        raise NotImplementedError(f"{cls.__name__} has no method 'from_endpoint_config'")

    def publish(self, event: dict[str, JSON]) -> None:
        """Publish one event."""
        raise NotImplementedError(f"{type(self).__name__} has no method 'publish'")

    def is_ready(self) -> bool:
        """Whether events are taken."""
        return True

    async def close(self) -> None:
        """Close connections."""
