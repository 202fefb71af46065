"""What the folder of a backbone must hold, checked without loading what reads it."""

from __future__ import annotations

import json
from pathlib import Path

CONFIG_FILE, WEIGHTS = "config.json", "*.safetensors"
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")
_OTHER_WEIGHTS = ("pytorch_model.bin", "*.bin", "*.pt", "*.h5", "*.msgpack", "*.ckpt*")
_LENGTH_BYTES = 8  # of the header's length, at the front of a safetensors file
_LFS_POINTER = b"version https://git-lfs"


def what_is_wrong(folder: Path) -> str | None:
    """Say what a backbone's folder lacks or which of its files is no such file; None for a whole one."""
    if not (folder / CONFIG_FILE).is_file():
        return f"{folder}: no {CONFIG_FILE} in it; a backbone is a folder as transformers saves it"
    try:
        json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except ValueError as error:
        return f"{folder / CONFIG_FILE}: no readable JSON ({error})"
    weights = sorted(folder.glob(WEIGHTS))
    if not weights:
        others = sorted(path.name for pattern in _OTHER_WEIGHTS for path in folder.glob(pattern))
        hint = (
            f"; {others[0]} is not read, save the model again with safe_serialization=True" if others else ""
        )
        return f"{folder}: no weights in it, expected {WEIGHTS}{hint}"
    for path in weights:
        wrong = _wrong_weights(path)
        if wrong:
            return f"{path}: {wrong}"
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        return f"{folder}: no tokenizer in it, expected one of {', '.join(TOKENIZER_FILES)}"
    return None


def _wrong_weights(path: Path) -> str | None:
    """Hold a file's header against its size, which finds pointers, empty files and broken downloads."""
    size = path.stat().st_size
    with path.open("rb") as file:
        front = file.read(len(_LFS_POINTER))
        if front == _LFS_POINTER:
            return "a pointer of Git LFS, not the weights; run `git lfs pull` where it was cloned"
        length = int.from_bytes(front[:_LENGTH_BYTES], "little")
        if size <= _LENGTH_BYTES + length:
            return f"broken or cut off, it has only {size:,} bytes"
        file.seek(_LENGTH_BYTES)
        try:
            header = json.loads(file.read(length))
            end = max(row["data_offsets"][1] for name, row in header.items() if name != "__metadata__")
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            return "no file of safetensors"
    promised = _LENGTH_BYTES + length + end
    if size != promised:
        return f"broken or cut off, it has {size:,} bytes and its header promises {promised:,}"
    return None
