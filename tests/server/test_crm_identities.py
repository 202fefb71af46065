"""Channels that prove the same at the same time end with one customer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.channels.channel import Proof, ProofKind
from bot.server.crm_identities import CrmIdentities
from crm_connector import customers, database
from crm_connector.database import Store
from crm_connector.tables import Customer


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open an empty store of each kind."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    if request.param == "postgresql":
        new: Callable[[], str] = request.getfixturevalue("new_postgresql")
        url = new()
    with database.open(url) as store:
        yield store


def count(store: Store) -> int:
    """How many customers there are."""
    with store.reading() as session:
        return session.scalar(select(func.count(Customer.id))) or 0


async def test_proofs_that_come_at_once_make_one_customer(store: Store) -> None:
    """Twelve senders with one address are one customer, whoever is first."""
    identities = CrmIdentities(store)
    proof = Proof(ProofKind.EMAIL, "mia@example.com")
    await asyncio.gather(*(identities.prove("slack", f"U{number}", [proof]) for number in range(12)))
    assert count(store) == 1
    with store.reading() as session:
        known = {customers.find_by_sender(session, "slack", f"U{number}") for number in range(12)}
    assert len(known) == 1


async def test_chains_of_proofs_make_one_customer(store: Store) -> None:
    """Senders who share a proof with their neighbours only are one customer in the end."""
    identities = CrmIdentities(store)

    def proofs(number: int) -> list[Proof]:
        return [Proof(ProofKind.EMAIL, f"{each}@example.com") for each in (number, number + 1)]

    await asyncio.gather(*(identities.prove("slack", f"U{number}", proofs(number)) for number in range(8)))
    for number in range(8):
        await identities.prove("slack", f"U{number}", proofs(number))
    assert count(store) == 1


async def test_an_invitation_leads_from_channel_to_channel(store: Store) -> None:
    """A word made for the widget's customer makes a Telegram chat hers."""
    identities = CrmIdentities(store)
    word = await identities.invitation("web_widget", "w1")
    await identities.prove("telegram", "42", [Proof(ProofKind.INVITATION, word)], name="Mia")
    with store.reading() as session:
        customer = customers.find_by_sender(session, "web_widget", "w1")
        assert customer is not None
        assert customer is customers.find_by_sender(session, "telegram", "42")
        assert customer.name == "Mia"


async def test_a_store_that_is_away_stops_no_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be noted now is said in the log; the channel goes on."""
    with Store(database.create_store_engine(f"sqlite:///{tmp_path / 'away' / 'crm.db'}")) as store:
        await CrmIdentities(store).prove("slack", "U1", [Proof(ProofKind.EMAIL, "mia@example.com")])
    assert "is not noted" in caplog.text
