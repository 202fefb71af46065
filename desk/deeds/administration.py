"""What supervisors and operators set up: accounts, service levels; and the reading of the audit log."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from crm_connector.choices import ComplaintCategory, Role, Severity
from crm_connector.columns import JSON, JSONObject, utc_now
from crm_connector.desk import accounts, audit, service_levels
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.tables import Account, ServiceLevel
from desk.access import Desk, Permission
from desk.deeds.conversations import Refused


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as operators see it."""

    id: int
    name: str
    email: str
    roles: tuple[Role, ...]
    languages: tuple[str, ...]
    topics: tuple[str, ...]
    capacity: int
    is_open: bool
    seen_at: datetime | None
    has_password: bool


@dataclass(frozen=True, slots=True)
class Skills:
    """What an agent can take on: no languages or topics means all, `capacity` is how much at once."""

    languages: tuple[str, ...] = ()
    topics: tuple[ComplaintCategory, ...] = ()
    capacity: int = 5


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A service level as supervisors see it."""

    id: int
    name: str
    least_severity: Severity
    channels: tuple[str, ...]
    languages: tuple[str, ...]
    first_response_min: int | None
    next_response_min: int | None
    resolution_min: int | None
    warn_before_min: int
    hours: JSONObject


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A line of the audit log."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: JSONObject


def all_accounts(desk: Desk, token: str) -> list[AccountRow]:
    """Every account, by name."""
    with desk.read(token, Permission.ACCOUNTS) as deed:
        return [
            AccountRow(
                one.id,
                one.agent.name,
                one.agent.email,
                tuple(map(Role, one.roles)),
                tuple(one.languages),
                tuple(one.topics),
                one.capacity,
                one.agent.is_active,
                one.seen_at,
                one.password_hash is not None,
            )
            for one in accounts.all_accounts(deed.session)
        ]


def open_account(
    desk: Desk, token: str, email: str, *, name: str, roles: Collection[Role], password: str
) -> None:
    """Make an account with a first password.

    Raises:
        ValueError: The password is weak, the e-mail taken or none, or a role or the name missing.
    """
    with desk.act(token, Permission.ACCOUNTS) as deed:
        account = accounts.create(deed.session, email, name=name, roles=roles, password=password)
        deed.note("account.open", _subject(account), roles=sorted(roles))


def change_account(
    desk: Desk, token: str, account_id: int, *, roles: Collection[Role], skills: Skills
) -> None:
    """Change what somebody may do and can do.

    Raises:
        Refused: There is no such account, or nobody would be left to manage accounts.
        ValueError: No role, or a capacity below 0.
    """
    with desk.act(token, Permission.ACCOUNTS) as deed:
        account = _find(deed.session.get(Account, account_id))
        if Role.OPERATOR not in roles:
            _refuse_if_last_operator(accounts.all_accounts(deed.session), account)
        accounts.set_roles(deed.session, account, roles)
        accounts.set_skills(
            deed.session,
            account,
            languages=skills.languages,
            topics=skills.topics,
            capacity=skills.capacity,
        )
        deed.note("account.change", _subject(account), roles=sorted(roles), **asdict(skills))


def close_account(desk: Desk, token: str, account_id: int) -> None:
    """Shut somebody out at once; what she wrote keeps her name.

    Raises:
        Refused: There is no such account, or nobody would be left to manage accounts.
    """
    with desk.act(token, Permission.ACCOUNTS) as deed:
        account = _find(deed.session.get(Account, account_id))
        _refuse_if_last_operator(accounts.all_accounts(deed.session), account)
        accounts.close(deed.session, account)
        deed.note("account.close", _subject(account))


def reopen_account(desk: Desk, token: str, account_id: int) -> None:
    """Let somebody in again.

    Raises:
        Refused: There is no such account.
    """
    with desk.act(token, Permission.ACCOUNTS) as deed:
        account = _find(deed.session.get(Account, account_id))
        accounts.reopen(deed.session, account)
        deed.note("account.reopen", _subject(account))


def set_password(desk: Desk, token: str, account_id: int, password: str) -> None:
    """Give somebody another password, which signs her out everywhere.

    Raises:
        Refused: There is no such account.
        ValueError: The password is weak.
    """
    with desk.act(token, Permission.ACCOUNTS) as deed:
        account = _find(deed.session.get(Account, account_id))
        accounts.set_password(deed.session, account, password)
        deed.note("account.password", _subject(account))


def all_levels(desk: Desk, token: str) -> list[LevelRow]:
    """Every service level, by name."""
    with desk.read(token, Permission.SERVICE_LEVELS) as deed:
        return [
            LevelRow(
                one.id,
                one.name,
                one.least_severity,
                tuple(one.channels),
                tuple(one.languages),
                one.first_response_min,
                one.next_response_min,
                one.resolution_min,
                one.warn_before_min,
                one.hours,
            )
            for one in service_levels.all_levels(deed.session)
        ]


def save_level(desk: Desk, token: str, name: str, settings: Mapping[str, JSON]) -> None:
    """Make a promise, or change the one of this name; clocks that run keep what was promised.

    Args:
        desk: The desk.
        token: Of the browser.
        name: Of the service level.
        settings: The columns of `ServiceLevel`; `hours` are the arguments of `OpeningHours.parse`.

    Raises:
        ValueError: A time is not above 0, nothing is promised, or the hours are wrong.
    """
    if not name.strip():
        raise ValueError("A service level needs a name.")
    times = [settings.get(f"{target}_min") for target in ("first_response", "next_response", "resolution")]
    if not any(times) or any(minutes is not None and minutes < 1 for minutes in times):
        raise ValueError("Promise at least one time; times are minutes above 0.")
    hours = OpeningHours.parse(**settings["hours"]).as_json()
    with desk.act(token, Permission.SERVICE_LEVELS) as deed:
        known = {one.name: one for one in service_levels.all_levels(deed.session)}
        level = known.get(name.strip()) or ServiceLevel(name=name.strip(), hours=hours)
        for column, value in {**settings, "hours": hours}.items():
            setattr(level, column, value)
        level.updated_at = utc_now()
        deed.session.add(level)
        deed.session.flush()
        deed.note("service_level.save", f"service level {level.name}", **{**settings, "hours": hours})


def audit_log(desk: Desk, token: str, *, subject: str = "", before: int = 0) -> list[AuditRow]:
    """The newest lines of the audit log, of one subject or of all."""
    with desk.read(token, Permission.AUDIT) as deed:
        found = audit.entries(deed.session, subject=subject.strip() or None, before=before, limit=100)
        return [
            AuditRow(one.id, one.noted_at, one.actor, one.action, one.subject, one.detail) for one in found
        ]


def check_audit_log(desk: Desk, token: str) -> int | None:
    """The number of the first line that was tampered with, None when all seals fit."""
    with desk.read(token, Permission.AUDIT) as deed:
        broken = audit.first_broken(deed.session)
        return None if broken is None else broken.id


def _find(account: Account | None) -> Account:
    if account is None:
        raise Refused("There is no such account.")
    return account


def _refuse_if_last_operator(everybody: Sequence[Account], account: Account) -> None:
    operators = [one.id for one in everybody if Role.OPERATOR in accounts.roles_of(one)]
    if operators == [account.id]:
        raise Refused("Somebody must be left who manages accounts.")


def _subject(account: Account) -> str:
    return f"account {account.agent.email}"
