"""Mappings and lists of a YAML file, which know where their parts stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.dialogue.messages import JSON
from bot.errors import Location


class YamlMap(dict[Any, JSON]):
    """A mapping that knows its file, its first line, and the line of each key and value.

    `value_lines` holds the line where a value's text begins: for a block (`|`) the line after the key.
    """

    __slots__ = ("file", "key_lines", "line", "value_lines")

    def __init__(self, file: str, line: int | None) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.key_lines: dict[Any, int] = {}
        self.value_lines: dict[Any, int] = {}

    def at(self, key: JSON = None) -> Location:
        """Return the place of a key, or of the mapping itself."""
        return Location(self.file, self.key_lines.get(key, self.line))


class YamlList(list[JSON]):
    """A sequence that knows its file, its first line and the line of each item."""

    __slots__ = ("file", "item_lines", "line")

    def __init__(self, file: str, line: int | None) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.item_lines: list[int] = []

    def at(self, index: int | None = None) -> Location:
        """Return the place of an item, or of the sequence itself."""
        known = index is not None and 0 <= index < len(self.item_lines)
        return Location(self.file, self.item_lines[index or 0] if known else self.line)

    def with_places(self) -> Iterator[tuple[JSON, Location]]:
        """Walk over the items, each with its place."""
        for index, item in enumerate(self):
            yield item, self.at(index)


def plain(value: JSON) -> JSON:
    """Return a deep copy without the line numbers, made of dicts and lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def kind(value: JSON) -> str:
    """Name a YAML value's kind as a person who writes YAML calls it."""
    names = {type(None): "nothing", bool: "a boolean", str: "text", int: "a number", float: "a number"}
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else names.get(type(value), type(value).__name__)
