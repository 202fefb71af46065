"""What goes in and what was understood: user messages, parse results, entities."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = Any  # a JSON value as it crosses a wire; never looked into without a check

NLU_FALLBACK = "nlu_fallback"
# Keys of a parse result, with those that events repeat inside it.
_PARSED = frozenset(
    (
        *("text", "intent", "entities", "intent_ranking", "response_selector", "text_tokens"),
        *("message_id", "metadata"),
    )
)


@dataclass(frozen=True, slots=True)
class Entity:
    """Something found in a message; `start` and `end` are half-open offsets into the original text.

    Entities about the whole message (`sentiment`, `language`) carry no offsets.
    """

    entity: str
    value: JSON
    start: int | None = None
    end: int | None = None
    role: str | None = None
    group: str | None = None
    confidence_entity: float | None = None
    extractor: str | None = None
    processors: tuple[str, ...] = ()
    additional_info: JSON = None

    def as_dict(self) -> dict[str, JSON]:
        """Rasa's wire form: keys without a value are left out, `value` always stands."""
        pairs: dict[str, JSON] = {
            "entity": self.entity,
            "value": self.value,
            "start": self.start,
            "end": self.end,
            "role": self.role,
            "group": self.group,
            "confidence_entity": self.confidence_entity,
            "extractor": self.extractor,
            "processors": list(self.processors) or None,
            "additional_info": self.additional_info,
        }
        return {key: value for key, value in pairs.items() if value is not None or key == "value"}

    @classmethod
    def from_dict(cls, data: Mapping[str, JSON]) -> Entity:
        """Read Rasa's wire form; unknown keys are passed over."""
        return cls(
            entity=data["entity"],
            value=data.get("value"),
            start=data.get("start"),
            end=data.get("end"),
            role=data.get("role"),
            group=data.get("group"),
            confidence_entity=data.get("confidence_entity"),
            extractor=data.get("extractor"),
            processors=tuple(data.get("processors") or ()),
            additional_info=data.get("additional_info"),
        )


@dataclass(frozen=True, slots=True)
class Intent:
    """An intent with its calibrated confidence in [0, 1]; no name when nothing was understood."""

    name: str | None
    confidence: float = 0.0

    def as_dict(self) -> dict[str, JSON]:
        """Rasa's wire form."""
        return {"name": self.name, "confidence": self.confidence}


@dataclass(frozen=True, slots=True)
class Sentiment:
    """`positive`, `neutral` or `negative` with its confidence; neutral with a low one is an abstention."""

    value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What the NLU understood of one text.

    `intent_ranking` is sorted from best to worst. `response_selector` has Rasa's shape. `language` is an
    ISO 639-1 code, None when the text is too short to tell. `text_tokens` are half-open character spans.
    `more` is what components of a project's own say under names of theirs.
    """

    text: str
    intent: Intent = Intent(None)
    entities: tuple[Entity, ...] = ()
    intent_ranking: tuple[Intent, ...] = ()
    response_selector: Mapping[str, JSON] = field(default_factory=dict)
    text_tokens: tuple[tuple[int, int], ...] = ()
    sentiment: Sentiment | None = None
    language: str | None = None
    more: Mapping[str, JSON] = field(default_factory=dict)

    def as_dict(self) -> dict[str, JSON]:
        """Rasa's wire form, with `sentiment` and `language` beside it when they are known."""
        data: dict[str, JSON] = {
            **self.more,
            "text": self.text,
            "intent": self.intent.as_dict(),
            "entities": [entity.as_dict() for entity in self.entities],
            "text_tokens": [list(span) for span in self.text_tokens],
            "intent_ranking": [intent.as_dict() for intent in self.intent_ranking],
            "response_selector": dict(self.response_selector),
        }
        if self.sentiment:
            data["sentiment"] = {"value": self.sentiment.value, "confidence": self.sentiment.confidence}
        if self.language:
            data["language"] = self.language
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, JSON]) -> ParseResult:
        """Read the wire form; missing parts take their defaults."""
        intent = data.get("intent") or {}
        # Components of a project's own may use these two words for something else.
        sentiment, language = data.get("sentiment"), data.get("language")
        is_ours = {
            "sentiment": isinstance(sentiment, Mapping) and {"value", "confidence"} <= set(sentiment),
            "language": isinstance(language, str),
        }
        return cls(
            text=data.get("text") or "",
            intent=Intent(intent.get("name"), float(intent.get("confidence") or 0.0)),
            entities=tuple(Entity.from_dict(entity) for entity in data.get("entities") or ()),
            intent_ranking=tuple(
                Intent(row.get("name"), float(row.get("confidence") or 0.0))
                for row in data.get("intent_ranking") or ()
            ),
            response_selector=data.get("response_selector") or {},
            text_tokens=tuple((int(start), int(end)) for start, end in data.get("text_tokens") or ()),
            sentiment=Sentiment(sentiment["value"], sentiment["confidence"])
            if sentiment and is_ours["sentiment"]
            else None,
            language=language if is_ours["language"] else None,
            more={
                key: value
                for key, value in data.items()
                if key not in _PARSED and value is not None and not is_ours.get(key)
            },
        )


@dataclass(frozen=True, slots=True)
class UserMessage:
    """A message as a channel hands it over.

    `message_id` is the channel's own id, unique within `input_channel`: a second message with the same id
    is a redelivery. `parse_data` is set when the caller already knows what the text means.
    """

    text: str
    sender_id: str = "default"
    input_channel: str = "rest"
    message_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    parse_data: ParseResult | None = None
