"""Domain files: defaults, order, merging and refusals."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from bot.dialogue.domain import DEFAULT_ACTIONS, DEFAULT_INTENTS, Domain, Form, SessionConfig
from bot.dialogue.slots import MappingCondition, MappingType, SlotType
from bot.errors import InvalidProject, Severity
from bot.training_data.domain_file import build_domain, load_domain, parse_domain
from bot.training_data.findings import Findings
from bot.training_data.yaml_files import parse_yaml


def read(text: str) -> tuple[Domain, Findings]:
    """Build a domain from one text."""
    findings = Findings()
    raw = parse_domain(parse_yaml(textwrap.dedent(text).lstrip("\n"), "domain.yml"), findings)
    return build_domain(raw, findings), findings


def test_empty_domain_has_the_built_in_parts() -> None:
    """Built-in intents, actions and slots exist without being written."""
    domain, findings = read("version: '3.1'")
    assert tuple(domain.intents) == tuple(sorted(DEFAULT_INTENTS))
    assert domain.action_names == DEFAULT_ACTIONS
    assert list(domain.slots) == ["session_started_metadata"]
    assert domain.session_config == SessionConfig(60, True)
    assert not findings.items


def test_actions_stand_in_rasas_index_order() -> None:
    """Built-ins, custom actions as written, sorted responses, forms, end-to-end texts."""
    domain, _ = read("""
        actions: [action_b, action_a, utter_z, action_listen, own_form]
        responses:
          utter_z: [{text: z}]
          utter_a: [{text: a}]
        forms:
          own_form: {required_slots: []}
          a_form: {required_slots: []}
        e2e_actions: [Hello!]
        """)
    own = domain.action_names[len(DEFAULT_ACTIONS) :]
    assert own == ("action_b", "action_a", "utter_z", "own_form", "utter_a", "a_form", "Hello!")
    assert domain.user_actions == ("action_b", "action_a", "utter_z", "action_listen", "own_form")


def test_intents_show_the_entities_they_are_told_to() -> None:
    """use_entities, ignore_entities and influence_conversation decide, roles and groups as labels."""
    domain, _ = read("""
        intents:
        - all
        - none: {use_entities: false}
        - some: {use_entities: [city, silent]}
        - loud: {use_entities: [silent], ignore_entities: []}
        - but: {ignore_entities: [city]}
        entities:
        - name
        - city: {roles: [from, to], groups: ["1"]}
        - silent: {influence_conversation: false}
        """)
    used = {name: intent.used_entities for name, intent in domain.intents.items()}
    assert used["all"] == ("city", "city#1", "city#from", "city#to", "name")
    assert used["none"] == ()
    assert used["some"] == ("city", "city#1", "city#from", "city#to")
    assert used["loud"] == ("silent",)
    assert used["but"] == ("name",)
    assert used["restart"] == used["all"]


def test_slots_with_all_kinds_of_mappings() -> None:
    """Slots keep domain order and typed mappings; the built-in ones come last."""
    domain, findings = read("""
        slots:
          rating:
            type: float
            min_value: 1
            max_value: 5
            influence_conversation: false
            mappings:
            - {type: from_entity, entity: rating, role: r, group: g, not_intent: deny}
          language:
            type: categorical
            values: [EN, zh, null]
            initial_value: en
            mappings:
            - type: from_intent
              intent: [affirm, deny]
              value: false
              conditions:
              - {active_loop: f, requested_slot: language}
              - active_loop: null
          note:
            type: any
            mappings: [{type: custom, action: action_note}, {type: from_text}]
          old:
            type: rasa.shared.core.slots.TextSlot
            mappings: [{type: from_trigger_intent, value: x, intent: go}]
        forms:
          f: {required_slots: [language], ignored_intents: chitchat}
        """)
    assert list(domain.slots) == [
        "rating", "language", "note", "old", "requested_slot", "session_started_metadata",
    ]  # fmt: skip
    rating, language, note, old = list(domain.slots.values())[:4]
    assert (rating.min_value, rating.max_value, rating.influence_conversation) == (1, 5, False)
    assert rating.mappings[0].not_intent == ("deny",)
    assert (language.type, language.values) == (SlotType.CATEGORICAL, ("en", "zh"))
    assert language.mappings[0].value is False
    assert language.mappings[0].conditions == (
        MappingCondition("f", "language"),
        MappingCondition(None, None),
    )
    assert [mapping.type for mapping in note.mappings] == [MappingType.CUSTOM, MappingType.FROM_TEXT]
    assert not note.influence_conversation
    assert old.type is SlotType.TEXT
    assert domain.forms == {"f": Form(("language",), ("chitchat",))}
    assert [item.check for item in findings.items] == ["slot-null-value"]


def test_responses_keep_their_parts_and_places() -> None:
    """Variations keep text, data, condition, channel, metadata, id and where they are written."""
    domain, _ = read("""
        responses:
          utter_hi:
          - text: Hi
          - text: 你好
            condition: [{type: slot, name: language, value: zh}]
            channel: telegram
            id: hi-zh
            metadata: {a: 1}
            buttons: [{title: Yes, payload: /affirm}]
            image: x.png
        """)
    first, second = domain.responses["utter_hi"]
    assert (first.text, first.condition, first.channel) == ("Hi", None, None)
    assert second.data == {"image": "x.png", "buttons": [{"title": "Yes", "payload": "/affirm"}]}
    assert second.condition == ({"type": "slot", "name": "language", "value": "zh"},)
    assert (second.channel, second.id, second.metadata) == ("telegram", "hi-zh", {"a": 1})
    assert second.location is not None
    assert second.location.line == 4


def test_source_is_the_cleaned_input() -> None:
    """What action servers get: intents sorted, empty parts and built-in names left out."""
    domain, _ = read("""
        version: "3.0"
        intents: [zeta, {alpha: {use_entities: null}}]
        actions: []
        forms: {f: {required_slots: [a]}}
        slots: {a: {type: text, mappings: [{type: from_text}]}}
        """)
    assert domain.source == {
        "version": "3.0",
        "intents": [{"alpha": {"use_entities": []}}, "zeta"],
        "forms": {"f": {"required_slots": ["a"]}},
        "slots": {"a": {"type": "text", "mappings": [{"type": "from_text"}]}},
        "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True},
    }


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("slots:\n  a:\n    type: text\n", 2, "no list of 'mappings'"),
        ("slots:\n  a:\n    type: txt\n    mappings: []\n", 3, "did you mean 'text'?"),
        ("slots:\n  a: {mappings: []}\n", 2, "has no 'type'"),
        ("slots:\n  a:\n    type: text\n    auto_fill: true\n    mappings: []\n", 4, "Rasa 2"),
        ("slots:\n  a:\n    type: text\n    mappings:\n    - type: from_entiy\n", 5, "'from_entity'?"),
        ("slots:\n  a:\n    type: text\n    mappings:\n    - type: from_entity\n", 5, "needs 'entity'"),
        ("slots:\n  a: {type: any, influence_conversation: true, mappings: []}\n", 2, "type any"),
        ("slots:\n  a: {type: float, min_value: 3, max_value: 2, mappings: []}\n", 2, "smaller"),
        ("forms:\n- f\n", 1, "must be a mapping"),
        ("forms:\n  f:\n    a:\n    - type: from_text\n", 2, "written as in Rasa 2"),
        ("forms:\n  f: {ignored_intents: a}\n", 2, "needs 'required_slots'"),
        ("intents:\n- a\n- b\n- a\n", 4, "stands twice"),
        ("intents:\n- a:\n", 2, "remove the ':'"),
        ("intents:\n- true\n", 2, "put quotes around it"),
        ("intents:\n- a: {triggers: action_b}\n", 2, "triggers"),
        ("entities:\n- a\n- a\n", 3, "stands twice"),
        ("actions: action_a\n", 1, "must be a list, found text"),
        ("actions:\n- a: {send_domain: 5}\n", 2, "send_domain"),
        ("responses:\n  utter_a: hi\n", 2, "must be a list of variations"),
        ("responses:\n  utter_a:\n  - hi\n", 3, "must be a mapping"),
        ("responses:\n  utter_a:\n  - channel: x\n", 3, "says nothing"),
        ("responses:\n  utter_a:\n  - text: 5\n", 3, "'text' must be text, found a number"),
        ("responses:\n  utter_a:\n  - text: x\n    butons: []\n", 3, "did you mean 'buttons'?"),
        ("responses:\n  f: [{text: x}]\nforms:\n  f: {required_slots: []}\n", 4, "name of a form"),
        ("session_config:\n  session_expiration_time: -1\n", 2, "0 or more"),
        ("session_config:\n  carry_over_slots_to_new_session: maybe\n", 2, "true or false"),
        ("slots:\n  a: text\n", 2, "must be a mapping"),
        ("slots:\n  a:\n    type: categorical\n    values: x\n    mappings: []\n", 4, "must be a list"),
        ("slots:\n  a:\n    type: float\n    min_value: x\n    mappings: []\n", 4, "must be a number"),
        ("slots:\n  a:\n    type: text\n    influence_conversation: 1\n    mappings: []\n", 4, "true or"),
        ("slots:\n  a:\n    type: text\n    mappings: [x]\n", 2, "a mapping with 'type'"),
        ("slots:\n  a: {type: text, mappings: [{type: from_text, intent: 5}]}\n", 2, "list of names"),
        ("slots:\n  a: {type: text, mappings: [{type: from_text, conditions: 5}]}\n", 2, "must be a list"),
        ("slots:\n  a: {type: text, mappings: [{type: from_text, conditions: [{x: 1}]}]}\n", 2, "found x"),
        ("forms:\n  f: x\n", 2, "must be a mapping with 'required_slots'"),
        ("forms:\n  f: {required_slots: x}\n", 2, "must be a list of names"),
        ("entities:\n- a:\n", 2, "remove the ':'"),
        ("entities:\n- a: {roles: x}\n", 2, "must be a list of names"),
        ("intents:\n- a: {use_entities: 5}\n", 2, "a list of entities or a boolean"),
        ("responses:\n  utter_a:\n  - text: x\n    buttons: [y]\n", 3, "must be a mapping, found text"),
        ("responses:\n  utter_a:\n  - text: x\n    condition: [{name: a}]\n", 3, "found name"),
        ("responses:\n  utter_a:\n  - text: x\n    buttons: [{title: 5}]\n", 3, "put quotes around it"),
    ],
)
def test_mistakes_are_found_with_their_line(text: str, line: int, words: str) -> None:
    """Every mistake says where it is and what would be right."""
    _, findings = read(text)
    (error,) = findings.errors
    assert words in error.message
    assert error.location is not None
    assert (error.location.file, error.location.line) == ("domain.yml", line)


def test_custom_slot_types_may_have_options_of_their_own() -> None:
    """A type by Python path keeps its path; an unknown key of a mapping is only a warning, as in Rasa.

    A key that Rasa knows and never uses is known here too.
    """
    domain, findings = read("""
        slots:
          limit:
            type: shop.slots.LimitSlot
            limit: 1000
            mappings: [{type: custom, actoin: action_x}]
          old:
            type: text
            value_reset_delay: 3
            mappings: [{type: custom}]
        """)
    assert domain.slots["limit"].custom_type == "shop.slots.LimitSlot"
    assert not findings.errors
    assert "did you mean 'action'?" in findings.items[0].message


def write(folder: Path, name: str, text: str) -> None:
    """Write one domain file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


