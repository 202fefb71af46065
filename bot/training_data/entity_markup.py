"""Entity annotations in training sentences: `[text](type)`, `[text](type:value)`, `[text]{"entity": …}`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from bot.dialogue.messages import JSON, Entity

_MARKUP = re.compile(
    r"\[(?P<text>[^\]]+?)\]"
    r"(?:\((?P<type>[^:)]+?)(?::(?P<value>[^)]+))?\)|\{(?P<one>[^}]+?)\}|\[(?P<several>.*?)\])"
)
_BRACES = re.compile(r"\{[^}]+?\}")


class MarkupError(ValueError):
    """An annotation that looks like one and cannot be read."""


def parse(annotated: str) -> tuple[str, tuple[Entity, ...]]:
    """Strip annotations; offsets of the entities point into the returned text.

    Raises:
        MarkupError: The part in braces is not JSON or names no entity.
    """
    if "[" not in annotated:
        return annotated, ()
    pieces: list[str] = []
    entities: list[Entity] = []
    length = end = 0
    for match in _MARKUP.finditer(annotated):
        before, surface = annotated[end : match.start()], match["text"]
        start = length + len(before)
        entities.extend(_entities(match, start))
        pieces += (before, surface)
        length, end = start + len(surface), match.end()
    pieces.append(annotated[end:])
    return "".join(pieces), tuple(entities)


def render(text: str, entities: Iterable[Entity]) -> str:
    """Write entities back into a text, in the shortest form that `parse` reads back.

    Entities without offsets or whose span has a `]` cannot be annotated and are left out.
    """
    spans: dict[tuple[int, int], list[Entity]] = {}
    for entity in entities:
        if entity.start is not None and entity.end is not None:
            spans.setdefault((entity.start, entity.end), []).append(entity)
    pieces: list[str] = []
    done = 0
    for (start, end), group in sorted(spans.items()):
        surface = text[start:end]
        if start < done or not surface or "]" in surface:
            continue
        pieces += (text[done:start], f"[{surface}]", _annotation(surface, group))
        done = end
    return "".join((*pieces, text[done:]))


def _entities(match: re.Match[str], start: int) -> list[Entity]:
    surface: str = match["text"]
    end = start + len(surface)
    if match["type"] is not None:
        return [Entity(match["type"], match["value"] or surface, start, end)]
    if match["one"] is not None:
        return [_from_json(f"{{{match['one']}}}", surface, start)]
    return [_from_json(found, surface, start) for found in _BRACES.findall(match["several"])]


def _from_json(source: str, surface: str, start: int) -> Entity:
    try:
        data: JSON = json.loads(source)
    except json.JSONDecodeError as error:
        raise MarkupError(f"{source} after [{surface}] is not JSON: {error.msg}") from error
    if not isinstance(data.get("entity"), str):
        raise MarkupError(f'{source} after [{surface}] names no entity, expected "entity": "…"')
    return Entity(
        data["entity"],
        data.get("value", surface),
        start,
        start + len(surface),
        role=data.get("role"),
        group=data.get("group"),
    )


def _annotation(surface: str, group: Sequence[Entity]) -> str:
    if len(group) > 1:
        return f"[{', '.join(_as_json(entity, surface) for entity in group)}]"
    entity = group[0]
    is_short = not (entity.role or entity.group) and not set(entity.entity) & set(":)")
    if is_short and entity.value == surface:
        return f"({entity.entity})"
    if is_short and isinstance(entity.value, str) and entity.value and ")" not in entity.value:
        return f"({entity.entity}:{entity.value})"
    return _as_json(entity, surface)


def _as_json(entity: Entity, surface: str) -> str:
    pairs = {"entity": entity.entity, "role": entity.role, "group": entity.group}
    if entity.value != surface:
        pairs["value"] = entity.value
    kept = {key: value for key, value in pairs.items() if value is not None or key == "value"}
    inner = json.dumps(kept, ensure_ascii=False)[1:-1]
    # The annotation ends at the first brace or bracket, so those inside a value are written as escapes.
    return "{" + inner.replace("}", "\\u007d").replace("]", "\\u005d") + "}"
