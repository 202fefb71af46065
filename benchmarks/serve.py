"""Measure a served assistant over REST: start to first reply, latency, throughput, memory; prints JSON.

Run `python -m benchmarks.serve` in a trained project. Compare only figures of one run on one machine.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

MESSAGES = (
    "hello",
    "how long does shipping take?",
    "my parcel is three days late and nobody answers, I am really angry",
    "LC104233",
    "thanks",
    "can you recommend headphones for running?",
    "你好,我的包裹还没到",
    "bye",
)
START_LIMIT_S = 180
REPLY_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Figures:
    """What one server showed. Times in seconds or milliseconds, memory in MiB, as the names say."""

    start_to_first_reply_s: float
    idle_memory_mib: int
    p50_ms: float
    p95_ms: float
    messages_per_s_1_client: float
    messages_per_s_many_clients: float
    p95_many_clients_ms: float
    clients: int
    peak_memory_mib: int
    answers_without_message: int


class Customer:
    """One keep-alive connection that sends messages and waits for each answer."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REPLY_LIMIT_S)

    def send(self, sender_id: str, message: str) -> tuple[float, list[object]]:
        """Return the seconds until the whole answer stood here, and the answer."""
        body = json.dumps({"sender": sender_id, "message": message})
        started = time.perf_counter()
        self._connection.request("POST", "/webhooks/rest/webhook", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{message!r} was answered with {response.status}: {answer}")
        return time.perf_counter() - started, answer

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def memory_mib(pid: int, field: str) -> int:
    """Read `VmRSS` (now) or `VmHWM` (peak) of a process, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) // 1024
    raise RuntimeError(f"no {field} of process {pid}")


@contextmanager
def served(command: Sequence[str], port: int, project: Path) -> Iterator[tuple[int, float]]:
    """Run a server; yield its process id and the seconds from its start to its first reply."""
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - the command is this program's own or the operator's
            command, cwd=project, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process.pid, _first_reply(process, port, started, Path(log.name))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _first_reply(process: subprocess.Popen[bytes], port: int, started: float, log: Path) -> float:
    while time.perf_counter() - started < START_LIMIT_S:
        customer = Customer(port)
        try:
            _, answer = customer.send("first", MESSAGES[0])
            if answer:
                return time.perf_counter() - started
        except (OSError, ValueError, RuntimeError, http.client.HTTPException):
            if process.poll() is not None:
                break
        finally:
            customer.close()
        time.sleep(0.05)
    raise SystemExit(f"the server gave no reply:\n{log.read_text(encoding='utf-8')[-4000:]}")


def in_turn(port: int, messages: Sequence[str], conversations: int) -> tuple[list[float], int]:
    """Hold conversations one after the other; return all latencies in seconds and the empty answers."""
    customer = Customer(port)
    latencies, empty = [], 0
    for number in range(conversations):
        for message in messages:
            seconds, answer = customer.send(f"turn-{number}", message)
            latencies.append(seconds)
            empty += not answer
    customer.close()
    return latencies, empty


def at_once(port: int, messages: Sequence[str], clients: int, seconds: float) -> tuple[list[float], float]:
    """Let clients talk at once; return all latencies in seconds and the messages answered per second."""
    latencies: list[float] = []
    started = time.perf_counter()

    def talk(client: int) -> None:
        customer = Customer(port)
        number = 0
        while time.perf_counter() - started < seconds:
            for message in messages:
                latencies.append(customer.send(f"many-{client}-{number}", message)[0])
            number += 1
        customer.close()

    threads = [threading.Thread(target=talk, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, len(latencies) / (time.perf_counter() - started)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the given percentile of values in seconds, in milliseconds."""
    return round(statistics.quantiles(values, n=100)[percent - 1] * 1000, 1)


def measure(
    command: Sequence[str], port: int, project: Path, messages: Sequence[str], clients: int, seconds: float
) -> Figures:
    """Start a server, talk to it and stop it."""
    with served(command, port, project) as (pid, start_s):
        idle = memory_mib(pid, "VmRSS")
        in_turn(port, messages, conversations=3)  # warm
        one, empty = in_turn(port, messages, conversations=30)
        many, per_second = at_once(port, messages, clients, seconds)
        return Figures(
            start_to_first_reply_s=round(start_s, 2),
            idle_memory_mib=idle,
            p50_ms=percentile(one, 50),
            p95_ms=percentile(one, 95),
            messages_per_s_1_client=round(len(one) / sum(one), 1),
            messages_per_s_many_clients=round(per_second, 1),
            p95_many_clients_ms=percentile(many, 95),
            clients=clients,
            peak_memory_mib=memory_mib(pid, "VmHWM"),
            answers_without_message=empty,
        )


def main(
    project: Annotated[Path, typer.Option(help="Folder of the trained project.")] = Path(),
    port: Annotated[int, typer.Option(help="Free port for the server.")] = 8765,
    clients: Annotated[int, typer.Option(help="Customers who write at once.")] = 16,
    seconds: Annotated[float, typer.Option(help="How long they write.")] = 15.0,
) -> None:
    """Measure the assistant in a folder and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FRONTDESK_CRM_URL"] = f"sqlite:///{scratch}/crm.db"
        command = [sys.executable, "-m", "bot", "run", "--port", str(port)]
        figures = measure(command, port, project, MESSAGES, clients, seconds)
    typer.echo(json.dumps(asdict(figures), indent=2))


if __name__ == "__main__":
    typer.run(main)
