"""Domain files in, one `Domain` out: read, merge split domains, add what Rasa adds by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.dialogue.domain import DEFAULT_ACTIONS, Domain, IntentProperties, ResponseVariation
from bot.dialogue.messages import JSON
from bot.errors import InvalidProject, Location
from bot.training_data.domain_intents import build_entities, build_intents
from bot.training_data.domain_responses import build_responses, names_are_text
from bot.training_data.domain_slots import build_forms, build_session_config, build_slots
from bot.training_data.findings import Findings
from bot.training_data.unknown_keys import warn_misspelled_keys
from bot.training_data.yaml_files import NEWEST_VERSION, read_yaml, version_is_readable, yaml_files_below
from bot.training_data.yaml_values import YamlList, YamlMap, kind, plain

LIST_KEYS = ("intents", "entities", "actions", "e2e_actions")
MAP_KEYS = ("forms", "responses", "slots")
DOMAIN_KEYS = (
    "slots",
    "forms",
    "actions",
    "entities",
    "intents",
    "responses",
    "e2e_actions",
    "session_config",
)
UTTER = "utter_"
_DEFAULT_SESSION = {"session_expiration_time": 60, "carry_over_slots_to_new_session": True}


@dataclass
class RawDomain:
    """The merged input of a domain, not yet typed; `locations` maps `kind/name` to its place."""

    source: dict[str, JSON] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether no file said anything."""
        return not any(self.source.get(key) for key in DOMAIN_KEYS)


def load_domain(paths: Sequence[Path], findings: Findings | None = None) -> Domain:
    """Read domain files and folders into one domain, default parts added.

    Args:
        paths: Files, or folders whose YAML files with domain keys are merged in sorted order.
        findings: Collects warnings and errors; without it errors are raised.

    Raises:
        InvalidProject: A file is wrong and no `findings` were given to note it in.
    """
    collected = findings if findings is not None else Findings()
    domain = build_domain(read_domain(paths, collected), collected)
    if findings is None:
        collected.raise_errors()
    return domain


def is_domain_content(document: JSON) -> bool:
    """Tell whether a file is part of a domain, by its keys."""
    return isinstance(document, dict) and any(key in document for key in DOMAIN_KEYS)


def read_domain(paths: Sequence[Path], findings: Findings) -> RawDomain:
    """Read and merge domain files; what is wrong is noted and the rest is read."""
    merged = RawDomain()
    for path in paths:
        if path.is_dir():
            part = RawDomain()
            for file in yaml_files_below([path]):
                part = merge_domains(part, _read_file(file, findings, must_fit=False), findings)
        elif path.exists():
            part = _read_file(path, findings, must_fit=True)
        else:
            findings.error("domain-missing", "there is no such domain file", Location(str(path)))
            continue
        merged = merge_domains(merged, part, findings)
    return merged


def merge_domains(
    first: RawDomain, second: RawDomain, findings: Findings | None = None, *, override: bool = False
) -> RawDomain:
    """Unite two domains as Rasa does: on a conflict the first one wins, with `override` the second.

    New names of the second stand before those of the first, except with `override`: the action order, which
    policies count by, follows from it.
    """
    if second.is_empty or first.is_empty:
        return first if second.is_empty else second
    source = dict(first.source)
    forms = source.get("forms") or {}
    for key in (*LIST_KEYS, *MAP_KEYS):
        ours, theirs = _entries(first.source.get(key)), _entries(second.source.get(key))
        if key == "actions":
            theirs = {name: value for name, value in theirs.items() if name not in forms}
        if findings is not None and key != "e2e_actions":
            _warn_duplicates(key, ours, theirs, second, findings)
        united = {**ours, **theirs} if override else {**theirs, **ours}
        source[key] = united if key in MAP_KEYS else list(united.values())
    source["e2e_actions"] = sorted(map(str, source["e2e_actions"]))
    session = second.source.get("session_config")
    is_default = first.source.get("session_config") in (None, _DEFAULT_SESSION)
    if (override or is_default) and session not in (None, _DEFAULT_SESSION):
        source["session_config"] = session
    config = {**(second.source.get("config") or {}), **(first.source.get("config") or {})}
    if config:
        source["config"] = config
    locations = (first.locations, second.locations) if override else (second.locations, first.locations)
    return RawDomain(source, {**locations[0], **locations[1]})


