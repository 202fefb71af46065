"""From steps to training trackers."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from bot.dialogue.messages import Entity
from bot.dialogue.slots import MappingCondition, MappingType, Slot, SlotMapping, SlotType
from bot.training_data.checkpoints import connect
from bot.training_data.findings import Findings
from bot.training_data.stories import STORY_START, Checkpoint, StoryStep, read_stories
from bot.training_data.story_graph import TrainingTracker, generate_trackers, slots_for_entities
from bot.training_data.yaml_files import parse_yaml

CITY = SlotMapping(MappingType.FROM_ENTITY, entity="city")
DOMAIN = Domain(
    slots={
        "city": Slot("city", SlotType.TEXT, (CITY,)),
        "mood": Slot("mood", SlotType.CATEGORICAL, values=("good", "bad")),
    }
)


def steps_of(text: str, domain: Domain = DOMAIN) -> list[StoryStep]:
    """Read steps of a text that has no mistakes."""
    findings = Findings()
    steps = read_stories(parse_yaml(textwrap.dedent(text).lstrip("\n"), "s.yml"), domain, findings)
    assert not findings.errors
    return steps


def trackers_of(text: str, **options: int) -> list[TrainingTracker]:
    """Make trackers without augmentation, unless asked for."""
    return generate_trackers(steps_of(text), DOMAIN, **{"augmentation_factor": 0, **options})


def line_of(tracker: TrainingTracker) -> str:
    """Return a tracker's turns as one line."""
    words = []
    for event in tracker.events:
        match event:
            case UserUttered():
                words.append(f"*{event.intent_name}")
            case ActionExecuted():
                words.append("listen" if event.name == "action_listen" else event.name or "")
            case SlotSet():
                words.append(f"{event.name}={event.value}")
            case ActiveLoop():
                words.append(f"loop={event.name}")
            case _:
                words.append(event.event)
    return " ".join(words)


def test_listen_and_automatic_slots_are_added() -> None:
    """Before each user turn and at the end the assistant listens; entities fill their slots."""
    (tracker,) = trackers_of("""
        stories:
        - story: trip
          steps:
          - intent: go
            entities: [{city: Rome}]
          - action: utter_ok
          - intent: bye
        """)
    assert line_of(tracker) == "listen *go city=Rome utter_ok listen *bye listen"
    assert tracker.name == "trip"
    assert [place and place.line for place in tracker.event_locations] == [None, 4, None, 6, None, 7, None]


def test_null_in_a_rule_means_must_not_be_set() -> None:
    """In stories null is unset, in rules it is a demand."""
    story, rule = trackers_of("""
        stories:
        - story: s
          steps: [{intent: a}, {slot_was_set: [{mood: null}]}, {active_loop: null}]
        rules:
        - rule: r
          condition: [{slot_was_set: [{mood: null}]}, {active_loop: null}]
          steps: [{intent: a}, {action: b}]
        """)
    assert line_of(story) == "listen *a mood=None loop=None listen"
    assert line_of(rule) == ("mood=should_not_be_set loop=should_not_be_set ... listen *a b listen")
    assert (story.is_rule, rule.is_rule) == (False, True)


def test_alternatives_become_trackers_of_their_own() -> None:
    """An `or` in a rule gives one rule for each alternative, all with the same ending."""
    trackers = trackers_of("""
        rules:
        - rule: r
          steps:
          - or: [{intent: a}, {intent: b}]
          - action: x
        """)
    assert sorted(map(line_of, trackers)) == ["... listen *a x listen", "... listen *b x listen"]


def test_checkpoints_join_stories_and_filter_by_slots() -> None:
    """A story goes on where its checkpoint leads, if the slots are what is asked for."""
    trackers = trackers_of("""
        stories:
        - story: good
          steps: [{intent: a}, {slot_was_set: [{mood: good}]}, {checkpoint: c}]
        - story: bad
          steps: [{intent: b}, {slot_was_set: [{mood: bad}]}, {checkpoint: c}]
        - story: end
          steps: [{checkpoint: c, slot_was_set: [{mood: good}]}, {action: x}]
        """)
    assert [(t.name, line_of(t)) for t in trackers] == [("good > end", "listen *a mood=good x listen")]


