"""Whatever stands in `endpoints.yml` and `credentials.yml`, it is read or refused with its place."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given

from bot.channels.callback import CallbackSettings
from bot.channels.registry import CHANNELS
from bot.channels.slack.settings import SlackSettings
from bot.channels.socketio import SocketIOSettings
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.web_widget.settings import WidgetSettings
from bot.dialogue.messages import JSON
from bot.errors import InvalidProject, SettingsError
from bot.runtime.options import read_options
from bot.settings import Settings
from tests.training_data.generated_projects import damaged_files, write
from tests.training_data.test_generated_projects import EXAMPLES, LEAKS

ENDPOINTS: dict[str, JSON] = {
    "action_endpoint": {
        "url": "http://localhost:5055/webhook",
        "timeout": 3,
        "headers": {"x": "y"},
        "params": {"a": 1},
        "token": "secret",
        "basic_auth": {"username": "a", "password": "b"},
        "enable_selective_domain": True,
    },
    "tracker_store": {"type": "SQL", "dialect": "sqlite", "db": "a.db", "query": {"x": "y"}},
    "lock_store": {"type": "redis", "url": "localhost", "port": 6379, "db": 1, "use_ssl": False},
    "event_broker": {"type": "pika", "url": "localhost", "queues": ["a"]},
    "nlg": {"url": "http://localhost/nlg", "cafile": "x"},
    "nlu": {"url": "http://localhost/nlu"},
    "models": {"url": "http://localhost/m", "wait_time_between_pulls": 10},
    "attachments": {"folder": "a", "max_megabytes": 1, "media_types": ["image/png"]},
    "desk": {"assign": True},
}
CREDENTIALS: dict[str, JSON] = {
    "callback": {"url": "http://localhost", "headers": {"a": "b"}, "basic_auth": {"username": "a"}},
    "socketio": {"session_persistence": True, "jwt_method": "HS256"},
    "slack": {"slack_token": "xoxb-1", "slack_signing_secret": "s"},
    "telegram": {"access_token": "1:a", "verify": "shop_bot", "webhook_url": "https://shop.example/t"},
    "web_widget": {},
}
READERS = {
    "callback": lambda section: read_options(CallbackSettings, section, "callback", file="credentials.yml"),
    "socketio": SocketIOSettings.from_credentials,
    "slack": SlackSettings.from_credentials,
    "telegram": TelegramSettings.from_credentials,
    "web_widget": WidgetSettings.from_credentials,
}


def complaint(read: Callable[[], object], file: str) -> str | None:
    """Read, and say what a refusal lacks."""
    try:
        read()
    except (SettingsError, InvalidProject) as error:
        if any(leak in str(error) for leak in LEAKS):
            return f"speaks of our own code: {error}"
        return None if re.search(rf"{re.escape(file)}:\d+", str(error)) else f"without its line: {error}"
    return None


def read_credentials(root: Path) -> None:
    """Read the sections of all channels that are still there."""
    credentials = Settings.read(root).credentials
    for name, read in READERS.items():
        section = credentials.get(name)
        if isinstance(section, dict):
            read(section)


@EXAMPLES
@given(damaged_files({"endpoints.yml": ENDPOINTS}))
def test_damaged_endpoints_are_read_or_refused(files: Mapping[str, bytes]) -> None:
    """Nothing else comes out than settings, or an error with file and line."""
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), files)
        assert complaint(lambda: Settings.read(root), "endpoints.yml") is None


@EXAMPLES
@given(damaged_files({"credentials.yml": CREDENTIALS}))
def test_damaged_credentials_are_read_or_refused(files: Mapping[str, bytes]) -> None:
    """The same for each channel that is still there."""
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), files)
        assert complaint(lambda: read_credentials(root), "credentials.yml") is None


@pytest.mark.parametrize("name", READERS)
def test_these_are_all_channels_with_settings(name: str) -> None:
    """The list above names real ones."""
    assert name in CHANNELS
