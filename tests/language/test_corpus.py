"""A company's messages are read from tables and lines, and a bad file is told by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from language.corpus import CorpusError, read_corpus


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", 'id,text\n1,hello\n2,"two, in\nlines"\n3,  \n'),
        ("m.tsv", "id\ttext\n1\thello\n2\t\"two, in\nlines\"\n"),
        ("m.csv", '\ufeffid, text \n1,hello\n\n2,"two, in\nlines"\n'),
        ("m.csv", 'id,text\r\n1,hello\r\n2,"two, in\nlines"\r\n'),
    ],
    ids=["csv", "tsv", "byte-order-mark", "windows"],
)  # fmt: skip
def test_a_column_of_a_table_is_read(tmp_path: Path, name: str, content: str) -> None:
    """Quoted cells may hold commas and line ends; empty cells and lines are left out."""
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert read_corpus(path) == ["hello", "two, in\nlines"]


def test_any_other_file_has_one_message_a_line(tmp_path: Path) -> None:
    """Lines are stripped, empty ones left out, and commas mean nothing."""
    path = tmp_path / "messages.txt"
    path.write_text("hello, you\n\n  我要退货 \nnul\0 byte", encoding="utf-8")
    assert read_corpus(path) == ["hello, you", "我要退货", "nul byte"]


def test_endless_messages_are_cut(tmp_path: Path) -> None:
    """A log pasted into one cell is read as far as a message may be long."""
    path = tmp_path / "messages.csv"
    path.write_text(f"text\n{'x' * 300_000}\n", encoding="utf-8")
    assert [len(text) for text in read_corpus(path)] == [10_000]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,texts\n1,a\n", r"csv:1: no column 'text', did you mean 'texts'\? \(found: 'id', 'texts'\)"),
        (b"", r"messages.csv:1: no column 'text' \(found: nothing\)"),
        (b"id,text\n1,a\n2\n", r"messages.csv:3: found 1 columns, 'text' is number 2"),
        (b'id,text\n1,"a\n', r"messages.csv:\d+: no readable table"),
        (b"id,text\n1,caf\xe9\n", r"messages.csv:2: no UTF-8 \(byte 0xe9\)"),
    ],
    ids=["other column", "empty", "short row", "open quote", "latin-1"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    """The message names the file, the line, what was found and what was expected."""
    path = tmp_path / "messages.csv"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_corpus(path)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    """It is there, so it is not called missing."""
    with pytest.raises(CorpusError, match="found a folder, expected"):
        read_corpus(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Nothing is read from nowhere."""
    with pytest.raises(CorpusError, match=r"nowhere\.csv: there is no such file"):
        read_corpus(tmp_path / "nowhere.csv")
