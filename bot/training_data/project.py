"""A project folder as one value: domain, NLU data, stories, rules, tests and configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, UserUttered
from bot.dialogue.messages import JSON
from bot.errors import Finding, InvalidProject, Location, nearest
from bot.training_data.config_file import DEFAULT_LANGUAGE, ProjectConfig, load_config
from bot.training_data.domain_file import (
    DOMAIN_KEYS,
    RawDomain,
    build_domain,
    read_domain,
    with_action_texts,
    with_retrieval_intents,
)
from bot.training_data.findings import Findings
from bot.training_data.imports import ProjectFiles, find_imported_files
from bot.training_data.json_files import read_json
from bot.training_data.nlu_examples import NluData
from bot.training_data.nlu_exports import is_export, read_export
from bot.training_data.nlu_json import is_nlu_json, read_nlu_json
from bot.training_data.nlu_reader import NLU_KEYS, NluReader, is_nlu_content
from bot.training_data.stories import STORY_KEYS, StoryStep, is_story_content, is_test_file, read_stories
from bot.training_data.unknown_keys import warn_misspelled_keys
from bot.training_data.yaml_files import read_yaml, yaml_files_below
from bot.training_data.yaml_values import YamlList, YamlMap, kind

DOMAIN = "domain.yml"
CONFIG = "config.yml"
DATA = "data"
_OWN_FILES = (DOMAIN, CONFIG, "endpoints.yml", "credentials.yml")
_JSON_SUFFIXES = (".json",)


@dataclass(frozen=True, slots=True)
class TestStories:
    """The stories of one test file."""

    __test__ = False  # not a test class, whatever its name says to pytest

    path: Path
    steps: tuple[StoryStep, ...]


@dataclass(frozen=True)
class Project:
    """Everything training and serving need from a folder.

    `steps` holds stories and rules in file order. `endpoints` and `credentials` are the plain content of
    their files, empty when there is none. `findings` holds the warnings of reading.
    """

    root: Path
    domain: Domain = field(default_factory=Domain)
    nlu: NluData = field(default_factory=NluData)
    steps: tuple[StoryStep, ...] = ()
    config: ProjectConfig = field(default_factory=ProjectConfig)
    endpoints: Mapping[str, JSON] = field(default_factory=dict)
    credentials: Mapping[str, JSON] = field(default_factory=dict)
    has_domain: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def stories(self) -> tuple[StoryStep, ...]:
        """The steps that belong to stories."""
        return tuple(step for step in self.steps if not step.is_rule)

    @property
    def rules(self) -> tuple[StoryStep, ...]:
        """The steps that belong to rules."""
        return tuple(step for step in self.steps if step.is_rule)

    @classmethod
    def load(
        cls,
        root: Path,
        *,
        domain: str | Path = DOMAIN,
        config: str | Path = CONFIG,
        data: Sequence[str | Path] = (DATA,),
        endpoints: str | Path = "endpoints.yml",
        credentials: str | Path = "credentials.yml",
    ) -> Project:
        """Read a project; paths are relative to `root`. A part that is missing is empty.

        Raises:
            InvalidProject: Something cannot be read; every mistake of all files is in its findings.
        """
        findings = Findings()
        settings = _load_config(root / config, findings)
        files = ProjectFiles(_domain_paths(root, domain), _data_paths(root, data, findings))
        if any(importer.name.endswith("MultiProjectImporter") for importer in settings.importers):
            files = find_imported_files(root / config, files, findings)
        documents = _read_all(yaml_files_below(files.data), findings)
        _note_unknown_files(documents, files.domain, findings)
        reader = _read_nlu(documents, findings)
        _read_json_files(files.data, reader, settings.language or DEFAULT_LANGUAGE)
        raw, built = _build(files.domain, reader, findings)
        steps = _read_steps(documents, built, findings)
        _add_examples(steps, reader)
        texts = {
            event.action_text
            for step in steps
            for event in step.events
            if isinstance(event, ActionExecuted) and event.action_text
        }
        if texts:
            built = build_domain(with_action_texts(raw, texts), Findings())
        findings.raise_errors()
        return cls(
            root=root,
            domain=built,
            nlu=reader.data(raw.source.get("responses") or {}),
            steps=tuple(steps),
            config=settings,
            endpoints=_settings(root / endpoints, findings),
            credentials=_settings(root / credentials, findings),
            has_domain=not raw.is_empty,
            findings=tuple(findings.items),
        )

    def load_tests(self, paths: Sequence[str | Path] = ("tests",)) -> list[TestStories]:
        """Read test stories (files named `test_…`) of files and folders, relative to the root.

        Raises:
            InvalidProject: A test file cannot be read.
        """
        findings = Findings()
        files = [
            path for path in yaml_files_below([self.root / path for path in paths]) if is_test_file(path)
        ]
        documents = _read_all(files, findings)
        for path in files:
            if not is_story_content(documents.get(path)):
                message = "a test file must be a mapping with the key 'stories'"
                findings.error("story-schema", message, Location(str(path), 1))
        tests = [
            TestStories(path, tuple(read_stories(document, self.domain, findings)))
            for path, document in documents.items()
            if is_story_content(document)
        ]
        findings.raise_errors()
        return tests


def _domain_paths(root: Path, domain: str | Path) -> list[Path]:
    path = root / domain
    if not path.exists() and str(domain) == DOMAIN and (root / "domain").is_dir():
        path = root / "domain"
    return [path] if path.exists() or str(domain) != DOMAIN else []


def _data_paths(root: Path, data: Sequence[str | Path], findings: Findings) -> list[Path]:
    """Small projects keep their files beside the domain: without a folder `data` the root is searched."""
    if tuple(map(str, data)) == (DATA,) and not (root / DATA).exists():
        found = sorted(root.glob("*.y*ml"))
        return [path for path in found if path.name not in _OWN_FILES and not is_test_file(path)]
    paths = [root / path for path in data]
    for path in paths:
        if not path.exists():
            findings.error("data-missing", "there is no such file or folder of data", Location(str(path)))
    return paths


def _load_config(path: Path, findings: Findings) -> ProjectConfig:
    if not path.exists():
        findings.warn("config-missing", "there is no configuration; defaults are used", Location(str(path)))
        return ProjectConfig()
    try:
        return load_config(path, findings)
    except InvalidProject as error:
        findings.items.extend(error.findings)
        return ProjectConfig()


def _settings(path: Path, findings: Findings) -> dict[str, JSON]:
    """Read `endpoints.yml` or `credentials.yml`; who uses a section checks it."""
    content = read_yaml(path) if path.exists() else {}
    if isinstance(content, dict):
        return content
    findings.warn("settings-schema", "the file must be a mapping; it is passed over", Location(str(path), 1))
    return {}


def _read_all(paths: Sequence[Path], findings: Findings) -> dict[Path, YamlMap]:
    """Read each YAML file once."""
    documents: dict[Path, YamlMap] = {}
    for path in paths:
        try:
            document = read_yaml(path)
        except InvalidProject as error:
            findings.items.extend(error.findings)
            continue
        if isinstance(document, YamlMap):
            documents[path] = document
        else:
            message = f"the file is {kind(document)}, expected keys such as 'nlu:', 'stories:' or 'rules:'"
            findings.warn("file-unknown", f"{message}; it is passed over", Location(str(path), 1))
    return documents


def read_nlu(paths: Sequence[Path], language: str) -> NluData:
    """Read the NLU data of files and folders alone; of an export with several languages those of one.

    Raises:
        InvalidProject: Something cannot be read.
    """
    findings = Findings()
    reader = _read_nlu(_read_all(yaml_files_below(paths), findings), findings)
    _read_json_files(paths, reader, language)
    findings.raise_errors()
    return reader.data({})


def _read_json_files(paths: Sequence[Path], reader: NluReader, language: str) -> None:
    """Read JSON files that hold Rasa's older form of NLU data, or an export; say which nobody reads."""
    maps: dict[Path, YamlMap] = {}
    lists: dict[Path, YamlList] = {}
    for path in yaml_files_below(paths, _JSON_SUFFIXES):
        try:
            document = read_json(path)
        except InvalidProject as error:
            reader.findings.items.extend(error.findings)
            continue
        if isinstance(document, YamlMap) and (is_nlu_json(document) or is_export(document, path)):
            maps[path] = document
        elif isinstance(document, YamlList) and is_export(document, path):
            lists[path] = document
        elif document:
            message = f"the file is {kind(document)}, expected 'rasa_nlu_data'; it is passed over"
            reader.findings.warn("file-unknown", message, Location(str(path), 1))
    for path, document in maps.items():
        if is_nlu_json(document):
            read_nlu_json(document, reader)
        else:
            read_export(document, path, lists, reader, language)


