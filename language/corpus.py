"""The messages of a company out of a file: a table with a column of texts, or one text a line."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from pathlib import Path

DEFAULT_COLUMN = "text"
LONGEST_TEXT = 10_000  # characters; more of one message teach nothing
_TABLES = {".csv": ",", ".tsv": "\t"}


class CorpusError(Exception):
    """A corpus that cannot be read; the message names the file, and the line where there is one."""


def read_corpus(path: Path, column: str = DEFAULT_COLUMN) -> list[str]:
    """Return the texts of a `.csv` or `.tsv` table, or the lines of any other file; empty ones are left out.

    Raises:
        CorpusError: The file is missing, a folder, no UTF-8, no table, or lacks the column.
    """
    if path.is_dir():
        raise CorpusError(f"{path}: found a folder, expected a .csv or .tsv table, or one message a line")
    if not path.is_file():
        raise CorpusError(f"{path}: there is no such file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            texts = (
                _column(file, path, column, _TABLES[path.suffix.lower()])
                if path.suffix.lower() in _TABLES
                else file
            )
            return [text[:LONGEST_TEXT] for line in texts if (text := line.replace("\0", "").strip())]
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise CorpusError(f"{path}:{line}: no UTF-8 (byte {error.object[error.start]:#04x})") from error


def _column(file: Iterator[str], path: Path, column: str, delimiter: str) -> Iterator[str]:
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        heading = [name.strip() for name in next(reader, [])]
        if column not in heading:
            near = difflib.get_close_matches(column, heading, n=1)
            hint = f", did you mean '{near[0]}'?" if near else ""
            known = ", ".join(f"'{name}'" for name in heading) or "nothing"
            raise CorpusError(f"{path}:1: no column '{column}'{hint} (found: {known})")
        place = heading.index(column)
        for row in reader:
            if row and len(row) <= place:
                raise CorpusError(
                    f"{path}:{reader.line_num}: found {len(row)} columns, '{column}' is number {place + 1}"
                )
            if row:
                yield row[place]
    except csv.Error as error:
        raise CorpusError(f"{path}:{reader.line_num}: no readable table ({error})") from error
