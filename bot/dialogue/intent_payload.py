"""Messages that name their intent: `/order_status@0.9{"order_number": "LC104233"}`, as buttons send them.

Follows Rasa's `RegexMessageHandler`: everything else the NLU could say about such a message is dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from bot.dialogue.domain import Domain
from bot.dialogue.messages import JSON, Entity, Intent, ParseResult

EXTRACTOR = "RegexMessageHandler"
FILE_INTENT = "send_file"  # what channels say for a file that comes without a word; no sentence teaches it
_PAYLOAD = re.compile(r"/(?P<intent>[^{@]+)(?P<confidence>@[0-9.]+)?(?P<entities>\{.+\})?")


def parse_intent_payload(text: str, domain: Domain) -> ParseResult | None:
    """Read a message that names its intent; None when it is ordinary text.

    A slash before an unknown intent is ordinary text. Entities that the domain does not know are dropped,
    a list as a value makes several entities; all get the offsets of the JSON part.
    """
    stripped = text.strip()
    match = _PAYLOAD.match(stripped)
    if match is None:
        return None
    name = match["intent"].strip()
    if name not in domain.intents:
        return None
    intent = Intent(name, _confidence(match["confidence"]))
    entities = tuple(_entities(match, domain)) if match["entities"] else ()
    return ParseResult(stripped, intent, entities, (intent,))


def _confidence(written: str | None) -> float:
    """Return a confidence in [0, 1]: 1 when none is given, 0 when it is not a number."""
    if written is None:
        return 1.0
    try:
        return min(1.0, max(0.0, float(written.removeprefix("@"))))
    except ValueError:
        return 0.0


def _entities(match: re.Match[str], domain: Domain) -> Iterator[Entity]:
    try:
        found: JSON = json.loads(match["entities"])
    except ValueError:
        return
    start, end = match.span("entities")
    for name, value in found.items():
        if name not in domain.entities:
            continue
        for item in value if isinstance(value, list) else [value]:
            yield Entity(name, item, start, end, extractor=EXTRACTOR)


class PayloadParser:
    """Understands nothing but messages that name their intent: a model of policies alone."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    def parse(self, text: str) -> ParseResult:
        """Return what a message names, or that there is no intent."""
        return parse_intent_payload(text, self.domain) or ParseResult(text)
