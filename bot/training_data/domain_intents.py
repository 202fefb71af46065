"""Intents and entities of a domain, with the entities that each intent shows to the policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.dialogue.domain import DEFAULT_INTENTS, EntityProperties, IntentProperties
from bot.dialogue.messages import JSON
from bot.errors import Location, nearest
from bot.training_data.findings import Findings
from bot.training_data.unknown_keys import warn_misspelled_keys
from bot.training_data.yaml_values import YamlMap, kind

_ENTITY_KEYS = ("roles", "groups", "influence_conversation")
_INTENT_KEYS = ("use_entities", "ignore_entities", "is_retrieval_intent")


def build_entities(items: Iterable[JSON], findings: Findings) -> dict[str, EntityProperties]:
    """Read `entities:`; an item is a name, or a name with roles, groups, influence_conversation."""
    entities: dict[str, EntityProperties] = {}
    for item in items:
        if not isinstance(item, dict):
            entities[item] = EntityProperties()
            continue
        for name, properties in item.items():
            place = item.at(name) if isinstance(item, YamlMap) else None
            entities[name] = _entity(name, properties, place, findings)
    return entities


def build_intents(
    items: Iterable[JSON], entities: Mapping[str, EntityProperties], findings: Findings
) -> dict[str, IntentProperties]:
    """Read `intents:` and add the built-in ones."""
    intents: dict[str, IntentProperties] = {}
    for item in items:
        if isinstance(item, dict):
            name, properties = next(iter(item.items()))
            place = item.at(name) if isinstance(item, YamlMap) else None
            intents[name] = _intent(name, properties, entities, place, findings)
        else:
            intents[item] = IntentProperties(_used_entities(True, None, entities))
    for name in DEFAULT_INTENTS:
        intents.setdefault(name, IntentProperties(_used_entities(True, None, entities)))
    return intents


def _entity(name: str, properties: JSON, place: Location | None, findings: Findings) -> EntityProperties:
    if not isinstance(properties, dict) or not properties:
        message = f"entity '{name}' has a ':' but no properties; remove the ':' or add roles, groups, …"
        findings.error("domain-schema", message, place)
        return EntityProperties()
    if isinstance(properties, YamlMap):
        warn_misspelled_keys(properties, findings, known=_ENTITY_KEYS, where=f" of entity '{name}'")
    labels: dict[str, tuple[str, ...]] = {}
    for key in ("roles", "groups"):
        value = properties.get(key) or []
        if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
            message = f"'{key}' of entity '{name}' must be a list of names, found {kind(value)}"
            findings.error("domain-schema", message, place)
            value = []
        labels[key] = tuple(value)
    influence = properties.get("influence_conversation") is not False
    return EntityProperties(labels["roles"], labels["groups"], influence)


def _intent(
    name: str,
    properties: JSON,
    entities: Mapping[str, EntityProperties],
    place: Location | None,
    findings: Findings,
) -> IntentProperties:
    if not isinstance(properties, dict) or not properties:
        message = f"intent '{name}' has a ':' but no properties; remove the ':' or add use_entities, …"
        findings.error("domain-schema", message, place)
        return IntentProperties(_used_entities(True, None, entities))
    if isinstance(properties, YamlMap):
        warn_misspelled_keys(properties, findings, known=_INTENT_KEYS, where=f" of intent '{name}'")
    if "triggers" in properties:
        message = f"intent '{name}' uses 'triggers' of Rasa 1; write a rule for it instead"
        findings.error("intent-triggers", message, place)
    for key in ("use_entities", "ignore_entities"):
        value = properties.get(key)
        if not _is_choice(value) or (key == "ignore_entities" and value is True):
            wanted = "a list of entities" + (" or a boolean" if key == "use_entities" else "")
            message = f"'{key}' of intent '{name}' must be {wanted}, found {kind(value)}"
            if isinstance(value, list):
                message += " that holds something else than names"
            findings.error("domain-schema", message, place)
            return IntentProperties(_used_entities(True, None, entities))
        for entity in value if isinstance(value, list) else ():
            if entity not in entities:
                message = f"'{key}' of intent '{name}' names entity '{entity}', which is not in the domain"
                findings.warn("intent-entity", message + nearest(entity, entities), place)
    used = _used_entities(properties.get("use_entities", True), properties.get("ignore_entities"), entities)
    return IntentProperties(used, bool(properties.get("is_retrieval_intent")))


def _is_choice(value: JSON) -> bool:
    names = value if isinstance(value, list) else ()
    return isinstance(value, list | bool | None) and all(isinstance(name, str) for name in names)


def _used_entities(use: JSON, ignore: JSON, entities: Mapping[str, EntityProperties]) -> tuple[str, ...]:
    """Return the sorted labels that an intent shows: `city`, and `city#from` for roles and groups.

    Without an explicit list, entities that do not influence the conversation are left out.
    """
    silent = [name for name, entity in entities.items() if not entity.influence_conversation]
    if use is True:
        included = {name for name in entities if name not in silent}
        included.update(label for name in entities for label in _labels(name, entities))
    else:
        included = _with_labels(use or (), entities)
    excluded = _with_labels(silent if ignore is None else ignore or (), entities)
    return tuple(sorted(included - excluded))


def _labels(name: str, entities: Mapping[str, EntityProperties]) -> list[str]:
    entity = entities.get(name)
    return [f"{name}#{part}" for part in (*entity.roles, *entity.groups)] if entity else []


def _with_labels(names: Iterable[str], entities: Mapping[str, EntityProperties]) -> set[str]:
    return {label for name in names for label in (name, *_labels(name, entities))}
