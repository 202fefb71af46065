"""Orders: where they are, cancelling, redirecting, sending back; each only after a proof whose it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from actions.addresses import parse_address
from actions.complaint_tickets import live_ticket
from actions.turn import CrmAction, SlotEvent, Turn, day, money, set_slots
from crm_connector import customers, identity_checks, orders, products
from crm_connector.choices import ComplaintCategory, OrderStatus, ReturnRefusal
from crm_connector.tables import Order, OrderLine, Product, Return

_CANCEL = re.compile(r"\bcancel|取消|撤销|退掉", re.IGNORECASE)
_KEEP = re.compile(r"\b(?:no|not|never|don.?t|keep|stop)\b|不|别|算了|保留|留着", re.IGNORECASE)

_REFUSALS = {
    ReturnRefusal.CANCELLED: "utter_return_cancelled",
    ReturnRefusal.NOT_DELIVERED: "utter_return_not_delivered",
    ReturnRefusal.TOO_LATE: "utter_return_too_late",
    ReturnRefusal.NOT_IN_ORDER: "utter_return_not_in_order",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """An order that was proven to be the customer's own, or none; `events` remember what is missing."""

    order: Order | None = None
    events: list[SlotEvent] = field(default_factory=list)


def find_own_order(turn: Turn, number: str, contact: str) -> Order | None:
    """The order, if the e-mail or phone is its own; the one door to orders for all actions.

    A failure is counted in the CRM. After too many of them the door stays shut, to the right proof as well;
    a number that no order has is treated like any other.
    """
    if identity_checks.is_locked(turn.session, number, turn.sender_id):
        return None
    is_email = "@" in contact
    order = orders.find_order(
        turn.session, number, email=contact if is_email else None, phone=None if is_email else contact
    )
    if order is None and number:
        key = f"{turn.source_key}:check"
        identity_checks.note_failure(turn.session, number, turn.sender_id, source_key=key)
    return order


def own_order(turn: Turn) -> Order | None:
    """The order that slots name and prove, if they do; nothing is said."""
    number, contact = turn.slot("order_number"), turn.slot("contact")
    if not number or not contact or not turn.slot("verified_customer"):
        return None
    return find_own_order(turn, str(number), str(contact))


def prove(turn: Turn, request: str) -> Proof:
    """Ask for what is missing, one thing at a time, or find the order and remember whose it is.

    After a failure number and contact are kept aside: whoever mistyped one of them need not repeat the other.

    Args:
        turn: The customer's turn.
        request: What is wanted; `action_use_details` takes it up again when the detail comes.
    """
    number, contact = _given_proof(turn)
    if identity_checks.is_locked(turn.session, number or "", turn.sender_id):
        turn.say("utter_too_many_checks")
        return Proof(events=set_slots(open_request=None))
    if not number:
        turn.say("utter_ask_proof_order" if request == "update_contact" else "utter_ask_order_number")
        return Proof(events=set_slots(open_request=request))
    if not contact:
        turn.say("utter_ask_order_contact", order_number=number)
        return Proof(events=set_slots(open_request=request))
    order = find_own_order(turn, number, contact)
    if order is None:
        turn.say("utter_order_not_found", order_number=number)
        return Proof(
            events=set_slots(
                failed_proof=[number, contact], order_number=None, contact=None, open_request=request
            )
        )
    turn.linked(customers.link(turn.session, turn.customer, order))
    return Proof(
        order,
        set_slots(
            order_number=order.number,
            contact=contact,
            failed_proof=None,
            verified_customer=str(order.customer_id),
            open_request=None,
        ),
    )


def _given_proof(turn: Turn) -> tuple[str | None, str | None]:
    """Order number and contact; one that failed before stands in for the half that was not said anew."""
    number, contact = turn.slot("order_number"), turn.slot("contact")
    failed = turn.slot("failed_proof") or (None, None)
    if bool(number) != bool(contact):
        number, contact = number or failed[0], contact or failed[1]
    return (orders.normal_number(str(number)) if number else None), (str(contact) if contact else None)


def tell_order_status(turn: Turn) -> list[SlotEvent]:
    """Say where the order is, and own up when it is late."""
    proof = prove(turn, "order_status")
    if proof.order is None:
        return proof.events
    return [*proof.events, *_say_status(turn, proof.order)]


