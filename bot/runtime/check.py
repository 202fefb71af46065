"""Everything that can be found wrong in a project before training, by all rooms that read it."""

from __future__ import annotations

from bot.errors import Finding, InvalidProject
from bot.nlu.registry import plan_pipeline
from bot.policies import train as policy_training
from bot.training_data.project import Project
from bot.training_data.story_graph import generate_trackers
from bot.training_data.validate import validate


def check_project(project: Project) -> list[Finding]:
    """Return all that is wrong with a project: in its files, and between its rules and stories."""
    findings = validate(project)
    try:
        plan_pipeline(project.config.pipeline)
    except InvalidProject as error:
        findings += error.findings
    trackers = generate_trackers(project.steps, project.domain, augmentation_factor=0)
    return findings + policy_training.check(project.config.policies, trackers, project.domain)
