"""YAML as Rasa reads it, with a line for every key and item, so that every mistake can be pointed at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ruamel.yaml.cyaml import CSafeLoader
from ruamel.yaml.error import YAMLError
from ruamel.yaml.reader import ReaderError

from bot.dialogue.messages import JSON
from bot.errors import InvalidProject, Location
from bot.training_data.findings import Findings
from bot.training_data.yaml_builder import MAX_DIGITS, Builder, invalid_yaml
from bot.training_data.yaml_values import YamlMap

NEWEST_VERSION = "3.1"
YAML_SUFFIXES = (".yml", ".yaml")


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
        raise invalid_yaml("file", f"cannot read the file: {error.strerror}", Location(name)) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file in UTF-8"
        raise invalid_yaml("encoding", message, Location(name, line)) from error


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
        document = Builder(file, CSafeLoader(text), is_trusted=is_trusted).document()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        message = f"half a character, \\u{ord(text[error.start]):04x}, stands alone; remove it"
        raise invalid_yaml("encoding", message, Location(file, line)) from error
    except ReaderError as error:
        # The reader knows no lines: the first such character of the text is the one it stumbled over.
        line = text.count("\n", 0, max(text.find(chr(error.character)), 0)) + 1
        message = f"character U+{error.character:04X} is not allowed in YAML; remove it"
        raise invalid_yaml("yaml-syntax", f"broken YAML: {message}", Location(file, line)) from error
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
    readable = all(number.isdecimal() and len(number) <= MAX_DIGITS for number in numbers)
    return tuple(map(int, numbers)) if readable else None


def _unescape(text: str) -> str:
    try:
        decoded = text.encode().decode("raw_unicode_escape")
        return decoded.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return text  # a path such as C:\users: not an escape, so it stays as written


def _syntax_error(error: YAMLError, file: str) -> InvalidProject:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    message = f"broken YAML: {problem}" + (f" ({context})" if context else "")
    return invalid_yaml("yaml-syntax", message, Location(file, mark.line + 1 if mark else None))