def tell_refund_status(turn: Turn) -> list[SlotEvent]:
    """Say how far the money is, for every return of the order."""
    proof = prove(turn, "refund_status")
    if proof.order is None:
        return proof.events
    known = orders.returns_of(turn.session, proof.order)
    for returned in known:
        turn.say(
            f"utter_refund_{returned.status}",
            return_number=returned.number,
            amount=money(returned.amount, returned.currency),
            refunded=day(returned.refunded_at, turn.language),
        )
    if not known:
        turn.say("utter_refund_none", order_number=proof.order.number)
        return [*proof.events, *set_slots(offer="return")]
    return proof.events


def ask_cancellation(turn: Turn) -> list[SlotEvent]:
    """Ask whether the order shall really be cancelled, or say why it cannot be."""
    proof = prove(turn, "cancel_order")
    order = proof.order
    if order is None:
        return proof.events
    if order.status is OrderStatus.PROCESSING:
        turn.say(
            "utter_ask_cancellation", order_number=order.number, total=money(order.total, order.currency)
        )
        return [*proof.events, *set_slots(offer="cancellation")]
    _say_cancelled_or_too_late(turn, order)
    return proof.events


def cancel_order(turn: Turn) -> list[SlotEvent]:
    """Cancel the order after the customer's yes; the proof is asked again, slots can be changed."""
    proof = prove(turn, "cancel_order")
    order = proof.order
    if order is None:
        return proof.events
    if order.status is OrderStatus.PROCESSING and orders.cancel(turn.session, order):
        turn.say(
            "utter_cancellation_done", order_number=order.number, total=money(order.total, order.currency)
        )
    else:
        _say_cancelled_or_too_late(turn, order)
    return proof.events


def settle_cancellation(turn: Turn) -> list[SlotEvent]:
    """Take "yes, cancel it" for a yes and "no, stop" for a no; both are easily taken for a new wish."""
    if turn.entity("order_number") or not turn.text:
        return ask_cancellation(turn)
    if is_cancelling(turn.text):
        return cancel_order(turn)
    turn.say("utter_cancellation_kept", order_number=turn.slot("order_number"))
    return []


def is_cancelling(text: str) -> bool:
    """Whether "cancel" means the order: "cancel it" does, "no, don't cancel" does not."""
    return _CANCEL.search(text) is not None and _KEEP.search(text) is None


def change_address(turn: Turn) -> list[SlotEvent]:
    """Send the order to the address of this message, or ask for it."""
    proof = prove(turn, "change_address")
    order = proof.order
    if order is None:
        return [*proof.events, *_remember_address(turn)]
    if order.status is not OrderStatus.PROCESSING:
        is_cancelled = order.status is OrderStatus.CANCELLED
        turn.say(
            "utter_order_cancelled" if is_cancelled else "utter_address_too_late", order_number=order.number
        )
        return [*proof.events, *set_slots(address=None)]
    given = _address_of_message(turn) or turn.slot("address") or turn.text
    address = parse_address(given, city=turn.entity("city", "new") or turn.entity("city") or order.city)
    if address is None:
        turn.say("utter_ask_new_address", order_number=order.number)
        return [*proof.events, *set_slots(open_request="change_address", address=None)]
    orders.change_address(turn.session, order, address)
    written = ", ".join(part for part in (address.street, address.postal_code, address.city) if part)
    turn.say("utter_address_changed", order_number=order.number, address=written)
    return [*proof.events, *set_slots(address=None)]


def register_return(turn: Turn) -> list[SlotEvent]:
    """Register the return of the product that was named, of the only one, or ask which."""
    proof = prove(turn, "start_return")
    order = proof.order
    if order is None:
        return proof.events
    chosen = _lines_to_return(turn, order)
    if not chosen:
        turn.say(
            "utter_ask_return_product", buttons=_line_buttons(order, turn.language), order_number=order.number
        )
        return [*proof.events, *set_slots(open_request="start_return")]
    reason = str(turn.slot("reason") or "")
    answers = [orders.request_return(turn.session, order, line.product, reason) for line in chosen]
    returned = [answer.returned for answer in answers if answer.returned is not None]
    if returned:
        _say_returned(turn, order, returned)
    elif answers[0].refusal is not None:
        turn.say(
            _REFUSALS[answers[0].refusal],
            order_number=order.number,
            delivered=day(order.delivered_at, turn.language),
        )
    return [*proof.events, *set_slots(reason=None, product=None)]


