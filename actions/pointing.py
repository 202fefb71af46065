"""Which product a customer means: by name, by position, by category, or as the one talked about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from actions.needs import LONGEST_NEED, similar
from actions.ranking import Candidate, match_need, shared_words
from actions.turn import Turn
from crm_connector import products
from crm_connector.tables import Product

_CLEAR_MATCH = 0.5  # of `match_need`; below it the question is about something else
_PRONOUN = re.compile(r"\b(?:it|its|this|that|they|these)\b|它|这款|这个|那款|那个|这件", re.IGNORECASE)
_ORDINALS = (
    re.compile(r"\b(?:first|1st|number one|no\.? ?1)\b|第一|第1", re.IGNORECASE),
    re.compile(r"\b(?:second|2nd|number two|no\.? ?2|middle)\b|第二|第2|中间那", re.IGNORECASE),
    re.compile(r"\b(?:third|3rd|last|number three|no\.? ?3)\b|第三|第3|最后", re.IGNORECASE),
)


def candidate(product: Product) -> Candidate:
    """A product as the rules of ranking see it."""
    texts = (product.name_en, product.description_en, product.name_zh, product.description_zh)
    words = (*texts, product.category, *product.attributes.values())
    told = f"{product.name_en}. {product.description_en}"
    return Candidate(product.id, product.category.lower(), product.price, words, told)


def recommended(turn: Turn) -> list[Product]:
    """The products recommended last, in their order."""
    found = (products.find_product(turn.session, code) for code in turn.slot("recommended") or ())
    return [product for product in found if product is not None]


def by_position(turn: Turn, offered: Sequence[Product]) -> Product | None:
    """The product that "the second one" is."""
    for product, pattern in zip(offered, _ORDINALS, strict=False):
        if pattern.search(turn.text):
            return product
    return None


def named_product(turn: Turn) -> Product | None:
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


def pointed_at(turn: Turn) -> Product | None:
    """The one recommended product that is meant: by position ("the second"), category, or as the only one."""
    codes: Sequence[str] = turn.slot("recommended") or ()
    offered = recommended(turn)
    positioned = by_position(turn, offered)
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


def asked_product(turn: Turn) -> Product | None:
    """The product that a question is about: by name or position, as the one talked about, or by its words.

    A question without a name ("and the battery?") stays with the product talked about, unless its words name
    another one.
    """
    named = named_product(turn) or by_position(turn, recommended(turn))
    talked_about = products.find_product(turn.session, str(turn.slot("product") or ""))
    category = turn.entity("category")
    if named is None and talked_about is not None and not _is_other(category, talked_about):
        best = _best_match(turn, category)
        if best is None or _PRONOUN.search(turn.text):
            return talked_about
        names = shared_words(turn.text, (best.name_en, best.name_zh))
        return best if names else talked_about
    return named or _best_match(turn, category) or talked_about


def _is_other(category: str | None, product: Product) -> bool:
    return category is not None and category.lower() != product.category.lower()


def _best_match(turn: Turn, category: str | None) -> Product | None:
    """The product that the words describe best, if they clearly describe one."""
    catalogue = products.catalogue(turn.session, category=category.lower() if category else None)
    found = [candidate(product) for product in catalogue]
    scores = match_need(turn.text[:LONGEST_NEED], found, similar=similar())
    return catalogue[int(scores.argmax())] if len(scores) and scores.max() >= _CLEAR_MATCH else None
