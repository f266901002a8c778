"""Loads a published ONNX graph back into its torch tower, to continue training when the original run is gone."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from xmr.modality import BadInput


def load_onnx_weights(module: nn.Module, path: Path) -> None:
    """Load the weights of a graph that `training.learn.export.export` wrote into a module, by their names.

    Export rounds a tower's weights to the stored values, so the module equals the tower up to float32 rounding.

    Args:
        module: a tower of the same architecture; changed in place.
        path:   the .onnx file.

    Raises:
        BadInput: there is no such file, or a weight is missing or has another shape.
    """
    if not path.is_file():
        raise BadInput(f"Expected a published graph at {path}. Restore it with git checkout -- {path}")
    graph = onnx.load(path).graph
    held = {_bare(tensor.name): numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:  # a linear layer of three dimensions is a product with a matrix that has lost its name
        if node.op_type == "MatMul":
            layer = _bare(node.name.rpartition("/")[0].strip("/").replace("/", "."))
            for part in ("", ".small", ".scale"):  # rounded, or as it is where it is small
                if f"{node.input[1]}{part}" in held:
                    held[f"{layer}.weight{part}"] = held[f"{node.input[1]}{part}"].T
    found = {}
    for name, own in module.state_dict().items():
        bare = name.replace("conv_dw.conv.", "conv_dw.")  # as graphs have it that were made before photo.Depthwise
        known = next((one for one in (name, bare) if one in held or f"{one}.small" in held), name)
        values = held.get(known, held.get(f"{known}.small"))
        if values is None or values.shape != tuple(own.shape):
            came = "none" if values is None else f"one of {values.shape}"
            raise BadInput(
                f"Expected weights {name!r} of {tuple(own.shape)} in {path}, but there is {came}. Its tower "
                "has another form than this recipe's."
            )
        found[name] = torch.from_numpy(np.ascontiguousarray(values.astype("float32") * held.get(f"{known}.scale", 1)))
    module.load_state_dict(found)


def _bare(name: str) -> str:
    """A name in a graph without the prefix of a module that wraps the tower: nn.Sequential's, or Mirrored's."""
    return name.removeprefix("0.").removeprefix("tower.")
