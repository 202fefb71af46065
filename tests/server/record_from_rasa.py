"""Records what Rasa 3.6 answers over HTTP, for `test_contract.py` to compare with.

`python -m tests.server.record_from_rasa PYTHON_WITH_RASA` trains the project beside the recordings, serves it
twice (open, and with both kinds of authentication), and writes one file of requests and answers per subject.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt

RECORDINGS = Path(__file__).parents[1] / "payloads" / "rasa_http"
PROJECT = RECORDINGS / "project"
PORT = 5915
TOKEN = "thistle"
JWT_KEY = "a key of more than thirty-two characters"

_VOLATILE = {
    "timestamp": "TIME",
    "latest_event_time": "TIME",
    "message_id": "ID",
    "model_id": "MODEL",
    "responseId": "ID",
}


@dataclass(frozen=True)
class Ask:
    """One request; `keeps` says how much of the answer is recorded: all, its keys, or its status."""

    method: str
    path: str
    body: Any = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    keeps: str = "all"

    def send(self, client: httpx.Client) -> httpx.Response:
        """Send it."""
        content = self.text.encode() if self.text is not None else None
        body = {"json": self.body} if self.body is not None else {}
        return client.request(self.method, self.path, content=content, headers=dict(self.headers), **body)

    def as_dict(self) -> dict[str, Any]:
        """What the recording says of it; empty parts are left out."""
        parts = {
            "method": self.method,
            "path": self.path,
            "body": self.body,
            "text": self.text,
            "headers": dict(self.headers) or None,
            "keeps": self.keeps,
        }
        return {key: value for key, value in parts.items() if value is not None}


def normalise(value: Any) -> Any:
    """Replace what differs between any two runs."""
    if isinstance(value, dict):
        return {
            key: _VOLATILE[key] if key in _VOLATILE and item is not None else normalise(item)
            for key, item in value.items()
        }
    return [normalise(item) for item in value] if isinstance(value, list) else value


def answer_of(response: httpx.Response, keeps: str) -> dict[str, Any]:
    """What is compared of an answer."""
    kind = response.headers.get("content-type", "").split(";")[0]
    answer: dict[str, Any] = {"status": response.status_code}
    if keeps == "status":
        return answer
    answer["content_type"] = kind
    if kind == "application/json" and response.content:
        found = normalise(response.json())
        answer["json"] = sorted(found) if keeps == "keys" and isinstance(found, dict) else found
    elif response.content:
        answer["text"] = response.text
    return answer


def events(*given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Events one second apart, the first at 100 s."""
    return [{"timestamp": 100.0 + index, **event} for index, event in enumerate(given)]


GREETED = events(
    {"event": "action", "name": "action_session_start"},
    {"event": "session_started"},
    {"event": "action", "name": "action_listen"},
    {
        "event": "user",
        "text": "hello",
        "parse_data": {"intent": {"name": "greet", "confidence": 1.0}, "entities": [], "text": "hello"},
    },
)

TEST_STORIES = """version: "3.1"
stories:
  - story: told right
    steps:
      - user: |
          hello
        intent: greet
      - action: utter_greet
  - story: told wrong
    steps:
      - user: |
          hello
        intent: greet
      - action: utter_goodbye
"""

TEST_NLU = """version: "3.1"
nlu:
  - intent: greet
    examples: |
      - hello
      - hi
  - intent: goodbye
    examples: |
      - farewell
      - hello for the last time
  - intent: inform
    examples: |
      - in [Oslo](city)
"""

TEST_NLU_JSON = {
    "rasa_nlu_data": {
        "common_examples": [
            {"text": "hello", "intent": "greet", "entities": []},
            {"text": "farewell", "intent": "goodbye", "entities": []},
        ]
    }
}

YAML = {"Content-type": "application/x-yaml"}


def _message(text: str) -> dict[str, str]:
    return {"text": text, "sender": "user"}


def _said(sender: str, text: str) -> Ask:
    return Ask("POST", "/webhooks/rest/webhook", {"sender": sender, "message": text})


