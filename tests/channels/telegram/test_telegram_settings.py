"""Telegram's section of credentials.yml: Rasa's keys are taken, and a missing secret is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.channels.telegram.settings import TelegramSettings
from bot.errors import SettingsError
from bot.training_data.yaml_files import read_yaml

TOKEN = "123456:aaaabbbbccccdddd"
URL = "https://shop.example/webhooks/telegram/webhook"
SECRET = "0123456789abcdef"


@pytest.mark.parametrize(
    ("section", "address"),
    [
        pytest.param({"access_token": TOKEN}, None, id="a token is enough"),
        pytest.param(
            {"access_token": TOKEN, "verify": "shop_bot", "webhook_url": None}, None, id="Rasa's keys"
        ),
        pytest.param(
            {"access_token": TOKEN, "webhook_url": URL, "secret_token": SECRET}, URL, id="with a webhook"
        ),
        pytest.param(
            {"access_token": TOKEN, "webhook_url": "https://shop.example/", "secret_token": SECRET},
            URL,
            id="a host alone",
        ),
    ],
)
def test_a_good_section_is_read(section: dict[str, Any], address: str | None) -> None:
    """Without a webhook updates are asked for; a host alone gets the channel's own path."""
    settings = TelegramSettings.from_credentials(section)
    assert settings.bot_id == "123456"
    assert (settings.webhook_address if settings.webhook_url else None) == address


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        pytest.param({}, "'access_token' is no bot's token", id="nothing"),
        pytest.param({"access_token": "secret"}, "'access_token' is no bot's token", id="no token"),
        pytest.param(
            {"access_token": TOKEN, "webhook_url": URL}, "'secret_token' is missing", id="no secret"
        ),
        pytest.param(
            {"access_token": TOKEN, "webhook_url": URL, "secret_token": ""},
            "is missing",
            id="an empty secret",
        ),
        pytest.param(
            {"access_token": TOKEN, "webhook_url": URL, "secret_token": "1234"},
            "is too weak",
            id="a short one",
        ),
        pytest.param(
            {"access_token": TOKEN, "webhook_url": URL, "secret_token": "ä" * 20},
            "A-Z a-z 0-9",
            id="wrong letters",
        ),
        pytest.param(
            {"access_token": TOKEN, "webhook_url": "http://shop.example", "secret_token": SECRET},
            "Telegram wants an https address",
            id="no https",
        ),
        pytest.param({"access_token": TOKEN, "api_url": "shop"}, "'api_url' is 'shop'", id="no address"),
        pytest.param(
            {"access_token": TOKEN, "messages_per_second": 0}, "expected a number above 0", id="no pace"
        ),
        pytest.param({"access_token": TOKEN, "acces_token": "x"}, "did you mean 'access_token'", id="a typo"),
    ],
)
def test_a_bad_section_is_refused(section: dict[str, Any], complaint: str) -> None:
    """The operator reads what is wrong and what was expected; the token itself is not repeated."""
    with pytest.raises(SettingsError, match=complaint) as caught:
        TelegramSettings.from_credentials(section)
    assert "credentials.yml" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_the_line_is_named(tmp_path: Path) -> None:
    """A mistake in the file is found by its line."""
    path = tmp_path / "credentials.yml"
    path.write_text(f"rest:\ntelegram:\n  access_token: {TOKEN}\n  webhook: {URL}\n")
    with pytest.raises(SettingsError, match=r"credentials.yml:4: telegram has no setting 'webhook'"):
        TelegramSettings.from_credentials(read_yaml(path)["telegram"])


def test_secrets_are_not_shown() -> None:
    """Whoever logs the settings logs no secret."""
    settings = TelegramSettings(TOKEN, webhook_url=URL, secret_token=SECRET)
    assert TOKEN not in repr(settings)
    assert SECRET not in repr(settings)
