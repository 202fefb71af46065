"""What the server leans on, handed in by whoever starts it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bot.channels.channel import ChannelParts
from bot.delivery.queues import DurableQueues
from bot.dialogue.messages import JSON
from bot.errors import FrontdeskError
from bot.runtime.live import LiveProcessor, TrainedModel
from bot.server.auth import Access
from bot.training_data.story_graph import DEFAULT_AUGMENTATION


class LoadedModel(Protocol):
    """The model that answers now; without one `model_id` is None."""

    @property
    def model_id(self) -> str | None:
        """Its name, the same in events and logs."""
        ...

    @property
    def model_file(self) -> str | None:
        """Where it was loaded from."""
        ...


class Store(Protocol):
    """The store of conversations, as far as health goes."""

    async def is_reachable(self) -> bool:
        """Whether it answers; never raises."""
        ...


class JobFailed(FrontdeskError):
    """A training or an evaluation that did not come to its end; `is_input` when what was given is wrong."""

    def __init__(self, message: str, *, is_input: bool = False) -> None:
        self.is_input = is_input
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class TrainingWishes:
    """What a caller wants of a training.

    With `keep` the model stands among the others, where the next start finds it; with `force` everything is
    trained anew; `augmentation` bounds the glued stories, in tens; `threads` limits the training's.
    """

    keep: bool = True
    force: bool = False
    augmentation: int = DEFAULT_AUGMENTATION
    threads: int | None = None


class ModelJobs(Protocol):
    """Work on models that is too heavy for the server's own process, or that touches its disk."""

    @property
    def active(self) -> int:
        """How many trainings are under way."""
        ...

    async def load(self, model_file: str) -> TrainedModel:
        """Load a model by the path of its folder or archive, or by its name among the models.

        Raises:
            ModelError: There is none, or it is broken; the running model stays.
        """
        ...

    async def fetch(self, url: str) -> TrainedModel:
        """Load the archive that a model server gives.

        Raises:
            ModelError: It gives none, or it is broken.
        """
        ...

    async def train(self, folder: Path, wishes: TrainingWishes) -> Path:
        """Train the project in `folder/data.yml` and return the model's archive, written into `folder`.

        Raises:
            JobFailed: The project is wrong, or training broke off.
        """
        ...

    async def cross_validate(self, folder: Path, folds: int) -> JSON:
        """Train and test on parts of the NLU data in `folder/data.yml`; the report is Rasa's.

        Raises:
            JobFailed: The data are wrong, or training broke off.
        """
        ...


async def nothing_to_close() -> None:
    """Stand in for parts that hold nothing open."""


def nothing_to_start() -> None:
    """Stand in for parts that begin nothing by themselves."""


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Everything behind Rasa's HTTP API."""

    live: LiveProcessor
    jobs: ModelJobs
    access: Access = field(default_factory=Access)


@dataclass(frozen=True, slots=True)
class ServerParts:
    """Everything behind the HTTP door; `start` is called once, before the first turn, `close` after the last.

    Without `api` Rasa's HTTP API is not there. `cors_origins` are the origins whose pages may read answers,
    `*` for all of them. `queues` are those of the channel parts' inbox and outbox.
    """

    channel_parts: ChannelParts
    model: LoadedModel
    store: Store
    start: Callable[[], None] = nothing_to_start
    close: Callable[[], Awaitable[None]] = nothing_to_close
    api: ApiParts | None = None
    cors_origins: tuple[str, ...] = ()
    queues: DurableQueues | None = None
