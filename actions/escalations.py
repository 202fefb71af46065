"""Complaints: an apology, a ticket, and an escalation with its summary where a person must see it."""

from __future__ import annotations

from actions.accounts import note_contact
from actions.complaint_tickets import live_ticket
from actions.matters import matter_of
from actions.orders import find_own_order, own_order
from actions.severity import Complaint, is_harmful, is_serious, severity_of
from actions.summaries import Message, Summary, read_messages, subject_of, summarise
from actions.turn import CrmAction, SlotEvent, Turn, day, set_slots
from crm_connector import customers, escalations, ownership, tickets
from crm_connector.choices import ComplaintCategory, OrderStatus, Owner, Priority, Sentiment, Severity
from crm_connector.tables import Escalation, EscalationSentence, Ticket

_CATEGORIES = {
    "complaint_delivery": ComplaintCategory.DELIVERY,
    "complaint_product": ComplaintCategory.PRODUCT,
    "complaint_service": ComplaintCategory.SERVICE,
    "report_defect": ComplaintCategory.PRODUCT,
}
_PRIORITIES = {
    Severity.LOW: Priority.NORMAL,
    Severity.MEDIUM: Priority.HIGH,
    Severity.HIGH: Priority.HIGH,
    Severity.CRITICAL: Priority.URGENT,
}


def apologise(turn: Turn) -> list[SlotEvent]:
    """Answer the fact, and the feeling where there is one; ask what happened where nothing was said."""
    if _is_without_words(turn):
        turn.say("utter_ask_complaint")
        return set_slots(open_request="complaint")
    category = _category(turn)
    known = live_ticket(turn, category)
    if is_harmful(turn.text):
        turn.say("utter_apology_harm")
    elif known is not None and known.source_key != _ticket_key(turn):
        turn.say("utter_apology_again")
    else:
        turn.say(f"utter_apology_{category}{'_upset' if is_serious(_complaint(turn)) else ''}")
    return []


def open_complaint_ticket(turn: Turn) -> list[SlotEvent]:
    """Open a ticket, or add to the one about the same thing that this conversation has open."""
    if _is_without_words(turn):
        return []
    complaint, category = _complaint(turn), _category(turn)
    words, key = _words(turn, category), _ticket_key(turn)
    known = live_ticket(turn, category)
    if known is not None and known.source_key != key:
        tickets.add_note(turn.session, known, words, actor="customer", source_key=key)
        turn.say("utter_complaint_ticket_known", ticket_number=known.number)
        return set_slots(ticket_number=known.number)
    order = own_order(turn)
    ticket = tickets.open_ticket(
        turn.session,
        Ticket(
            source_key=key,
            customer_id=turn.customer.id,
            conversation_id=turn.conversation.id,
            order_id=order.id if order else None,
            category=category,
            priority=_PRIORITIES[severity_of(complaint)],
            subject=subject_of(words),
            description=words,
        ),
    )
    turn.say("utter_complaint_ticket_opened", ticket_number=ticket.number)
    if turn.slot("order_number"):
        _note_order(turn, ticket)
        return set_slots(ticket_number=ticket.number, open_request=None)
    if category is not ComplaintCategory.SERVICE:
        turn.say("utter_ask_complaint_order_number")
    return set_slots(ticket_number=ticket.number, open_request="complaint_order")


def escalate_complaint(turn: Turn) -> list[SlotEvent]:
    """Escalate with a summary when the customer is upset or it is severe; offer a person unless one comes."""
    if _is_without_words(turn):
        return []
    complaint = _complaint(turn)
    ticket = live_ticket(turn, _category(turn))
    is_urgent = is_serious(complaint) and ticket is not None
    is_new = is_urgent and ticket is not None and escalate(turn, ticket, severity_of(complaint))
    if ownership.owner_of(turn.session, turn.sender_id) is not Owner.BOT:
        matter = matter_of(turn, ticket, reason="complaint")
        ownership.update_matter(turn.session, turn.conversation, matter)
        turn.say("utter_handoff_already")
    elif is_urgent:
        turn.say("utter_escalated" if is_new else "utter_escalated_known")
    else:
        turn.say("utter_offer_person")
    return set_slots(offer="person")


