"""Fits an adapter for drawings to a model that was adopted: an affine map, by which the vectors that its photo tower
gives of drawings come nearer to those of photos.

Drawings lie apart from photos, and photos around a mean of their own, which hides what tells them apart. So first, from
the vectors of drawings their mean is subtracted, and what they shall find is how the photos of a class differ from the
mean of all. Photos' vectors need no change for that: the mean adds the same to the score of every drawing. Then, in
closed form: the matrix W that brings these differences S of drawings to those P of their classes' photos, both at
length 1, and stays near to the identity, is the least of |S W - P|^2 + strength |W - I|^2. The strength is chosen by
what it finds among classes that were left out of the fit, with no adapter at all among the choices. What it is worth is
measured on test items, with it and without.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.datasets import MissingData, catalogue, labels_of, sketchy25, stable_order, world
from training.datasets.protocols import PROTOCOLS
from training.learn.evaluation import encoder_vectors
from xmr import checkpoint
from xmr.adopt.fit import fit_scores
from xmr.encoder import adapted
from xmr.evaluation import Vectors, measure
from xmr.files import replacing, write_json
from xmr.gallery import DEMO, Gallery
from xmr.home import models
from xmr.modality import BadInput, Item, Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e6)  # times the drawings a dimension; with the last, the means alone
FOLDS = 5
MOST = 2_000  # drawings and photos of a data set, at most: it is a matrix, and no network
FILE = "sketch.npy"  # (dim + 1, dim) float32: the matrix, and below it what is added
DATA: Mapping[str, Callable[[str], list[Item]]] = {  # what it is fitted on, as far as it is here: a split -> its items
    "sketchy25": sketchy25.items,
    "quickdraw": lambda split: catalogue.get("quickdraw").items(split),
    "world": lambda split: world.items(split, things="one"),
}
TESTS = ("sketchy25-heldout", "quickdraw-photos", "quickdraw-demo", "world-test")  # protocols that it is measured by
WITH, WITHOUT = "sketch_to_photo/with_adapter", "sketch_to_photo/without_adapter"
# Its classes are all those that DATA has, so that none is unseen any more.
CLAIMED = [name for name in PROTOCOLS if not name.endswith("-unseen")]


@dataclass(frozen=True)
class FittedSketch:
    """What was fitted.

    Attributes:
        strength: the chosen one; None where no adapter finds more than any.
        before: the share of drawings of classes left out whose first photo is of their class, without an adapter.
        after: the same with it.
        drawings, photos: how many it was fitted on.
        data: the data sets that they are of.
        tests: protocol -> its entry of metrics.json, of test items: WITH and WITHOUT, each with its metrics.
    """

    strength: float | None
    before: float
    after: float
    drawings: int
    photos: int
    data: tuple[str, ...]
    tests: Mapping[str, dict]

    def __str__(self) -> str:
        return (
            f"An adapter for drawings was fitted on {self.drawings} drawings and {self.photos} photos "
            f"({', '.join(self.data)}), and chosen by classes that were left out: {self.after:.3f} of their drawings "
            f"find a photo of their class first with it, {self.before:.3f} without."
        )

    def table(self) -> list[str]:
        """The share of test drawings that find a photo of their class first, in Markdown; empty if none is here."""
        if not self.tests:
            return []
        lines = ["| P@1 of test drawings | with the adapter | without | chance |", "| --- | --- | --- | --- |"]
        for name, entry in self.tests.items():
            values, errors = entry["metrics"], entry["stderr"]
            sides = (f"{values[f'{side}/p@1']:.3f} ± {errors[f'{side}/p@1']:.3f}" for side in (WITH, WITHOUT))
            chance = entry["chance"][f"{WITH}/p@1"]
            lines.append(f"| {name}, {entry['queries']} | {' | '.join(sides)} | {chance:.3f} |")
        return lines


def solve(sketches: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """The matrix (dim, dim) of the module's docstring; sketches, targets: (N, dim)."""
    dim = sketches.shape[1]
    held = strength * len(sketches) / dim * np.eye(dim)
    left = sketches.T.astype(np.float64) @ sketches + held
    return np.linalg.solve(left, sketches.T.astype(np.float64) @ targets + held)


