"""Intent and sentiment benchmark on any CSV: `python -m benchmarks.nlu TRAIN.csv TEST.csv [--shots K]`."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from bot.dialogue.domain import Domain
from bot.dialogue.messages import ParseResult
from bot.nlu.evaluate import evaluate
from bot.nlu.interpreter import Interpreter
from bot.nlu.train import train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample


def read(path: Path) -> NluData:
    """Read a file with the columns `text` and `intent` or `sentiment`."""
    with path.open(encoding="utf-8", newline="") as lines:
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


def measure(data: NluData, held_out: NluData, *, language: str, fine_tune: str) -> dict[str, object]:
    """Train, parse the held-out sentences one by one, and return the figures."""
    pipeline = [ComponentConfig("BertUnderstanding", {"fine_tune": fine_tune})]
    with tempfile.TemporaryDirectory() as folder:
        report = train(data, pipeline, Path(folder), language=language)
        interpreter = Interpreter.load(Path(folder), Domain())
        durations: list[float] = []

        def parse(text: str) -> ParseResult:
            started = time.perf_counter()
            result = interpreter.parse(text)
            durations.append((time.perf_counter() - started) * 1000)
            return result

        scores = evaluate(parse, held_out).as_dict()
    scores.pop("confusions")
    return {
        "training_s": round(report.seconds, 1),
        "parse_p50_ms": float(np.median(durations)),
        "parse_p95_ms": float(np.quantile(durations, 0.95)),
        **scores,
    }


def main() -> None:
    """Read the command line, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--shots", type=int, help="examples of each intent; all without it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--language", default="en")
    parser.add_argument("--fine-tune", choices=["head", "full"], default="head")
    options = parser.parse_args()
    data = read(options.train)
    if options.shots:
        data = draw(data, options.shots, options.seed)
    figures = measure(data, read(options.test), language=options.language, fine_tune=options.fine_tune)
    json.dump(figures, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
