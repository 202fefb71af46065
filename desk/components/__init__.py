"""What the browser shows: Vue components, fed with plain values, which they show as text, never as markup."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from nicegui.element import Element

from crm_connector.columns import JSON


class ConversationList(Element, component="conversation_list.js"):
    """Folders, search and rows; emits `folder`, `search`, `help` and `open`."""


class Thread(Element, component="thread.js"):
    """One conversation; emits `act`, `typed`, `send` and `show`, and has the method `sent`."""


class CustomerPanel(Element, component="customer.js"):
    """Who writes; emits `open`, `decide` and `back`."""


class Board(Element, component="board.js"):
    """Cards in columns; emits `move` and `open`."""


class TrainingInbox(Element, component="inbox.js"):
    """Doubtful messages; emits `validate`, `change`, `unknown`, `remove` and `reopen`."""


def plain(value: object) -> JSON:
    """A view as JSON: dataclasses become objects, times ISO 8601, money text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
