"""What Slack refuses in a message: limits of texts and blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

JSON = Any
MAX_TEXT_CHARACTERS = 40_000
MAX_BLOCKS = 50
MAX_SECTION_CHARACTERS = 3000
MAX_ELEMENTS = 25
MAX_TITLE_CHARACTERS = 75
MAX_VALUE_CHARACTERS = 2000
MAX_ADDRESS_CHARACTERS = 3000


class Refused(Exception):
    """An error of the Web API, in Slack's word."""

    def __init__(self, error: str) -> None:
        self.error = error
        super().__init__(error)


def check_message(message: Mapping[str, JSON], unreachable: Collection[str] = ()) -> None:
    """Refuse what Slack refuses.

    Raises:
        Refused: A limit is exceeded, or there is nothing to show.
    """
    text, blocks = str(message.get("text") or ""), message.get("blocks") or []
    if not (text.strip() or blocks or message.get("attachments")):
        raise Refused("no_text")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise Refused("msg_too_long")
    if len(blocks) > MAX_BLOCKS:
        raise Refused("invalid_blocks")
    if not all(part for block in blocks for part in _parts(block)):
        raise Refused("invalid_blocks")
    if {address for block in blocks for address in _addresses(block)} & set(unreachable):
        raise Refused("invalid_blocks")


def _parts(block: Mapping[str, JSON]) -> Iterator[bool]:
    """Say of each part of a block whether it is as Slack wants it."""
    match block["type"]:
        case "section":
            yield 1 <= len(block["text"]["text"]) <= MAX_SECTION_CHARACTERS
        case "actions":
            elements = block["elements"]
            yield 1 <= len(elements) <= MAX_ELEMENTS
            yield len({element["action_id"] for element in elements}) == len(elements)
            for element in elements:
                yield 1 <= len(element["text"]["text"]) <= MAX_TITLE_CHARACTERS
                yield len(element.get("value") or element.get("url") or "") >= 1
                yield len(element.get("value") or "") <= MAX_VALUE_CHARACTERS
        case "image":
            yield bool(block["alt_text"])
            yield len(block["image_url"]) <= MAX_ADDRESS_CHARACTERS


def _addresses(block: Mapping[str, JSON]) -> Iterator[str]:
    yield str(block.get("image_url") or "")
    yield str((block.get("accessory") or {}).get("image_url") or "")
