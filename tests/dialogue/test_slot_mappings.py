"""Which slots a message fills, as Rasa 3.6 was seen to do it."""

from __future__ import annotations

import pytest

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecutionRejected, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.intent_payload import parse_intent_payload
from bot.dialogue.messages import JSON, Entity, Intent, ParseResult
from bot.dialogue.slot_mappings import CustomExtraction, MappingSkipped, SlotFilled, extract
from bot.dialogue.tracker import Tracker
from bot.training_data.domain_file import build_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.yaml_files import parse_yaml

DOMAIN = """
version: "3.1"
intents: [a, b, start, inform]
entities: [n, city: {roles: [from, to]}, num]
slots:
  s1: {type: text, mappings: [{type: from_intent, intent: a, value: X}]}
  s2: {type: text, mappings: [{type: from_text}]}
  s3: {type: text, mappings: [{type: from_text, conditions: [{active_loop: f, requested_slot: s3}]}]}
  s4: {type: text, mappings: [{type: from_text, conditions: [{active_loop: null}]}]}
  s5: {type: bool, mappings: [{type: from_intent, not_intent: [start, a], value: false}]}
  s6: {type: text, mappings: [{type: from_trigger_intent, intent: start, value: trig}]}
  c1: {type: text, mappings: [{type: from_entity, entity: city}]}
  c2: {type: text, mappings: [{type: from_entity, entity: city, role: to}]}
  li: {type: list, mappings: [{type: from_entity, entity: num}]}
  la: {type: any, mappings: [{type: from_entity, entity: num}]}
  k1: {type: any, mappings: [{type: custom, action: action_fill}, {type: custom}]}
  k2: {type: any, mappings: [{type: custom, action: action_fill}]}
forms:
  f: {required_slots: [s3, s2], ignored_intents: [a]}
actions: [action_fill]
"""
CITIES = """
version: "3.1"
intents: [inform, a]
entities: [city]
slots:
  a1: {type: text, mappings: [{type: from_entity, entity: city}]}
  a2: {type: text, mappings: [MAPPING]}
forms:
  f: {required_slots: [a1, a2]}
"""


def domain(text: str) -> Domain:
    """Read a domain."""
    document = parse_yaml(text)
    findings = Findings()
    return build_domain(parse_domain(document, findings), findings)


def said(text: str, intent: str = "inform", *entities: Entity) -> UserUttered:
    """Return a message."""
    return UserUttered(text=text, parse_data=ParseResult(text, Intent(intent, 1.0), entities))


def tracker(*events: Event, text: str = DOMAIN) -> Tracker:
    """Return a conversation."""
    return Tracker.from_events("s", events, domain(text))


def filled(conversation: Tracker) -> dict[str, JSON]:
    """Return the values that the latest message brings."""
    return {step.slot: step.value for step in extract(conversation) if isinstance(step, SlotFilled)}


IN_FORM = (ActiveLoop(name="f"), SlotSet(name="requested_slot", value="s3"))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((*IN_FORM, said("x", "a")), {"s1": "X", "s3": None}),
        ((said("hello"),), {"s2": "hello", "s4": "hello", "s5": False}),
        ((*IN_FORM, said("hello")), {"s2": "hello", "s3": "hello", "s5": False}),
        ((said("start", "start"),), {"s2": "start", "s4": "start"}),
        ((ActiveLoop(name="f"), said("start", "start")), {"s2": "start", "s6": "trig"}),
        ((ActiveLoop(name="g"), said("start", "start")), {"s2": "start", "s6": "trig"}),
        (
            (said("x", "inform", Entity("city", "Rome", role="to")),),
            {"s2": "x", "s4": "x", "s5": False, "c2": "Rome"},
        ),
        (
            (said("x", "inform", Entity("city", "Rome")),),
            {"s2": "x", "s4": "x", "s5": False, "c1": "Rome"},
        ),
        (
            (said("x", "inform", Entity("num", 1), Entity("num", 2)),),
            {"s2": "x", "s4": "x", "s5": False, "li": [1, 2], "la": 2},
        ),
    ],
    ids=[
        "an ignored intent blocks all but the mapping that names it",
        "outside forms every unconditioned and null-conditioned mapping fills",
        "in a form the requested slot fills and the null condition does not",
        "a trigger intent fills nothing outside a form",
        "a trigger intent fills while a form is active",
        "a trigger mapping without conditions works in any loop",
        "a role must be asked for",
        "no role must be given where none is asked for",
        "a list takes all values, others the last",
    ],
)
def test_what_a_message_fills(events: tuple[Event, ...], expected: dict[str, JSON]) -> None:
    """Conditions, intents, roles and types decide."""
    wanted = {name: value for name, value in expected.items() if value is not None}
    assert filled(tracker(*events)) == wanted


def test_a_payload_is_stored_as_text() -> None:
    """from_text takes the raw message, also when it names an intent."""
    text = '/a{"n": 1}'
    conversation = tracker()
    parsed = parse_intent_payload(text, conversation.domain)
    assert parsed
    conversation.apply(UserUttered(text=text, parse_data=parsed))
    assert filled(conversation)["s2"] == text


@pytest.mark.parametrize(
    ("mapping", "in_form"),
    [
        ("{type: from_entity, entity: city}", {"a1": "Rome"}),
        ("{type: from_entity, entity: city, intent: [inform, a]}", {"a1": "Rome", "a2": "Rome"}),
    ],
    ids=["identical mappings", "mappings that differ in writing"],
)
def test_an_entity_that_could_fill_two_slots_fills_the_requested_one(
    mapping: str, in_form: dict[str, JSON]
) -> None:
    """Only identical mappings count as ambiguous, and only inside the form."""
    text = CITIES.replace("MAPPING", mapping)
    message = said("Rome", "inform", Entity("city", "Rome"))
    asked = (ActiveLoop(name="f"), SlotSet(name="requested_slot", value="a1"))
    assert filled(tracker(*asked, message, text=text)) == in_form
    assert filled(tracker(message, text=text)) == {"a1": "Rome", "a2": "Rome"}


def test_a_rejected_loop_does_not_fill_what_it_asked_for() -> None:
    """While another action reacts, the text is no answer."""
    conversation = tracker(*IN_FORM, said("hello"), ActionExecutionRejected(name="f"))
    assert "s3" not in filled(conversation)


def test_a_custom_action_is_named_once_for_all_slots() -> None:
    """Two slots with the same action make one call."""
    steps = extract(tracker(said("hello")))
    assert [step for step in steps if isinstance(step, CustomExtraction)] == [
        CustomExtraction("k1", "action_fill")
    ]


def test_every_mapping_that_does_nothing_says_why() -> None:
    """A trace can explain an empty slot."""

    def reasons(intent: str) -> dict[str, str]:
        steps = extract(tracker(*IN_FORM, said("x", intent)))
        return {step.slot: step.reason for step in steps if isinstance(step, MappingSkipped)}

    assert reasons("a")["s2"] == "the form 'f' ignores the intent 'a'"
    assert reasons("a")["s5"] == "the mapping excludes the intent 'a'"
    assert reasons("b")["s1"] == "the intent is 'b'"
    assert reasons("b")["s4"] == "no condition fits the active loop 'f' and the requested slot 's3'"
    assert reasons("b")["c1"] == "the message holds no value for it"
