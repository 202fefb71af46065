"""`frontdesk migrate` does what needs no thought, keeps the old files and names the rest."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.training_data.domain_file import load_domain
from bot.training_data.migration import BACKUP, migrate
from bot.training_data.yaml_files import read_yaml
from bot.training_data.yaml_values import plain

LEGACY = Path(__file__).parents[3] / "shared" / "conformance" / "legacy"

OLD_DOMAIN = """\
version: "2.0"   # as it came

intents:
  - greet
  - deny
entities: [city, guests]

slots:
  # where the table is
  city:
    type: text
    auto_fill: false

  # how many come
  guests:
    type: unfeaturized
  note:
    type: text   # whatever they say
  vip:
    type: bool
# What the forms ask for.
forms:
  # a table for tonight
  table_form:
    ignored_intents: greet
    required_slots:
      city:
        - type: from_entity
          entity: city
      note:
        - type: from_intent
          intent: deny
          value: none
        - type: from_text   # anything else
  # a table for later
  later_form:
    city:
      type: from_entity
      entity: city
# the end
"""


def _project(root: Path, domain: str = OLD_DOMAIN) -> Path:
    (root / "data").mkdir()
    (root / "domain.yml").write_text(domain, encoding="utf-8")
    (root / "config.yml").write_text("language: en\npipeline: []\npolicies:\n- name: RulePolicy\n", "utf-8")
    nlu = 'version: "2.0"\nnlu:\n- intent: greet\n  examples: |\n    - hi\n    - version: "2.0"\n'
    (root / "data" / "nlu.yml").write_text(nlu, encoding="utf-8")
    return root


def test_mappings_move_from_forms_to_slots(tmp_path: Path) -> None:
    """Each mapping gets the condition of its form; what was filled by itself gets a mapping."""
    _project(tmp_path)
    CliRunner().invoke(app, ["migrate", "--project", str(tmp_path)])
    domain = plain(read_yaml(tmp_path / "domain.yml"))
    in_table, in_later = {"active_loop": "table_form"}, {"active_loop": "later_form"}
    asked = {"active_loop": "table_form", "requested_slot": "note"}
    assert domain["version"] == "3.1"
    assert domain["slots"] == {
        "city": {
            "type": "text",
            "mappings": [{"type": "from_entity", "entity": "city", "conditions": [in_table, in_later]}],
        },
        "guests": {
            "type": "any",
            "influence_conversation": False,
            "mappings": [{"type": "from_entity", "entity": "guests"}],
        },
        "note": {
            "type": "text",
            "mappings": [
                {"type": "from_intent", "intent": "deny", "value": "none", "conditions": [asked]},
                {"type": "from_text", "conditions": [asked]},
            ],
        },
        "vip": {"type": "bool", "mappings": [{"type": "custom"}]},
    }
    assert domain["forms"] == {
        "table_form": {"required_slots": ["city", "note"], "ignored_intents": "greet"},
        "later_form": {"required_slots": ["city"]},
    }


def test_comments_stay_where_they_belong(tmp_path: Path) -> None:
    """A comment stands before the same key as before, and lines that nothing concerns are untouched."""
    _project(tmp_path)
    CliRunner().invoke(app, ["migrate", "--project", str(tmp_path)])
    text = (tmp_path / "domain.yml").read_text(encoding="utf-8")
    for line, following in re.findall(r"^ *# (.*)\n *(\S+)", OLD_DOMAIN, flags=re.MULTILINE):
        assert re.search(rf"^ *# {line}\n *{following}", text, flags=re.MULTILINE), line
    assert text.endswith("# the end\n")
    assert "# anything else" in text
    assert text.startswith('version: "3.1"   # as it came\n\nintents:\n  - greet\n  - deny\n')


def test_the_old_files_are_kept(tmp_path: Path) -> None:
    """The backup holds the files byte for byte, and a second run finds nothing to do."""
    _project(tmp_path)
    before = (tmp_path / "data" / "nlu.yml").read_bytes()
    CliRunner().invoke(app, ["migrate", "--project", str(tmp_path)])
    assert (tmp_path / BACKUP / "data" / "nlu.yml").read_bytes() == before
    assert (tmp_path / BACKUP / "domain.yml").read_text(encoding="utf-8") == OLD_DOMAIN
    assert (tmp_path / "data" / "nlu.yml").read_bytes() == before.replace(b"2.0", b"3.1", 1)
    again = CliRunner().invoke(app, ["migrate", "--project", str(tmp_path)])
    assert "Nothing to migrate" in again.output


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """It shows the change line by line and leaves the files alone."""
    _project(tmp_path)
    result = CliRunner().invoke(app, ["migrate", "--project", str(tmp_path), "--dry-run"])
    assert "+    mappings:" in result.output
    assert (tmp_path / "domain.yml").read_text(encoding="utf-8") == OLD_DOMAIN
    assert not (tmp_path / BACKUP).exists()


def test_an_earlier_backup_is_not_overwritten(tmp_path: Path) -> None:
    """With a backup in the way nothing is written."""
    _project(tmp_path)
    (tmp_path / BACKUP).mkdir()
    result = CliRunner().invoke(app, ["migrate", "--project", str(tmp_path)])
    assert result.exit_code == 1
    assert BACKUP in result.output.replace("\n", "")
    assert (tmp_path / "domain.yml").read_text(encoding="utf-8") == OLD_DOMAIN


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param("", "", r"domain.yml:39: warning: slot 'vip' got a custom mapping", id="custom"),
        pytest.param("      city:\n", "      town:\n", r"domain.yml:45: error: .*'town'", id="unknown-slot"),
        pytest.param("    type: bool\n", "    type: boole\n", r"domain.yml:4\d: error: .*boole", id="type"),
    ],
)
def test_what_is_left_is_named_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    """Each step that needs a person points at the line of the new file."""
    _project(tmp_path, OLD_DOMAIN.replace(old, new))
    result = CliRunner().invoke(app, ["migrate", "--project", str(tmp_path)], env={"COLUMNS": "300"})
    assert re.search(told, result.output)


def test_a_domain_in_several_files_is_migrated_as_one(tmp_path: Path) -> None:
    """Mappings reach a slot that another file defines."""
    head, slots, forms = re.split(r"^(?=slots:|# What)", OLD_DOMAIN, flags=re.MULTILINE)
    _project(tmp_path)
    (tmp_path / "domain.yml").unlink()
    (tmp_path / "domain").mkdir()
    for name, text in (("head", head), ("slots", 'version: "2.0"\n' + slots), ("forms", forms)):
        (tmp_path / "domain" / f"{name}.yml").write_text(text, encoding="utf-8")
    for file in migrate(tmp_path).files:
        file.path.write_text(file.after, encoding="utf-8")
    domain = load_domain([tmp_path / "domain"])
    assert domain.forms["table_form"].required_slots == ("city", "note")
    assert [mapping.type.value for mapping in domain.slots["note"].mappings] == ["from_intent", "from_text"]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "left"),
    [
        pytest.param("zh_guotie", [], id="zh_guotie"),
        pytest.param("zh_rasa_ch_faq", ["config.yml:40", "domain.yml:181"], id="zh_rasa_ch_faq"),
        pytest.param("carbon-bot", ["config.yml:4"], id="carbon-bot"),
    ],
)
def test_real_projects_of_rasa_2(tmp_path: Path, name: str, left: list[str]) -> None:
    """After migration they are valid, or what a person has to do is named with its line."""
    root = tmp_path / name
    shutil.copytree(LEGACY / name, root)
    for path in root.rglob("*"):
        path.chmod(0o755)
    result = CliRunner().invoke(app, ["migrate", "--project", str(root)], env={"COLUMNS": "300"})
    assert result.exit_code == bool(left)
    assert re.findall(rf"{name}/(\S+:\d+): error", result.output) == left
    assert load_domain([root / "domain.yml"]).forms
