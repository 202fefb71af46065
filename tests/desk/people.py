"""Accounts for tests: the password is hashed once, which on purpose takes longer than most tests."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from sqlalchemy.orm import Session

from crm_connector.choices import Role
from crm_connector.desk import accounts
from crm_connector.tables import Account

PASSWORD = "correct horse battery"


def open_account(session: Session, email: str, *, name: str, roles: Collection[Role]) -> Account:
    """Open an account that `PASSWORD` opens."""
    account = accounts.create(session, email, name=name, roles=roles)
    account.password_hash = _hashed()
    return account


@cache
def _hashed() -> str:
    return accounts.hash_password(PASSWORD)
