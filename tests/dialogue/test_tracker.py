"""The tracker is a fold over events, and what policies see of it is folded as in Rasa."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.domain import Domain, IntentProperties
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    DefinePrevUserUtteredFeaturization,
    EntitiesAdded,
    Event,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.messages import Entity, Intent, ParseResult
from bot.dialogue.slots import Slot, SlotType
from bot.dialogue.tracker import EventVerbosity, Tracker

DOMAIN = Domain(
    intents={"go": IntentProperties(("city",))},
    slots={
        "s": Slot("s", SlotType.TEXT),
        "l": Slot("l", SlotType.LIST),
        "start": Slot("start", SlotType.TEXT, initial_value="first"),
    },
)
LISTEN = ActionExecuted(name="action_listen")


def said(text: str, *entities: Entity) -> UserUttered:
    """Return a message whose intent has the name of its text."""
    return UserUttered(text=text, parse_data=ParseResult(text, Intent(text, 1.0), entities))


def did(name: str) -> ActionExecuted:
    """Return the execution of an action."""
    return ActionExecuted(name=name)


def tracker_with(*events: Event) -> Tracker:
    """Return a conversation with these events."""
    return Tracker.from_events("sender", events, DOMAIN)


def brief(events: list[Event]) -> list[str]:
    """One word per event: its kind and what it is about."""
    words = []
    for event in events:
        about = event.text if isinstance(event, UserUttered) else getattr(event, "name", "")
        words.append(f"{event.event}:{about}")
    return words


FORM_UNTIL_INTERRUPTION = [
    LISTEN, said("go"), did("f"), ActiveLoop(name="f"), SlotSet(name="requested_slot", value="s3"), LISTEN,
]  # fmt: skip
FORM_AFTER = [
    LISTEN, said("one"), SlotSet(name="s3", value=1), did("f"), SlotSet(name="requested_slot", value="s2"),
    LISTEN, said("two"), SlotSet(name="s2", value=2), did("f"), SlotSet(name="requested_slot"),
    ActiveLoop(name=None), did("utter_done"), LISTEN,
]  # fmt: skip
FOLDED_END = [
    "slot:requested_slot", "slot:s3", "slot:requested_slot", "slot:s2", "slot:requested_slot",
    "active_loop:None", "action:utter_done", "action:action_listen",
]  # fmt: skip


def test_a_form_on_its_happy_path_is_one_execution() -> None:
    """Questions and answers of a form vanish, what they brought stays."""
    tracker = tracker_with(*FORM_UNTIL_INTERRUPTION[:-1], *FORM_AFTER)
    start = ["action:action_listen", "user:go", "action:f", "active_loop:f"]
    assert brief(tracker.applied_events()) == start + FOLDED_END


def test_an_interrupted_form_shows_the_interruption() -> None:
    """A rejection keeps the interruption and a second execution of the form."""
    tracker = tracker_with(
        *FORM_UNTIL_INTERRUPTION,
        said("chit"),
        ActionExecutionRejected(name="f"),
        did("utter_chit"),
        did("f"),
        SlotSet(name="requested_slot", value="s3"),
        *FORM_AFTER,
    )
    start = [
        "action:action_listen", "user:go", "action:f", "active_loop:f", "slot:requested_slot",
        "action:action_listen", "user:chit", "action_execution_rejected:f", "action:utter_chit", "action:f",
    ]  # fmt: skip
    assert brief(tracker.applied_events()) == start + FOLDED_END


def test_a_story_shows_an_interruption_without_a_rejection() -> None:
    """Another action after the customer's turn says as much as a rejection."""
    tracker = tracker_with(
        *FORM_UNTIL_INTERRUPTION, said("chit"), did("utter_chit"), did("f"), ActiveLoop(name="f"), LISTEN
    )
    assert brief(tracker.applied_events())[5:9] == [
        "action:action_listen", "user:chit", "action:utter_chit", "action:f",
    ]  # fmt: skip


