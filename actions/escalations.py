"""Complaints: an apology, a ticket, an escalation with its summary, and a person for whoever asks."""

from __future__ import annotations

from actions.orders import MAX_FAILED_CHECKS, find_own_order
from actions.severity import Complaint, is_serious, severity_of
from actions.summaries import Message, Summary, read_messages, summarise
from actions.tickets import note_contact, own_order, subject_of
from actions.turn import CrmAction, SlotEvent, Turn, set_slots
from crm_connector import customers, escalations, ownership, tickets
from crm_connector.choices import ComplaintCategory, Priority, Sentiment, Severity, TicketStatus
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
_LIVE = (TicketStatus.OPEN, TicketStatus.PENDING)


def apologise(turn: Turn) -> list[SlotEvent]:
    """Answer the fact, and the feeling where there is one."""
    upset = "_upset" if is_serious(_complaint(turn)) else ""
    turn.say(f"utter_apology_{_category(turn)}{upset}")
    return []


def open_complaint_ticket(turn: Turn) -> list[SlotEvent]:
    """Open a ticket, or add to the one about the same thing that this conversation has open."""
    complaint, category = _complaint(turn), _category(turn)
    words = turn.text or f"Complaint about {category}, by button"
    key = f"{turn.source_key}:complaint"
    known = _live_ticket(turn, category)
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
        return set_slots(ticket_number=ticket.number)
    if category is not ComplaintCategory.SERVICE:
        turn.say("utter_ask_complaint_order_number")
    return set_slots(ticket_number=ticket.number, open_request="complaint_order")


def escalate_complaint(turn: Turn) -> list[SlotEvent]:
    """Escalate with a summary when the customer is upset or it is severe; offer a person in any case."""
    complaint, category = _complaint(turn), _category(turn)
    ticket = _live_ticket(turn, category)
    if is_serious(complaint) and ticket is not None:
        _escalate(turn, ticket, severity_of(complaint))
        turn.say("utter_escalated")
    else:
        turn.say("utter_offer_person")
    return set_slots(offer="person")


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
    failed = int(turn.slot("failed_checks") or 0)
    if order is None or failed >= MAX_FAILED_CHECKS:
        note_contact(turn, str(contact))
        return set_slots(open_request=None, failed_checks=failed + 1)
    ticket.order_id = order.id
    turn.linked(customers.link(turn.session, turn.customer, order))
    return set_slots(open_request=None, verified_customer=str(order.customer_id))


def request_agent(turn: Turn) -> list[SlotEvent]:
    """Put the conversation into the queue and remember why; asking twice changes nothing."""
    is_new = ownership.request_agent(turn.session, turn.conversation)
    turn.say("utter_handoff_queued" if is_new else "utter_handoff_already")
    if turn.slot("offer") == "person":
        reason = "accepted after a complaint"
    else:
        reason = "asked" if turn.intent == "human_handoff" else "offered"
    return set_slots(handoff_reason=reason) if is_new else []


def _escalate(turn: Turn, ticket: Ticket, severity: Severity) -> None:
    """Once for each ticket, and again only when it got worse."""
    order = list(Severity)
    known = [e for e in escalations.open_escalations(turn.session) if e.ticket_id == ticket.id]
    if any(order.index(row.severity) >= order.index(severity) for row in known):
        return
    summary = summarise(
        read_messages(turn.tracker.events), turn.tracker.slots, category=ticket.category, severity=severity
    )
    escalations.escalate(turn.session, _row(turn, ticket, severity, summary))
    if ticket.priority is not Priority.URGENT:
        tickets.set_priority(turn.session, ticket, _PRIORITIES[severity], actor=tickets.BOT)


def _row(turn: Turn, ticket: Ticket, severity: Severity, summary: Summary) -> Escalation:
    return Escalation(
        source_key=f"{turn.source_key}:escalation",
        customer_id=turn.customer.id,
        conversation_id=turn.conversation.id,
        ticket_id=ticket.id,
        category=ticket.category,
        severity=severity,
        sentiment=Sentiment(turn.slot("sentiment") or Sentiment.NEUTRAL),
        wanted=summary.wanted,
        tried=list(summary.tried),
        open_questions=list(summary.open_questions),
        sentences=[
            EscalationSentence(position=i, text=sentence.text, sources=list(sentence.sources))
            for i, sentence in enumerate(summary.sentences, start=1)
        ],
    )


def _complaint(turn: Turn) -> Complaint:
    """What the rules of severity look at, this message last."""
    earlier = [message for message in _earlier(turn) if message.is_complaint]
    return Complaint(turn.text, turn.slot("sentiment"), len(earlier))


def _earlier(turn: Turn) -> list[Message]:
    return read_messages(turn.tracker.events)[:-1]


def _category(turn: Turn) -> ComplaintCategory:
    return _CATEGORIES.get(turn.intent or "", ComplaintCategory.SERVICE)


def _live_ticket(turn: Turn, category: ComplaintCategory) -> Ticket | None:
    """The newest ticket of this conversation that is about the same thing and not done."""
    for ticket in tickets.tickets_of(turn.session, turn.customer):
        if ticket.conversation_id == turn.conversation.id and ticket.category is category:
            return ticket if ticket.status in _LIVE else None
    return None


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


class RequestAgent(CrmAction):
    """A person for the conversation."""

    action_name = "action_request_agent"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Queue it."""
        return request_agent(turn)
