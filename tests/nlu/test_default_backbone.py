"""The packaged backbone, exported, understands wording that shares no word with the training data."""

from __future__ import annotations

from pathlib import Path

from bot.dialogue.domain import Domain
from bot.nlu.interpreter import Interpreter
from bot.nlu.train import train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample

SENTENCES = {
    "refund": ["give me my money back", "I want a refund", "when do I get reimbursed", "我要退款"],
    "greet": ["hello", "good morning", "hi there", "你好"],
    "shipping": ["where is my parcel", "has my order been shipped", "the package is late", "包裹在哪里"],
}
NEW_WORDING = {
    "please return the cash to my account": "refund",
    "hey, nice to meet you": "greet",
    "did the courier deliver it yet?": "shipping",
    "你好呀": "greet",
    "想退款了": "refund",
}


def test_new_wording_is_understood(tmp_path: Path) -> None:
    """A dozen sentences are enough for paraphrases, in English by meaning and in Chinese by characters."""
    data = NluData(tuple(NluExample(text, name) for name, texts in SENTENCES.items() for text in texts))
    train(data, [ComponentConfig("BertUnderstanding")], tmp_path)
    interpreter = Interpreter.load(tmp_path, Domain())
    assert {text: interpreter.parse(text).intent.name for text in NEW_WORDING} == NEW_WORDING
