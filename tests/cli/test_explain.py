"""`frontdesk explain` prints an explanation for people, and as JSON for programs."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.explain import print_explanation
from bot.dialogue.messages import NLU_FALLBACK, Intent, ParseResult
from bot.nlu.explain import Decision, Explanation, PartWeight
from bot.nlu.training_sentences import KnownSentence, NearSentence

TEXT = "parcel [red] late"
EXPLANATION = Explanation(
    ParseResult(TEXT, Intent(NLU_FALLBACK, 0.3), language="en"),
    "order_status at 0.25 is below the threshold 0.3",
    True,
    Decision(
        "order_status",
        0.25,
        0.1,
        (("order_status", 0.25), ("complaint", 0.2)),
        (
            PartWeight(0, 6, "parcel", 2.0, 0.05),
            PartWeight(7, 12, "[red]", 0.0, 0.25),
            PartWeight(13, 17, "late", -1.0, 0.6),
        ),
        (NearSentence(KnownSentence("where is my [parcel]", "order_status", "data/nlu.yml:7"), 0.8),),
        (NearSentence(KnownSentence("my parcel is late", "complaint"), 0.7),),
    ),
)


def _printed(explanation: Explanation, **console: object) -> str:
    stream = io.StringIO()
    print_explanation(explanation, Console(file=stream, width=120, **console))  # type: ignore[arg-type]
    return stream.getvalue()


def test_words_sentences_and_reasons_can_be_read() -> None:
    """Without any colour every figure stands there; brackets of a customer's text are no markup."""
    text = _printed(EXPLANATION)
    assert "almost no training sentence is written in this language (en)" in text
    assert "fallback: order_status at 0.25 is below the threshold 0.3" in text
    assert "order_status 0.25   then complaint 0.20" in text
    assert TEXT in text
    rows = [line.split() for line in text.splitlines()]
    assert ["parcel", "+2.00", "0.05"] in rows
    assert ["late", "-1.00", "0.60"] in rows
    assert "0.80  where is my [parcel]  order_status  data/nlu.yml:7" in text
    assert "0.70  my parcel is late  complaint" in text


def test_a_sentence_is_named_once() -> None:
    """What stands among the most similar ones is not said again under those of other labels."""
    assert EXPLANATION.intent is not None
    other = EXPLANATION.intent.near_other[0]
    decision = replace(EXPLANATION.intent, near=(*EXPLANATION.intent.near, other))
    text = _printed(replace(EXPLANATION, intent=decision))
    assert text.count(other.sentence.text) == 1
    assert "elsewhere" not in text


def test_an_endless_message_is_printed_as_far_as_it_is_read() -> None:
    """Runs of words are named by their ends, and what nobody read is counted instead of coloured."""
    message = "where is my parcel " * 500
    parts = (PartWeight(0, 3_998, message[:3_998], 1.0, 0.1),)
    decision = Decision("order_status", 0.9, 0.1, (("order_status", 0.9),), parts)
    result = ParseResult(message, text_tokens=((0, 5), (3_992, 3_998)), language="en")
    text = _printed(Explanation(result, intent=decision))
    assert "only the first 3,998 of 9,500 characters are read" in text
    assert text.count("parcel") < 220
    assert any(line.split()[:3] == ["where", "…", "is"] for line in text.splitlines())


def test_words_are_coloured_by_their_weight() -> None:
    """A word that speaks for the label is blue, one against it orange, one that decides nothing bare."""
    text = _printed(EXPLANATION, force_terminal=True, color_system="truecolor", legacy_windows=False)
    line = next(line for line in text.splitlines() if "[red]" in line and "parcel" in line and "late" in line)
    assert "48;2;31;111;180mparcel" in line
    assert "mlate" in line
    assert "m[red]" not in line


def test_an_explanation_crosses_the_wire_whole() -> None:
    """The JSON form holds every figure under its name."""
    data = json.loads(json.dumps(EXPLANATION.as_dict()))
    assert data["fallback"] == EXPLANATION.fallback
    assert data["intent"]["parts"][2] == {
        "start": 13, "end": 17, "text": "late", "weight": -1.0, "without": 0.6,
    }  # fmt: skip
    assert data["intent"]["near"][0]["sentence"]["place"] == "data/nlu.yml:7"
    assert data["sentiment"] is None
    assert data["parse"]["text"] == TEXT


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (ParseResult("…"), "nothing to read"),
        (ParseResult("/greet", Intent("greet", 1.0)), "greet is what the message says"),
    ],
    ids=["no words", "a named intent"],
)
def test_a_message_without_reasons_says_why(result: ParseResult, said: str) -> None:
    """Where no head read anything, there is one sentence instead of empty tables."""
    assert said in _printed(Explanation(result))


def test_without_a_model_the_command_says_what_to_do(tmp_path: Path) -> None:
    """No traceback, and the next command to type."""
    result = CliRunner().invoke(app, ["explain", "hello", "--project", str(tmp_path)])
    assert result.exit_code == 1
    assert "run `frontdesk train`" in " ".join(result.output.split())
