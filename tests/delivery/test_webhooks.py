"""Webhooks are signed, repeated under one id, and lead nowhere but where they may."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from bot.delivery.peer import Outgoing, RetryLater, Undeliverable
from bot.delivery.public_addresses import is_allowed, read_networks
from bot.delivery.webhooks import WebhookPeer, WebhookSettings, read_webhooks
from bot.errors import SettingsError
from bot.settings import Settings
from crm_connector import deliveries, lanes, tickets
from crm_connector.choices import Progress
from crm_connector.columns import utc_now
from crm_connector.database import Store
from crm_connector.tables import Delivery
from tests.crm_connector import factories
from tests.delivery.peers import ListChannel, rows, serving

SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
EVENT = {"id": "evt_1", "type": "ticket.opened", "timestamp": "2026-03-02T12:00:00.000+00:00", "data": {}}
OUTGOING = Outgoing("webhook:shop/evt_1/0/0", "webhook:shop", "ticket T-10001", EVENT)


class Receiver:
    """Takes webhooks down; `answers` are those to the next ones, then each is taken."""

    def __init__(self) -> None:
        self.answers: list[web.StreamResponse] = []
        self.got: list[tuple[str, bytes, dict[str, str]]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Note a request."""
        self.got.append((request.path, await request.read(), dict(request.headers)))
        return self.answers.pop(0) if self.answers else web.Response()


@asynccontextmanager
async def receiving(
    receiver: Receiver, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Serve a receiver on a free port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0, ssl_context=tls).start()
        receiver.url = f"http://{host}:{runner.addresses[0][1]}/hooks"
        yield receiver
    finally:
        await runner.cleanup()


def settings(url: str, **more: Any) -> WebhookSettings:
    """Settings of a webhook that may be on this machine."""
    return WebhookSettings(**({"url": url, "secret": SECRET, "allow_networks": ("127.0.0.0/8",)} | more))


async def failure(webhook: WebhookSettings, **more: Any) -> RetryLater | Undeliverable:
    """Send an event, and return what went wrong."""
    async with WebhookPeer(webhook, **more) as peer:
        with pytest.raises((RetryLater, Undeliverable)) as raised:
            await peer.send(OUTGOING)
    return raised.value


async def test_an_event_is_signed_so_that_its_receiver_can_check_it() -> None:
    """The standard's own library accepts the request, and nothing that was changed on the way."""
    async with receiving(Receiver()) as receiver, WebhookPeer(settings(receiver.url)) as peer:
        assert await peer.send(OUTGOING) is None
    [(path, body, headers)] = receiver.got
    assert path == "/hooks"
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == "evt_1"
    assert Verifier(SECRET).verify(body, headers) == EVENT
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body.replace(b"opened", b"closed"), headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body, headers | {"webhook-id": "evt_2"})


@pytest.mark.parametrize(
    ("answer", "after_s"),
    [
        (web.Response(status=500), None),
        (web.Response(status=404), None),
        (web.Response(status=429, headers={"Retry-After": "120"}), 120.0),
        (web.Response(status=503, headers={"Retry-After": "soon"}), None),
        (web.Response(status=503, headers={"Retry-After": "999999999"}), 24 * 3600.0),
    ],
    ids=["500", "404", "429 with a wait", "503 with nonsense", "503 with too long a wait"],
)
async def test_what_is_refused_is_tried_again(answer: web.Response, after_s: float | None) -> None:
    """Every refusal is tried again, when the receiver says so if it does."""
    async with receiving(Receiver()) as receiver:
        receiver.answers = [answer]
        error = await failure(settings(receiver.url))
    assert isinstance(error, RetryLater)
    assert error.after_s == after_s
    assert str(answer.status) in error.reason


async def test_a_date_to_come_back_is_understood() -> None:
    """`Retry-After` may be a date."""
    soon = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    async with receiving(Receiver()) as receiver:
        receiver.answers = [web.Response(status=503, headers={"Retry-After": soon})]
        error = await failure(settings(receiver.url))
    assert isinstance(error, RetryLater)
    assert error.after_s is not None
    assert 60 < error.after_s <= 90


async def test_a_webhook_that_is_gone_is_not_called_again() -> None:
    """410 means never again."""
    async with receiving(Receiver()) as receiver:
        receiver.answers = [web.Response(status=410)]
        assert isinstance(await failure(settings(receiver.url)), Undeliverable)


async def test_a_redirect_is_not_followed() -> None:
    """Where a receiver points elsewhere, nothing goes there."""
    async with receiving(Receiver()) as target, receiving(Receiver()) as receiver:
        receiver.answers = [web.Response(status=307, headers={"Location": target.url})]
        error = await failure(settings(receiver.url))
    assert isinstance(error, RetryLater)
    assert target.got == []


