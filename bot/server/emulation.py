"""Parse results in the shape of other services, as Rasa's `emulation_mode` gives them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from bot.dialogue.messages import JSON, Entity, ParseResult


def wit(result: ParseResult) -> JSON:
    """Return the shape of wit.ai's `/message`."""
    entities: dict[str, list[JSON]] = {}
    for entity in result.entities:
        role = entity.role or entity.entity
        found = {
            "confidence": entity.confidence_entity or 1,
            "name": entity.entity,
            "value": entity.value,
            "body": result.text[entity.start or 0 : entity.end or 0],
            "start": entity.start,
            "end": entity.end,
            "role": role,
            "entities": [],
        }
        entities.setdefault(f"{entity.entity}:{role}", []).append(found)
    return {"text": result.text, "intents": [result.intent.as_dict()], "entities": entities}


def luis(result: ParseResult) -> JSON:
    """Return the shape of LUIS 3.0; of several entities with one role the last one stands."""
    instances = {entity.role or entity.entity: [_luis_entity(entity)] for entity in result.entities}
    values = {entity.role or entity.entity: [entity.value] for entity in result.entities}
    ranking = result.intent_ranking or (result.intent,)
    return {
        "query": result.text,
        "prediction": {
            "normalizedQuery": result.text,
            "topIntent": result.intent.name,
            "intents": {intent.name: {"score": intent.confidence} for intent in ranking},
            "entities": {"$instance": instances, **values},
        },
    }


def _luis_entity(entity: Entity) -> JSON:
    has_span = entity.start is not None and entity.end is not None
    return {
        "role": entity.role,
        "type": entity.entity,
        "text": entity.value,
        "startIndex": entity.start,
        "length": entity.end - entity.start if has_span else None,  # type: ignore[operator]
        "score": None,
        "modelType": entity.extractor,
    }


def dialogflow(result: ParseResult) -> JSON:
    """Return the shape of Dialogflow's `detectIntent`."""
    parameters: dict[str, list[JSON]] = {}
    for entity in result.entities:
        parameters.setdefault(entity.entity, []).append(entity.value)
    name = result.intent.name
    return {
        "responseId": str(uuid.uuid4()),
        "queryResult": {
            "queryText": result.text,
            "action": name,
            "parameters": parameters,
            "fulfillmentText": "",
            "fulfillmentMessages": [],
            "outputContexts": [],
            "intent": {"name": name, "displayName": name},
            "intentDetectionConfidence": result.intent.confidence,
        },
    }


EMULATIONS: Mapping[str, Callable[[ParseResult], JSON]] = {
    "wit": wit,
    "luis": luis,
    "dialogflow": dialogflow,
}
