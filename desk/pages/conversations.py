"""The page agents live on: the list, the conversation, the customer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import Request
from nicegui import ui
from nicegui.events import GenericEventArguments

from crm_connector.choices import Outcome
from crm_connector.columns import JSON
from desk.access import Permission
from desk.changes import News
from desk.components import ConversationList, CustomerPanel, Thread
from desk.deeds import conversations as deeds
from desk.deeds import customers as customer_deeds
from desk.deeds import replies
from desk.deeds.keys import use_letter_keys
from desk.pages.frame import Visit, begin, choose, desk_page, on_news, show, show_changes
from desk.pages.keys import show_keys
from desk.views import colleagues
from desk.views.conversation import OpenConversation, open_conversation
from desk.views.conversation_list import Folder, list_view
from desk.views.customer import customer_panel

_REFRESH_AT_MOST_EVERY_S = 0.4
_LOOK_EVERY_S = 10.0
_SNOOZES = {"1 hour": 1, "4 hours": 4, "Tomorrow": 24, "Next week": 7 * 24}
_OUTCOMES = {
    Outcome.SOLVED: "Solved",
    Outcome.CUSTOMER_LEFT: "The customer left",
    Outcome.DUPLICATE: "A duplicate",
    Outcome.SPAM: "Spam",
}


@desk_page("/")
async def conversations_page(
    request: Request, conversation: int | None = None, folder: Folder = Folder.MINE
) -> None:
    """Show the three panes; `?conversation=` opens one, `&folder=` lists others than one's own."""
    visit = begin(request, Permission.CONVERSATIONS)
    if visit is None:
        return
    page = _Page(visit, folder, has_letter_keys=visit.visitor.has_letter_keys)
    page.build()
    await page.refresh_list()
    if conversation is not None:
        await page.open(conversation)


