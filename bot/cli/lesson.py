"""A conversation in which a person corrects what was understood and what is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.text import Text

from bot.channels.rendering import render_all
from bot.dialogue.domain import ACTION_LISTEN, Domain
from bot.dialogue.events import Event, UserUttered
from bot.dialogue.intent_payload import parse_intent_payload
from bot.dialogue.messages import NLU_FALLBACK, Entity, Intent, ParseResult, UserMessage
from bot.dialogue.tracker import Tracker
from bot.errors import nearest
from bot.runtime.next_action import Choice, NextAction, NextActionPolicy
from bot.runtime.processor import Processor
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.runtime.turn import Turn
from bot.training_data.entity_markup import MarkupError, parse, render
from bot.training_data.nlu_examples import NluData, NluExample
from bot.training_data.nlu_writer import write_nlu
from bot.training_data.story_writer import write_training_stories

STOP, UNDO, NEXT = "/stop", "/undo", "/next"
SENDER, CHANNEL = "lesson", "cmdline"
_MOST_SHOWN = 8
_MAX_PREDICTIONS = 100


@dataclass(slots=True)
class Teacher:
    """The person: `ask` shows a question and returns the answer.

    `command` is what was answered instead: `/stop`, `/undo` or `/next`, which leave the turn.
    """

    ask: Callable[[str], str]
    console: Console
    command: str | None = None

    def pick(
        self,
        what: str,
        proposed: str,
        ranked: Sequence[tuple[str, float]],
        known: Sequence[str],
        takes: Callable[[str], bool] = lambda _answer: False,
    ) -> str:
        """Ask until the answer is empty (what is proposed), a number of the list, or a name of the domain.

        An answer that `takes` has a use for is no name, and the question is asked again. A command ends the
        questions.
        """
        shown = ranked[:_MOST_SHOWN]
        while True:
            try:
                answer = self.ask(f"  {what} {proposed}? Enter, a name, or ? for a list: ").strip()
            except EOFError:
                answer = STOP
            if answer in (STOP, UNDO, NEXT):
                self.command = answer
                return proposed
            if takes(answer):
                continue
            if answer == "?":
                for number, (name, score) in enumerate(shown, 1):
                    self.tell(f"  {number}  {name} {score:.2f}", "dim")
                continue
            numbered = answer.isdecimal() and 1 <= int(answer) <= len(shown)
            name = shown[int(answer) - 1][0] if numbered else answer or proposed
            if name in known:
                return name
            self.tell(f"  the domain has no {what} '{name}'{nearest(name, known)}", "red")

    def tell(self, line: str, style: str) -> None:
        """Show a line."""
        self.console.print(Text(line, style=style), soft_wrap=True)


@dataclass
class Marking:
    """The entities of one text; the teacher writes it again with other ones marked, as in the NLU data."""

    text: str
    entities: tuple[Entity, ...]
    known: Sequence[str]
    teacher: Teacher

    @property
    def placed(self) -> tuple[Entity, ...]:
        """Those that stand at a place in the text; others are about the whole message."""
        return tuple(entity for entity in self.entities if entity.start is not None)

    def show(self) -> None:
        """Show the text with its entities, and those about the whole message."""
        if self.placed:
            self.teacher.tell(f"  {render(self.text, self.placed)}", "dim")
        for entity in self.entities:
            if entity.start is None:
                self.teacher.tell(f"  entity {entity.entity} = {entity.value!r}", "dim")

    def take(self, answer: str) -> bool:
        """Take the text with its entities marked, or without any; False for any other answer."""
        if "[" not in answer and answer != self.text:
            return False
        try:
            written, entities = parse(answer)
        except MarkupError as error:
            self.teacher.tell(f"  {error}", "red")
            return True
        unknown = [entity.entity for entity in entities if entity.entity not in self.known]
        if written != self.text:
            self.teacher.tell(f"  the words must stay as they are, found {written!r}", "red")
        elif unknown:
            hint = nearest(unknown[0], self.known)
            self.teacher.tell(f"  the domain has no entity '{unknown[0]}'{hint}", "red")
        else:
            others = tuple(entity for entity in self.entities if entity.start is None)
            self.entities = (*entities, *others)
            self.show()
        return True


@dataclass(frozen=True, slots=True)
class _Corrected:
    """What the teacher wants done instead."""

    name: str
    scores: Sequence[float]
    events: Sequence[Event]
    confidence: float = 1.0
    policy: str | None = "interactive"
    is_end_to_end: bool = False
    hide_rule_turn: bool = False

    def action(self, domain: Domain) -> str:  # noqa: ARG002 (the seam's signature)
        return self.name


@dataclass(frozen=True, slots=True)
class TaughtPolicies:
    """Policies whose predictions a teacher confirms or corrects."""

    policies: NextActionPolicy
    teacher: Teacher

    def predict(self, tracker: Tracker, domain: Domain) -> NextAction:
        """Ask the policies, then the teacher."""
        predicted = self.policies.predict(tracker, domain)
        proposed = predicted.action(domain)
        scored = zip(domain.action_names, predicted.scores, strict=False)
        ranked = sorted(scored, key=lambda pair: -pair[1])
        name = self.teacher.pick("action", proposed, ranked, domain.action_names)
        if self.teacher.command:
            name = ACTION_LISTEN
        return predicted if name == proposed else _Corrected(name, predicted.scores, predicted.events)


@dataclass
class TaughtProcessor(Processor):
    """Takes a message through its turn and asks a teacher before it believes or does anything.

    `sentences` are the texts with their confirmed meaning.
    """

    teacher: Teacher = field(kw_only=True)
    sentences: list[NluExample] = field(default_factory=list)

    async def parse(self, text: str) -> ParseResult:
        """Understand a text; the teacher says whether the intent is right. Payloads mean what they say."""
        found = await super().parse(text)
        if parse_intent_payload(text, self.domain) is not None:
            return found
        marking = Marking(text, found.entities, tuple(self.domain.entities), self.teacher)
        marking.show()
        known = tuple(self.domain.intents)
        ranked = [(str(intent.name), intent.confidence) for intent in found.intent_ranking]
        ranked = [pair for pair in ranked if pair[0] in known]
        name = self.teacher.pick("intent", str(found.intent.name), ranked, known, marking.take)
        if name != NLU_FALLBACK and not self.teacher.command:
            self.sentences.append(NluExample(text, name, marking.placed))
        corrected = replace(found, entities=marking.entities)
        return corrected if name == found.intent.name else replace(corrected, intent=Intent(name, 1.0))

    async def _run(self, turn: Turn, choice: Choice) -> None:
        """Run the action and show at once what the bot says."""
        before = len(turn.replies)
        await super()._run(turn, choice)
        for message in render_all(turn.replies[before:]):
            if message.text:
                self.teacher.tell(f"Bot: {message.text}", "cyan")


@dataclass
class Lesson:
    """Several conversations with one processor; each becomes a story."""

    processor: TaughtProcessor
    store: InMemoryTrackerStore
    _told: list[list[Event]] = field(default_factory=list)

    @classmethod
    def begin(cls, of: Processor, teacher: Teacher) -> Lesson:
        """Teach what another processor knows and can do; its conversations are left alone."""
        store = InMemoryTrackerStore()
        processor = TaughtProcessor(
            domain=of.domain,
            parser=of.parser,
            policies=TaughtPolicies(of.policies, teacher),
            runner=of.runner,
            store=store,
            max_predictions=_MAX_PREDICTIONS,
            teacher=teacher,
        )
        return cls(processor, store)

    async def say(self, text: str) -> str | None:
        """Take a message of the customer through its turn.

        Returns:
            The command that left the turn, which is forgotten then; None when it came to its end.
        """
        teacher = self.processor.teacher
        teacher.command = None
        number = len(self.store.events_of(SENDER))
        parsed = await self.processor.parse(text)
        if not teacher.command:
            message = UserMessage(text, SENDER, CHANNEL, message_id=str(number), parse_data=parsed)
            await self.processor.handle(message)
            if teacher.command:
                self.undo()
        return teacher.command

    def undo(self) -> bool:
        """Forget the last message and all that followed; False when there is none."""
        events = self.store.events_of(SENDER)
        places = [index for index, event in enumerate(events) if isinstance(event, UserUttered)]
        if not places:
            return False
        last = events[places[-1]]
        sentences = self.processor.sentences
        if sentences and isinstance(last, UserUttered) and sentences[-1].text == last.text:
            sentences.pop()
        self.store.replace(UserMessage("", SENDER), events[: places[-1]])
        return True

    def close_story(self) -> None:
        """End the conversation and begin another one."""
        tracker = Tracker.from_events(SENDER, self.store.events_of(SENDER), self.processor.domain)
        events = tracker.applied_events()
        if any(isinstance(event, UserUttered) for event in events):
            self._told.append(events)
        self.store.replace(UserMessage("", SENDER), [])

    def stories(self, title: str) -> str | None:
        """Return the closed conversations as a story file, None without any."""
        named = [(f"{title}, story {number}", events) for number, events in enumerate(self._told, 1)]
        return write_training_stories(named, self.processor.domain) if named else None

    def nlu(self) -> str | None:
        """Return the confirmed sentences as an NLU file, None without any."""
        sentences = tuple(self.processor.sentences)
        return write_nlu(NluData(sentences)) if sentences else None
