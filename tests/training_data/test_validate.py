"""What is found wrong before anything is trained."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.errors import Severity
from bot.training_data.project import Project
from bot.training_data.validate import validate

WriteFiles = Callable[[Mapping[str, str]], Path]

SOUND = {
    "config.yml": """
        language: en
        assistant_id: lumen
        pipeline: [{name: WhitespaceTokenizer}]
        policies: [{name: RulePolicy}]
    """,
    "domain.yml": """
        intents: [greet, inform]
        entities: [city]
        slots:
          city:
            type: text
            mappings:
            - {type: from_entity, entity: city, conditions: [{active_loop: trip_form}]}
          mood: {type: categorical, values: [good, bad], mappings: [{type: custom}]}
        forms:
          trip_form: {required_slots: [city]}
        responses:
          utter_hi:
          - text: Hi
            buttons: [{title: Go, payload: /inform}]
          utter_ask_city: [{text: Where to}]
        actions: [action_book]
    """,
    "data/nlu.yml": """
        nlu:
        - intent: greet
          examples: |
            - hi
            - hello
        - intent: inform
          examples: |
            - to [Rome](city)
            - in [Oslo](city)
    """,
    "data/stories.yml": """
        stories:
        - story: s
          steps:
          - intent: greet
          - action: utter_hi
          - intent: inform
          - action: trip_form
          - active_loop: trip_form
          - slot_was_set: [{mood: good}]
          - action: action_book
    """,
}


def test_a_sound_project_has_no_findings(write_files: WriteFiles) -> None:
    """The project that the other tests break is clean itself."""
    assert validate(Project.load(write_files(SOUND))) == []


def test_the_intent_of_files_needs_no_examples(write_files: WriteFiles) -> None:
    """Channels send it by itself, so nobody has to write sentences of it."""
    domain = SOUND["domain.yml"].replace("[greet, inform]", "[greet, inform, send_file]")
    rules = """
        rules:
        - rule: file
          steps:
          - intent: send_file
          - action: utter_hi
    """
    files = write_files({**SOUND, "domain.yml": domain, "data/rules.yml": rules})
    assert validate(Project.load(files)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "check", "line"),
    [
        ("data/stories.yml", "utter_hi", "utter_ho", "response-unknown", 5),
        ("data/stories.yml", "action_book", "action_bok", "action-unknown", 10),
        ("data/stories.yml", "active_loop: trip_form", "active_loop: trp_form", "form-unknown", 8),
        ("data/stories.yml", "action: trip_form", "action: trip", "action-unknown", 7),
        ("data/stories.yml", "mood: good", "mod: good", "slot-unknown", 9),
        ("data/stories.yml", "mood: good", "mood: fine", "slot-value", 9),
        ("data/stories.yml", "intent: greet", "intent: gret", "story-intent", 4),
        ("data/stories.yml", "- intent: inform", "- {intent: inform, entities: [town]}", "story-entity", 6),
        ("data/nlu.yml", "(city)", "(town)", "entity-not-in-domain", 8),
        ("data/nlu.yml", "intent: inform", "intent: infrm", "intent-not-in-domain", 8),
        ("data/nlu.yml", "- to [Rome](city)", "- hi", "example-in-two-intents", 8),
        ("data/nlu.yml", "    - hello\n", "", "intent-one-example", 4),
        ("data/nlu.yml", "    - hi\n    - hello\n", "", "nlu-empty", 3),
        (
            "data/nlu.yml",
            "nlu:",
            "sentiment:\n- value: positive\n  examples: |\n    - great\nnlu:",
            "sentiment-one-value",
            4,
        ),
        ("domain.yml", "required_slots: [city]", "required_slots: [cty]", "form-slot", 10),
        ("domain.yml", "active_loop: trip_form", "active_loop: trp_form", "mapping-form", 4),
        ("domain.yml", "required_slots: [city]", "required_slots: [mood]", "mapping-form", 4),
        ("domain.yml", "entity: city", "entity: town", "mapping-entity", 4),
        ("domain.yml", "mappings: [{type: custom}]", "mappings: [{type: from_text}]", "mapping-from-text", 8),
        ("domain.yml", "payload: /inform", "payload: /infrm", "button-intent", 13),
        ("domain.yml", "utter_ask_city", "utter_ask_town", "form-question", 10),
        ("domain.yml", "[greet, inform]", "[greet, inform, bye]", "intent-without-examples", 1),
        ("domain.yml", "[greet, inform]", "[greet, inform, bye]", "intent-unused", 1),
        ("domain.yml", "utter_hi:", "utter_bye: [{text: Bye}]\n  utter_hi:", "response-unused", 12),
        ("config.yml", "RulePolicy", "MemoizationPolicy", "config-rule-policy", 4),
        (
            "config.yml",
            "name: RulePolicy",
            "name: RulePolicy, core_fallback_action_name: x",
            "config-fallback",
            4,
        ),
        ("config.yml", "Tokenizer}]", "Tokenizer}, {name: JiebaTokenizer}]", "config-tokenizers", 3),
        ("config.yml", "language: en", "x: y", "config-language", 1),
        ("config.yml", "lumen", "placeholder_default", "config-assistant-id", 2),
    ],
)
def test_each_mistake_is_found_where_it_is(
    write_files: WriteFiles, file: str, old: str, new: str, check: str, line: int
) -> None:
    """One mistake in a sound project is reported with its check, its file and its line."""
    text = textwrap.dedent(SOUND[file]).lstrip("\n")
    assert old in text
    root = write_files({**SOUND, file: text.replace(old, new)})
    found = [finding for finding in validate(Project.load(root)) if finding.check == check]
    assert found
    place = found[0].location
    assert place is not None
    assert (Path(place.file).relative_to(root).as_posix(), place.line) == (file, line)


def test_responses_said_by_actions_are_used(write_files: WriteFiles) -> None:
    """Names in the project's actions count, also as the beginning of a name that is put together."""
    domain = SOUND["domain.yml"].replace(
        "utter_hi:",
        "utter_order_late: [{text: a}]\n          utter_done: [{text: b}]\n          utter_doner: [{text: c}]"
        "\n          utter_hi:",
    )
    code = 'say(f"utter_order_{state}")\nsay("utter_done")\n'
    root = write_files({**SOUND, "domain.yml": domain, "actions/orders.py": code})
    unused = [item.message for item in validate(Project.load(root)) if item.check == "response-unused"]
    assert len(unused) == 1
    assert "'utter_doner'" in unused[0]


