"""Everything that can be found wrong in a project before training, with file and line.

Errors and warnings are divided as in `rasa data validate` of 3.6; what Rasa only trips over later (unknown
slots and actions in stories, fallback actions, a form without RulePolicy) is an error here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from bot.dialogue.domain import DEFAULT_INTENTS, Domain, EntityProperties
from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.intent_payload import FILE_INTENT
from bot.dialogue.messages import Entity
from bot.dialogue.slots import MappingType, SlotMapping, SlotType
from bot.errors import Finding, Location, nearest
from bot.training_data.config_file import PLACEHOLDER_ID
from bot.training_data.domain_file import UTTER
from bot.training_data.findings import Findings
from bot.training_data.project import Project
from bot.training_data.story_conflicts import find_story_conflicts
from bot.training_data.validate_responses import check_responses

# What the engine says by itself: built-in actions, and the apology for an action that failed.
_DEFAULT_RESPONSES = (
    "utter_default", "utter_restart", "utter_back", "utter_ask_rephrase", "utter_action_failed",
    "utter_internal_failure",
)  # fmt: skip


def validate(project: Project, *, max_history: int | None = None) -> list[Finding]:
    """Return all findings of a project that could be read, those of reading included.

    Args:
        project: What `Project.load` returned.
        max_history: States that count when stories are compared; None for all.
    """
    findings = Findings(list(project.findings))
    _check_config(project, findings)
    if not project.has_domain:
        place = Location(str(project.root / "domain.yml"))
        findings.error("domain-empty", "the project has no domain, or an empty one", place)
    _check_forms(project.domain, findings)
    _check_mappings(project.domain, findings)
    _check_intents(project, findings)
    _check_enough_examples(project, findings)
    _check_entities(project, findings)
    _check_steps(project, findings)
    check_responses(project, findings, _used_responses(project))
    findings.items += find_story_conflicts(project.steps, project.domain, max_history)
    return findings.items


def _check_config(project: Project, findings: Findings) -> None:
    config = project.config
    place = config.location
    if place is not None and not config.language:
        findings.warn("config-language", "'language' is missing, for example 'language: en'", place)
    if place is not None and not config.assistant_id:
        findings.warn("config-assistant-id", "'assistant_id' is missing; give the assistant a name", place)
    elif config.assistant_id == PLACEHOLDER_ID:
        message = f"'assistant_id' is still '{PLACEHOLDER_ID}'; give the assistant a name of its own"
        findings.warn("config-assistant-id", message, config.locations.get("assistant_id"))
    tokenizers = [part for part in config.pipeline if part.name.endswith("Tokenizer")]
    for extra in tokenizers[1:]:
        message = f"'{extra.name}' is a second tokenizer beside '{tokenizers[0].name}'; keep one"
        findings.error("config-tokenizers", message, extra.location)
    _check_rule_policy(project, findings)


def _check_rule_policy(project: Project, findings: Findings) -> None:
    domain = project.domain
    policies = [policy for policy in project.config.policies if policy.name.endswith("RulePolicy")]
    place = project.config.locations.get("policies", project.config.location)
    if not policies and domain.forms:
        message = f"form '{next(iter(domain.forms))}' needs 'RulePolicy' among the policies"
        findings.error("config-rule-policy", message, place)
    elif not policies and project.rules:
        findings.warn("config-rule-policy", "there are rules but no 'RulePolicy' to follow them", place)
    for policy in policies:
        action = policy.options.get("core_fallback_action_name", "action_default_fallback")
        is_on = policy.options.get("enable_fallback_prediction", True)
        if is_on and not domain.has_action(str(action)):
            message = f"core_fallback_action_name '{action}' is not in the domain"
            findings.error(
                "config-fallback", message + nearest(str(action), domain.action_names), policy.location
            )


def _check_forms(domain: Domain, findings: Findings) -> None:
    for name, form in domain.forms.items():
        place = domain.locations.get(f"forms/{name}")
        for slot in form.required_slots:
            if slot not in domain.slots:
                message = f"form '{name}' requires slot '{slot}', which the domain does not have"
                findings.error("form-slot", message + nearest(slot, domain.slots), place)
            elif not _is_asked(name, slot, domain):
                message = (
                    f"form '{name}' never asks for '{slot}': expected utter_ask_{slot} or action_ask_{slot}"
                )
                asking = [name for name in domain.action_names if "_ask_" in name or name.startswith(UTTER)]
                findings.warn("form-question", message + nearest(f"utter_ask_{slot}", asking), place)
        for intent in form.ignored_intents:
            _warn_unknown_intent(intent, f"form '{name}' ignores", domain, place, findings)


def _is_asked(form: str, slot: str, domain: Domain) -> bool:
    asks = (f"{kind}_ask_{name}" for kind in ("action", "utter") for name in (f"{form}_{slot}", slot))
    return any(domain.has_action(ask) for ask in asks)


def _check_mappings(domain: Domain, findings: Findings) -> None:
    for slot in domain.slots.values():
        place = domain.locations.get(f"slots/{slot.name}")
        for mapping in slot.mappings:
            _check_free_text(slot.name, mapping, domain, findings)
            for condition in mapping.conditions:
                if condition.active_loop:
                    _check_condition(slot.name, mapping, condition.active_loop, domain, findings)
                asked = condition.requested_slot
                if asked and asked not in domain.slots:
                    message = (
                        f"a mapping of slot '{slot.name}' names requested_slot '{asked}', which is no slot"
                    )
                    findings.warn("mapping-slot", message + nearest(asked, domain.slots), place)
            for intent in (*(mapping.intent or ()), *mapping.not_intent):
                if intent not in domain.forms:
                    _warn_unknown_intent(
                        intent, f"slot '{slot.name}' is mapped with", domain, place, findings
                    )
            if mapping.entity and mapping.entity not in domain.entities:
                message = (
                    f"slot '{slot.name}' is filled from entity '{mapping.entity}', which is not in the domain"
                )
                findings.warn("mapping-entity", message + nearest(mapping.entity, domain.entities), place)
            if mapping.action and not domain.has_action(mapping.action):
                message = (
                    f"slot '{slot.name}' is filled by action '{mapping.action}', which is not in the domain"
                )
                findings.warn("mapping-action", message + nearest(mapping.action, domain.action_names), place)


def _check_free_text(slot: str, mapping: SlotMapping, domain: Domain, findings: Findings) -> None:
    """Every message fills such a slot, in and out of forms, which surprises most authors."""
    is_bound = mapping.intent or mapping.not_intent or mapping.conditions
    if mapping.type is MappingType.FROM_TEXT and not is_bound:
        message = (
            f"slot '{slot}' takes the text of every message; add 'conditions' with a form, or an 'intent'"
        )
        findings.warn("mapping-from-text", message, domain.locations.get(f"slots/{slot}"))


def _check_condition(slot: str, mapping: SlotMapping, form: str, domain: Domain, findings: Findings) -> None:
    place = domain.locations.get(f"slots/{slot}")
    if form not in domain.forms:
        message = f"a mapping of slot '{slot}' names form '{form}', which is not in the domain"
        findings.error("mapping-form", message + nearest(form, domain.forms), place)
        return
    required = domain.forms[form].required_slots
    if required and slot not in required and mapping.type is not MappingType.FROM_TRIGGER_INTENT:
        message = f"a mapping of slot '{slot}' names form '{form}', which does not require the slot"
        findings.error("mapping-form", message, place)


def _warn_unknown_intent(
    intent: str, owner: str, domain: Domain, place: Location | None, findings: Findings
) -> None:
    if intent not in domain.intents:
        message = f"{owner} intent '{intent}', which is not in the domain"
        findings.warn("intent-unknown", message + nearest(intent, domain.intents), place)


def _check_intents(project: Project, findings: Findings) -> None:
    domain = project.domain
    own = [name for name in domain.intents if name not in DEFAULT_INTENTS]
    with_examples: dict[str, Location | None] = {}
    texts: dict[str, dict[str, Location | None]] = {}
    for example in project.nlu.examples:
        if not example.intent:
            continue
        base = example.intent.partition("/")[0]
        with_examples.setdefault(base, example.location)
        texts.setdefault(example.text, {}).setdefault(base, example.location)
    for name in own:
        if name not in with_examples and name != FILE_INTENT:
            message = f"intent '{name}' has no examples in the NLU data{nearest(name, with_examples)}"
            findings.warn("intent-without-examples", message, domain.locations.get(f"intents/{name}"))
    for name, place in with_examples.items():
        if name not in domain.intents:
            message = f"examples have intent '{name}', which is not in the domain{nearest(name, own)}"
            findings.warn("intent-not-in-domain", message, place)
    for text, intents in texts.items():
        if len(intents) > 1:
            places = " and ".join(f"'{name}' ({place})" for name, place in sorted(intents.items()))
            message = f"the example '{text}' stands under several intents: {places}"
            findings.warn("example-in-two-intents", message, list(intents.values())[-1])


def _check_enough_examples(project: Project, findings: Findings) -> None:
    """Warn of what can be taught by rote alone: an intent with one example, sentiment with one value."""
    examples = [example for example in project.nlu.examples if example.intent]
    counts = Counter(example.intent for example in examples)
    for example in examples:
        if counts[example.intent] == 1:
            message = (
                f"intent '{example.intent}' has a single example, so other words for it will not be "
                "understood; expected at least 2, better 15"
            )
            findings.warn("intent-one-example", message, example.location)
    moods = project.nlu.sentiment_examples
    values = {mood.value for mood in moods}
    if len(values) == 1:
        message = (
            f"all sentiment examples are '{moods[0].value}', so sentiment is not learnt; add another value"
        )
        findings.warn("sentiment-one-value", message, moods[0].location)


def _check_entities(project: Project, findings: Findings) -> None:
    domain = project.domain
    noted: set[str] = set()
    for example in project.nlu.examples:
        for entity in example.entities:
            known = domain.entities.get(entity.entity)
            if known is None and entity.entity not in noted:
                noted.add(entity.entity)
                message = f"examples have entity '{entity.entity}', which is not in the domain"
                hint = nearest(entity.entity, domain.entities)
                findings.warn("entity-not-in-domain", message + hint, example.location)
            if known is not None:
                _check_labels(entity, known, example.location, noted, findings)


def _check_labels(
    entity: Entity, known: EntityProperties, place: Location | None, noted: set[str], findings: Findings
) -> None:
    for kind, label, listed in (("role", entity.role, known.roles), ("group", entity.group, known.groups)):
        name = f"{entity.entity}#{label}"
        if label and label not in listed and name not in noted:
            noted.add(name)
            message = f"{kind} '{label}' of entity '{entity.entity}' is not in the domain"
            findings.warn("entity-label", message + nearest(label, listed), place)


def _events(project: Project) -> Iterator[tuple[str, Event, Location | None]]:
    for step in project.steps:
        for event, place in zip(step.events, step.event_locations, strict=True):
            yield step.name, event, place


def _check_steps(project: Project, findings: Findings) -> None:
    domain = project.domain
    noted: set[tuple[str, str]] = set()
    used: set[str] = set()
    for story, event, place in _events(project):
        if isinstance(event, UserUttered) and event.intent_name:
            used.add(event.intent_name)
        for check, name, problem in _event_problems(event, domain):
            if (check, name) not in noted:
                noted.add((check, name))
                message = f"'{story}' {problem}"
                is_error = check in ("action-unknown", "form-unknown", "slot-unknown")
                (findings.error if is_error else findings.warn)(check, message, place)
    _check_checkpoints(project, findings)
    for name in domain.intents:
        if name not in used and name not in DEFAULT_INTENTS:
            place = domain.locations.get(f"intents/{name}")
            findings.warn("intent-unused", f"intent '{name}' is in no story or rule", place)


def _check_checkpoints(project: Project, findings: Findings) -> None:
    """Warn of checkpoints that nothing leads to, or that lead nowhere."""
    starts = {point.name: point for step in project.steps for point in step.start if point.is_written}
    ends = {point.name: point for step in project.steps for point in step.end if point.is_written}
    domain = project.domain
    for point in starts.values():
        for slot in point.conditions:
            if slot not in domain.slots:
                message = f"checkpoint '{point.name}' {_unknown('slot', slot, domain.slots)}"
                findings.warn("checkpoint-slots", message, point.location)
    for name, point in starts.items():
        if name not in ends:
            message = f"no story ends at checkpoint '{name}', so what starts here is never learnt"
            findings.warn("checkpoint-unused", message + nearest(name, ends), point.location)
    for name, point in ends.items():
        if name not in starts:
            message = f"no story starts at checkpoint '{name}', so this one just ends here"
            findings.warn("checkpoint-unused", message + nearest(name, starts), point.location)


def _event_problems(event: Event, domain: Domain) -> Iterator[tuple[str, str, str]]:
    """Return (check, name, message) for what a story's event names and the domain does not have."""
    match event:
        case UserUttered():
            yield from _user_problems(event, domain)
        case ActionExecuted(name=str(name)) if not domain.has_action(name):
            if name.startswith(UTTER):
                yield "response-unknown", name, _unknown("response", name, domain.responses)
            else:
                yield "action-unknown", name, _unknown("action", name, domain.action_names)
        case ActiveLoop(name=str(name)) if not domain.has_action(name):
            yield "form-unknown", name, _unknown("form", name, domain.forms)
        case SlotSet():
            yield from _slot_problems(event, domain)
        case _:
            return


