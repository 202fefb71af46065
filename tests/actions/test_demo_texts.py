"""`domain.yml` and the actions agree, and every text exists in both languages."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from actions.conversation import _MEANINGS, _QUESTIONS
from actions.orders import _REFUSALS
from crm_connector.choices import OrderStatus, ReturnStatus, TicketStatus
from tests.actions.chat import ROOT, domain, executor

_BY_THE_ENGINE = {"utter_default", "utter_ask_rephrase", "utter_action_failed", "utter_faq", "utter_restart"}
_MADE_OF_PARTS = {
    *(f"utter_order_{status}" for status in OrderStatus),
    "utter_order_processing_late",
    "utter_order_shipped_late",
    "utter_order_late_known",
    *(f"utter_refund_{status}" for status in ReturnStatus),
    *(f"utter_ticket_{status}" for status in TicketStatus),
    *(
        f"utter_apology_{about}{mood}"
        for about in ("delivery", "product", "service")
        for mood in ("", "_upset")
    ),
    *(f"utter_invalid_{slot}" for slot in ("order_number", "contact", "reason", "rating")),
    *_REFUSALS.values(),
}


_CHINESE = {"type": "slot", "name": "language", "value": "zh"}


def said_by_actions() -> set[str]:
    """Names of responses that stand in the code of the actions."""
    constants = {
        node.value
        for path in (ROOT / "actions").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    names = {text for text in constants if re.fullmatch(r"utter_[a-z_]*[a-z]", text)}
    return names - {"utter_action"} | _MADE_OF_PARTS


def said_by_rules() -> set[str]:
    """Names of responses in stories and rules."""
    texts = "".join(path.read_text("utf-8") for path in (ROOT / "data" / "stories").glob("*.yml"))
    return set(re.findall(r"action: (utter_\S+)", texts))


def variations(name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """English and Chinese variations of a response."""
    every = domain()["responses"][name]
    chinese = [v for v in every if _CHINESE in v.get("condition", ())]
    return [v for v in every if v not in chinese], chinese


def test_every_action_of_the_domain_exists_and_no_other() -> None:
    """The list in the domain is what the package registers."""
    assert set(domain()["actions"]) == set(executor().actions)


def test_every_response_that_is_said_exists_and_none_is_left_over() -> None:
    """No action or rule says what the domain does not know, and no text waits for nobody."""
    known = set(domain()["responses"])
    said = said_by_actions() | said_by_rules() | _BY_THE_ENGINE
    assert said - known <= {"utter_faq"}
    asked = {
        name for name in known if re.match(r"utter_ask_\w+_form_", name) or name.startswith("utter_faq/")
    }
    assert known - said - asked == set()


@pytest.mark.parametrize("name", sorted(domain()["responses"]))
def test_every_response_speaks_both_languages(name: str) -> None:
    """English without a condition, Chinese under `language: zh`, with the same blanks and buttons."""
    english, chinese = variations(name)
    assert english
    assert chinese
    for variation in chinese:
        assert re.search(r"[\u4e00-\u9fff]", variation["text"])
    blanks = {frozenset(re.findall(r"\{(\w+)\}", v["text"])) for v in (*english, *chinese)}
    assert len(blanks) == 1
    assert {len(v.get("buttons", ())) for v in english} == {len(v.get("buttons", ())) for v in chinese}


def test_every_button_leads_to_a_known_intent() -> None:
    """A payload names an intent of the domain, or is what the customer could have typed."""
    intents = {next(iter(i)) if isinstance(i, dict) else i for i in domain()["intents"]}
    for name, every in domain()["responses"].items():
        for button in (b for variation in every for b in variation.get("buttons", ())):
            match = re.match(r"/(\w+)", button["payload"])
            assert match is None or match[1] in intents, name


def test_every_intent_and_common_question_has_words_for_the_customer() -> None:
    """A question "did you mean" never shows the name of an intent."""
    intents = {next(iter(i)) if isinstance(i, dict) else i for i in domain()["intents"]}
    assert set(_MEANINGS) == intents - {"faq", "out_of_scope", "send_file"}
    answers = {name.removeprefix("utter_") for name in domain()["responses"] if "/" in name}
    assert set(_QUESTIONS) == answers
