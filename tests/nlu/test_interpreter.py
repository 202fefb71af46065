"""A model is trained, written, loaded and asked, on a tiny backbone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from bot.dialogue.messages import NLU_FALLBACK, Intent, ParseResult
from bot.errors import ModelError
from bot.nlu.interpreter import Interpreter
from bot.nlu.model import ENCODER_FOLDER, TENSORS_FILE, VALUES_FILE, NluModel
from bot.nlu.plan import NLU_FORMAT, FallbackOptions
from bot.nlu.train import TrainingReport, train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample
from language.encoder import OnnxEncoder
from tests.nlu.conftest import DATA, DOMAIN

Trained = tuple[Path, TrainingReport, list[tuple[str, float]]]


def found(result: ParseResult) -> dict[str, object]:
    """Return the values by entity, roles behind the name."""
    names = [entity.entity + (f"#{entity.role}" if entity.role else "") for entity in result.entities]
    return dict(zip(names, (entity.value for entity in result.entities), strict=True))


def top(result: ParseResult) -> str | None:
    """Return the best intent below a fallback."""
    return next((row.name for row in result.intent_ranking if row.name != NLU_FALLBACK), None)


def taken(interpreter: Interpreter, text: str) -> tuple[int, ParseResult]:
    """Take the steps to what a text means; return how often work was handed out, and the result."""
    steps, count, result = interpreter.steps(text), 0, None
    try:
        while True:
            result = steps.send(result)()
            count += 1
    except StopIteration as understood:
        return count, understood.value


def test_training_sentences_are_understood(interpreter: Interpreter) -> None:
    """Every training sentence gets its own intent back, in both languages."""
    answers = {row.text: top(interpreter.parse(row.text)) for row in DATA.examples}
    assert answers == {row.text: row.intent.split("/")[0] for row in DATA.examples}


def test_new_wording_is_understood_in_chinese(interpreter: Interpreter) -> None:
    """A Chinese sentence that was never seen is understood by its characters, without word boundaries."""
    assert top(interpreter.parse("你好我要退货")) == "start_return"


def test_roles_tell_two_cities_apart(interpreter: Interpreter) -> None:
    """Entities of one type keep the roles that their places give them."""
    values = found(interpreter.parse("i moved from rome to linz"))
    assert values["city#old"] == "rome"
    assert values["city#new"] == "linz"


def test_patterns_touch_chinese(interpreter: Interpreter) -> None:
    """Regexes with word boundaries, lookups, synonyms and dates work inside Chinese text."""
    result = interpreter.parse("订单LC104233的耳机上周三坏了")
    assert found(result) | {"sentiment": None} == {
        "order_number": "LC104233",
        "category": "headphones",
        "date": "2026-03-11",
        "language": "zh",
        "sentiment": None,
    }
    category = next(entity for entity in result.entities if entity.entity == "category")
    assert (category.start, category.end, category.extractor) == (11, 13, "EntityLookup")
    assert category.processors == ("EntitySynonymMapper",)


def test_patterns_of_undeclared_entities_stay_silent(interpreter: Interpreter) -> None:
    """A regex whose name is no entity of the data or the domain finds nothing, as in Rasa."""
    assert "unused" not in found(interpreter.parse("5"))


def test_sentiment_stands_beside_the_entities(interpreter: Interpreter) -> None:
    """Sentiment is in the result and, without offsets, among the entities that the domain declares."""
    result = interpreter.parse("i hate it")
    assert result.sentiment is not None
    assert result.sentiment.value == "negative"
    entity = next(entity for entity in result.entities if entity.entity == "sentiment")
    assert (entity.value, entity.start, entity.end) == ("negative", None, None)


def test_questions_select_their_response(interpreter: Interpreter) -> None:
    """A retrieval intent is one intent to the ranking, and its best key stands in Rasa's structure."""
    result = interpreter.parse("opening hours")
    assert top(result) == "faq"
    selector = result.response_selector
    assert selector["all_retrieval_intents"] == ["faq"]
    assert selector["default"]["response"]["intent_response_key"] == "faq/opening_hours"
    assert selector["default"]["response"]["utter_action"] == "utter_faq/opening_hours"
    assert selector["default"]["response"]["responses"] == [{"text": "We open at nine."}]
    confidences = [row["confidence"] for row in selector["default"]["ranking"]]
    assert sum(confidences) == pytest.approx(1)


def test_unsure_message_falls_back(trained: Trained) -> None:
    """Below the threshold the intent is nlu_fallback with the threshold, and the true top follows."""
    model = NluModel.load(trained[0])
    strict = replace(model, plan=replace(model.plan, fallback=FallbackOptions(threshold=1.01)))
    plain = replace(model, plan=replace(model.plan, fallback=None))
    encoder = OnnxEncoder(trained[0] / ENCODER_FOLDER)
    result = Interpreter(strict, encoder, DOMAIN).parse("hello")
    assert result.intent == Intent(NLU_FALLBACK, 1.01)
    assert result.intent_ranking[0] == result.intent
    assert result.intent_ranking[1:] == Interpreter(plain, encoder, DOMAIN).parse("hello").intent_ranking


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\t", "\x00\x07"], ids=["empty", "spaces", "newline", "control"]
)
def test_nothing_visible_means_nothing(interpreter: Interpreter, text: str) -> None:
    """A text without a visible character has no intent and confidence 0."""
    assert interpreter.parse(text) == ParseResult(text=text, intent=Intent(None, 0.0))


