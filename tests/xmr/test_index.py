"""Vector indexes: one conformance suite for every implementation, against a plain loop."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import odd
from xmr.index import Selection, VectorIndex, choose_kind, kept
from xmr.index import faiss as faiss_index
from xmr.index.faiss import FaissIndex, MemoryRows
from xmr.index.kept import KeptIndex
from xmr.index.milvus import MilvusIndex, mark
from xmr.modality import BadInput
from xmr.where import conditions

SPACES = ["cosine", "euclidean", "hamming"]
DIM = 19
MANY = 2_000


def some_vectors(space: str, count: int, seed: int, dim: int = DIM) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    if space == "cosine":
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.sign(vectors) if space == "hamming" else vectors


def score_slowly(space: str, one: np.ndarray, other: np.ndarray) -> float:
    if space == "cosine":
        return float(one @ other)
    if space == "euclidean":
        return -float(np.sqrt(((one - other) ** 2).sum()))
    return -float((one != other).sum())


class _Faiss:
    """Makes indexes of one kind: make(space, dim)."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, space: str, dim: int) -> VectorIndex:
        return FaissIndex(self.kind, space, dim)


class _Milvus:
    """Makes collections in one file of milvus-lite for all tests."""

    def __init__(self) -> None:
        self.made: list[MilvusIndex] = []
        self.folder: Path | None = None

    def __call__(self, space: str, dim: int) -> VectorIndex:
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp())
            atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        made = MilvusIndex(str(self.folder / "index.db"), f"made_{len(self.made)}", space, dim)
        self.made.append(made)
        return made


MAKERS: dict[str, Callable[[str, int], VectorIndex]] = {kind: _Faiss(kind) for kind in ("flat", "hnsw", "ivfpq")}
MAKERS["milvus"] = _Milvus()
FITS = [(kind, space) for kind in MAKERS for space in SPACES if (kind, space) != ("ivfpq", "hamming")]


@pytest.fixture
def make(kind) -> Callable[[str, int], VectorIndex]:
    return MAKERS[kind]


every_kind_and_space = pytest.mark.parametrize(("kind", "space"), FITS)
# A collection of Milvus takes half a second to make.
local_and_one_of_milvus = pytest.mark.parametrize(
    ("kind", "space"), [(kind, space) for kind, space in FITS if kind != "milvus" or space == "euclidean"]
)
every_local_one = pytest.mark.parametrize(("kind", "space"), [fit for fit in FITS if fit[0] != "milvus"])
every_kind = pytest.mark.parametrize("kind", MAKERS)
every_local_kind = pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "milvus"])


@pytest.fixture
def approximate(monkeypatch) -> None:
    """Indexes of some hundred vectors are no longer searched exactly."""
    monkeypatch.setattr(faiss_index, "_FEW", 100)


def recall(space: str, found: tuple, queries: np.ndarray, gallery: dict[int, np.ndarray], k: int) -> float:
    """The share of answers that are as good as the k best by a loop; whatever is found must have its own score."""
    good = 0
    for query, scores, ids in zip(queries, *found, strict=True):
        slow = {id: score_slowly(space, query, row) for id, row in gallery.items()}
        assert len(set(ids.tolist())) == k == len(ids) and set(ids.tolist()) <= gallery.keys()
        np.testing.assert_allclose(scores, [slow[id] for id in ids.tolist()], atol=1e-4)
        assert (np.diff(scores) <= 0).all()
        good += (scores >= sorted(slow.values(), reverse=True)[k - 1] - 1e-4).sum()
    return good / (len(queries) * k)