ERRORS = {"action-unknown", "form-unknown", "slot-unknown", "form-slot", "mapping-form", "config-fallback"}


def test_errors_stop_training_and_warnings_do_not(write_files: WriteFiles) -> None:
    """The division is Rasa's: unknown actions and forms are errors, unused intents warnings."""
    stories = SOUND["data/stories.yml"].replace("action_book", "action_bok").replace("greet", "gret")
    findings = validate(Project.load(write_files({**SOUND, "data/stories.yml": stories})))
    severities = {finding.check: finding.severity for finding in findings}
    assert severities["action-unknown"] is Severity.ERROR
    assert severities["story-intent"] is Severity.WARNING
    assert all(finding.check in ERRORS for finding in findings if finding.severity is Severity.ERROR)


def test_names_nearby_are_proposed(write_files: WriteFiles) -> None:
    """A misspelt name comes with the one that was probably meant."""
    stories = SOUND["data/stories.yml"].replace("action_book", "action_bok")
    findings = validate(Project.load(write_files({**SOUND, "data/stories.yml": stories})))
    assert any("did you mean 'action_book'?" in finding.message for finding in findings)


def test_a_missing_domain_is_an_error(write_files: WriteFiles) -> None:
    """Nothing can be trained without a domain."""
    findings = validate(Project.load(write_files({"config.yml": SOUND["config.yml"]})))
    assert [finding.check for finding in findings if finding.severity is Severity.ERROR] == ["domain-empty"]


