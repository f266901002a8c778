"""torch -> ONNX, refused unless both give the same vectors."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

TOLERANCE = 1e-3  # the largest difference that a vector's component may show
LARGE = 16_384  # numbers from which weights are stored in 8 bits


class ExportRefused(RuntimeError):
    """The exported graph does not answer as the tower does."""


def export(
    tower: nn.Module, inputs: Mapping[str, np.ndarray], path: Path, output: str = "vector", small: bool = True
) -> None:
    """Write the tower as an ONNX graph with inputs like these, by name; axis 0 is free, and for text axis 1 too.

    small: store the weights as `stored` says, each brought back to float32 by nodes that ONNX Runtime folds away on
    load: a quarter to half of the size on disk, float32 arithmetic. The tower's own weights are rounded alike, so that
    it stays what was exported.
    """
    tower.eval()
    if small:
        round_weights(tower)
    long = {"ids", "states"} if "ids" in inputs else set()  # a photo's states have no length
    axes = {name: {0: "batch", 1: "length"} if name in long else {0: "batch"} for name in (*inputs, output)}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        tower, tuple(map(torch.tensor, inputs.values())), str(path), input_names=list(inputs), output_names=[output],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip
    if small:
        _store_small(path)


def stored(values: np.ndarray, rows: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
    """How float32 weights are stored: matrices and convolutions of 16,384 numbers or more as int8 with a float32 scale
    for each entry of the axis `rows` (what one output is made with, or one word's vector), so that its largest number
    is 127; all others as float16, without a scale."""
    if values.ndim not in (2, 4) or values.size < LARGE:
        return values.astype(np.float16), None
    others = tuple(axis for axis in range(values.ndim) if axis != rows)
    scale = np.maximum(np.abs(values).max(others, keepdims=True), 1e-12) / 127
    return np.rint(values / scale).astype(np.int8), scale.astype(np.float32)


def round_weights(module: nn.Module) -> None:
    """Round every float weight to what `stored` keeps of it, in place; it stays a float32 tensor."""
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.is_floating_point():
                held, scale = stored(tensor.float().cpu().numpy())
                tensor.copy_(torch.from_numpy(held.astype(np.float32) * (1 if scale is None else scale)))


def _store_small(path: Path, at_least: int = 256) -> None:
    """Rewrite the file with each float32 initializer of `at_least` numbers as `stored` says."""
    model = onnx.load(path)
    nodes, scales = [], []
    for held in model.graph.initializer:
        values, full = numpy_helper.to_array(held), held.name
        if held.data_type != TensorProto.FLOAT or values.size < at_least:
            continue
        # The exporter turns some matrices over. Of one that was rounded before, the right axis loses nothing.
        tried = (stored(values, rows) for rows in range(min(values.ndim, 2)))
        small, scale = min(tried, key=lambda kept: _lost(values, *kept))
        held.CopyFrom(numpy_helper.from_array(small, f"{full}.small"))
        wide = full if scale is None else f"{full}.wide"
        nodes.append(helper.make_node("Cast", [held.name], [wide], to=TensorProto.FLOAT))
        if scale is not None:
            scales.append(numpy_helper.from_array(scale, f"{full}.scale"))
            nodes.append(helper.make_node("Mul", [wide, f"{full}.scale"], [full]))
    model.graph.initializer.extend(scales)
    nodes += model.graph.node
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _lost(values: np.ndarray, small: np.ndarray, scale: np.ndarray | None) -> float:
    """The largest error of weights as they are stored."""
    return float(np.abs(small * (1 if scale is None else scale) - values).max())


def session(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on the CPU, for extraction and for the parity check."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_parity(
    tower: nn.Module, run: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, gallery: np.ndarray, batch: int = 16
) -> float:
    """The largest difference between the tower's vectors and the graph's on real inputs.

    run:     the graph: a batch of inputs -> vectors.
    gallery: (G, dim) float32, for the top 10 of each input.

    Raises:
        ExportRefused: a component differs by more than TOLERANCE, or the 10 best of the gallery differ (where their
            scores are not equal up to the difference itself).
    """
    tower.eval()
    parts = [inputs[start : start + batch] for start in range(0, len(inputs), batch)]
    ours = np.concatenate([run(part) for part in parts])
    with torch.inference_mode():
        theirs = np.concatenate([tower(torch.from_numpy(part)).numpy() for part in parts])
    worst = float(np.abs(ours - theirs).max())
    if not worst <= TOLERANCE:
        raise ExportRefused(f"The graph differs from its tower by {worst:.2g}; at most {TOLERANCE} is accepted.")
    best = [np.sort(vectors @ gallery.T, axis=1)[:, ::-1][:, :10] for vectors in (ours, theirs)]
    kept = np.argsort(-(ours @ gallery.T), axis=1, kind="stable")[:, :10]
    # The graph's ten best must be the tower's ten best too: by score, so that a tie broken otherwise is no difference.
    again = np.take_along_axis(theirs @ gallery.T, kept, axis=1)
    slip = np.abs(np.sort(again, axis=1)[:, ::-1] - best[1]).max()
    if slip > 1e-4:
        raise ExportRefused(f"The graph ranks otherwise than its tower: a score in the top 10 is off by {slip:.2g}.")
    return worst
