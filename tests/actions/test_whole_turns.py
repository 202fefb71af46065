"""The demo assistant through the engine: its own rules, forms and actions; the parser knows the script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select

from bot.dialogue.events import BotUttered
from bot.dialogue.messages import Entity, Intent, ParseResult, Sentiment, UserMessage
from bot.policies import train
from bot.policies.ensemble import Ensemble
from bot.runtime.action_runner import ActionRunner
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.custom_actions import InProcessActions
from bot.runtime.processor import Processor
from bot.training_data.project import Project
from bot.training_data.story_graph import generate_trackers
from crm_connector.database import Store
from crm_connector.tables import Escalation, Opportunity, Order, Survey, Ticket
from tests.actions.chat import ROOT

_CHINESE = range(0x4E00, 0x9FFF)


@dataclass
class Script:
    """Understands exactly what it was told; anything else is `nlu_fallback`."""

    known: dict[str, ParseResult] = field(default_factory=dict)

    def parse(self, text: str) -> ParseResult:
        """What the script says of a text."""
        return self.known[text]


@dataclass
class Talk:
    """A conversation with the demo assistant."""

    processor: Processor
    script: Script
    sender_id: str = "somebody"
    turns: int = 0

    async def say(
        self, intent: str, text: str, *, sentiment: str = "neutral", **entities: str
    ) -> list[BotUttered]:
        """Say something and return what the assistant answers."""
        name, _, key = intent.partition("/")
        language = "zh" if any(ord(char) in _CHINESE for char in text) else "en"
        whole = (Entity("language", language), Entity("sentiment", sentiment))
        selected = {"response": {"intent_response_key": intent, "utter_action": f"utter_{intent}"}}
        self.script.known[text] = ParseResult(
            text=text,
            intent=Intent(name, 0.9),
            entities=(*(Entity(k, v) for k, v in entities.items()), *whole),
            intent_ranking=(Intent(name, 0.9), Intent("order_status", 0.2)),
            response_selector={"faq": selected} if key else {},
            sentiment=Sentiment(sentiment, 0.9),
            language=language,
        )
        self.turns += 1
        return await self.processor.handle(UserMessage(text, self.sender_id, "rest", f"m{self.turns}"))

    async def names(self, intent: str, text: str, **entities: str) -> list[str]:
        """Say something and return the names of the responses."""
        said = await self.say(intent, text, **entities)
        return [
            str(message.metadata["utter_action"]) for message in said if "utter_action" in message.metadata
        ]


@pytest.fixture(scope="session")
def project() -> Project:
    """The demo project."""
    return Project.load(ROOT)


@pytest.fixture(scope="session")
def policies(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    """Its trained policies."""
    folder = tmp_path_factory.mktemp("policies")
    trackers = generate_trackers(project.steps, project.domain, augmentation_factor=0)
    train.train(project.config.policies, trackers, project.domain, folder)
    return train.load(folder)


@pytest.fixture(scope="session")
def actions_in_process() -> Iterator[InProcessActions]:
    """The project's actions."""
    actions = InProcessActions("actions")
    yield actions
    actions.close()


@pytest.fixture
def talk(store: Store, project: Project, policies: Ensemble, actions_in_process: InProcessActions) -> Talk:
    """A new conversation."""
    script = Script()
    runner = ActionRunner(project.domain, actions_in_process)
    return Talk(Processor(project.domain, script, policies, runner, CrmTrackerStore(store)), script)


@pytest.mark.parametrize(
    ("text", "apology"),
    [("my parcel is four days late and nobody answers!", "sorry"), ("快递晚了四天，没人理我！", "抱歉")],
    ids=["en", "zh"],
)
async def test_a_complaint_from_the_first_word_to_a_person(
    store: Store, talk: Talk, text: str, apology: str
) -> None:
    """Disclosure, apology in her language, ticket, escalation, and a person after a yes."""
    said = await talk.say("complaint_delivery", text, sentiment="negative")
    assert [message.metadata["utter_action"] for message in said] == [
        "utter_introduction",
        "utter_apology_delivery_upset",
        "utter_complaint_ticket_opened",
        "utter_ask_complaint_order_number",
        "utter_escalated",
    ]
    assert apology in str(said[1].text)
    assert "T-1" in str(said[2].text)
    assert await talk.names("inform", "LC104233", order_number="LC104233") == ["utter_complaint_order_added"]
    assert await talk.names("affirm", "yes please") == ["utter_handoff_queued"]
    with store.reading() as session:
        escalation = session.scalars(select(Escalation)).one()
        assert text in " ".join(sentence.text for sentence in escalation.sentences)
        assert escalation.sentences[0].sources == ["m1"]


async def test_a_redelivered_complaint_opens_one_ticket(store: Store, talk: Talk) -> None:
    """The second delivery gets the first answer."""
    first = await talk.names("complaint_delivery", "late!", sentiment="negative")
    talk.turns = 0
    second = await talk.names("complaint_delivery", "late!", sentiment="negative")
    assert first == second
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 1


async def test_a_ticket_form_that_is_interrupted_and_goes_on(store: Store, talk: Talk) -> None:
    """The reason is taken from the first message, a question is answered, the form asks again."""
    first = await talk.names("report_defect", "the lamp I bought flickers all night", category="lamp")
    assert first == ["utter_introduction", "utter_ask_ticket_form_contact"]
    assert await talk.names("faq/warranty", "how long is the warranty") == [
        "utter_faq/warranty",
        "utter_ask_ticket_form_contact",
    ]
    assert await talk.names("thank", "thanks") == ["utter_welcome", "utter_ask_ticket_form_contact"]
    assert await talk.names("inform", "me@example.org", email="me@example.org") == ["utter_ticket_opened"]
    assert await talk.names("ticket_status", "how is it") == ["utter_ticket_open"]
    with store.reading() as session:
        assert session.scalars(select(Ticket)).one().description.startswith("the lamp I bought flickers")


