"""YAML as Rasa reads it, with a line for every key and item, so that every mistake can be pointed at."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.cyaml import CSafeLoader
from ruamel.yaml.error import YAMLError
from ruamel.yaml.reader import ReaderError

from bot.dialogue.messages import JSON
from bot.errors import Finding, InvalidProject, Location, Severity

NEWEST_VERSION = "3.1"
YAML_SUFFIXES = (".yml", ".yaml")
_MAX_DEPTH = 100
# Aliases let a few lines stand for billions of values; no project comes near this many.
_MAX_ALIASED = 1_000_000
# Python refuses to write integers of more than 4,300 decimal digits, so none of that size may come in.
_MAX_DIGITS = 1000

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


@dataclass
class Findings:
    """Collects what is wrong while files are read, so that one run shows all of it."""

    items: list[Finding] = field(default_factory=list)

    def error(self, check: str, message: str, location: Location | None = None) -> None:
        """Note a mistake that stops training."""
        self.items.append(Finding(check, message, location))

    def warn(self, check: str, message: str, location: Location | None = None) -> None:
        """Note a mistake that does not stop training."""
        self.items.append(Finding(check, message, location, Severity.WARNING))

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop training."""
        return tuple(item for item in self.items if item.severity is Severity.ERROR)

    def raise_errors(self) -> None:
        """Raise `InvalidProject` with every error, if there is one."""
        if self.errors:
            raise InvalidProject(self.errors)


def kind(value: JSON) -> str:
    """Name a YAML value's kind as a person who writes YAML calls it."""
    names = {type(None): "nothing", bool: "a boolean", str: "text", int: "a number", float: "a number"}
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else names.get(type(value), type(value).__name__)


def read_yaml(path: Path) -> JSON:
    """Read one YAML (or JSON) file; an empty file is an empty mapping.

    Raises:
        InvalidProject: The file is missing, not UTF-8, or not YAML; the finding names the line.
    """
    return parse_yaml(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Read a file.

    Raises:
        InvalidProject: It is missing or not UTF-8; the finding names the line.
    """
    name = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _invalid("file", f"cannot read the file: {error.strerror}", Location(name)) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file in UTF-8"
        raise _invalid("encoding", message, Location(name, line)) from error


def parse_yaml(text: str, file: str = "<text>", *, is_trusted: bool = True) -> JSON:
    r"""Read YAML 1.2 as Rasa does.

    Only `true` and `false` are booleans; `${NAME}` is expanded in unquoted one-line text; in files of pure
    ASCII `\uXXXX` stands for its character everywhere. Unlike in Rasa a date stays text, since no wire
    carries dates.

    Args:
        text: The file's content.
        file: What findings call it.
        is_trusted: Whether whoever wrote it may know this process's environment; for others `${NAME}` is a
            mistake.

    Raises:
        InvalidProject: Broken syntax, a key twice in one mapping, or an unset environment variable.
    """
    if "\\u" in text and text.isascii():
        text = _unescape(text)
    try:
        document = _Builder(file, CSafeLoader(text), is_trusted=is_trusted).document()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        message = f"half a character, \\u{ord(text[error.start]):04x}, stands alone; remove it"
        raise _invalid("encoding", message, Location(file, line)) from error
    except ReaderError as error:
        # The reader knows no lines: the first such character of the text is the one it stumbled over.
        line = text.count("\n", 0, max(text.find(chr(error.character)), 0)) + 1
        message = f"character U+{error.character:04X} is not allowed in YAML; remove it"
        raise _invalid("yaml-syntax", f"broken YAML: {message}", Location(file, line)) from error
    except YAMLError as error:
        raise _syntax_error(error, file) from error
    return YamlMap(file, 1) if document is None else document


def version_is_readable(document: YamlMap, findings: Findings) -> bool:
    """Apply Rasa's rule for `version:`: a newer file is passed over as a whole, an older one is read.

    Returns:
        False when the file must be skipped.
    """
    version = document.get("version")
    if not version:
        return True
    place = document.at("version")
    if not isinstance(version, str):
        findings.warn("version", f'version {version} must be text, write version: "{NEWEST_VERSION}"', place)
        return True
    parts = _version_parts(version)
    newest = _version_parts(NEWEST_VERSION)
    if parts is None or newest is None:
        findings.warn("version", f"version '{version}' is not one, write \"{NEWEST_VERSION}\"", place)
        return True
    if parts > newest:
        found = f"version {version} is newer than {NEWEST_VERSION}"
        findings.warn("version", f"{found}: this file is passed over", place)
    elif parts < newest:
        found = f"version {version} is older than {NEWEST_VERSION}"
        findings.warn("version", f"{found}: it is read as {NEWEST_VERSION}", place)
    return parts <= newest


def yaml_files_below(paths: Iterable[Path], suffixes: Sequence[str] = YAML_SUFFIXES) -> list[Path]:
    """Return all YAML files among paths and below folders, sorted by path; hidden ones are left out."""
    found: set[Path] = set()
    for path in paths:
        if path.is_file():
            found.add(path)
            continue
        for base, folders, files in os.walk(path, followlinks=True):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found.update(Path(base, name) for name in files if not name.startswith("."))
    return sorted((path for path in found if path.suffix in suffixes), key=str)


def _version_parts(version: str) -> tuple[int, ...] | None:
    numbers = version.strip("\"' ").split(".")
    readable = all(number.isdecimal() and len(number) <= _MAX_DIGITS for number in numbers)
    return tuple(map(int, numbers)) if readable else None


def _unescape(text: str) -> str:
    try:
        decoded = text.encode().decode("raw_unicode_escape")
        return decoded.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return text  # a path such as C:\users: not an escape, so it stays as written


def _invalid(check: str, message: str, location: Location) -> InvalidProject:
    return InvalidProject([Finding(check, message, location)])


def _syntax_error(error: YAMLError, file: str) -> InvalidProject:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    message = f"broken YAML: {problem}" + (f" ({context})" if context else "")
    return _invalid("yaml-syntax", message, Location(file, mark.line + 1 if mark else None))


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A value that aliases share, with how many values it holds and how deep they are nested."""

    value: JSON
    size: int
    height: int


class _Builder:
    """Builds values from parser events; anchors keep their value, so that aliases share it."""

    def __init__(self, file: str, loader: CSafeLoader, *, is_trusted: bool) -> None:
        self._file = file
        self._loader = loader
        self._is_trusted = is_trusted
        self._anchors: dict[str, _Anchor] = {}
        self._count = 0
        self._deepest = 0

    def document(self) -> JSON:
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
        return _invalid("yaml-syntax", f"broken YAML: {message}", self._place(event))

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
                raise _invalid(
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
                raise _invalid("yaml-syntax", "'<<' can only merge mappings", items.at())
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
            raise _invalid("environment", message, self._place(event))
        expanded = os.path.expandvars(text)
        unset = [word for word in expanded.split() if word.startswith("$") and word in text]
        if unset:
            message = f"the environment variable in '{' '.join(unset)}' is not set"
            raise _invalid("environment", message, self._place(event))
        return expanded


def _number(text: str) -> JSON:
    """Read a YAML 1.2 number: `012` is 12, `1_000` is 1000; anything else stays text, as do endless ones."""
    if len(text) > _MAX_DIGITS:
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
