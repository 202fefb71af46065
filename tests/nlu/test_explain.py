"""Explanations say what the served model does, and which training sentences stand beside a message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.dialogue.messages import NLU_FALLBACK, Intent, ParseResult
from bot.errors import Location, ModelError
from bot.nlu.explain import MOST_PARTS, Explainer, joined, why_not_sure
from bot.nlu.interpreter import Interpreter
from bot.nlu.out_of_scope import log_odds
from bot.nlu.plan import FallbackOptions
from bot.nlu.train import TrainingReport
from bot.nlu.training_sentences import INTENT_SENTENCES, TrainingSentences
from bot.training_data.nlu_examples import NluExample
from language.encoder import EncodedText
from tests.nlu.conftest import DATA

Trained = tuple[Path, TrainingReport, list[tuple[str, float]]]


@pytest.fixture(scope="module")
def explainer(interpreter: Interpreter, trained: Trained) -> Explainer:
    """Explain by the small model of this room."""
    return Explainer(interpreter, trained[0])


@pytest.mark.parametrize("text", ["where is my parcel please", "你好我要退货", "i hate it, return this"])
def test_weights_add_up_to_what_the_model_says(
    explainer: Explainer, interpreter: Interpreter, text: str
) -> None:
    """The weights of all words lead from a message without words to the confidence that is served."""
    explanation = explainer.explain(text)
    served = interpreter.parse(text)
    first = next(row for row in served.intent_ranking if row.name != NLU_FALLBACK)
    for decision, label, confidence in (
        (explanation.intent, first.name, first.confidence),
        (explanation.sentiment, None, None),
    ):
        assert decision is not None
        if label:
            assert (decision.label, decision.confidence) == (label, pytest.approx(confidence))
        added = sum(part.weight for part in decision.parts)
        gained = log_odds(decision.confidence) - log_odds(decision.baseline)
        assert added == pytest.approx(gained, abs=1e-4)


def test_a_word_weighs_what_the_model_loses_without_it(
    explainer: Explainer, interpreter: Interpreter
) -> None:
    """The chance without a word is that of the served model for the message without it."""
    text = "thanks, where is my parcel"
    decision = explainer.explain(text).intent
    assert decision is not None
    for part in decision.parts:
        assert text[part.start : part.end] == part.text
        left = interpreter.chances(text[: part.start] + text[part.end :])
        assert part.without == pytest.approx(left.intents[decision.label], abs=1e-5)
    heaviest = max(decision.parts, key=lambda part: part.weight)
    assert heaviest.text in {"parcel", "where", "my"}


def test_the_nearest_sentences_are_named_with_their_intents(explainer: Explainer) -> None:
    """A training sentence is nearest to itself; those of other intents stand apart."""
    decision = explainer.explain("track my parcel").intent
    assert decision is not None
    first = decision.near[0]
    assert (first.sentence.text, first.sentence.label) == ("track my parcel", "order_status")
    assert first.similarity == pytest.approx(1, abs=0.01)
    similarities = [row.similarity for row in decision.near]
    assert similarities == sorted(similarities, reverse=True)
    assert {row.sentence.label for row in decision.near_other}.isdisjoint({decision.label})


def test_the_answers_of_a_retrieval_intent_are_one_label(explainer: Explainer) -> None:
    """`faq` is explained as one intent, and its own answers are not "other" intents."""
    decision = explainer.explain("when are you open").intent
    assert decision is not None
    assert decision.label == "faq"
    assert not [row for row in decision.near_other if row.sentence.label.startswith("faq/")]


def test_sentiment_is_explained_by_sentences_of_moods(explainer: Explainer) -> None:
    """The sentences beside a mood are those that taught it."""
    decision = explainer.explain("i hate it").sentiment
    assert decision is not None
    assert decision.label == "negative"
    assert (decision.near[0].sentence.text, decision.near[0].sentence.label) == ("i hate it", "negative")


@pytest.mark.parametrize("text", ["", "   ", '/greet{"city": "Oslo"}'], ids=["empty", "spaces", "payload"])
def test_what_no_head_read_has_no_reasons(explainer: Explainer, text: str) -> None:
    """A message without words, or one that names its intent, was decided by no word."""
    explanation = explainer.explain(text)
    assert explanation.intent is None
    assert explanation.sentiment is None


def test_a_long_message_is_weighed_by_runs_of_words(explainer: Explainer) -> None:
    """However long a message is, it is cut into at most 32 parts, which cover all of its words."""
    text = " ".join(["where is my parcel"] * 50)
    decision = explainer.explain(text).intent
    assert decision is not None
    assert len(decision.parts) <= MOST_PARTS
    assert "".join(part.text for part in decision.parts).replace(" ", "") == text.replace(" ", "")
    assert joined([(0, 1), (2, 3)]) == [(0, 1), (2, 3)]


def test_progress_ends_with_everything_done(explainer: Explainer) -> None:
    """Who waits is told how much is done, ever more, up to all of it."""
    told: list[float] = []
    explainer.explain("hello there", told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def _unsure(*chances: float) -> ParseResult:
    names = "abc"[: len(chances)]
    ranking = tuple(Intent(name, chance) for name, chance in zip(names, chances, strict=True))
    fallback = Intent(NLU_FALLBACK, 0.3)
    return ParseResult("x", fallback, intent_ranking=(fallback, *ranking))


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (_unsure(0.25, 0.2), "a at 0.25 is below the threshold 0.3"),
        (_unsure(0.45, 0.42), "a is only 0.03 ahead of b"),
        (_unsure(0.9, 0.05), "too far from everything"),
        (ParseResult("x", Intent("a", 0.9), intent_ranking=(Intent("a", 0.9),)), None),
    ],
    ids=["threshold", "tie", "out of scope", "sure"],
)
def test_a_fallback_says_which_rule_was_broken(result: ParseResult, reason: str | None) -> None:
    """The reason names the rule of FallbackClassifier and its figures."""
    said = why_not_sure(result, FallbackOptions(0.3, 0.05))
    assert (said is None) if reason is None else (said is not None and reason in said)


def test_sentences_keep_their_places(tmp_path: Path) -> None:
    """What was written comes back, with the file and line where the sentence stands."""
    rows = [NluExample("hello", "greet", location=Location("data/nlu.yml", 3)), NluExample("bye", "leave")]
    random = np.random.default_rng(0)
    encoded = [
        EncodedText(np.zeros((0, 8), np.float32), (), random.normal(size=8).astype(np.float32), 0.5)
        for _ in rows
    ]
    kept = TrainingSentences.of(rows, ["greet", "leave"], encoded)
    kept.save(tmp_path, INTENT_SENTENCES)
    again = TrainingSentences.load(tmp_path, INTENT_SENTENCES)
    assert again.sentences == kept.sentences
    assert [row.place for row in again.sentences] == ["data/nlu.yml:3", None]
    pooled = (again.vectors * again.scales[:, :, None]).reshape(2, -1)
    assert pooled == pytest.approx(np.stack([row.pooled for row in encoded]), abs=0.02)


@pytest.mark.parametrize("broken", ["json", "safetensors"])
def test_broken_sentences_are_refused(tmp_path: Path, broken: str) -> None:
    """A file that is cut off is named, and no half of it is used."""
    TrainingSentences.of([], [], []).save(tmp_path, INTENT_SENTENCES)
    TrainingSentences.load(tmp_path, INTENT_SENTENCES)
    (tmp_path / f"{INTENT_SENTENCES}.{broken}").write_bytes(b"{")
    with pytest.raises(ModelError, match="training sentences"):
        TrainingSentences.load(tmp_path, INTENT_SENTENCES)


def test_every_training_sentence_is_kept(trained: Trained) -> None:
    """Training keeps each sentence with the label that it teaches."""
    kept = TrainingSentences.load(trained[0], INTENT_SENTENCES)
    assert [(row.text, row.label) for row in kept.sentences] == [
        (row.text, row.intent) for row in DATA.examples
    ]
