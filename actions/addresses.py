"""Reading a postal address out of what a customer wrote."""

from __future__ import annotations

import re

from crm_connector.orders import Address

_POSTAL_CODE = re.compile(r"(?<![\w-])(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{4,6})(?![\w-])")
_LEAD = re.compile(
    r"^.*?\b(?:address is|send it to|deliver(?:ed)? to|ship(?:ped)? to|change it to|it's|to)\b[: ]*"
    r"|^.*?(?:地址是|寄到|改成|改到|送到|换到)[：: ]*",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[\s,，.。!！]*(?:please|pls|thanks|thank you|谢谢|麻烦了?|吧|吗)[\s.。!！?？]*$", re.IGNORECASE
)
_HOUSE = re.compile(r"\d|[路街号弄巷道村]")
_SEPARATORS = re.compile(r"\s*[,，;；\n]\s*")
_MAX_CHARS = 200


def parse_address(text: str, *, city: str | None = None) -> Address | None:
    """Find street, postal code and city; the given city stands in where the text names none.

    A street needs a house number, or in Chinese a word for a road; without one there is no address.
    """
    text = _THANKS.sub("", text[:_MAX_CHARS])
    text = " ".join(_LEAD.sub("", text).split(" ")).strip(" .。!！")
    code = _POSTAL_CODE.search(text)
    parts = [part for part in _SEPARATORS.split(_POSTAL_CODE.sub(",", text) if code else text) if part]
    if not parts or not _HOUSE.search(parts[0]):
        return None
    town = parts[1] if len(parts) > 1 else city
    if not town:
        return None
    return Address(street=parts[0].strip(), postal_code=code[0] if code else "", city=town.strip())
