"""Exports torch towers to ONNX, checks that both return the same vectors and rankings, and explains photo vectors."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.towers.rounding import quantised, round_weights
from xmr.modality import BadInput

TOLERANCE = 1e-3  # largest accepted difference of a vector's component


class ExportRefused(BadInput):
    """The exported graph's vectors or rankings differ from its tower's."""


def export(
    tower: nn.Module, inputs: Mapping[str, np.ndarray], path: Path, output: str = "vector", small: bool = True
) -> None:
    """Write a tower as an ONNX graph. Axis 0 is dynamic, and for text axis 1 too.

    Args:
        tower:  the module; it is set to evaluation mode.
        inputs: example inputs by name.
        path:   the .onnx file.
        output: name of the graph's output.
        small:  store quantised weights, with nodes that cast them back to float32 and that ONNX Runtime folds on load.
            The file shrinks to a quarter or a half; arithmetic stays float32. The tower's own weights are rounded to
            the same values, in place.
    """
    tower.eval()
    if small:
        round_weights(tower)
    long = {"ids", "mask", "states"} if "ids" in inputs else set()  # only text has a length axis
    axes = {name: {0: "batch", 1: "length"} if name in long else {0: "batch"} for name in (*inputs, output)}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        tower,
        tuple(map(torch.tensor, inputs.values())),
        str(path),
        input_names=list(inputs),
        output_names=[output],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    if small:
        _store_small(path)


def _store_small(path: Path, at_least: int = 256) -> None:
    """Rewrite the file with every float32 initializer of `at_least` elements quantised."""
    model = onnx.load(path)
    nodes, scales = [], []
    for tensor in model.graph.initializer:
        values, full = numpy_helper.to_array(tensor), tensor.name
        if tensor.data_type != TensorProto.FLOAT or values.size < at_least:
            continue
        # The exporter transposes some matrices, so try both axes: the one that was rounded before has no error.
        choices = (quantised(values, rows) for rows in range(min(values.ndim, 2)))
        small, scale = min(choices, key=lambda choice: _error(values, *choice))
        tensor.CopyFrom(numpy_helper.from_array(small, f"{full}.small"))
        wide = full if scale is None else f"{full}.wide"
        nodes.append(helper.make_node("Cast", [tensor.name], [wide], to=TensorProto.FLOAT))
        if scale is not None:
            scales.append(numpy_helper.from_array(scale, f"{full}.scale"))
            nodes.append(helper.make_node("Mul", [wide, f"{full}.scale"], [full]))
    model.graph.initializer.extend(scales)
    nodes += model.graph.node
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _error(values: np.ndarray, small: np.ndarray, scale: np.ndarray | None) -> float:
    """The largest quantisation error."""
    return float(np.abs(small * (1 if scale is None else scale) - values).max())


def export_cells(photo: Path, path: Path) -> bool:
    """Write the piece of a graph that splits a photo's vector into what each cell of its last feature map adds to it.

    The piece is appended to the photo graph's bytes: Protocol Buffers merge messages that follow one another. The whole
    then also gives "cells" (batch, rows, columns, dim). In a graph that ends with average pooling and a
    ProjectionHead (towers/heads.py), h = W p + W2 (gate * (W1 p)) + biases, at unit length, where p is the mean of the
    cells' features and gate(x) = GELU(x) / x, h is linear in p once the gates are known. So the cells' shares, with the
    gates and the length of the whole photo, add up to the vector exactly, but for the head's biases.

    Args:
        photo: the photo graph, as `export` wrote it.
        path:  the piece's .onnx file.

    Returns:
        Whether it was written: False for a graph of another form.
    """
    whole = onnx.load(photo)
    graph = whole.graph
    if not (names := _projection(graph)):
        return False
    node = helper.make_node
    piece = onnx.ModelProto()
    piece.graph.node.extend(
        [
            node("Transpose", [names["features"]], ["cells/features"], perm=[0, 2, 3, 1]),
            *(
                node("Transpose", [names[part]], [f"cells/{part}"], perm=[1, 0])  # a Gemm's weights: outputs first
                for part in ("linear", "first", "last")
            ),
            node("MatMul", ["cells/features", "cells/linear"], ["cells/straight"]),
            node("MatMul", ["cells/features", "cells/first"], ["cells/hidden"]),
            node("Unsqueeze", [names["gate"], "cells/axes"], ["cells/gate"]),
            node("Mul", ["cells/hidden", "cells/gate"], ["cells/gated"]),
            node("MatMul", ["cells/gated", "cells/last"], ["cells/twice"]),
            node("Mul", ["cells/twice", "cells/half"], ["cells/bent"]),
            node("Add", ["cells/straight", "cells/bent"], ["cells/sum"]),
            node("Unsqueeze", [names["length"], "cells/axes"], ["cells/length"]),
            node("Div", ["cells/sum", "cells/length"], ["cells/scaled"]),
            node("Shape", ["cells/features"], ["cells/sides"], start=1, end=3),
            node("ReduceProd", ["cells/sides"], ["cells/count"], keepdims=0),
            node("Cast", ["cells/count"], ["cells/number"], to=TensorProto.FLOAT),
            node("Div", ["cells/scaled", "cells/number"], ["cells"]),
        ]
    )
    for name, value in (("axes", np.array([1, 2])), ("half", np.array(0.5, np.float32))):
        piece.graph.initializer.append(numpy_helper.from_array(value, f"cells/{name}"))
    shape = ["batch", "rows", "columns", "dim"]
    piece.graph.output.append(helper.make_tensor_value_info("cells", TensorProto.FLOAT, shape))
    whole.MergeFrom(piece)
    onnx.checker.check_model(whole)
    path.write_bytes(piece.SerializeToString())
    return True


def _projection(graph: onnx.GraphProto) -> dict[str, str]:
    """The names of the arrays that a graph's average pooling and ProjectionHead compute with; empty where the graph
    does not end with these. "gate" is 1 + erf, twice the gate of a GELU."""
    made = {name: node for node in graph.node for name in node.output}
    used = {name: node for node in graph.node for name in node.input}
    kinds = [node.op_type for node in graph.node]
    if [kinds.count(kind) for kind in ("GlobalAveragePool", "Gemm", "Erf", "ReduceL2")] != [1, 3, 1, 1]:
        return {}
    pool, erf, norm = (graph.node[kinds.index(kind)] for kind in ("GlobalAveragePool", "Erf", "ReduceL2"))
    first = made[made[erf.input[0]].input[0]]
    joined = made[norm.input[0]]
    if first.op_type != "Gemm" or joined.op_type != "Add":
        return {}
    linear, last = (made[name] for name in joined.input)
    if linear.op_type != "Gemm" or last.op_type != "Gemm" or linear.input[0] != first.input[0]:
        return {}
    return {
        "features": pool.input[0],
        "linear": linear.input[1],
        "first": first.input[1],
        "last": last.input[1],
        "gate": used[erf.output[0]].output[0],
        "length": used[norm.output[0]].output[0],
    }


def session(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on the CPU, for feature extraction and for the parity check."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_parity(
    tower: nn.Module, run: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, gallery: np.ndarray, batch: int = 16
) -> float:
    """Compare the tower's vectors with the graph's, and return their largest difference.

    Args:
        run:     the graph: a batch of inputs -> vectors.
        inputs:  (N, ...) arrays as the tower takes them.
        gallery: (G, dim) float32 vectors; both rank them.
        batch:   inputs compared at a time.

    Raises:
        ExportRefused: a component differs by more than TOLERANCE, or a score in a top 10 by more than 1e-4.
    """
    tower.eval()
    parts = [inputs[start : start + batch] for start in range(0, len(inputs), batch)]
    exported = np.concatenate([run(part) for part in parts])
    with torch.inference_mode():
        wanted = np.concatenate([tower(torch.from_numpy(part)).numpy() for part in parts])
    worst = float(np.abs(exported - wanted).max())
    if not worst <= TOLERANCE:
        raise ExportRefused(f"The graph differs from its tower by {worst:.2g}; at most {TOLERANCE} is accepted.")
    # Compare the two top 10s by the tower's scores, so that a tie may be broken either way.
    scores = wanted @ gallery.T
    top = np.argsort(-(exported @ gallery.T), axis=1, kind="stable")[:, :10]
    difference = np.sort(scores, axis=1)[:, -10:] - np.sort(np.take_along_axis(scores, top, axis=1), axis=1)
    if (slip := np.abs(difference).max()) > 1e-4:
        raise ExportRefused(f"The graph ranks otherwise than its tower: a score in the top 10 is off by {slip:.2g}.")
    return worst
