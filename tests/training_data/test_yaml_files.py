"""Reading YAML as Rasa does, with lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import InvalidProject
from bot.training_data.findings import Findings
from bot.training_data.yaml_files import parse_yaml, read_yaml, version_is_readable, yaml_files_below
from bot.training_data.yaml_values import YamlList, YamlMap, plain


def only_error(text: str) -> str:
    """Parse a broken text and return its message."""
    with pytest.raises(InvalidProject) as caught:
        parse_yaml(text, "file.yml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", 1000),
        ("-5", -5),
        ("1e3", 1000.0),
        ("3.1", 3.1),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("~", None),
        ("null", None),
        ("", None),
        ("2024-05-01", "2024-05-01"),
        ("1:30", "1:30"),
        ("+49 30 1234", "+49 30 1234"),
        ("0b_", "0b_"),
        ("0x_", "0x_"),
        ("._", "._"),
        ("9" * 5000, "9" * 5000),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
        ('"5"', "5"),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("订单", "订单"),
        ("🙂", "🙂"),
    ],
)
def test_plain_scalars_follow_yaml_1_2(written: str, value: object) -> None:
    """Only true and false are booleans, and quoted values stay text."""
    document = parse_yaml(f"key: {written}\n")
    assert document["key"] == value
    assert type(document["key"]) is type(value)


def test_lines_of_keys_items_and_blocks() -> None:
    """Every key, item and block knows the line where it begins."""
    document = parse_yaml("a: 1\nlist:\n- x\n\n- y: 2\n  block: |\n    first\n    second\n", "f.yml")
    assert isinstance(document, YamlMap)
    assert str(document.at("list")) == "f.yml:2"
    items = document["list"]
    assert isinstance(items, YamlList)
    assert [place.line for _, place in items.with_places()] == [3, 5]
    assert items[1].key_lines == {"y": 5, "block": 6}
    assert items[1].value_lines["block"] == 7


def test_plain_gives_a_copy_of_dicts_and_lists() -> None:
    """What leaves this room for the wires carries no line numbers."""
    document = parse_yaml("a: {b: [1, {c: 2}]}")
    copied = plain(document)
    assert copied == {"a": {"b": [1, {"c": 2}]}}
    assert type(copied["a"]["b"]) is list
    assert type(copied["a"]["b"][1]) is dict


def test_environment_variables_expand_in_unquoted_text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quoted text, blocks and names without braces stay as written."""
    monkeypatch.setenv("SHOP_HOST", "shop.example")
    document = parse_yaml(
        "a: https://${SHOP_HOST}/x\nb: '${SHOP_HOST}'\nc: |\n  ${SHOP_HOST}\nd: $SHOP_HOST\n"
    )
    assert list(document.values()) == [
        "https://shop.example/x",
        "${SHOP_HOST}",
        "${SHOP_HOST}\n",
        "$SHOP_HOST",
    ]


def test_unset_environment_variable_is_an_error_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing secret is named where it is used."""
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    assert only_error("a: 1\ntoken: ${NOT_SET_ANYWHERE}\n").startswith("file.yml:2: error: the environment")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "file.yml:3", "stands twice, first in line 1"),
        ("a: [1, 2\nb: 3\n", "file.yml:2", "broken YAML"),
        ("a: 1\n  b: 2\n", "file.yml:2", "broken YAML"),
        ("a: *missing\n", "file.yml:1", "unknown alias"),
        ("a: 1\n---\nb: 2\n", "file.yml:2", "one document"),
        ("{a: b}: c\n", "file.yml:1", "a key cannot be a mapping"),
        ("a: " + "[" * 200 + "]" * 200, "file.yml:1", "nested deeper"),
        ("a: \x01\n", "file.yml", "broken YAML"),
    ],
    ids=["key twice", "open list", "indentation", "alias", "two documents", "key", "depth", "control"],
)
def test_broken_files_are_refused_with_their_line(text: str, place: str, words: str) -> None:
    """Every syntax error says where it is and what was found."""
    message = only_error(text)
    assert message.startswith(place)
    assert words in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\n\nb: \x07\n", "file.yml:3: error: broken YAML: character U+0007"),
        ("a: 1\nb: x\ud800\n", "file.yml:2: error: half a character, \\ud800"),
    ],
    ids=["control character", "lone surrogate"],
)
def test_characters_that_yaml_refuses_are_named_with_their_line(text: str, words: str) -> None:
    """The parser itself counts only characters, and what is sent over HTTP may hold half ones."""
    assert only_error(text).startswith(words)


def test_aliases_cannot_make_a_small_file_endless() -> None:
    """Seven lines of ten aliases each would be ten million values."""
    lines = ["a0: &a0 [" + ", ".join("x" * 10) + "]"]
    lines += [f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]" for i in range(7)]
    assert "aliases make more than 1,000,000 values" in only_error("\n".join(lines))


def test_aliases_cannot_nest_deeper_than_text() -> None:
    """A chain of aliases counts as deep as what it stands for."""
    lines = ["a0: &a0 [x]", *(f"a{i + 1}: &a{i + 1} [*a{i}]" for i in range(99))]
    assert "file.yml:100: error: broken YAML: nested deeper than 100" in only_error("\n".join(lines))
    assert parse_yaml("\n".join(lines[:-1]))


def test_aliases_and_merge_keys_are_followed() -> None:
    """A merged mapping fills in what the own keys do not say."""
    document = parse_yaml("base: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\nagain: *b\n")
    assert document["own"] == {"y": 3, "x": 1}
    assert document["again"] == {"x": 1, "y": 2}


def test_ascii_files_decode_unicode_escapes_everywhere() -> None:
    """In a file of pure ASCII an escape stands for its character even in plain text."""
    assert parse_yaml("a: \\u4f60\\ud83d\\ude00\n") == {"a": "你😀"}
    assert parse_yaml("a: C:\\users\n") == {"a": "C:\\users"}


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """A missing file and a file in another encoding are findings, not crashes."""
    wrong = tmp_path / "latin.yml"
    wrong.write_bytes("a: 1\nb: Größe\n".encode("latin-1"))
    with pytest.raises(InvalidProject, match=r"latin\.yml:2: error: byte 0xf6 is not UTF-8"):
        read_yaml(wrong)
    with pytest.raises(InvalidProject, match="cannot read the file"):
        read_yaml(tmp_path / "none.yml")


def test_empty_file_is_an_empty_mapping(tmp_path: Path) -> None:
    """A file with nothing but comments says nothing."""
    path = tmp_path / "empty.yml"
    path.write_text("# nothing\n")
    assert read_yaml(path) == {}


@pytest.mark.parametrize(
    ("version", "is_read", "warnings"),
    [('"3.1"', True, 0), ('"3.0"', True, 1), ('"4.0"', False, 1), ("3.1", True, 1), ('"new"', True, 1)],
)
def test_version_rule(version: str, is_read: bool, warnings: int) -> None:
    """A newer file is passed over, an older or unquoted version only warned about."""
    findings = Findings()
    assert version_is_readable(parse_yaml(f"version: {version}\n"), findings) is is_read
    assert len(findings.items) == warnings
    assert not findings.errors


def test_files_below_folders_are_sorted_and_hidden_ones_left_out(tmp_path: Path) -> None:
    """The order of files does not depend on the file system."""
    for name in ("b/2.yml", "b/1.yaml", "a.yml", ".hidden.yml", ".git/x.yml", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    found = [path.relative_to(tmp_path).as_posix() for path in yaml_files_below([tmp_path])]
    assert found == ["a.yml", "b/1.yaml", "b/2.yml"]
