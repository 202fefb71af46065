"""Webhooks are signed, repeated under one id, and switched off when nobody takes them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from bot.delivery.peer import Outgoing, RetryLater, Undeliverable
from bot.delivery.webhooks import WebhookPeer, WebhookSettings
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
        async with asyncio.timeout(60):
            assert await peer.send(OUTGOING) is None


async def test_nobody_listening_is_tried_again() -> None:
    """A receiver that is away is called later."""
    async with receiving(Receiver()) as receiver:
        url = receiver.url
    assert isinstance(await failure(settings(url)), RetryLater)


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
