"""Our view of a project beside Rasa's own: the parts of `golden/*.json`, each as two comparable values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.tracker import Tracker
from bot.errors import InvalidProject
from bot.policies.dialogues import dialogue
from bot.training_data.project import Project
from bot.training_data.stories import StoryStep
from bot.training_data.story_graph import explicit_events, generate_trackers

JSON = Any
LISTEN = ["action", "action_listen"]
SHOULD_NOT_BE_SET = "should_not_be_set"


def unordered(items: Iterable[JSON]) -> list[str]:
    """Make lists comparable whose order depends on Rasa's hash seed."""
    return sorted(json.dumps(item, sort_keys=True, ensure_ascii=False) for item in items)


def domain(project: Project, rasa: JSON) -> tuple[JSON, JSON]:
    """Intents, entities, action order, forms, session settings and response counts."""
    ours, session = project.domain, project.domain.session_config
    used = {intent: sorted(names) for intent, names in rasa["used_entities_per_intent"].items()}
    retrieval = [intent for intent, properties in ours.intents.items() if properties.is_retrieval_intent]
    keys = ("actions", "intents", "entities", "retrieval_intents", "forms", "responses", "session")
    return {
        "actions": list(ours.action_names),
        "intents": list(ours.intents),
        "entities": list(ours.entities),
        "retrieval_intents": retrieval,
        "forms": {name: list(form.required_slots) for name, form in ours.forms.items()},
        "responses": {name: len(variations) for name, variations in ours.responses.items()},
        "session": {
            "expiration_min": session.session_expiration_time,
            "carry_over": session.carry_over_slots_to_new_session,
        },
        "used": {name: list(properties.used_entities) for name, properties in ours.intents.items()},
    }, {**{key: rasa[key] for key in keys}, "used": used}


def slots(project: Project, rasa: JSON) -> tuple[JSON, JSON]:
    """Slots in their order, with types, mappings and number of features."""
    return [
        {
            "name": slot.name,
            "type": slot.type,
            "influence": slot.influence_conversation,
            "initial": slot.initial_value,
            "dims": len(slot.features(None)),
            "mappings": [mapping.source for mapping in slot.mappings],
        }
        for slot in project.domain.slots.values()
    ], rasa["slots"]


def payload(project: Project, rasa: JSON) -> tuple[JSON, JSON]:
    """What action servers are sent."""
    return project.domain.source, rasa["domain_as_dict"]


def nlu(project: Project, rasa: JSON) -> tuple[JSON, JSON]:
    """Counts of examples and entities, synonyms, regexes and lookup tables."""
    data = project.nlu
    intents = [example.intent for example in data.examples if example.intent]
    entities = Counter(entity.entity for example in data.examples for entity in example.entities)
    return {
        "examples_per_intent": Counter(intent.partition("/")[0] for intent in intents),
        "examples_per_full_intent": Counter(intent for intent in intents if "/" in intent),
        "entity_count": entities,
        "synonyms": data.synonyms,
        "regex": sorted(data.regexes),
        "lookups": {name: len(phrases) for name, phrases in data.lookups.items()},
    }, rasa["nlu"]


def steps(project: Project, rasa: JSON) -> tuple[JSON, JSON]:
    """Stories and rules as steps; a file that Rasa reads twice counts once."""
    ours = dict.fromkeys(unordered(map(_step, project.steps)))
    return list(ours), list(dict.fromkeys(unordered(map(_golden_step, rasa["steps"]))))


def explicit(project: Project, rasa: JSON) -> tuple[JSON, JSON]:
    """The `action_listen` and the automatic slots that are added to each step."""
    ours = [[_short(event) for event, _ in explicit_events(s, project.domain)] for s in project.steps]
    theirs = []
    for step in rasa["steps"]:
        events = step["explicit_events"]
        theirs.append([*events, LISTEN] if not step["end"] and events[-1] != LISTEN else events)
    return sorted(set(unordered(ours))), sorted(set(unordered(theirs)))


