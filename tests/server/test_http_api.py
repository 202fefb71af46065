"""What the HTTP API promises beyond the recordings: swaps, training, callbacks, side effects, its limits."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute

from bot.dialogue.events import ActionExecuted, BotUttered
from bot.dialogue.messages import UserMessage
from bot.errors import SettingsError
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.server.auth import Access
from bot.server.conversations_api import ConversationsApi
from bot.server.model_api import ModelApi
from bot.server.parts import ApiParts
from bot.server.training_api import TrainingApi
from tests.server.contract_bot import PROJECT, InPlaceJobs, Served, Trainer, serve
from tests.server.factories import RunningServer

CONVERSATION = "/conversations/mia"


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """Train the project of the recordings once."""
    trainer = Trainer(tmp_path_factory.mktemp("api") / "models")
    trainer.train()
    return trainer


@pytest.fixture
def served(trainer: Trainer) -> Served:
    """Serve it with conversations in memory."""
    return serve(trainer, InMemoryTrackerStore())


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """Talk to an application without a network."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot")


def whole_project(**replaced: str) -> str:
    """Return the project as one YAML text; `replaced` maps words to others."""
    parts = [path.read_text("utf-8") for path in sorted(PROJECT.rglob("*.yml"))]
    lines = "\n".join(parts).splitlines()
    text = 'version: "3.1"\n' + "\n".join(line for line in lines if not line.startswith("version:"))
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


async def test_a_swap_keeps_the_conversation_and_the_turn_under_way(served: Served) -> None:
    """A turn ends with the model it began with, the next one has the new model, and nothing is forgotten."""
    old = served.live.model_id
    served.trainer.train()
    processor = served.live.processor
    await served.live.handle(UserMessage("book", "mia"))
    async with processor.locks.hold("mia"):
        waiting = asyncio.create_task(served.live.handle(UserMessage("in Oslo", "mia")))
        await asyncio.sleep(0)
        async with client_of(served.app) as client:
            swapped = await client.put("/model", json={"model_file": str(served.trainer.models)})
    assert swapped.status_code == 204
    said = await waiting
    assert [reply.text for reply in said] == ["A room in Oslo.\n\nAnything else?"]
    assert served.live.model_id != old
    await served.live.handle(UserMessage("hello", "mia"))
    tracker = await served.live.processor.history("mia")
    assert tracker.slots["city"] == "Oslo"
    assert {event.metadata["model_id"] for event in tracker.events} == {old, served.live.model_id}


async def test_a_model_that_cannot_be_loaded_leaves_the_running_one(served: Served, tmp_path: Path) -> None:
    """A missing model, a broken archive and an archive of something else change nothing."""
    broken, foreign = tmp_path / "broken.tar.gz", tmp_path / "foreign.tar.gz"
    broken.write_bytes(b"no archive")
    with tarfile.open(foreign, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("components/x"), io.BytesIO())
    model_id = served.live.model_id
    async with client_of(served.app) as client:
        for file in ("nowhere", str(broken), str(foreign)):
            response = await client.put("/model", json={"model_file": file})
            assert (response.status_code, response.json()["reason"]) == (400, "BadRequest")
        assert (await client.put("/model", json={"remote_storage": "aws"})).status_code == 400
    assert served.live.model_id == model_id


def test_an_archive_cannot_write_beside_the_models(trainer: Trainer, tmp_path: Path) -> None:
    """A path that leads out of the archive is refused, and nothing is left behind."""
    from bot.errors import ModelError  # noqa: PLC0415
    from bot.runtime.model_archive import unpack  # noqa: PLC0415

    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../escaped"), io.BytesIO())
    before = sorted(trainer.models.iterdir())
    with pytest.raises(ModelError, match="not a readable model archive"):
        unpack(evil, trainer.models)
    assert sorted(trainer.models.iterdir()) == before


async def test_training_answers_with_a_model_that_can_be_loaded(served: Served, tmp_path: Path) -> None:
    """The archive that /model/train returns can be given back to PUT /model, and says the new words."""
    text = whole_project(**{"Hello there.": "Good day."})
    async with client_of(served.app) as client:
        query = {"save_to_default_model_directory": "false"}
        response = await client.post("/model/train", params=query, content=text)
        assert response.status_code == 200, response.text
        file = tmp_path / response.headers["filename"]
        file.write_bytes(response.content)
        assert (await client.put("/model", json={"model_file": str(file)})).status_code == 204
        assert (await client.put("/model", json={"model_file": file.name})).status_code == 400
    said = await served.live.handle(UserMessage("hello", "mia"))
    assert [reply.text for reply in said] == ["Good day."]


