"""The summary of a conversation for the person who takes it over.

It is put together from fixed sentences and the customer's own words in quotation marks, never written
freely: what a customer asks of "the assistant" or "the system" stays inside quotation marks. Every sentence
names the messages and slots that it rests on.

The fixed sentences are in the language of the desk, English, whatever the customer speaks: the people there
share one language and sort by it. The customer's words stay as they were written, and a sentence says which
language that is. The first sentence alone tells how bad it is, what it is about, and what is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from actions.severity import Complaint, is_harmful, severity_of
from actions.turn import JSON, NO_VALUE, message_id
from crm_connector.choices import ComplaintCategory, Severity

_MAX_QUOTE = 240  # characters of one quotation
_MAX_QUOTES = 3

_WISHES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a refund", re.compile(r"\b(?:refund\w*|money back|reimburs\w*)\b|退款|退钱|退我钱|把钱退", re.I)),
    (
        "a replacement",
        re.compile(r"\b(?:replac\w*|exchange|new one)\b|换货|换新|换一[个台件]|补发|重发", re.I),
    ),
    ("a repair", re.compile(r"\b(?:repair\w*|fix(?:ed)?)\b|维修|修好|修理", re.I)),
    ("to cancel", re.compile(r"\bcancel\w*\b|取消订单|不要了", re.I)),
    ("to send it back", re.compile(r"\b(?:return(?: it| this)?|send (?:it|this) back)\b|退货", re.I)),
    (
        "compensation",
        re.compile(r"\b(?:compensat\w*|discount|voucher|damages)\b|赔偿|补偿|赔钱|优惠券", re.I),
    ),
    (
        "an explanation",
        re.compile(r"\bwhy\b|\bexplain\w*|\bexplanation\b|为什么|怎么回事|解释|给个说法", re.I),
    ),
    (
        "to know where the parcel is",
        re.compile(r"\bwhere(?: is|'s| the hell is)\b|\bwhen will\b|到哪|什么时候(?:到|能到|发货)", re.I),
    ),
    (
        "the parcel",
        re.compile(r"\b(?:deliver it|want my (?:parcel|order|package))\b|尽快(?:送|发|处理)", re.I),
    ),
)
_PERSON = "a person to deal with it"
_PERSON_WISH = re.compile(
    r"\b(?:human|real person|supervisor|boss|manager|call me)\b|人工|真人|主管|经理|打电话给我", re.I
)
_DONE: Mapping[str, str] = {
    "action_tell_order_status": "was asked where the order is",
    "action_tell_refund_status": "was asked how far the refund is",
    "action_ask_cancellation": "was asked to cancel the order",
    "action_cancel_order": "dealt with a cancellation",
    "action_change_address": "was asked to change the address",
    "action_register_return": "dealt with a return",
    "action_open_ticket": "took up a ticket",
    "action_tell_ticket_status": "was asked for the state of a ticket",
    "action_recommend": "recommended products",
    "utter_faq": "answered a common question",
    "action_default_fallback": "did not understand a message",
    "action_two_stage_fallback": "did not understand a message",
}
_SLOTS: Mapping[str, str] = {
    "order_number": "Order {}",
    "product": "Product {}",
    "contact": "Contact {}",
    "person_name": "Name {}",
}
_LANGUAGES: Mapping[str, str] = {"zh": "Chinese"}  # the desk's own goes without saying
_MAX_SUBJECT = 80  # characters


@dataclass(frozen=True, slots=True)
class Message:
    """What the customer wrote; `actions` are what the assistant did about it, in their order."""

    id: str
    text: str
    intent: str | None = None
    sentiment: str | None = None
    actions: tuple[str, ...] = ()

    @property
    def is_complaint(self) -> bool:
        """Whether it was understood as one."""
        return (self.intent or "").startswith(("complaint_", "report_defect"))


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence; `sources` are message ids, or `slot:` and a slot's name."""

    text: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a person reads before the first word."""

    sentences: tuple[Sentence, ...]
    wanted: str = ""
    tried: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()


def read_messages(events: Iterable[Mapping[str, JSON]]) -> list[Message]:
    """The customer's messages since the last restart, each with what followed; a button has no words.

    A message that stands there twice, because it made an unclear one clear, counts once.
    """
    messages: list[Message] = []
    for event in events:
        kind = event.get("event")
        if kind == "restart":
            messages.clear()
        elif kind == "user":
            message = _read_message(event)
            if messages and messages[-1].id == message.id:
                messages.pop()
            messages.append(message)
        elif kind == "action" and messages and event.get("name"):
            last = messages[-1]
            actions = (*last.actions, str(event["name"]))
            messages[-1] = Message(last.id, last.text, last.intent, last.sentiment, actions)
    return messages


def summarise(
    messages: Sequence[Message],
    slots: Mapping[str, JSON],
    *,
    category: ComplaintCategory,
    severity: Severity | None,
) -> Summary:
    """Tell what it is about, in whose words, what is wanted, what was tried and what is open.

    Args:
        messages: The customer's, in their order.
        slots: What is known.
        category: What it is about.
        severity: How bad the complaint is; None when the customer does not complain.
    """
    if not messages:
        return Summary(())
    told = [message for message in messages if message.is_complaint and message.text]
    told = told or [message for message in messages if message.text][-_MAX_QUOTES:] or list(messages[-1:])
    wish, wish_sources = _wish(messages)
    tried = _tried(messages)
    sentences = [
        _headline(told, category, severity, wish=wish, wish_sources=wish_sources),
        *_danger(messages),
        *_quotes(told),
        *_language(slots),
        *_facts(messages, slots),
        *(Sentence(f"The assistant {what}.", sources) for what, sources in tried.items()),
    ]
    return Summary(tuple(sentences), wish, tuple(tried), _open_questions(slots, wish, category))


def subject_of(text: str) -> str:
    """The first words of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SUBJECT else f"{line[: _MAX_SUBJECT - 1]}…"


