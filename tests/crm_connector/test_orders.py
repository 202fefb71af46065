"""Orders: only for who can prove it, and only what their state allows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from crm_connector import orders
from crm_connector.choices import OrderStatus, ReturnRefusal
from tests.crm_connector import factories
from tests.crm_connector.factories import NOW


@pytest.mark.parametrize(
    ("number", "email", "phone", "found"),
    [
        ("LC500777", "anna@example.com", None, True),
        ("lc 500777 ", " ANNA@example.com", None, True),
        ("LC500777", None, "0171 2345678", True),
        ("LC500777", "wrong@example.com", "0171 2345678", True),
        ("LC500777", "wrong@example.com", None, False),
        ("LC500777", None, None, False),
        ("LC500777", "", "", False),
        ("LC500777", None, "78", False),
        ("LC500777", "%", "%", False),
        ("LC500778", "anna@example.com", None, False),
        ("500777", "anna@example.com", None, False),
        ("LC500777' OR '1'='1", "anna@example.com", None, False),
        ("LC٥٠٠٧٧٧", "anna@example.com", None, False),
    ],
    ids=[
        "email", "spelling", "phone", "one-of-two", "wrong", "no-proof", "empty-proof", "part-of-phone",
        "wildcard", "other-number", "no-prefix", "sql", "foreign-digits",
    ],
)  # fmt: skip
def test_an_order_needs_its_own_contact(
    session: Session, number: str, email: str | None, phone: str | None, found: bool
) -> None:
    """Number and the order's e-mail or phone find it; anything less looks like no order at all."""
    order = factories.an_order(session, number="LC500777")
    assert orders.find_order(session, number, email=email, phone=phone) is (order if found else None)


def test_an_order_without_phone_is_not_proven_by_none(session: Session) -> None:
    """A missing phone equals no phone that somebody gives, and not a missing one either."""
    factories.an_order(session, number="LC500777", phone=None)
    assert orders.find_order(session, "LC500777", phone=None) is None
    assert orders.find_order(session, "LC500777", phone="") is None


def test_lateness_counts_whole_days(session: Session) -> None:
    """An order is late from the first whole day after the promise, delivered or not; never when cancelled."""
    shipped = factories.an_order(session, status=OrderStatus.SHIPPED)
    late = factories.an_order(session, delivered_at=NOW + timedelta(days=3, hours=5))
    assert orders.days_late(shipped, now=NOW + timedelta(hours=23)) == 0
    assert orders.days_late(shipped, now=NOW + timedelta(days=8)) == 8
    assert orders.days_late(late, now=NOW + timedelta(days=90)) == 3
    cancelled = factories.an_order(session, status=OrderStatus.CANCELLED)
    assert orders.days_late(cancelled, now=NOW + timedelta(days=8)) == 0


@pytest.mark.parametrize("status", list(OrderStatus))
def test_only_what_has_not_left_changes(session: Session, status: OrderStatus) -> None:
    """Address and cancellation are open until the parcel leaves; cancelling twice is fine."""
    order = factories.an_order(session, status=status)
    address = orders.Address("Lindenweg 4", "20095", "Hamburg")
    packed_yet = status != OrderStatus.PROCESSING
    assert orders.change_address(session, order, address) is not packed_yet
    assert (order.street == "Lindenweg 4") is not packed_yet
    cancelled = orders.cancel(session, order)
    assert cancelled is (status in (OrderStatus.PROCESSING, OrderStatus.CANCELLED))
    assert (order.status == OrderStatus.CANCELLED) is cancelled
    assert orders.cancel(session, order) is cancelled


@pytest.mark.parametrize(
    ("status", "days", "refusal"),
    [
        (OrderStatus.DELIVERED, 0, None),
        (OrderStatus.DELIVERED, 30, None),
        (OrderStatus.DELIVERED, 31, ReturnRefusal.TOO_LATE),
        (OrderStatus.SHIPPED, 1, ReturnRefusal.NOT_DELIVERED),
        (OrderStatus.PROCESSING, 1, ReturnRefusal.NOT_DELIVERED),
        (OrderStatus.CANCELLED, 1, ReturnRefusal.CANCELLED),
    ],
)
def test_returns_have_their_time(
    session: Session, status: OrderStatus, days: int, refusal: ReturnRefusal | None
) -> None:
    """A delivered product may go back for thirty days, and only a delivered one."""
    product = factories.a_product(session, price="10.05")
    order = factories.an_order(session, product=product, status=status)
    answer = orders.request_return(session, order, product, "too bright", now=NOW + timedelta(days=days))
    assert answer.refusal == refusal
    assert (answer.returned is None) is (refusal is not None)
    if answer.returned:
        assert answer.returned.amount == Decimal("20.10")
        assert orders.returns_of(session, order) == [answer.returned]


def test_a_foreign_product_cannot_go_back(session: Session) -> None:
    """Only what is in the order can be returned."""
    order = factories.an_order(session)
    answer = orders.request_return(session, order, factories.a_product(session), "x", now=NOW)
    assert answer == orders.ReturnAnswer(refusal=ReturnRefusal.NOT_IN_ORDER)


def test_a_return_asked_for_again_is_the_same(session: Session) -> None:
    """The second wish gives the first return, even when its time is over by then."""
    product = factories.a_product(session)
    order = factories.an_order(session, product=product)
    first = orders.request_return(session, order, product, "too bright", now=NOW)
    again = orders.request_return(session, order, product, "too dark", now=NOW + timedelta(days=99))
    assert again == first
    assert first.returned is not None
    assert (first.returned.number[:2], first.returned.reason) == ("R-", "too bright")


def test_orders_are_listed_newest_first(session: Session) -> None:
    """A customer's own orders come newest first, nobody else's among them."""
    mara = factories.a_customer(session)
    old, new = factories.an_order(session, customer=mara), factories.an_order(session, customer=mara)
    old.placed_at = NOW - timedelta(days=400)
    factories.an_order(session)
    assert orders.orders_of(session, mara) == [new, old]
