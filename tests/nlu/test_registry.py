"""Pipeline names, ours and Rasa's, become parts."""

from __future__ import annotations

import pytest

from bot.dialogue.messages import JSON
from bot.errors import InvalidProject, Location
from bot.nlu.plan import (
    BuiltinOptions,
    Dimension,
    FallbackOptions,
    FineTune,
    LookupOptions,
    PipelinePlan,
    UnderstandingOptions,
)
from bot.nlu.registry import COMPONENTS, plan_pipeline
from bot.training_data.config_file import ComponentConfig

RASA_PIPELINE_NAMES = (
    "CRFEntityExtractor", "ConveRTFeaturizer", "CountVectorsFeaturizer", "DIETClassifier",
    "DucklingEntityExtractor", "EntitySynonymMapper", "FallbackClassifier", "JiebaTokenizer",
    "KeywordIntentClassifier", "LanguageModelFeaturizer", "LexicalSyntacticFeaturizer",
    "LogisticRegressionClassifier", "MitieEntityExtractor", "MitieFeaturizer", "MitieIntentClassifier",
    "MitieNLP", "MitieTokenizer", "RegexEntityExtractor", "RegexFeaturizer", "ResponseSelector",
    "SklearnIntentClassifier", "SpacyEntityExtractor", "SpacyFeaturizer", "SpacyNLP", "SpacyTokenizer",
    "WhitespaceTokenizer",
)  # fmt: skip


def plan(*lines: tuple[str, dict[str, JSON]] | str) -> PipelinePlan:
    """Plan a pipeline of names, with options where a pair is given."""
    pairs = [(line, {}) if isinstance(line, str) else line for line in lines]
    place = Location("config.yml", 3)
    return plan_pipeline([ComponentConfig(name, options, place) for name, options in pairs])


@pytest.mark.parametrize("name", RASA_PIPELINE_NAMES)
def test_every_name_of_rasa_is_accepted(name: str) -> None:
    """Each of Rasa's components becomes something, by short name, and the report says what."""
    rows = plan(name).rows
    assert rows[0].configured == name
    assert rows[0].became == COMPONENTS[name].became


def test_own_pipeline() -> None:
    """Our own names switch on our parts with their options."""
    found = plan(
        ("BertUnderstanding", {"fine_tune": "full", "epochs": 3, "learning_rate": 1e-5}),
        ("EntityLookup", {"case_sensitive": True}),
        ("BuiltinEntities", {"dimensions": ["email", "date"], "regions": ["fr"]}),
        ("FallbackClassifier", {"threshold": 1}),
    )
    assert found.understanding == UnderstandingOptions(fine_tune=FineTune.FULL, epochs=3, learning_rate=1e-5)
    assert found.lookup == LookupOptions(case_sensitive=True)
    assert found.builtin == BuiltinOptions({Dimension.EMAIL: "email", Dimension.DATE: "date"}, ("FR",))
    assert found.fallback == FallbackOptions(threshold=1.0)
    assert found.selectors == ("default",)
    assert found.synonyms
    assert found.whole_message


def test_rasa_pipeline() -> None:
    """Rasa's usual pipeline keeps its extractor names, finds no more than it asks for."""
    found = plan(
        "WhitespaceTokenizer",
        ("DIETClassifier", {"epochs": 100, "constrain_similarities": True}),
        "RegexEntityExtractor",
        "EntitySynonymMapper",
        ("ResponseSelector", {"retrieval_intent": "faq", "epochs": 100}),
        ("ResponseSelector", {"retrieval_intent": "chitchat"}),
    )
    assert found.extractors == {
        "learnt": "DIETClassifier",
        "lookup": "RegexEntityExtractor",
        "synonyms": "EntitySynonymMapper",
    }
    assert found.selectors == ("faq", "chitchat")
    assert (found.builtin, found.fallback, found.whole_message) == (None, None, False)