def fit(sketches: np.ndarray, of: Sequence[str], photos: np.ndarray, shown: Sequence[str]) -> tuple[np.ndarray, dict]:
    """The adapter (dim + 1, dim), and what each strength finds among classes that were left out: strength -> share, 0
    for no adapter.

    sketches, photos: (S, dim) and (P, dim), of the classes `of` and `shown`.
    """
    of_, shown_ = np.array(of), np.array(shown)
    classes = [name for name in stable_order(sorted(set(of)), "fit-sketch") if name in set(shown)]
    if len(classes) < 2 * FOLDS:
        raise BadInput(f"Drawings and photos of {2 * FOLDS} classes are needed; {len(classes)} are there.")
    usable = np.isin(of_, classes)
    sketches, of_ = sketches[usable], of_[usable]
    means = np.stack([photos[shown_ == name].mean(axis=0) for name in classes])
    row = np.array([classes.index(name) for name in of_])
    found: dict[float, list[float]] = {strength: [] for strength in (0.0, *STRENGTHS)}
    for fold in range(FOLDS):
        out = row % FOLDS == fold
        kept = np.arange(len(classes)) % FOLDS != fold
        for strength, shares in found.items():
            made = _adapter(sketches[~out], means, kept, row[~out], strength)
            first = (adapted(sketches[out], made) @ photos.T).argmax(axis=1)
            shares.append(float((shown_[first] == of_[out]).mean()))
    shares = {strength: float(np.mean(each)) for strength, each in found.items()}
    best = max(shares, key=shares.__getitem__)
    return _adapter(sketches, means, np.full(len(classes), True), row, best).astype(np.float32), shares


def _adapter(
    sketches: np.ndarray, means: np.ndarray, known: np.ndarray, row: np.ndarray, strength: float
) -> np.ndarray:
    """The adapter (dim + 1, dim) of one strength, 0 for one that changes nothing.

    sketches: (S, dim), each of the class `row` (S,) of which `means` (C, dim) has the photos' mean. known: (C,) the
    classes that it may know.
    """
    dim = sketches.shape[1]
    if not strength:
        return np.concatenate([np.eye(dim), np.zeros((1, dim))])
    centre = sketches.mean(axis=0)
    matrix = solve(_unit(sketches - centre), _unit(means - means[known].mean(axis=0))[row], strength)
    return np.concatenate([matrix, -centre[None] @ matrix])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def measured(name: str, vectors: Vectors, adapter: np.ndarray) -> dict:
    """A protocol's entry of metrics.json: its test drawings against its photos by class, with an adapter and without.

    Args:
        name: of a protocol that compares drawings with photos by class.
        vectors: items of one modality -> (N, dim), as the system gives them without an adapter.
        adapter: as `fit` gives it.

    Raises:
        MissingData: its data is not on this machine.
    """
    protocol = PROTOCOLS[name]
    items = protocol.items("test")
    shown = [item for item in (protocol.gallery("test") if protocol.gallery else items) if item.modality is PHOTO]
    drawn = [item for item in items if item.modality is SKETCH and "style" not in item.facts]
    plain = [replace(item, facts={**item.facts, "style": "without"}) for item in drawn]
    own = next(one for one in protocol.comparisons if one.key == "sketch_to_photo/category")
    sides = replace(own, key=WITH), replace(own, key=WITHOUT, query=(SKETCH, "without"))

    def of_side(some: list[Item]) -> np.ndarray:
        with_it = some[0].modality is SKETCH and "style" not in some[0].facts
        return adapted(vectors(some), adapter) if with_it else vectors(some)

    about = f"{protocol.about} Its drawings alone, with the adapter for them that was fitted here, and without it."
    return measure(replace(protocol, about=about, comparisons=sides), drawn + plain, of_side, shown)