@pytest.mark.parametrize(
    "text",
    [
        "😀😀",
        "a" * 10_000,
        "退" * 10_000,
        "<b>hi</b>'; DROP TABLE x;--",
        "hi\x00there",
        "1" * 5_000,
        "hi \ud800",
    ],
    ids=["emoji", "long-word", "long-chinese", "markup", "nul", "digits", "surrogate"],
)
def test_strange_texts_are_survived(interpreter: Interpreter, text: str) -> None:
    """Whatever is typed gets an answer with the whole text in it."""
    result = interpreter.parse(text)
    assert result.text == text
    assert result.intent.name is not None
    assert all(0 <= start < end <= len(text) for start, end in result.text_tokens)


def test_unknown_signs_mean_nothing(interpreter: Interpreter) -> None:
    """A message of which neither the backbone nor the examples know anything falls back."""
    result = interpreter.parse("🦑🦑")
    assert result.intent.name == NLU_FALLBACK
    assert result.intent_ranking[1].confidence < 0.3


def test_names_of_intents_teach(trained: Trained) -> None:
    """The words of an intent's name are n-grams of the model, and no name counts as an example."""
    model = NluModel.load(trained[0])
    assert model.intent is not None
    assert {"w status", "w warranty"} <= set(model.intent.space.vocabulary.columns)
    assert trained[1].examples == len(DATA.examples)


def test_payload_is_read_as_written(interpreter: Interpreter) -> None:
    """`/intent{…}` goes past the model."""
    result = interpreter.parse('/greet{"city": "rome"}')
    assert result.intent == Intent("greet", 1.0)
    assert [(entity.entity, entity.value) for entity in result.entities] == [("city", "rome")]


def test_threads_get_the_same_answers(interpreter: Interpreter) -> None:
    """Several threads may ask one interpreter at once."""
    texts = [row.text for row in DATA.examples] * 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(interpreter.parse, texts)) == [interpreter.parse(text) for text in texts]


def test_report_says_what_was_trained(trained: Trained) -> None:
    """The report counts what was learnt and has one row for each line of the pipeline."""
    report = trained[1]
    assert [row.configured for row in report.components] == [
        "BertUnderstanding",
        "EntityLookup",
        "BuiltinEntities",
        "FallbackClassifier",
    ]
    assert (report.intents, report.examples, report.sentiment_examples) == (6, len(DATA.examples), 15)
    assert report.entities == ("city",)
    assert report.intent_scores is not None
    assert 0 <= report.intent_scores.accuracy <= 1


def test_progress_rises_to_one(trained: Trained) -> None:
    """Progress never falls and ends at 1."""
    parts = [part for _, part in trained[2]]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_model_folder_holds_no_code(trained: Trained) -> None:
    """A model is safetensors, ONNX and JSON."""
    suffixes = {path.suffix for path in trained[0].rglob("*") if path.is_file()}
    assert suffixes == {".safetensors", ".onnx", ".json"}


