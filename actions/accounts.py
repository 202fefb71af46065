"""How the company reaches a customer: changed only after an order has proven whose it is."""

from __future__ import annotations

from actions.orders import prove
from actions.turn import CrmAction, SlotEvent, Turn, set_slots
from crm_connector import customers
from crm_connector.customers import Contact
from crm_connector.tables import Customer


def update_contact(turn: Turn) -> list[SlotEvent]:
    """Keep what the first message says is new, prove who it is, then change it."""
    given = turn.slot("new_contact") or turn.entity("email") or turn.entity("phone")
    if turn.slot("verified_customer"):
        return _change(turn, given)
    proof = prove(turn, "update_contact")
    if proof.order is None:
        return [*proof.events, *set_slots(new_contact=given)]
    return [*proof.events, *_change(turn, given)]


def use_contact_details(turn: Turn) -> list[SlotEvent]:
    """Take a detail that came later: first the proof, then the new contact."""
    if turn.slot("verified_customer"):
        return _change(turn, turn.entity("email") or turn.entity("phone"))
    proof = prove(turn, "update_contact")
    if proof.order is None:
        return proof.events
    return [*proof.events, *_change(turn, turn.slot("new_contact"))]


def note_contact(turn: Turn, contact: str) -> None:
    """Write down how to reach a customer of whom nothing is known; known data changes only after a proof."""
    customer = turn.customer
    if "@" in contact and not customer.email:
        customers.update_contact(turn.session, customer, customers.Contact(email=contact))
    elif contact and "@" not in contact and not customer.phone:
        customers.update_contact(turn.session, customer, customers.Contact(phone=contact))
    name = turn.slot("person_name")
    if name and not customer.name:
        customers.update_contact(turn.session, customer, customers.Contact(name=str(name)))


def _change(turn: Turn, given: object) -> list[SlotEvent]:
    """Write the new contact down, or ask for it."""
    if not given:
        turn.say("utter_ask_new_contact")
        return set_slots(open_request="update_contact")
    value = str(given)
    contact = Contact(email=value) if "@" in value else Contact(phone=value)
    customers.update_contact(turn.session, _proven_customer(turn), contact)
    turn.say("utter_contact_updated", value=value)
    return set_slots(new_contact=None, open_request=None)


def _proven_customer(turn: Turn) -> Customer:
    """The customer whose order was proven; the slot is set by actions alone."""
    number = turn.slot("verified_customer")
    customer = turn.session.get(Customer, int(number)) if number else None
    return customer or turn.customer


class UpdateContact(CrmAction):
    """A new e-mail address or phone number."""

    action_name = "action_update_contact"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Prove, then change."""
        return update_contact(turn)
