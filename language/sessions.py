"""ONNX Runtime as it serves here: graphs opened with as few threads as are told, none of which spins."""

from __future__ import annotations

import onnxruntime

# The kernel that ONNX Runtime puts in the place of an addition and the normalisation behind it takes three
# times as long as the two: without it a message of 14 word pieces is encoded in four fifths of the time.
_SLOW_FUSIONS = ["SkipLayerNormFusion"]


def open_session(graph: str | bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a graph, by its path or as the bytes of its file; several threads may run the session at once.

    ONNX Runtime raises plain exceptions, of whatever kind, for what it cannot read.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads that spin would take the second core away from the rest of the process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW_FUSIONS
    )