def take_complaint(turn: Turn) -> list[SlotEvent]:
    """Take a complaint in one step: words after a wordless one, or a yes for a late order."""
    return [*apologise(turn), *open_complaint_ticket(turn), *escalate_complaint(turn)]


def add_complaint_order(turn: Turn) -> list[SlotEvent]:
    """Add the order number that came later to the complaint's ticket; it proves nothing by itself."""
    ticket = tickets.find_ticket(turn.session, str(turn.slot("ticket_number") or ""), customer=turn.customer)
    if (
        ticket is not None
        and not turn.slot("order_number")
        and (turn.entity("email") or turn.entity("phone"))
    ):
        return add_complaint_contact(turn)
    if ticket is None or not turn.slot("order_number"):
        turn.say("utter_ask_complaint_order_number")
        return []
    _note_order(turn, ticket)
    if turn.slot("contact"):
        return add_complaint_contact(turn)
    revise_escalation(turn, ticket)
    turn.say(
        "utter_complaint_order_added", order_number=turn.slot("order_number"), ticket_number=ticket.number
    )
    return set_slots(open_request="complaint_contact")


def add_complaint_contact(turn: Turn) -> list[SlotEvent]:
    """Note how to reach the customer; if it proves the order, tie the ticket to it. Both sound the same."""
    number, contact = turn.slot("ticket_number"), turn.slot("contact")
    ticket = tickets.find_ticket(turn.session, str(number or ""), customer=turn.customer)
    if ticket is None or not contact:
        turn.say("utter_invalid_contact")
        return set_slots(open_request="complaint_contact")
    turn.say("utter_complaint_contact_added", contact=contact, ticket_number=ticket.number)
    key = f"{turn.source_key}:complaint_contact"
    tickets.add_note(turn.session, ticket, f"Contact: {contact}", actor=tickets.BOT, source_key=key)
    order = find_own_order(turn, str(turn.slot("order_number") or ""), str(contact))
    if order is None:
        note_contact(turn, str(contact))
        revise_escalation(turn, ticket)
        return set_slots(open_request=None)
    ticket.order_id = order.id
    turn.linked(customers.link(turn.session, turn.customer, order))
    revise_escalation(turn, ticket, verified_customer=str(order.customer_id))
    return set_slots(open_request=None, verified_customer=str(order.customer_id))


def escalate(turn: Turn, ticket: Ticket, severity: Severity) -> bool:
    """Escalate once for each ticket, and again only when it got worse; False when it was known before."""
    order = list(Severity)
    known = _open_escalations(turn, ticket)
    if any(order.index(row.severity) >= order.index(severity) for row in known):
        revise_escalation(turn, ticket)
        return any(row.source_key == _escalation_key(turn) for row in known)
    escalations.escalate(turn.session, _row(turn, ticket, severity))
    if ticket.priority is not Priority.URGENT:
        tickets.set_priority(turn.session, ticket, _PRIORITIES[severity], actor=tickets.BOT)
    return True


def revise_escalation(turn: Turn, ticket: Ticket, **learnt: str) -> None:
    """Write the summary of a ticket's open escalation anew, with what became known since.

    Args:
        turn: The customer's turn.
        ticket: Whose escalation it is.
        learnt: Slots that this action is about to set.
    """
    for row in _open_escalations(turn, ticket):
        summary = _summary(turn, ticket, row.severity, **learnt)
        escalations.revise(
            turn.session,
            row,
            wanted=summary.wanted,
            tried=list(summary.tried),
            open_questions=list(summary.open_questions),
            sentences=_sentences(summary),
        )


def _open_escalations(turn: Turn, ticket: Ticket) -> list[Escalation]:
    return [row for row in escalations.open_escalations(turn.session) if row.ticket_id == ticket.id]


