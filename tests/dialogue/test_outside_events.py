"""Events of action servers and of the HTTP API are read as Rasa reads them, or refused with a reason."""

from __future__ import annotations

import pytest

from bot.dialogue.events import ActiveLoop, FollowupAction, LoopInterrupted, UnknownEvent, UserUttered
from bot.dialogue.messages import JSON
from bot.dialogue.outside_events import event_from_outside


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        pytest.param(5, "is no event", id="number"),
        pytest.param({"event": None}, "is no event", id="no-name"),
        pytest.param({"event": "sneeze"}, "unknown event 'sneeze'", id="unknown"),
        pytest.param({"event": "user", "text": 5}, "text of event 'user' is 5, expected text", id="text"),
        pytest.param({"event": "user", "metadata": "x"}, "expected an object", id="metadata"),
        pytest.param({"event": "user", "parse_data": []}, "expected an object", id="parse-data"),
        pytest.param(
            {"event": "user", "parse_data": {"entities": [1]}}, "holds what is not understood", id="entity"
        ),
        pytest.param({"event": "undo", "timestamp": "now"}, "expected seconds since the epoch", id="time"),
        pytest.param({"event": "slot", "name": "s"}, "event 'slot' has no 'value'", id="no-value"),
        pytest.param({"event": "slot", "name": None, "value": 1}, "event 'slot' has no 'name'", id="no-slot"),
        pytest.param({"event": "slot", "name": 5, "value": 1}, "expected text", id="slot-number"),
        pytest.param({"event": "action"}, "neither 'name' nor 'action_text'", id="no-action"),
        pytest.param({"event": "action", "name": "a", "confidence": "high"}, "expected a number", id="sure"),
        pytest.param({"event": "entities"}, "has no 'entities'", id="no-entities"),
        pytest.param({"event": "reminder", "intent": "i", "date_time": "soon"}, "is 'soon'", id="date"),
        pytest.param({"event": "loop_interrupted", "is_interrupted": "no"}, "true or false", id="flag"),
    ],
)
def test_what_is_no_event_is_refused(event: JSON, complaint: str) -> None:
    """The complaint names the event, what was found and what was expected."""
    with pytest.raises(UnknownEvent, match=complaint):
        event_from_outside(event)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "active_loop"}, ActiveLoop(name=None)),
        ({"event": "form"}, ActiveLoop(name=None)),
        ({"event": "followup"}, FollowupAction(name=None)),
        ({"event": "loop_interrupted"}, LoopInterrupted(is_interrupted=False)),
    ],
    ids=["loop", "form", "followup", "interrupted"],
)
def test_what_is_left_out_is_null(event: JSON, expected: object) -> None:
    """A server that leaves out what is null deactivates a form like one that writes it."""
    assert event_from_outside(event) == expected


def test_parse_without_a_text_is_of_the_events_text() -> None:
    """What was said is the parse's text too, which slots are filled from."""
    event = event_from_outside({"event": "user", "text": "hi", "parse_data": {"intent": {"name": "greet"}}})
    assert isinstance(event, UserUttered)
    assert (event.parse_data.text, event.intent_name) == ("hi", "greet")
