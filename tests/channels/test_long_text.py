"""Long texts are divided where a reader would pause, and nothing of them is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.long_text import divide, shorten, utf16_length


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        pytest.param("short", 10, ["short"], id="fits"),
        pytest.param("  ", 10, [], id="nothing"),
        pytest.param("one two\n\nthree. four", 14, ["one two", "three. four"], id="paragraph first"),
        pytest.param("one. two\nthree four", 14, ["one. two", "three four"], id="then line"),
        pytest.param("It rains. It pours today", 16, ["It rains.", "It pours today"], id="then sentence"),
        pytest.param("下雨了。今天很大的雨", 7, ["下雨了。", "今天很大的雨"], id="sentence without blanks"),
        pytest.param("alpha beta gamma", 12, ["alpha beta", "gamma"], id="then word"),
        pytest.param("abcdefghij", 4, ["abcd", "efgh", "ij"], id="then anywhere"),
        pytest.param("Costs 12.50 in all, he said", 12, ["Costs 12.50", "in all, he", "said"], id="a number"),
        pytest.param("a 👩‍👩‍👧 b", 5, ["a", "👩‍👩‍👧", "b"], id="one picture of several"),
    ],
)
def test_texts_are_divided_where_one_would_pause(text: str, limit: int, expected: list[str]) -> None:
    """Paragraphs come before lines, sentences, words; what is seen as one character stays whole."""
    assert divide(text, limit) == expected


def test_telegram_counts_emoji_twice() -> None:
    """A text of 3,000 emoji is 6,000 code units long, and becomes two messages."""
    assert [len(part) for part in divide("🙂" * 3000, 4096, utf16_length)] == [2048, 952]


@given(st.text(max_size=300), st.integers(2, 40), st.sampled_from([len, utf16_length]))
def test_nothing_is_lost_and_nothing_too_long(text: str, limit: int, length: object) -> None:
    """The parts hold every character that is no blank, in order; each fits, and none is empty."""
    measure = utf16_length if length is utf16_length else len
    parts = divide(text, limit, measure)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(part.strip() and measure(part) <= limit for part in parts)


@given(st.text(max_size=60), st.integers(3, 40))
def test_shortened_texts_say_so(text: str, limit: int) -> None:
    """What fits is left alone, all else ends in an ellipsis within the limit."""
    short = shorten(text, limit, utf16_length)
    assert utf16_length(short) <= limit
    assert short == text or short.endswith("…")
