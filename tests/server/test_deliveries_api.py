"""What became of what was said is to be seen: in the API beside the transcript, in sum in `/health`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response

from bot.channels.http_errors import refusal_response
from bot.channels.incoming import Refused
from bot.delivery.peer import Undeliverable
from bot.delivery.queues import DurableQueues
from bot.dialogue.events import BotUttered
from bot.server.auth import Access
from bot.server.deliveries_api import DeliveriesApi
from bot.server.health import health_router
from bot.server.parts import ServerParts
from crm_connector import database
from crm_connector.database import Store
from tests.channels.scripted import ScriptedProcessor
from tests.delivery.peers import ListChannel, Served, serving
from tests.server.factories import NamedModel, SwitchedStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open an empty store."""
    with database.open(f"sqlite:///{tmp_path / 'crm.db'}") as store:
        yield store


@pytest.fixture
async def served(store: Store) -> AsyncIterator[Served]:
    """Serve a channel whose peer refuses the second message for good."""
    channel = ListChannel(outcomes=["peer-1", Undeliverable("blocked")])
    async with serving(store, channel) as served:
        said = [
            BotUttered(text="one", timestamp=1700000000.25),
            BotUttered(text="two", timestamp=1700000001.5),
        ]
        await served.queues.outbox.put("list", "ada", said)
        await served.settled()
        yield served


def client(queues: DurableQueues, access: Access | None = None) -> httpx.AsyncClient:
    """Ask an application that has the two routers alone."""
    app = FastAPI()

    @app.exception_handler(Refused)
    async def refuse(_: Request, refused: Refused) -> Response:
        return refusal_response(refused)

    parts = ServerParts(ScriptedProcessor().parts(), NamedModel(), SwitchedStore(), queues=queues)
    app.include_router(health_router(parts))
    app.include_router(DeliveriesApi(queues).router(access or Access()))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot")


async def test_each_thing_said_says_what_became_of_it(served: Served) -> None:
    """The time of the event leads from the transcript to its delivery."""
    async with client(served.queues) as asking:
        answer = (await asking.get("/conversations/ada/deliveries")).json()
        nobody = (await asking.get("/conversations/bea/deliveries")).json()
    seen = [
        {key: row[key] for key in ("said_at", "channel", "state", "error", "peer_ids", "doubtful")}
        for row in answer["deliveries"]
    ]
    assert seen == [
        {
            "said_at": 1700000000.25,
            "channel": "list",
            "state": "done",
            "error": None,
            "peer_ids": ["peer-1"],
            "doubtful": False,
        },
        {
            "said_at": 1700000001.5,
            "channel": "list",
            "state": "dead",
            "error": "blocked",
            "peer_ids": [],
            "doubtful": False,
        },
    ]
    assert nobody == {"sender_id": "bea", "deliveries": []}


async def test_only_who_may_use_the_api_sees_it(served: Served) -> None:
    """Without the token of the API nothing is told."""
    async with client(served.queues, Access("secret")) as asking:
        assert (await asking.get("/conversations/ada/deliveries")).status_code == 401
        assert (await asking.get("/conversations/ada/deliveries?token=secret")).status_code == 200


async def test_health_counts_what_waits_and_what_was_given_up(served: Served) -> None:
    """An operator's monitor sees queues that grow, and dead letters."""
    async with client(served.queues) as asking:
        body = (await asking.get("/health")).json()
    assert body["queues"] == {"in": {"waiting": 0, "dead": 0}, "out": {"waiting": 0, "dead": 1}}


async def test_health_says_nothing_of_queues_that_nobody_uses(store: Store) -> None:
    """Where no channel is queued there is nothing to be seen."""
    async with client(DurableQueues(store, ScriptedProcessor())) as asking:  # type: ignore[arg-type]
        assert "queues" not in (await asking.get("/health")).json()
