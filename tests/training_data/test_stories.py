"""Stories and rules: each step's events, alternatives, conditions, and refusals."""

from __future__ import annotations

import textwrap

import pytest

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActiveLoop,
    AllSlotsReset,
    Event,
    Restarted,
    SlotSet,
    UserUttered,
)
from bot.dialogue.messages import Entity
from bot.dialogue.slots import Slot, SlotType
from bot.training_data.findings import Findings
from bot.training_data.stories import STORY_START, Checkpoint, StoryStep, read_stories
from bot.training_data.yaml_files import parse_yaml

DOMAIN = Domain(
    slots={
        "name": Slot("name", SlotType.TEXT),
        "tags": Slot("tags", SlotType.LIST),
        "done": Slot("done", SlotType.BOOL),
    }
)


def read(text: str, file: str = "stories.yml") -> tuple[list[StoryStep], Findings]:
    """Read the stories of one text."""
    findings = Findings()
    steps = read_stories(parse_yaml(textwrap.dedent(text).lstrip("\n"), file), DOMAIN, findings)
    return steps, findings


def short(event: Event) -> object:
    """Say in a few letters what an event is."""
    match event:
        case UserUttered():
            return f"{event.intent_name or event.text}:{','.join(e.entity for e in event.entities)}".rstrip(
                ":"
            )
        case ActionExecuted():
            return event.name or f"text {event.action_text}"
        case SlotSet():
            return {event.name: event.value}
        case ActiveLoop():
            return f"loop {event.name}"
        case _:
            return event.event


def test_every_kind_of_step() -> None:
    """Each step becomes its events, in order, each with its line."""
    steps, findings = read("""
        version: "3.1"
        stories:
        - story: all steps
          metadata: {topic: demo}
          steps:
          - intent: greet
            entities:
            - name: Ann
              role: first
            - city
          - action: utter_hi
          - user: |
              book [two](count)
          - bot: "How about noon?"
          - slot_was_set:
            - name: Bo
            - name
            - tags
            - done: null
          - active_loop: form
          - active_loop: null
          - action: reset_slots
        """)
    (step,) = steps
    assert not findings.items
    assert [short(event) for event in step.events] == [
        "greet:name,city", "utter_hi", "book two:count", "text How about noon?", {"name": "Bo"},
        {"name": "filled"}, {"tags": ["filled"]}, {"done": None}, "loop form", "loop None", "reset_slots",
    ]  # fmt: skip
    assert isinstance(step.events[-1], AllSlotsReset)
    first = step.events[0]
    assert isinstance(first, UserUttered)
    assert first.entities == (Entity("name", "Ann", role="first"), Entity("city", ""))
    assert (step.start, step.end, step.metadata) == ((Checkpoint(STORY_START),), (), {"topic": "demo"})
    assert [place.line for place in step.event_locations if place][:4] == [6, 11, 12, 14]
    assert step.location is not None
    assert str(step.location) == "stories.yml:3"


def test_rules_begin_with_their_conditions_and_the_marker() -> None:
    """Conditions come first, then `...` unless at conversation start, and another when nothing is awaited."""
    steps, findings = read("""
        rules:
        - rule: plain
          condition:
          - active_loop: form
          - slot_was_set: [{name: null}]
          steps:
          - intent: stop
          - action: utter_ok
          wait_for_user_input: false
        - rule: first
          conversation_start: true
          steps:
          - intent: greet
          - action: utter_hi
        """)
    assert not findings.items
    assert [short(event) for event in steps[0].events] == [
        "loop form", {"name": None}, "...", "stop", "utter_ok", "...",
    ]  # fmt: skip
    assert steps[0].condition_events == (0, 1)
    assert [short(event) for event in steps[1].events] == ["greet", "utter_hi"]
    assert all(step.is_rule for step in steps)


def test_or_splits_and_joins_again_at_a_generated_checkpoint() -> None:
    """Each alternative is a step of its own; what follows is one step."""
    steps, _ = read("""
        rules:
        - rule: either
          condition: [{active_loop: null}]
          steps:
          - or:
            - intent: yes
            - intent: maybe
          - action: utter_ok
        """)
    assert [[short(event) for event in step.events] for step in steps] == [
        ["loop None", "...", "yes"],
        ["loop None", "...", "maybe"],
        ["utter_ok"],
    ]
    assert steps[0].end == steps[1].end == steps[2].start
    assert [step.condition_events for step in steps] == [(0,), (0,), ()]


def test_checkpoints_link_steps() -> None:
    """A checkpoint starts a story with its conditions, ends it, or cuts it in two."""
    steps, findings = read("""
        stories:
        - story: linked
          steps:
          - checkpoint: a
            slot_was_set: [{name: Bo}]
          - checkpoint: b
          - action: utter_one
          - checkpoint: c
          - action: utter_two
          - checkpoint: d
            slot_was_set: [{name: Bo}]
        """)
    assert [(step.start, step.end) for step in steps] == [
        ((Checkpoint("a", {"name": "Bo"}), Checkpoint("b")), (Checkpoint("c"),)),
        ((Checkpoint("c"),), (Checkpoint("d"),)),
    ]
    assert [item.check for item in findings.items] == ["checkpoint-slots"]


