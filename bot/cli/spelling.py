"""Rasa's way to write a command line as this one's: two-word commands, options with several values, flags.

What stands here is known before any command is loaded. A flag that changes nothing here is taken, and one
line says so; one that cannot be taken ends the command with the way that works.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.errors import FrontdeskError

COMMANDS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("run", "actions"): ("run-actions",),
    ("evaluate", "markers"): ("markers",),
    ("data", "validate", "stories"): ("data", "validate", "--stories-only"),
    ("interactive", "core"): ("interactive", "--intents-only"),
    ("shell", "nlu"): ("shell", "--nlu-only"),
}
"""Rasa's commands that have another name here."""

SEVERAL: Mapping[str, tuple[str, ...]] = {
    "train": ("--data", "--config", "-c", "--percentages"),
    "test": ("--config", "-c", "--model", "-m", "--percentages", "-p"),
    "run": ("--cors",),
    "run-actions": ("--cors",),
    "interactive": ("--data",),
    "validate": ("--data",),
    "data validate": ("--data",),
    "data convert": ("--data",),
}
"""Options that take several values in a row; here each value has its option before it."""

OPTIONAL_VALUE: Mapping[str, Mapping[str, str]] = {"train": {"--finetune": "--finetune-from"}}
"""Options that may stand without a value, and the option that takes one."""

_GRAPH = "`frontdesk visualize` draws the stories"
_TIMEOUTS = "requests are bounded by the timeouts of `endpoints.yml`"
_SYSLOG = "logs go to standard error, where the system's service manager takes them"
_SERVING = (
    "--interface=", "-i=", "--port=", "-p=", "--auth-token=", "-t=", "--cors=", "--enable-api",
    "--credentials=", "--connector=", "--jwt-secret=", "--jwt-method=", "--jwt-private-key=",
    "--ssl-certificate=",
    "--ssl-keyfile=", "--ssl-ca-file=", "--ssl-password=", "--response-timeout=", "--request-timeout=",
    "--use-syslog", "--syslog-address=", "--syslog-port=", "--syslog-protocol=",
)  # fmt: skip
_TRAINING = (
    "--data=", "--config=", "-c=", "--domain=", "-d=", "--out=", "--augmentation=", "--finetune?",
    "--epoch-fraction=", "--force", "--persist-nlu-data",
)  # fmt: skip
NO_EFFECT: Mapping[str, Mapping[str, str]] = {
    "train": {"--debug-plots": _GRAPH, "--endpoints=": "training asks no other server"},
    "test": {
        "--e2e": "texts are always understood and judged",
        "--end-to-end": "texts are always understood and judged",
        "--endpoints=": "no action runs in a test, as in Rasa",
    },
    "run": {
        "--response-timeout=": _TIMEOUTS,
        "--request-timeout=": _TIMEOUTS,
        "--jwt-private-key=": "tokens are only checked here, for which --jwt-secret has the public key",
        "--use-syslog": _SYSLOG,
        "--syslog-address=": _SYSLOG,
        "--syslog-port=": _SYSLOG,
        "--syslog-protocol=": _SYSLOG,
    },
    "shell": dict.fromkeys(_SERVING, "nothing is served to others"),
    "interactive": {
        "--e2e": "the sentences are written beside the stories",
        "--skip-visualization": _GRAPH,
        "--debug-plots": _GRAPH,
        "--conversation-id=": "the conversations become stories, and are not stored",
        "--port=": "nothing is served",
        "-p=": "nothing is served",
        **dict.fromkeys(_TRAINING, "the newest model is asked; `frontdesk train` takes this option"),
    },
    "data migrate": {
        "--domain=": "every file of Rasa 2 in the project is found",
        "-d=": "every file of Rasa 2 in the project is found",
    },
    "visualize": {"--nlu=": "sentences of the project's own data are shown", "-u=": "the same"},
    "markers": {"--domain=": "the project's domain is read", "-d=": "the project's domain is read"},
}
"""Flags of Rasa that change nothing here, with the reason; `=` marks a value, `?` one that may be missing."""

REFUSED: Mapping[str, Mapping[str, str]] = {
    "data migrate": {
        "--out": "files are rewritten in their place, the old ones are kept in before_migration/",
    },
    "run": {"--remote-storage": "name a model server under `models:` in endpoints.yml"},
    "shell": {"--remote-storage": "fetch the model, and name it with --model"},
    "test": {"--url": "fetch the stories, and name the file with --stories"},
    "x": {"": "Rasa X has ended; conversations are found with `frontdesk export` and `frontdesk markers`"},
}
"""What cannot be taken, with the way that works."""

NOTHING_TO_DO: Mapping[str, str] = {"telemetry": "no telemetry is sent, so there is nothing to switch"}
"""Commands of Rasa that are answered with a line."""

