"""E-mail addresses and phone numbers in a message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.dialogue.messages import Entity

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,63})@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)


def find_emails(text: str, name: str, extractor: str) -> Iterator[Entity]:
    """Find e-mail addresses; the value is in lower case."""
    for match in _EMAIL.finditer(text):
        yield Entity(name, match.group().lower(), match.start(), match.end(), extractor=extractor)


def find_phones(text: str, name: str, extractor: str, *, regions: Sequence[str]) -> Iterator[Entity]:
    """Find phone numbers; the value is in E.164 form (`+4930901820`).

    Numbers with a country code need only have a possible length, local ones must be valid in one of the
    regions, tried in order.
    """
    # Its tables of all countries take a while to load; pipelines without builtin entities do without.
    from phonenumbers import (  # noqa: PLC0415
        Leniency,
        PhoneNumberFormat,
        PhoneNumberMatcher,
        format_number,
    )

    taken: list[tuple[int, int]] = []
    searches = [(None, Leniency.POSSIBLE), *((region, Leniency.VALID) for region in regions)]
    for region, leniency in searches:
        for match in PhoneNumberMatcher(text, region, leniency=leniency):
            if all(match.end <= start or match.start >= end for start, end in taken):
                taken.append((match.start, match.end))
                value = format_number(match.number, PhoneNumberFormat.E164)
                yield Entity(name, value, match.start, match.end, extractor=extractor)
