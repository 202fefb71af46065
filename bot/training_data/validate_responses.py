"""Checks of what the assistant says: unused and missing responses, buttons, conditions, placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.dialogue.domain import Domain, ResponseVariation
from bot.errors import nearest
from bot.training_data.findings import Findings
from bot.training_data.project import Project

_UTTER = "utter_"
_NAME = re.compile(r"(utter_\w*)(\{?)")
_PAYLOAD = re.compile(r"/(?P<intent>[^{@]+)")


def check_responses(project: Project, findings: Findings, used: Iterable[str]) -> None:
    """Note responses nobody says, retrieval keys without an answer, and names that do not exist."""
    domain = project.domain
    said = _said_by_actions(project.root)
    used = set(used)
    missing = used - set(domain.responses)
    for name, variations in domain.responses.items():
        place = domain.locations.get(f"responses/{name}")
        if not ({name, name.partition("/")[0]} & used or (said and said.match(name))):
            message = f"response '{name}' is in no story, rule, form or action"
            findings.warn("response-unused", message + nearest(name, missing), place)
        for variation in variations:
            for check, message in _problems(variation, domain):
                findings.warn(check, f"response '{name}' {message}", variation.location or place)
    answered = set(project.nlu.responses)
    for example in project.nlu.examples:
        if "/" in example.intent and example.intent not in answered:
            answered.add(example.intent)
            message = f"there is no response '{_UTTER}{example.intent}' for these examples"
            hint = nearest(_UTTER + example.intent, domain.responses)
            findings.warn("retrieval-response", message + hint, example.location)


def _said_by_actions(root: Path) -> re.Pattern[str] | None:
    """Return a pattern of the response names in the project's own actions (`actions/` or `actions.py`).

    A name that goes on with a `{`, as in `f"utter_order_{state}"`, stands for all that begin like it.
    """
    names: set[str] = set()
    for path in [*root.glob("actions.py"), *root.glob("actions/**/*.py")]:
        for name, goes_on in _NAME.findall(path.read_text(encoding="utf-8", errors="replace")):
            names.add(re.escape(name) + ("" if goes_on else r"\Z"))
    return re.compile("|".join(sorted(names))) if names else None


def _problems(variation: ResponseVariation, domain: Domain) -> Iterator[tuple[str, str]]:
    for button in variation.data.get("buttons") or ():
        match = _PAYLOAD.match(str(button.get("payload", "")))
        intent = match["intent"].strip().partition("/")[0] if match else None
        if intent and intent not in domain.intents:
            message = f"has a button with intent '{intent}', which is not in the domain"
            yield "button-intent", message + nearest(intent, domain.intents)
    for button in (*(variation.data.get("buttons") or ()), *(variation.data.get("quick_replies") or ())):
        for key in ("title", "payload"):
            if key not in button and (strange := [name for name in button if nearest(str(name), (key,))]):
                yield "button-key", f"has a button with '{strange[0]}'{nearest(strange[0], (key,))}"
    for condition in variation.condition or ():
        if condition.get("type") != "slot":
            yield "condition-type", f"has a condition of type '{condition.get('type')}', expected 'slot'"
        slot = condition.get("name")
        if slot not in domain.slots:
            message = f"has a condition on slot '{slot}', which is not in the domain"
            yield "condition-slot", message + nearest(str(slot), domain.slots)
    if variation.condition == ():
        yield "condition-empty", "has an empty condition list and is therefore never said"
