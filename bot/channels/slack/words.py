"""Slack's way of writing: what customers write as plain words, and what the bot says without side effects."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.channels.incoming import clean

_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_ANGLED = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_LINK = re.compile(r"<(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>]*)?>")
_PERSON = re.compile(r"@([UW][A-Z0-9]{5,})\b")


def plain_words(text: str, bot_id: str | None) -> str:
    """Return what a person has written, as she sees it; the bot's own name at the head or the end is dropped.

    Links become their labels, channels `#name`, other people `@name`, or `@U…` where Slack gives no name.
    """
    if bot_id:
        # Whoever calls somebody puts a comma or a colon behind the name.
        text = re.sub(rf"<@{re.escape(bot_id)}(?:\|[^<>]*)?>\s*[,:]?", " ", text)
    text = _ANGLED.sub(_shown, text)
    for written, meant in _ENTITIES:
        text = text.replace(written, meant)
    lines = (" ".join(line.split(" ")).strip(" ") for line in clean(text).split("\n"))
    return "\n".join(re.sub(r" {2,}", " ", line) for line in lines).strip()


def people(text: str) -> list[str]:
    """Return the ids of people that are named in plain words."""
    return list(dict.fromkeys(_PERSON.findall(text)))


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Put names in the place of people's ids."""
    return _PERSON.sub(lambda match: f"@{names.get(match[1], match[1])}", text)


def escaped(text: str) -> str:
    """Return a text in which nothing calls people or channels: only links keep their brackets."""
    parts: list[str] = []
    end = 0
    for link in _LINK.finditer(text):
        parts += [_escape(text[end : link.start()]), link.group()]
        end = link.end()
    return "".join((*parts, _escape(text[end:])))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _shown(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if label:
        return f"#{label}" if target.startswith("#") else _called(target, label)
    if target.startswith(("@", "#")):
        return target
    if target.startswith("!"):
        return "@" + target[1:].partition("^")[0]
    return target.removeprefix("mailto:").removeprefix("tel:")


def _called(target: str, label: str) -> str:
    is_call = target.startswith(("@", "!subteam"))
    return f"@{label.removeprefix('@')}" if is_call else label