def test_split_domain_is_merged_in_sorted_order(tmp_path: Path) -> None:
    """Lists unite, the first file wins a conflict with a warning, files without domain keys are left."""
    write(tmp_path, "b.yml", "intents: [two]\nresponses: {utter_a: [{text: late}]}\n")
    write(tmp_path, "a.yml", "intents: [one]\nresponses: {utter_a: [{text: early}]}\nactions: [act]\n")
    write(tmp_path, "sub/c.yml", "session_config: {session_expiration_time: 5}\nactions: [act, other]\n")
    write(tmp_path, "nlu.yml", "nlu: []\n")
    findings = Findings()
    domain = load_domain([tmp_path], findings)
    assert {"one", "two"} <= set(domain.intents)
    assert domain.responses["utter_a"][0].text == "early"
    assert domain.session_config.session_expiration_time == 5
    assert domain.user_actions == ("act", "other")
    assert [(item.check, item.severity) for item in findings.items] == [
        ("domain-duplicate", Severity.WARNING)
    ]


def test_load_domain_raises_all_errors_at_once(tmp_path: Path) -> None:
    """One run shows every mistake of every file."""
    write(tmp_path, "a.yml", "slots: {a: {type: text}}\n")
    write(tmp_path, "b.yml", "slots: {b: {type: text}}\n")
    with pytest.raises(InvalidProject) as caught:
        load_domain([tmp_path])
    assert len(caught.value.findings) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [("- a list", "must be a mapping, found a list"), ("a: [", "broken YAML"), (None, "no such domain file")],
)
def test_files_that_are_no_domain_are_refused(tmp_path: Path, content: str | None, words: str) -> None:
    """A file named as the domain must be there and be one."""
    path = tmp_path / "domain.yml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidProject, match=words):
        load_domain([path])


