"""Forms: activation, questions, rejection, interruption, validation, end, as Rasa 3.6 was seen to do it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    Event,
    LoopInterrupted,
    SlotSet,
    UserUttered,
)
from bot.dialogue.messages import JSON, Intent, ParseResult
from bot.dialogue.tracker import Tracker
from bot.runtime.action_runner import ActionRunner
from bot.runtime.custom_actions import ActionFailed, ActionRejected
from bot.training_data.domain_file import build_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.yaml_files import parse_yaml

DOMAIN = """
version: "3.1"
intents: [start, a, chit]
slots:
  s2: {type: text, mappings: [{type: from_text}]}
  s3: {type: text, mappings: [{type: from_text, conditions: [{active_loop: f, requested_slot: s3}]}]}
  s6: {type: text, mappings: [{type: from_trigger_intent, intent: start, value: trig}]}
forms:
  f: {required_slots: [s3, s2], ignored_intents: [a]}
responses:
  utter_ask_s3: [{text: ask s3}]
  utter_ask_f_s3: [{text: ask f s3}]
"""
LISTEN = ActionExecuted(name="action_listen")


def domain(text: str = DOMAIN, *, validated: bool = False) -> Domain:
    """Read the domain, with a validation action if asked for."""
    if validated:
        text += "actions: [validate_f]\n"
    findings = Findings()
    return build_domain(parse_domain(parse_yaml(text), findings), findings)


class Answers:
    """An action server that gives prepared answers and remembers what it was sent."""

    def __init__(self, **events: list[JSON]) -> None:
        self.events = events
        self.calls: list[Mapping[str, JSON]] = []

    async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Return the prepared events of the action."""
        self.calls.append(payload)
        return {"events": self.events.get(payload["next_action"], [])}


def said(text: str, intent: str = "chit") -> UserUttered:
    """Return a message."""
    return UserUttered(text=text, parse_data=ParseResult(text, Intent(intent, 1.0)))


def brief(events: list[Event]) -> list[tuple[JSON, ...]]:
    """Return name and value of slot events, the name of a loop, the text of a message."""
    words: list[tuple[JSON, ...]] = []
    for event in events:
        match event:
            case SlotSet(name=name, value=value):
                words.append((name, value))
            case ActiveLoop(name=name):
                words.append(("loop", name))
            case BotUttered(text=text):
                words.append(("bot", text))
            case _:
                words.append((event.event,))
    return words


IN_FORM = [LISTEN, said("go", "start"), ActionExecuted(name="f"), ActiveLoop(name="f")]
ASKED = [*IN_FORM, SlotSet(name="requested_slot", value="s3"), LISTEN]


async def run(events: list[Event], server: Answers | None = None, used: Domain | None = None) -> list[Event]:
    """Run the form after these events."""
    used = used or domain(validated=server is not None)
    runner = ActionRunner(used, server or Answers())
    return await runner.run("f", Tracker.from_events("s", events, used))


async def test_activation_extracts_again_and_asks_the_forms_own_question() -> None:
    """The trigger message fills text and trigger slots, then the first empty slot is asked for."""
    events = await run([LISTEN, said("start", "start"), SlotSet(name="s2", value="start")])
    assert brief(events) == [
        ("loop", "f"),
        ("s2", "start"),
        ("s6", "trig"),
        ("requested_slot", "s3"),
        ("bot", "ask f s3"),
    ]


async def test_a_message_that_is_no_answer_is_rejected() -> None:
    """Nothing was extracted for what was asked, so another action may react."""
    with pytest.raises(ActionRejected, match="nothing for slot 's3' of 'f'"):
        await run([*ASKED, said("x", "a")])


async def test_after_an_interruption_the_question_is_asked_again() -> None:
    """Coming back, nothing is validated and nothing rejected."""
    back = [said("x", "a"), ActionExecutionRejected(name="f"), ActionExecuted(name="utter_x")]
    events = await run([*ASKED, *back, LoopInterrupted(is_interrupted=True)])
    assert brief(events) == [("requested_slot", "s3"), ("bot", "ask f s3")]


async def test_the_last_slot_ends_the_form() -> None:
    """The requested slot and the loop are unset."""
    answer = [said("b"), SlotSet(name="s3", value="b"), SlotSet(name="s2", value="b")]
    assert brief(await run([*ASKED, *answer])) == [("requested_slot", None), ("loop", None)]


