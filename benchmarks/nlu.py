"""Intent and sentiment benchmark on any CSV: `python -m benchmarks.nlu TRAIN.csv TEST.csv [--shots K]`."""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from bot.dialogue.domain import Domain
from bot.dialogue.messages import NLU_FALLBACK, ParseResult
from bot.nlu.evaluate import evaluate
from bot.nlu.held_out import expected_calibration_error
from bot.nlu.interpreter import Interpreter
from bot.nlu.model import ENCODER_FOLDER, NluModel
from bot.nlu.train import train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from language.encoder import OnnxEncoder
from language.ngrams import ngrams


def read(path: Path) -> NluData:
    """Read a file with the columns `text` and `intent` or `sentiment`; `.gz` is unpacked."""
    unpacked = gzip.open if path.suffix == ".gz" else open
    with unpacked(path, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    examples = tuple(NluExample(row["text"], row["intent"]) for row in rows if row.get("intent"))
    moods = tuple(SentimentExample(row["text"], row["sentiment"]) for row in rows if row.get("sentiment"))
    return NluData(examples, moods)


def draw(data: NluData, shots: int, seed: int) -> NluData:
    """Keep `shots` examples of each intent, drawn at random."""
    by_intent: dict[str, list[NluExample]] = defaultdict(list)
    for example in data.examples:
        by_intent[example.intent].append(example)
    random = np.random.default_rng(seed)
    chosen = [rows[place] for rows in by_intent.values() for place in random.permutation(len(rows))[:shots]]
    return NluData(tuple(chosen), data.sentiment_examples)


def without(data: NluData, intent: str | None) -> NluData:
    """Leave the examples of one intent out."""
    return NluData(
        tuple(row for row in data.examples if row.intent != intent),
        sentiment_examples=data.sentiment_examples,
    )


def measure(
    data: NluData, held_out: NluData, *, language: str, fine_tune: str, oos: str | None
) -> dict[str, float | None]:
    """Train, parse the held-out sentences one by one, and return the figures."""
    pipeline = [
        ComponentConfig("BertUnderstanding", {"fine_tune": fine_tune}),
        ComponentConfig("FallbackClassifier"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        report = train(without(data, oos), pipeline, Path(folder), language=language)
        interpreter = Interpreter.load(Path(folder), Domain())
        durations: list[float] = []

        def parse(text: str) -> ParseResult:
            started = time.perf_counter()
            result = interpreter.parse(text)
            durations.append((time.perf_counter() - started) * 1000)
            return result

        scores = evaluate(parse, without(held_out, oos))
        foreign = [row.text for row in held_out.examples if row.intent == oos]
        refused = sum(parse(text).intent.name == NLU_FALLBACK for text in foreign)
        own = [row.text for row in held_out.examples if row.intent != oos]
        area = area_under_curve(Path(folder), own, foreign) if foreign else None
        moods = sentiments(interpreter, held_out.sentiment_examples)
    return {
        "training_s": report.seconds,
        "parse_p50_ms": float(np.median(durations)),
        "parse_p95_ms": float(np.quantile(durations, 0.95)),
        "accuracy": scores.intents.accuracy if scores.intents else None,
        "macro_f1": scores.intents.macro_f1 if scores.intents else None,
        "expected_calibration_error": scores.expected_calibration_error,
        "sentiment_abstained": scores.sentiment.abstention_share if scores.sentiment else None,
        "sentiment_accuracy_when_sure": scores.sentiment.accuracy_when_sure if scores.sentiment else None,
        **moods,
        "in_scope_rejected": scores.intents.fallback_share if scores.intents else None,
        "out_of_scope_recall": refused / len(foreign) if foreign else None,
        "out_of_scope_auroc": area,
    }


def sentiments(interpreter: Interpreter, examples: Sequence[SentimentExample]) -> dict[str, float | None]:
    """Score the likeliest sentiment, whether or not it is sure enough to be told."""
    if not examples:
        return {}
    chances = [interpreter.chances(row.text).sentiments for row in examples]
    found = [max(row, key=row.__getitem__) for row in chances]
    right = [one == row.value for one, row in zip(found, examples, strict=True)]
    return {
        "sentiment_accuracy": float(np.mean(right)),
        "sentiment_macro_f1": float(f1_score([row.value for row in examples], found, average="macro")),
        "sentiment_calibration_error": expected_calibration_error(
            np.array([max(row.values()) for row in chances]), np.array(right)
        ),
    }


def area_under_curve(folder: Path, own: Sequence[str], foreign: Sequence[str]) -> float | None:
    """Return the chance that a message in scope scores above a foreign one."""
    model, encoder = NluModel.load(folder), OnnxEncoder(folder / ENCODER_FOLDER)
    if not (model.intent and model.scope and model.landmarks):
        return None
    head, found = model.intent.head, []
    for text in (*own, *foreign):
        features = model.intent.space.features(ngrams(text), encoder.encode(text))
        signals = model.landmarks.signals(head, features, head.scores(features))
        found.append(model.scope.score(signals))
    return float(roc_auc_score([True] * len(own) + [False] * len(foreign), found))


def summary(
    rows: Sequence[dict[str, float | None]], typical: Callable[[list[float]], np.floating[Any]]
) -> dict[str, float]:
    """Return what is typical of each figure: the median over seeds, the mean over folds."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        name: round(float(typical([value for value in values if value is not None])), 4)
        for name, values in columns.items()
        if None not in values
    }


def main() -> None:
    """Read the command line, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--shots", type=int, help="examples of each intent; all without it")
    parser.add_argument("--seeds", type=int, default=1, help="draws of --shots; the medians are printed")
    parser.add_argument("--oos", metavar="LABEL", help="intent that is out of scope: tested, never learnt")
    parser.add_argument("--language", default="en")
    parser.add_argument("--fine-tune", choices=["head", "full"], default="head")
    options = parser.parse_args()
    data, held_out = read(options.train), read(options.test)
    rows = [
        measure(
            draw(data, options.shots, seed) if options.shots else data,
            held_out,
            language=options.language,
            fine_tune=options.fine_tune,
            oos=options.oos,
        )
        for seed in range(1, options.seeds + 1)
    ]
    figures = {"seeds": options.seeds, **summary(rows, np.median)}
    json.dump({**figures, "accuracies": [row["accuracy"] for row in rows]}, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