@pytest.mark.parametrize(
    ("lines", "intents", "entities"),
    [
        ((("DIETClassifier", {"entity_recognition": False}),), True, False),
        ((("DIETClassifier", {"intent_classification": False}),), False, True),
        (
            (
                ("DIETClassifier", {"intent_classification": False}),
                ("DIETClassifier", {"entity_recognition": False}),
            ),
            True,
            True,
        ),
        (("KeywordIntentClassifier", "CRFEntityExtractor"), True, True),
        (("LogisticRegressionClassifier", "RegexEntityExtractor"), True, False),
        ((("DIETClassifier", {"entity_recognition": False}), "CRFEntityExtractor"), True, True),
        ((("DIETClassifier", {"intent_classification": False}), "SklearnIntentClassifier"), True, True),
        ((), True, False),
    ],
    ids=[
        "intents-only",
        "entities-only",
        "two-diets",
        "crf",
        "classifier-alone",
        "diet-and-crf",
        "diet-and-classifier",
        "empty",
    ],
)
def test_heads_follow_the_pipeline(
    lines: tuple[tuple[str, dict[str, JSON]] | str, ...], intents: bool, entities: bool
) -> None:
    """A head is trained when some line asks for it; intents are learnt unless that is switched off."""
    found = plan(*lines).understanding
    assert (found.intent_classification, found.entity_recognition) == (intents, entities)


def test_who_finds_the_entities_names_them() -> None:
    """Of a DIET that leaves entities out and a CRFEntityExtractor the second one's name stands in results."""
    found = plan(("DIETClassifier", {"entity_recognition": False}), "CRFEntityExtractor")
    assert found.extractors == {"learnt": "CRFEntityExtractor"}


def test_duckling_keeps_its_names() -> None:
    """Duckling's dimensions keep their names and are found without a server."""
    found = plan(
        (
            "DucklingEntityExtractor",
            {"url": "http://localhost:8000", "dimensions": ["time", "number", "volume"]},
        )
    )
    assert found.builtin is not None
    assert found.builtin.names == {Dimension.DATE: "time", Dimension.NUMBER: "number"}


def test_paths_are_understood() -> None:
    """Rasa's own Python path means its component, another one a class of the project's own."""
    own = "tests.nlu.shop_components.Memory"
    found = plan("rasa.nlu.classifiers.diet_classifier.DIETClassifier", own)
    assert found.extractors == {"learnt": "DIETClassifier"}
    assert found.rows[1].became == "itself"
    assert [(line.path, line.after_understanding) for line in found.own] == [(own, True)]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "BertUnderstandng",
            {},
            "component 'BertUnderstandng', did you mean 'BertUnderstanding'?",
        ),
        ("BertUnderstanding", {"epoch": 3}, "unknown option 'epoch', did you mean 'epochs'?"),
        ("BertUnderstanding", {"epochs": "many"}, "epochs: found 'many', expected int"),
        ("BertUnderstanding", {"fine_tune": "body"}, "fine_tune: found 'body', expected head or full"),
        ("FallbackClassifier", {"threshold": "high"}, "threshold: found 'high', expected a number"),
        (
            "BuiltinEntities",
            {"dimensions": ["e-mail"]},
            "'e-mail' is unknown, did you mean 'email'?",
        ),
        ("FallbackClassifier", {"threshold": 10**400}, "expected a number"),
        ("BuiltinEntities", {"dimensions": True}, "dimensions: found True, expected a list of names"),
        ("DucklingEntityExtractor", {"dimensions": [["email"]]}, "expected a list of names"),
        ("BuiltinEntities", {"regions": 5}, "regions: found 5, expected a list of names"),
    ],
    ids=[
        "name",
        "option",
        "type",
        "choice",
        "number",
        "dimension",
        "huge number",
        "boolean",
        "nested",
        "regions",
    ],
)
def test_mistakes_are_named_with_their_place(name: str, options: dict[str, JSON], message: str) -> None:
    """An unknown name or option is refused with file, line and the nearest known name."""
    with pytest.raises(InvalidProject) as refused:
        plan((name, options))
    assert str(refused.value).startswith("config.yml:3: error: ")
    assert message in str(refused.value)
