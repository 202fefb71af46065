"""What requests to Rasa's HTTP API have in common: their parameters, their bodies, their refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from bot.channels.incoming import Refused, read_object
from bot.dialogue.events import Event, UnknownEvent
from bot.dialogue.messages import JSON
from bot.dialogue.outside_events import event_from_outside
from bot.dialogue.tracker import EventVerbosity
from bot.errors import ModelError
from bot.runtime.conversations import UnknownName
from bot.runtime.tracker_store import StoreUnavailable

MAX_DIGITS = 9
NO_MODEL = "No agent loaded. To continue processing, a model of a trained agent needs to be loaded."


@asynccontextmanager
async def refusals(reason: str = "ConversationError") -> AsyncIterator[None]:
    """Answer as Rasa does when there is no model (409), or when it cannot be done (500, `reason`)."""
    try:
        yield
    except ModelError as error:
        raise Refused(NO_MODEL, code=409, reason="Conflict") from error
    except (StoreUnavailable, UnknownName) as error:
        raise Refused(f"An unexpected error occurred. Error: {error}", code=500, reason=reason) from error


def verbosity(request: Request) -> EventVerbosity:
    """Read `include_events`.

    Raises:
        Refused: It is none of the four.
    """
    given = request.query_params.get("include_events", EventVerbosity.AFTER_RESTART).upper()
    if given in EventVerbosity.__members__:
        return EventVerbosity[given]
    raise Refused(
        "Invalid parameter value for 'include_events'. Should be one of NONE, APPLIED, AFTER_RESTART, ALL",
        details={"parameter": "include_events", "in": "query"},
    )


def is_true(request: Request, name: str, *, default: bool = False) -> bool:
    """Read a switch of the query."""
    return request.query_params.get(name, str(default)).lower() == "true"


def number(request: Request, name: str) -> float | None:
    """Read a number of the query; what is none is passed over, as in Rasa."""
    try:
        return float(request.query_params[name])
    except (KeyError, ValueError):
        return None


def whole_number(request: Request, name: str, *, default: int = 0) -> int:
    """Read a whole number of the query.

    Raises:
        Refused: It is none.
    """
    given = request.query_params.get(name)
    if given is None:
        return default
    if not given.isdecimal() or len(given) > MAX_DIGITS:
        raise Refused(f"'{name}' is {given!r}, expected a whole number.")
    return int(given)


async def read_body(request: Request, when_empty: str) -> bytes:
    """Return the body.

    Raises:
        Refused: There is none.
    """
    body = await request.body()
    if not body:
        raise Refused(when_empty)
    return body


async def read_mapping_body(
    request: Request, when_empty: str = "The request has no body."
) -> dict[str, JSON]:
    """Return the body, a JSON object.

    Raises:
        Refused: It is missing, or something else.
    """
    return read_object(await read_body(request, when_empty))


async def read_events(request: Request) -> list[Event]:
    """Return the events of the body: one, or a list; those without a time happen now.

    Raises:
        Refused: One of them is not an event.
    """
    body = await request.body()
    # One reader for all that comes in: it refuses what is no JSON, and cleans what no store can hold.
    data: JSON = read_object(b'{"events":' + (body or b"null") + b"}")["events"]
    items: list[JSON] = data if isinstance(data, list) else [data]
    try:
        return [event_from_outside(item) for item in items]
    except UnknownEvent as error:
        raise Refused(f"Failed to validate the events format. Error: {error}") from error
