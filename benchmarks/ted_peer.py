"""Train Rasa 3.6's TEDPolicy on the same splits: run by `benchmarks.ted` under Rasa's own Python.

Usage: RASA_PYTHON ted_peer.py REQUEST.json. The request names `domain` and `data` (paths), `epochs`,
`max_history` and `folds` (held-out story names, one list per training). Prints one line of JSON: for each
fold the seconds of training and, for each step of the held-out stories, story, action and prediction.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rasa.core.policies.ted_policy import TEDPolicy  # type: ignore[import-not-found]  # only in Rasa's environment
from rasa.engine.graph import ExecutionContext, GraphSchema  # type: ignore[import-not-found]
from rasa.engine.storage.local_model_storage import LocalModelStorage  # type: ignore[import-not-found]
from rasa.engine.storage.resource import Resource  # type: ignore[import-not-found]
from rasa.shared.core.events import ActionExecuted  # type: ignore[import-not-found]
from rasa.shared.core.generator import TrainingDataGenerator  # type: ignore[import-not-found]
from rasa.shared.core.trackers import DialogueStateTracker  # type: ignore[import-not-found]
from rasa.shared.core.training_data.structures import RuleStep, StoryGraph  # type: ignore[import-not-found]
from rasa.shared.importers.importer import TrainingDataImporter  # type: ignore[import-not-found]


def measure(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Train and predict each fold."""
    config = Path(tempfile.mkdtemp()) / "config.yml"
    config.write_text("recipe: default.v1\nassistant_id: peer\nlanguage: en\n", encoding="utf-8")
    importer = TrainingDataImporter.load_from_config(str(config), request["domain"], request["data"])
    domain = importer.get_domain()
    steps = [step for step in importer.get_stories().story_steps if not isinstance(step, RuleStep)]
    everything = _trackers(steps, domain, augmentation=0)
    results = []
    for held_out in map(set, request["folds"]):
        kept = _trackers([step for step in steps if step.block_name not in held_out], domain, augmentation=50)
        policy = _policy(request)
        started = time.perf_counter()
        policy.train(kept, domain)
        seconds = time.perf_counter() - started
        tested = [item for item in everything if held_out & set(item.sender_id.split(" > "))]
        rows = [row for tracker in tested for row in _predictions(policy, tracker, domain)]
        results.append({"train_s": seconds, "steps": rows})
    return results


def _trackers(steps: Sequence[Any], domain: Any, *, augmentation: int) -> list[Any]:
    generator = TrainingDataGenerator(StoryGraph(list(steps)), domain, augmentation_factor=augmentation)
    trackers: list[Any] = generator.generate()
    return trackers


def _policy(request: dict[str, Any]) -> Any:
    options = {
        "epochs": request["epochs"],
        "max_history": request["max_history"],
        "constrain_similarities": True,
        "random_seed": request["seed"],
        "use_gpu": False,
    }
    storage = LocalModelStorage.create(Path(tempfile.mkdtemp()))
    context = ExecutionContext(GraphSchema({}))
    return TEDPolicy(TEDPolicy.get_default_config() | options, storage, Resource("ted"), context)


def _predictions(policy: Any, tracker: Any, domain: Any) -> Iterator[tuple[str, str, str]]:
    events = list(tracker.events)
    for index, event in enumerate(events):
        if isinstance(event, ActionExecuted) and not event.unpredictable:
            before = DialogueStateTracker.from_events(tracker.sender_id, events[:index], domain.slots)
            said = policy.predict_action_probabilities(before, domain)
            action = domain.action_names_or_texts[said.max_confidence_index]
            yield tracker.sender_id, event.action_name or event.action_text, action


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(json.dumps(measure(json.load(file))) + "\n")
