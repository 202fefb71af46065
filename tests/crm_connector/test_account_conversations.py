"""One conversation for each account, whichever device she uses."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm_connector import account_conversations as of_accounts


def begin(session: Session, account_id: str, sender_id: str, *, channel: str = "web_widget") -> str:
    """Sign in from a conversation."""
    return of_accounts.find_or_begin(session, channel, account_id, sender_id, otherwise=f"new-{account_id}")


def test_an_account_keeps_its_first_conversation(session: Session) -> None:
    """The conversation she signs in from the first time is hers, and is found from everywhere."""
    assert begin(session, "anna", "laptop") == "laptop"
    assert begin(session, "anna", "phone") == "laptop"
    assert of_accounts.account_of(session, "web_widget", "laptop") == "anna"
    assert of_accounts.account_of(session, "web_widget", "phone") is None


def test_nobody_takes_over_anothers_conversation(session: Session) -> None:
    """Who signs in from a conversation of somebody else's begins a new one."""
    begin(session, "anna", "laptop")
    assert begin(session, "bert", "laptop") == "new-bert"
    assert of_accounts.account_of(session, "web_widget", "laptop") == "anna"


def test_channels_are_apart(session: Session) -> None:
    """The same names on another channel are others."""
    begin(session, "anna", "laptop")
    assert of_accounts.account_of(session, "rest", "laptop") is None
    assert begin(session, "anna", "other", channel="rest") == "other"