def quote(text: str) -> str:
    """The customer's words on one line, in quotation marks that nothing inside can close."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = re.sub(r"[“”„«»\"]", "'", line)
    return f"“{line[: _MAX_QUOTE - 1]}…”" if len(line) > _MAX_QUOTE else f"“{line}”"


def _read_message(event: Mapping[str, JSON]) -> Message:
    parsed = event.get("parse_data") or {}
    text = str(event.get("text") or "")
    sentiment = (parsed.get("sentiment") or {}).get("value")
    if sentiment is None:
        found = [e.get("value") for e in parsed.get("entities") or () if e.get("entity") == "sentiment"]
        sentiment = found[-1] if found else None
    return Message(
        id=message_id(event),
        text="" if text.startswith("/") else text,
        intent=(parsed.get("intent") or {}).get("name"),
        sentiment=sentiment,
    )


def _headline(
    told: Sequence[Message],
    category: ComplaintCategory,
    severity: Severity | None,
    *,
    wish: str,
    wish_sources: Sequence[str],
) -> Sentence:
    """How bad, about what, how often, in what mood, and what is wanted: enough to choose who takes it."""
    known = category is not ComplaintCategory.OTHER
    subject = f" about the {category}" if known else " about something else" if severity else ""
    count = "" if len(told) == 1 else f" in {len(told)} messages"
    mood = "sounds upset" if any(m.sentiment == "negative" for m in told) else "stays calm"
    wanted = f"wants {wish}" if wish else "has not said what should happen"
    sources = [*(message.id for message in told), *wish_sources]
    kind = f"{severity.capitalize()} complaint" if severity else "Question"
    text = f"{kind}{subject}{count}: the customer {mood} and {wanted}."
    return Sentence(text, tuple(dict.fromkeys(sources)))


def _danger(messages: Sequence[Message]) -> list[Sentence]:
    """A warning for the desk, which must not get lost in a long message."""
    sources = tuple(message.id for message in messages if is_harmful(message.text))
    return [Sentence("Safety: it is about fire, smoke, a shock or an injury.", sources)] if sources else []


def _quotes(told: Sequence[Message]) -> list[Sentence]:
    """The most telling messages, worst first in choice but in the order they were said."""
    order = list(Severity)
    worst = sorted(
        range(len(told)),
        key=lambda i: (
            -order.index(severity_of(Complaint(told[i].text, told[i].sentiment))),
            -len(told[i].text),
        ),
    )
    chosen = sorted(i for i in worst[:_MAX_QUOTES] if told[i].text)
    return [Sentence(f"In the customer's words: {quote(told[i].text)}", (told[i].id,)) for i in chosen]


def _language(slots: Mapping[str, JSON]) -> list[Sentence]:
    name = _LANGUAGES.get(str(slots.get("language")))
    return [Sentence(f"The customer writes in {name}.", ("slot:language",))] if name else []


def _facts(messages: Sequence[Message], slots: Mapping[str, JSON]) -> list[Sentence]:
    facts = []
    for name, phrase in _SLOTS.items():
        value = slots.get(name)
        if not value or value == NO_VALUE:
            continue
        sources = [message.id for message in messages if str(value).lower() in message.text.lower()][-1:]
        sources.append(f"slot:{name}")
        text = phrase.format(quote(str(value)))
        if name == "order_number" and slots.get("verified_customer"):
            text += ", proven to be the customer's own"
            sources.append("slot:verified_customer")
        elif name == "order_number":
            text += ", as the customer says"
        facts.append(Sentence(f"{text}.", tuple(sources)))
    return facts


def _wish(messages: Sequence[Message]) -> tuple[str, tuple[str, ...]]:
    """The latest thing that was asked for, then a person where one was asked for, and the messages."""
    wish = ""
    sources: list[str] = []
    for message in reversed(messages):
        wishes = [name for name, pattern in _WISHES if pattern.search(message.text)]
        if wishes:
            wish, sources = " and ".join(wishes[:2]), [message.id]
            break
    for message in reversed(messages):
        if message.intent == "human_handoff" or _PERSON_WISH.search(message.text):
            wish = f"{wish}, and {_PERSON}" if wish else _PERSON
            sources.append(message.id)
            break
    return wish, tuple(sources)


def _tried(messages: Sequence[Message]) -> dict[str, tuple[str, ...]]:
    """What the assistant did, each thing once, and the messages it did it for."""
    tried: dict[str, tuple[str, ...]] = {}
    for message in messages:
        for action in message.actions:
            what = _DONE.get(action)
            if what is not None and message.id not in tried.get(what, ()):
                tried[what] = (*tried.get(what, ()), message.id)
    return tried


def _open_questions(slots: Mapping[str, JSON], wish: str, category: ComplaintCategory) -> tuple[str, ...]:
    questions = []
    if not slots.get("order_number") and category is not ComplaintCategory.SERVICE:
        questions.append("Which order is it about?")
    if not slots.get("verified_customer"):
        questions.append("Who is the customer? No order has been proven to be theirs.")
    if not slots.get("contact"):
        questions.append("How can the customer be reached outside this chat?")
    if not wish:
        questions.append("What does the customer want to happen?")
    return tuple(questions)
