"""Column types that behave the same on SQLite and PostgreSQL, and the base of all tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy
from sqlalchemy import DateTime, Dialect, Enum, MetaData, Numeric, Text
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass
from sqlalchemy.types import TypeDecorator, TypeEngine

JSON = Any  # a JSON value as it crosses a wire; never looked into without a check
JSONObject = dict[str, JSON]

FIRST_NUMBER = 10_000  # added to a row's id where people want a number of five digits

_CENT = Decimal("0.01")


def utc_now() -> datetime:
    """The present as an aware UTC datetime."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes, kept in UTC; SQLite has no time zones, so they are taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values: nobody knows which hour they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value.isoformat()}, expected one with a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every value its zone back, whatever the session's zone of the server is."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An amount with two places; the currency stands in a column beside it."""

    impl = Numeric(12, 2)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite knows floats only: twelve digits survive the way through them."""
        if dialect.name != "sqlite":
            return dialect.type_descriptor(Numeric(12, 2))
        return dialect.type_descriptor(Numeric(12, 2, asdecimal=False))

    def process_result_value(self, value: Decimal | float | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Read `129.9` as `129.90`."""
        return None if value is None else Decimal(str(value)).quantize(_CENT)


class PlainText(TypeDecorator[str]):
    """Text of customers and channels, without what a database refuses: NUL and lone surrogates."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Drop NUL, put a question mark for half a surrogate pair."""
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """What both databases accept of a text."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def choice(choices: type[StrEnum], constraint: str) -> Enum:
    """A column that holds the values of a closed set, checked by the database under the given name."""
    return Enum(
        choices,
        name=constraint,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(MappedAsDataclass, DeclarativeBase, eq=False, repr=False):
    """A row; rows are equal only to themselves."""

    metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(column_0_label)s"})
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        Decimal: Money,
        str: PlainText,
        list[str]: sqlalchemy.JSON,
        dict[str, str]: sqlalchemy.JSON,
        JSONObject: sqlalchemy.JSON,
        list[JSONObject]: sqlalchemy.JSON,
        list[JSONObject]: sqlalchemy.JSON,
    }
