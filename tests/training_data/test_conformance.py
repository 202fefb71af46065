"""Our view of 30 real projects beside Rasa 3.6.21's own, and its verdicts on fixtures and old projects.

The corpus lies beside the project and not in it; without it these tests are skipped.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.tracker import Tracker
from bot.errors import InvalidProject, Severity
from bot.training_data.config_file import load_config
from bot.training_data.domain_file import build_domain, is_domain_content, load_domain, parse_domain
from bot.training_data.nlu_json import is_nlu_json, read_nlu_json
from bot.training_data.nlu_reader import NluReader, is_nlu_content
from bot.training_data.project import Project
from bot.training_data.stories import StoryStep, is_story_content, read_stories
from bot.training_data.story_graph import explicit_events, generate_trackers
from bot.training_data.validate import validate
from bot.training_data.yaml_files import Findings, YamlMap, read_yaml

CORPUS = Path(__file__).parents[2].parent / "shared" / "conformance"
PROJECTS = sorted(path.stem for path in (CORPUS / "golden").glob("*.json"))

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the conformance corpus is not at {CORPUS}"),
]
each_project = pytest.mark.parametrize("name", PROJECTS)


@functools.cache
def project(name: str) -> Project:
    """Load a project once."""
    return Project.load(CORPUS / "projects" / name)


@functools.cache
def golden(name: str) -> Any:
    """Rasa's view of a project."""
    return json.loads((CORPUS / "golden" / f"{name}.json").read_text(encoding="utf-8"))


def unordered(items: Iterable[Any]) -> list[str]:
    """Make lists comparable whose order depends on Rasa's hash seed."""
    return sorted(json.dumps(item, sort_keys=True, ensure_ascii=False) for item in items)


def checkpoint(name: str) -> str:
    """Generated checkpoints have names of their own in each engine."""
    return "generated" if name.startswith("GEN") else name


def event_view(event: Event) -> dict[str, Any]:
    """Show an event as the golden files do."""
    data: dict[str, Any] = {"event": event.event}
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


def step_view(step: StoryStep) -> dict[str, Any]:
    """Show a step as the golden files do."""
    return {
        "name": step.name,
        "kind": "rule" if step.is_rule else "story",
        "start": sorted(checkpoint(point.name) for point in step.start),
        "end": sorted(checkpoint(point.name) for point in step.end),
        "events": [event_view(event) for event in step.events],
        "condition_idx": list(step.condition_events),
    }


def golden_step(step: Any) -> dict[str, Any]:
    """Bring a golden step into the same shape."""
    kept = {key: step[key] for key in ("name", "kind", "events")}
    ends = {key: sorted(map(checkpoint, step[key])) for key in ("start", "end")}
    return {**kept, **ends, "condition_idx": step.get("condition_idx", [])}


def short(event: Event) -> list[Any]:
    """Show an event by kind and name."""
    name = event.intent_name if isinstance(event, UserUttered) else getattr(event, "name", None)
    return [event.event, None if name == "should_not_be_set" else name]


@each_project
def test_domain(name: str) -> None:
    """Intents, entities, action order, forms, session settings and response counts are Rasa's."""
    domain, rasa = project(name).domain, golden(name)
    assert list(domain.action_names) == rasa["actions"]
    assert list(domain.intents) == rasa["intents"]
    assert list(domain.entities) == rasa["entities"]
    used = {intent: sorted(names) for intent, names in rasa["used_entities_per_intent"].items()}
    assert {intent: list(p.used_entities) for intent, p in domain.intents.items()} == used
    retrieval = [intent for intent, p in domain.intents.items() if p.is_retrieval_intent]
    assert retrieval == rasa["retrieval_intents"]
    assert {form: list(f.required_slots) for form, f in domain.forms.items()} == rasa["forms"]
    assert {key: len(value) for key, value in domain.responses.items()} == rasa["responses"]
    session = domain.session_config
    assert rasa["session"] == {
        "expiration_min": session.session_expiration_time,
        "carry_over": session.carry_over_slots_to_new_session,
    }


