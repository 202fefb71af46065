"""Lookup tables on disk: JSON, each distinct state written once and named by its number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bot.dialogue.messages import JSON
from bot.errors import ModelError
from bot.policies.states import State
from bot.policies.turns import RuleOnly

Table = Mapping[tuple[State, ...], str]


class StateNumbers:
    """Gives each distinct state a number, in order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[State, int] = {}

    def of(self, states: Iterable[State]) -> list[int]:
        """Return the numbers of a sequence."""
        return [self._numbers.setdefault(state, len(self._numbers)) for state in states]

    def as_json(self) -> list[JSON]:
        """Return the states in the order of their numbers."""
        return [state.as_json() for state in self._numbers]


class NumberedStates:
    """The states of a file, to look numbers up in."""

    def __init__(self, data: Sequence[JSON]) -> None:
        self._states = [State.from_json(item) for item in data]

    def sequence(self, numbers: Iterable[int]) -> tuple[State, ...]:
        """Return the states of these numbers."""
        return tuple(self._states[number] for number in numbers)


def save_table(path: Path, table: Table, rule_only: RuleOnly) -> None:
    """Write a lookup table with the slots and loops that it overlooks."""
    numbers = StateNumbers()
    turns = [[numbers.of(states), action] for states, action in table.items()]
    write_json(path, {"states": numbers.as_json(), "turns": turns, "rule_only": rule_only_as_json(rule_only)})


def load_table(path: Path) -> tuple[dict[tuple[State, ...], str], RuleOnly]:
    """Read a lookup table back.

    Raises:
        ModelError: The file is missing or broken.
    """
    data = read_json(path)
    try:
        known = NumberedStates(data["states"])
        table = {known.sequence(numbers): str(action) for numbers, action in data["turns"]}
        return table, rule_only_from_json(data["rule_only"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: broken lookup table ({error!r}); train the model again") from error


def rule_only_as_json(rule_only: RuleOnly) -> JSON:
    """Return the names in sorted lists."""
    return {"slots": sorted(rule_only.slots), "loops": sorted(rule_only.loops)}


def rule_only_from_json(data: Mapping[str, JSON]) -> RuleOnly:
    """Read the names back."""
    return RuleOnly(frozenset(data["slots"]), frozenset(data["loops"]))


def write_json(path: Path, data: JSON) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def read_json(path: Path) -> JSON:
    """Read a JSON file of a trained model.

    Raises:
        ModelError: The file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); train the model again") from error
