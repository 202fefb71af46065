"""Pages of supervisors and operators: canned replies, service levels, accounts, the audit log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote

from fastapi import Request
from nicegui import ui

from crm_connector.choices import ComplaintCategory, Role, Severity
from crm_connector.columns import JSON, JSONObject
from crm_connector.desk.opening_hours import DAYS
from desk.access import Permission
from desk.deeds import administration as deeds
from desk.deeds import replies
from desk.deeds.administration import AccountRow, LevelRow, Skills
from desk.deeds.replies import ReplyRow
from desk.pages.frame import Visit, begin, cells_table, desk_page, heading, main_button, quiet_button

_OFFICE_HOURS: JSONObject = {"time_zone": "UTC", "week": {day: ["09:00-17:00"] for day in DAYS[:5]}}
_LANGUAGES = ("en", "zh", "ar", "de", "es", "fr")


@desk_page("/replies")
async def replies_page(request: Request) -> None:
    """Show the canned replies, each of which can be changed."""
    visit = begin(request, Permission.REPLIES)
    if visit is None:
        return
    with ui.element("div").classes("page").props("id=content"):
        with ui.element("div").classes("head"):
            heading("Canned replies", "Type / and the shortcut. {slot} is filled from the conversation.")
            main_button("New reply", lambda: _edit_reply(visit, None))
        rows = await visit.run(replies.all_replies) or []
        _table(
            ("Shortcut", "Language", "Text"),
            [
                (("/" + row.shortcut, row.language, row.text), partial(_edit_reply, visit, row))
                for row in rows
            ],
            empty="There are none yet.",
        )


@desk_page("/service-levels")
async def service_levels_page(request: Request) -> None:
    """Show what is promised, each of which can be changed."""
    visit = begin(request, Permission.SERVICE_LEVELS)
    if visit is None:
        return
    with ui.element("div").classes("page").props("id=content"):
        with ui.element("div").classes("head"):
            heading(
                "Service levels", "The severest that fits counts, then the narrowest. Times are working time."
            )
            main_button("New service level", lambda: _edit_level(visit, None))
        rows = await visit.run(deeds.all_levels) or []
        header = ("Name", "From severity", "Channels", "Languages", "First", "Next", "End", "Hours")
        _table(
            header,
            [(_level_cells(row), partial(_edit_level, visit, row)) for row in rows],
            empty="Nothing is promised yet.",
        )


@desk_page("/accounts")
async def accounts_page(request: Request) -> None:
    """Show who may come in."""
    visit = begin(request, Permission.ACCOUNTS)
    if visit is None:
        return
    with ui.element("div").classes("page").props("id=content"):
        with ui.element("div").classes("head"):
            heading("Accounts", "Who comes in, as what, and what is given to whom.")
            main_button("New account", lambda: _new_account(visit))
        rows = await visit.run(deeds.all_accounts) or []
        header = ("Name", "E-mail", "Roles", "Languages", "Topics", "At once", "State", "Last seen, UTC")
        _table(
            header,
            [(_account_cells(row), partial(_edit_account, visit, row)) for row in rows],
            empty="Nobody has an account.",
        )


@desk_page("/audit")
async def audit_page(request: Request, subject: str = "") -> None:
    """Show who changed what, and whether the seals fit."""
    visit = begin(request, Permission.AUDIT)
    if visit is None:
        return

    async def check() -> None:
        broken = await visit.run(deeds.check_audit_log)
        if broken is None:
            ui.notify("All seals fit.", type="positive", position="top")
        else:
            ui.notify(f"Line {broken} was tampered with.", type="negative", position="top")

    with ui.element("div").classes("page").props("id=content"):
        with ui.element("div").classes("head"):
            heading("Audit log", "Who changed what. Nobody can edit it.")
            with ui.element("div").classes("bar"):
                field = ui.input(value=subject, placeholder="ticket T-10042").props('aria-label="Subject"')
                field.on(
                    "keydown.enter", lambda: ui.navigate.to(f"/audit?subject={quote(field.value or '')}")
                )
                quiet_button("Check the seals", check)
        rows = await visit.run(deeds.audit_log, subject=subject) or []
        _table(
            ("Time, UTC", "Who", "What", "Of which", "Details"),
            [
                (
                    (
                        f"{row.at:%Y-%m-%d %H:%M:%S}",
                        row.actor,
                        row.action,
                        row.subject,
                        _in_words(row.detail),
                    ),
                    None,
                )
                for row in rows
            ],
            empty="Nothing was changed yet.",
        )


Row = tuple[Sequence[object], Callable[[], object] | None]


def _table(header: Sequence[str], rows: Sequence[Row], *, empty: str) -> None:
    """A table; rows that can be changed begin with a button."""
    if not rows:
        ui.label(empty).classes("empty")
        return

    def edit_button(label: str, edit: Callable[[], object]) -> None:
        button = ui.element("button").classes("link").props("type=button dir=auto").on("click", edit)
        with button:
            ui.label(label)

    with ui.element("section").classes("table"):
        cells_table(
            header,
            [
                [partial(edit_button, str(cells[0]), edit) if edit else str(cells[0]), *map(str, cells[1:])]
                for cells, edit in rows
            ],
        )


def _in_words(detail: JSONObject) -> str:
    """What a change was about: `roles: agent, operator; capacity: 5`; moments without their seconds."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in detail.items()}
    return "; ".join(
        f"{name.replace('_', ' ')}: {', '.join(map(_word, values))}"
        for name, values in lists.items()
        if values != [None]
    )


