"""The rendered world (training.world) on disk: photos, drawings of them as strokes, and captions.

Its folder is $XMR_WORLD (default runs/world); `python -m training render` writes it.
"""

import json
import os
from pathlib import Path

import numpy as np

from training.datasets import MissingData, where
from xmr.evaluation import SAYS_MORE
from xmr.modality import Drawing, Item, Modality

RENDERED = "rendered"  # a fact of photos and drawings: by which version of the renderer, as follows
RENDERER = 1  # counted up with each change of training.world that changes what is rendered


def root() -> Path:
    """The folder with train/, val/, test/ and gallery/."""
    return where("world", Path(os.environ.get("XMR_WORLD", "runs/world")))


def items(split: str, things: str = "any") -> list[Item]:
    """Photos, sketches and captions.

    Labels are class, instance (one shape; splits share no instance) and image (one photo). A photo of several things
    has the class and instance labels of each. A photo's facts are its line of facts.jsonl; only photos of several
    things have "objects" and "relations". "train" also has drawings of things without a photo.

    Args:
        split:  "train", "val", "test" or "gallery".
        things: "any", or only photos of "one" or "several" things, with their sketches and captions.

    Raises:
        MissingData: there are no rendered photos.
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
        found.append(Item(key, Modality.PHOTO, _photo(path.parent, key), labels, facts=row | {RENDERED: RENDERER}))
        found += _sketches(path, row, labels)
        for language, texts in row["captions"].items():
            found += [
                Item(f"{key}#{language}{n}", Modality.TEXT, text, labels, language, {SAYS_MORE: True})
                for n, text in enumerate(texts)
            ]
    return found + (drawings() if split == "train" and things != "several" else [])


def described(split: str) -> list[Item]:
    """The photos of a split, tagged with their things and their place, and one description of each photo per language:
    all its captions joined. Labels are image and tag."""
    found, captions = [], {}
    for item in items(split):
        if item.modality is Modality.TEXT:
            captions.setdefault(item.id.partition("#")[0], {}).setdefault(item.language, []).append(item.content)
    for item in items(split):
        if item.modality is Modality.PHOTO:
            things = item.facts.get("objects", [item.facts])
            tags = (f"tag:{value}" for value in (item.facts["place"], *(one["category"] for one in things)))
            labels = frozenset({f"image:{item.id}", *tags})
            facts = {RENDERED: item.facts[RENDERED]}
            found.append(Item(item.id, Modality.PHOTO, item.content, labels, facts=facts))
            found += [
                Item(f"{item.id}#{language}", Modality.TEXT, " ".join(texts), labels, language)
                for language, texts in captions[item.id].items()
            ]
    return found


def drawings() -> list[Item]:
    """Drawings of things without a photo, labelled with class and instance; empty if there are none."""
    path = root() / "drawings" / "facts.jsonl"
    if not path.is_file():
        return []
    return [item for row in _rows(path) for item in _sketches(path, row, _labels(row))]


def _rows(path: Path) -> list[dict]:
    """The rows of a facts.jsonl sorted by id, since they are appended in any order."""
    with path.open(encoding="utf-8") as lines:
        return sorted(map(json.loads, lines), key=lambda row: row["id"])


def _labels(row: dict) -> frozenset[str]:
    """The class and the instance of each thing in a picture."""
    things = row.get("objects", [row])
    return frozenset(
        f"{kind}:{thing[key]}" for thing in things for kind, key in (("class", "category"), ("instance", "instance"))
    )


def _sketches(path: Path, row: dict, labels: frozenset[str]) -> list[Item]:
    found = []
    for n, sketch in enumerate(row["sketches"]):
        drawing = Drawing(tuple(np.asarray(stroke, float).reshape(-1, 2) for stroke in sketch["strokes"]))
        key, facts = f"{row['id']}-{n}", {"drawing": drawing, "hand": sketch["hand"], RENDERED: RENDERER}
        found.append(Item(key, Modality.SKETCH, f"{path}#{key}", labels, facts=facts))
    return found


def _photo(folder: Path, key: str) -> Path:
    webp = folder / "photos" / f"{key}.webp"
    return webp if webp.is_file() else webp.with_suffix(".jpg")
