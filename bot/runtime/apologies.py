"""What a customer hears when the machine breaks."""

from __future__ import annotations

import random
import re

from bot.dialogue.domain import Domain
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import UserMessage
from bot.dialogue.nlg import bot_uttered, render

ACTION_FAILED = "utter_action_failed"
INTERNAL_FAILURE = "utter_internal_failure"

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_TEXTS = {
    "en": "Sorry, something went wrong on our side and I could not deal with your message. "
    "Please send it again in a moment.",
    "zh": "抱歉，我们这边出了点问题，没能处理您的消息。请稍后再发送一次。",
}


def internal_failure(domain: Domain, message: UserMessage) -> BotUttered:
    """Apologise in the project's own words if it has any, else in plain English or Chinese."""
    language = "zh" if _CHINESE.search(message.text) else "en"
    rng = random.Random()  # noqa: S311 (the choice of words is no secret)
    said = render(INTERNAL_FAILURE, domain, {"language": language}, channel=message.input_channel, rng=rng)
    return bot_uttered(said or {"text": _TEXTS[language], "utter_action": INTERNAL_FAILURE})
