"""Which products suit a customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.ranking import (
    MIN_CUSTOMERS,
    Candidate,
    Need,
    ReasonKind,
    Vector,
    match_need,
    rank,
    shared_words,
    taste,
)

SHOP = (
    Candidate(
        1, "headphones", Decimal("129.90"), ("Wireless headphones with noise cancelling", "主动降噪耳机")
    ),
    Candidate(2, "headphones", Decimal("59.00"), ("Wired headphones with a long cable", "有线耳机")),
    Candidate(3, "lamp", Decimal("39.00"), ("Clip lamp for reading in bed", "夹式阅读灯")),
    Candidate(4, "lamp", Decimal("89.00"), ("Desk lamp that protects the eyes", "护眼台灯")),
    Candidate(5, "kettle", Decimal("79.00"), ("Gooseneck kettle for coffee", "手冲咖啡壶")),
    Candidate(6, "watch", Decimal("149.00"), ("Running watch with GPS", "跑步手表")),
)


def baskets(count: int) -> dict[int, Counter[int]]:
    """Half of the customers bought 1 with 5, the others 3 with 6."""
    return {i: Counter({1: 1, 5: 1} if i % 2 else {3: 1, 6: 1}) for i in range(count)}


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("something that cancels the noise on a plane", 1),
        ("安静一点，要降噪的", 1),
        ("a light for reading at night", 3),
        ("睡前看书用的阅读灯", 3),
        ("I brew coffee every morning", 5),
        ("喜欢手冲咖啡", 5),
        ("training for a marathon, I love running", 6),
    ],
)
def test_words_find_the_product_they_describe(text: str, best: int) -> None:
    """The match works in both languages and says which words it rests on."""
    ranked = rank(SHOP, Need(text), {})
    assert ranked[0].id == best
    assert ranked[0].reason is ReasonKind.NEED
    assert ranked[0].detail


def test_a_category_comes_first_and_is_filled_up() -> None:
    """Two lamps and then something else, when three are asked for."""
    ranked = rank(SHOP, Need("", category="lamp"), {})
    assert {choice.id for choice in ranked[:2]} == {3, 4}
    assert [choice.reason for choice in ranked[:2]] == [ReasonKind.CATEGORY] * 2


def test_nothing_costs_more_than_the_customer_said() -> None:
    """A price is a limit, also where nothing else would fit better."""
    ranked = rank(SHOP, Need("noise cancelling headphones", max_price=Decimal("80")), {})
    assert {choice.id for choice in ranked} <= {2, 3, 5}


def test_purchases_recommend_what_goes_with_them() -> None:
    """Whoever bought 1 gets 5, because of 1, and nothing she has already."""
    purchases = baskets(MIN_CUSTOMERS) | {99: Counter({1: 1})}
    ranked = rank(SHOP, Need(), purchases, 99)
    assert ranked[0].id == 5
    assert (ranked[0].reason, ranked[0].detail) == (ReasonKind.HISTORY, "1")
    assert 1 not in {choice.id for choice in ranked}


def test_few_purchases_say_nothing_about_taste() -> None:
    """Below the limit the history is left out instead of guessed from."""
    scores, because = taste(SHOP, baskets(MIN_CUSTOMERS - 1) | {99: Counter({1: 1})}, 99)
    assert not scores.any()
    assert because == {}


def test_said_needs_weigh_more_than_bought_things() -> None:
    """A new wish is not drowned by the past."""
    purchases = baskets(MIN_CUSTOMERS) | {99: Counter({1: 1})}
    assert rank(SHOP, Need("a lamp for reading in bed"), purchases, 99)[0].id == 3


@pytest.mark.parametrize("text", ["推荐一款降噪耳机", "headphones with noise cancelling"])
def test_a_precise_wish_is_not_outdone_by_taste_within_its_category(text: str) -> None:
    """Whoever names a property gets the product that has it, whatever goes with earlier purchases."""
    purchases = {i: Counter({2: 1, 5: 1} if i % 2 else {3: 1, 6: 1}) for i in range(MIN_CUSTOMERS)}
    assert rank(SHOP, Need(text, category="headphones"), {**purchases, 99: Counter({5: 1})}, 99)[0].id == 1


def test_without_any_hint_the_most_bought_come_first() -> None:
    """Popularity is the last reason."""
    ranked = rank(SHOP, Need("recommend me something please"), {1: Counter({4: 1}), 2: Counter({4: 1, 2: 1})})
    assert [choice.id for choice in ranked[:2]] == [4, 2]
    assert {choice.reason for choice in ranked} == {ReasonKind.POPULAR}


def test_sentence_vectors_join_the_match_when_there_are_any() -> None:
    """An injected measure finds what no word says, and words decide where it cannot tell."""

    def similar(text: str, candidates: Sequence[Candidate]) -> Vector | None:
        return None if text == "?" else np.array([float("Gooseneck" in c.meaning) for c in candidates])

    assert not match_need("lullaby", SHOP).any()
    best = rank(SHOP, Need("lullaby"), {}, similar=similar)[0]
    assert (best.id, best.reason, best.detail) == (5, ReasonKind.NEED, "")
    assert not match_need("?", SHOP, similar=similar).any()


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("音乐跑步用", "headphones"),
        ("房间太暗了", "lamp"),
        ("每天早上烧水泡茶", "kettle"),
        ("想数步数，看心率", "watch"),
    ],
)
def test_chinese_needs_point_at_a_category(text: str, category: str) -> None:
    """What people do with a thing finds it, though the product's text says it in other words."""
    best = rank(SHOP, Need(text), {})[0]
    assert next(c.category for c in SHOP if c.id == best.id) == category


def test_what_was_declined_does_not_come_back() -> None:
    """A second try shows something else."""
    again = rank(SHOP, Need("a lamp for reading in bed", declined=frozenset({3})), {})
    assert 3 not in {choice.id for choice in again}


@given(st.text(max_size=80), st.sampled_from([None, "lamp", "kettle"]), st.integers(0, 6))
def test_rankings_are_ordered_distinct_and_bounded(text: str, category: str | None, count: int) -> None:
    """Whatever is said, at most as many as asked come, best first, none twice, and always the same."""
    need = Need(text, category)
    ranked = rank(SHOP, need, baskets(30), 1, count=count)
    scores = [choice.score for choice in ranked]
    assert scores == sorted(scores, reverse=True)
    assert len({choice.id for choice in ranked}) == len(ranked) == min(count, len(SHOP) - 2)
    assert ranked == rank(SHOP, need, baskets(30), 1, count=count)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("please recommend noise cancelling headphones", ["noise", "cancelling", "headphones"]),
        ("推荐一款降噪耳机", ["降噪耳机"]),
        ("what do you have", []),
    ],
)
def test_shared_words_are_the_telling_ones(text: str, words: list[str]) -> None:
    """The reason quotes words that the product's texts share, not the small talk around them."""
    assert shared_words(text, SHOP[0].texts) == words
