"""A trained model is a folder: written under a temporary name, renamed when complete, checked when opened."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from bot.dialogue.domain import Domain
from bot.dialogue.messages import JSON
from bot.errors import InvalidProject, ModelError
from bot.training_data.domain_file import RawDomain, build_domain
from bot.training_data.findings import Findings
from bot.written_for_rasa.imports import NoOwnClass
from bot.written_for_rasa.slots import with_own_slots

FORMAT = 1
METADATA = "metadata.json"
DOMAIN = "domain.json"
NLU = "nlu"
POLICIES = "policies"
TRAINING_PREFIX, UNPACKING_PREFIX = ".training-", ".unpacking-"


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a model says of itself.

    `trained_at` is UTC in ISO 8601. `fingerprints` maps a part (`nlu`, `policies`, `domain`) to the hash of
    what it was made from. `files` maps each file's path inside the model to its SHA-256.
    """

    model_id: str
    trained_at: str
    version: str
    assistant_id: str | None = None
    language: str | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A complete model on disk."""

    folder: Path
    metadata: ModelMetadata

    @property
    def nlu_folder(self) -> Path:
        """Where the NLU's files are."""
        return self.folder / NLU

    @property
    def policies_folder(self) -> Path:
        """Where the policies' files are."""
        return self.folder / POLICIES

    def load_domain(self) -> Domain:
        """Return the domain that the model was trained with.

        Raises:
            ModelError: The file is broken.
        """
        path = self.folder / DOMAIN
        try:
            findings = Findings()
            domain = build_domain(RawDomain(json.loads(path.read_text("utf-8"))), findings)
            findings.raise_errors()
            domain = with_own_slots(domain)
        except NoOwnClass as error:
            raise ModelError(f"{path}: {error}") from error
        except (OSError, ValueError, TypeError, AttributeError, InvalidProject) as error:
            raise ModelError(f"{path}: broken ({error}); train the model again") from error
        return domain


def latest(models: Path) -> Path:
    """Return the folder of the newest complete model; a model's own folder is returned as it is.

    Raises:
        ModelError: There is none.
    """
    if (models / METADATA).is_file():
        return models.resolve() if models.is_symlink() else models
    folders = [path.parent for path in models.glob(f"*/{METADATA}") if not path.parent.name.startswith(".")]
    complete = [folder for folder in folders if not folder.is_symlink()]
    if not complete:
        half = [path.name for path in models.glob("*/") if not path.name.startswith(".")]
        hint = f" ({half[0]} is incomplete)" if half else ""
        raise ModelError(f"no trained model in {models}{hint}; run `frontdesk train`")
    return max(complete, key=lambda folder: (_trained_at(folder), folder.name))


def open_package(folder: Path, *, check_files: bool = True) -> ModelPackage:
    """Open a model and see that each of its files is the one that was written.

    Raises:
        ModelError: It is missing, half-written, of another format, or a file has changed.
    """
    metadata = _read_metadata(folder)
    if metadata.format != FORMAT:
        raise ModelError(
            f"{folder}: model format {metadata.format}, this version reads {FORMAT}; train it again"
        )
    if check_files:
        for name, expected in metadata.files.items():
            path = folder / name
            if not _is_inside(name):
                raise ModelError(f"{folder / METADATA}: '{name}' is no path inside a model")
            if not path.is_file():
                raise ModelError(f"{path}: the file is missing; train the model again")
            if _sha256(path) != expected:
                raise ModelError(f"{path}: the file is not the one that was trained; train the model again")
    return ModelPackage(folder, metadata)


def _is_inside(name: str) -> bool:
    """Whether a path stays in the model: no other file of this machine is opened for whoever asks."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in name


@contextmanager
def new_package(models: Path, *, prefix: str = TRAINING_PREFIX) -> Iterator[Path]:
    """Give a temporary folder to write a model into; it vanishes unless `finish` renamed it."""
    models.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=models))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def finish(
    folder: Path,
    domain: Domain,
    *,
    version: str,
    fingerprints: Mapping[str, str],
    assistant_id: str | None = None,
    language: str | None = None,
) -> ModelPackage:
    """Write domain and metadata, and give the folder its name: UTC time and a short hash."""
    source = json.dumps(dict(domain.source), ensure_ascii=False, default=str, indent=1)
    (folder / DOMAIN).write_text(source, "utf-8")
    files = {
        path.relative_to(folder).as_posix(): _sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    now = datetime.now(UTC)
    metadata = ModelMetadata(
        uuid.uuid4().hex, now.isoformat(), version, assistant_id, language, dict(fingerprints), files
    )
    (folder / METADATA).write_text(json.dumps(asdict(metadata), ensure_ascii=False, indent=1), "utf-8")
    target = folder.parent / f"{now:%Y%m%d-%H%M%S}-{metadata.model_id[:8]}"
    folder.chmod(0o755)
    os.replace(folder, target)
    return ModelPackage(target, metadata)


def give_name(folder: Path, name: str) -> None:
    """Give a model a second name beside it, in one step; a model that had the name before keeps its own.

    Raises:
        ModelError: It is no name, or something else bears it.
    """
    name = name.removesuffix(".tar.gz")
    place = folder.parent / name
    if not name or name.startswith(".") or Path(name).name != name:
        raise ModelError(f"'{name}' is no name for a model: expected one without '/', not hidden")
    if place.exists() and not place.is_symlink():
        raise ModelError(f"{place}: is there already, and is no second name of a model")
    link = folder.parent / f".{name}-{uuid.uuid4().hex}"
    link.symlink_to(folder.name)
    os.replace(link, place)


def reuse(part: str, source: Path, target: Path) -> None:
    """Take over a part of an earlier model; files are linked where the disk can, else copied."""
    shutil.copytree(source / part, target / part, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _trained_at(folder: Path) -> str:
    try:
        return _read_metadata(folder).trained_at
    except ModelError:
        return ""


def _read_metadata(folder: Path) -> ModelMetadata:
    path = folder / METADATA
    if not folder.is_dir():
        raise ModelError(f"there is no model at {folder}; run `frontdesk train`")
    if not path.is_file():
        raise ModelError(f"{folder}: no {METADATA}; the model is half-written, train it again")
    try:
        data: JSON = json.loads(path.read_text("utf-8"))
        return ModelMetadata(**data)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path}: broken ({error}); train the model again") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
