"""What nobody would learn from is said before training."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.runtime.check import check_project
from bot.training_data.project import Project

POLICIES = "policies: [{name: MemoizationPolicy}, {name: RulePolicy}]\n"
INTENTS_ONLY = "pipeline: [{name: DIETClassifier, entity_recognition: false}]\n"
NLU = """
nlu:
- intent: greet
  examples: |
    - hello
    - in [Oslo](city)
    - in [the north](city:Tromso)
- intent: faq/price
  examples: |
    - how much
    - the price
- lookup: city
  examples: |
    - Rome
"""
DOMAIN = """
intents: [greet, faq]
entities: [city]
responses: {utter_hi: [{text: hi}], utter_faq/price: [{text: "1"}]}
"""
STORIES = """
stories:
- story: one
  steps:
  - user: hello you
  - action: utter_hi
"""


def unused(folder: Path, config: str) -> list[str]:
    """Return the warnings of a project with this configuration."""
    files = {"config.yml": config, "domain.yml": DOMAIN, "data/nlu.yml": NLU, "data/stories.yml": STORIES}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    findings = check_project(Project.load(folder))
    return [str(finding).removeprefix(f"{folder}/") for finding in findings if finding.check == "unused-data"]


def test_what_no_part_learns_from_is_named(tmp_path: Path) -> None:
    """With the component that is missing, at the pipeline, and at the turn."""
    found = unused(tmp_path, INTENTS_ONLY + POLICIES)
    wanted = (
        "DIETClassifier",
        "RegexEntityExtractor",
        "EntitySynonymMapper",
        "ResponseSelector",
        "TEDPolicy",
    )
    assert len(found) == len(wanted)
    for row, component in zip(found, wanted, strict=True):
        assert f"add '{component}' to the" in row
    assert all(row.startswith("config.yml:1: warning:") for row in found[:-1])
    assert found[-1].startswith("data/stories.yml:5: warning:")


@pytest.mark.parametrize(
    "config",
    [
        "pipeline: [{name: DIETClassifier}, {name: EntitySynonymMapper}, {name: ResponseSelector}]\n"
        "policies: [{name: TEDPolicy}, {name: RulePolicy}]\n",
        "language: en\n",
    ],
)
def test_a_whole_pipeline_leaves_nothing_out(tmp_path: Path, config: str) -> None:
    """Nor do Rasa's defaults."""
    assert unused(tmp_path, config) == []