async def test_validation_sees_the_candidates_at_the_end() -> None:
    """Requested slot, the form's execution, then only the candidates; its word is what counts."""
    server = Answers(validate_f=[{"event": "slot", "name": "s3", "value": "B"}])
    events = await run(
        [*ASKED, said("b"), SlotSet(name="s2", value="b"), SlotSet(name="s3", value="b")], server
    )
    sent = server.calls[0]["tracker"]["events"][-4:]
    assert [(event["event"], event.get("name"), event.get("value")) for event in sent] == [
        ("slot", "requested_slot", "s3"),
        ("action", "f", None),
        ("slot", "s2", "b"),
        ("slot", "s3", "b"),
    ]
    assert brief(events) == [("s3", "B"), ("requested_slot", None), ("loop", None)]


async def test_an_invalid_value_is_asked_for_again() -> None:
    """The validation unsets the slot, and it is the next one to ask."""
    server = Answers(validate_f=[{"event": "slot", "name": "s3", "value": None}])
    events = await run(
        [*ASKED, said("b"), SlotSet(name="s2", value="b"), SlotSet(name="s3", value="b")], server
    )
    assert brief(events) == [("s3", None), ("requested_slot", "s3"), ("bot", "ask f s3")]


async def test_the_validation_may_choose_the_next_slot() -> None:
    """A dynamic form names its next slot itself."""
    server = Answers(validate_f=[{"event": "slot", "name": "requested_slot", "value": "s2"}])
    events = await run([*ASKED, said("b"), SlotSet(name="s3", value="b")], server)
    assert brief(events) == [("requested_slot", "s2")]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([{"event": "slot", "name": "requested_slot", "value": None}], [("requested_slot", None)] * 2),
        ([{"event": "active_loop", "name": None}], [("loop", None), ("requested_slot", None)]),
    ],
    ids=["requested slot unset", "loop unset"],
)
async def test_the_validation_may_end_the_form(answer: list[JSON], expected: list[tuple[JSON, ...]]) -> None:
    """Either of the two says that nothing more is to be asked."""
    events = await run([*ASKED, said("b"), SlotSet(name="s3", value="b")], Answers(validate_f=answer))
    assert brief(events) == [*expected, ("loop", None)]


async def test_the_validation_may_reject_by_hand() -> None:
    """The form stays open and asks nothing; other slots may still have been filled."""
    rejection = {"event": "action_execution_rejected", "name": "f"}
    filled = {"event": "slot", "name": "s2", "value": "x"}
    events = await run([*ASKED, said("b")], Answers(validate_f=[filled, rejection]))
    assert brief(events) == [("s2", "x"), ("action_execution_rejected",)]


async def test_prefilled_slots_are_validated_at_activation() -> None:
    """What was set before the form began goes through the validation, once."""
    server = Answers(validate_f=[{"event": "slot", "name": "s3", "value": "checked"}])
    events = await run([LISTEN, SlotSet(name="s3", value="early"), said("go", "start")], server)
    candidates = server.calls[0]["tracker"]["events"][-2:]
    assert [event["name"] for event in candidates] == ["s3", "s2"]
    assert len(server.calls) == 1
    assert brief(events)[:2] == [("loop", "f"), ("s3", "checked")]


async def test_a_validation_that_fails_fails_the_form() -> None:
    """The runner's caller decides what becomes of it."""

    class Broken(Answers):
        async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
            raise ActionFailed(f"{payload['next_action']} is away")

    with pytest.raises(ActionFailed, match="validate_f is away"):
        await run([*ASKED, said("b"), SlotSet(name="s3", value="b")], Broken())


async def test_what_another_form_asked_for_does_not_count() -> None:
    """Switching forms keeps no half state: the new form starts with its own first slot."""
    other = [ActiveLoop(name="g"), SlotSet(name="requested_slot", value="s2"), LISTEN, said("go", "start")]
    assert brief(await run(other))[-2:] == [("requested_slot", "s3"), ("bot", "ask f s3")]


async def test_a_project_may_bring_its_own_form_action() -> None:
    """An action with the form's name replaces it."""
    used = domain(DOMAIN + "actions: [f]\n")
    server = Answers(f=[{"event": "slot", "name": "s2", "value": "own"}])
    assert brief(await run([said("go", "start")], server, used)) == [("s2", "own")]