@every_kind_and_space
def test_of_many_vectors_the_best_are_found_with_ids_deletions_batches_and_selections(make, space, approximate):
    rng = np.random.default_rng(2)
    vectors, queries = some_vectors(space, MANY, 0), some_vectors(space, 12, 1)
    ids = rng.permutation(10 * MANY)[:MANY]
    index = make(space, DIM)
    index.add(ids[:1500], vectors[:1500])
    assert recall(space, index.search(queries, 10), queries, dict(zip(ids[:1500], vectors, strict=False)), 10) > 0.95
    index.add(ids[1500:], vectors[1500:])
    index.add(ids[:200], vectors[1000:1200])  # the later counts
    index.remove(ids[300:400])
    index.remove(np.array([5 * 10**9]))
    now = dict(zip(ids.tolist(), vectors, strict=True)) | dict(zip(ids[:200].tolist(), vectors[1000:1200], strict=True))
    for id in ids[300:400].tolist():
        del now[id]
    assert len(index) == len(now) == MANY - 100
    batch = index.search(queries, 10)
    assert recall(space, batch, queries, now, 10) > 0.95
    for at, query in enumerate(queries):  # one at a time finds the same
        np.testing.assert_allclose(index.search(query[None], 10)[0][0], batch[0][at], atol=1e-4)
    np.testing.assert_allclose(index.vectors(ids[[150, 1700]]), vectors[[1150, 1700]], atol=1e-6)
    assert index.holds(np.array([ids[0], ids[350], 7 * 10**9])).tolist() == [True, False, False]
    for share in (0.002, 0.04, 0.5):
        chosen = rng.choice(ids, int(share * MANY), replace=False)
        left = {id: now[id] for id in chosen.tolist() if id in now}
        k = min(10, len(left))
        found = index.search(queries, 10, Selection(lambda chosen=chosen: chosen))
        assert recall(space, found, queries, left, k) > 0.95
    nothing = index.search(queries, 10, Selection(lambda: np.zeros(0, np.int64)))
    assert nothing[0].shape == nothing[1].shape == (12, 0)


@every_kind_and_space
def test_the_best_are_found_where_those_around_the_query_are_left_out(make, space, approximate):
    rng, count = np.random.default_rng(3), 25
    centres, cluster = some_vectors(space, count, 0), rng.integers(0, count, MANY)

    def around(clusters: np.ndarray) -> np.ndarray:
        found = centres[clusters] + rng.normal(size=(len(clusters), DIM)) * 0.7 * centres.std()
        if space == "cosine":
            found /= np.linalg.norm(found, axis=1, keepdims=True)
        return (np.sign(found) if space == "hamming" else found).astype(np.float32)

    vectors, queries = around(cluster), around(rng.integers(0, count, 12))
    index = make(space, DIM)
    index.add(np.arange(MANY), vectors)
    found = []
    for query in queries:
        near = sorted(range(count), key=lambda one: score_slowly(space, query, centres[one]), reverse=True)[:5]
        far = np.flatnonzero(~np.isin(cluster, near))
        answer = index.search(query[None], 10, Selection(lambda far=far: far))
        found.append(recall(space, answer, query[None], {id: vectors[id] for id in far.tolist()}, 10))
    assert np.mean(found) > 0.95
    near = np.flatnonzero(np.isin(cluster, cluster[:5]))
    index.remove(near)  # what is gone is left out likewise
    left = {id: vectors[id] for id in np.setdiff1d(np.arange(MANY), near).tolist()}
    assert recall(space, index.search(queries, 10), queries, left, 10) > 0.95


@local_and_one_of_milvus
def test_search_equals_a_loop_over_all_rows(make, space):
    gallery, queries = some_vectors(space, 200, 0), some_vectors(space, 5, 1)
    index = make(space, DIM)
    index.add(np.arange(120), gallery[:120])
    index.add(np.arange(120, 200), gallery[120:])
    scores, rows = index.search(queries, k=200)
    assert len(index) == 200 and scores.dtype == np.float32 and rows.dtype == np.int64
    for query, found, order in zip(queries, scores, rows, strict=True):
        slow = [score_slowly(space, query, row) for row in gallery]
        assert sorted(order.tolist()) == list(range(200))
        np.testing.assert_allclose(found, [slow[row] for row in order], atol=1e-5)
        np.testing.assert_allclose(found, sorted(slow, reverse=True), atol=1e-5)


