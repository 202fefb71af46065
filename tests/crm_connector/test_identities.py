"""One customer on several channels is one customer, by proof and by nothing less."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm_connector import conversations, customers, identities, tickets
from crm_connector.choices import ProofKind
from crm_connector.columns import utc_now
from crm_connector.customers import Contact
from crm_connector.database import Store
from crm_connector.identities import Proven, Sender
from crm_connector.tables import Conversation, Customer, Invitation
from tests.crm_connector import factories

WIDGET, SLACK, TELEGRAM = Sender("web_widget", "w1"), Sender("slack", "U1"), Sender("telegram", "42")


def account(value: str) -> Proven:
    """An account that the company has signed."""
    return Proven(ProofKind.ACCOUNT, value)


def email(value: str) -> Proven:
    """An address that a peer has confirmed."""
    return Proven(ProofKind.EMAIL, value)


def count(session: Session) -> int:
    """How many customers there are."""
    return session.scalar(select(func.count(Customer.id))) or 0


def test_the_same_proof_on_two_channels_is_one_customer(session: Session) -> None:
    """Whoever proves an address on Slack and on the widget is known under both names, with all she did."""
    first = identities.prove(session, SLACK, [email("Mia@Example.com")], name="Mia")
    ticket = tickets.open_ticket(session, factories.new_ticket(first))
    on_widget = customers.find_or_create(session, "web_widget", "w1")
    conversation = conversations.find_or_create(session, "w1", "web_widget", customer_id=on_widget.id)
    joined = identities.prove(session, WIDGET, [email("mia@example.com ")])
    assert joined.id == first.id
    assert customers.find_by_sender(session, "web_widget", "w1") is joined
    session.expire_all()
    assert (conversation.customer_id, ticket.customer_id) == (joined.id, joined.id)
    assert (joined.name, joined.email) == ("Mia", "mia@example.com")
    assert count(session) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Proven(ProofKind.PHONE, "+49 171 2345678"), Proven(ProofKind.PHONE, "491712345678")),
        (account("u-1"), account("u-1")),
        (email("a@b.example"), email("A@B.example")),
    ],
    ids=["phone", "account", "email"],
)
def test_proofs_have_one_spelling(session: Session, one: Proven, other: Proven) -> None:
    """Blanks, case and signs do not make another person."""
    assert identities.prove(session, SLACK, [one]) is identities.prove(session, TELEGRAM, [other])


def test_an_account_is_spelt_as_it_is(session: Session) -> None:
    """The company's own names may differ by case alone."""
    identities.prove(session, SLACK, [account("u-1")])
    identities.prove(session, TELEGRAM, [account("U-1")])
    assert count(session) == 2


def test_what_a_customer_only_says_joins_nobody(session: Session) -> None:
    """Somebody who tells another one's address is not made her, nor is she made him once she proves it."""
    victim = factories.a_customer(session, email="anna@example.com")
    factories.an_order(session, customer=victim)
    liar = customers.find_or_create(session, "telegram", "13")
    customers.update_contact(session, liar, Contact(email="anna@example.com"))
    anna = identities.prove(session, SLACK, [email("anna@example.com")])
    assert len({victim.id, liar.id, anna.id}) == 3


def test_the_customer_with_orders_stays(session: Session) -> None:
    """When two become one, the one who has bought something is the one, and nothing of the other is lost."""
    visitor = identities.prove(session, SLACK, [email("anna@example.com")], name="Anna")
    buyer = customers.find_or_create(session, "telegram", "42")
    factories.an_order(session, customer=buyer)
    joined = identities.prove(session, TELEGRAM, [email("anna@example.com")])
    assert joined is buyer
    assert joined.name == "Anna"
    assert session.get(Customer, visitor.id) is None


def test_two_accounts_are_two_people(session: Session) -> None:
    """A shared address does not join customers whom the company knows under different names."""
    mother = identities.prove(session, SLACK, [account("u-1"), email("family@example.com")])
    daughter = identities.prove(session, TELEGRAM, [account("u-2"), email("family@example.com")])
    assert mother.id != daughter.id
    assert customers.find_by_sender(session, "telegram", "42") is daughter
    assert [proof.value for proof in identities.proofs_of(session, mother)] == ["u-1", "family@example.com"]


def test_another_account_on_the_same_device_is_another_customer(session: Session) -> None:
    """Who signs in where somebody else was signed in sees nothing of hers."""
    first = identities.prove(session, WIDGET, [account("u-1")])
    second = identities.prove(session, WIDGET, [account("u-2")])
    assert first.id != second.id
    assert customers.find_by_sender(session, "web_widget", "w1") is second
    assert identities.prove(session, WIDGET, [account("u-1")]).id == first.id


def test_an_invitation_joins_once(session: Session) -> None:
    """A word shown to a customer on one channel proves on another that she is the same, and then no more."""
    on_widget = customers.find_or_create(session, "web_widget", "w1")
    word = identities.invite(session, on_widget)
    proof = Proven(ProofKind.INVITATION, word)
    assert identities.prove(session, TELEGRAM, [proof]).id == on_widget.id
    thief = identities.prove(session, SLACK, [proof])
    assert thief.id != on_widget.id
    assert len(word) <= 64


def test_an_old_invitation_joins_nobody(session: Session) -> None:
    """After half an hour a word is worth nothing, and a word of nobody's never is."""
    on_widget = customers.find_or_create(session, "web_widget", "w1")
    word = identities.invite(session, on_widget)
    session.execute(update(Invitation).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert identities.prove(session, TELEGRAM, [Proven(ProofKind.INVITATION, word)]).id != on_widget.id
    assert identities.prove(session, SLACK, [Proven(ProofKind.INVITATION, "guess")]).id != on_widget.id


def test_only_the_hash_of_an_invitation_is_kept(session: Session) -> None:
    """Who reads the store cannot become a customer."""
    word = identities.invite(session, customers.find_or_create(session, "web_widget", "w1"))
    assert word not in session.scalars(select(Invitation.word_hash)).one()


def test_what_is_known_needs_no_writing(session: Session) -> None:
    """A channel that tells the same with every message costs a look, until there is something new."""
    assert not identities.is_known(session, SLACK, [email("a@b.example")])
    identities.prove(session, SLACK, [email("a@b.example")])
    assert identities.is_known(session, SLACK, [email("a@b.example")])
    assert not identities.is_known(session, SLACK, [email("a@b.example")], name="Mia")
    assert not identities.is_known(session, SLACK, [email("a@b.example"), account("u-1")])
    conversations.find_or_create(session, "U1", "slack")
    assert not identities.is_known(session, SLACK, [email("a@b.example")])


def test_a_conversation_that_is_nobodys_becomes_the_provers(session: Session) -> None:
    """The desk sees who writes, also before any action of the bot has asked."""
    conversation = conversations.find_or_create(session, "U1", "slack")
    customer = identities.prove(session, SLACK, [email("a@b.example")])
    assert session.get_one(Conversation, conversation.id).customer_id == customer.id


def test_joined_rows_stay_readable(store: Store) -> None:
    """What a transaction loaded before customers were joined can be read when it has ended."""
    with store.session() as session:
        identities.prove(session, SLACK, [email("a@b.example")], name="Mia")
        other = customers.find_or_create(session, "telegram", "42")
        ticket = tickets.open_ticket(session, factories.new_ticket(other))
        joined = identities.prove(session, TELEGRAM, [email("a@b.example")])
    assert (ticket.customer_id, joined.name) == (joined.id, "Mia")
