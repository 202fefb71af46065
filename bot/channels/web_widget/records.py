"""What the widget asks of the CRM: whose conversation it is, who answers it, and what customers leave."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.channels.incoming import Refused
from bot.dialogue.messages import JSON


class Answerer(StrEnum):
    """Who answers a conversation."""

    ASSISTANT = "assistant"
    QUEUE = "queue"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Standing:
    """Who answers a conversation now.

    `position` is its place in the queue, from 1; `agent` is the name of the person who has it.
    `last_sequence` counts what is stored of it, 0 where the CRM does not keep it.
    """

    answerer: Answerer = Answerer.ASSISTANT
    position: int | None = None
    agent: str | None = None
    last_sequence: int = 0


@dataclass(frozen=True, slots=True)
class AccountsConversation:
    """The conversation of a signed-in customer.

    `is_own_hers` when the one that this browser began belongs to nobody else, so that it is hers as well.
    """

    sender_id: str
    is_own_hers: bool


@dataclass(frozen=True, slots=True)
class Rating:
    """How satisfied a customer was, 1 to 5; `key` names the answer within its conversation."""

    key: str
    rating: int
    comment: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class LeftMessage:
    """What a customer wrote when nobody could answer; `key` names it within its conversation."""

    key: str
    text: str
    email: str
    name: str | None = None
    language: str | None = None


class Hours(Protocol):
    """When people are there."""

    def opens_at(self, moment: datetime) -> datetime | None:
        """Return when people will be there next; None when they are there at this moment."""
        ...


class AlwaysOpen:
    """Stands where no hours are set."""

    def opens_at(self, moment: datetime) -> datetime | None:  # noqa: ARG002 (the seam's signature)
        """Be open."""
        return None


class Records(Protocol):
    """The CRM, as far as the widget goes. Every call may raise `Refused` with 503 when it is away."""

    async def conversation_of_account(self, account_id: str, own: str) -> AccountsConversation:
        """Return the conversation of a proven account; its first is `own`, unless another has that."""
        ...

    async def account_of(self, sender_id: str) -> str | None:
        """Return the account that a conversation belongs to, None when it is anybody's who has its secret."""
        ...

    async def standings(self, sender_ids: Collection[str]) -> Mapping[str, Standing]:
        """Return who answers these conversations; one that the CRM does not know is left out."""
        ...

    async def note_contact(self, sender_id: str, contact: Mapping[str, str]) -> None:
        """Write down `name`, `email` and `phone` of a customer of whom they are not known yet."""
        ...

    async def keep_rating(self, sender_id: str, rating: Rating) -> None:
        """Keep a rating, once under its key."""
        ...

    async def open_ticket(self, sender_id: str, message: LeftMessage) -> str:
        """Open a ticket, once under the message's key, and return its number."""
        ...

    def read_hours(self, section: Mapping[str, JSON]) -> Hours:
        """Read opening hours from the settings.

        Raises:
            SettingsError: They cannot be.
        """
        ...


class NoRecords:
    """Stands where there is no CRM: every conversation is the assistant's, and nothing can be left there."""

    async def conversation_of_account(self, account_id: str, own: str) -> AccountsConversation:  # noqa: ARG002
        """Know no accounts."""
        return AccountsConversation(own, is_own_hers=True)

    async def account_of(self, sender_id: str) -> str | None:  # noqa: ARG002
        """Know no accounts."""
        return None

    async def standings(self, sender_ids: Collection[str]) -> Mapping[str, Standing]:  # noqa: ARG002
        """Know nothing."""
        return {}

    async def note_contact(self, sender_id: str, contact: Mapping[str, str]) -> None:
        """Forget it."""

    async def keep_rating(self, sender_id: str, rating: Rating) -> None:  # noqa: ARG002
        """Refuse."""
        raise _NO_CRM

    async def open_ticket(self, sender_id: str, message: LeftMessage) -> str:  # noqa: ARG002
        """Refuse."""
        raise _NO_CRM

    def read_hours(self, section: Mapping[str, JSON]) -> Hours:  # noqa: ARG002
        """Be always open."""
        return AlwaysOpen()


_NO_CRM = Refused("There is no CRM to keep it in.", code=503, reason="Unavailable")
