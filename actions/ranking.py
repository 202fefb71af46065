"""Which products suit a customer: pure rules over the catalogue, the purchases, and what was said."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight
from scipy.sparse import csr_matrix

from actions.category_words import pointed_at

Vector = npt.NDArray[np.float64]

MIN_CUSTOMERS = 20  # with two or more different products each; fewer purchases say nothing about taste
_NEIGHBOURS = 20
_MEANT, _SAID = 0.75, 0.25  # weights of the sentence vectors and of the words they share with a product
_POINTED = 0.7  # weight of the category that Chinese words point at, against the words of the product
_WEIGHTS = {"need": 1.0, "alike": 0.3, "history": 0.5, "popular": 0.1}
_MIN_NEED = 0.08  # a cosine below it is chance
_TELLING_FITS = 3  # products whose fits stand for their category
_MIN_ALIKE = 0.28  # a fit below which the category of the best product says nothing
CLEAR = 0.4  # a fit from which the product suits although it shares no word with the wish
_FULL_NEED = 0.3  # a cosine from which words could not fit much better
_WORD = re.compile(r"[a-z0-9]+")
_HAN = re.compile(r"[㐀-鿿]+")
_GRAM_SIZES = {"word": (3, 4), "han": (2, 3)}
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a an and any are as at be best but buy by can cheap cheaper could do euro euros expensive for from
        get give good hello help hey have i in is it itself about below gift ideas just less like looking
        many max me more much my myself need new nice of on one or over please price product products really
        recommend recommendation should show some something suggest that the thing this to too very want
        what which will than under with would you your other others ones another different else instead""",
    )
)
_STOP_HAN = frozenset(
    "我想要买个的了吗呢吧请给推荐一款有没什么好点哪帮您你能可以是不用在和就这那下些产品适合其他别换贵便宜"
)


class ReasonKind(StrEnum):
    """Why a product is recommended."""

    NEED = "need"
    HISTORY = "history"
    CATEGORY = "category"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product as the rules see it.

    `texts` are its name and description in every language; `told` is what a sentence encoder reads, the first
    of the texts when left out.
    """

    id: int
    category: str
    price: Decimal
    texts: tuple[str, ...]
    told: str = ""

    @property
    def meaning(self) -> str:
        """What a sentence encoder reads."""
        return self.told or self.texts[0]


Similar = Callable[[str, Sequence[Candidate]], Vector | None]  # nearness in [0, 1], None: cannot tell


@dataclass(frozen=True, slots=True)
class Need:
    """What the customer said: the words, and what was understood of them; `declined` are ids of products."""

    text: str = ""
    category: str | None = None
    max_price: Decimal | None = None
    declined: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A product with its score (higher is better, no fixed scale) and the reason that weighs most.

    `detail` are the words that fit for NEED (empty where the meaning alone fits), the id of the bought
    product for HISTORY, else empty.
    """

    id: int
    score: float
    reason: ReasonKind
    detail: str = ""


def rank(
    candidates: Sequence[Candidate],
    need: Need,
    purchases: Mapping[int, Counter[int]],
    customer: int | None = None,
    *,
    count: int = 3,
    similar: Similar | None = None,
) -> list[Ranked]:
    """The products that suit best: none that was bought or declined before, none above the price.

    A category with too few products is filled up with others, but not where a price says why they are few.

    Args:
        candidates: The catalogue.
        need: What the customer said.
        purchases: How many of which product each customer bought.
        customer: Whose taste counts; None when nobody knows who is writing.
        count: How many to return; fewer when the catalogue has no more.
        similar: How near products are to a text by sentence vectors, beside the words they share.
    """
    bought = purchases.get(customer, Counter()) if customer is not None else Counter[int]()
    seen = bought.keys() | need.declined
    fitting = [c for c in candidates if c.id not in seen and _is_affordable(c, need)]
    in_category = [c for c in fitting if c.category == need.category]
    is_enough = len(in_category) >= count or (need.category and need.max_price is not None)
    pool = in_category if is_enough else in_category + [c for c in fitting if c not in in_category]
    if not pool:
        return []
    needs = match_need(need.text, pool, similar=similar)
    history, because = taste(pool, purchases, customer)
    popular = _popularity(pool, purchases)
    alike = _category_fit(pool, needs)
    told_apart = _told_apart(need, pool)
    history = history * (1 - told_apart.max())
    parts = {"need": needs + told_apart, "alike": alike, "history": history, "popular": popular}
    total = sum((_WEIGHTS[name] * part for name, part in parts.items()), np.zeros(len(pool)))
    if need.category:
        total = total + np.array([2.0 * (c.category == need.category) for c in pool])
    best = sorted(range(len(pool)), key=lambda i: (-total[i], pool[i].id))[:count]
    return [
        Ranked(
            pool[i].id,
            float(total[i]),
            *_reason(pool[i], need, needs[i], history[i], because.get(pool[i].id), is_alike=alike[i] > 0),
        )
        for i in best
    ]