def _word(value: JSON) -> str:
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\S*$", r"\1 \2", str(value))


@contextmanager
def _form(title: str) -> Iterator[ui.dialog]:
    """A dialog with a form in it."""
    with (
        ui.dialog(value=True) as dialog,
        ui.card().classes("ticket"),
    ):
        dialog.props["aria-label"] = title
        ui.label(title).classes("title").props("role=heading aria-level=2")
        yield dialog


async def _edit_reply(visit: Visit, row: ReplyRow | None) -> None:
    with _form("Canned reply") as dialog:
        with ui.element("div").classes("fields"):
            shortcut = ui.input("Shortcut", value=row.shortcut if row else "")
            language = ui.select(list(_LANGUAGES), value=row.language if row else "en", label="Language")
        text = ui.textarea("Text", value=row.text if row else "").props("autogrow").classes("wide")

        async def save() -> None:
            await _and_again(
                visit, replies.save_reply, str(shortcut.value), str(language.value), str(text.value)
            )

        with ui.element("div").classes("deeds"):
            main_button("Save", save)
            quiet_button("Cancel", dialog.close)
            if row is not None:
                button = quiet_button(
                    "Delete", lambda: _and_again(visit, replies.delete_reply, row.id), tone="danger"
                )
                button.classes("away")


async def _edit_level(visit: Visit, row: LevelRow | None) -> None:
    hours: JSONObject = row.hours if row else _OFFICE_HOURS
    week = hours["week"]
    with _form("Service level") as dialog:
        with ui.element("div").classes("fields"):
            name = ui.input("Name", value=row.name if row else "")
            severity = ui.select(
                [one.value for one in Severity],
                value=row.least_severity.value if row else Severity.LOW.value,
                label="From severity",
            )
        with ui.element("div").classes("fields roomy"):
            channels = ui.input("Channels (none: all)", value=", ".join(row.channels) if row else "")
            languages = ui.input("Languages (none: all)", value=", ".join(row.languages) if row else "")
        ui.label("Promised, in minutes of working time").classes("group")
        with ui.element("div").classes("fields"):
            first = _minutes("First response", row.first_response_min if row else 30)
            following = _minutes("Next response", row.next_response_min if row else 60)
            resolution = _minutes("End", row.resolution_min if row else 480)
            warn = _minutes("Warn before", row.warn_before_min if row else 5)
        ui.label("Working time").classes("group")
        with ui.element("div").classes("fields roomy"):
            zone = ui.input("Time zone", value=hours["time_zone"])
            country = ui.input("Holidays of (DE, DE-BY)", value=hours.get("country") or "")
            closed = ui.input("Also closed (2026-12-24)", value=", ".join(hours.get("closed") or ()))
        with ui.element("div").classes("fields"):
            days = {day: ui.input(day.capitalize(), value=", ".join(week.get(day, ()))) for day in DAYS}

        async def save() -> None:
            settings = {
                "least_severity": Severity(severity.value),
                "channels": _words(channels.value),
                "languages": _words(languages.value),
                "first_response_min": _number(first.value),
                "next_response_min": _number(following.value),
                "resolution_min": _number(resolution.value),
                "warn_before_min": _number(warn.value) or 0,
                "hours": {
                    "time_zone": zone.value,
                    "week": {day: _words(field.value) for day, field in days.items() if field.value},
                    "country": country.value or None,
                    "closed": _words(closed.value),
                },
            }
            await _and_again(visit, deeds.save_level, str(name.value), settings)

        with ui.element("div").classes("deeds"):
            main_button("Save", save)
            quiet_button("Cancel", dialog.close)


