"""A person for whoever asks."""

from __future__ import annotations

from actions.escalations import revise_escalation
from actions.surveys import store_survey
from actions.turn import CrmAction, SlotEvent, Turn, set_slots
from crm_connector import ownership, tickets


def request_agent(turn: Turn) -> list[SlotEvent]:
    """Put the conversation into the queue and remember why; asking twice changes nothing.

    A rating that was given before the question for a word on why is kept.
    """
    is_new = ownership.request_agent(turn.session, turn.conversation)
    turn.say("utter_handoff_queued" if is_new else "utter_handoff_already")
    if (turn.tracker.active_loop or {}).get("name") == "survey_form" and turn.slot("rating"):
        store_survey(turn)
    ticket = tickets.find_ticket(turn.session, str(turn.slot("ticket_number") or ""), customer=turn.customer)
    if ticket is not None:
        revise_escalation(turn, ticket)
    if turn.slot("offer") == "person":
        reason = "accepted after a complaint"
    else:
        reason = "asked" if turn.intent == "human_handoff" else "offered"
    return set_slots(handoff_reason=reason, open_request=None) if is_new else []


class RequestAgent(CrmAction):
    """A person for the conversation."""

    action_name = "action_request_agent"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Queue it."""
        return request_agent(turn)
