"""`frontdesk export` brings stored conversations out, all of them or a part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.dialogue.events import ActionExecuted, BotUttered, Event, UserUttered
from bot.dialogue.messages import Intent, ParseResult, UserMessage
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.stores.sql_tracker_store import SqlTrackerStoreOptions
from crm_connector import database


def _turn(text: str, at: float) -> list[Event]:
    return [
        UserUttered(text=text, parse_data=ParseResult(text, Intent("greet", 1.0)), timestamp=at),
        ActionExecuted(name="utter_hi", timestamp=at + 1),
        BotUttered(text="你好", timestamp=at + 2),
    ]


@pytest.fixture(params=["crm", "sql"])
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store two conversations, in the CRM or in a tracker store of its own."""
    monkeypatch.delenv("FRONTDESK_CRM_URL", raising=False)
    crm = None
    if request.param == "crm":
        crm = database.open(f"sqlite:///{tmp_path / 'crm.db'}")
        store: Any = CrmTrackerStore(crm)
    else:
        (tmp_path / "endpoints.yml").write_text("tracker_store: {type: SQL, db: chats.db}\n", "utf-8")
        store = SqlTrackerStoreOptions(db="chats.db").open_store(tmp_path)
    for sender, at in (("mia", 100.0), ("leo", 200.0)):
        store.append(UserMessage("hi", sender, "rest", message_id=sender), _turn("hi", at))
    (crm or store).close()
    return tmp_path


def _export(project: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["export", "--project", str(project), *arguments])
    return result.exit_code, " ".join(result.output.split())


def _lines(path: Path) -> list[tuple[str, str, float]]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [(row["sender_id"], row["event"], row["timestamp"]) for row in rows]


MIA = [("mia", "user", 100.0), ("mia", "action", 101.0), ("mia", "bot", 102.0)]
LEO = [("leo", "user", 200.0), ("leo", "action", 201.0), ("leo", "bot", 202.0)]


def test_every_event_becomes_a_line(project: Path) -> None:
    """In the order of the conversations, with the sender's id and Chinese as it is."""
    target = project / "out" / "events.jsonl"
    code, said = _export(project, "--out", str(target))
    assert (code, _lines(target)) == (0, MIA + LEO)
    assert "6 events of 2 conversations" in said
    assert "你好" in target.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--conversation-ids", "leo"], LEO, id="one"),
        pytest.param(["--minimum-timestamp", "102"], MIA[2:] + LEO, id="from"),
        pytest.param(["--maximum-timestamp", "102"], MIA[:2], id="before"),
        pytest.param(
            ["--conversation-ids", "mia", "--offset-timestamps-by-seconds", "-50"],
            [(sender, event, at - 50) for sender, event, at in MIA],
            id="offset",
        ),
    ],
)
def test_a_part_can_be_chosen(project: Path, arguments: list[str], expected: list[Any]) -> None:
    """By conversation and by time, as in Rasa: from the first moment on, before the last."""
    target = project / "events.jsonl"
    assert _export(project, "--out", str(target), *arguments)[0] == 0
    assert _lines(target) == expected


def test_events_go_to_the_broker(project: Path) -> None:
    """Without a file the broker of endpoints.yml gets what it would have got at the time."""
    endpoints = project / "endpoints.yml"
    before = endpoints.read_text("utf-8") if endpoints.exists() else ""
    endpoints.write_text(before + "event_broker: {type: file, path: sent.log}\n", "utf-8")
    assert _export(project)[0] == 0
    assert _lines(project / "sent.log") == MIA + LEO


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "no event_broker", id="nowhere"),
        pytest.param(["--out", "x.jsonl", "--conversation-ids", "mia,zoe"], "id zoe", id="unknown"),
        pytest.param(
            ["--out", "x.jsonl", "--minimum-timestamp", "2", "--maximum-timestamp", "1"],
            "lies before",
            id="times",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused(project: Path, arguments: list[str], told: str) -> None:
    """With a sentence that says why."""
    code, said = _export(project, *arguments)
    assert (code, told in said) == (1, True)