def with_retrieval_intents(
    raw: RawDomain,
    domain: Domain,
    intents: Iterable[str],
    responses: Mapping[str, JSON],
    locations: Mapping[str, Location],
) -> RawDomain:
    """Add what NLU files say: retrieval intents with their `utter_` actions, and responses.

    Like Rasa, this forgets the `use_entities` of a retrieval intent. Names are sorted, where Rasa's order
    changes from run to run.
    """
    names = sorted(intents)
    source: dict[str, JSON] = {
        "intents": [{name: _retrieval_properties(domain.intents.get(name))} for name in names],
        "actions": [UTTER + name for name in names],
        "responses": dict(responses),
    }
    return merge_domains(raw, RawDomain(source, dict(locations)), override=True)


def with_action_texts(raw: RawDomain, texts: Iterable[str]) -> RawDomain:
    """Add end-to-end bot texts as actions."""
    return merge_domains(raw, RawDomain({"e2e_actions": sorted(texts)}))


def build_domain(raw: RawDomain, findings: Findings) -> Domain:
    """Turn merged input into a typed domain; every mistake is noted in `findings`."""
    source = raw.source
    entities = build_entities(source.get("entities") or (), findings)
    intents = build_intents(source.get("intents") or (), entities, findings)
    forms = build_forms(source.get("forms") or {}, findings, raw.locations)
    responses = build_responses(source.get("responses") or {}, findings, raw.locations)
    actions = tuple(_names(source.get("actions")))
    texts = tuple(text for text in source.get("e2e_actions") or () if isinstance(text, str))
    action_names = _action_names(actions, responses, tuple(forms), texts)
    with_knowledge_base = "action_query_knowledge_base" in action_names
    slots = build_slots(
        source.get("slots") or {},
        findings,
        raw.locations,
        forms=forms,
        with_knowledge_base=with_knowledge_base,
    )
    _check_duplicates(action_names, raw, findings)
    return Domain(
        intents=dict(sorted(intents.items())),
        entities=dict(sorted(entities.items())),
        slots=slots,
        responses=responses,
        forms=forms,
        user_actions=actions,
        action_names=action_names,
        action_texts=texts,
        session_config=build_session_config(source.get("session_config") or {}, findings),
        source=_payload(raw),
        locations=raw.locations,
    )


def _read_file(path: Path, findings: Findings, *, must_fit: bool) -> RawDomain:
    """Read one file; without `must_fit` a file that is not about the domain is passed over."""
    try:
        document = read_yaml(path)
    except InvalidProject as error:
        findings.items.extend(error.findings)
        return RawDomain()
    if not isinstance(document, YamlMap):
        if must_fit:
            message = f"a domain must be a mapping, found {kind(document)}"
            findings.error("domain-schema", message, Location(str(path), 1))
        return RawDomain()
    warn_misspelled_keys(document, findings)
    if not (must_fit or is_domain_content(document)) or not version_is_readable(document, findings):
        return RawDomain()
    return parse_domain(document, findings)


def parse_domain(document: YamlMap, findings: Findings) -> RawDomain:
    """Take the domain keys out of a file and note where every name stands."""
    raw = RawDomain()
    if isinstance(settings := document.get("config"), YamlMap):
        warn_misspelled_keys(settings, findings, known=("store_entities_as_slots",), where=" under 'config'")
    for key, value in document.items():
        expected = YamlList if key in LIST_KEYS else YamlMap
        if key not in (*DOMAIN_KEYS, "config") or value is None:
            continue
        if not isinstance(value, expected):
            wanted = "a list" if expected is YamlList else "a mapping"
            message = f"'{key}' must be {wanted}, found {kind(value)}"
            if key == "forms":
                message += "; since Rasa 3 a form is written as 'name: {required_slots: [...]}'"
            findings.error("domain-schema", message, document.at(key))
        elif isinstance(value, YamlList):
            raw.source[key] = _read_list(key, value, raw.locations, findings)
        elif key not in MAP_KEYS or names_are_text(key, value, findings):
            raw.source[key] = value
            raw.locations.update((f"{key}/{name}", value.at(name)) for name in value)
    if raw.source and document.get("version"):
        raw.source["version"] = str(document["version"])
    return raw


