"""The vocabulary every other module speaks: modalities, items, queries and hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np


class Modality(StrEnum):
    """What kind of thing a vector was made from."""

    PHOTO = "photo"
    SKETCH = "sketch"
    TEXT = "text"


class BadInput(ValueError):
    """A person gave something that cannot be used; the message says what came and what to do about it."""


@dataclass(frozen=True)
class Drawing:
    """Pen strokes in pen order, as a person drew them.

    strokes: one (n, 2) float array a stroke, x to the right and y down, in any unit: only the shape matters.
    """

    strokes: tuple[np.ndarray, ...]

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all points; raises BadInput for a drawing without a point."""
        points = [s for s in self.strokes if len(s)]
        if not points:
            raise BadInput("The drawing is empty. Draw a few strokes first.")
        every = np.concatenate(points)
        return (*every.min(axis=0).tolist(), *every.max(axis=0).tolist())


@dataclass(frozen=True)
class Item:
    """One thing of one modality.

    Relevance has one rule for every dataset: an item answers a query when their `labels` intersect.

    content: the path of a picture, or the text itself.
    labels:  a class, an image id, an instance id or a set of tags, as the protocol says.
    language: "en", "de" or None.
    facts:   what else is known and worth showing, such as category, colour and place of a rendered photo.
    """

    id: str
    modality: Modality
    content: str | Path
    labels: frozenset[str] = frozenset()
    language: str | None = None
    facts: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True)
class Term:
    """One part of a query. `content` is a PIL image or a Drawing for a sketch, a PIL image for a photo, a str for text,
    or an (dim,) float vector that is already in the system's space. A negative weight pushes away."""

    modality: Modality
    content: Any
    weight: float = 1.0


@dataclass(frozen=True)
class Query:
    """Weighted terms; at least one of them must have a positive weight."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Hit:
    """One answer: rank counts from 1, score is higher for better, probability is the calibrated chance of a match
    (None where the system has no calibration for such a query)."""

    item: Item
    score: float
    rank: int
    probability: float | None = None
