"""Chinese numerals below one hundred million, as people write them in messages."""

from __future__ import annotations

NUMERAL = "[零〇一二两三四五六七八九十百千万]"
_DIGITS = {**{character: value for value, character in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def chinese_number(numeral: str) -> int | None:
    """Read a numeral (`二十三` 23, `三百` 300, `二零二五` 2025) or Arabic digits; None for anything else."""
    if numeral.isdecimal():
        return int(numeral)
    if not numeral or any(character not in _DIGITS and character not in "十百千万" for character in numeral):
        return None
    if all(character in _DIGITS for character in numeral):
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total, section, digit = 0, 0, 0
    for character in numeral:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character == "万":
            total, section, digit = (section + digit) * 10_000, 0, 0
        else:
            section += (digit or 1) * _UNITS[character]
            digit = 0
    return total + section + digit
