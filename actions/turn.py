"""What every action works with: the customer's message, the slots, and one transaction of the CRM."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from crm_connector import conversations, customers, database
from crm_connector.address import DEFAULT_URL
from crm_connector.tables import Conversation, Customer

JSON = Any  # a JSON value as it crosses a wire; never looked into without a check
SlotEvent = dict[str, JSON]  # an event in Rasa's wire form

URL_VARIABLE = "FRONTDESK_CRM_URL"
NO_VALUE = "none"  # what forms put where the customer has nothing to say

_stores: dict[str, database.Store] = {}
_opening = threading.Lock()


def store() -> database.Store:
    """The CRM store of the environment's `FRONTDESK_CRM_URL`, opened once in a process.

    Raises:
        StoreUnavailable: The address is wrong, or the database locked or away.
    """
    url = os.environ.get(URL_VARIABLE) or DEFAULT_URL
    with _opening:
        if url not in _stores:
            _stores[url] = database.open(url)
        return _stores[url]


def close_stores() -> None:
    """Close what `store` opened."""
    with _opening:
        while _stores:
            _stores.popitem()[1].close()


@dataclass(frozen=True)
class Turn:
    """One message of a customer, seen by one action, inside one transaction."""

    dispatcher: CollectingDispatcher
    tracker: Tracker
    session: Session
    _customer: Customer | None = field(default=None, init=False)
    _conversation: Conversation | None = field(default=None, init=False)

    @property
    def sender_id(self) -> str:
        """Under which name the channel knows the customer."""
        return str(self.tracker.sender_id)

    @property
    def channel(self) -> str:
        """The channel of the latest message."""
        return str(self.tracker.get_latest_input_channel() or "unknown")

    @property
    def language(self) -> str:
        """`zh`, or `en` for everybody else."""
        return "zh" if self.slot("language") == "zh" else "en"

    @property
    def text(self) -> str:
        """The latest message, or nothing when a button was pressed."""
        text = str(self.tracker.latest_message.get("text") or "")
        return "" if text.startswith("/") else text

    @property
    def intent(self) -> str | None:
        """The intent of the latest message."""
        name = (self.tracker.latest_message.get("intent") or {}).get("name")
        return None if name is None else str(name)

    @property
    def source_key(self) -> str:
        """The natural key of whatever this message makes the CRM write: a retry finds it again."""
        return f"{self.sender_id}:{message_id(latest_user_event(self.tracker))}"

    # NOTE: functools.cached_property of Python 3.11 holds one lock for all instances as it computes: a turn
    # that waits for the store's write lock in it, and one that holds that lock and waits for it, never end.

    @property
    def customer(self) -> Customer:
        """The customer who writes; a new one has no name yet."""
        if self._customer is None:
            found = customers.find_or_create(
                self.session, self.channel, self.sender_id, language=self.language
            )
            object.__setattr__(self, "_customer", found)
            return found
        return self._customer

    @property
    def conversation(self) -> Conversation:
        """The conversation of the sender."""
        if self._conversation is None:
            found = conversations.find_or_create(
                self.session, self.sender_id, self.channel, customer_id=self.customer.id
            )
            object.__setattr__(self, "_conversation", found)
            return found
        return self._conversation

    def slot(self, name: str) -> JSON:
        """The value of a slot."""
        return self.tracker.slots.get(name)

    def entity(self, name: str, role: str | None = None) -> str | None:
        """The last value of an entity in the latest message, the role matched exactly."""
        values = [str(value) for value in self.tracker.get_latest_entity_values(name, role) if value]
        return values[-1] if values else None

    def say(self, response: str, *, buttons: list[dict[str, str]] | None = None, **values: object) -> None:
        """Send a response of the domain, filled in with values."""
        self.dispatcher.utter_message(response=response, buttons=buttons, **values)

    def linked(self, customer: Customer) -> None:
        """Go on as another customer, because an order has proven who is writing."""
        object.__setattr__(self, "_customer", customer)
        object.__setattr__(self, "_conversation", None)


class CrmAction(Action, ABC):
    """An action that reads and writes the CRM in one transaction; when it raises, nothing is kept."""

    action_name: ClassVar[str]  # as in the domain

    def name(self) -> str:
        """What the domain calls it."""
        return self.action_name

    @abstractmethod
    def act(self, turn: Turn) -> list[SlotEvent]:
        """Do it, and return the events for the tracker."""

    def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: Mapping[str, JSON],  # noqa: ARG002 - rasa-sdk's signature
    ) -> list[SlotEvent]:
        """Act inside a transaction."""
        with store().session() as session:
            return self.act(Turn(dispatcher, tracker, session))


def latest_user_event(tracker: Tracker) -> Mapping[str, JSON]:
    """The event of the latest message; the parsed message itself when the events are not known."""
    for event in reversed(tracker.events):
        if event.get("event") == "user":
            return dict(event)
    return dict(tracker.latest_message)


def message_id(event: Mapping[str, JSON]) -> str:
    """The id of a message, or the time at which a message without one was said."""
    parsed = event.get("parse_data") or {}
    return str(event.get("message_id") or parsed.get("message_id") or f"at-{event.get('timestamp')}")


def set_slots(**values: JSON) -> list[SlotEvent]:
    """Events that set slots."""
    return [SlotSet(name, value) for name, value in values.items()]


def money(amount: Decimal, currency: str) -> str:
    """An amount as customers read it."""
    return f"{amount:.2f} {currency}"


def day(moment: datetime | None, language: str) -> str:
    """A date as customers write it, a dash when there is none."""
    if moment is None:
        return "–"
    if language == "zh":
        return f"{moment.year}年{moment.month}月{moment.day}日"
    return f"{moment.day} {moment:%B %Y}"
