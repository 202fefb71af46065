"""Slack's Web API by slack_sdk: what is asked, and what its refusals mean for the queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.received_files import FetchFailed, ReceivedFile
from bot.channels.slack.place import Place
from bot.channels.slack.settings import SlackSettings
from bot.delivery.peer import RetryLater, Undeliverable
from bot.dialogue.messages import JSON

_log = structlog.get_logger(__name__)

ANSWER_TIMEOUT_S = 30
WRONG_TOKEN_PAUSE_S = 60.0
EVENT_TYPE = "frontdesk_message"
_PAGE = 200
_MAX_PAGES = 20
# Our clock and Slack's may differ by so much.
_CLOCKS_DIFFER_S = 300.0
_PART_BYTES = 64 * 1024

# Errors that an operator ends; what waits is sent when the app may speak again.
_OPERATORS = frozenset(
    (
        *(
            "invalid_auth",
            "not_authed",
            "account_inactive",
            "token_revoked",
            "token_expired",
            "no_permission",
        ),
        *("missing_scope", "org_login_required", "ekm_access_denied", "team_access_not_granted"),
        *("access_denied", "accesslimited", "two_factor_setup_required", "enterprise_is_restricted"),
    )
)
# Errors of Slack's own: the message may have been posted.
_SLACKS = frozenset(
    ("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org")
)
_TOO_FAST = frozenset(("ratelimited", "rate_limited", "message_limit_exceeded"))
# A picture that Slack cannot fetch makes the block wrong, and the block the message.
_BLOCKS = frozenset(("invalid_blocks", "invalid_blocks_format", "invalid_attachments"))


class SlackApi:
    """One app in one workspace."""

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        # No handlers: the library would repeat by itself what may have been posted.
        self.client = AsyncWebClient(
            settings.slack_token,
            base_url=settings.api_url,
            timeout=ANSWER_TIMEOUT_S,
            proxy=settings.proxy,
            retry_handlers=[],
        )

    async def post(self, place: Place, message: Mapping[str, JSON], key: str) -> str:
        """Post a message that carries its key as metadata, and return its `ts`.

        Raises:
            RetryLater: Not now.
            Undeliverable: Never.
        """
        self._open()
        try:
            try:
                return await self._post(place, message, key)
            except SlackApiError as error:
                if error_of(error) not in _BLOCKS or not message.get("text"):
                    raise
                _log.warning("blocks left out, Slack refuses them", error=error_of(error))
                return await self._post(place, {"text": message["text"]}, key)
        except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
            raise failure(error) from error

    async def find(self, place: Place, key: str, said_at: float) -> str | None:
        """Return the `ts` of the message with a key, if there is one.

        Args:
            place: Where it was to be posted.
            key: What its metadata carry.
            said_at: When it was said, in seconds since the epoch: it was not posted before.

        Raises:
            RetryLater: Slack cannot be asked now.
        """
        self._open()
        try:
            return await self._find(place, key, said_at - _CLOCKS_DIFFER_S)
        except SlackApiError as error:
            if error_of(error) in ("missing_scope", "not_in_channel", "channel_not_found"):
                _log.error(
                    "Slack does not show what was posted, a message may be doubled", error=error_of(error)
                )
                return None
            raise RetryLater(str(failure(error))) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RetryLater(str(failure(error))) from error

    async def person(self, user: str) -> Mapping[str, JSON]:
        """Return what Slack knows of a person.

        Raises:
            RetryLater: It cannot be had.
        """
        self._open()
        try:
            found = await self.client.users_info(user=user, include_locale=True)
        except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
            raise RetryLater(str(failure(error))) from error
        person: JSON = found.get("user")
        return person if isinstance(person, Mapping) else {}

    async def own_id(self) -> str:
        """Return the app's own user.

        Raises:
            RetryLater: It cannot be had; `after_s` is set where the operator has to act.
        """
        self._open()
        try:
            return str((await self.client.auth_test())["user_id"])
        except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
            found = failure(error)
            raise RetryLater(str(found), after_s=getattr(found, "after_s", None)) from error

    async def fetch(self, file: ReceivedFile) -> AsyncIterator[bytes]:
        """Give the bytes of a file that came with a message.

        Raises:
            FetchFailed: Slack does not give it out, or it does not lie at Slack's.
        """
        if not self._is_slacks(file.place):
            raise FetchFailed(f"the file lies at {urlsplit(file.place).hostname!r}, not at Slack's")
        headers = {"Authorization": f"Bearer {self.client.token}"}
        try:
            async with self._open().get(
                file.place, headers=headers, proxy=self.client.proxy, allow_redirects=False
            ) as response:
                # Without the scope files:read Slack gives its page for signing in.
                if response.status != 200 or response.content_type == "text/html":
                    raise FetchFailed(f"Slack answers {response.status}, is the scope files:read missing?")
                async for part in response.content.iter_chunked(_PART_BYTES):
                    yield part
        except (aiohttp.ClientError, TimeoutError) as error:
            raise FetchFailed(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        if self.client.session is not None:
            await self.client.session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Return the session that keeps connections; it belongs to the event loop that serves."""
        if self.client.session is None:
            timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
            self.client.session = aiohttp.ClientSession(timeout=timeout)
        return self.client.session

    async def _post(self, place: Place, message: Mapping[str, JSON], key: str) -> str:
        where: dict[str, JSON] = {"channel": place.channel}
        if place.thread_ts:
            where["thread_ts"] = place.thread_ts
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        posted = await self.client.chat_postMessage(**{**where, **message, "metadata": metadata})
        return str(posted["ts"])

    async def _find(self, place: Place, key: str, oldest: float) -> str | None:
        channel = await self._direct_channel(place.channel) if place.is_person else place.channel
        asked: dict[str, JSON] = {
            "channel": channel,
            "oldest": f"{oldest:.6f}",
            "limit": _PAGE,
            "include_all_metadata": True,
        }
        cursor = None
        for _ in range(_MAX_PAGES):
            if place.thread_ts:
                page = await self.client.conversations_replies(ts=place.thread_ts, cursor=cursor, **asked)
            else:
                page = await self.client.conversations_history(cursor=cursor, **asked)
            for message in page.get("messages") or ():
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("key") == key:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
        return None

    async def _direct_channel(self, user: str) -> str:
        opened = await self.client.conversations_open(users=user)
        return str(opened["channel"]["id"])

    def _is_slacks(self, address: str) -> bool:
        """Whether the app's token may be shown to an address."""
        parts, own = urlsplit(address), urlsplit(self._settings.api_url)
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return True
        host = parts.hostname or ""
        return parts.scheme == "https" and (
            host == "slack.com" or host.endswith((".slack.com", ".slack-gov.com"))
        )


