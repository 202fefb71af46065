"""How bad a complaint is: pure rules over what was said, how it sounded, and what happened before."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crm_connector.choices import Severity

_HARM = re.compile(
    r"\b(?:on fire|(?:caught|catch(?:es|ing)?) fire|smok(?:e|es|ed|ing)|burn(?:t|ed|s|ing)?|melt(?:ed|s|ing)"
    r"|explo(?:d|s)\w*|electric shock|electrocut\w*|sparks|injur\w*)\b"
    r"|着火|起火|冒烟|冒火|烧焦|烧伤|烫伤|爆炸|炸了|触电|漏电|电到|受伤",
    re.IGNORECASE,
)
_LAW = re.compile(
    r"\b(?:hospital|lawyer\w*|attorney|sue|suing|court|police|fraud|scam\w*|consumer protection|chargeback)\b"
    r"|医院|律师|起诉|法院|报警|诈骗|欺诈|骗子|消费者协会|消协|12315",
    re.IGNORECASE,
)
_ANGER = re.compile(
    r"\b(?:furious|outrag\w*|disgust\w*|ridiculous|unacceptable|worst|useless|incompetent|joke|liars?|lied|rip.?off"
    r"|never again|fed up|sick of|had enough|appalling|pathetic|shame|nonsense|wtf|damn|hell|bullshit|crap)\b"
    r"|气死|愤怒|太过分|过分|离谱|垃圾|恶心|无语|忍无可忍|受够|再也不|最差|差劲|坑人|欺骗|忽悠|什么玩意|不可接受|投诉你们|差评",
    re.IGNORECASE,
)
_IGNORED = re.compile(
    r"\b(?:nobody|no one|nothing|never) (?:\w+ ){0,2}"
    r"(?:answer\w*|repl\w+|help\w*|respond\w*|call\w*|happen\w*)"
    r"|\b(?:still|again|third|fourth|second) (?:\w+ ){0,2}(?:waiting|time|no (?:reply|answer))"
    r"|\bignor(?:e|ed|ing)\b"
    r"|\b(?:\d{1,3}|two|three|four|five|six|several|many) (?:days?|weeks?|months?)\b"
    r"|没人(?:理|管|回|接|答)|不(?:理|回复|回应)|第[二三四五六\d]次|又[一是]次|一直没|还是没"
    r"|[几两三四五六七\d]{1,3}(?:天|周|个?星期|个月)",
    re.IGNORECASE,
)
_SHOUT_MIN_LETTERS = 12


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the rules look at; `earlier_complaints` counts those of the conversation and the open tickets."""

    text: str
    sentiment: str | None = None
    earlier_complaints: int = 0


def severity_of(complaint: Complaint) -> Severity:
    """Judge a complaint: danger and the law are critical, the rest adds up."""
    if is_harmful(complaint.text) or _LAW.search(complaint.text):
        return Severity.CRITICAL
    points = (
        (complaint.sentiment == "negative")
        + min(2, len(_ANGER.findall(complaint.text)))
        + bool(_IGNORED.search(complaint.text))
        + is_shouted(complaint.text)
        + (complaint.earlier_complaints > 0)
    )
    if points >= 4:
        return Severity.CRITICAL
    return (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.HIGH)[points]


def is_harmful(text: str) -> bool:
    """Whether somebody was or could be hurt: fire, smoke, electric shock."""
    return _HARM.search(text) is not None


def is_serious(complaint: Complaint) -> bool:
    """Whether the customer is upset or it is severe: the apology says so, and a person must see it."""
    return complaint.sentiment == "negative" or severity_of(complaint) in (Severity.HIGH, Severity.CRITICAL)


def is_shouted(text: str) -> bool:
    """Whether it is written in capitals or with several exclamation marks in a row."""
    letters = [char for char in text if char.isalpha() and char.isascii()]
    capitals = sum(char.isupper() for char in letters)
    return bool(re.search(r"[!！]{2}", text)) or (
        len(letters) >= _SHOUT_MIN_LETTERS and capitals > 0.7 * len(letters)
    )
