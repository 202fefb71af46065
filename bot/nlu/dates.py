"""Dates in a message, absolute and relative, English and Chinese."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta

from bot.dialogue.messages import Entity
from bot.nlu.chinese_numbers import NUMERAL, chinese_number

_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_COUNT = r"\d{1,3}|a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_UNIT = r"days?|weeks?|months?|years?"
_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d{2}"
_ENGLISH = re.compile(
    rf"""(?<![A-Za-z0-9_./-])(?:
      the\ day\ (?:before\ yesterday|after\ tomorrow)
    | today | tonight | yesterday | tomorrow
    | (?:(?P<shift>last|this|next|on|since|by)\ )?(?P<day>{_DAYS})
    | (?P<move>last|this|next)\ (?P<period>week|month|year)
    | (?:{_COUNT})\ (?:{_UNIT})\ ago
    | in\ (?:{_COUNT})\ (?:{_UNIT})
    | (?:{_MONTHS})\.?\ (?:the\ )?{_ORDINAL}(?:,?\ {_YEAR})?
    | (?:the\ )?{_ORDINAL}\ (?:of\ )?(?:{_MONTHS})\b\.?(?:,?\ {_YEAR})?
    | {_YEAR}-\d{{1,2}}-\d{{1,2}}
    | \d{{1,2}}[./]\d{{1,2}}[./]{_YEAR}
    )(?![A-Za-z0-9_-])""",
    re.IGNORECASE | re.VERBOSE,
)
_N = rf"(?:\d{{1,4}}|{NUMERAL}{{1,4}})"
_CHINESE = re.compile(
    rf"""(?P<word>大前天|大后天|前天|昨天|昨日|今天|今日|今晚|明天|明日|后天)
    | (?P<shift>上上|上|下下|下|这|本)?(?:个)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天末])
    | (?P<move>上|下|这|本)(?:个)?(?P<period>周|星期|礼拜|月)
    | (?P<year_word>去年|今年|明年)(?!\d)
    | (?:(?P<year>\d{{4}}|[一二][零〇一二三四五六七八九]{{3}})年)?(?P<month>{_N})月(?P<dom>{_N})[号日]
    | (?P<count>{_N})个?(?P<unit>天|日|周|星期|礼拜|月|年)(?:之|以)?(?P<way>前|后)
    | (?<![\d月第])(?P<only>{_N})号(?!楼|线|门|店|[一-龥]?[单])""",
    re.VERBOSE,
)
_CHINESE_DAYS = {
    "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "今晚": 0, "明天": 1, "明日": 1,
    "后天": 2, "大后天": 3,
}  # fmt: skip
_WEEKS = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}


def find_dates(text: str, name: str, extractor: str, *, today: date) -> Iterator[Entity]:
    """Find dates; the value is ISO 8601 (`2026-03-05`).

    A span of time stands for its first day: "last week" is Monday of last week, "下个月" the first of next
    month. A date without a year is the nearest one, `05/03/2025` has the day first, and a weekday alone is
    the last one for past tense words ("since", "last") and the next one otherwise.
    """
    for match in _ENGLISH.finditer(text):
        found = _english(match, today)
        if found:
            yield Entity(name, found.isoformat(), match.start(), match.end(), extractor=extractor)
    for match in _CHINESE.finditer(text):
        found = _chinese(match, today)
        if found:
            yield Entity(name, found.isoformat(), match.start(), match.end(), extractor=extractor)


def warm_up() -> None:
    """Load dateparser with its English locale: 0.2 s that a first message would wait for."""
    _parsed("5 March", {})


def _parsed(written: str, settings: dict[str, object]) -> datetime | None:
    import dateparser  # noqa: PLC0415 - pipelines without builtin entities start without it

    found: datetime | None = dateparser.parse(written, languages=["en"], settings=settings)
    return found


def _english(match: re.Match[str], today: date) -> date | None:
    written = match.group().lower()
    if match.group("day"):
        weekday = _DAYS.split("|").index(match.group("day").lower())
        return _weekday(today, weekday, (match.group("shift") or "").lower())
    if match.group("period"):
        weeks = {"last": -1, "this": 0, "next": 1}[match.group("move").lower()]
        return _period(today, match.group("period").lower(), weeks)
    if written.startswith("the day"):
        return today + timedelta(days=-2 if "before" in written else 2)
    written = re.sub(r"^the |\bof |\bthe ", "", written.replace("tonight", "today"))
    settings = {"RELATIVE_BASE": datetime.combine(today, time(12)), "DATE_ORDER": "DMY"}
    if re.match(rf"{_YEAR}-", written):
        settings["DATE_ORDER"] = "YMD"
    found = _parsed(written, settings)
    if found is None:
        return None
    is_complete = re.search(rf"{_YEAR}|ago|^in |day|tomorrow", written)
    return found.date() if is_complete else _nearest_year(found.date(), today)


def _weekday(today: date, weekday: int, shift: str) -> date:
    ahead = (weekday - today.weekday()) % 7
    if shift in {"last", "since"}:
        return today + timedelta(days=ahead - 7)
    if shift == "next" and ahead == 0:
        return today + timedelta(days=7)
    return today + timedelta(days=ahead)


def _period(today: date, period: str, shift: int) -> date:
    if period == "week":
        return today - timedelta(days=today.weekday()) + timedelta(weeks=shift)
    if period == "month":
        return _add_months(today.replace(day=1), shift)
    return date(today.year + shift, 1, 1)


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if not date.min.year <= year <= date.max.year:
        return day
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _nearest_year(found: date, today: date) -> date:
    choices = [choice for year in (-1, 0, 1) if (choice := _valid(today.year + year, found.month, found.day))]
    return min(choices, key=lambda choice: abs((choice - today).days), default=found)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _chinese(match: re.Match[str], today: date) -> date | None:
    readers: tuple[tuple[str, Callable[[re.Match[str], date], date | None]], ...] = (
        ("word", lambda found, day: day + timedelta(days=_CHINESE_DAYS[found["word"]])),
        ("day", _chinese_weekday),
        ("period", _chinese_period),
        ("year_word", lambda found, day: date(day.year + "去今明".index(found["year_word"][0]) - 1, 1, 1)),
        ("month", _chinese_month_day),
        ("unit", _chinese_distance),
        ("only", _chinese_day_of_month),
    )
    return next((read(match, today) for group, read in readers if match[group]), None)


def _chinese_weekday(match: re.Match[str], today: date) -> date:
    weekday = {"日": 6, "天": 6, "末": 5}.get(match["day"])
    weekday = "一二三四五六".index(match["day"]) if weekday is None else weekday
    monday = today - timedelta(days=today.weekday())
    return monday + timedelta(days=weekday, weeks=_WEEKS[match["shift"] or "这"])


def _chinese_period(match: re.Match[str], today: date) -> date:
    return _period(today, "month" if match["period"] == "月" else "week", _WEEKS[match["move"]])


def _chinese_month_day(match: re.Match[str], today: date) -> date | None:
    month, day = chinese_number(match["month"]), chinese_number(match["dom"])
    year = chinese_number(match["year"]) if match["year"] else None
    found = _valid(year or 2024, month or 0, day or 0)  # 2024 has a 29th of February
    return _nearest_year(found, today) if found and year is None else found


def _chinese_distance(match: re.Match[str], today: date) -> date | None:
    count = chinese_number(match["count"])
    if count is None or count > 1000:
        return None
    signed = -count if match["way"] == "前" else count
    if match["unit"] in {"月", "年"}:
        return _add_months(today, signed * (12 if match["unit"] == "年" else 1))
    return today + timedelta(days=signed * (1 if match["unit"] in {"天", "日"} else 7))


def _chinese_day_of_month(match: re.Match[str], today: date) -> date | None:
    return _valid(today.year, today.month, chinese_number(match["only"]) or 0)
