"""What supervisors and operators set up, and that nobody locks everybody out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crm_connector.choices import ComplaintCategory, Role, Severity
from crm_connector.columns import JSONObject
from crm_connector.desk import accounts
from desk.access import Desk
from desk.deeds import administration as deeds
from desk.deeds import replies
from desk.deeds.administration import Skills
from desk.deeds.conversations import Refused
from tests.desk.people import PASSWORD

SignIn = Callable[..., str]
HOURS: JSONObject = {"time_zone": "Europe/Berlin", "week": {"mon": ["09:00-17:00"]}}


def test_an_operator_opens_changes_and_closes_accounts(desk: Desk, signed_in: SignIn) -> None:
    """Each step shows in the list and in the audit log; a password never does."""
    boss = signed_in(Role.OPERATOR)
    deeds.open_account(desk, boss, "ben@example.com", name="Ben", roles=[Role.AGENT], password=PASSWORD)
    ben = next(row for row in deeds.all_accounts(desk, boss) if row.name == "Ben")
    skills = Skills(("zh",), (ComplaintCategory.PAYMENT,), 3)
    deeds.change_account(desk, boss, ben.id, roles=[Role.AGENT, Role.SUPERVISOR], skills=skills)
    ben = next(row for row in deeds.all_accounts(desk, boss) if row.name == "Ben")
    assert (ben.roles, ben.languages, ben.topics, ben.capacity) == (
        (Role.AGENT, Role.SUPERVISOR), ("zh",), ("payment",), 3,
    )  # fmt: skip
    token = accounts.sign_in(desk.store, "ben@example.com", PASSWORD, address="x")
    deeds.set_password(desk, boss, ben.id, "another long password")
    assert desk.visitor(token) is None
    token = accounts.sign_in(desk.store, "ben@example.com", "another long password", address="x")
    deeds.close_account(desk, boss, ben.id)
    assert desk.visitor(token) is None
    deeds.reopen_account(desk, boss, ben.id)
    log = deeds.audit_log(desk, boss, subject="account ben@example.com")
    assert [row.action for row in log] == [
        "account.reopen", "account.close", "account.password", "account.change", "account.open",
    ]  # fmt: skip
    assert PASSWORD not in str(log)
    assert "another long" not in str(log)
    assert deeds.check_audit_log(desk, boss) is None


def test_somebody_is_always_left_who_manages_accounts(desk: Desk, signed_in: SignIn) -> None:
    """The last operator can neither close herself nor lose the role."""
    boss = signed_in(Role.OPERATOR)
    [me] = deeds.all_accounts(desk, boss)
    with pytest.raises(Refused, match="must be left"):
        deeds.close_account(desk, boss, me.id)
    with pytest.raises(Refused, match="must be left"):
        deeds.change_account(desk, boss, me.id, roles=[Role.AGENT], skills=Skills())
    other = signed_in(Role.OPERATOR, name="Ben")
    deeds.close_account(desk, boss, me.id)
    assert desk.visitor(boss) is None
    assert desk.visitor(other) is not None
    with pytest.raises(Refused, match="no such account"):
        deeds.close_account(desk, other, 999)


def test_service_levels_are_checked_before_they_are_kept(desk: Desk, signed_in: SignIn) -> None:
    """A wrong one changes nothing; a right one can be changed under its name."""
    boss = signed_in(Role.SUPERVISOR)
    settings: JSONObject = {
        "least_severity": Severity.LOW,
        "channels": [],
        "first_response_min": 30,
        "hours": HOURS,
    }
    deeds.save_level(desk, boss, "all", settings)
    deeds.save_level(desk, boss, " all ", {**settings, "resolution_min": 480})
    for wrong in (
        {"hours": {**HOURS, "time_zone": "Mars"}},
        {"first_response_min": None},
        {"first_response_min": -1},
    ):
        with pytest.raises(ValueError, match=r"time zone|at least one"):
            deeds.save_level(desk, boss, "all", {**settings, **wrong})
    with pytest.raises(ValueError, match="a name"):
        deeds.save_level(desk, boss, " ", settings)
    [level] = deeds.all_levels(desk, boss)
    assert (level.name, level.first_response_min, level.resolution_min) == ("all", 30, 480)
    assert level.hours["week"] == {"mon": ["09:00-17:00"]}


def test_supervisors_keep_the_canned_replies(desk: Desk, signed_in: SignIn) -> None:
    """Written, changed under shortcut and language, and deleted."""
    boss = signed_in(Role.SUPERVISOR)
    replies.save_reply(desk, boss, "hi", "en", "Hello")
    replies.save_reply(desk, boss, "hi", "en", "Hello!")
    replies.save_reply(desk, boss, "hi", "zh", "你好")
    assert [(row.language, row.text) for row in replies.all_replies(desk, boss)] == [
        ("en", "Hello!"),
        ("zh", "你好"),
    ]
    replies.delete_reply(desk, boss, replies.all_replies(desk, boss)[0].id)
    assert [row.language for row in replies.all_replies(desk, boss)] == ["zh"]
    with pytest.raises(Refused, match="no such reply"):
        replies.delete_reply(desk, boss, 999)
