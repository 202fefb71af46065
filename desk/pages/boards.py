"""The boards: tickets by status with what happened to each, and opportunities by stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from fastapi import Request
from nicegui import ui
from nicegui.events import GenericEventArguments

from crm_connector.choices import Priority, Stage, TicketStatus
from desk.access import Permission
from desk.components import Board
from desk.deeds import opportunities, tickets
from desk.deeds.conversations import new_key
from desk.pages.frame import Visit, begin, desk_page, heading, main_button, on_news, quiet_button, show
from desk.views.boards import (
    BoardColumn,
    TicketDetail,
    opportunity_board,
    ticket_board,
    ticket_detail,
)
from desk.views.colleagues import colleagues

_REFRESH_EVERY_S = 1.0


@desk_page("/tickets")
async def tickets_page(request: Request, ticket: int | None = None) -> None:
    """Show the tickets by status; `?ticket=` opens one."""
    visit = begin(request, Permission.TICKETS)
    if visit is None:
        return

    async def read(page: _BoardPage) -> tuple[BoardColumn, ...] | None:
        return await visit.run(ticket_board, is_mine=page.is_mine, search=page.search)

    async def move(ticket_id: int, to: str) -> None:
        await visit.run(tickets.move_ticket, ticket_id, TicketStatus(to))

    page = _BoardPage(visit, "Tickets", read, move, partial(_show_ticket, visit), can_be_mine=True)
    await page.build()
    if ticket is not None:
        await _show_ticket(visit, ticket)


@desk_page("/opportunities")
async def opportunities_page(request: Request) -> None:
    """Show the opportunities by stage."""
    visit = begin(request, Permission.OPPORTUNITIES)
    if visit is None:
        return

    async def read(page: _BoardPage) -> tuple[BoardColumn, ...] | None:
        return await visit.run(opportunity_board, search=page.search)

    async def move(opportunity_id: int, to: str) -> None:
        await visit.run(opportunities.move_opportunity, opportunity_id, Stage(to))

    await _BoardPage(visit, "Opportunities", read, move).build()


@dataclass
class _BoardPage:
    """A board with its search, which reads itself anew when news come."""

    visit: Visit
    title: str
    read: Callable[[_BoardPage], Awaitable[tuple[BoardColumn, ...] | None]]
    move: Callable[[int, str], Awaitable[None]]
    open: Callable[[int], Awaitable[None]] | None = None
    can_be_mine: bool = False
    search: str = ""
    is_mine: bool = False
    _is_stale: bool = False
    _board: Board = field(init=False)

    async def build(self) -> None:
        """Put up search and board."""
        with ui.element("div").classes("page").props("id=content"):
            with ui.element("div").classes("head"):
                heading(self.title)
                with ui.element("div").classes("bar"):
                    if self.can_be_mine:
                        mine = ui.switch("Only mine")
                        mine.on_value_change(lambda event: self._change(is_mine=bool(event.value)))
                    search = ui.input(placeholder="Search").props('clearable aria-label="Search"')
                    search.on_value_change(lambda event: self._change(search=str(event.value or "")))
            self._board = Board().on("move", self._moved)
            self._board.props["label"] = self.title
            if self.open is not None:
                self._board.props("opens").on("open", self._opened)
        on_news(self.visit, lambda _: setattr(self, "_is_stale", True))
        ui.timer(_REFRESH_EVERY_S, self._catch_up)
        await self.refresh()

    async def refresh(self) -> None:
        """Read the board again; a card that could not be moved goes back to its column."""
        columns = await self.read(self)
        if columns is not None:
            show(self._board, columns=columns)

    async def _change(self, *, search: str | None = None, is_mine: bool | None = None) -> None:
        self.search = self.search if search is None else search
        self.is_mine = self.is_mine if is_mine is None else is_mine
        await self.refresh()

    async def _catch_up(self) -> None:
        if self._is_stale:
            self._is_stale = False
            await self.refresh()

    async def _moved(self, event: GenericEventArguments) -> None:
        await self.move(int(event.args["id"]), str(event.args["to"]))
        await self.refresh()

    async def _opened(self, event: GenericEventArguments) -> None:
        if self.open is not None:
            await self.open(int(event.args))


async def _show_ticket(visit: Visit, ticket_id: int) -> None:
    """Show a ticket in a dialog until it is closed."""
    detail = await visit.run(ticket_detail, ticket_id)
    people = await visit.run(colleagues)
    if detail is None or people is None:
        return
    names = {one.account_id: one.name for one in people}
    with ui.dialog(value=True) as dialog, ui.card().classes("ticket"):
        dialog.props["aria-label"] = detail.number
        _ticket_head(visit, detail, names)
        if detail.description:
            ui.label(detail.description).classes("words").props("dir=auto")
        _ticket_history(detail)
        _ticket_writing(visit, detail, dialog)


def _ticket_head(visit: Visit, detail: TicketDetail, names: dict[int, str]) -> None:
    """What it is, and what can be changed about it."""
    with ui.element("div"):
        ui.label(f"{detail.number} · {detail.customer} · {detail.category}").classes("soft small")
        ui.label(detail.subject).classes("title").props("role=heading aria-level=2 dir=auto")
        if detail.merged_into:
            ui.label(f"Merged into {detail.merged_into}").classes("soft")
        if detail.conversation_id is not None:
            ui.link("Open the conversation", f"/desk/?conversation={detail.conversation_id}")
    with ui.element("div").classes("fields"):
        status = ui.select([one.value for one in TicketStatus], value=detail.status.value, label="Status")
        status.on_value_change(
            lambda event: visit.run(tickets.move_ticket, detail.id, TicketStatus(event.value))
        )
        priority = ui.select([one.value for one in Priority], value=detail.priority, label="Priority")
        priority.on_value_change(
            lambda event: visit.run(tickets.set_priority, detail.id, Priority(event.value))
        )
        known = detail.agent_account_id if detail.agent_account_id in names else 0
        agent = ui.select({0: "Nobody", **names}, value=known, label="Assignee")
        agent.on_value_change(lambda event: visit.run(tickets.assign_ticket, detail.id, event.value or None))


def _ticket_history(detail: TicketDetail) -> None:
    with ui.element("ol").classes("history").props('aria-label="History" tabindex=0'):
        for line in detail.history:
            with ui.element("li"):
                ui.label(line.text).classes("words").props("dir=auto")
                ui.label(f"{line.actor} · {line.at:%Y-%m-%d %H:%M} UTC").classes("soft small")


def _ticket_writing(visit: Visit, detail: TicketDetail, dialog: ui.dialog) -> None:
    """A note, and the number of the ticket that this one is a duplicate of."""
    key = new_key()

    async def keep() -> None:
        await visit.run(tickets.note_on_ticket, detail.id, str(text.value or ""), key=key)
        dialog.close()

    async def merge() -> None:
        await visit.run(tickets.merge_tickets, detail.id, str(number.value or ""))
        dialog.close()

    text = ui.textarea("Note").props("autogrow").classes("wide")
    with ui.element("div").classes("deeds"):
        main_button("Keep note", keep)
        quiet_button("Close", dialog.close)
        with ui.element("div").classes("bar away"):
            number = ui.input("Duplicate of", placeholder="T-10042")
            quiet_button("Merge", merge)
