"""A desk over an empty store, with somebody signed in for each role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm_connector import database
from crm_connector.choices import Role
from crm_connector.desk import accounts
from desk.access import Desk

PASSWORD = "correct horse battery"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk where nobody has an account yet."""
    with database.open(f"sqlite:///{tmp_path / 'crm.db'}") as store:
        yield Desk(store)


@pytest.fixture
def signed_in(desk: Desk) -> Callable[..., str]:
    """Make an account and return the token of its browser."""

    def make(*roles: Role, name: str = "Anna") -> str:
        with desk.store.session() as session:
            email = f"{name.lower()}.{'.'.join(sorted(roles))}@example.com"
            account = accounts.find(session, email) or accounts.create(
                session, email, name=name, roles=roles, password=PASSWORD
            )
            return accounts.start(session, account, address="192.0.2.1")

    return make
