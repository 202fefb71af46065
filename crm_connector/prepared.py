"""Statements that every message costs: compiled once for each database, then given to its driver as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as a driver takes it; `binds` are its parameters in their order, with what readies each.

    Some drivers take parameters by their place, others by their name.
    """

    text: str
    binds: Sequence[tuple[str, Callable[[Any], Any] | None]]
    by_place: bool

    def parameters(self, values: Values) -> Any:
        return self._shaped([ready(values[name]) if ready else values[name] for name, ready in self.binds])

    def parameters_of(self, rows: Sequence[Values]) -> list[Any]:
        """Return the parameters of each row; a value that the row before has as well is readied once."""
        found: list[Any] = []
        given: list[Any] = []
        made: list[Any] = []
        for values in rows:
            before, given = given, [values[name] for name, _ in self.binds]
            made = [
                made[place] if before and value is before[place] else ready(value) if ready else value
                for place, (value, (_, ready)) in enumerate(zip(given, self.binds, strict=True))
            ]
            found.append(self._shaped(made))
        return found

    def _shaped(self, ready: Sequence[Any]) -> Any:
        if self.by_place:
            return tuple(ready)
        return {name: value for (name, _), value in zip(self.binds, ready, strict=True)}


class Prepared:
    """A statement with plain parameters, run on the driver's cursor.

    Values go in as their columns' types say, and come back as the driver reads them. What breaks raises the
    driver's own errors. SQLAlchemy's way takes ten times as long for a message's statements as SQLite does.
    """

    def __init__(self, statement: ClauseElement, *, columns: Sequence[str] | None = None) -> None:
        """Take a statement; `columns` are those that an insert fills."""
        self._statement = statement
        self._columns = columns
        self._compiled: dict[tuple[str, str], _Compiled] = {}

    def rows(self, connection: Connection, values: Values) -> list[tuple[Any, ...]]:
        """Return all rows of the result."""
        compiled, cursor = self._for(connection.dialect), connection.connection.cursor()
        cursor.execute(compiled.text, compiled.parameters(values))
        rows = cast(list[tuple[Any, ...]], cursor.fetchall())
        cursor.close()
        return rows

    def run(self, connection: Connection, *values: Values) -> int:
        """Execute the statement once for each of the values; return how many rows it changed."""
        compiled, cursor = self._for(connection.dialect), connection.connection.cursor()
        cursor.executemany(compiled.text, compiled.parameters_of(values))
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get((dialect.name, dialect.driver))
        if compiled is None:
            made = cast(SQLCompiler, self._statement.compile(dialect=dialect, column_keys=self._columns))
            binds = [
                (name, made.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
                for name in made.positiontup or made.binds
            ]
            compiled = _Compiled(made.string, binds, made.positional)
            self._compiled[dialect.name, dialect.driver] = compiled
        return compiled
