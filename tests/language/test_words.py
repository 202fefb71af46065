"""Words, sentences and n-grams of texts in several scripts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language.ngrams import NgramVocabulary, ngrams
from language.sentences import sentence_spans
from language.tokens import word_spans


def words(text: str, language: str = "en") -> list[str]:
    """Return the words themselves."""
    return [text[start:end] for start, end in word_spans(text, language)]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("I don't know", "en", ["I", "do", "n't", "know"]),
        ("我的耳机坏了", "zh", ["我", "的", "耳", "机", "坏", "了"]),
        ("我的LC104233在哪", "en", ["我", "的", "LC104233", "在", "哪"]),
        ("où est l'article", "fr", ["où", "est", "l'", "article"]),
        ("أين طلبي", "ar", ["أين", "طلبي"]),
        ("  ", "en", []),
        ("hi you", "tlh", ["hi", "you"]),
    ],
    ids=["english", "chinese", "mixed", "french", "arabic", "blank", "unknown-language"],
)
def test_words(text: str, language: str, expected: list[str]) -> None:
    """Scripts with spaces are cut by spaCy's rules, the others by character."""
    assert words(text, language) == expected


@given(st.text(max_size=60))
def test_words_cover_every_visible_character_once(text: str) -> None:
    """Word spans are ordered, do not overlap, and leave only space between them."""
    spans = word_spans(text)
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    gaps = "".join(text[edges[place] : edges[place + 1]] for place in range(0, len(edges), 2))
    assert gaps.strip() == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It broke. I want 29.90 back! Now", ["It broke.", "I want 29.90 back!", "Now"]),
        ("坏了。怎么办？", ["坏了。", "怎么办？"]),
        ("see a.b.com please", ["see a.b.com please"]),
        ("", []),
    ],
    ids=["english", "chinese", "dots-inside", "empty"],
)
def test_sentences(text: str, expected: list[str]) -> None:
    """Sentences end at their marks in both scripts, not at dots inside numbers and names."""
    assert [text[start:end] for start, end in sentence_spans(text)] == expected


def test_chinese_ngrams_are_characters_and_pairs() -> None:
    """A Chinese text gives its characters and their pairs, and no pieces of words."""
    assert set(ngrams("退货")) == {"w 退", "w 货", "w 退 货"}


def test_digits_are_folded() -> None:
    """Two order numbers look the same."""
    assert ngrams("LC104233") == ngrams("lc999999")


def test_blocks_have_length_one() -> None:
    """Word n-grams and character n-grams are scaled apart, so neither drowns the other."""
    vocabulary = NgramVocabulary.fit(["where is it", "no"])
    vector = vocabulary.vector(ngrams("where is no"))
    names = {column: gram for gram, column in vocabulary.columns.items()}
    for block in "wc":
        values = [v for c, v in zip(vector.columns, vector.values, strict=True) if names[c][0] == block]
        assert math.fsum(value * value for value in values) == pytest.approx(1)


def test_vocabulary_keeps_the_most_frequent() -> None:
    """Beyond its size the vocabulary drops the n-grams of the fewest texts."""
    assert list(NgramVocabulary.fit(["好 a", "好 b"], max_size=1).columns) == ["w 好"]


def test_unknown_text_is_empty() -> None:
    """A text without any known n-gram has no entries."""
    assert NgramVocabulary.fit(["abc"]).vector(ngrams("退")).columns == ()
