"""Understanding by another server: Rasa's `POST /model/parse`, or another Frontdesk's."""

from __future__ import annotations

import logging

import httpx

from bot.dialogue.messages import JSON, ParseResult
from bot.runtime.http_endpoint import HttpEndpoint

logger = logging.getLogger(__name__)


class NluServer:
    """A parser behind HTTP; while it is away every text is one without an intent, as in Rasa."""

    def __init__(self, endpoint: HttpEndpoint, *, transport: httpx.BaseTransport | None = None) -> None:
        self._url = endpoint.url.rstrip("/") + "/model/parse"
        self._token = endpoint.token
        self._client = httpx.Client(transport=transport, **endpoint.client_arguments())

    def parse(self, text: str) -> ParseResult:
        """Ask the server; called in worker threads."""
        try:
            answer = self._client.post(
                self._url, json={"text": text, "token": self._token, "message_id": None}
            )
            answer.raise_for_status()
            found: JSON = answer.json()
            return ParseResult.from_dict({**found, "text": text})
        except (httpx.HTTPError, ValueError, TypeError, KeyError, AttributeError) as error:
            logger.error("the NLU server at %s failed, so nothing is understood: %r", self._url, error)
            return ParseResult(text)

    def close(self) -> None:
        """Close open connections."""
        self._client.close()
