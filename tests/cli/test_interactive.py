"""`frontdesk interactive`: a person corrects intents and actions, which become training data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from bot.cli.init import write_starter
from bot.cli.interactive import keep, talk
from bot.cli.lesson import Lesson, Teacher
from bot.dialogue.domain import Domain
from bot.dialogue.messages import Entity, Intent, ParseResult
from bot.dialogue.tracker import Tracker
from bot.runtime.action_runner import ActionRunner
from bot.runtime.check import check_project
from bot.runtime.next_action import Parser
from bot.runtime.processor import Processor
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.training_data.project import Project
from bot.training_data.yaml_files import parse_yaml, read_yaml
from bot.training_data.yaml_values import plain
from tests.runtime.stand_ins import Guess, Script, Words, domain

SCRIPT = {"greet": ("utter_hi",), "ask": ("utter_bye",)}


@dataclass(frozen=True)
class _Scored(Guess):
    scores: tuple[float, ...] = ()


class _Policies(Script):
    """The script, with a score for every action."""

    def predict(self, tracker: Tracker, domain: Domain) -> _Scored:
        """Score what the script says, and nothing else."""
        name = super().predict(tracker, domain).name
        return _Scored(name, scores=tuple(float(action == name) for action in domain.action_names))


def _lines(*lines: str) -> tuple[list[str], Callable[[str], str]]:
    """Answer questions with prepared lines; the questions are kept."""
    asked: list[str] = []
    waiting = list(lines)

    def answer(question: str) -> str:
        asked.append(question.strip())
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    return asked, answer


async def _teach(*lines: str, parser: Parser | None = None) -> tuple[Lesson, list[str], str]:
    known = domain()
    base = Processor(known, parser or Words(), _Policies(SCRIPT), ActionRunner(known), InMemoryTrackerStore())
    asked, answer = _lines(*lines)
    console = Console(record=True, width=200)
    lesson = Lesson.begin(base, Teacher(answer, console))
    await talk(lesson, answer)
    return lesson, asked, console.export_text()


def _files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*.yml")}


def _steps(lesson: Lesson) -> list[object]:
    text = lesson.stories("t")
    return [story["steps"] for story in plain(parse_yaml(text))["stories"]] if text else []


async def test_a_conversation_without_corrections_is_a_story() -> None:
    """Enter accepts; intents with entities and actions are told, listening is not."""
    lesson, asked, shown = await _teach("greet Oslo", "", "", "", "/stop")
    assert [question.partition("?")[0] for question in asked] == [
        "You:",
        "intent greet",
        "action utter_hi",
        "action action_listen",
        "You:",
    ]
    assert "Bot: hi Oslo" in shown
    assert _steps(lesson) == [
        [
            {"intent": "greet", "entities": [{"city": "Oslo"}]},
            {"slot_was_set": [{"city": "Oslo"}]},
            {"action": "utter_hi"},
        ]
    ]


async def test_corrections_are_what_is_kept() -> None:
    """Another intent leads to its actions, another action is run instead; both stand in the files."""
    lesson, _, _ = await _teach("greet", "ask", "utter_hi", "", "/stop")
    assert _steps(lesson) == [[{"intent": "ask"}, {"action": "utter_hi"}]]
    text = lesson.nlu()
    assert text
    assert plain(parse_yaml(text))["nlu"] == [{"intent": "ask", "examples": "- greet\n"}]


async def test_a_name_the_domain_does_not_have_is_asked_again() -> None:
    """The nearest name is proposed, and the list shows what was likely."""
    lesson, asked, shown = await _teach("greet", "gret", "?", "", "utter_by", "utter_bye", "", "/stop")
    assert "no intent 'gret', did you mean 'greet'" in shown
    assert "no action 'utter_by', did you mean 'utter_bye'" in shown
    assert len([question for question in asked if question.startswith("intent")]) == 3
    assert _steps(lesson) == [[{"intent": "greet"}, {"action": "utter_bye"}]]


class _Places(Words):
    """Knows where the city stands, and a feeling about the whole message."""

    def parse(self, text: str) -> ParseResult:
        """Mark the second word."""
        intent, _, city = text.partition(" ")
        found = (Entity("city", city, len(intent) + 1, len(text)),) if city else ()
        return ParseResult(text, Intent(intent, 0.9), (*found, Entity("mood", "fine")))


async def test_entities_are_corrected_by_writing_the_sentence_again() -> None:
    """What is marked then fills slots and is kept; what is about the whole message stays."""
    lesson, asked, shown = await _teach(
        "greet in Oslo", "greet in [Oslo](city)", "", "", "", "/stop", parser=_Places()
    )
    assert "greet [in Oslo](city)" in shown
    assert "greet in [Oslo](city)" in shown
    assert len([question for question in asked if question.startswith("intent")]) == 2
    assert "Bot: hi Oslo" in shown
    (sentence,) = lesson.processor.sentences
    assert [(row.value, row.start, row.end) for row in sentence.entities] == [("Oslo", 9, 13)]
    text = lesson.nlu()
    assert text
    assert "- greet in [Oslo](city)" in text


async def test_all_entities_are_taken_away_by_the_bare_sentence() -> None:
    """Written as it was said."""
    lesson, _, _ = await _teach("greet Oslo", "greet Oslo", "", "", "", "/stop", parser=_Places())
    (sentence,) = lesson.processor.sentences
    assert sentence.entities == ()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("greet [Oslo](town)", "no entity 'town'"),
        ("greet [Oslo](citi)", "no entity 'citi', did you mean 'city'"),
        ("hello [Oslo](city)", "the words must stay as they are, found 'hello Oslo'"),
        ('greet [Oslo]{"role": "x"}', "names no entity"),
        ("greet [Oslo]{city}", "is not JSON"),
    ],
)
async def test_what_cannot_be_marked_is_asked_again(written: str, words: str) -> None:
    """With the reason; the entities stay as they were."""
    lesson, _, shown = await _teach("greet Oslo", written, "", "", "", "/stop", parser=_Places())
    assert words in shown
    (sentence,) = lesson.processor.sentences
    assert [row.value for row in sentence.entities] == ["Oslo"]


async def test_a_turn_can_be_forgotten_and_a_story_ended() -> None:
    """What is undone is in no file; `/next` begins another story."""
    lesson, _, _ = await _teach(
        "greet", "", "", "", "ask", "", "", "", "/undo", "/next", "ask", "", "", "", "/undo", "/undo", "/next"
    )
    assert _steps(lesson) == [[{"intent": "greet"}, {"action": "utter_hi"}]]
    assert [sentence.text for sentence in lesson.processor.sentences] == ["greet"]


@pytest.mark.parametrize("where", [1, 2], ids=["intent", "action"])
@pytest.mark.parametrize("command", ["/stop", "/undo", "/next", None], ids=["stop", "undo", "next", "end"])
async def test_a_question_can_be_left(
    where: int, command: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A command where a question is asked forgets the turn alone, also the end of the input."""
    begun = ["ask", "", ""][:where]
    left = [] if command is None else [command, *([] if command == "/stop" else ["ask", "", "", "", "/stop"])]
    lesson, _, _ = await _teach("greet", "", "", "", *begun, *left)
    greeted, asked = {"intent": "greet"}, [{"intent": "ask"}, {"action": "utter_bye"}]
    expected = {
        "/undo": [[greeted, {"action": "utter_hi"}, *asked]],
        "/next": [[greeted, {"action": "utter_hi"}], asked],
    }
    assert _steps(lesson) == expected.get(str(command), [[greeted, {"action": "utter_hi"}]])
    again = [] if command in ("/stop", None) else ["ask"]
    assert [sentence.text for sentence in lesson.processor.sentences] == ["greet", *again]
    assert not caplog.records


