"""Exact search with FAISS's flat indexes."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from xmr.modality import BadInput, shown

_LONGEST = 1e9  # largest norm of a vector: squared distances must fit into float32


class FlatIndex:
    """Exact search in memory.

    The score is the cosine, minus the euclidean distance, or minus the Hamming distance (of vectors of +-1).

    Args:
        space: "cosine", "euclidean" or "hamming".
        dim:   length of the vectors.

    Raises:
        BadInput: an unknown space; in `add` and `search`, vectors that are not finite or have another shape.
    """

    def __init__(self, space: str, dim: int) -> None:
        import faiss

        makers: dict[str, Callable[[], Any]] = {
            "cosine": lambda: faiss.IndexFlatIP(dim),
            "euclidean": lambda: faiss.IndexFlatL2(dim),
            "hamming": lambda: faiss.IndexBinaryFlat(-(-dim // 8) * 8),  # whole bytes; the padding never differs
        }
        if space not in makers:
            raise BadInput(f"The space must be one of {', '.join(makers)}; {shown(space)} came.")
        self._space, self._dim = space, dim
        self._index = makers[space]()

    def __len__(self) -> int:
        return self._index.ntotal

    def add(self, vectors: np.ndarray) -> None:
        """See VectorIndex."""
        self._index.add(self._rows(vectors))

    def search(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """See VectorIndex."""
        if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
            raise BadInput(f"The number of answers must be a whole one, at least 1; {shown(k)} came.")
        queries, k = self._rows(vectors), int(min(k, len(self)))
        if k == 0:
            return np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
        distances, rows = self._index.search(queries, k)
        if self._space == "cosine":
            scores = distances
        elif self._space == "euclidean":
            scores = -np.sqrt(np.maximum(distances, 0))
        else:
            scores = -distances.astype(np.float32)
        order = np.lexsort((rows, -scores))  # FAISS does not order ties
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """See VectorIndex."""
        rows = np.asarray(rows)
        if rows.size and (rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= len(self)):
            raise BadInput(f"Rows must be whole numbers from 0 to {len(self) - 1}; {shown(rows)} came.")
        if self._space == "hamming":
            bits = np.empty((len(rows), self._index.code_size), np.uint8)
            for at, row in enumerate(rows):
                bits[at] = self._index.reconstruct(int(row))
            return np.unpackbits(bits, axis=1, count=self._dim).astype(np.float32) * 2 - 1
        return self._index.reconstruct_batch(rows.astype(np.int64))

    def _rows(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (N, dim) in the form that FAISS takes: unit vectors for cosine, packed bits for hamming. Raises
        BadInput if they are not finite or have another shape."""
        if not isinstance(vectors, np.ndarray) or vectors.dtype.kind not in "fiu" or vectors.shape[1:] != (self._dim,):
            came = f"{vectors.dtype} of shape {vectors.shape}" if isinstance(vectors, np.ndarray) else shown(vectors)
            raise BadInput(f"Vectors must come as an array of numbers (N, {self._dim}); {came} came.")
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(vectors, np.float32)
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (lengths < _LONGEST).all():  # also true of NaN
            raise BadInput(f"Vectors must be finite and shorter than {_LONGEST:g}, but others came. Make them anew.")
        if self._space == "hamming":
            return np.packbits(rows > 0, axis=1)
        return rows / np.maximum(lengths, 1e-12) if self._space == "cosine" else rows
