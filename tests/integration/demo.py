"""The demo assistant as a stranger runs it: trained by the command, served in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 180  # on a busy machine a start takes a minute


def frontdesk(*arguments: str, crm_url: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in the project's folder."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        env=_environment(crm_url),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


class ServedDemo:
    """A server process on a free port; it can be killed and started again on the same store."""

    def __init__(
        self,
        models: Path,
        crm_url: str,
        *,
        project: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.crm_url = crm_url
        self._models = models
        self._project = project
        self._more = dict(environment or {})
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._client = httpx.Client(base_url=self.url, timeout=60)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ServedDemo:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.close()  # the server would wait for an open connection
        self.kill(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, entry: str = "bot") -> None:
        """Start the server and wait until it is well; `entry` is the module that is run."""
        self.kill()
        arguments = ["run", "--project", str(self._project), "--models", str(self._models)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", entry, *arguments, "--port", str(self.port)],
            cwd=ROOT,
            env=_environment(self.crm_url) | self._more,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "the server ended by itself"
            try:
                if self._client.get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server did not become well")

    def restart_with(self, environment: Mapping[str, str]) -> None:
        """Start again with more variables in the environment."""
        self._more |= environment
        self.start()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the process, by default without a chance to clean up."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(60)

    def send(
        self, message: str, *, sender: str = "me", message_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Write as a customer over REST; return the answer."""
        body = {"sender": sender, "message": message} | ({"message_id": message_id} if message_id else {})
        answer = self._client.post("/webhooks/rest/webhook", json=body)
        assert answer.status_code == 200, answer.text
        messages: list[dict[str, Any]] = answer.json()
        return messages

    def post(self, content: bytes | str, path: str = "/webhooks/rest/webhook") -> httpx.Response:
        """Post a raw body."""
        return self._client.post(path, content=content)

    def rows(self, subject: str) -> list[dict[str, Any]]:
        """List CRM rows as an operator does."""
        listed = frontdesk("crm", subject, "--json", crm_url=self.crm_url)
        assert listed.returncode == 0, listed.stderr
        rows: list[dict[str, Any]] = json.loads(listed.stdout)
        return rows


def texts(answer: list[dict[str, Any]]) -> str:
    """Join what the assistant said."""
    return "\n".join(message["text"] for message in answer if message.get("text"))


def _environment(crm_url: str | None) -> dict[str, str]:
    return dict(os.environ) | ({"FRONTDESK_CRM_URL": crm_url} if crm_url else {})
