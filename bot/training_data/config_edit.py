"""One option of a pipeline's line, written into `config.yml` with everything else left as it stands."""

from __future__ import annotations

import json
import re

from bot.training_data.config_file import ComponentConfig

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


def with_option(text: str, component: ComponentConfig, option: str, value: str) -> str | None:
    """Return the file's text with the option set; None where the line is written in braces or moved.

    Args:
        text: The whole file.
        component: A line of it, with its place.
        option: The key.
        value: What it is to be; quoted where YAML needs it.
    """
    lines = text.splitlines(keepends=True)
    first = (component.location.line if component.location and component.location.line else 0) - 1
    if not 0 <= first < len(lines):
        return None
    opening = re.match(r"(\s*-\s+)name:\s*[\"']?([^\s\"'#]+)", lines[first])
    if opening is None or opening[2] != component.name:
        return None
    indent = len(opening[1])
    written = " " * indent + f"{option}: {value if _PLAIN.fullmatch(value) else json.dumps(value)}\n"
    for place in range(first + 1, len(lines)):
        line = lines[place]
        if line.strip() and len(line) - len(line.lstrip()) < indent and not line.lstrip().startswith("#"):
            break
        if re.match(rf"\s{{{indent}}}{re.escape(option)}\s*:", line):
            return "".join([*lines[:place], written, *lines[place + 1 :]])
    if not lines[first].endswith("\n"):
        lines[first] += "\n"
    return "".join([*lines[: first + 1], written, *lines[first + 1 :]])
