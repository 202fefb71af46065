"""credentials.yml decides which channels there are."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.channels.registry import channels_from_credentials
from bot.dialogue.messages import JSON
from bot.errors import SettingsError
from tests.channels.scripted import ScriptedProcessor


def test_named_channels_are_built_in_order() -> None:
    """Each section becomes a channel; an empty section means its defaults."""
    credentials = {"web_widget": {"burst": 5}, "rest": None}
    channels = channels_from_credentials(credentials, ScriptedProcessor().parts())
    assert [channel.name for channel in channels] == ["web_widget", "rest"]


def test_a_project_with_rasas_other_channels_still_starts() -> None:
    """Sections of Rasa's that are not served, and classes of one's own, are passed over with a warning."""
    credentials = {"rasa": {"url": "http://x"}, "facebook": {"secret": "s"}, "my.Channel": None, "rest": None}
    with capture_logs() as logs:
        channels = channels_from_credentials(credentials, ScriptedProcessor().parts())
    assert [channel.name for channel in channels] == ["rest"]
    assert [log["channel"] for log in logs] == ["rasa", "facebook", "my.Channel"]


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        pytest.param({"rst": None}, "unknown channel 'rst', did you mean 'rest'", id="typo"),
        pytest.param({"carrier_pigeon": {}}, "expected one of rest, web_widget", id="unknown"),
        pytest.param({"rest": "yes"}, "channel 'rest' is 'yes', expected its settings", id="no settings"),
    ],
)
def test_a_wrong_section_is_named(credentials: JSON, message: str) -> None:
    """A mistake names the section and the nearest known one."""
    with pytest.raises(SettingsError, match=message):
        channels_from_credentials(credentials, ScriptedProcessor().parts())