def trackers(project: Project, rasa: JSON) -> tuple[JSON, JSON]:
    """Training trackers with the events that count in them and every state that policies see."""
    ours = []
    for tracker in generate_trackers(project.steps, project.domain, augmentation_factor=0):
        applied = Tracker.from_events(tracker.name, tracker.events, project.domain).applied_events()
        ours.append(
            {
                "name": tracker.name,
                "rule": tracker.is_rule,
                "applied": [_short(event) for event in applied],
                "states": [state.as_json() for state in dialogue(tracker, project.domain).states],
            }
        )
    theirs = [
        {
            **tracker,
            "applied": [[kind, None if value == SHOULD_NOT_BE_SET else value]
                        for kind, value in tracker["applied"]],
            "states": list(map(_without_user_text, tracker["states"])),
        }
        for tracker in rasa["trackers"]
    ]  # fmt: skip
    return unordered(ours), unordered(theirs)


def tests(project: Project, rasa: JSON) -> tuple[JSON, JSON]:
    """Test stories as steps; a file that Rasa refuses must be refused."""
    ours: dict[str, JSON] = {}
    theirs: dict[str, JSON] = {}
    for test in rasa.get("tests", []):
        file = test["file"]
        theirs[file] = "refused" if "error" in test else list(map(_golden_step, test["steps"]))
        try:
            ours[file] = [_step(step) for read in project.load_tests([file]) for step in read.steps]
        except InvalidProject:
            ours[file] = "refused"
    return ours, theirs


PARTS: Mapping[str, Callable[[Project, JSON], tuple[JSON, JSON]]] = {
    part.__name__: part for part in (domain, slots, payload, nlu, steps, explicit, trackers, tests)
}


def _without_user_text(state: JSON) -> JSON:
    """Rasa's policies drop the text of a turn that has an intent before they look at a state."""
    user = state.get("user", {})
    if "intent" not in user or "text" not in user:
        return state
    return {**state, "user": {key: value for key, value in user.items() if key != "text"}}


def _event(event: Event) -> dict[str, JSON]:
    """Show an event as the golden files do."""
    data: dict[str, JSON] = {"event": event.event}
    match event:
        case ActionExecuted():
            data |= {"name": event.name or "", "hide_rule_turn": False}
            if event.action_text:
                data["action_text"] = event.action_text
        case UserUttered():
            data["intent"] = event.intent_name or ""
            if "full_retrieval_intent_name" in event.metadata:
                data["full"] = event.metadata["full_retrieval_intent_name"]
            if event.text:
                data["text"] = event.text
            if event.entities:
                data["entities"] = [entity.as_dict() for entity in event.entities]
        case SlotSet() | ActiveLoop():
            data |= {key: value for key, value in event.payload().items() if value is not None}
        case _:
            pass
    return data


def _step(step: StoryStep) -> dict[str, JSON]:
    return {
        "name": step.name,
        "kind": "rule" if step.is_rule else "story",
        "start": sorted(_checkpoint(point.name) for point in step.start),
        "end": sorted(_checkpoint(point.name) for point in step.end),
        "events": [_event(event) for event in step.events],
        "condition_idx": list(step.condition_events),
    }


def _golden_step(step: JSON) -> dict[str, JSON]:
    kept = {key: step[key] for key in ("name", "kind", "events")}
    ends = {key: sorted(map(_checkpoint, step[key])) for key in ("start", "end")}
    return {**kept, **ends, "condition_idx": step.get("condition_idx", [])}


def _checkpoint(name: str) -> str:
    """Generated checkpoints have names of their own in each engine."""
    return "generated" if name.startswith("GEN") else name


def _short(event: Event) -> list[JSON]:
    """Show an event by kind and name."""
    name = event.intent_name if isinstance(event, UserUttered) else getattr(event, "name", None)
    return [event.event, None if name == SHOULD_NOT_BE_SET else name]