@dataclass
class _Page:
    """The page of one browser tab; everything shown is read anew when news come."""

    visit: Visit
    folder: Folder = Folder.MINE
    search: str = ""
    present: OpenConversation | None = None
    has_letter_keys: bool = True
    _is_stale: asyncio.Event = field(default_factory=asyncio.Event)
    _stale_ids: set[int] = field(default_factory=set)

    def build(self) -> None:
        """Put up the panes, empty."""
        ui.label("Conversations").classes("unseen").props("role=heading aria-level=1")
        self.panes = ui.element("div").classes("panes").props("id=content")
        with self.panes:
            self.list = ConversationList()
            self.list.on("folder", self._folder).on("search", self._search).on("open", self._open)
            self.list.on("help", self._help)
            show(self.list, letterKeys=self.has_letter_keys)
            self.middle = ui.element("div").classes("middle")
            with self.middle, ui.element("div").classes("start"):
                ui.icon("forum").props("aria-hidden=true")
                ui.label("Choose a conversation.")
                if self.has_letter_keys:
                    ui.label("Or press j for the first, ? for all keys.").classes("small")
            self.customer = CustomerPanel()
            self.customer.on("open", self._open).on("decide", self._decide)
            self.customer.on("back", lambda: self._show("thread"))
        self.thread: Thread | None = None
        on_news(self.visit, self._news)
        ui.timer(_REFRESH_AT_MOST_EVERY_S, self._catch_up)
        ui.timer(_LOOK_EVERY_S, self._look)

    async def refresh_list(self) -> None:
        """Read the list and the counts again."""
        listed = await self.visit.run(list_view, self.folder, search=self.search)
        if listed is not None:
            show_changes(
                self.list, rows=listed.rows, counts=listed.counts, folder=self.folder, search=self.search,
                selected=self.present.id if self.present else None,
            )  # fmt: skip

    async def open(self, conversation_id: int) -> None:
        """Show a conversation and its customer."""
        found = await self.visit.run(open_conversation, conversation_id)
        if found is None:
            return
        if self.present is not None and self.present.id != found.id:
            await self.visit.run(deeds.look_away, self.present.id)
        self.present = found
        if self.thread is None:
            self.middle.clear()
            with self.middle:
                self.thread = Thread()
                self.thread.on("act", self._act).on("typed", self._typed).on("send", self._send)
                self.thread.on("show", lambda event: self._show(str(event.args)))
        may_assign = self.visit.visitor.may(Permission.ASSIGN)
        show(self.thread, open=found, choices=[], mayAssign=may_assign, letterKeys=self.has_letter_keys)
        show(self.list, selected=found.id)
        self._show("thread")
        self._note_address()
        panel = await self.visit.run(customer_panel, conversation_id)
        show(self.customer, panel=panel, stays=found.stays)
        await self._look()

    def _note_address(self) -> None:
        """Let the address say what is open, for a browser that has to load the page again."""
        if self.present is not None:
            ui.navigate.history.replace(f"/desk/?conversation={self.present.id}&folder={self.folder.value}")

    def _show(self, pane: str) -> None:
        """Say which pane a screen shows that has no room for all: `list`, `thread` or `customer`."""
        shown = {"thread": "shows-thread", "customer": "shows-thread shows-customer"}.get(pane, "")
        self.panes.classes(shown, remove="shows-thread shows-customer")

    def _news(self, news: News) -> None:
        self._stale_ids |= news.conversation_ids
        is_shown = self.present is not None and self.present.id in news.conversation_ids
        if news.is_of_people or is_shown or self.folder is Folder.BOT or self.search:
            self._is_stale.set()

    async def _catch_up(self) -> None:
        """Bring the page up to date, at most a few times a second however much happens."""
        if not self._is_stale.is_set():
            return
        self._is_stale.clear()
        ids, self._stale_ids = self._stale_ids, set()
        await self.refresh_list()
        if self.present is not None and self.present.id in ids:
            await self._refresh_thread()

    async def _refresh_thread(self) -> None:
        if self.present is None or self.thread is None:
            return
        found = await self.visit.run(open_conversation, self.present.id)
        if found is not None and found.id == self.present.id:
            self.present = found
            show_changes(self.thread, open=found)

    async def _look(self) -> None:
        if self.present is not None and self.thread is not None:
            others = await self.visit.run(deeds.look, self.present.id)
            show_changes(self.thread, others=others or [])

    async def _folder(self, event: GenericEventArguments) -> None:
        self.folder = Folder(event.args)
        self._note_address()
        await self.refresh_list()

    async def _search(self, event: GenericEventArguments) -> None:
        self.search = str(event.args)
        await self.refresh_list()

    def _help(self) -> None:
        show_keys(are_letters_on=self.has_letter_keys, on_switch=self._switch_letter_keys)

    async def _switch_letter_keys(self, is_on: bool) -> None:
        if await self.visit.succeeds(use_letter_keys, is_on=is_on):
            self.has_letter_keys = is_on
            for part in filter(None, (self.list, self.thread)):
                show_changes(part, letterKeys=is_on)

    async def _open(self, event: GenericEventArguments) -> None:
        await self.open(int(event.args))

    async def _send(self, event: GenericEventArguments) -> None:
        if self.present is None or self.thread is None:
            return
        words: dict[str, JSON] = event.args
        call = deeds.add_note if words["isNote"] else deeds.reply
        if await self.visit.succeeds(call, int(words["id"]), str(words["text"]), key=str(words["key"])):
            self.thread.run_method("sent", words)
            await self._refresh_thread()

    async def _typed(self, event: GenericEventArguments) -> None:
        if self.present is None or self.thread is None:
            return
        words: dict[str, JSON] = event.args
        slash = words["slash"]
        found = [] if slash is None else await self.visit.run(replies.choices, self.present.id, str(slash))
        show(self.thread, choices=found or [])
        if slash is None and not words.get("quiet"):
            text, is_note = str(words["text"]), bool(words["isNote"])
            await self.visit.run(deeds.keep_draft, int(words["id"]), text, is_note=is_note)

    async def _decide(self, event: GenericEventArguments) -> None:
        if self.present is not None:
            await self.visit.run(
                customer_deeds.decide_recommendation,
                int(event.args["id"]),
                accepted=bool(event.args["accepted"]),
            )
            show(self.customer, panel=await self.visit.run(customer_panel, self.present.id))

    async def _act(self, event: GenericEventArguments) -> None:
        name = str(event.args["name"])
        if self.present is None:
            return
        simple = {
            "claim": deeds.claim,
            "give_back": deeds.give_back,
            "release": deeds.release,
            "wake": deeds.wake,
        }
        if name in simple:
            await self.visit.run(simple[name], self.present.id)
        elif name == "resolve":
            await self._resolve(self.present.id)
        elif name == "snooze":
            await self._snooze(self.present.id)
        elif name == "assign":
            await self._assign(self.present.id)
        await self.refresh_list()
        await self._refresh_thread()
        if self.thread is not None and name == "claim" and self.present.is_mine:
            self.thread.run_method("write", False)
        elif self.thread is not None:
            self.thread.run_method("settle")

    async def _resolve(self, conversation_id: int) -> None:
        chosen = await choose("How did it end?", {one.value: label for one, label in _OUTCOMES.items()})
        if chosen is not None:
            done = await self.visit.succeeds(deeds.give_back, conversation_id, Outcome(chosen))
            if done and chosen == Outcome.SOLVED and self.present is not None:
                await self.visit.solved(self.present.channel, self.present.sender_id)

    async def _snooze(self, conversation_id: int) -> None:
        chosen = await choose(
            "Put aside until the customer writes, or for", {name: name for name in _SNOOZES}
        )
        if chosen is not None:
            await self.visit.run(deeds.snooze, conversation_id, timedelta(hours=_SNOOZES[chosen]))

    async def _assign(self, conversation_id: int) -> None:
        found = await self.visit.run(colleagues.colleagues)
        people = {
            str(one.account_id): f"{one.name} ({one.presence}, {one.load} of {one.capacity})"
            for one in found or ()
        }
        chosen = await choose("Give to", people)
        if chosen is not None:
            await self.visit.run(deeds.pass_on, conversation_id, int(chosen))
