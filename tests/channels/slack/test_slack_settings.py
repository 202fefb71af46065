"""Slack's section of credentials.yml: Rasa's keys are taken, and a missing secret is refused."""

from __future__ import annotations

from typing import Any

import pytest

from bot.channels.slack.settings import SlackSettings
from bot.errors import SettingsError

RASA = {
    "slack_token": "xoxb-1",
    "slack_signing_secret": "8f742231",
    "slack_channel": "C0LAN2Q65",
    "use_threads": False,
    "conversation_granularity": "sender",
    "proxy": "http://proxy.example:3128",
    "errors_ignore_retry": ["http_timeout"],
    "slack_retry_reason_header": "x-slack-retry-reason",
    "slack_retry_number_header": "x-slack-retry-num",
}


def test_rasas_section_works_unchanged() -> None:
    """Every key that Rasa knows is read."""
    settings = SlackSettings.from_credentials(RASA)
    assert (settings.slack_token, settings.use_threads, settings.uses_socket) == ("xoxb-1", False, False)
    assert settings.errors_ignore_retry == ("http_timeout",)


def test_a_socket_needs_no_signing_secret() -> None:
    """The app opens the connection itself, with its own token."""
    section = {"slack_token": "xoxb-1", "slack_app_token": "xapp-1"}
    assert SlackSettings.from_credentials(section).uses_socket


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        pytest.param({}, "'slack_token' is no token of a Slack app", id="nothing"),
        pytest.param({"slack_token": "xoxb-1"}, "'slack_signing_secret' is missing", id="no secret"),
        pytest.param({**RASA, "slack_signing_secret": ""}, "'slack_signing_secret' is missing", id="empty"),
        pytest.param({**RASA, "slack_signing_secret": "  "}, "'slack_signing_secret' is missing", id="blank"),
        pytest.param({**RASA, "slack_app_token": "xoxb-1"}, "expected xapp-", id="the wrong token"),
        pytest.param(
            {**RASA, "conversation_granularity": "treads"}, "sender, channel, thread", id="granularity"
        ),
        pytest.param({**RASA, "api_url": "slack"}, "'api_url' is 'slack'", id="no address"),
        pytest.param({**RASA, "slack_tokn": "x"}, "did you mean 'slack_token'", id="a typo"),
        pytest.param({**RASA, "use_threads": "perhaps"}, "expected true or false", id="no switch"),
    ],
)
def test_a_bad_section_is_refused(section: dict[str, Any], complaint: str) -> None:
    """The operator reads what is wrong and what was expected; no secret is repeated."""
    with pytest.raises(SettingsError, match=complaint) as caught:
        SlackSettings.from_credentials(section)
    assert "credentials.yml" in str(caught.value)
    assert "8f742231" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    """Whoever logs the settings logs no secret."""
    shown = repr(SlackSettings("xoxb-1", slack_signing_secret="8f742231", slack_app_token="xapp-1"))
    assert not {"xoxb-1", "8f742231", "xapp-1"} & set(shown.replace("'", " ").split())
    assert "8f742231" not in shown
