"""Every call at the desk is checked: who is it, and may she?"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import desk.deeds
import desk.views
from crm_connector.choices import Outcome, Priority, Role, Stage, TicketStatus
from crm_connector.desk import accounts, audit
from crm_connector.desk.opening_hours import OpeningHours
from desk.access import MAY, Desk, Forbidden, NotSignedIn, Permission
from desk.deeds.administration import Skills
from desk.views.conversation_list import Folder

ARGUMENTS: dict[str, object] = {
    "account_id": 1, "accepted": True, "conversation_id": 1, "duration": timedelta(hours=1), "email": "x@y.z",
    "entities": [], "file_id": "0" * 32, "first": date(2026, 1, 1), "folder": Folder.ALL,
    "intent": "greet", "into": "T-10001", "is_note": False, "is_on": True, "key": "k",
    "language": "en", "last": date(2026, 1, 2), "message_id": 1, "name": "x",
    "nlu_folder": Path("nowhere"), "opportunity_id": 1, "outcome": Outcome.SOLVED, "password": "x" * 12,
    "priority": Priority.LOW, "recommendation_id": 1, "reply_id": 1, "roles": [Role.AGENT],
    "settings": {"first_response_min": 1, "hours": OpeningHours().as_json()}, "shortcut": "x",
    "skills": Skills(), "stage": Stage.WON, "status": TicketStatus.OPEN, "text": "x", "ticket_id": 1,
    "typed": "x",
}  # fmt: skip


def _calls() -> list[Callable[..., object]]:
    """Everything that a page can call: each takes the desk and a token first."""
    found: list[Callable[..., object]] = []
    for package in (desk.deeds, desk.views):
        for info in iter_modules(package.__path__):
            module = import_module(f"{package.__name__}.{info.name}")
            for name, function in inspect.getmembers(module, inspect.isfunction):
                parameters = list(inspect.signature(function).parameters)
                is_ours = function.__module__ == module.__name__ and not name.startswith("_")
                if is_ours and parameters[:2] == ["desk", "token"]:
                    found.append(function)
    return found


def _call(function: Callable[..., object], desk: Desk, token: str) -> object:
    parameters = list(inspect.signature(function).parameters.values())[2:]
    needed = {one.name: ARGUMENTS[one.name] for one in parameters if one.default is inspect.Parameter.empty}
    return function(desk, token, **needed)


CALLS = _calls()


@pytest.mark.parametrize("function", CALLS, ids=lambda one: f"{one.__module__}.{one.__name__}")
@pytest.mark.parametrize("token", ["", "guessed", "\ud800"])
def test_without_signing_in_nothing_can_be_called(
    desk: Desk, function: Callable[..., object], token: str
) -> None:
    """No token, a wrong one, and one that is no text."""
    with pytest.raises(NotSignedIn):
        _call(function, desk, token)


@pytest.mark.parametrize("function", CALLS, ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_each_call_is_refused_to_the_roles_that_it_is_not_for(
    desk: Desk, signed_in: Callable[..., str], function: Callable[..., object]
) -> None:
    """At least one role may make it and one may not; the refusal comes before anything is looked up."""
    refused = set()
    for role in Role:
        token = signed_in(role, name=role)
        try:
            _call(function, desk, token)
        except Forbidden:
            refused.add(role)
        except Exception:  # noqa: BLE001 - what it says of made-up arguments does not matter here
            pass
        assert desk.visitor(token) is not None
    assert refused, "everybody may call this"
    assert refused != set(Role), "nobody may call this"


def test_every_permission_is_somebodys() -> None:
    """No page is closed to all."""
    assert frozenset[Permission]().union(*MAY.values()) == set(Permission)


def test_roles_count_from_the_next_click(desk: Desk, signed_in: Callable[..., str]) -> None:
    """What is taken away is gone at once, and what is given works at once."""
    token = signed_in(Role.AGENT)
    with desk.store.session() as session:
        account = accounts.all_accounts(session)[0]
        accounts.set_roles(session, account, [Role.OPERATOR])
    with pytest.raises(Forbidden), desk.act(token, Permission.CONVERSATIONS):
        pass
    with desk.act(token, Permission.ACCOUNTS) as deed:
        deed.note("x", "y")
        assert audit.entries(deed.session)[0].actor == deed.visitor.email


def test_a_closed_account_is_out_at_once(desk: Desk, signed_in: Callable[..., str]) -> None:
    """Also in the middle of work."""
    token = signed_in(Role.AGENT)
    assert desk.visitor(token) is not None
    with desk.store.session() as session:
        accounts.close(session, accounts.all_accounts(session)[0])
    assert desk.visitor(token) is None
    with pytest.raises(NotSignedIn), desk.act(token, Permission.CONVERSATIONS):
        pass


def test_a_call_that_fails_leaves_nothing(desk: Desk, signed_in: Callable[..., str]) -> None:
    """Neither a change nor a line in the audit log."""
    token = signed_in(Role.OPERATOR)

    def fail() -> None:
        with desk.act(token, Permission.ACCOUNTS) as deed:
            deed.note("half", "done")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with desk.read(token, Permission.AUDIT) as deed:
        assert audit.entries(deed.session, subject="done") == []
