"""Vector indexes: one conformance suite for every implementation, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import odd
from xmr.index import VectorIndex
from xmr.index.faiss import FlatIndex
from xmr.modality import BadInput

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


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_vectors_that_are_not_finite_or_too_large_are_refused_and_leave_the_index_as_it_was(make, space, value):
    index, wrong = make(space, DIM), some_vectors(space, 3, 0)
    index.add(some_vectors(space, 3, 0))
    wrong[1, 4] = value
    for use in (index.add, lambda vectors: index.search(vectors, 3)):
        with pytest.raises(BadInput, match="Vectors must be finite"):
            use(wrong)
    assert len(index) == 3


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("wrong", [np.zeros(DIM), np.zeros((2, DIM + 1)), np.zeros((2, DIM), "O"), [[0.0] * DIM], None])
def test_vectors_of_another_shape_or_of_no_numbers_are_refused(make, space, wrong):
    for use in (make(space, DIM).add, lambda vectors: make(space, DIM).search(vectors, 3)):
        with pytest.raises(BadInput, match=r"must come as an array of numbers \(N, 19\); .* came"):
            use(wrong)


@pytest.mark.parametrize("k", [0, -1, 1.5, "3", None, np.nan])
def test_a_number_of_answers_that_is_none_is_refused(make, k):
    with pytest.raises(BadInput, match="at least 1; .* came"):
        make("cosine", DIM).search(some_vectors("cosine", 1, 0), k)


@pytest.mark.parametrize("space", SPACES)
def test_asking_for_more_than_there_is_costs_nothing(make, space):
    index = make(space, DIM)
    assert index.search(some_vectors(space, 2, 1), k=10**400)[0].shape == (2, 0)
    index.add(some_vectors(space, 3, 0))
    scores, rows = index.search(some_vectors(space, 2, 1), k=10**400)
    assert scores.shape == rows.shape == (2, 3)


@pytest.mark.parametrize("rows", [[3], [-1], [0.5], ["0"], [[0]], [None], 0])
def test_rows_that_are_not_there_are_refused(make, rows):
    index = make("cosine", DIM)
    index.add(some_vectors("cosine", 3, 0))
    assert index.vectors([]).shape == (0, DIM)
    with pytest.raises(BadInput, match="Rows must be whole numbers from 0 to 2; .* came"):
        index.vectors(rows)


@odd.FIXED
@given(st.sampled_from(SPACES), odd.arrays(3, DIM), odd.arrays(2, DIM), st.integers(1, 5) | odd.anything)
def test_whatever_is_added_and_asked_gives_finite_scores_or_bad_input(make, space, gallery, queries, k):
    index = make(space, DIM)
    for step in (lambda: index.add(gallery), lambda: index.search(queries, k)):
        try:
            found = step()
        except BadInput as error:
            assert len(str(error)) < 400
            continue
        if found is not None:
            scores, rows = found
            assert scores.shape == rows.shape == (len(queries), min(k, len(index)))
            assert np.isfinite(scores).all() and ((rows >= 0) & (rows < len(index))).all()
