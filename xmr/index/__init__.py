"""What every vector index does, whichever library is behind it."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class VectorIndex(Protocol):
    """Rows of vectors, numbered from 0 in the order they were added. Searching is safe from several threads."""

    def add(self, vectors: np.ndarray) -> None:
        """Append (N, dim) rows."""

    def search(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k best rows for each of (Q, dim) vectors: scores (Q, k) float32, higher is better, and rows (Q, k) int64.

        Best first, ties in row order; fewer columns than k where the index has fewer rows.
        """

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of some rows, (len(rows), dim) float32."""

    def __len__(self) -> int:
        """How many rows there are."""
