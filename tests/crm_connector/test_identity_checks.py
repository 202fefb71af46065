"""Failed proofs of identity are counted over conversations, for a sender and for an order number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from crm_connector import identity_checks
from crm_connector.identity_checks import MAX_OF_ORDER, MAX_OF_SENDER, WINDOW
from tests.crm_connector.factories import NOW


def _fail(session: Session, count: int, *, order: str = "LC500001", sender: str = "eve") -> None:
    for index in range(count):
        key = f"{sender}:{order}:{index}"
        identity_checks.note_failure(session, order, sender, source_key=key, now=NOW)


def _is_locked(session: Session, order: str = "LC500001", sender: str = "eve", hours: float = 0) -> bool:
    return identity_checks.is_locked(session, order, sender, now=NOW + timedelta(hours=hours))


def test_a_sender_is_locked_for_every_order(session: Session) -> None:
    """After five failures no further order number may be tried, nor a right proof be found."""
    _fail(session, MAX_OF_SENDER - 1)
    assert not _is_locked(session)
    _fail(session, 1, order="LC500002")
    assert _is_locked(session)
    assert _is_locked(session, order="LC999999")
    assert not _is_locked(session, sender="anna")


def test_an_order_is_locked_for_every_sender(session: Session) -> None:
    """Changing the sender_id does not help to guess the e-mail of one order."""
    for index in range(MAX_OF_ORDER - 1):
        _fail(session, 1, sender=f"eve-{index}")
    assert not _is_locked(session, sender="new")
    _fail(session, 1, sender="last")
    assert _is_locked(session, sender="new")
    assert not _is_locked(session, order="LC500002", sender="new")


@pytest.mark.parametrize("written", ["LC500001", "lc500001", " LC-500001", "lc 500001"])
def test_ways_of_writing_a_number_count_together(session: Session, written: str) -> None:
    """Another way of writing the number is no other order."""
    for index in range(MAX_OF_ORDER):
        _fail(session, 1, sender=f"eve-{index}")
    assert _is_locked(session, order=written, sender="new")


def test_failures_are_forgotten_after_a_day(session: Session) -> None:
    """The owner who mistyped can try again tomorrow."""
    _fail(session, MAX_OF_SENDER)
    hours = WINDOW.total_seconds() / 3600
    assert _is_locked(session, hours=hours - 0.1)
    assert not _is_locked(session, hours=hours + 0.1)


def test_a_redelivered_message_counts_once(session: Session) -> None:
    """The same turn tried again is the same failure."""
    for _ in range(MAX_OF_SENDER):
        _fail(session, 1)
    assert not _is_locked(session)


@pytest.mark.parametrize("text", ["", "\x00", "x" * 10_000, "LC١٢٣٤٥٦", "\ud800"])
def test_strange_numbers_and_senders_are_counted_too(session: Session, text: str) -> None:
    """Whatever is tried counts for the sender who tried it."""
    _fail(session, MAX_OF_SENDER, order=text, sender=f"eve{text}")
    assert _is_locked(session, order="LC500001", sender=f"eve{text}")
