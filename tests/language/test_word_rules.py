"""spaCy's rules are followed without spaCy, word for word."""

from __future__ import annotations

import functools
import json
import re

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from language.tokens import word_rules, words_by
from language.word_rules import WordRules

LANGUAGES = ("en", "de", "es", "ru", "ar", "he", "gd", "xx")
# What tokenizers stumble over: exceptions, affixes, infixes, links, smileys, white space of all kinds.
_PIECES = re.findall(
    r"\S+|\s",
    "can't I'm he'd've o'clock U.S. a.m. e.g. Mr. z.B. EE. UU. и др. в т.ч. 'N diugh 10km $5.00 5% "
    "http://a.b/c?d=e www.example.com a@b.org #tag :) :-( (: =D </3 x-ray well-known 3-4 -5 … — « » “ ” ’s "
    "'' `` ... !? A/B C++ ps4 LC104233 לא حب 我们 好 é́ \n \t \u00a0 \u3000 [ ] ( ) { } \" ' , . ; - _ *",
)


@functools.cache
def _spacy(language: str) -> spacy.language.Language:
    return spacy.blank(language)


def _by_spacy(text: str, language: str) -> list[tuple[int, int]]:
    tokens = _spacy(language).make_doc(text)
    return [(token.idx, token.idx + len(token.text)) for token in tokens if not token.is_space]


@pytest.mark.parametrize("language", LANGUAGES)
@given(pieces=st.lists(st.sampled_from([*_PIECES, " ", "a", "Ab", "7"]), max_size=14))
@settings(max_examples=120, deadline=None)
def test_words_are_spacys(language: str, pieces: list[str]) -> None:
    """Whatever stands beside what, the words are those that spaCy's own tokenizer finds."""
    text = "".join(pieces)
    assert word_rules(language).spans(text) == _by_spacy(text, language)


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_cut_as_spacy_cuts_it(text: str) -> None:
    """Letters, signs and white space of all scripts make no difference between the two."""
    assert word_rules("en").spans(text) == _by_spacy(text, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_survive_json(language: str) -> None:
    """A model keeps its rules as JSON, and cuts by them as before."""
    rules = word_rules(language)
    again = WordRules.from_dict(json.loads(json.dumps(rules.as_dict())))
    assert again == rules
    text = "I can't (really!) pay $5.00 at 10a.m., see www.example.com :-)"
    assert again.spans(text) == rules.spans(text)


def test_a_text_is_cut_alike_the_second_time() -> None:
    """What is remembered of earlier texts changes nothing."""
    rules = word_rules("en")
    first = rules.spans("don't (don't) don't!")
    assert rules.spans("don't (don't) don't!") == first
    assert len(first) == 9


def test_without_rules_white_space_decides() -> None:
    """A model without rules still has words, and characters of unspaced scripts are words of their own."""
    assert words_by(WordRules(), "ab, c我们") == [(0, 3), (4, 5), (5, 6), (6, 7)]
