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
    for row in _rows(path):
        if things != "any" and (things == "several") != ("objects" in row):
            continue
        key = row["id"]
        labels = _labels(row) | {f"image:{key}"}
        found.append(Item(key, Modality.PHOTO, _photo(path.parent, key), labels, facts=row))
        found += _sketches(path, row, labels)
        for language, texts in row["captions"].items():
            found += [
                Item(f"{key}#{language}{n}", Modality.TEXT, text, labels, language) for n, text in enumerate(texts)
            ]
    return found + (_drawings() if split == "train" and things != "several" else [])


def described(split: str) -> list[Item]:
    """The photos of a split, tagged with the things that are in each and its place, and for each language one
    description of each: its captions, one after another. Labels: image, and a tag for each of these."""
    found, told = [], {}
    for item in items(split):
        if item.modality is Modality.TEXT:
            told.setdefault(item.id.partition("#")[0], {}).setdefault(item.language, []).append(item.content)
    for item in items(split):
        if item.modality is Modality.PHOTO:
            things = item.facts.get("objects", [item.facts])
            tags = (f"tag:{value}" for value in (item.facts["place"], *(one["category"] for one in things)))
            labels = frozenset({f"image:{item.id}", *tags})
            found.append(Item(item.id, Modality.PHOTO, item.content, labels))
            found += [Item(f"{item.id}#{language}", Modality.TEXT, " ".join(texts), labels, language)
                      for language, texts in told[item.id].items()]  # fmt: skip
    return found


def _drawings() -> list[Item]:
    """Drawings of things that were never photographed, as far as there are any; labels: class and instance."""
    path = root() / "drawings" / "facts.jsonl"
    if not path.is_file():
        return []
    return [item for row in _rows(path) for item in _sketches(path, row, _labels(row))]


def _rows(path: Path) -> list[dict]:
    """The lines of a facts.jsonl by id; they were written as they were finished."""
    with path.open(encoding="utf-8") as lines:
        return sorted(map(json.loads, lines), key=lambda row: row["id"])


def _labels(row: dict) -> frozenset[str]:
    """The class and the instance of each thing in a picture."""
    things = row.get("objects", [row])
    return frozenset(f"{kind}:{thing[key]}" for thing in things
                     for kind, key in (("class", "category"), ("instance", "instance")))  # fmt: skip


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
