"""Entity benchmark on annotated sentences: `python -m benchmarks.entities TRAIN TEST [--fine-tune full]`.

TRAIN and TEST are files that `benchmarks.annotated` reads. Prints JSON: precision, recall and F1 of exact
spans with their types, micro-averaged and by type; intent accuracy; seconds of training; parse latency.
`--peer` has Rasa's DIET learn and parse the same sentences, one after the other with us.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.annotated import read
from bot.dialogue.domain import Domain
from bot.dialogue.messages import Entity, Intent, ParseResult
from bot.nlu.evaluate import EntityScores, evaluate
from bot.nlu.interpreter import Interpreter
from bot.nlu.plan import FineTune
from bot.nlu.train import train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData
from bot.training_data.nlu_writer import write_nlu

_PEER = Path(__file__).with_name("diet_peer.py")
_PEER_ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def measure(data: NluData, held_out: NluData, *, language: str, options: dict[str, Any]) -> dict[str, Any]:
    """Train, parse the held-out sentences one by one, and return the figures."""
    pipeline = [ComponentConfig("BertUnderstanding", options), ComponentConfig("EntityLookup")]
    with tempfile.TemporaryDirectory() as folder:
        report = train(data, pipeline, Path(folder), language=language)
        interpreter = Interpreter.load(Path(folder), Domain())
        durations: list[float] = []

        def parse(text: str) -> ParseResult:
            started = time.perf_counter()
            result = interpreter.parse(text)
            durations.append((time.perf_counter() - started) * 1000)
            return result

        return figures(parse, held_out, report.seconds, durations)


def measure_peer(python: Path, data: NluData, held_out: NluData, language: str) -> dict[str, Any]:
    """Have Rasa's DIET learn and parse the same sentences."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "nlu.yml").write_text(write_nlu(data), encoding="utf-8")
        texts = list(dict.fromkeys(row.text for row in held_out.examples))
        request = {"nlu": str(folder / "nlu.yml"), "language": language, "texts": texts}
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        # What runs is this benchmark's own script, under the interpreter that the caller named.
        done = subprocess.run(  # noqa: S603
            [str(python), "-W", "ignore", str(_PEER), str(folder / "request.json")],
            env=os.environ | _PEER_ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            cwd=folder,
        )
    answer = json.loads(done.stdout.decode().splitlines()[-1])
    parsed = dict(zip(texts, map(_peer_result, answer["parsed"]), strict=True))
    return figures(parsed.__getitem__, held_out, answer["training_s"], answer["parse_ms"])


def _peer_result(found: dict[str, Any]) -> ParseResult:
    intent = Intent(found["intent"], found["confidence"])
    entities = tuple(Entity(row["entity"], "", row["start"], row["end"]) for row in found["entities"])
    return ParseResult("", intent, entities, (intent,))


def figures(
    parse: Callable[[str], ParseResult],
    held_out: NluData,
    training_s: float,
    durations: Sequence[float],
) -> dict[str, Any]:
    """Score what `parse` says of the held-out sentences; `durations` (ms) may fill while it does."""
    scores = evaluate(parse, NluData(held_out.examples))
    return {
        **(_figures(scores.entities) if scores.entities else {}),
        "intent_accuracy": round(scores.intents.accuracy, 4) if scores.intents else None,
        "training_s": round(training_s, 1),
        "parse_p50_ms": round(float(np.median(durations)), 2),
        "parse_p95_ms": round(float(np.quantile(durations, 0.95)), 2),
        "types": {name: _figures(row) for name, row in scores.entities_by_type.items()},
    }


def _figures(scores: EntityScores) -> dict[str, Any]:
    return {
        "f1": round(scores.f1, 4),
        "precision": round(scores.precision, 4),
        "recall": round(scores.recall, 4),
        "annotated": scores.annotated,
    }


def draw(data: NluData, size: int | None) -> NluData:
    """Keep so many sentences, drawn with a fixed seed; all without a size."""
    chosen = np.random.default_rng(0).permutation(len(data.examples))[:size]
    return replace(data, examples=tuple(data.examples[row] for row in sorted(chosen)))


def main(  # noqa: PLR0913 - each option of the command is an argument
    train_file: Annotated[Path, typer.Argument(metavar="TRAIN")],
    test_file: Annotated[Path, typer.Argument(metavar="TEST")],
    language: Annotated[str, typer.Option(help="Decides how words are cut.")] = "en",
    fine_tune: Annotated[FineTune, typer.Option(help="What training changes.")] = FineTune.HEAD,
    backbone: Annotated[str | None, typer.Option(help="Another backbone: a name or a folder.")] = None,
    train_size: Annotated[int | None, typer.Option(help="Draw so many sentences of TRAIN.")] = None,
    test_size: Annotated[int | None, typer.Option(help="Draw so many sentences of TEST.")] = None,
    peer: Annotated[Path | None, typer.Option(help="Python of an environment with Rasa 3.6.")] = None,
) -> None:
    """Print the figures as JSON."""
    data, held_out = draw(read(train_file), train_size), draw(read(test_file), test_size)
    options = {"fine_tune": fine_tune.value} | ({"backbone": backbone} if backbone else {})
    result: dict[str, Any] = {"train": len(data.examples), "test": len(held_out.examples)}
    result["ours"] = measure(data, held_out, language=language, options=options)
    if peer:
        result["rasa"] = measure_peer(peer, data, held_out, language)
    typer.echo(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    typer.run(main)
