"""Who is who: channel identities, contact data, and linking by proof."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector import conversations, customers, database, orders, recommendations, tickets
from crm_connector.customers import Contact
from crm_connector.tables import Customer
from tests.crm_connector import factories


def test_a_sender_stays_the_same_customer(session: Session) -> None:
    """The same name on the same channel is the same customer, on another channel another."""
    first = customers.find_or_create(session, "rest", "ada", language="en")
    assert customers.find_or_create(session, "rest", "ada") is first
    assert customers.find_or_create(session, "telegram", "ada") is not first
    assert first.language == "en"


def test_strange_senders_are_found_again(session: Session) -> None:
    """A sender_id with bytes that no database holds still finds its customer."""
    first = customers.find_or_create(session, "rest", "a\x00\ud800b")
    assert customers.find_or_create(session, "rest", "a\x00\ud800b") is first


def test_contact_data_is_written_where_given(session: Session) -> None:
    """Only what was said changes, and the caller hears what it was."""
    customer = factories.a_customer(session, email="old@example.com", phone="0171 2345678")
    assert customers.update_contact(session, customer, Contact(email=" new@example.com ", name="")) == (
        "email",
    )
    assert customers.update_contact(session, customer, Contact(email="new@example.com")) == ()
    assert (customer.email, customer.phone, customer.name) == ("new@example.com", "0171 2345678", "Mara Lind")


def test_customers_are_found_by_contact(session: Session) -> None:
    """E-mail in any case and phone in any spelling find a customer once."""
    mara = factories.a_customer(session, email="Mara@Example.com", phone="+49 171 2345678")
    factories.a_customer(session, email="other@example.com", phone="+49 171 9999999")
    assert customers.find_by_contact(session, email="mara@example.COM ", phone="0171/2345678") == [mara]
    assert customers.find_by_contact(session, email="", phone="12") == []


@pytest.mark.parametrize(
    ("stored", "given", "same"),
    [
        ("+49 171 2345678", "0171 2345678", True),
        ("+49 171 2345678", "0049-171-2345678", True),
        ("+86 138 0013 8000", "13800138000", True),
        ("+49 171 2345678", "0171 2345679", False),
        ("+49 171 2345678", "5678", False),
        ("+49 171 2345678", "", False),
        (None, "0171 2345678", False),
        (None, None, False),
        ("", "", False),
    ],
    ids=["national", "zeros", "chinese", "other", "ending", "empty", "unknown", "nothing", "blank"],
)
def test_phones_are_compared_by_their_digits(stored: str | None, given: str | None, same: bool) -> None:
    """A national number equals its international one; a few last digits prove nothing."""
    assert customers.same_phone(stored, given) is same


@given(st.text(alphabet="+0123456789 -/", max_size=20), st.text(alphabet="+0123456789 -/", max_size=20))
def test_phone_comparison_has_no_side(one: str, other: str) -> None:
    """Who is compared with whom does not matter."""
    assert customers.same_phone(one, other) == customers.same_phone(other, one)


def test_proof_makes_a_stranger_the_customer(session: Session) -> None:
    """Who proves that an order is hers becomes the customer of the order, with all she did before."""
    anna = factories.a_customer(session, email="anna@example.com")
    factories.an_order(session, number="LC500001", customer=anna, email="anna@example.com")
    stranger = customers.find_or_create(session, "rest", "visitor")
    conversation = conversations.find_or_create(session, "visitor", "rest", customer_id=stranger.id)
    ticket = tickets.open_ticket(session, factories.new_ticket(stranger))
    product = factories.a_product(session)
    recommendations.offer(session, factories.new_recommendation(stranger, product))
    order = orders.find_order(session, "LC500001", email="anna@example.com")
    assert order is not None
    assert customers.link(session, stranger, order).id == anna.id
    assert customers.find_or_create(session, "rest", "visitor").id == anna.id
    assert (conversation.customer_id, ticket.customer_id) == (anna.id, anna.id)
    assert len(recommendations.recommendations_for(session, anna)) == 1
    assert session.scalar(select(func.count(Customer.id))) == 1


def test_a_customer_with_orders_stays_who_she_is(session: Session) -> None:
    """Proof of somebody else's order does not swallow a customer who has bought something herself."""
    anna, mara = factories.a_customer(session), factories.a_customer(session)
    factories.an_order(session, customer=mara)
    order = factories.an_order(session, customer=anna)
    assert customers.link(session, mara, order) is mara
    assert session.scalar(select(func.count(Customer.id))) == 2


def test_linking_twice_changes_nothing(session: Session) -> None:
    """A retry of the link finds the customer linked."""
    anna = factories.a_customer(session)
    order = factories.an_order(session, customer=anna)
    stranger = customers.find_or_create(session, "rest", "visitor")
    linked = customers.link(session, stranger, order)
    assert customers.link(session, linked, order) is linked


def test_rows_stay_readable_after_linking(store: database.Store) -> None:
    """What a transaction loaded before the link is still there when the transaction has ended."""
    with store.session() as session:
        order = factories.an_order(session)
        stranger = customers.find_or_create(session, "rest", "visitor")
        ticket = tickets.open_ticket(session, factories.new_ticket(stranger))
        owner = customers.link(session, stranger, order)
    assert (ticket.customer_id, order.customer_id) == (owner.id, owner.id)
