"""Vector indexes: one conformance suite for every implementation, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from xmr.index import VectorIndex
from xmr.index.faiss import FlatIndex

SPACES = ["cosine", "euclidean", "hamming"]
DIM = 19


def some_vectors(space: str, count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)
    if space == "cosine":
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.sign(vectors) if space == "hamming" else vectors


def score_slowly(space: str, one: np.ndarray, other: np.ndarray) -> float:
    if space == "cosine":
        return float(one @ other)
    if space == "euclidean":
        return -float(np.sqrt(((one - other) ** 2).sum()))
    return -float((one != other).sum())


@pytest.fixture(params=[FlatIndex])
def make(request) -> type[VectorIndex]:
    return request.param


@pytest.mark.parametrize("space", SPACES)
def test_search_equals_a_loop_over_all_rows(make, space):
    gallery, queries = some_vectors(space, 200, 0), some_vectors(space, 5, 1)
    index = make(space, DIM)
    index.add(gallery[:120])
    index.add(gallery[120:])
    scores, rows = index.search(queries, k=200)
    assert len(index) == 200 and scores.dtype == np.float32 and rows.dtype == np.int64
    for query, found, order in zip(queries, scores, rows, strict=True):
        slow = [score_slowly(space, query, row) for row in gallery]
        assert sorted(order.tolist()) == list(range(200))
        np.testing.assert_allclose(found, [slow[row] for row in order], atol=1e-5)
        np.testing.assert_allclose(found, sorted(slow, reverse=True), atol=1e-5)


@pytest.mark.parametrize("space", SPACES)
def test_vectors_come_back(make, space):
    vectors = some_vectors(space, 30, 0)
    index = make(space, DIM)
    index.add(vectors)
    np.testing.assert_allclose(index.vectors([7, 3, 29]), vectors[[7, 3, 29]], atol=1e-6)


@pytest.mark.parametrize("space", SPACES)
def test_ties_come_in_row_order(make, space):
    index = make(space, DIM)
    index.add(some_vectors(space, 1, 0).repeat(6, axis=0))
    _, rows = index.search(some_vectors(space, 1, 1), k=6)
    assert rows[0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("space", SPACES)
def test_a_small_index_gives_all_it_has(make, space):
    index = make(space, DIM)
    index.add(some_vectors(space, 3, 0))
    scores, rows = index.search(some_vectors(space, 2, 1), k=10)
    assert scores.shape == rows.shape == (2, 3) and (rows >= 0).all()


def test_an_unknown_space_is_refused(make):
    with pytest.raises(ValueError, match="cosine, euclidean, hamming"):
        make("manhattan", DIM)
