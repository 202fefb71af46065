"""Measure a served assistant over REST: start to first reply, latency, throughput, memory; prints JSON.

`python -m benchmarks.serve` measures the trained project in this folder. With `--peer PATH_TO_RASA_PYTHON` a
copy of a project is trained, validated and served by both engines in one run, and ratios are printed; unless
`--project` names one, it is moodbot as `rasa init` writes it, with the defaults of its empty `config.yml`.
Compare only figures of one run on one machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from bot.training_data.project import Project

_EXPORT = (
    "from language.backbone import default_cache, exported\n"
    "from language.names import DEFAULT_BACKBONE\n"
    "exported(DEFAULT_BACKBONE, default_cache())"
)
_REQUEST = (
    b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)
_LENGTH = re.compile(rb"(?im)^content-length: *(\d+)")
START_LIMIT_S = 180
REPLY_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Figures:
    """What one server showed. Times in seconds or milliseconds, memory in MiB, as the names say."""

    start_to_first_reply_s: float
    idle_memory_mib: int
    p50_ms: float
    p95_ms: float
    p50_repeated_ms: float
    messages_per_s_1_client: float
    messages_per_s_many_clients: float
    p95_many_clients_ms: float
    messages_per_s_many_clients_repeated: float
    clients: int
    peak_memory_mib: int
    answers_without_message: int


class Customer:
    """One keep-alive connection that sends messages and waits for each answer.

    It speaks HTTP by itself: customers and server share the cores, and a client library would take a tenth of
    what the faster engine spends on a message.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=REPLY_LIMIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, sender_id: str, message: str) -> tuple[float, list[object]]:
        """Return the seconds until the whole answer stood here, and the answer."""
        body = json.dumps({"sender": sender_id, "message": message}).encode()
        request = _REQUEST % len(body) + body
        started = time.perf_counter()
        self._socket.sendall(request)
        head, answer = self._receive()
        seconds = time.perf_counter() - started
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{message!r} was answered with {head!r} {answer!r}")
        return seconds, json.loads(answer)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _receive(self) -> tuple[bytes, bytes]:
        """Return the head and the body of one answer, whose length both engines announce."""
        received = b""
        while True:
            head, end, body = received.partition(b"\r\n\r\n")
            if end:
                length = _LENGTH.search(head)
                if length is None:
                    raise RuntimeError(f"an answer without a length: {head!r}")
                if len(body) >= int(length[1]):
                    return head, body
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError("the server hung up")
            received += more


def memory_mib(pid: int, field: str) -> int:
    """Read `VmRSS` (now) or `VmHWM` (peak) of a process, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) // 1024
    raise RuntimeError(f"no {field} of process {pid}")


@contextmanager
def served(command: Sequence[str], port: int, project: Path, greeting: str) -> Iterator[tuple[int, float]]:
    """Run a server; yield its process id and the seconds from its start to its first reply."""
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - the command is this program's own or the operator's
            command, cwd=project, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process.pid, _first_reply(process, port, started, Path(log.name), greeting)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _first_reply(
    process: subprocess.Popen[bytes], port: int, started: float, log: Path, greeting: str
) -> float:
    while time.perf_counter() - started < START_LIMIT_S:
        try:
            with closing(Customer(port)) as customer:
                _, answer = customer.send("first", greeting)
            if answer:
                return time.perf_counter() - started
        except (OSError, ValueError, RuntimeError):
            if process.poll() is not None:
                break
        time.sleep(0.05)
    raise SystemExit(f"the server gave no reply:\n{log.read_text(encoding='utf-8')[-4000:]}")


def in_turn(
    port: int, messages: Sequence[str], conversations: int, *, repeated: bool = False
) -> tuple[list[float], int]:
    """Hold conversations one after the other; return all latencies in seconds and the empty answers.

    Unless `repeated`, every text is new: a number stands behind it, so that nothing understood before helps.
    """
    customer = Customer(port)
    latencies, empty = [], 0
    for number in range(conversations):
        for message in messages:
            text = message if repeated else f"{message} {number}"
            seconds, answer = customer.send(f"turn-{repeated}-{number}", text)
            latencies.append(seconds)
            empty += not answer
    customer.close()
    return latencies, empty


def at_once(
    port: int, messages: Sequence[str], clients: int, seconds: float, *, repeated: bool = False
) -> tuple[list[float], float]:
    """Let clients talk at once, each text new unless `repeated`; return latencies in s and messages/s.

    Only what was answered with a message counts as one.
    """
    latencies: list[float] = []
    answered: list[bool] = []
    started = time.perf_counter()

    def talk(client: int) -> None:
        customer = Customer(port)
        number = 0
        while time.perf_counter() - started < seconds:
            for message in messages:
                sender_id = f"many-{repeated}-{client}-{number}"
                text = message if repeated else f"{message} {client} {number}"
                taken_s, answer = customer.send(sender_id, text)
                latencies.append(taken_s)
                answered.append(bool(answer))
            number += 1
        customer.close()

    threads = [threading.Thread(target=talk, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, sum(answered) / (time.perf_counter() - started)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the given percentile of values in seconds, in milliseconds."""
    return round(statistics.quantiles(values, n=100)[percent - 1] * 1000, 1)