CONVERSATIONS = [
    Ask("GET", "/conversations/maria/tracker"),
    Ask("GET", "/conversations/maria/tracker?include_events=NONE"),
    Ask("GET", "/conversations/maria/tracker?include_events=SOME"),
    Ask("POST", "/conversations/maria/messages", _message("hello")),
    Ask("POST", "/conversations/maria/predict"),
    Ask("POST", "/conversations/maria/execute", {"name": "utter_greet"}, keeps="keys"),
    Ask("GET", "/conversations/maria/tracker?include_events=ALL"),
    Ask("POST", "/conversations/maria/predict"),
    Ask("POST", "/conversations/maria/messages", _message("hello Oslo")),
    Ask("GET", "/conversations/maria/tracker?include_events=APPLIED"),
    Ask("GET", "/conversations/maria/story"),
    Ask("POST", "/conversations/maria/execute", {"name": "action_nobody_knows"}),
    Ask("POST", "/conversations/maria/execute", {"policy": "x"}),
    Ask("POST", "/conversations/maria/messages", {"text": "hi", "sender": "bot"}),
    Ask("POST", "/conversations/maria/messages"),
    Ask(
        "POST",
        "/conversations/given/messages",
        {
            **_message("any words"),
            "parse_data": {
                "text": "any words",
                "intent": {"name": "book", "confidence": 0.7},
                "entities": [],
            },
        },
    ),
    Ask("POST", "/conversations/given/predict"),
    Ask("POST", "/conversations/nora/trigger_intent", {"name": "nudge", "entities": {"city": "Oslo"}}),
    Ask(
        "POST",
        "/conversations/nora/trigger_intent?include_events=NONE",
        {"name": "nudge", "entities": [{"entity": "city", "value": "Lima"}]},
    ),
    Ask("POST", "/conversations/nora/trigger_intent?output_channel=latest", {"name": "greet"}),
    Ask("POST", "/conversations/nora/trigger_intent?output_channel=nowhere", {"name": "goodbye"}),
    Ask("POST", "/conversations/nora/trigger_intent", {"name": "unheard_of"}),
    Ask("POST", "/conversations/nora/trigger_intent", {"entities": []}),
    Ask("POST", "/conversations/emil/tracker/events", {"event": "slot", "name": "city", "value": "Lima"}),
    Ask(
        "POST",
        "/conversations/emil/tracker/events?include_events=ALL",
        [{"event": "pause", "timestamp": 5.5}, {"event": "bot", "text": "noted", "data": {}}],
    ),
    Ask(
        "POST",
        "/conversations/emil/tracker/events?execute_side_effects=true&include_events=NONE",
        [{"event": "resume"}, {"event": "bot", "text": "noted", "data": {}}],
    ),
    Ask("POST", "/conversations/emil/tracker/events", {"event": "sneeze"}),
    Ask("POST", "/conversations/emil/tracker/events", {"event": "slot", "value": 1}),
    Ask("POST", "/conversations/emil/tracker/events", {"name": "city"}),
    Ask("POST", "/conversations/emil/tracker/events?include_events=SOME", {"event": "pause"}),
    Ask("GET", "/conversations/emil/tracker?include_events=ALL"),
    Ask("POST", "/conversations/begun/tracker/events", GREETED),
    Ask("PUT", "/conversations/emil/tracker/events", GREETED),
    Ask("GET", "/conversations/emil/tracker?until=102"),
    Ask("GET", "/conversations/emil/tracker?until=103.5"),
    Ask("GET", "/conversations/emil/tracker?until=soon", keeps="status"),
    Ask("GET", "/conversations/emil/story?until=103"),
    Ask("PUT", "/conversations/emil/tracker/events", [{"event": "sneeze"}]),
    Ask("GET", "/conversations/unknown/story"),
    Ask("POST", "/conversations/unknown/predict"),
    Ask("POST", "/conversations/unknown/execute", {"name": "utter_greet"}),
    Ask("GET", "/conversations/team/blue/tracker?include_events=NONE"),
    _said("lars", "hello"),
    _said("lars", "book"),
    _said("lars", "in Oslo"),
    _said("lars", "goodbye"),
    Ask("GET", "/conversations/lars/tracker?include_events=ALL"),
    Ask("GET", "/conversations/lars/tracker?include_events=APPLIED"),
    Ask("GET", "/conversations/lars/story"),
    Ask("POST", "/conversations/lars/predict"),
    _said("lars", "/restart"),
    Ask("GET", "/conversations/lars/tracker?include_events=AFTER_RESTART"),
    Ask("GET", "/conversations/lars/tracker?include_events=APPLIED"),
    Ask("GET", "/conversations/lars/story?all_sessions=true"),
]

MODEL = [
    Ask("GET", "/version", keeps="keys"),
    Ask("GET", "/status", keeps="keys"),
    Ask("POST", "/model/parse", {"text": "hello Oslo"}),
    Ask("POST", "/model/parse", {"text": "unknown words"}),
    Ask("POST", "/model/parse", {"text": '/book{"city": "Oslo"}'}),
    Ask("POST", "/model/parse", {"text": ["hello", "hi"]}),
    Ask("POST", "/model/parse?emulation_mode=WIT", {"text": "hello Oslo"}),
    Ask("POST", "/model/parse?emulation_mode=LUIS", {"text": "hello Oslo"}),
    Ask("POST", "/model/parse?emulation_mode=dialogflow", {"text": "hello Oslo"}),
    Ask("POST", "/model/parse?emulation_mode=ELIZA", {"text": "hello"}),
    Ask("POST", "/model/parse", {"words": "hello"}),
    Ask("POST", "/model/parse"),
    Ask("POST", "/model/predict", GREETED),
    Ask("POST", "/model/predict?include_events=NONE", GREETED[:3]),
    Ask("POST", "/model/predict", [{"event": "sneeze"}]),
    Ask("POST", "/model/predict?include_events=SOME", GREETED),
    Ask("GET", "/domain", headers={"Accept": "application/json"}),
    Ask("GET", "/domain", headers={"Accept": "application/x-yaml"}),
    Ask("GET", "/domain", headers={"Accept": "text/html"}),
    Ask("POST", "/model/test/stories", text=TEST_STORIES),
    Ask("POST", "/model/test/stories?e2e=true", text=TEST_STORIES),
    Ask("POST", "/model/test/stories"),
    Ask("POST", "/model/test/stories", text="stories: ["),
    Ask("POST", "/model/test/intents", text=TEST_NLU, headers=YAML),
    Ask("POST", "/model/test/intents", TEST_NLU_JSON),
    Ask("POST", "/model/test/intents?cross_validation_folds=2", TEST_NLU_JSON),
    Ask("POST", "/model/test/intents"),
    Ask("POST", "/model/train"),
    Ask("POST", "/model/train", text="intents: ["),
    Ask("PUT", "/model"),
    Ask("PUT", "/model", {"model_file": "models/nowhere.tar.gz"}),
    Ask("PUT", "/model", {"model_server": {"url": "http://127.0.0.1:1/models"}}, keeps="status"),
    Ask("DELETE", "/model"),
    Ask("GET", "/status"),
    Ask("GET", "/domain"),
    Ask("POST", "/model/parse", {"text": "hello"}),
    Ask("GET", "/conversations/maria/tracker"),
    Ask("PUT", "/model", {"model_file": "models/contract.tar.gz"}),
    Ask("GET", "/status", keeps="keys"),
    Ask("POST", "/model/parse", {"text": "hello"}),
]


