"""The closed sets of the CRM; the store keeps their values."""

from __future__ import annotations

from enum import StrEnum


class Owner(StrEnum):
    """Who answers a conversation: exactly one at any time."""

    BOT = "bot"
    QUEUE = "queue"
    AGENT = "agent"


class Sentiment(StrEnum):
    """How the customer sounds."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class OrderStatus(StrEnum):
    """The life of an order; a parcel moves only in `SHIPPED`."""

    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class ReturnStatus(StrEnum):
    """The life of a return, from the customer's wish to the money."""

    REQUESTED = "requested"
    RECEIVED = "received"
    REFUNDED = "refunded"
    REJECTED = "rejected"


class ReturnRefusal(StrEnum):
    """Why an order line cannot be sent back."""

    NOT_IN_ORDER = "not_in_order"
    CANCELLED = "cancelled"
    NOT_DELIVERED = "not_delivered"
    TOO_LATE = "too_late"


class ComplaintCategory(StrEnum):
    """What a ticket or an escalation is about."""

    DELIVERY = "delivery"
    PRODUCT = "product"
    SERVICE = "service"
    ORDER = "order"
    RETURN = "return"
    PAYMENT = "payment"
    ACCOUNT = "account"
    OTHER = "other"


class TicketStatus(StrEnum):
    """The life of a ticket; `CLOSED` is final."""

    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(StrEnum):
    """How soon a ticket wants an answer."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Severity(StrEnum):
    """How bad a complaint is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class EscalationStatus(StrEnum):
    """The life of an escalation."""

    OPEN = "open"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"


class RecommendationStatus(StrEnum):
    """What the customer made of a recommendation."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Stage(StrEnum):
    """The stages of an opportunity, in their order; `WON` and `LOST` are final."""

    LEAD = "lead"
    QUALIFIED = "qualified"
    PROPOSAL = "proposal"
    WON = "won"
    LOST = "lost"


class Role(StrEnum):
    """What somebody at the desk may do; one person may have several."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    BOT_DEVELOPER = "bot_developer"
    OPERATOR = "operator"


class Presence(StrEnum):
    """Whether an agent can be given conversations; `AWAY` keeps those she has."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


class Outcome(StrEnum):
    """How a stay with people ended."""

    SOLVED = "solved"
    HANDED_BACK = "handed_back"
    CUSTOMER_LEFT = "customer_left"
    DUPLICATE = "duplicate"
    SPAM = "spam"


class Target(StrEnum):
    """What a service level promises a time for."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class Verdict(StrEnum):
    """What a person said about a doubtful message."""

    OPEN = "open"
    VALIDATED = "validated"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    DELETED = "deleted"


class ProofKind(StrEnum):
    """What can be proven about a customer."""

    ACCOUNT = "account"
    EMAIL = "email"
    PHONE = "phone"
    INVITATION = "invitation"


class Progress(StrEnum):
    """How far work in a queue has come; the first three are open, `DEAD` waits for an operator."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    DONE = "done"
    DEAD = "dead"
    DROPPED = "dropped"
