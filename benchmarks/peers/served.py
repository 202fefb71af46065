"""Servers of a small project in processes of their own, to be killed and started again at any moment."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

# On a machine that is busy with other things.
START_LIMIT_S = 300.0

# Says each message back in two parts, so that a lost, doubled or late part shows.
_PROJECT = {
    "config.yml": """
        recipe: default.v1
        assistant_id: echo
        language: en
        pipeline: [{name: WhitespaceTokenizer}, {name: KeywordIntentClassifier}]
        policies: [{name: RulePolicy}]
        """,
    "domain.yml": """
        version: "3.1"
        intents: [say]
        slots: {words: {type: text, mappings: [{type: from_text}]}}
        responses: {utter_echo: [{text: "{words}: one\\n\\n{words}: two"}]}
        """,
    "data/all.yml": """
        version: "3.1"
        nlu: [{intent: say, examples: "- say"}]
        rules: [{rule: echo, steps: [{intent: say}, {action: utter_echo}]}]
        """,
    "endpoints.yml": "{}",
}


def write_project(root: Path) -> None:
    """Write the project, and train it.

    Raises:
        RuntimeError: It cannot be trained.
    """
    for name, content in _PROJECT.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
    command = [sys.executable, "-m", "bot", "train", "--project", str(root)]
    trained = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if trained.returncode != 0:
        raise RuntimeError(trained.stderr or trained.stdout)


class Server:
    """One process; it listens on the same port after every start."""

    def __init__(self, root: Path, crm_url: str) -> None:
        self._root = root
        self._crm_url = crm_url
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start, and wait until it answers.

        Raises:
            RuntimeError: It ends by itself, or does not answer in time.
        """
        command = [
            sys.executable,
            "-m",
            "bot",
            "run",
            "--project",
            str(self._root),
            "--port",
            str(self._port),
        ]
        environment = os.environ | {"FRONTDESK_CRM_URL": self._crm_url, "OMP_NUM_THREADS": "1"}
        with (self._root / "server.log").open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own; it does not wait
                command, env=environment, stdout=file, stderr=file
            )
        async with asyncio.timeout(START_LIMIT_S), httpx.AsyncClient(trust_env=False) as client:
            while True:
                if self._process.poll() is not None:
                    log = (self._root / "server.log").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"the server ended by itself:\n{log[-2000:]}")
                try:
                    if (await client.get(f"{self.url}/health", timeout=2.0)).is_success:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End the process without a word (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def stop(self) -> None:
        """End the process as an operator does (SIGTERM).

        Raises:
            RuntimeError: It takes longer than half a minute.
        """
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, 30)
        except subprocess.TimeoutExpired as error:
            await self.kill()
            raise RuntimeError("the server did not end when it was asked to") from error


class Balanced(dict[str, str]):
    """Whichever host is asked for, the address of one of the servers, drawn anew each time."""

    def __init__(self, servers: Sequence[Server]) -> None:
        super().__init__()
        self._servers = servers

    def get(self, _host: str, _default: Any = None) -> str:
        """Draw a server."""
        return random.choice(self._servers).url  # noqa: S311 - no secret


def write_credentials(root: Path, credentials: Mapping[str, Any]) -> None:
    """Say which channels the servers have."""
    (root / "credentials.yml").write_text(json.dumps(credentials), encoding="utf-8")