async def test_the_end_of_the_input_writes_what_there_is(tmp_path: Path) -> None:
    """New files beside the old ones, whose content a project can read."""
    lesson, _, _ = await _teach("ask", "", "", "")
    keep(lesson, tmp_path / "data")
    keep(lesson, tmp_path / "data")
    assert _files(tmp_path / "data") == {"stories/interactive.yml", "nlu/interactive.yml"} | {
        "stories/interactive-2.yml",
        "nlu/interactive-2.yml",
    }
    first, second = (read_yaml(tmp_path / "data/stories" / f"interactive{end}.yml") for end in ("", "-2"))
    assert first["stories"][0]["story"] != second["stories"][0]["story"]


async def test_nothing_said_writes_nothing(tmp_path: Path) -> None:
    """No file is made for a conversation that did not happen."""
    lesson, _, _ = await _teach("/undo", "/next", "/stop")
    keep(lesson, tmp_path)
    assert _files(tmp_path) == set()


class _Guests:
    """Understands a wish for a table and a number; anything else is a yes."""

    def parse(self, text: str) -> ParseResult:
        if text == "a table":
            return ParseResult(text, Intent("book_table", 1.0))
        if text.isdecimal():
            return ParseResult(text, Intent("tell_guests", 1.0), (Entity("guests", text, 0, len(text)),))
        return ParseResult(text, Intent("affirm", 1.0))


async def test_what_was_written_is_valid_in_its_project(tmp_path: Path) -> None:
    """A form's story holds its beginning and its end, and agrees with the project's rules."""
    write_starter(tmp_path)
    project = Project.load(tmp_path)
    plan = {
        "book_table": ("table_form",),
        "tell_guests": ("table_form",),
        "affirm": ("table_form", "utter_booked"),
    }
    runner = ActionRunner(project.domain)
    base = Processor(project.domain, _Guests(), _Policies(plan), runner, InMemoryTrackerStore())
    turns = ("a table", *("", "", ""), "4", *("", "", ""), "Ada", *("", "", "", ""), "/stop")
    _, answer = _lines(*turns)
    lesson = Lesson.begin(base, Teacher(answer, Console(quiet=True)))
    await talk(lesson, answer)
    assert _steps(lesson) == [
        [
            {"intent": "book_table"},
            {"action": "table_form"},
            {"active_loop": "table_form"},
            {"active_loop": None},
            {"action": "utter_booked"},
        ]
    ]
    keep(lesson, tmp_path / "data")
    again = Project.load(tmp_path)
    assert len(again.stories) == len(project.stories) + 1
    assert [str(finding) for finding in check_project(again) if finding.check != "duplicate-example"] == []
