"""Plain numbers in a message: digits, English words up to eleven, Chinese numerals before measure words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.dialogue.messages import Entity
from bot.nlu.chinese_numbers import NUMERAL, chinese_number

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9.,-])(?P<digits>\d{{1,15}}(?:\.\d{{1,6}})?)(?![A-Za-z0-9-]|[.,]\d)"
    rf"|(?<![A-Za-z-])(?P<word>{'|'.join(_WORDS)})(?![A-Za-z-])"
    rf"|(?P<numeral>{NUMERAL}+)(?=[个位人份台只件张次])",
    re.IGNORECASE,
)


def find_numbers(text: str, name: str, extractor: str) -> Iterator[Entity]:
    """Find numbers; the value is an int, or a float where a fraction is written."""
    for match in _NUMBER.finditer(text):
        value = _value(match)
        if value is not None:
            yield Entity(name, value, match.start(), match.end(), extractor=extractor)


def _value(match: re.Match[str]) -> int | float | None:
    if match["digits"]:
        return float(match["digits"]) if "." in match["digits"] else int(match["digits"])
    if match["word"]:
        return _WORDS.index(match["word"].lower())
    return chinese_number(match["numeral"])
