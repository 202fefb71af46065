"""`frontdesk data`: Rasa's spellings, and the split of the NLU data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.data import TEST_FILE, TRAINING_FILE, split_examples
from bot.cli.init import write_starter
from bot.dialogue.messages import Entity
from bot.training_data.findings import Findings
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from bot.training_data.nlu_reader import NluReader
from bot.training_data.nlu_writer import write_nlu
from bot.training_data.yaml_files import parse_yaml


def _read(text: str) -> NluData:
    findings = Findings()
    reader = NluReader(findings)
    reader.read(parse_yaml(text))
    findings.raise_errors()
    return reader.data({})


def _content(example: NluExample) -> tuple[object, ...]:
    return example.text, example.intent, example.entities, dict(example.metadata)


RICH = NluData(
    examples=(
        NluExample("to Oslo: now", "travel", (Entity("city", "Oslo", 3, 7, role="to"),)),
        NluExample("from NYC", "travel", (Entity("city", "New York", 5, 8),)),
        NluExample("去上海", "travel", (Entity("city", "上海", 1, 3),)),
        NluExample("# not a comment", "faq/odd"),
        NluExample("two\nlines", "note", (), {"example": {"source": "mail"}}),
    ),
    sentiment_examples=(SentimentExample("what a mess", "negative"),),
    synonyms={"NYC": "New York"},
    regexes={"zip": (r"\d{5}", "x: y")},
    lookups={"city": ("Oslo", "上海")},
    responses={"faq/odd": ("an answer",)},
)


def test_written_data_are_read_as_they_were() -> None:
    """Entities with roles, synonyms, tables, sentiment and several lines survive writing and reading."""
    again = _read(write_nlu(RICH))
    assert list(map(_content, again.examples)) == list(map(_content, RICH.examples))
    assert [(row.text, row.value) for row in again.sentiment_examples] == [("what a mess", "negative")]
    assert (again.synonyms, again.regexes, again.lookups, again.responses) == (
        RICH.synonyms,
        RICH.regexes,
        RICH.lookups,
        RICH.responses,
    )


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    fraction=st.floats(0.05, 0.95),
    seed=st.integers(0, 99),
)
def test_a_split_loses_nothing_and_keeps_every_intent(sizes: list[int], fraction: float, seed: int) -> None:
    """Every sentence is in one part; an intent of two or more stands in both, of one in the training part."""
    examples = tuple(NluExample(f"t{i} {n}", f"i{i}") for i, size in enumerate(sizes) for n in range(size))
    training, test = split_examples(NluData(examples), fraction, seed)
    assert Counter(row.text for part in (training, test) for row in part.examples) == Counter(
        row.text for row in examples
    )
    for index, size in enumerate(sizes):
        parts = [sum(row.intent == f"i{index}" for row in part.examples) for part in (training, test)]
        assert parts[0] >= 1
        assert (parts[1] >= 1) == (size > 1)


def test_split_writes_two_files(tmp_path: Path) -> None:
    """The starter's sentences stand in two files, an eighth held back as told."""
    write_starter(tmp_path)
    arguments = ["--project", str(tmp_path), "--out", str(tmp_path / "out"), "--training-fraction", "0.875"]
    result = CliRunner().invoke(app, ["data", "split", "nlu", *arguments])
    assert result.exit_code == 0, result.output
    training, test = (
        _read((tmp_path / "out" / name).read_text("utf-8")) for name in (TRAINING_FILE, TEST_FILE)
    )
    assert len(training.examples) > 5 * len(test.examples)
    assert {row.intent for row in test.examples} == {row.intent for row in training.examples}


@pytest.mark.parametrize("arguments", [("validate",), ("data", "validate")], ids=" ".join)
def test_validate_has_two_spellings(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Both find the same mistake and end with an error."""
    write_starter(tmp_path)
    domain = tmp_path / "domain.yml"
    domain.write_text(domain.read_text("utf-8").replace("type: from_entity", "type: from_entitty"), "utf-8")
    result = CliRunner().invoke(app, [*arguments, "--project", str(tmp_path)], env={"COLUMNS": "300"})
    assert result.exit_code == 1
    assert "did you mean 'from_entity'" in result.output
