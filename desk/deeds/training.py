"""The training inbox: what a doubtful message means, and the training data that comes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.dialogue.messages import Entity
from bot.training_data.entity_markup import parse, render
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from bot.training_data.nlu_writer import write_nlu
from crm_connector.choices import Sentiment, Verdict
from crm_connector.columns import JSON, JSONObject, utc_now
from crm_connector.desk import training_inbox
from crm_connector.tables import DoubtfulMessage
from desk.access import Deed, Desk, Permission
from desk.deeds.conversations import Refused

_LOOK_BACK = timedelta(days=90)
_NO_MARKUP = str.maketrans("[]", "()")


class Assistant(Protocol):
    """What the desk asks of the assistant beside it."""

    def intents(self) -> Sequence[str]:
        """Names of the intents it knows."""
        ...

    def entities(self) -> Sequence[str]:
        """Names of the kinds of entity it knows."""
        ...

    @property
    def nlu_folder(self) -> Path:
        """Where its training sentences stand."""
        ...

    async def resolved(self, channel: str, sender_id: str) -> None:
        """Hear that people have solved a conversation, which is the assistant's again."""
        ...


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A doubtful message as it is shown; `ranking` are intents with their scores, best first."""

    id: int
    conversation_id: int
    text: str
    language: str | None
    why: str
    said_at: datetime
    ranking: tuple[tuple[str, float], ...]
    entities: tuple[JSONObject, ...]
    sentiment: str | None
    verdict: Verdict
    intent: str | None
    by: str | None
    decided_at: datetime | None


def collect(desk: Desk, token: str) -> int:
    """Look for doubtful messages of the last three months; returns how many are new."""
    with desk.act(token, Permission.TRAINING) as deed:
        return training_inbox.collect(deed.session, utc_now() - _LOOK_BACK)


def inbox(
    desk: Desk, token: str, *, why: str | None = None, verdict: Verdict = Verdict.OPEN, after_id: int = 0
) -> list[InboxRow]:
    """Messages of the inbox, fifty at a time."""
    with desk.read(token, Permission.TRAINING) as deed:
        found = training_inbox.messages(deed.session, why=why, verdict=verdict, after_id=after_id)
        return [_row(message) for message in found]


def open_counts(desk: Desk, token: str) -> dict[str, int]:
    """How many messages are open, by why they are doubtful."""
    with desk.read(token, Permission.TRAINING) as deed:
        return training_inbox.counts(deed.session)


def validate(desk: Desk, token: str, message_id: int) -> None:
    """The assistant was right."""
    with desk.act(token, Permission.TRAINING) as deed:
        message = _find(deed, message_id)
        training_inbox.validate(deed.session, message, deed.agent)
        deed.note("training.validate", _subject(message), intent=message.intent)


def change(
    desk: Desk,
    token: str,
    message_id: int,
    *,
    intent: str,
    entities: Sequence[Mapping[str, JSON]],
    sentiment: Sentiment | None = None,
) -> None:
    """Say what was meant.

    Raises:
        Refused: There is no such message, or no intent.
        WrongEntity: An entity does not fit the text.
    """
    if not intent.strip():
        raise Refused("Choose what was meant.")
    with desk.act(token, Permission.TRAINING) as deed:
        message = _find(deed, message_id)
        training_inbox.change(
            deed.session, message, deed.agent, intent=intent, entities=entities, sentiment=sentiment
        )
        deed.note("training.change", _subject(message), intent=intent, entities=message.entities)


def mark_unknown(desk: Desk, token: str, message_id: int) -> None:
    """It belongs to no intent."""
    with desk.act(token, Permission.TRAINING) as deed:
        message = _find(deed, message_id)
        training_inbox.mark_unknown(deed.session, message, deed.agent)
        deed.note("training.unknown", _subject(message))


def remove(desk: Desk, token: str, message_id: int) -> None:
    """Nothing is to be learnt from it."""
    with desk.act(token, Permission.TRAINING) as deed:
        message = _find(deed, message_id)
        training_inbox.remove(deed.session, message, deed.agent)
        deed.note("training.delete", _subject(message))


def reopen(desk: Desk, token: str, message_id: int) -> None:
    """Put a message back into the inbox."""
    with desk.act(token, Permission.TRAINING) as deed:
        message = _find(deed, message_id)
        training_inbox.reopen(deed.session, message, deed.agent)
        deed.note("training.reopen", _subject(message))


def export(desk: Desk, token: str, nlu_folder: Path) -> tuple[Path, int]:
    """Write what was decided and is not training data yet into a new file of `data/nlu`.

    One export is one new file, so that it is one change to review; each example keeps who said so and when.

    Returns:
        The file, and how many examples it has.

    Raises:
        Refused: There is nothing new, or the folder cannot be written to.
    """
    with desk.act(token, Permission.TRAINING) as deed:
        found = training_inbox.to_export(deed.session)
        if not found:
            raise Refused("There is nothing new to write.")
        path = nlu_folder / f"from_conversations_{utc_now():%Y-%m-%d_%H%M%S}.yml"
        try:
            _write(path, write_nlu(_data(found)))
        except OSError as error:
            raise Refused(f"{path} cannot be written: {error.strerror}.") from error
        training_inbox.exported(deed.session, found)
        deed.note("training.export", f"training data {path.name}", examples=len(found))
    return path, len(found)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".tmp")
    half.write_text(text, encoding="utf-8")
    os.replace(half, path)


def _data(found: Sequence[DoubtfulMessage]) -> NluData:
    return NluData(
        examples=tuple(_example(message) for message in found),
        sentiment_examples=tuple(
            SentimentExample(message.text, message.sentiment.value)
            for message in found
            if message.sentiment is not None
        ),
    )


def _example(message: DoubtfulMessage) -> NluExample:
    marks = tuple(
        Entity(
            entity=entity["entity"],
            value=entity.get("value") or message.text[entity["start"] : entity["end"]],
            start=entity["start"],
            end=entity["end"],
            role=entity.get("role"),
            group=entity.get("group"),
        )
        for entity in message.entities
    )
    text = message.text
    if parse(render(text, marks))[0] != text:
        # What a customer wrote must not annotate itself; as long as before, so that offsets still fit.
        text = text.translate(_NO_MARKUP)
    decided = message.decided_at or datetime.now(UTC)
    who = message.agent.email if message.agent else ""
    note = {"annotated_by": who, "annotated_at": decided.isoformat(timespec="seconds")}
    return NluExample(text, message.intent or "", marks, {"example": note})


def _row(message: DoubtfulMessage) -> InboxRow:
    was_decided = message.verdict in (Verdict.VALIDATED, Verdict.CHANGED)
    entities = message.entities if was_decided else training_inbox.learnable(message.parsed)
    mood = (message.parsed.get("sentiment") or {}).get("value")
    return InboxRow(
        id=message.id,
        conversation_id=message.conversation_id,
        text=message.text,
        language=message.language,
        why=message.why,
        said_at=message.said_at,
        ranking=tuple(training_inbox.predicted(message)[:5]),
        entities=tuple(entities),
        sentiment=message.sentiment.value if message.sentiment else mood,
        verdict=message.verdict,
        intent=message.intent,
        by=message.agent.name if message.agent else None,
        decided_at=message.decided_at,
    )


def _find(deed: Deed, message_id: int) -> DoubtfulMessage:
    message = deed.session.get(DoubtfulMessage, message_id)
    if message is None:
        raise Refused("There is no such message any more.")
    return message


def _subject(message: DoubtfulMessage) -> str:
    return f"doubtful message {message.id}"
