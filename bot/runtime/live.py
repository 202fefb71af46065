"""The model that answers now: it can be changed while conversations go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bot.dialogue.domain import Domain
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import ParseResult, UserMessage
from bot.errors import ModelError
from bot.runtime.conversations import ConversationProcessor, Delivery
from bot.runtime.next_action import NextActionPolicy, Parser
from bot.runtime.reminders import StoredEvents


class TrainedModel(Protocol):
    """A model in memory."""

    @property
    def model_id(self) -> str: ...  # noqa: D102 (the names say it)
    @property
    def model_file(self) -> str: ...  # noqa: D102
    @property
    def assistant_id(self) -> str | None: ...  # noqa: D102
    @property
    def domain(self) -> Domain: ...  # noqa: D102
    @property
    def interpreter(self) -> Parser: ...  # noqa: D102
    @property
    def policies(self) -> NextActionPolicy: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Serving:
    model: TrainedModel
    processor: ConversationProcessor


@dataclass
class LiveProcessor:
    """Hands each message to the processor of the model that is loaded when it comes.

    All processors share one store, the locks, the turns that wait to be stored, and the reminders; so after
    a swap every conversation goes on, and turns under way end with the model that they began with.
    `nlu` understands in the place of every model, where an operator set another server for it.
    """

    _base: ConversationProcessor
    nlu: Parser | None = None
    _serving: _Serving | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._base.reminders.fire = lambda sender_id, reminder: self.processor.remind(sender_id, reminder)

    @property
    def processor(self) -> ConversationProcessor:
        """The processor of the loaded model.

        Raises:
            ModelError: None is loaded.
        """
        return self._loaded().processor

    @property
    def model_id(self) -> str | None:
        """Name of the loaded model, None without one."""
        return self._serving.model.model_id if self._serving else None

    @property
    def model_file(self) -> str | None:
        """Where it was loaded from."""
        return self._serving.model.model_file if self._serving else None

    @property
    def domain(self) -> Domain:
        """Its domain."""
        return self._loaded().model.domain

    @property
    def parser(self) -> Parser:
        """Who understands now."""
        return self.nlu or self._loaded().model.interpreter

    def parse(self, text: str) -> ParseResult:
        """Understand one text outside any conversation; called in a worker thread."""
        return self.parser.parse(text)

    async def handle(self, message: UserMessage, *, must_store: bool = False) -> Sequence[BotUttered]:
        """Take one message through its turn; see `Processor.handle`.

        Raises:
            ModelError: No model is loaded.
            StoreUnavailable: With `must_store`: the turn is not stored yet.
        """
        return await self.processor.handle(message, must_store=must_store)

    def swap(self, model: TrainedModel) -> None:
        """Let another model answer from now on."""
        processor = replace(
            self._base,
            domain=model.domain,
            parser=self.nlu or model.interpreter,
            policies=model.policies,
            runner=replace(self._base.runner, domain=model.domain),
            marks={"model_id": model.model_id, "assistant_id": model.assistant_id},
        )
        # One assignment: whoever reads sees the old pair or the new one, never half of each.
        self._serving = _Serving(model, processor)
        # Kept so that the model before this one can leave memory with its last turn.
        self._base = processor

    def deliver_by(self, delivery: Delivery) -> None:
        """Name who brings messages to customers that did not ask just now."""
        self._base.delivery = delivery
        if self._serving is not None:
            self._serving.processor.delivery = delivery

    def resume(self, stored: StoredEvents) -> None:
        """Take up the reminders that were set before this process began; there must be a running loop."""
        self._base.reminders.resume(stored)

    async def close(self) -> None:
        """Let reminders that are due finish, and forget the others."""
        await self._base.reminders.close()

    def unload(self) -> None:
        """Let no model answer until the next one is swapped in."""
        self._serving = None

    def _loaded(self) -> _Serving:
        if self._serving is None:
            raise ModelError("no model is loaded")
        return self._serving
