"""Entities that need no learning: patterns, contact details, dates, amounts, and who wins a place."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.messages import Entity
from bot.errors import InvalidProject
from bot.nlu.amounts import find_amounts
from bot.nlu.chinese_numbers import chinese_number
from bot.nlu.contact_details import find_emails, find_phones
from bot.nlu.dates import find_dates
from bot.nlu.entity_lookup import Patterns, map_synonyms
from bot.nlu.overlaps import settle_overlaps
from bot.nlu.plain_numbers import find_numbers
from bot.nlu.plan import LookupOptions

WEDNESDAY = date(2026, 3, 18)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a Lamp, lamps and LAMP", ["Lamp", "LAMP"]),
        ("我的lamp坏了", ["lamp"]),
        ("降噪耳机坏了", ["降噪耳机"]),
        ("耳机和耳机", ["耳机", "耳机"]),
        ("desk lamp", ["desk lamp"]),
        ("C++ cable", ["C++"]),
    ],
    ids=["boundaries-and-case", "latin-in-chinese", "longest", "twice", "phrase", "punctuation"],
)
def test_lookup(text: str, expected: list[str]) -> None:
    """Lookup phrases match whole Latin words in any case, and Chinese anywhere, the longest first."""
    patterns = Patterns({}, {"thing": ("lamp", "desk lamp", "耳机", "降噪耳机", "C++")}, LookupOptions())
    assert [text[match.start : match.end] for match in patterns.find(text)] == expected


@pytest.mark.parametrize(
    "text", ["LC104233", "订单LC104233到了", "(lc104233)"], ids=["alone", "chinese", "brackets"]
)
def test_word_boundary_of_a_regex_stands_beside_chinese(text: str) -> None:
    r"""`\b` in a regex of the data is a boundary between Chinese and Latin."""
    patterns = Patterns({"order": (r"\bLC\d{6}\b",)}, {}, LookupOptions())
    assert [text[match.start : match.end].upper() for match in patterns.find(text)] == ["LC104233"]
    assert patterns.find("XLC1042334") == []


def test_options_switch_patterns() -> None:
    """Case, lookup tables, regexes and boundaries follow the options of Rasa's RegexEntityExtractor."""
    regexes, lookups = {"number": (r"\d+",)}, {"thing": ("lamp",)}
    strict = Patterns(regexes, lookups, LookupOptions(case_sensitive=True, use_regexes=False))
    assert [match.name for match in strict.find("Lamp lamp 5")] == ["thing"]
    loose = Patterns(regexes, lookups, LookupOptions(use_word_boundaries=False, use_lookup_tables=True))
    assert [match.name for match in loose.find("lamps 5")] == ["thing", "number"]
    none = Patterns(regexes, lookups, LookupOptions(use_lookup_tables=False))
    assert [match.name for match in none.find("lamp 5", ["thing"])] == []


def test_broken_regex_is_named() -> None:
    """A pattern that is no regular expression is refused with its name."""
    with pytest.raises(InvalidProject, match=r"regex 'number': '\(' is not a regular expression"):
        Patterns({"number": ("(",)}, {}, LookupOptions())


def test_synonyms_ignore_case() -> None:
    """A value is replaced by its canonical form, and the mapper leaves its name."""
    mapped = map_synonyms(
        [Entity("thing", "Cans"), Entity("thing", "lamp")], {"cans": "headphones"}, "Mapper"
    )
    assert mapped == [Entity("thing", "headphones", processors=("Mapper",)), Entity("thing", "lamp")]


@pytest.mark.parametrize(
    ("text", "surface", "value"),
    [
        ("mail Tom.H@Example.co.uk.", "Tom.H@Example.co.uk", "tom.h@example.co.uk"),
        ("邮箱wang.lei@example.cn谢谢", "wang.lei@example.cn", "wang.lei@example.cn"),
        ("a@b and @me", None, None),
    ],
    ids=["english", "chinese", "none"],
)
def test_email(text: str, surface: str | None, value: str | None) -> None:
    """E-mail addresses are found in both scripts, in lower case."""
    found = [(text[entity.start : entity.end], entity.value) for entity in find_emails(text, "email", "x")]
    assert found == ([] if surface is None else [(surface, value)])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("call +44 20 7946 0958 now", "+442079460958"),
        ("我的电话13812345678", "+8613812345678"),
        ("(202) 555-0143", "+12025550143"),
        ("030 901820", "+4930901820"),
        ("order LC104233, ticket T-10042", None),
        ("12345", None),
    ],
    ids=["international", "chinese-mobile", "american", "german", "numbers-of-ours", "short"],
)
def test_phone(text: str, value: str | None) -> None:
    """Phone numbers with a country code or of a configured region are found, in E.164 form."""
    found = find_phones(text, "phone", "x", regions=("US", "GB", "DE", "CN"))
    assert [entity.value for entity in found] == ([] if value is None else [value])


