"""Tells the CRM what a channel knows of those who write."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.channels.channel import Identities, Proof
from bot.dialogue.messages import UserMessage

_log = structlog.get_logger(__name__)


async def introduce(
    identities: Identities, message: UserMessage, proofs: Sequence[Proof], name: str | None
) -> None:
    """Note who has written a message; never raises: what she wrote is worth more than that."""
    if not (name or proofs):
        return
    try:
        await identities.prove(message.input_channel, message.sender_id, proofs, name=name)
    except Exception:  # noqa: BLE001  the rim: whatever ails the store, the message is to be answered
        _log.exception("customer not noted", channel=message.input_channel, sender_id=message.sender_id)
