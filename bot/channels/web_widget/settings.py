"""The widget's section of `credentials.yml`, and the pages it allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.dialogue.messages import JSON
from bot.errors import SettingsError, nearest

_DEFAULT_PORTS = {"http": 80, "https": 443}
_KEYS = ("allowed_origins", "burst", "messages_per_minute")


@dataclass(frozen=True, slots=True)
class WidgetSettings:
    """Pages beside our own that may open a conversation, and how fast it may go.

    `allowed_origins` are written like a browser does (`https://shop.example`), or the one word `*`.
    """

    allowed_origins: tuple[str, ...] = ()
    burst: int = 20
    messages_per_minute: int = 40

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON]) -> WidgetSettings:
        """Read the section.

        Raises:
            SettingsError: An unknown setting, or a value of the wrong kind.
        """
        for key in credentials:
            if key not in _KEYS:
                guess = nearest(key, _KEYS) or f", expected one of {', '.join(_KEYS)}"
                raise SettingsError(f"credentials.yml: web_widget has no setting '{key}'{guess}")
        return cls(
            allowed_origins=_origins(credentials.get("allowed_origins") or ()),
            burst=_positive(credentials, "burst", cls().burst),
            messages_per_minute=_positive(credentials, "messages_per_minute", cls().messages_per_minute),
        )

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


def _origins(value: JSON) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise SettingsError(f"credentials.yml: web_widget.allowed_origins is {value!r}, expected a list")
    for origin in value:
        if origin != "*" and _authority(origin) is None:
            raise SettingsError(
                f"credentials.yml: web_widget.allowed_origins has {origin!r}, "
                "expected an origin like 'https://shop.example'"
            )
    return tuple(value)


def _authority(origin: JSON) -> tuple[str, int] | None:
    """Return host and port of a scheme with them and nothing else, or None."""
    if not isinstance(origin, str):
        return None
    try:
        parts = urlsplit(origin)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or parts.path or parts.query or parts.fragment or parts.username:
        return None
    return parts.hostname, port


def _positive(credentials: Mapping[str, JSON], key: str, default: int) -> int:
    value = credentials.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingsError(f"credentials.yml: web_widget.{key} is {value!r}, expected a whole number from 1")
    return value
