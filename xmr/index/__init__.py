"""The interface of a vector index, independent of the library behind it, and the choice of a kind by size and space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from xmr.modality import BadInput, shown
from xmr.where import Condition

KINDS = ("flat", "hnsw", "ivfpq")
"""Exact search; a graph of neighbours; inverted lists of product-quantised vectors. Codes have the first two."""
_FLAT = {"cosine": 100_000, "euclidean": 100_000, "hamming": 2_000_000}  # vectors up to which exact search is quick


class Selection:
    """The vectors to search among.

    Attributes:
        where: what they must be, if it was said as facts; an engine that holds the facts needs no more.
    """

    def __init__(self, ids: Callable[[], np.ndarray], where: tuple[Condition, ...] | None = None) -> None:
        """`ids` looks their ids up, (N,) int64, when they are first needed."""
        self.where, self._look_up = where, ids

    @cached_property
    def ids(self) -> np.ndarray:
        """The ids, (N,) int64."""
        return self._look_up()


class VectorIndex(Protocol):
    """Vectors by their ids, which are whole numbers that the caller gives. Any number of threads may search at once."""

    def add(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Add vectors (N, dim), each with an id of (N,) int64; an id that is there already gets the new vector."""

    def remove(self, ids: np.ndarray) -> None:
        """Remove the vectors of these ids; those that are not there are passed over."""

    def search(self, vectors: np.ndarray, k: int, among: Selection | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The k best vectors for each query.

        Args:
            vectors: (Q, dim) queries.
            k:       number of results.
            among:   search among these only.

        Returns:
            Scores (Q, k) float32, higher is better, and ids (Q, k) int64. Best first, ties in the order of their ids;
            fewer columns if there are fewer vectors.
        """

    def vectors(self, ids: np.ndarray) -> np.ndarray:
        """The vectors of these ids, (len(ids), dim) float32; BadInput if one is not there."""

    def holds(self, ids: np.ndarray) -> np.ndarray:
        """Which of these ids are there, (len(ids),) bool."""

    def __len__(self) -> int:
        """The number of vectors."""


def choose_kind(space: str, count: int, asked: str | None = None) -> str:
    """The kind of index for so many vectors, unless one is asked for: exact search as long as it is quick, above that
    inverted lists, or a graph for codes.

    Raises:
        BadInput: there is no such kind, or it is not for this space.

    >>> choose_kind("cosine", 3_000), choose_kind("cosine", 1_000_000), choose_kind("hamming", 1_000_000)
    ('flat', 'ivfpq', 'flat')
    """
    kinds: Sequence[str] = KINDS[:2] if space == "hamming" else KINDS
    if asked is not None:
        if asked not in kinds:
            raise BadInput(f"The index of a {space} space is one of {', '.join(kinds)}; {shown(asked)} came.")
        return asked
    return "flat" if count <= _FLAT.get(space, 0) else kinds[-1]
