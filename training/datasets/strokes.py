"""QMUL ShoeV2 and ChairV2: photos, and sketches of them as strokes or as pictures."""

import io
import pickle
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from training.datasets.reading import Skips, drawn_split, first, need, pictures_under, read_lines
from xmr.modality import BadInput, Drawing, Item, Modality


def qmul(root: Path, split: str, skips: Skips, thing: str) -> list[Item]:
    """Photos and their sketches <photo>_<n>, as strokes from the pickle <Name>_Coordinate, or else as pictures.

    The published split is read from the pickle's keys ("train/<photo>_<n>"), from photo_{train,test}.txt, or from
    folder names with train or test in them. Val is an eighth of the training photos by hash, with all their sketches.

    Args:
        root:  folder of the data set.
        split: "train", "val" or "test".
        skips: where left-out files are listed.
        thing: class name, "shoe" or "chair".

    Raises:
        BadInput: there are no sketches, or their file is damaged.
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
        raise BadInput(
            f"{root} holds {len(photos)} photos, but neither a *_Coordinate file nor sketches named "
            "<photo>_<n>.png. Unpack the sketches beside the photos."
        )
    lists = {
        stem: part
        for part in ("train", "test")
        for path in root.rglob(f"photo_{part}.txt")
        for stem in (Path(line.strip()).stem for line in read_lines(path, skips))
    }
    part_of = {}
    for stem, photo in sketches.items():
        place = drawn[stem] if strokes else stems[stem]
        part_of[photo] = lists.get(photo) or ("test" if "test" in place.lower() else "train")
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
    """One sketch in a *_Coordinate file; it is read when called."""

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
    """Unpickles dicts and numpy arrays only; anything that could run code raises an error."""

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
