"""Another server over HTTP, with the keys that Rasa gives every endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """Where a server is and how it is spoken to; `token` goes into the query under `token_name`."""

    url: str
    timeout_s: float = DEFAULT_TIMEOUT_S
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    token_name: str = "token"  # noqa: S105 (the name of a query parameter)
    username: str | None = None
    password: str | None = None
    cafile: str | None = None

    def client_arguments(self) -> dict[str, Any]:
        """Return what httpx's clients are built with."""
        token = {self.token_name: self.token} if self.token else {}
        return {
            "timeout": self.timeout_s,
            "headers": dict(self.headers),
            "params": {**self.params, **token},
            "auth": (self.username, self.password or "") if self.username else None,
            "verify": _ssl_context(self.cafile),
        }


def _ssl_context(cafile: str | None) -> Any:
    if cafile is None:
        return True
    import ssl  # noqa: PLC0415 (only where a certificate file is configured)

    return ssl.create_default_context(cafile=cafile)
