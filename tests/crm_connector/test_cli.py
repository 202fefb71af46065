"""The CRM on the command line, without the bot."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crm_connector import (
    conversations,
    database,
    escalations,
    listing,
    opportunities,
    recommendations,
    tickets,
)
from crm_connector.cli import app
from tests.crm_connector import factories


def _some_of_everything(store: database.Store) -> None:
    with store.session() as session:
        customer = factories.a_customer(session, email="mara@example.com")
        conversation = conversations.find_or_create(session, "sender-x", "rest", customer_id=customer.id)
        ticket = factories.new_ticket(customer, subject="[red]\x1b[31mLate <b>parcel</b>")
        ticket.conversation_id = conversation.id
        escalation = factories.new_escalation(customer)
        escalation.ticket_id = tickets.open_ticket(session, ticket).id
        escalations.escalate(session, escalation)
        product = factories.a_product(session, code="LC-LM-310")
        recommendations.offer(session, factories.new_recommendation(customer, product))
        opportunities.open_opportunity(session, factories.new_opportunity(customer))


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """The address of a store with a row of everything."""
    address = new_url()
    with database.open(address) as store:
        _some_of_everything(store)
    return address


EXPECTED = {
    "tickets": {
        "status": "open",
        "category": "delivery",
        "email": "mara@example.com",
        "sender_id": "sender-x",
    },
    "escalations": {
        "severity": "high",
        "sentiment": "negative",
        "wanted": "her parcel",
        "tried": ["looked up the order"],
        "summary": [
            {"text": "The parcel is late.", "sources": ["m-1"]},
            {"text": "She is angry.", "sources": ["m-2", "slot:sentiment"]},
        ],
    },
    "recommendations": {
        "status": "offered",
        "product": "LC-LM-310",
        "reason": "goes with it",
        "price": "49.90",
    },
    "opportunities": {"stage": "lead", "amount": "49.90", "currency": "EUR"},
    "customers": {"name": "Mara Lind", "orders": 0, "tickets": 1},
}


@pytest.mark.parametrize("subject", list(listing.LISTINGS))
def test_rows_are_listed_as_json(url: str, subject: str) -> None:
    """Each listing prints its rows as a JSON list that a program can read."""
    result = CliRunner().invoke(app, [subject, "--json", "--url", url])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.output)
    assert {name: row[name] for name in EXPECTED[subject]} == EXPECTED[subject]


@pytest.mark.parametrize("subject", list(listing.LISTINGS))
def test_rows_are_listed_as_a_table(url: str, subject: str) -> None:
    """The table shows a customer's text as it is, without obeying it."""
    result = CliRunner().invoke(app, [subject, "--url", url], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert ("[red]" in result.output) is (subject == "tickets")


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["tickets", "--status", "open"], 1),
        (["tickets", "--status", "closed"], 0),
        (["escalations", "--status", "resolved"], 0),
        (["recommendations", "--status", "declined"], 0),
        (["opportunities", "--stage", "lead"], 1),
    ],
    ids=["open", "closed", "resolved", "declined", "lead"],
)
def test_rows_can_be_chosen(url: str, arguments: list[str], count: int) -> None:
    """A state chooses rows."""
    result = CliRunner().invoke(app, [*arguments, "--json", "--url", url])
    assert len(json.loads(result.output)) == count


def test_an_absent_store_is_named(tmp_path: Path) -> None:
    """Looking into a store that is not there says so and makes none."""
    result = CliRunner().invoke(app, ["tickets", "--url", f"sqlite:///{tmp_path}/crm.db"])
    assert result.exit_code == 1
    assert "no CRM store at" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_package_is_a_command(tmp_path: Path) -> None:
    """`python -m crm_connector` fills a store, fills it no second time, and loads nothing of the bot."""
    url = f"sqlite:///{tmp_path}/crm.db"
    command = [sys.executable, "-m", "crm_connector"]
    first = subprocess.run([*command, "fill", "--url", url], capture_output=True, text=True, check=True)
    assert "filled in" in first.stdout
    again = subprocess.run([*command, "fill", "--url", url], capture_output=True, text=True, check=True)
    assert "left alone" in again.stdout
    listed = subprocess.run(
        [*command, "customers", "--json", "--limit", "300", "--url", url],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "李雷" in [row["name"] for row in json.loads(listed.stdout)]
    probe = (
        "import sys, crm_connector.cli; print({'bot', 'actions', 'torch', 'rasa_sdk'} & sys.modules.keys())"
    )
    assert (
        subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )
