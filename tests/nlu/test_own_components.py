"""Components of a project's own learn, are stored with the model, and run in their place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.dialogue.messages import JSON, NLU_FALLBACK, ParseResult
from bot.errors import FrontdeskError, InvalidProject, Location, Severity
from bot.nlu.interpreter import Interpreter
from bot.nlu.own_lines import check
from bot.nlu.registry import plan_pipeline
from bot.nlu.train import train
from bot.runtime.check import check_project
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData
from bot.training_data.project import Project
from tests.nlu.conftest import DATA, DOMAIN

Line = str | tuple[str, dict[str, JSON]]
Build = Callable[..., Interpreter]
ORDERS: Line = ("OrderNumbers", {"entity": "order_number", "pattern": r"LC\d+"})


def lines(*written: Line, backbone: Path | None = None) -> list[ComponentConfig]:
    """Name a pipeline; names of this project's components get their path."""
    found = []
    for place, line in enumerate(written, 3):
        name, options = line if isinstance(line, tuple) else (line, {})
        if name == "BertUnderstanding" and backbone:
            options = {"backbone": str(backbone), **options}
        is_ours = name in ("BertUnderstanding", "EntitySynonymMapper", "FallbackClassifier")
        path = name if is_ours or "." in name else f"tests.nlu.shop_components.{name}"
        found.append(ComponentConfig(path, options, Location("config.yml", place)))
    return found


@pytest.fixture
def build(tmp_path: Path, backbone: Path, cache: Path) -> Build:
    """Train a pipeline and load what was trained."""

    def built(*written: Line, data: NluData = DATA) -> Interpreter:
        train(data, lines(*written, backbone=backbone), tmp_path, cache=cache)
        return Interpreter.load(tmp_path, DOMAIN)

    return built


def found(parsed: ParseResult, entity: str) -> list[JSON]:
    """Return the values of an entity."""
    return [row.value for row in parsed.entities if row.entity == entity]


def test_a_component_adds_entities(build: Build) -> None:
    """What it finds stands among the entities of our parts, with its own name as the extractor."""
    parsed = build("BertUnderstanding", ORDERS).parse("i moved from rome to oslo, order LC204518")
    assert found(parsed, "order_number") == ["LC204518"]
    assert found(parsed, "city") == ["rome", "oslo"]
    extractors = {row.entity: row.extractor for row in parsed.entities}
    assert extractors["order_number"] == "OrderNumbers"


def test_values_of_a_component_before_the_mapper_become_canonical(build: Build) -> None:
    """An extractor before EntitySynonymMapper has its values mapped, one after it keeps them."""
    finds_goods: Line = ("OrderNumbers", {"entity": "goods", "pattern": "earbuds"})
    before = build("BertUnderstanding", finds_goods, "EntitySynonymMapper")
    # BertUnderstanding brings the synonyms along: what stands after it is after them.
    assert found(before.parse("my earbuds"), "goods") == ["earbuds"]
    first = build(finds_goods, "BertUnderstanding").parse("my earbuds")
    assert found(first, "goods") == ["headphones"]
    assert first.entities[0].processors


def test_a_component_changes_the_intent(build: Build) -> None:
    """After our parts it sees what was understood, and what it says counts."""
    interpreter = build("BertUnderstanding", ("Overrule", {"word": "lawyer", "intent": "thank"}))
    parsed = interpreter.parse("where is my parcel, asks my lawyer")
    assert (parsed.intent.name, parsed.intent.confidence) == ("thank", 0.97)
    assert parsed.more["before"] not in (None, "thank")
    assert interpreter.parse("where is my parcel").intent.name == "order_status"


def test_what_a_component_lets_out_reaches_the_dialogue(build: Build) -> None:
    """A property marked for output stands in the parse result, on the wire too."""
    parsed = build("BertUnderstanding", ("Overrule", {"word": "x", "intent": "greet"})).parse("good morning")
    assert ParseResult.from_dict(parsed.as_dict()) == parsed
    assert parsed.as_dict()["before"] == parsed.intent.name


def test_our_classifier_after_a_component_has_the_last_word(build: Build) -> None:
    """A component before ours may say what it likes: the later classifier decides, as in Rasa."""
    overrule: Line = ("Overrule", {"word": "hello", "intent": "thank"})
    assert build(overrule, "BertUnderstanding").parse("hello").intent.name == "greet"


@pytest.mark.parametrize(
    ("confidence", "intent"),
    [pytest.param(0.97, "thank", id="sure"), pytest.param(0.1, NLU_FALLBACK, id="unsure")],
)
def test_the_fallback_judges_what_a_component_before_it_says(
    build: Build, confidence: float, intent: str
) -> None:
    """The component sees the intent without the fallback, and the fallback its intent."""
    overrule: Line = ("Overrule", {"word": "zebra", "intent": "thank", "confidence": confidence})
    fallback: Line = ("FallbackClassifier", {"threshold": 0.3, "ambiguity_threshold": 0.0})
    parsed = build("BertUnderstanding", overrule, fallback).parse("zebra")
    assert parsed.more["before"] != NLU_FALLBACK
    assert parsed.intent.name == intent
    assert [row.name for row in parsed.intent_ranking][-1:] != [NLU_FALLBACK]


def test_a_component_after_the_fallback_can_take_it_back(build: Build) -> None:
    """It sees `nlu_fallback`, and decides for itself."""
    overrule: Line = ("Overrule", {"word": "zebra", "intent": "greet"})
    interpreter = build("BertUnderstanding", ("FallbackClassifier", {"threshold": 0.99}), overrule)
    parsed = interpreter.parse("zebra")
    assert (parsed.more["before"], parsed.intent.name) == (NLU_FALLBACK, "greet")
    assert interpreter.parse("giraffe").intent.name == NLU_FALLBACK


def test_the_fallback_stays_where_a_component_changes_nothing(build: Build) -> None:
    """A component between ours and the fallback that has nothing to say takes nothing away."""
    interpreter = build(
        "BertUnderstanding",
        ("Overrule", {"word": "zebra", "intent": "greet"}),
        ("FallbackClassifier", {"threshold": 0.99}),
    )
    parsed = interpreter.parse("giraffe")
    assert parsed.intent.name == NLU_FALLBACK
    assert parsed.intent_ranking[0].name == NLU_FALLBACK
    assert parsed.more["before"] == parsed.intent_ranking[1].name


def test_a_component_before_ours_prepares_texts_and_examples(build: Build) -> None:
    """A changed text is what our parts understand, and they learnt from examples changed alike."""
    words = {"pkg": "parcel", "parcel": "parcel", "zq": "thank"}
    interpreter = build(("Normalizer", {"words": words}), "BertUnderstanding")
    parsed = interpreter.parse("where is my pkg")
    assert parsed.intent.name == "order_status"
    assert parsed.text == "where is my parcel"
    again = build(("Normalizer", {"words": {"parcel": "qqqq"}}), "BertUnderstanding")
    assert again.parse("track my qqqq").intent == again.parse("track my parcel").intent


def test_annotations_follow_their_words_into_a_changed_text(
    build: Build, tmp_path: Path, backbone: Path, cache: Path
) -> None:
    """An entity is taught where its words stand now; one whose words are gone is left out, and told."""
    longer = build(("Normalizer", {"words": {"moved": "have just moved"}}), "BertUnderstanding")
    assert found(longer.parse("i moved from rome to oslo"), "city") == ["rome", "oslo"]
    gone = lines(("Normalizer", {"words": {"rome": "x"}}), "BertUnderstanding", backbone=backbone)
    report = train(DATA, gone, tmp_path / "gone", cache=cache)
    assert [note for note in report.notes if "2 annotated entities are left out" in note]


def test_what_a_component_learns_is_stored_in_the_model(build: Build, tmp_path: Path) -> None:
    """It is trained on the project's examples, writes below the model's folder, and loads from there."""
    interpreter = build("BertUnderstanding", "Memory")
    assert interpreter.parse("cheers").intent.name == "thank"
    assert [row.name for row in interpreter.parse("cheers").intent_ranking] == ["thank"]
    stored = list((tmp_path / "own").rglob("*.json"))
    assert [path.parent.name for path in stored] == ["0_Memory"]
    stored[0].write_text('{"cheers": "greet"}', "utf-8")
    assert Interpreter.load(tmp_path, DOMAIN).parse("cheers").intent.name == "greet"


def test_without_a_part_of_ours_that_learns_intents_the_own_classifier_decides(build: Build) -> None:
    """Our parts stand before it then, so that sentences it does not know still have an intent."""
    interpreter = build("Memory")
    assert interpreter.parse("cheers").intent.name == "thank"
    assert interpreter.parse("zzz").intent.name is not None


def test_an_own_tokenizer_gives_the_words(build: Build) -> None:
    """Its tokens reach later components and the parse result; without one they are ours."""
    with_ours = build("BertUnderstanding", "Memory").parse("hi there")
    assert with_ours.text_tokens == ((0, 2), (3, 8))
    with_own = build("BertUnderstanding", "Letters").parse("hi a")
    assert with_own.text_tokens == ((0, 1), (1, 2), (3, 4))