async def test_an_endless_answer_is_not_read() -> None:
    """What a receiver says beside its status is not taken in, however much it is."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65536)
        return response

    receiver = Receiver()
    receiver.take = endless  # type: ignore[method-assign]
    async with receiving(receiver), WebhookPeer(settings(receiver.url)) as peer:
        async with asyncio.timeout(10):
            assert await peer.send(OUTGOING) is None


async def test_nobody_listening_is_tried_again() -> None:
    """A receiver that is away is called later."""
    async with receiving(Receiver()) as receiver:
        url = receiver.url
    assert isinstance(await failure(settings(url)), RetryLater)


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


async def test_a_change_in_the_crm_reaches_a_webhook_that_stumbles(store: Store) -> None:
    """An event is queued with its change, tried again under the same id, and done when it was taken."""
    async with receiving(Receiver()) as receiver:
        receiver.answers = [web.Response(status=500)]
        webhooks = {"shop": settings(receiver.url, events=("ticket.*",))}
        async with serving(store, ListChannel(), webhooks=webhooks) as served:
            open_ticket(store)
            await served.settled()
    ids = [headers["webhook-id"] for _, _, headers in receiver.got]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert [(row.state, row.is_doubtful) for row in rows(store)] == [(Progress.DONE, False)]


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


def open_ticket(store: Store, turn: str = "turn-1") -> None:
    """Let something happen that webhooks hear of."""
    with store.session() as session:
        tickets.open_ticket(session, factories.new_ticket(factories.a_customer(session), source_key=turn))


def a_closed_event(store: Store, state: Progress, days_ago: float) -> None:
    """Leave behind an event for the webhook that was taken or given up so long ago."""
    with store.session() as session:
        deliveries.queue(
            session, "webhook:shop", "ticket T-1", [deliveries.Parcel({}, [EVENT])], key=f"{days_ago}"
        )
        row = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
        assert row is not None
        row.state, row.closed_at = state, utc_now() - timedelta(days=days_ago)


@pytest.mark.parametrize(
    ("closed", "is_called"),
    [
        pytest.param([(Progress.DEAD, 4.5)], False, id="given up and nothing since"),
        pytest.param(
            [(Progress.DONE, 6), (Progress.DEAD, 4.5), (Progress.DEAD, 1)], False, id="once it worked"
        ),
        pytest.param([(Progress.DEAD, 4.5), (Progress.DONE, 2)], True, id="something was taken since"),
        pytest.param(
            [(Progress.DEAD, 4.5), (Progress.DONE, 2), (Progress.DEAD, 1)], True, id="a new failure"
        ),
        pytest.param([(Progress.DEAD, 3)], True, id="not yet for long"),
        pytest.param([(Progress.DEAD, 20)], True, id="too long ago to be known"),
        pytest.param([], True, id="nothing is known"),
    ],
)
async def test_a_webhook_that_takes_nothing_for_days_is_switched_off(
    store: Store, closed: list[tuple[Progress, float]], is_called: bool
) -> None:
    """Further events are given up without a request, until an operator has one tried again that is taken."""
    for state, days_ago in closed:
        a_closed_event(store, state, days_ago)
    async with receiving(Receiver()) as receiver:
        webhooks = {"shop": settings(receiver.url, events=("ticket.opened",))}
        async with serving(store, ListChannel(), webhooks=webhooks) as served:
            open_ticket(store)
            await served.settled()
            assert len(receiver.got) == is_called
            last = rows(store)[-1]
            assert last.state == (Progress.DONE if is_called else Progress.DEAD)
            if not is_called:
                assert str(last.last_error).startswith("switched off: one was given up on ")
                with store.session() as session:
                    lanes.replay(session, Delivery, [last.id])
                await served.settled()
            open_ticket(store, "turn-2")
            await served.settled()
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("shop", "webhooks is 'shop', expected names with settings"),
        ({"shop": None}, "webhooks.shop is None, expected 'url:' and 'secret:'"),
        ({"shop": {"url": "ftp://x", "secret": SECRET}}, "begins with https://"),
        ({"shop": {"url": "http://x.example", "secret": SECRET}}, "begins with https://"),
        ({"shop": {"url": "https://me:pw@x.example", "secret": SECRET}}, "begins with https://"),
        ({"shop": {"url": "https://x.example"}}, "'secret' is missing or too short"),
        ({"shop": {"url": "https://x.example", "secret": "whsec_c2hvcnQ="}}, "at least 24 random bytes"),
        ({"shop": {"url": "https://x.example", "secret": "whsec_not base64"}}, "at least 24 random bytes"),
        (
            {"shop": {"url": "https://x.example", "secret": SECRET, "events": ["ticket.opend"]}},
            "did you mean",
        ),
        ({"shop": {"url": "https://x.example", "secret": SECRET, "evnts": []}}, "no setting 'evnts'"),
        (
            {"shop": {"url": "https://x.example", "secret": SECRET, "allow_networks": ["10.0.0.0/99"]}},
            "expected such as 10.1.0.0/16",
        ),
    ],
)
def test_a_wrong_setting_is_refused_with_what_was_expected(section: Any, message: str) -> None:
    """A webhook without a secret, or to where it must not go, does not start."""
    with pytest.raises(SettingsError) as raised:
        read_webhooks(section)
    assert message in str(raised.value)
    assert SECRET not in str(raised.value)


def test_settings_are_read_by_name() -> None:
    """A section names its webhooks; what is not said has its default."""
    section = {"shop": {"url": "https://shop.example/hooks", "secret": SECRET, "events": ["ticket.*"]}}
    assert read_webhooks(section) == {
        "shop": WebhookSettings("https://shop.example/hooks", SECRET, ("ticket.*",), ())
    }
    assert read_webhooks(None) == {}


def test_webhooks_stand_in_endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret comes from the environment, and a mistake is named with its line."""
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text("webhooks:\n  shop:\n    url: https://shop.example\n    secret: ${SHOP_SECRET}\n")
    assert Settings.read(tmp_path).webhooks["shop"] == WebhookSettings("https://shop.example", SECRET)
    endpoints.write_text("webhooks:\n  shop:\n    url: https://shop.example\n    sekret: ${SHOP_SECRET}\n")
    with pytest.raises(SettingsError, match=r"endpoints.yml:4: webhooks.shop has no setting 'sekret'"):
        Settings.read(tmp_path)
