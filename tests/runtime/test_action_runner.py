"""Slots that actions fill, responses that selectors choose, and old projects' fallback events."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, BotUttered, Event, SlotSet, UserUttered
from bot.dialogue.messages import JSON, Intent, ParseResult
from bot.dialogue.tracker import Tracker
from bot.runtime.action_runner import ActionRunner
from bot.runtime.custom_actions import ActionFailed
from bot.training_data.domain_file import build_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.yaml_files import parse_yaml
from tests.runtime.stand_ins import kinds, texts

DOMAIN = """
version: "3.1"
intents: [a, {faq: {is_retrieval_intent: true}}]
slots:
  t: {type: text, mappings: [{type: from_text}]}
  c1: {type: any, mappings: [{type: custom, action: action_fill}]}
  c2: {type: any, mappings: [{type: custom, action: action_fill}]}
responses:
  utter_faq/hours: [{text: nine to five}]
  utter_quiet: [{text: hush, channel: telegram}]
actions: [utter_faq, action_fill]
e2e_actions: [nice to meet you]
"""
SLOT = {"event": "slot", "name": "c1", "value": 1}
MESSAGE = UserUttered(text="x", parse_data=ParseResult("x", Intent("a", 0.4)))
LISTEN = ActionExecuted(name="action_listen")


def domain(text: str = DOMAIN) -> Domain:
    """Read a domain."""
    findings = Findings()
    return build_domain(parse_domain(parse_yaml(text), findings), findings)


@dataclass
class Server:
    """An action server with an answer, or an error, for each action."""

    answers: Mapping[str, JSON]
    calls: list[JSON] = field(default_factory=list)

    async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Answer."""
        self.calls.append(payload)
        answer = self.answers[payload["next_action"]]
        if isinstance(answer, Exception):
            raise answer
        return {"events": answer, "responses": [{"text": payload["next_action"]}]}


async def run(
    action: str, *events: Event, server: Server | None = None, used: Domain | None = None
) -> list[Event]:
    """Run an action after these events."""
    used = used or domain()
    runner = ActionRunner(used, server or Server({}))
    return await runner.run(action, Tracker.from_events("s", events, used))


async def test_an_action_fills_slots_once_for_all_that_name_it() -> None:
    """Only its slots are kept: other events and messages of a filling action are lost."""
    server = Server({"action_fill": [SLOT, {"event": "restart"}]})
    events = await run("action_extract_slots", MESSAGE, server=server)
    assert kinds(events) == ["slot:t", "slot:c1"]
    assert len(server.calls) == 1


async def test_a_filling_action_that_fails_stops_nothing() -> None:
    """Other slots are filled all the same."""
    server = Server({"action_fill": ActionFailed("away")})
    assert kinds(await run("action_extract_slots", MESSAGE, server=server)) == ["slot:t"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([{**SLOT, "value": 2}], [("c1", 2), ("t", "x")]),
        ([], [("t", "x"), ("c1", 1)]),
        (ActionFailed("away"), [("t", "x"), ("c1", 1)]),
    ],
    ids=["overrides", "says nothing", "fails"],
)
async def test_the_validation_of_slots_has_the_last_word(
    answer: JSON, expected: list[tuple[str, JSON]]
) -> None:
    """It sees exactly the candidates at the end; what it does not mention is kept."""
    used = domain(DOMAIN.replace("action_fill]", "action_fill, action_validate_slot_mappings]"))
    server = Server({"action_fill": [SLOT], "action_validate_slot_mappings": answer})
    events = await run("action_extract_slots", MESSAGE, server=server, used=used)
    candidates = server.calls[-1]["tracker"]["events"][-2:]
    assert [(event["name"], event["value"]) for event in candidates] == [("t", "x"), ("c1", 1)]
    assert [(event.name, event.value) for event in events if isinstance(event, SlotSet)] == expected
    said = [event for event in events if isinstance(event, BotUttered)]
    assert bool(said) == isinstance(answer, list)


@pytest.mark.parametrize("key", ["faq", "default"])
async def test_a_retrieval_action_says_what_its_selector_chose(key: str) -> None:
    """The selector of its own intent, else the general one."""
    chosen = {key: {"response": {"utter_action": "utter_faq/hours"}}}
    parsed = ParseResult("x", Intent("faq", 1.0), response_selector=chosen)
    events = await run("utter_faq", UserUttered(text="x", parse_data=parsed))
    assert texts([event for event in events if isinstance(event, BotUttered)]) == ["nine to five"]
    assert events[0].metadata["utter_action"] == "utter_faq/hours"


@pytest.mark.parametrize("action", ["utter_faq", "utter_quiet"])
async def test_without_words_there_is_silence_and_a_line_in_the_log(
    action: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing selector or variation never breaks a turn."""
    with caplog.at_level(logging.ERROR):
        assert await run(action, MESSAGE) == []
    assert action in caplog.text


async def test_an_end_to_end_text_is_said_as_it_is() -> None:
    """The action is its own text."""
    events = await run("nice to meet you", MESSAGE)
    assert texts([event for event in events if isinstance(event, BotUttered)]) == ["nice to meet you"]


REPHRASE = ActionExecuted(name="action_default_ask_rephrase")
AFFIRM = ActionExecuted(name="action_default_ask_affirmation")


@pytest.mark.parametrize(
    ("events", "rewinds"),
    [
        ([LISTEN, REPHRASE, LISTEN, MESSAGE], 3),
        ([LISTEN, AFFIRM, LISTEN, MESSAGE], 2),
        ([LISTEN, REPHRASE, LISTEN, AFFIRM, LISTEN, MESSAGE], 5),
        ([LISTEN, MESSAGE], 0),
        ([LISTEN], 0),
    ],
    ids=["rephrased", "affirmed", "affirmed after rephrasing", "neither", "silence"],
)
async def test_fallback_events_of_old_projects_are_reverted(events: list[Event], rewinds: int) -> None:
    """The detour is forgotten and the clear message stands in its place."""
    found = await run("action_revert_fallback_events", *events)
    assert kinds(found).count("rewind") == rewinds
    assert (kinds(found)[-2:] == ["action:action_listen", "user"]) == bool(rewinds)
