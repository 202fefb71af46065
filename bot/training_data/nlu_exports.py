"""NLU data as Dialogflow, LUIS and Wit.ai export them; Rasa reads these three, others are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bot.dialogue.messages import JSON, Entity
from bot.errors import Location
from bot.training_data.nlu_json import is_nlu_json
from bot.training_data.nlu_reader import NluReader
from bot.training_data.yaml_values import YamlList, YamlMap, kind

_OUT_OF_SCOPE = "out_of_scope"
_IGNORED = "@sys.ignore"
_USER_SAYS, _ENTRIES = "_usersays_", "_entries_"
_NEWEST_LUIS = 7
_SNIPS = "snips"


def is_export(document: JSON, path: Path) -> bool:
    """Tell whether a JSON file belongs to an export, by its keys or, for parts of an agent, by its name."""
    return export_kind(document, path) is not None


def export_kind(document: JSON, path: Path) -> str | None:
    """Return what a JSON file is a part of: Rasa's own heuristics in their order, and Snips."""
    if isinstance(document, YamlList):
        return "dialogflow part" if _USER_SAYS in path.name or _ENTRIES in path.name else None
    if not isinstance(document, YamlMap) or is_nlu_json(document):
        return None
    marks: tuple[tuple[str, bool], ...] = (
        ("luis", "luis_schema_version" in document),
        ("wit", "utterances" in document),
        ("dialogflow agent", "supportedLanguages" in document or set(document) == {"version"}),
        ("dialogflow intent", "responses" in document and "name" in document),
        ("dialogflow entity", "isEnum" in document),
        (_SNIPS, isinstance(document.get("intents"), dict) and "entities" in document),
    )
    return next((name for name, is_it in marks if is_it), None)


def read_export(
    document: YamlMap, path: Path, parts: Mapping[Path, YamlList], reader: NluReader, language: str
) -> None:
    """Add what one file of an export teaches.

    Args:
        document: An intent, an entity or an agent of Dialogflow, or a whole export of LUIS or Wit.ai.
        path: Its file, beside which Dialogflow's examples lie.
        parts: The lists among the JSON files: Dialogflow's examples and entries, by file.
        reader: Collects the data.
        language: Which examples of a Dialogflow agent are read.
    """
    readers: dict[str, Callable[[], None]] = {
        "luis": lambda: _luis(document, reader),
        "wit": lambda: _wit(document, reader),
        "dialogflow intent": lambda: _intent(document, _beside(path, _USER_SAYS, language), parts, reader),
        "dialogflow entity": lambda: _entity(document, _beside(path, _ENTRIES, language), parts, reader),
    }
    found = export_kind(document, path)
    if found == _SNIPS:
        message = "an export of Snips cannot be read; write its sentences as 'nlu:' in YAML"
        reader.findings.error("nlu-export", message, document.at())
    elif found in readers:
        readers[found]()


def _beside(path: Path, part: str, language: str) -> Path:
    return path.with_name(f"{path.stem}{part}{language}.json")


def _luis(document: YamlMap, reader: NluReader) -> None:
    version = str(document["luis_schema_version"]).split(".")[0]
    if not version.isdecimal() or int(version) > _NEWEST_LUIS:
        message = f"LUIS schema {document['luis_schema_version']} is newer than {_NEWEST_LUIS}: read as that"
        reader.findings.warn("nlu-export", message, document.at("luis_schema_version"))
    for row in _maps(document, "utterances", reader):
        text = _text(row, "text", reader)
        entities = [
            _placed(item, text, item.get("startPos"), _after(item.get("endPos")), reader)
            for item in _maps(row, "entities", reader)
        ]
        _add(reader, text, str(row.get("intent") or ""), entities, row.at())
    for row in _maps(document, "regex_features", reader):
        if row.get("activated"):
            reader.add_regex(str(row.get("name")), str(row.get("pattern")), row.at())
    for row in _maps(document, "regex_entities", reader):
        reader.add_regex(str(row.get("name")), str(row.get("regexPattern")), row.at())


