"""The domain: what an assistant knows and can do, as pure data. Files are read in `training_data`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.dialogue.messages import JSON, Entity
from bot.dialogue.slots import Slot
from bot.errors import Location

DEFAULT_INTENTS = ("restart", "back", "out_of_scope", "session_start", "nlu_fallback")

ACTION_LISTEN = "action_listen"
RULE_SNIPPET = "..."
DEFAULT_ACTIONS = (
    ACTION_LISTEN, "action_restart", "action_session_start", "action_default_fallback",
    "action_deactivate_loop", "action_revert_fallback_events", "action_default_ask_affirmation",
    "action_default_ask_rephrase", "action_two_stage_fallback", "action_unlikely_intent", "action_back",
    RULE_SNIPPET, "action_extract_slots",
)  # fmt: skip
REQUESTED_SLOT = "requested_slot"
SESSION_STARTED_METADATA = "session_started_metadata"


@dataclass(frozen=True, slots=True)
class IntentProperties:
    """Which entity labels (`entity`, `entity#role`) an intent lets into the policies' features."""

    used_entities: tuple[str, ...]
    is_retrieval_intent: bool = False


@dataclass(frozen=True, slots=True)
class EntityProperties:
    """Roles and groups of an entity; without influence it is a feature only where `use_entities` says so."""

    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    influence_conversation: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """Slots a form asks for, in order; `ignored_intents` never fill them."""

    required_slots: tuple[str, ...]
    ignored_intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseVariation:
    """One way to say a response. `data` holds buttons, image, custom, quick_replies, attachment, elements.

    `condition` is None when absent; an empty one is never chosen. `channel` is an output channel's name.
    """

    text: str | None = None
    data: Mapping[str, JSON] = field(default_factory=dict)
    condition: tuple[Mapping[str, JSON], ...] | None = None
    channel: str | None = None
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    id: str | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """When a conversation starts anew; minutes, 0 means never."""

    session_expiration_time: float = 60.0
    carry_over_slots_to_new_session: bool = True


@dataclass(frozen=True)
class Domain:
    """Everything of `domain.yml`, defaults added, ready to use.

    `intents` and `entities` are sorted by name; `slots` stand in domain order, the built-in ones last.
    `action_names` is Rasa's index order: built-ins, custom actions, sorted responses, forms, e2e texts.
    `user_actions` are the custom actions and overrides that the files list. `source` is the cleaned input
    that action servers and `GET /domain` get. `locations` maps `kind/name` (`slots/email`) to its place.
    """

    intents: Mapping[str, IntentProperties] = field(default_factory=dict)
    entities: Mapping[str, EntityProperties] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)
    responses: Mapping[str, tuple[ResponseVariation, ...]] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    user_actions: tuple[str, ...] = ()
    action_names: tuple[str, ...] = DEFAULT_ACTIONS
    action_texts: tuple[str, ...] = ()
    session_config: SessionConfig = SessionConfig()
    source: Mapping[str, JSON] = field(default_factory=dict)
    locations: Mapping[str, Location] = field(default_factory=dict)

    @cached_property
    def _indices(self) -> Mapping[str, int]:
        return {name: index for index, name in reversed(list(enumerate(self.action_names)))}

    def index_of(self, action: str) -> int | None:
        """Return an action's place in the policies' scores; None for an unknown one."""
        return self._indices.get(action)

    def has_action(self, action: str) -> bool:
        """Tell whether the assistant can do this: a name or an end-to-end text."""
        return action in self._indices

    def is_retrieval(self, intent: str | None) -> bool:
        """Tell whether an intent is answered by a response selector."""
        properties = self.intents.get(intent or "")
        return properties is not None and properties.is_retrieval_intent

    def is_retrieval_action(self, action: str) -> bool:
        """Tell whether an action is `utter_<retrieval intent>`, which has no response of its own."""
        return action.startswith("utter_") and self.is_retrieval(action.removeprefix("utter_"))

    def overrides(self, action: str) -> bool:
        """Tell whether the project brings its own code for an action: it lists the name under `actions`."""
        return action in self.user_actions

    def slot_features(self, values: Mapping[str, JSON]) -> dict[str, tuple[float, ...]]:
        """Return the features of slots that have any which is not zero, in domain order."""
        found = {
            name: self.slots[name].features(value) for name, value in values.items() if name in self.slots
        }
        return {name: features for name, features in found.items() if any(features)}

    def entity_labels(self, entities: Iterable[Entity], intent: str | None) -> tuple[str, ...]:
        """Return the sorted labels (`city`, `city#from`) that this intent lets into policies' features."""
        labels: set[str] = set()
        for entity in entities:
            labels.add(entity.entity)
            labels.update(f"{entity.entity}#{part}" for part in (entity.role, entity.group) if part)
        properties = self.intents.get(intent or "")
        if properties is not None:
            labels &= set(properties.used_entities)
        return tuple(sorted(labels))
