"""What belongs to a whole conversation: who speaks here, how long an offer stands, what was meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rasa_sdk import Action, Tracker, ValidationAction
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import JSON, SlotEvent

INTRODUCTION = "utter_introduction"

_EXTRACTED = ["language", "introduced", "offer"]

_MEANINGS: Mapping[str, tuple[str, str]] = {
    "greet": ("Say hello", "打个招呼"),
    "goodbye": ("Say goodbye", "结束对话"),
    "thank": ("Say thank you", "表示感谢"),
    "affirm": ("Yes", "是的"),
    "deny": ("No", "不是"),
    "bot_challenge": ("Who am I talking to?", "问对方是不是真人"),
    "help": ("What can you do?", "看看你能做什么"),
    "order_status": ("Where is my order?", "查订单到哪了"),
    "cancel_order": ("Cancel an order", "取消订单"),
    "change_address": ("Change the delivery address", "修改收货地址"),
    "start_return": ("Return something", "办理退货"),
    "refund_status": ("Where is my refund?", "查退款进度"),
    "report_defect": ("Something is broken", "产品有故障"),
    "complaint_delivery": ("Complain about the delivery", "投诉配送"),
    "complaint_product": ("Complain about a product", "投诉产品"),
    "complaint_service": ("Complain about the service", "投诉服务"),
    "open_ticket": ("Open a ticket", "提交工单"),
    "ticket_status": ("How is my ticket?", "查工单进度"),
    "ask_recommendation": ("Get a recommendation", "推荐产品"),
    "product_question": ("Ask about a product", "咨询产品"),
    "express_interest": ("I'd like to buy it", "想购买产品"),
    "human_handoff": ("Talk to a person", "转人工"),
    "update_contact": ("Change my e-mail or phone", "修改邮箱或手机号"),
    "give_feedback": ("Rate this chat", "评价服务"),
    "inform": ("Give you a detail", "提供信息"),
    "stop": ("Stop this", "停止当前操作"),
    "correct": ("Correct something", "更正信息"),
}
# Buttons of common questions send the question itself: `/faq` would not say which answer is wanted.
_QUESTIONS: Mapping[str, tuple[str, str]] = {
    "faq/shipping_time": ("How long does shipping take?", "配送需要多长时间？"),
    "faq/shipping_cost": ("How much is shipping?", "运费是多少？"),
    "faq/return_policy": ("What is your return policy?", "退货政策是什么？"),
    "faq/payment_methods": ("Which payment methods do you accept?", "支持哪些付款方式？"),
    "faq/warranty": ("How long is the warranty?", "保修期多久？"),
    "faq/opening_hours": ("What are your opening hours?", "营业时间是几点到几点？"),
    "faq/store_location": ("Where is your store?", "门店在哪里？"),
    "faq/privacy": ("What happens with my data?", "我的数据会怎么处理？"),
}
# Nobody is asked whether "yes" or "a detail" was meant: the answer would lead nowhere.
_NOT_OFFERED = ("affirm", "deny", "inform", "correct", "stop", "greet", "goodbye", "thank")
# What a message without words (emoji) is asked about, by its sentiment.
_WORDLESS = ("order_status", "start_return", "ask_recommendation")
_WORDLESS_UPSET = ("complaint_delivery", "complaint_product", "human_handoff")
_CODE = re.compile(r"[@\d]")
_NEITHER = ("None of these", "都不是")
_KEEP_OFFER = ("nlu_fallback", "inform")
_MAX_MEANINGS = 2


class ValidateSlotMappings(ValidationAction):
    """Runs after every message, before the first answer to it."""

    async def required_slots(
        self,
        _domain_slots: Sequence[str],
        _dispatcher: CollectingDispatcher,
        _tracker: Tracker,
        _domain: JSON,
    ) -> list[str]:
        """The slots with an `extract_…` below; all others are left as they are."""
        return _EXTRACTED

    def extract_language(
        self, _dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON
    ) -> dict[str, JSON]:
        """Keep the language over a message without words, and over one taken back as not understood."""
        known: str | None = None
        for event in reversed(tracker.events[: _latest_message_at(tracker)]):
            if event.get("event") == "slot" and event.get("name") == "language" and event.get("value"):
                known = str(event["value"])
                break
        is_kept = tracker.slots.get("language") is None or not has_words(tracker.latest_message)
        return {"language": known} if known and is_kept else {}

    def extract_introduced(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON
    ) -> dict[str, JSON]:
        """Say once in a conversation that this is an automated assistant; asked, it answers so itself."""
        if tracker.slots.get("introduced"):
            return {}
        introduces_itself = (tracker.latest_message.get("intent") or {}).get("name") == "bot_challenge"
        if not introduces_itself and not _was_said(tracker, INTRODUCTION):
            dispatcher.utter_message(response=INTRODUCTION)
        return {"introduced": True}

    def extract_offer(
        self, _dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON
    ) -> dict[str, JSON]:
        """Forget an offer after the message that could have accepted it; details and noise do not count."""
        if tracker.slots.get("offer") is None:
            return {}
        messages = 0
        for event in reversed(tracker.events):
            if event.get("event") == "slot" and event.get("name") == "offer" and event.get("value"):
                break
            intent = ((event.get("parse_data") or {}).get("intent") or {}).get("name")
            messages += event.get("event") == "user" and intent not in _KEEP_OFFER
        return {"offer": None} if messages > 1 else {}

    def validate_language(
        self, value: JSON, _dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: JSON
    ) -> dict[str, JSON]:
        """A language without translations is answered in English."""
        return {"language": value if value in ("en", "zh") else "en"}

    def validate_introduced(
        self, value: JSON, _dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: JSON
    ) -> dict[str, JSON]:
        """Only set here."""
        return {"introduced": value}

    def validate_offer(
        self, value: JSON, _dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: JSON
    ) -> dict[str, JSON]:
        """Only set here and by actions."""
        return {"offer": value}


class AskAffirmation(Action):
    """Asks which of the likeliest meanings was meant, in words instead of intent names."""

    def name(self) -> str:
        """Stands in for the engine's own action of this name."""
        return "action_default_ask_affirmation"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: JSON) -> list[SlotEvent]:
        """One button for each meaning, one for none of them."""
        language = int(tracker.slots.get("language") == "zh")
        meanings = likely_meanings(tracker.latest_message)
        buttons = [{"title": titles[language], "payload": payload} for payload, titles in meanings]
        buttons = [
            {"title": b["title"], "payload": b["title"]} if b["payload"] == "text" else b for b in buttons
        ]
        dispatcher.utter_message(
            response="utter_ask_affirmation",
            buttons=[*buttons, {"title": _NEITHER[language], "payload": "/out_of_scope"}],
        )
        return []


