"""Slack's section of `credentials.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.dialogue.messages import JSON
from bot.errors import SettingsError, nearest
from bot.runtime.options import read_options

DEFAULT_API_URL = "https://slack.com/api/"


class Granularity(StrEnum):
    """What one conversation is, in Rasa's words."""

    SENDER = "sender"
    CHANNEL = "channel"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """How the app is known to Slack, how events come in, and what a conversation is.

    With a `slack_app_token` the app opens a connection to Slack (socket mode); without one Slack posts
    events, and each must be signed with `slack_signing_secret`. `slack_channel` is a channel in which every
    message is for the bot. The last three keys are Rasa's: they are read and change nothing.
    """

    slack_token: str = field(default="", repr=False)
    slack_signing_secret: str | None = field(default=None, repr=False)
    slack_app_token: str | None = field(default=None, repr=False)
    slack_channel: str | None = None
    conversation_granularity: str = Granularity.THREAD
    use_threads: bool = True
    proxy: str | None = None
    api_url: str = DEFAULT_API_URL
    errors_ignore_retry: tuple[str, ...] = ()
    slack_retry_reason_header: str | None = None
    slack_retry_number_header: str | None = None

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, JSON]) -> SlackSettings:
        """Read the section.

        Raises:
            SettingsError: A setting is unknown, wrong, or a secret is missing.
        """
        return read_options(cls, credentials, "slack", file="credentials.yml")

    def __post_init__(self) -> None:
        if not self.slack_token.startswith("xox"):
            raise SettingsError("'slack_token' is no token of a Slack app, expected the bot's, xoxb-…")
        if self.slack_app_token is not None and not self.slack_app_token.startswith("xapp-"):
            raise SettingsError("'slack_app_token' is no app-level token, expected xapp-…")
        if self.slack_app_token is None and not (self.slack_signing_secret or "").strip():
            raise SettingsError(
                "'slack_signing_secret' is missing: without it anybody could write in a customer's name. It "
                "stands under Basic Information of the app. Or give 'slack_app_token' for socket mode, which "
                "needs no public address"
            )
        if self.conversation_granularity not in tuple(Granularity):
            guess = nearest(self.conversation_granularity, Granularity)
            raise SettingsError(
                f"'conversation_granularity' is {self.conversation_granularity!r}{guess}, expected one of "
                f"{', '.join(Granularity)}"
            )
        if not self.api_url.startswith(("http://", "https://")):
            raise SettingsError(f"'api_url' is {self.api_url!r}, expected an http address")

    @property
    def uses_socket(self) -> bool:
        """Whether events come over a connection that the app opens."""
        return self.slack_app_token is not None
