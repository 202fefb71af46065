"""Limits count addresses as they really are: proxies are believed only where they are trusted."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection
from structlog.testing import capture_logs

from bot.channels.web_widget.address import Addresses


def connection(host: str | None, forwarded: str | None = None) -> HTTPConnection:
    """Make a connection as the server hands it on."""
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    client = (host, 1234) if host else None
    return HTTPConnection({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("host", "key"),
    [
        pytest.param("203.0.113.9", "203.0.113.9", id="IPv4"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="IPv6"),
        pytest.param("2001:db8:1:2::9", "2001:db8:1:2::/64", id="IPv6 of the same line"),
        pytest.param("::ffff:203.0.113.9", "::ffff:203.0.113.9", id="IPv4 in IPv6"),
        pytest.param("testclient", "testclient", id="a name"),
        pytest.param(None, "unknown", id="a socket file"),
    ],
)
def test_a_line_counts_as_one_address(host: str | None, key: str) -> None:
    """IPv4 addresses count one by one, of IPv6 what one line is given."""
    assert Addresses().of(connection(host)) == key


def test_a_header_that_anybody_can_write_is_not_believed() -> None:
    """A forwarded address of an untrusted proxy changes nothing, and is told once to the operator."""
    addresses = Addresses()
    with capture_logs() as logs:
        assert {addresses.of(connection("10.0.0.2", f"198.51.100.{n}")) for n in range(3)} == {"10.0.0.2"}
    assert [(log["log_level"], log["proxy"]) for log in logs] == [("warning", "10.0.0.2")]


def test_a_trusted_proxy_is_no_news() -> None:
    """Where the server has put the client in the proxy's place, that is the address."""
    with capture_logs() as logs:
        assert Addresses().of(connection("198.51.100.7", "198.51.100.7, 10.0.0.2")) == "198.51.100.7"
    assert logs == []
