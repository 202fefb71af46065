"""Files that customers send: whoever works on their matter is told of them."""

from __future__ import annotations

from actions.turn import CrmAction, SlotEvent, Turn, latest_user_event
from crm_connector import tickets

CUSTOMER = "customer"  # the actor of what a customer did


def take_file(turn: Turn) -> list[SlotEvent]:
    """Note the files in the ticket that is talked about, or say that they have arrived."""
    metadata = latest_user_event(turn.tracker).get("metadata") or {}
    names = [str(file.get("name")) for file in metadata.get("attachments") or ()]
    ticket = tickets.find_ticket(turn.session, str(turn.slot("ticket_number") or ""), customer=turn.customer)
    if not names:
        turn.say("utter_file_missing")
    elif ticket is None:
        turn.say("utter_file_taken")
    else:
        key = f"{turn.source_key}:files"
        tickets.add_note(turn.session, ticket, ", ".join(names), actor=CUSTOMER, source_key=key)
        turn.say("utter_file_added", number=ticket.number)
    return []


class TakeFile(CrmAction):
    """A file without a word."""

    action_name = "action_take_file"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Note it."""
        return take_file(turn)
