"""What a customer needs, read out of a message and of what was said before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from actions.category_words import pointed_at
from actions.meaning import meanings
from actions.ranking import CLEAR, Candidate, Need, Similar, match_need
from actions.turn import Turn
from crm_connector import recommendations
from crm_connector.choices import RecommendationStatus
from crm_connector.tables import Product

LONGEST_NEED = 500  # characters; who tells more has said it by then

_CHEAPER = re.compile(
    r"\bcheap(?:er|est)?\b|\b(?:too|less) (?:expensive|pricey|dear)\b|\btoo much money\b|太贵|贵了|便宜",
    re.IGNORECASE,
)
_CHATTER = re.compile(
    r"\b(?:what|which|anything|something)? ?(?:have you got|do you have|(?:can|would|could|do) you "
    r"(?:recommend|suggest|offer))\b|\b(?:any|some) (?:ideas?|suggestions?|recommendations?)\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"[€$¥]?\s?\d[\d.,]*\s?(?:€|euros?\b|eur\b|bucks\b|欧元|块钱?|元)?", re.IGNORECASE)


def similar() -> Similar | None:
    """The measure of meaning, where there is an encoder."""
    known = meanings()
    return None if known is None else known.similarity


def read_need(turn: Turn, catalogue: Sequence[Candidate], shown: Sequence[Product]) -> Need:
    """What this message says about the need; an amount is the most that it may cost.

    A message that says little by itself ("cheaper", "for my mother") goes with the need that was told before.

    Args:
        turn: The customer's turn.
        catalogue: All products.
        shown: The products recommended last; "too expensive" means them.
    """
    asked_before = turn.slot("open_request") == "recommendation"
    category = turn.entity("category") or (turn.slot("category") if asked_before else None)
    words = _CHATTER.sub(" ", _PRICE.sub(" ", turn.text[:LONGEST_NEED])).strip(" ,.?!")
    before = str(turn.slot("need") or "") if asked_before else ""
    if before and not _says_enough(words, catalogue):
        words = f"{before} {words}".strip()[-LONGEST_NEED:]
    limit = read_amount(turn.entity("amount"))
    if limit is None and shown and _CHEAPER.search(turn.text):
        limit = min(product.price for product in shown) - Decimal("0.01")
    return Need(words, str(category).lower() if category else None, limit, _declined(turn))


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


def _says_enough(words: str, catalogue: Sequence[Candidate]) -> bool:
    """Whether a message tells a need of its own."""
    if pointed_at(words):
        return True
    fits = match_need(words, catalogue, similar=similar())
    return bool(len(fits)) and float(fits.max()) >= CLEAR


def _declined(turn: Turn) -> frozenset[int]:
    """The products that this conversation was offered and did not want."""
    offered = recommendations.recommendations_for(turn.session, turn.customer)
    return frozenset(
        row.product_id
        for row in offered
        if row.conversation_id == turn.conversation.id and row.status is RecommendationStatus.DECLINED
    )
