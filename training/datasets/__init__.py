"""One adapter a data set: files on disk -> Items and splits.

training.datasets.catalogue has all of them by name, with what they need and a check of what lies on disk. Each gives
`items(split) -> list[Item]`; pictures and strokes are opened by `picture`, when they are wanted. An item's labels say
what it is, each with its kind in front, so that training and evaluation share one rule of relevance (two items match
when labels of the wanted kind intersect): `class:horse`, `instance:n02374451_10081` (one photographed or rendered
thing), `image:1000268201_693b08cb0e.jpg`, `tag:dog` (one of several things in it).
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from xmr.modality import BadInput, Drawing, Item, Modality
from xmr.preprocess import open_picture


class MissingData(BadInput):
    """A data set is not on this machine."""


_placed: dict[str, Path] = {}  # data sets that a caller has put elsewhere for a while


@contextmanager
def placed(name: str, path: Path) -> Iterator[None]:
    """Within it, a data set lies in this folder, whatever $XMR_DATA says."""
    before = _placed.get(name)
    _placed[name] = Path(path)
    try:
        yield
    finally:
        _placed.pop(name) if before is None else _placed.update({name: before})


def where(name: str, default: Path) -> Path:
    """Where a data set has been placed, or the default."""
    return _placed.get(name, default)


def folder(name: str) -> Path:
    """The folder of one data set under $XMR_DATA (default ../shared/data); raises MissingData."""
    path = where(name, Path(os.environ.get("XMR_DATA", "../shared/data")) / name)
    if not path.is_dir():
        raise MissingData(f"Expected the data set {name!r} in {path}. Put it there, or set XMR_DATA to its parent.")
    return path


def located(name: str) -> Path:
    """A folder by its path, or that of a data set under $XMR_DATA by its name; raises MissingData."""
    return Path(name) if Path(name).is_dir() else folder(name)


def stable_order(names: list[str], seed: str) -> list[str]:
    """The names in an order that depends on nothing but themselves and the seed: adding one moves no other."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def unit_hash(name: str, seed: str) -> float:
    """A number in 0..1 that depends on nothing but the name and the seed."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") / 2**64


def labels_of(item: Item, kind: str) -> frozenset[str]:
    """The item's labels of one kind: "class", "instance", "image" or "tag" (one of several things in it)."""
    return frozenset(label for label in item.labels if label.startswith(kind + ":"))


def identity_of(item: Item) -> frozenset[str]:
    """The one photo that an item is of: its image label, or where it has none its instance."""
    return labels_of(item, "image") or labels_of(item, "instance") or frozenset({f"image:{item.id}"})


def picture(item: Item) -> Image.Image | Drawing:
    """What xmr.preprocess takes for a photo or sketch item: what draws it where there is that, else the opened picture.
    """
    if item.modality is Modality.SKETCH and "drawing" in item.facts:
        drawing = item.facts["drawing"]
        try:
            return drawing() if callable(drawing) else drawing  # sets of millions read each one when it is wanted
        except (ValueError, LookupError, TypeError) as error:
            raise BadInput(f"{item.content} holds no strokes ({error!r}). Unpack its file again.") from None
    return open_picture(item.content)
