"""A conversation opens to the secret of its browser, or to a customer whom the company has signed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

import pytest
from structlog.testing import capture_logs

from bot.channels.channel import Proof, ProofKind
from bot.channels.incoming import Refused
from bot.channels.web_widget.identity import Doorkeeper, Visitor, is_signed
from bot.channels.web_widget.settings import WidgetSettings
from bot.dialogue.events import AgentUttered
from bot.dialogue.messages import JSON
from tests.channels.scripted import ScriptedProcessor
from tests.channels.scripted_records import ScriptedRecords
from tests.channels.widget_door import (
    CONVERSATION,
    M1,
    OTHER,
    SENDER,
    frames_until,
    hear,
    said,
    say,
    serving,
)

SECRET = "a key that only the shop and we know"
SETTINGS = {"identity_secret": SECRET}


def signature(account_id: str, secret: str = SECRET) -> str:
    """Sign an id as a shop's server would."""
    return hmac.new(secret.encode(), account_id.encode(), hashlib.sha256).hexdigest()


def signed(account_id: str, **more: str) -> dict[str, str]:
    """Return a customer as a shop's page would name her."""
    return {"id": account_id, "identifier_hash": signature(account_id)} | more


class Notary:
    """Writes down what was proven."""

    def __init__(self) -> None:
        self.proven: dict[str, list[Proof]] = {}

    async def prove(
        self,
        channel: str,  # noqa: ARG002 (the seam's signature)
        sender_id: str,
        proofs: Sequence[Proof],
        *,
        name: str | None = None,  # noqa: ARG002
    ) -> None:
        """Write it down."""
        self.proven[sender_id] = list(proofs)


def keeper(records: ScriptedRecords, notary: Notary, **settings: JSON) -> Doorkeeper:
    """Make one that knows the shop's key."""
    return Doorkeeper(WidgetSettings.from_credentials(SETTINGS | settings), records, notary)


def visitor(customer: Mapping[str, str] | None = None, secret: str = CONVERSATION) -> Visitor:
    """Make a visitor."""
    return Visitor(secret, customer or {})


def processor_with(records: ScriptedRecords) -> ScriptedProcessor:
    """Echo, beside a CRM."""
    processor = ScriptedProcessor()
    processor.records = records
    return processor


@pytest.mark.parametrize(
    ("identifier_hash", "expected"),
    [
        pytest.param(signature("7"), True, id="right"),
        pytest.param(f" {signature('7').upper()} ", True, id="right in capitals"),
        pytest.param(signature("8"), False, id="of another id"),
        pytest.param(signature("7", "another key of the same length......"), False, id="by another key"),
        pytest.param(hashlib.sha256(b"7").hexdigest(), False, id="without a key"),
        pytest.param(signature("7")[:-1], False, id="cut off"),
        pytest.param("ü", False, id="no ASCII"),
    ],
)
def test_only_the_companys_own_signature_proves_an_id(identifier_hash: str, expected: bool) -> None:
    """The hash is HMAC-SHA256 of the id under the shared key."""
    assert is_signed(SECRET, "7", identifier_hash) is expected


def test_the_secret_of_a_conversation_is_not_what_is_stored() -> None:
    """From what the store, the logs and the desk show nobody can find the secret that opens it."""
    assert CONVERSATION not in SENDER
    assert visitor(secret=SENDER).own_sender_id not in (SENDER, CONVERSATION)


async def test_an_account_adopts_the_conversation_it_signs_in_from() -> None:
    """Who signs in goes on with what she was saying, and finds it again on another device."""
    records, notary = ScriptedRecords(), Notary()
    records.begun.add(SENDER)
    door = keeper(records, notary)
    first = await door.admit(visitor(signed("7")))
    assert (first.sender_id, first.account_id) == (SENDER, "7")
    elsewhere = await door.admit(visitor(signed("7"), OTHER))
    assert elsewhere.sender_id == SENDER
    assert notary.proven == {SENDER: [Proof(ProofKind.ACCOUNT, "7")]}


async def test_what_was_begun_on_another_device_is_hers_too() -> None:
    """A conversation that she began there before signing in is proven to be hers."""
    records, notary = ScriptedRecords(), Notary()
    other = visitor(secret=OTHER).own_sender_id
    records.accounts["7"] = SENDER
    records.begun.add(other)
    assert (await keeper(records, notary).admit(visitor(signed("7"), OTHER))).sender_id == SENDER
    assert set(notary.proven) == {SENDER, other}


async def test_two_accounts_of_one_browser_are_kept_apart() -> None:
    """Who signs in after somebody else gets a conversation of her own."""
    records, notary = ScriptedRecords(), Notary()
    door = keeper(records, notary)
    assert (await door.admit(visitor(signed("7")))).sender_id == SENDER
    second = await door.admit(visitor(signed("8")))
    assert second.sender_id not in (SENDER, CONVERSATION)
    assert notary.proven[second.sender_id] == [Proof(ProofKind.ACCOUNT, "8")]


