"""Recommendations: three products with their reasons, questions about products, and interest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from actions.ranking import Candidate, Need, Ranked, ReasonKind, match_need, rank
from actions.turn import JSON, CrmAction, SlotEvent, Turn, money, set_slots
from crm_connector import opportunities, products, recommendations
from crm_connector.choices import RecommendationStatus, Stage
from crm_connector.tables import Opportunity, Product, Recommendation

COUNT = 3
_LONGEST_NEED = 500  # characters; who tells more has said it by then
_CLEAR_MATCH = 0.5  # of `match_need`; below it the question is about something else
_PRONOUN = re.compile(r"\b(?:it|its|this|that|they|these)\b|它|这款|这个|那款|那个|这件", re.IGNORECASE)

_REASONS: Mapping[ReasonKind, Mapping[str, str]] = {
    ReasonKind.NEED: {"en": "Fits what you said: {detail}.", "zh": "符合您说的：{detail}。"},
    ReasonKind.HISTORY: {
        "en": "Goes well with your {detail}.",
        "zh": "和您买过的{detail}很配。",
    },
    ReasonKind.CATEGORY: {"en": "One of our {detail} for {price}.", "zh": "{detail}中的一款，{price}。"},
    ReasonKind.POPULAR: {"en": "Bought by many of our customers.", "zh": "很多顾客都在买。"},
}
_CATEGORY_NAMES = {
    "headphones": ("headphones", "耳机"),
    "speaker": ("speakers", "音箱"),
    "lamp": ("lamps", "灯具"),
    "kettle": ("kettles", "水壶"),
    "vacuum robot": ("vacuum robots", "扫地机器人"),
    "monitor": ("monitors", "显示器"),
    "charger": ("chargers", "充电器"),
    "camera": ("cameras", "摄像头"),
    "keyboard": ("keyboards", "键盘"),
    "watch": ("watches", "手表"),
}


def recommend(turn: Turn) -> list[SlotEvent]:
    """Recommend three products, write them down, show them as cards; ask for more when nothing was said."""
    catalogue = {product.id: product for product in products.catalogue(turn.session)}
    need = read_need(turn)
    known = turn.customer.id
    ranked = rank(
        [candidate(product) for product in catalogue.values()], need, _purchases(turn), known, count=COUNT
    )
    if not ranked:
        turn.say("utter_no_recommendation")
        return set_slots(open_request="recommendation")
    cards = [_offer(turn, catalogue, choice) for choice in ranked]
    turn.say("utter_recommendations")
    turn.dispatcher.utter_message(json_message={"type": "product_cards", "products": cards})
    if not need.category and all(choice.reason is ReasonKind.POPULAR for choice in ranked):
        turn.say("utter_ask_need")
    codes = [card["sku"] for card in cards]
    return set_slots(offer="interest", open_request="recommendation", recommended=codes)


def continue_recommendation(turn: Turn) -> list[SlotEvent]:
    """Take a word that came after a recommendation: one of the three, or more about the need."""
    is_choice = _by_position(turn, _recommended(turn)) is not None or _named_product(turn) is not None
    return open_opportunity(turn) if is_choice else recommend(turn)


def answer_product_question(turn: Turn) -> list[SlotEvent]:
    """Describe the product that was asked about."""
    product = _asked_product(turn)
    if product is None:
        turn.say("utter_product_not_found")
        return set_slots(open_request="product_question")
    turn.say(
        "utter_product_details",
        product_name=product.name_in(turn.language),
        price=money(product.price, product.currency),
        description=product.description_in(turn.language),
    )
    return set_slots(product=product.code, open_request=None)


def open_opportunity(turn: Turn) -> list[SlotEvent]:
    """Open an opportunity for the product that was named, or for the first of those recommended."""
    product = _named_product(turn) or _pointed_at(turn)
    if product is None:
        turn.say("utter_ask_which_product", buttons=_choices(turn))
        return set_slots(open_request="interest")
    offered = _offered(turn, product)
    if offered is not None:
        recommendations.decide(turn.session, offered, RecommendationStatus.ACCEPTED)
    opportunities.open_opportunity(
        turn.session,
        Opportunity(
            source_key=f"{turn.conversation.id}:{product.code}",
            customer_id=turn.customer.id,
            product_id=product.id,
            recommendation_id=offered.id if offered else None,
            conversation_id=turn.conversation.id,
            title=f"Interest in {product.name_en}",
            stage=Stage.LEAD,
            amount=product.price,
            currency=product.currency,
        ),
    )
    turn.say(
        "utter_interest_noted",
        product_name=product.name_in(turn.language),
        price=money(product.price, product.currency),
    )
    return set_slots(product=product.code, open_request=None)


def decline_recommendation(turn: Turn) -> list[SlotEvent]:
    """Note that none of them suits, and ask what should be different."""
    codes = turn.slot("recommended") or ()
    for row in recommendations.recommendations_for(turn.session, turn.customer):
        if row.product.code in codes and row.status is RecommendationStatus.OFFERED:
            recommendations.decide(turn.session, row, RecommendationStatus.DECLINED)
    turn.say("utter_recommendation_declined")
    return set_slots(open_request="recommendation", product=None)


def read_need(turn: Turn) -> Need:
    """What this message says about the need; an amount is the most that it may cost."""
    asked_before = turn.slot("open_request") == "recommendation"
    category = turn.entity("category") or (turn.slot("category") if asked_before else None)
    return Need(
        turn.text[:_LONGEST_NEED],
        str(category).lower() if category else None,
        read_amount(turn.entity("amount")),
    )


def candidate(product: Product) -> Candidate:
    """A product as the rules of ranking see it."""
    texts = (product.name_en, product.description_en, product.name_zh, product.description_zh)
    words = (*texts, product.category, *product.attributes.values())
    return Candidate(product.id, product.category.lower(), product.price, words)


def reason_text(choice: Ranked, catalogue: Mapping[int, Product], language: str) -> str:
    """Why, in the customer's language."""
    product = catalogue[choice.id]
    detail = choice.detail
    if choice.reason is ReasonKind.HISTORY:
        bought = catalogue.get(int(choice.detail))
        if bought is None:  # no longer on sale: its name is not worth a second look
            return _REASONS[ReasonKind.POPULAR][language]
        detail = bought.name_in(language)
    elif choice.reason is ReasonKind.CATEGORY:
        names = _CATEGORY_NAMES.get(product.category.lower(), (product.category, product.category))
        detail = names[language == "zh"]
    price = money(product.price, product.currency)
    return _REASONS[choice.reason][language].format(detail=detail, price=price)


