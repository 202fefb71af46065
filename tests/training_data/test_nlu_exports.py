"""Exports of Dialogflow, LUIS and Wit.ai teach what they teach in Rasa; whatever is wrong has its line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given

from bot.dialogue.messages import JSON
from bot.errors import InvalidProject
from bot.training_data.nlu_examples import NluData
from bot.training_data.nlu_json import write_nlu_json
from bot.training_data.project import Project, read_nlu
from tests.training_data.generated_projects import damaged_files
from tests.training_data.generated_projects import write as write_bytes
from tests.training_data.test_generated_projects import EXAMPLES, complaint, findings_of

LUIS = {
    "luis_schema_version": "7.0.0",
    "regex_entities": [{"name": "order", "regexPattern": "LC[0-9]{6}"}],
    "regex_features": [{"name": "old", "pattern": "x", "activated": False}],
    "utterances": [
        {
            "text": "send it to Oslo",
            "intent": "ship",
            "entities": [{"entity": "city", "role": "to", "startPos": 11, "endPos": 14}],
        },
        {"text": "hello", "intent": "greet"},
    ],
}
WIT = {
    "utterances": [
        {
            "text": "from Rome",
            "intent": "ship",
            "entities": [{"entity": "city:from", "start": 5, "end": 9, "body": "Rome"}],
            "traits": [],
        },
        {"text": "what a day", "entities": [], "traits": []},
        {"text": "passed over"},
    ]
}
AGENT: dict[str, JSON] = {
    "agent.json": {"language": "en", "supportedLanguages": ["de"]},
    "package.json": {"version": "1.0.0"},
    "intents/ship.json": {"name": "ship", "responses": []},
    "intents/ship_usersays_en.json": [
        {
            "data": [
                {"text": "to "},
                {"text": "Oslo", "alias": "city", "meta": "@city"},
                {"text": " please", "meta": "@sys.ignore"},
            ]
        }
    ],
    "intents/ship_usersays_de.json": [{"data": [{"text": "nach Oslo"}]}],
    "intents/silent.json": {"name": "silent", "responses": []},
    "entities/city.json": {"name": "city", "isEnum": False, "isRegexp": False},
    "entities/city_entries_en.json": [{"value": "Oslo", "synonyms": ["Oslo", "Kristiania", "@other"]}],
    "entities/order.json": {"name": "order", "isEnum": False, "isRegexp": True},
    "entities/order_entries_en.json": [{"value": "LC[0-9]+", "synonyms": ["LC[0-9]+"]}],
}


def write(folder: Path, files: Mapping[str, JSON]) -> Path:
    """Write JSON files below a project's `data`."""
    for name, content in files.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent="\t"), "utf-8")
    return folder


def taught(data: NluData) -> list[tuple[str, str, list[tuple[str, str, str | None]]]]:
    """Return sentences with their intents and entities."""
    return [
        (row.text, row.intent, [(e.entity, str(e.value), e.role) for e in row.entities])
        for row in data.examples
    ]


def problems(folder: Path) -> str:
    """Return what reading a project refuses."""
    with pytest.raises(InvalidProject) as refused:
        Project.load(folder)
    return str(refused.value)


def test_luis(tmp_path: Path) -> None:
    """Entities end behind the last character; patterns that are switched off are left out."""
    data = Project.load(write(tmp_path, {"luis.json": LUIS})).nlu
    assert taught(data) == [("send it to Oslo", "ship", [("city", "Oslo", "to")]), ("hello", "greet", [])]
    assert data.regexes == {"order": ("LC[0-9]{6}",)}


def test_wit(tmp_path: Path) -> None:
    """A role stands behind the entity's name; a sentence without an intent is out of scope."""
    data = Project.load(write(tmp_path, {"wit.json": WIT})).nlu
    assert taught(data) == [
        ("from Rome", "ship", [("city", "Rome", "from")]),
        ("what a day", "out_of_scope", []),
    ]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [("en", [("to Oslo please", "ship", [("city", "Oslo", None)])]), ("de", [("nach Oslo", "ship", [])])],
)
def test_dialogflow(tmp_path: Path, language: str, sentences: list[tuple[str, str, list[object]]]) -> None:
    """An agent's intents and entities are read with the sentences of one language."""
    data = read_nlu([write(tmp_path, AGENT) / "data"], language)
    assert taught(data) == sentences
    if language == "en":
        assert data.lookups == {"city": ("Oslo", "Kristiania")}
        assert data.synonyms == {"Kristiania": "Oslo"}
        assert data.regexes == {"order": ("LC[0-9]+",)}


