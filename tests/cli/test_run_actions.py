"""`frontdesk run-actions` serves a project's actions in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60
ACTIONS = """
from rasa_sdk import Action


class Ask(Action):
    def __init__(self):
        self.phrase = lambda name: f"hello {name}"

    def name(self):
        return "action_greet"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=self.phrase(tracker.sender_id))
        return []
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Start the command in a project, and wait until it is healthy."""
    (tmp_path / "actions.py").write_text(ACTIONS)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from bot.cli.app import main; main()", "run-actions", "-p", str(port)]
    log = tmp_path / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + START_TIMEOUT_S
    try:
        while not _is_healthy(url):
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"the action server did not start:\n{log.read_text()}")
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def test_an_action_that_cannot_be_copied_is_served(address: str) -> None:
    """Those with a knowledge base hold functions, which no other process can be handed."""
    call = {
        "next_action": "action_greet",
        "sender_id": "anna",
        "tracker": {"sender_id": "anna"},
        "domain": {},
    }
    answer = httpx.post(f"{address}/webhook", json=call, timeout=30)
    assert answer.status_code == 200, answer.text
    assert [message["text"] for message in answer.json()["responses"]] == ["hello anna"]