def _offer(turn: Turn, catalogue: Mapping[int, Product], choice: Ranked) -> dict[str, JSON]:
    """Write a recommendation down and make its card."""
    product = catalogue[choice.id]
    reason = reason_text(choice, catalogue, turn.language)
    recommendations.offer(
        turn.session,
        Recommendation(
            source_key=turn.source_key,
            customer_id=turn.customer.id,
            product_id=product.id,
            conversation_id=turn.conversation.id,
            reason=reason,
            score=choice.score,
        ),
    )
    return {
        "sku": product.code,
        "name": product.name_in(turn.language),
        "price": f"{product.price:.2f}",
        "currency": product.currency,
        "reason": reason,
    }


def _purchases(turn: Turn) -> dict[int, Counter[int]]:
    baskets: dict[int, Counter[int]] = {}
    for purchase in recommendations.purchases(turn.session):
        baskets.setdefault(purchase.customer_id, Counter())[purchase.product_id] = purchase.quantity
    return baskets


def _asked_product(turn: Turn) -> Product | None:
    """The product by name, else the one that the words describe best, else the one talked about."""
    named = _named_product(turn)
    talked_about = products.find_product(turn.session, str(turn.slot("product") or ""))
    if named is None and _PRONOUN.search(turn.text):
        named = talked_about
    if named is not None:
        return named
    category = turn.entity("category")
    catalogue = products.catalogue(turn.session, category=category.lower() if category else None)
    scores = match_need(turn.text[:_LONGEST_NEED], [candidate(product) for product in catalogue])
    if len(scores) and scores.max() >= _CLEAR_MATCH:
        return catalogue[int(scores.argmax())]
    return talked_about


