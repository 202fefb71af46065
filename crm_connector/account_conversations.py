"""Conversations of customers who are signed in with the company: one for each account, on every device."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector.columns import storable
from crm_connector.database import insert_once
from crm_connector.tables import AccountConversation


def account_of(session: Session, channel: str, sender_id: str) -> str | None:
    """The account that a conversation belongs to, None when it belongs to none."""
    return session.scalars(
        select(AccountConversation.account_id).where(
            AccountConversation.channel == channel, AccountConversation.sender_id == storable(sender_id)
        )
    ).one_or_none()


def find_or_begin(session: Session, channel: str, account_id: str, sender_id: str, *, otherwise: str) -> str:
    """Return the sender_id of an account's conversation.

    The first time it is the one that goes on under `sender_id`, so that what was said before signing in stays
    in sight; where that belongs to another account, it is `otherwise`.

    Args:
        session: The transaction.
        channel: Where the conversation goes on.
        account_id: The company's own name for the customer, proven.
        sender_id: The conversation from which she signs in.
        otherwise: A sender_id that nobody can guess.
    """
    is_anothers = account_of(session, channel, sender_id) not in (None, account_id)
    row = AccountConversation(
        channel=channel, account_id=storable(account_id), sender_id=otherwise if is_anothers else sender_id
    )
    stored = insert_once(
        session,
        row,
        AccountConversation.channel == channel,
        AccountConversation.account_id == row.account_id,
    )
    return stored.sender_id
