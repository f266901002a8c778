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


def items(split: str) -> list[Item]:
    """Photos, sketches and captions of "train", "val", "test" or "gallery"; raises MissingData.

    Labels: class, instance (one shape; no instance is in two splits) and image (this very view of it). A photo's facts
    are its line of facts.jsonl.
    """
    path = root() / split / "facts.jsonl"
    if not path.is_file():
        raise MissingData(f"Expected rendered photos in {path.parent}. Make them: python -m training render")
    found = []
    with path.open(encoding="utf-8") as lines:
        for row in sorted(map(json.loads, lines), key=lambda row: row["id"]):  # written as they were finished
            key = row["id"]
            labels = frozenset({f"class:{row['category']}", f"instance:{row['instance']}", f"image:{key}"})
            found.append(Item(key, Modality.PHOTO, _photo(path.parent, key), labels, facts=row))
            for n, sketch in enumerate(row["sketches"]):
                drawing = Drawing(tuple(np.asarray(stroke, float).reshape(-1, 2) for stroke in sketch["strokes"]))
                facts = {"drawing": drawing, "hand": sketch["hand"]}
                found.append(Item(f"{key}-{n}", Modality.SKETCH, f"{path}#{key}-{n}", labels, facts=facts))
            for language, texts in row["captions"].items():
                found += [
                    Item(f"{key}#{language}{n}", Modality.TEXT, text, labels, language) for n, text in enumerate(texts)
                ]
    return found


def _photo(folder: Path, key: str) -> Path:
    webp = folder / "photos" / f"{key}.webp"
    return webp if webp.is_file() else webp.with_suffix(".jpg")