def test_an_intent_without_sentences_is_noted(tmp_path: Path) -> None:
    """The file that was expected is named."""
    findings = Project.load(write(tmp_path, AGENT)).findings
    noted = [str(finding) for finding in findings if finding.check == "nlu-export"]
    assert len(noted) == 1
    assert "silent.json" in noted[0]
    assert "silent_usersays_en.json" in noted[0]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        pytest.param('{\n"rasa_nlu_data": {\n', 3, "broken JSON", id="cut off"),
        pytest.param('{\n"a": 1,\n"a" 2}', 3, "broken JSON: Expecting ':'", id="no colon"),
        pytest.param(
            '{"utterances":\n [{"text": "hi",\n "entities": [{"entity": "x", "start": 0, "end": 9}]}]}',
            3,
            "its place in 'hi', found 'x' from 0 to 9",
            id="beyond the text",
        ),
        pytest.param('{"luis_schema_version": "7",\n"utterances": 3}', 2, "a list of mappings", id="no list"),
        pytest.param(
            '{"utterances": [\n{"text": 3, "entities": []}]}', 2, "'text' must be text", id="no text"
        ),
        pytest.param(
            '{"luis_schema_version": "7", "regex_entities": [\n{"name": "x", "regexPattern": "("}]}',
            2,
            "pattern that is not one",
            id="broken pattern",
        ),
        pytest.param(
            '{"intents": {"a": {}},\n "entities": {}}', 1, "an export of Snips cannot be read", id="snips"
        ),
        pytest.param(
            '{"rasa_nlu_data": {"regex_features": [\n{"name": "z", "pattern": "["}]}}',
            2,
            "pattern that is not one",
            id="pattern of Rasa's JSON",
        ),
    ],
)
def test_wrong_files_are_refused_with_their_line(tmp_path: Path, content: str, line: int, words: str) -> None:
    """What was found and what was expected, at the place where it stands."""
    told = problems(write(tmp_path, {"nlu.json": content}))
    assert f"nlu.json:{line}: error:" in told
    assert words in told


def test_json_that_is_no_training_data_is_named(tmp_path: Path) -> None:
    """Nobody wonders later why it had no effect."""
    findings = Project.load(write(tmp_path, {"other.json": {"a": 1}})).findings
    assert [finding.check for finding in findings if "other.json" in str(finding.location)] == [
        "file-unknown"
    ]


def test_what_is_written_as_json_is_read_again(tmp_path: Path) -> None:
    r"""Rasa's older form holds sentences, entities, patterns and tables; `\u` stands for its sign."""
    data = read_nlu([write(tmp_path, AGENT) / "data"], "en")
    text = write_nlu_json(data).replace("Oslo", '\\u004fslo \\ud83d\\ude00 \\"q\\"')
    again = read_nlu([write(tmp_path / "again", {"nlu.json": text}) / "data"], "en")
    assert len(again.examples) == len(data.examples)
    assert again.lookups["city"][0] == 'Oslo 😀 "q"'
    assert again.regexes == data.regexes


@EXAMPLES
@given(
    damaged_files(
        {"data/luis.json": LUIS, "data/wit.json": WIT, **{f"data/{k}": v for k, v in AGENT.items()}}
    )
)
def test_a_damaged_export_is_never_more_than_findings(files: Mapping[str, bytes]) -> None:
    """Each mistake has its file and line, as in other files."""
    with tempfile.TemporaryDirectory() as folder:
        findings = findings_of(write_bytes(Path(folder), files))
    assert [(str(item), complaint(item)) for item in findings if complaint(item)] == []


@pytest.mark.shared
@pytest.mark.parametrize(
    ("export", "converted", "language"),
    [
        ("luis/demo-restaurants_v7.json", "luis_converted_to_rasa.json", "en"),
        ("dialogflow", "dialogflow_en_converted_to_rasa.json", "en"),
        ("dialogflow", "dialogflow_es_converted_to_rasa.json", "es"),
    ],
)
def test_rasas_own_conversions(export: str, converted: str, language: str) -> None:
    """The exports among Rasa's fixtures become the sentences that Rasa made of them."""
    fixtures = Path(__file__).parents[3] / "shared/conformance/fixtures"
    if not fixtures.exists():
        pytest.skip("needs the conformance corpus beside the project")
    ours = read_nlu([fixtures / "examples" / export], language)
    theirs = read_nlu([fixtures / "test" / converted], language)
    ours_by_text, theirs_by_text = (
        sorted(((text.strip(), *rest) for text, *rest in taught(data)), key=str) for data in (ours, theirs)
    )
    assert ours_by_text == theirs_by_text
