"""Understanding that another server does."""

from __future__ import annotations

import json

import httpx
import pytest

from bot.dialogue.messages import Entity, Intent, ParseResult
from bot.runtime.http_endpoint import HttpEndpoint
from bot.runtime.nlu_server import NluServer


def test_a_text_is_understood_elsewhere() -> None:
    """The address and the token are where Rasa puts them."""
    found = ParseResult("hi Rome", Intent("greet", 0.9), (Entity("city", "Rome", 3, 7),))
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=found.as_dict())

    endpoint = HttpEndpoint("http://nlu.example/", token="secret")
    assert NluServer(endpoint, transport=httpx.MockTransport(answer)).parse("hi Rome") == found
    assert asked[0].url.path == "/model/parse"
    assert json.loads(asked[0].content) == {"text": "hi Rome", "token": "secret", "message_id": None}


@pytest.mark.parametrize(
    "response", [httpx.Response(500), httpx.Response(200, text="no JSON"), httpx.Response(200, json=[1])]
)
def test_nothing_is_understood_while_the_server_fails(response: httpx.Response) -> None:
    """The text stays, without an intent."""
    server = NluServer(HttpEndpoint("http://nlu.example"), transport=httpx.MockTransport(lambda _: response))
    assert server.parse("hi") == ParseResult("hi")
