"""A small trained model on a tiny backbone, made once for all tests of this room."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bot.dialogue.domain import Domain, EntityProperties, IntentProperties
from bot.dialogue.messages import Entity
from bot.nlu.interpreter import Interpreter
from bot.nlu.model import ENCODER_FOLDER, NluModel
from bot.nlu.train import TrainingReport, train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from language.encoder import OnnxEncoder
from tests.language.tiny_backbone import write_tiny_backbone

WEDNESDAY = date(2026, 3, 18)


def city(text: str, name: str, role: str) -> Entity:
    """Annotate a city in a text."""
    start = text.index(name)
    return Entity("city", name, start, start + len(name), role=role)


def _moved(old: str, new: str) -> NluExample:
    text = f"i moved from {old} to {new}"
    return NluExample(text, "change_address", (city(text, old, "old"), city(text, new, "new")))


_TEXTS = {
    "greet": ["hello", "hi there", "good morning", "hey", "你好", "您好呀", "早上好"],
    "thank": ["thank you", "thanks a lot", "many thanks", "cheers", "谢谢", "多谢你", "感谢"],
    "start_return": [
        "send it back",
        "i want to return this",
        "return my order",
        "退货",
        "我要退货",
        "想退掉",
    ],
    "order_status": [
        "where is my parcel",
        "track my parcel",
        "parcel status",
        "包裹在哪",
        "我的包裹呢",
        "查包裹",
    ],
    "faq/opening_hours": ["when are you open", "opening hours", "几点开门", "营业时间"],
    "faq/warranty": ["how long is the warranty", "guarantee period", "保修多久", "质保期"],
}
_MOODS = {
    "positive": ["i love it", "great and lovely", "very good", "太好了", "我很喜欢"],
    "negative": ["i hate it", "bad and awful", "very bad", "太差了", "我很讨厌"],
    "neutral": ["it is a lamp", "the box is here", "number five", "这是灯", "我的号码"],
}
DATA = NluData(
    examples=(
        *(NluExample(text, intent) for intent, texts in _TEXTS.items() for text in texts),
        *(_moved(*pair) for pair in (("rome", "oslo"), ("oslo", "bonn"), ("bonn", "rome"), ("kiel", "linz"))),
    ),
    sentiment_examples=tuple(
        SentimentExample(text, value) for value, texts in _MOODS.items() for text in texts
    ),
    synonyms={"earbuds": "headphones", "耳机": "headphones"},
    regexes={"order_number": (r"\bLC\d{6}\b",), "unused": (r"\d",)},
    lookups={"category": ("headphones", "earbuds", "耳机", "lamp")},
    responses={"faq/opening_hours": ("We open at nine.",)},
)
DOMAIN = Domain(
    intents={"greet": IntentProperties(())},
    entities={
        name: EntityProperties()
        for name in ("order_number", "category", "city", "date", "sentiment", "language")
    },
)


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny backbone."""
    return write_tiny_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep one cache of exported encoders for the session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def pipeline(backbone: Path) -> tuple[ComponentConfig, ...]:
    """Name every part of ours."""
    return (
        ComponentConfig("BertUnderstanding", {"backbone": str(backbone)}),
        ComponentConfig("EntityLookup"),
        ComponentConfig("BuiltinEntities"),
        ComponentConfig("FallbackClassifier", {"threshold": 0.3, "ambiguity_threshold": 0.05}),
    )


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, pipeline: tuple[ComponentConfig, ...], cache: Path
) -> tuple[Path, TrainingReport, list[tuple[str, float]]]:
    """Train on a handful of sentences: the folder, the report, and what progress was told."""
    folder = tmp_path_factory.mktemp("model")
    told: list[tuple[str, float]] = []
    report = train(
        DATA, pipeline, folder, progress=lambda stage, part: told.append((stage, part)), cache=cache
    )
    return folder, report, told


@pytest.fixture(scope="session")
def interpreter(trained: tuple[Path, TrainingReport, list[tuple[str, float]]]) -> Interpreter:
    """Load what was trained; today is Wednesday, 18 March 2026."""
    folder = trained[0]
    encoder = OnnxEncoder(folder / ENCODER_FOLDER)
    return Interpreter(NluModel.load(folder), encoder, DOMAIN, today=lambda: WEDNESDAY)
