"""Small assistants in languages that no code names: from right to left, with accents, by syllables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.dialogue.domain import Domain, EntityProperties
from bot.dialogue.messages import Entity
from bot.nlu.interpreter import Interpreter
from bot.nlu.train import train
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData, NluExample

DOMAIN = Domain(entities={"city": EntityProperties(), "product": EntityProperties()})


@dataclass(frozen=True, slots=True)
class Taught:
    """What an assistant learns, and messages that it has not seen with what is in them.

    `moved` is a sentence with a place for a city.
    """

    language: str
    intents: dict[str, list[str]]
    moved: str
    cities: tuple[str, ...]
    products: tuple[str, ...]
    asked: dict[str, tuple[str, tuple[tuple[str, str], ...]]]


TAUGHT = [
    Taught(
        "ar",
        {
            "greet": ["مرحبا", "السلام عليكم", "صباح الخير", "أهلا وسهلا"],
            "order_status": ["أين طردي", "متى يصل الطرد", "أريد تتبع الطرد", "لم يصل الطرد بعد"],
            "buy": ["أريد شراء سماعات", "كم سعر المصباح", "بكم هذه السماعات", "أبحث عن مصباح"],
        },
        "انتقلت إلى {} أمس",
        ("القاهرة", "بغداد", "عمان", "تونس"),
        ("سماعات", "مصباح", "سماعات لاسلكية"),
        {
            "متى يصل طردي؟": ("order_status", ()),
            "أريد شراء سماعات لاسلكية الآن": ("buy", (("product", "سماعات لاسلكية"),)),
            "انتقلت إلى دمشق أمس": ("move", (("city", "دمشق"),)),
        },
    ),
    Taught(
        "he",
        {
            "greet": ["שלום", "בוקר טוב", "ערב טוב", "היי שלום"],
            "order_status": ["איפה החבילה שלי", "מתי תגיע החבילה", "החבילה לא הגיעה", "מעקב אחרי חבילה"],
            "buy": ["אני רוצה לקנות אוזניות", "כמה עולה המנורה", "כמה עולות האוזניות", "מחפש מנורה"],
        },
        "עברתי לעיר {} אתמול",
        ("חיפה", "אילת", "ירושלים", "עכו"),
        ("אוזניות", "מנורה"),
        {
            "מתי תגיע החבילה שלי?": ("order_status", ()),
            "רוצה לקנות מנורה": ("buy", (("product", "מנורה"),)),
            "עברתי לעיר טבריה אתמול": ("move", (("city", "טבריה"),)),
        },
    ),
    Taught(
        "fr",
        {
            "greet": ["bonjour", "salut à tous", "bonsoir", "coucou"],
            "order_status": [
                "où est mon colis",
                "quand arrive le colis",
                "suivre mon colis",
                "colis pas reçu",
            ],
            "buy": ["je veux acheter un écouteur", "combien coûte la lampe", "je cherche une lampe"],
        },
        "j'ai déménagé à {} hier",
        ("Orléans", "Nîmes", "Besançon", "Lyon"),
        ("écouteur", "lampe"),
        {
            "Où est donc mon colis ?": ("order_status", ()),
            "je veux acheter un ÉCOUTEUR": ("buy", (("product", "ÉCOUTEUR"),)),
            "j'ai déménagé à Sète hier": ("move", (("city", "Sète"),)),
        },
    ),
    Taught(
        "tr",
        {
            "greet": ["merhaba", "günaydın", "iyi günler", "selam"],
            "order_status": ["kargom nerede", "kargo ne zaman gelir", "kargomu takip et", "kargo gelmedi"],
            "buy": ["kulaklık almak istiyorum", "ışık ne kadar", "kulaklık kaç lira", "ışık arıyorum"],
        },
        "dün {} şehrine taşındım",
        ("İzmir", "Çorum", "Muğla", "Iğdır"),
        ("kulaklık", "ışık"),
        {
            "Kargom ne zaman gelir?": ("order_status", ()),
            "bir kulaklık almak istiyorum": ("buy", (("product", "kulaklık"),)),
            "dün İstanbul şehrine taşındım": ("move", (("city", "İstanbul"),)),
        },
    ),
    Taught(
        "vi",
        {
            "greet": ["xin chào", "chào bạn", "chào buổi sáng", "chào shop"],
            "order_status": [
                "đơn hàng của tôi đâu",
                "khi nào hàng đến",
                "theo dõi đơn hàng",
                "chưa nhận hàng",
            ],
            "buy": [
                "tôi muốn mua tai nghe",
                "đèn bàn giá bao nhiêu",
                "tai nghe giá bao nhiêu",
                "tìm đèn bàn",
            ],
        },
        "tôi chuyển đến {} hôm qua",
        ("Huế", "Cần Thơ", "Vinh", "Đà Lạt"),
        ("tai nghe", "đèn bàn"),
        {
            "đơn hàng của tôi đâu rồi?": ("order_status", ()),
            "tôi muốn mua đèn bàn": ("buy", (("product", "đèn bàn"),)),
            "tôi chuyển đến Đà Nẵng hôm qua": ("move", (("city", "Đà Nẵng"),)),
        },
    ),
]


def _moved(sentence: str, city: str) -> NluExample:
    start = sentence.index("{}")
    return NluExample(sentence.format(city), "move", (Entity("city", city, start, start + len(city)),))


@pytest.mark.parametrize("taught", TAUGHT, ids=lambda taught: taught.language)
def test_another_language_works_as_it_is(taught: Taught, backbone: Path, cache: Path, tmp_path: Path) -> None:
    """Intents, learnt entities and lookups are found in new messages, each entity at its own characters."""
    examples = [NluExample(text, intent) for intent, texts in taught.intents.items() for text in texts]
    examples += [_moved(taught.moved, city) for city in taught.cities]
    pipeline = [
        ComponentConfig("BertUnderstanding", {"backbone": str(backbone)}),
        ComponentConfig("EntityLookup"),
    ]
    data = NluData(tuple(examples), lookups={"product": taught.products})
    train(data, pipeline, tmp_path, cache=cache, language=taught.language)
    interpreter = Interpreter.load(tmp_path, DOMAIN)
    for text, (intent, entities) in taught.asked.items():
        result = interpreter.parse(text)
        found = tuple((entity.entity, text[entity.start : entity.end]) for entity in result.entities)
        assert (result.intent.name, found) == (intent, entities), text