def test_cycles_are_gone_round_a_few_times() -> None:
    """A checkpoint that leads back gives some ways round, as many as Rasa makes, and not for ever."""
    trackers = trackers_of("""
        stories:
        - story: start
          steps: [{intent: a}, {checkpoint: ask}]
        - story: again
          steps: [{checkpoint: ask}, {intent: b}, {action: x}, {checkpoint: ask}]
        - story: stop
          steps: [{checkpoint: ask}, {intent: c}, {action: y}]
        """)
    assert sorted(map(line_of, trackers)) == [
        "listen *a listen *b x listen *b x listen *b x listen *c y listen",
        "listen *a listen *b x listen *b x listen *c y listen",
        "listen *a listen *b x listen *c y listen",
        "listen *a listen *c y listen",
    ]


def test_checkpoints_that_lead_nowhere_are_warnings() -> None:
    """A start nobody ends with, and an end nobody starts with, are named with their story."""
    findings = Findings()
    text = "stories:\n- story: s\n  steps: [{checkpoint: x}, {action: a}]\n"
    text += "- story: t\n  steps: [{intent: a}, {checkpoint: y}]\n"
    generate_trackers(steps_of(text), DOMAIN, augmentation_factor=0, findings=findings)
    assert [(item.check, item.location and item.location.line) for item in findings.items] == [
        ("checkpoint-unused", 2),
        ("checkpoint-unused", 4),
    ]


def test_stories_that_look_the_same_to_policies_are_kept_once() -> None:
    """The text of a slot is no feature, its category is."""
    trackers = trackers_of("""
        stories:
        - story: one
          steps: [{intent: a}, {slot_was_set: [{city: Rome}, {mood: good}]}, {action: x}]
        - story: same
          steps: [{intent: a}, {slot_was_set: [{city: Oslo}, {mood: good}]}, {action: x}]
        - story: other
          steps: [{intent: a}, {slot_was_set: [{city: Rome}, {mood: bad}]}, {action: x}]
        """)
    assert [tracker.name for tracker in trackers] == ["one", "other"]


STORIES = "stories:\n" + "".join(
    f"- story: s{n}\n  steps: [{{intent: i{n}}}, {{action: a{n}}}]\n" for n in range(6)
)


def test_test_stories_that_look_the_same_are_all_kept() -> None:
    """Two texts with the same intents are two tests: nothing is left out without duplicates removed."""
    story = """
        stories:
        - story: {name}
          steps:
          - user: "{text}"
            intent: greet
          - action: utter_greet
    """
    steps = [
        step
        for name, text in (("english", "hi"), ("chinese", "你好"))
        for step in steps_of(story.format(name=name, text=text))
    ]
    kept = generate_trackers(steps, DOMAIN, augmentation_factor=0, remove_duplicates=False)
    assert [tracker.name for tracker in kept] == ["english", "chinese"]


def test_augmentation_glues_stories_the_same_way_every_time() -> None:
    """Glued stories are marked, at most ten times the factor, and the same in every run."""
    first = trackers_of(STORIES, augmentation_factor=2)
    again = trackers_of(STORIES, augmentation_factor=2)
    glued = [tracker for tracker in first if tracker.is_augmented]
    assert [line_of(tracker) for tracker in first] == [line_of(tracker) for tracker in again]
    assert len(first) - len(glued) == 6
    assert 0 < len(glued) <= 20
    assert all("listen listen" not in line_of(tracker) for tracker in first)
    assert len({line_of(tracker) for tracker in first}) == len(first)
    assert any(" > " in tracker.name for tracker in glued)


def test_rules_are_never_augmented() -> None:
    """Augmentation is for stories."""
    rules = STORIES.replace("stories:", "rules:").replace("story:", "rule:")
    assert not any(tracker.is_augmented for tracker in trackers_of(rules, augmentation_factor=5))


