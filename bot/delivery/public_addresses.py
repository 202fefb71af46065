"""Connections that lead only to public addresses, or to networks that an operator has named.

The address that is checked is the one that is connected to: a name is looked up once, so a name server that
answers differently the second time (DNS rebinding) is never asked a second time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import httpcore

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Gateways translate what lies below it to the IPv4 address in its last 32 bits.
_NAT64 = ip_network("64:ff9b::/96")
_LAST_32_BITS = 0xFFFF_FFFF


class ForbiddenAddress(Exception):
    """A name stands for addresses of which none may be connected to."""


def is_allowed(address: Address, networks: Iterable[Network] = ()) -> bool:
    """Whether an address is public or in one of the networks.

    An IPv6 address that carries an IPv4 address is judged by the one it carries.
    """
    carried = _carried(address)
    if any(one in network for network in networks for one in (address, carried)):
        return True
    return carried.is_global and not carried.is_multicast


def read_networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Read networks such as `10.1.0.0/16`, or single addresses.

    Raises:
        ValueError: One is none.
    """
    return tuple(ip_network(name) for name in names)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections of an HTTP client; TLS still checks the certificate for the name."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = networks
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first allowed address of a name.

        Raises:
            ForbiddenAddress: It has none.
            httpcore.ConnectError: The name is unknown, or nobody listens.
        """
        allowed = [address for address in await _addresses(host, port) if is_allowed(address, self._networks)]
        if not allowed:
            raise ForbiddenAddress(f"{host} leads to no public address")
        return await self._backend.connect_tcp(str(allowed[0]), port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 (the library's signature)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a socket of this machine is no public address."""
        raise ForbiddenAddress(path)

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts to connect."""
        await self._backend.sleep(seconds)


async def _addresses(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"{host} is not known: {error}") from error
    # A link-local address may come with the interface it belongs to.
    return [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


def _carried(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 address, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _LAST_32_BITS)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
