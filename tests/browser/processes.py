"""Servers in processes of their own: where they listen, and when they are there."""

from __future__ import annotations

import socket
import subprocess
import time

import httpx

START_LIMIT_S = 180  # on a busy machine a start takes a minute


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def wait_until_well(process: subprocess.Popen[bytes], url: str) -> None:
    """Return when a server that is starting says that it is well."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended by itself"
        try:
            if httpx.get(f"{url}/health", timeout=START_LIMIT_S).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not become well")
