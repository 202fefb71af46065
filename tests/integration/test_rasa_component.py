"""The component understands inside a real Rasa 3.6 as the model does here; `make test-rasa` runs this."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from bot.nlu.interpreter import Interpreter
from bot.nlu.train import train
from bot.rasa_component.bundle import bundle
from bot.runtime import model_package
from bot.training_data.project import Project

ROOT = Path(__file__).parents[2]
RASA = os.environ.get("FRONTDESK_RASA_PYTHON")
pytestmark = [
    pytest.mark.skipif(
        not RASA, reason="needs a Python with Rasa 3.6 in FRONTDESK_RASA_PYTHON: run `make test-rasa`"
    ),
    pytest.mark.timeout(1800),
]
Answers = list[tuple[str, dict[str, Any], dict[str, Any]]]

_CONFIG = """\
recipe: default.v1
assistant_id: rasa-with-frontdesk
language: en
pipeline:
- name: frontdesk_nlu.FrontdeskNLU
  model: {models}
"""
_DOMAIN = 'version: "3.1"\nintents: [order_status, greet]\n'
_DATA = """\
version: "3.1"
nlu:
- intent: order_status
  examples: |
    - where is my parcel
    - track my order
- intent: greet
  examples: |
    - hello
    - hi there
"""
_STRANGE = (
    "I paid $29.90 on 3 March, mail me at a.b@example.com or +49 30 901820",
    "can't you (really) help me?! :-(", "Где моя посылка", "昨天下午三点，LC104233还没到", "🙂",
    "word " * 300, "42", "/greet",
)  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answers, bool]:
    """Train the demo, let Rasa take the model in, and ask both: what each said, and if they compute alike."""
    folder = tmp_path_factory.mktemp("rasa")
    project = Project.load(ROOT)
    with model_package.new_package(folder / "models") as place:
        train(project.nlu, project.config.pipeline, place / model_package.NLU, language="en")
        package = model_package.finish(place, project.domain, version="test", fingerprints={})
    ours = Interpreter.load(package.nlu_folder, package.load_domain())
    texts = [*(row.text for row in project.nlu.examples[::17]), *_STRANGE]
    texts += [row.text for row in project.nlu.sentiment_examples[::23]]
    texts = [text.strip() for text in texts]
    said = _by_rasa(folder, texts)
    expected = [json.loads(json.dumps(ours.parse(text).as_dict())) for text in texts]
    alike = said["versions"]["onnxruntime"] == version("onnxruntime")
    return list(zip(texts, expected, said["parsed"], strict=True)), alike


def _by_rasa(folder: Path, texts: list[str]) -> dict[str, Any]:
    """Let Rasa train a project of its own around the component, and parse."""
    rasa = folder / "project"
    (rasa / "data").mkdir(parents=True)
    (rasa / "config.yml").write_text(_CONFIG.format(models=folder / "models"), encoding="utf-8")
    (rasa / "domain.yml").write_text(_DOMAIN, encoding="utf-8")
    (rasa / "data" / "nlu.yml").write_text(_DATA, encoding="utf-8")
    (rasa / "frontdesk_nlu.py").write_text(bundle("test"), encoding="utf-8")
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    script = Path(__file__).with_name("rasa_parses.py")
    # What leads this Python to its libraries would lead the other one to wrong ones.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(RASA), str(script), str(rasa), str(folder / "texts.json"), str(folder / "parsed.json")],
        capture_output=True, text=True, cwd=rasa, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    parsed: dict[str, Any] = json.loads((folder / "parsed.json").read_text("utf-8"))
    return parsed


def _without_what_rasa_adds(answer: dict[str, Any]) -> dict[str, Any]:
    """Rasa puts the full key of a retrieval intent into the intent by itself."""
    kept = {name: value for name, value in answer.items() if name != "response_selector" or value}
    kept["intent"] = {name: kept["intent"][name] for name in ("name", "confidence")}
    return kept


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float):
        return bool(abs(ours - theirs) < 1e-4)
    if isinstance(ours, dict):
        return set(ours) == set(theirs) and all(_same(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    return bool(ours == theirs)


def test_rasa_gets_our_answers(answers: tuple[Answers, bool]) -> None:
    """Intents with their ranking, entities, sentiment, language, words and answers are equal, within 1e-4."""
    rows, compute_alike = answers
    if not compute_alike:
        pytest.skip("the two Pythons have different versions of ONNX Runtime: see the next test")
    different = [
        text for text, ours, theirs in rows
        if text != "/greet" and not _same(_without_what_rasa_adds(ours), _without_what_rasa_adds(theirs))
    ]  # fmt: skip
    assert different == []


def test_another_onnx_runtime_changes_next_to_nothing(answers: tuple[Answers, bool]) -> None:
    """Versions of ONNX Runtime round eight-bit numbers differently: one intent in 40 may change."""
    rows, _ = answers
    moved = [text for text, ours, theirs in rows if ours["intent"]["name"] != theirs["intent"]["name"]]
    assert len(moved) <= len(rows) / 40


def test_messages_that_name_their_intent_stay_rasas(answers: tuple[Answers, bool]) -> None:
    """`/greet` is what it says, as with any other component."""
    rows, _ = answers
    said = {text: theirs["intent"] for text, _, theirs in rows}
    assert (said["/greet"]["name"], said["/greet"]["confidence"]) == ("greet", 1.0)
