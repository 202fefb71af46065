"""What a model was trained from and how well: written beside it, for model cards and experiment trackers."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from bot.dialogue.messages import JSON
from bot.nlu.augmentation_gain import Gain
from bot.nlu.held_out import HeldOutScores, languages_of
from bot.nlu.model import NluModel
from bot.training_data.nlu_examples import NluData

FACTS_FILE = "training.json"
_FORMAT = 1
_LIBRARIES = (
    "numpy", "onnxruntime", "safetensors", "scikit-learn", "scipy", "spacy", "tokenizers", "torch",
    "transformers",
)  # fmt: skip


class Report(Protocol):
    """What training says of itself, as far as it is written down."""

    @property
    def backbone(self) -> str: ...  # noqa: D102 (named by the class)
    @property
    def entities(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def intent_scores(self) -> HeldOutScores | None: ...  # noqa: D102
    @property
    def sentiment_scores(self) -> HeldOutScores | None: ...  # noqa: D102
    @property
    def intent_gain(self) -> Gain | None: ...  # noqa: D102
    @property
    def sentiment_gain(self) -> Gain | None: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102


def write_facts(folder: Path, report: Report, data: NluData, model: NluModel) -> None:
    """Write `training.json` beside a trained model."""
    (folder / FACTS_FILE).write_text(
        json.dumps(facts(report, data, model), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


def facts(report: Report, data: NluData, model: NluModel) -> dict[str, JSON]:
    """Return the JSON form: counts by label and language, held-out scores, thresholds, versions, seconds."""
    return {
        "format": _FORMAT,
        "language": model.language,
        "backbone": report.backbone,
        "understanding": asdict(model.plan.understanding),
        "pipeline": [asdict(row) for row in model.plan.rows],
        "intents": {
            "examples": _counts((row.intent, row.text) for row in data.examples),
            "held_out": asdict(report.intent_scores) if report.intent_scores else None,
            "augmentation": asdict(report.intent_gain) if report.intent_gain else None,
        },
        "sentiment": {
            "examples": _counts((row.value, row.text) for row in data.sentiment_examples),
            "held_out": asdict(report.sentiment_scores) if report.sentiment_scores else None,
            "augmentation": asdict(report.sentiment_gain) if report.sentiment_gain else None,
        },
        "entities": {
            "examples": _counts(
                (entity.entity, row.text) for row in data.examples for entity in row.entities
            ),
            "learnt": list(report.entities),
            "lookups": {name: len(phrases) for name, phrases in data.lookups.items()},
            "regexes": sorted(data.regexes),
            "synonyms": len(data.synonyms),
        },
        "thresholds": {
            "fallback": model.plan.fallback and asdict(model.plan.fallback),
            "scope": model.scope and asdict(model.scope),
            "sentiment": model.sentiment.threshold if model.sentiment else None,
        },
        "libraries": {"python": platform.python_version(), **_versions()},
        "seconds": round(report.seconds, 2),
        "notes": list(report.notes),
    }


def _counts(rows: Iterable[tuple[str, str]]) -> Mapping[str, Mapping[str, int]]:
    """Count the sentences of each label by language."""
    counts: dict[str, Counter[str]] = {}
    labelled = list(rows)
    for (label, _), language in zip(labelled, languages_of([text for _, text in labelled]), strict=True):
        counts.setdefault(label, Counter())[language] += 1
    return {label: dict(sorted(counts[label].items())) for label in sorted(counts)}


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
