"""Reading one section of a file of settings into the dataclass of the part that it configures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from bot.dialogue.messages import JSON
from bot.errors import SettingsError, nearest
from bot.training_data.yaml_values import YamlMap

T = TypeVar("T")

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_options(
    cls: Callable[..., T], section: Mapping[str, JSON], where: str, *, file: str = "endpoints.yml"
) -> T:
    """Build the options from a section; its keys are the dataclass's fields, `type` is passed over.

    Args:
        cls: A dataclass whose fields are texts, numbers, switches, mappings or lists of texts.
        section: What stands in the file.
        where: The section's name, for messages.
        file: Where it stands, for messages, should the section not know.

    Raises:
        SettingsError: A key is unknown or its value is of the wrong kind.
    """
    kinds = get_type_hints(cls)
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type] # a dataclass, which has no type
    values: dict[str, Any] = {}
    for key, value in section.items():
        if key == "type":
            continue
        if key not in known:
            raise SettingsError(
                f"{place_of(section, key, file)}: {where} has no setting '{key}'{nearest(str(key), known)}; "
                f"expected {', '.join(known)}"
            )
        if value is not None:
            values[key] = _read_value(kinds[key], value, f"{place_of(section, key, file)}: {where}.{key}")
    try:
        return cls(**values)
    except SettingsError as error:
        raise SettingsError(f"{place_of(section, file=file)}: {where}: {error}") from None


def place_of(section: JSON, key: str | None = None, file: str = "endpoints.yml") -> str:
    """Return file and line of a section or of one of its keys, as far as they are known."""
    return str(section.at(key)) if isinstance(section, YamlMap) else file


def _read_value(kind: Any, value: JSON, where: str) -> Any:
    """Take a value as its field's type; numbers and switches may come as text, from the environment."""
    readers: dict[Any, tuple[str, Callable[[JSON], Any]]] = {
        "str": ("text", _text),
        "int": ("a whole number", lambda found: int(_number(found))),
        "float": ("a number", lambda found: float(_number(found))),
        "bool": ("true or false", _switch),
        "Mapping": ("a mapping", _mapping),
        "tuple": ("a list of texts", _texts),
    }
    name = next(name for name in ("Mapping", "tuple", "float", "bool", "int", "str") if name in str(kind))
    expected, read = readers[name]
    try:
        return read(value)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise SettingsError(f"{where} is {value!r}, expected {expected}") from None


def _text(found: JSON) -> str:
    if isinstance(found, dict | list | bool):
        raise TypeError
    return str(found)


def _number(found: JSON) -> JSON:
    if isinstance(found, bool):
        raise TypeError
    return found


def _switch(found: JSON) -> bool:
    return found if isinstance(found, bool) else _WORDS[str(found).lower()]


def _mapping(found: JSON) -> Mapping[str, JSON]:
    if not isinstance(found, dict):
        raise TypeError
    return dict(found)


def _texts(found: JSON) -> tuple[str, ...]:
    return tuple(_text(item) for item in found) if isinstance(found, list) else (_text(found),)
