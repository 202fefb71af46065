"""A desk over an empty store, with somebody signed in for each role."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from crm_connector import database
from crm_connector.choices import Role
from crm_connector.desk import accounts
from desk.access import Desk
from desk.app import mount
from desk.options import DeskOptions
from tests.desk.people import open_account
from tests.desk.served_desk import Assistant, Served
from tests.server.factories import RunningServer


@pytest.fixture
def desk(tmp_path: Path, empty_file: bytes) -> Iterator[Desk]:
    """A desk where nobody has an account yet."""
    (tmp_path / "crm.db").write_bytes(empty_file)
    with database.open(f"sqlite:///{tmp_path / 'crm.db'}") as store:
        yield Desk(store)


@pytest.fixture
def signed_in(desk: Desk) -> Callable[..., str]:
    """Make an account and return the token of its browser."""

    def make(*roles: Role, name: str = "Anna") -> str:
        with desk.store.session() as session:
            email = f"{name.lower()}.{'.'.join(sorted(roles))}@example.com"
            account = accounts.find(session, email) or open_account(session, email, name=name, roles=roles)
            return accounts.start(session, account, address="192.0.2.1")

    return make


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the whole desk once: NiceGUI is one application in a process."""
    logging.getLogger("nicegui").setLevel(logging.ERROR)
    with database.open(f"sqlite:///{tmp_path_factory.mktemp('desk') / 'crm.db'}") as store:
        app = FastAPI()
        mounted = mount(app, store, DeskOptions(assign=False), assistant=Assistant())
        with RunningServer(app) as server:
            yield Served(server.url, mounted.desk)
