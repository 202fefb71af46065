"""What a served assistant promises: small, redeliveries harmless, alive whatever comes in."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.integration.demo import ServedDemo, frontdesk, texts

COMPLAINT = "my parcel LC104233 is four days late and nobody answers me, this is unacceptable!"


def test_serving_never_loads_torch(demo: ServedDemo) -> None:
    """After a conversation with every kind of part at work, no library of torch is in the process."""
    demo.send(COMPLAINT)
    demo.send("可以推荐一款耳机吗")
    assert "libtorch" not in Path(f"/proc/{demo.pid}/maps").read_text()


def test_serving_stays_below_500_mib(demo: ServedDemo) -> None:
    """The process never held more than 500 MiB, conversations in both languages included."""
    for message in (COMPLAINT, "我要退货", "recommend me a lamp", "10,000 " * 1000):
        demo.send(message)
    status = Path(f"/proc/{demo.pid}/status").read_text()
    peak_mib = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak_mib <= 500


def test_a_second_training_changes_nothing(models: Path) -> None:
    """Training again without a change trains nothing and leaves the newest model in place."""
    before = sorted(models.iterdir())
    again = frontdesk("train", "--models", str(models))
    assert "Nothing to train" in again.stdout
    assert sorted(models.iterdir()) == before


def test_a_model_holds_no_program(models: Path) -> None:
    """A trained model is safetensors, ONNX and JSON alone, and a card for people."""
    newest = max(models.glob("*/metadata.json")).parent
    assert {path.suffix for path in newest.rglob("*") if path.is_file()} == {
        ".safetensors", ".onnx", ".json", ".md",
    }  # fmt: skip


def test_a_redelivered_complaint_opens_one_ticket(demo: ServedDemo) -> None:
    """The same message id again gets the first answer again and writes nothing."""
    first = demo.send(COMPLAINT, message_id="m1")
    assert demo.send(COMPLAINT, message_id="m1") == first
    assert len(demo.rows("tickets")) == 1
    assert len(demo.rows("escalations")) == 1


def test_a_server_that_dies_between_action_and_reply_opens_one_ticket(models: Path, crm_url: str) -> None:
    """A crash after the ticket was written and before the turn was stored is healed by the redelivery."""
    demo = ServedDemo(models, crm_url)
    demo.start("tests.integration.dies_before_storing")
    with pytest.raises(httpx.TransportError):
        demo.send(COMPLAINT, message_id="m1")
    assert len(demo.rows("tickets")) == 1
    with demo:
        assert demo.rows("tickets")[0]["number"] in texts(demo.send(COMPLAINT, message_id="m1"))
        assert len(demo.rows("tickets")) == 1
        assert len(demo.rows("escalations")) == 1


def test_two_messages_at_once_are_answered_in_order(demo: ServedDemo) -> None:
    """Messages of one sender that come together are turned one after the other: one introduction, no mix."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: demo.send("hello", message_id=f"m{number}"), range(8)))
    introductions = [answer for answer in answers if "automated assistant" in texts(answer)]
    assert len(introductions) == 1
    assert all(answers)


def test_many_customers_at_once_are_all_answered(demo: ServedDemo) -> None:
    """Sixteen customers who write at once, each to actions that write into the CRM, all get their answers."""
    messages = (COMPLAINT, "recommend me a lamp", "我要投诉", "update my email please")

    def talk(customer: int) -> list[bool]:
        return [bool(demo.send(message, sender=f"many-{customer}")) for message in messages]

    with ThreadPoolExecutor(16) as pool:
        answered = list(pool.map(talk, range(16)))
    assert all(all(answers) for answers in answered)
    assert len(demo.rows("tickets")) >= 16


HOSTILE = {
    "emoji": "😡😡😡🔥",
    "mixed languages": "hi 我的 parcel 还没到 please help",
    "control characters": "he\x00llo\x1b[31m wor\x07ld",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "sql": "'; DROP TABLE tickets; --",
    "longest": "parcel late " * 833,
    "right to left": "\u202eمرحبا",
    "half a surrogate": "broken \\ud800 text",
    "braces": "{slot} {0} {{}} %s $HOME",
    "a payload": '/inform{"order_number": ["LC104233", {"a": 1}]}',
    "a broken payload": '/inform{"order_number": ',
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE.keys())
def test_strange_messages_get_an_answer(lasting_demo: ServedDemo, message: str) -> None:
    """Whatever a customer types is answered, and the conversation goes on afterwards."""
    assert lasting_demo.send(message, sender=message[:20])
    assert lasting_demo.send("hello", sender=message[:20])


BAD_BODIES = {
    "no JSON": "{'sender': 1",
    "a list": "[]",
    "no message": '{"sender": "me"}',
    "empty message": '{"sender": "me", "message": "  "}',
    "a number": '{"sender": "me", "message": 42}',
    "too long": json.dumps({"sender": "me", "message": "x" * 10_001}),
    "not UTF-8": b"\xff\xfe",
    "deep nesting": "[" * 10_000,
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_requests_are_refused_with_a_reason(lasting_demo: ServedDemo, body: bytes | str) -> None:
    """A body that is no message gets a 4xx in Rasa's error shape, and the server lives."""
    refused = lasting_demo.post(body)
    assert 400 <= refused.status_code < 500
    assert {"status", "reason", "message", "code"} <= set(refused.json())
    assert lasting_demo.send("hello")


def test_unknown_fields_are_passed_over(lasting_demo: ServedDemo) -> None:
    """A client that sends more than we know is served."""
    answer = lasting_demo.post(
        json.dumps({"sender": "me", "message": "hello", "colour": "blue", "nested": {"a": []}})
    )
    assert answer.status_code == 200
    assert answer.json()
