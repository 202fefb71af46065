"""NLU data as a file of Rasa's YAML."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from bot.dialogue.messages import JSON
from bot.training_data.entity_markup import render
from bot.training_data.nlu_examples import NluData, NluExample
from bot.training_data.yaml_files import NEWEST_VERSION

_LINE_WIDTH = 4096


def write_nlu(data: NluData) -> str:
    """Write examples by intent, then synonyms, regexes, lookup tables and answers of retrieval intents.

    Reading it again gives the same data, but for the order of examples of different intents.
    """
    document: dict[str, JSON] = {
        "version": DoubleQuotedScalarString(NEWEST_VERSION),
        "nlu": [*_intents(data.examples), *_tables(data)],
    }
    if data.sentiment_examples:
        moods: dict[str, list[str]] = {}
        for example in data.sentiment_examples:
            moods.setdefault(example.value, []).append(example.text)
        document["sentiment"] = [
            {"value": value, "examples": _block(texts)} for value, texts in moods.items()
        ]
    if data.responses:
        document["responses"] = {
            f"utter_{name}": [{"text": text} for text in texts] for name, texts in data.responses.items()
        }
    yaml = YAML()
    yaml.width = _LINE_WIDTH
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def _intents(examples: Iterable[NluExample]) -> Iterator[JSON]:
    by_intent: dict[str, list[NluExample]] = {}
    for example in examples:
        by_intent.setdefault(example.intent, []).append(example)
    for intent, rows in by_intent.items():
        if any(row.metadata or "\n" in row.text for row in rows):
            yield {"intent": intent, "examples": [_long(row) for row in rows]}
        else:
            yield {"intent": intent, "examples": _block(render(row.text, row.entities) for row in rows)}


def _long(example: NluExample) -> JSON:
    """Write an example with its own metadata, those of its intent included."""
    metadata = {**(example.metadata.get("intent") or {}), **(example.metadata.get("example") or {})}
    long: dict[str, JSON] = {"text": LiteralScalarString(render(example.text, example.entities) + "\n")}
    return {**long, "metadata": metadata} if metadata else long


def _tables(data: NluData) -> Iterator[JSON]:
    surfaces: dict[str, list[str]] = {}
    for surface, value in data.synonyms.items():
        surfaces.setdefault(value, []).append(surface)
    named: Iterable[tuple[str, Mapping[str, Iterable[str]]]] = (
        ("synonym", surfaces),
        ("regex", data.regexes),
        ("lookup", data.lookups),
    )
    for key, table in named:
        for name, lines in table.items():
            yield {key: name, "examples": _block(lines)}


def _block(lines: Iterable[str]) -> JSON:
    return LiteralScalarString("".join(f"- {line}\n" for line in lines))
