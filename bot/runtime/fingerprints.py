"""Hashes of what a model is made from: equal hashes mean that training again would change nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum

from bot.dialogue.domain import Domain
from bot.dialogue.messages import JSON
from bot.errors import Location
from bot.nlu.plan import NLU_FORMAT
from bot.policies.learnt_options import NETWORK_FORMAT
from bot.training_data.config_file import ComponentConfig, beside
from bot.training_data.project import Project
from bot.training_data.story_graph import DEFAULT_AUGMENTATION
from bot.written_for_rasa.imports import NoOwnClass, source_of

# Places of things and times of events say nothing about their meaning.
_SKIPPED = frozenset({"location", "locations", "event_locations", "timestamp", "path", "own"})


def fingerprints(
    project: Project, version: str, *, augmentation: int = DEFAULT_AUGMENTATION
) -> dict[str, str]:
    """Return the hash of each part: `nlu`, `policies`, and `domain` with everything that is said.

    The wording of responses is part of `domain` alone, so that a new wording retrains nothing.
    """
    config = project.config
    by_text = any(component.options.get("use_text_as_label") for component in config.pipeline)
    nlu = [
        config.language,
        config.pipeline,
        project.nlu.examples,
        project.nlu.sentiment_examples,
        project.nlu.synonyms,
        project.nlu.regexes,
        project.nlu.lookups,
        project.nlu.responses if by_text else sorted(project.nlu.responses),
        project.domain.intents,
        project.domain.entities,
        _own_code(component.name for component in config.pipeline),
        _backbones(config.pipeline),
        NLU_FORMAT,
    ]
    slots = [slot.custom_type for slot in project.domain.slots.values() if slot.custom_type]
    policies = [
        config.policies,
        _own_code(policy.name for policy in config.policies),
        _own_code(slots),
        project.steps,
        *_structure(project.domain),
        augmentation,
        NETWORK_FORMAT,
    ]
    parts = {"nlu": nlu, "policies": policies, "domain": [project.domain.source, config.assistant_id]}
    return {name: _hash([version, content]) for name, content in parts.items()}


def _own_code(names: Iterable[str]) -> list[str]:
    """Return the hash of each module with a class of the project's own; the check says which are missing."""
    hashes = []
    for name in names:
        if "." in name and not name.startswith("rasa."):
            with suppress(NoOwnClass):
                hashes.append(hashlib.sha256(source_of(name)).hexdigest())
    return hashes


def _backbones(pipeline: Sequence[ComponentConfig]) -> list[str]:
    """Return the hash of the weights in each folder that the pipeline names."""
    hashes = []
    for line in pipeline:
        named = line.options.get("backbone") or line.options.get("model_weights")
        if isinstance(named, str):
            for file in sorted(beside(named, line).glob("*.safetensors")):
                with file.open("rb") as weights:
                    hashes.append(hashlib.file_digest(weights, "sha256").hexdigest())
    return hashes


def _structure(domain: Domain) -> list[object]:
    return [domain.intents, domain.entities, domain.slots, domain.forms, domain.action_names]


def _hash(content: object) -> str:
    text = json.dumps(_plain(content), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: object) -> JSON:
    """Return a JSON form that is equal for equal meanings; the order of a mapping's keys counts."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in _SKIPPED}
        return [type(value).__name__, _plain(named)]
    if isinstance(value, Location):
        return None
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return [[str(key), _plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
