"""`frontdesk export`: stored conversations to a file, or to the event broker of `endpoints.yml`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import Endpoints, Root, explained, out
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.dialogue.messages import JSON
    from bot.runtime.stores.archive import Archive
    from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Period:
    """Which events are exported: from `first` on and before `end`, in seconds since the epoch."""

    first: float | None = None
    end: float | None = None
    offset_s: int = 0

    def __post_init__(self) -> None:
        if self.first is not None and self.end is not None and self.end < self.first:
            raise FrontdeskError("--maximum-timestamp lies before --minimum-timestamp")

    def holds(self, timestamp: float) -> bool:
        """Whether an event of that time is exported."""
        return (self.first is None or timestamp >= self.first) and (self.end is None or timestamp < self.end)


def export(  # noqa: PLR0913 - each option of the command is an argument
    project: Root = Path(),
    target: Annotated[
        Path | None, typer.Option("--out", help="JSON lines; without it events go to the event broker.")
    ] = None,
    minimum_timestamp: Annotated[float | None, typer.Option(help="Only events from this second on.")] = None,
    maximum_timestamp: Annotated[float | None, typer.Option(help="Only events before this second.")] = None,
    conversation_ids: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
    offset_timestamps_by_seconds: Annotated[int, typer.Option(help="Added to each event's time.")] = 0,
    endpoints: Endpoints = "endpoints.yml",
) -> None:
    """Send stored conversations to the event broker, or write one event per line into a file."""
    from bot.runtime.stores.archive import open_archive  # noqa: PLC0415 - fast commands go first
    from bot.settings import Settings  # noqa: PLC0415 - the same

    with explained():
        period = Period(minimum_timestamp, maximum_timestamp, offset_timestamps_by_seconds)
        settings = Settings.read(project, endpoints=endpoints)
        with open_archive(settings.root, settings.crm_url, settings.tracker_store) as archive:
            wanted = _wanted(archive, conversation_ids)
            events = events_of(archive, wanted, period)
            count = _to_broker(settings, events) if target is None else _to_file(target, events)
    where = "to the event broker" if target is None else f"to {target}"
    out.print(f"{count} events of {len(wanted)} conversations went {where}", soft_wrap=True)


def _wanted(archive: Archive, ids: str | None) -> list[str]:
    known = archive.sender_ids()
    if ids is None:
        return known
    wanted = [name.strip() for name in ids.split(",") if name.strip()]
    missing = [name for name in wanted if name not in set(known)]
    if missing:
        raise FrontdeskError(f"no conversation has the id {', '.join(missing)}")
    return wanted


def events_of(archive: Archive, sender_ids: Iterable[str], period: Period) -> Iterator[dict[str, JSON]]:
    """Walk over the events as the event broker gets them, conversation by conversation."""
    for sender_id in sender_ids:
        for event in archive.events(sender_id):
            if period.holds(event.timestamp):
                data = {"sender_id": sender_id, **event.as_dict()}
                yield data | {"timestamp": event.timestamp + period.offset_s}


def _to_file(target: Path, events: Iterable[dict[str, JSON]]) -> int:
    count = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
            count += 1
    return count


def _to_broker(settings: Settings, events: Iterable[dict[str, JSON]]) -> int:
    """Send every event and wait for the broker to take it; one that is refused ends the export."""
    if settings.event_broker is None:
        raise FrontdeskError("endpoints.yml has no event_broker; name a file with --out, or add one")
    broker = settings.event_broker.open_broker(settings.root)
    count = 0
    try:
        for event in events:
            try:
                broker.send(event)
            except FrontdeskError as error:
                raise FrontdeskError(
                    f"{error}; {count} events were sent, the next is of "
                    f"{event['sender_id']} at {event['timestamp']}: go on with --minimum-timestamp"
                ) from error
            count += 1
    finally:
        broker.close()
    return count
