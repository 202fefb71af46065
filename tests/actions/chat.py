"""A conversation as actions see it, run by rasa-sdk's own executor; slots are filled as told."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from rasa_sdk.executor import ActionExecutor
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


@cache
def executor() -> ActionExecutor:
    """The actions of the project."""
    made = ActionExecutor()
    made.register_package("actions")
    return made


@cache
def domain() -> dict[str, Any]:
    """The project's `domain.yml`."""
    loaded: dict[str, Any] = YAML(typ="safe").load(ROOT / "domain.yml")
    return loaded


@dataclass
class Chat:
    """What was said so far; `responses` are the names of the responses of the last action."""

    sender_id: str = "anybody"
    slots: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    active_loop: str | None = None
    said: list[dict[str, Any]] = field(default_factory=list)
    _ids: count[int] = field(default_factory=count)

    @property
    def responses(self) -> list[str]:
        """Names of the responses of the last action."""
        return [message["response"] for message in self.said if message["response"]]

    @property
    def values(self) -> dict[str, Any]:
        """What the responses of the last action were filled in with."""
        return {key: value for message in self.said for key, value in message.items()}

    def hear(
        self,
        intent: str,
        text: str = "",
        *,
        sentiment: str = "neutral",
        message_id: str = "",
        **entities: str,
    ) -> Chat:
        """Note a message; a role is written as `address__new`."""
        found = [
            {"entity": name.partition("__")[0], "role": name.partition("__")[2] or None, "value": value}
            for name, value in entities.items()
        ]
        parsed = {
            "text": text or f"/{intent}",
            "intent": {"name": intent, "confidence": 0.9},
            "entities": [{k: v for k, v in row.items() if v is not None} for row in found],
            "sentiment": {"value": sentiment, "confidence": 0.9},
            "intent_ranking": [{"name": intent, "confidence": 0.9}],
        }
        event = {
            "event": "user",
            "text": parsed["text"],
            "parse_data": parsed,
            "message_id": message_id or f"m{next(self._ids)}",
            "input_channel": "rest",
            "timestamp": float(len(self.events)),
        }
        self.events.append(event)
        self.set(sentiment=sentiment)
        return self

    def set(self, **slots: Any) -> Chat:
        """Note that slots were filled."""
        self.slots.update(slots)
        self.events += [{"event": "slot", "name": name, "value": value} for name, value in slots.items()]
        return self

    def run(self, action: str) -> Chat:
        """Run an action and take its events."""
        latest = next((e for e in reversed(self.events) if e["event"] == "user"), {})
        state = {
            "sender_id": self.sender_id,
            "slots": self.slots,
            "latest_message": latest.get("parse_data", {}),
            "events": self.events,
            "active_loop": {"name": self.active_loop} if self.active_loop else {},
            "latest_action_name": "action_listen",
            "paused": False,
        }
        call = {"next_action": action, "sender_id": self.sender_id, "tracker": copy.deepcopy(state)}
        result = asyncio.run(executor().run({**call, "domain": domain(), "version": "3.21.0"}))
        assert result is not None
        self.said = result.responses
        self.events.append({"event": "action", "name": action})
        for event in result.events:
            self.events.append(event)
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
        self.events += [
            {"event": "bot", "text": "", "metadata": {"utter_action": message["response"]}}
            for message in self.said
        ]
        return self
