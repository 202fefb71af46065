"""Recommendations: three products with their reasons, questions about products, and interest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.accounts import note_contact
from actions.meaning import meanings
from actions.needs import read_need, similar
from actions.pointing import (
    asked_product,
    by_position,
    candidate,
    named_product,
    pointed_at,
    recommended,
)
from actions.ranking import Candidate, Need, Ranked, ReasonKind, rank
from actions.turn import JSON, CrmAction, SlotEvent, Turn, money, set_slots, store
from crm_connector import opportunities, products, recommendations
from crm_connector.choices import RecommendationStatus, Stage
from crm_connector.tables import Opportunity, Product, Recommendation

COUNT = 3
_GUESSES = (
    ReasonKind.POPULAR,
    ReasonKind.CATEGORY,
)  # without a category that was named, they rest on nothing
_DROP = re.compile(
    r"\b(?:never ?mind|forget (?:it|about it)|leave it|stop|not (?:now|today)|no more|nothing)\b"
    r"|算了|不用|不要了|不买|不需要|不想买",
    re.IGNORECASE,
)

_REASONS: Mapping[ReasonKind, Mapping[str, str]] = {
    ReasonKind.NEED: {"en": "Fits what you said: {detail}.", "zh": "符合您提到的“{detail}”。"},
    ReasonKind.HISTORY: {
        "en": "Goes well with your {detail}.",
        "zh": "和您买过的{detail}很配。",
    },
    ReasonKind.CATEGORY: {"en": "One of our {detail} for {price}.", "zh": "{detail}中的一款，{price}。"},
    ReasonKind.POPULAR: {"en": "Bought by many of our customers.", "zh": "很多顾客都在买。"},
}
_MEANT = {"en": "Suits what you described.", "zh": "符合您描述的需求。"}  # the meaning fits, no single word
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
    candidates = [candidate(product) for product in catalogue.values()]
    need = read_need(turn, candidates, recommended(turn))
    ranked = _ranked(turn, candidates, need)
    if not ranked:
        _say_nothing_fits(turn, catalogue.values(), need)
        return set_slots(open_request="recommendation", need=need.text)
    is_guess = not need.category and all(choice.reason is ReasonKind.POPULAR for choice in ranked)
    if is_guess:  # words that fit nothing do not choose
        ranked = _ranked(turn, candidates, Need(max_price=need.max_price, declined=need.declined))
    turn.say("utter_favourites" if is_guess else "utter_recommendations")
    cards = [_offer(turn, catalogue, choice) for choice in ranked]
    turn.dispatcher.utter_message(json_message={"type": "product_cards", "products": cards})
    turn.say("utter_ask_need" if is_guess else "utter_ask_interest")
    codes = [card["sku"] for card in cards]
    return set_slots(
        offer="interest",
        open_request="recommendation",
        recommended=codes,
        need=_told_need(need, [catalogue[choice.id] for choice in ranked], is_guess=is_guess),
        product=None,
    )


def continue_recommendation(turn: Turn) -> list[SlotEvent]:
    """Take a word that came after a recommendation: one of the three, or more about the need."""
    is_choice = by_position(turn, recommended(turn)) is not None or named_product(turn) is not None
    return open_opportunity(turn) if is_choice else recommend(turn)


def answer_product_question(turn: Turn) -> list[SlotEvent]:
    """Describe the product that was asked about."""
    product = asked_product(turn)
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
    """Open an opportunity for the product named or pointed at; ask which, or recommend some first."""
    product = named_product(turn) or pointed_at(turn)
    if product is None and not recommended(turn):
        return recommend(turn)
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
    is_reachable = turn.customer.email or turn.customer.phone or turn.slot("contact")
    if not is_reachable:
        turn.say("utter_ask_interest_contact")
    waiting = None if is_reachable else "interest_contact"
    return set_slots(product=product.code, open_request=waiting)


def add_interest_contact(turn: Turn) -> list[SlotEvent]:
    """Note how sales reach the customer; anything else than a contact is taken for more about products."""
    contact = turn.entity("email") or turn.entity("phone")
    if contact is None:
        return continue_recommendation(turn)
    note_contact(turn, contact)
    turn.say("utter_interest_contact_added", contact=contact)
    return set_slots(open_request=None)


def decline_recommendation(turn: Turn) -> list[SlotEvent]:
    """Note that none of them suits, and ask what should be different, unless the wish itself is dropped."""
    codes = turn.slot("recommended") or ()
    for row in recommendations.recommendations_for(turn.session, turn.customer):
        if row.product.code in codes and row.status is RecommendationStatus.OFFERED:
            recommendations.decide(turn.session, row, RecommendationStatus.DECLINED)
    if turn.intent == "stop" and _DROP.search(turn.text):
        turn.say("utter_all_right")
        return set_slots(open_request=None, need=None, category=None, product=None)
    turn.say("utter_recommendation_declined")
    return set_slots(open_request="recommendation", product=None)


def reason_text(choice: Ranked, catalogue: Mapping[int, Product], language: str) -> str:
    """Why, in the customer's language."""
    product = catalogue[choice.id]
    detail = choice.detail
    if choice.reason is ReasonKind.NEED and not detail:
        return _MEANT[language]
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


