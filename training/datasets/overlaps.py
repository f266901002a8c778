"""What two sets of items have in common: equal files and drawings, photos that look alike, and equal sentences."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from training.datasets import labels_of
from xmr.modality import Drawing, Item, Modality

SIDE = 8  # of a photo's hash: SIDE * SIDE bits from left to right, and as many from top to bottom
BITS = 12  # of these 128, in which the hashes of two copies of one photo differ at most ...
CORRELATION = 0.97  # ... and what their colours, 16 x 16 px of them, correlate at least
PART = 1024  # photos that are compared with all others at a time
KEPT = 65_536  # files whose hashes are kept in memory


class Look(NamedTuple):
    """What a photo looks like: `bits` (128,) float32 of -1 and 1, `colours` (768,) float32 of mean 0 and length 1."""

    bits: np.ndarray
    colours: np.ndarray


def sentence_key(text: str) -> str:
    """A sentence's letters and digits, without case, punctuation and spacing; empty if it has none.

    >>> sentence_key(" A dog  in a T-shirt , barking .") == sentence_key("a dog in a t shirt, barking")
    True
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def equal_sentences(items: Iterable[Item], others: Iterable[Item]) -> list[Item]:
    """The captions among `items` whose sentence is that of a caption among `others`, in the same language.

    A caption is a text of one picture, which has a label "image"; the name of a class is none.
    """
    held = {(item.language, key) for item in _captions(others) if (key := sentence_key(item.content))}
    return [item for item in _captions(items) if (item.language, sentence_key(item.content)) in held]


def equal_contents(items: Iterable[Item], others: Iterable[Item]) -> list[Item]:
    """The pictures and drawings among `items` that have the very bytes, or strokes, of one among `others`."""
    held = {content_key(item) for item in others} - {""}
    return [item for item in items if content_key(item) in held]


def content_key(item: Item) -> str:
    """A hash of a drawing's strokes or of a picture's file; empty for anything else."""
    drawing = item.facts.get("drawing")
    drawing = drawing() if callable(drawing) else drawing
    if isinstance(drawing, Drawing):
        found = hashlib.sha256()
        for stroke in drawing.strokes:
            found.update(np.ascontiguousarray(stroke, np.float32).tobytes() + b"|")
        return found.hexdigest()
    is_file = drawing is None and isinstance(item.content, Path) and item.content.is_file()
    return _file_key(item.content) if is_file else ""


def photos_alike(photos: Sequence[Item], others: Sequence[Item]) -> list[tuple[Item, Item]]:
    """The photos of which another copy (in another size, compression or exposure) is among `others`, with that copy.

    Two photos are alike if at most BITS of the bits of their difference hashes differ (Krawetz 2013), both from left
    to right and from top to bottom, and their colours correlate by CORRELATION: on a plain ground, hashes alone take
    different things for copies. Photos that can't be decoded are like none.
    """
    a, b = _looks(photos), _looks(others)
    if not a or not b:
        return []
    a_bits, b_bits = (np.stack([look.bits for _, look in found]) for found in (a, b))
    pairs = []
    for start in range(0, len(a), PART):
        differing = (a_bits.shape[1] - a_bits[start : start + PART] @ b_bits.T) / 2  # (n, M)
        for row, column in zip(*np.nonzero(differing <= BITS), strict=True):
            (photo, look), (other, of_other) = a[start + row], b[column]
            if look.colours @ of_other.colours >= CORRELATION and not (pairs and pairs[-1][0] is photo):
                pairs.append((photo, other))
    return pairs


@lru_cache(maxsize=KEPT)
def look_of(path: Path) -> Look | None:
    """What a photo looks like; None for a file that can't be decoded."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (8 * SIDE, 8 * SIDE))  # a JPEG is decoded no larger than needed
            photo = image.convert("RGB")
            grey = photo.convert("L").resize((SIDE + 1, SIDE + 1), Image.Resampling.BOX)
            colours = np.asarray(photo.resize((16, 16), Image.Resampling.BOX), np.float32).ravel()
    except (OSError, ValueError):
        return None
    cells = np.asarray(grey, np.float32)
    steps = np.concatenate([np.diff(cells, axis=1)[:-1].ravel(), np.diff(cells, axis=0)[:, :-1].ravel()])
    colours = colours - colours.mean()
    return Look(np.where(steps > 0, 1, -1).astype(np.float32), colours / max(float(np.linalg.norm(colours)), 1e-6))


@lru_cache(maxsize=KEPT)
def _file_key(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _looks(photos: Iterable[Item]) -> list[tuple[Item, Look]]:
    files = (item for item in photos if item.modality is Modality.PHOTO and isinstance(item.content, Path))
    return [(item, look) for item in files if (look := look_of(item.content))]


def _captions(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.modality is Modality.TEXT and labels_of(item, "image")]
