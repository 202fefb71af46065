"""Accounts of the desk: who may come in, as what, and for how long.

Passwords are kept as Argon2id hashes. Whoever signs in gets a random token; the store knows its hash only.
After too many failures, for one e-mail or from one address, nobody is let in for a while: also not with the
right password, so that a guess cannot be told from a refusal.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, joinedload

from crm_connector import agents
from crm_connector.choices import Presence, Role
from crm_connector.columns import storable, utc_now
from crm_connector.database import Store, insert_once
from crm_connector.tables import Account, Agent, FailedSignIn, SignIn

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 1000  # hashing costs time: a book is no password

_hasher = PasswordHasher()
_NOBODY = _hasher.hash(
    secrets.token_urlsafe()
)  # checked for unknown e-mails, which then take as long as others


class WeakPassword(ValueError):
    """The password is too short or too long."""


class AccountTaken(ValueError):
    """There is an account under this e-mail already."""


class SignInRefused(Exception):
    """E-mail and password do not belong together, or the account is closed; which one is not told."""

    def __init__(self) -> None:
        super().__init__("E-mail and password do not belong together.")


class TooManySignIns(SignInRefused):
    """Too many attempts failed; try again when `retry_after` has passed."""

    def __init__(self, retry_after: timedelta) -> None:
        self.retry_after = retry_after
        minutes = max(1, round(retry_after / timedelta(minutes=1)))
        Exception.__init__(self, f"Too many attempts failed. Try again in {minutes} min.")


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """How long somebody stays signed in, and how many failures are too many within `window`."""

    idle: timedelta = timedelta(hours=8)
    longest: timedelta = timedelta(days=14)
    window: timedelta = timedelta(minutes=15)
    failures_of_email: int = 5
    failures_from_address: int = 50  # an office shares one


DEFAULT_LIMITS = SignInLimits()


def has_accounts(session: Session) -> bool:
    """Whether anybody can sign in; if not, the first one to come becomes the administrator."""
    return session.scalar(select(Account.id).limit(1)) is not None


def create(
    session: Session,
    email: str,
    *,
    name: str,
    roles: Collection[Role],
    password: str | None = None,
    subject: str | None = None,
) -> Account:
    """Open an account for an agent, who may be there already.

    Args:
        session: The transaction.
        email: What she signs in with.
        name: What colleagues and customers call her.
        roles: At least one.
        password: None when an identity provider vouches for her.
        subject: How the identity provider knows her, see `Account`.

    Raises:
        WeakPassword: Too short or too long.
        AccountTaken: The e-mail has an account.
        ValueError: No role, or no e-mail or name.
    """
    if not roles or not name.strip() or "@" not in email:
        raise ValueError("an account needs an e-mail, a name and a role")
    agent = agents.find_or_create(session, email, name=name.strip())
    row = Account(
        agent_id=agent.id,
        roles=sorted(role.value for role in roles),
        password_hash=None if password is None else hash_password(password),
        subject=subject,
    )
    if insert_once(session, row, Account.agent_id == agent.id) is not row:
        raise AccountTaken(f"{agent.email} has an account")
    return row


def find(session: Session, email: str) -> Account | None:
    """The account of an e-mail."""
    query = select(Account).join(Agent).where(Agent.email == storable(email.strip().lower()))
    return session.scalars(query).one_or_none()


def find_by_subject(session: Session, subject: str) -> Account | None:
    """The account that an identity provider vouches for."""
    return session.scalars(select(Account).where(Account.subject == storable(subject))).one_or_none()


def all_accounts(session: Session) -> list[Account]:
    """All accounts, by name."""
    return list(session.scalars(select(Account).join(Agent).order_by(Agent.name, Account.id)))


def roles_of(account: Account) -> frozenset[Role]:
    """What somebody may do; a closed account may do nothing."""
    return frozenset(map(Role, account.roles)) if account.agent.is_active else frozenset()


def set_roles(session: Session, account: Account, roles: Collection[Role]) -> None:
    """Give other roles; they count from the next click."""
    if not roles:
        raise ValueError("an account needs a role; close it instead")
    account.roles = sorted(role.value for role in roles)
    session.flush()


def set_skills(
    session: Session, account: Account, *, languages: Sequence[str], topics: Sequence[str], capacity: int
) -> None:
    """Say what an agent can take on: languages and topics (none means all), and how much at once."""
    if capacity < 0:
        raise ValueError(f"capacity {capacity}, expected 0 or more")
    account.languages, account.topics, account.capacity = list(languages), list(topics), capacity
    session.flush()


def set_password(session: Session, account: Account, password: str, *, keep: SignIn | None = None) -> None:
    """Set a new password and sign out every browser but `keep`.

    Raises:
        WeakPassword: Too short or too long.
    """
    account.password_hash = hash_password(password)
    others = delete(SignIn).where(SignIn.account_id == account.id)
    session.execute(others if keep is None else others.where(SignIn.id != keep.id))


def close(session: Session, account: Account) -> None:
    """Close an account: whoever is signed in is out; what she wrote keeps her name."""
    account.agent.is_active = False
    account.presence = Presence.OFFLINE
    session.execute(delete(SignIn).where(SignIn.account_id == account.id))


def reopen(session: Session, account: Account) -> None:
    """Let somebody in again."""
    account.agent.is_active = True
    session.flush()


def hash_password(password: str) -> str:
    """The Argon2id hash of a password.

    Raises:
        WeakPassword: Too short or too long.
    """
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise WeakPassword(f"a password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters")
    return _hasher.hash(password)


def sign_in(
    store: Store,
    email: str,
    password: str,
    *,
    address: str,
    limits: SignInLimits = DEFAULT_LIMITS,
    now: datetime | None = None,
) -> str:
    """Sign in and return the token for the browser; takes about 50 ms, however it ends.

    Raises:
        SignInRefused: E-mail and password do not belong together, or the account is closed.
        TooManySignIns: Too many attempts failed lately.
    """
    now, email = now or utc_now(), storable(email.strip().lower())
    with store.reading() as session:
        _check_failures(session, email, address, limits, now)
        account = find(session, email)
        is_open = account is not None and account.agent.is_active
        known_hash = account.password_hash if account is not None else None
    # Outside any transaction: on SQLite a slow one would keep everybody else from writing.
    is_right = _verify(known_hash, password)
    with store.session() as session:
        account = find(session, email)
        if account is not None and is_right and is_open:
            session.execute(delete(FailedSignIn).where(FailedSignIn.email == email))
            if known_hash is not None and _hasher.check_needs_rehash(known_hash):
                account.password_hash = _hasher.hash(password)
            return start(session, account, address=address, limits=limits, now=now)
        session.add(FailedSignIn(email=email, address=address, failed_at=now))
    raise SignInRefused


def start(
    session: Session,
    account: Account,
    *,
    address: str,
    limits: SignInLimits = DEFAULT_LIMITS,
    now: datetime | None = None,
) -> str:
    """Sign somebody in who has proven who she is, and return the token for the browser."""
    now = now or utc_now()
    session.execute(delete(SignIn).where(SignIn.expires_at < now))
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            account_id=account.id,
            token_hash=_token_hash(token),
            address=address,
            expires_at=now + limits.idle,
            used_at=now,
            created_at=now,
        )
    )
    session.flush()
    return token


def signed_in(session: Session, token: str, *, now: datetime | None = None) -> SignIn | None:
    """Who holds a token; None when it is unknown, expired, or its account is closed."""
    query = (
        select(SignIn)
        .where(SignIn.token_hash == _token_hash(token))
        .options(joinedload(SignIn.account).joinedload(Account.agent))
    )
    found = session.scalars(query).one_or_none()
    if found is None or found.expires_at <= (now or utc_now()) or not found.account.agent.is_active:
        return None
    return found


def prolong(
    session: Session, used: SignIn, *, limits: SignInLimits = DEFAULT_LIMITS, now: datetime | None = None
) -> None:
    """Keep somebody signed in who does something."""
    used.used_at = now or utc_now()
    used.expires_at = min(used.used_at + limits.idle, used.created_at + limits.longest)
    session.flush()


def sign_out(session: Session, token: str) -> None:
    """Make a token worthless; who is signed in nowhere else is gone, and takes no conversations."""
    found = session.scalars(select(SignIn).where(SignIn.token_hash == _token_hash(token))).one_or_none()
    if found is None:
        return
    session.delete(found)
    session.flush()
    others = select(SignIn.id).where(SignIn.account_id == found.account_id, SignIn.expires_at > utc_now())
    if session.scalars(others.limit(1)).one_or_none() is None:
        session.get_one(Account, found.account_id).presence = Presence.OFFLINE


def _check_failures(session: Session, email: str, address: str, limits: SignInLimits, now: datetime) -> None:
    counted = (
        (FailedSignIn.email == email, limits.failures_of_email),
        (FailedSignIn.address == address, limits.failures_from_address),
    )
    for condition, most in counted:
        recent = select(func.count(), func.min(FailedSignIn.failed_at)).where(
            condition, FailedSignIn.failed_at > now - limits.window
        )
        count, first = session.execute(recent).one()
        if count >= most:
            raise TooManySignIns(first + limits.window - now)


def _verify(known_hash: str | None, password: str) -> bool:
    if len(password) > MAX_PASSWORD_LENGTH:
        return False
    try:
        return _hasher.verify(known_hash or _NOBODY, password) and known_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def _token_hash(token: str) -> str:
    """A fast hash will do: the token is random, nobody guesses it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
