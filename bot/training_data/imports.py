"""Projects made of projects: which files `MultiProjectImporter` takes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from os.path import normpath
from pathlib import Path

from bot.errors import InvalidProject, Location
from bot.training_data.config_file import load_config
from bot.training_data.domain_file import is_domain_content
from bot.training_data.findings import Findings
from bot.training_data.stories import is_story_content, is_test_file
from bot.training_data.yaml_files import read_yaml, yaml_files_below

_CONFIG_NAMES = ("config.yml", "config.yaml")


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """Domain files or folders in merge order, and data files or folders."""

    domain: list[Path] = field(default_factory=list)
    data: list[Path] = field(default_factory=list)


def find_imported_files(config: Path, own: ProjectFiles, findings: Findings) -> ProjectFiles:
    """Follow `imports:` of a config and of every config found on the way; nobody's imports stay out.

    Each file of an imported folder is a domain file or a data file by its keys; its test stories stay out.
    """
    found = ProjectFiles(list(own.domain), list(own.data))
    imported: list[Path] = []
    waiting = [config]
    while waiting:
        current = waiting.pop(0)
        for target in _targets(current, imported, findings):
            imported.append(target)
            if not target.exists():
                message = f"imports '{target}', which does not exist"
                findings.warn("import-missing", message, Location(str(current)))
            elif target.is_file():
                waiting.append(target)
            else:
                _take(yaml_files_below([target]), found, waiting)
    return found


def _targets(config: Path, imported: Iterable[Path], findings: Findings) -> list[Path]:
    """Return what a config imports and is not taken in yet, below another import included."""
    try:
        settings = load_config(config, Findings())
    except InvalidProject as error:
        findings.items.extend(error.findings)
        return []
    targets = dict.fromkeys(Path(normpath(config.parent / path)) for path in settings.imports)
    done = [path.resolve() for path in imported]
    return [path for path in targets if not any(path.resolve().is_relative_to(known) for known in done)]


def _take(paths: Iterable[Path], found: ProjectFiles, waiting: list[Path]) -> None:
    for path in paths:
        if path.name in _CONFIG_NAMES:
            waiting.append(path)
            continue
        try:
            document = read_yaml(path)
        except InvalidProject:
            found.data.append(path)  # read again with the data, where the mistake is noted
            continue
        if is_test_file(path) and is_story_content(document):
            continue
        if is_domain_content(document):
            found.domain.append(path)
        else:
            found.data.append(path)
