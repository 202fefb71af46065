"""Rasa's older JSON form of NLU data (`rasa_nlu_data`), read and written."""

from __future__ import annotations

import json
from pathlib import Path

from bot.dialogue.messages import JSON, Entity
from bot.errors import Location
from bot.training_data.nlu_examples import NluData, NluExample
from bot.training_data.nlu_reader import NluReader
from bot.training_data.unknown_keys import warn_misspelled_keys
from bot.training_data.yaml_values import YamlMap, kind, plain

ROOT = "rasa_nlu_data"
_EXAMPLE_KEYS = ("common_examples", "intent_examples", "entity_examples")

_CONTENT_KEYS = (*_EXAMPLE_KEYS, "entity_synonyms", "regex_features", "lookup_tables")
_ENTITY_KEYS = ("start", "end", "value", "entity", "role", "group", "extractor", "confidence")


def is_nlu_json(document: JSON) -> bool:
    """Tell whether a JSON file holds Rasa's NLU format."""
    return isinstance(document, dict) and isinstance(document.get(ROOT), dict)


def read_nlu_json(document: YamlMap, reader: NluReader) -> None:
    """Add the examples, synonyms, regexes and lookup tables of one file."""
    content = document[ROOT]
    warn_misspelled_keys(content, reader.findings, known=_CONTENT_KEYS)
    for key in _EXAMPLE_KEYS:
        for example in _maps(content, key, reader):
            _example(example, reader)
    for item in _maps(content, "entity_synonyms", reader):
        warn_misspelled_keys(item, reader.findings, known=("value", "synonyms"))
        synonyms = item.get("synonyms") or []
        if not isinstance(synonyms, list):
            message = f"'synonyms' must be a list, found {kind(synonyms)}"
            reader.findings.error("nlu-schema", message, item.at("synonyms"))
            continue
        for surface in synonyms:
            reader.add_synonym(str(surface), str(item.get("value")), item.at())
    for item in _maps(content, "regex_features", reader):
        warn_misspelled_keys(item, reader.findings, known=("name", "pattern"))
        reader.add_regex(str(item.get("name")), str(item.get("pattern")), item.at())
    for item in _maps(content, "lookup_tables", reader):
        warn_misspelled_keys(item, reader.findings, known=("name", "elements"))
        reader.lookups.setdefault(str(item.get("name")), []).extend(_elements(item, reader))


def _maps(content: YamlMap, key: str, reader: NluReader) -> list[YamlMap]:
    items = content.get(key) or []
    good = [item for item in items if isinstance(item, YamlMap)] if isinstance(items, list) else []
    if not isinstance(items, list) or len(good) < len(items):
        message = f"'{key}' must be a list of mappings, found {kind(items)}"
        reader.findings.error("nlu-schema", message, content.at(key))
    return good


def _example(example: YamlMap, reader: NluReader) -> None:
    warn_misspelled_keys(example, reader.findings, known=("text", "intent", "entities", "metadata"))
    text = example.get("text")
    if not isinstance(text, str):
        reader.findings.error("nlu-schema", "an example needs 'text'", example.at())
        return
    entities = [
        Entity.from_dict({"value": text[item["start"] : item["end"]], **plain(item)})
        for item in _maps(example, "entities", reader)
        if _is_entity(item, reader)
    ]
    metadata = {"example": plain(example["metadata"])} if example.get("metadata") else {}
    reader.add_example(text, str(example.get("intent") or ""), tuple(entities), metadata, example.at())


def _is_entity(item: YamlMap, reader: NluReader) -> bool:
    """Note what an entity lacks, or has in a form that nobody can look up."""
    warn_misspelled_keys(item, reader.findings, known=_ENTITY_KEYS)
    missing = [key for key in ("entity", "start", "end") if item.get(key) is None]
    if missing:
        message = f"an entity needs 'entity', 'start' and 'end', missing {', '.join(missing)}"
        reader.findings.error("nlu-schema", message, item.at())
        return False
    for key in ("start", "end", "entity", "role", "group"):
        wanted = int if key in ("start", "end") else str
        if not isinstance(item.get(key), wanted | None):
            words = "a number" if wanted is int else "text"
            message = f"'{key}' of an entity must be {words}, found {kind(item[key])}"
            reader.findings.error("nlu-schema", message, item.at(key))
            return False
    return True


def _elements(item: YamlMap, reader: NluReader) -> list[str]:
    """Return a table's phrases; text instead of a list names a file with one phrase per line."""
    elements = item.get("elements") or []
    if isinstance(elements, list):
        return [str(element) for element in elements]
    here = Path(item.file).parent / str(elements)
    try:
        path = here if here.exists() else Path(str(elements))
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        message = f"cannot read the lookup table '{elements}': {reason}"
        reader.findings.error("lookup-file", message, Location(item.file, item.line))
        return []
    return [line.strip() for line in lines if line.strip()]


def write_nlu_json(data: NluData) -> str:
    """Write examples, synonyms, regexes and lookup tables in this form."""
    surfaces: dict[str, list[str]] = {}
    for surface, value in data.synonyms.items():
        surfaces.setdefault(value, []).append(surface)
    content = {
        "common_examples": [_written(example) for example in data.examples],
        "entity_synonyms": [{"value": value, "synonyms": rows} for value, rows in surfaces.items()],
        "regex_features": [
            {"name": name, "pattern": pattern} for name, rows in data.regexes.items() for pattern in rows
        ],
        "lookup_tables": [{"name": name, "elements": list(rows)} for name, rows in data.lookups.items()],
    }
    return json.dumps({ROOT: content}, ensure_ascii=False, indent=2) + "\n"


def _written(example: NluExample) -> dict[str, JSON]:
    written: dict[str, JSON] = {"text": example.text, "intent": example.intent}
    if example.entities:
        written["entities"] = [entity.as_dict() for entity in example.entities]
    if example.metadata.get("example"):
        written["metadata"] = example.metadata["example"]
    return written
