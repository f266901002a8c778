"""The interface of a vector index, independent of the library behind it."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class VectorIndex(Protocol):
    """Rows of vectors, numbered from 0 in insertion order. Searching is thread-safe."""

    def add(self, vectors: np.ndarray) -> None:
        """Append (N, dim) rows."""

    def search(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k best rows for each query.

        Args:
            vectors: (Q, dim) queries.
            k:       number of results.

        Returns:
            Scores (Q, k) float32, higher is better, and rows (Q, k) int64. Best first, ties in row order; fewer columns
            if the index has fewer than k rows.
        """

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of these rows, (len(rows), dim) float32."""

    def __len__(self) -> int:
        """The number of rows."""
