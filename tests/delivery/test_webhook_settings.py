"""What stands under `webhooks` in endpoints.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.delivery.webhooks import WebhookSettings, read_webhooks
from bot.errors import SettingsError
from bot.settings import Settings
from tests.delivery.test_webhooks import SECRET


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
