"""The network of the learnt policies as an ONNX graph, written node by node. Training only.

A few milliseconds; torch's own exporter takes seconds. The graph computes what `ted_training` trains, for the
last turn alone, as nobody asks for the earlier ones. Weights keep their names and shapes, (out, in) in
matrices, so that a training can go on from them.

Axes: T turns, F feature columns, D width, H heads, L labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bot.policies.ted_features import FloatArray
from bot.policies.ted_model import ROWS, SCORES, TURNS

_OPSET, _IR_VERSION = 20, 10  # not the newest, so that an older ONNX Runtime can serve as well
_FIRST, _BEHIND_LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
_FLOAT = onnx.TensorProto.FLOAT


@dataclass
class _Nodes:
    """Nodes in order, and what they read besides each other: weights, and numbers that never change."""

    tensors: dict[str, np.ndarray]
    nodes: list[onnx.NodeProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def whole(self, *numbers: int) -> str:
        """Return the name of a tensor of these whole numbers."""
        name = f"whole {numbers}"
        self.tensors[name] = np.array(numbers, np.int64)
        return name

    def linear(self, layer: str, rows: str) -> str:
        """Multiply rows with the matrix of a layer, and add its bias if it has one."""
        names = [name for name in (f"{layer}.weight", f"{layer}.bias") if name in self.tensors]
        return self.add("Gemm", rows, *names, transB=1)

    def normalised(self, layer: str, rows: str) -> str:
        """Normalise each row, as torch's LayerNorm does."""
        return self.add("LayerNormalization", rows, f"{layer}.weight", f"{layer}.bias", epsilon=1e-5)

    def last(self, rows: str) -> str:
        """Return the last row: (1, …)."""
        return self.add("Slice", rows, self.whole(-1), self.whole(_BEHIND_LAST), self.whole(0))


def as_graph(weights: Mapping[str, FloatArray], heads: int) -> bytes:
    """Write the graph from rows (T, F) to scores (L,); it says by itself how many turns it looks back."""
    nodes = _Nodes(dict(weights))
    turns = nodes.add("Add", nodes.linear("embed", ROWS), _positions(nodes))  # (T, D)
    attended = _attend(nodes, nodes.normalised("attention_norm", turns), heads)
    last = nodes.add("Add", nodes.last(turns), nodes.linear("mix", attended))  # (1, D)
    hidden = nodes.add("Relu", nodes.linear("inner", nodes.normalised("inner_norm", last)))
    last = nodes.add("Add", last, nodes.linear("outer", hidden))
    dialogue = nodes.normalised("final_norm", last)
    kin = nodes.add("MatMul", nodes.last(ROWS), "kinship")  # (2, 1, L)
    kin = nodes.add("Reshape", kin, nodes.whole(2, -1))
    by_name = nodes.add("MatMul", nodes.linear("gate", dialogue), kin)  # (1, L)
    scores = nodes.add("Add", nodes.linear("labels", dialogue), by_name)
    nodes.add("Reshape", scores, nodes.whole(-1), output=SCORES)
    return _serialised(nodes, weights)


def weights_of(graph: bytes) -> dict[str, FloatArray]:
    """Read the weights back out of a graph, and its whole numbers beside them."""
    tensors = onnx.load_from_string(graph).graph.initializer
    return {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in tensors}


def _positions(nodes: _Nodes) -> str:
    """Return what each turn gets for its place (T, D): `position` counts from the latest backwards."""
    count = nodes.add("Shape", ROWS, end=1)
    oldest = nodes.add("Sub", count, nodes.whole(1))
    return nodes.add("Slice", "position", oldest, nodes.whole(_FIRST), nodes.whole(0), nodes.whole(-1))


def _attend(nodes: _Nodes, seen: str, heads: int) -> str:
    """Mix what was seen, by how much it matters to the last turn: (1, D)."""
    width = nodes.tensors["position"].shape[1]
    by_head = nodes.whole(-1, heads, width // heads)
    nodes.tensors["root"] = np.array((width // heads) ** 0.5, np.float32)
    query = nodes.add("Reshape", nodes.linear("query", nodes.last(seen)), nodes.whole(heads, 1, -1))
    key = nodes.add("Reshape", nodes.linear("key", seen), by_head)
    value = nodes.add("Reshape", nodes.linear("value", seen), by_head)
    affinity = nodes.add("MatMul", query, nodes.add("Transpose", key, perm=[1, 2, 0]))  # (H, 1, T)
    share = nodes.add("Softmax", nodes.add("Div", affinity, "root"), axis=-1)
    mixed = nodes.add("MatMul", share, nodes.add("Transpose", value, perm=[1, 0, 2]))  # (H, 1, D/H)
    return nodes.add("Reshape", mixed, nodes.whole(1, -1))


def _serialised(nodes: _Nodes, weights: Mapping[str, FloatArray]) -> bytes:
    columns, labels = weights["embed.weight"].shape[1], len(weights["labels.bias"])
    graph = helper.make_graph(
        nodes.nodes,
        "TED",
        [helper.make_tensor_value_info(ROWS, _FLOAT, ["turns", columns])],
        [helper.make_tensor_value_info(SCORES, _FLOAT, [labels])],
        [numpy_helper.from_array(tensor, name) for name, tensor in nodes.tensors.items()],
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    helper.set_model_props(model, {TURNS: str(len(weights["position"]))})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
