"""Keeps a gallery's photos in Milvus, in step with the gallery, which stays the truth: what is missing there is added,
what is out of date is replaced, what is gone is removed. A run that was killed is only run again."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xmr.gallery import Gallery, Progress
from xmr.index.milvus import MilvusIndex, mark
from xmr.modality import Modality
from xmr.system import System

_BATCH = 2_000


@dataclass(frozen=True)
class EngineReport:
    """The outcome of `synchronize`.

    Attributes:
        stored:  photos whose vector or facts were sent.
        kept:    photos that were up to date.
        removed: photos that are gone from the gallery.
    """

    stored: int
    kept: int
    removed: int


def open_engine(gallery: Gallery, system: System, uri: str) -> MilvusIndex:
    """The collection of a gallery's photos as one system encodes them. Each place of a gallery, system and weights have
    their own. Raises BadInput if Milvus does not answer."""
    place = hashlib.sha256(os.fsencode(gallery.path.resolve())).hexdigest()[:12]
    name = re.sub(r"\W", "_", system.name)[:60]
    collection = f"xmr_{name}_{system.fingerprint(Modality.PHOTO)[:12]}_{place}"
    return MilvusIndex(uri, collection, system.space, system.dim)


def synchronize(
    gallery: Gallery,
    system: System,
    index: MilvusIndex,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> EngineReport:
    """Bring Milvus in step with a gallery. A photo's id there is its row in the gallery, so that nothing can be there
    twice. A gallery that was deleted and made anew gives its rows to other photos: what is there already is kept if its
    facts and its vector are the same.

    Raises:
        GalleryMismatch: the gallery holds no vectors of this system's weights.
        BadInput: Milvus does not answer.
    """
    found = gallery.stored(system, Modality.PHOTO)
    assert found is not None  # only captions may be missing
    stored, gone = found
    rows, at = stored.latest()
    rows, at = rows[~gone[at]], at[~gone[at]]
    there = index.marks()
    old = np.setdiff1d(np.fromiter(there, np.int64, len(there)), rows)
    index.remove(old)
    sent = 0
    for start in range(0, len(rows), _BATCH):
        batch, vectors = rows[start : start + _BATCH].tolist(), stored.take(at[start : start + _BATCH])
        facts = gallery.told(rows[start : start + _BATCH])
        some = [n for n, row in enumerate(batch) if row in facts and there.get(row) != mark(facts[row], vectors[n])]
        if some:
            chosen = [batch[n] for n in some]
            index.add(np.array(chosen), vectors[some], [facts[row] for row in chosen])
            sent += len(some)
        progress(Progress(min(start + _BATCH, len(rows)), len(rows)))
    return EngineReport(sent, len(rows) - sent, len(old))
