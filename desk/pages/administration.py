"""Pages of supervisors and operators: canned replies, service levels, accounts, the audit log."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

from fastapi import Request
from nicegui import ui

from crm_connector.choices import ComplaintCategory, Role, Severity
from crm_connector.columns import JSONObject
from crm_connector.desk.opening_hours import DAYS
from desk.access import Permission
from desk.deeds import administration as deeds
from desk.deeds import replies
from desk.deeds.administration import AccountRow, LevelRow, Skills
from desk.deeds.replies import ReplyRow
from desk.pages.frame import Visit, begin, heading, quiet_button

_OFFICE_HOURS: JSONObject = {"time_zone": "UTC", "week": {day: ["09:00-17:00"] for day in DAYS[:5]}}
_LANGUAGES = ("en", "zh", "ar", "de", "es", "fr")


@ui.page("/replies")
async def replies_page(request: Request) -> None:
    """Show the canned replies, each of which can be changed."""
    visit = begin(request, Permission.REPLIES)
    if visit is None:
        return
    with ui.element("div").classes("page").props("id=content"):
        with ui.element("div").classes("bar"):
            heading("Canned replies")
            ui.button("New reply", on_click=lambda: _edit_reply(visit, None)).props("no-caps unelevated")
        ui.label("Agents type / and the shortcut. {slot} is filled from the conversation.").classes("soft")
        rows = await visit.run(replies.all_replies) or []
        _table(
            ("Shortcut", "Language", "Text"),
            [
                (("/" + row.shortcut, row.language, row.text), partial(_edit_reply, visit, row))
                for row in rows
            ],
            empty="There are none yet.",
        )


@ui.page("/service-levels")
async def service_levels_page(request: Request) -> None:
    """Show what is promised, each of which can be changed."""
    visit = begin(request, Permission.SERVICE_LEVELS)
    if visit is None:
        return
    with ui.element("div").classes("page").props("id=content"):
        with ui.element("div").classes("bar"):
            heading("Service levels")
            ui.button("New service level", on_click=lambda: _edit_level(visit, None)).props(
                "no-caps unelevated"
            )
        ui.label("The severest one that fits counts, then the narrowest. Times are working minutes.").classes(
            "soft"
        )
        rows = await visit.run(deeds.all_levels) or []
        header = ("Name", "From severity", "Channels", "Languages", "First", "Next", "Resolution", "Hours")
        _table(
            header,
            [(_level_cells(row), partial(_edit_level, visit, row)) for row in rows],
            empty="Nothing is promised yet.",
        )


@ui.page("/accounts")
async def accounts_page(request: Request) -> None:
    """Show who may come in."""
    visit = begin(request, Permission.ACCOUNTS)
    if visit is None:
        return
    with ui.element("div").classes("page").props("id=content"):
        with ui.element("div").classes("bar"):
            heading("Accounts")
            ui.button("New account", on_click=lambda: _new_account(visit)).props("no-caps unelevated")
        rows = await visit.run(deeds.all_accounts) or []
        header = ("Name", "E-mail", "Roles", "Languages", "Topics", "Capacity", "State", "Last seen")
        _table(
            header,
            [(_account_cells(row), partial(_edit_account, visit, row)) for row in rows],
            empty="Nobody has an account.",
        )


@ui.page("/audit")
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
        with ui.element("div").classes("bar"):
            heading("Audit log")
            field = ui.input(value=subject, placeholder="ticket T-10042").props(
                'outlined dense aria-label="Subject"'
            )
            field.on("keydown.enter", lambda: ui.navigate.to(f"/audit?subject={field.value}"))
            quiet_button("Check the seals", check)
        rows = await visit.run(deeds.audit_log, subject=subject) or []
        _table(
            ("Time (UTC)", "Who", "What", "Of which", "Details"),
            [
                (
                    (
                        f"{row.at:%Y-%m-%d %H:%M:%S}",
                        row.actor,
                        row.action,
                        row.subject,
                        json.dumps(row.detail, ensure_ascii=False) if row.detail else "",
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
    with ui.element("div").classes("scroll tall").props('tabindex="0"'), ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for name in header:
                with ui.element("th").props('scope="col"'):
                    ui.label(name)
        with ui.element("tbody"):
            for cells, edit in rows:
                with ui.element("tr"):
                    for number, cell in enumerate(cells):
                        with ui.element("td"):
                            if number == 0 and edit is not None:
                                quiet_button(str(cell), edit)
                            else:
                                ui.label(str(cell))


async def _edit_reply(visit: Visit, row: ReplyRow | None) -> None:
    with ui.dialog(value=True).props('aria-label="Canned reply"'), ui.card().classes("ticket"):
        shortcut = ui.input("Shortcut", value=row.shortcut if row else "").props("outlined")
        language = ui.select(list(_LANGUAGES), value=row.language if row else "en", label="Language")
        text = ui.textarea("Text", value=row.text if row else "").props("outlined autogrow").classes("wide")

        async def save() -> None:
            await _and_again(
                visit, replies.save_reply, str(shortcut.value), str(language.value), str(text.value)
            )

        with ui.element("div").classes("bar"):
            ui.button("Save", on_click=save).props("no-caps unelevated")
            if row is not None:
                quiet_button("Delete", lambda: _and_again(visit, replies.delete_reply, row.id), tone="danger")


async def _edit_level(visit: Visit, row: LevelRow | None) -> None:
    hours: JSONObject = row.hours if row else _OFFICE_HOURS
    week = hours["week"]
    with ui.dialog(value=True).props('aria-label="Service level"'), ui.card().classes("ticket"):
        name = ui.input("Name", value=row.name if row else "").props("outlined")
        severity = ui.select(
            [one.value for one in Severity],
            value=row.least_severity.value if row else Severity.LOW.value,
            label="From severity",
        )
        channels = ui.input("Channels (none: all)", value=", ".join(row.channels) if row else "")
        languages = ui.input("Languages (none: all)", value=", ".join(row.languages) if row else "")
        with ui.element("div").classes("bar"):
            first = _minutes("First response, minutes", row.first_response_min if row else 30)
            following = _minutes("Next response", row.next_response_min if row else 60)
            resolution = _minutes("Resolution", row.resolution_min if row else 480)
            warn = _minutes("Warn before", row.warn_before_min if row else 5)
        zone = ui.input("Time zone", value=hours["time_zone"])
        country = ui.input("Public holidays of (country code)", value=hours.get("country") or "")
        closed = ui.input("Closed on (dates)", value=", ".join(hours.get("closed") or ()))
        with ui.element("div").classes("bar"):
            days = {day: ui.input(day, value=", ".join(week.get(day, ()))).classes("day") for day in DAYS}

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

        ui.button("Save", on_click=save).props("no-caps unelevated")


async def _new_account(visit: Visit) -> None:
    with ui.dialog(value=True).props('aria-label="New account"'), ui.card().classes("ticket"):
        name = ui.input("Name").props("outlined")
        email = ui.input("E-mail").props("outlined type=email")
        password = ui.input("First password, at least 10 characters", password=True).props(
            'outlined autocomplete="new-password"'
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

        ui.button("Open account", on_click=save).props("no-caps unelevated")


async def _edit_account(visit: Visit, row: AccountRow) -> None:
    with ui.dialog(value=True).props(f'aria-label="{row.email}"'), ui.card().classes("ticket"):
        ui.label(f"{row.name} ({row.email})").classes("title")
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

        password = ui.input("New password", password=True).props('outlined autocomplete="new-password"')
        with ui.element("div").classes("bar"):
            ui.button("Save", on_click=save).props("no-caps unelevated")
            quiet_button(
                "Set password", lambda: _and_again(visit, deeds.set_password, row.id, str(password.value))
            )
            change = deeds.close_account if row.is_open else deeds.reopen_account
            quiet_button(
                "Close account" if row.is_open else "Open again",
                lambda: _and_again(visit, change, row.id),
                tone="danger",
            )


def _choice_of(label: str, names: list[str], chosen: list[str]) -> ui.select:
    return ui.select(names, value=chosen, label=label, multiple=True).props("outlined").classes("wide")


def _minutes(label: str, value: int | None) -> ui.number:
    return ui.number(label, value=value, min=0, precision=0).props("outlined dense")


def _number(value: float | None) -> int | None:
    return int(value) if value else None


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _level_cells(row: LevelRow) -> tuple[object, ...]:
    times = (row.first_response_min, row.next_response_min, row.resolution_min)
    week = row.hours["week"]
    spans = ", ".join(f"{day} {' '.join(week[day])}" for day in DAYS if week.get(day))
    return (
        row.name,
        row.least_severity.value,
        ", ".join(row.channels) or "all",
        ", ".join(row.languages) or "all",
        *("–" if minutes is None else f"{minutes} min" for minutes in times),
        f"{spans} ({row.hours['time_zone']})",
    )


def _account_cells(row: AccountRow) -> tuple[object, ...]:
    return (
        row.name,
        row.email,
        ", ".join(one.value.replace("_", " ") for one in row.roles),
        ", ".join(row.languages) or "all",
        ", ".join(row.topics) or "all",
        row.capacity,
        "open" if row.is_open else "closed",
        f"{row.seen_at:%Y-%m-%d %H:%M} UTC" if row.seen_at else "never",
    )


async def _and_again(visit: Visit, call: Callable[..., None], *args: object, **options: object) -> None:
    """Make a change and show the page anew; after a refusal it stays as it is, to be put right."""
    if await visit.succeeds(call, *args, **options):
        ui.navigate.reload()
