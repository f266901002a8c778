"""The embedded default: FAISS's exact flat indexes."""

from __future__ import annotations

import numpy as np


class FlatIndex:
    """Exact search in memory.

    Scores by space: cosine, the cosine; euclidean, minus the distance; hamming (vectors of +-1), minus the number of
    components that differ.
    """

    def __init__(self, space: str, dim: int) -> None:
        import faiss

        makers = {
            "cosine": lambda: faiss.IndexFlatIP(dim),
            "euclidean": lambda: faiss.IndexFlatL2(dim),
            "hamming": lambda: faiss.IndexBinaryFlat(-(-dim // 8) * 8),  # whole bytes; the padding never differs
        }
        if space not in makers:
            raise ValueError(f"The space must be one of {', '.join(makers)}; {space!r} came.")
        self._space, self._dim = space, dim
        self._index = makers[space]()

    def __len__(self) -> int:
        return self._index.ntotal

    def add(self, vectors: np.ndarray) -> None:
        self._index.add(self._rows(vectors))

    def search(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        distances, rows = self._index.search(self._rows(vectors), min(k, len(self)))
        if self._space == "cosine":
            scores = distances
        elif self._space == "euclidean":
            scores = -np.sqrt(np.maximum(distances, 0))
        else:
            scores = -distances.astype(np.float32)
        order = np.lexsort((rows, -scores))  # FAISS leaves ties in any order
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        if self._space == "hamming":
            bits = np.empty((len(rows), self._index.code_size), np.uint8)
            for at, row in enumerate(rows):
                bits[at] = self._index.reconstruct(int(row))
            return np.unpackbits(bits, axis=1, count=self._dim).astype(np.float32) * 2 - 1
        return self._index.reconstruct_batch(np.asarray(rows, np.int64))

    def _rows(self, vectors: np.ndarray) -> np.ndarray:
        """(N, dim) as FAISS takes them: unit float32 rows for cosine, packed bits for hamming."""
        if self._space == "hamming":
            return np.packbits(vectors > 0, axis=1)
        rows = np.ascontiguousarray(vectors, np.float32)
        if self._space == "cosine":
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows
