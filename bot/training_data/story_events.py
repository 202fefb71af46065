"""One step of a story to the events it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    ConversationPaused,
    ConversationResumed,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    StoryExported,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.intent_payload import parse_intent_payload
from bot.dialogue.messages import JSON, Entity, Intent, ParseResult
from bot.dialogue.slots import SlotType
from bot.errors import Location, nearest
from bot.training_data import entity_markup
from bot.training_data.findings import Findings
from bot.training_data.yaml_values import YamlList, YamlMap, kind, plain

FULL_INTENT = "full_retrieval_intent_name"
_FILLED = "filled"  # what a text slot holds when a story only says that it was set

# `action: restart` and the like are events in Rasa, not actions of that name.
_EVENT_ACTIONS: dict[str, type[Event]] = {
    cls.event: cls
    for cls in (
        Restarted, UserUtteranceReverted, ActionReverted, AllSlotsReset, ConversationPaused,
        ConversationResumed, SessionStarted, StoryExported,
    )
}  # fmt: skip
_STEP_KEYS = ("intent", "user", "or", "action", "bot", "checkpoint", "slot_was_set", "active_loop")
# Which keys may stand together in one step; the first group that fits decides, in Rasa's order.
_TOGETHER = (
    ("intent", "user", "entities"), ("user", "intent", "entities"), ("or",), ("action",), ("bot",),
    ("checkpoint", "slot_was_set"), ("slot_was_set",), ("active_loop",), ("metadata",),
)  # fmt: skip
_NOT_IN_RULES = ("bot", "checkpoint")


@dataclass
class StepReader:
    """Reads steps of one story; `title` is `story` or `rule`. Retrieval intents stay whole in tests."""

    is_test: bool
    title: str
    domain: Domain
    findings: Findings

    def kind_of(self, step: YamlMap, place: Location) -> str | None:
        """Return the key that says what a step is; an unknown or a second one is noted."""
        group = next((keys for keys in _TOGETHER if keys[0] in step), None)
        if group is None:
            found = next(iter(step), "nothing")
            hint = nearest(str(found), _STEP_KEYS)
            message = f"unknown step '{found}', expected one of {', '.join(_STEP_KEYS)}{hint}"
            self.findings.error("story-schema", message, place)
            return None
        for key in step:
            if key not in group:
                near = nearest(str(key), group) or nearest(str(key), _STEP_KEYS)
                hint = "; a '- ' is missing before it" if key in _STEP_KEYS else near
                message = f"unexpected key '{key}' in a step with '{group[0]}'{hint}"
                self.findings.error("story-schema", message, step.at(key))
        if self.title == "rule" and group[0] in _NOT_IN_RULES:
            self.findings.error("story-schema", f"a rule cannot have a step '{group[0]}'", place)
            return None
        return group[0]

    def events(self, step: YamlMap, place: Location) -> list[Event]:
        """Return the events of any step but `or` and `checkpoint`; the order of checks is Rasa's."""
        if "intent" in step or "user" in step:
            event = self._user(step, place)
            return [event] if event else []
        if "action" in step:
            return self._action(step, place)
        if "bot" in step:
            text = self._text(step, "bot", place)
            return [ActionExecuted(action_text=text, timestamp=0.0)] if text else []
        if "slot_was_set" in step:
            return self._slots(step, place)
        if "active_loop" in step:
            name = step["active_loop"]
            if name is None or (isinstance(name, str) and name):
                return [ActiveLoop(name=name, timestamp=0.0)]
            self.findings.error(
                "story-schema", f"'active_loop' must be a form or null, found {name!r}", place
            )
        return []

    def alternatives(self, step: YamlMap, place: Location) -> list[Event]:
        """Return the alternatives of an `or`: user turns or slots."""
        items = step["or"]
        if not isinstance(items, YamlList):
            message = f"'or' must be a list of intents or slot_was_set, found {kind(items)}"
            self.findings.error("story-schema", message, place)
            return []
        events: list[Event] = []
        for item, item_place in items.with_places():
            if isinstance(item, YamlMap) and ("intent" in item or "user" in item):
                event = self._user(item, item_place)
                events += [event] if event else []
            elif isinstance(item, YamlMap) and "slot_was_set" in item:
                events += self._slots(item, item_place)
            else:
                found = ", ".join(map(str, item)) if isinstance(item, dict) else kind(item)
                message = f"'or' can hold 'intent', 'user' or 'slot_was_set', found {found}"
                self.findings.error("story-schema", message, item_place)
                return []
        return events

    def _text(self, step: YamlMap, key: str, place: Location) -> str:
        value = step[key]
        if isinstance(value, str) and value.strip():
            return value
        hint = "; put quotes around it" if isinstance(value, bool | int | float) else ""
        message = f"'{key}' in a {self.title} must be text, found {kind(value)}{hint}"
        if value is None:
            self.findings.warn("story-step-empty", f"{message}; the step is passed over", place)
        else:
            self.findings.error("story-schema", message, place)
        return ""

    def _user(self, step: YamlMap, place: Location) -> UserUttered | None:
        intent = self._text(step, "intent", place).strip() if "intent" in step else None
        if intent == "" or ("user" in step and not self._text(step, "user", place)):
            return None
        if intent is not None:
            intent = self._without_slash(intent, place)
        base, _, key = (intent or "").partition("/")
        if key and not self.is_test:
            message = f"intent '{intent}' is a full retrieval intent; stories are learnt with '{base}'"
            self.findings.warn("story-retrieval-intent", message, place)
        text, entities = self._message(step, place)
        parse_data = ParseResult(
            text or "",
            Intent(base if intent is not None else None, 1.0),
            entities,
        )
        metadata = {FULL_INTENT: intent} if key else {}
        return UserUttered(text=text, parse_data=parse_data, metadata=metadata, timestamp=0.0)

    def _without_slash(self, intent: str, place: Location) -> str:
        if intent.startswith("/"):
            message = f"intent '{intent}' starts with '/', which is not needed"
            self.findings.warn("story-intent-slash", message, place)
            return intent[1:]
        return intent

    def _message(self, step: YamlMap, place: Location) -> tuple[str | None, tuple[Entity, ...]]:
        """Return text and entities of a user turn; a turn of `/intent{json}` takes them from there."""
        if "user" not in step:
            return None, self._entities(step, place)
        try:
            text, entities = entity_markup.parse(step["user"].strip())
        except entity_markup.MarkupError as error:
            self.findings.error("entity-markup", str(error), place)
            return step["user"].strip(), ()
        if text.startswith("/"):
            payload = parse_intent_payload(text, self.domain)
            found = payload.entities if payload else ()
            return text, tuple(replace(entity, extractor=None) for entity in found)
        return text, entities

    def _entities(self, step: YamlMap, place: Location) -> tuple[Entity, ...]:
        items = step.get("entities") or ()
        if not isinstance(items, list | tuple):
            message = f"'entities' must be a list, found {kind(items)}"
            self.findings.error("story-schema", message, place)
            return ()
        entities = []
        for item in items:
            if isinstance(item, dict):
                labels = {key: item[key] for key in ("role", "group") if key in item}
                named = [(key, value) for key, value in item.items() if key not in labels]
                if named:
                    name, value = named[-1]
                    entities.append(Entity(str(name), plain(value), **labels))
            elif isinstance(item, str):
                entities.append(Entity(item, ""))
            else:
                message = f"an entity must be 'name' or 'name: value', found {kind(item)}"
                self.findings.error("story-schema", message, place)
        return tuple(entities)

    def _action(self, step: YamlMap, place: Location) -> list[Event]:
        name = self._text(step, "action", place).strip()
        if not name:
            return []
        event_class = _EVENT_ACTIONS.get(name)
        if event_class is not None:
            return [event_class(timestamp=0.0)]
        return [ActionExecuted(name=name, timestamp=0.0)]

    def _slots(self, step: YamlMap, place: Location) -> list[Event]:
        items = step["slot_was_set"]
        if not isinstance(items, Sequence) or isinstance(items, str):
            message = f"'slot_was_set' must be a list of 'name: value', found {kind(items)}"
            self.findings.error("story-schema", message, place)
            return []
        events: list[Event] = []
        for item in items:
            if isinstance(item, dict):
                pairs = [(str(name), plain(value)) for name, value in item.items()]
            elif isinstance(item, str):
                pairs = [(item, self._some_value(item, place))]
            else:
                message = f"'slot_was_set' holds names or 'name: value', found {kind(item)}"
                self.findings.error("story-schema", message, place)
                continue
            events += [SlotSet(name=name, value=value, timestamp=0.0) for name, value in pairs]
        return events

    def _some_value(self, name: str, place: Location) -> JSON:
        """A value that stands for "was set": only text and list slots have one."""
        slot = self.domain.slots.get(name)
        if slot is None or slot.type is SlotType.TEXT:
            return _FILLED
        if slot.type is SlotType.LIST:
            return [_FILLED]
        if slot.is_featurized:
            message = f"slot '{name}' of type {slot.type} needs a value; without one it counts as unset"
            self.findings.warn("slot-without-value", message, place)
        return None