def _say_status(turn: Turn, order: Order) -> list[SlotEvent]:
    """Say it; of a late order offer to complain, unless this conversation has complained already."""
    late = orders.days_late(order) > 0 and order.status in (OrderStatus.PROCESSING, OrderStatus.SHIPPED)
    ticket = live_ticket(turn, ComplaintCategory.DELIVERY) if late else None
    kind = f"{order.status}{'_late' if late else ''}" if ticket is None else "late_known"
    turn.say(
        f"utter_order_{kind}",
        ticket_number=ticket.number if ticket else "–",
        order_number=order.number,
        placed=day(order.placed_at, turn.language),
        promised=day(order.promised_at, turn.language),
        shipped=day(order.shipped_at, turn.language),
        delivered=day(order.delivered_at, turn.language),
        carrier=order.carrier or "–",
        parcel_number=order.parcel_number or "–",
    )
    return set_slots(offer="complaint") if late and ticket is None else []


def _say_cancelled_or_too_late(turn: Turn, order: Order) -> None:
    if order.status is OrderStatus.CANCELLED:
        turn.say("utter_order_cancelled", order_number=order.number)
    else:
        turn.say("utter_cancellation_too_late", order_number=order.number)


def _say_returned(turn: Turn, order: Order, returned: list[Return]) -> None:
    """One message for every return, because each parcel carries its own number."""
    for row in returned:
        turn.say(
            "utter_return_registered",
            return_number=row.number,
            order_number=order.number,
            items=row.order_line.product.name_in(turn.language),
            amount=money(row.amount, row.currency),
        )


def _remember_address(turn: Turn) -> list[SlotEvent]:
    """Keep a new address of a message whose order is still to be proven."""
    given = _address_of_message(turn)
    return set_slots(address=given) if given else []


def _address_of_message(turn: Turn) -> str | None:
    """What the message says from the street on: postal code and city mostly follow it."""
    street = turn.entity("address", "new") or turn.entity("address")
    if street is None:
        return None
    return turn.text[turn.text.find(street) :] if street in turn.text else street


def _lines_to_return(turn: Turn, order: Order) -> list[OrderLine]:
    """The lines that the customer means; none when the order has several and she named none of them."""
    named = turn.slot("product") or turn.slot("category")
    if named == "all" or len(order.lines) == 1:
        return list(order.lines)
    if not named:
        return []
    product = products.find_product(turn.session, str(named))
    return [line for line in order.lines if _is_meant(line.product, str(named), product)]


def _is_meant(candidate: Product, named: str, product: Product | None) -> bool:
    if product is not None:
        return candidate.id == product.id
    return named.lower() in (candidate.category.lower(), candidate.name_en.lower(), candidate.name_zh)


def _line_buttons(order: Order, language: str) -> list[dict[str, str]]:
    buttons = [
        {
            "title": line.product.name_in(language),
            "payload": f'/inform{{"product": "{line.product.code}"}}',
        }
        for line in order.lines
    ]
    everything = "全部" if language == "zh" else "All of it"
    return [*buttons, {"title": everything, "payload": '/inform{"product": "all"}'}]


class TellOrderStatus(CrmAction):
    """Where an order is."""

    action_name = "action_tell_order_status"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Prove, then tell."""
        return tell_order_status(turn)


class TellRefundStatus(CrmAction):
    """How far a refund is."""

    action_name = "action_tell_refund_status"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Prove, then tell."""
        return tell_refund_status(turn)


class AskCancellation(CrmAction):
    """Whether an order shall be cancelled."""

    action_name = "action_ask_cancellation"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Prove, then ask."""
        return ask_cancellation(turn)


class CancelOrder(CrmAction):
    """Cancel an order after a yes."""

    action_name = "action_cancel_order"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Prove, then cancel."""
        return cancel_order(turn)


class SettleCancellation(CrmAction):
    """A yes or no to a cancellation in words that sound like a new wish."""

    action_name = "action_settle_cancellation"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Cancel, keep, or ask again."""
        return settle_cancellation(turn)


class ChangeAddress(CrmAction):
    """Send an order elsewhere."""

    action_name = "action_change_address"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Prove, then change."""
        return change_address(turn)


class RegisterReturn(CrmAction):
    """Register a return after its form."""

    action_name = "action_register_return"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Prove, then register."""
        return register_return(turn)
