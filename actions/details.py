"""Bare details and corrections: they belong to whatever waits for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actions.accounts import use_contact_details
from actions.escalations import add_complaint_contact, add_complaint_order
from actions.orders import (
    ask_cancellation,
    change_address,
    register_return,
    tell_order_status,
    tell_refund_status,
)
from actions.recommendations import answer_product_question, continue_recommendation, open_opportunity
from actions.tickets import tell_ticket_status
from actions.turn import CrmAction, SlotEvent, Turn, set_slots

_REQUESTS: Mapping[str, Callable[[Turn], list[SlotEvent]]] = {
    "order_status": tell_order_status,
    "refund_status": tell_refund_status,
    "cancel_order": ask_cancellation,
    "change_address": change_address,
    "start_return": register_return,
    "ticket_status": tell_ticket_status,
    "complaint_order": add_complaint_order,
    "complaint_contact": add_complaint_contact,
    "update_contact": use_contact_details,
    "recommendation": continue_recommendation,
    "product_question": answer_product_question,
    "interest": open_opportunity,
}
_ABOUT_PRODUCTS = ("recommendation", "product_question", "interest")
_TELLING = ("order_number", "ticket_number", "product", "category", "email", "phone")


def use_details(turn: Turn) -> list[SlotEvent]:
    """Go on with what waits for a detail; without such a thing, guess from the detail itself."""
    waiting = str(turn.slot("open_request"))
    has_number = turn.entity("order_number") or turn.entity("ticket_number")
    if waiting in _REQUESTS and not (has_number and waiting in _ABOUT_PRODUCTS):
        return _REQUESTS[waiting](turn)
    if turn.entity("ticket_number"):
        return tell_ticket_status(turn)
    if turn.entity("order_number"):
        return tell_order_status(turn)
    if turn.entity("product"):
        return answer_product_question(turn)
    turn.say("utter_details_noted")
    return []


def correct(turn: Turn) -> list[SlotEvent]:
    """Take the right value if the message brings it, else forget the last answer: it is asked again."""
    form = (turn.tracker.active_loop or {}).get("name")
    if not form and any(turn.entity(name) for name in _TELLING):
        turn.say("utter_correction_noted")
        return use_details(turn)
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
