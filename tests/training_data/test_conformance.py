"""Our view of 30 real projects beside Rasa 3.6.21's own, and its verdicts on fixtures and old projects.

The corpus lies beside the project and not in it; without it these tests are skipped.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.golden import PARTS
from bot.errors import InvalidProject, Severity
from bot.training_data.config_file import load_config
from bot.training_data.domain_file import build_domain, is_domain_content, load_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.nlu_json import is_nlu_json, read_nlu_json
from bot.training_data.nlu_reader import NluReader, is_nlu_content
from bot.training_data.project import Project
from bot.training_data.stories import is_story_content, read_stories
from bot.training_data.validate import validate
from bot.training_data.yaml_files import read_yaml
from bot.training_data.yaml_values import YamlMap

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


@each_project
@pytest.mark.parametrize("part", PARTS)
def test_our_view_is_rasas(name: str, part: str) -> None:
    """Each part of the golden file is what we make of the project."""
    ours, theirs = PARTS[part](project(name), golden(name))
    assert ours == theirs


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
