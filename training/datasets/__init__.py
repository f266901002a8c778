"""One adapter per data set: files on disk -> Items and splits.

training.datasets.catalogue lists all data sets by name, with the files that they need and a check of a copy on disk.
Each adapter has `items(split) -> list[Item]`; `picture` opens a picture or strokes only when needed.

An item's labels start with their kind: `class:horse`, `instance:n02374451_10081` (one photographed or rendered thing),
`image:1000268201_693b08cb0e.jpg`, `tag:dog` (one of several things in it). Training and evaluation share one rule of
relevance: two items match if their labels of the protocol's kind intersect.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from xmr.evaluation import labels_of
from xmr.modality import BadInput, Drawing, Item, Modality
from xmr.preprocess import open_picture


class MissingData(BadInput):
    """A data set is not on this machine."""


_placed: dict[str, Path] = {}  # folders that replace a data set's default folder, inside `placed`


@contextmanager
def placed(name: str, path: Path) -> Iterator[None]:
    """A context in which a data set is read from this folder instead of $XMR_DATA."""
    before = _placed.get(name)
    _placed[name] = Path(path)
    try:
        yield
    finally:
        _placed.pop(name) if before is None else _placed.update({name: before})


def where(name: str, default: Path) -> Path:
    """The folder that `placed` set for a data set, or the default."""
    return _placed.get(name, default)


@contextmanager
def data_of(recipe: Mapping[str, Any]) -> Iterator[None]:
    """A context in which the data set that a recipe names ("data") is read from where the recipe says ("folder"), by
    protocols too. A recipe that names none changes nothing, nor one of the rendered world, which $XMR_WORLD places."""
    if recipe.get("data", "world") == "world":
        yield
        return
    with placed(recipe["data"], _place(recipe["folder"])):
        yield


def data_root() -> Path:
    """The folder of all data sets: $XMR_DATA, or ../shared/data."""
    return Path(os.environ.get("XMR_DATA", "../shared/data"))


def _place(name: str) -> Path:
    """The folder of a path, or of a data set's name under $XMR_DATA, whether it is there or not."""
    return Path(name) if Path(name).is_dir() else data_root() / name


def folder(name: str) -> Path:
    """The folder of one data set under $XMR_DATA (default ../shared/data); raises MissingData."""
    path = where(name, data_root() / name)
    if not path.is_dir():
        raise MissingData(f"Expected the data set {name!r} in {path}. Put it there, or set XMR_DATA to its parent.")
    return path


def located(name: str) -> Path:
    """The folder of a path, or of a data set's name under $XMR_DATA; raises MissingData."""
    return Path(name) if Path(name).is_dir() else folder(name)


def from_anywhere(name: str) -> str:
    """The same place for records, which other commands read from other directories: a path from the root on, unless it
    leads to where this name is under $XMR_DATA; else the name as it is."""
    path, under = Path(name), data_root() / name
    if not path.is_dir() or (under.is_dir() and under.samefile(path)):
        return name
    return os.path.abspath(path)


def stable_order(names: list[str], seed: str) -> list[str]:
    """The names in a pseudo-random order that depends on each name and the seed only: a new name moves no other."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def unit_hash(name: str, seed: str) -> float:
    """A pseudo-random number in 0..1 that depends only on the name and the seed."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") / 2**64


def identity_of(item: Item) -> frozenset[str]:
    """The label of the photo that an item shows or describes: its image label, or else its instance label."""
    return labels_of(item, "image") or labels_of(item, "instance") or frozenset({f"image:{item.id}"})


def fingerprint(item: Item) -> str:
    """A hash that identifies an item independently of its file's path, 16 hex digits: of its id and of its text, its
    strokes or the size of its file."""
    found = hashlib.sha256(repr((str(item.modality), item.id)).encode())
    drawing = item.facts.get("drawing")
    if isinstance(drawing, Drawing):
        for stroke in drawing.strokes:
            found.update(np.ascontiguousarray(stroke, np.float32).tobytes())
    elif isinstance(item.content, Path):
        found.update(str(item.content.stat().st_size if item.content.is_file() else "missing").encode())
    elif drawing is None:
        found.update(item.content.encode())
    return found.hexdigest()[:16]


def picture(item: Item) -> Image.Image | Drawing:
    """The content of a photo or sketch item for xmr.preprocess: its drawing if it has one, or else the opened picture.

    Raises:
        BadInput: it can't be read.
    """
    if item.modality is Modality.SKETCH and "drawing" in item.facts:
        drawing = item.facts["drawing"]
        try:
            return drawing() if callable(drawing) else drawing  # large data sets read each drawing only when needed
        except (ValueError, LookupError, TypeError) as error:
            raise BadInput(f"{item.content} holds no strokes ({error!r}). Unpack its file again.") from None
    return open_picture(item.content)
