"""Our HTTP API answers what Rasa 3.6 answered to the same requests, recorded by `record_from_rasa`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.runtime import model_archive, model_package
from bot.runtime.conversations import ConversationStore
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.server.auth import Access
from crm_connector import database
from tests.server.contract_bot import Served, Trainer, serve
from tests.server.record_from_rasa import JWT_KEY, RECORDINGS, TOKEN, Ask, answer_of

# Where we answer something else on purpose: (method, path, body) -> what we answer, and why.
DIFFERENT = {
    # The caller's mistake is no server error.
    ("POST", "/model/parse", '{"words": "hello"}'): (400, "BadRequest"),
    # An authentication of another kind is none.
    ("GET", "/conversations/maria/tracker?include_events=NONE", f"Basic {TOKEN}"): (401, "NotAuthenticated"),
}


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """Train once, and keep an archive under the name that the recordings use."""
    trainer = Trainer(tmp_path_factory.mktemp("contract") / "models")
    folder = trainer.train()
    archive = model_archive.pack(model_package.open_package(folder), trainer.models)
    archive.rename(trainer.models / "contract.tar.gz")
    return trainer


@pytest.fixture(params=["memory", "crm"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConversationStore]:
    """Keep conversations in memory, or in a CRM."""
    if request.param == "memory":
        yield InMemoryTrackerStore()
        return
    crm = database.open(f"sqlite:///{tmp_path / 'crm.db'}")
    yield CrmTrackerStore(crm)
    crm.close()


def client_of(served: Served) -> httpx.AsyncClient:
    """Talk to the application without a network."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(served.app), base_url="http://bot")


def recorded(name: str) -> list[dict[str, Any]]:
    """Read one file of requests and answers."""
    pairs: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    return pairs


async def replay(client: httpx.AsyncClient, pair: dict[str, Any]) -> dict[str, Any]:
    """Send one recorded request."""
    given = {key: value for key, value in pair.items() if key != "answer"}
    # Rasa's path to a model is relative to its folder, ours to the project's or the models' folder.
    if pair["path"] == "/model" and "model_file" in (given.get("body") or {}):
        given["body"] = {"model_file": Path(given["body"]["model_file"]).name}
    ask = Ask(**given)
    body = {"json": ask.body} if ask.body is not None else {}
    content = ask.text.encode() if ask.text is not None else None
    response = await client.request(ask.method, ask.path, content=content, headers=dict(ask.headers), **body)
    return answer_of(response, ask.keeps)


def comparable(answer: dict[str, Any]) -> Any:
    """Leave out of an answer what is a difference of versions, of wording, or of empty things."""
    found = answer.get("json")
    if isinstance(found, dict) and found.get("status") == "failure":
        return answer["status"], found["reason"], found["code"]
    return answer["status"], answer.get("content_type"), _tidy(found), answer.get("text")


def _tidy(value: Any) -> Any:
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if isinstance(value, float):
        return round(value, 12)
    if not isinstance(value, dict):
        return value
    tidy = {key: _tidy(item) for key, item in value.items() if key not in ("sentiment", "language")}
    # Rasa leaves these out where a pipeline cannot fill them.
    for key in ("intent_ranking", "response_selector", "metadata", "text_tokens"):
        if not tidy.get(key):
            tidy.pop(key, None)
    if "intent" in tidy and "entities" in tidy:
        _tidy_parse_data(tidy)
    if tidy.get("event") == "bot":
        tidy["data"] = {key: item for key, item in tidy["data"].items() if item is not None}
    # Rasa 3 always says 0 here.
    tidy.pop("in_training_data_fraction", None)
    return tidy


def _tidy_parse_data(tidy: dict[str, Any]) -> None:
    """Our events have one metadata, so the model's name stands in the message's, too."""
    own = {key: item for key, item in tidy.get("metadata", {}).items() if key not in _MARKS}
    tidy.pop("metadata", None)
    if own:
        tidy["metadata"] = own
    if str(tidy.get("text")).startswith("EXTERNAL: "):
        # Nobody doubts what nobody said: we give it a confidence, Rasa none.
        tidy["intent"].pop("confidence", None)


_MARKS = ("model_id", "assistant_id")


def expected(pair: dict[str, Any]) -> Any:
    """What we answer: the recording, or what stands in `DIFFERENT`."""
    hint = json.dumps(pair["body"]) if "body" in pair else pair.get("headers", {}).get("Authorization")
    different = DIFFERENT.get((pair["method"], pair["path"], hint))
    if different:
        return (*different, different[0])
    return comparable(pair["answer"])


async def _compare(served: Served, name: str) -> None:
    async with client_of(served) as client:
        for index, pair in enumerate(recorded(name)):
            answer = comparable(await replay(client, pair))
            assert answer == expected(pair), f"{index}: {pair['method']} {pair['path']}"


@pytest.mark.parametrize("subject", ["conversations", "model"])
async def test_answers_are_rasas(subject: str, trainer: Trainer, store: ConversationStore) -> None:
    """Every recorded request gets the recorded answer, in the recorded order."""
    await _compare(serve(trainer, store), subject)


async def test_authentication_is_rasas(trainer: Trainer) -> None:
    """Tokens and roles open and close what they do with Rasa."""
    access = Access(TOKEN, JWT_KEY, "HS256")
    await _compare(serve(trainer, InMemoryTrackerStore(), access=access), "auth")
