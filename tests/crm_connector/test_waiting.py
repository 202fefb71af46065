"""An operator sees what waits and what was given up, and has it tried again or dropped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from crm_connector import database, deliveries, inbox, lanes
from crm_connector.choices import Progress
from crm_connector.deliveries import Parcel
from crm_connector.deliveries_cli import app
from crm_connector.tables import AcceptedMessage, Delivery


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Fill a store: a dead message of each queue, one that waits for its time, and one that is done."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with database.open(url) as store, store.session() as session:
        for text in ("first", "second"):
            inbox.accept(session, "slack", "ada", text, {"text": text})
        words = [
            Parcel({"text": text, "timestamp": 1.0}, [{"text": text}]) for text in ("one", "two", "three")
        ]
        for position, parcel in enumerate(words):
            deliveries.queue(session, "slack", f"s{position}", [parcel], key=str(position))
        event = Parcel({"timestamp": 1.0}, [{"type": "ticket.opened"}])
        deliveries.queue(session, "webhook:shop", "ticket T-1", [event], key="e")
        lanes.bury(session, AcceptedMessage, 1, "KeyError: 'surprise'")
        inbox.handled(session, 2)
        lanes.bury(session, Delivery, 1, "blocked\x1b[31m")
        lanes.begin(session, Delivery, 2)
        lanes.postpone(session, Delivery, 2, "busy", 30.0)
        deliveries.begin(session, 3, [], can_ask=True)
        deliveries.part_sent(session, 3, 0, "x")
    return url


def run(url: str, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [*arguments, "--url", url])


def listed(url: str, *arguments: str) -> list[tuple[str, str, str]]:
    """List rows: id, state, words."""
    rows = json.loads(run(url, "list", "--json", *arguments).stdout)
    return [(row["id"], row["state"], row["text"]) for row in rows]


def test_what_is_not_over_is_listed(url: str) -> None:
    """Without a word all that waits or was given up is shown, with the reason."""
    assert listed(url) == [
        ("in-1", "dead", "first"),
        ("out-1", "dead", "one"),
        ("out-2", "retrying", "two"),
        ("out-4", "queued", "ticket.opened"),
    ]
    assert listed(url, "--state", "done") == [("in-2", "done", ""), ("out-3", "done", "")]
    assert listed(url, "--channel", "webhook:shop") == [("out-4", "queued", "ticket.opened")]


def test_the_table_shows_reasons_and_no_control_characters(url: str) -> None:
    """What a peer answered cannot steer the operator's terminal."""
    shown = run(url, "list").stdout
    assert "blocked" in shown
    assert "\x1b" not in shown


def test_dead_letters_are_replayed(url: str) -> None:
    """Named ones or all of them wait again, in both queues."""
    assert run(url, "replay", "out-1").stdout == "out-1 will be tried again\n"
    assert run(url, "replay", "--all").stdout == "in-1 will be tried again\n"
    assert run(url, "replay", "--all").stdout == "nothing was given up\n"
    assert [state for _, state, _ in listed(url)] == ["queued", "queued", "retrying", "queued"]


def test_what_waits_can_be_dropped(url: str) -> None:
    """A message that waits is dropped by its id; with --all only what was given up."""
    assert run(url, "drop", "--all").stdout == "in-1 is dropped\nout-1 is dropped\n"
    assert run(url, "drop", "out-2").exit_code == 0
    assert listed(url) == [("out-4", "queued", "ticket.opened")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["replay"], "name ids"),
        (["replay", "out-1", "--all"], "name ids"),
        (["drop", "twelve"], "'twelve' is no id"),
        (["replay", "out-3"], "left alone, because it is over or unknown: out-3"),
        (["replay", "out-2"], "left alone"),
        (["drop", "in-99"], "in-99"),
    ],
    ids=["nothing", "both", "no id", "over", "not dead", "unknown"],
)
def test_a_wrong_command_is_refused(url: str, arguments: list[str], message: str) -> None:
    """It says what was wrong, and leaves everything as it was."""
    result = run(url, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    with database.open(url) as store, store.reading() as session:
        states = list(session.scalars(select(Delivery.state).order_by(Delivery.id)))
    assert states == [Progress.DEAD, Progress.RETRYING, Progress.DONE, Progress.QUEUED]