async def test_a_return_form_that_is_corrected(talk: Talk) -> None:
    """The right order number replaces the wrong one without starting again."""
    assert (await talk.names("start_return", "退货"))[-1] == "utter_ask_return_form_order_number"
    await talk.names("inform", "LC104870", order_number="LC104870")
    assert await talk.names("correct", "不对，是LC205102", order_number="LC205102") == [
        "utter_correction_noted",
        "utter_ask_return_form_contact",
    ]
    await talk.names("inform", "lilei@example.com", email="lilei@example.com")
    said = await talk.say("inform", "颜色不喜欢")
    assert [message.metadata["utter_action"] for message in said] == ["utter_return_registered"]
    assert "LC205102" in str(said[0].text)


@pytest.mark.parametrize(
    ("intent", "question"),
    [
        ("open_ticket", "utter_ask_ticket_form_reason"),
        ("start_return", "utter_ask_return_form_order_number"),
        ("give_feedback", "utter_ask_survey_form_rating"),
    ],
)
@pytest.mark.parametrize(
    ("way_out", "response"), [("stop", "utter_stopped"), ("human_handoff", "utter_handoff_queued")]
)
async def test_every_form_can_be_left(
    talk: Talk, intent: str, question: str, way_out: str, response: str
) -> None:
    """Stopping and asking for a person end the form, and the next message is not taken for an answer."""
    assert (await talk.names(intent, "begin"))[-1] == question
    assert await talk.names(way_out, "out of here") == [response]
    assert await talk.names("help", "what can you do") == ["utter_help"]


@pytest.mark.parametrize("intent", ["start_return", "give_feedback"])
async def test_an_unclear_answer_is_asked_again_inside_a_form(talk: Talk, intent: str) -> None:
    """The form survives what nobody understands."""
    question = (await talk.names(intent, "begin"))[-1]
    answer = await talk.names("nlu_fallback", "hrmpf")
    assert answer[-1] == question


async def test_two_unclear_messages_end_with_a_person_on_offer(talk: Talk) -> None:
    """First the likely meanings, then an apology and a button for a person, and no second introduction."""
    assert await talk.names("nlu_fallback", "blorb") == ["utter_introduction", "utter_ask_affirmation"]
    said = await talk.say("nlu_fallback", "blarb")
    assert [message.metadata["utter_action"] for message in said] == ["utter_default"]
    assert said[0].data["buttons"][0]["payload"] == "/human_handoff"
    assert await talk.names("greet", "hello") == ["utter_greet"]


async def test_a_chosen_meaning_is_acted_on(talk: Talk) -> None:
    """The button stands for the message that was not understood."""
    said = await talk.say("nlu_fallback", "我的那个呢")
    assert said[-1].data["buttons"][0]["title"] == "查订单到哪了"
    answers = await talk.processor.handle(UserMessage("/order_status", talk.sender_id, "rest", "button"))
    assert [message.metadata["utter_action"] for message in answers] == ["utter_ask_order_number"]
    assert "订单号" in str(answers[0].text)


async def test_recommendations_and_interest(store: Store, talk: Talk) -> None:
    """Three cards, then the question about them; a yes asks which, the button opens the opportunity."""
    said = await talk.say("ask_recommendation", "想要适合跑步的手表", category="watch")
    names = [message.metadata.get("utter_action") for message in said]
    assert names == ["utter_introduction", "utter_recommendations", None, "utter_ask_interest"]
    cards = said[-2].data["custom"]
    assert cards["type"] == "product_cards"
    assert len(cards["products"]) == 3
    asked = await talk.say("affirm", "好的")
    assert [message.metadata["utter_action"] for message in asked] == ["utter_ask_which_product"]
    payload = asked[0].data["buttons"][0]["payload"]
    await talk.processor.handle(UserMessage(payload, talk.sender_id, "rest", "button"))
    with store.reading() as session:
        assert session.scalars(select(Opportunity)).one().title.startswith("Interest in")


async def test_a_survey_by_words(store: Store, talk: Talk) -> None:
    """A wrong number is asked again, a comment is optional."""
    await talk.say("give_feedback", "I want to rate you")
    assert (await talk.names("inform", "eleven out of ten"))[0] == "utter_invalid_rating"
    assert await talk.names("inform", "2", rating="2") == ["utter_ask_survey_form_comment"]
    assert await talk.names("deny", "no") == ["utter_survey_sorry"]
    with store.reading() as session:
        assert session.scalars(select(Survey)).one().rating == 2


async def test_an_order_is_cancelled_only_by_its_owner_and_after_a_yes(store: Store, talk: Talk) -> None:
    """Number, proof, question, yes."""
    assert (await talk.names("cancel_order", "cancel LC104990", order_number="LC104990"))[-1] == (
        "utter_ask_order_contact"
    )
    assert await talk.names("inform", "eve@example.com", email="eve@example.com") == ["utter_order_not_found"]
    answer = await talk.names(
        "inform", "LC104990 anna@example.com", order_number="LC104990", email="anna@example.com"
    )
    assert answer == ["utter_ask_cancellation"]
    assert await talk.names("affirm", "yes") == ["utter_cancellation_done"]
    with store.reading() as session:
        order = session.scalars(select(Order).where(Order.number == "LC104990")).one()
        assert order.status == "cancelled"
