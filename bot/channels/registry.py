"""Which channels there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from bot.channels.callback import Callback
from bot.channels.channel import Channel, ChannelParts
from bot.channels.rest import Rest
from bot.channels.web_widget.widget import WebWidget
from bot.dialogue.messages import JSON
from bot.errors import SettingsError, nearest
from bot.runtime.options import place_of
from bot.written_for_rasa.imports import AbsentCode, NoOwnClass

FILE = "credentials.yml"
_log = structlog.get_logger(__name__)


def _slack(credentials: Mapping[str, JSON], parts: ChannelParts) -> Channel:
    from bot.channels.slack.slack import Slack  # noqa: PLC0415 - most of a second where nobody uses it

    return Slack.from_credentials(credentials, parts)


def _telegram(credentials: Mapping[str, JSON], parts: ChannelParts) -> Channel:
    from bot.channels.telegram.telegram import Telegram  # noqa: PLC0415 - half a second where nobody uses it

    return Telegram.from_credentials(credentials, parts)


def _socketio(credentials: Mapping[str, JSON], parts: ChannelParts) -> Channel:
    from bot.channels.socketio import SocketIO  # noqa: PLC0415 - a fifth of a second where nobody uses it

    return SocketIO.from_credentials(credentials, parts)


CHANNELS: Mapping[str, Callable[[Mapping[str, JSON], ChannelParts], Channel]] = {
    Rest.name: Rest.from_credentials,
    WebWidget.name: WebWidget.from_credentials,
    "socketio": _socketio,
    Callback.name: Callback.from_credentials,
    "slack": _slack,
    "telegram": _telegram,
}

# Sections that Rasa projects carry and that this product does not serve; a project with one still starts.
# `rasa` is the address of Rasa X.
_NOT_SERVED = frozenset(
    (
        *("rasa", "botframework", "facebook", "hangouts", "mattermost", "rocketchat"),
        *("twilio", "twilio_voice", "webexteams"),
    )
)


def channels_from_credentials(credentials: Mapping[str, JSON], parts: ChannelParts) -> list[Channel]:
    """Build every channel that `credentials.yml` names, in its order.

    Raises:
        SettingsError: A channel nobody knows, or a section that is wrong.
    """
    channels = (_channel(name, credentials, parts) for name in credentials)
    return [channel for channel in channels if channel is not None]


def _channel(name: JSON, credentials: Mapping[str, JSON], parts: ChannelParts) -> Channel | None:
    if name in CHANNELS:
        return CHANNELS[name](_section(name, credentials), parts)
    where = place_of(credentials, name, FILE)
    if "." in str(name):
        return _own(str(name), credentials, parts, where)
    if name in _NOT_SERVED:
        _pass_over(name, where, "it is not served")
        return None
    guess = nearest(str(name), CHANNELS) or f", expected one of {', '.join(CHANNELS)}"
    raise SettingsError(f"{where}: unknown channel '{name}'{guess}")


def _own(path: str, credentials: Mapping[str, JSON], parts: ChannelParts, where: str) -> Channel | None:
    """Build a channel of the project's own; a project that comes without its code still starts."""
    from bot.channels.rasas_channel import make  # noqa: PLC0415 - only for who has one

    try:
        return make(path, _section(path, credentials), parts)
    except AbsentCode:
        _pass_over(path, where, "its module is not beside the project's files")
        return None
    except NoOwnClass as error:
        raise SettingsError(f"{where}: {error}") from error


def _pass_over(name: str, where: str, reason: str) -> None:
    instead = "customers of it can write over 'rest' or 'callback' through a gateway of yours"
    _log.warning("channel passed over", channel=name, place=where, reason=reason, instead=instead)


def _section(name: str, credentials: Mapping[str, JSON]) -> Mapping[str, JSON]:
    section = credentials[name]
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        where = place_of(credentials, name, FILE)
        raise SettingsError(f"{where}: channel '{name}' is {section!r}, expected its settings")
    return section