@local_and_one_of_milvus
def test_vectors_come_back(make, space):
    vectors = some_vectors(space, 30, 0)
    index = make(space, DIM)
    index.add(np.arange(30), vectors)
    np.testing.assert_allclose(index.vectors([7, 3, 29]), vectors[[7, 3, 29]], atol=1e-6)


@local_and_one_of_milvus
def test_ties_come_in_the_order_of_their_ids(make, space):
    index = make(space, DIM)
    index.add(np.array([4, 8, 2, 9, 1, 7]), some_vectors(space, 1, 0).repeat(6, axis=0))
    _, ids = index.search(some_vectors(space, 1, 1), k=6)
    assert ids[0].tolist() == [1, 2, 4, 7, 8, 9]


@local_and_one_of_milvus
def test_a_small_index_gives_all_it_has(make, space):
    index = make(space, DIM)
    index.add(np.arange(3), some_vectors(space, 3, 0))
    scores, rows = index.search(some_vectors(space, 2, 1), k=10)
    assert scores.shape == rows.shape == (2, 3) and (rows >= 0).all()


@every_kind
def test_an_unknown_space_is_refused(make):
    with pytest.raises(ValueError, match="cosine, euclidean, hamming"):
        make("manhattan", DIM)


def test_the_kind_follows_size_and_space_unless_one_is_asked_for():
    assert [choose_kind("euclidean", count) for count in (0, 100_000, 100_001)] == ["flat", "flat", "ivfpq"]
    assert [choose_kind("hamming", count) for count in (2_000_000, 2_000_001)] == ["flat", "hnsw"]
    assert choose_kind("cosine", 5, "hnsw") == "hnsw"
    for space, asked in (("hamming", "ivfpq"), ("cosine", "tree"), ("cosine", ["flat"])):
        with pytest.raises(BadInput, match=f"index of a {space} space is one of flat, hnsw.* came"):
            choose_kind(space, 5, asked)


@every_local_one
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_vectors_that_are_not_finite_or_too_large_are_refused_and_leave_the_index_as_it_was(make, space, value):
    index, wrong = make(space, DIM), some_vectors(space, 3, 0)
    index.add(np.arange(3), some_vectors(space, 3, 0))
    wrong[1, 4] = value
    for use in (lambda vectors: index.add(np.arange(3), vectors), lambda vectors: index.search(vectors, 3)):
        with pytest.raises(BadInput, match="Vectors must be finite"):
            use(wrong)
    assert len(index) == 3


@every_local_one
@pytest.mark.parametrize("wrong", [np.zeros(DIM), np.zeros((2, DIM + 1)), np.zeros((2, DIM), "O"), [[0.0] * DIM], None])
def test_vectors_of_another_shape_or_of_no_numbers_are_refused(make, space, wrong):
    index = make(space, DIM)
    for use in (lambda vectors: index.add(np.arange(2), vectors), lambda vectors: index.search(vectors, 3)):
        with pytest.raises(BadInput, match=r"must come as an array of numbers \(N, 19\); .* came"):
            use(wrong)


@every_local_kind
@pytest.mark.parametrize("k", [0, -1, 1.5, "3", None, np.nan])
def test_a_number_of_answers_that_is_none_is_refused(make, k):
    with pytest.raises(BadInput, match="at least 1; .* came"):
        make("cosine", DIM).search(some_vectors("cosine", 1, 0), k)


@local_and_one_of_milvus
def test_asking_for_more_than_there_is_costs_nothing(make, space):
    index = make(space, DIM)
    assert index.search(some_vectors(space, 2, 1), k=10**400)[0].shape == (2, 0)
    index.add(np.arange(3), some_vectors(space, 3, 0))
    scores, rows = index.search(some_vectors(space, 2, 1), k=10**400)
    assert scores.shape == rows.shape == (2, 3)


