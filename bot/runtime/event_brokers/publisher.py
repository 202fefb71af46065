"""Publishing events beside the conversations: a thread of its own, a bounded queue, endless patience."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping
from typing import Protocol

from bot.dialogue.messages import JSON
from bot.errors import FrontdeskError

logger = logging.getLogger(__name__)

MAX_WAITING = 10_000
RETRY_S = 5.0
# An idle connection is looked after this often; brokers close those that are silent for a minute.
IDLE_S = 10.0
CLOSE_LIMIT_S = 5.0


class BrokerUnavailable(FrontdeskError):
    """The broker did not take an event."""


class EventBroker(Protocol):
    """Where events go. Used by one thread only; a connection is made when it is needed."""

    def send(self, event: Mapping[str, JSON]) -> None:
        """Hand over one event; it is safe with the broker when this returns.

        Raises:
            BrokerUnavailable: The event was not taken; it will come again.
        """
        ...

    def stay_alive(self) -> None:
        """Do what keeps an idle connection open; never raises."""
        ...

    def close(self) -> None:
        """Let go of the connection; never raises."""
        ...


class BackgroundPublisher:
    """Sends events in the order in which they were published; a broker that is away holds nobody up.

    While it is away at most `max_waiting` events wait in memory; later ones are lost, and the log says how
    many. An event may arrive twice when the connection broke just after it was taken.
    """

    def __init__(
        self, broker: EventBroker, *, max_waiting: int = MAX_WAITING, retry_s: float = RETRY_S
    ) -> None:
        self._broker = broker
        self._retry_s = retry_s
        self._waiting: queue.Queue[dict[str, JSON] | None] = queue.Queue(max_waiting)
        self._lost = 0
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="event-broker", daemon=True)
        self._thread.start()

    def publish(self, event: dict[str, JSON]) -> None:
        """Queue an event; a full queue loses it."""
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._lost += 1
            if self._lost == 1:
                logger.error(
                    "%d events wait for the event broker; further ones are lost", self._waiting.maxsize
                )
            return
        if self._lost:
            logger.error("the event broker takes events again; %d were lost", self._lost)
            self._lost = 0

    def close(self, limit_s: float = CLOSE_LIMIT_S) -> None:
        """Send what still waits, as far as the broker takes it within `limit_s`."""
        self._is_closing.set()
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            logger.debug("the queue is full; its thread ends with the first failure")
        self._thread.join(limit_s)
        unsent = sum(event is not None for event in self._waiting.queue)
        if unsent or self._lost:
            logger.error("%d events never reached the event broker", unsent + self._lost)

    def _work(self) -> None:
        while True:
            try:
                event = self._waiting.get(timeout=IDLE_S)
            except queue.Empty:
                self._broker.stay_alive()
                continue
            if event is None or not self._deliver(event):
                break
            if self._is_closing.is_set() and self._waiting.empty():
                break
        self._broker.close()

    def _deliver(self, event: dict[str, JSON]) -> bool:
        """Try until the event is taken; False when the process ends before that."""
        failures = 0
        while True:
            is_last = self._is_closing.is_set()
            try:
                self._broker.send(event)
            except BrokerUnavailable as error:
                failures += 1
                if failures == 1:
                    logger.warning("%s; trying again every %g s", error, self._retry_s)
                if is_last:
                    logger.error("an event never reached the event broker: %s", error)
                    return False
                self._is_closing.wait(self._retry_s)
            # A rim: nobody waits for this thread, and one bad event must not end it.
            except Exception:
                logger.exception("an event could not be published and is lost")
                return True
            else:
                if failures:
                    logger.warning("the event broker is back after %d attempts", failures)
                return True