def _read_list(key: str, items: YamlList, locations: dict[str, Location], findings: Findings) -> list[JSON]:
    """Keep the items that have a name; a name twice in one list is an error."""
    good: list[JSON] = []
    for item, place in items.with_places():
        is_map = isinstance(item, YamlMap) and bool(item) and key != "e2e_actions"
        names = list(item) if is_map else [item]
        if not all(isinstance(name, str) and name for name in names):
            message = f"an item of '{key}' must be a name, found {kind(item)} {plain(item)!r}"
            hint = "; put quotes around it" if isinstance(item, bool | int | float) else ""
            findings.error("domain-schema", message + hint, place)
            continue
        if key == "actions" and is_map and not _is_action_map(item):
            message = f"an action is a name, or 'name: {{send_domain: true}}', found {plain(item)}"
            findings.error("domain-schema", message, place)
            continue
        for options in item.values() if key == "actions" and is_map else ():
            warn_misspelled_keys(options, findings, known=("send_domain",), where=" of an action")
        for name in names:
            first = locations.get(f"{key}/{name}")
            if first is not None:
                message = f"'{name}' stands twice under '{key}', first at {first}"
                findings.error("domain-duplicate", message, place)
            locations.setdefault(f"{key}/{name}", place)
        good.append(item)
    return good


def _is_action_map(item: Mapping[str, JSON]) -> bool:
    options = list(item.values())
    return all(isinstance(o, dict) and isinstance(o.get("send_domain", False), bool) for o in options)


def _names(items: JSON) -> list[str]:
    return [name for item in items or () for name in (item if isinstance(item, dict) else [item])]


def _entries(value: JSON) -> dict[str, JSON]:
    """Key a section by name, lists included."""
    if isinstance(value, dict):
        return dict(value)
    return {(min(item) if isinstance(item, dict) else item): item for item in value or ()}


def _warn_duplicates(
    key: str, ours: Mapping[str, JSON], theirs: Mapping[str, JSON], second: RawDomain, findings: Findings
) -> None:
    for name in theirs:
        if name in ours and plain(theirs[name]) != plain(ours[name]):
            message = f"'{name}' under '{key}' is also defined in another file; the first one read wins"
            findings.warn("domain-duplicate", message, second.locations.get(f"{key}/{name}"))


def _retrieval_properties(known: IntentProperties | None) -> dict[str, JSON]:
    properties: dict[str, JSON] = {"is_retrieval_intent": True}
    if known is not None:
        properties["used_entities"] = list(known.used_entities)
    return properties


def _action_names(
    actions: Sequence[str],
    responses: Mapping[str, tuple[ResponseVariation, ...]],
    forms: Sequence[str],
    texts: Sequence[str],
) -> tuple[str, ...]:
    """Rasa's index order: built-ins, custom actions, sorted responses, forms, end-to-end texts."""
    listed = (*actions, *(name for name in sorted(responses) if name not in actions))
    own = (name for name in listed if name not in DEFAULT_ACTIONS)
    return (*DEFAULT_ACTIONS, *own, *(name for name in forms if name not in actions), *texts)


def _check_duplicates(names: Sequence[str], raw: RawDomain, findings: Findings) -> None:
    """Forms and responses share their names; a name twice in one list is noted where it is read."""
    for name in raw.source.get("forms") or ():
        if names.count(name) > 1:
            message = f"'{name}' is the name of a form and of another action"
            findings.error("domain-duplicate", message, raw.locations.get(f"forms/{name}"))


def _payload(raw: RawDomain) -> dict[str, JSON]:
    """The cleaned input that action servers get: built-in parts left out, intents sorted."""
    source: dict[str, JSON] = {"version": NEWEST_VERSION}
    for key, value in raw.source.items():
        if value not in (None, {}, []):
            source[key] = plain(value)
    source.setdefault("session_config", dict(_DEFAULT_SESSION))
    for intent in source.get("intents", ()):
        for properties in intent.values() if isinstance(intent, dict) else ():
            for key in ("use_entities", "ignore_entities"):
                if isinstance(properties, dict) and key in properties and not properties[key]:
                    properties[key] = []
    if "intents" in source:
        source["intents"].sort(key=lambda item: min(item) if isinstance(item, dict) else item)
    for name, form in source.get("forms", {}).items():
        if isinstance(form, dict | list) and "required_slots" not in form:
            source["forms"][name] = {"required_slots": form}
    return source