def test_a_form_that_ran_again_after_its_end_is_a_new_execution() -> None:
    """Folding stops at the loop's end."""
    once = [LISTEN, said("go"), did("f"), ActiveLoop(name="f"), ActiveLoop(name=None), LISTEN]
    tracker = tracker_with(*once, said("again"), did("f"), ActiveLoop(name="f"))
    assert brief(tracker.applied_events()).count("action:f") == 2


@pytest.mark.parametrize(
    ("reverting", "left"),
    [
        ([UserUtteranceReverted()], ["action:action_listen", "user:a", "action:utter_x"]),
        ([UserUtteranceReverted()] * 2, []),
        (
            [ActionReverted()],
            ["action:action_listen", "user:a", "action:utter_x", "action:action_listen", "user:b"],
        ),
        ([Restarted()], []),
        ([SessionStarted()], []),
    ],
    ids=["rewind", "rewind twice", "undo", "restart", "session start"],
)
def test_reverting_events_shorten_what_counts(reverting: list[Event], left: list[str]) -> None:
    """A rewind takes the listening before the turn with it, an undo the last action, a restart all."""
    turns = [LISTEN, said("a"), did("utter_x"), LISTEN, said("b"), did("utter_y")]
    assert brief(tracker_with(*turns, *reverting).applied_events()) == left


def test_a_rewind_takes_back_slots_of_the_forgotten_turn() -> None:
    """The state is that of the events that still count."""
    tracker = tracker_with(
        LISTEN, said("a"), SlotSet(name="s", value="kept"), LISTEN, said("b"), SlotSet(name="s", value="lost")
    )
    tracker.apply(UserUtteranceReverted())
    assert (tracker.slots["s"], tracker.latest_message) == ("kept", said("a"))


def test_a_new_tracker_listens_first() -> None:
    """The follow-up of a new conversation is action_listen, and the customer's turn clears any."""
    tracker = tracker_with()
    assert tracker.followup_action == "action_listen"
    tracker.apply(FollowupAction(name="utter_x"))
    assert tracker.followup_action == "utter_x"
    tracker.apply(said("a"))
    assert tracker.followup_action is None


def test_a_restart_goes_on_with_a_session_start() -> None:
    """The follow-up action of a restart starts the next session."""
    tracker = tracker_with(SlotSet(name="s", value=1), ActiveLoop(name="f"), Restarted())
    assert (tracker.followup_action, tracker.slots["s"], tracker.active_loop) == (
        "action_session_start", None, None,
    )  # fmt: skip


def test_slots_keep_track_of_having_been_set() -> None:
    """Rules see slots that an event set, not initial values."""
    tracker = tracker_with(SlotSet(name="s", value="x"))
    assert (tracker.slots_set, tracker.slots["start"]) == ({"s"}, "first")
    tracker.apply(AllSlotsReset())
    assert (tracker.slots_set, tracker.slots["s"]) == (set(), None)


def test_a_list_slot_wraps_a_single_value() -> None:
    """A list slot always holds a list."""
    assert tracker_with(SlotSet(name="l", value="x")).slots["l"] == ["x"]


def test_a_value_for_an_unknown_slot_is_dropped() -> None:
    """A slot that the domain lacks never appears."""
    assert "nope" not in tracker_with(SlotSet(name="nope", value=1)).slots


def test_the_loop_state_follows_rejection_and_interruption() -> None:
    """Rejection lasts until the loop runs again, interruption until the next action."""
    tracker = tracker_with(said("a"), ActiveLoop(name="f"), ActionExecutionRejected(name="f"))
    assert tracker.active_loop
    assert tracker.active_loop.rejected
    tracker.apply(LoopInterrupted(is_interrupted=True))
    tracker.apply(did("utter_x"))
    assert (tracker.active_loop.rejected, tracker.active_loop.is_interrupted) == (True, False)
    tracker.apply(did("f"))
    assert tracker.active_loop.rejected is False


