"""A whole desk that is being served, and somebody of each role to sign in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx
from nicegui import Client

import desk.pages
from bot.dialogue.messages import JSON
from crm_connector.choices import Role
from crm_connector.desk import accounts
from desk.access import Desk
from desk.sign_in import COOKIE
from tests.desk.people import open_account

EVIL = "<img src=x onerror=alert(1)>"
PAGES = {
    path: function
    for function, path in Client.page_routes.items()
    if function.__module__.startswith(desk.pages.__name__)
}


class Assistant:
    """An assistant that knows nothing."""

    nlu_folder = Path("nowhere")

    def intents(self) -> list[str]:
        """None."""
        return []

    entities = intents

    async def resolved(self, channel: str, sender_id: str) -> None:
        """Say nothing."""


class Served:
    """A desk that is being served; what somebody of each role needs to sign in is known."""

    def __init__(self, url: str, desk: Desk) -> None:
        self.url = url
        self.desk = desk

    def token(self, *roles: Role) -> str:
        """Sign somebody with these roles in, without a browser."""
        with self.desk.store.session() as session:
            account = accounts.find(session, email_of(*roles)) or open_account(
                session, email_of(*roles), name=EVIL, roles=roles
            )
            return accounts.start(session, account, address="192.0.2.1")

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        """Ask for a page."""
        cookies = {COOKIE: token} if token else {}
        given = {"accept": "text/html", **headers}
        return httpx.get(f"{self.url}/desk{path}", cookies=cookies, headers=given, timeout=60)


def events(logs: Iterable[Mapping[str, JSON]]) -> list[str]:
    """Return what was logged, but not that a page which an earlier test left open was refused meanwhile."""
    said = [str(line["event"]) for line in logs]
    return [event for event in said if event != "refused at the desk, nobody is signed in"]


def email_of(*roles: Role) -> str:
    """What somebody with these roles signs in with."""
    return f"{'.'.join(sorted(roles))}@example.com"
