"""Whether an agent takes conversations is what she said last, on whichever page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crm_connector.choices import Presence, Role
from crm_connector.desk import accounts
from desk.access import Desk
from desk.deeds.presence import be_present


@pytest.mark.parametrize(
    ("said", "then"),
    [
        pytest.param([None], Presence.ONLINE, id="who comes takes conversations"),
        pytest.param([Presence.AWAY, None], Presence.AWAY, id="who is away stays away"),
        pytest.param([Presence.AWAY, None, Presence.ONLINE, None], Presence.ONLINE, id="who is back stays"),
    ],
)
def test_a_sign_of_life_changes_nothing(
    desk: Desk, signed_in: Callable[..., str], said: list[Presence | None], then: Presence
) -> None:
    """A page that is opened, or only still there, does not speak for her."""
    anna = signed_in(Role.AGENT)
    for presence in said:
        be_present(desk, anna, presence)
    visitor = desk.visitor(anna)
    assert visitor is not None
    assert visitor.presence == then


def test_who_signs_out_is_gone_and_back_when_she_comes(desk: Desk, signed_in: Callable[..., str]) -> None:
    """Signed in elsewhere she is still there; being away is forgotten with the end of the day."""
    anna, elsewhere = signed_in(Role.AGENT), signed_in(Role.AGENT)
    be_present(desk, anna, Presence.AWAY)
    for token, then in ((anna, Presence.AWAY), (elsewhere, Presence.OFFLINE), (elsewhere, Presence.OFFLINE)):
        with desk.store.session() as session:
            accounts.sign_out(session, token)
            assert accounts.all_accounts(session)[0].presence == then
    again = signed_in(Role.AGENT)
    be_present(desk, again)
    visitor = desk.visitor(again)
    assert visitor is not None
    assert visitor.presence == Presence.ONLINE
