"""The keys of the conversations page, and the switch for those of a single letter.

Whoever dictates to her computer, or whose hand slips, sets them off unasked: each account can do without.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from desk.pages.frame import quiet_button

_KEYS = {
    "Ctrl + Enter": "send",
    "/": "canned replies, in a reply",
    "Esc": "leave what you write",
    "Tab, Enter": "everything else",
}
_LETTER_KEYS = {
    "j, k": "next and previous conversation",
    "c": "claim, or take over from the bot",
    "r, n": "write a reply, a private note",
    "a, s, e": "assign, snooze, resolve",
    "?": "these keys",
}


def show_keys(*, are_letters_on: bool, on_switch: Callable[[bool], Awaitable[object]]) -> None:
    """Say what the keys do; `on_switch` is called when those of a single letter are switched."""
    with ui.dialog(value=True).props('aria-label="Keys"') as dialog, ui.card().classes("choose"):
        ui.label("Keys").classes("question").props("role=heading aria-level=2")
        _rows(_KEYS)
        switch = ui.switch("Keys of a single letter", value=are_letters_on).props("dense")
        off = ui.label("They are off for your account. The buttons do the same.").classes("soft small")
        letters = _rows(_LETTER_KEYS)
        quiet_button("Close", dialog.close).props("autofocus")

    def tell(is_on: bool) -> None:
        off.set_visibility(not is_on)
        letters.set_visibility(is_on)

    async def turn(event: ValueChangeEventArguments[bool | None]) -> None:
        await on_switch(bool(event.value))
        tell(bool(event.value))

    tell(are_letters_on)
    switch.on_value_change(turn)


def _rows(keys: Mapping[str, str]) -> ui.element:
    with ui.element("dl").classes("facts") as rows:
        for key, does in keys.items():
            with ui.element("div"):
                with ui.element("dt"), ui.element("kbd"):
                    ui.label(key)
                with ui.element("dd"):
                    ui.label(does)
    return rows
