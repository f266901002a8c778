"""Where a system goes wrong: each caption, photo or example drawing of a gallery as a query, and what it found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xmr.modality import Modality
from xmr.search import Searcher

K = 10
MOST = 3_000  # queries; of more captions, so many evenly spaced ones
_CHUNK = 500  # queries at a time


def look(searcher: Searcher, asked: Modality, language: str | None = None) -> pd.DataFrame:
    """The first ten photos of each query, and how many of them are of the right kind.

    A caption is of the kinds of its photos, an example drawing of the kind whose name it has; a photo asks for the
    others. Nothing that was stored is encoded again.

    Args:
        asked:    what the queries are.
        language: of the captions; None for all.

    Returns:
        One row a query: "query" (the text, the id or the name), "kind", "right" (the share of the first ten, or of as
        many as there are, that is of a right kind) and "found" (their ids, best first).

    Raises:
        BadInput: the gallery has no vectors of the system, or they are damaged.
    """
    gallery, system = searcher.gallery, searcher.system
    ids, photos = gallery.vectors(system, Modality.PHOTO)  # (N, dim)
    items = gallery.find(ids)
    labels = [items[id].labels if id in items else frozenset() for id in ids]
    names, kinds, queries = _queries(searcher, asked, language, ids, labels, photos)
    if not len(queries):
        return pd.DataFrame(columns=["query", "kind", "right", "found"])
    sizes = (photos.astype(np.float64) ** 2).sum(axis=1)  # (N,)
    if system.space == "cosine":  # what is stored is rounded: not quite of length 1, as an index makes it
        photos = photos / np.maximum(np.sqrt(sizes), 1e-12)[:, None].astype(np.float32)
    rows = []
    for start in range(0, len(queries), _CHUNK):
        part = slice(start, start + _CHUNK)
        scores = queries[part] @ photos.T  # (chunk, N): in all spaces but this one, the nearer the higher
        if system.space == "euclidean":
            scores = 2 * scores - sizes
        if asked is Modality.PHOTO:
            scores[np.arange(len(scores)), np.arange(len(queries))[part]] = -np.inf
        most = min(K, len(ids) - (asked is Modality.PHOTO))
        best = np.argsort(-scores, axis=1, kind="stable")[:, :most]  # (chunk, most)
        for name, kind, found in zip(names[part], kinds[part], best, strict=True):
            right = float(np.mean([bool(kind & labels[at]) for at in found])) if most else 0.0
            rows.append((name, ", ".join(sorted(kind)), right, tuple(ids[at] for at in found)))
    return pd.DataFrame(rows, columns=["query", "kind", "right", "found"])


def _queries(
    searcher: Searcher,
    asked: Modality,
    language: str | None,
    ids: Sequence[str],
    labels: Sequence[frozenset[str]],
    photos: np.ndarray,
) -> tuple[list[str], list[frozenset[str]], np.ndarray]:
    """The names, the right kinds and the vectors, (Q, dim), of the queries that have a kind."""
    gallery, system = searcher.gallery, searcher.system
    if asked is Modality.PHOTO:
        return list(ids), list(labels), photos
    if asked is Modality.SKETCH:
        known = set(gallery.categories())
        named = {name: next((k for k in known if k.partition("_(")[0] == name), None) for name in gallery.examples()}
        drawings = {name: drawing for name, drawing in gallery.examples().items() if named[name]}
        if not drawings:
            return [], [], np.zeros((0, system.dim), np.float32)
        vectors = system.encode(Modality.SKETCH, list(drawings.values()))
        return list(drawings), [frozenset([named[name]]) for name in drawings], vectors
    rows, vectors = gallery.vectors(system, Modality.TEXT, language)
    texts = gallery.find_texts(rows)
    kept = [at for at, row in enumerate(rows) if row in texts and texts[row].labels]
    if len(kept) > MOST:
        kept = [kept[at * len(kept) // MOST] for at in range(MOST)]
    found = [texts[rows[at]] for at in kept]
    return [str(text.content) for text in found], [text.labels for text in found], vectors[kept]


def by_kind(table: pd.DataFrame) -> pd.DataFrame:
    """The mean of each kind, the worst first: "kind", "right", "queries"."""
    found = table.groupby("kind").right.agg(["mean", "size"]).reset_index()
    found.columns = pd.Index(["kind", "right", "queries"])
    return found.sort_values(["right", "kind"], ignore_index=True)
