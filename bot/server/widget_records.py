"""What the widget asks of the CRM, answered by the CRM."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.orm import Session

from bot.channels.channel import knows_none
from bot.channels.incoming import Refused
from bot.channels.web_widget.identity import CHANNEL
from bot.channels.web_widget.records import (
    AccountsConversation,
    AlwaysOpen,
    Answerer,
    Hours,
    LeftMessage,
    Rating,
    Standing,
)
from bot.dialogue.events import SlotSet
from bot.dialogue.messages import JSON
from bot.errors import SettingsError
from crm_connector import account_conversations, conversations, customers, database, surveys, tickets
from crm_connector.choices import ComplaintCategory, Owner
from crm_connector.columns import utc_now
from crm_connector.desk import standings
from crm_connector.desk.opening_hours import OpeningHours, WrongHours
from crm_connector.tables import Conversation, Customer, Survey, Ticket

T = TypeVar("T")

_ANSWERERS = {Owner.BOT: Answerer.ASSISTANT, Owner.QUEUE: Answerer.QUEUE, Owner.AGENT: Answerer.AGENT}
_SUBJECT_CHARACTERS = 80
RATED_SLOT = "surveyed"


@dataclass(frozen=True, slots=True)
class OpenAt:
    """The hours of `OpeningHours`, as the widget asks for them."""

    hours: OpeningHours

    def opens_at(self, moment: datetime) -> datetime | None:
        """Return when people will be there next; None when they are there."""
        return None if self.hours.is_open(moment) else self.hours.after(moment, timedelta())


class CrmRecords:
    """The widget's `Records` over an open CRM store."""

    def __init__(self, store: database.Store, knows_slot: Callable[[str], bool] = knows_none) -> None:
        """Answer from a store; `knows_slot` says whether the model that answers now has a slot."""
        self._store = store
        self._knows_slot = knows_slot

    async def conversation_of_account(self, account_id: str, own: str) -> AccountsConversation:
        """Find it, or begin with `own`; see `Records`."""

        def find(session: Session) -> AccountsConversation:
            sender_id = account_conversations.find_or_begin(
                session, CHANNEL, account_id, own, otherwise=secrets.token_hex(16)
            )
            is_anybodys = account_conversations.account_of(session, CHANNEL, own) in (None, account_id)
            began = conversations.find(session, own) is not None
            return AccountsConversation(sender_id, is_own_hers=is_anybodys and began)

        return await self._written(find)

    async def account_of(self, sender_id: str) -> str | None:
        """Find it; see `Records`."""
        return await self._read(lambda session: account_conversations.account_of(session, CHANNEL, sender_id))

    async def standings(self, sender_ids: Collection[str]) -> Mapping[str, Standing]:
        """Ask for all of them at once; see `Records`."""

        def read(session: Session) -> dict[str, Standing]:
            found = standings.standings(session, sender_ids, utc_now())
            return {
                row.sender_id: Standing(_ANSWERERS[row.owner], row.position, row.agent, row.last_sequence)
                for row in found
            }

        return await self._read(read) if sender_ids else {}

    async def note_contact(self, sender_id: str, contact: Mapping[str, str]) -> None:
        """Write down what is not known yet; see `Records`."""
        await self._written(lambda session: _note_contact(_customer(session, sender_id), contact))

    async def keep_rating(self, sender_id: str, rating: Rating) -> None:
        """Keep it in the CRM; see `Records`."""

        def keep(session: Session) -> None:
            conversation = _conversation(session, sender_id)
            survey = Survey(
                source_key=f"{sender_id}:rating:{rating.key}",
                customer_id=_customer(session, sender_id).id,
                conversation_id=conversation.id,
                rating=rating.rating,
                comment=rating.comment,
                language=_language(rating.language),
            )
            if surveys.record_survey(session, survey) is survey and self._knows_slot(RATED_SLOT):
                rated = SlotSet(name=RATED_SLOT, value=True, timestamp=time.time())
                conversations.append_events(session, conversation, [rated.as_dict()])

        await self._written(keep)

    async def open_ticket(self, sender_id: str, message: LeftMessage) -> str:
        """Open it in the CRM; see `Records`."""

        def open_it(session: Session) -> str:
            conversation, customer = _conversation(session, sender_id), _customer(session, sender_id)
            given = {"email": message.email} | ({"name": message.name} if message.name else {})
            _note_contact(customer, given)
            first_line = message.text.splitlines()[0]
            ticket = Ticket(
                source_key=f"{sender_id}:left:{message.key}",
                customer_id=customer.id,
                conversation_id=conversation.id,
                category=ComplaintCategory.OTHER,
                subject=first_line[:_SUBJECT_CHARACTERS],
                # What she gave stands here even where the CRM knows another address.
                description="\n".join(
                    [message.text, "", *(f"{key}: {value}" for key, value in given.items())]
                ),
            )
            return tickets.open_ticket(session, ticket).number

        return await self._written(open_it)

    def read_hours(self, section: Mapping[str, JSON]) -> Hours:
        """Read opening hours; see `Records`."""
        if not section:
            return AlwaysOpen()
        try:
            return OpenAt(OpeningHours.parse(**section))
        except (WrongHours, TypeError) as error:
            raise SettingsError(f"credentials.yml: web_widget.opening_hours: {error}") from error

    async def _read(self, ask: Callable[[Session], T]) -> T:
        def asked() -> T:
            with self._store.reading() as session:
                return ask(session)

        return await _in_thread(asked)

    async def _written(self, write: Callable[[Session], T]) -> T:
        def written() -> T:
            with self._store.session() as session:
                return write(session)

        return await _in_thread(written)


async def _in_thread(ask: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(ask)
    except database.StoreUnavailable as error:
        raise Refused("The records cannot be read right now.", code=503, reason="Unavailable") from error


def _customer(session: Session, sender_id: str) -> Customer:
    return customers.find_or_create(session, CHANNEL, sender_id)


def _conversation(session: Session, sender_id: str) -> Conversation:
    customer = _customer(session, sender_id)
    return conversations.find_or_create(session, sender_id, CHANNEL, customer_id=customer.id)


def _note_contact(customer: Customer, contact: Mapping[str, str]) -> None:
    """What anybody writes into a form is no proof: it fills what is empty and changes nothing."""
    for key in ("name", "email", "phone"):
        if contact.get(key) and not getattr(customer, key):
            setattr(customer, key, contact[key])


def _language(locale: str | None) -> str | None:
    return locale.split("-")[0].lower() if locale else None
