"""A model as one file: packed for sending, unpacked beside the other models.

An archive may come from anywhere: its paths, its size and each file's hash are checked before it is used.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bot.errors import ModelError
from bot.runtime import model_package
from bot.runtime.model_package import METADATA, ModelPackage

SUFFIX = ".tar.gz"
MAX_BYTES = 4 * 1024**3
"""Of an archive, and of what is in it; a large backbone takes half of that."""

_MAX_FILES = 10_000
_RASAS_KEY = "rasa_open_source_version"


def pack(package: ModelPackage, folder: Path) -> Path:
    """Write a model into `folder` as a compressed archive that bears its name, and return the file."""
    target = folder / f"{package.folder.name}{SUFFIX}"
    with tarfile.open(target, "w:gz") as archive:
        archive.add(package.folder, arcname=package.folder.name)
    return target


def receive(blocks: Iterable[bytes], file: Path) -> None:
    """Write an archive that comes in blocks.

    Raises:
        ModelError: It is larger than any model.
    """
    size = 0
    with file.open("wb") as target:
        for block in blocks:
            size += len(block)
            if size > MAX_BYTES:
                raise ModelError(f"the archive has more than {MAX_BYTES:,} bytes; it is no model")
            target.write(block)


def unpack(file: Path, models: Path) -> Path:
    """Unpack a model beside the others and return its folder; one that is there already is left alone.

    The folder has the name that the model had, or the file's where the archive has no folder.

    Raises:
        ModelError: The file is no archive, is too large, or holds no model of this product, or other files.
    """
    with model_package.new_package(models, prefix=model_package.UNPACKING_PREFIX) as temporary:
        try:
            with tarfile.open(file) as archive:
                _check_size(archive, file)
                # The filter refuses paths that lead out of the folder, links and devices.
                archive.extractall(temporary, filter="data")
        except (OSError, tarfile.TarError, EOFError) as error:
            raise ModelError(f"{file}: not a readable model archive ({error})") from error
        found = [temporary, *(path for path in temporary.iterdir() if path.is_dir())]
        source = next((path for path in found if (path / METADATA).is_file()), None)
        if source is None:
            raise ModelError(f"{file}: no {METADATA} in it; it is not a model, train the project again")
        _refuse_rasas(source / METADATA, file)
        package = model_package.open_package(source)
        _refuse_strangers(package, file)
        name = source.name if source != temporary else file.name.removesuffix(SUFFIX)
        target = models / name
        if not target.exists():
            source.chmod(0o755)
            # Another process may have unpacked the same model just now.
            with suppress(OSError):
                os.replace(source, target)
                return target
    if model_package.open_package(target).metadata.model_id != package.metadata.model_id:
        raise ModelError(f"{target}: another model of this name is there already")
    return target


def _check_size(archive: tarfile.TarFile, file: Path) -> None:
    """Look at what the archive would become before it becomes that; its headers are read one by one."""
    size = count = 0
    for member in archive:
        size, count = size + member.size, count + 1
        if size > MAX_BYTES or count > _MAX_FILES:
            limits = f"at most {_MAX_FILES:,} files and {MAX_BYTES:,} bytes"
            raise ModelError(f"{file}: too large for a model, expected {limits}")


def _refuse_rasas(metadata: Path, file: Path) -> None:
    try:
        version = json.loads(metadata.read_text("utf-8")).get(_RASAS_KEY)
    except (ValueError, AttributeError):
        return
    if version:
        raise ModelError(
            f"{file}: trained by Rasa {version}, whose models cannot be read; run `frontdesk train` yourself"
        )


def _refuse_strangers(package: ModelPackage, file: Path) -> None:
    """Let nothing in that no hash vouches for."""
    found = {
        path.relative_to(package.folder).as_posix() for path in package.folder.rglob("*") if path.is_file()
    }
    strangers = sorted(found - set(package.metadata.files) - {METADATA})
    if strangers:
        raise ModelError(f"{file}: '{strangers[0]}' is in the archive and not part of the model")
