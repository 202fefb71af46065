"""Responses that another server writes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bot.dialogue.events import BotUttered
from bot.dialogue.messages import UserMessage
from bot.dialogue.tracker import Tracker
from bot.runtime.http_endpoint import HttpEndpoint
from bot.runtime.nlg_server import NlgServer
from bot.runtime.processor import Processor
from tests.runtime.stand_ins import APOLOGY, Server, domain, events_of, kinds, processor, texts

WITH_IDS = 'utter_named: [{text: "from the domain", id: first}]\n'


class Writer:
    """An NLG server that answers the same each time and keeps what it was asked."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.answer = answer
        self.status = status
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked.append(json.loads(request.content))
        return httpx.Response(self.status, json=self.answer)


def served(writer: Writer, **parts: Any) -> Processor:
    """Return a processor whose responses a server writes."""
    bot = processor(**parts)
    nlg = NlgServer(HttpEndpoint("http://nlg.example/"), transport=httpx.MockTransport(writer))
    bot.runner = type(bot.runner)(bot.domain, bot.runner.custom, writer=nlg)
    return bot


async def test_the_server_writes_what_the_policies_chose() -> None:
    """It is asked in Rasa's form, with all events, and its message goes to the customer."""
    writer = Writer({"text": "hello from afar", "image": "cat.png", "mood": "good"})
    bot = served(writer)
    (said,) = await bot.handle(UserMessage("greet Rome", "s"))
    assert (said.text, said.data["image"]) == ("hello from afar", "cat.png")
    assert said.metadata == {"utter_action": "utter_hi", "mood": "good"}
    (asked,) = writer.asked
    assert set(asked) == {"response", "id", "arguments", "tracker", "channel"}
    assert (asked["response"], asked["id"], asked["arguments"]) == ("utter_hi", None, {})
    assert asked["channel"] == {"name": "collector"}
    assert asked["tracker"]["slots"]["city"] == "Rome"
    assert [event["event"] for event in asked["tracker"]["events"]].count("user") == 1


async def test_the_fitting_variation_of_the_domain_is_named() -> None:
    """A server that keeps words by their ids learns which one the domain would have said."""
    writer = Writer({"text": "x"})
    bot = served(writer, domain=domain(WITH_IDS))
    await bot.runner.say("utter_named", Tracker("s", bot.domain))
    assert writer.asked[0]["id"] == "first"


async def test_an_actions_own_values_are_arguments() -> None:
    """What an action gives beside the name of a response goes to the server, buttons are added here."""
    writer = Writer({"text": "pick", "buttons": [{"title": "A"}]})
    answer = {"responses": [{"response": "utter_hi", "price": 3, "buttons": [{"title": "B"}]}]}
    said = await served(writer, server=Server(answer)).handle(UserMessage("ask"))
    assert writer.asked[0]["arguments"] == {"price": 3, "buttons": [{"title": "B"}]}
    assert said[0].data["buttons"] == [{"title": "A"}, {"title": "B"}]


@pytest.mark.parametrize(
    "writer",
    [Writer({}, status=500), Writer([]), Writer({"text": 1}), Writer({"buttons": "no"})],
    ids=["broken", "no object", "no text", "no buttons"],
)
async def test_a_server_that_fails_loses_its_message_only(writer: Writer) -> None:
    """The action counts as done, the apology comes from the domain, and the turn goes on."""
    bot = served(writer, domain=domain(APOLOGY))
    assert texts(await bot.handle(UserMessage("greet"))) == ["sorry, shall I call a person?"]
    noted = [kind for kind in kinds(events_of(bot)) if kind.startswith("action:utter")]
    assert noted == ["action:utter_hi"]
    assert isinstance(events_of(bot)[-2], BotUttered)
