"""A model as one file: packed for sending, unpacked beside the other models."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from bot.errors import ModelError
from bot.runtime import model_package
from bot.runtime.model_package import METADATA, ModelPackage

SUFFIX = ".tar.gz"


def pack(package: ModelPackage, folder: Path) -> Path:
    """Write a model into `folder` as a compressed archive that bears its name, and return the file."""
    target = folder / f"{package.folder.name}{SUFFIX}"
    with tarfile.open(target, "w:gz") as archive:
        archive.add(package.folder, arcname=package.folder.name)
    return target


def unpack(file: Path, models: Path) -> Path:
    """Unpack a model beside the others and return its folder; one that is there already is left alone.

    The folder has the name that the model had, or the file's where the archive has no folder.

    Raises:
        ModelError: The file is no archive, or holds no model of this product.
    """
    with model_package.new_package(models, prefix=model_package.UNPACKING_PREFIX) as temporary:
        try:
            with tarfile.open(file) as archive:
                # The filter refuses paths that lead out of the folder, links and devices.
                archive.extractall(temporary, filter="data")
        except (OSError, tarfile.TarError, EOFError) as error:
            raise ModelError(f"{file}: not a readable model archive ({error})") from error
        found = [temporary, *(path for path in temporary.iterdir() if path.is_dir())]
        source = next((path for path in found if (path / METADATA).is_file()), None)
        if source is None:
            raise ModelError(f"{file}: no {METADATA} in it; it is not a model, train the project again")
        package = model_package.open_package(source)
        name = source.name if source != temporary else file.name.removesuffix(SUFFIX)
        target = models / name
        if not target.exists():
            source.chmod(0o755)
            os.replace(source, target)
            return target
    if model_package.open_package(target).metadata.model_id != package.metadata.model_id:
        raise ModelError(f"{target}: another model of this name is there already")
    return target
