"""JSON files of training data, with a line for every key and item as YAML files have."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bot.dialogue.messages import JSON
from bot.errors import Finding, InvalidProject, Location
from bot.training_data.yaml_files import parse_yaml, read_text
from bot.training_data.yaml_values import YamlMap

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def read_json(path: Path) -> JSON:
    """Read one JSON file; an empty file is an empty mapping.

    Raises:
        InvalidProject: The file is missing, not UTF-8, or not JSON; the finding names the line.
    """
    name = str(path)
    text = read_text(path)
    if not text.strip():
        return YamlMap(name, 1)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise _invalid(f"broken JSON: {error.msg}", Location(name, error.lineno)) from error
    except (ValueError, RecursionError) as error:
        raise _invalid(f"the JSON cannot be read: {error}", Location(name, 1)) from error
    return parse_yaml(_as_yaml(text), name)


def _as_yaml(text: str) -> str:
    r"""Write JSON so that it is YAML as well: no tabs between values, no `\u` in texts; lines stay."""
    if "\\" in text:
        text = _TEXT.sub(lambda written: json.dumps(json.loads(written.group()), ensure_ascii=False), text)
    return text.replace("\t", " ")


def _invalid(message: str, location: Location) -> InvalidProject:
    return InvalidProject([Finding("json-syntax", message, location)])
