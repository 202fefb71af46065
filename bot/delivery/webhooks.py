"""Outgoing webhooks: events of the CRM as signed requests, after Standard Webhooks.

Each request names its event (`webhook-id`, the same in each attempt), the time of this attempt and a
signature of both with the body. What answers 2xx has got it; redirects are not followed.
"""

from __future__ import annotations

import base64
import binascii
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urlsplit

import httpcore
from standardwebhooks.webhooks import Webhook as Signer

from bot.delivery.peer import Outgoing, RetryLater, Undeliverable
from bot.delivery.public_addresses import ForbiddenAddress, GuardedBackend, read_networks
from bot.dialogue.messages import JSON
from bot.errors import SettingsError, nearest
from bot.runtime.options import place_of, read_options
from crm_connector.outgoing_events import EventType, hears

PREFIX = "webhook:"
USER_AGENT = b"Frontdesk-Webhooks/1"
_SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
_LEAST_SECRET_BYTES = 24
_TIMEOUTS_S = {"connect": 10.0, "pool": 30.0, "write": 15.0, "read": 20.0}
_MAX_RETRY_AFTER_S = 24 * 3600.0
_GONE = 410


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """One webhook: where it is, the secret that both sides know, and what it hears of.

    `allow_networks` are private networks that it may be in; without them only public addresses are called,
    and only over https.
    """

    url: str = ""
    secret: str = field(default="", repr=False)
    events: tuple[str, ...] = ("*",)
    allow_networks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        schemes = ("https", "http") if self.allow_networks else ("https",)
        if address.scheme not in schemes or not address.hostname or address.username:
            raise SettingsError(
                f"'url' is {self.url!r}, expected an address that begins with {schemes[0]}://"
            )
        try:
            key = base64.b64decode(self.secret.removeprefix(_SECRET_PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not self.secret.startswith(_SECRET_PREFIX) or len(key) < _LEAST_SECRET_BYTES:
            raise SettingsError(
                "'secret' is missing or too short, expected whsec_ and at least 24 random bytes in base64: "
                "`echo whsec_$(openssl rand -base64 32)`"
            )
        for event in self.events:
            if not any(hears((event,), known) for known in EventType):
                known_names = [known.value for known in EventType]
                raise SettingsError(
                    f"'events' names {event!r}{nearest(event, known_names)}; expected "
                    f"{', '.join(known_names)}, or a beginning of one with * after it"
                )
        try:
            read_networks(self.allow_networks)
        except ValueError as error:
            raise SettingsError(f"'allow_networks': {error}, expected such as 10.1.0.0/16") from error


def read_webhooks(section: JSON) -> dict[str, WebhookSettings]:
    """Read the section `webhooks` of `endpoints.yml`: settings by the name that each webhook has there.

    Raises:
        SettingsError: One of them is wrong.
    """
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise SettingsError(f"{place_of(section)}: webhooks is {section!r}, expected names with settings")
    for name, settings in section.items():
        if not isinstance(settings, Mapping):
            raise SettingsError(
                f"{place_of(section, name)}: webhooks.{name} is {settings!r}, expected 'url:' and 'secret:'"
            )
    return {
        str(name): read_options(WebhookSettings, settings, f"webhooks.{name}")
        for name, settings in section.items()
    }


class WebhookPeer:
    """Sends to one webhook; `send` is what the queue calls."""

    def __init__(self, settings: WebhookSettings, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._signer = Signer(settings.secret)
        # httpcore asks no environment for a proxy, and follows no redirect.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            network_backend=GuardedBackend(read_networks(settings.allow_networks)),
            max_connections=8,
            keepalive_expiry=30.0,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, outgoing: Outgoing) -> str | None:
        """Send one event; a webhook gives it no name of its own.

        Raises:
            RetryLater: It was not taken; receivers know a repetition by its id, so none of them is uncertain.
            Undeliverable: The webhook is gone, or is at an address that must not be called.
        """
        status, retry_after = await self._post(outgoing.payload)
        if 200 <= status < 300:
            return None
        if status == _GONE:
            raise Undeliverable("the webhook says that it is gone (410)")
        raise RetryLater(f"the webhook answered with {status}", after_s=_seconds(retry_after))

    async def find_sent(self, outgoing: Outgoing) -> str | None:  # noqa: ARG002 (the seam's signature)
        """Have it sent again, under its id: by that receivers know a repetition."""
        return None

    async def close(self) -> None:
        """Close open connections."""
        await self._pool.aclose()

    async def _post(self, event: Mapping[str, JSON]) -> tuple[int, str | None]:
        """Return the status and what the webhook says of a retry; its words are not read."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        now, event_id = datetime.now(UTC), str(event["id"])
        headers = [
            (b"Host", urlsplit(self._settings.url).netloc.encode()),
            (b"Content-Type", b"application/json"),
            (b"User-Agent", USER_AGENT),
            (b"webhook-id", event_id.encode()),
            (b"webhook-timestamp", str(int(now.timestamp())).encode()),
            (b"webhook-signature", self._signer.sign(event_id, now, body).encode()),
        ]
        try:
            async with self._pool.stream(
                "POST",
                self._settings.url,
                headers=headers,
                content=body.encode(),
                extensions={"timeout": _TIMEOUTS_S},
            ) as response:
                named = {name.lower(): value for name, value in response.headers}
                return response.status, named.get(b"retry-after", b"").decode("latin-1") or None
        except ForbiddenAddress as error:
            raise Undeliverable(
                f"{error}; `allow_networks` names private networks that may be called"
            ) from error
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise RetryLater(f"no answer: {type(error).__name__} {error}".strip()) from error


def _seconds(retry_after: str | None) -> float | None:
    """Read seconds or a date; None for what is neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        seconds = float(retry_after)
    else:
        try:
            seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)
