"""The states of 30 real projects beside those of Rasa 3.6.21.

The corpus lies beside the project and not in it; without it these tests are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.policies.dialogues import dialogue
from bot.training_data.project import Project
from bot.training_data.story_graph import generate_trackers

CORPUS = Path(__file__).parents[2].parent / "shared" / "conformance"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the conformance corpus is not at {CORPUS}"),
]


@pytest.mark.parametrize("name", sorted(path.stem for path in (CORPUS / "golden").glob("*.json")))
def test_stories_and_rules_look_as_in_rasa(name: str) -> None:
    """Every state of every training tracker; the order of trackers depends on Rasa's hash seed."""
    project = Project.load(CORPUS / "projects" / name)
    trackers = generate_trackers(project.steps, project.domain, augmentation_factor=0)
    ours = [
        (tracker.name, [state.as_json() for state in dialogue(tracker, project.domain).states])
        for tracker in trackers
    ]
    golden = json.loads((CORPUS / "golden" / f"{name}.json").read_text(encoding="utf-8"))
    theirs = [(tracker["name"], tracker["states"]) for tracker in golden["trackers"]]
    assert sorted(map(_text, ours)) == sorted(map(_text, theirs))


def _text(item: object) -> str:
    return json.dumps(item, sort_keys=True)
