"""NLU files: what is read, what is passed over, what is refused."""

from __future__ import annotations

import textwrap

import pytest

from bot.dialogue.messages import Entity
from bot.training_data.findings import Findings
from bot.training_data.nlu_examples import NluData
from bot.training_data.nlu_json import read_nlu_json
from bot.training_data.nlu_reader import NluReader
from bot.training_data.yaml_files import parse_yaml


def read(text: str) -> tuple[NluData, Findings]:
    """Read one file and return the data with what was found wrong."""
    findings = Findings()
    reader = NluReader(findings)
    reader.read(parse_yaml(textwrap.dedent(text).lstrip("\n"), "nlu.yml"))
    return reader.data({}), findings


def test_intents_with_entities_and_places() -> None:
    """Examples keep intent, entities and the line they stand in."""
    data, findings = read("""
        nlu:
        - intent: greet
          examples: |
            - hi
            - hello [Ann](name)
        - intent: faq/opening_hours
          examples: |
            - when are you open?
        """)
    assert [(e.text, e.intent, e.location.line if e.location else None) for e in data.examples] == [
        ("hi", "greet", 4),
        ("hello Ann", "greet", 5),
        ("when are you open?", "faq/opening_hours", 8),
    ]
    assert data.examples[1].entities == (Entity("name", "Ann", 6, 9),)
    assert not findings.items


def test_long_form_keeps_metadata_and_line_breaks() -> None:
    """The long form of examples carries metadata and may span lines."""
    data, _ = read("""
        nlu:
        - intent: greet
          metadata: {tone: warm}
          examples:
          - text: |
              Hello,
              my name is [Bo](name)
            metadata: {from: log}
        """)
    (example,) = data.examples
    assert example.text == "Hello,\nmy name is Bo"
    assert example.metadata == {"intent": {"tone": "warm"}, "example": {"from": "log"}}


def test_same_example_twice_counts_once() -> None:
    """Duplicates within an intent are dropped, the same text of another intent stays."""
    data, _ = read("""
        nlu:
        - intent: greet
          examples: |
            - hi
            - hi
        - intent: bye
          examples: |
            - hi
        """)
    assert [(e.text, e.intent) for e in data.examples] == [("hi", "greet"), ("hi", "bye")]


def test_synonyms_come_from_their_list_and_from_annotations() -> None:
    """A value that differs from what is written is a synonym; a conflict is a warning and the last wins."""
    data, findings = read("""
        nlu:
        - synonym: headphones
          examples: |
            - earphones
            - cans
        - intent: buy
          examples: |
            - some [lamp](category:lamps)
            - some [cans](category:tins)
        """)
    assert data.synonyms == {"earphones": "headphones", "cans": "tins", "lamp": "lamps"}
    assert [item.check for item in findings.items] == ["synonym-conflict"]


def test_regexes_and_lookups_unite_by_name() -> None:
    """Patterns and phrases of one name are collected in file order."""
    data, _ = read("""
        nlu:
        - regex: order_number
          examples: |
            - LC\\d{6}
        - lookup: category
          examples: |
            - lamp
        - lookup: category
          examples: |
            - 耳机
        """)
    assert data.regexes == {"order_number": ("LC\\d{6}",)}
    assert data.lookups == {"category": ("lamp", "耳机")}


def test_retrieval_responses_of_the_domain_join_those_of_the_files() -> None:
    """Answers to retrieval intents are found under their full key, wherever they are written."""
    findings = Findings()
    reader = NluReader(findings)
    reader.read(parse_yaml("responses:\n  utter_faq/a:\n  - text: A\n  utter_plain:\n  - text: B\n"))
    data = reader.data({"utter_faq/b": [{"text": "C"}], "utter_other": [{"text": "D"}]})
    assert data.responses == {"faq/a": ("A",), "faq/b": ("C",)}


def test_sentiment_examples_are_our_own_key() -> None:
    """Rasa passes over `sentiment:`; here it holds sentences by value."""
    data, findings = read("""
        sentiment:
        - value: negative
          examples: |
            - this is the third time!
        - value: angry
          examples: |
            - no
        """)
    assert [(e.text, e.value) for e in data.sentiment_examples] == [("this is the third time!", "negative")]
    assert "one of positive, neutral, negative, found 'angry'" in findings.errors[0].message