@pytest.mark.parametrize(
    ("customer", "is_told"),
    [
        pytest.param({"id": "7"}, False, id="only claimed"),
        pytest.param({"id": "7", "identifier_hash": signature("8")}, True, id="wrong hash"),
        pytest.param({"identifier_hash": signature("7")}, False, id="no id"),
    ],
)
async def test_without_a_valid_hash_it_stays_a_claim(customer: dict[str, str], is_told: bool) -> None:
    """An id without its signature opens nothing; a wrong signature is logged and told."""
    records, notary = ScriptedRecords(), Notary()
    records.accounts["7"] = "hers"
    with capture_logs() as logs:
        admission = await keeper(records, notary).admit(visitor(customer))
    assert (admission.sender_id, admission.account_id) == (SENDER, None)
    assert admission.is_claim_refused is is_told
    assert [log["event"] for log in logs] == (["identity refused"] if is_told else [])
    assert notary.proven == {}


async def test_without_a_key_nothing_is_proven() -> None:
    """Where no secret is configured a hash means nothing."""
    door = Doorkeeper(WidgetSettings(), ScriptedRecords(), Notary())
    assert await door.admit(visitor(signed("7"))) == await door.admit(visitor())


async def test_a_signed_address_proves_the_address_where_the_operator_says_so() -> None:
    """An id that is an e-mail address counts as a proven address only if the company has verified it."""
    for is_verified in (False, True):
        records, notary = ScriptedRecords(), Notary()
        door = keeper(records, notary, ids_are_verified_emails=is_verified)
        await door.admit(visitor(signed("mia@shop.example")))
        kinds = [proof.kind for proof in notary.proven[SENDER]]
        assert kinds == [ProofKind.ACCOUNT] + [ProofKind.EMAIL] * is_verified


async def test_an_accounts_conversation_does_not_open_to_the_secret_alone() -> None:
    """After she has signed out the browser's secret opens nothing of hers, and that is logged."""
    records = ScriptedRecords()
    records.accounts["7"] = SENDER
    with pytest.raises(Refused) as refused, capture_logs() as logs:
        await keeper(records, Notary()).admit(visitor())
    assert refused.value.reason == "SignedOut"
    assert [(log["event"], log["sender_id"]) for log in logs] == [("conversation refused", SENDER)]


async def test_the_history_follows_a_signed_customer_to_another_device() -> None:
    """The second device shows what the first one said; the first one signed out shows nothing."""
    processor = processor_with(ScriptedRecords())
    customer = signed("7", name="Mia")
    async with serving(processor, SETTINGS) as door:
        async with door.widget(customer=customer) as (line, _):
            await say(line, type="message", message_id=M1, text="one")
            await frames_until(line, "typing", on=False)
        async with door.widget(secret=OTHER, customer=customer) as (_, frames):
            assert said(frames) == ["customer: one", "assistant: You said: one"]
        async with door.socket() as line:
            await say(line, type="hello", conversation_id=CONVERSATION)
            assert await hear(line) == {"type": "signed_out"}
            await line.wait_closed()
            assert line.close_code == 1008
    assert processor.handled[0].metadata == {
        "account_id": "7",
        "claimed_customer": {"id": "7", "name": "Mia"},
    }


async def test_a_wrong_hash_is_told_and_the_chat_goes_on_as_a_strangers() -> None:
    """The page hears that the identity was refused; the customer can write, and is only claimed."""
    processor = processor_with(ScriptedRecords())
    customer = {"id": "7", "identifier_hash": "0" * 64}
    async with serving(processor, SETTINGS) as door, door.widget(customer=customer) as (line, _):
        assert (await hear(line))["reason"] == "IdentityRefused"
        await say(line, type="message", message_id=M1, text="one")
        await frames_until(line, "typing", on=False)
    assert processor.handled[0].metadata == {"claimed_customer": {"id": "7"}}


async def test_records_that_are_away_ask_the_widget_to_come_again() -> None:
    """When nobody can say whose conversation it is, it does not open, and the widget tries again later."""
    records = ScriptedRecords()
    records.failing = Refused("away", code=503, reason="Unavailable")
    async with serving(processor_with(records), SETTINGS) as door, door.socket() as line:
        await say(line, type="hello", conversation_id=CONVERSATION)
        assert (await hear(line))["reason"] == "Unavailable"
        await line.wait_closed()
        assert line.close_code == 1013


async def test_what_others_add_in_another_process_is_shown() -> None:
    """What the store says is newer than what a page has seen comes to it without anybody's telling."""
    records = ScriptedRecords()
    processor = processor_with(records)
    async with serving(processor) as door, door.widget() as (line, _):
        processor.add(SENDER, AgentUttered(text="This is Kim.", metadata={"agent": "Kim"}))
        records.add_standing(SENDER, last_sequence=1)
        assert said(await frames_until(line, "event")) == ["agent: This is Kim."]
