"""A model as one file: packed for sending, unpacked beside the other models.

An archive may come from anywhere. What is not exactly a model is refused before anything of it is used:
other kinds of compression, links and devices, paths that lead out of it, more bytes or files than a model
has, files that its metadata does not name or promise otherwise, and models that cannot be loaded.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bot.errors import ModelError
from bot.runtime import model_package
from bot.runtime.model_package import METADATA, ModelPackage

SUFFIX = ".tar.gz"
MAX_BYTES = 4 * 1024**3
"""Of an archive, and of what is in it; a large backbone takes half of that."""

_MAX_FILES = 10_000
_HEADERS = 4 * tarfile.BLOCKSIZE  # of one member, its padding included
_LONGEST_READ = 1 << 20  # contents are read in small blocks; only a header that lies asks for more at once
_FOLDER_NAME = re.compile(r"\w[\w.-]{0,99}")
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


def unpack(file: Path, models: Path, usable: Callable[[Path], object] = lambda _: None) -> Path:
    """Unpack a model beside the others and return its folder; one that is there already is left alone.

    The folder has the name that the model had, or the file's where the archive has no folder.

    Args:
        file: The archive.
        models: The folder of all models.
        usable: Is shown the model before it gets its place; what it raises keeps the model out.

    Raises:
        ModelError: The file is no archive, is too large, or holds no model of this product, or other files.
    """
    with model_package.new_package(models, prefix=model_package.UNPACKING_PREFIX) as temporary:
        try:
            _extract(file, temporary)
        except (OSError, tarfile.TarError, EOFError, zlib.error, ValueError) as error:
            raise ModelError(f"{file}: not a readable model archive ({error})") from error
        source = _model_in(temporary, file)
        _refuse_rasas(source / METADATA, file)
        try:
            package = model_package.open_package(source)
        except ModelError as error:
            raise ModelError(f"{file}: {str(error).replace(f'{temporary}/', '')}") from error
        _refuse_strangers(package, file)
        name = source.name if source != temporary else file.name.removesuffix(SUFFIX)
        if not _FOLDER_NAME.fullmatch(name):
            raise ModelError(f"{file}: {name[:80]!r} is no name for a model's folder")
        target = models / name
        if not target.exists():
            usable(source)
            source.chmod(0o755)
            # Another process may have unpacked the same model just now.
            with suppress(OSError):
                os.replace(source, target)
                return target
    if model_package.open_package(target).metadata.model_id != package.metadata.model_id:
        raise ModelError(f"{target}: another model of this name is there already")
    return target


class _Bounded(gzip.GzipFile):
    """A packed stream that fails where it gives more than a model may have, whatever its headers say."""

    def read(self, size: int | None = -1) -> bytes:
        """Read as files do, in blocks; a header that asks for more than any header holds is refused."""
        if size is None or not 0 <= size <= _LONGEST_READ:
            raise tarfile.ReadError(f"a header asks for {size or 0:,} bytes at once")
        if self.tell() > MAX_BYTES + _MAX_FILES * _HEADERS:
            raise tarfile.ReadError(_too_large())
        return super().read(size)


def _too_large() -> str:
    return f"too large for a model, expected at most {_MAX_FILES:,} files and {MAX_BYTES:,} bytes"


def _extract(file: Path, folder: Path) -> None:
    # Only gzip: other kinds of compression let a small file ask for gigabytes of memory.
    with _Bounded(file) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in _members(archive):
            # The filter refuses paths that lead out of the folder, and rights that files should not have.
            archive.extract(member, folder, filter="data")


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Walk over files and folders, before they are written."""
    size = 0
    for count, member in enumerate(archive, start=1):
        if not (member.isdir() or member.isreg()) or member.issparse():
            raise tarfile.ReadError(f"'{member.name[:80]}' is neither a file nor a folder")
        size += member.size
        if size > MAX_BYTES or count > _MAX_FILES:
            raise tarfile.ReadError(_too_large())
        yield member


def _model_in(temporary: Path, file: Path) -> Path:
    """Return the folder that is the model: the archive's own, or the only one in it."""
    if (temporary / METADATA).is_file():
        return temporary
    found = list(temporary.iterdir())
    if not any((path / METADATA).is_file() for path in found):
        raise ModelError(f"{file}: no {METADATA} in it; it is not a model, train the project again")
    if len(found) > 1:
        raise ModelError(f"{file}: it holds more than one model's folder")
    return found[0]


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
