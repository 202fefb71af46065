"""What all pages have around them: who is signed in, the ways to the other pages, and alerts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
from fastapi import Request
from nicegui import Client, app, context, ui

from crm_connector.choices import Presence
from crm_connector.database import StoreUnavailable
from desk.access import Desk, Forbidden, NotSignedIn, Permission, Visitor
from desk.alerts import Alert
from desk.changes import Changes, News
from desk.components import plain
from desk.deeds.conversations import Refused
from desk.deeds.presence import be_present
from desk.deeds.training import Assistant
from desk.sign_in import COOKIE, SIGN_IN

T = TypeVar("T")

_log = structlog.get_logger(__name__)
_PAGE_WITHIN_S = 60.0
_TOLD_AT_ONCE = 3
_STATIC = Path(__file__).parent.parent / "static"


@dataclass(frozen=True, slots=True)
class Workplace:
    """What pages work with; without an assistant there is nothing to train."""

    desk: Desk
    changes: Changes
    assistant: Assistant | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A page that somebody with the permission can go to."""

    path: str
    label: str
    icon: str
    permission: Permission


DESTINATIONS = (
    Destination("/", "Conversations", "forum", Permission.CONVERSATIONS),
    Destination("/tickets", "Tickets", "confirmation_number", Permission.TICKETS),
    Destination("/opportunities", "Opportunities", "trending_up", Permission.OPPORTUNITIES),
    Destination("/reports", "Reports", "bar_chart", Permission.REPORTS),
    Destination("/training", "Training inbox", "school", Permission.TRAINING),
    Destination("/replies", "Canned replies", "quickreply", Permission.REPLIES),
    Destination("/service-levels", "Service levels", "timer", Permission.SERVICE_LEVELS),
    Destination("/accounts", "Accounts", "group", Permission.ACCOUNTS),
    Destination("/audit", "Audit log", "history", Permission.AUDIT),
)

# All fields of all forms look alike.
for field in (ui.input, ui.select, ui.textarea, ui.number):
    field.default_props("outlined dense")

_workplace: list[Workplace] = []  # NiceGUI's pages are functions of the module: they find it here


def open_workplace(workplace: Workplace) -> None:
    """Say which desk the pages show, and let the browser have the components that they are made of."""
    _workplace[:] = [workplace]
    app.add_static_files("/static", _STATIC)


@dataclass(frozen=True, slots=True)
class Visit:
    """One open page of somebody; calls run in a thread, and what is refused is told instead of raised."""

    token: str
    visitor: Visitor
    workplace: Workplace

    async def run(self, call: Callable[..., T], *args: object, **options: object) -> T | None:
        """Call a deed or a view as this visitor; None when it was refused, which she was told."""
        found: list[T] = []
        await self.succeeds(lambda *given, **named: found.append(call(*given, **named)), *args, **options)
        return found[0] if found else None

    async def succeeds(self, call: Callable[..., object], *args: object, **options: object) -> bool:
        """Call a deed as this visitor; False when it was refused, which she was told."""
        try:
            await asyncio.to_thread(call, self.workplace.desk, self.token, *args, **options)
        except NotSignedIn:
            ui.navigate.to(SIGN_IN)
        except (Forbidden, Refused, ValueError) as refusal:
            ui.notify(str(refusal), type="warning", position="top")
        except StoreUnavailable:
            ui.notify(
                "The desk cannot reach its store. Nothing was changed.", type="negative", position="top"
            )
        else:
            return True
        return False

    async def solved(self, channel: str, sender_id: str) -> None:
        """Tell the assistant, which may ask the customer how it went; what it fails at is logged alone."""
        if self.workplace.assistant is None:
            return
        try:
            await self.workplace.assistant.resolved(channel, sender_id)
        # A rim: the conversation is solved, whatever the assistant has to say about it.
        except Exception:  # noqa: BLE001
            _log.exception("the assistant did not hear that a conversation was solved", sender_id=sender_id)


