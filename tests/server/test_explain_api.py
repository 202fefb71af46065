"""`/model/explain` says over HTTP why a message is understood as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.nlu.interpreter import Interpreter
from bot.nlu.train import train
from bot.runtime.model_package import NLU
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.server.auth import Access
from bot.training_data.config_file import ComponentConfig
from tests.language.tiny_backbone import write_tiny_backbone
from tests.server.contract_bot import ContractModel, Served, Trainer, serve

ADDRESS = "/model/explain"


class LearningTrainer(Trainer):
    """Trains and loads the real NLU, on a tiny backbone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "models")
        self._backbone = write_tiny_backbone(folder / "backbone")
        self._cache = folder / "cache"

    def load(self, folder: Path) -> ContractModel:
        """Train the NLU into the model and load it."""
        model = super().load(folder)
        nlu = Path(model.model_file) / NLU
        if not (nlu / "nlu.json").exists():
            pipeline = [ComponentConfig("BertUnderstanding", {"backbone": str(self._backbone)})]
            train(self.project.nlu, pipeline, nlu, cache=self._cache)
        return replace(model, interpreter=Interpreter.load(nlu, model.domain))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> LearningTrainer:
    """Train the project of the recordings once."""
    trainer = LearningTrainer(tmp_path_factory.mktemp("explain"))
    trainer.train()
    return trainer


@pytest.fixture
def served(trainer: LearningTrainer) -> Served:
    """Serve it."""
    return serve(trainer, InMemoryTrackerStore())


async def _ask(served: Served, method: str, address: str, **request: Any) -> httpx.Response:
    transport = httpx.ASGITransport(served.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.request(method, address, **request)


async def test_both_ways_of_asking_get_the_same_answer(served: Served) -> None:
    """The text stands in the address or in the body; words and sentences come with their weights."""
    got = await _ask(served, "GET", ADDRESS, params={"text": "good morning"})
    posted = await _ask(served, "POST", ADDRESS, json={"text": "good morning"})
    assert got.status_code == 200, got.text
    assert got.json() == posted.json()
    answer = got.json()
    assert answer["model_id"] == served.live.model_id
    assert answer["parse"] == served.live.parse("good morning").as_dict()
    intent = answer["intent"]
    assert intent["label"] == answer["parse"]["intent"]["name"]
    assert [part["text"] for part in intent["parts"]] == ["good", "morning"]
    assert {"text", "label", "place"} == set(intent["near"][0]["sentence"])


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("GET", {}),
        ("GET", {"params": {"text": " "}}),
        ("POST", {"json": {}}),
        ("POST", {"json": {"text": 5}}),
    ],
    ids=["no parameter", "an empty one", "no text in the body", "a number"],
)
async def test_a_request_without_text_is_refused(served: Served, method: str, request_: Any) -> None:
    """What is missing is the caller's mistake."""
    answer = await _ask(served, method, ADDRESS, **request_)
    assert answer.status_code == 400
    assert answer.json()["reason"] == "BadRequest"


async def test_a_long_text_is_refused(served: Served) -> None:
    """More than 10,000 characters are too many here as everywhere."""
    answer = await _ask(served, "POST", ADDRESS, json={"text": "x" * 10_001})
    assert answer.status_code == 413


async def test_only_who_may_use_the_api_is_answered(trainer: LearningTrainer) -> None:
    """The training sentences behind an explanation are shown to nobody without the token."""
    served = serve(trainer, InMemoryTrackerStore(), access=Access(token="thistle"))
    request = {"text": "good morning"}
    assert (await _ask(served, "GET", ADDRESS, params=request)).status_code == 401
    assert (await _ask(served, "GET", ADDRESS, params={**request, "token": "thistle"})).status_code == 200


async def test_a_model_that_does_not_understand_by_itself_says_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Without an NLU of ours, or without a model, there is nothing to explain."""
    trainer = Trainer(tmp_path_factory.mktemp("keywords") / "models")
    trainer.train()
    served = serve(trainer, InMemoryTrackerStore())
    answer = await _ask(served, "GET", ADDRESS, params={"text": "hi"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
    assert "cannot explain itself" in answer.json()["message"]
    served.live.unload()
    assert (await _ask(served, "GET", ADDRESS, params={"text": "hi"})).status_code == 409


async def test_after_a_swap_the_new_model_explains(served: Served, trainer: LearningTrainer) -> None:
    """The explainer of a former model is not asked again."""
    await _ask(served, "GET", ADDRESS, params={"text": "good morning"})
    trainer.train()
    served.live.swap(trainer.load(trainer.models))
    answer = await _ask(served, "GET", ADDRESS, params={"text": "good morning"})
    assert answer.json()["model_id"] == served.live.model_id


async def test_lost_sentences_are_an_error_with_a_name(served: Served) -> None:
    """A model whose files vanished while it was loaded answers with what is missing."""
    folder = Path(str(served.live.model_file)) / NLU
    hidden = folder / "intent_sentences.json"
    content = hidden.read_bytes()
    hidden.unlink()
    try:
        answer = await _ask(served, "GET", ADDRESS, params={"text": "good morning"})
    finally:
        hidden.write_bytes(content)
    assert answer.status_code == 500
    assert "training sentences" in answer.json()["message"]