def test_knowledge_base_action_brings_its_slots() -> None:
    """Listing the action adds the slots it writes."""
    domain, _ = read("actions: [action_query_knowledge_base]")
    assert "knowledge_base_last_object" in domain.slots


def test_mistakes_of_a_split_domain_keep_their_places(tmp_path: Path) -> None:
    """Merging files forgets no line, not even of entries that have no value to remember it."""
    (tmp_path / "a.yml").write_text("intents: [greet]\nslots:\n  size: text\nforms:\n  order: 1\n")
    (tmp_path / "b.yml").write_text("responses:\n  utter_hi:\n  utter_no: no\n")
    with pytest.raises(InvalidProject) as caught:
        load_domain([tmp_path])
    places = [
        (Path(item.location.file).name, item.location.line) for item in caught.value.findings if item.location
    ]
    assert sorted(places) == [("a.yml", 3), ("a.yml", 5), ("b.yml", 2), ("b.yml", 3)]


@pytest.mark.parametrize("section", ["slots", "forms", "responses"])
def test_names_that_are_no_text_are_refused(section: str) -> None:
    """Numbers and booleans as names would be mixed up with text later."""
    _, findings = read(f"{section}:\n  true: []\n  2: []\n")
    first = findings.errors[0]
    assert str(first.location) == "domain.yml:2"
    assert (
        f"a name under '{section}' must be text, found a boolean True; put quotes around it" in first.message
    )