LEVELS: Mapping[str, str] = {
    "-v": "INFO", "--verbose": "INFO", "-vv": "DEBUG", "--debug": "DEBUG", "--quiet": "WARNING",
}  # fmt: skip
"""How much is logged, as `LOG_LEVEL` says it."""

LOG_CONFIG, LOG_CONFIG_VARIABLE = "--logging-config-file", "FRONTDESK_LOG_CONFIG"
_OWN_DEBUG = ("shell",)  # explains each turn there
_MODEL_ALONE = ("run", "shell", "interactive")


@dataclass
class Translation:
    """A command line as ours, with remarks for who wrote it; None where nothing is left to do.

    `names_logs` is true where the line says how much is logged.
    """

    arguments: list[str] | None = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names_logs: bool = False


def translate(written: Sequence[str]) -> Translation:
    """Return our spelling of a command line; what it says of logs goes into the environment.

    Raises:
        FrontdeskError: Something cannot be taken here.
    """
    command, rest = _command(list(written))
    if command == ["data"]:
        command, rest = [*command, *rest[:1]], rest[1:]
    name = " ".join(word for word in command if not word.startswith("-"))
    if name in NOTHING_TO_DO:
        return Translation(None, [NOTHING_TO_DO[name]])
    _refuse(name, rest)
    translation = Translation()
    rest = _drop(name, _take_logging(name, rest, translation), translation)
    rest = _several(SEVERAL.get(name, ()), rest)
    rest = _with_value(OPTIONAL_VALUE.get(name, {}), rest)
    translation.arguments = [*command, *_model_alone(name, rest)]
    return translation


def _command(written: list[str]) -> tuple[list[str], list[str]]:
    for theirs, ours in COMMANDS.items():
        if tuple(written[: len(theirs)]) == theirs:
            return list(ours), written[len(theirs) :]
    return written[:1], written[1:]


def _refuse(name: str, rest: Sequence[str]) -> None:
    for flag, way in REFUSED.get(name, {}).items():
        if not flag or any(_named(argument, flag) for argument in rest):
            raise FrontdeskError(f"{f'{name} {flag}'.strip()}: {way}")


def _take_logging(name: str, rest: list[str], translation: Translation) -> list[str]:
    kept: list[str] = []
    waiting = iter(rest)
    for argument in waiting:
        flag, _, value = argument.partition("=")
        if argument in LEVELS and not (name in _OWN_DEBUG and argument == "--debug"):
            os.environ["LOG_LEVEL"] = LEVELS[argument]
        elif flag == LOG_CONFIG:
            os.environ[LOG_CONFIG_VARIABLE] = value or next(waiting, "")
        else:
            kept.append(argument)
    translation.names_logs = len(kept) < len(rest)
    return kept


def _drop(name: str, rest: Sequence[str], translation: Translation) -> list[str]:
    """Leave out flags without effect, each with its values, and say so."""
    kept: list[str] = []
    told = NO_EFFECT.get(name, {})
    values = 0
    for argument in rest:
        flag, _, value = argument.partition("=")
        if values and not argument.startswith("-"):
            values -= 1
            continue
        values = 0
        known = next((row for row in (flag, f"{flag}=", f"{flag}?") if row in told), None)
        if known is None:
            kept.append(argument)
            continue
        several = flag in SEVERAL.get(name, ())
        values = 0 if known == flag or value else len(rest) if several else 1
        translation.notes.append(f"{flag} changes nothing here: {told[known]}")
    return kept


def _several(names: Sequence[str], rest: Sequence[str]) -> list[str]:
    """Write `--data a b` as `--data a --data b`."""
    spread: list[str] = []
    current: str | None = None
    for argument in rest:
        if argument.startswith("-"):
            current = argument if argument in names else None
            spread.append(argument)
        elif current and spread[-1] != current:
            spread += [current, argument]
        else:
            spread.append(argument)
    return spread


def _with_value(names: Mapping[str, str], rest: Sequence[str]) -> list[str]:
    """Write an option that has a value as the one that takes it."""
    found: list[str] = []
    for place, argument in enumerate(rest):
        has_value = place + 1 < len(rest) and not rest[place + 1].startswith("-")
        found.append(names[argument] if argument in names and has_value else argument)
    return found


def _model_alone(name: str, rest: list[str]) -> list[str]:
    """Take a model that stands alone, first or last, as Rasa does."""
    if name not in _MODEL_ALONE or not rest:
        return rest
    if not rest[0].startswith("-"):
        return ["--model", *rest]
    if rest[-1].startswith("-"):
        return rest
    before = rest[-2]
    takes_value = before.startswith("-") and "=" not in before and before not in _SWITCHES
    return rest if takes_value else [*rest[:-1], "--model", rest[-1]]


_SWITCHES = ("--enable-api", "--debug", "--log-json", "--watch-models", "--nlu-only", "--intents-only")


def _named(argument: str, flag: str) -> bool:
    return argument == flag or argument.startswith(f"{flag}=")