def test_policies_can_add_entities_to_the_latest_message() -> None:
    """Entities of a policy join those of the NLU, once, directly after listening."""
    city = Entity("city", "Rome")
    tracker = tracker_with(
        LISTEN, said("go"), EntitiesAdded(entities=(city,)), EntitiesAdded(entities=(city,))
    )
    assert tracker.latest_entity_values("city") == ["Rome"]


def test_entity_role_and_group_must_match_exactly() -> None:
    """A value with a role is not found without it."""
    tracker = tracker_with(said("go", Entity("city", "Rome", role="to"), Entity("city", "Oslo")))
    assert tracker.latest_entity_values("city") == ["Oslo"]
    assert tracker.latest_entity_values("city", role="to") == ["Rome"]


def test_pause_and_resume() -> None:
    """Pausing lasts until resumed."""
    tracker = tracker_with(ConversationPaused())
    assert tracker.paused
    tracker.apply(ConversationResumed())
    assert not tracker.paused


def test_the_wire_form_has_rasas_keys() -> None:
    """Action servers find what they know."""
    tracker = tracker_with(LISTEN, said("go"), ActiveLoop(name="f"), BotUttered(text="hi"))
    state = tracker.current_state(events=EventVerbosity.ALL)
    assert state["latest_message"]["intent"]["name"] == "go"
    assert state["active_loop"]["name"] == "f"
    assert state["active_loop"]["trigger_message"]["text"] == "go"
    assert state["latest_action"] == {"action_name": "action_listen"}
    assert [event["event"] for event in state["events"]] == ["action", "user", "active_loop", "bot"]


def test_the_wire_form_of_a_new_conversation_is_empty_but_complete() -> None:
    """An action that runs before the first message finds empty values, not missing keys."""
    state = tracker_with().current_state()
    assert (state["latest_message"]["intent"], state["active_loop"], state["events"]) == ({}, {}, None)


@pytest.mark.parametrize(("verbosity", "count"), [("ALL", 5), ("AFTER_RESTART", 2), ("APPLIED", 2)], ids=str)
def test_the_wire_form_carries_the_events_asked_for(verbosity: str, count: int) -> None:
    """All, those after the restart, or those that count."""
    tracker = tracker_with(LISTEN, said("a"), Restarted(), LISTEN, said("b"))
    assert len(tracker.current_state(events=EventVerbosity(verbosity))["events"]) == count


EVENTS = st.sampled_from(
    [
        LISTEN, said("a"), said("b"), did("f"), did("g"), did("utter_x"), ActiveLoop(name="f"),
        ActiveLoop(name="g"), ActiveLoop(name=None), ActionExecutionRejected(name="f"),
        SlotSet(name="s", value=1),
        UserUtteranceReverted(), ActionReverted(), Restarted(), SessionStarted(), FollowupAction(name="f"),
        LoopInterrupted(is_interrupted=True), DefinePrevUserUtteredFeaturization(), ConversationPaused(),
    ]
)  # fmt: skip


def folded_anew(events: list[Event]) -> list[Event]:
    """Rasa's reading of the whole list at once, told in the plainest way."""
    loops = {event.name for event in events if isinstance(event, ActiveLoop) and event.name}
    out: list[Event] = []
    for event in events:
        if isinstance(event, Restarted | SessionStarted):
            out = []
        elif isinstance(event, ActionReverted):
            out = cut(out, ActionExecuted)
        elif isinstance(event, UserUtteranceReverted):
            out = cut(cut(out, UserUttered), ActionExecuted)
        elif isinstance(event, ActionExecuted) and event.name in loops and goes_on(out, event.name):
            last = max(i for i, e in enumerate(out) if isinstance(e, ActionExecuted) and e.name == event.name)
            gone = (ActionExecuted, UserUttered, DefinePrevUserUtteredFeaturization)
            out = out[: last + 1] + [e for e in out[last + 1 :] if not isinstance(e, gone)]
        else:
            out.append(event)
    return out


