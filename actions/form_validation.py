"""What is checked while slots are filled: the answers of the three forms."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.severity import is_harmful
from actions.turn import JSON

Slots = dict[str, JSON]

_ORDER_NUMBER = re.compile(r"(?:LC)?[\s-]{0,3}(\d{6})", re.IGNORECASE | re.ASCII)
_EMAIL = re.compile(r"[^\s@<>\"',;]+@[^\s@<>\"',;]+\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"\+?\d[\d\s()/.-]{6,18}\d")
_RATINGS: Mapping[str, int] = {
    **{str(n): n for n in range(1, 6)},
    **dict(zip("一二三四五", range(1, 6), strict=True)),
    **dict(zip(("one", "two", "three", "four", "five"), range(1, 6), strict=True)),
    "两": 2,
}
_RATING = re.compile(
    r"(?<![\d.,-])([1-5])(?![\d.,])|([一二两三四五])|\b(one|two|three|four|five)\b", re.IGNORECASE
)
_TRIGGERS_WITH_REASON = ("report_defect", "open_ticket", "start_return")
_SHORTEST_REASON = 2  # characters; two Chinese ones can say it
_LONGEST_REASON = 2_000
_LONGEST_CONTACT = 320  # characters of the longest e-mail address there can be
_TELLING_CHARS = (
    30  # a shorter wish for a ticket or a return only asks for the form; Chinese says it in a third
)
_TELLING_DEFECT_CHARS = 15  # whoever reports a defect mostly says which


def parse_order_number(text: str) -> str | None:
    """`LC104233` from `lc-104233`, `104233` and the like."""
    match = _ORDER_NUMBER.fullmatch(text.strip())
    return f"LC{match[1]}" if match else None


def parse_contact(text: str) -> str | None:
    """The e-mail address or phone number in a text."""
    text = text[:_LONGEST_CONTACT]
    email = _EMAIL.search(text)
    if email:
        return email[0].strip(".")
    phone = _PHONE.search(text)
    return phone[0].strip() if phone and sum(char.isdigit() for char in phone[0]) >= 8 else None


def parse_rating(value: JSON) -> int | None:
    """A number from 1 to 5, in digits or words of either language; ranges and other numbers are none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if value in (1, 2, 3, 4, 5) else None
    found = {_RATINGS["".join(match).lower()] for match in _RATING.findall(str(value))}
    return found.pop() if len(found) == 1 else None


class FormChecks:
    """What the three forms have in common."""

    def validate_contact(
        self, value: JSON, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON
    ) -> Slots:
        """An e-mail address or a phone number."""
        contact = parse_contact(str(value))
        if contact is None and next(tracker.get_latest_entity_values("order_number"), None):
            return {"contact": None}  # an order number came first; the question comes again by itself
        return _checked("contact", contact, dispatcher, tracker)

    def validate_order_number(
        self, value: JSON, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON
    ) -> Slots:
        """LC and six digits."""
        return _checked("order_number", parse_order_number(str(value)), dispatcher, tracker)

    def validate_reason(
        self, value: JSON, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON
    ) -> Slots:
        """Some words; a button's payload is none. Whoever tells of danger is told first what to do."""
        words = str(value).strip()
        is_told = len(words) >= _SHORTEST_REASON and not words.startswith("/")
        if is_told and is_harmful(words):
            dispatcher.utter_message(response="utter_safety_advice")
        return _checked("reason", words[:_LONGEST_REASON] if is_told else None, dispatcher, tracker)

    def extract_reason(self, _dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON) -> Slots:
        """What is told right with the wish for a ticket or a return need not be asked again."""
        message = tracker.latest_message
        text = str(message.get("text") or "")
        intent = (message.get("intent") or {}).get("name")
        if tracker.slots.get("reason") is not None or intent not in _TRIGGERS_WITH_REASON:
            return {}
        is_chinese = any("\u4e00" <= char <= "\u9fff" for char in text)
        needed = _TELLING_DEFECT_CHARS if intent == "report_defect" else _TELLING_CHARS
        is_told = len(text) * (3 if is_chinese else 1) >= needed and not text.startswith("/")
        return {"reason": text[:_LONGEST_REASON]} if is_told else {}


class ValidateTicketForm(FormChecks, FormValidationAction):
    """The answers of the ticket form."""

    def name(self) -> str:
        """As in the domain."""
        return "validate_ticket_form"

    def validate_reason(
        self, value: JSON, dispatcher: CollectingDispatcher, tracker: Tracker, domain: JSON
    ) -> Slots:
        """The whole message that reports a defect, not the few words that were found to be its reason."""
        message = tracker.latest_message
        text = str(message.get("text") or "").strip()
        is_report = (message.get("intent") or {}).get("name") in _TRIGGERS_WITH_REASON
        is_whole = is_report and str(value) in text and not text.startswith("/")
        return super().validate_reason(text if is_whole else value, dispatcher, tracker, domain)

    def validate_product(
        self, value: JSON, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON
    ) -> Slots:
        """Any name of a product will do: a person reads it."""
        return _checked("product", str(value).strip()[:200] or "none", dispatcher, tracker)


class ValidateReturnForm(FormChecks, FormValidationAction):
    """The answers of the return form."""

    def name(self) -> str:
        """As in the domain."""
        return "validate_return_form"


class ValidateSurveyForm(FormValidationAction):
    """The answers of the survey form."""

    def name(self) -> str:
        """As in the domain."""
        return "validate_survey_form"

    def validate_rating(
        self, value: JSON, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON
    ) -> Slots:
        """A number from 1 to 5."""
        return _checked("rating", parse_rating(value), dispatcher, tracker)

    def validate_comment(
        self, value: JSON, _dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: JSON
    ) -> Slots:
        """Any words."""
        return {"comment": str(value).strip()[:_LONGEST_REASON] or "none"}


def _checked(slot: str, value: JSON, dispatcher: CollectingDispatcher, tracker: Tracker) -> Slots:
    """The value, acknowledged when it corrects an earlier one; an explanation when it is wrong."""
    if value is None:
        dispatcher.utter_message(response=f"utter_invalid_{slot}")
    elif (tracker.latest_message.get("intent") or {}).get("name") == "correct":
        dispatcher.utter_message(response="utter_correction_noted")
    return {slot: value}