def match_need(text: str, candidates: Sequence[Candidate], *, similar: Similar | None = None) -> Vector:
    """How well each product fits the words, in [0, 1]; zero where it is no more than chance."""
    cosines = _ngram_cosines(text, [" ".join(c.texts) for c in candidates])
    said = np.where(cosines >= _MIN_NEED, np.minimum(cosines / _FULL_NEED, 1.0), 0.0)
    categories = pointed_at(text)
    if categories:
        pointed = np.array([categories.get(c.category, 0.0) for c in candidates])
        said = _POINTED * pointed + (1 - _POINTED) * said
    meant = similar(text, candidates) if similar is not None and candidates and _tells(text) else None
    return said if meant is None else _MEANT * meant + _SAID * said


def _tells(text: str) -> bool:
    """Whether a text says more than that something is wanted."""
    return any(len(word) > 2 and word not in _STOP_WORDS for word in _WORD.findall(text.lower()))


def taste(
    candidates: Sequence[Candidate], purchases: Mapping[int, Counter[int]], customer: int | None
) -> tuple[Vector, dict[int, int]]:
    """How well each product goes with what the customer bought, in [0, 1], and with which product.

    Item to item, weighted by BM25 (`implicit`), so that what everybody buys says little.
    """
    none: Vector = np.zeros(len(candidates))
    telling = sum(len(basket) > 1 for basket in purchases.values())
    if customer is None or not purchases.get(customer) or telling < MIN_CUSTOMERS:
        return none, {}
    products = sorted({product for basket in purchases.values() for product in basket})
    column = {product: i for i, product in enumerate(products)}
    similarity = _item_similarity(list(purchases.values()), column)
    bought = sorted(purchases[customer])
    affinity = np.stack([similarity[column[p]].toarray().ravel() for p in bought])  # (bought, products)
    known = [column.get(c.id) for c in candidates]
    scores = np.array([0.0 if i is None else float(affinity[:, i].sum()) for i in known])
    because = {
        c.id: bought[int(affinity[:, i].argmax())]
        for c, i in zip(candidates, known, strict=True)
        if i is not None and affinity[:, i].any()
    }
    return (scores / scores.max() if scores.max() > 0 else none), because


def shared_words(text: str, documents: Sequence[str]) -> list[str]:
    """The telling words of a text that the documents share, in the order they were said."""
    whole = " ".join(documents).lower()
    words = [w for w in _WORD.findall(text.lower()) if len(w) > 2 and w not in _STOP_WORDS]
    stems = [w for w in words if re.search(rf"\b{re.escape(w[: max(4, len(w) - 2)])}", whole)]
    return list(dict.fromkeys([*stems, *_shared_han(text, whole)]))


def _shared_han(text: str, whole: str) -> list[str]:
    """The longest runs of two or more Chinese characters that stand in both."""
    found = []
    for run in _HAN.findall(text):
        start = 0
        while start < len(run) - 1:
            end = next((e for e in range(len(run), start + 1, -1) if run[start:e] in whole), None)
            if end is None or all(char in _STOP_HAN for char in run[start:end]):
                start += 1
            else:
                found.append(run[start:end])
                start = end
    return found


def _is_affordable(candidate: Candidate, need: Need) -> bool:
    return need.max_price is None or candidate.price <= need.max_price


def _reason(
    candidate: Candidate, need: Need, fit: float, history: float, because: int | None, *, is_alike: bool
) -> tuple[ReasonKind, str]:
    words = shared_words(need.text, candidate.texts) if fit else []
    if (words or fit >= CLEAR) and _WEIGHTS["need"] * fit >= _WEIGHTS["history"] * history:
        return ReasonKind.NEED, ", ".join(words[:3])
    if because is not None and history > 0:
        return ReasonKind.HISTORY, str(because)
    if is_alike or (need.category and candidate.category == need.category):
        return ReasonKind.CATEGORY, ""
    return ReasonKind.POPULAR, ""