@each_project
def test_slots(name: str) -> None:
    """Slots stand in Rasa's order with the same types, mappings and number of features."""
    slots = [
        {
            "name": slot.name,
            "type": slot.type,
            "influence": slot.influence_conversation,
            "initial": slot.initial_value,
            "dims": len(slot.features(None)),
            "mappings": [mapping.source for mapping in slot.mappings],
        }
        for slot in project(name).domain.slots.values()
    ]
    assert slots == golden(name)["slots"]


@each_project
def test_domain_payload(name: str) -> None:
    """What action servers are sent is what Rasa sends."""
    assert project(name).domain.source == golden(name)["domain_as_dict"]


@each_project
def test_nlu_data(name: str) -> None:
    """The same examples, entities, synonyms, regexes and lookup tables are found."""
    nlu, rasa = project(name).nlu, golden(name)["nlu"]
    intents = [example.intent for example in nlu.examples if example.intent]
    assert Counter(intent.partition("/")[0] for intent in intents) == rasa["examples_per_intent"]
    assert Counter(intent for intent in intents if "/" in intent) == rasa["examples_per_full_intent"]
    entities = Counter(entity.entity for example in nlu.examples for entity in example.entities)
    assert entities == rasa["entity_count"]
    assert nlu.synonyms == rasa["synonyms"]
    assert sorted(nlu.regexes) == rasa["regex"]
    assert {key: len(phrases) for key, phrases in nlu.lookups.items()} == rasa["lookups"]


@each_project
def test_steps(name: str) -> None:
    """Stories and rules split into the same steps; a file that Rasa reads twice counts once."""
    ours = dict.fromkeys(unordered(map(step_view, project(name).steps)))
    theirs = dict.fromkeys(unordered(map(golden_step, golden(name)["steps"])))
    assert ours == theirs


@each_project
def test_explicit_events(name: str) -> None:
    """The same `action_listen` and automatic slots are added to each step."""
    domain = project(name).domain
    ours = [[short(event) for event, _ in explicit_events(step, domain)] for step in project(name).steps]
    listen = ["action", "action_listen"]
    theirs = [
        [*events, listen] if not step["end"] and events[-1] != listen else events
        for step in golden(name)["steps"]
        for events in [step["explicit_events"]]
    ]
    assert set(unordered(ours)) == set(unordered(theirs))


@each_project
def test_trackers(name: str) -> None:
    """The same trackers come out, with the same applied events."""
    loaded = project(name)
    ours = []
    for tracker in generate_trackers(loaded.steps, loaded.domain, augmentation_factor=0):
        applied = Tracker.from_events(tracker.name, tracker.events, loaded.domain).applied_events()
        events = [[event.event, short(event)[1]] for event in applied]
        ours.append({"name": tracker.name, "rule": tracker.is_rule, "applied": events})
    theirs = [
        {
            "name": tracker["name"],
            "rule": tracker["rule"],
            "applied": [
                [kind, None if value == "should_not_be_set" else value] for kind, value in tracker["applied"]
            ],
        }
        for tracker in golden(name)["trackers"]
    ]
    assert unordered(ours) == unordered(theirs)


@each_project
def test_test_stories(name: str) -> None:
    """Test stories give the same steps, and what Rasa refuses is refused."""
    theirs = {test["file"]: test for test in golden(name).get("tests", [])}
    for file, test in theirs.items():
        if "error" in test:
            with pytest.raises(InvalidProject):
                project(name).load_tests([file])
            continue
        (ours,) = project(name).load_tests([file])
        assert [step_view(step) for step in ours.steps] == [golden_step(step) for step in test["steps"]]


GROUPS = {
    "domain_validity": {"domain-empty"},
    "actions_in_stories_rules": {"action-unknown"},
    "forms_in_stories_rules": {"form-unknown"},
    "form_slots": {"form-slot"},
    "slot_mappings": {"mapping-form"},
    "nlu_strict": {
        "intent-not-in-domain", "example-in-two-intents", "story-intent", "response-unknown",
    },
    "story_structure_strict": {"story-conflict"},
}  # fmt: skip
MESSAGES = {
    "intent-without-examples": "is listed in the domain file, but is not found",
    "intent-not-in-domain": "There is a message in the training data",
    "example-in-two-intents": "was found labeled with multiple",
    "story-intent": "is used in your stories, but",
    "response-unknown": "is not a valid utterance action",
}


