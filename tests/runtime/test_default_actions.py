"""The actions every assistant has."""

from __future__ import annotations

import pytest

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    Event,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.messages import Intent, ParseResult
from bot.dialogue.tracker import Tracker
from bot.runtime.action_runner import ActionRunner
from bot.runtime.custom_actions import ActionFailed
from bot.training_data.domain_file import build_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.yaml_files import parse_yaml

DOMAIN = """
version: "3.1"
intents: [a, b]
slots: {s2: {type: text, mappings: [{type: from_text}]}}
responses:
  utter_default: [{text: dunno}]
  utter_ask_rephrase: [{text: rephrase}]
  utter_back: [{text: gone back}]
  utter_restart: [{text: anew}]
"""
LISTEN = ActionExecuted(name="action_listen")
FALLBACK = "nlu_fallback"
TWO_STAGE = "action_two_stage_fallback"


def domain(text: str = DOMAIN) -> Domain:
    """Read a domain."""
    findings = Findings()
    return build_domain(parse_domain(parse_yaml(text), findings), findings)


def said(intent: str, confidence: float = 0.3, second: str = "a") -> UserUttered:
    """Return a message with a ranking of two intents."""
    ranking = (Intent(intent, confidence), Intent(second, 0.2))
    parsed = ParseResult("x", ranking[0], (), ranking)
    return UserUttered(text="x", parse_data=parsed)


def brief(events: list[Event]) -> list[str]:
    """One word per event."""
    words = []
    for event in events:
        match event:
            case BotUttered(text=text):
                words.append(f"bot:{text}")
            case UserUttered():
                words.append(f"user:{event.intent_name}@{event.parse_data.intent.confidence}")
            case SlotSet(name=name, value=value):
                words.append(f"slot:{name}={value}")
            case ActionExecuted(name=name) | ActiveLoop(name=name):
                words.append(f"{event.event}:{name}")
            case _:
                words.append(event.event)
    return words


async def run(action: str, *events: Event, used: Domain | None = None) -> list[str]:
    """Run an action after these events."""
    used = used or domain()
    return brief(await ActionRunner(used).run(action, Tracker.from_events("s", events, used)))


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("action_listen", []),
        ("action_unlikely_intent", []),
        ("action_restart", ["bot:anew", "restart"]),
        ("action_default_fallback", ["bot:dunno", "rewind"]),
        ("action_back", ["bot:gone back", "rewind", "rewind"]),
        ("action_deactivate_loop", ["active_loop:None", "slot:requested_slot=None"]),
        ("action_default_ask_rephrase", ["bot:rephrase"]),
        ("action_default_ask_affirmation", ["bot:Did you mean 'b'?"]),
    ],
)
async def test_what_an_action_does(action: str, expected: list[str]) -> None:
    """Each leaves its events, and says its response where the domain has one."""
    assert await run(action, LISTEN, said("b")) == expected


async def test_without_a_response_built_in_actions_are_silent() -> None:
    """A missing response is no error."""
    empty = domain('version: "3.1"\nintents: [a]\n')
    assert await run("action_restart", used=empty) == ["restart"]


async def test_affirmation_asks_for_the_intent_behind_the_fallback() -> None:
    """The second of the ranking is what was understood."""
    assert await run("action_default_ask_affirmation", said(FALLBACK)) == ["bot:Did you mean 'a'?"]


async def test_a_session_start_carries_slots_of_applied_events() -> None:
    """Slots of a reverted turn stay behind."""
    events = [
        LISTEN,
        said("a"),
        SlotSet(name="s2", value="z"),
        LISTEN,
        said("b"),
        SlotSet(name="s2", value="w"),
    ]
    assert await run("action_session_start", *events, UserUtteranceReverted()) == [
        "session_started", "slot:s2=z", "action:action_listen",
    ]  # fmt: skip


async def test_a_session_start_may_forget_slots() -> None:
    """The domain decides whether slots are carried over."""
    used = domain(DOMAIN + "session_config: {carry_over_slots_to_new_session: false}\n")
    events = await run("action_session_start", SlotSet(name="s2", value="z"), used=used)
    assert events == ["session_started", "action:action_listen"]


UNCLEAR = [LISTEN, said(FALLBACK)]
STARTED = [*UNCLEAR, ActionExecuted(name=TWO_STAGE), ActiveLoop(name=TWO_STAGE), LISTEN]
DENIED = [*STARTED, said("out_of_scope"), ActionExecuted(name=TWO_STAGE), LISTEN]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (UNCLEAR, [f"active_loop:{TWO_STAGE}", "bot:Did you mean 'a'?"]),
        ([*STARTED, said("a", 0.4)], ["active_loop:None", "rewind", "action:action_listen", "user:a@1.0"]),
        ([*STARTED, said("out_of_scope")], ["bot:rephrase"]),
        ([*STARTED, said(FALLBACK)], ["active_loop:None", "bot:dunno", "rewind"]),
        ([*DENIED, said(FALLBACK)], ["bot:Did you mean 'a'?"]),
        (
            [*DENIED, said(FALLBACK), ActionExecuted(name=TWO_STAGE), LISTEN, said("out_of_scope")],
            ["active_loop:None", "bot:dunno", "rewind"],
        ),
    ],
    ids=["first", "affirmed", "denied", "unclear twice", "rephrased unclearly", "denied again"],
)
async def test_two_stage_fallback(events: list[Event], expected: list[str]) -> None:
    """It asks, asks again, and gives up; a clear message counts as understood at once."""
    assert await run(TWO_STAGE, *events) == expected


async def test_an_unknown_action_is_refused_with_the_nearest_name() -> None:
    """A typing error is easy to find."""
    with pytest.raises(ActionFailed, match="no action 'action_lisen', did you mean 'action_listen'"):
        await run("action_lisen")
