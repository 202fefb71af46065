"""Why the bot did what it did: every turn explained, worked out again from the stored events.

Nothing of it is stored: extraction and policies are pure, so replaying a conversation up to a moment and
asking them again tells what they said then, as long as the same model is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol, runtime_checkable

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    DefinePrevUserUtteredFeaturization,
    EntitiesAdded,
    Event,
    SlotSet,
    UserUttered,
)
from bot.dialogue.messages import JSON
from bot.dialogue.slot_mappings import (
    CustomExtraction,
    ExtractionStep,
    MappingSkipped,
    SlotFilled,
    extract,
)
from bot.dialogue.slots import SlotMapping
from bot.dialogue.tracker import Tracker
from bot.policies.ensemble import Ensemble, choose
from bot.policies.policy import Policy, Prediction

_RUNNERS_UP = 3
_BEFORE_AN_ACTION = (
    DefinePrevUserUtteredFeaturization,
    EntitiesAdded,
    ActionExecuted,
    ActionExecutionRejected,
)


@runtime_checkable
class GivesReasons(Protocol):
    """A policy that can say what its prediction rests on."""

    def reason(self, tracker: Tracker) -> str:
        """Say it in words."""
        ...


@dataclass(frozen=True, slots=True)
class MappingTrace:
    """What one mapping did with a message: `filled` its slot, `asked` an action, or was `skipped`.

    Actions are not run again: what one that was asked set is read from the events, and `reason` says so.
    """

    slot: str
    mapping: str
    outcome: str
    value: JSON = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """What one policy said; `others` are the next actions in its ranking with their scores in [0, 1]."""

    policy: str | None
    action: str | None
    confidence: float
    priority: int
    others: tuple[tuple[str, float], ...] = ()
    reason: str | None = None


@dataclass
class ActionTrace:
    """One action: why it was chosen, what it said, which slots it set and what else it noted."""

    action: str | None
    policy: str | None
    confidence: float | None
    why: str
    votes: tuple[Vote, ...] = ()
    was_rejected: bool = False
    said: list[str] = field(default_factory=list)
    slots: dict[str, JSON] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)


@dataclass
class TurnTrace:
    """One message of the customer and all that followed; `text` is None before the first message.

    `slots` are the values that the message filled, whatever a validation made of them.
    """

    text: str | None
    intent: str | None = None
    confidence: float | None = None
    entities: tuple[str, ...] = ()
    mappings: tuple[MappingTrace, ...] = ()
    slots: dict[str, JSON] = field(default_factory=dict)
    actions: list[ActionTrace] = field(default_factory=list)

    def as_dict(self) -> dict[str, JSON]:
        """The JSON form."""
        return asdict(self)


def trace(
    sender_id: str, events: Sequence[Event], domain: Domain, policies: Ensemble, *, turns: int | None = None
) -> list[TurnTrace]:
    """Explain the last `turns` turns of a conversation, all of them without a number."""
    starts = [index for index, event in enumerate(events) if isinstance(event, UserUttered)]
    first = starts[-turns] if turns and turns <= len(starts) else 0
    tracker = Tracker.from_events(sender_id, events[:first], domain)
    explained = [TurnTrace(None)]
    votes: list[tuple[Prediction, Vote]] | None = None
    for event in events[first:]:
        turn = explained[-1]
        if isinstance(event, _BEFORE_AN_ACTION) and votes is None:
            votes = list(_ask(tracker, domain, policies))
        if isinstance(event, ActionExecuted | ActionExecutionRejected):
            turn.actions.append(_action(event, tracker, votes or []))
            votes = None
        tracker.apply(event)
        if isinstance(event, UserUttered):
            explained.append(_message(event, tracker))
            votes = None
        elif not isinstance(event, _BEFORE_AN_ACTION):
            _note(event, turn)
    for turn in explained:
        turn.mappings = tuple(_as_stored(mapping, turn.slots) for mapping in turn.mappings)
    return explained if explained[0].actions else explained[1:]


def _message(event: UserUttered, tracker: Tracker) -> TurnTrace:
    entities = tuple(f"{entity.entity}={entity.value!r}" for entity in event.entities)
    mappings = tuple(map(_mapping, extract(tracker)))
    return TurnTrace(event.text, event.intent_name, event.parse_data.intent.confidence, entities, mappings)


def _mapping(step: ExtractionStep) -> MappingTrace:
    match step:
        case SlotFilled():
            return MappingTrace(step.slot, _in_words(step.mapping), "filled", step.value)
        case CustomExtraction():
            return MappingTrace(step.slot, f"custom {step.action}", "asked")
        case MappingSkipped():
            return MappingTrace(step.slot, _in_words(step.mapping), "skipped", reason=step.reason)


def _as_stored(mapping: MappingTrace, slots: Mapping[str, JSON]) -> MappingTrace:
    """Say of a mapping that asked an action what came of it at the time."""
    if mapping.outcome != "asked":
        return mapping
    if mapping.slot in slots:
        reason = "what was stored at the time; the action is not run again"
        return replace(mapping, value=slots[mapping.slot], reason=reason)
    return replace(mapping, reason="nothing was stored at the time; the action is not run again")


def _in_words(mapping: SlotMapping) -> str:
    named = {"entity": mapping.entity, "role": mapping.role, "group": mapping.group, "value": mapping.value}
    told = [f"{key} {value}" for key, value in named.items() if value is not None]
    told += [f"intent {'/'.join(mapping.intent)}"] if mapping.intent else []
    loops = [str(condition.active_loop) for condition in mapping.conditions]
    told += [f"in {' or '.join(dict.fromkeys(loops))}"] if loops else []
    return " ".join([str(mapping.type), *told])


def _ask(tracker: Tracker, domain: Domain, policies: Ensemble) -> Iterator[tuple[Prediction, Vote]]:
    """Ask each policy again; one that scores every action zero has nothing to say."""
    said = policies.predictions(tracker, domain)
    for policy, prediction in zip(policies.policies, said, strict=True):
        ranked = sorted(zip(domain.action_names, prediction.scores, strict=True), key=lambda pair: -pair[1])[
            : _RUNNERS_UP + 1
        ]
        scored = tuple((name, score) for name, score in ranked if score > 0)
        yield (
            prediction,
            Vote(
                prediction.policy,
                scored[0][0] if scored else None,
                prediction.confidence,
                prediction.priority,
                scored[1:],
                _reason(policy, tracker),
            ),
        )


def _reason(policy: Policy, tracker: Tracker) -> str | None:
    return policy.reason(tracker) if isinstance(policy, GivesReasons) else None


def _action(
    event: ActionExecuted | ActionExecutionRejected,
    tracker: Tracker,
    asked: Sequence[tuple[Prediction, Vote]],
) -> ActionTrace:
    name = event.name or (event.action_text if isinstance(event, ActionExecuted) else None)
    rejected = isinstance(event, ActionExecutionRejected)
    if event.policy == "followup_action":
        return ActionTrace(name, event.policy, 1.0, "an action before it asked for it", (), rejected)
    if event.policy is None:
        why = "no policy was asked: a session starts, or the turn broke off"
        return ActionTrace(name, None, event.confidence, why, (), rejected)
    votes = tuple(vote for _, vote in asked)
    why = _why(name, tracker, asked)
    return ActionTrace(name, event.policy, event.confidence, why, votes, rejected)


def _why(name: str | None, tracker: Tracker, asked: Sequence[tuple[Prediction, Vote]]) -> str:
    best = choose([prediction for prediction, _ in asked], tracker, tracker.domain)
    chosen = best.action(tracker.domain) if best.policy else None
    if chosen != name:
        return f"the model of that time chose it; the one asked now would choose {chosen or 'to listen'}"
    others = [prediction for prediction, vote in asked if vote.action and prediction.policy != best.policy]
    if best.is_no_user and any(not other.is_no_user for other in others):
        return f"{best.policy} is sure whatever the customer says, which comes before all others"
    if best.is_end_to_end and any(not other.is_end_to_end for other in others):
        return f"{best.policy} went by the text itself, which comes before those that go by the intent"
    return _by_confidence(best, others)


def _by_confidence(best: Prediction, others: Sequence[Prediction]) -> str:
    if not others:
        return f"only {best.policy} had anything to say"
    rival = max(others, key=lambda item: (item.confidence, item.priority))
    if rival.confidence < best.confidence:
        return (
            f"{best.policy} was the surest ({best.confidence:.2f}; {rival.policy} came next with "
            f"{rival.confidence:.2f})"
        )
    if rival.priority < best.priority:
        return (
            f"{best.policy} and {rival.policy} were equally sure ({best.confidence:.2f}); "
            f"priority {best.priority} goes before {rival.priority}"
        )
    return f"{best.policy} and {rival.policy} were equally sure; {best.policy} stands first in config.yml"


def _note(event: Event, turn: TurnTrace) -> None:
    """Note what an action did, or what the message filled."""
    if not turn.actions:
        if isinstance(event, SlotSet):
            turn.slots[event.name] = event.value
        return
    action = turn.actions[-1]
    match event:
        case BotUttered():
            action.said.append(event.text or "(no text)")
        case SlotSet():
            action.slots[event.name] = event.value
        case _:
            action.events.append(str(event.as_dict()["event"]))