def _note_unknown_files(
    documents: Mapping[Path, YamlMap], domain_files: Sequence[Path], findings: Findings
) -> None:
    """Say which data files, or parts of them, nobody reads."""
    read_as_domain = set(yaml_files_below(domain_files))
    for path, document in documents.items():
        if path in read_as_domain or path.name in _OWN_FILES or not document:
            continue
        known = (*NLU_KEYS, *STORY_KEYS)
        domain_only = [key for key in document if key in DOMAIN_KEYS and key not in known]
        strangers = [key for key in document if key != "version"]
        if set(document) & set(known):
            warn_misspelled_keys(document, findings)
        if domain_only:
            message = f"'{domain_only[0]}' belongs into the domain; it is not read from a data file"
            findings.warn("file-unknown", message, document.at(domain_only[0]))
        elif strangers and not set(document) & set(known):
            key = strangers[0]
            message = f"no key of this file is known{nearest(str(key), known)}; it is passed over"
            findings.warn("file-unknown", message, document.at(key))


def _read_nlu(documents: Mapping[Path, YamlMap], findings: Findings) -> NluReader:
    reader = NluReader(findings)
    for document in documents.values():
        if is_nlu_content(document):
            reader.read(document)
    return reader


def _build(paths: Sequence[Path], reader: NluReader, findings: Findings) -> tuple[RawDomain, Domain]:
    raw = read_domain(paths, findings)
    if not (reader.retrieval_intents or reader.responses):
        return raw, build_domain(raw, findings)
    domain = build_domain(raw, Findings())
    raw = with_retrieval_intents(raw, domain, reader.retrieval_intents, reader.responses, reader.locations)
    return raw, build_domain(raw, findings)


def _add_examples(steps: Sequence[StoryStep], reader: NluReader) -> None:
    """A turn with a text and an intent is an example of the intent too (Rasa's `E2EImporter`)."""
    for step in steps:
        for event, place in zip(step.events, step.event_locations, strict=True):
            if isinstance(event, UserUttered) and event.text and event.intent_name:
                reader.add_example(event.text, event.intent_name, event.entities, {}, place)


def _read_steps(documents: Mapping[Path, YamlMap], domain: Domain, findings: Findings) -> list[StoryStep]:
    steps: list[StoryStep] = []
    for path, document in documents.items():
        if is_story_content(document):
            if is_test_file(path):
                message = "test stories among the data are learnt, as in Rasa; keep them beside it to test"
                findings.warn("test-in-data", message, Location(str(path), 1))
            steps += read_stories(document, domain, findings)
    return steps
