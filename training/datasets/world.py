"""The rendered world (training.world) as it lies on disk: photos, drawings of them in strokes, and captions.

Its folder is $XMR_WORLD, or runs/world; `python -m training render` makes it.
"""

import json
import os
from pathlib import Path

import numpy as np

from training.datasets import MissingData, where
from xmr.modality import Drawing, Item, Modality


def root() -> Path:
    """The folder that holds train/, val/, test/ and gallery/."""
    return where("world", Path(os.environ.get("XMR_WORLD", "runs/world")))


def items(split: str, things: str = "any") -> list[Item]:
    """Photos, sketches and captions of "train", "val", "test" or "gallery"; raises MissingData.

    Labels: class, instance (one shape; no instance is in two splits) and image (this very view of it). A photo of
    several things has the class and the instance of each. A photo's facts are its line of facts.jsonl, in which
    "objects" and "relations" stand only for several things. "train" also has drawings of things without a photo.

    things: "one" leaves out the photos of several things, with their sketches and captions; "several" leaves only them.
    """
    path = root() / split / "facts.jsonl"
    if not path.is_file():
        raise MissingData(f"Expected rendered photos in {path.parent}. Make them: python -m training render")
    found = []
    with path.open(encoding="utf-8") as lines:
        for row in sorted(map(json.loads, lines), key=lambda row: row["id"]):  # written as they were finished
            if things != "any" and (things == "several") != ("objects" in row):
                continue
            key = row["id"]
            labels = {f"image:{key}"}
            for thing in row.get("objects", [row]):
                labels |= {f"class:{thing['category']}", f"instance:{thing['instance']}"}
            labels = frozenset(labels)
            found.append(Item(key, Modality.PHOTO, _photo(path.parent, key), labels, facts=row))
            found += _sketches(path, row, labels)
            for language, texts in row["captions"].items():
                found += [
                    Item(f"{key}#{language}{n}", Modality.TEXT, text, labels, language) for n, text in enumerate(texts)
                ]
    return found + (_drawings() if split == "train" and things != "several" else [])


def _drawings() -> list[Item]:
    """Drawings of things that were never photographed, as far as there are any; labels: class and instance."""
    path = root() / "drawings" / "facts.jsonl"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        rows = sorted(map(json.loads, lines), key=lambda row: row["id"])
    return [
        item
        for row in rows
        for item in _sketches(path, row, frozenset({f"class:{row['category']}", f"instance:{row['instance']}"}))
    ]


def _sketches(path: Path, row: dict, labels: frozenset[str]) -> list[Item]:
    found = []
    for n, sketch in enumerate(row["sketches"]):
        drawing = Drawing(tuple(np.asarray(stroke, float).reshape(-1, 2) for stroke in sketch["strokes"]))
        facts, key = {"drawing": drawing, "hand": sketch["hand"]}, f"{row['id']}-{n}"
        found.append(Item(key, Modality.SKETCH, f"{path}#{key}", labels, facts=facts))
    return found


def _photo(folder: Path, key: str) -> Path:
    webp = folder / "photos" / f"{key}.webp"
    return webp if webp.is_file() else webp.with_suffix(".jpg")
