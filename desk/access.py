"""Who may do what at the desk. Every page and every call goes through here, and is checked anew each time.

A call names the token of the browser and what it takes; `Desk.act` opens a transaction, finds who that is,
and refuses before anything is read. What is changed is noted in the audit log of the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import structlog
from sqlalchemy.orm import Session

from crm_connector.choices import Presence, Role
from crm_connector.columns import JSON, utc_now
from crm_connector.database import Store
from crm_connector.desk import accounts, audit
from crm_connector.desk.accounts import SignInLimits
from crm_connector.tables import Account, Agent

_log = structlog.get_logger(__name__)

_PROLONGED_EVERY = timedelta(minutes=1)  # a page asks every second: not each question is worth a write


class Permission(StrEnum):
    """What somebody may be allowed to do."""

    CONVERSATIONS = "conversations"
    ASSIGN = "assign"
    TICKETS = "tickets"
    OPPORTUNITIES = "opportunities"
    REPORTS = "reports"
    TRAINING = "training"
    REPLIES = "replies"
    SERVICE_LEVELS = "service_levels"
    ACCOUNTS = "accounts"
    AUDIT = "audit"


_AGENT = frozenset((Permission.CONVERSATIONS, Permission.TICKETS, Permission.OPPORTUNITIES))
MAY: Mapping[Role, frozenset[Permission]] = {
    Role.AGENT: _AGENT,
    Role.SUPERVISOR: _AGENT
    | {Permission.ASSIGN, Permission.REPORTS, Permission.REPLIES, Permission.SERVICE_LEVELS},
    Role.BOT_DEVELOPER: frozenset((Permission.TRAINING,)),
    Role.OPERATOR: frozenset((Permission.ACCOUNTS, Permission.AUDIT)),
}


class NotSignedIn(Exception):
    """The token is missing, unknown or expired."""

    def __init__(self) -> None:
        super().__init__("Please sign in.")


class Forbidden(Exception):
    """Somebody asked for what her roles do not allow."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        super().__init__(f"Your role does not allow this ({permission.value.replace('_', ' ')}).")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in, as pages show her."""

    account_id: int
    agent_id: int
    name: str
    email: str
    permissions: frozenset[Permission]
    presence: Presence = Presence.OFFLINE
    has_letter_keys: bool = True

    def may(self, permission: Permission) -> bool:
        """Whether she is allowed to do this."""
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class Deed:
    """One call of somebody who may make it, in its transaction."""

    session: Session
    account: Account
    visitor: Visitor

    @property
    def agent(self) -> Agent:
        """Who acts."""
        return self.account.agent

    def note(self, action: str, subject: str, **detail: JSON) -> None:
        """Write into the audit log what is being changed."""
        audit.note(self.session, self.visitor.email, action, subject, detail)


@dataclass(frozen=True, slots=True)
class Desk:
    """The store, for those who are signed in."""

    store: Store
    limits: SignInLimits = field(default_factory=SignInLimits)

    @contextmanager
    def act(self, token: str, permission: Permission) -> Iterator[Deed]:
        """A transaction in which somebody changes something.

        Raises:
            NotSignedIn: The token stands for nobody.
            Forbidden: She may not; the attempt is logged.
        """
        with self.store.session() as session:
            yield _checked(session, token, permission, self.limits, is_writing=True)

    @contextmanager
    def read(self, token: str, permission: Permission) -> Iterator[Deed]:
        """The same for looking only: it waits for nobody, and nothing that it changes is kept."""
        with self.store.reading() as session:
            yield _checked(session, token, permission, self.limits, is_writing=False)

    def opens(self, visitor: Visitor, permission: Permission) -> bool:
        """Whether a page is open to somebody; that it was not is logged."""
        if not visitor.may(permission):
            _log.warning("page refused at the desk", email=visitor.email, permission=permission.value)
        return visitor.may(permission)

    def visitor(self, token: str | None) -> Visitor | None:
        """Who holds a token, None when nobody does."""
        if not token:
            return None
        with self.store.reading() as session:
            found = accounts.signed_in(session, token)
            return None if found is None else visitor_of(found.account)


def visitor_of(account: Account) -> Visitor:
    """What pages need to know of an account."""
    permissions = frozenset[Permission]().union(*(MAY[role] for role in accounts.roles_of(account)))
    return Visitor(
        account.id,
        account.agent_id,
        account.agent.name,
        account.agent.email,
        permissions,
        account.presence,
        account.has_letter_keys,
    )


def _checked(
    session: Session, token: str, permission: Permission, limits: SignInLimits, *, is_writing: bool
) -> Deed:
    now = utc_now()
    found = accounts.signed_in(session, token, now=now) if token else None
    if found is None:
        _log.warning("refused at the desk, nobody is signed in", permission=permission.value)
        raise NotSignedIn
    visitor = visitor_of(found.account)
    if not visitor.may(permission):
        _log.warning("refused at the desk", email=visitor.email, permission=permission.value)
        raise Forbidden(permission)
    if is_writing and now - found.used_at > _PROLONGED_EVERY:
        accounts.prolong(session, found, limits=limits, now=now)
    return Deed(session, found.account, visitor)
