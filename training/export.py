"""torch -> ONNX, refused unless both give the same vectors."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

TOLERANCE = 1e-3  # the largest difference that a vector's component may show


class ExportRefused(RuntimeError):
    """The exported graph does not answer as the tower does."""


def export(tower: nn.Module, name: str, example: np.ndarray, path: Path, output: str = "vector", half: bool = True):
    """Write the tower as an ONNX graph with one input `name` like the example; axis 0 is free, and for text axis 1.

    half: store the weights as float16, each followed by a Cast to float32 that ONNX Runtime folds away on load: half
    the size on disk, float32 arithmetic. The tower's own weights are rounded alike, so that it stays what was exported.
    """
    tower.eval()
    if half:
        round_to_half(tower)
    axes = {0: "batch", 1: "length"} if example.ndim == 2 else {0: "batch"}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        tower, (torch.tensor(example),), str(path), input_names=[name], output_names=[output],
        dynamic_axes={name: axes, output: {0: "batch"}}, opset_version=17, dynamo=False,
    )  # fmt: skip
    if half:
        store_half(path)


def round_to_half(module: nn.Module) -> None:
    """Round every float weight to the nearest float16, in place; it stays a float32 tensor."""
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().float())


def store_half(path: Path, at_least: int = 256) -> None:
    """Rewrite the file with each float32 initializer of `at_least` elements as float16 and a Cast."""
    model = onnx.load(path)
    casts = []
    for held in model.graph.initializer:
        values = numpy_helper.to_array(held)
        if held.data_type != TensorProto.FLOAT or values.size < at_least:
            continue
        full, small = held.name, held.name + ".half"
        held.CopyFrom(numpy_helper.from_array(values.astype(np.float16), small))
        casts.append(helper.make_node("Cast", [small], [full], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def session(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on the CPU, for extraction and for the parity check."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_parity(tower: nn.Module, path: Path, inputs: np.ndarray, gallery: np.ndarray, batch: int = 16) -> float:
    """The largest difference between the tower's vectors and the graph's on real inputs.

    gallery: (G, dim) float32, for the top 10 of each input.

    Raises:
        ExportRefused: a component differs by more than TOLERANCE, or the 10 best of the gallery differ (where their
            scores are not equal up to the difference itself).
    """
    tower.eval()
    graph = session(path)
    (wanted,) = graph.get_inputs()
    parts = [inputs[start : start + batch] for start in range(0, len(inputs), batch)]
    ours = np.concatenate([graph.run(None, {wanted.name: part})[0] for part in parts])
    with torch.inference_mode():
        theirs = np.concatenate([tower(torch.from_numpy(part)).numpy() for part in parts])
    worst = float(np.abs(ours - theirs).max())
    if not worst <= TOLERANCE:
        raise ExportRefused(f"{path.name} differs from its tower by {worst:.2g}; at most {TOLERANCE} is accepted.")
    best = [np.sort(vectors @ gallery.T, axis=1)[:, ::-1][:, :10] for vectors in (ours, theirs)]
    kept = np.argsort(-(ours @ gallery.T), axis=1, kind="stable")[:, :10]
    # The graph's ten best must be the tower's ten best too: by score, so that a tie broken otherwise is no difference.
    again = np.take_along_axis(theirs @ gallery.T, kept, axis=1)
    slip = np.abs(np.sort(again, axis=1)[:, ::-1] - best[1]).max()
    if slip > 1e-4:
        raise ExportRefused(f"{path.name} ranks otherwise than its tower: a score in the top 10 is off by {slip:.2g}.")
    return worst