def test_features_go_from_one_own_component_to_the_next(build: Build) -> None:
    """What a featurizer adds before our parts is there for a component after them, as plain numbers."""
    parsed = build("Lengths", "BertUnderstanding", "Measured").parse("hello")
    assert found(parsed, "length") == [5]
    assert type(found(parsed, "length")[0]) is int


def test_messages_that_name_their_intent_pass_components_by(build: Build) -> None:
    """`/greet` is what it says."""
    parsed = build("BertUnderstanding", ("Overrule", {"word": "greet", "intent": "thank"})).parse("/greet")
    assert parsed.intent.name == "greet"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("Missing", "has no attribute 'Missing'", id="no class"),
        pytest.param("json.dumps", "is no class", id="a function"),
        pytest.param(
            "tests.nlu.for_rasas_network.OwnDiet", "rasa.nlu.classifiers.diet_classifier", id="Rasa's network"
        ),
    ],
)
def test_paths_that_lead_nowhere_are_refused_with_their_line(line: str, reason: str) -> None:
    """The finding names file and line, and what is missing."""
    with pytest.raises(InvalidProject) as refused:
        plan_pipeline(lines("BertUnderstanding", line))
    assert str(refused.value).startswith("config.yml:4: error:")
    assert reason in str(refused.value)


def test_a_component_whose_code_is_not_here_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """A project may come without its code: everything else of it is trained, and the line is named."""
    (tmp_path / "config.yml").write_text(
        "language: en\nassistant_id: a\npipeline:\n- name: no_such_module.Part\n- name: DIETClassifier\n"
    )
    (tmp_path / "domain.yml").write_text("intents: []\n")
    findings = [row for row in check_project(Project.load(tmp_path)) if row.check == "own-component"]
    assert [(str(row.location), row.severity) for row in findings] == [
        (f"{tmp_path / 'config.yml'}:4", Severity.WARNING)
    ]
    assert "No module named 'no_such_module'; it is left out" in findings[0].message
    plan = plan_pipeline(lines("no_such_module.Part", "BertUnderstanding"))
    assert (plan.rows[0].became, plan.own) == ("left out", ())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("NeedsSpacy", "needs the model of 'SpacyNLP'", id="model"),
        pytest.param("NeedsDomain", "asks for 'domain' in process()", id="argument"),
        pytest.param("OnlyGerman", "does not work for the language 'en'", id="language"),
        pytest.param("OfRasa2", "has no method 'create'", id="Rasa 2"),
    ],
)
def test_components_that_cannot_run_here_are_refused_before_training(line: str, reason: str) -> None:
    """Nothing is trained for minutes to fail then."""
    findings = check(plan_pipeline(lines("BertUnderstanding", line)).own, "en")
    assert [reason in finding.message for finding in findings] == [True]
    assert str(findings[0].location) == "config.yml:4"


def test_a_missing_package_is_named() -> None:
    """What a component says it needs is looked for."""
    findings = check(plan_pipeline(lines("NeedsPackage")).own, "de")
    assert "needs the Python package 'no_such_package_at_all'" in findings[0].message


def test_training_refuses_them_too(tmp_path: Path, backbone: Path) -> None:
    """Also where nobody has checked the project."""
    with pytest.raises(InvalidProject, match="does not work for the language"):
        train(DATA, lines("BertUnderstanding", "OnlyGerman", backbone=backbone), tmp_path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param({}, "Breaks' failed in process: RuntimeError: out of paper", id="raises"),
        pytest.param({"quietly": True}, "expected Rasa's form", id="writes nonsense"),
    ],
)
def test_a_component_that_fails_is_named(build: Build, options: dict[str, JSON], reason: str) -> None:
    """The error says which component it was; the turn's rim tells the customer."""
    interpreter = build("BertUnderstanding", ("Breaks", options))
    with pytest.raises(FrontdeskError, match="component") as broken:
        interpreter.parse("hello")
    assert reason in str(broken.value)


def test_wrong_options_are_told_at_training(tmp_path: Path, backbone: Path, cache: Path) -> None:
    """What a component says of its own options ends the training, with its name."""
    pipeline = lines(("Lengths", {"unit": -1}), "BertUnderstanding", backbone=backbone)
    with pytest.raises(FrontdeskError, match=r"Lengths' failed in load: InvalidConfigException: unit is neg"):
        train(DATA, pipeline, tmp_path, cache=cache)


def test_own_code_may_use_torch_where_it_was_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Serving hides torch from libraries that would load it for nothing; a component asks on purpose."""
    monkeypatch.setitem(sys.modules, "torch", None)  # type: ignore[arg-type]
    plan_pipeline(lines("Memory"))
    assert sys.modules.get("torch", "free") is not None
