"""The tables of the CRM, one file for each subject.

`…_at` columns are aware UTC datetimes, money is a Decimal beside its ISO 4217 currency. Rows that a retry
could write twice carry a natural unique key: `source_key` names the turn or the form that asked for the row,
in the words of whoever writes it.
"""

from crm_connector.columns import Base
from crm_connector.tables.delivery import AcceptedMessage, Delivery, DeliveryTarget
from crm_connector.tables.desk import (
    Account,
    AuditEntry,
    CannedReply,
    Draft,
    FailedSignIn,
    Handoff,
    Note,
    SignIn,
    Viewing,
)
from crm_connector.tables.learning import DoubtfulMessage
from crm_connector.tables.people import Agent, ChannelIdentity, Customer, Invitation, ProvenIdentity
from crm_connector.tables.sales import Opportunity, Recommendation, Survey
from crm_connector.tables.service import (
    Escalation,
    EscalationSentence,
    FailedCheck,
    Ticket,
    TicketChange,
    TicketMerge,
)
from crm_connector.tables.service_levels import Clock, ServiceLevel
from crm_connector.tables.shop import Order, OrderLine, Product, Return
from crm_connector.tables.talk import Conversation, ConversationEvent, InboundMessage
from crm_connector.tables.visitors import AccountConversation, Attachment

__all__ = [
    "AcceptedMessage",
    "Account",
    "AccountConversation",
    "Agent",
    "Attachment",
    "AuditEntry",
    "Base",
    "CannedReply",
    "ChannelIdentity",
    "Clock",
    "Conversation",
    "ConversationEvent",
    "Customer",
    "Delivery",
    "DeliveryTarget",
    "DoubtfulMessage",
    "Draft",
    "Escalation",
    "EscalationSentence",
    "FailedCheck",
    "FailedSignIn",
    "Handoff",
    "InboundMessage",
    "Invitation",
    "Note",
    "Opportunity",
    "Order",
    "OrderLine",
    "Product",
    "ProvenIdentity",
    "Recommendation",
    "Return",
    "ServiceLevel",
    "SignIn",
    "Survey",
    "Ticket",
    "TicketChange",
    "TicketMerge",
    "Viewing",
]
