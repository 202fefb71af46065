"""Every turn can be explained: which mapping filled which slot, what each policy said, why this action."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from rich.console import Console

from bot.cli.explanation import ExplainingProcessor
from bot.dialogue.messages import UserMessage
from bot.runtime.trace import trace
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.server.auth import Access
from tests.server.contract_bot import Served, Trainer, serve

ADDRESS = "/conversations/mia/trace"


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """Train the project of the recordings once."""
    trainer = Trainer(tmp_path_factory.mktemp("trace") / "models")
    trainer.train()
    return trainer


@pytest.fixture
def served(trainer: Trainer) -> Served:
    """Serve it with conversations in memory."""
    return serve(trainer, InMemoryTrackerStore())


async def _get(served: Served, address: str) -> httpx.Response:
    transport = httpx.ASGITransport(served.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.get(address)


async def _say(served: Served, *texts: str) -> None:
    for text in texts:
        await served.live.handle(UserMessage(text, "mia"))


async def _turns(served: Served, query: str = "") -> Any:
    answer = await _get(served, ADDRESS + query)
    assert answer.status_code == 200, answer.text
    return answer.json()["turns"]


async def test_mappings_say_what_they_filled_and_why_not(served: Served) -> None:
    """A mapping that filled its slot names the value, any other its reason."""
    await _say(served, "book", "in Oslo")
    *_, asked, told = await _turns(served)
    assert asked["mappings"] == [
        {
            "slot": "city",
            "mapping": "from_entity entity city",
            "outcome": "skipped",
            "value": None,
            "reason": "the message holds no value for it",
        }
    ]
    assert (told["mappings"][0]["outcome"], told["mappings"][0]["value"]) == ("filled", "Oslo")
    assert told["slots"] == {"city": "Oslo"}


async def test_each_action_says_who_chose_it_and_on_what_ground(served: Served) -> None:
    """The votes of all policies stand beside the winner, which names its rule or its loop."""
    await _say(served, "book")
    (*_, turn) = await _turns(served)
    form, listen = turn["actions"]
    assert (form["action"], form["policy"]) == ("booking_form", "RulePolicy")
    assert {vote["policy"]: vote["action"] for vote in form["votes"]} == {
        "MemoizationPolicy": None,
        "RulePolicy": "booking_form",
    }
    assert "only RulePolicy" in form["why"]
    assert form["votes"][1]["reason"] == "the rule: after action_listen intent book"
    assert form["slots"] == {"requested_slot": "city"}
    assert form["said"] == ["In which city?"]
    assert (listen["action"], listen["votes"][1]["reason"]) == (
        "action_listen",
        "handling active loops and forms - booking_form - action_listen",
    )


async def test_explaining_a_turn_anew_chooses_what_was_chosen(served: Served) -> None:
    """Worked out again from the events, every decision is the one that was taken, with equal confidence."""
    await _say(served, "hi", "book", "hi", "in Lima", "goodbye", "???")
    turns = await _turns(served)
    decided = [action for turn in turns for action in turn["actions"] if action["policy"]]
    assert len(decided) > 10
    assert not [action for action in decided if "of that time" in action["why"]]
    for action in decided:
        winner = next(vote for vote in action["votes"] if vote["policy"] == action["policy"])
        assert (winner["action"], winner["confidence"]) == (action["action"], action["confidence"])


async def test_the_last_turns_are_explained_alike_alone_and_together(served: Served) -> None:
    """`turns` cuts the answer, nothing else."""
    await _say(served, "hi", "book", "in Lima")
    every = await _turns(served)
    assert [turn["text"] for turn in every] == [None, "hi", "book", "in Lima"]
    assert await _turns(served, "?turns=2") == every[-2:]


async def test_a_former_models_choice_is_told_apart(served: Served) -> None:
    """With other policies the trace says that another model chose."""
    await _say(served, "hi")
    processor = served.live.processor
    events = (await processor.history("mia")).events
    policies = type(processor.policies)(processor.policies.policies[:1])  # type: ignore[attr-defined]
    (*_, turn) = trace("mia", events, processor.domain, policies)
    explained = [action.why for action in turn.actions if action.policy == "RulePolicy"]
    assert all("the model of that time chose it" in why for why in explained)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        pytest.param("/conversations/nobody/trace", 404, id="unknown"),
        pytest.param(f"{ADDRESS}?turns=0.4", 400, id="too-few"),
        pytest.param(f"{ADDRESS}?turns=100000", 400, id="too-many"),
        pytest.param(f"{ADDRESS}?turns=nan", 400, id="no-number"),
    ],
)
async def test_wrong_requests_are_refused(served: Served, address: str, status: int) -> None:
    """With a reason, and with Rasa's way to tell it."""
    await _say(served, "hi")
    answer = await _get(served, address)
    assert answer.status_code == status
    assert answer.json()["status"] == "failure"


async def test_a_trace_is_behind_the_token(trainer: Trainer) -> None:
    """It shows what customers wrote, so nobody reads it without the API's token."""
    served = serve(trainer, InMemoryTrackerStore(), access=Access("secret"))
    await _say(served, "hi")
    assert (await _get(served, ADDRESS)).status_code == 401
    assert (await _get(served, f"{ADDRESS}?token=secret")).status_code == 200


async def test_the_console_explains_after_each_message(served: Served) -> None:
    """`shell --debug` prints the same: intent, slots, votes, and the reply goes through unchanged."""
    console = Console(record=True, width=200, force_terminal=False, quiet=False)
    said = await ExplainingProcessor(served.live, console).handle(UserMessage("in Oslo", "mia"))
    assert said == []
    text = console.export_text()
    assert "understood: inform (1.00) city='Oslo'" in text
    assert "slot city = 'Oslo' by from_entity entity city" in text
    assert "-> action_default_fallback" in text
    assert "MemoizationPolicy: nothing" in text
