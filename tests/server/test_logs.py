"""Logs of ours and of the libraries come in one form."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.errors import SettingsError
from bot.server.logs import configure_logs, configure_logs_from


@pytest.fixture
def restored_logs() -> Iterator[None]:
    """Put the logging of the test run back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("actions", "bot", "crm_connector", "language"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.mark.usefixtures("restored_logs")
def test_every_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """With JSON, each log is one line with its level, time, logger and fields; a trace is one field."""
    configure_logs(as_json=True)
    structlog.get_logger("bot.ours").info("request", path="/", 名称="灯")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("theirs").exception("turn %s broke", 7)
    logging.getLogger("theirs").info("too quiet")
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["path"], ours["level"], ours["logger"]) == (
        "request",
        "/",
        "info",
        "bot.ours",
    )
    assert "灯" in ours.values()
    assert (theirs["event"], theirs["level"]) == ("turn 7 broke", "error")
    assert "ValueError: broken" in theirs["exception"]
    assert {"timestamp"} <= ours.keys() & theirs.keys()


@pytest.mark.usefixtures("restored_logs")
def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Without JSON a line reads as text."""
    configure_logs(as_json=False)
    structlog.get_logger("bot.ours").warning("origin refused", origin="https://evil.example")
    assert "origin refused" in capsys.readouterr().err


@pytest.mark.usefixtures("restored_logs")
def test_a_file_gets_the_same_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At its end, beside standard error."""
    file = tmp_path / "bot.log"
    file.write_text("before\n")
    configure_logs(as_json=True, also_to=file)
    structlog.get_logger("bot.ours").info("request", path="/")
    assert file.read_text("utf-8") == "before\n" + capsys.readouterr().err


CONFIG = """
formatters: {short: {format: "%(levelname)s %(name)s %(message)s %(path)s"}}
handlers: {file: {class: logging.FileHandler, filename: FILE, formatter: short}}
root: {handlers: [file], level: INFO}
"""


@pytest.mark.usefixtures("restored_logs")
def test_a_file_may_say_how_logs_go(tmp_path: Path) -> None:
    """Python's own form, in YAML; what a line of ours carries are attributes of its record."""
    config, file = tmp_path / "logs.yml", tmp_path / "bot.log"
    config.write_text(CONFIG.replace("FILE", str(file)))
    configure_logs_from(config)
    structlog.get_logger("bot.ours").info("request", path="/chat")
    assert file.read_text("utf-8").split() == ["INFO", "bot.ours", "request", "/chat"]


@pytest.mark.usefixtures("restored_logs")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("handlers: [", "broken YAML", id="no YAML"),
        pytest.param(
            "handlers: {a: {class: no.such.Handler}}", "Unable to configure handler 'a'", id="class"
        ),
        pytest.param("- a", "cannot configure the logs", id="no mapping"),
    ],
)
def test_a_file_that_does_not_say_it_is_refused(tmp_path: Path, content: str, words: str) -> None:
    """With its name and the reason."""
    config = tmp_path / "logs.yml"
    config.write_text(content)
    with pytest.raises(SettingsError, match=r"logs\.yml cannot configure the logs") as refused:
        configure_logs_from(config)
    assert words in str(refused.value)
