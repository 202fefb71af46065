"""`frontdesk markers` finds in stored conversations what Rasa finds, and what it overlooks."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, Event, SessionStarted, SlotSet, UserUttered
from bot.dialogue.messages import Intent, ParseResult, UserMessage
from bot.errors import InvalidProject
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.training_data.domain_file import build_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.markers import find_marks, read_markers
from bot.training_data.yaml_files import parse_yaml
from crm_connector import database

DOMAIN = """\
version: "3.1"
intents: [greet, bye]
slots:
  city: {type: text, mappings: [{type: custom}]}
responses:
  utter_hi: [{text: hi}]
"""


def _domain() -> Domain:
    return build_domain(parse_domain(parse_yaml(DOMAIN), Findings()), Findings())


def _said(intent: str) -> UserUttered:
    return UserUttered(text=intent, parse_data=ParseResult(intent, Intent(intent, 1.0)))


EVENTS: tuple[Event, ...] = (
    ActionExecuted(name="action_session_start"),
    SessionStarted(),
    ActionExecuted(name="action_listen"),
    _said("greet"),
    SlotSet(name="city", value="Oslo"),
    ActionExecuted(name="utter_hi"),
    ActionExecuted(name="action_listen"),
    _said("greet"),
    ActionExecuted(name="utter_hi"),
    SlotSet(name="city", value=None),
    ActionExecuted(name="utter_hi"),
    ActionExecuted(name="action_session_start"),
    _said("bye"),
    ActionExecuted(name="action_listen"),
)


def _marks(tmp_path: Path, marker: str) -> list[list[tuple[int, int]]]:
    (tmp_path / "markers.yml").write_text(f"it:\n  {marker}\n", encoding="utf-8")
    markers = read_markers(tmp_path / "markers.yml", _domain())
    found = find_marks(markers, EVENTS)
    return [[(mark.event_index, mark.preceding_user_turns) for mark in session["it"]] for session in found]


@pytest.mark.parametrize(
    ("marker", "first", "second"),
    [
        # What Rasa 3.6.21 finds in the same events.
        pytest.param("intent: greet", [(3, 0), (7, 1)], [], id="intent"),
        pytest.param("and: [slot_was_set: city, action: utter_hi]", [(5, 1), (8, 2)], [], id="and"),
        pytest.param("at_least_once: [intent: greet]", [(3, 0)], [], id="at-least-once"),
        pytest.param("seq: [intent: greet, action: utter_hi]", [(5, 1), (8, 2)], [], id="seq"),
        pytest.param(
            "or: [intent: bye, slot_was_set: city]",
            [(4, 1), (5, 1), (6, 1), (7, 1), (8, 2)],
            [(12, 0)],
            id="or",
        ),
        pytest.param(
            "not: [intent: greet]",
            [(0, 0), (1, 0), (2, 0), (4, 1), (5, 1), (6, 1), (8, 2), (9, 2), (10, 2)],
            [(11, 0), (12, 0), (13, 1)],
            id="not",
        ),
        # What it overlooks: the negation of these.
        pytest.param(
            "and: [not_intent: greet, action: utter_hi]", [(5, 1), (8, 2), (10, 2)], [], id="not-intent"
        ),
        pytest.param("and: [slot_was_not_set: city, action: utter_hi]", [(10, 2)], [], id="not-set"),
        pytest.param("at_least_one_not: [not_action: utter_hi]", [(5, 1), (8, 2), (10, 2)], [], id="one-not"),
        pytest.param("never: [intent: bye]", [(10, 2)], [], id="never"),
    ],
)
def test_markers_apply_where_they_should(
    tmp_path: Path, marker: str, first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    """Each session by itself, with the index in the conversation and the messages before."""
    assert _marks(tmp_path, marker) == [first, second]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "a:\n  intent: grete", "markers.yml:2: .*no intent 'grete', did you mean 'greet'", id="name"
        ),
        pytest.param("a:\n  sequence: []", "markers.yml:2: .*'sequence'", id="operator"),
        pytest.param(
            "a:\n  never:\n  - intent: bye\n  - intent: greet", "markers.yml:2: .*one marker", id="two"
        ),
        pytest.param("and:\n- intent: bye", "markers.yml:1: .*name of an operator", id="no-name"),
        pytest.param("a: greet", "markers.yml:1: .*one condition", id="text"),
        pytest.param("- a", "markers.yml:1: .*must map names", id="list"),
    ],
)
def test_a_wrong_marker_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    """File, line, what was found, and the nearest name."""
    (tmp_path / "markers.yml").write_text(text + "\n", encoding="utf-8")
    with pytest.raises(InvalidProject, match=told):
        read_markers(tmp_path / "markers.yml", _domain())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store the conversation twice, under two ids."""
    monkeypatch.delenv("FRONTDESK_CRM_URL", raising=False)
    (tmp_path / "domain.yml").write_text(DOMAIN, encoding="utf-8")
    (tmp_path / "markers.yml").write_text("hello:\n  intent: greet\nbye:\n  intent: bye\n", encoding="utf-8")
    crm = database.open(f"sqlite:///{tmp_path / 'crm.db'}")
    for sender in ("mia", "leo"):
        CrmTrackerStore(crm).append(UserMessage("hi", sender, "rest", message_id=sender), EVENTS)
    crm.close()
    return tmp_path


def _run(project: Path, *arguments: str) -> tuple[int, str]:
    fixed = ["--project", str(project), "--stats-file-prefix", str(project / "stats")]
    result = CliRunner().invoke(app, ["markers", *arguments, str(project / "out.csv"), *fixed])
    return result.exit_code, " ".join(result.output.split())


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_tables_are_rasas(project: Path) -> None:
    """A row for each mark, and statistics over all sessions and for each."""
    assert _run(project, "all") == (0, f"6 marks in 2 conversations, written to {project / 'out.csv'}")
    assert _rows(project / "out.csv")[:4] == [
        ["sender_id", "session_idx", "marker", "event_idx", "num_preceding_user_turns"],
        ["mia", "0", "hello", "3", "0"],
        ["mia", "0", "hello", "7", "1"],
        ["mia", "1", "bye", "12", "0"],
    ]
    overall = {(row[2], row[3]): row[4] for row in _rows(project / "stats-overall.csv")}
    assert overall["-", "total_number_of_sessions"] == "4"
    assert overall["hello", "percentage_of_sessions_where_marker_applied_at_least_once"] == "50.0"
    assert overall["hello", "mean(number of preceding user turns)"] == "0.5"
    sessions = {tuple(row[:4]): row[4] for row in _rows(project / "stats-per-session.csv")}
    assert sessions["leo", "0", "hello", "max(number of preceding user turns)"] == "1"
    assert sessions["leo", "1", "hello", "max(number of preceding user turns)"] == "nan"


@pytest.mark.parametrize("arguments", [("first_n", "1"), ("sample_n", "1")], ids=" ".join)
def test_a_part_of_the_conversations_can_be_looked_at(project: Path, arguments: tuple[str, ...]) -> None:
    """The first ones, or some by chance."""
    assert "3 marks in 1 conversations" in _run(project, *arguments)[1]


def test_files_are_not_overwritten(project: Path) -> None:
    """Earlier results stay, and nothing is written beside them."""
    (project / "stats-overall.csv").write_text("mine", encoding="utf-8")
    code, said = _run(project, "all")
    assert (code, "is there already" in said) == (1, True)
    assert not (project / "out.csv").exists()
