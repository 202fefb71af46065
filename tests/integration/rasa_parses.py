"""Train a Rasa project on our component and parse texts with it: run under Rasa's own Python.

`python rasa_parses.py PROJECT TEXTS.json PARSED.json`, where `PROJECT` holds `config.yml`, `domain.yml`,
`data/` and `frontdesk_nlu.py`. It imports nothing of Frontdesk but that file.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", SQLALCHEMY_SILENCE_UBER_WARNING="1", RASA_TELEMETRY_ENABLED="false"
)


async def parsed(texts: list[str]) -> list[object]:
    """Train, load what was trained from its archive alone, and parse."""
    from rasa.core.agent import Agent  # noqa: PLC0415 - after the environment is set
    from rasa.model_training import train_nlu  # noqa: PLC0415

    trained = train_nlu(config="config.yml", nlu_data="data", output="trained", domain="domain.yml")
    agent = Agent.load(str(await trained if asyncio.iscoroutine(trained) else trained))
    return [await agent.parse_message(text) for text in texts]


if __name__ == "__main__":
    project, source, target = (Path(argument).resolve() for argument in sys.argv[1:4])
    os.chdir(project)
    sys.path.insert(0, str(project))
    results = asyncio.run(parsed(json.loads(source.read_text("utf-8"))))
    versions = {"onnxruntime": version("onnxruntime"), "rasa": version("rasa")}
    target.write_text(json.dumps({"versions": versions, "parsed": results}, default=str), "utf-8")
