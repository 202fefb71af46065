"""What waits in the queues or was given up, as flat JSON, and what an operator does about it.

Ids name queue and row: `in-3` is a message to be handled, `out-12` one to be sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import lanes
from crm_connector.choices import Progress
from crm_connector.columns import JSON, JSONObject
from crm_connector.tables import AcceptedMessage, Delivery

_TABLES: Mapping[str, lanes.Table] = {"in": AcceptedMessage, "out": Delivery}
_ID = re.compile(r"(in|out)-(\d+)")
_SHOWN_CHARACTERS = 60


class Decision(StrEnum):
    """What is to become of what was given up."""

    REPLAY = "replay"
    DROP = "drop"


class UnknownId(ValueError):
    """Not an id of a row in a queue."""


def listed(
    session: Session, state: Progress | None = None, *, channel: str | None = None, limit: int = 50
) -> list[JSONObject]:
    """Rows in a state, without one those that are open or dead; `in` before `out`, oldest first."""
    states = (*lanes.OPEN, Progress.DEAD) if state is None else (state,)
    return [
        *(_message(row) for row in _rows(session, AcceptedMessage, states, channel, limit)),
        *(_delivery(row) for row in _rows(session, Delivery, states, channel, limit)),
    ]


def decide(session: Session, decision: Decision, ids: Collection[str] | None = None) -> list[str]:
    """Replay or drop rows, without ids all that were given up; returns the ids of those it was done to.

    Raises:
        UnknownId: One is none.
    """
    numbers: dict[str, list[int]] = {name: [] for name in _TABLES}
    for one in ids or ():
        match = _ID.fullmatch(one)
        if match is None:
            raise UnknownId(f"{one!r} is no id, expected one such as out-12 or in-3")
        numbers[match[1]].append(int(match[2]))
    change = lanes.replay if decision is Decision.REPLAY else lanes.drop
    return [
        f"{name}-{number}"
        for name, table in _TABLES.items()
        for number in change(session, table, None if ids is None else numbers[name])
    ]


def _rows(
    session: Session, table: type[lanes.Row], states: Collection[Progress], channel: str | None, limit: int
) -> list[lanes.Row]:
    query = select(table).where(table.state.in_(states))
    if channel is not None:
        query = query.where(table.channel == channel)
    return list(session.scalars(query.order_by(table.id).limit(limit)))


def _message(row: AcceptedMessage) -> JSONObject:
    return _shown("in", row, row.message.get("text"))


def _delivery(row: Delivery) -> JSONObject:
    payload = row.payloads[0] if row.payloads else {}
    return _shown("out", row, row.content.get("text") or payload.get("type")) | {"doubtful": row.is_doubtful}


def _shown(name: str, row: AcceptedMessage | Delivery, words: JSON) -> JSONObject:
    """A row as people look for it."""
    return {
        "id": f"{name}-{row.id}",
        "state": row.state.value,
        "channel": row.channel,
        "sender_id": row.sender_id,
        "attempts": row.attempts,
        "doubtful": False,
        "error": row.last_error,
        "next_attempt_at": row.next_attempt_at.isoformat(timespec="seconds") if row.next_attempt_at else None,
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "text": str(words or "")[:_SHOWN_CHARACTERS],
    }
