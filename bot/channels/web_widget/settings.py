"""The widget's section of `credentials.yml`, and the pages it allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.dialogue.messages import JSON
from bot.errors import SettingsError
from bot.runtime.options import read_options

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FILE = "credentials.yml"
_SHORTEST_SECRET = 16  # characters; a shorter key can be found by trying


@dataclass(frozen=True, slots=True)
class WidgetSettings:
    """Who may open a conversation, how fast it may go, who signs customers, and when people work.

    `allowed_origins` are written like a browser does (`https://shop.example`), or the one word `*`. `burst`
    and `messages_per_minute` bound one conversation, the others one address. With
    `ids_are_verified_emails` a signed id that is an e-mail address proves that address.
    `opening_hours` has the keys of `OpeningHours.parse`; without it people are always there.
    """

    allowed_origins: tuple[str, ...] = ()
    burst: int = 20
    messages_per_minute: int = 40
    new_conversations_per_hour: int = 120
    uploads_per_hour: int = 60
    identity_secret: str | None = None
    ids_are_verified_emails: bool = False
    opening_hours: Mapping[str, JSON] = field(default_factory=dict)
    assistant_outside_hours: bool = True

    def __post_init__(self) -> None:
        for key in ("burst", "messages_per_minute", "new_conversations_per_hour", "uploads_per_hour"):
            if getattr(self, key) < 1:
                raise SettingsError(f"{key} is {getattr(self, key)!r}, expected a whole number from 1")
        for origin in self.allowed_origins:
            if origin != "*" and _authority(origin) is None:
                raise SettingsError(
                    f"allowed_origins has {origin!r}, expected an origin like 'https://shop.example'"
                )
        secret = self.identity_secret
        if secret is not None and (len(secret) < _SHORTEST_SECRET or secret.startswith("${")):
            raise SettingsError(
                f"identity_secret is too short or not set, expected {_SHORTEST_SECRET} characters"
            )

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON]) -> WidgetSettings:
        """Read the section.

        Raises:
            SettingsError: An unknown setting, or a value of the wrong kind.
        """
        return read_options(cls, credentials, "web_widget", file=_FILE)

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Whether a page may connect: our own, or a configured one; without an origin it is no page.

        The scheme of our own page is not compared: behind a proxy that ends TLS we do not know it.
        """
        if "*" in self.allowed_origins:
            return True
        if origin in self.allowed_origins:
            return True
        own = _authority(origin)
        scheme, _, _ = (origin or "").partition(":")
        return own is not None and own == _authority(f"{scheme}://{host}")


def _authority(origin: str | None) -> tuple[str, int] | None:
    """Return host and port of a scheme with them and nothing else, or None."""
    try:
        parts = urlsplit(origin or "")
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or parts.path or parts.query or parts.fragment or parts.username:
        return None
    return parts.hostname, port
