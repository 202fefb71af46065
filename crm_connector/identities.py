"""One customer on several channels is one customer: senders with the same proof are joined.

A proof is something that a channel has verified: an account that the company has signed, an address that the
peer has confirmed, an invitation that only the customer of another channel was shown. What a customer merely
says of herself joins nothing: it would hand somebody's purchases to whoever knows her address.

Two customers with different accounts of the company are two people, whatever else they share.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from crm_connector import customers
from crm_connector.choices import ProofKind
from crm_connector.columns import storable, utc_now
from crm_connector.database import insert_once
from crm_connector.tables import ChannelIdentity, Conversation, Customer, Invitation, ProvenIdentity

logger = logging.getLogger(__name__)

# An invitation travels in an address, and somebody may look over a shoulder.
INVITATION_LASTS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Proven:
    """Something of a customer that a channel has verified."""

    kind: ProofKind
    value: str

    def normal(self) -> str:
        """The value in the one spelling under which it is stored."""
        value = storable(self.value).strip()
        if self.kind is ProofKind.EMAIL:
            return value.lower()
        if self.kind is ProofKind.PHONE:
            return "+" + "".join(character for character in value if character.isdecimal())
        return value


@dataclass(frozen=True, slots=True)
class Sender:
    """Whoever a channel knows by a name."""

    channel: str
    sender_id: str


def is_known(session: Session, sender: Sender, proofs: Sequence[Proven], *, name: str | None = None) -> bool:
    """Whether `prove` would change nothing; it only reads."""
    customer = customers.find_by_sender(session, sender.channel, storable(sender.sender_id))
    if customer is None or (name and customer.name is None):
        return False
    if session.scalar(select(Conversation.id).where(*_nobodys(sender)).limit(1)) is not None:
        return False
    return all(
        proof.kind is not ProofKind.INVITATION and _holder(session, proof) == customer.id for proof in proofs
    )


def prove(session: Session, sender: Sender, proofs: Sequence[Proven], *, name: str | None = None) -> Customer:
    """Note what is proven about a sender, and join her with whoever has proven the same.

    Args:
        session: The transaction.
        sender: Who writes.
        proofs: Each verified by the channel.
        name: What she is called; kept when nobody knew a name before.

    Returns:
        The customer she is now.
    """
    customer = customers.find_or_create(session, sender.channel, storable(sender.sender_id))
    for proof in proofs:
        customer = _prove_one(session, sender, customer, proof)
    if name and customer.name is None:
        customer.name = storable(name)
    session.flush()
    session.execute(
        update(Conversation)
        .where(*_nobodys(sender))
        .values(customer_id=customer.id)
        .execution_options(synchronize_session="fetch")
    )
    return customer


def invite(session: Session, customer: Customer) -> str:
    """Return a word that proves once, within half an hour, that somebody elsewhere is this customer.

    It has 43 of the characters A-Z a-z 0-9 _ -, so it fits into the start parameter of a messenger's link.
    """
    session.execute(delete(Invitation).where(Invitation.expires_at < utc_now()))
    word = secrets.token_urlsafe(32)
    session.add(
        Invitation(word_hash=_hash(word), customer_id=customer.id, expires_at=utc_now() + INVITATION_LASTS)
    )
    session.flush()
    return word


def proofs_of(session: Session, customer: Customer) -> list[ProvenIdentity]:
    """What is proven about a customer, oldest first."""
    query = select(ProvenIdentity).where(ProvenIdentity.customer_id == customer.id)
    return list(session.scalars(query.order_by(ProvenIdentity.id)))


def _prove_one(session: Session, sender: Sender, customer: Customer, proof: Proven) -> Customer:
    if proof.kind is ProofKind.INVITATION:
        other_id = _redeem(session, proof.value)
    else:
        if proof.kind is ProofKind.ACCOUNT and _accounts(session, customer.id) - {proof.normal()}:
            customer = _somebody_else(session, sender, proof)
        row = ProvenIdentity(customer_id=customer.id, kind=proof.kind, value=proof.normal())
        key = (ProvenIdentity.kind == row.kind, ProvenIdentity.value == row.value)
        other_id = insert_once(session, row, *key).customer_id
    if other_id is not None and other_id != customer.id:
        customer = _join(session, customer, session.get_one(Customer, other_id))
    _write_down(customer, proof)
    return customer


def _somebody_else(session: Session, sender: Sender, account: Proven) -> Customer:
    """Let a sender be the customer of another account than before: another person uses the device now."""
    holder = _holder(session, account)
    customer = Customer() if holder is None else session.get_one(Customer, holder)
    session.add(customer)
    session.flush()
    session.execute(
        update(ChannelIdentity)
        .where(
            ChannelIdentity.channel == sender.channel,
            ChannelIdentity.sender_id == storable(sender.sender_id),
        )
        .values(customer_id=customer.id)
        .execution_options(synchronize_session="fetch")
    )
    return customer


def _join(session: Session, customer: Customer, other: Customer) -> Customer:
    """Make one of two customers; who has orders stays, else who was there first."""
    first, second = sorted((customer, other), key=lambda row: row.id)
    for row in (first, second):
        session.refresh(row, with_for_update=True)
    if len(_accounts(session, first.id) | _accounts(session, second.id)) > 1:
        logger.warning("customers %d and %d have different accounts, not joined", first.id, second.id)
        return customer
    stays, goes = first, second
    if customers.has_orders(session, second) and not customers.has_orders(session, first):
        stays, goes = second, first
    customers.move_all(session, goes, stays)
    return stays


def _redeem(session: Session, word: str) -> int | None:
    """Use an invitation up; None when there is none, or it is too old."""
    return session.execute(
        delete(Invitation)
        .where(Invitation.word_hash == _hash(word), Invitation.expires_at >= utc_now())
        .returning(Invitation.customer_id)
    ).scalar_one_or_none()


def _holder(session: Session, proof: Proven) -> int | None:
    return session.scalar(
        select(ProvenIdentity.customer_id).where(
            ProvenIdentity.kind == proof.kind, ProvenIdentity.value == proof.normal()
        )
    )


def _nobodys(sender: Sender) -> tuple[ColumnElement[bool], ...]:
    """The conversation of a sender, if it belongs to no customer yet."""
    return (
        Conversation.sender_id == storable(sender.sender_id),
        Conversation.channel == sender.channel,
        Conversation.customer_id.is_(None),
    )


def _accounts(session: Session, customer_id: int) -> set[str]:
    query = select(ProvenIdentity.value).where(
        ProvenIdentity.customer_id == customer_id, ProvenIdentity.kind == ProofKind.ACCOUNT
    )
    return set(session.scalars(query))


def _write_down(customer: Customer, proof: Proven) -> None:
    """Keep a proven address as contact data, where there is none."""
    if proof.kind is ProofKind.EMAIL and customer.email is None:
        customer.email = proof.normal()
    elif proof.kind is ProofKind.PHONE and customer.phone is None:
        customer.phone = proof.normal()


def _hash(word: str) -> str:
    return hashlib.sha256(storable(word).encode()).hexdigest()
