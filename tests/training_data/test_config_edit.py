"""An option is written into `config.yml`, and nothing else of the file changes."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from bot.errors import Location
from bot.training_data.config_edit import with_option
from bot.training_data.config_file import ComponentConfig, load_config
from bot.training_data.findings import Findings

CONFIG = """\
# how it understands
language: en
pipeline:
- name: BertUnderstanding     # heads
  fine_tune: head
# lookups follow
- name: EntityLookup
policies: []
"""


def _component(text: str, tmp_path: Path, name: str = "BertUnderstanding") -> ComponentConfig:
    path = tmp_path / "config.yml"
    path.write_text(text, encoding="utf-8")
    return next(line for line in load_config(path, Findings()).pipeline if line.name == name)


def test_a_new_option_stands_under_the_name(tmp_path: Path) -> None:
    """Comments, order and every other line stay as they were."""
    edited = with_option(CONFIG, _component(CONFIG, tmp_path), "backbone", "backbones/shop")
    assert edited == CONFIG.replace("# heads\n", "# heads\n  backbone: backbones/shop\n")
    assert _component(edited, tmp_path).options["backbone"] == "backbones/shop"


def test_an_old_value_is_replaced(tmp_path: Path) -> None:
    """The option of this line changes, one of the same name in another line does not."""
    text = CONFIG.replace("  fine_tune: head\n", "  fine_tune: head\n  backbone: old   # from May\n")
    text = text.replace("- name: EntityLookup\n", "- name: ResponseSelector\n  backbone: other\n")
    edited = with_option(text, _component(text, tmp_path), "backbone", "new")
    assert edited == text.replace("  backbone: old   # from May\n", "  backbone: new\n")


@pytest.mark.parametrize("value", ["/home/me/my bots/配 置", "yes: no", "#1", "C:\\bots"])
def test_any_path_can_be_read_back(tmp_path: Path, value: str) -> None:
    """What YAML would read otherwise is quoted."""
    edited = with_option(CONFIG, _component(CONFIG, tmp_path), "backbone", value)
    assert edited is not None
    assert _component(edited, tmp_path).options["backbone"] == value


def test_indented_lists_and_a_last_line_without_its_end(tmp_path: Path) -> None:
    """The option takes the indentation of the name, also at the very end of a file."""
    text = "language: en\npipeline:\n    -   name: BertUnderstanding"
    edited = with_option(text, _component(text, tmp_path), "backbone", "new")
    assert edited == text + "\n        backbone: new\n"


def test_what_is_written_in_braces_is_left_to_people(tmp_path: Path) -> None:
    """A line in braces, one without a place and one that has moved are not guessed at."""
    text = "language: en\npipeline: [{name: BertUnderstanding}]\n"
    assert with_option(text, _component(text, tmp_path), "backbone", "new") is None
    assert with_option(CONFIG, ComponentConfig("BertUnderstanding"), "backbone", "new") is None
    moved = ComponentConfig("BertUnderstanding", location=Location("config.yml", 7))
    assert with_option(textwrap.dedent(CONFIG), moved, "backbone", "new") is None
    beyond = ComponentConfig("BertUnderstanding", location=Location("config.yml", 99))
    assert with_option(CONFIG, beyond, "backbone", "new") is None