def _ticket_key(turn: Turn) -> str:
    return f"{turn.source_key}:complaint"


def _escalation_key(turn: Turn) -> str:
    return f"{turn.source_key}:escalation"


def _summary(turn: Turn, ticket: Ticket, severity: Severity, **learnt: str) -> Summary:
    slots = {**turn.tracker.slots, **learnt}
    return summarise(read_messages(turn.tracker.events), slots, category=ticket.category, severity=severity)


def _sentences(summary: Summary) -> list[EscalationSentence]:
    return [
        EscalationSentence(position=i, text=sentence.text, sources=list(sentence.sources))
        for i, sentence in enumerate(summary.sentences, start=1)
    ]


def _row(turn: Turn, ticket: Ticket, severity: Severity) -> Escalation:
    summary = _summary(turn, ticket, severity)
    return Escalation(
        source_key=_escalation_key(turn),
        customer_id=turn.customer.id,
        conversation_id=turn.conversation.id,
        ticket_id=ticket.id,
        category=ticket.category,
        severity=severity,
        sentiment=Sentiment(turn.slot("sentiment") or Sentiment.NEUTRAL),
        wanted=summary.wanted,
        tried=list(summary.tried),
        open_questions=list(summary.open_questions),
        sentences=_sentences(summary),
    )


def _complaint(turn: Turn) -> Complaint:
    """What the rules of severity look at, this message last."""
    earlier = [message for message in _earlier(turn) if message.is_complaint and message.text]
    return Complaint(turn.text, turn.slot("sentiment"), len(earlier))


def _earlier(turn: Turn) -> list[Message]:
    return read_messages(turn.tracker.events)[:-1]


def _category(turn: Turn) -> ComplaintCategory:
    """What it is about: danger is about the product however it was taken, a yes about what was offered."""
    if is_harmful(turn.text):
        return ComplaintCategory.PRODUCT
    if turn.slot("offer") == "complaint" and turn.intent in ("affirm", "complaint_service"):
        return ComplaintCategory.DELIVERY
    return _CATEGORIES.get(turn.intent or "", ComplaintCategory.SERVICE)


def _is_without_words(turn: Turn) -> bool:
    """Whether a button alone complains, and no order says what about."""
    is_about_order = _category(turn) is ComplaintCategory.DELIVERY and turn.slot("order_number")
    return not turn.text and not is_about_order


def _words(turn: Turn, category: ComplaintCategory) -> str:
    """What the ticket says: the customer's words, or what a button or a bare yes was about."""
    if turn.text and turn.intent != "affirm":
        return turn.text
    order = own_order(turn)
    if order is None:
        return f"Complaint about the {category}, by button"
    if order.status is OrderStatus.DELIVERED:
        told = f"is marked as delivered on {day(order.delivered_at, 'en')}, but did not arrive"
    else:
        told = f"was promised for {day(order.promised_at, 'en')} and is still {order.status}"
    return f"Order {order.number} {told}; the customer complains by button."


def _note_order(turn: Turn, ticket: Ticket) -> None:
    note = f"Order number as the customer gave it: {turn.slot('order_number')}"
    tickets.add_note(
        turn.session, ticket, note, actor=tickets.BOT, source_key=f"{turn.source_key}:complaint_order"
    )


class Apologise(CrmAction):
    """An apology in the customer's tone."""

    action_name = "action_apologise"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Apologise."""
        return apologise(turn)


class OpenComplaintTicket(CrmAction):
    """A ticket for a complaint."""

    action_name = "action_open_complaint_ticket"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Open it, or add to the one there is."""
        return open_complaint_ticket(turn)


class EscalateComplaint(CrmAction):
    """An escalation with a summary, when it is needed."""

    action_name = "action_escalate_complaint"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Escalate, or only offer a person."""
        return escalate_complaint(turn)


class ComplainAboutOrder(CrmAction):
    """A yes to the offer to complain about a late order."""

    action_name = "action_complain_about_order"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Apologise, open a ticket, offer a person."""
        return take_complaint(turn)
