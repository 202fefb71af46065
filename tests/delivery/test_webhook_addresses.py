"""Webhooks lead nowhere but where they may."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.delivery.peer import Undeliverable
from bot.delivery.public_addresses import is_allowed, read_networks
from bot.delivery.webhooks import WebhookPeer, WebhookSettings
from crm_connector.choices import Progress
from crm_connector.database import Store
from tests.delivery.peers import ListChannel, rows, serving
from tests.delivery.test_webhooks import (
    OUTGOING,
    SECRET,
    Receiver,
    failure,
    open_ticket,
    receiving,
    settings,
)


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("1.1.1.1", (), True),
        ("2606:4700::1111", (), True),
        ("127.0.0.1", (), False),
        ("10.0.0.7", (), False),
        ("172.16.3.4", (), False),
        ("192.168.1.1", (), False),
        ("169.254.169.254", (), False),
        ("100.64.0.1", (), False),
        ("0.0.0.0", (), False),
        ("224.0.0.1", (), False),
        ("255.255.255.255", (), False),
        ("::1", (), False),
        ("::", (), False),
        ("fe80::1", (), False),
        ("fd00::1", (), False),
        ("ff02::1", (), False),
        ("::ffff:127.0.0.1", (), False),
        ("::ffff:8.8.8.8", (), True),
        ("64:ff9b::7f00:1", (), False),
        ("64:ff9b::808:808", (), True),
        ("2002:7f00:1::", (), False),
        ("10.0.0.7", ("10.0.0.0/24",), True),
        ("10.0.1.7", ("10.0.0.0/24",), False),
        ("::ffff:10.0.0.7", ("10.0.0.0/24",), True),
    ],
)
def test_only_public_addresses_and_named_networks_are_called(
    address: str, networks: tuple[str, ...], allowed: bool
) -> None:
    """An address of this machine, of a local network or of a cloud's metadata is none, in every spelling."""
    assert is_allowed(ip_address(address), read_networks(networks)) is allowed


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name stand for these addresses."""

    async def lookup(_host: str, port: int, **_: object) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)


async def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public name with a private address is not called, and is a dead letter at once."""
    async with receiving(Receiver()) as receiver:
        port = receiver.url.rpartition(":")[2]
        names(monkeypatch, "127.0.0.1", "::1")
        error = await failure(WebhookSettings(f"https://hooks.example:{port}", SECRET))
    assert isinstance(error, Undeliverable)
    assert "hooks.example leads to no public address" in error.reason
    assert receiver.got == []


async def test_the_address_that_was_checked_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a name's addresses only an allowed one is called, and the name is not looked up a second time."""
    looked_up: list[str] = []

    async def rebinding(host: str, port: int, **_: object) -> list[Any]:
        looked_up.append(host)
        first = ("127.0.0.3", "127.0.0.2") if len(looked_up) == 1 else ("127.0.0.3",)
        return [(0, 0, 0, "", (address, port)) for address in first]

    async with receiving(Receiver(), "127.0.0.2") as receiver:
        port = receiver.url.split(":")[2].partition("/")[0]
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebinding)
        webhook = settings(f"http://hooks.example:{port}/hooks", allow_networks=("127.0.0.2/32",))
        async with WebhookPeer(webhook) as peer:
            await peer.send(OUTGOING)
    assert looked_up == ["hooks.example"]
    [(_, _, headers)] = receiver.got
    assert headers["Host"] == f"hooks.example:{port}"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for a name; returns the server's side, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


@pytest.mark.parametrize(("name", "arrives"), [("hooks.example", True), ("other.example", False)])
async def test_the_certificate_is_checked_for_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, arrives: bool
) -> None:
    """Though an address is connected to, the receiver must prove the name."""
    server, client = certificate(tmp_path, name)
    async with receiving(Receiver(), tls=server) as receiver:
        port = receiver.url.split(":")[2].partition("/")[0]
        names(monkeypatch, "127.0.0.1")
        webhook = settings(f"https://hooks.example:{port}/")
        if arrives:
            async with WebhookPeer(webhook, ssl_context=client) as peer:
                await peer.send(OUTGOING)
        else:
            error = await failure(webhook, ssl_context=client)
            assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    assert bool(receiver.got) is arrives


async def test_a_webhook_that_leads_inside_is_a_dead_letter_and_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """An event for an address that must not be called is given up at once, and the log says why."""
    async with receiving(Receiver()) as receiver:
        inside = settings(receiver.url, allow_networks=("10.0.0.0/8",))
        async with serving(store, ListChannel(), webhooks={"shop": inside}) as served:
            open_ticket(store)
            await served.settled()
    assert receiver.got == []
    assert {row.state for row in rows(store)} == {Progress.DEAD}
    refusals = [record for record in caplog.records if "leads to no public address" in record.getMessage()]
    assert [record.levelname for record in refusals] == ["ERROR"] * len(rows(store))
