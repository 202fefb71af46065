"""Builds the values of one YAML document from what the parser reads: types, anchors, merges, environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.cyaml import CSafeLoader

from bot.dialogue.messages import JSON
from bot.errors import Finding, InvalidProject, Location
from bot.training_data.yaml_values import YamlList, YamlMap, kind

_MAX_DEPTH = 100
# Aliases let a few lines stand for billions of values; no project comes near this many.
_MAX_ALIASED = 1_000_000
# Python refuses to write integers of more than 4,300 decimal digits, so none of that size may come in.
MAX_DIGITS = 1000

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?(?:0b_*[01][01_]*|0o_*[0-7][0-7_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*|[0-9][0-9_]*)")
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\._*[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_ENVIRONMENT = re.compile(r".*\$\{.*\}.*")
_STRING_TAG = "tag:yaml.org,2002:str"


def invalid_yaml(check: str, message: str, location: Location) -> InvalidProject:
    """Make the error of one mistake in a file."""
    return InvalidProject([Finding(check, message, location)])


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A value that aliases share, with how many values it holds and how deep they are nested."""

    value: JSON
    size: int
    height: int


class Builder:
    """Builds values from parser events; anchors keep their value, so that aliases share it."""

    def __init__(self, file: str, loader: CSafeLoader, *, is_trusted: bool) -> None:
        self._file = file
        self._loader = loader
        self._is_trusted = is_trusted
        self._anchors: dict[str, _Anchor] = {}
        self._count = 0
        self._deepest = 0

    def document(self) -> JSON:
        """Return the value of the only document; None for an empty file."""
        self._next()  # stream start
        if type(self._next()).__name__ == "StreamEndEvent":
            return None
        value, _ = self._value(self._next(), 0)
        self._next()  # document end
        after = self._next()
        if type(after).__name__ != "StreamEndEvent":
            raise self._error("expected one document, found a second one after '---'", after)
        return value

    def _next(self) -> Any:
        return self._loader.get_event()

    def _error(self, message: str, event: Any) -> InvalidProject:
        return invalid_yaml("yaml-syntax", f"broken YAML: {message}", self._place(event))

    def _place(self, event: Any) -> Location:
        return Location(self._file, event.start_mark.line + 1)

    def _value(self, event: Any, depth: int) -> tuple[JSON, int]:
        """Return a value and the line where its text begins."""
        line = event.start_mark.line + 1
        name = type(event).__name__
        if name == "AliasEvent":
            return self._shared(event, depth), line
        self._reach(depth, 1, event)
        outer, self._deepest = self._deepest, depth
        before = self._count
        value: JSON
        if name == "ScalarEvent":
            value = self._scalar(event)
            line += event.style in ("|", ">")
        elif name == "MappingStartEvent":
            value = self._mapping(line, depth)
        else:
            value = self._sequence(line, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, self._count - before + 1, self._deepest - depth)
        self._deepest = max(outer, self._deepest)
        return value, line

    def _shared(self, event: Any, depth: int) -> JSON:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            raise self._error(f"unknown alias *{event.anchor}", event)
        self._reach(depth + anchor.height, anchor.size, event)
        if anchor.size > 1 and self._count > _MAX_ALIASED:
            raise self._error(f"aliases make more than {_MAX_ALIASED:,} values of this file", event)
        return anchor.value

    def _reach(self, depth: int, size: int, event: Any) -> None:
        """Count values as deep and as many as they are when aliases are written out."""
        if depth > _MAX_DEPTH:
            raise self._error(f"nested deeper than {_MAX_DEPTH} levels", event)
        self._deepest = max(self._deepest, depth)
        self._count += size

    def _sequence(self, line: int, depth: int) -> YamlList:
        items = YamlList(self._file, line)
        while type(event := self._next()).__name__ != "SequenceEndEvent":
            item, _ = self._value(event, depth + 1)
            items.append(item)
            items.item_lines.append(event.start_mark.line + 1)
        return items

    def _mapping(self, line: int, depth: int) -> YamlMap:
        items = YamlMap(self._file, line)
        merged: list[JSON] = []
        while type(event := self._next()).__name__ != "MappingEndEvent":
            key, key_line = self._value(event, depth + 1)
            if isinstance(key, dict | list):
                raise self._error(f"a key cannot be {kind(key)}; quote text that has braces", event)
            value, value_line = self._value(self._next(), depth + 1)
            if key == "<<" and not event.style:
                merged.append(value)
                continue
            if key in items:
                first = items.key_lines[key]
                raise invalid_yaml(
                    "duplicate-key", f"key '{key}' stands twice, first in line {first}", self._place(event)
                )
            items[key] = value
            items.key_lines[key] = key_line
            items.value_lines[key] = value_line
        for source in merged:
            self._merge(items, source)
        return items

    def _merge(self, items: YamlMap, source: JSON) -> None:
        for part in source if isinstance(source, list) else [source]:
            if not isinstance(part, YamlMap):
                raise invalid_yaml("yaml-syntax", "'<<' can only merge mappings", items.at())
            for key in part:
                if key not in items:
                    items[key] = part[key]
                    items.key_lines[key] = part.key_lines[key]
                    items.value_lines[key] = part.value_lines[key]

    def _scalar(self, event: Any) -> JSON:
        text: str = event.value
        if event.style or event.tag == _STRING_TAG or event.tag == "!":
            return text
        if "${" in text and _ENVIRONMENT.fullmatch(text):
            return self._expand(text, event)
        if text in _NULLS:
            return None
        if text in _BOOLS:
            return _BOOLS[text]
        if text[0] in "+-.0123456789":
            return _number(text)
        return text

    def _expand(self, text: str, event: Any) -> str:
        if not self._is_trusted:
            message = f"'{text}' is not filled in from this server's environment; write the value itself"
            raise invalid_yaml("environment", message, self._place(event))
        expanded = os.path.expandvars(text)
        unset = [word for word in expanded.split() if word.startswith("$") and word in text]
        if unset:
            message = f"the environment variable in '{' '.join(unset)}' is not set"
            raise invalid_yaml("environment", message, self._place(event))
        return expanded


def _number(text: str) -> JSON:
    """Read a YAML 1.2 number: `012` is 12, `1_000` is 1000; anything else stays text, as do endless ones."""
    if len(text) > MAX_DIGITS:
        return text
    if _INT.fullmatch(text):
        digits = text.replace("_", "")
        sign = -1 if digits[0] == "-" else 1
        digits = digits.lstrip("+-")
        base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2])
        return sign * (int(digits[2:], base) if base else int(digits))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