CONFLICT = """
    stories:
    - story: one
      steps: [{intent: greet}, {action: utter_hi}, {intent: inform}, {action: action_book}]
    - story: two
      steps: [{intent: greet}, {action: utter_hi}, {intent: inform}, {action: trip_form}]
"""


def test_stories_that_contradict_each_other_are_shown_side_by_side(write_files: WriteFiles) -> None:
    """The warning names both stories, their lines and what each does."""
    project = Project.load(write_files({**SOUND, "data/stories.yml": CONFLICT}))
    (finding,) = [item for item in validate(project) if item.check == "story-conflict"]
    assert "'one'" in finding.message
    assert "'action_book'" in finding.message
    assert "'two'" in finding.message
    assert "'trip_form'" in finding.message
    assert "stories.yml:3" in finding.message
    assert "stories.yml:5" in finding.message


def test_an_unlikely_intent_in_a_story_is_named(write_files: WriteFiles) -> None:
    """Policies learn it from nothing but rules; Rasa counts it among the contradictions as well."""
    story = "stories:\n- story: odd\n  steps:\n  - intent: greet\n  - action: action_unlikely_intent\n"
    project = Project.load(write_files({**SOUND, "data/stories.yml": f"{story}  - action: utter_hi\n"}))
    (finding,) = [item for item in validate(project) if item.check == "story-conflict"]
    assert "'odd'" in finding.message
    assert "nothing learns" in finding.message
    assert str(finding.location).endswith("stories.yml:5")


def test_history_length_decides_what_is_a_contradiction(write_files: WriteFiles) -> None:
    """Stories that differ only long ago contradict each other for policies with a short memory."""
    first, second = CONFLICT.split("- story: two")
    different = f"{first}- story: two{second.replace('greet', 'inform')}"
    project = Project.load(write_files({**SOUND, "data/stories.yml": different}))

    def conflicts(max_history: int | None) -> int:
        found = validate(project, max_history=max_history)
        return sum(finding.check == "story-conflict" for finding in found)

    assert conflicts(None) == 0
    assert conflicts(1) == 1


def test_retrieval_examples_without_an_answer(write_files: WriteFiles) -> None:
    """A retrieval key nobody answers is named at its first example."""
    nlu = "nlu:\n- intent: faq/price\n  examples: |\n    - how much?\n    - what does it cost?\n"
    findings = validate(Project.load(write_files({**SOUND, "data/faq.yml": nlu})))
    (finding,) = [item for item in findings if item.check == "retrieval-response"]
    assert "utter_faq/price" in finding.message
    assert finding.location is not None
    assert finding.location.line == 4


def test_checkpoints_that_join_nothing_are_shown(write_files: WriteFiles) -> None:
    """At the place of the checkpoint, with the one that may be meant; conditions name slots of the domain."""
    stories = """
        stories:
        - story: one
          steps:
          - checkpoint: hello_and_more
            slot_was_set:
            - nme: x
          - intent: greet
          - action: utter_hi
        - story: two
          steps:
          - intent: greet
          - action: utter_hi
          - checkpoint: hello_more
    """
    found = validate(Project.load(write_files({**SOUND, "data/joined.yml": stories})))
    joined = [finding for finding in found if finding.check.startswith("checkpoint")]
    assert [(item.check, item.location and item.location.line) for item in joined] == [
        ("checkpoint-slots", 4),
        ("checkpoint-unused", 4),
        ("checkpoint-unused", 13),
    ]
    assert "no story ends at checkpoint 'hello_and_more'" in joined[1].message
    assert joined[2].message.endswith("did you mean 'hello_and_more'?")
