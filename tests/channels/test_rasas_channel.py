"""Channels of a project's own that were written for Rasa run unchanged, inside this server."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bot.channels.channel import PushingChannel
from bot.channels.registry import channels_from_credentials
from bot.dialogue.events import BotUttered
from bot.errors import SettingsError
from bot.training_data.yaml_files import read_yaml
from bot.written_for_rasa.channels import CollectingOutputChannel
from tests.channels.scripted import ScriptedProcessor
from tests.server.factories import RunningServer, application

PATH = "tests.channels.pager.Pager"


def answer(text: str) -> list[BotUttered]:
    """Say something with every part that has a default."""
    buttons = [{"title": "Yes", "payload": "/affirm", "kind": "big"}]
    return [
        BotUttered(text=f"{text}?", data={"buttons": buttons, "image": "a.png"}),
        BotUttered(text="One.\n\nTwo.", data={"custom": {"n": 1}}),
    ]


def test_its_blueprint_answers_at_rasas_address() -> None:
    """Listeners have run, requests reach the bot with text, sender and metadata, and are answered."""
    processor = ScriptedProcessor(answer)
    with RunningServer(application(processor, credentials={PATH: {"prefix": "beep"}})) as server:
        status = httpx.get(f"{server.url}/webhooks/pager/")
        reply = httpx.post(
            f"{server.url}/webhooks/pager/webhook",
            json={"sender": "mia", "text": "hello"},
            headers={"x-agent": "unit"},
        )
    assert status.json() == {"listening": True}
    (message,) = processor.handled
    assert (message.text, message.sender_id, message.input_channel) == ("beep hello", "mia", "pager")
    assert message.metadata == {"agent": "unit"}
    assert [{key: item[key] for key in item if key != "recipient_id"} for item in reply.json()] == [
        {"text": "beep hello?", "buttons": [{"title": "Yes", "payload": "/affirm", "kind": "big"}]},
        {"image": "a.png"},
        {"text": "One."},
        {"text": "Two."},
        {"custom": {"n": 1}},
    ]


async def test_it_can_call_customers() -> None:
    """Reminders and agents write through its output channel, which has words for what it cannot show."""
    (channel,) = channels_from_credentials({PATH: {"prefix": ""}}, ScriptedProcessor().parts())
    sent = import_module("tests.channels.pager").sent
    sent.clear()
    assert isinstance(channel, PushingChannel)
    await channel.push("mia", answer("Still there"))
    assert sent == [
        ("mia", "Still there?"),
        ("mia", '1: Yes (/affirm) - {"kind": "big"}'),
        ("mia", "Image: a.png"),
        ("mia", "One.\n\nTwo."),
        ("mia", '{"n": 1}'),
    ]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        pytest.param({PATH: None}, "'pager' needs settings", id="no settings"),
        pytest.param({"tests.channels.pager.Missing": None}, "cannot be imported", id="no such class"),
        pytest.param({"tests.channels.pager.NoPager": None}, "is no InputChannel", id="no channel"),
        pytest.param({"tests.channels.pager.Broken": None}, "does not start: no line", id="fails"),
    ],
)
def test_one_that_cannot_run_is_refused(section: Mapping[str, Any], message: str) -> None:
    """What is wrong with the project's own class is said with the file, before anything is served."""
    with pytest.raises(SettingsError, match=rf"credentials\.yml: .*{message}"):
        channels_from_credentials(section, ScriptedProcessor().parts())


def test_one_without_its_code_is_passed_over(tmp_path: Path) -> None:
    """A project that comes without its modules still starts; the warning says where and what to do."""
    file = tmp_path / "credentials.yml"
    file.write_text("rest:\nshop_channels.Door:\n  key: x\n", encoding="utf-8")
    with capture_logs() as logs:
        channels = channels_from_credentials(read_yaml(file), ScriptedProcessor().parts())
    assert [channel.name for channel in channels] == ["rest"]
    (log,) = logs
    assert log["channel"] == "shop_channels.Door"
    assert log["place"].endswith("credentials.yml:2")
    assert "callback" in log["instead"]


def test_collected_messages_end_with_the_latest() -> None:
    """A channel that answers its own request may ask for the last message alone."""
    assert CollectingOutputChannel().latest_output() is None