def desk_page(path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a page; where the store is slow it comes late, instead of not at all after three seconds."""
    return ui.page(path, response_timeout=_PAGE_WITHIN_S)


def begin(request: Request, permission: Permission) -> Visit | None:
    """Who visits a page; None when her roles do not allow it, which the page then says."""
    workplace = _workplace[0]
    token = request.cookies.get(COOKIE, "")
    visitor = workplace.desk.visitor(token)
    if visitor is None:
        ui.navigate.to(SIGN_IN)
        return None
    visit = Visit(token, visitor, workplace)
    _frame(visit, request.url.path.removeprefix("/desk") or "/")
    if not workplace.desk.opens(visitor, permission):
        with ui.element("div").classes("page"):
            ui.label("Your role does not open this page.").classes("empty").props("role=alert")
        return None
    return visit


def heading(text: str, lead: str = "") -> None:
    """Name a page, and perhaps say in a sentence what it is for."""
    with ui.element("div").classes("heading"):
        ui.label(text).classes("title").props("role=heading aria-level=1")
        if lead:
            ui.label(lead).classes("soft")


def main_button(label: str, on_click: Callable[..., object]) -> ui.button:
    """The one button of a page or a form that does what it is there for."""
    return ui.button(label, on_click=on_click, color=None).props("unelevated no-caps").classes("main")


def quiet_button(label: str, on_click: Callable[..., object], *, tone: str = "plain") -> ui.button:
    """A button without a ground, in our own colours, for light and dark; `tone` may be `danger`."""
    return ui.button(label, on_click=on_click, color=None).props("flat no-caps").classes(tone)


def cells_table(header: Sequence[str], rows: Sequence[Sequence[str | Callable[[], object]]]) -> None:
    """A table, on a phone one card a row; a cell that is no text is drawn by calling it."""
    with ui.element("div").classes("scroll cards").props('tabindex="0"'), ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for name in header:
                with ui.element("th").props('scope="col"'):
                    ui.label(name)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for name, cell in zip(header, row, strict=True):
                        with ui.element("td") as place:
                            place.props["data-label"] = name
                            if callable(cell):
                                cell()
                            else:
                                ui.label(cell).props("dir=auto")


def show(element: ui.element, **values: object) -> None:
    """Give a component other values to show."""
    for name, value in values.items():
        element.props[name] = plain(value)
    element.update()


def show_changes(element: ui.element, **values: object) -> None:
    """The same, but send nothing to the browser when it shows all that already."""
    given = {name: plain(value) for name, value in values.items()}
    if any(name not in element.props or element.props[name] != value for name, value in given.items()):
        element.props.update(given)
        element.update()


async def choose(question: str, answers: Mapping[str, str]) -> str | None:
    """Ask for one of several answers; None when she thinks better of it."""
    with ui.dialog() as dialog, ui.card().classes("choose"):
        dialog.props["aria-label"] = question
        ui.label(question).classes("question")
        if not answers:
            ui.label("There is nothing to choose from.").classes("soft")
        for value, label in answers.items():
            button = quiet_button(label, lambda _, value=value: dialog.submit(value), tone="answer")
            button.props("align=left" + (" autofocus" if value == next(iter(answers)) else ""))
        quiet_button("Cancel", lambda: dialog.submit(None))
    answer: str | None = await dialog
    if not dialog.is_deleted:  # with its page, which was left in the meantime
        dialog.delete()
    return answer


def on_news(visit: Visit, listener: Callable[[News], object]) -> None:
    """Call a listener with all news while this page is open, in its context."""
    client = context.client

    def tell(news: News) -> None:
        with client:
            listener(news)

    _until_gone(client, visit.workplace.changes.subscribe(tell))


def _until_gone(client: Client, unsubscribe: Callable[[], None]) -> None:
    client.on_delete(lambda: unsubscribe())


def _frame(visit: Visit, path: str) -> None:
    """Put up the ways to the other pages: a rail at the side, which a phone hides behind a button."""
    ui.add_head_html('<link rel="stylesheet" href="/desk/static/desk.css">')
    ui.colors(primary="#0b6b63", negative="#b3261e", positive="#17693f", warning="#8a5300", info="#33475b")
    ways = [place for place in DESTINATIONS if visit.visitor.may(place.permission)]
    here = next((place.label for place in DESTINATIONS if place.path == path), "Frontdesk")
    with ui.element("header").classes("top"):
        with ui.element("button").classes("icon").props('type=button popovertarget=ways aria-label="Menu"'):
            ui.icon("menu").props("aria-hidden=true")
        ui.label(here).classes("here")
    with ui.element("div").classes("rail").props("id=ways popover=auto"):
        with ui.element("div").classes("brand"):
            ui.element("img").props('src="/desk/static/icon.svg" alt="" width=32 height=32')
            ui.label("Frontdesk")
        with ui.element("nav").props('aria-label="Desk"'):
            for place in ways:
                _nav_link(place, is_here=place.path == path)
        _person(visit)
    on_news(visit, lambda news: _alert(visit, news.alerts))


def _nav_link(place: Destination, *, is_here: bool) -> None:
    link = ui.element("a").classes("nav")
    link.props["href"] = f"/desk{place.path}"
    if is_here:
        link.props('aria-current="page"')
    with link:
        ui.icon(place.icon).props("aria-hidden=true")
        ui.label(place.label)


def _person(visit: Visit) -> None:
    """Who she is, whether she takes conversations, and the way out."""
    name = visit.visitor.name
    with ui.element("div").classes("person"):
        with ui.element("div").classes("me") as me:
            me.props["title"] = name
            ui.label(initials(name)).classes("avatar").props("aria-hidden=true")
            ui.label(name).classes("name")
        if visit.visitor.may(Permission.CONVERSATIONS):
            _presence(visit)
        form = ui.element("form").props('method="post" action="/desk/sign-out"')
        with form, ui.element("button").classes("nav").props('type="submit"'):
            ui.icon("logout").props("aria-hidden=true")
            ui.label("Sign out")


def initials(name: str) -> str:
    """The first letters of the first and the last word; one character of a name that has no spaces."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def _presence(visit: Visit) -> None:
    client = context.client

    async def tell(presence: Presence | None = None) -> None:
        if client.has_socket_connection:  # a page that lost its browser says nothing
            await visit.run(be_present, presence)

    switch = ui.switch("Taking conversations", value=visit.visitor.presence != Presence.AWAY).props("dense")
    switch.on_value_change(lambda event: tell(Presence.ONLINE if event.value else Presence.AWAY))
    ui.timer(45.0, tell)


def _alert(visit: Visit, alerts: tuple[Alert, ...]) -> None:
    """Tell what is hers and what is everybody's, her own first; of many at once some, and how many more."""
    heard = [one for one in alerts if one.agent_id in (None, visit.visitor.agent_id)]
    heard.sort(key=lambda one: one.agent_id is None)
    for alert in heard[:_TOLD_AT_ONCE]:
        _tell(alert.text, is_urgent=alert.is_urgent)
    rest = heard[_TOLD_AT_ONCE:]
    if rest:
        _tell(f"And {len(rest)} more", is_urgent=any(alert.is_urgent for alert in rest))


def _tell(text: str, *, is_urgent: bool) -> None:
    ui.notify(text, type="negative" if is_urgent else "info", position="top-right", timeout=8000)
