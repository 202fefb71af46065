"""Bare details and corrections: they belong to whatever waits for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actions.accounts import use_contact_details
from actions.escalations import add_complaint_contact, add_complaint_order, take_complaint
from actions.orders import (
    ask_cancellation,
    change_address,
    is_cancelling,
    register_return,
    tell_order_status,
    tell_refund_status,
)
from actions.recommendations import (
    add_interest_contact,
    answer_product_question,
    continue_recommendation,
    open_opportunity,
)
from actions.tickets import tell_ticket_status
from actions.turn import CrmAction, SlotEvent, Turn, set_slots

_REQUESTS: Mapping[str, Callable[[Turn], list[SlotEvent]]] = {
    "order_status": tell_order_status,
    "refund_status": tell_refund_status,
    "cancel_order": ask_cancellation,
    "change_address": change_address,
    "start_return": register_return,
    "ticket_status": tell_ticket_status,
    "complaint": take_complaint,
    "complaint_order": add_complaint_order,
    "complaint_contact": add_complaint_contact,
    "update_contact": use_contact_details,
    "recommendation": continue_recommendation,
    "product_question": answer_product_question,
    "interest": open_opportunity,
    "interest_contact": add_interest_contact,
}
_ABOUT_PRODUCTS = ("recommendation", "product_question", "interest")
_DETAILS = ("category", "email", "phone", "date", "amount", "address", "city", "person_name", "reason")
_TELLING = ("order_number", "ticket_number", "product", "category", "email", "phone")


def use_details(turn: Turn) -> list[SlotEvent]:
    """Go on with what waits for a detail; without such a thing, guess from the detail itself."""
    waiting = str(turn.slot("open_request"))
    has_number = turn.entity("order_number") or turn.entity("ticket_number")
    has_proof = turn.slot("order_number") and (turn.entity("email") or turn.entity("phone"))
    if waiting in _REQUESTS and not ((has_number or has_proof) and waiting in _ABOUT_PRODUCTS):
        return _REQUESTS[waiting](turn)
    if turn.entity("ticket_number"):
        return tell_ticket_status(turn)
    if turn.entity("order_number") or has_proof:
        return tell_order_status(turn)
    if turn.entity("product"):
        return answer_product_question(turn)
    is_detail = any(turn.entity(name) for name in _DETAILS)
    turn.say("utter_details_noted" if is_detail else "utter_unclear_detail")
    return []


def correct(turn: Turn) -> list[SlotEvent]:
    """Take the right value if the message brings it, else forget the last answer: it is asked again."""
    form = (turn.tracker.active_loop or {}).get("name")
    if not form and any(turn.entity(name) for name in _TELLING):
        turn.say("utter_correction_noted")
        return use_details(turn)
    if not form and not any(
        turn.slot(name) for name in ("order_number", "contact", "ticket_number", "product")
    ):
        turn.say("utter_take_your_time")  # nothing was said that could be wrong: "I haven't got it at hand"
        return []
    turn.say("utter_ask_correction")
    last = _last_answer(turn) if form else None
    return set_slots(**{last: None}) if last else []


def _last_answer(turn: Turn) -> str | None:
    """The slot that the running form was given last."""
    asked: list[str] = []
    for event in reversed(turn.tracker.events):
        if event.get("event") == "active_loop":
            break
        if event.get("event") == "slot" and event.get("name") == "requested_slot" and event.get("value"):
            asked.append(str(event["value"]))
    current = turn.slot("requested_slot")
    return next((slot for slot in asked if slot != current and turn.slot(slot) is not None), None)


def drop_request(turn: Turn) -> list[SlotEvent]:
    """Let go of what waits for a detail; a "cancel" that means the order in hand is asked about."""
    if turn.slot("order_number") and turn.text and is_cancelling(turn.text):
        return ask_cancellation(turn)
    turn.say("utter_all_right" if turn.slot("open_request") else "utter_nothing_to_stop")
    return set_slots(open_request=None)


class UseDetails(CrmAction):
    """A bare order number, e-mail, date, product."""

    action_name = "action_use_details"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Go on with what waits for it."""
        return use_details(turn)


class Correct(CrmAction):
    """Something said before was wrong."""

    action_name = "action_correct"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Take the right value, or ask for it."""
        return correct(turn)


class DropRequest(CrmAction):
    """Stop, outside a form."""

    action_name = "action_drop_request"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Let go."""
        return drop_request(turn)
