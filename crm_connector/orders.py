"""Orders, for those who can prove that they are theirs, and what may still be done with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector.choices import OrderStatus, ReturnRefusal
from crm_connector.columns import utc_now
from crm_connector.customers import same_email, same_phone
from crm_connector.database import insert_once
from crm_connector.tables import Customer, Order, OrderLine, Product, Return

RETURN_DAYS = 30  # after delivery

_NUMBER = re.compile(r"\s*LC\s*-?\s*(\d{6})\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes; `country` is an ISO 3166 code of two letters."""

    street: str
    postal_code: str
    city: str
    country: str | None = None


@dataclass(frozen=True, slots=True)
class ReturnAnswer:
    """What came of the wish to send something back: a return, or why not."""

    returned: Return | None = None
    refusal: ReturnRefusal | None = None


def find_order(
    session: Session, number: str, *, email: str | None = None, phone: str | None = None
) -> Order | None:
    """The order with this number, if the e-mail or the phone is the order's own.

    Unknown number and wrong proof look the same from outside: who guesses numbers learns nothing.
    """
    match = _NUMBER.fullmatch(number)
    if match is None:
        return None
    order = session.scalars(select(Order).where(Order.number == f"LC{match[1]}")).one_or_none()
    if order is None or not (same_email(order.email, email) or same_phone(order.phone, phone)):
        return None
    return order


def normal_number(text: str) -> str:
    """An order number as orders carry it, `LC104233` for `lc-104233`; other texts in capitals, unblanked."""
    match = _NUMBER.fullmatch(text)
    return f"LC{match[1]}" if match else "".join(text.split()).upper()


def orders_of(session: Session, customer: Customer) -> list[Order]:
    """All orders of a customer, newest first; whoever calls this knows that she is the customer."""
    query = select(Order).where(Order.customer_id == customer.id)
    return list(session.scalars(query.order_by(Order.placed_at.desc(), Order.id.desc())))


def days_late(order: Order, *, now: datetime | None = None) -> int:
    """Whole days that an order is, or was delivered, after the promised time; 0 when in time or cancelled."""
    if order.status == OrderStatus.CANCELLED:
        return 0
    return max(0, ((order.delivered_at or now or utc_now()) - order.promised_at).days)


def cancel(session: Session, order: Order) -> bool:
    """Cancel an order that has not left yet; True when it is cancelled now, also if it was before."""
    session.refresh(order, with_for_update=True)
    if order.status == OrderStatus.PROCESSING:
        order.status = OrderStatus.CANCELLED
        session.flush()
    return order.status == OrderStatus.CANCELLED


def change_address(session: Session, order: Order, address: Address) -> bool:
    """Send an order elsewhere; False when it has left already or is cancelled."""
    session.refresh(order, with_for_update=True)
    if order.status != OrderStatus.PROCESSING:
        return False
    order.street, order.postal_code, order.city = address.street, address.postal_code, address.city
    order.country = address.country or order.country
    session.flush()
    return True


def return_refusal(order: Order, *, now: datetime | None = None) -> ReturnRefusal | None:
    """Why nothing of an order may be sent back, None when it may."""
    if order.status == OrderStatus.CANCELLED:
        return ReturnRefusal.CANCELLED
    if order.status != OrderStatus.DELIVERED or order.delivered_at is None:
        return ReturnRefusal.NOT_DELIVERED
    if (now or utc_now()) - order.delivered_at > timedelta(days=RETURN_DAYS):
        return ReturnRefusal.TOO_LATE
    return None


def request_return(
    session: Session, order: Order, product: Product, reason: str, *, now: datetime | None = None
) -> ReturnAnswer:
    """Send a product of an order back for a full refund; asking again gives the return there is."""
    line = next((line for line in order.lines if line.product_id == product.id), None)
    if line is None:
        return ReturnAnswer(refusal=ReturnRefusal.NOT_IN_ORDER)
    known = session.scalars(select(Return).where(Return.order_line_id == line.id)).one_or_none()
    if known is not None:
        return ReturnAnswer(returned=known)
    refusal = return_refusal(order, now=now)
    if refusal is not None:
        return ReturnAnswer(refusal=refusal)
    row = Return(
        order_line_id=line.id, reason=reason, amount=line.unit_price * line.quantity, currency=order.currency
    )
    return ReturnAnswer(returned=insert_once(session, row, Return.order_line_id == line.id))


def returns_of(session: Session, order: Order) -> list[Return]:
    """All returns of an order, oldest first."""
    query = select(Return).join(OrderLine).where(OrderLine.order_id == order.id)
    return list(session.scalars(query.order_by(Return.id)))