def _told_need(need: Need, shown: Sequence[Product], *, is_guess: bool) -> str:
    """What to remember: the words, with the category that they led to, so that "cheaper" stays with it."""
    most, count = Counter(product.category for product in shown).most_common(1)[0]
    return f"{need.text} {most}" if count > 1 and not (is_guess or need.category) else need.text


def _say_nothing_fits(turn: Turn, catalogue: Iterable[Product], need: Need) -> None:
    """Name the cheapest of a category where the price was the hindrance."""
    alike = [product for product in catalogue if product.category.lower() == need.category]
    if need.max_price is None or not alike:
        turn.say("utter_no_recommendation")
        return
    cheapest = min(alike, key=lambda product: product.price)
    turn.say(
        "utter_cheapest",
        product_name=cheapest.name_in(turn.language),
        price=money(cheapest.price, cheapest.currency),
        buttons=_buttons(turn, [cheapest]),
    )


def _ranked(turn: Turn, candidates: Sequence[Candidate], need: Need) -> list[Ranked]:
    """The best products; where nothing is left of the declined or cheaper ones, the nearest there are."""
    purchases, customer = _purchases(turn), turn.customer.id
    ways = (need, Need(need.text, need.category, need.max_price))
    found = (rank(candidates, way, purchases, customer, count=COUNT, similar=similar()) for way in ways)
    best = next((ranked for ranked in found if ranked), [])
    if need.max_price is not None and any(choice.reason is ReasonKind.NEED for choice in best):
        return [choice for choice in best if choice.reason is not ReasonKind.POPULAR]
    return best


def _offered(turn: Turn, product: Product) -> Recommendation | None:
    for row in recommendations.recommendations_for(turn.session, turn.customer):
        if row.product_id == product.id:
            return row
    return None


def _choices(turn: Turn) -> list[dict[str, str]]:
    """A button for each recommended product."""
    return _buttons(turn, recommended(turn))


def _buttons(turn: Turn, offered: Sequence[Product]) -> list[dict[str, str]]:
    return [
        {
            "title": product.name_in(turn.language),
            "payload": f'/express_interest{{"product": "{product.code}"}}',
        }
        for product in offered
    ]


class Recommend(CrmAction):
    """Three products worth buying."""

    action_name = "action_recommend"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, JSON]
    ) -> list[SlotEvent]:
        """Learn what the products mean before the transaction, which holds SQLite's only write lock."""
        known = meanings()
        if known is not None:
            with store().reading() as session:
                known.learn([candidate(product) for product in products.catalogue(session)])
        return super().run(dispatcher, tracker, domain)

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
