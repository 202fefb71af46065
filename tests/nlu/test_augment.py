"""Training sentences are altered as customers alter them, and what that bought is measured honestly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.messages import Entity
from bot.errors import InvalidProject
from bot.nlu.augment import Augmenter, augmented
from bot.nlu.augmentation_gain import HeldOutCopies, told, with_copies
from bot.nlu.calibration import NEVER_HELD_OUT, cross_validated_scores
from bot.nlu.interpreter import Interpreter
from bot.nlu.plan import Augmentation, UnderstandingOptions
from bot.nlu.registry import plan_pipeline
from bot.nlu.train import train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from tests.nlu.conftest import DATA, DOMAIN

LAMPS = NluData(
    synonyms={"earbuds": "headphones", "耳机": "headphones"}, lookups={"category": ("desk lamp", "phone")}
)


def _example(text: str, *marked: str) -> NluExample:
    entities = tuple(Entity("thing", word, text.index(word), text.index(word) + len(word)) for word in marked)
    return NluExample(text, "buy", entities)


def _copies(example: NluExample, *kinds: Augmentation, each: int = 20) -> list[NluExample]:
    augmenter = Augmenter.of(kinds, LAMPS, seed=1)
    return list(augmenter.copies([example], each=each, at_most=100).examples)


@pytest.mark.parametrize("text", ["i want my money back now", "我要退货，现在就退"])
def test_typing_mistakes_stay_near(text: str) -> None:
    """A copy differs by a letter or two, in scripts with and without spaces."""
    copies = _copies(_example(text), Augmentation.TYPOS)
    assert len(copies) > 5
    for copy in copies:
        assert copy.text != text
        assert abs(len(copy.text) - len(text)) <= 2
        assert copy.intent == "buy"


def test_case_changes_letters_and_chinese_signs() -> None:
    """Letters become capitals or small, Chinese signs change their width, and nothing else moves."""
    copies = {copy.text for copy in _copies(_example("Where is It"), Augmentation.CASE)}
    assert copies == {"where is it", "WHERE IS IT", "Where is it"}
    assert {copy.text for copy in _copies(_example("到了吗？没有，"), Augmentation.CASE)} == {"到了吗?没有,"}
    assert _copies(_example("straße"), Augmentation.CASE)  # whose capitals are one letter longer
    assert all(len(copy.text) == 6 for copy in _copies(_example("straße"), Augmentation.CASE))


def test_another_phrase_of_the_same_meaning_takes_the_place() -> None:
    """An entity is exchanged for its synonyms or for others of its lookup table, and keeps its mark."""
    copies = _copies(_example("new earbuds please", "earbuds"), Augmentation.SYNONYMS)
    assert {copy.text for copy in copies} == {"new headphones please", "new 耳机 please"}
    (entity,) = copies[0].entities
    assert copies[0].text[entity.start : entity.end] == entity.value
    lamps = _copies(_example("my desk lamp broke", "desk lamp"), Augmentation.SYNONYMS)
    assert {copy.text for copy in lamps} == {"my phone broke"}


def test_a_word_is_left_out_but_never_an_entity() -> None:
    """Short sentences stay whole: with a word less they would say something else."""
    copies = _copies(_example("send me the Oslo parcel", "Oslo"), Augmentation.WORD_DROP)
    assert {copy.text for copy in copies} == {
        "me the Oslo parcel", "send the Oslo parcel", "send me Oslo parcel", "send me the Oslo ",
    }  # fmt: skip
    assert all(copy.text[e.start : e.end] == "Oslo" for copy in copies for e in copy.entities)
    assert _copies(_example("send me that"), Augmentation.WORD_DROP) == []
    assert all(len(copy.text) == 6 for copy in _copies(_example("我的包裹没有到"), Augmentation.WORD_DROP))


@given(
    words=st.lists(
        st.sampled_from(["I", "want", "earbuds", "desk lamp", "现在", "phone", "é", "3x"]), min_size=1
    ),
    marked=st.sampled_from(["earbuds", "desk lamp", "phone"]),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_entities_stay_on_their_words(words: list[str], marked: str, seed: int) -> None:
    """However a sentence is altered, the marked place holds the value that the entity has."""
    text = " ".join([*words, marked, "now"])
    start = text.rindex(marked)
    example = NluExample(text, "buy", (Entity("thing", marked, start, start + len(marked)),))
    augmenter = Augmenter.of(list(Augmentation), LAMPS, seed=seed)
    for copy in augmenter.copies([example], each=6, at_most=6).examples:
        (entity,) = copy.entities
        assert copy.text[entity.start : entity.end].lower() == str(entity.value).lower()


def test_no_copy_is_a_sentence_that_is_there() -> None:
    """A copy that equals a training sentence of another intent would teach a contradiction."""
    data = NluData(examples=(NluExample("OK YES", "a"), NluExample("ok yes", "b"), NluExample("Ok yes", "c")))
    options = UnderstandingOptions(augment=(Augmentation.CASE,), augment_copies=5)
    assert augmented(data, data.examples, options, at_most=99)[0].examples == ()


def test_copies_are_made_again_alike_and_never_too_many() -> None:
    """The same seed gives the same copies; together with the sentences they stay below the bound."""
    options = UnderstandingOptions(augment=tuple(Augmentation), augment_copies=3)
    first, moods = augmented(DATA, DATA.examples, options, at_most=len(DATA.examples) + 10)
    assert (first, moods) == augmented(DATA, DATA.examples, options, at_most=len(DATA.examples) + 10)
    assert len(first.examples) == 10
    assert [DATA.examples[row].intent for row in first.sources] == [copy.intent for copy in first.examples]
    assert augmented(DATA, DATA.examples, UnderstandingOptions(), at_most=99)[0].examples == ()


def test_moods_are_altered_only_as_far_as_they_stay() -> None:
    """Without "not" a sentence says the contrary: no word of it is dropped or exchanged."""
    data = NluData(sentiment_examples=(SentimentExample("i do not like it", "negative"),))
    options = UnderstandingOptions(augment=(Augmentation.WORD_DROP, Augmentation.SYNONYMS), augment_copies=9)
    assert augmented(data, (), options, at_most=99)[1].examples == ()
    options = UnderstandingOptions(augment=(Augmentation.CASE,), augment_copies=9)
    assert augmented(data, (), options, at_most=99)[1].examples


def test_copies_are_held_out_with_their_sentences() -> None:
    """A head that is judged on a sentence has seen no copy of it."""
    folds = with_copies(np.array([0, 1, 2]), (2, 0, 2))
    assert folds.tolist() == [0, 1, 2, 2, 0, 2]
    assert with_copies(np.array([0, 1]), ()).tolist() == [0, 1]


def test_the_gain_compares_heads_with_and_without_copies() -> None:
    """Copies that carry what the sentences lack help the altered ones, and the count says so."""
    random = np.random.default_rng(0)
    sentences, sides = 40, np.repeat([0, 1], 20)
    rows = np.zeros((2 * sentences, 2))
    rows[:sentences, 0] = 1 - 2 * sides  # what sentences show of their label
    rows[sentences:, 1] = 1 - 2 * sides  # what their copies show
    rows += 0.01 * random.normal(size=rows.shape)
    targets = np.concatenate([sides, sides])
    folds = with_copies(np.arange(sentences) % 5, tuple(range(sentences)))
    kernel = (rows @ rows.T).astype(np.float32)
    judged, is_copy = np.arange(80) < sentences, np.arange(80) >= sentences
    scores = cross_validated_scores(kernel, targets, labels=2, strength=5.0, folds=folds)
    gain = HeldOutCopies(kernel, targets, folds, judged, is_copy).gain(scores, strength=5.0)
    assert gain is not None
    assert (gain.copies, gain.plain_without, gain.plain_with, gain.altered_with) == (40, 1.0, 1.0, 1.0)
    assert gain.altered_without < 0.8
    (line,) = told(intents=gain, sentiment=None)
    assert line.startswith("augmentation of intents: 40 altered copies")
    nothing = HeldOutCopies(kernel, targets, folds, judged, np.zeros(80, bool))
    assert nothing.gain(scores, strength=5.0) is None
    assert NEVER_HELD_OUT not in folds


def test_training_augments_on_request_and_says_what_it_bought(
    backbone: Path, cache: Path, tmp_path: Path
) -> None:
    """The report has a gain of each task, and the model keeps the options but none of the copies."""
    options = {"backbone": str(backbone), "augment": ["typos", "word_drop"], "augment_copies": 2}
    report = train(DATA, [ComponentConfig("BertUnderstanding", options)], tmp_path, cache=cache)
    assert report.intent_gain is not None
    assert report.sentiment_gain is not None
    assert report.intent_gain.copies > len(DATA.examples)
    assert report.intent_scores is not None
    assert report.intent_scores.sentences == len(DATA.examples)
    assert report.intent_scores.accuracy == pytest.approx(report.intent_gain.plain_with)
    assert any(note.startswith("augmentation of intents") for note in report.notes)
    interpreter = Interpreter.load(tmp_path, DOMAIN)
    assert interpreter.model.plan.understanding.augment == (Augmentation.TYPOS, Augmentation.WORD_DROP)
    assert interpreter.parse("where is my parcel").intent_ranking[0].name == "order_status"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("typos", "expected a list of typos, case, synonyms, word_drop"),
        (["typo"], "expected typos, case, synonyms, word_drop, did you mean 'typos'?"),
        ([5], "found 5, expected typos"),
    ],
)
def test_unknown_ways_are_refused(value: object, message: str) -> None:
    """A misspelt way of altering is named with what there is."""
    with pytest.raises(InvalidProject) as caught:
        plan_pipeline([ComponentConfig("BertUnderstanding", {"augment": value})])
    assert message in str(caught.value)
