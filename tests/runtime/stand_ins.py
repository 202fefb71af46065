"""Working stand-ins around the processor: NLU, policies, an action server, a store that can go away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    Event,
    UserUttered,
)
from bot.dialogue.messages import JSON, Entity, Intent, ParseResult, UserMessage
from bot.dialogue.tracker import Tracker
from bot.runtime.action_runner import ActionRunner
from bot.runtime.processor import Processor
from bot.runtime.tracker_store import (
    InMemoryTrackerStore,
    StoredConversation,
    StoreUnavailable,
)
from bot.training_data.domain_file import build_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.yaml_files import parse_yaml

DOMAIN = """
version: "3.1"
intents: [greet, ask, restart]
entities: [city]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
  note: {type: any, mappings: [{type: custom}]}
actions: [action_custom]
responses:
  utter_hi: [{text: "hi {city}"}]
  utter_bye: [{text: bye}]
"""
APOLOGY = 'utter_action_failed: [{text: "sorry, shall I call a person?"}]\n'


def domain(more: str = "") -> Domain:
    """Read the domain, with more responses if given."""
    findings = Findings()
    return build_domain(
        parse_domain(parse_yaml(DOMAIN + "  " + more if more else DOMAIN), findings), findings
    )


class Words:
    """Understands a text as the intent of its first word and a city as its second."""

    def parse(self, text: str) -> ParseResult:
        """Split the text."""
        intent, _, city = text.partition(" ")
        if intent == "crash":
            raise RuntimeError("the model is broken")
        entities = (Entity("city", city),) if city else ()
        return ParseResult(text, Intent(intent, 0.9), entities)


@dataclass(frozen=True)
class Guess:
    """A prediction."""

    name: str
    confidence: float = 0.8
    policy: str | None = "ScriptedPolicy"
    events: Sequence[Event] = ()
    is_end_to_end: bool = False
    hide_rule_turn: bool = False

    def action(self, _domain: Domain) -> str:
        """Return the action."""
        return self.name


@dataclass
class Script:
    """Predicts, for an intent, its actions one after the other, then action_listen."""

    actions: Mapping[str, Sequence[str]]

    def predict(self, tracker: Tracker, domain: Domain) -> Guess:  # noqa: ARG002
        """Count what ran since the customer spoke."""
        done: list[str | None] = []
        for event in reversed(tracker.events):
            if isinstance(event, UserUttered):
                break
            if isinstance(event, ActionExecuted | ActionExecutionRejected):
                done.append(event.name)
        intent = tracker.latest_message.intent_name if tracker.latest_message else None
        plan = [*self.actions.get(intent or "", ()), "action_listen"]
        return Guess(plan[min(len(done), len(plan) - 1)])


class Endless:
    """Never listens."""

    def predict(self, tracker: Tracker, domain: Domain) -> Guess:  # noqa: ARG002
        """Say goodbye again."""
        return Guess("utter_bye")


@dataclass
class Server:
    """A server for `action_custom`: answers, or raises what it is given."""

    answer: Mapping[str, JSON] = field(default_factory=dict)
    error: Exception | None = None
    calls: int = 0

    async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:  # noqa: ARG002
        """Count, then answer or raise."""
        self.calls += 1
        if self.error:
            raise self.error
        return self.answer


PLAN = {"greet": ["utter_hi"], "ask": ["action_custom", "utter_bye"]}


def processor(**parts: JSON) -> Processor:
    """Return a processor of stand-ins; any part can be given."""
    used = parts.pop("domain", None) or domain()
    runner = ActionRunner(used, parts.pop("server", Server()))
    given = {"parser": Words(), "policies": Script(PLAN), "store": InMemoryTrackerStore(), **parts}
    return Processor(domain=used, runner=runner, **given)


def texts(replies: Sequence[BotUttered]) -> list[str | None]:
    """Return what was said."""
    return [reply.text for reply in replies]


def kinds(events: Sequence[Event]) -> list[str]:
    """One word per event, with the name of actions and slots."""
    return [f"{event.event}:{getattr(event, 'name', '') or ''}".rstrip(":") for event in events]


def events_of(bot: Processor, sender_id: str = "default") -> list[Event]:
    """Return what the in-memory store holds."""
    assert isinstance(bot.store, InMemoryTrackerStore)
    return bot.store.events_of(sender_id)


class Away(InMemoryTrackerStore):
    """A store that can go away."""

    def __init__(self, *, loads: bool = True, appends: bool = True) -> None:
        super().__init__()
        self.loads = loads
        self.appends = appends

    def load(self, message: UserMessage) -> StoredConversation:
        """Load unless away."""
        if not self.loads:
            raise StoreUnavailable("locked")
        return super().load(message)

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Append unless away."""
        if not self.appends:
            raise StoreUnavailable("locked")
        super().append(message, events)
