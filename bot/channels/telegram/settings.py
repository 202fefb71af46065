"""Telegram's section of `credentials.yml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.dialogue.messages import JSON
from bot.errors import SettingsError
from bot.runtime.options import read_options

_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
WEBHOOK_PATH = "/webhooks/telegram/webhook"
DEFAULT_API_URL = "https://api.telegram.org"
DEFAULT_GROUP_NOTICE = "I answer in private chats only: {link}"


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """How the bot is known to Telegram, and how updates come in.

    With a `webhook_url` Telegram posts updates there, and each must carry `secret_token`; without one the
    bot asks for them. `verify` is the bot's name, compared with the one that belongs to the token.
    `group_notice` is said once when the bot is added to a group; with an empty text nothing is.
    `messages_per_second` is the most that Telegram takes of one bot, in all chats together.
    """

    access_token: str = field(default="", repr=False)
    verify: str | None = None
    webhook_url: str | None = None
    secret_token: str | None = field(default=None, repr=False)
    group_notice: str = DEFAULT_GROUP_NOTICE
    api_url: str = DEFAULT_API_URL
    messages_per_second: float = 30.0

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON]) -> TelegramSettings:
        """Read the section.

        Raises:
            SettingsError: A setting is unknown, wrong, or a secret is missing.
        """
        return read_options(cls, credentials, "telegram", file="credentials.yml")

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.access_token):
            raise SettingsError("'access_token' is no bot's token, expected <number>:<letters> of BotFather")
        if not self.api_url.startswith(("http://", "https://")):
            raise SettingsError(f"'api_url' is {self.api_url!r}, expected an http address")
        if self.messages_per_second <= 0:
            raise SettingsError(
                f"'messages_per_second' is {self.messages_per_second:g}, expected a number above 0"
            )
        if self.webhook_url is None:
            return
        if not self.webhook_url.startswith("https://"):
            raise SettingsError(f"'webhook_url' is {self.webhook_url!r}, Telegram wants an https address")
        if not self.secret_token or not _SECRET.fullmatch(self.secret_token):
            found = "is missing" if not self.secret_token else "is too weak"
            raise SettingsError(
                f"'secret_token' {found}: without it anybody could write in a customer's name. Expected 16 "
                "to 256 of the characters A-Z a-z 0-9 _ -, say from `openssl rand -hex 32`. Leave "
                "'webhook_url' out to do without a public address"
            )

    @property
    def webhook_address(self) -> str:
        """Where Telegram posts updates; an address without a path is our own host."""
        address = self.webhook_url or ""
        return address if urlsplit(address).path.strip("/") else address.rstrip("/") + WEBHOOK_PATH

    @property
    def bot_id(self) -> str:
        """The bot's own number, the first part of its token."""
        return self.access_token.partition(":")[0]
