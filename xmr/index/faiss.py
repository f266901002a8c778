"""FAISS's indexes on one machine: flat, HNSW and IVF-PQ; for codes, binary flat and binary HNSW.

FAISS only proposes candidates where its index is approximate: their scores are computed from the vectors themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from xmr.index import Selection, check_k, checked_ids, checked_vectors, choose_kind
from xmr.modality import BadInput, shown

SPACES = ("cosine", "euclidean", "hamming")
_CHUNK = 20_000  # vectors that are looked at together
_FEW = 2_000  # vectors that are searched exactly on any kind of index
_REFINED = {"hnsw": (32, 2), "ivfpq": (240, 4)}  # candidates: at least so many, and so many for each answer
_TRAINED = 120_000  # vectors to train on
_RETRAINED = 4  # an index of so many times the vectors that it was trained on is trained again
_TUNED = 64  # vectors that are searched for to tune the effort
_RECALL = 0.985  # of the ten nearest, which the effort is raised to reach on them
_SHARE = {"flat": 0.0, "hnsw": 0.03, "ivfpq": 0.002}  # of all vectors, up to which a selection is searched exactly
_MARGIN = {"hnsw": 4, "ivfpq": 2}  # queries lie further away than what the effort is tuned with
_PROBED = 128  # neighbours of a query that tell how many around it are selected, at least
_WALK = 16  # vectors that are looked at in the time in which a graph is followed to one
_FAR = 8  # times the candidates, where all selected are so far from the query that short codes hardly tell them apart
_PICKS = 8  # selections that are kept
_EFFORTS = (16, 32, 64, 128, 256, 512)  # lists visited, or candidates held while walking the graph


class Rows(Protocol):
    """Vectors by their position, from 0."""

    def __len__(self) -> int: ...

    def take(self, positions: np.ndarray | slice) -> np.ndarray:
        """(N, dim) float32."""


class MemoryRows:
    """Vectors in memory, to which others can be added."""

    def __init__(self, dim: int) -> None:
        self._held = np.zeros((0, dim), np.float32)

    def __len__(self) -> int:
        return len(self._held)

    def take(self, positions: np.ndarray | slice) -> np.ndarray:
        """See Rows."""
        return self._held[positions]

    def add(self, vectors: np.ndarray) -> None:
        """Append vectors (N, dim)."""
        self._held = np.concatenate([self._held, vectors])


class Store(Protocol):
    """Where a FAISS index that took long to build is kept."""

    def load(self) -> tuple[Any, int] | None:
        """The index and its effort; None if there is none for the first of these vectors."""

    def save(self, index: Any, effort: int) -> None:
        """Keep an index of the first `index.ntotal` vectors."""


@dataclass(frozen=True)
class _Picked:
    """A Selection, as positions."""

    positions: np.ndarray  # ascending
    selector: Any  # FAISS's

    def holds(self, positions: np.ndarray) -> np.ndarray:
        """Which of these positions are selected, (N,) bool."""
        place = np.searchsorted(self.positions, positions)
        return self.positions[np.minimum(place, len(self.positions) - 1)] == positions


class FaissIndex:
    """One kind of index over vectors of one space.

    The score is the cosine, minus the euclidean distance, or minus the Hamming distance (of vectors of +-1).

    Args:
        kind:  "flat", "hnsw" or "ivfpq"; None: by the number of vectors that are held.
        space: "cosine", "euclidean" or "hamming".
        dim:   length of the vectors.
        held:  ids (N,) and the vectors that are there from the beginning; of an id that comes twice, the later counts.
        gone:  which of these, (N,) bool, are out of date.

    Attributes:
        kind:  that of the index.
        store: where an approximate index is kept between two runs; None for nowhere.

    Raises:
        BadInput: an unknown kind or space; in `add` and `search`, vectors that are not finite or have another shape.
    """

    def __init__(
        self,
        kind: str | None,
        space: str,
        dim: int,
        held: tuple[np.ndarray, Rows] | None = None,
        gone: np.ndarray | None = None,
    ) -> None:
        if space not in SPACES:
            raise BadInput(f"The space must be one of {', '.join(SPACES)}; {shown(space)} came.")
        self.kind = choose_kind(space, len(held[0]) if held else 0, kind)
        self.store: Store | None = None
        self._space, self._dim = space, dim
        self._ids, self._rows = held or (np.zeros(0, np.int64), MemoryRows(dim))
        self._gone = np.zeros(len(self._ids), bool) if gone is None else gone
        self._by_id = self._at = np.zeros(0, np.int64)
        self._lock = threading.RLock()
        self._picks: dict[Selection, _Picked] = {}
        self._index: Any = None
        self._trained = 0
        self._effort = _EFFORTS[0]
        self._order()

    # ------------------------------------------------------------ what there is

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """See VectorIndex."""
        if not isinstance(self._rows, MemoryRows):
            raise TypeError("an index over stored vectors follows them, and takes no others")
        rows, ids = checked_vectors(vectors, self._dim), checked_ids(ids)
        if len(ids) != len(rows):
            raise BadInput(f"Each vector needs an id; {len(ids)} ids came for {len(rows)} vectors.")
        with self._lock:
            self._gone = np.concatenate([self._gone, np.zeros(len(ids), bool)])
            self._ids = np.concatenate([self._ids, ids])
            self._rows.add(rows)  # last: whoever searches meanwhile knows the ids of all that may be found
            self._order()

    def remove(self, ids: np.ndarray) -> None:
        """See VectorIndex."""
        with self._lock:
            self._gone = self._gone | np.isin(self._ids, checked_ids(ids))
            self._order()

    def vectors(self, ids: np.ndarray) -> np.ndarray:
        """See VectorIndex."""
        positions = self._positions(ids := checked_ids(ids))
        if (positions < 0).any():
            raise BadInput(f"There is no vector {ids[positions < 0][0]} in this index of {len(self)}. Search again.")
        return self._unit(self._rows.take(positions))

    def holds(self, ids: np.ndarray) -> np.ndarray:
        """Which of these ids are there, (len(ids),) bool."""
        return self._positions(checked_ids(ids)) >= 0

    def _order(self) -> None:
        """Find out which vectors count: the latest of each id, unless that is gone."""
        self._picks.clear()
        ids, last = self._ids, np.arange(len(self._ids))
        if len(ids) and not (ids[1:] > ids[:-1]).all():
            ids, first = np.unique(ids[::-1], return_index=True)
            last = len(self._ids) - 1 - first
        kept = ~self._gone[last]
        self._by_id, self._at = (ids[kept], last[kept]) if not kept.all() else (ids, last)

    def _positions(self, ids: np.ndarray) -> np.ndarray:
        """The position of each id, (N,) int64; -1 where there is none."""
        if not len(self._by_id):
            return np.full(len(ids), -1)
        place = np.minimum(np.searchsorted(self._by_id, ids), len(self._by_id) - 1)
        return np.where(self._by_id[place] == ids, self._at[place], -1)

    # ------------------------------------------------------------ searching

    def search(self, vectors: np.ndarray, k: int, among: Selection | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See VectorIndex."""
        check_k(k)
        queries = checked_vectors(vectors, self._dim)
        picked = self._pick(among)
        count = len(self._by_id) if picked is None else len(picked.positions)
        k = int(min(k, count))
        if k == 0 or not len(queries):
            return np.zeros((len(queries), k), np.float32), np.zeros((len(queries), k), np.int64)
        few = max(_FEW, k) if among is None else max(_FEW, k, _SHARE[self.kind] * len(self._rows))
        if count <= few and not (self.kind == "flat" and among is None):
            scores, positions = self._exactly(queries, k, self._everything() if picked is None else picked.positions)
        elif self.kind == "flat":
            scores, positions = self._flat(self.prepare(), queries, k, picked)
        else:
            scores, positions = self._approximately(self.prepare(), queries, k, picked)
        ids = self._ids[positions]
        if self.kind == "flat" and (scores[:, 1:] < scores[:, :-1]).all():
            return scores, ids
        order = np.lexsort((ids, -scores))  # FAISS does not order ties
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)

    def prepare(self) -> Any:
        """Build, load or complete the FAISS index now, which the first search would wait for; returns it. None where so
        few vectors are searched without one."""
        if self.kind != "flat" and len(self._rows) <= _FEW:
            return None
        if self._index is not None and self._index.ntotal == len(self._rows):
            return self._index
        with self._lock:
            index = self._index  # others may be searching it: it stays as it is
            if index is None and self.store is not None and self.kind != "flat":
                loaded = self.store.load()
                if loaded is not None and loaded[0].ntotal <= len(self._rows):
                    index, self._effort = loaded
                    self._trained = index.ntotal
            before = 0 if index is None else index.ntotal
            fresh = index is None or (self.kind == "ivfpq" and len(self._rows) > _RETRAINED * self._trained)
            if fresh:
                index = self._new()
            elif index is self._index:
                index = _copy(index)
            for start in range(index.ntotal, len(self._rows), _CHUNK):
                index.add(self._form(self._rows.take(slice(start, start + _CHUNK))))
            if self.kind != "flat":
                if fresh:
                    self._effort = self._tuned(index)
                if self.store is not None and len(self._rows) > 1.1 * before:
                    self.store.save(index, self._effort)
            self._index = index
            return index

    def take_over(self, other: FaissIndex) -> None:
        """Begin with the FAISS index of another one, whose vectors are the first of these."""
        if other.kind == self.kind and other._index is not None:
            self._index, self._effort, self._trained = other._index, other._effort, other._trained

    def _flat(self, index: Any, queries: np.ndarray, k: int, picked: _Picked | None) -> tuple[np.ndarray, np.ndarray]:
        faiss = _faiss()
        form = self._form(queries)
        settings = {} if picked is None else {"params": faiss.SearchParameters(sel=picked.selector)}
        distances, positions = index.search(form, k, **settings)
        if self._space == "cosine":
            return distances, positions
        if self._space == "euclidean":
            return -np.sqrt(np.maximum(distances, 0)), positions
        return -distances.astype(np.float32), positions

    def _approximately(
        self, index: Any, queries: np.ndarray, k: int, picked: _Picked | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Candidates from FAISS, put in order by their own vectors. A query that gets too few is answered exactly.

        What is selected may be rare just where a query looks, however much of the gallery it is. So the query is first
        asked without the selection, and the fewer of its neighbours are selected, the more is visited.
        """
        count = len(self._by_id) if picked is None else len(picked.positions)
        least, each = _REFINED[self.kind]
        wanted = min(max(least, each * k), count)
        forms = self._form(queries)
        probed = wanted if picked is None else min(max(_PROBED, wanted + wanted // 4), len(self._rows))
        neighbours = self._candidates(index, forms, probed)
        scores, positions = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        for at, query in enumerate(queries):
            near = neighbours[at][neighbours[at] >= 0]
            if picked is not None:
                inside = near[picked.holds(near)]
                share = min(len(inside) / max(1, len(near)), count / len(self._rows)) / 2  # fewer further away
                if len(inside) >= wanted:
                    near = inside[:wanted]
                elif self.kind == "hnsw" and _WALK * max(self._effort, wanted) > share * count:
                    near = inside[:0]  # all that is selected is sooner looked at
                else:
                    more = wanted if len(inside) else max(wanted, min(_FAR * least, count))
                    near = self._candidates(index, forms[at : at + 1], more, share, picked.selector)[0]
                    near = near[near >= 0]
            if len(near) < wanted and self.kind == "ivfpq":  # in all lists there are enough
                selector = None if picked is None else picked.selector
                near = self._candidates(index, forms[at : at + 1], wanted, 0.0, selector)[0]
                near = near[near >= 0]
            if len(near) < wanted:
                every = self._everything() if picked is None else picked.positions
                scores[at : at + 1], positions[at : at + 1] = self._exactly(query[None], k, every)
                continue
            scored = self._scores(query[None], near)[0]
            best = np.argsort(-scored, kind="stable")[:k]
            scores[at], positions[at] = scored[best], near[best]
        return scores, positions

    def _candidates(
        self, index: Any, forms: np.ndarray, wanted: int, share: float = 1.0, selector: Any = None
    ) -> np.ndarray:
        """The positions of so many candidates for each query, nearest first, (Q, wanted) int64; -1 where there are no
        more. share: of what is visited, the part that the selector lets through."""
        faiss = _faiss()
        chosen = {} if selector is None else {"sel": selector}
        share = max(share, 1 / len(self._rows))
        if self.kind == "ivfpq":
            lists = max(self._effort, 4 * wanted * index.nlist / len(self._rows)) / share
            params = faiss.SearchParametersIVF(nprobe=int(min(lists, index.nlist)), **chosen)
        else:
            held = min(max(self._effort, wanted) / share, len(self._rows))
            params = faiss.SearchParametersHNSW(efSearch=int(held), **chosen)
        return index.search(forms, wanted, params=params)[1]

    def _exactly(self, queries: np.ndarray, k: int, every: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look at all vectors of some positions: the k best, in no order."""
        scores = np.zeros((len(queries), 0), np.float32)
        positions = np.zeros((len(queries), 0), np.int64)
        for start in range(0, len(every), _CHUNK):
            some = every[start : start + _CHUNK]
            scores = np.concatenate([scores, self._scores(queries, some)], axis=1)
            positions = np.concatenate([positions, np.broadcast_to(some, (len(queries), len(some)))], axis=1)
            if scores.shape[1] > k:
                best = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
                scores, positions = np.take_along_axis(scores, best, 1), np.take_along_axis(positions, best, 1)
        return scores, positions

    def _scores(self, queries: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """(Q, N) float32."""
        rows = self._rows.take(positions)
        if self._space == "euclidean":
            return -np.stack([np.linalg.norm(rows - query, axis=1) for query in queries])
        if self._space == "hamming":
            return (self._unit(queries) @ self._unit(rows).T - self._dim) / 2
        # Not by BLAS for one query, which gives equal rows other last digits.
        dots = np.einsum("qd,nd->qn", queries, rows) if len(queries) == 1 else queries @ rows.T
        lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
        return dots / np.maximum(np.linalg.norm(queries, axis=1)[:, None] * lengths, 1e-12)

    def _pick(self, among: Selection | None) -> _Picked | None:
        """A selection, or all that is not gone, as FAISS takes it; None if that is all. The last ones are kept."""
        if among is None and len(self._at) == len(self._ids):
            return None
        selection = _ALL if among is None else among
        if (held := self._picks.get(selection)) is not None:
            return held
        faiss = _faiss()
        if among is None:
            positions = self._everything()
        else:
            positions = self._positions(np.unique(checked_ids(among.ids)))
            positions = np.sort(positions[positions >= 0])
        bits = np.zeros(len(self._ids), bool)
        bits[positions] = True
        picked = _Picked(positions, faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little")))
        with self._lock:
            while len(self._picks) >= _PICKS:
                del self._picks[next(iter(self._picks))]
            self._picks[selection] = picked
        return picked

    def _everything(self) -> np.ndarray:
        """The positions of all vectors that count."""
        return np.sort(self._at)

    # ------------------------------------------------------------ the FAISS index

    def _new(self) -> Any:
        """An empty index, trained if its kind is."""
        faiss = _faiss()
        bits, wide, count = 8 * self._bytes, self._wide, len(self._rows)
        makers: dict[tuple[str, bool], Callable[[], Any]] = {
            ("flat", True): lambda: faiss.IndexBinaryFlat(bits),
            ("hnsw", True): lambda: faiss.IndexBinaryHNSW(bits, 16),
            ("flat", False): lambda: (faiss.IndexFlatIP if self._space == "cosine" else faiss.IndexFlatL2)(self._dim),
            ("hnsw", False): lambda: faiss.IndexHNSWSQ(wide, faiss.ScalarQuantizer.QT_8bit, 16, faiss.METRIC_L2),
            ("ivfpq", False): lambda: _ivfpq(wide, count),
        }
        index = makers[self.kind, self._space == "hamming"]()
        if not index.is_trained:
            index.train(self._form(self._rows.take(np.linspace(0, count - 1, min(count, _TRAINED)).astype(np.int64))))
        if self.kind == "hnsw":
            index.hnsw.efConstruction = 80
        self._trained = count
        return index

    def _tuned(self, index: Any) -> int:
        """The effort at which the ten nearest of some vectors with as much noise are found, with a margin."""
        rng = np.random.default_rng(0)
        every = self._everything()
        if not (k := min(10, len(every))):  # nothing that counts is left
            return _EFFORTS[0]
        some = self._unit(self._rows.take(np.sort(rng.choice(every, min(_TUNED, len(every)), replace=False))))
        noise = rng.normal(size=some.shape).astype(np.float32) * some.std(axis=1, keepdims=True)
        queries = np.where(some + noise > 0, 1, -1).astype(np.float32) if self._space == "hamming" else some + noise
        nearest, _ = self._exactly(queries, k, every)  # (Q, k) scores
        picked = self._pick(None)
        for self._effort in _EFFORTS:
            scores, _ = self._approximately(index, queries, k, picked)
            if (scores >= nearest.min(axis=1, keepdims=True) - 1e-6).mean() >= _RECALL:
                break
        return min(_MARGIN[self.kind] * self._effort, _EFFORTS[-1])

    @property
    def _wide(self) -> int:
        """The length of vectors in product quantisation, which takes them in pairs."""
        return -(-self._dim // 8) * 8

    @property
    def _bytes(self) -> int:
        """The length of codes: FAISS counts in 4 and in 8 bytes three times as fast as in any number up to there."""
        least = -(-self._dim // 8)
        return next((each for each in (4, 8) if least <= each), least)

    def _unit(self, rows: np.ndarray) -> np.ndarray:
        """Unit vectors in a cosine space, +-1 in a hamming one."""
        if self._space == "cosine":
            return rows / np.sqrt(np.maximum(np.einsum("nd,nd->n", rows, rows), 1e-24))[:, None]
        return np.where(rows > 0, np.float32(1), np.float32(-1)) if self._space == "hamming" else rows

    def _form(self, rows: np.ndarray) -> np.ndarray:
        """Vectors as FAISS takes them: packed bits for hamming, padded with zeros where the kind needs it."""
        if self._space == "hamming":
            packed = np.packbits(rows > 0, axis=1)
            return np.pad(packed, ((0, 0), (0, self._bytes - packed.shape[1])))
        rows = np.ascontiguousarray(self._unit(rows), np.float32)
        return rows if self.kind == "flat" else np.pad(rows, ((0, 0), (0, self._wide - self._dim)))


_ALL = Selection(lambda: np.zeros(0, np.int64))  # stands for a search without a selection


def _ivfpq(wide: int, count: int) -> Any:
    """Inverted lists, about two a square root of the vectors, with four bits for every two numbers."""
    faiss = _faiss()
    lists = max(1, min(1 << int(2 * max(1, count) ** 0.5).bit_length() - 1, count // 39))
    index = faiss.index_factory(wide, f"IVF{lists},PQ{wide // 2}x4fs", faiss.METRIC_L2)
    index.cp.niter, index.cp.max_points_per_centroid = 8, 64
    index.cp.min_points_per_centroid = index.pq.cp.min_points_per_centroid = 1  # fewer are no reason for a warning
    return index


def _faiss() -> Any:
    """FAISS, when it is first needed; its hints of types lack half of it."""
    import faiss

    return faiss


def _copy(index: Any) -> Any:
    faiss = _faiss()
    if isinstance(index, faiss.IndexBinary):
        return faiss.deserialize_index_binary(faiss.serialize_index_binary(index))
    return faiss.clone_index(index)
