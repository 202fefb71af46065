"""Who may come in at the desk, and who may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from crm_connector import database
from crm_connector.choices import Role
from crm_connector.desk import accounts
from crm_connector.tables import Account, FailedSignIn, SignIn

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
PASSWORD = "a long enough password"


def _account(store: database.Store, email: str = "anna@example.com", **options: object) -> Account:
    with store.session() as session:
        settings = {"name": "Anna", "roles": [Role.AGENT], "password": PASSWORD, **options}
        return accounts.create(session, email, **settings)


def _sign_in(store: database.Store, password: str = PASSWORD, **options: object) -> str:
    settings = {"address": "192.0.2.1", "now": NOW, **options}
    return accounts.sign_in(store, "anna@example.com", password, **settings)


def _holder(store: database.Store, token: str, now: datetime = NOW) -> str | None:
    with store.session() as session:
        found = accounts.signed_in(session, token, now=now)
        if found is None:
            return None
        accounts.prolong(session, found, now=now)
        return found.account.agent.email


def test_who_knows_the_password_is_signed_in(store: database.Store) -> None:
    """A token stands for its account; the store keeps neither the token nor the password."""
    _account(store)
    token = _sign_in(store)
    assert _holder(store, token) == "anna@example.com"
    with store.reading() as session:
        assert token not in session.scalars(select(SignIn.token_hash)).one()
        assert PASSWORD not in (session.scalars(select(Account.password_hash)).one() or "")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        pytest.param("anna@example.com", "another password", id="wrong password"),
        pytest.param("nobody@example.com", PASSWORD, id="unknown e-mail"),
        pytest.param("anna@example.com", "x" * 100_000, id="a book for a password"),
        pytest.param("bot@example.com", "", id="no password set"),
    ],
)
def test_all_refusals_look_alike(store: database.Store, email: str, password: str) -> None:
    """Nobody learns whether the e-mail or the password was wrong."""
    _account(store)
    _account(store, "bot@example.com", password=None)
    with pytest.raises(accounts.SignInRefused, match="do not belong together"):
        accounts.sign_in(store, email, password, address="192.0.2.1", now=NOW)


def test_guessing_is_stopped(store: database.Store) -> None:
    """After five failures nobody is let in for a while, also with the right password; then again."""
    _account(store)
    for _ in range(5):
        with pytest.raises(accounts.SignInRefused):
            _sign_in(store, "a wrong password", address="192.0.2.9")
    with pytest.raises(accounts.TooManySignIns, match=r"Try again in 15 min"):
        _sign_in(store)
    assert _holder(store, _sign_in(store, now=NOW + timedelta(minutes=15)), NOW + timedelta(minutes=15))
    with store.reading() as session:
        assert session.scalar(select(func.count(FailedSignIn.id))) == 0


def test_guessing_many_accounts_from_one_address_is_stopped(store: database.Store) -> None:
    """One password for everybody, tried from one place, ends soon."""
    limits = accounts.SignInLimits(failures_from_address=3)
    for number in range(3):
        with pytest.raises(accounts.SignInRefused):
            accounts.sign_in(
                store, f"a{number}@example.com", "guess", address="192.0.2.9", limits=limits, now=NOW
            )
    with pytest.raises(accounts.TooManySignIns):
        accounts.sign_in(store, "b@example.com", "guess", address="192.0.2.9", limits=limits, now=NOW)


def test_a_sign_in_ends_when_it_is_not_used(store: database.Store) -> None:
    """Eight idle hours end it, use prolongs it, and after two weeks it ends in any case."""
    _account(store)
    token = _sign_in(store)
    assert _holder(store, token, NOW + timedelta(hours=8, seconds=1)) is None
    token, now = _sign_in(store), NOW
    while now < NOW + timedelta(days=14):
        assert _holder(store, token, now) == "anna@example.com"
        now += timedelta(hours=7)
    assert _holder(store, token, now) is None


@pytest.mark.parametrize("how", ["sign out", "close", "new password"])
def test_a_token_can_be_made_worthless(store: database.Store, how: str) -> None:
    """Signing out, closing the account and a new password end what was open."""
    _account(store)
    token = _sign_in(store)
    with store.session() as session:
        account = accounts.find(session, "anna@example.com")
        assert account is not None
        if how == "sign out":
            accounts.sign_out(session, token)
        elif how == "close":
            accounts.close(session, account)
            assert accounts.roles_of(account) == frozenset()
        else:
            accounts.set_password(session, account, "another long password")
    assert _holder(store, token) is None


def test_the_browser_that_changes_the_password_stays_in(store: database.Store) -> None:
    """Only the others are signed out."""
    _account(store)
    mine, other = _sign_in(store), _sign_in(store)
    with store.session() as session:
        kept = accounts.signed_in(session, mine, now=NOW)
        assert kept is not None
        accounts.set_password(session, kept.account, "another long password", keep=kept)
    assert _holder(store, mine) == "anna@example.com"
    assert _holder(store, other) is None


def test_a_weak_password_is_refused(store: database.Store) -> None:
    """Nine characters are too few."""
    with pytest.raises(accounts.WeakPassword, match="10 to 1000"):
        _account(store, password="123456789")
    with store.reading() as session:
        assert not accounts.has_accounts(session)


def test_an_e_mail_has_one_account(store: database.Store) -> None:
    """Opening a second one does not change the first."""
    _account(store)
    with pytest.raises(accounts.AccountTaken):
        _account(store, "Anna@Example.com ", roles=[Role.OPERATOR])
    with store.reading() as session:
        account = accounts.find(session, "ANNA@example.com")
        assert account is not None
        assert accounts.roles_of(account) == {Role.AGENT}
