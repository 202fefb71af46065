"""Amounts of money in a message, English and Chinese ways of writing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from bot.dialogue.messages import JSON, Entity
from bot.nlu.chinese_numbers import NUMERAL, chinese_number

_WRITTEN = {
    "EUR": "€ eur euro euros 欧元 欧",
    "USD": "$ us$ usd dollar dollars bucks 美元 美金 刀",
    "GBP": "£ gbp pound pounds quid 英镑",
    "CNY": "¥ ￥ cny rmb yuan 元 块 块钱 人民币",
}
_CURRENCIES = {unit: currency for currency, units in _WRITTEN.items() for unit in units.split()}
_NUMBER = r"\d{1,3}(?:[,.' ]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,9}(?:[.,]\d{1,2})?(?!\d)"


def _units(*, before: bool) -> str:
    signs = [unit for unit in _CURRENCIES if unit.isascii() and unit.isalpha()]
    words = sorted((re.escape(unit) for unit in signs), key=len, reverse=True)
    others = sorted((re.escape(unit) for unit in _CURRENCIES if unit not in signs), key=len, reverse=True)
    inner = "|".join([*(f"{word}(?![A-Za-z])" for word in words), *others])
    return rf"(?<![A-Za-z])(?:{inner})" if before else rf"(?:{inner})"


_AMOUNT = re.compile(
    rf"(?P<sign>{_units(before=True)})\s?(?P<after>{_NUMBER})"
    rf"|(?<![\d.,A-Za-z-])(?P<number>{_NUMBER})(?P<wan>万)?\s?(?P<unit>{_units(before=False)})"
    rf"|(?P<numeral>{NUMERAL}+(?!块)|{NUMERAL}+(?=块钱)|{NUMERAL}{{2,}})(?P<numeral_unit>欧元|美元|美金|英镑|元|块钱|块)",
    re.IGNORECASE,
)


def find_amounts(text: str, name: str, extractor: str) -> Iterator[Entity]:
    """Find amounts; the value is `"29.90 EUR"`, `additional_info` holds `amount` and `currency`."""
    for match in _AMOUNT.finditer(text):
        groups = match.groupdict()
        unit = groups["sign"] or groups["unit"] or groups["numeral_unit"]
        amount = _amount(groups)
        if amount is None:
            continue
        currency = _CURRENCIES[unit.lower()]
        info: JSON = {"amount": str(amount), "currency": currency}
        yield Entity(
            name,
            f"{amount} {currency}",
            match.start(),
            match.end(),
            extractor=extractor,
            additional_info=info,
        )


def _amount(groups: dict[str, str | None]) -> Decimal | None:
    if groups["numeral"]:
        number = chinese_number(groups["numeral"])
        return None if number is None else Decimal(number)
    value = _decimal(groups["after"] or groups["number"] or "")
    return value * 10_000 if groups["wan"] else value


def _decimal(written: str) -> Decimal:
    """Read a number whose last mark before one or two digits is the decimal one, whichever it is."""
    match = re.fullmatch(r"(.*?)(?:[.,](\d{1,2}))?", written)
    whole, cents = (match.group(1), match.group(2)) if match else (written, None)
    digits = re.sub(r"\D", "", whole)
    return Decimal(f"{digits}.{cents}") if cents else Decimal(digits)