async def _new_account(visit: Visit) -> None:
    with _form("New account") as dialog:
        name = ui.input("Name")
        email = ui.input("E-mail").props("type=email")
        password = ui.input("First password, at least 10 characters", password=True).props(
            'autocomplete="new-password"'
        )
        roles = _choice_of("Roles", [one.value for one in Role], [Role.AGENT.value])

        async def save() -> None:
            await _and_again(
                visit,
                deeds.open_account,
                str(email.value),
                name=str(name.value),
                roles=[Role(one) for one in roles.value],
                password=str(password.value),
            )

        with ui.element("div").classes("deeds"):
            main_button("Open account", save)
            quiet_button("Cancel", dialog.close)


async def _edit_account(visit: Visit, row: AccountRow) -> None:
    with _form(row.name) as dialog:
        ui.label(row.email).classes("soft")
        roles = _choice_of("Roles", [one.value for one in Role], [one.value for one in row.roles])
        languages = _choice_of("Languages (none: all)", [*_LANGUAGES], [*row.languages])
        topics = _choice_of("Topics (none: all)", [one.value for one in ComplaintCategory], [*row.topics])
        capacity = ui.number("Conversations at once", value=row.capacity, min=0, max=100, precision=0)

        async def save() -> None:
            await _and_again(
                visit,
                deeds.change_account,
                row.id,
                roles=[Role(one) for one in roles.value],
                skills=Skills(
                    tuple(languages.value),
                    tuple(map(ComplaintCategory, topics.value)),
                    int(capacity.value or 0),
                ),
            )

        with ui.element("div").classes("deeds"):
            main_button("Save", save)
            quiet_button("Cancel", dialog.close)
            change = deeds.close_account if row.is_open else deeds.reopen_account
            quiet_button(
                "Close account" if row.is_open else "Open again",
                lambda: _and_again(visit, change, row.id),
                tone="danger",
            ).classes("away")
        ui.label("Password").classes("group")
        with ui.element("div").classes("bar"):
            password = ui.input("New password", password=True).props('autocomplete="new-password"')
            quiet_button(
                "Set password", lambda: _and_again(visit, deeds.set_password, row.id, str(password.value))
            )


def _choice_of(label: str, names: list[str], chosen: list[str]) -> ui.select:
    spoken = {name: name.replace("_", " ").capitalize() if len(name) > 2 else name for name in names}
    return ui.select(spoken, value=chosen, label=label, multiple=True).props("use-chips").classes("wide")


def _minutes(label: str, value: int | None) -> ui.number:
    return ui.number(label, value=value, min=0, precision=0)


def _number(value: float | None) -> int | None:
    return int(value) if value else None


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _level_cells(row: LevelRow) -> tuple[object, ...]:
    times = (row.first_response_min, row.next_response_min, row.resolution_min)
    return (
        row.name,
        row.least_severity.value,
        ", ".join(row.channels) or "all",
        ", ".join(row.languages) or "all",
        *("–" if minutes is None else _span(minutes) for minutes in times),
        f"{_week_in_words(row.hours['week'])}, {row.hours['time_zone']}",
    )


def _span(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes >= 120 and minutes % 60 == 0 else f"{minutes} min"


def _week_in_words(week: Mapping[str, Sequence[str]]) -> str:
    """Days in a row with the same hours are told together: `Mon–Fri 09:00-17:00, Sat 10:00-14:00`."""
    runs: list[tuple[list[str], str]] = []
    for day in DAYS:
        spans = " ".join(week.get(day, ()))
        if runs and runs[-1][1] == spans:
            runs[-1][0].append(day.capitalize())
        else:
            runs.append(([day.capitalize()], spans))
    return ", ".join(
        f"{days[0] if len(days) == 1 else f'{days[0]}–{days[-1]}'} {spans}" for days, spans in runs if spans
    ).replace("Mon–Sun 00:00-24:00", "Day and night")


def _account_cells(row: AccountRow) -> tuple[object, ...]:
    return (
        row.name,
        row.email,
        ", ".join(one.value.replace("_", " ") for one in row.roles),
        ", ".join(row.languages) or "all",
        ", ".join(row.topics) or "all",
        row.capacity,
        "open" if row.is_open else "closed",
        f"{row.seen_at:%Y-%m-%d %H:%M}" if row.seen_at else "never",
    )


async def _and_again(visit: Visit, call: Callable[..., None], *args: object, **options: object) -> None:
    """Make a change and show the page anew; after a refusal it stays as it is, to be put right."""
    if await visit.succeeds(call, *args, **options):
        ui.navigate.reload()
