"""Our parse results and examples as the messages that own components work on, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bot.dialogue.messages import JSON, Entity, ParseResult
from bot.errors import FrontdeskError
from bot.training_data.nlu_examples import NluData, NluExample
from bot.written_for_rasa.components import Token
from bot.written_for_rasa.constants import TEXT, TEXT_TOKENS
from bot.written_for_rasa.messages import Message, TrainingData
from language.tokens import word_spans

_MARKED = "frontdesk_words"  # the text whose words we marked, and the words
_OUTPUT = ("intent", "entities", "intent_ranking", "response_selector", "text_tokens")


def note(message: Message, parsed: ParseResult) -> None:
    """Write on a message what was understood; all of it goes out."""
    told = parsed.as_dict()
    del told[TEXT_TOKENS]
    if not parsed.intent.name:
        del told["intent"]
    message.data.update(told)
    message.output_properties.update((*told, *_OUTPUT))


def as_parse_result(message: Message, before: ParseResult | None = None) -> ParseResult:
    """Read what components left on a message; words and sentiment of `before` stay unless they changed.

    Raises:
        FrontdeskError: An entity or an intent is not in Rasa's form.
    """
    kept = message.as_dict(only_output_properties=True)
    if before is not None and _has_our_words(message):
        kept.pop(TEXT_TOKENS, None)
    try:
        parsed = ParseResult.from_dict(_plain(kept))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FrontdeskError(
            f"a component left {_plain(kept)!r} on a message, expected Rasa's form ({error!r})"
        ) from error
    if before is not None and not parsed.text_tokens:
        parsed = replace(parsed, text_tokens=before.text_tokens)
    return parsed


def mark_words(messages: Iterable[Message], language: str) -> None:
    """Put the words of each text on its message, as a tokenizer of Rasa's would have done before."""
    for message in messages:
        text = message.get(TEXT)
        is_own = message.get(TEXT_TOKENS) is not None and not _has_our_words(message)
        if not isinstance(text, str) or is_own or message.get(_MARKED, (None,))[0] == text:
            continue
        words = [Token(text[start:end], start, end) for start, end in word_spans(text, language)]
        message.data[TEXT_TOKENS] = words
        message.data[_MARKED] = text, words


def _has_our_words(message: Message) -> bool:
    """Whether no tokenizer of the project's own has cut the text."""
    marked = message.get(_MARKED)
    return marked is not None and marked[1] is message.get(TEXT_TOKENS)


def as_training_data(data: NluData) -> TrainingData:
    """Return the NLU data as components see them."""
    return TrainingData(
        [_example_message(example) for example in data.examples],
        dict(data.synonyms),
        [{"name": name, "pattern": row} for name, rows in data.regexes.items() for row in rows],
        [{"name": name, "elements": list(rows)} for name, rows in data.lookups.items()],
        {f"utter_{key}": [{"text": text} for text in texts] for key, texts in data.responses.items()},
    )


def from_training_data(learnt: TrainingData, before: NluData) -> tuple[NluData, tuple[str, ...]]:
    """Return our data with the examples and synonyms as components left them, and remarks.

    An annotation that no longer stands where it was is looked for in the new text, and left out if it is
    not there.
    """
    known = {_key(example): example for example in before.examples}
    examples, lost = [], 0
    for message in learnt.nlu_examples:
        text = str(message.get(TEXT) or "")
        rows: list[Mapping[str, JSON]] = message.get("entities") or []
        entities = tuple(entity for row in rows if (entity := _placed(text, row)) is not None)
        lost += len(rows) - len(entities)
        example = NluExample(text, message.get_full_intent() or "", entities)
        examples.append(known.get(_key(example), example))
    note = f"{lost} annotated entities are left out: an own component changed the text they stood in"
    data = replace(before, examples=tuple(examples), synonyms=dict(learnt.entity_synonyms))
    return data, (note,) if lost else ()


def _key(example: NluExample) -> tuple[str, str, tuple[Entity, ...]]:
    return example.text, example.intent, example.entities


def _example_message(example: NluExample) -> Message:
    return Message.build(
        example.text,
        example.intent,
        [_annotation(example.text, entity) for entity in example.entities],
        example.metadata.get("intent"),
        example.metadata.get("example"),
    )


def _annotation(text: str, entity: Entity) -> dict[str, JSON]:
    return {**entity.as_dict(), _SURFACE: text[entity.start : entity.end]}


_SURFACE = "frontdesk_surface"


def _placed(text: str, row: Mapping[str, JSON]) -> Entity | None:
    """Return an annotation at the place where its words are now; None if they are gone."""
    entity = Entity.from_dict(row)
    surface = str(row.get(_SURFACE) or "")
    if entity.start is None or entity.end is None:
        return None
    if not surface or text[entity.start : entity.end] == surface:
        return entity if 0 <= entity.start < entity.end <= len(text) else None
    start = text.lower().find(surface.lower())
    return replace(entity, start=start, end=start + len(surface)) if start >= 0 else None


def _plain(value: Any) -> JSON:
    """Return a JSON value; numbers and arrays of NumPy become Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
