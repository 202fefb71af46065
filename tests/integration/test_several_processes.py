"""Several server processes on one PostgreSQL and one Redis: one order for each conversation."""

from __future__ import annotations

import asyncio
import json
import socket
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.incoming import own_message_id
from bot.dialogue.events import ActionExecuted, BotUttered, Event, UserUttered
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.redis_locks import LIFETIME
from bot.runtime.stores.sql_tracker_store import SqlTrackerStoreOptions
from crm_connector import database
from tests.integration.demo import ServedDemo, frontdesk, texts

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]

SENDERS = ("ada", "béa", "陈")
MESSAGES = 15
TURN = ("user", "user_featurization", "action_count", "bot", "slot", "action_listen")
SIGNAL = "FRONTDESK_TEST_SIGNAL_PORT"

FILES = {
    "config.yml": """
        recipe: default.v1
        assistant_id: counter
        language: en
        pipeline: [{name: WhitespaceTokenizer}, {name: KeywordIntentClassifier}]
        policies: [{name: RulePolicy}]
        """,
    "domain.yml": """
        version: "3.1"
        intents: [count, hang]
        slots: {count: {type: any, mappings: [{type: custom}]}}
        actions: [action_count, action_hang]
        """,
    "data/all.yml": """
        version: "3.1"
        nlu:
        - intent: count
          examples: |
            - count
        - intent: hang
          examples: |
            - hang
        rules:
        - {rule: count, steps: [{intent: count}, {action: action_count}]}
        - {rule: hang, steps: [{intent: hang}, {action: action_hang}]}
        """,
    "counting/__init__.py": "",
    "counting/turns.py": f'''
import hashlib, os, socket, threading
from rasa_sdk import Action
from rasa_sdk.events import SlotSet

class Count(Action):
    """Counts on from what the turn before left: a turn that saw too little shows."""

    def name(self):
        return "action_count"

    def run(self, dispatcher, tracker, domain):
        count = (tracker.get_slot("count") or 0) + 1
        # Work that takes so long that turns without an order would meet.
        hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000)
        dispatcher.utter_message(text=str(count))
        return [SlotSet("count", count)]

class Hang(Action):
    """Tells the test that the turn is under way, and never ends."""

    def name(self):
        return "action_hang"

    def run(self, dispatcher, tracker, domain):
        socket.create_connection(("127.0.0.1", int(os.environ["{SIGNAL}"])))
        threading.Event().wait()
''',
}


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a project whose only action counts its turns."""
    root = tmp_path_factory.mktemp("counter")
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
    trained = frontdesk("train", "--project", str(root))
    assert trained.returncode == 0, trained.stderr
    return root


@pytest.fixture(params=["crm", "sql"])
def servers(
    request: pytest.FixtureRequest,
    counter: Path,
    new_postgresql: Callable[[], str],
    redis_url: str,
    redis_prefix: str,
) -> Iterator[list[ServedDemo]]:
    """Serve it from two processes, with conversations in the CRM or in a tracker store of their own."""
    url = new_postgresql()
    endpoints: dict[str, Any] = {
        "action_endpoint": {"package": "counting"},
        "lock_store": {"type": "redis", "url": redis_url, "key_prefix": redis_prefix},
    }
    if request.param == "sql":
        endpoints["tracker_store"] = {"type": "SQL", "dialect": "postgresql", "url": url}
    (counter / "endpoints.yml").write_text(json.dumps(endpoints))
    environment = {LIFETIME: "5", SIGNAL: "0"}
    made = [ServedDemo(counter / "models", url, project=counter, environment=environment) for _ in range(2)]
    with made[0], made[1]:
        yield made


def stored(servers: list[ServedDemo], sender: str, kind: str) -> list[Event]:
    """Read a conversation from the database, as another process would."""
    if kind == "sql":
        own = SqlTrackerStoreOptions("postgresql", servers[0].crm_url).open_store(Path())
        events = asyncio.run(own.transcript(sender, 0))
        own.close()
    else:
        with database.open(servers[0].crm_url) as store:
            events = asyncio.run(CrmTrackerStore(store).transcript(sender, 0))
    return [event for _, event in events]


def test_concurrent_messages_have_one_order(
    servers: list[ServedDemo], request: pytest.FixtureRequest
) -> None:
    """Turns are whole, one after the other, none lost and none twice, redeliveries elsewhere included."""
    kind = request.node.callspec.params["servers"]

    def send(job: tuple[str, int, int]) -> tuple[str, int, str]:
        sender, number, server = job
        answer = servers[server].send("/count", sender=sender, message_id=str(number))
        return sender, number, texts(answer)

    jobs = [
        (sender, number, (number + delivery) % 2)
        for number in range(MESSAGES)
        for sender in SENDERS
        for delivery in range(2 if number % 4 == 0 else 1)
    ]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, jobs))
    for sender in SENDERS:
        told = {number: text for who, number, text in answers if who == sender}
        assert {(number, text) for who, number, text in answers if who == sender} == set(told.items())
        assert sorted(map(int, told.values())) == list(range(1, MESSAGES + 1))
        events = stored(servers, sender, kind)
        first = next(index for index, event in enumerate(events) if isinstance(event, UserUttered))
        assert [_shape(event) for event in events[first:]] == [*TURN] * MESSAGES
        heard = [event.message_id for event in events if isinstance(event, UserUttered)]
        said = [event.text for event in events if isinstance(event, BotUttered)]
        assert said == [str(number) for number in range(1, MESSAGES + 1)]
        numbers = {own_message_id(sender, str(number)): number for number in range(MESSAGES)}
        assert [told[numbers[name or ""]] for name in heard] == said


def test_a_conversation_outlives_the_process_that_served_it(
    servers: list[ServedDemo], request: pytest.FixtureRequest
) -> None:
    """A process that is killed in a turn holds its lock for its lifetime, then another one goes on."""
    kind = request.node.callspec.params["servers"]
    dying, alive = servers
    assert texts(dying.send("/count", message_id="1")) == "1"
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        dying.kill()
        dying.restart_with({SIGNAL: str(listener.getsockname()[1])})
        lost = pool.submit(dying.send, "/hang", message_id="2")
        listener.accept()[0].close()
        dying.kill()
        with pytest.raises(httpx.TransportError):
            lost.result()
    assert texts(alive.send("/count", message_id="3")) == "2"
    heard = [event.message_id for event in stored(servers, "me", kind) if isinstance(event, UserUttered)]
    assert heard == [own_message_id("me", "1"), own_message_id("me", "3")]


def _shape(event: Event) -> str:
    return event.name or "" if isinstance(event, ActionExecuted) else event.event