@every_local_kind
@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([3], "no vector 3"),
        ([0, 9], "no vector 9"),
        ([0.5], "whole"),
        (["0"], "whole"),
        ([[0]], "whole"),
        (0, "whole"),
    ],
)
def test_ids_that_are_not_there_are_refused(make, ids, message):
    index = make("cosine", DIM)
    index.add(np.arange(3), some_vectors("cosine", 3, 0))
    assert index.vectors([]).shape == (0, DIM)
    with pytest.raises(BadInput, match=message):
        index.vectors(ids)


@every_local_kind
@odd.FIXED
@given(st.sampled_from(SPACES[:2]), odd.arrays(3, DIM), odd.arrays(2, DIM), st.integers(1, 5) | odd.anything)
def test_whatever_is_added_and_asked_gives_finite_scores_or_bad_input(make, space, gallery, queries, k):
    index = make(space, DIM)
    ids = np.arange(len(gallery)) if isinstance(gallery, np.ndarray) and gallery.ndim else np.arange(3)
    for step in (partial(index.add, ids, gallery), partial(index.search, queries, k)):
        try:
            found = step()
        except BadInput as error:
            assert len(str(error)) < 400
            continue
        if found is not None:
            scores, best = found
            assert scores.shape == best.shape == (len(queries), min(k, len(index)))
            assert np.isfinite(scores).all() and index.holds(best.ravel()).all()


# ---------------------------------------------------------------- kept between two runs


@pytest.mark.parametrize(("kind", "space"), [fit for fit in FITS if fit[0] in ("hnsw", "ivfpq")])
def test_a_kept_index_is_loaded_completed_and_built_anew_when_it_is_of_other_vectors(
    kind, space, approximate, tmp_path, monkeypatch
):
    vectors, queries = some_vectors(space, MANY, 0), some_vectors(space, 4, 1)
    built = []
    new = FaissIndex._new
    monkeypatch.setattr(FaissIndex, "_new", lambda self: built.append(1) or new(self))

    def opened(rows: np.ndarray, token: str) -> FaissIndex:
        held = MemoryRows(DIM)
        held.add(rows)
        index = FaissIndex(kind, space, DIM, (np.arange(len(rows)), held))
        index.store = KeptIndex("one", lambda count: f"{token}{count}", tmp_path)
        return index

    first = opened(vectors[:1800], "a").search(queries, 10)
    assert len(built) == 1 and len(list(tmp_path.iterdir())) == 2
    np.testing.assert_array_equal(opened(vectors[:1800], "a").search(queries, 10)[1], first[1])
    more = opened(vectors, "a").search(queries, 10)
    assert len(built) == 1  # the others were added to what was kept
    assert recall(space, more, queries, dict(enumerate(vectors)), 10) > 0.95
    other = some_vectors(space, 1800, 5)
    assert recall(space, opened(other, "b").search(queries, 10), queries, dict(enumerate(other)), 10) > 0.95
    assert len(built) == 2 and len(list(tmp_path.glob("*.faiss"))) == 3  # others may still be reading the first ones
    for file in tmp_path.glob("*.faiss"):
        os.utime(file, (0, 0))
    opened(other[:1700], "c").search(queries, 10)
    (file,) = (file for file in tmp_path.glob("*.faiss") if file.stat().st_mtime > 9)
    assert len(built) == 3 and len(list(tmp_path.iterdir())) == 2
    file.write_bytes(file.read_bytes()[:500])
    assert opened(other[:1700], "c").search(queries, 10)[1].shape == (4, 10) and len(built) == 4


def test_of_many_kept_indexes_the_least_recently_used_is_forgotten(approximate, tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "_MOST", 2)
    for number, name in enumerate(("one", "two", "three"), 1):
        index = FaissIndex("hnsw", "cosine", DIM)
        index.store = KeptIndex(name, str, tmp_path)
        index.add(np.arange(300), some_vectors("cosine", 300, 0))
        index.prepare()
        os.utime(tmp_path / f"{name}.json", (number, number))
        for file in tmp_path.glob(f"{name}-*.faiss"):
            os.utime(file, (number, number))
    assert {file.name.partition("-")[0].removesuffix(".json") for file in tmp_path.iterdir()} == {"two", "three"}