def likely_meanings(message: Mapping[str, JSON]) -> list[tuple[str, tuple[str, str]]]:
    """The likeliest intents as payload and titles; the payload `text` means that the title itself is sent."""
    if not has_words(message):
        is_upset = (message.get("sentiment") or {}).get("value") == "negative"
        return [(f"/{name}", _MEANINGS[name]) for name in (_WORDLESS_UPSET if is_upset else _WORDLESS)]
    found: list[tuple[str, tuple[str, str]]] = []
    for row in message.get("intent_ranking") or ():
        name = str(row.get("name"))
        if name == "faq":
            question = _QUESTIONS.get(_likely_question(message))
            if question is not None:
                found.append(("text", question))
        elif name in _MEANINGS and name not in _NOT_OFFERED:
            found.append((f"/{name}", _MEANINGS[name]))
    return found[:_MAX_MEANINGS]


def has_words(message: Mapping[str, JSON]) -> bool:
    """Whether a message says something in a language, beside numbers, codes and e-mail addresses."""
    text = str(message.get("text") or "")
    words = [] if text.startswith("/") else [word for word in text.split() if not _CODE.search(word)]
    return any(char.isalpha() for word in words for char in word)


def _latest_message_at(tracker: Tracker) -> int:
    """The index of the event of the latest message."""
    places = [i for i, event in enumerate(tracker.events) if event.get("event") == "user"]
    return places[-1] if places else 0


def _likely_question(message: Mapping[str, JSON]) -> str:
    """The best response key of the retrieval intent, empty when there is none."""
    for selector in (message.get("response_selector") or {}).values():
        if isinstance(selector, Mapping) and selector.get("response"):
            return str(selector["response"].get("intent_response_key") or "")
    return ""


def _was_said(tracker: Tracker, response: str) -> bool:
    """Whether the assistant said a response at any time, taken back or not."""
    return any(
        event.get("event") == "bot" and (event.get("metadata") or {}).get("utter_action") == response
        for event in tracker.events
    )
