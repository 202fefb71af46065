"""Small assistants for policy tests, written as the YAML a bot developer would write."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SessionStarted, SlotSet, UserUttered
from bot.dialogue.messages import Entity, Intent, ParseResult
from bot.dialogue.tracker import Tracker
from bot.policies.policy import Prediction
from bot.training_data.domain_file import build_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.stories import read_stories
from bot.training_data.story_graph import TrainingTracker, generate_trackers
from bot.training_data.yaml_files import parse_yaml

DOMAIN = """
intents: [greet, bye, order, affirm, deny, chat]
entities: [city]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
  vip: {type: bool, mappings: [{type: custom}]}
  level: {type: categorical, values: [low, high], initial_value: low, mappings: [{type: custom}]}
  note: {type: text, influence_conversation: false, mappings: [{type: custom}]}
actions: [action_check, action_pay]
responses:
  utter_hello: [{text: Hello}]
  utter_bye: [{text: Bye}]
  utter_chat: [{text: Chat}]
  utter_done: [{text: Done}]
forms:
  order_form: {required_slots: [city]}
"""


@dataclass(frozen=True)
class Assistant:
    """A domain with its training trackers."""

    domain: Domain
    trackers: list[TrainingTracker]

    def conversation(self, events: Iterable[Event] = ()) -> Tracker:
        """Start a session, listen, and let the events happen."""
        start = [ActionExecuted(name="action_session_start"), SessionStarted(), did("action_listen")]
        return Tracker.from_events("c", [*start, *events], self.domain)

    def best(self, prediction: Prediction) -> tuple[str, float]:
        """The action with the best score, and the score."""
        return prediction.action(self.domain), prediction.confidence


def assistant(data: str = "", domain: str = DOMAIN) -> Assistant:
    """Make an assistant of stories and rules in YAML; what is wrong with the YAML raises."""
    findings = Findings()
    built = build_domain(parse_domain(parse_yaml(domain, "domain.yml"), findings), findings)
    steps = read_stories(parse_yaml(textwrap.dedent(data) or "{}", "data.yml"), built, findings)
    findings.raise_errors()
    return Assistant(built, generate_trackers(steps, built, augmentation_factor=0))


def said(
    intent: str | None, *, text: str = "words", city: str | None = None, sure: float = 1.0
) -> UserUttered:
    """A customer's turn."""
    entities = (Entity("city", city),) if city else ()
    return UserUttered(text=text, parse_data=ParseResult(text, Intent(intent, sure), entities))


def did(action: str, *, hide: bool = False) -> ActionExecuted:
    """An action that ran."""
    return ActionExecuted(name=action, hide_rule_turn=hide)


def loop(name: str | None) -> ActiveLoop:
    """A loop switched on, or off."""
    return ActiveLoop(name=name)


def slot(name: str, value: object) -> SlotSet:
    """A slot set."""
    return SlotSet(name=name, value=value)
