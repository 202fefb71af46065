"""Next-action accuracy of TED on unseen stories: `python -m benchmarks.ted PROJECT… [--peer RASA_PYTHON]`.

The stories are split by name into five folds, drawn with a fixed seed. TED learns from four of them, with
augmentation and alone, and predicts each action of the stories with a name in the fifth. `--peer` has Rasa's
TEDPolicy do the same with the same folds. Prints JSON.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.conformance import load_project
from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted
from bot.dialogue.tracker import Tracker
from bot.policies.dialogues import unpredictable_action
from bot.policies.learnt_options import TEDOptions
from bot.policies.ted import TEDPolicy
from bot.policies.turns import RuleOnly
from bot.training_data.project import Project
from bot.training_data.story_graph import TrainingTracker, generate_trackers

FOLDS = 5
EPOCHS, MAX_HISTORY, SEED = 100, 5, 42
_PEER = Path(__file__).with_name("ted_peer.py")
_PEER_ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass(frozen=True, slots=True)
class Fold:
    """One training: its seconds, and story, action and prediction of each held-out step."""

    train_s: float
    steps: Sequence[tuple[str, str, str]]
    confidences: Sequence[float] = ()

    @property
    def right(self) -> int:
        """Number of steps that were predicted."""
        return sum(action == predicted for _, action, predicted in self.steps)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one engine reached over all folds; `accuracies` has one entry a fold."""

    train_s: float
    accuracy: float
    accuracies: tuple[float, ...]
    mean_confidence: float | None = None


def splits(project: Project) -> list[list[str]]:
    """Return the held-out story names of each fold."""
    names = sorted({step.name for step in project.steps if not step.is_rule})
    random.Random(0).shuffle(names)  # noqa: S311 - the same folds every time
    return [names[first::FOLDS] for first in range(FOLDS)]


def measure(project: Project, held_out: Sequence[str]) -> Fold:
    """Train on all stories but the held-out ones, and predict those."""
    stories = [step for step in project.steps if not step.is_rule]
    kept = generate_trackers([step for step in stories if step.name not in held_out], project.domain)
    policy = TEDPolicy(TEDOptions(max_history=MAX_HISTORY, epochs=EPOCHS))
    started = time.perf_counter()
    policy.train(kept, project.domain, RuleOnly())
    seconds = time.perf_counter() - started
    everything = generate_trackers(stories, project.domain, augmentation_factor=0)
    tested = [tracker for tracker in everything if set(held_out) & set(tracker.name.split(" > "))]
    found = [step for tracker in tested for step in _predictions(policy, tracker, project.domain)]
    return Fold(seconds, [row for row, _ in found], [confidence for _, confidence in found])


def _predictions(
    policy: TEDPolicy, story: TrainingTracker, domain: Domain
) -> Iterator[tuple[tuple[str, str, str], float]]:
    first = unpredictable_action(story)
    tracker = Tracker(story.name, domain)
    for event in story.events:
        if isinstance(event, ActionExecuted) and event is not first:
            said = policy.predict(tracker, domain)
            yield (story.name, event.name or event.action_text or "", said.action(domain)), said.confidence
        tracker.apply(event)


def measure_peer(python: Path, folder: Path, folds: Sequence[Sequence[str]]) -> list[Fold]:
    """Have Rasa train and predict the same folds."""
    request = {
        "domain": str(folder / ("domain" if (folder / "domain").is_dir() else "domain.yml")),
        "data": [str(folder / "data")],
        "epochs": EPOCHS,
        "max_history": MAX_HISTORY,
        "seed": SEED,
        "folds": folds,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(request, file)
        file.flush()
        # What runs is this benchmark's own script, under the interpreter that the caller named.
        done = subprocess.run(  # noqa: S603
            [str(python), "-W", "ignore", str(_PEER), file.name],
            env=os.environ | _PEER_ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    return [Fold(fold["train_s"], [tuple(row) for row in fold["steps"]]) for fold in json.loads(done.stdout)]


def figures(folds: Sequence[Fold]) -> Figures:
    """Sum up; accuracy is over all steps of all folds."""
    steps = [max(1, len(fold.steps)) for fold in folds]
    confidences = [confidence for fold in folds for confidence in fold.confidences]
    return Figures(
        round(sum(fold.train_s for fold in folds), 2),
        round(sum(fold.right for fold in folds) / sum(steps), 4),
        tuple(round(fold.right / count, 4) for fold, count in zip(folds, steps, strict=True)),
        round(sum(confidences) / len(confidences), 4) if confidences else None,
    )


def compare(folder: Path, peer: Path | None, count: int) -> dict[str, Any]:
    """Measure one project on its first `count` folds, with the peer beside if one is given."""
    project = load_project(folder)
    folds = splits(project)[:count]
    ours = [measure(project, held_out) for held_out in folds]
    result: dict[str, Any] = {
        "project": folder.name,
        "stories": sum(map(len, splits(project))),
        "folds": count,
        "held_out_steps": sum(len(fold.steps) for fold in ours),
        "ours": asdict(figures(ours)),
    }
    if peer:
        theirs = measure_peer(peer, folder, folds)
        result["rasa"] = asdict(figures(theirs))
        result["same_steps"] = [_asked(fold) for fold in ours] == [_asked(fold) for fold in theirs]
        result["train_time_ratio"] = round(result["ours"]["train_s"] / result["rasa"]["train_s"], 3)
    return result


def _asked(fold: Fold) -> list[tuple[str, str]]:
    return sorted((story, action) for story, action, _ in fold.steps)


def main(
    projects: Annotated[list[Path], typer.Argument(help="Folders of projects with stories.")],
    peer: Annotated[Path | None, typer.Option(help="Python of an environment with Rasa 3.6.")] = None,
    folds: Annotated[int, typer.Option(min=1, max=FOLDS, help="How many of the five folds to hold out.")] = 1,
) -> None:
    """Print one JSON object a project."""
    for folder in projects:
        typer.echo(json.dumps(compare(folder, peer, folds), ensure_ascii=False))


if __name__ == "__main__":
    typer.run(main)