@each_project
def test_verdicts(name: str) -> None:
    """`rasa data validate` and we say the same of every project, check by check."""
    rasa = json.loads((CORPUS / "golden_validate.json").read_text(encoding="utf-8"))[name]
    findings = validate(project(name))
    checks = Counter(finding.check for finding in findings)
    for group, names in GROUPS.items():
        assert (group, not any(checks[check] for check in names)) == (group, rasa[group]["ok"])
    messages = [message for group in GROUPS for message in rasa[group]["messages"]]
    for check, words in MESSAGES.items():
        assert (check, checks[check]) == (check, sum(words in message for message in messages))
    has_errors = any(finding.severity is Severity.ERROR for finding in findings)
    assert rasa["train_would_start"] is not has_errors


@pytest.mark.parametrize("path", sorted((CORPUS / "legacy").glob("*/")), ids=lambda path: path.name)
def test_rasa_2_projects_are_refused_with_what_to_change(path: Path) -> None:
    """A project of Rasa 2 is refused in words that tell how to bring it to Rasa 3."""
    with pytest.raises(InvalidProject) as caught:
        Project.load(path)
    messages = [finding.message for finding in caught.value.findings]
    assert any("which Rasa 3 needs" in message or "as in Rasa 2" in message for message in messages)
    assert all(finding.location and finding.location.line for finding in caught.value.findings)


# Files of Rasa's own tests that are wrong on purpose; all others must be read.
REFUSED = {
    "test/lookup_tables/lookup_table.json",  # names a file relative to another folder
    "test_config/graph_config.yml",  # graph recipes are not ours
    "test_config/graph_config_short.yml",
    "test_domains/default_with_mapping.yml",
    "test_domains/duplicate_actions.yml",
    "test_domains/duplicate_entities.yml",
    "test_domains/duplicate_intents.yml",
    "test_domains/duplicate_responses.yml",
    "test_domains/empty_response_format.yml",
    "test_domains/form.yml",
    "test_domains/invalid_format.yml",
    "test_domains/missing_text_for_templates.yml",
    "test_domains/people_form.yml",
    "test_domains/query_form.yml",
    "test_domains/test_domain_from_directory/domain_invalid.yml",
    "test_domains/wrong_custom_response_format.yml",
    "test_domains/wrong_response_format.yml",
    "test_mixed_yaml_training_data/training_data.yml",  # a rule under `stories`
    "test_wrong_yaml_stories/wrong_yaml.yml",
}


def errors_of(path: Path) -> list[str]:
    """Read a file in every way its keys ask for and return what is wrong."""
    findings = Findings()
    try:
        document = read_yaml(path)
    except InvalidProject as error:
        return [str(error)]
    if not isinstance(document, YamlMap):
        return []
    reader = NluReader(findings)
    if is_nlu_json(document):
        read_nlu_json(document, reader)
    if path.suffix == ".json":
        return [finding.message for finding in findings.errors]
    if is_nlu_content(document):
        reader.read(document)
    if is_domain_content(document):
        build_domain(parse_domain(document, findings), findings)
    if is_story_content(document):
        domain = load_domain([CORPUS / "fixtures" / "test_domains" / "default_with_slots.yml"])
        read_stories(document, domain, findings)
    if {"pipeline", "policies", "recipe"} & set(document):
        load_config(path, findings)
    return [finding.message for finding in findings.errors]


def test_fixtures_are_read_or_refused_as_rasa_does() -> None:
    """Every right file is read and every wrong one refused."""
    folder = CORPUS / "fixtures"
    trackers_and_texts = {"test_trackers", "test_tokenizers"}
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix in (".yml", ".yaml", ".json") and path.parent.name not in trackers_and_texts
    ]
    assert len(files) > 150
    refused = {path.relative_to(folder).as_posix() for path in files if errors_of(path)}
    assert refused == REFUSED
