"""Weight quantisation for an exported graph, and the same rounding in the tower that it is exported from."""

import numpy as np
import torch
from torch import nn

LARGE = 16_384  # tensors with at least this many weights are stored as int8


def quantised(values: np.ndarray, rows: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
    """Quantise float32 weights: matrices and convolutions of 16,384 weights or more to int8, others to float16.

    Args:
        values: float32, of any shape.
        rows: the axis of the scales, with one scale per output channel or token.

    Returns:
        The quantised values, and the float32 scales that int8 values are multiplied by, of size 1 in every axis but
        `rows`; None for float16.

    >>> quantised(np.array([0.1, 3.0], np.float32))[1] is None
    True
    """
    if values.ndim not in (2, 4) or values.size < LARGE:
        return values.astype(np.float16), None
    others = tuple(axis for axis in range(values.ndim) if axis != rows)
    scale = np.maximum(np.abs(values).max(others, keepdims=True), 1e-12) / 127
    return np.rint(values / scale).astype(np.int8), scale.astype(np.float32)


def round_weights(module: nn.Module) -> None:
    """Round every float weight to its quantised value, in place; the tensors stay float32."""
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.is_floating_point():
                values, scale = quantised(tensor.float().cpu().numpy())
                tensor.copy_(torch.from_numpy(values.astype(np.float32) * (1 if scale is None else scale)))
