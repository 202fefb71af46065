"""Actions on rasa-sdk that behave well and badly; `tests/runtime` is put on the path for them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

RELEASE = threading.Event()


class Greet(Action):
    """Says hello and sets a slot."""

    def name(self) -> str:
        """Return the action's name."""
        return "action_sample_greet"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        """Say the latest text back."""
        dispatcher.utter_message(text=f"you said {tracker.latest_message['text']}")
        return [SlotSet("s", len(domain))]


class Reject(Action):
    """Does not want to run."""

    def name(self) -> str:
        """Return the action's name."""
        return "action_sample_reject"

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:  # noqa: ARG002
        """Reject."""
        raise ActionExecutionRejection(self.name(), "not me")


class Fail(Action):
    """Raises."""

    def name(self) -> str:
        """Return the action's name."""
        return "action_sample_fail"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        """Say something that must not count, then raise."""
        dispatcher.utter_message(text="half")
        raise ZeroDivisionError(f"{tracker.sender_id} {len(domain)}")


class Block(Action):
    """Holds its thread until released."""

    def name(self) -> str:
        """Return the action's name."""
        return "action_sample_block"

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:  # noqa: ARG002
        """Wait."""
        RELEASE.wait()
        return []


class Hang(Action):
    """Waits for what never comes."""

    def name(self) -> str:
        """Return the action's name."""
        return "action_sample_hang"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:  # noqa: ARG002
        """Wait."""
        await asyncio.Future()
        return []
