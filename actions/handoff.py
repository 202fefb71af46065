"""A person for whoever asks."""

from __future__ import annotations

from actions.escalations import revise_escalation
from actions.matters import matter_of
from actions.surveys import store_survey
from actions.turn import CrmAction, SlotEvent, Turn, set_slots
from crm_connector import ownership, tickets


def request_agent(turn: Turn) -> list[SlotEvent]:
    """Put the conversation into the queue and remember why; asking twice changes nothing.

    A rating that was given before the question for a word on why is kept.
    """
    ticket = tickets.find_ticket(turn.session, str(turn.slot("ticket_number") or ""), customer=turn.customer)
    reason = _reason(turn)
    is_new = ownership.request_agent(turn.session, turn.conversation, matter_of(turn, ticket, reason=reason))
    turn.say("utter_handoff_queued" if is_new else "utter_handoff_already")
    if (turn.tracker.active_loop or {}).get("name") == "survey_form" and turn.slot("rating"):
        store_survey(turn)
    if ticket is not None:
        revise_escalation(turn, ticket)
    return set_slots(handoff_reason=reason, open_request=None) if is_new else []


def _reason(turn: Turn) -> str:
    if turn.slot("offer") == "person":
        return "accepted after a complaint"
    return "asked" if turn.intent == "human_handoff" else "offered"


class RequestAgent(CrmAction):
    """A person for the conversation."""

    action_name = "action_request_agent"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Queue it."""
        return request_agent(turn)