def test_a_restart_inside_a_story_also_teaches_what_came_before() -> None:
    """An event that reverts others would hide them; the story up to there is kept as well."""
    trackers = trackers_of("stories:\n- story: s\n  steps: [{intent: a}, {action: x}, {action: restart}]\n")
    assert [line_of(t) for t in trackers] == ["listen *a x", "listen *a x restart listen"]


@pytest.mark.parametrize(
    ("slot", "entities", "value"),
    [
        (Slot("s", SlotType.TEXT, (CITY,)), [Entity("city", "A"), Entity("city", "B")], "B"),
        (Slot("s", SlotType.LIST, (CITY,)), [Entity("city", "A"), Entity("city", "B")], ["A", "B"]),
        (Slot("s", SlotType.TEXT, (CITY,)), [Entity("city", "A", role="to")], None),
        (
            Slot("s", SlotType.TEXT, (SlotMapping(MappingType.FROM_ENTITY, entity="city", role="to"),)),
            [Entity("city", "A", role="to"), Entity("city", "B")],
            "A",
        ),
        (
            Slot(
                "s",
                SlotType.TEXT,
                (SlotMapping(MappingType.FROM_ENTITY, entity="city", conditions=(MappingCondition("f"),)),),
            ),
            [Entity("city", "A")],
            None,
        ),
        (
            Slot(
                "s",
                SlotType.TEXT,
                (
                    SlotMapping(
                        MappingType.FROM_ENTITY,
                        entity="city",
                        intent=("other",),
                        conditions=(MappingCondition(None), MappingCondition("f")),
                    ),
                ),
            ),
            [Entity("city", "A")],
            "A",
        ),
        (Slot("s", SlotType.TEXT, (SlotMapping(MappingType.FROM_TEXT),)), [Entity("city", "A")], None),
    ],
    ids=["last", "list", "role", "own role", "in a form", "first condition", "from text"],
)
def test_slots_for_entities(slot: Slot, entities: list[Entity], value: object) -> None:
    """Only from_entity mappings outside loops fill slots in stories; roles must fit exactly."""
    events = slots_for_entities(entities, Domain(slots={"s": slot}))
    assert [event.value for event in events] == ([] if value is None else [value])


NAMES = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def graphs(draw: st.DrawFn) -> list[StoryStep]:
    """Draw steps joined by a few checkpoints, cycles included."""
    steps = []
    for number in range(draw(st.integers(1, 6))):
        start = draw(st.one_of(st.just(STORY_START), NAMES))
        end = draw(st.one_of(st.none(), NAMES))
        events = (ActionExecuted(name=f"x{number}", timestamp=0.0),)
        ends = (Checkpoint(end),) if end else ()
        steps.append(StoryStep(f"s{number}", False, (Checkpoint(start),), ends, events, (None,)))
    return steps


@given(graphs())
def test_connected_graphs_have_no_way_back(steps: list[StoryStep]) -> None:
    """After cutting, no step stands before one that leads to it."""
    graph = connect(steps)
    position = {id(step): index for index, step in enumerate(graph.steps)}
    for step in graph.steps:
        ends = {checkpoint.name for checkpoint in step.end}
        followers = [other for other in graph.steps if ends & {point.name for point in other.start}]
        assert all(position[id(step)] < position[id(other)] for other in followers)


@given(graphs())
def test_generation_ends_whatever_the_graph(steps: list[StoryStep]) -> None:
    """Trackers begin with a step that starts a story, and none is made twice."""
    trackers = generate_trackers(steps, DOMAIN, augmentation_factor=1)
    beginnings = {step.name for step in steps if step.start[0].name == STORY_START}
    assert {tracker.name.split(" > ")[0] for tracker in trackers} <= beginnings
    complete = [line_of(tracker) for tracker in trackers if line_of(tracker).endswith("listen")]
    assert len(set(complete)) == len(complete)
