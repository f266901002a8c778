"""Variations of drawings: unfinished, careless, or as another person might have drawn them."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from training.datasets import picture
from xmr.modality import Drawing, Item
from xmr.preprocess.sketch import resample

POINTS = 40  # per stroke, before it is bent
Hand = Callable[[Drawing, np.random.Generator], Drawing]  # a random variation of a drawing


def beginning(drawing: Drawing, share: float) -> Drawing:
    """The beginning of a drawing in pen order: the first `share` of the length of its strokes, the last one cut off.

    A drawing that consists of dots is returned unchanged.

    >>> beginning(Drawing((np.array([[0., 0.], [4., 0.]]), np.array([[0., 2.], [4., 2.]]))), 0.75).strokes[1]
    array([[0., 2.],
           [2., 2.]])
    """
    steps = [np.hypot(*np.diff(stroke, axis=0).T) for stroke in drawing.strokes]
    left = share * sum(step.sum() for step in steps)
    if not left:
        return drawing
    found = []
    for stroke, step in zip(drawing.strokes, steps, strict=True):
        whole = step.sum()
        if whole <= left:
            found.append(stroke)
        elif left > 0:
            at = np.concatenate([[0.0], np.cumsum(step)])
            end = [np.interp(left, at, column) for column in stroke.T]
            found.append(np.concatenate([stroke[at < left], [end]]))
        left -= whole
    return Drawing(tuple(found))


def another(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """A variation of a drawing: `unfinished` with probability 0.6, or else `careless`."""
    return (unfinished if rng.random() < 0.6 else careless)(drawing, rng)


def unfinished(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """The first 25 to 85 % of a slightly bent drawing; with probability 0.25 after shuffling its strokes."""
    if rng.random() < 0.25:
        drawing = Drawing(tuple(drawing.strokes[n] for n in rng.permutation(len(drawing.strokes))))
    return bent(beginning(drawing, rng.uniform(0.25, 0.85)), rng, 0.5)


def careless(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """A bent drawing with some strokes missing, mostly small ones."""
    lengths = np.array([np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in drawing.strokes])
    small = lengths < 0.15 * lengths.sum()
    kept = rng.random(len(lengths)) > np.where(small, 0.2, 0.06)
    kept[lengths.argmax()] = True
    return bent(Drawing(tuple(stroke for stroke, stays in zip(drawing.strokes, kept, strict=True) if stays)), rng)


def bent(drawing: Drawing, rng: np.random.Generator, strength: float = 1.0) -> Drawing:
    """Rotate, scale, move and bend every stroke a little.

    Args:
        drawing:  the drawing.
        rng:      all randomness comes from it.
        strength: factor on the standard deviations: 5 degrees of rotation, 6 % of scale, and 2 % of the drawing's size
            for position and bends.
    """
    left, top, right, bottom = drawing.bounds()
    size, found = max(right - left, bottom - top, 1.0), []
    for stroke in drawing.strokes:
        length = np.hypot(*np.diff(stroke, axis=0).T).sum()
        line, _ = resample(stroke, np.array([len(stroke)]), max(length / POINTS, 1e-9))
        middle, turn = line.mean(0), strength * rng.normal(0, np.radians(5))
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        matrix *= 1 + strength * np.clip(rng.normal(0, 0.06), -0.15, 0.15)
        knots = strength * rng.normal(0, 0.02 * size, (4, 2))
        at = np.linspace(0, len(knots) - 1, len(line))
        bend = np.stack([np.interp(at, np.arange(len(knots)), column) for column in knots.T], axis=1)
        found.append((line - middle) @ matrix.T + middle + bend)
    return Drawing(tuple(found))


def halves(items: Iterable[Item]) -> list[Item]:
    """The first half of each drawing: items `<id>#half` with the same labels and the style "half"."""
    return [
        replace(item, id=f"{item.id}#half", facts={"drawing": partial(_half, item), "style": "half"}) for item in items
    ]


def drawn_by(hand: Hand, items: Iterable[Item]) -> list[Item]:
    """A variation of each drawing: items `<id>#<hand's name>` with the same labels; deterministic in the id."""
    return [
        replace(item, id=f"{item.id}#{hand.__name__}", facts={"drawing": partial(_by, hand, item)}) for item in items
    ]


def _half(item: Item) -> Drawing:
    return beginning(picture(item), 0.5)


def _by(hand: Hand, item: Item) -> Drawing:
    seed = hashlib.sha256(f"{item.id}/{hand.__name__}".encode()).digest()
    return hand(picture(item), np.random.default_rng(int.from_bytes(seed[:8], "little")))
