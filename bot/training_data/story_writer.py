"""Conversations as test stories, in Rasa's YAML."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from bot.dialogue.domain import ACTION_LISTEN, RULE_SNIPPET, Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActiveLoop,
    DefinePrevUserUtteredFeaturization,
    Event,
    SlotSet,
    UserUttered,
)
from bot.dialogue.messages import JSON, Entity
from bot.training_data.entity_markup import render

FORMAT_VERSION = "3.1"
_UNTOLD = frozenset((ACTION_LISTEN, "action_session_start", "action_unlikely_intent", RULE_SNIPPET))
_LINE_WIDTH = 4096


class _Representer(RoundTripRepresenter):
    """Writes `null` for nothing, which reads better than an empty place."""


def _write_null(representer: RoundTripRepresenter, _: None) -> JSON:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _write_null)


def write_test_stories(stories: Sequence[tuple[str, Sequence[Event]]]) -> str:
    """Write conversations, each with its name, as a file of test stories."""
    return _write([(name, list(_steps(events))) for name, events in stories])


def write_training_stories(stories: Sequence[tuple[str, Sequence[Event]]], domain: Domain) -> str:
    """Write conversations as stories to learn from: intents instead of texts, slots that policies see.

    The events are applied ones: of a form only its beginning and its end are told.
    """
    return _write([(name, list(_training_steps(events, domain))) for name, events in stories])


def _write(stories: Sequence[tuple[str, list[JSON]]]) -> str:
    document: dict[str, JSON] = {"version": DoubleQuotedScalarString(FORMAT_VERSION)}
    if stories:
        document["stories"] = [{"story": name, "steps": steps} for name, steps in stories]
    yaml = YAML()
    yaml.width = _LINE_WIDTH
    yaml.Representer = _Representer
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def _steps(events: Sequence[Event]) -> Iterator[JSON]:
    for index, event in enumerate(events):
        match event:
            case UserUttered():
                yield _user(event, events[index + 1 :])
            case ActionExecuted(name=str(name)) if name not in _UNTOLD:
                yield {"action": name}
            case ActionExecuted(name=None, action_text=str(text)):
                yield {"bot": text}
            case SlotSet():
                yield {"slot_was_set": [{event.name: event.value}]}
            case ActiveLoop():
                yield {"active_loop": event.name}


def _training_steps(events: Sequence[Event], domain: Domain) -> Iterator[JSON]:
    for event in events:
        match event:
            case UserUttered():
                step: dict[str, JSON] = {"intent": _full_intent(event)}
                if event.entities:
                    step["entities"] = [_entity(entity) for entity in event.entities]
                yield step
            case SlotSet() if event.name in domain.slots and domain.slots[event.name].is_featurized:
                yield {"slot_was_set": [{event.name: event.value}]}
            case ActionExecuted() | ActiveLoop():
                yield from _steps([event])


def _entity(entity: Entity) -> JSON:
    named = {"role": entity.role, "group": entity.group}
    return {entity.entity: entity.value} | {key: value for key, value in named.items() if value}


def _user(event: UserUttered, after: Sequence[Event]) -> JSON:
    step: dict[str, JSON] = {}
    if event.intent_name and not _is_told_by_text(after):
        step["intent"] = _full_intent(event)
    if event.text:
        step["user"] = LiteralScalarString(render(event.text, event.entities))
    return step


def _is_told_by_text(after: Sequence[Event]) -> bool:
    """Whether the policies looked at the text instead of the intent."""
    for event in after:
        if isinstance(event, DefinePrevUserUtteredFeaturization):
            return event.use_text_for_featurization
        if isinstance(event, UserUttered):
            return False
    return False


def _full_intent(event: UserUttered) -> str | None:
    """A retrieval intent stands with the key of its response."""
    chosen = event.parse_data.response_selector.get(event.intent_name or "") or {}
    full = (chosen.get("response") or {}).get("intent_response_key")
    return full or event.intent_name
