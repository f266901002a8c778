"""Fits an adapter for drawings to a model that was adopted: one matrix, by which the vectors that its photo tower gives
of drawings come nearer to those of photos.

In closed form: the matrix W that brings drawings s to the mean vectors p of their classes' photos, and stays near to
the identity, is the least of |S W - P|^2 + strength |W - I|^2. The strength is chosen by what it finds among classes
that were left out of the fit, with the identity, no adapter at all, among the choices.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from training.datasets import MissingData, labels_of, picture, sketchy25, stable_order, world
from xmr import checkpoint
from xmr.adopt.fit import fit_scores
from xmr.files import replacing
from xmr.gallery import DEMO, Gallery
from xmr.home import models
from xmr.modality import BadInput, Item, Modality
from xmr.system import System

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # times the number of drawings a dimension
FOLDS = 5
MOST = 2_000  # drawings and photos of a data set, at most: it is a matrix, and no network
FILE = "sketch.npy"


@dataclass(frozen=True)
class FittedSketch:
    """What was fitted.

    Attributes:
        strength: the chosen one; None where no adapter finds more than any.
        before: the share of drawings of classes left out whose first photo is of their class, without an adapter.
        after: the same with it.
        drawings, photos: how many it was fitted on.
    """

    strength: float | None
    before: float
    after: float
    drawings: int
    photos: int


def solve(sketches: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """The matrix (dim, dim) of the module's docstring; sketches, targets: (N, dim)."""
    dim = sketches.shape[1]
    held = strength * len(sketches) / dim * np.eye(dim)
    left = sketches.T.astype(np.float64) @ sketches + held
    return np.linalg.solve(left, sketches.T.astype(np.float64) @ targets + held)


def fit(sketches: np.ndarray, of: Sequence[str], photos: np.ndarray, shown: Sequence[str]) -> tuple[np.ndarray, dict]:
    """The adapter of these drawings (S, dim) of classes `of` and photos (P, dim) of classes `shown`, and what each
    strength finds among classes that were left out: strength -> share, 0 for no adapter."""
    of_, shown_ = np.array(of), np.array(shown)
    classes = [name for name in stable_order(sorted(set(of)), "fit-sketch") if name in set(shown)]
    if len(classes) < 2 * FOLDS:
        raise BadInput(f"Drawings and photos of {2 * FOLDS} classes are needed; {len(classes)} are there.")
    means = {name: _unit(photos[shown_ == name].mean(axis=0)) for name in classes}
    usable = np.isin(of_, classes)
    sketches, of_ = sketches[usable], of_[usable]
    targets = np.stack([means[name] for name in of_])
    found: dict[float, list[float]] = {strength: [] for strength in (0.0, *STRENGTHS)}
    for fold in range(FOLDS):
        out = np.isin(of_, classes[fold::FOLDS])
        for strength, shares in found.items():
            matrix = solve(sketches[~out], targets[~out], strength) if strength else np.eye(sketches.shape[1])
            first = (_unit(sketches[out] @ matrix) @ photos.T).argmax(axis=1)
            shares.append(float((shown_[first] == of_[out]).mean()))
    shares = {strength: float(np.mean(each)) for strength, each in found.items()}
    best = max(shares, key=shares.__getitem__)
    matrix = solve(sketches, targets, best) if best else np.eye(sketches.shape[1])
    return matrix.astype(np.float32), shares


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def adapt(name: str, progress: Callable[[str], None] = print) -> FittedSketch:
    """Fit the adapter of an adopted model on what is on this machine, and make it part of its checkpoint.

    The model's own photo tower stays as it is, and so do the vectors of photos and texts in galleries.

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
    drawn, shown = _pairs(progress)
    progress(f"encoding {len(drawn)} drawings and {len(shown)} photos")
    sketches, photos = _encoded(system, drawn), _encoded(system, shown)
    matrix, shares = fit(sketches, [_class(item) for item in drawn], photos, [_class(item) for item in shown])
    best = max(shares, key=shares.__getitem__)
    told = FittedSketch(best or None, round(shares[0.0], 4), round(shares[best], 4), len(drawn), len(shown))
    said = (
        f" An adapter for drawings was fitted on {told.drawings} drawings and {told.photos} photos: of drawings of "
        f"classes left out, {told.after:.3f} find a photo of their class first with it, {told.before:.3f} without."
    )
    if told.strength is None:
        progress(f"no adapter finds more than none ({told.before:.3f}): {name} stays as it was")
        return told
    with replacing(folder / FILE) as part, part.open("wb") as file:
        np.save(file, matrix, allow_pickle=False)
    config["encoders"]["sketch"]["adapter"] = FILE
    config["card"]["built"] += said
    checkpoint.sign(folder, config)
    if (DEMO / "gallery.sqlite").is_file():
        with Gallery.open(DEMO) as gallery:
            fitted = fit_scores(checkpoint.load(name), gallery, lambda *_: None, threading.Event())
        config["calibration"] = fitted.calibration
        config.pop("composer", None)
        if fitted.floors:
            config["composer"] = {"floors": fitted.floors}
        checkpoint.sign(folder, config)
    with replacing(folder / "card.md") as part:
        card = (folder / "card.md").read_text(encoding="utf-8")
        part.write_text(card.replace("\n## Calibration", f"\n{said.strip()}\n\n## Calibration", 1), encoding="utf-8")
    progress(said.strip())
    return told


def _pairs(progress: Callable[[str], None]) -> tuple[list[Item], list[Item]]:
    """Training drawings and photos of the data that is on this machine, with their classes."""
    drawn: list[Item] = []
    shown: list[Item] = []
    for name, items in (("sketchy25", sketchy25.items), ("world", lambda split: world.items(split, things="one"))):
        try:
            found = [item for item in items("train") if labels_of(item, "class")]
        except MissingData as error:
            progress(f"{name}: not used. {error}")
            continue
        for modality, into in ((Modality.SKETCH, drawn), (Modality.PHOTO, shown)):
            some = {item.id: item for item in found if item.modality is modality}
            into += [some[id] for id in stable_order(sorted(some), "fit-sketch")[:MOST]]
    if not drawn or not shown:
        raise BadInput(
            "There are no drawings with photos on this machine. Make the rendered world (python -m training render), "
            "or get sketchy25 (python -m training data)."
        )
    return drawn, shown


def _class(item: Item) -> str:
    return min(labels_of(item, "class"))


def _encoded(system: System, items: Sequence[Item]) -> np.ndarray:
    """(N, dim) vectors of items of one modality."""
    modality = items[0].modality
    rows = [
        system.encode(modality, [picture(item) for item in items[start : start + 32]])
        for start in range(0, len(items), 32)
    ]
    return np.concatenate(rows)