def measure(
    command: Sequence[str], port: int, project: Path, messages: Sequence[str], clients: int, seconds: float
) -> Figures:
    """Start a server, talk to it and stop it."""
    with served(command, port, project, messages[0]) as (pid, start_s):
        idle = memory_mib(pid, "VmRSS")
        in_turn(port, messages, conversations=3, repeated=True)  # warm
        one, empty = in_turn(port, messages, conversations=30)
        again, _ = in_turn(port, messages, conversations=30, repeated=True)
        many, per_second = at_once(port, messages, clients, seconds)
        _, per_second_repeated = at_once(port, messages, clients, seconds, repeated=True)
        return Figures(
            start_to_first_reply_s=round(start_s, 2),
            idle_memory_mib=idle,
            p50_ms=percentile(one, 50),
            p95_ms=percentile(one, 95),
            p50_repeated_ms=percentile(again, 50),
            messages_per_s_1_client=round(len(one) / sum(one), 1),
            messages_per_s_many_clients=round(per_second, 1),
            p95_many_clients_ms=percentile(many, 95),
            messages_per_s_many_clients_repeated=round(per_second_repeated, 1),
            clients=clients,
            peak_memory_mib=memory_mib(pid, "VmHWM"),
            answers_without_message=empty,
        )


def typical_messages(project: Path, count: int = 8) -> list[str]:
    """Draw training sentences evenly over a project's intents, so that any project can be measured."""
    examples = [example.text for example in Project.load(project).nlu.examples]
    if not examples:
        raise SystemExit(f"{project} has no NLU examples to write")
    step = max(1, len(examples) // count)
    return examples[::step][:count]


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine is called on the command line."""

    train: tuple[str, ...]
    validate: tuple[str, ...]
    serve: tuple[str, ...]


def frontdesk(port: int) -> Engine:
    """Ours, as installed here."""
    command = (sys.executable, "-m", "bot")
    return Engine((*command, "train"), (*command, "validate"), (*command, "run", "--port", str(port)))


def rasa(python: Path, port: int) -> Engine:
    """Rasa 3.6 in its own environment."""
    command = (str(python), "-m", "rasa")
    return Engine((*command, "train"), (*command, "data", "validate"), (*command, "run", "--port", str(port)))


def seconds_of(command: Sequence[str], folder: Path) -> float:
    """Run a command in a folder; return its seconds."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603 - as above
    return round(time.perf_counter() - started, 2)


def write_moodbot(peer: Path, folder: Path) -> None:
    """Have Rasa write the project of `rasa init`."""
    code = "import sys; from rasa.cli.scaffold import create_initial_project as new; new(sys.argv[1])"
    folder.mkdir()
    seconds_of((str(peer), "-c", code, str(folder)), folder)


def compare(project: Path, peer: Path, port: int, clients: int, seconds: float) -> Mapping[str, object]:
    """Train, validate and serve copies of a project with both engines; say how many times ours is better."""
    os.environ.update(
        RASA_TELEMETRY_ENABLED="false", SQLALCHEMY_SILENCE_UBER_WARNING="1", TF_CPP_MIN_LOG_LEVEL="3"
    )
    messages = typical_messages(project)
    figures: dict[str, dict[str, float]] = {}
    for name, engine in (("frontdesk", frontdesk(port)), ("peer", rasa(peer, port))):
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "project"
            shutil.copytree(project, copy, ignore=shutil.ignore_patterns("models", ".rasa", ".frontdesk"))
            (copy / "credentials.yml").write_text("rest:\n", encoding="utf-8")
            timed = {
                "train_s": seconds_of(engine.train, copy),
                "validate_s": seconds_of(engine.validate, copy),
            }
            figures[name] = timed | asdict(measure(engine.serve, port, copy, messages, clients, seconds))
    ours, theirs = figures["frontdesk"], figures["peer"]
    better = {
        key: round(
            ours[key] / theirs[key] if key.startswith("messages_per_s") else theirs[key] / ours[key], 2
        )
        for key in ours
        if ours[key] and theirs[key] and key not in ("clients", "answers_without_message")
    }
    return {**figures, "times_better": better}


def main(
    project: Annotated[Path | None, typer.Option(help="Project folder, trained if there is no peer.")] = None,
    peer: Annotated[Path | None, typer.Option(help="Python of an environment with Rasa 3.6.")] = None,
    port: Annotated[int, typer.Option(help="Free port for the server.")] = 8765,
    clients: Annotated[int, typer.Option(help="Customers who write at once.")] = 16,
    seconds: Annotated[float, typer.Option(help="How long they write.")] = 15.0,
) -> None:
    """Measure the assistant in a folder, beside a peer if one is given, and print the figures as JSON."""
    # Where Python may not keep bytecode it would compile this program, and no installed one, at each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FRONTDESK_CRM_URL"] = f"sqlite:///{scratch}/crm.db"
        seconds_of((sys.executable, "-m", "crm_connector", "fill"), Path())
        if peer:
            if project is None:
                project = Path(scratch) / "moodbot"
                write_moodbot(peer, project)
            # Without vectors that an earlier training left, with the encoder that a machine exports once.
            os.environ["FRONTDESK_CACHE"] = f"{scratch}/cache"
            export_s = seconds_of((sys.executable, "-c", _EXPORT), Path(scratch))
            figures = {"export_once_s": export_s, **compare(project, peer, port, clients, seconds)}
        else:
            project = project or Path()
            command = frontdesk(port).serve
            figures = asdict(measure(command, port, project, typical_messages(project), clients, seconds))
    typer.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    typer.run(main)
