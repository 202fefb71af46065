"""What the bot says: the choice of a response's variation and the filling of its placeholders."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Mapping, Sequence

from bot.dialogue.domain import Domain, ResponseVariation
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON

logger = logging.getLogger(__name__)

# Rasa's own names for what we call by the name of the input channel.
_OTHER_NAMES = {"rest": ("collector", "queue"), "console": ("cmdline",)}
_PARTS = ("elements", "quick_replies", "buttons", "attachment", "image", "custom")
_FILLED = frozenset({"text", "image", "custom", "buttons", "attachment", "quick_replies"})
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(?P<name>[^\n{}]+)\}")


def rasa_channel(channel: str) -> str:
    """Return Rasa's name of an output channel, for servers written for Rasa."""
    return _OTHER_NAMES.get(channel, (channel,))[0]


def choose(
    variations: Sequence[ResponseVariation], slots: Mapping[str, JSON], channel: str, rng: random.Random
) -> ResponseVariation | None:
    """Pick a variation: the channel comes before the condition, then chance decides.

    One for another channel is never used, nor is one with an empty list of conditions.
    """
    names = (channel, *_OTHER_NAMES.get(channel, ()))
    fitting = [v for v in variations if v.condition is None or (v.condition and _holds(v.condition, slots))]
    for own_channel in (True, False):
        for conditional in (True, False):
            group = [
                variation
                for variation in fitting
                if (variation.channel in names if own_channel else variation.channel is None)
                and (variation.condition is not None) == conditional
            ]
            if group:
                return rng.choice(group)
    return None


def _holds(conditions: Sequence[Mapping[str, JSON]], slots: Mapping[str, JSON]) -> bool:
    return all(_equal(slots.get(condition["name"]), condition["value"]) for condition in conditions)


def _equal(found: JSON, wanted: JSON) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        return found.casefold() == wanted.casefold()
    return bool(found == wanted)


def interpolate(value: JSON, values: Mapping[str, JSON]) -> JSON:
    """Fill `{slot}` in a text, and in all texts inside lists and maps.

    A text with an unknown name stays as it is. `{{x}}` stands for `{x}`; None is printed as "None".
    """
    if isinstance(value, str):
        return _interpolate_text(value, values)
    if isinstance(value, Mapping):
        return {key: interpolate(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, values) for item in value]
    return value


def _interpolate_text(text: str, values: Mapping[str, JSON]) -> str:
    names = [match["name"] for match in _PLACEHOLDER.finditer(text) if match["name"]]
    unknown = [name for name in names if name not in values]
    if unknown:
        logger.error("a response names %r, which is no slot and was not given: %r", unknown[0], text)
        return text

    def fill(match: re.Match[str]) -> str:
        return str(values[match["name"]]) if match["name"] else match[0][0]

    return _PLACEHOLDER.sub(fill, text)


def render(
    name: str,
    domain: Domain,
    slots: Mapping[str, JSON],
    *,
    channel: str,
    rng: random.Random,
    values: Mapping[str, JSON] | None = None,
) -> dict[str, JSON] | None:
    """Return a response as a message in Rasa's form, None when no variation fits.

    `values` take part in the filling beside the slots and win over them. `utter_action` names the response.
    """
    variation = choose(domain.responses.get(name, ()), slots, channel, rng)
    if variation is None:
        return None
    known = {**slots, **(values or {})}
    parts: dict[str, JSON] = {"text": variation.text, **variation.data}
    message = {key: interpolate(part, known) if key in _FILLED else part for key, part in parts.items()}
    marks: dict[str, JSON] = {
        "metadata": dict(variation.metadata),
        "id": variation.id,
        "channel": variation.channel,
        "condition": list(variation.condition or ()),
    }
    message |= {name: mark for name, mark in marks.items() if mark}
    return {**message, "utter_action": name}


def bot_uttered(message: Mapping[str, JSON]) -> BotUttered:
    """Build the event: known parts become `data`, everything else metadata.

    Deviation: Rasa stores an image a second time as attachment, and takes it out again when it sends.
    """
    data = {part: message.get(part) for part in _PARTS}
    rest = {key: value for key, value in message.items() if key not in (*_PARTS, "text")}
    return BotUttered(text=message.get("text"), data=data, metadata=rest)
