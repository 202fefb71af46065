"""Event brokers of a project's own that were written for Rasa (`from_endpoint_config`, `publish`)."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping
from typing import Any

from bot.dialogue.messages import JSON
from bot.runtime.event_brokers.publisher import BrokerUnavailable
from bot.written_for_rasa.endpoints import EndpointConfig
from bot.written_for_rasa.imports import own_class

logger = logging.getLogger(__name__)


class RasasBroker:
    """Such a broker with an event loop of its own, in the one thread that publishes.

    What `publish` leaves to the loop goes on at the next event, and while nothing happens.
    """

    def __init__(self, made_of: Any, path: str, section: Mapping[str, JSON]) -> None:
        self._made_of = made_of
        self._path = path
        self._section = dict(section)
        self._loop = asyncio.new_event_loop()
        self._broker: Any = None

    @classmethod
    def make(cls, path: str, section: Mapping[str, JSON]) -> RasasBroker:
        """Import the class; it connects with the first event.

        Raises:
            NoOwnClass: There is none at this path.
        """
        return cls(own_class(path), path, section)

    def send(self, event: Mapping[str, JSON]) -> None:
        """Hand over one event.

        Raises:
            BrokerUnavailable: It was not taken.
        """
        # A rim: own code fails in every way there is.
        try:
            broker = self._connected()
            if not broker.is_ready():
                raise BrokerUnavailable(f"event broker {self._path} is not ready")
            published = broker.publish(dict(event))
            self._run(published if inspect.isawaitable(published) else asyncio.sleep(0))
        except BrokerUnavailable:
            raise
        except Exception as error:
            raise BrokerUnavailable(f"event broker {self._path} failed: {error!r}") from error

    def stay_alive(self) -> None:
        """Let the broker's own tasks go on."""
        self._run(asyncio.sleep(0))

    def close(self) -> None:
        """Close the broker and its loop."""
        try:
            if self._broker is not None:
                closing = self._broker.close()
                self._run(closing if inspect.isawaitable(closing) else asyncio.sleep(0))
        # A rim, as above: nobody can do anything about it any more.
        except Exception:
            logger.exception("event broker %s did not close", self._path)
        self._loop.close()

    def _connected(self) -> Any:
        if self._broker is None:
            config = EndpointConfig(**{**self._section, "type": self._path})
            made = self._made_of.from_endpoint_config(config, self._loop)
            self._broker = self._run(made) if inspect.isawaitable(made) else made
            if self._broker is None:
                raise BrokerUnavailable(f"event broker {self._path} made nothing of its section")
        return self._broker

    def _run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)
