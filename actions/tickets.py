"""Tickets: opening one after its form, and telling its owner how it stands."""

from __future__ import annotations

from actions.accounts import note_contact
from actions.escalations import escalate
from actions.orders import find_own_order, own_order
from actions.severity import Complaint, is_harmful, severity_of
from actions.summaries import subject_of
from actions.turn import NO_VALUE, CrmAction, SlotEvent, Turn, day, set_slots
from crm_connector import customers, tickets
from crm_connector.choices import ComplaintCategory, Priority
from crm_connector.tables import Customer, Ticket

_CATEGORIES = (
    (ComplaintCategory.RETURN, ("return", "refund", "退货", "退款")),
    (ComplaintCategory.PAYMENT, ("pay", "invoice", "charged", "付款", "扣款", "发票")),
    (ComplaintCategory.DELIVERY, ("deliver", "parcel", "courier", "快递", "包裹", "配送")),
    (ComplaintCategory.ACCOUNT, ("account", "password", "login", "账号", "密码", "登录")),
)


def open_ticket(turn: Turn) -> list[SlotEvent]:
    """Open the ticket that the form asked for; the same message opens it once.

    Something dangerous is escalated at once, in however calm words it is told.
    """
    reason, product, contact = (str(turn.slot(name) or "") for name in ("reason", "product", "contact"))
    note_contact(turn, contact)
    order = own_order(turn)
    category = ticket_category(reason, product)
    ticket = tickets.open_ticket(
        turn.session,
        Ticket(
            source_key=f"{turn.source_key}:ticket",
            customer_id=turn.customer.id,
            conversation_id=turn.conversation.id,
            order_id=order.id if order else None,
            category=category,
            priority=_priority(turn, reason),
            subject=subject_of(reason),
            description=_description(reason, product, contact, turn.slot("order_number")),
        ),
    )
    turn.say("utter_ticket_opened", ticket_number=ticket.number, contact=contact)
    if is_harmful(reason):
        escalate(turn, ticket, severity_of(Complaint(reason)))
        turn.say("utter_defect_escalated")
    return set_slots(ticket_number=ticket.number, reason=None, product=None)


def tell_ticket_status(turn: Turn) -> list[SlotEvent]:
    """Tell the state of the customer's own ticket; of somebody else's not even that it exists."""
    owner = _owner(turn)
    number = turn.slot("ticket_number")
    if number:
        ticket = tickets.find_ticket(turn.session, str(number), customer=owner)
    else:
        ticket = next(iter(tickets.tickets_of(turn.session, owner)), None)
        if ticket is None:
            turn.say("utter_ask_ticket_number")
            return set_slots(open_request="ticket_status")
    if ticket is None:
        turn.say("utter_ticket_not_found", ticket_number=number)
        return set_slots(ticket_number=None, open_request="ticket_status")
    turn.say(
        f"utter_ticket_{ticket.status}",
        ticket_number=ticket.number,
        subject=ticket.subject,
        created=day(ticket.created_at, turn.language),
        updated=day(ticket.updated_at, turn.language),
    )
    return set_slots(ticket_number=ticket.number, open_request=None)


def ticket_category(reason: str, product: str) -> ComplaintCategory:
    """What a ticket is about, by the words of its reason."""
    text = reason.lower()
    for category, words in _CATEGORIES:
        if any(word in text for word in words):
            return category
    return ComplaintCategory.PRODUCT if product not in ("", NO_VALUE) else ComplaintCategory.OTHER


def _priority(turn: Turn, reason: str) -> Priority:
    if is_harmful(reason):
        return Priority.URGENT
    return Priority.HIGH if turn.slot("sentiment") == "negative" else Priority.NORMAL


def _owner(turn: Turn) -> Customer:
    """The customer whose tickets may be told: an order that is proven right now tells whose."""
    number, contact = turn.slot("order_number"), turn.slot("contact")
    if turn.slot("open_request") == "ticket_status" and number and contact:
        order = find_own_order(turn, str(number), str(contact))
        if order is not None:
            turn.linked(customers.link(turn.session, turn.customer, order))
    return turn.customer


def _description(reason: str, product: str, contact: str, order_number: object) -> str:
    facts = (("Product", product), ("Order", order_number), ("Contact", contact))
    lines = [f"{name}: {value}" for name, value in facts if value and value != NO_VALUE]
    return "\n".join([reason, *lines])


class OpenTicket(CrmAction):
    """Open a ticket after its form."""

    action_name = "action_open_ticket"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Open it and tell its number."""
        return open_ticket(turn)


class TellTicketStatus(CrmAction):
    """How a ticket stands."""

    action_name = "action_tell_ticket_status"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Tell it to its owner."""
        return tell_ticket_status(turn)
