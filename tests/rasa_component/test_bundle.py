"""The one file for Rasa holds our own modules and nothing else, and understands as they do."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.dialogue.domain import Domain, EntityProperties
from bot.nlu.interpreter import Interpreter
from bot.nlu.train import train
from bot.rasa_component.bundle import (
    COMPONENT,
    LIBRARIES,
    OPTIONAL,
    PARTS,
    bundle,
    libraries,
    needed,
    rewritten,
    source_of,
)
from bot.training_data.config_file import ComponentConfig
from tests.language.tiny_backbone import write_tiny_backbone
from tests.nlu.conftest import DATA
from tests.rasa_component.rasa_stubs import write_rasa

TEXTS = (
    "where is my parcel", "i moved from rome to linz, can't you see?", "订单LC104233的耳机坏了",
    "when are you open", "i hate it", "/greet", "", "  ", "LC104233 " * 300,
    "don't (really) :-) www.example.com", "\ud83d half", "🙂",
)  # fmt: skip
# Run by a process that has neither our packages nor Rasa: prints what the component did, as JSON.
_SCRIPT = """
import importlib.abc, importlib.util, json, sys
from pathlib import Path

work, models, absent, texts = json.loads(sys.argv[1])

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("bot", "language", "spacy", *absent):
            raise ImportError(name + " is not here")

sys.meta_path.insert(0, Hidden())
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in absent else find(name, *rest)
sys.path.insert(0, work)
from frontdesk_nlu import FrontdeskNLU
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

try:
    config = {**FrontdeskNLU.get_default_config(), "model": models}
    storage = ModelStorage(Path(work) / "storage")
    mark = FrontdeskNLU.fingerprint_addon(config)
    FrontdeskNLU.create(config, storage, None, None).train(TrainingData({"greet", "unheard_of"}))
    loaded = FrontdeskNLU.load(config, storage, None, None)
    messages = loaded.process([Message({"text": text}) for text in texts])
    answers = [{name: message.data[name] for name in sorted(message.output)} for message in messages]
    tokens = [[[t.start, t.end, t.text] for t in message.data["text_tokens"]] for message in messages]
    registered = DefaultV1Recipe.registered
    print(json.dumps({"answers": answers, "tokens": tokens, "mark": mark, "registered": registered}))
except RasaException as error:
    print(json.dumps({"error": str(error)}))
"""


def _model(folder: Path, *, builtin: bool = False) -> Path:
    """Train a model folder as Rasa's user would find it among the models."""
    pipeline = [
        ComponentConfig("BertUnderstanding", {"backbone": str(write_tiny_backbone(folder / "tiny"))}),
        ComponentConfig("EntityLookup"),
        ComponentConfig("FallbackClassifier", {"threshold": 0.2}),
        *([ComponentConfig("BuiltinEntities")] if builtin else []),
    ]
    model = folder / "models" / "20260101-000000-abc"
    train(DATA, pipeline, model / "nlu", cache=folder / "cache")
    domain = {"entities": ["city", {"category": {"influence_conversation": False}}, "sentiment", "language"]}
    (model / "domain.json").write_text(json.dumps(domain), encoding="utf-8")
    _write_metadata(model)
    return model


