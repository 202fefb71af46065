"""What the people at the desk are told about a conversation before they have read a line of it."""

from __future__ import annotations

from collections.abc import Mapping

from actions.summaries import Summary, read_messages, summarise
from actions.turn import JSON, NO_VALUE, Turn
from crm_connector import escalations
from crm_connector.choices import ComplaintCategory, Sentiment, Severity
from crm_connector.columns import JSONObject
from crm_connector.ownership import Matter
from crm_connector.tables import Ticket


def matter_of(turn: Turn, ticket: Ticket | None, *, reason: str) -> Matter:
    """What the desk is told before anybody has read a line; the worst open escalation says how bad it is."""
    known = escalations.of_conversation(turn.session, turn.conversation)
    severity = max((row.severity for row in known), key=list(Severity).index, default=Severity.LOW)
    topic = ticket.category if ticket is not None else ComplaintCategory.OTHER
    messages, slots = read_messages(turn.tracker.events), turn.tracker.slots
    summary = summarise(messages, slots, category=topic, severity=severity if known else None)
    return Matter(
        reason=reason,
        topic=topic,
        severity=severity,
        sentiment=Sentiment(turn.slot("sentiment") or Sentiment.NEUTRAL),
        language=turn.language,
        card=_card(summary, slots),
    )


def _card(summary: Summary, slots: Mapping[str, JSON]) -> JSONObject:
    return {
        "wanted": summary.wanted,
        "tried": list(summary.tried),
        "open_questions": list(summary.open_questions),
        "slots": {name: value for name, value in slots.items() if value not in (None, NO_VALUE, [], "")},
        "sentences": [{"text": one.text, "sources": list(one.sources)} for one in summary.sentences],
    }
