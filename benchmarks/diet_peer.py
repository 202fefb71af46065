"""Train Rasa 3.6's DIET on annotated sentences and parse others: run by benchmarks under Rasa's own Python.

Usage: RASA_PYTHON diet_peer.py REQUEST.json, in an empty folder. The request names `nlu` (a path),
`language` and `texts`. The pipeline is Rasa's default one, with jieba for Chinese. Prints one line of JSON:
seconds of training, and for each text intent, confidence, entities and milliseconds.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # of that environment too
from rasa.core.agent import Agent  # type: ignore[import-not-found]  # only in Rasa's environment
from rasa.model_training import train_nlu  # type: ignore[import-not-found]

JSON = Any


def _config(language: str) -> dict[str, JSON]:
    tokenizer = "JiebaTokenizer" if language == "zh" else "WhitespaceTokenizer"
    characters = {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}
    names = ("RegexFeaturizer", "LexicalSyntacticFeaturizer", "CountVectorsFeaturizer")
    return {
        "recipe": "default.v1",
        "assistant_id": "peer",
        "language": language,
        "pipeline": [
            {"name": tokenizer},
            *({"name": name} for name in names),
            characters,
            {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True, "use_gpu": False},
        ],
    }


def _domain(nlu: Path) -> dict[str, JSON]:
    items = yaml.safe_load(nlu.read_text(encoding="utf-8"))["nlu"]
    return {"version": "3.1", "intents": [item["intent"] for item in items if "intent" in item]}


async def measure(request: dict[str, JSON]) -> dict[str, JSON]:
    """Train, then parse the texts one by one."""
    folder, nlu = Path.cwd(), Path(request["nlu"])
    for name, content in (("config.yml", _config(request["language"])), ("domain.yml", _domain(nlu))):
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    started = time.perf_counter()
    model = train_nlu(
        str(folder / "config.yml"), str(nlu), str(folder / "models"), domain=str(folder / "domain.yml")
    )
    if inspect.isawaitable(model):
        model = await model
    training_s = time.perf_counter() - started
    agent = Agent.load(model)
    durations, parsed = [], []
    for text in request["texts"]:
        started = time.perf_counter()
        result = await agent.parse_message(text)
        durations.append((time.perf_counter() - started) * 1000)
        parsed.append(_kept(result))
    return {"training_s": training_s, "parse_ms": durations, "parsed": parsed}


def _kept(result: dict[str, JSON]) -> dict[str, JSON]:
    entities = [{key: row[key] for key in ("entity", "start", "end")} for row in result["entities"]]
    intent = result["intent"]
    return {"intent": intent["name"], "confidence": intent["confidence"], "entities": entities}


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    with open(sys.argv[1], encoding="utf-8") as file:
        answer = asyncio.run(measure(json.load(file)))
    sys.stdout.write(json.dumps(answer) + "\n")
