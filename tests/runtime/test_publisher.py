"""Publishing beside the conversations."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from bot.dialogue.messages import JSON, UserMessage
from bot.runtime.event_brokers.published_store import PublishedStore
from bot.runtime.event_brokers.publisher import BackgroundPublisher, BrokerUnavailable
from tests.runtime.stand_ins import Away, events_of, processor


class Broker:
    """A broker that can be away; it keeps what it took."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.taken: list[Mapping[str, JSON]] = []
        self.refused = threading.Event()
        self.is_closed = False

    def send(self, event: Mapping[str, JSON]) -> None:
        """Take an event unless away."""
        if event.get("event") == "poison":
            raise ValueError("cannot be written")
        if self.is_away:
            self.refused.set()
            raise BrokerUnavailable("the broker is away")
        self.taken.append(event)

    def stay_alive(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Note it."""
        self.is_closed = True


def numbered(count: int) -> list[dict[str, JSON]]:
    """Return that many events."""
    return [{"event": "slot", "number": number} for number in range(count)]


def test_events_arrive_in_order_and_all_before_the_end() -> None:
    """Closing waits for what was published."""
    broker = Broker()
    publisher = BackgroundPublisher(broker)
    for event in numbered(500):
        publisher.publish(event)
    publisher.close()
    assert broker.taken == numbered(500)
    assert broker.is_closed


def test_events_wait_for_a_broker_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """They arrive in their order once it is back."""
    broker = Broker(is_away=True)
    publisher = BackgroundPublisher(broker, retry_s=0.001)
    for event in numbered(20):
        publisher.publish(event)
    assert broker.refused.wait(10)
    broker.is_away = False
    publisher.close()
    assert broker.taken == numbered(20)
    assert "the broker is away; trying again" in caplog.text


def test_the_queue_has_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    """What finds no place is lost, and the log says how much."""
    broker = Broker(is_away=True)
    publisher = BackgroundPublisher(broker, max_waiting=5, retry_s=0.001)
    publisher.publish(numbered(1)[0])
    assert broker.refused.wait(10)
    for event in numbered(8):
        publisher.publish(event)
    assert "5 events wait for the event broker; further ones are lost" in caplog.text
    publisher.close()
    assert broker.taken == []
    assert "8 events never reached the event broker" in caplog.text


def test_an_event_that_cannot_be_written_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is lost alone."""
    broker = Broker()
    publisher = BackgroundPublisher(broker)
    publisher.publish({"event": "poison"})
    publisher.publish({"event": "slot"})
    publisher.close()
    assert broker.taken == [{"event": "slot"}]
    assert "cannot be written" in caplog.text


async def test_a_turn_is_published_after_it_was_stored() -> None:
    """Each event carries its conversation; what could not be stored is published with the turn that is."""
    broker = Broker()
    publisher = BackgroundPublisher(broker)
    store = Away(appends=False)
    bot = processor(store=PublishedStore(store, publisher))
    await bot.handle(UserMessage("greet", "s"))
    publisher.publish({"event": "mark"})
    store.appends = True
    await bot.handle(UserMessage("greet", "s"))
    publisher.close()
    bot.store = store
    stored = [{"sender_id": "s", **event.as_dict()} for event in events_of(bot, "s")]
    assert broker.taken == [{"event": "mark"}, *stored]


async def test_a_broker_that_is_away_holds_no_turn_up() -> None:
    """The customer is answered, and so is the next one."""
    broker = Broker(is_away=True)
    publisher = BackgroundPublisher(broker, max_waiting=3, retry_s=0.001)
    bot = processor(store=PublishedStore(Away(), publisher))
    for _ in range(3):
        assert await bot.handle(UserMessage("greet", "s"))
    publisher.close()
