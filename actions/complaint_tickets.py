"""The ticket that a complaint of this conversation already has."""

from __future__ import annotations

from actions.turn import Turn
from crm_connector import tickets
from crm_connector.choices import ComplaintCategory, TicketStatus
from crm_connector.tables import Ticket

_LIVE = (TicketStatus.OPEN, TicketStatus.PENDING)
_COMPLAINTS = (ComplaintCategory.DELIVERY, ComplaintCategory.PRODUCT)


def live_ticket(turn: Turn, category: ComplaintCategory) -> Ticket | None:
    """The newest ticket of this conversation that is about the same thing and not done.

    Whoever is unhappy with the service after a complaint about something else means how that is handled.
    """
    own = [
        ticket
        for ticket in tickets.tickets_of(turn.session, turn.customer)
        if ticket.conversation_id == turn.conversation.id and ticket.status in _LIVE
    ]
    same = next((ticket for ticket in own if ticket.category is category), None)
    if same is not None or category is not ComplaintCategory.SERVICE:
        return same
    return next((ticket for ticket in own if ticket.category in _COMPLAINTS), None)
