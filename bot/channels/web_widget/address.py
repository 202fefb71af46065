"""From which address somebody comes, as far as we can honestly know it."""

from __future__ import annotations

import ipaddress

import structlog
from starlette.requests import HTTPConnection

_log = structlog.get_logger(__name__)

_UNKNOWN = "unknown"


class Addresses:
    """Tells addresses apart for limits; of IPv6 the first 64 bits, for those are what one line is given.

    The server puts a client's address in the place of a proxy's where the proxy is trusted
    (`FORWARDED_ALLOW_IPS`, by default this machine's own). `X-Forwarded-For` of anybody else is not
    believed: that would let everybody choose an address.
    """

    def __init__(self) -> None:
        self._is_proxy_told = False

    def of(self, connection: HTTPConnection) -> str:
        """Return the key under which limits count this client."""
        host = connection.client.host if connection.client else _UNKNOWN
        forwarded = connection.headers.get("x-forwarded-for")
        if forwarded and host not in [part.strip() for part in forwarded.split(",")]:
            self._tell_of_proxy(host)
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        return host

    def _tell_of_proxy(self, host: str) -> None:
        """Say once that everybody behind this proxy counts as one."""
        if not self._is_proxy_told:
            self._is_proxy_told = True
            _log.warning("forwarded address not believed, trust its proxy by FORWARDED_ALLOW_IPS", proxy=host)