def _write_metadata(model: Path, **files: str) -> None:
    metadata = {"model_id": "abc", "trained_at": "2026-01-01T00:00:00+00:00", "files": files}
    (model / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model once."""
    return _model(tmp_path_factory.mktemp("rasa"))


def _run(folder: Path, models: Path, *absent: str) -> dict[str, object]:
    """Let the component work in a process of its own."""
    write_rasa(folder)
    (folder / "frontdesk_nlu.py").write_text(bundle("0.0.0"), encoding="utf-8")
    asked = json.dumps([str(folder), str(models), absent, TEXTS])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _SCRIPT, asked], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_the_file_understands_as_we_do(model: Path, tmp_path: Path) -> None:
    """Without our packages and spaCy around, every figure of every answer is that of our own interpreter."""
    names = ("city", "category", "sentiment", "language")
    domain = Domain(entities={name: EntityProperties() for name in names})
    ours = Interpreter.load(model / "nlu", domain)
    found = _run(tmp_path, model.parent, *OPTIONAL)
    assert found.get("error") is None
    answers, tokens = found["answers"], found["tokens"]
    assert isinstance(answers, list)
    assert isinstance(tokens, list)
    for text, answer, cut in zip(TEXTS, answers, tokens, strict=True):
        expected = json.loads(json.dumps(ours.parse(text).as_dict()))
        spans = expected.pop("text_tokens")
        assert [[start, end] for start, end, _ in cut] == spans
        assert all(word == text[start:end] for start, end, word in cut)
        del expected["text"]
        if not expected["response_selector"]:
            del expected["response_selector"]
        assert answer == expected, text
    assert found["mark"] == "abc"
    assert found["registered"] == [["FrontdeskNLU", [2, 3], True]]


def test_only_two_libraries_must_be_installed_beside_rasa() -> None:
    """What the file imports is Python's own, Rasa's own, onnxruntime or tokenizers; the rest is optional."""
    others = libraries(needed(COMPONENT)) - sys.stdlib_module_names - {"rasa"}
    assert others <= LIBRARIES | OPTIONAL
    assert {"onnxruntime", "tokenizers"} <= others


def test_the_file_is_python_3_10() -> None:
    """It has the grammar of the Python that Rasa runs on, and no name that this Python lacks."""
    text = bundle("0.0.0")
    ast.parse(text, feature_version=(3, 10))
    for module in needed(COMPONENT):
        tree = ast.parse(rewritten(source_of(module)), feature_version=(3, 10))
        imported = {
            (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert not imported & {("enum", "StrEnum"), ("datetime", "UTC"), ("typing", "Self")}


@pytest.mark.parametrize("module", sorted(needed(COMPONENT)))
def test_only_names_of_imports_change(module: str) -> None:
    """A module stands in the file as it stands here, line by line, but for where it imports from."""
    source = source_of(module)
    pairs = zip(source.splitlines(), rewritten(source).splitlines(), strict=True)
    for before, after in pairs:
        if before != after:
            assert before.lstrip().startswith(("from ", "import "))
            assert after.replace(f"{PARTS}.newer_", "").replace(f"{PARTS}.", "") in (
                before,
                re.sub(r"import (\w+)", r"import library_\1 as \1", before, count=1),
                before.replace("from ", "from library_"),
            )


def test_a_changed_file_is_refused(model: Path, tmp_path: Path) -> None:
    """A model whose file is not the one that its metadata promises is not taken into Rasa's archive."""
    _write_metadata(model, **{"nlu/nlu.json": "0" * 64})
    try:
        error = str(_run(tmp_path, model, *OPTIONAL)["error"])
    finally:
        _write_metadata(model)
    assert "nlu.json: not the file that was trained" in error


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """The message names the folder and the command that is missing."""
    (tmp_path / "none").mkdir()
    assert "run `frontdesk train`" in str(_run(tmp_path, tmp_path / "none")["error"])


def test_dates_need_their_library(tmp_path: Path) -> None:
    """A model with BuiltinEntities says what to install where the libraries are not there."""
    model = _model(tmp_path, builtin=True)
    (tmp_path / "run").mkdir()
    assert "pip install dateparser phonenumbers" in str(_run(tmp_path / "run", model, *OPTIONAL)["error"])


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    """One command, and the lines to put into the pipeline."""
    target = tmp_path / "frontdesk_nlu.py"
    result = CliRunner().invoke(app, ["rasa-component", "--out", str(target)])
    assert result.exit_code == 0, result.output
    assert "frontdesk_nlu.FrontdeskNLU" in result.output
    assert "class FrontdeskNLU" in target.read_text("utf-8")
    refused = CliRunner().invoke(app, ["rasa-component", "--out", str(tmp_path / "nowhere" / "x.py")])
    assert refused.exit_code == 1
    assert "cannot be written" in " ".join(refused.output.split())