def test_an_index_stays_where_another_process_deletes_old_ones_at_that_moment(approximate, tmp_path):
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")  # is listed, and not there when it is looked at
    index = FaissIndex("hnsw", "cosine", DIM)
    index.store = KeptIndex("one", str, tmp_path)
    index.add(np.arange(300), some_vectors("cosine", 300, 0))
    index.prepare()
    assert index.store.load() is not None


@pytest.mark.parametrize("left", [0, 3])
@every_local_one
def test_an_index_of_which_next_to_nothing_is_left_is_built(kind, space, left, approximate):
    vectors, rows = some_vectors(space, 300, 0), MemoryRows(DIM)
    rows.add(vectors)
    index = FaissIndex(kind, space, DIM, (np.arange(300), rows), np.arange(300) >= left)
    index.prepare()
    assert sorted(index.search(vectors[:1], 10)[1][0].tolist()) == list(range(left))


def test_training_on_few_vectors_prints_no_warnings(approximate, capfd):
    index = FaissIndex("ivfpq", "cosine", DIM)
    index.add(np.arange(300), some_vectors("cosine", 300, 0))
    index.prepare()
    assert capfd.readouterr() == ("", "")


def test_where_nothing_can_be_kept_searching_goes_on(approximate, tmp_path):
    (tmp_path / "file").write_text("in the way")
    index = FaissIndex("hnsw", "cosine", DIM)
    index.store = KeptIndex("one", str, tmp_path / "file")
    index.add(np.arange(300), some_vectors("cosine", 300, 0))
    assert index.search(some_vectors("cosine", 1, 1), 5)[1].shape == (1, 5)


# ---------------------------------------------------------------- in Milvus


FACTS = [
    {"colour": "red", "size": 1, "file": "2024/a/1.jpg", "taken": "2024-01-03T10:00:00", "languages": ["en", "de"]},
    {"colour": "blue", "size": 2.5, "file": "2024/b/2.jpg", "taken": "2024-06-30T23:59:59", "languages": ["en"]},
    {"colour": 'a "red" one', "file": "2023/3.jpg", "languages": []},
]


def test_milvus_answers_conditions_by_the_facts_that_it_holds_and_the_others_by_ids():
    index = MAKERS["milvus"]("cosine", DIM)
    vectors = some_vectors("cosine", 3, 0)
    index.add(np.arange(3), vectors, FACTS)

    def found(ids=(), **where) -> list[int]:
        among = Selection(lambda: np.array(ids, np.int64), conditions(where))
        return sorted(index.search(some_vectors("cosine", 1, 1), 10, among)[1][0].tolist())

    assert found(colour="red") == [0] and found(colour=["red", 'a "red" one']) == [0, 2] and found(size=None) == [2]
    assert (
        found(taken="2024") == [0, 1] and found(taken=("2024-02", "2024-06")) == [1] and found(folder="2024/a") == [0]
    )
    assert found(size={"from": 1, "to": 2}) == [0] and found(language="de") == [0] and found(shape="round") == []
    assert found(ids=[0, 2], folder="20*/?/*") == [0, 2]  # Milvus has no such patterns: the ids are looked up
    assert found(language="en", colour="blue") == [1]
    assert index.marks() == {id: mark(facts, vectors[id]) for id, facts in enumerate(FACTS)}


def test_milvus_that_does_not_answer_is_one_sentence(tmp_path):
    with pytest.raises(BadInput, match="Milvus at .* cannot do this .*Check that it runs there"):
        MilvusIndex("http://127.0.0.1:9", "none", "cosine", DIM)


def test_a_collection_of_another_kind_is_refused(tmp_path):
    made = MAKERS["milvus"]("cosine", DIM)
    with pytest.raises(BadInput, match="is of another kind. Drop it, or take another"):
        MilvusIndex(made.uri, made.name, "cosine", DIM + 1)
