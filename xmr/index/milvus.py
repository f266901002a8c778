"""The same index in Milvus, for what outgrows one machine. It holds the facts too, so that conditions are pushed down.

A URI names a cluster (http://host:19530) or, with the package milvus-lite, a local file (photos.db). Codes are stored
as vectors of +-1 and compared by inner product, which orders them as their Hamming distance does.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from xmr.index import Selection, check_k, checked_ids, checked_vectors
from xmr.modality import BadInput, shown
from xmr.where import FOLDER, LANGUAGE, Condition, Range, Value

SPACES = {"cosine": "COSINE", "euclidean": "L2", "hamming": "IP"}
_MOST = 16_000  # answers that Milvus gives
_BATCH = 2_000  # vectors sent together
_LISTED = 10_000  # ids in one condition
_GLOB = frozenset("*?[%_\\")
_T = TypeVar("_T")


class MilvusIndex:
    """A collection of Milvus with the fields id, vector, facts (JSON) and mark (of facts and vector).

    Args:
        uri:   of a cluster, or a local file.
        name:  of the collection: letters, digits and "_". It is created if it is not there.
        space: "cosine", "euclidean" or "hamming".
        dim:   length of the vectors.

    Raises:
        BadInput: Milvus does not answer, or the collection has vectors of another space or length.
    """

    def __init__(self, uri: str, name: str, space: str, dim: int) -> None:
        if space not in SPACES:
            raise BadInput(f"The space must be one of {', '.join(SPACES)}; {shown(space)} came.")
        try:
            from pymilvus import DataType, MilvusClient
        except ImportError:
            raise BadInput(
                "Milvus needs a package that is not installed here. Run pip install 'xmr[cluster]'."
            ) from None
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # what fails is said by the exception
        self.uri, self.name = uri, name
        self._space, self._dim = space, dim
        self._client = self._asked(lambda: MilvusClient(uri))

        def create() -> None:
            if self._client.has_collection(name):
                return
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
            schema.add_field("facts", DataType.JSON)
            schema.add_field("mark", DataType.INT64)
            index = self._client.prepare_index_params()
            index.add_index("vector", index_type="AUTOINDEX", metric_type=SPACES[space])
            self._client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")

        self._asked(create)
        fields = {one["name"]: one for one in self._asked(lambda: self._client.describe_collection(name))["fields"]}
        if fields.get("vector", {}).get("params", {}).get("dim") != dim or "mark" not in fields:
            raise BadInput(f"The collection {name} at {uri} is of another kind. Drop it, or take another.")
        self._asked(lambda: self._client.load_collection(name))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def drop(self) -> None:
        """Delete the collection."""
        self._asked(lambda: self._client.drop_collection(self.name))

    def __len__(self) -> int:
        found = self._asked(lambda: self._client.query(self.name, filter="id >= 0", output_fields=["count(*)"]))
        return int(found[0]["count(*)"])

    def add(self, ids: np.ndarray, vectors: np.ndarray, facts: Sequence[Mapping[str, Any]] | None = None) -> None:
        """See VectorIndex. facts: those of each vector, which conditions may ask for; none by default."""
        rows, ids, given = self._form(vectors), checked_ids(ids), checked_vectors(vectors, self._dim)
        told = [dict(one) for one in facts] if facts is not None else [{} for _ in ids]
        if not len(ids) == len(rows) == len(told):
            raise BadInput(f"Each vector needs an id; {len(ids)} ids came for {len(rows)} vectors.")
        last = {id: at for at, id in enumerate(ids.tolist())}  # of an id that comes twice, the later
        fields = [
            {"id": id, "vector": rows[at].tolist(), "facts": told[at], "mark": mark(told[at], given[at])}
            for id, at in last.items()
        ]
        for start in range(0, len(fields), _BATCH):
            self._asked(partial(self._client.upsert, self.name, fields[start : start + _BATCH]))

    def remove(self, ids: np.ndarray) -> None:
        """See VectorIndex."""
        wanted = checked_ids(ids).tolist()
        for start in range(0, len(wanted), _BATCH):
            self._asked(partial(self._client.delete, self.name, ids=wanted[start : start + _BATCH]))

    def marks(self) -> dict[int, int]:
        """The id of every vector, with its mark."""

        def read() -> dict[int, int]:
            found: dict[int, int] = {}
            pages = self._client.query_iterator(self.name, _BATCH, filter="id >= 0", output_fields=["id", "mark"])
            while page := pages.next():
                found |= {one["id"]: one["mark"] for one in page}
            pages.close()
            return found

        return self._asked(read)

    def search(self, vectors: np.ndarray, k: int, among: Selection | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See VectorIndex."""
        check_k(k)
        queries = self._form(vectors)
        empty = np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
        if not len(queries) or not len(self):
            return empty
        parts = [self._search(queries, int(min(k, _MOST)), condition) for condition in _filters(among)]
        if not parts:
            return empty
        scores, ids = (np.concatenate(both, axis=1) for both in zip(*parts, strict=True))
        order = np.lexsort((ids, -scores))[:, : int(min(k, scores.shape[1]))]
        scores, ids = np.take_along_axis(scores, order, 1), np.take_along_axis(ids, order, 1)
        there = int((ids >= 0).sum(axis=1).max(initial=0))
        return scores[:, :there], ids[:, :there]

    def _search(self, queries: np.ndarray, k: int, condition: str) -> tuple[np.ndarray, np.ndarray]:
        """The best of each query, (Q, K); where one has fewer than others: -inf and -1."""
        found = self._asked(
            lambda: self._client.search(self.name, queries.tolist(), filter=condition, limit=k, output_fields=["id"])
        )
        most = max(len(hits) for hits in found)
        scores = np.full((len(queries), most), -np.inf, np.float32)
        ids = np.full((len(queries), most), -1, np.int64)
        for at, hits in enumerate(found):
            scores[at, : len(hits)] = [hit["distance"] for hit in hits]
            ids[at, : len(hits)] = [hit["id"] for hit in hits]
        there = ids >= 0
        if self._space == "euclidean":
            scores[there] = -np.sqrt(np.maximum(scores[there], 0))
        elif self._space == "hamming":
            scores[there] = np.round((scores[there] - self._dim) / 2)
        return scores, ids

    def vectors(self, ids: np.ndarray) -> np.ndarray:
        """See VectorIndex."""
        wanted = checked_ids(ids)
        found = self._get(wanted, ["vector"])
        if missing := [id for id in wanted.tolist() if id not in found]:
            raise BadInput(f"There is no vector {missing[0]} in this index of {len(self)}. Search again.")
        return np.array([found[id]["vector"] for id in wanted.tolist()], np.float32).reshape(len(wanted), self._dim)

    def holds(self, ids: np.ndarray) -> np.ndarray:
        """See VectorIndex."""
        wanted = checked_ids(ids)
        found = self._get(wanted, ["id"])
        return np.array([id in found for id in wanted.tolist()], bool)

    def _get(self, ids: np.ndarray, fields: list[str]) -> dict[int, dict]:
        found: dict[int, dict] = {}
        wanted = sorted(set(ids.tolist()))
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            rows = self._asked(partial(self._client.get, self.name, ids=part, output_fields=["id", *fields]))
            found |= {row["id"]: row for row in rows}
        return found

    def _form(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (N, dim) as Milvus takes them; BadInput if they are not finite or have another shape."""
        rows = checked_vectors(vectors, self._dim)
        if self._space == "hamming":
            return np.where(rows > 0, np.float32(1), np.float32(-1))
        if self._space == "cosine":
            return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows

    def _asked(self, call: Callable[[], _T]) -> _T:
        from pymilvus.exceptions import MilvusException

        try:
            return call()
        except MilvusException as error:
            said = " ".join(str(error.message or error).split())[:200]
            raise BadInput(
                f"Milvus at {self.uri} cannot do this ({said}). Check that it runs there; what was stored is kept."
            ) from None


def mark(facts: Mapping[str, Any], vector: np.ndarray) -> int:
    """A number that tells facts and a (dim,) float32 vector from others."""
    return zlib.crc32(vector.tobytes(), zlib.crc32(json.dumps(facts, sort_keys=True).encode()))


def _filters(among: Selection | None) -> list[str]:
    """The conditions of the searches that answer a query together."""
    if among is None:
        return [""]
    if among.where is not None and (condition := _condition(among.where)) is not None:
        return [condition]
    ids = np.unique(checked_ids(among.ids)).tolist()
    return [f"id in {ids[start : start + _LISTED]}" for start in range(0, len(ids), _LISTED)]


def _condition(where: Sequence[Condition]) -> str | None:
    """A `where` in Milvus' words; None if it has none for it."""
    parts = []
    for name, choices in where:
        each = [_one(name, choice) for choice in choices]
        if None in each or not each:
            return None
        parts.append("(" + " or ".join(str(one) for one in each) + ")")
    return " and ".join(parts)


def _one(name: str, choice: Value | Range) -> str | None:
    if name == FOLDER:
        if not isinstance(choice, str) or _GLOB & set(choice) or not choice.strip("/"):
            return None
        return f'facts["file"] like {_quoted(choice.strip("/") + "/%")}'
    if name == LANGUAGE:
        return f'json_contains(facts["languages"], {_quoted(choice)})' if isinstance(choice, str) else None
    fact = f"facts[{_quoted(name)}]"
    if choice is None:
        return f"not (exists {fact})"
    if not isinstance(choice, Range):
        return f"{fact} == {_quoted(choice)}"
    parts = []
    if choice.low is not None:
        parts.append(f"{fact} >= {_quoted(choice.low)}")
    if isinstance(choice.high, str):
        parts.append(f"{fact} < {_quoted(choice.high + chr(0x10FFFF))}")  # all that begins with it lies below
    elif choice.high is not None:
        parts.append(f"{fact} <= {_quoted(choice.high)}")
    return "(" + " and ".join(parts) + ")"


def _quoted(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)