def error_of(error: SlackApiError) -> str:
    """Return Slack's word for what is wrong; nothing when it answered without one."""
    data = getattr(error.response, "data", None)
    return str(data.get("error") or "") if isinstance(data, Mapping) else ""


def failure(error: Exception) -> RetryLater | Undeliverable:
    """Say what an error means for the message that was being sent."""
    if not isinstance(error, SlackApiError):
        is_uncertain = not isinstance(error, aiohttp.ClientConnectorError)
        return RetryLater(f"{type(error).__name__}: {error}", is_uncertain=is_uncertain)
    name, status = error_of(error), int(getattr(error.response, "status_code", 0) or 0)
    reason = f"Slack answers {name or status}"
    if status == 429 or name in _TOO_FAST:
        return RetryLater(reason, after_s=_asked_pause_s(error))
    if name in _OPERATORS:
        return RetryLater(reason, after_s=WRONG_TOKEN_PAUSE_S)
    if name in _SLACKS or status >= 500 or not name:
        return RetryLater(reason, is_uncertain=True)
    return Undeliverable(reason)


def _asked_pause_s(error: SlackApiError) -> float | None:
    headers: JSON = getattr(error.response, "headers", None) or {}
    with suppress(TypeError, ValueError):
        return float(headers.get("Retry-After"))
    return None
