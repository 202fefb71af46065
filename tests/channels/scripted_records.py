"""A CRM in memory, as far as the widget goes; a test changes it under the widget's feet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from bot.channels.incoming import Refused
from bot.channels.web_widget.records import (
    AccountsConversation,
    Hours,
    LeftMessage,
    Rating,
    Standing,
)
from bot.dialogue.messages import JSON


class Opening:
    """People are there again at `opens`; None when they are there."""

    def __init__(self) -> None:
        self.opens: datetime | None = None

    def opens_at(self, moment: datetime) -> datetime | None:  # noqa: ARG002 (the seam's signature)
        """Return it."""
        return self.opens


class ScriptedRecords:
    """Remembers what it is told; `failing` makes every call raise."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        self.begun: set[str] = set()
        self.standing: dict[str, Standing] = {}
        self.contacts: dict[str, dict[str, str]] = {}
        self.ratings: dict[str, Rating] = {}
        self.left: dict[str, LeftMessage] = {}
        self.opening = Opening()
        self.failing: Refused | None = None

    async def conversation_of_account(self, account_id: str, own: str) -> AccountsConversation:
        """Find it, or begin with `own`."""
        self._fail()
        is_anothers = self._owner(own) not in (None, account_id)
        sender_id = self.accounts.setdefault(account_id, f"new-of-{account_id}" if is_anothers else own)
        return AccountsConversation(sender_id, is_own_hers=not is_anothers and own in self.begun)

    async def account_of(self, sender_id: str) -> str | None:
        """Find it."""
        self._fail()
        return self._owner(sender_id)

    async def standings(self, sender_ids: Collection[str]) -> Mapping[str, Standing]:
        """Return what the test has set."""
        self._fail()
        return {key: self.standing[key] for key in sender_ids if key in self.standing}

    async def note_contact(self, sender_id: str, contact: Mapping[str, str]) -> None:
        """Note it."""
        self._fail()
        self.contacts[sender_id] = dict(contact)

    async def keep_rating(self, sender_id: str, rating: Rating) -> None:
        """Keep it once under its key."""
        self._fail()
        self.ratings.setdefault(f"{sender_id}:{rating.key}", rating)

    async def open_ticket(self, sender_id: str, message: LeftMessage) -> str:
        """Keep it once under its key."""
        self._fail()
        self.left.setdefault(f"{sender_id}:{message.key}", message)
        return f"T-{10_000 + list(self.left).index(f'{sender_id}:{message.key}') + 1}"

    def read_hours(self, section: Mapping[str, JSON]) -> Hours:  # noqa: ARG002 (the seam's signature)
        """Return the opening that the test may change."""
        return self.opening

    def add_standing(self, sender_id: str, *, last_sequence: int) -> None:
        """Let the store know of so many events of a conversation."""
        self.standing[sender_id] = Standing(last_sequence=last_sequence)

    def _owner(self, sender_id: str) -> str | None:
        return next((account for account, owned in self.accounts.items() if owned == sender_id), None)

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing
