"""What the widget asks of the CRM is what stands in the CRM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.orm import Session

from bot.bootstrap import AssistantAtDesk
from bot.channels.incoming import Refused
from bot.channels.web_widget.identity import Doorkeeper, Visitor
from bot.channels.web_widget.records import Answerer, LeftMessage, Rating, Standing
from bot.channels.web_widget.settings import WidgetSettings
from bot.errors import SettingsError
from bot.runtime.live import LiveProcessor
from bot.server.crm_identities import CrmIdentities
from bot.server.widget_records import CrmRecords
from crm_connector import conversations, customers, database, ownership, surveys, tickets
from crm_connector.columns import utc_now
from crm_connector.customers import Contact
from crm_connector.tables import Conversation, Customer, Survey
from tests.channels.test_widget_identity import SETTINGS, signed

KEY = "k" * 32


@pytest.fixture
def store() -> Iterator[database.Store]:
    """Open a store in memory."""
    with database.open("sqlite://") as store:
        yield store


@pytest.fixture
def records(store: database.Store) -> CrmRecords:
    """Ask that store."""
    return CrmRecords(store)


def customer_of(store: database.Store, sender_id: str) -> Customer:
    """Return the customer who writes there."""
    with store.reading() as session:
        found = customers.find_by_sender(session, "web_widget", sender_id)
    assert found is not None
    return found


def conversation_of(session: Session, sender_id: str) -> Conversation:
    """Return her conversation."""
    found = conversations.find(session, sender_id)
    assert found is not None
    return found


@dataclass
class Asking:
    """A processor that notes with which intents it was to go on, and with whom."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    model_id: str | None = "m"

    @property
    def processor(self) -> Asking:
        """Itself."""
        return self

    async def trigger_intent(self, sender_id: str, intent: str, *, channel: str) -> None:  # noqa: ARG002
        """Note it."""
        self.asked.append((sender_id, intent))


async def test_the_desk_asks_nobody_who_has_just_rated(records: CrmRecords, store: database.Store) -> None:
    """When an agent has solved something the customer is asked how it went, unless she has just said it."""
    asking = Asking()
    at_desk = AssistantAtDesk(cast("LiveProcessor", asking), Path(), store, "give_feedback")
    await records.keep_rating("c", Rating(KEY, 4))
    for sender_id in ("c", "d"):
        await at_desk.resolved("web_widget", sender_id)
    assert asking.asked == [("d", "give_feedback")]


async def test_an_accounts_conversation_is_found_again(records: CrmRecords, store: database.Store) -> None:
    """The first conversation is the account's; a second one is hers too where something was said in it."""
    assert (await records.conversation_of_account("anna", "laptop")).sender_id == "laptop"
    with store.session() as session:
        conversations.find_or_create(session, "phone", "web_widget")
    on_phone = await records.conversation_of_account("anna", "phone")
    assert (on_phone.sender_id, on_phone.is_own_hers) == ("laptop", True)
    assert (await records.conversation_of_account("anna", "unused")).is_own_hers is False
    assert await records.account_of("laptop") == "anna"
    assert await records.account_of("phone") is None


async def test_conversations_of_one_account_are_one_customers(
    records: CrmRecords, store: database.Store
) -> None:
    """What she began on two devices before signing in belongs to one customer of the CRM afterwards."""
    settings = WidgetSettings.from_credentials(SETTINGS)
    door = Doorkeeper(settings, records, CrmIdentities(store))
    devices = [Visitor(secret * 32, signed("customer-17", name="Mia")) for secret in "ab"]
    with store.session() as session:
        for device in devices:
            conversations.find_or_create(session, device.own_sender_id, "web_widget")
    admitted = [await door.admit(device) for device in devices]
    assert {admission.sender_id for admission in admitted} == {devices[0].own_sender_id}
    owners = {customer_of(store, device.own_sender_id).id for device in devices}
    assert len(owners) == 1
    assert customer_of(store, devices[1].own_sender_id).name == "Mia"
    with store.reading() as session:
        found = [conversations.find(session, device.own_sender_id) for device in devices]
    assert {conversation.customer_id for conversation in found if conversation} == owners


async def test_another_account_gets_a_conversation_nobody_can_guess(records: CrmRecords) -> None:
    """Who signs in where somebody else did begins under a random name."""
    await records.conversation_of_account("anna", "laptop")
    found = await records.conversation_of_account("bert", "laptop")
    assert len(found.sender_id) == 32
    assert found.is_own_hers is False


async def test_standings_are_those_of_the_desk(records: CrmRecords, store: database.Store) -> None:
    """A conversation that waits has its place; one that the CRM does not know is left out."""
    with store.session() as session:
        ownership.request_agent(session, conversations.find_or_create(session, "c", "web_widget"))
    assert await records.standings(["c", "unknown"]) == {"c": Standing(Answerer.QUEUE, position=1)}
    assert await records.standings([]) == {}


async def test_a_form_fills_what_is_empty_and_changes_nothing(
    records: CrmRecords, store: database.Store
) -> None:
    """What anybody writes into a form is no proof: a known address stays."""
    await records.note_contact("c", {"name": "Mia", "email": "mia@shop.example"})
    await records.note_contact("c", {"email": "thief@evil.example", "phone": "+49 30 901820"})
    customer = customer_of(store, "c")
    assert (customer.name, customer.email, customer.phone) == ("Mia", "mia@shop.example", "+49 30 901820")


async def test_a_rating_is_kept_once_with_its_conversation(
    records: CrmRecords, store: database.Store
) -> None:
    """The same rating again is the same row; it belongs to the customer and her conversation."""
    for _ in range(2):
        await records.keep_rating("c", Rating(KEY, 4, "quick", "zh-CN"))
    with store.reading() as session:
        [survey] = session.query(Survey).all()
        conversation = conversations.find(session, "c")
    assert conversation is not None
    assert (survey.rating, survey.comment, survey.language) == (4, "quick", "zh")
    assert (survey.conversation_id, survey.customer_id) == (conversation.id, customer_of(store, "c").id)


async def test_a_rating_fills_the_slot_by_which_the_bot_asks_no_second_time(store: database.Store) -> None:
    """The slot stands in the transcript once; a model without such a slot is told nothing."""
    knowing = CrmRecords(store, knows_slot=lambda name: name == "surveyed")
    for _ in range(2):
        await knowing.keep_rating("c", Rating(KEY, 4))
    await CrmRecords(store).keep_rating("d", Rating(KEY, 4))
    with store.reading() as session:
        [event] = conversations.load_events(session, conversation_of(session, "c"))
        assert (event.data["event"], event.data["name"], event.data["value"]) == ("slot", "surveyed", True)
        assert conversations.load_events(session, conversation_of(session, "d")) == []


async def test_a_rating_is_known_for_as_long_as_is_asked(records: CrmRecords, store: database.Store) -> None:
    """Who has just rated her conversation is known; others, and what was rated before, are not."""
    await records.keep_rating("c", Rating(KEY, 4))
    with store.reading() as session:
        assert surveys.was_rated(session, "c", utc_now() - timedelta(minutes=1))
        assert not surveys.was_rated(session, "c", utc_now() + timedelta(minutes=1))
        assert not surveys.was_rated(session, "d", utc_now() - timedelta(minutes=1))


async def test_a_message_for_later_is_a_ticket_with_a_way_to_answer(
    records: CrmRecords, store: database.Store
) -> None:
    """The ticket holds the words and the address, also where the CRM knows another one for her."""
    with store.session() as session:
        customer = customers.find_or_create(session, "web_widget", "c")
        customers.update_contact(session, customer, Contact(email="known@shop.example"))
    message = LeftMessage(KEY, "Call me back.\nIt is about lamps.", "mia@shop.example", "Mia", "en-GB")
    numbers = {await records.open_ticket("c", message) for _ in range(2)}
    assert len(numbers) == 1
    with store.reading() as session:
        ticket = tickets.find_ticket(session, numbers.pop())
    assert ticket is not None
    assert ticket.subject == "Call me back."
    assert ticket.description.splitlines() == [
        *("Call me back.", "It is about lamps.", "", "email: mia@shop.example", "name: Mia"),
    ]
    assert customer_of(store, "c").email == "known@shop.example"


async def test_a_store_that_is_away_is_said_so(records: CrmRecords, store: database.Store) -> None:
    """Reading and writing are refused with "later", so that the widget tries again."""
    with store.session() as session:
        session.connection().exec_driver_sql("ALTER TABLE account_conversations RENAME TO lost")
    for asked in (records.account_of("c"), records.conversation_of_account("anna", "c")):
        with pytest.raises(Refused) as refused:
            await asked
        assert (refused.value.code, refused.value.reason) == (503, "Unavailable")


@pytest.mark.parametrize(
    ("moment", "opens_at"),
    [
        pytest.param(datetime(2026, 11, 20, 10, tzinfo=UTC), None, id="open"),
        pytest.param(
            datetime(2026, 11, 20, 18, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC), id="Friday evening"
        ),
        pytest.param(
            datetime(2026, 11, 23, 7, 59, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC), id="early"
        ),
    ],
)
def test_hours_say_when_people_are_back(
    records: CrmRecords, moment: datetime, opens_at: datetime | None
) -> None:
    """Outside the opening hours the next opening is told, in the zone that the operator set."""
    week = {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    hours = records.read_hours({"time_zone": "Europe/Berlin", "week": week})
    assert hours.opens_at(moment) == opens_at


@pytest.mark.parametrize(
    ("section", "message"),
    [
        pytest.param({"time_zone": "Europe/Berln", "week": {"mon": ["9-17"]}}, "time zone", id="zone"),
        pytest.param({"time_zone": "UTC", "week": {"mo": []}}, "weekday 'mo'", id="day"),
        pytest.param({"zone": "UTC"}, "unexpected keyword argument 'zone'", id="key"),
    ],
)
def test_wrong_hours_are_named(records: CrmRecords, section: dict[str, object], message: str) -> None:
    """A mistake in the opening hours names the setting and what is wrong in it."""
    with pytest.raises(SettingsError, match=message):
        records.read_hours(section)


def test_without_hours_people_are_always_there(records: CrmRecords) -> None:
    """Nothing set means open."""
    assert records.read_hours({}).opens_at(datetime(2026, 11, 22, 3, tzinfo=UTC)) is None
