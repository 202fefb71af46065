"""RulePolicy: fixed continuations, default intents and the happy path of loops (as in Rasa 3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.dialogue.domain import Domain
from bot.dialogue.events import LoopInterrupted
from bot.dialogue.tracker import Tracker
from bot.errors import Finding, InvalidProject, nearest
from bot.policies.dialogues import dialogue
from bot.policies.policy import RULE_PRIORITY, Prediction, nlu_confidence, scores_for, with_score
from bot.policies.rule_book import Decision, Moment, RuleBook, find_rule_only, learn_rules
from bot.policies.rule_completeness import check_completeness, check_length
from bot.policies.rule_contradictions import Contradictions
from bot.policies.states import State, without_user_text
from bot.policies.turns import RuleOnly, history_of, state
from bot.training_data.story_graph import TrainingTracker

_FILE = "rules.json"


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """RulePolicy's options; `core_fallback_threshold` is the score of the fallback action."""

    priority: int = RULE_PRIORITY
    core_fallback_threshold: float = 0.3
    core_fallback_action_name: str = "action_default_fallback"
    enable_fallback_prediction: bool = True
    restrict_rules: bool = True
    check_for_contradictions: bool = True
    use_nlu_confidence_as_score: bool = False


class RulePolicy:
    """Predicts by rules; `rule_only` says after training what occurs in rules but in no story."""

    name = "RulePolicy"

    def __init__(self, options: RuleOptions | None = None) -> None:
        self.options = options or RuleOptions()
        self.priority = self.options.priority
        self._open(RuleBook())

    @property
    def rule_only(self) -> RuleOnly:
        """Slots and loops that policies which learn from stories must overlook."""
        return self._book.rule_only

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly) -> None:
        """Learn the rules, and from the stories which of them are used there; `rule_only` is found, not used.

        Raises:
            InvalidProject: Rules are incomplete or contradict each other or a story.
        """
        del rule_only
        findings = self.learn(trackers, domain)
        if findings:
            raise InvalidProject(findings)

    def learn(self, trackers: Sequence[TrainingTracker], domain: Domain) -> list[Finding]:
        """Learn the rules and return what is wrong with them; checking a project takes no more."""
        original = [tracker for tracker in trackers if not tracker.is_augmented]
        rules = [tracker for tracker in original if tracker.is_rule]
        findings = [
            *self._check_fallback(domain),
            *(check_length(rules) if self.options.restrict_rules else ()),
        ]
        checks = self.options.check_for_contradictions
        if checks:
            findings += check_completeness(rules, domain)
        learnt = [dialogue(tracker, domain) for tracker in original]
        of_rules = [item for item in learnt if item.tracker.is_rule]
        of_stories = [item for item in learnt if not item.tracker.is_rule]
        book = learn_rules(of_rules, of_stories)
        if checks:
            book.rule_only = find_rule_only(of_rules, of_stories)
            findings += Contradictions(book, domain, self._when_silent(domain)).check(original)
        self._open(book)
        return findings

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:
        """Say what the rules say; without any, the fallback action with its score."""
        decision = self._book.decide(self._moment(tracker))
        return Prediction(
            self._scores(decision, tracker, domain),
            self.name,
            self.priority,
            events=(LoopInterrupted(is_interrupted=True),) if decision.is_interrupted else (),
            is_no_user=decision.is_no_user,
            is_end_to_end=decision.is_end_to_end,
            hide_rule_turn=decision.source in self._book.not_in_stories,
        )

    def reason(self, tracker: Tracker) -> str:
        """Say in words what the prediction rests on."""
        decision = self._book.decide(self._moment(tracker))
        if decision.action is None:
            return "no rule fits"
        if isinstance(decision.source, str):
            return decision.source
        return "the rule: " + ", then ".join(map(_in_words, decision.source or ()))

    def save(self, folder: Path) -> None:
        """Write the tables."""
        self._book.save(folder / _FILE)

    def load(self, folder: Path) -> None:
        """Read the tables back."""
        self._open(RuleBook.load(folder / _FILE))

    def _open(self, book: RuleBook) -> None:
        self._book = book
        # One state more than the longest key tells a longer conversation from one that equals the key.
        self._horizon = book.longest + 1

    def _moment(self, tracker: Tracker) -> Moment:
        turns = history_of(tracker).turns(self._horizon)
        made = [state(turn) for turn in turns]
        loop = tracker.active_loop
        return Moment(
            (*map(without_user_text, made[:-1]), made[-1]),
            turns[-1].action,
            tracker.latest_message.intent_name if tracker.latest_message else None,
            loop.name if loop else None,
            loop.rejected if loop else False,
        )

    def _scores(self, decision: Decision, tracker: Tracker, domain: Domain) -> tuple[float, ...]:
        """The fallback keeps its score beside a rule's action: it wins when that action was rejected."""
        fallback = self.options.core_fallback_action_name if self.options.enable_fallback_prediction else None
        scores = scores_for(fallback, self.options.core_fallback_threshold, domain)
        if decision.action is None:
            return scores
        score = nlu_confidence(tracker) if self.options.use_nlu_confidence_as_score else 1.0
        return with_score(scores, decision.action, score, domain)

    def _when_silent(self, domain: Domain) -> str:
        """Return the action with the best score when no rule fits: the first one if there is no fallback."""
        enabled = self.options.enable_fallback_prediction and self.options.core_fallback_threshold > 0
        return self.options.core_fallback_action_name if enabled else domain.action_names[0]

    def _check_fallback(self, domain: Domain) -> list[Finding]:
        name = self.options.core_fallback_action_name
        if not name or domain.has_action(name):
            return []
        hint = nearest(name, domain.action_names)
        return [
            Finding(
                "unknown-fallback-action", f"RulePolicy: the domain has no fallback action '{name}'{hint}"
            )
        ]


def _in_words(asked: State) -> str:
    """Say what a rule asks of one moment."""
    parts = (
        [f"after {asked.prev_action.name or asked.prev_action.text}"]
        if asked.prev_action
        else ["at the start"]
    )
    if asked.user and (asked.user.intent or asked.user.text):
        parts.append(f"intent {asked.user.intent}" if asked.user.intent else f"text {asked.user.text!r}")
    if asked.active_loop:
        parts.append(f"loop {asked.active_loop}" if asked.loop else "no loop")
    if asked.slots:
        parts.append("slots " + ", ".join(name for name, _ in asked.slots))
    return " ".join(parts)
