"""Whole projects: which files are read, and that nothing is lost silently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.errors import InvalidProject
from bot.training_data.config_file import DEFAULT_PIPELINE, DEFAULT_POLICIES
from bot.training_data.project import Project

WriteFiles = Callable[[Mapping[str, str]], Path]

DOMAIN = """
    version: "3.1"
    intents: [greet, faq]
    responses:
      utter_greet: [{text: Hi}]
"""
CONFIG = """
    recipe: default.v1
    assistant_id: lumen
    language: en
    pipeline:
    - name: WhitespaceTokenizer
    - name: DIETClassifier
      epochs: 5
    policies:
    - name: RulePolicy
      core_fallback_threshold: 0.4
"""


def test_mixed_files_are_recognised_by_their_keys(write_files: WriteFiles) -> None:
    """One file may hold NLU data, stories, rules and responses under any name and in any folder."""
    root = write_files(
        {
            "domain.yml": DOMAIN,
            "config.yml": CONFIG,
            "data/deep/anything.yaml": """
                nlu:
                - intent: greet
                  examples: |
                    - hi
                stories:
                - story: s
                  steps: [{intent: greet}, {action: utter_greet}]
                rules:
                - rule: r
                  steps: [{intent: faq}, {action: utter_faq}]
                responses:
                  utter_faq/price: [{text: It is free.}]
            """,
            "data/other.yml": """
                nlu:
                - intent: faq/price
                  examples: |
                    - how much?
            """,
        }
    )
    project = Project.load(root)
    assert [example.intent for example in project.nlu.examples] == ["greet", "faq/price"]
    assert [step.name for step in project.stories] == ["s"]
    assert [step.name for step in project.rules] == ["r"]
    assert project.domain.intents["faq"].is_retrieval_intent
    assert project.domain.user_actions == ("utter_faq",)
    assert project.nlu.responses == {"faq/price": ("It is free.",)}
    assert str(project.domain.locations["responses/utter_faq/price"]).endswith("anything.yaml:12")
    assert not project.findings


def test_config_keeps_options_and_places(write_files: WriteFiles) -> None:
    """Pipeline and policies are names with options, each with its line."""
    project = Project.load(write_files({"config.yml": CONFIG}))
    assert [(part.name, part.options) for part in project.config.pipeline] == [
        ("WhitespaceTokenizer", {}),
        ("DIETClassifier", {"epochs": 5}),
    ]
    (policy,) = project.config.policies
    assert policy.options == {"core_fallback_threshold": 0.4}
    assert policy.location is not None
    assert policy.location.line == 9
    assert (project.config.language, project.config.assistant_id) == ("en", "lumen")


def test_empty_parts_take_rasas_defaults(write_files: WriteFiles) -> None:
    """Without pipeline and policies the defaults of Rasa 3.6 stand in."""
    project = Project.load(write_files({"config.yml": "language: zh\npipeline:\n"}))
    assert project.config.pipeline == DEFAULT_PIPELINE
    assert project.config.policies == DEFAULT_POLICIES
    assert project.config.is_default_pipeline
    assert project.domain.intents


@pytest.mark.parametrize(
    ("config", "line", "words"),
    [
        ("- a", 1, "must be a mapping, found a list"),
        ("recipe: graph.v1\n", 1, "graph recipes are not supported"),
        ("language: 5\n", 1, "must be text, found a number"),
        ("pipeline: spacy\n", 1, "must be a list"),
        ("pipeline:\n- epochs: 5\n", 2, "needs a 'name'"),
        ("policies:\n- RulePolicy\n", 2, "needs a 'name'"),
        ("imports: bots\n", 1, "must be a list of paths"),
        ("a: [", 2, "broken YAML"),
    ],
)
def test_wrong_configurations_are_refused_with_their_line(
    write_files: WriteFiles, config: str, line: int, words: str
) -> None:
    """A configuration that cannot be meant is an error before anything is trained."""
    with pytest.raises(InvalidProject) as caught:
        Project.load(write_files({"config.yml": config}))
    (finding,) = caught.value.findings
    assert words in finding.message
    assert finding.location is not None
    assert finding.location.line == line


def test_missing_imports_are_warnings(write_files: WriteFiles) -> None:
    """An import that leads nowhere is named with the file that asks for it."""
    config = "importers: [MultiProjectImporter]\nimports: [nowhere]\n"
    (finding,) = Project.load(write_files({"config.yml": config})).findings
    assert finding.check == "import-missing"
    assert "nowhere" in finding.message


def test_end_to_end_texts_become_actions(write_files: WriteFiles) -> None:
    """What the bot says word for word in a story is an action, sorted, at the end."""
    stories = "stories:\n- story: s\n  steps: [{user: hi}, {bot: Hello!}, {user: bye}, {bot: Bye!}]\n"
    project = Project.load(write_files({"domain.yml": DOMAIN, "data/s.yml": stories}))
    assert project.domain.action_texts == ("Bye!", "Hello!")
    assert project.domain.action_names[-2:] == ("Bye!", "Hello!")


def test_turns_with_text_and_intent_teach_the_intent(write_files: WriteFiles) -> None:
    """A sentence of a story that names its intent is an example of it, once; one without is none."""
    nlu = "nlu:\n- intent: go\n  examples: |\n    - take me to [Oslo](city)\n"
    stories = (
        "stories:\n- story: s\n  steps:\n"
        "  - {user: 'take me to [Oslo](city)', intent: go}\n"
        "  - {user: 'off to [Bern](city)', intent: go}\n"
        "  - {user: 'just a word'}\n"
    )
    project = Project.load(write_files({"domain.yml": DOMAIN, "data/n.yml": nlu, "data/s.yml": stories}))
    assert [(example.text, example.intent) for example in project.nlu.examples] == [
        ("take me to Oslo", "go"),
        ("off to Bern", "go"),
    ]
    added = project.nlu.examples[1]
    assert [entity.value for entity in added.entities] == ["Bern"]
    assert str(added.location).endswith("s.yml:5")


def test_test_stories_are_files_of_their_name(write_files: WriteFiles) -> None:
    """Only files named `test_…` are read as tests."""
    root = write_files(
        {
            "domain.yml": DOMAIN,
            "tests/test_more.yml": "stories:\n- story: u\n  steps: [{user: hi, intent: faq/price}]\n",
            "tests/notes.yml": "stories:\n- story: v\n  steps: [{intent: greet}]\n",
        }
    )
    project = Project.load(root)
    assert project.steps == ()
    assert [[step.name for step in test.steps] for test in project.load_tests()] == [["u"]]


def test_test_stories_among_the_data_are_learnt(write_files: WriteFiles) -> None:
    """As in Rasa; what looks like a mistake is a warning."""
    root = write_files(
        {
            "domain.yml": DOMAIN,
            "data/test_s.yml": "stories:\n- story: t\n  steps: [{user: hi, intent: greet}]\n",
        }
    )
    project = Project.load(root)
    assert [step.name for step in project.steps] == ["t"]
    assert "test-in-data" in [finding.check for finding in project.findings]


def test_test_stories_of_imported_projects_are_not_learnt(write_files: WriteFiles) -> None:
    """Each project tests itself."""
    story = "stories:\n- story: {name}\n  steps: [{{user: hi, intent: greet}}]\n"
    root = write_files(
        {
            "config.yml": "importers: [MultiProjectImporter]\nimports: [part]\n",
            "part/domain.yml": DOMAIN,
            "part/s.yml": story.format(name="learnt"),
            "part/tests/test_s.yml": story.format(name="tested"),
        }
    )
    assert [step.name for step in Project.load(root).steps] == ["learnt"]


def test_a_test_file_without_stories_is_refused(write_files: WriteFiles) -> None:
    """A list of stories without the key `stories` would otherwise test nothing."""
    root = write_files({"tests/test_s.yml": "- story: s\n  steps: [{intent: a}]\n"})
    with pytest.raises(InvalidProject, match=r"test_s\.yml:1: .* key 'stories'"):
        Project.load(root).load_tests()


def test_all_errors_of_all_files_come_at_once(write_files: WriteFiles) -> None:
    """One run shows what is wrong in domain, configuration, NLU data and stories."""
    root = write_files(
        {
            "domain.yml": "slots: {a: {type: text}}\n",
            "config.yml": "pipeline: supervised\n",
            "data/nlu.yml": "nlu:\n- intnt: a\n",
            "data/stories.yml": "stories:\n- story: s\n  steps: [{actn: a}]\n",
            "data/broken.yml": "a: [\n",
        }
    )
    with pytest.raises(InvalidProject) as caught:
        Project.load(root)
    assert sorted(finding.check for finding in caught.value.findings) == [
        "config-schema", "nlu-schema", "slot-schema", "story-schema", "yaml-syntax",
    ]  # fmt: skip


def test_files_nobody_reads_are_named(write_files: WriteFiles) -> None:
    """A misspelt top-level key or a domain key among the data is a warning with its line."""
    root = write_files(
        {"domain.yml": DOMAIN, "data/a.yml": "storys: []\n", "data/b.yml": "nlu: []\nintents: [x]\n"}
    )
    messages = [str(finding) for finding in Project.load(root).findings if finding.check == "file-unknown"]
    assert len(messages) == 2
    assert "a.yml:1" in messages[0]
    assert "did you mean 'stories'?" in messages[0]
    assert "b.yml:2" in messages[1]


def test_small_projects_without_a_data_folder(write_files: WriteFiles) -> None:
    """Files beside the domain are the data when there is no folder for them."""
    root = write_files({"domain.yml": DOMAIN, "nlu.yml": "nlu:\n- intent: greet\n  examples: |\n    - hi\n"})
    assert [example.text for example in Project.load(root).nlu.examples] == ["hi"]


def test_multi_project_follows_imports(write_files: WriteFiles) -> None:
    """Imported projects bring domain, data and their own imports; nobody's import stays out."""
    root = write_files(
        {
            "config.yml": "importers: [{name: MultiProjectImporter}]\nimports: [bots/a]\n",
            "domain.yml": "intents: [own]\n",
            "bots/a/config.yml": "imports: [../b]\n",
            "bots/a/domain.yml": "intents: [from_a]\n",
            "bots/a/data/s.yml": "stories:\n- story: a\n  steps: [{intent: from_a}]\n",
            "bots/b/domain.yml": "intents: [from_b]\n",
            "bots/b/nlu.yml": "nlu:\n- intent: from_b\n  examples: |\n    - b\n",
            "bots/c/domain.yml": "intents: [from_c]\n",
        }
    )
    project = Project.load(root)
    assert {"own", "from_a", "from_b"} <= set(project.domain.intents)
    assert "from_c" not in project.domain.intents
    assert [step.name for step in project.steps] == ["a"]
    assert [example.text for example in project.nlu.examples] == ["b"]


def test_endpoints_and_credentials_are_plain_data(
    write_files: WriteFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files are optional, with environment variables filled in."""
    monkeypatch.setenv("ACTIONS_HOST", "actions.example")
    root = write_files(
        {
            "endpoints.yml": "action_endpoint: {url: 'x'}\ntracker_store:\n  url: http://${ACTIONS_HOST}/\n",
            "credentials.yml": "rest:\n",
        }
    )
    project = Project.load(root)
    assert project.endpoints["tracker_store"] == {"url": "http://actions.example/"}
    assert project.credentials == {"rest": None}
