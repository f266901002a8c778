"""Finds photos that are there more than once: the same file, or the same picture in another size or quality."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from xmr.gallery import Gallery
from xmr.modality import BadInput, Modality
from xmr.preprocess import picture_size
from xmr.system import System

_SIDE = 8  # cells a side of a perceptual hash
_PAIRS = ((4, 0.9), (10, 0.97))  # at most so many of 64 bits differ, and the vectors' cosine is at least so much
_CHUNK = 1_000  # hashes that are compared with all at once


@dataclass(frozen=True)
class Copy:
    """One photo of a group.

    Attributes:
        id:     in the gallery.
        path:   its file; the thumbnail where there is no other.
        pixels: width times height; 0 where the file's header cannot be read.
        size:   bytes of the file; 0 where it is gone.
        exact:  whether its file has the same content as the group's first.
    """

    id: str
    path: Path
    pixels: int
    size: int
    exact: bool


def find_duplicates(gallery: Gallery, system: System) -> list[list[Copy]]:
    """Groups of photos that show the same: equal files, and pictures whose perceptual hashes and vectors are close.

    The hash is the dHash of the thumbnail: whether each cell of 9 x 8 is darker than its right neighbour. It is close
    if 4 of its 64 bits differ and the vectors' cosine is at least 0.9, or 10 and 0.97.

    Returns:
        Groups of two and more, each with the best first: the one with most pixels, of these the largest file, of these
        the shortest path. Groups come in the order of the gallery.

    Raises:
        BadInput: the gallery holds no vectors of this system, or it is damaged.
    """
    items = list(gallery)
    place = {item.id: at for at, item in enumerate(items)}
    parent = list(range(len(items)))

    def top(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    contents: dict[str, str] = {}
    first: dict[str, int] = {}
    for id, _, content in gallery.originals().values():
        if content is not None and id in place:
            contents[id] = content
            parent[top(place[id])] = top(first.setdefault(content, place[id]))
    for one, other in _near(gallery, system, [item.id for item in items]):
        low, high = sorted((top(one), top(other)))
        parent[high] = low
    groups: dict[int, list[int]] = {}
    for at in range(len(items)):
        groups.setdefault(top(at), []).append(at)
    found = []
    for group in groups.values():
        if len(group) > 1:
            copies = sorted(
                (_measured(items[at].id, Path(items[at].content)) for at in group),
                key=lambda copy: (-copy[2], -copy[3], len(str(copy[1])), str(copy[1])),
            )
            best = contents.get(copies[0][0])
            found.append([Copy(*copy, best is not None and contents.get(copy[0]) == best) for copy in copies])
    return found


def _near(gallery: Gallery, system: System, ids: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of positions of `ids` whose pictures are close."""
    import faiss

    known, vectors = gallery.vectors(system, Modality.PHOTO)
    row = {id: at for at, id in enumerate(known)}
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(lambda id: _hash(gallery, id), ids))
    at = np.array([n for n, (id, bits) in enumerate(zip(ids, hashes, strict=True)) if bits is not None and id in row])
    if len(at) < 2:
        return
    codes = np.stack([hashes[n] for n in at.tolist()])  # (N, 8) uint8
    index = faiss.IndexBinaryFlat(codes.shape[1] * 8)
    index.add(codes)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    rows = np.array([row[ids[n]] for n in at.tolist()])
    for start in range(0, len(at), _CHUNK):
        limits, distances, found = index.range_search(codes[start : start + _CHUNK], _PAIRS[-1][0] + 1)
        asked = np.repeat(np.arange(start, start + len(limits) - 1), np.diff(limits).astype(np.int64))
        later = found > asked
        asked, found, distances = asked[later], found[later], distances[later]
        cosine = np.einsum("nd,nd->n", unit[rows[asked]], unit[rows[found]])
        close = np.zeros(len(asked), bool)
        for most, least in _PAIRS:
            close |= (distances <= most) & (cosine >= least)
        yield from zip(at[asked[close]].tolist(), at[found[close]].tolist(), strict=True)


def _hash(gallery: Gallery, id: str) -> np.ndarray | None:
    """The dHash of a photo's thumbnail, (8,) uint8; None if it cannot be read or is of one colour."""
    try:
        with Image.open(io.BytesIO(gallery.thumbnail(id)), formats=["WEBP"]) as image:
            small = np.asarray(image.convert("L").resize((_SIDE + 1, _SIDE), Image.Resampling.BOX), np.int16)
    except (BadInput, OSError, ValueError):
        return None
    if small.max() - small.min() < 8:
        return None
    return np.packbits(small[:, 1:] > small[:, :-1])


def _measured(id: str, path: Path) -> tuple[str, Path, int, int]:
    try:
        size = path.stat().st_size
    except OSError:  # gone
        return id, path, 0, 0
    try:
        width, height = picture_size(path)
    except BadInput:
        return id, path, 0, size
    return id, path, width * height, size
