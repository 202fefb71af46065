"""Slot types of a project's own, written as Rasa's documentation shows, decide what policies see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.dialogue.domain import Domain
from bot.errors import InvalidProject, Severity
from bot.runtime import model_package
from bot.runtime.check import check_project
from bot.runtime.fingerprints import fingerprints
from bot.runtime.own_code import make_importable
from bot.runtime.train import train
from bot.training_data.project import Project
from bot.written_for_rasa.slots import (
    AnySlot,
    BooleanSlot,
    CategoricalSlot,
    FloatSlot,
    ListSlot,
    Slot,
    TextSlot,
    with_own_slots,
)

PEOPLE = """
from rasa.shared.core.slots import ListSlot, Slot

class NumberOfPeople(Slot):
    def __init__(self, name, mappings, many=6, **options):
        super().__init__(name, mappings, **options)
        self.many = many
    def feature_dimensionality(self):
        return 2
    def as_feature(self):
        found = [0.0] * self.feature_dimensionality()
        if self.value == "broken":
            raise ValueError(self.value)
        if self.value == "too many":
            return [1.0]
        if self.value:
            found[0 if self.value <= self.many else 1] = 1.0
        return found

class Names(ListSlot):
    type_name = "names"
"""
FILES = {
    "config.yml": "language: en\npolicies: [{name: MemoizationPolicy}, {name: RulePolicy}]\n",
    "domain.yml": """
intents: [greet]
slots:
  people: {type: MODULE.NumberOfPeople, many: 4, mappings: [{type: custom}]}
  names: {type: MODULE.Names, mappings: [{type: custom}]}
responses: {utter_few: [{text: few}], utter_many: [{text: many}]}
""",
    "data/stories.yml": """
stories:
- story: few
  steps:
  - slot_was_set: [{people: 2}]
  - intent: greet
  - action: utter_few
- story: many
  steps:
  - slot_was_set: [{people: 9}]
  - intent: greet
  - action: utter_many
""",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write the project, with its slot types beside it."""
    module = f"slots_{tmp_path.name}"
    for name, content in {**FILES, f"{module}.py": PEOPLE}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content.replace("MODULE", module))
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        make_importable(tmp_path)
        yield tmp_path


def nothing(_data: Any, _pipeline: Any, folder: Path, **_: Any) -> SimpleNamespace:
    """Train no understanding."""
    folder.mkdir()
    return SimpleNamespace(components=(), notes=())


def test_policies_see_what_the_type_says(folder: Path) -> None:
    """Its options come from the domain; what it gets wrong is no features, and a line in the log."""
    domain = with_own_slots(Project.load(folder).domain)
    people, names = domain.slots["people"], domain.slots["names"]
    assert [people.features(value) for value in (None, 4, 5)] == [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    assert people.is_featurized
    assert names.coerce("Ada") == ["Ada"]
    assert [names.features(value) for value in (None, [], "Ada")] == [(0.0,), (0.0,), (1.0,)]


@pytest.mark.parametrize("value", ["broken", "too many"])
def test_what_fails_is_logged(folder: Path, value: str, caplog: pytest.LogCaptureFixture) -> None:
    """The conversation goes on."""
    domain = with_own_slots(Project.load(folder).domain)
    assert domain.slots["people"].features(value) == (0.0, 0.0)
    assert "slot 'people' has" in caplog.text


def test_a_model_brings_them_along(folder: Path) -> None:
    """Stories that differ in such a slot are told apart; a change of the type trains the policies again."""
    project = Project.load(folder)
    assert [item for item in check_project(project) if item.check in ("story-conflict", "own-slot")] == []
    trained = train(project, folder / "models", train_nlu=nothing)
    domain: Domain = model_package.open_package(trained.package.folder).load_domain()
    assert domain.slots["people"].features(9) == (0.0, 1.0)
    before = fingerprints(project, "1")["policies"]
    module = next(folder.glob("slots_*.py"))
    module.write_text(module.read_text() + "# other\n")
    assert fingerprints(project, "1")["policies"] != before


@pytest.mark.parametrize(
    ("old", "new", "severity", "words"),
    [
        ("NumberOfPeople,", "NumberOfPepple,", Severity.ERROR, "has no attribute 'NumberOfPepple'"),
        ("many: 4", "mny: 4", Severity.ERROR, "unexpected keyword argument 'mny'"),
        ("type: slots_", "type: no_such.slots_", Severity.WARNING, "policies will not see its value"),
    ],
)
def test_a_type_that_cannot_be_had_is_shown(
    folder: Path, old: str, new: str, severity: Severity, words: str
) -> None:
    """At the slot; where the code is not here at all, training goes on without it."""
    path = folder / "domain.yml"
    path.write_text(path.read_text().replace(old, new, 1))
    project = Project.load(folder)
    (found,) = [item for item in check_project(project) if item.check == "own-slot"]
    assert (found.severity, found.location and found.location.line) == (severity, 4)
    assert words in found.message
    if severity is Severity.ERROR:
        with pytest.raises(InvalidProject):
            train(project, folder / "models", train_nlu=nothing, check=check_project)


def test_rasas_types_may_be_inherited_from() -> None:
    """Each has the features of a slot of its name."""
    made: list[tuple[Slot, object, list[float]]] = [
        (TextSlot("a", []), "x", [1.0]),
        (BooleanSlot("a", []), False, [1.0, 0.0]),
        (ListSlot("a", []), "x", [1.0]),
        (FloatSlot("a", [], max_value=4.0), 1, [1.0, 0.25]),
        (CategoricalSlot("a", [], ["X", "y"]), "x", [1.0, 0.0, 0.0]),
        (AnySlot("a", []), "x", []),
    ]
    for slot, value, features in made:
        slot.value = value
        assert slot.as_feature() == features
        assert slot.has_been_set
        slot.reset()
        assert slot.value is None
