"""Whatever stands in a project's files, reading and checking it ends in findings that name a place."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from bot.dialogue.messages import JSON
from bot.errors import Finding, InvalidProject, Severity
from bot.policies import train as policy_training
from bot.runtime.check import check_project
from bot.training_data.project import Project
from bot.training_data.story_graph import generate_trackers
from tests.training_data.generated_projects import (
    block,
    damaged_projects,
    misspelled_projects,
    sound_projects,
    write,
)

EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
# A missing or unreadable file has no line that could be named.
WHOLE_FILE = ("domain-empty", "domain-missing", "config-missing", "file")
LEAKS = ("Traceback", "<class", "object at 0x", "YamlMap", "YamlList", 'File "')


def findings_of(folder: Path) -> Sequence[Finding]:
    """Load and check a project; a refusal is its findings."""
    try:
        return check_project(Project.load(folder))
    except InvalidProject as error:
        return error.findings or [Finding("", "")]


def complaint(finding: Finding) -> str | None:
    """Say what a finding lacks for the person who must act on it."""
    if not finding.message.strip():
        return "no message"
    if any(leak in finding.message for leak in LEAKS):
        return "speaks of our own code"
    if finding.severity is not Severity.ERROR:
        return None
    if finding.location is None:
        return "an error without a place"
    if finding.location.line is None and finding.check not in WHOLE_FILE:
        return "an error without a line"
    return None


@EXAMPLES
@given(damaged_projects())
def test_a_damaged_project_is_never_more_than_findings(files: Mapping[str, bytes]) -> None:
    """Nothing but InvalidProject is raised, and each error says where and what."""
    with tempfile.TemporaryDirectory() as folder:
        findings = findings_of(write(Path(folder), files))
    assert [(str(item), complaint(item)) for item in findings if complaint(item)] == []


@EXAMPLES
@given(misspelled_projects())
def test_a_misspelled_name_is_found(made: tuple[Mapping[str, bytes], str, str]) -> None:
    """Whatever name lacks a letter, a finding with its file and line names the right one."""
    files, file, name = made
    with tempfile.TemporaryDirectory() as folder:
        findings = findings_of(write(Path(folder), files))
    hits = [item for item in findings if re.search(rf"'{re.escape(name)}'", item.message)]
    assert hits, f"{file}: nothing speaks of {name}"
    assert [item for item in hits if item.location and item.location.line]


@EXAMPLES
@given(sound_projects())
def test_a_sound_project_is_read_and_trains(files: Mapping[str, JSON]) -> None:
    """The only errors that it can have are contradictions of rules, which training refuses as well."""
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), {file: block(content).encode() for file, content in files.items()})
        project = Project.load(folder)
        errors = {str(item) for item in check_project(project) if item.severity is Severity.ERROR}
        refused: set[str] = set()
        trackers = generate_trackers(project.steps, project.domain, augmentation_factor=0)
        try:
            policy_training.train(project.config.policies, trackers, project.domain, folder / "model")
        except InvalidProject as error:
            refused = {str(item) for item in error.findings}
    assert errors == refused
    assert all("[contradicting-rules]" in item or "[incomplete-rule]" in item for item in errors)
