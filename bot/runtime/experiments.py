"""Experiment tracking: what a training was made with and how well it went, to TensorBoard or MLflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.dialogue.messages import JSON
from bot.errors import FrontdeskError
from bot.runtime.model_card import CARD_DATA_FILE, CARD_FILE
from bot.runtime.optional_library import require

RUNS = "runs"
_EXTRA, _PURPOSE = "tracking", "experiment tracking"
_LONGEST_OPTION = 400  # characters; MLflow refuses more than 500


@dataclass(frozen=True, slots=True)
class Experiment:
    """One training: options by name, scores by name, curves as (step, value), and files worth keeping.

    `page` is Markdown for people.
    """

    group: str
    name: str
    options: Mapping[str, str | float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    page: str = ""
    files: Sequence[Path] = ()


def require_library(name: str) -> None:
    """See that a library is installed.

    Raises:
        SettingsError: It is not.
    """
    require(name, extra=_EXTRA, purpose=_PURPOSE)


def of_model(folder: Path) -> Experiment:
    """Return the training of a model, as its card tells it."""
    card: JSON = json.loads((folder / CARD_DATA_FILE).read_text("utf-8"))
    facts = card["understanding"] or {}
    options: dict[str, str | float] = {"policies": ", ".join(card["dialogue"]["policies"])}
    for name, value in {**facts.get("understanding", {}), **(facts.get("libraries") or {})}.items():
        options[name] = ", ".join(map(str, value)) if isinstance(value, list) else value
    for task in ("intents", "sentiment", "entities"):
        examples = facts.get(task, {}).get("examples") or {}
        options[f"{task} taught"] = sum(sum(counts.values()) for counts in examples.values())
    return Experiment(
        group=card["assistant_id"] or "frontdesk",
        name=folder.name,
        options=options,
        scores=dict(_scores(facts)),
        page=(folder / CARD_FILE).read_text("utf-8"),
        files=(folder / CARD_FILE, folder / CARD_DATA_FILE),
    )


def _scores(facts: Mapping[str, JSON]) -> Iterator[tuple[str, float]]:
    for task in ("intents", "sentiment"):
        scores = facts.get(task, {}).get("held_out")
        if scores:
            for name in ("accuracy", "macro_f1", "expected_calibration_error", "temperature"):
                yield f"{task}/{name}", scores[name]
            for language, row in scores["by_language"].items():
                if language != "?":
                    yield f"{task}/accuracy_{language}", row["accuracy"]
        for name, value in (facts.get(task, {}).get("augmentation") or {}).items():
            yield f"{task}/augmentation_{name}", value
    if "seconds" in facts:
        yield "training/seconds", facts["seconds"]


def to_tensorboard(experiment: Experiment, root: Path) -> str:
    """Write an experiment below `runs` in `root`, and return the command that shows it.

    Raises:
        SettingsError: TensorBoard is not installed.
    """
    require_library("tensorboard")
    writer_module = require("torch.utils.tensorboard", extra="train", purpose=_PURPOSE)
    with writer_module.SummaryWriter(str(root / RUNS / experiment.name)) as writer:
        for name, points in experiment.curves.items():
            for step, value in points:
                writer.add_scalar(name, value, step)
        for name, value in experiment.scores.items():
            writer.add_scalar(name, value, 0)
        if experiment.page:
            writer.add_text("model card", experiment.page)
        # Into the same folder, so that one training is one run.
        writer.add_hparams(dict(experiment.options), dict(experiment.scores), run_name=".")
    return f"tensorboard --logdir {root / RUNS}"


def to_mlflow(experiment: Experiment) -> str:
    """Write an experiment where MLflow's own settings say, and return its run.

    `MLFLOW_TRACKING_URI` names the server or folder, `MLFLOW_EXPERIMENT_NAME` the experiment; without it that
    is the experiment's group.

    Raises:
        SettingsError: MLflow is not installed.
        FrontdeskError: It cannot write there.
    """
    # A training tells nobody about itself but whom it was told to.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow = require("mlflow", extra=_EXTRA, purpose=_PURPOSE)
    try:
        if not os.environ.get("MLFLOW_EXPERIMENT_NAME"):
            mlflow.set_experiment(experiment.group)
        with mlflow.start_run(run_name=experiment.name) as run:
            options = experiment.options.items()
            mlflow.log_params({name: str(value)[:_LONGEST_OPTION] for name, value in options})
            mlflow.log_metrics(dict(experiment.scores))
            for name, points in experiment.curves.items():
                for step, value in points:
                    mlflow.log_metric(name, value, step=step)
            for file in experiment.files:
                mlflow.log_artifact(str(file))
    except mlflow.MlflowException as error:
        raise FrontdeskError(f"MLflow at {mlflow.get_tracking_uri()} refuses: {error}") from error
    return f"MLflow run {run.info.run_id} in {mlflow.get_tracking_uri()}"
