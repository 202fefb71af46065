"""Text as the rest of the engine may see it: bounded, and free of what no store or screen can hold."""

from __future__ import annotations

MAX_TEXT_CHARACTERS = 10_000

_CONTROL = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
# Half a surrogate pair cannot be written as UTF-8.
_UNWANTED = _CONTROL | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def clean_text(text: str) -> str:
    """Drop control characters but tab and line feed, strip, and cut to 10,000 characters.

    Channels refuse what is too long with an error of their own; this is the bound that always holds.
    """
    return text.replace("\r\n", "\n").translate(_UNWANTED).strip()[:MAX_TEXT_CHARACTERS]
