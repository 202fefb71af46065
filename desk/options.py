"""What an operator can set about the desk: section `desk:` of `endpoints.yml`; without it there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.errors import SettingsError
from crm_connector.choices import Role
from crm_connector.desk.accounts import SignInLimits


@dataclass(frozen=True, slots=True)
class DeskOptions:
    """How the desk works.

    `assign` gives waiting conversations to agents by itself; otherwise they claim them. `idle_hours` and
    `longest_days` are how long somebody stays signed in without doing anything, and in any case. When an
    agent has solved something, the assistant goes on as if the customer had meant `survey_intent`. With an
    `openid_issuer` people can sign in over this identity provider, which knows the desk by `openid_client_id`
    and `openid_client_secret`; whoever it sends and who has no account gets one with `openid_roles`, without
    any she is refused. `openid_name` is what the button calls it.
    """

    assign: bool = True
    idle_hours: float = 8.0
    longest_days: float = 14.0
    survey_intent: str = ""
    openid_issuer: str = ""
    openid_client_id: str = ""
    openid_client_secret: str = ""
    openid_name: str = "your company account"
    openid_roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.idle_hours <= 0 or self.longest_days <= 0:
            raise SettingsError("expected 'idle_hours' and 'longest_days' above 0")
        unknown = [role for role in self.openid_roles if role not in set(Role)]
        if unknown:
            raise SettingsError(f"openid_roles: no role '{unknown[0]}', expected some of {', '.join(Role)}")
        is_local = self.openid_issuer.startswith(("http://localhost", "http://127.0.0.1"))
        if self.openid_issuer and not (is_local or self.openid_issuer.startswith("https://")):
            raise SettingsError(f"openid_issuer is {self.openid_issuer!r}, expected an address with https")
        if self.openid_issuer and not self.openid_client_id:
            raise SettingsError("openid_issuer needs an openid_client_id")

    @property
    def limits(self) -> SignInLimits:
        """How long somebody stays signed in."""
        return SignInLimits(timedelta(hours=self.idle_hours), timedelta(days=self.longest_days))
