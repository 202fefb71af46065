"""The satisfaction survey."""

from __future__ import annotations

from actions.turn import NO_VALUE, CrmAction, SlotEvent, Turn, set_slots
from crm_connector import surveys, tickets
from crm_connector.tables import Survey

_CONTENT_FROM = 3  # below it the customer is offered a person


def save_survey(turn: Turn) -> list[SlotEvent]:
    """Store the rating and the comment, and thank for them."""
    rating = store_survey(turn)
    turn.say("utter_survey_thanks" if rating >= _CONTENT_FROM else "utter_survey_sorry", rating=rating)
    offered = {} if rating >= _CONTENT_FROM else {"offer": "person"}
    return set_slots(rating=None, comment=None, surveyed=True, **offered)


def end_survey(turn: Turn) -> list[SlotEvent]:
    """Keep the rating of whoever does not like to say why; without a rating nothing was answered."""
    if turn.slot("rating"):
        return save_survey(turn)
    turn.say("utter_stopped")
    return []


def store_survey(turn: Turn) -> int:
    """Store the rating and the comment, and return the rating; the same message stores them once."""
    rating, comment = int(turn.slot("rating")), str(turn.slot("comment") or NO_VALUE)
    ticket = tickets.find_ticket(turn.session, str(turn.slot("ticket_number") or ""), customer=turn.customer)
    surveys.record_survey(
        turn.session,
        Survey(
            source_key=f"{turn.source_key}:survey",
            customer_id=turn.customer.id,
            conversation_id=turn.conversation.id,
            ticket_id=ticket.id if ticket else None,
            rating=rating,
            comment=None if comment == NO_VALUE else comment,
            language=turn.language,
        ),
    )
    return rating


class SaveSurvey(CrmAction):
    """Store a survey after its form."""

    action_name = "action_save_survey"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Store it and thank."""
        return save_survey(turn)


class EndSurvey(CrmAction):
    """Stop in the middle of a survey."""

    action_name = "action_end_survey"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Keep what was answered."""
        return end_survey(turn)
