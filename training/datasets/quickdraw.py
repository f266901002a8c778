"""Quick, Draw!: doodles of 345 classes, drawn with a mouse in 20 seconds, as strokes in <class>.ndjson."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.datasets.reading import Skips, class_label, drawn_split, need
from xmr.modality import BadInput, Drawing, Item, Modality

PER_CLASS = 1000  # drawings that are read of each class; the whole data set has 50 million
# Quick, Draw! class -> class of Sketchy, where the names differ; 93 classes have the same name. Not "bird" or "monkey":
# most birds are not songbirds, and Sketchy's apes are not monkeys.
SKETCHY = {
    "car": "car_(sedan)",
    "crocodile": "crocodilian",
    "hot air balloon": "hot-air_balloon",
    "hot dog": "hotdog",
    "motorbike": "motorcycle",
    "teddy-bear": "teddy_bear",
    "tennis racquet": "racket",
}


def read(root: Path, split: str, skips: Skips, per_class: int = PER_CLASS) -> list[Item]:
    """Drawings from raw or simplified <class>.ndjson files: the first `per_class` of each class.

    Drawings that the game did not recognise are included: the fact "recognized" is True, False, or None if the file
    does not say. The label is the class, by Sketchy's name if Sketchy has it. The split is by the hash of the key_id.

    Raises:
        BadInput: the folder has no .ndjson files.
    """
    files = sorted(path for path in need(root, "Quick, Draw!'s .ndjson files", "Add --download").glob("**/*.ndjson"))
    if not files:
        raise BadInput(f"{root} holds no .ndjson files. Put <class>.ndjson there, or add --download.")
    found = []
    for path in files:
        taken = at = 0
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                start, at = at, at + len(line)
                if taken == per_class:
                    break
                try:
                    row = json.loads(line)
                    key, label, recognized = str(row["key_id"]), label_of(row["word"]), row.get("recognized")
                    _strokes(row).bounds()
                except (ValueError, KeyError, TypeError, IndexError, AttributeError):
                    skips.add("broken rows", f"{path.name}:{number}")
                    continue
                taken += 1
                if drawn_split(key, "quickdraw") == split:
                    facts = {"drawing": Line(path, start), "recognized": recognized}
                    found.append(Item(key, Modality.SKETCH, f"{path}#{key}", frozenset({label}), facts=facts))
    return found


def label_of(word: str) -> str:
    """The label of a Quick, Draw! class.

    >>> label_of("hot dog"), label_of("The Eiffel Tower")
    ('class:hotdog', 'class:the_eiffel_tower')
    """
    return class_label(SKETCHY.get(word.lower(), word.lower()))


def expected(root: Path) -> dict[str, int]:
    """The number of classes; the number of drawings depends on the copy."""
    return {"classes": sum(1 for _ in root.glob("**/*.ndjson"))}


@dataclass(frozen=True)
class Line:
    """One drawing in an .ndjson file, at the byte `start`; it is read when called."""

    path: Path
    start: int

    def __call__(self) -> Drawing:
        with self.path.open("rb") as file:
            file.seek(self.start)
            return _strokes(json.loads(file.readline()))


def _strokes(row: dict) -> Drawing:
    """The drawing of a row, whose strokes are [[x, ...], [y, ...]], with times in raw files."""
    return Drawing(tuple(np.array([stroke[0], stroke[1]], float).T for stroke in row["drawing"]))