def _after(position: JSON) -> JSON:
    """LUIS counts up to the last character, we count behind it."""
    return position + 1 if isinstance(position, int) and not isinstance(position, bool) else position


def _wit(document: YamlMap, reader: NluReader) -> None:
    for row in _maps(document, "utterances", reader):
        if row.get("entities") is None:
            continue
        text = _text(row, "text", reader)
        entities = [
            _placed(item, text, item.get("start"), item.get("end"), reader)
            for item in _maps(row, "entities", reader)
        ]
        _add(reader, text, str(row.get("intent") or _OUT_OF_SCOPE), entities, row.at())


def _placed(item: YamlMap, text: str, start: JSON, end: JSON, reader: NluReader) -> Entity | None:
    """Return an entity at its place; `location:from` is the entity and its role, as Wit.ai writes it."""
    name = item.get("entity")
    places = [place for place in (start, end) if isinstance(place, int) and not isinstance(place, bool)]
    if not isinstance(name, str) or len(places) != 2 or not 0 <= places[0] < places[1] <= len(text):
        found = f"{name!r} from {start!r} to {end!r}"
        message = f"an entity needs its name and its place in {text!r}, found {found}"
        reader.findings.error("nlu-export", message, item.at())
        return None
    entity, _, role = name.rpartition(":") if ":" in name else (name, "", "")
    written = item.get("role")
    value = str(item.get("body") or text[places[0] : places[1]])
    named = role or (written if isinstance(written, str) else None)
    return Entity(entity, value, places[0], places[1], role=named)


def _intent(document: YamlMap, file: Path, parts: Mapping[Path, YamlList], reader: NluReader) -> None:
    examples = _part(file, parts, reader, document, "sentences")
    for row in examples:
        text, entities = "", list[Entity | None]()
        for chunk in _maps(row, "data", reader):
            words = _text(chunk, "text", reader)
            name = chunk.get("alias") or chunk.get("meta")
            if isinstance(name, str) and chunk.get("meta") != _IGNORED and words:
                entities.append(Entity(name, words, len(text), len(text) + len(words)))
            text += words
        _add(reader, text, str(document.get("name") or ""), entities, row.at())


def _entity(document: YamlMap, file: Path, parts: Mapping[Path, YamlList], reader: NluReader) -> None:
    name = str(document.get("name"))
    for row in _part(file, parts, reader, document, "entries"):
        listed = row.get("synonyms")
        for synonym in map(str, listed if isinstance(listed, list) else ()):
            if document.get("isRegexp"):
                reader.add_regex(name, synonym, row.at())
            elif "@" not in synonym:  # an entity made of others
                reader.lookups.setdefault(name, []).append(synonym)
                if row.get("value") is not None and synonym != row["value"]:
                    reader.add_synonym(synonym, str(row["value"]), row.at())


def _part(
    file: Path, parts: Mapping[Path, YamlList], reader: NluReader, owner: YamlMap, what: str
) -> list[YamlMap]:
    rows = parts.get(file)
    if rows is None:
        message = f"'{owner.get('name')}' has no {what}: expected {file.name} beside it"
        reader.findings.warn("nlu-export", message, owner.at())
    return [row for row in rows or () if isinstance(row, YamlMap)]


def _maps(content: YamlMap, key: str, reader: NluReader) -> list[YamlMap]:
    items = content.get(key) or []
    if not isinstance(items, list) or not all(isinstance(item, YamlMap) for item in items):
        message = f"'{key}' must be a list of mappings, found {kind(items)}"
        reader.findings.error("nlu-export", message, content.at(key))
        return []
    return items


def _text(row: YamlMap, key: str, reader: NluReader) -> str:
    text = row.get(key)
    if isinstance(text, str):
        return text
    reader.findings.error("nlu-export", f"'{key}' must be text, found {kind(text)}", row.at(key))
    return ""


def _add(reader: NluReader, text: str, intent: str, entities: list[Entity | None], place: Location) -> None:
    if text.strip():
        found = tuple(entity for entity in entities if entity is not None)
        reader.add_example(text, intent, found, {}, place)
