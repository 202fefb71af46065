"""Test stories: what passes, what fails, and how a failure is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.dialogue.messages import Entity, Intent, ParseResult
from bot.policies.ensemble import Ensemble
from bot.policies.memoization import MemoizationPolicy
from bot.policies.rules import RulePolicy
from bot.policies.turns import RuleOnly
from bot.runtime.evaluate import TestReport, evaluate
from bot.training_data.project import Project
from bot.training_data.story_graph import generate_trackers

FILES = {
    "domain.yml": """
version: "3.1"
intents: [greet, ask, chit, {faq: {is_retrieval_intent: true}}]
entities: [city, sentiment]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
forms:
  f: {required_slots: [city]}
responses:
  utter_hi: [{text: hi}]
  utter_chit: [{text: chat}]
  utter_faq/hours: [{text: nine to five}]
actions: [utter_faq]
""",
    "data/stories.yml": """
version: "3.1"
stories:
- story: with a city
  steps:
  - intent: greet
    entities: [{city: Rome}]
  - action: utter_hi
rules:
- rule: form
  steps:
  - intent: ask
  - action: f
  - active_loop: f
- rule: chat
  steps:
  - intent: chit
  - action: utter_chit
- rule: faq
  steps:
  - intent: faq
  - action: utter_faq
""",
}
PARSED = {
    "hello Rome": ("greet", (Entity("city", "Rome", 6, 10), Entity("sentiment", "positive"))),
    "hello": ("greet", ()),
    "help": ("ask", ()),
    "nice day": ("chit", ()),
    "when open": ("faq", ()),
}


class Parser:
    """Understands a few sentences."""

    def parse(self, text: str) -> ParseResult:
        """Look the sentence up."""
        intent, entities = PARSED[text]
        chosen = {"response": {"intent_response_key": "faq/hours", "utter_action": "utter_faq/hours"}}
        selector = {"faq": chosen} if intent == "faq" else {}
        return ParseResult(text, Intent(intent, 0.9), entities, response_selector=selector)


def check(root: Path, story: str) -> TestReport:
    """Run one test story."""
    steps = "".join(f"  {line}\n" for line in story.strip().splitlines())
    files = {**FILES, "tests/test_stories.yml": f'version: "3.1"\nstories:\n- story: t\n  steps:\n{steps}'}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    project = Project.load(root)
    trackers = generate_trackers(project.steps, project.domain, augmentation_factor=0)
    rules, memory = RulePolicy(), MemoizationPolicy()
    rules.train(trackers, project.domain, RuleOnly())
    memory.train(trackers, project.domain, rules.rule_only)
    (tests,) = project.load_tests()
    return evaluate(tests.steps, project.domain, Parser(), Ensemble([memory, rules]))


@pytest.mark.parametrize(
    "story",
    [
        "- user: hello [Rome](city)\n  intent: greet\n- action: utter_hi",
        "- intent: greet\n  entities: [{city: Rome}]\n- action: utter_hi",
        '- user: \'/greet{"city": "Rome"}\'\n  intent: greet\n- action: utter_hi',
        "- user: when open\n  intent: faq\n- action: utter_faq",
        "- user: when open\n  intent: faq/hours\n- action: utter_faq",
        "- user: help\n  intent: ask\n- action: f\n- active_loop: f\n"
        "- user: nice day\n  intent: chit\n- action: utter_chit\n- action: f",
    ],
    ids=["text", "intent", "payload", "retrieval", "full retrieval", "interrupted form"],
)
def test_a_story_as_told_passes(tmp_path: Path, story: str) -> None:
    """Texts are understood, entities found, actions predicted; whole-message entities need no mention."""
    report = check(tmp_path, story)
    assert [step.wrong for step in report.stories[0].steps if step.wrong] == []
    assert (report.failed, report.action_accuracy) == ((), 1.0)


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        ("- user: hello\n  intent: ask\n- action: f", "intent greet (0.90)"),
        ("- user: when open\n  intent: faq/other\n- action: utter_faq", "intent faq/hours (0.90)"),
        ("- user: hello Rome\n  intent: greet\n- action: utter_hi", "city='Rome'"),
        ("- user: '[hello](city)'\n  intent: greet\n- action: utter_hi", "no city='hello'"),
        ("- user: nice day\n  intent: chit\n- action: utter_hi", "utter_chit (RulePolicy, 1.00)"),
    ],
    ids=["intent", "retrieval key", "entity too many", "entity missing", "action"],
)
def test_a_difference_is_named(tmp_path: Path, story: str, wrong: str) -> None:
    """The first wrong step says what was found instead."""
    report = check(tmp_path, story)
    assert next(step.wrong for step in report.failed[0].steps if step.wrong) == wrong


def test_failed_stories_are_written_as_stories(tmp_path: Path) -> None:
    """The file can be read again, with a comment at each wrong step."""
    story = "- user: hello\n  intent: ask\n- slot_was_set: [{city: Bonn}]\n- action: f\n- active_loop: f"
    report = check(tmp_path, story)
    assert report.render_failed() == (
        "stories:\n\n"
        "- story: t\n"
        "  steps:\n"
        "  - user: |  # found: intent greet (0.90)\n"
        "        hello\n"
        "    intent: ask\n"
        "  - slot_was_set:\n"
        "    - city: Bonn\n"
        "  - action: f\n"
        "  - active_loop: f\n"
    )