@pytest.mark.parametrize(("file", "kept"), [("stories.yml", None), ("test_stories.yml", "faq/hours")])
def test_full_retrieval_intents_stay_in_tests_only(file: str, kept: str | None) -> None:
    """Stories learn the base intent; a test also knows the full name."""
    steps, findings = read("stories:\n- story: s\n  steps:\n  - intent: faq/hours\n", file)
    (event,) = steps[0].events
    assert isinstance(event, UserUttered)
    assert event.intent_name == "faq"
    assert event.metadata.get("full_retrieval_intent_name", "faq/hours") == "faq/hours"
    assert bool(findings.items) is (kept is None)


def test_event_names_are_events_and_not_actions() -> None:
    """`action: restart` is the event, as in Rasa."""
    steps, _ = read("stories:\n- story: s\n  steps:\n  - intent: a\n  - action: restart\n")
    assert isinstance(steps[0].events[1], Restarted)


@pytest.mark.parametrize(
    ("steps", "line", "words"),
    [
        ("- intent: a\n    action: b", 5, "a '- ' is missing before it"),
        ("- intnt: a", 4, "did you mean 'intent'?"),
        ("- intent: 5", 4, "put quotes around it"),
        ("- ...", 4, "write '- action: ...'"),
        ("- slot_was_set: {a: 1}", 4, "must be a list"),
        ("- active_loop: 5", 4, "must be a form or null"),
        ("- or:\n    - action: x", 5, "can hold 'intent'"),
        ("- or: x", 4, "must be a list"),
        ("- intent: a\n    entities: {b: c}", 4, "must be a list"),
        ('- user: "[a]{b}"', 4, "is not JSON"),
        ("- checkpoint: 5", 4, "needs a name"),
    ],
)
def test_wrong_steps_are_refused_with_their_line(steps: str, line: int, words: str) -> None:
    """A step that says nothing we know is an error, never a silent loss."""
    _, findings = read(f"stories:\n- story: s\n  steps:\n  {steps}\n")
    (error,) = findings.errors
    assert words in error.message
    assert error.location is not None
    assert error.location.line == line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stories: {a: b}", "must be a list"),
        ("stories:\n- hello", "must be a mapping"),
        ("stories:\n- rule: r\n  steps: [{action: a}]", "expected the key 'story'"),
        ("stories:\n- story: 5\n  steps: [{action: a}]", "must be text"),
        ("stories:\n- story: s\n  step: [{action: a}]", "unknown key 'step'"),
        ("stories:\n- story: s\n  condition: []\n  steps: [{action: a}]", "unknown key 'condition'"),
        ("rules:\n- rule: r\n  steps: [{checkpoint: a}]", "cannot have a step 'checkpoint'"),
        ("rules:\n- rule: r\n  condition: [{intent: a}]\n  steps: [{action: a}]", "can only hold"),
        ("rules:\n- rule: r\n  wait_for_user_input: no\n  steps: [{action: a}]", "true or false, found 'no'"),
        ("rules:\n- rule: r\n  conversation_start: 1\n  steps: [{action: a}]", "true or false, found 1"),
    ],
)
def test_wrong_stories_are_refused(text: str, words: str) -> None:
    """The frame of a story or rule is checked too."""
    _, findings = read(text + "\n")
    assert words in findings.errors[0].message


def test_empty_stories_and_steps_are_warnings() -> None:
    """A story without steps and an intent without a name are passed over, as in Rasa."""
    steps, findings = read("stories:\n- story: s\n- story: t\n  steps:\n  - action: a\n  - intent:\n")
    assert [len(step.events) for step in steps] == [1]
    assert [item.check for item in findings.items] == ["story-empty", "story-step-empty"]
    assert not findings.errors


def test_a_story_without_a_name_is_learnt() -> None:
    """As in Rasa; the warning says where it stands."""
    steps, findings = read("stories:\n- story:\n  steps:\n  - action: a\n")
    assert [len(step.events) for step in steps] == [1]
    assert [str(item.location) for item in findings.items if item.check == "story-unnamed"] == [
        "stories.yml:2"
    ]
    assert not findings.errors


@pytest.mark.parametrize("slots", ["true", "5", "{name: Bo}"])
def test_slots_of_a_checkpoint_are_a_list(slots: str) -> None:
    """Anything else is refused where it stands."""
    _, findings = read(f"""
        stories:
        - story: linked
          steps:
          - checkpoint: a
            slot_was_set: {slots}
          - action: utter_one
        """)
    (error,) = findings.errors
    assert str(error.location) == "stories.yml:5"
    assert "'slot_was_set' of a checkpoint must be a list" in error.message