@pytest.mark.parametrize(
    ("text", "surface", "value"),
    [
        ("it came last Monday", "last Monday", "2026-03-16"),
        ("since tuesday", "since tuesday", "2026-03-17"),
        ("next wednesday please", "next wednesday", "2026-03-25"),
        ("on the 3rd of April, 2025", "the 3rd of April, 2025", "2025-04-03"),
        ("bought on 5 March", "5 March", "2026-03-05"),
        ("December 20", "December 20", "2025-12-20"),
        ("two weeks ago", "two weeks ago", "2026-03-04"),
        ("in 3 days", "in 3 days", "2026-03-21"),
        ("the day before yesterday", "the day before yesterday", "2026-03-16"),
        ("last week", "last week", "2026-03-09"),
        ("next month", "next month", "2026-04-01"),
        ("05/03/2025", "05/03/2025", "2025-03-05"),
        ("2025-03-05", "2025-03-05", "2025-03-05"),
        ("上周三买的", "上周三", "2026-03-11"),
        ("下星期天", "下星期天", "2026-03-29"),
        ("三月五号到", "三月五号", "2026-03-05"),
        ("2025年3月5日", "2025年3月5日", "2025-03-05"),
        ("二零二五年十二月一日", "二零二五年十二月一日", "2025-12-01"),
        ("昨天下的单", "昨天", "2026-03-17"),
        ("三天前", "三天前", "2026-03-15"),
        ("两个月后", "两个月后", "2026-05-18"),
        ("下个月", "下个月", "2026-04-01"),
        ("5号收到", "5号", "2026-03-05"),
        ("may I ask", None, None),
        ("order LC104233 costs 29.90", None, None),
        ("13月40号", None, None),
        ("我的订单号", None, None),
    ],
)
def test_date(text: str, surface: str | None, value: str | None) -> None:
    """Absolute and relative dates of both languages become ISO dates, counted from a known day."""
    found = list(find_dates(text, "date", "x", today=WEDNESDAY))
    pairs = [(text[entity.start : entity.end], entity.value) for entity in found]
    assert pairs == ([] if surface is None else [(surface, value)])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("I paid €29.90 for it", "29.90 EUR"),
        ("29,90 € bitte", "29.90 EUR"),
        ("1.299,00 EUR", "1299.00 EUR"),
        ("$1,200", "1200 USD"),
        ("20 bucks", "20 USD"),
        ("花了300元", "300 CNY"),
        ("三百块", "300 CNY"),
        ("3万元", "30000 CNY"),
        ("十块钱", "10 CNY"),
        ("一块手表", None),
        ("5 people", None),
        ("LC-210 EURO", None),
    ],
)
def test_amount(text: str, value: str | None) -> None:
    """Amounts of money of both languages carry a decimal number and a currency."""
    found = list(find_amounts(text, "amount", "x"))
    assert [entity.value for entity in found] == ([] if value is None else [value])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a table for 5, or six", [5, 6]),
        ("2.5 of them", [2.5]),
        ("三个人", [3]),
        ("LC104233 and T-10042 for someone", []),
    ],
    ids=["digits-and-words", "fraction", "chinese", "numbers-of-ours"],
)
def test_number(text: str, values: list[float]) -> None:
    """Plain numbers are found as digits and as words, not inside names and codes."""
    assert [entity.value for entity in find_numbers(text, "number", "x")] == values


@pytest.mark.parametrize(
    ("numeral", "number"),
    [
        ("十", 10),
        ("二十三", 23),
        ("三百", 300),
        ("一千零五", 1005),
        ("两万三千", 23_000),
        ("二零二五", 2025),
        ("7", 7),
        ("", None),
        ("元", None),
    ],
)
def test_chinese_number(numeral: str, number: int | None) -> None:
    """Numerals are read with units or digit by digit."""
    assert chinese_number(numeral) == number


@given(st.text(alphabet="0123456789.,/-:年月日号周上下三一万元€$@ abmonday", max_size=40))
def test_strange_dates_and_amounts_are_survived(text: str) -> None:
    """No mixture of digits, marks and date words breaks the patterns."""
    found = [*find_dates(text, "d", "x", today=WEDNESDAY), *find_amounts(text, "a", "x")]
    assert all(entity.start is not None and entity.value for entity in found)


def test_more_exact_extractor_wins_within_a_type() -> None:
    """A pattern beats the learnt entity of its type and takes its role and group over."""
    pattern, learnt = Entity("city", "Rome", 5, 9), Entity("city", "Rome now", 5, 13, role="old", group="1")
    assert settle_overlaps([[pattern], [learnt]]) == [Entity("city", "Rome", 5, 9, role="old", group="1")]


def test_longer_span_wins_between_types() -> None:
    """Of different types the longer span stays, and of equally long ones the more exact extractor."""
    short, long, other = Entity("a", "x", 0, 3), Entity("b", "x", 0, 8), Entity("c", "x", 0, 8)
    assert settle_overlaps([[short], [other], [long]]) == [other]


def test_apart_entities_all_stay_in_order() -> None:
    """Entities that do not touch stay, in text order, those without a place last."""
    first, second, message = Entity("a", "x", 0, 3), Entity("a", "x", 3, 5), Entity("mood", "x")
    assert settle_overlaps([[message, second], [first]]) == [first, second, message]