def cut(events: list[Event], kind: type[Event]) -> list[Event]:
    """Cut before the last event of a kind."""
    hits = [i for i, event in enumerate(events) if isinstance(event, kind)]
    return events[: hits[-1]] if hits else []


def goes_on(events: list[Event], loop: str | None) -> bool:
    """Tell whether a loop ran before and was neither left nor interrupted since."""
    runs = [i for i, e in enumerate(events) if isinstance(e, ActionExecuted) and e.name == loop]
    if not runs:
        return False
    since = events[runs[-1] + 1 :]
    if any(isinstance(e, ActiveLoop) and e.name is None for e in since):
        return False
    if any(isinstance(e, ActionExecutionRejected) and e.name == loop for e in since):
        return False
    turns = [i for i, e in enumerate(since) if isinstance(e, UserUttered)]
    return not any(isinstance(e, ActionExecuted) for i in turns for e in since[i:])


@given(st.lists(EVENTS, max_size=25))
def test_keeping_up_event_by_event_equals_reading_everything_anew(events: list[Event]) -> None:
    """The incremental list of applied events is the one Rasa computes from the whole conversation."""
    tracker = tracker_with(*events)
    assert tracker.applied_events() == folded_anew(events)


@given(st.lists(EVENTS, max_size=25), EVENTS)
def test_a_copy_lives_its_own_life(events: list[Event], more: Event) -> None:
    """What happens to a copy does not reach the original."""
    tracker = tracker_with(*events)
    before = tracker.current_state(events=EventVerbosity.APPLIED)
    twin = tracker.copy()
    assert twin.current_state(events=EventVerbosity.APPLIED) == before
    twin.apply(more)
    assert tracker.current_state(events=EventVerbosity.APPLIED) == before


def replayed(tracker: Tracker) -> dict[str, object]:
    """Return the state that the applied events alone give, told in the plainest way."""
    fresh = Tracker("sender", DOMAIN)
    for event in tracker.applied_events():
        fresh._fold(event)
    return {"slots_set": fresh.slots_set, **fresh.current_state()}


@given(st.lists(EVENTS, max_size=40))
def test_a_revert_gives_the_state_of_the_events_that_still_count(events: list[Event]) -> None:
    """After a rewind or undo nothing is left of what was forgotten, whatever came before."""
    tracker = tracker_with(*events, UserUtteranceReverted())
    found = {"slots_set": tracker.slots_set, **tracker.current_state()}
    ignored = ("latest_event_time", "latest_input_channel")
    assert {k: v for k, v in found.items() if k not in ignored} == {
        k: v for k, v in replayed(tracker).items() if k not in ignored
    }


def test_reverts_in_a_long_conversation_fold_only_what_is_near() -> None:
    """A thousand misunderstood messages cost a thousand times one, not a million."""
    folded = 0

    class Counting(Tracker):
        def _fold(self, event: Event) -> None:
            nonlocal folded
            folded += 1
            super()._fold(event)

    tracker = Counting("sender", DOMAIN)
    for event in [LISTEN, said("a"), did("utter_x"), LISTEN] * 500:
        tracker.apply(event)
    for event in [said("b"), did("action_default_fallback"), UserUtteranceReverted(), LISTEN] * 500:
        tracker.apply(event)
    assert folded < 6 * 1000 * 4


def test_a_copy_has_the_events_of_its_original_in_wire_form() -> None:
    """What either of them hears afterwards is its own."""
    tracker = tracker_with(LISTEN, said("go"))
    copy = tracker.copy()
    tracker.apply(did("utter_original"))
    copy.apply(did("utter_copy"))
    again = copy.copy()
    for one in (tracker, copy, again):
        sent = one.current_state(events=EventVerbosity.ALL)["events"]
        assert sent == [event.as_dict() for event in one.events]
    assert sent[-1]["name"] == "utter_copy"
