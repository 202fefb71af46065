"""Who writes: customers by the name a channel knows them under, and their contact data."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from crm_connector.columns import Base, storable, utc_now
from crm_connector.database import insert_once
from crm_connector.tables import ChannelIdentity, Customer, Order

_SHORTEST_PHONE = 8  # digits that must agree; national numbers of eight digits exist (Denmark, Singapore)


@dataclass(frozen=True, slots=True)
class Contact:
    """Contact data as the customer gave it; None leaves what is known alone."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None


def find_by_sender(session: Session, channel: str, sender_id: str) -> Customer | None:
    """The customer whom a channel knows as `sender_id`."""
    return session.scalars(
        select(Customer)
        .join(ChannelIdentity, ChannelIdentity.customer_id == Customer.id)
        .where(ChannelIdentity.channel == channel, ChannelIdentity.sender_id == sender_id)
    ).one_or_none()


def find_or_create(
    session: Session, channel: str, sender_id: str, *, language: str | None = None
) -> Customer:
    """The customer whom a channel knows as `sender_id`, made without a name when nobody is known by it."""
    known = find_by_sender(session, channel, sender_id)
    if known is not None:
        return known
    with session.begin_nested() as savepoint:
        customer = Customer(language=language)
        session.add(customer)
        session.flush()
        identity = ChannelIdentity(customer_id=customer.id, channel=channel, sender_id=sender_id)
        stored = insert_once(
            session,
            identity,
            ChannelIdentity.channel == channel,
            ChannelIdentity.sender_id == storable(sender_id),
        )
        if stored is identity:
            return customer
        savepoint.rollback()  # somebody else was faster: no customer without an identity stays behind
    return session.get_one(Customer, stored.customer_id)


def find_by_contact(
    session: Session, *, email: str | None = None, phone: str | None = None
) -> list[Customer]:
    """Customers with this e-mail or phone, oldest first; contact data is no proof of who somebody is."""
    found: list[Customer] = []
    if email:
        wanted = email.strip().lower()
        found += session.scalars(
            select(Customer).where(func.lower(Customer.email) == wanted).order_by(Customer.id)
        )
    if phone:
        rows = session.scalars(select(Customer).where(Customer.phone.is_not(None)).order_by(Customer.id))
        found += [row for row in rows if row not in found and same_phone(row.phone, phone)]
    return found


def update_contact(session: Session, customer: Customer, contact: Contact) -> tuple[str, ...]:
    """Write down what the customer said; returns the names of the fields that changed."""
    changed = []
    for field in fields(contact):
        value = getattr(contact, field.name)
        value = value.strip() if isinstance(value, str) else value
        if value and getattr(customer, field.name) != value:
            setattr(customer, field.name, value)
            changed.append(field.name)
    if changed:
        customer.updated_at = utc_now()
        session.flush()
    return tuple(changed)


def link(session: Session, customer: Customer, order: Order) -> Customer:
    """Make a channel's customer the one who placed an order; returns the customer who stays.

    Call it only with an order that `orders.find_order` gave, for that is the proof. Somebody who already has
    orders of her own stays who she is; else identities, conversations and tickets move over.
    """
    owner = session.get_one(Customer, order.customer_id)
    if owner is customer or has_orders(session, customer):
        return customer
    move_all(session, customer, owner)
    return owner


def move_all(session: Session, customer: Customer, to: Customer) -> None:
    """Give all that belongs to a customer to another one, with contact data that is missing there.

    Call it only when it is proven that they are the same: the first one is gone afterwards.
    """
    session.flush()
    for mapper in Base.registry.mappers:
        row = mapper.class_
        if "customer_id" in mapper.columns:
            session.execute(update(row).where(row.customer_id == customer.id).values(customer_id=to.id))
    known = Contact(**{field.name: getattr(customer, field.name) for field in fields(Contact)})
    missing = [field.name for field in fields(Contact) if getattr(to, field.name)]
    update_contact(session, to, replace(known, **dict.fromkeys(missing)))
    session.execute(delete(Customer).where(Customer.id == customer.id))


def has_orders(session: Session, customer: Customer) -> bool:
    """Whether the customer ever bought something."""
    return session.scalar(select(Order.id).where(Order.customer_id == customer.id).limit(1)) is not None


def same_email(stored: str | None, given: str | None) -> bool:
    """Whether two e-mail addresses are the same but for case and blanks; none equals nothing."""
    return bool(stored and given) and (stored or "").strip().lower() == (given or "").strip().lower()


def same_phone(stored: str | None, given: str | None) -> bool:
    """Whether two phone numbers are the same, with or without country code; none equals nothing.

    The national number is the end of the international one: `0171 2345678` is `+49 171 2345678`.
    """
    one, other = _significant_digits(stored), _significant_digits(given)
    if min(len(one), len(other)) < _SHORTEST_PHONE:
        return False
    return one.endswith(other) or other.endswith(one)


def _significant_digits(phone: str | None) -> str:
    """The digits of a phone number without `+`, `00` and the `0` before a national number."""
    digits = "".join(character for character in phone or "" if character.isdecimal())
    return digits.lstrip("0")
