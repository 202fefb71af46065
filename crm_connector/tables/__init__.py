"""The tables of the CRM, one file for each subject.

`…_at` columns are aware UTC datetimes, money is a Decimal beside its ISO 4217 currency. Rows that a retry
could write twice carry a natural unique key: `source_key` names the turn or the form that asked for the row,
in the words of whoever writes it.
"""

from crm_connector.columns import Base
from crm_connector.tables.people import Agent, ChannelIdentity, Customer
from crm_connector.tables.sales import Opportunity, Recommendation, Survey
from crm_connector.tables.service import (
    Escalation,
    EscalationSentence,
    FailedCheck,
    Ticket,
    TicketChange,
)
from crm_connector.tables.shop import Order, OrderLine, Product, Return
from crm_connector.tables.talk import Conversation, ConversationEvent, InboundMessage

__all__ = [
    "Agent",
    "Base",
    "ChannelIdentity",
    "Conversation",
    "ConversationEvent",
    "Customer",
    "Escalation",
    "EscalationSentence",
    "FailedCheck",
    "InboundMessage",
    "Opportunity",
    "Order",
    "OrderLine",
    "Product",
    "Recommendation",
    "Return",
    "Survey",
    "Ticket",
    "TicketChange",
]
