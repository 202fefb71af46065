"""The kinds of entity that need no training data, by dimension."""

from __future__ import annotations

from datetime import date

from bot.dialogue.messages import Entity
from bot.nlu.amounts import find_amounts
from bot.nlu.contact_details import find_emails, find_phones
from bot.nlu.dates import find_dates
from bot.nlu.plain_numbers import find_numbers
from bot.nlu.plan import BuiltinOptions, Dimension


def find_builtin(text: str, options: BuiltinOptions, extractor: str, today: date) -> list[Entity]:
    """Return the entities of the configured dimensions; `today` is what relative dates count from."""
    found: list[Entity] = []
    for dimension, name in options.names.items():
        match dimension:
            case Dimension.EMAIL:
                found.extend(find_emails(text, name, extractor))
            case Dimension.PHONE:
                found.extend(find_phones(text, name, extractor, regions=options.regions))
            case Dimension.DATE:
                found.extend(find_dates(text, name, extractor, today=today))
            case Dimension.AMOUNT:
                found.extend(find_amounts(text, name, extractor))
            case Dimension.NUMBER:
                found.extend(find_numbers(text, name, extractor))
    return found
