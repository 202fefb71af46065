"""What a policy sees at one moment of a conversation, as a value: Rasa's state dict, frozen and hashable."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.dialogue.domain import ACTION_LISTEN, RULE_SNIPPET
from bot.dialogue.messages import JSON
from bot.training_data.story_branch import SHOULD_NOT_BE_SET

Features = tuple[float, ...] | str
"""A slot as policies see it: numbers, or `SHOULD_NOT_BE_SET` in a rule."""


@dataclass(frozen=True, slots=True)
class User:
    """The customer's last turn: intent or text, with the labels of the entities that count, sorted."""

    intent: str | None = None
    text: str | None = None
    entities: tuple[str, ...] = ()

    def as_json(self) -> JSON:
        """Rasa's wire form; empty when nothing of the turn counts."""
        pairs = {"intent": self.intent, "text": self.text, "entities": list(self.entities)}
        return {key: value for key, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class Action:
    """An action by name, or an end-to-end one by its text."""

    name: str | None = None
    text: str | None = None

    def as_json(self) -> JSON:
        """Rasa's wire form."""
        return {"action_name": self.name} if self.name else {"action_text": self.text}


@dataclass(frozen=True, slots=True)
class State:
    """One moment before a prediction; `slots` are sorted by name and hold only those with features."""

    user: User | None = None
    prev_action: Action | None = None
    slots: tuple[tuple[str, Features], ...] = ()
    active_loop: str | None = None

    @property
    def loop(self) -> str | None:
        """Name of the active loop; None as well where a rule says that there must be none."""
        return None if self.active_loop == SHOULD_NOT_BE_SET else self.active_loop

    @property
    def is_after_listen(self) -> bool:
        """Whether the customer has just spoken."""
        return self.prev_action is not None and self.prev_action.name == ACTION_LISTEN

    @property
    def is_snippet(self) -> bool:
        """Whether this is where a rule begins: what came before does not matter to it."""
        return self.prev_action is not None and self.prev_action.name == RULE_SNIPPET

    def as_json(self) -> JSON:
        """Rasa's state dict."""
        data: dict[str, JSON] = {}
        if self.user is not None:
            data["user"] = self.user.as_json()
        if self.slots:
            data["slots"] = {
                name: value if isinstance(value, str) else [*value] for name, value in self.slots
            }
        if self.prev_action is not None:
            data["prev_action"] = self.prev_action.as_json()
        if self.active_loop:
            data["active_loop"] = {"name": self.active_loop}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> State:
        """Read a state dict back."""
        user, action = data.get("user"), data.get("prev_action")
        slots = (data.get("slots") or {}).items()
        return cls(
            user=None
            if user is None
            else User(user.get("intent"), user.get("text"), tuple(user.get("entities") or ())),
            prev_action=Action(action.get("action_name"), action.get("action_text")) if action else None,
            slots=tuple(
                sorted((name, value if isinstance(value, str) else tuple(value)) for name, value in slots)
            ),
            active_loop=(data.get("active_loop") or {}).get("name"),
        )


def key_text(states: Iterable[State]) -> str:
    """Return Rasa's key of a state sequence: RulePolicy prefers the match whose key text is longest."""
    return json.dumps([state.as_json() for state in states], sort_keys=True)


def since_snippet(states: Sequence[State]) -> tuple[State, ...]:
    """Return the states after the last `...`: the part of a rule that it asks a conversation for."""
    for index in range(len(states) - 1, -1, -1):
        if states[index].is_snippet:
            return tuple(states[index + 1 :])
    return tuple(states)


def without_user_text(state: State) -> State:
    """Drop the text of a turn that has an intent: only one of them is a feature."""
    user = state.user
    if user is None or not user.intent or not user.text:
        return state
    return State(User(user.intent, None, user.entities), state.prev_action, state.slots, state.active_loop)


def with_last_turn(state: State, *, as_text: bool) -> State:
    """Reduce the turn that was just said to its text, or to its intent and entities.

    The turn may end up empty, which is not the same key as no turn at all.
    """
    if not state.is_after_listen or state.user is None:
        return without_user_text(state)
    user = state.user
    kept = User(text=user.text) if as_text else User(intent=user.intent, entities=user.entities)
    return State(kept, state.prev_action, state.slots, state.active_loop)
