"""Puts the desk under `/desk/` of the web application: sign-in, guard, pages, and the watcher of changes.

NiceGUI is one application in a process, and so is the desk: `mount` is called once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from nicegui import ui

from crm_connector.attachments import Attachments
from crm_connector.database import Store
from desk.access import Desk
from desk.changes import Changes
from desk.deeds.training import Assistant
from desk.files import FileDoor
from desk.guard import OnlySignedIn
from desk.options import DeskOptions
from desk.pages import administration, boards, conversations, reports, training
from desk.pages.frame import Workplace, open_workplace
from desk.provider import Provider
from desk.sign_in import SignInPages

# Importing a page registers it with NiceGUI.
PAGES = (administration, boards, conversations, reports, training)


@dataclass(frozen=True, slots=True)
class MountedDesk:
    """The desk of this process; `first_run_path` is where the first administrator is made."""

    desk: Desk
    changes: Changes
    first_run_path: str | None


def mount(
    app: FastAPI,
    store: Store,
    options: DeskOptions,
    *,
    assistant: Assistant | None = None,
    files: Attachments | None = None,
) -> MountedDesk:
    """Add the desk to an application, whose lifespan it shares; `files` are those that customers send."""
    desk = Desk(store, options.limits)
    changes = Changes(store, is_giving_out=options.assign)
    sign_in = SignInPages(desk, provider=options.openid_name if options.openid_issuer else None)
    open_workplace(Workplace(desk, changes, assistant))
    app.include_router(sign_in.router())
    if files is not None:
        app.include_router(FileDoor(desk, files).router())
    if options.openid_issuer:
        app.include_router(Provider(desk, options).router())
    _watch(app, changes)
    ui.run_with(
        app,
        mount_path="/desk",
        title="Frontdesk",
        dark=None,
        language="en-US",
        tailwind=False,
        favicon=Path(__file__).parent / "static" / "icon.svg",
        reconnect_timeout=30.0,
        show_welcome_message=False,
    )
    app.add_middleware(OnlySignedIn, desk=desk)
    return MountedDesk(desk, changes, sign_in.first_run_path())


def _watch(app: FastAPI, changes: Changes) -> None:
    """Watch while the application runs."""
    around = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncIterator[Any]:
        async with around(served) as state:
            changes.start()
            try:
                yield state
            finally:
                await changes.close()

    app.router.lifespan_context = lifespan
