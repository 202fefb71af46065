"""Whether somebody is there, and takes conversations."""

from __future__ import annotations

from crm_connector.choices import Presence
from crm_connector.columns import utc_now
from crm_connector.desk import assignment
from desk.access import Desk, Permission


def be_present(desk: Desk, token: str, presence: Presence | None = None) -> None:
    """Say whether somebody takes conversations now; without that, that she is there as before."""
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        before = deed.account.presence
        still = Presence.ONLINE if before == Presence.OFFLINE else before
        assignment.sign_of_life(deed.session, deed.account, presence or still, utc_now())
