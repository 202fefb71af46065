"""Reading and writing small files, and warnings, as components ask Rasa for them."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.dialogue.messages import JSON
from bot.training_data.yaml_files import parse_yaml
from bot.training_data.yaml_values import plain

DEFAULT_ENCODING = "utf-8"


def raise_warning(message: str, category: type[Warning] | None = None, docs: str | None = None) -> None:
    """Warn a bot developer."""
    warnings.warn(f"{message} ({docs})" if docs else message, category or UserWarning, stacklevel=2)


def raise_deprecation_warning(message: str, docs: str | None = None) -> None:
    """Warn of something that ends."""
    raise_warning(message, FutureWarning, docs)


def read_file(filename: str | Path, encoding: str = DEFAULT_ENCODING) -> str:
    """Return the text of a file."""
    return Path(filename).read_text(encoding=encoding)


def write_text_file(
    content: str, file_path: str | Path, encoding: str = DEFAULT_ENCODING, append: bool = False
) -> None:
    """Write a text into a file, or to its end."""
    with Path(file_path).open("a" if append else "w", encoding=encoding) as file:
        file.write(content)


def read_json_file(filename: str | Path) -> JSON:
    """Return the content of a JSON file."""
    return json.loads(read_file(filename))


def dump_obj_as_json_to_file(filename: str | Path, obj: JSON) -> None:
    """Write a JSON file."""
    write_text_file(json_to_string(obj), filename)


def json_to_string(obj: JSON, **kwargs: Any) -> str:
    """Return JSON text, indented."""
    return json.dumps(obj, **{"indent": 2, "ensure_ascii": False, **kwargs})


def read_yaml(content: str, reader_type: object = "safe") -> JSON:  # noqa: ARG001 (Rasa's signature)
    """Return the content of YAML text, read as project files are."""
    return plain(parse_yaml(content, "YAML"))


def read_yaml_file(filename: str | Path, reader_type: object = "safe") -> JSON:  # noqa: ARG001
    """Return the content of a YAML file."""
    return plain(parse_yaml(read_file(filename), str(filename)))


read_config_file = read_yaml_file


def list_files(path: str | Path) -> list[str]:
    """Return the files below a folder, or the file itself; hidden ones are left out."""
    root = Path(path)
    found = [root] if root.is_file() else sorted(root.rglob("*"))
    return [str(file) for file in found if file.is_file() and not file.name.startswith(".")]


def create_directory(directory_path: str | Path) -> None:
    """Make a folder and those above it."""
    Path(directory_path).mkdir(parents=True, exist_ok=True)


def create_directory_for_file(file_path: str | Path) -> None:
    """Make the folder of a file."""
    create_directory(Path(file_path).parent)


def get_text_hash(text: str, encoding: str = DEFAULT_ENCODING) -> str:
    """Return a short name for a text."""
    return hashlib.md5(text.encode(encoding), usedforsecurity=False).hexdigest()


def deep_container_fingerprint(obj: Any, encoding: str = DEFAULT_ENCODING) -> str:
    """Return a name for a value: equal for equal ones, whatever the order of keys."""
    ordered = json.dumps(obj, sort_keys=True, default=_fingerprinted)
    return get_text_hash(ordered, encoding)


def get_dictionary_fingerprint(dictionary: Mapping[str, Any]) -> str:
    """Return a name for a mapping."""
    return deep_container_fingerprint(dict(dictionary))


def _fingerprinted(value: Any) -> str:
    own = getattr(value, "fingerprint", None)
    return str(own()) if callable(own) else str(value)
