"""`frontdesk visualize` draws every story into one page that needs nothing else."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.init import write_starter
from bot.cli.visualize import render_page
from bot.dialogue.events import ActionExecuted, Event, UserUttered
from bot.dialogue.messages import Intent, ParseResult
from bot.training_data.story_graph import TrainingTracker
from bot.training_data.story_map import NodeKind, StoryMap, draw_map


def _story(name: str, *steps: str, is_rule: bool = False) -> TrainingTracker:
    """Make a story; `/name` is an intent, any other step an action."""
    events: list[Event] = [ActionExecuted(name="action_listen")]
    for step in steps:
        if step.startswith("/"):
            events.append(UserUttered(text="", parse_data=ParseResult("", Intent(step[1:], 1.0))))
        else:
            events.append(ActionExecuted(name=step))
    return TrainingTracker(name, tuple(events), is_rule)


def _labels(drawn: StoryMap) -> list[str]:
    return [node.step.label for node in drawn.nodes]


def test_stories_share_what_they_have_in_common() -> None:
    """Two stories are one path until they differ, and meet again after two equal steps."""
    drawn = draw_map(
        [
            _story("first", "/greet", "utter_hi", "/ask", "utter_a", "/bye", "utter_bye"),
            _story("second", "/greet", "utter_hi", "/buy", "utter_b", "/bye", "utter_bye"),
        ]
    )
    labels = _labels(drawn)
    assert (labels.count("greet"), labels.count("utter_hi"), labels.count("ask")) == (1, 1, 1)
    assert (labels.count("bye"), labels.count("utter_bye")) == (2, 1)
    (end,) = [node for node in drawn.nodes if node.ends]
    assert (end.step.label, end.ends, end.stories) == ("utter_bye", {0, 1}, {0, 1})


def test_a_memory_of_one_step_joins_more() -> None:
    """With `max_history` 1 every intent and every action is one node."""
    stories = [_story("loop", "/a", "utter_x", "/b", "utter_x", "/a", "utter_x")]
    assert sorted(_labels(draw_map(stories, max_history=1))) == ["a", "b", "story", "utter_x"]


@settings(deadline=None)
@given(
    stories=st.lists(st.lists(st.sampled_from(["/a", "/b", "utter_x", "utter_y"]), max_size=12), max_size=8),
    memory=st.integers(1, 3),
)
def test_every_story_is_a_path_and_no_two_nodes_overlap(stories: list[list[str]], memory: int) -> None:
    """Whatever the stories: their steps can be followed along edges, and each node has a place of its own."""
    drawn = draw_map([_story(str(n), *steps) for n, steps in enumerate(stories)], max_history=memory)
    for number, steps in enumerate(stories):
        taken = [edge for edge, passing in drawn.edges.items() if number in passing]
        assert {drawn.nodes[target].step.label for _, target in taken} == {step.strip("/") for step in steps}
    places = sorted((node.column, node.row) for node in drawn.nodes)
    for (column, row), (next_column, next_row) in pairwise(places):
        assert column != next_column or next_row - row > 0.99
    starts = [node for node in drawn.nodes if node.step.kind is NodeKind.START]
    assert all(node.column == 0 for node in starts)


def test_the_page_stands_alone(tmp_path: Path) -> None:
    """It names no other address, and holds every story and rule of the project with its place."""
    write_starter(tmp_path)
    page = tmp_path / "out" / "graph.html"
    result = CliRunner().invoke(app, ["visualize", "--project", str(tmp_path), "--out", str(page)])
    assert result.exit_code == 0, result.output
    text = page.read_text("utf-8")
    assert not re.search(r"https?://|src=|href=|@import|url\(", text)
    data = re.search(r'<script type="application/json" id="stories">(.*?)</script>', text, re.DOTALL)
    assert data
    told = {story["name"]: story["place"] for story in json.loads(data[1])}
    assert re.fullmatch(r"data/rules.yml:\d+", told["tell the opening hours"])
    assert len(told) == 11


def test_stories_of_one_file_can_be_shown_alone(tmp_path: Path) -> None:
    """Rasa's `--stories` chooses the files, `--no-rules` leaves the rules out."""
    write_starter(tmp_path)
    for arguments, count in ((["--no-rules"], 2), (["--stories", "data/rules.yml"], 9)):
        page = tmp_path / "graph.html"
        result = CliRunner().invoke(
            app, ["visualize", "--project", str(tmp_path), "--out", str(page), *arguments]
        )
        assert f"{count} stories and rules drawn" in " ".join(result.output.split())


def test_names_cannot_break_out_of_the_page() -> None:
    """Markup in a story's name or an intent is shown as it is written."""
    evil = "</script><script>alert(1)</script>"
    page = render_page(draw_map([_story(evil, f"/{evil}", '"><img>')]), {})
    assert page.count("<script") == 2
    assert "<img>" not in page


@pytest.mark.browser
def test_the_page_works_in_a_browser(tmp_path: Path, browser: Browser) -> None:
    """Looking for a word marks the stories that have it; Escape shows all again; nothing is logged."""
    stories = [_story("first", "/greet", "utter_hi"), _story("second", "/buy", "utter_b")]
    path = tmp_path / "graph.html"
    path.write_text(render_page(draw_map(stories), {"greet": ["hello"]}), encoding="utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    assert page.locator("aside li").count() == 2
    page.fill("#find", "greet")
    assert page.locator("aside li").all_inner_texts() == ["first"]
    assert page.locator(".node.on").count() == 3
    page.keyboard.press("Escape")
    assert page.locator("aside li").count() == 2
    page.locator(".node", has_text="utter_b").click()
    assert page.locator("aside li").all_inner_texts() == ["second"]
    assert said == []
    page.close()