def test_lines_without_a_dash_are_passed_over_with_their_line() -> None:
    """An indented or bare line is no example and no continuation."""
    data, findings = read("""
        nlu:
        - intent: greet
          examples: |
            - hi
              - indented
            # a comment
        """)
    assert [e.text for e in data.examples] == ["hi"]
    assert [(item.check, item.location and item.location.line) for item in findings.items] == [
        ("nlu-line", 5),
        ("nlu-line", 6),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"common_examples": [{"intent": "a"}]}', "needs 'text'"),
        ('{"common_examples": [{"text": "a", "entities": [{"entity": "x"}]}]}', "missing start, end"),
        ('{"common_examples": "x"}', "must be a list of mappings"),
        ('{"common_examples": [{"text": "a", "entities": 5}]}', "'entities' must be a list of mappings"),
        (
            '{"common_examples": [{"text": "a", "entities": [{"entity": "x", "start": "0", "end": 1}]}]}',
            "'start' of an entity must be a number, found text",
        ),
        (
            '{"common_examples": [{"text": "a", "entities": [{"entity": [], "start": 0, "end": 1}]}]}',
            "'entity' of an entity must be text, found a list",
        ),
        ('{"entity_synonyms": [{"value": "a", "synonyms": true}]}', "'synonyms' must be a list"),
        ('{"lookup_tables": [{"name": "a", "elements": "' + "x" * 5000 + '"}]}', "File name too long"),
        ('{"lookup_tables": [{"name": "a", "elements": "."}]}', "Is a directory"),
        (
            '{"lookup_tables": [{"name": "a", "elements": "no-such-file.txt"}]}',
            "cannot read the lookup table",
        ),
    ],
)
def test_wrong_json_is_refused(content: str, words: str) -> None:
    """The older form is checked like the newer one."""
    findings = Findings()
    read_nlu_json(parse_yaml(f'{{"rasa_nlu_data": {content}}}', "d.json"), NluReader(findings))
    (error,) = findings.errors
    assert words in error.message


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("- intnt: greet", "did you mean 'intent'?"),
        ("- greet", "must be a mapping"),
        ("- intent: true\n  examples: |\n    - yes", "put quotes around it"),
        ("- intent: a\n  example: |\n    - yes", "did you mean 'examples'?"),
        ("- intent: a\n  examples: [yes]", "needs 'text'"),
        ("- intent: a/b/c\n  examples: |\n    - yes", "more than one '/'"),
        ("- synonym: a\n  examples: [yes]", "expected a block"),
        ("- regex: a\n  examples: |\n    - (", "not one"),
        ('- intent: a\n  examples: |\n    - [x]{"entity": }', "is not JSON"),
    ],
)
def test_wrong_items_are_refused(item: str, words: str) -> None:
    """Each mistake says what was found and what was expected."""
    _, findings = read("nlu:\n" + item + "\n")
    assert any(words in finding.message for finding in findings.errors)
    assert all(finding.location and finding.location.line for finding in findings.errors)


def test_newer_files_are_passed_over() -> None:
    """A file of a version we do not know gives nothing but a warning."""
    data, findings = read('version: "9.0"\nnlu:\n- intent: a\n  examples: |\n    - x\n')
    assert not data.examples
    assert [item.check for item in findings.items] == ["version"]


def test_rasa_json_is_read() -> None:
    """The older JSON form gives the same data."""
    findings = Findings()
    reader = NluReader(findings)
    text = """{"rasa_nlu_data": {
      "common_examples": [{"text": "to Rome", "intent": "go",
                           "entities": [{"entity": "city", "start": 3, "end": 7}]}],
      "entity_synonyms": [{"value": "Rome", "synonyms": ["Roma"]}],
      "regex_features": [{"name": "zip", "pattern": "[0-9]{5}"}],
      "lookup_tables": [{"name": "city", "elements": ["Rome", "Oslo"]}]}}"""
    read_nlu_json(parse_yaml(text, "data.json"), reader)
    data = reader.data({})
    assert data.examples[0].entities == (Entity("city", "Rome", 3, 7),)
    assert (data.synonyms, data.regexes, data.lookups) == (
        {"Roma": "Rome"},
        {"zip": ("[0-9]{5}",)},
        {"city": ("Rome", "Oslo")},
    )
    assert not findings.items