def test_a_form_that_is_a_number_is_a_mistake_with_its_line() -> None:
    """What action servers get is made of it as well, before the mistake is told."""
    _, findings = read("forms:\n  order: 1\n")
    assert [str(item.location) for item in findings.errors] == ["domain.yml:2"]


SLOT = "slots: {size: {type: text, mappings: [{type: from_entity, entity: e, %s}]}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SLOT % "role: [a]", "'role' in a mapping of slot 'size' must be a name"),
        (SLOT.replace("entity: e, %s", "entity: 5"), "'entity' in a mapping of slot 'size' must be a name"),
        (SLOT % "action: {a: b}", "'action' in a mapping of slot 'size' must be a name, found a mapping"),
        (SLOT % "conditions: [{active_loop: [f]}]", "'active_loop' in a condition of slot 'size' must be a"),
        ("intents: [a: {use_entities: [[b]]}]", "'use_entities' of intent 'a' must be a list of entities or"),
        ("intents: [a: {ignore_entities: true}]", "'ignore_entities' of intent 'a' must be a list of"),
        (
            "responses: {utter_a: [{text: b, condition: [{type: slot, name: [c], value: d}]}]}",
            "'name' of a condition must be the name of a slot, found a list",
        ),
    ],
    ids=["role", "entity", "action", "loop", "used entities", "ignored entities", "condition of a response"],
)
def test_names_of_other_kinds_are_refused(text: str, words: str) -> None:
    """Where a name is expected nothing else comes in, since it would be looked up later."""
    _, findings = read(text)
    (error,) = findings.errors
    assert words in error.message
    assert str(error.location) == "domain.yml:1"


@pytest.mark.parametrize("bound", [".nan", "9" * 400, "true", "'5'"])
def test_bounds_of_a_slot_are_numbers_to_reckon_with(bound: str) -> None:
    """Policies subtract and divide by them."""
    _, findings = read(f"slots: {{n: {{type: float, max_value: {bound}, mappings: [{{type: custom}}]}}}}")
    (error,) = findings.errors
    assert "'max_value' of slot 'n' must be a number" in error.message
