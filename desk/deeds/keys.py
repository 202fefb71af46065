"""Whether somebody works with keys of single letters."""

from __future__ import annotations

from desk.access import Desk, Permission


def use_letter_keys(desk: Desk, token: str, *, is_on: bool) -> None:
    """Switch them on or off for this account, on every page that it opens from now on."""
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        deed.account.has_letter_keys = is_on