def _category_fit(candidates: Sequence[Candidate], needs: Vector) -> Vector:
    """The best fit of all, for products of the category that fits best as a whole; zero for the others.

    One product that shares a word by chance (a kitchen radio, a floor lamp) does not make its category fit.
    """
    if needs.max() < _MIN_ALIKE:
        return np.zeros(len(candidates))
    fits: dict[str, list[float]] = {}
    for candidate, need in zip(candidates, needs, strict=True):
        fits.setdefault(candidate.category, []).append(float(need))
    best = max(fits, key=lambda name: float(np.mean(sorted(fits[name])[-_TELLING_FITS:])))
    return np.array([float(needs.max()) * (candidate.category == best) for candidate in candidates])


def _told_apart(need: Need, candidates: Sequence[Candidate]) -> Vector:
    """How much better the words fit a product than a poor one of those that they fit at all, in [0, 1].

    "Headphones" fits every pair alike and leaves the choice to taste; "with noise cancelling" does not.
    """
    cosines = _ngram_cosines(need.text, [" ".join(c.texts) for c in candidates])
    alike = np.array([need.category in (None, c.category) for c in candidates]) & (cosines >= _MIN_NEED)
    if not alike.any():
        return np.zeros(len(candidates))
    poor = float(np.quantile(cosines[alike], 0.25))
    return np.where(alike, np.maximum(cosines - poor, 0.0) / cosines[alike].max(), 0.0)


def _popularity(candidates: Sequence[Candidate], purchases: Mapping[int, Counter[int]]) -> Vector:
    """Buyers of each product over those of the most bought one."""
    buyers = Counter(product for basket in purchases.values() for product in basket)
    top = max((buyers[c.id] for c in candidates), default=0)
    return np.array([buyers[c.id] / top if top else 0.0 for c in candidates])


def _item_similarity(baskets: Sequence[Counter[int]], column: Mapping[int, int]) -> csr_matrix:
    """Products by products."""
    cells = [(row, column[p], 1.0) for row, basket in enumerate(baskets) for p in basket]
    rows, columns, values = zip(*cells, strict=True)
    matrix = csr_matrix((values, (rows, columns)), shape=(len(baskets), len(column)))  # (customers, products)
    recommender = ItemItemRecommender(K=_NEIGHBOURS, num_threads=1)
    recommender.fit(csr_matrix(bm25_weight(matrix.T).T), show_progress=False)
    similarity = csr_matrix(recommender.similarity)
    similarity.setdiag(0)
    return similarity


def _ngram_cosines(text: str, documents: Sequence[str]) -> Vector:
    """TF-IDF cosines of words and character n-grams; n-grams that no document has do not count.

    A document's other language does not count either: it would only make the document longer.
    """
    asked = Counter(_grams(text))
    scripts = {_is_han(gram) for gram in asked}
    counts = [
        Counter(gram for gram in _grams(document) if _is_han(gram) in scripts) for document in documents
    ]
    in_documents = Counter(gram for count in counts for gram in count)
    idf = {gram: math.log((1 + len(documents)) / (1 + n)) + 1 for gram, n in in_documents.items()}
    query = {gram: n * idf[gram] for gram, n in asked.items() if gram in idf}
    norm = math.sqrt(sum(weight**2 for weight in query.values()))
    if not norm:
        return np.zeros(len(documents))
    scores = []
    for count in counts:
        weights = {gram: (1 + math.log(n)) * idf[gram] for gram, n in count.items()}
        length = math.sqrt(sum(weight**2 for weight in weights.values()))
        dot = sum(weight * weights.get(gram, 0.0) for gram, weight in query.items())
        scores.append(dot / (norm * length) if length else 0.0)
    return np.array(scores)


def _is_han(gram: str) -> bool:
    return _HAN.match(gram) is not None


def _grams(text: str) -> list[str]:
    """Words, their character n-grams, and n-grams of Chinese characters, without words that say nothing."""
    grams = []
    for word in _WORD.findall(text.lower()):
        if word in _STOP_WORDS:
            continue
        grams.append(f" {word} ")
        grams += [word[i : i + n] for n in _GRAM_SIZES["word"] for i in range(len(word) - n + 1)]
    for run in _HAN.findall(text):
        pieces = "".join(" " if char in _STOP_HAN else char for char in run).split()
        grams += [
            piece[i : i + n]
            for piece in pieces
            for n in _GRAM_SIZES["han"]
            for i in range(len(piece) - n + 1)
        ]
    return grams
