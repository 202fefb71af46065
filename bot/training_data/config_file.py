"""`config.yml`: language, pipeline and policies, defaults filled in where nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.dialogue.messages import JSON
from bot.errors import Location, nearest
from bot.training_data.findings import Findings
from bot.training_data.unknown_keys import warn_misspelled_keys
from bot.training_data.yaml_files import read_yaml
from bot.training_data.yaml_values import YamlList, YamlMap, kind, plain

PLACEHOLDER_ID = "placeholder_default"
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class ComponentConfig:
    """One line of `pipeline` or `policies`: a short name or a Python path, and its options."""

    name: str
    options: Mapping[str, JSON] = field(default_factory=dict)
    location: Location | None = None


# By short name, and as Rasa's own Python paths.
IMPORTERS = ("RasaFileImporter", "MultiProjectImporter")
_IMPORTER_PATHS = tuple(
    f"rasa.shared.importers.{module}.{name}"
    for module, name in zip(("rasa", "multi_project"), IMPORTERS, strict=True)
)


def _default(name: str, **options: JSON) -> ComponentConfig:
    return ComponentConfig(name, options)


# Rasa 3.6's own defaults for a config without these keys.
DEFAULT_PIPELINE = (
    _default("WhitespaceTokenizer"),
    _default("RegexFeaturizer"),
    _default("LexicalSyntacticFeaturizer"),
    _default("CountVectorsFeaturizer"),
    _default("CountVectorsFeaturizer", analyzer="char_wb", min_ngram=1, max_ngram=4),
    _default("DIETClassifier", epochs=100, constrain_similarities=True),
    _default("EntitySynonymMapper"),
    _default("ResponseSelector", epochs=100, constrain_similarities=True),
    _default("FallbackClassifier", threshold=0.3, ambiguity_threshold=0.1),
)
DEFAULT_POLICIES = (
    _default("MemoizationPolicy"),
    _default("RulePolicy"),
    _default("UnexpecTEDIntentPolicy", max_history=5, epochs=100),
    _default("TEDPolicy", max_history=5, epochs=100, constrain_similarities=True),
)


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What `config.yml` says. `importers` and `imports` are names and paths as written.

    `is_default_pipeline` and `is_default_policies` tell that Rasa's defaults stand in for an empty key.
    """

    recipe: str = "default.v1"
    language: str | None = None
    assistant_id: str | None = None
    pipeline: tuple[ComponentConfig, ...] = DEFAULT_PIPELINE
    policies: tuple[ComponentConfig, ...] = DEFAULT_POLICIES
    importers: tuple[ComponentConfig, ...] = ()
    imports: tuple[str, ...] = ()
    is_default_pipeline: bool = True
    is_default_policies: bool = True
    location: Location | None = None
    locations: Mapping[str, Location] = field(default_factory=dict)


def load_config(path: Path, findings: Findings) -> ProjectConfig:
    """Read a config file; what is wrong is noted and the default stands in for it.

    Raises:
        InvalidProject: The file is missing or not YAML.
    """
    document = read_yaml(path)
    if not isinstance(document, YamlMap):
        message = f"the configuration must be a mapping, found {kind(document)}"
        findings.error("config-schema", message, Location(str(path), 1))
        document = YamlMap(str(path), 1)
    warn_misspelled_keys(document, findings)
    recipe = document.get("recipe")
    if isinstance(recipe, str) and recipe not in ("default.v1", "graph.v1"):
        hint = nearest(recipe, ("default.v1",))
        findings.error("config-recipe", f"there is no recipe '{recipe}'{hint}", document.at("recipe"))
    if recipe == "graph.v1":
        message = "graph recipes are not supported; write 'recipe: default.v1' with pipeline and policies"
        findings.error("config-recipe", message, document.at("recipe"))
    pipeline = _components(document, "pipeline", findings)
    policies = _components(document, "policies", findings)
    return ProjectConfig(
        recipe=_text(document, "recipe", findings) or "default.v1",
        language=_text(document, "language", findings),
        assistant_id=_text(document, "assistant_id", findings),
        pipeline=pipeline or DEFAULT_PIPELINE,
        policies=policies or DEFAULT_POLICIES,
        importers=_importers(document, findings),
        imports=_imports(document, findings),
        is_default_pipeline=not pipeline,
        is_default_policies=not policies,
        location=Location(str(path), 1),
        locations={str(key): document.at(key) for key in document},
    )


def _text(document: YamlMap, key: str, findings: Findings) -> str | None:
    value = document.get(key)
    if value is None or isinstance(value, str):
        return value
    message = f"'{key}' must be text, found {kind(value)}; put quotes around it"
    findings.error("config-schema", message, document.at(key))
    return str(value)


def _components(document: YamlMap, key: str, findings: Findings) -> tuple[ComponentConfig, ...]:
    items = document.get(key)
    if items is not None and not isinstance(items, YamlList):
        message = f"'{key}' must be a list of '- name: …', found {kind(items)}"
        findings.error("config-schema", message, document.at(key))
        return ()
    components = []
    for item, place in items.with_places() if items else ():
        name = item.get("name") if isinstance(item, YamlMap) else item if key == "importers" else None
        if not isinstance(name, str) or not name:
            message = f"an item of '{key}' needs a 'name', found {plain(item)!r}"
            findings.error("config-schema", message, place)
            continue
        options = plain(item) if isinstance(item, YamlMap) else {}
        options.pop("name", None)
        components.append(ComponentConfig(name, options, place))
    return tuple(components)


def _importers(document: YamlMap, findings: Findings) -> tuple[ComponentConfig, ...]:
    """Read the importers; one of a project's own would have to build Rasa's objects, so it is refused."""
    importers = _components(document, "importers", findings)
    for importer in importers:
        if importer.name not in (*IMPORTERS, *_IMPORTER_PATHS):
            message = (
                f"importer '{importer.name}' is not supported{nearest(importer.name, IMPORTERS)}; expected "
                f"{' or '.join(IMPORTERS)}. Have one of your own write its data as YAML into the project, "
                "before training"
            )
            findings.error("config-importer", message, importer.location)
    return importers


def _imports(document: YamlMap, findings: Findings) -> tuple[str, ...]:
    items = document.get("imports") or []
    if not isinstance(items, YamlList) or not all(isinstance(item, str) for item in items):
        if items:
            findings.error("config-schema", "'imports' must be a list of paths", document.at("imports"))
        return ()
    return tuple(items)


def beside(path: str, component: ComponentConfig) -> Path:
    """Return a path that a line names: from where its file stands if it is there, else as it is written."""
    place = Path(component.location.file).parent / path if component.location else Path(path)
    return place if place.exists() else Path(path)
