"""The Slack app by slack-bolt: which requests of Slack's go where."""

from __future__ import annotations

import logging
import re

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.slack.reception import Reception
from bot.dialogue.messages import JSON

_ANYTHING = re.compile("")


def bolt_app(reception: Reception, client: AsyncWebClient) -> AsyncApp:
    """Return an app that answers Slack when a request is stored, and with an error when it is not.

    Signatures are checked before a request comes here: the library would log those it refuses with all that
    stands in them. Nothing is asked of Slack while it waits for the answer.
    """

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=client.token,
            bot_user_id=reception.bot_id,
        )

    app = AsyncApp(
        name="frontdesk",
        logger=logging.getLogger("slack_bolt"),
        client=AsyncWebClient(base_url=client.base_url),
        authorize=authorize,
        signing_secret="",
        request_verification_enabled=False,
        process_before_response=True,
    )

    async def take_event(body: dict[str, JSON]) -> None:
        await reception.take_event(body)

    async def take_action(body: dict[str, JSON], ack: AsyncAck) -> None:
        await reception.take_action(body)
        await ack()

    async def pass_over(ack: AsyncAck) -> None:
        await ack()

    app.event("message")(take_event)
    app.event("app_mention")(take_event)
    app.event(_ANYTHING)(pass_over)
    app.action(_ANYTHING)(take_action)
    return app
