"""Logs of ours and of the libraries come in one form."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.server.logs import configure_logs


@pytest.fixture
def restored_logs() -> Iterator[None]:
    """Put the logging of the test run back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
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