def adapt(name: str, progress: Callable[[str], None] = print) -> FittedSketch:
    """Fit the adapter of an adopted model on what is on this machine, make it part of its checkpoint, and write what
    test drawings find with it and without into its metrics.json and its card.

    The model's own photo tower stays as it is, and so do the vectors of photos and texts in galleries. Other figures
    are no longer those of its weights, and go.

    Raises:
        BadInput: no such model was adopted, it has an adapter already, or there is no data.
    """
    folder = models() / name
    if name not in checkpoint.available(models()):
        raise BadInput(f"{name} was not adopted: adopt it first, python -m training adopt MODEL --name {name}")
    system = checkpoint.load(name)
    config = json.loads(json.dumps(system.config))
    if "adapter" in config["encoders"]["sketch"]:
        raise BadInput(f"{name} has an adapter for drawings already. Adopt the model anew, to fit another.")
    drawn, shown, data = _pairs(progress)
    progress(f"encoding {len(drawn)} drawings and {len(shown)} photos")
    vectors = encoder_vectors(system)
    adapter, shares = fit(vectors(drawn), [_class(item) for item in drawn], vectors(shown), [_class(i) for i in shown])
    best = max(shares, key=shares.__getitem__)
    tests = _tests(vectors, adapter, progress) if best else {}
    told = FittedSketch(best or None, shares[0.0], shares[best], len(drawn), len(shown), data, tests)
    if told.strength is None:
        progress(f"no adapter finds more than none ({told.before:.3f}): {name} stays as it was")
        return told
    with replacing(folder / FILE) as part, part.open("wb") as file:
        np.save(file, adapter, allow_pickle=False)
    config["encoders"]["sketch"]["adapter"] = FILE
    config["protocols"] = CLAIMED
    config["card"]["built"] += f" {told}"
    config["card"]["data"] = list(data)
    checkpoint.sign(folder, config)
    if (DEMO / "gallery.sqlite").is_file():
        with Gallery.open(DEMO) as gallery:
            fitted = fit_scores(checkpoint.load(name), gallery, lambda *_: None, threading.Event())
        config["calibration"] = fitted.calibration
        config.pop("composer", None)
        if fitted.floors:
            config["composer"] = {"floors": fitted.floors}
        checkpoint.sign(folder, config)
    protocols = {f"{one}@adapter": entry for one, entry in told.tests.items()}
    weights = checkpoint.load(name).weights
    write_json(folder / "metrics.json", {"system": name, "weights": weights, "protocols": protocols})
    with replacing(folder / "card.md") as part:
        card = (folder / "card.md").read_text(encoding="utf-8")
        lines = "\n".join(["## Drawings", "", str(told), "", *told.table()])
        part.write_text(card.replace("\n## Calibration", f"\n{lines}\n\n## Calibration", 1), encoding="utf-8")
    progress("\n".join([str(told), *told.table()]))
    return told


def _tests(vectors: Vectors, adapter: np.ndarray, progress: Callable[[str], None]) -> dict[str, dict]:
    """Protocol -> its entry, of those whose data is on this machine."""
    found = {}
    for name in TESTS:
        try:
            found[name] = measured(name, vectors, adapter)
        except MissingData as error:
            progress(f"{name}: skipped. {error}")
    return found


def _pairs(progress: Callable[[str], None]) -> tuple[list[Item], list[Item], tuple[str, ...]]:
    """Training drawings and photos of the data that is on this machine, of the same classes, and what data that is."""
    held: dict[str, list[Item]] = {}
    for name, items in DATA.items():
        try:
            held[name] = [item for item in items("train") if labels_of(item, "class")]
        except MissingData as error:
            progress(f"{name}: not used. {error}")

    def some(found: list[Item]) -> list[Item]:
        by_id = {item.id: item for item in found}
        return [by_id[id] for id in stable_order(sorted(by_id), "fit-sketch")[:MOST]]

    shown = [item for found in held.values() for item in some([one for one in found if one.modality is PHOTO])]
    known = {_class(item) for item in shown}
    drawn = {
        name: some([one for one in found if one.modality is SKETCH and _class(one) in known])
        for name, found in held.items()
    }
    if not any(drawn.values()):
        raise BadInput(
            "There are no drawings with photos on this machine. Make the rendered world (python -m training render), "
            "or get sketchy25 (python -m training data)."
        )
    return [item for found in drawn.values() for item in found], shown, tuple(name for name in held if drawn[name])


def _class(item: Item) -> str:
    return min(labels_of(item, "class"))