@pytest.mark.parametrize("path", ["/model/train", "/model/test/stories", "/model/test/intents"])
async def test_nothing_of_this_machine_is_read_into_a_request(
    served: Served, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may train need not know the server's secrets: a variable is refused, with its line."""
    monkeypatch.setenv("DB_PASSWORD", "thistle")
    body = "version: '3.1'\nstories:\n- story: ${DB_PASSWORD}\n"
    async with client_of(served.app) as client:
        response = await client.post(path, content=body, headers={"Content-Type": "application/x-yaml"})
    assert response.status_code == 400
    assert "request body:3" in response.json()["message"]
    assert "'${DB_PASSWORD}' is not filled in" in response.json()["message"]
    assert "thistle" not in response.text


async def test_no_files_of_this_machine_are_imported(served: Served) -> None:
    """Nothing lies beside a request."""
    async with client_of(served.app) as client:
        response = await client.post("/model/train", content="imports:\n- /srv/other\n" + whole_project())
    assert response.status_code == 400
    assert "request body:1: 'imports' names files of this machine" in response.json()["message"]


@pytest.mark.parametrize("query", ["augmentation=many", "num_threads=-1"])
async def test_what_is_no_number_is_refused(served: Served, query: str) -> None:
    """By its name."""
    async with client_of(served.app) as client:
        response = await client.post(f"/model/train?{query}", content=whole_project())
    assert response.status_code == 400
    assert query.split("=")[0] in response.json()["message"]


class Receiver:
    """A server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.has_arrived = threading.Event()
        self.app = FastAPI(openapi_url=None)
        self.app.add_api_route("/result", self.take, methods=["POST"])

    async def take(self, request: Request) -> None:
        """Keep one body."""
        self.received.append((request.headers["content-type"], await request.body()))
        self.has_arrived.set()


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    """Run a receiver, and name its address."""
    receiver = Receiver()
    with RunningServer(receiver.app) as server:
        yield receiver, f"{server.url}/result"


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        pytest.param(None, "application/gzip", b"\x1f\x8b", id="a model"),
        pytest.param("intents: 7", "application/json", b"failure", id="an error"),
    ],
)
async def test_a_callback_url_gets_the_result_later(
    served: Served, receiver: tuple[Receiver, str], body: str | None, kind: str, found: bytes
) -> None:
    """With callback_url the request ends at once, and the model or the error comes to the address."""
    taken, url = receiver
    async with client_of(served.app) as client:
        response = await client.post(
            "/model/train", params={"callback_url": url}, content=body or whole_project()
        )
        assert (response.status_code, response.content) == (204, b"")
        assert await asyncio.to_thread(taken.has_arrived.wait, 30)
    [(content_type, content)] = taken.received
    assert content_type == kind
    assert found in content


@pytest.mark.parametrize(
    ("path", "content", "headers", "code"),
    [
        pytest.param("/model/test/stories", "stories: 7", {}, 400, id="stories of the wrong shape"),
        pytest.param(
            "/model/test/intents?cross_validation_folds=one",
            "nlu: []",
            {"Content-Type": "application/x-yaml"},
            400,
            id="folds",
        ),
        pytest.param("/model/predict", '{"event": "slot", "name": "city"}', {}, 400, id="slot without value"),
        pytest.param("/model/predict", '{"event": "bot", "timestamp": "now"}', {}, 400, id="time"),
        pytest.param("/model/predict", '{"event": "user", "parse_data": 7}', {}, 400, id="parse data"),
        pytest.param("/model/predict", "", {}, 400, id="no events"),
        pytest.param("/model/parse", "x" * 300_000, {}, 413, id="too large"),
        pytest.param(f"{CONVERSATION}/trigger_intent", '{"name": "nudge", "entities": [7]}', {}, 400, id="e"),
        pytest.param(f"{CONVERSATION}/messages", '{"sender": "user", "text": 7}', {}, 400, id="text"),
        pytest.param(
            f"{CONVERSATION}/messages",
            '{"sender": "user", "text": "a", "parse_data": {"entities": [{}]}}',
            {},
            400,
            id="parsed",
        ),
    ],
)
async def test_a_wrong_request_is_the_callers_mistake(
    served: Served, path: str, content: str, headers: dict[str, str], code: int
) -> None:
    """What is wrong is refused in Rasa's shape, with a status that blames the right side."""
    async with client_of(served.app) as client:
        response = await client.post(path, content=content, headers=headers)
    assert response.status_code == code
    assert response.json()["status"] == "failure"


class Pushed:
    """A channel's other end that takes what is pushed."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, list[str | None]]] = []

    def reaches(self, channel: str | None) -> bool:
        """Reach the kiosk."""
        return channel == "kiosk"

    async def push(self, channel: str, sender_id: str, utterances: Any) -> None:
        """Keep it."""
        if utterances:
            self.said.append((channel, sender_id, [utterance.text for utterance in utterances]))


async def test_the_latest_channel_hears_a_triggered_intent(served: Served) -> None:
    """With output_channel=latest the answer goes where the customer wrote last, and not to the caller."""
    pushed = Pushed()
    served.live.deliver_by(pushed)
    await served.live.handle(UserMessage("hello", "mia", input_channel="kiosk"))
    async with client_of(served.app) as client:
        response = await client.post(
            f"{CONVERSATION}/trigger_intent?output_channel=latest",
            json={"name": "nudge", "entities": {"city": "Oslo"}},
        )
        assert set(response.json()) == {"tracker"}
        effects = {"execute_side_effects": "true", "output_channel": "kiosk"}
        await client.post(
            f"{CONVERSATION}/tracker/events", params=effects, json={"event": "bot", "text": "by the way"}
        )
        await client.post(f"{CONVERSATION}/tracker/events", json={"event": "bot", "text": "to myself"})
    assert pushed.said == [
        ("kiosk", "mia", ["Are you still there, in Oslo?"]),
        ("kiosk", "mia", ["by the way"]),
    ]


async def test_execute_shows_what_the_action_did(served: Served) -> None:
    """The answer of execute holds the conversation after the action, and its messages."""
    await served.live.handle(UserMessage("hello", "mia"))
    async with client_of(served.app) as client:
        body = {"name": "utter_goodbye", "policy": "by hand", "confidence": 0.5}
        response = await client.post(f"{CONVERSATION}/execute", json=body)
    answer = response.json()
    assert [message["text"] for message in answer["messages"]] == ["Goodbye."]
    executed = [event for event in answer["tracker"]["events"] if event.get("name") == "utter_goodbye"]
    assert (executed[0]["policy"], executed[0]["confidence"]) == ("by hand", 0.5)


async def test_a_person_who_owns_the_conversation_is_not_interrupted(trainer: Trainer) -> None:
    """A triggered intent is noted and stays unanswered while a person talks to the customer."""
    store = InMemoryTrackerStore()
    served = serve(trainer, store)
    store.with_agent.add("mia")
    async with client_of(served.app) as client:
        response = await client.post(f"{CONVERSATION}/trigger_intent", json={"name": "greet"})
    assert response.json()["messages"] == []
    assert not any(isinstance(event, BotUttered) for event in store.events_of("mia"))


async def test_replaced_events_are_all_that_is_left(served: Served) -> None:
    """PUT of events forgets the conversation and keeps the given times."""
    await served.live.handle(UserMessage("hello", "mia"))
    given = [{"event": "action", "name": "action_listen", "timestamp": 7.5}]
    async with client_of(served.app) as client:
        state = (await client.put(f"{CONVERSATION}/tracker/events", json=given)).json()
    assert (len(state["events"]), state["latest_event_time"]) == (1, 7.5)
    tracker = await served.live.processor.history("mia")
    assert tracker.events == [ActionExecuted(name="action_listen")]


async def test_bearers_are_told_by_a_public_key(trainer: Trainer) -> None:
    """With RS256 the server holds the public key alone; what is signed with that as a secret is no token."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    served = serve(trainer, InMemoryTrackerStore(), access=Access(None, public.decode(), "RS256"))
    good = jwt.encode({"user": {"username": "boss", "role": "admin"}}, private, algorithm="RS256")
    # PyJWT itself refuses to sign so, therefore by hand: the oldest trick against verifiers.
    header, payload = (jwt.utils.base64url_encode(json.dumps(part).encode()).decode() for part in _TRICK)
    signed = f"{header}.{payload}"
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    bad = f"{signed}.{jwt.utils.base64url_encode(mac.sign(signed.encode(), public)).decode()}"
    async with client_of(served.app) as client:
        for token, code in ((good, 200), (bad, 401)):
            response = await client.get("/status", headers={"Authorization": f"Bearer {token}"})
            assert response.status_code == code


_TRICK = ({"alg": "HS256", "typ": "JWT"}, {"user": {"username": "boss", "role": "admin"}})


def test_an_unknown_way_to_sign_is_refused_at_the_start() -> None:
    """A typo in --jwt-method does not leave the API open."""
    with pytest.raises(SettingsError, match="--jwt-method is 'none', expected one of HS256"):
        Access("token", "secret", "none")


def test_every_route_is_documented(served: Served, trainer: Trainer) -> None:
    """The page on the HTTP API has a row for each route."""
    page = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text("utf-8")
    parts = ApiParts(served.live, InPlaceJobs(trainer))
    routers = (
        ConversationsApi(served.live).router(parts.access),
        ModelApi(parts).router(),
        TrainingApi(parts).router(),
    )
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) == 17
    for route in routes:
        [method] = route.methods
        assert f"`{method} {route.path.replace('{conversation_id:path}', '{id}')}`" in page