def bearer(payload: Mapping[str, Any], key: str = JWT_KEY) -> dict[str, str]:
    """Headers with a signed token."""
    return {"Authorization": "Bearer " + jwt.encode(dict(payload), key, algorithm="HS256")}


def _user(name: str | None, role: str | None) -> dict[str, Any]:
    return {"user": {"username": name, "role": role}}


MARIA = "/conversations/maria/tracker?include_events=NONE"

AUTH = [
    Ask("GET", "/", keeps="status"),
    Ask("GET", "/version", keeps="keys"),
    Ask("GET", "/status"),
    Ask("GET", "/status?token=wrong"),
    Ask("GET", f"/status?token={TOKEN}", keeps="keys"),
    Ask("GET", f"{MARIA}&token={TOKEN}"),
    Ask("GET", "/status", headers=bearer(_user("boss", "admin")), keeps="keys"),
    Ask("GET", MARIA, headers=bearer(_user("boss", "admin"))),
    Ask("GET", MARIA, headers=bearer(_user("maria", "user"))),
    Ask("GET", MARIA, headers=bearer(_user("nora", "user"))),
    Ask("GET", "/status", headers=bearer(_user("maria", "user"))),
    Ask("GET", MARIA, headers=bearer(_user("maria", None))),
    Ask("GET", MARIA, headers=bearer({"username": "maria"})),
    Ask("GET", MARIA, headers=bearer(_user("boss", "admin"), key="another key, also of some length")),
    Ask("GET", MARIA, headers=bearer({**_user("boss", "admin"), "exp": 1000})),
    Ask("GET", MARIA, headers={"Authorization": "Bearer nonsense"}),
    Ask("GET", MARIA, headers={"Authorization": f"Basic {TOKEN}"}),
    Ask("POST", "/webhooks/rest/webhook", {"sender": "maria", "message": "hello"}),
]


@contextlib.contextmanager
def serving(python: str, folder: Path, *options: str) -> Iterator[httpx.Client]:
    """Serve the trained project."""
    command = [python, "-m", "rasa", "run", "--enable-api", "--port", str(PORT), *options]
    with (folder / "run.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=_environment(), stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=120) as client:
            _wait_for(client, process)
            yield client
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            client.get("/version")
            return
        time.sleep(0.5)
    raise SystemExit("the server ended before it answered")


def _environment() -> dict[str, str]:
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
    return {**os.environ, **quiet, "TF_CPP_MIN_LOG_LEVEL": "3"}


def record(client: httpx.Client, name: str, asks: Sequence[Ask]) -> None:
    """Ask one after the other, and write the file."""
    pairs = [{**ask.as_dict(), "answer": answer_of(ask.send(client), ask.keeps)} for ask in asks]
    text = json.dumps(pairs, ensure_ascii=False, indent=1)
    (RECORDINGS / f"{name}.json").write_text(text + "\n", "utf-8")


def main(python: str, trained: Path | None = None) -> None:
    """Train, serve, record; `trained` is a folder where `models/contract.tar.gz` stands already."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = trained or Path(temporary) / "project"
        if trained is None:
            shutil.copytree(PROJECT, folder)
            train = [python, "-m", "rasa", "train", "--fixed-model-name", "contract"]
            subprocess.run(train, cwd=folder, env=_environment(), check=True)
        (folder / "credentials.yml").write_text("rest:\n", "utf-8")
        with serving(python, folder) as client:
            record(client, "conversations", CONVERSATIONS)
            record(client, "model", MODEL)
        locked = ("--auth-token", TOKEN, "--jwt-secret", JWT_KEY, "--jwt-method", "HS256")
        with serving(python, folder, *locked) as client:
            record(client, "auth", AUTH)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
