"""Entities that end-to-end stories annotate are found in texts that decide, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.dialogue.events import EntitiesAdded, Event, UserUttered
from bot.dialogue.messages import Entity, Intent, ParseResult
from bot.errors import ModelError
from bot.policies.ensemble import Ensemble
from bot.policies.learnt_options import TEDOptions
from bot.policies.registry import DefaultPolicy
from bot.policies.ted import TEDPolicy
from bot.policies.ted_entities import TextEntities, learn
from bot.policies.train import load, train
from bot.policies.turns import RuleOnly
from tests.policies.assistants import Assistant, assistant

CITIES = ("Rome", "Oslo", "Lima", "Bonn", "Kiel", "Graz", "Brno", "Bari")
TEXTS = "\n".join(
    f"""
    - story: to {city}
      steps:
      - user: "please bring me to [{city}]{{\\"entity\\": \\"city\\", \\"role\\": \\"to\\"}} today"
      - action: action_check
    - story: from {city}
      steps:
      - user: "i come from [{city}]{{\\"entity\\": \\"city\\", \\"role\\": \\"from\\"}} and want to pay"
      - action: action_pay"""
    for city in CITIES
)
STORIES = f"""
    stories:
    - story: greeting
      steps: [{{intent: greet}}, {{action: utter_hello}}]
    - story: thanks
      steps: [{{user: "thanks a lot"}}, {{action: utter_bye}}]{TEXTS}
"""


@pytest.fixture(scope="module")
def made() -> Assistant:
    """Stories with texts that name cities with a role."""
    return assistant(STORIES)


@pytest.fixture(scope="module")
def found(made: Assistant) -> TextEntities:
    """What is learnt of them."""
    learnt = learn(made.trackers)
    assert learnt
    return learnt


@pytest.fixture(scope="module")
def ted(made: Assistant) -> TEDPolicy:
    """A policy that has learnt the stories."""
    policy = TEDPolicy(TEDOptions(max_history=3))
    policy.train(made.trackers, made.domain, RuleOnly())
    return policy


def spans(entities: Sequence[Entity]) -> list[tuple[str, str, str | None]]:
    """Name the entities."""
    return [(row.entity, str(row.value), row.role) for row in entities]


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("please bring me to Oslo today", [("city", "Oslo", "to")]),
        ("please bring me to Turin today", [("city", "Turin", "to")]),
        ("please bring me to New York today", [("city", "New York", "to")]),
        ("i come from Turin and want to pay", [("city", "Turin", "from")]),
        ("thanks a lot", []),
        ("", []),
    ],
    ids=["known", "unknown", "two words", "another role", "none", "nothing"],
)
def test_words_are_known_by_what_stands_around_them(
    found: TextEntities, text: str, entities: list[tuple[str, str, str | None]]
) -> None:
    """A city that no story names is found where stories have one."""
    assert spans(found.find(text, "TEDPolicy")) == entities


def test_an_entity_says_where_it_is_and_how_sure_it_is(found: TextEntities) -> None:
    """Offsets into the text, a confidence in (0, 1], and who found it."""
    (city,) = found.find("please bring me to Oslo today", "TEDPolicy")
    assert (city.start, city.end, city.extractor) == (19, 23, "TEDPolicy")
    assert city.confidence_entity is not None
    assert 0.5 < city.confidence_entity <= 1.0


def test_what_is_learnt_comes_back_from_its_files(found: TextEntities, tmp_path: Path) -> None:
    """JSON and safetensors, nothing else."""
    found.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    again = TextEntities.load(tmp_path)
    assert again
    text = "i come from Turin and want to pay"
    assert again.find(text, "TEDPolicy") == found.find(text, "TEDPolicy")


def test_broken_files_are_refused(found: TextEntities, tmp_path: Path) -> None:
    """The message names the file."""
    found.save(tmp_path)
    (tmp_path / "entities.json").write_text(json.dumps({"marks": 3}), "utf-8")
    with pytest.raises(ModelError, match=r"entities\.json: broken"):
        TextEntities.load(tmp_path)


def test_without_annotations_there_is_nothing_to_learn() -> None:
    """Texts with an intent are the NLU's."""
    steps = '[{user: "to [Rome](city)", intent: order}, {action: utter_bye}]'
    data = f"\n    stories:\n    - {{story: a, steps: {steps}}}\n"
    assert learn(assistant(data).trackers) is None


def _said(text: str, *entities: Entity, intent: str | None = None) -> Event:
    return UserUttered(text=text, parse_data=ParseResult(text, Intent(intent, 0.2), entities))


def _added(policy: TEDPolicy, made: Assistant, *events: Event) -> list[tuple[str, str, str | None]]:
    """Name the entities of the winner's events."""
    prediction = Ensemble([policy]).predict(made.conversation(events), made.domain)
    return [
        row
        for event in prediction.events
        if isinstance(event, EntitiesAdded)
        for row in spans(event.entities)
    ]


def test_a_text_that_decides_gets_its_entities(made: Assistant, ted: TEDPolicy) -> None:
    """They are noted before the action runs."""
    assert _added(ted, made, _said("please bring me to Turin today")) == [("city", "Turin", "to")]


def test_entities_that_are_known_already_are_not_added_again(made: Assistant, ted: TEDPolicy) -> None:
    """The pipeline's extractors may have found the same."""
    city = Entity("city", "Turin", 19, 24, role="to", extractor="DIETClassifier")
    assert _added(ted, made, _said("please bring me to Turin today", city)) == []


def test_a_turn_read_by_its_intent_gets_none(made: Assistant, ted: TEDPolicy) -> None:
    """What the text says is the NLU's matter then."""
    sure = UserUttered(text="hello Turin", parse_data=ParseResult("hello Turin", Intent("greet", 1.0)))
    assert _added(ted, made, sure) == []


def test_entity_recognition_can_be_switched_off(made: Assistant, tmp_path: Path) -> None:
    """By Rasa's option, and it stays off in the model."""
    options = {"max_history": 3, "entity_recognition": False}
    entries = [DefaultPolicy("TEDPolicy", options), DefaultPolicy("RulePolicy")]
    train(entries, made.trackers, made.domain, tmp_path)
    policy = load(tmp_path).policies[0]
    assert isinstance(policy, TEDPolicy)
    assert _added(policy, made, _said("please bring me to Turin today")) == []
