"""Responses written by another server, over Rasa's NLG protocol."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from bot.dialogue.messages import JSON
from bot.runtime.custom_actions import ActionFailed
from bot.runtime.http_endpoint import HttpEndpoint

# What an answer may hold, as Rasa checks it; further keys become metadata of the message.
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "text"),
    "id": ((str, type(None)), "text or null"),
    "buttons": ((list, type(None)), "a list or null"),
    "elements": ((list, type(None)), "a list or null"),
    "attachment": ((dict, type(None)), "an object or null"),
    "image": ((str, type(None)), "text or null"),
    "custom": ((dict,), "an object"),
}


class NlgServer:
    """Asks a server for the words of each response."""

    def __init__(self, endpoint: HttpEndpoint, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.endpoint = endpoint
        self._client = httpx.AsyncClient(transport=transport, **endpoint.client_arguments())

    async def generate(self, request: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return a message for Rasa's `{response, id, arguments, tracker, channel}`.

        Raises:
            ActionFailed: The server is away, or answers what is no message.
        """
        response, url = request["response"], self.endpoint.url
        try:
            answer = await self._client.post(url, json=request)
            answer.raise_for_status()
            message: JSON = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ActionFailed(f"response '{response}': the NLG server at {url} failed: {error!r}") from error
        if not isinstance(message, dict):
            raise ActionFailed(
                f"response '{response}': the NLG server answered {message!r}, expected an object"
            )
        for key, (kinds, expected) in _KINDS.items():
            if key in message and not isinstance(message[key], kinds):
                found = f"'{key}' of the NLG server is {message[key]!r}"
                raise ActionFailed(f"response '{response}': {found}, expected {expected}")
        return message

    async def close(self) -> None:
        """Close open connections."""
        await self._client.aclose()
