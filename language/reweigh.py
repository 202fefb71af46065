"""Other weights put into an exported encoder, in a second instead of a new export. Training only."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from torch import nn

from language.encoder import ABOUT_FILE, GRAPH_FILE, TOKENIZER_FILE
from language.export import INT8_COSINE_AT_LEAST, TwoLayers, cosine_to_torch

FloatArray = npt.NDArray[np.float32]
_STEPS = np.float32(127)  # of a signed byte, to each side
_QUANTIZED, _SCALE = "_quantized", "_scale"


class NotReweighable(Exception):
    """The graph does not hold a weight by itself where it was looked for, or bends the new ones too far."""


def weights_of(backbone: nn.Module) -> dict[str, FloatArray]:
    """Copy the weights of a backbone."""
    return {name: weight.detach().numpy().copy() for name, weight in backbone.named_parameters()}


def reweigh(
    source: Path, target: Path, before: Mapping[str, FloatArray], backbone: nn.Module, *, key: str
) -> None:
    """Write to `target` the encoder folder `source` with the weights that `backbone` has now.

    `before` are those that `source` was exported from. Matrices lose their names in the export; one is known
    by its numbers, quantized as the exporter does it.

    Raises:
        NotReweighable: The backbone must be exported anew.
    """
    model = onnx.load(source / GRAPH_FILE)
    tensors = {row.name: row for row in model.graph.initializer}
    uses = Counter(place for node in model.graph.node for place in node.input if place in tensors)
    matrices = {row.raw_data: row.name for row in tensors.values() if len(row.dims) == 2}
    for name, after in weights_of(backbone).items():
        if not np.array_equal(after, before[name]):
            for place, values in _put(name, before[name], after, matrices):
                if uses[place] != 1 or list(tensors[place].dims) != list(values.shape):
                    raise NotReweighable(name)
                tensors[place].CopyFrom(numpy_helper.from_array(values, place))
    target.mkdir(parents=True)
    onnx.save(model, target / GRAPH_FILE)
    shutil.copyfile(source / TOKENIZER_FILE, target / TOKENIZER_FILE)
    facts = json.loads((source / ABOUT_FILE).read_text(encoding="utf-8"))
    (target / ABOUT_FILE).write_text(json.dumps(facts | {"key": key}, indent=1) + "\n", encoding="utf-8")
    reached = cosine_to_torch(target, TwoLayers(backbone).eval())
    if reached < INT8_COSINE_AT_LEAST:
        raise NotReweighable(f"cosine {reached:.4f}")


def _put(
    name: str, before: FloatArray, after: FloatArray, matrices: Mapping[bytes, str]
) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """Yield the tensors of the graph that hold a weight, by name, with their new values."""
    if before.ndim != 2:
        yield f"backbone.{name}", after
        return
    if plain := matrices.get(np.ascontiguousarray(before.T).tobytes()):
        yield plain, np.ascontiguousarray(after.T)
        return
    place = matrices.get(_quantized(before)[0].tobytes(), name)
    values, scale = _quantized(after)
    yield place, values
    yield place.removesuffix(_QUANTIZED) + _SCALE, scale


def _quantized(weight: FloatArray) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Quantize the matrix (out, in) of a linear layer as (in, out), with one scale for each output."""
    matrix = np.ascontiguousarray(weight.T)
    scale = (np.abs(matrix).max(axis=0) / _STEPS).astype(np.float32)
    return np.clip(np.round(matrix / scale), -_STEPS, _STEPS).astype(np.int8), scale
