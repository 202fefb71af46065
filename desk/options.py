"""What an operator can set about the desk: section `desk:` of `endpoints.yml`; without it there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.errors import SettingsError
from crm_connector.desk.accounts import SignInLimits


@dataclass(frozen=True, slots=True)
class DeskOptions:
    """How the desk works.

    `assign` gives waiting conversations to agents by itself; otherwise they claim them. `idle_hours` and
    `longest_days` are how long somebody stays signed in without doing anything, and in any case.
    """

    assign: bool = True
    idle_hours: float = 8.0
    longest_days: float = 14.0

    def __post_init__(self) -> None:
        if self.idle_hours <= 0 or self.longest_days <= 0:
            raise SettingsError("expected 'idle_hours' and 'longest_days' above 0")

    @property
    def limits(self) -> SignInLimits:
        """The same for the accounts."""
        return SignInLimits(timedelta(hours=self.idle_hours), timedelta(days=self.longest_days))