def test_saved_model_is_the_model(trained: Trained, tmp_path: Path) -> None:
    """Saving what was loaded writes the same files again."""
    NluModel.load(trained[0]).save(tmp_path)
    for name in (VALUES_FILE, TENSORS_FILE):
        assert (tmp_path / name).read_bytes() == (trained[0] / name).read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / VALUES_FILE).write_text("{"),
        lambda folder: (folder / VALUES_FILE).write_text('{"format": 0}'),
        lambda folder: (folder / TENSORS_FILE).write_bytes(b"x"),
        lambda folder: (folder / TENSORS_FILE).unlink(),
        lambda folder: (folder / ENCODER_FOLDER / "encoder.onnx").write_bytes(b"x"),
        lambda folder: (folder / ENCODER_FOLDER / "encoder.json").unlink(),
    ],
    ids=["half-json", "other-format", "broken-tensors", "no-tensors", "broken-graph", "no-facts"],
)
def test_broken_model_is_refused(trained: Trained, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    """A missing, broken or half-written file raises ModelError with advice, nothing else."""
    for path in trained[0].rglob("*"):
        copy = tmp_path / path.relative_to(trained[0])
        if path.is_file():
            copy.parent.mkdir(exist_ok=True, parents=True)
            copy.write_bytes(path.read_bytes())
    damage(tmp_path)
    with pytest.raises(ModelError, match="train again"):
        Interpreter.load(tmp_path, DOMAIN)


def test_model_of_an_older_format_is_asked_to_be_trained_again(trained: Trained, tmp_path: Path) -> None:
    """The message names the folder, the format that was found, the one expected, and the remedy."""
    for name in (VALUES_FILE, TENSORS_FILE):
        (tmp_path / name).write_bytes((trained[0] / name).read_bytes())
    values = json.loads((tmp_path / VALUES_FILE).read_text("utf-8"))
    older = NLU_FORMAT - 1
    (tmp_path / VALUES_FILE).write_text(json.dumps(values | {"format": older}), "utf-8")
    with pytest.raises(ModelError) as caught:
        NluModel.load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: NLU format {older} found, {NLU_FORMAT} expected; train again"


def test_serving_needs_no_training_library(trained: Trained) -> None:
    """A serving process loads and parses with torch hidden, and imports no training library."""
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\n"
        "from bot.dialogue.domain import Domain\n"
        "from bot.nlu.interpreter import Interpreter\n"
        "interpreter = Interpreter.load(Path(sys.argv[1]), Domain())\n"
        "print(interpreter.parse('hello').intent_ranking[-1].name is not None)\n"
        "hidden = ('transformers', 'sklearn', 'scipy', 'onnx', 'spacy')\n"
        "print([name for name in hidden if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(trained[0])], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["True", "[]"]


@pytest.mark.parametrize(
    "data",
    [
        NluData(),
        NluData(examples=(NluExample("hello", "greet"),)),
        NluData(examples=(NluExample("hello", "greet"), NluExample("hello", "bye"), NluExample(" ", "bye"))),
    ],
    ids=["nothing", "one-example", "same-sentence-in-two-intents"],
)
def test_poor_data_still_trains(
    data: NluData, pipeline: tuple[ComponentConfig, ...], cache: Path, tmp_path: Path
) -> None:
    """Too little or contradictory data gives a model that answers, never a crash."""
    train(data, pipeline, tmp_path, cache=cache)
    result = Interpreter.load(tmp_path, DOMAIN).parse("hello")
    assert top(result) == (data.examples[0].intent if len(data.examples) == 1 else top(result))


def test_training_twice_gives_the_same_model(
    trained: Trained, pipeline: tuple[ComponentConfig, ...], cache: Path, tmp_path: Path
) -> None:
    """Training is deterministic: the same data gives the same scores."""
    again = train(DATA, pipeline, tmp_path, cache=cache)
    assert again.intent_scores == trained[1].intent_scores
    left, right = NluModel.load(trained[0]), NluModel.load(tmp_path)
    assert left.intent is not None
    assert right.intent is not None
    np.testing.assert_allclose(left.intent.head.dense, right.intent.head.dense, atol=1e-5)


def test_full_fine_tuning_changes_the_encoder(
    trained: Trained, backbone: Path, cache: Path, tmp_path: Path
) -> None:
    """`fine_tune: full` trains the encoder itself, and the result serves like any other model."""
    options = {"backbone": str(backbone), "fine_tune": "full", "epochs": 1}
    train(DATA, [ComponentConfig("BertUnderstanding", options)], tmp_path, cache=cache)
    tuned, plain = (OnnxEncoder(folder / ENCODER_FOLDER).encode("hello") for folder in (tmp_path, trained[0]))
    assert tuned.pooled.shape == plain.pooled.shape
    assert not np.allclose(tuned.pooled, plain.pooled, atol=1e-3)
    assert Interpreter.load(tmp_path, DOMAIN).parse("hello").intent.name is not None


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        pytest.param("where is my parcel", 1, id="understood for the first time"),
        pytest.param("hello", 0, id="understood before"),
        pytest.param('/greet{"city": "Rome"}', 0, id="a payload"),
        pytest.param("where " * 200, 1, id="long"),
    ],
)
def test_steps_lead_where_parsing_does(trained: Trained, text: str, asked: int) -> None:
    """The work that takes long is handed out, and the result is the same, with dates and without."""
    model = NluModel.load(trained[0])
    for plan in (model.plan, replace(model.plan, builtin=None)):
        one, other = (
            Interpreter(replace(model, plan=plan), OnnxEncoder(trained[0] / ENCODER_FOLDER), DOMAIN)
            for _ in range(2)
        )
        one.parse("hello")
        assert taken(one, text) == (asked, other.parse(text))


def test_what_was_understood_is_remembered_for_a_day(trained: Trained) -> None:
    """A short text is understood once a day; tomorrow its dates mean something else."""
    today = [date(2026, 3, 18)]
    folder = trained[0]
    encoder = OnnxEncoder(folder / ENCODER_FOLDER)
    interpreter = Interpreter(NluModel.load(folder), encoder, DOMAIN, today=lambda: today[0])
    first = interpreter.parse("come tomorrow")
    assert interpreter.parse("come tomorrow").entities is first.entities
    today[0] += timedelta(days=1)
    assert (found(first)["date"], found(interpreter.parse("come tomorrow"))["date"]) == (
        "2026-03-19",
        "2026-03-20",
    )
