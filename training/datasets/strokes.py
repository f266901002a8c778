"""Sets of pen strokes: QMUL ShoeV2 and ChairV2 (strokes or pictures, each of one photo) and Quick, Draw! (ndjson)."""

import io
import json
import pickle
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from training.datasets.reading import Skips, class_label, drawn_split, first, need, pictures_under, read_lines
from xmr.modality import BadInput, Drawing, Item, Modality

PER_CLASS = 1000  # drawings read of each Quick, Draw! class: the whole set has 50 million

# ---------------------------------------------------------------- QMUL ShoeV2, ChairV2


def qmul(root: Path, split: str, skips: Skips, thing: str) -> list[Item]:
    """Photos and their sketches <photo>_<n>: as strokes from the pickle <Name>_Coordinate, else as pictures.

    The published split stands in the pickle's keys ("train/<photo>_<n>"), in photo_{train,test}.txt, or in folders with
    train or test in their names. Val is by hash an eighth of the training photos, with all their sketches.
    """
    pictures = pictures_under(need(root, f"the {thing} photos", "Its source: python -m training data."))
    stems: dict[str, str] = {}
    for name in pictures:
        if (held := stems.setdefault(Path(name).stem, name)) != name:
            skips.add("pictures whose name another one has", f"{name}, as {held}")
    owner = {stem: re.sub(r"_\d+$", "", stem) for stem in stems}
    sketches = {stem: owner[stem] for stem in stems if owner[stem] != stem and owner[stem] in stems}
    photos = {stem: pictures[name] for stem, name in stems.items() if stem not in sketches}
    strokes = first(root, "*_Coordinate")
    if strokes:
        drawn = {key.rsplit("/", 1)[-1]: key for key in _coordinates(strokes)}
        sketches = {stem: re.sub(r"_\d+$", "", stem) for stem in drawn}
        photos = {stem: path for stem, path in photos.items() if stem not in sketches}
    if not sketches:
        raise BadInput(f"{root} holds {len(photos)} photos, but neither a *_Coordinate file nor sketches named "
                       "<photo>_<n>.png. Unpack the sketches beside the photos.")  # fmt: skip
    lists = {stem: part for part in ("train", "test") for path in root.rglob(f"photo_{part}.txt")
             for stem in (Path(line.strip()).stem for line in read_lines(path, skips))}  # fmt: skip
    part_of = {}
    for stem, photo in sketches.items():
        told = drawn[stem] if strokes else stems[stem]
        part_of[photo] = lists.get(photo) or ("test" if "test" in told.lower() else "train")
    found = []
    for stem in sorted(photos):
        part = part_of.get(stem) or lists.get(stem)
        if part is None:
            skips.add("photos without a sketch", stem)
        elif _with_val(part, stem, thing) == split:
            found.append(Item(stem, Modality.PHOTO, photos[stem], _thing(thing, stem)))
    for stem, photo in sorted(sketches.items()):
        if photo not in photos:
            skips.add("sketches without their photo", stem)
        elif _with_val(part_of[photo], photo, thing) == split:
            content = f"{strokes}#{drawn[stem]}" if strokes else pictures[stems[stem]]
            facts = {"drawing": Coordinates(strokes, drawn[stem])} if strokes else {}
            found.append(Item(stem, Modality.SKETCH, content, _thing(thing, photo), facts=facts))
    return found


@dataclass(frozen=True)
class Coordinates:
    """One sketch of a *_Coordinate file, read when called."""

    path: Path
    key: str

    def __call__(self) -> Drawing:
        points = np.asarray(_coordinates(self.path)[self.key], float)  # (n, 3): x, y, 1 where the pen is lifted
        ends = np.flatnonzero(points[:-1, 2] == 1) + 1
        return Drawing(tuple(stroke[:, :2] for stroke in np.split(points, ends)))


def _thing(thing: str, photo: str) -> frozenset[str]:
    return frozenset({f"class:{thing}", f"instance:{photo}"})


def _with_val(part: str, photo: str, seed: str) -> str:
    return drawn_split(photo, seed, test=0.0, val=0.125) if part == "train" else part


class _ArraysOnly(pickle.Unpickler):
    """Reads a pickle of dicts and numpy arrays; anything that could run code is refused."""

    ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"), ("collections", "OrderedDict")} | {
        (f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")
    }

    def find_class(self, module: str, name: str):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it wants {module}.{name}")
        return super().find_class(module, name)


@lru_cache(maxsize=2)
def _coordinates(path: Path) -> dict[str, np.ndarray]:
    try:
        return _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except Exception as error:  # a cut-off pickle raises almost anything
        raise BadInput(f"{path} is not a file of strokes that can be read ({error}). Download it again.") from None


# ---------------------------------------------------------------- Quick, Draw!


def quickdraw(root: Path, split: str, skips: Skips, per_class: int = PER_CLASS) -> list[Item]:
    """Drawings from <class>.ndjson, raw or simplified: the first `per_class` of each class that the game recognised.

    The split is by the hash of each drawing's key_id.
    """
    files = sorted(path for path in need(root, "Quick, Draw!'s .ndjson files", "Add --download").glob("**/*.ndjson"))
    if not files:
        raise BadInput(f"{root} holds no .ndjson files. Put <class>.ndjson there, or add --download.")
    found = []
    for path in files:
        taken = 0
        with path.open("rb") as lines:
            at = 0
            for number, line in enumerate(lines, start=1):
                start, at = at, at + len(line)
                if taken == per_class:
                    break
                try:
                    row = json.loads(line)
                    key, word, recognized, _ = str(row["key_id"]), row["word"], row["recognized"], _strokes(row)
                except (ValueError, KeyError, TypeError, IndexError):
                    skips.add("broken rows", f"{path.name}:{number}")
                    continue
                if not recognized:
                    skips.add("drawings that the game didn't recognise", key)
                    continue
                taken += 1
                if drawn_split(key, "quickdraw") == split:
                    content, facts = f"{path}#{key}", {"drawing": Line(path, start)}
                    labels = frozenset({class_label(word.lower())})
                    found.append(Item(key, Modality.SKETCH, content, labels, facts=facts))
    return found


def quickdraw_expected(root: Path) -> dict[str, int]:
    """What the files that are there give when they are whole: each class has far more than PER_CLASS."""
    files = sum(1 for _ in root.glob("**/*.ndjson"))
    return {"sketches": files * PER_CLASS, "classes": files}


@dataclass(frozen=True)
class Line:
    """One drawing of an .ndjson file, read when called."""

    path: Path
    start: int  # byte

    def __call__(self) -> Drawing:
        with self.path.open("rb") as file:
            file.seek(self.start)
            return _strokes(json.loads(file.readline()))


def _strokes(row: dict) -> Drawing:
    """[[x...], [y...]] a stroke, and times in the raw form."""
    return Drawing(tuple(np.array([stroke[0], stroke[1]], float).T for stroke in row["drawing"]))