def _user_problems(event: UserUttered, domain: Domain) -> Iterator[tuple[str, str, str]]:
    intent = event.intent_name
    if intent and intent not in domain.intents:
        yield "story-intent", intent, _unknown("intent", intent, domain.intents)
    for entity in event.entities:
        if entity.entity not in domain.entities:
            known = (*domain.entities, "role", "group")
            yield "story-entity", entity.entity, _unknown("entity", entity.entity, known)


def _slot_problems(event: SlotSet, domain: Domain) -> Iterator[tuple[str, str, str]]:
    slot = domain.slots.get(event.name)
    if slot is None:
        yield "slot-unknown", event.name, _unknown("slot", event.name, domain.slots)
        return
    has_values = slot.type is SlotType.CATEGORICAL and slot.values and event.value is not None
    if has_values and str(event.value).lower() not in slot.values:
        known = ", ".join(slot.values)
        problem = f"sets slot '{event.name}' to '{event.value}', which is none of its values ({known})"
        yield "slot-value", f"{event.name}={event.value}", problem


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    return f"uses {kind} '{name}', which is not in the domain{nearest(name, known)}"


def _used_responses(project: Project) -> Mapping[str, None]:
    """Return the responses that stories, forms or built-in actions say."""
    domain = project.domain
    used = dict.fromkeys(_DEFAULT_RESPONSES)
    for _, event, _place in _events(project):
        if isinstance(event, ActionExecuted) and event.name:
            used[event.name] = None
    for name, form in domain.forms.items():
        for slot in form.required_slots:
            used[f"utter_ask_{slot}"] = used[f"utter_ask_{name}_{slot}"] = None
    return used
