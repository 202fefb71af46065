"""Everything that can be found wrong in a project before training, by all rooms that read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.errors import Finding, InvalidProject, Severity
from bot.nlu.own_lines import check as check_own
from bot.nlu.plan import PipelinePlan
from bot.nlu.rasas_options import misspelled_options
from bot.nlu.registry import LEFT_OUT, plan_pipeline
from bot.policies import train as policy_training
from bot.runtime.unused_data import unused_data
from bot.training_data.config_file import DEFAULT_LANGUAGE, ComponentConfig
from bot.training_data.project import Project
from bot.training_data.story_conflicts import find_story_conflicts
from bot.training_data.story_graph import generate_trackers
from bot.training_data.validate import validate
from bot.written_for_rasa.slots import check_own_slots, with_own_slots


def check_project(project: Project, *, max_history: int | None = None) -> list[Finding]:
    """Return all that is wrong with a project: in its files, and between its rules and stories.

    `max_history` is how many states count when stories are compared; None for all.
    """
    project, wrong = _with_own_slots(project)
    findings = [*validate(project, max_history=max_history), *wrong]
    try:
        plan = plan_pipeline(project.config.pipeline)
        findings += misspelled_options(project.config.pipeline)
        findings += check_own(plan.own, project.config.language or DEFAULT_LANGUAGE)
        findings += _left_out(plan, project.config.pipeline)
        findings += unused_data(project, plan)
    except InvalidProject as error:
        findings += error.findings
    trackers = generate_trackers(project.steps, project.domain, augmentation_factor=0)
    return findings + policy_training.check(project.config.policies, trackers, project.domain)


def check_stories(project: Project, *, max_history: int | None = None) -> list[Finding]:
    """Return the stories that contradict each other."""
    project, wrong = _with_own_slots(project)
    return [*find_story_conflicts(project.steps, project.domain, max_history), *wrong]


def _with_own_slots(project: Project) -> tuple[Project, list[Finding]]:
    wrong = list(check_own_slots(project.domain))
    if any(finding.severity is Severity.ERROR for finding in wrong):
        return project, wrong
    return replace(project, domain=with_own_slots(project.domain)), wrong


def _left_out(plan: PipelinePlan, pipeline: Sequence[ComponentConfig]) -> list[Finding]:
    """Say which components the model will be without, as their code is not here."""
    return [
        Finding("own-component", f"{row.note}; it is left out", line.location, Severity.WARNING)
        for row, line in zip(plan.rows, pipeline, strict=True)
        if row.became == LEFT_OUT
    ]
