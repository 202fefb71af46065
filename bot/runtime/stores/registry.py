"""The kinds of tracker store, lock store and event broker that `endpoints.yml` may name.

A new kind is a file with its options, and a row here. Names are compared without regard to case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from bot.dialogue.messages import JSON
from bot.errors import SettingsError, nearest
from bot.runtime.conversations import ConversationStore
from bot.runtime.event_brokers.file_broker import FileBrokerOptions
from bot.runtime.event_brokers.publisher import EventBroker
from bot.runtime.event_brokers.rabbitmq_broker import RabbitMqOptions
from bot.runtime.event_brokers.rasas_broker import RasasBroker
from bot.runtime.event_brokers.sql_broker import SqlBrokerOptions
from bot.runtime.locks import ConversationLocks, Locks
from bot.runtime.options import place_of, read_options
from bot.runtime.own_code import make_importable
from bot.runtime.postgresql_locks import PostgresqlLockOptions
from bot.runtime.redis_locks import RedisLockOptions
from bot.runtime.stores.redis_tracker_store import RedisTrackerStoreOptions
from bot.runtime.stores.sql_tracker_store import SqlTrackerStoreOptions
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.written_for_rasa.imports import NoOwnClass, own_class

T = TypeVar("T")


class TrackerStoreOptions(Protocol):
    """What is set for a tracker store."""

    def open_store(self, root: Path) -> ConversationStore:
        """Open the store for the project in `root`; raises `SettingsError` if it cannot be used."""
        ...


class LockOptions(Protocol):
    """What is set for a lock store."""

    def open_locks(self, root: Path) -> Locks:
        """Open the locks for the project in `root`; raises `SettingsError` if they cannot be used."""
        ...


class BrokerOptions(Protocol):
    """What is set for an event broker."""

    def open_broker(self, root: Path) -> EventBroker:
        """Return the broker for the project in `root`; raises `SettingsError` if it cannot be used."""
        ...


@dataclass(frozen=True, slots=True)
class InMemoryStoreOptions:
    """`tracker_store: {type: InMemory}`: conversations end with the process."""

    def open_store(self, root: Path) -> ConversationStore:  # noqa: ARG002 (the seam's signature)
        """Return an empty store."""
        return InMemoryTrackerStore()


@dataclass(frozen=True, slots=True)
class InMemoryLockOptions:
    """`lock_store: {type: in_memory}`: order within this process."""

    def open_locks(self, root: Path) -> Locks:  # noqa: ARG002 (the seam's signature)
        """Return the locks."""
        return ConversationLocks()


@dataclass(frozen=True, slots=True)
class OwnPart:
    """A class of the project's own, by Python path; the section's other keys are its arguments."""

    path: str
    arguments: Mapping[str, JSON] = field(default_factory=dict)

    def make(self, root: Path, section: str, methods: Sequence[str]) -> Any:
        """Import and build it; its module is looked for beside the project's files too.

        Raises:
            SettingsError: It cannot be imported, does not take the arguments, or lacks a method.
        """
        make_importable(root)
        try:
            made = own_class(self.path)(**self.arguments)
        except (NoOwnClass, TypeError, ValueError) as error:
            raise SettingsError(f"{section}: '{self.path}' cannot be used: {error}") from error
        missing = [name for name in methods if not hasattr(made, name)]
        if missing:
            raise SettingsError(
                f"{section}: '{self.path}' has no method '{missing[0]}'; a class that was written for "
                "Rasa must be ported, docs/operator.md says how"
            )
        return made


class OwnStoreOptions(OwnPart):
    """A tracker store of the project's own."""

    def open_store(self, root: Path) -> ConversationStore:
        """Build the store; raises `SettingsError` if it cannot be used."""
        store: ConversationStore = self.make(
            root, "tracker_store", ("load", "append", "replace", "transcript")
        )
        return store


class OwnLockOptions(OwnPart):
    """A lock store of the project's own."""

    def open_locks(self, root: Path) -> Locks:
        """Build the locks; raises `SettingsError` if they cannot be used."""
        locks: Locks = self.make(root, "lock_store", ("hold",))
        return locks


class OwnBrokerOptions(OwnPart):
    """An event broker of the project's own, in our form or in that of Rasa's `EventBroker`."""

    def open_broker(self, root: Path) -> EventBroker:
        """Build the broker; raises `SettingsError` if it cannot be used."""
        make_importable(root)
        try:
            is_rasas = hasattr(own_class(self.path), "from_endpoint_config")
        except NoOwnClass as error:
            raise SettingsError(f"event_broker: '{self.path}' cannot be used: {error}") from error
        if is_rasas:
            return RasasBroker.make(self.path, self.arguments)
        broker: EventBroker = self.make(root, "event_broker", ("send", "stay_alive", "close"))
        return broker


@dataclass(frozen=True, slots=True)
class Kinds(Generic[T]):
    """The kinds of one section: by name, those that are refused with the reason, and the default type.

    `own` makes the options of a class of the project's own, which a type with a dot in it names.
    """

    section: str
    known: Mapping[str, Callable[..., T]]
    refused: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    own: Callable[[str, Mapping[str, JSON]], T] | None = None

    def read(self, sections: Mapping[str, JSON]) -> T | None:
        """Read this section among all; None where there is none.

        Raises:
            SettingsError: The type is unknown or refused, or one of its settings is wrong.
        """
        section = sections.get(self.section)
        if section is None:
            return None
        if not isinstance(section, dict):
            found = f"{place_of(sections, self.section)}: {self.section} is {section!r}"
            raise SettingsError(f"{found}, expected a mapping with 'type:'")
        written = section.get("type") or self.default
        if written is None:
            raise SettingsError(
                f"{place_of(section)}: {self.section} has no 'type:', expected one of {', '.join(self.known)}"
            )
        if self.own and isinstance(written, str) and "." in written:
            return self.own(written, {key: value for key, value in section.items() if key != "type"})
        kind = str(written).lower()
        if kind in self.refused:
            raise SettingsError(f"{place_of(section, 'type')}: {self.section}: {self.refused[kind]}")
        if kind not in self.known:
            names = (*self.known, *self.refused)
            raise SettingsError(
                f"{place_of(section, 'type')}: {self.section} has no type '{written}'{nearest(kind, names)}; "
                f"expected one of {', '.join(self.known)}"
            )
        return read_options(self.known[kind], section, self.section)


TRACKER_STORES: Kinds[TrackerStoreOptions] = Kinds(
    "tracker_store",
    {
        "inmemory": InMemoryStoreOptions,
        "in_memory": InMemoryStoreOptions,
        "sql": SqlTrackerStoreOptions,
        "redis": RedisTrackerStoreOptions,
    },
    {
        "mongod": "MongoDB is not supported; use type SQL with dialect postgresql, or redis",
        "dynamo": "DynamoDB is not supported; use type SQL with dialect postgresql, or redis",
    },
    default="inmemory",
    own=OwnStoreOptions,
)
LOCK_STORES: Kinds[LockOptions] = Kinds(
    "lock_store",
    {
        "in_memory": InMemoryLockOptions,
        "inmemory": InMemoryLockOptions,
        "redis": RedisLockOptions,
        "postgresql": PostgresqlLockOptions,
    },
    default="in_memory",
    own=OwnLockOptions,
)
EVENT_BROKERS: Kinds[BrokerOptions] = Kinds(
    "event_broker",
    {"pika": RabbitMqOptions, "sql": SqlBrokerOptions, "file": FileBrokerOptions},
    {"kafka": "Kafka is not supported; use type pika (RabbitMQ), sql or file"},
    default="pika",
    own=OwnBrokerOptions,
)