def _named_product(turn: Turn) -> Product | None:
    """The product that this message names, by entity or by its full name or code in the text."""
    named = turn.entity("product")
    found = products.find_product(turn.session, named) if named else None
    if found is not None:
        return found
    text = turn.text.lower()
    for product in products.catalogue(turn.session):
        if any(name.lower() in text for name in (product.code, product.name_en, product.name_zh)):
            return product
    return None


def _pointed_at(turn: Turn) -> Product | None:
    """The one recommended product that is meant: by position ("the second"), category, or as the only one."""
    codes: Sequence[str] = turn.slot("recommended") or ()
    offered = _recommended(turn)
    positioned = _by_position(turn, offered)
    if positioned is not None:
        return positioned
    category = turn.entity("category")
    alike = [p for p in offered if category and p.category.lower() == category.lower()]
    if len(alike) == 1:
        return alike[0]
    talked_about = products.find_product(turn.session, str(turn.slot("product") or ""))
    if talked_about is not None and (not codes or talked_about.code in codes):
        return talked_about
    return offered[0] if len(offered) == 1 else None


_ORDINALS = (
    ("first", "1st", "第一", "第1"),
    ("second", "2nd", "第二", "第2"),
    ("third", "3rd", "last", "第三", "第3", "最后"),
)


def _recommended(turn: Turn) -> list[Product]:
    """The products recommended last, in their order."""
    found = (products.find_product(turn.session, code) for code in turn.slot("recommended") or ())
    return [product for product in found if product is not None]


def _by_position(turn: Turn, offered: Sequence[Product]) -> Product | None:
    for position, words in enumerate(_ORDINALS):
        if position < len(offered) and any(word in turn.text.lower() for word in words):
            return offered[position]
    return None


def _offered(turn: Turn, product: Product) -> Recommendation | None:
    for row in recommendations.recommendations_for(turn.session, turn.customer):
        if row.product_id == product.id:
            return row
    return None


def _choices(turn: Turn) -> list[dict[str, str]]:
    """A button for each recommended product."""
    return [
        {
            "title": product.name_in(turn.language),
            "payload": f'/express_interest{{"product": "{product.code}"}}',
        }
        for product in _recommended(turn)
    ]


def read_amount(value: str | None) -> Decimal | None:
    """The number in an amount such as `100 EUR` or `1.299,00`."""
    if value is None:
        return None
    digits = "".join(char for char in value if char.isdigit() or char in ".,")
    whole, mark, cents = digits.rpartition("," if "," in digits[-3:] else ".")
    try:
        if mark and len(cents) <= 2:
            return Decimal(f"{whole.replace(',', '').replace('.', '') or 0}.{cents or 0}")
        return Decimal(digits.replace(",", "").replace(".", ""))
    except InvalidOperation:
        return None


class Recommend(CrmAction):
    """Three products worth buying."""

    action_name = "action_recommend"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Recommend."""
        return recommend(turn)


class AnswerProductQuestion(CrmAction):
    """What there is to know about a product."""

    action_name = "action_answer_product_question"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Answer."""
        return answer_product_question(turn)


class OpenOpportunity(CrmAction):
    """Interest in a product."""

    action_name = "action_open_opportunity"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Note it."""
        return open_opportunity(turn)


class DeclineRecommendation(CrmAction):
    """None of the recommended products."""

    action_name = "action_decline_recommendation"

    def act(self, turn: Turn) -> list[SlotEvent]:
        """Note it and ask on."""
        return decline_recommendation(turn)
