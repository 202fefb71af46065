"""Command lines as Rasa's users write them are understood, or refused with the way that works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.spelling import COMMANDS, LEVELS, LOG_CONFIG_VARIABLE, NO_EFFECT, translate
from bot.errors import FrontdeskError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command line says of logs stays in its test."""
    for name in ("LOG_LEVEL", LOG_CONFIG_VARIABLE):
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("train", "train"),
        ("train --data data more -c config.yml", "train --data data --data more -c config.yml"),
        ("train nlu -u data/nlu.yml --fixed-model-name m", "train nlu -u data/nlu.yml --fixed-model-name m"),
        ("train --finetune --epoch-fraction 0.2", "train --finetune --epoch-fraction 0.2"),
        ("train --finetune models/a.tar.gz --force", "train --finetune-from models/a.tar.gz --force"),
        ("train core -c a.yml b.yml", "train core -c a.yml -c b.yml"),
        ("train core --percentages 0 50", "train core --percentages 0 --percentages 50"),
        ("run actions -p 5056 --cors * x", "run-actions -p 5056 --cors * --cors x"),
        ("run --enable-api --cors * models/a.tar.gz", "run --enable-api --cors * --cors models/a.tar.gz"),
        ("run models --enable-api", "run --model models --enable-api"),
        ("run --enable-api models", "run --enable-api --model models"),
        ("run -p 5005", "run -p 5005"),
        ("shell models/a.tar.gz", "shell --model models/a.tar.gz"),
        ("shell nlu -m models", "shell --nlu-only -m models"),
        ("test nlu -c a.yml b.yml --runs 2", "test nlu -c a.yml -c b.yml --runs 2"),
        ("test nlu --percentages 0 25 --no-plot", "test nlu --percentages 0 --percentages 25 --no-plot"),
        ("test core -m a b --out r", "test core -m a -m b --out r"),
        ("evaluate markers all out.csv --config m.yml", "markers all out.csv --config m.yml"),
        ("data validate stories --max-history 3", "data validate --stories-only --max-history 3"),
        ("interactive core", "interactive --intents-only"),
    ],
)  # fmt: skip
def test_rasas_spelling_becomes_ours(theirs: str, ours: str) -> None:
    """Commands of two words, several values in a row, a model that stands alone."""
    translation = translate(theirs.split())
    assert translation.arguments == ours.split()
    assert not translation.notes


def test_flags_without_meaning_are_taken_with_one_line_each() -> None:
    """Their values go with them; what stands around stays."""
    line = "run --enable-api --response-timeout 10 --use-syslog --jwt-private-key=k -p 1"
    translation = translate(line.split())
    assert translation.arguments == ["run", "--enable-api", "-p", "1"]
    assert [note.partition(" changes nothing here: ")[0] for note in translation.notes] == [
        "--response-timeout", "--use-syslog", "--jwt-private-key",
    ]  # fmt: skip


def test_an_optional_or_repeated_value_goes_with_its_flag() -> None:
    """`--finetune` of the interactive mode may have one, `--data` several."""
    line = "interactive --finetune models --data a b --finetune --force -m m"
    translation = translate(line.split())
    assert translation.arguments == ["interactive", "-m", "m"]


@pytest.mark.parametrize("command", sorted(NO_EFFECT))
def test_every_flag_without_meaning_is_really_dropped(command: str) -> None:
    """None of them reaches a command that does not know it, and each has its reason."""
    for written in NO_EFFECT[command]:
        flag = written.rstrip("=?")
        value = ["value"] if written.endswith("=") else []
        translation = translate([command, flag, *value])
        assert translation.arguments == [command], flag
        assert len(translation.notes) == 1


@pytest.mark.parametrize(
    ("written", "way"),
    [
        ("run --remote-storage aws", "`models:` in endpoints.yml"),
        ("test core --url=http://x", "--stories"),
        ("x --production", "Rasa X has ended"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_way_that_works(written: str, way: str) -> None:
    """Nobody is left alone with 'no such option'."""
    with pytest.raises(FrontdeskError, match=re.escape(way)):
        translate(written.split())


def test_telemetry_is_answered() -> None:
    """Scripts that switch it off go on."""
    translation = translate(["telemetry", "disable"])
    assert (translation.arguments, len(translation.notes)) == (None, 1)


@pytest.mark.parametrize(("flag", "level"), LEVELS.items())
def test_verbosity_goes_into_the_environment(flag: str, level: str) -> None:
    """For every command, wherever the flag stands."""
    translation = translate(["train", flag, "--force"])
    assert (translation.arguments, translation.names_logs) == (["train", "--force"], True)
    assert os.environ["LOG_LEVEL"] == level


def test_shell_keeps_its_own_debug() -> None:
    """There it explains each turn."""
    assert translate(["shell", "--debug"]).arguments == ["shell", "--debug"]


@pytest.mark.parametrize("written", ["--logging-config-file=l.yml", "--logging-config-file l.yml"])
def test_a_file_may_say_how_logs_go(written: str) -> None:
    """With a sign or a space between."""
    assert translate(["run", *written.split()]).arguments == ["run"]
    assert os.environ[LOG_CONFIG_VARIABLE] == "l.yml"


def test_our_own_command_lines_stay() -> None:
    """What is not Rasa's is not touched."""
    for line in ("", "--help", "crm tickets --status open", "explain hello --json", "train --watch"):
        assert translate(line.split()).arguments == line.split()
    assert all(len(theirs) > len(ours) - 1 for theirs, ours in COMMANDS.items())


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("x", 1, "error: x: Rasa X has ended"),
        ("telemetry disable", 0, "no telemetry is sent"),
        ("--version", 0, "Frontdesk "),
        ("trian", 2, "Did you mean 'train'"),
    ],
)
def test_the_command_ends_without_a_traceback(line: str, code: int, words: str) -> None:
    """With the exit code that scripts look at."""
    command = [sys.executable, "-m", "bot", *line.split()]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == code
    assert words in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
