"""Everything that can be found wrong in a project before training, by all rooms that read it."""

from __future__ import annotations

from bot.errors import Finding, InvalidProject
from bot.nlu.registry import plan_pipeline
from bot.policies import train as policy_training
from bot.training_data.config_file import DEFAULT_LANGUAGE
from bot.training_data.project import Project
from bot.training_data.story_graph import generate_trackers
from bot.training_data.validate import validate


def check_project(project: Project) -> list[Finding]:
    """Return all that is wrong with a project: in its files, and between its rules and stories."""
    findings = validate(project)
    try:
        plan = plan_pipeline(project.config.pipeline)
        if plan.own:
            # What such components are made of takes longer to load than all checks of a small project.
            from bot.nlu.own_lines import check as check_own  # noqa: PLC0415

            findings += check_own(plan.own, project.config.language or DEFAULT_LANGUAGE)
    except InvalidProject as error:
        findings += error.findings
    trackers = generate_trackers(project.steps, project.domain, augmentation_factor=0)
    return findings + policy_training.check(project.config.policies, trackers, project.domain)
