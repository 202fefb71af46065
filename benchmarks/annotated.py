"""Annotated sentences for the entity benchmark: CoNLL columns, lines of JSON, or Rasa's YAML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bot.dialogue.messages import Entity
from bot.training_data.findings import Findings
from bot.training_data.nlu_examples import NluData, NluExample
from bot.training_data.nlu_reader import NluReader
from bot.training_data.yaml_files import read_yaml
from language.tokens import is_unspaced

UNKNOWN_INTENT = "message"
_INTENT_LINE = "# intent:"


class UnreadableData(Exception):
    """A data file whose lines do not fit together; the message has file and line."""


def read(path: Path) -> NluData:
    """Read a file by its ending.

    `.yml`: NLU data as Rasa writes it, with regexes, lookups and synonyms. `.jsonl`: an object a line with
    `tokens`, `tags` (BIO) and `intent`. Anything else: CoNLL, a word a line with its tag in the last column,
    an empty line between sentences, `# intent: NAME` before one if it has an intent.

    Raises:
        UnreadableData: Words and tags do not fit together.
        InvalidProject: The YAML is none, or no NLU data.
    """
    if path.suffix in {".yml", ".yaml"}:
        return _rasa_data(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = _json_rows(lines, path) if path.suffix == ".jsonl" else _conll_rows(lines, path)
    return NluData(tuple(annotated(tokens, tags, intent) for tokens, tags, intent in rows))


def _rasa_data(path: Path) -> NluData:
    findings = Findings()
    reader = NluReader(findings)
    reader.read(read_yaml(path))
    findings.raise_errors()
    return reader.data({})


_Row = tuple[list[str], list[str], str]


def _json_rows(lines: Iterable[str], path: Path) -> Iterator[_Row]:
    for number, line in enumerate(lines, 1):
        row = json.loads(line)
        if len(row["tokens"]) != len(row["tags"]):
            raise UnreadableData(
                f"{path}:{number}: {len(row['tokens'])} tokens and {len(row['tags'])} tags found"
            )
        yield row["tokens"], row["tags"], row.get("intent") or UNKNOWN_INTENT


def _conll_rows(lines: Iterable[str], path: Path) -> Iterator[_Row]:
    tokens: list[str] = []
    tags: list[str] = []
    intent = UNKNOWN_INTENT
    for number, line in enumerate([*lines, ""], 1):
        columns = line.split()
        if line.startswith(_INTENT_LINE):
            intent = line.removeprefix(_INTENT_LINE).strip()
        elif len(columns) == 1:
            raise UnreadableData(f"{path}:{number}: '{line}' found, a word and its tag expected")
        elif columns and columns[0] != "-DOCSTART-":
            tokens.append(columns[0])
            tags.append(columns[-1])
        elif tokens:
            yield tokens, tags, intent
            tokens, tags, intent = [], [], UNKNOWN_INTENT


def annotated(tokens: Sequence[str], tags: Sequence[str], intent: str) -> NluExample:
    """Join tokens to a text and their BIO tags to entities; an I without its B begins one.

    A space stands between tokens unless both belong to a script that is written without spaces.
    """
    text, spans, before = "", list[tuple[int, int, str]](), "O"
    for token, tag in zip(tokens, tags, strict=True):
        if text and not (is_unspaced(text[-1]) and is_unspaced(token[0])):
            text += " "
        start, text = len(text), text + token
        if tag.startswith("I-") and before[2:] == tag[2:]:
            spans[-1] = (spans[-1][0], len(text), tag[2:])
        elif tag != "O":
            spans.append((start, len(text), tag[2:]))
        before = tag
    return NluExample(
        text, intent, tuple(Entity(name, text[start:end], start, end) for start, end, name in spans)
    )
