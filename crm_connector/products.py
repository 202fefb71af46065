"""The catalogue."""

from __future__ import annotations

import re
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector.tables import Product

_WORD = re.compile(r"[a-z0-9]+|[一-鿿]")


def catalogue(session: Session, *, category: str | None = None) -> list[Product]:
    """All products on sale, or those of one category, in the order of their codes."""
    query = select(Product).where(Product.is_active).order_by(Product.code)
    return list(session.scalars(query if category is None else query.where(Product.category == category)))


def categories(session: Session) -> list[str]:
    """The categories that have something on sale, sorted."""
    return list(
        session.scalars(
            select(Product.category).where(Product.is_active).distinct().order_by(Product.category)
        )
    )


def find_product(session: Session, name: str) -> Product | None:
    """The product with this code, or with this name in either language; case and blanks do not count."""
    wanted = _squeezed(name)
    for product in catalogue(session):
        if wanted in map(_squeezed, (product.code, product.name_en, product.name_zh)):
            return product
    return None


def search(
    session: Session,
    words: str,
    *,
    category: str | None = None,
    max_price: Decimal | None = None,
    limit: int = 5,
) -> list[Product]:
    """Products that share words (Chinese: characters) with the text, best first; names count thrice."""
    wanted = set(_WORD.findall(words.lower()))
    scored = []
    for product in catalogue(session, category=category):
        if max_price is not None and product.price > max_price:
            continue
        names = _words(product.name_en, product.name_zh, product.category, product.code)
        texts = _words(product.description_en, product.description_zh, *product.attributes.values())
        score = 3 * len(wanted & names) + len(wanted & texts)
        if score:
            scored.append((-score, product.code, product))
    return [product for _, _, product in sorted(scored, key=lambda item: item[:2])[:limit]]


def _words(*texts: str) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text.lower())}


def _squeezed(name: str) -> str:
    return "".join(name.lower().split()).replace("-", "")
