"""The vocabulary every other module speaks: modalities, items, queries and hits."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np

_LONGEST = 1_000  # letters of a message


class Modality(StrEnum):
    """The kind of thing that a vector was made from. A member is also its name, a str.

    >>> Modality("sketch") is Modality.SKETCH, Modality.PHOTO == "photo"
    (True, True)
    """

    PHOTO = "photo"
    SKETCH = "sketch"
    TEXT = "text"


class BadInput(ValueError):
    """The input cannot be used. The message says what was expected, what came and what to do about it, on one line of
    printable letters, however odd the names in it are.

    >>> try:
    ...     Query.of(smell="coffee")
    ... except BadInput as error:
    ...     print(error)
    A query has no smell. Its parts are text, sketch, photo, minus_text, minus_sketch, minus_photo.
    """

    def __init__(self, message: str) -> None:
        line = printable(" ".join(message.split()))
        super().__init__(line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}")


class UnknownText(BadInput):
    """A text of which an encoder knows no word; `text` is its beginning, empty where it has no words at all."""

    def __init__(self, message: str, text: str = "") -> None:
        super().__init__(message)
        self.text = text


def printable(text: str, also: str = "") -> str:
    """Text that a terminal shows as it is: what would move the cursor, change colours or turn the order of letters is
    written as in a Python string; but not the characters in `also`."""
    return "".join(one if one.isprintable() or one in also else repr(one)[1:-1] for one in text)


def shown(value: Any) -> str:
    """A value as a message shows it: the beginning of its repr, on one line."""
    try:
        said = " ".join(repr(value).split())
    except Exception:  # an int of 5,000 digits, or an object whose repr fails
        said = type(value).__name__
    return said if len(said) <= 60 else said[:60] + "…"


def check_text(given: Any) -> None:
    """Raise BadInput for a caption that is no text."""
    if not isinstance(given, str):
        raise BadInput(f"A caption must be text; {shown(given)} came. Describe the photo in a few words.")


def listed(given: Any) -> list:
    """A value as a list; anything but a list or a tuple becomes its only element.

    >>> listed("a car"), listed(("a", "b"))
    (['a car'], ['a', 'b'])
    """
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _comparable(content: Any) -> Any:
    """What is compared of a content: of an array its numbers, since `==` of two arrays is one more array."""
    return (content.shape, *content.ravel().tolist()) if isinstance(content, np.ndarray) else content


@dataclass(frozen=True, eq=False)
class Drawing:
    """Pen strokes in pen order, as a person drew them. Two with the same points are equal.

    Attributes:
        strokes: one (n, 2) float array a stroke, x to the right and y down, in any unit: only the shape matters.

    >>> roof = np.array([[0.0, 40], [50, 0], [100, 40]])
    >>> Drawing((roof, np.array([[20.0, 40], [20, 90], [80, 90], [80, 40]]))).bounds()
    (0.0, 0.0, 100.0, 90.0)
    """

    strokes: tuple[np.ndarray, ...]

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of all points, in their unit.

        Raises:
            BadInput: the drawing has no point.
        """
        points = [s for s in self.strokes if len(s)]
        if not points:
            raise BadInput("The drawing is empty. Draw a few strokes first.")
        every = np.concatenate(points)
        return (*every.min(axis=0).tolist(), *every.max(axis=0).tolist())

    def _points(self) -> tuple:
        return tuple(_comparable(np.asarray(stroke)) for stroke in self.strokes)

    def __eq__(self, other: object) -> bool:
        return self._points() == other._points() if isinstance(other, Drawing) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._points())


@dataclass(frozen=True)
class Item:
    """One thing of one modality.

    Relevance has one rule for every dataset: an item answers a query when their `labels` intersect.

    Attributes:
        id: unique among the items of its modality in a gallery or data set.
        modality: photo, sketch or text.
        content: the path of a picture, or the text itself.
        labels: a class, an image id, an instance id or a set of tags, as the protocol says.
        language: "en", "de" or None.
        facts: what else is known and worth showing, such as category, colour and place of a rendered photo.

    >>> sketch = Item("s1", Modality.SKETCH, "cat.png", frozenset({"class:cat"}))
    >>> photo = Item("p7", Modality.PHOTO, "7.jpg", frozenset({"class:cat", "image:7"}))
    >>> bool(sketch.labels & photo.labels)
    True
    """

    id: str
    modality: Modality
    content: str | Path
    labels: frozenset[str] = frozenset()
    language: str | None = None
    facts: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True, eq=False)
class Term:
    """One part of a query. Two are equal if all they say is, also where it is a vector.

    Attributes:
        modality: what the content is.
        content: a PIL image or a picture file (its path or bytes) for a photo; one of these or a Drawing for a sketch;
            a str for text; or, for each of them, a (dim,) float vector that is already in the system's space.
        weight: from -1,000 to 1,000; a negative one pushes away.
        words: of a text's vector, the text, or how many words it had, if that is known: the match is stated
            accordingly.

    >>> Term(Modality.TEXT, "snow", -0.5).weight
    -0.5
    """

    modality: Modality
    content: Any
    weight: float = 1.0
    words: str | int | None = None

    def _parts(self) -> tuple:
        return self.modality, self.weight, self.words, _comparable(self.content)

    def __eq__(self, other: object) -> bool:
        return self._parts() == other._parts() if isinstance(other, Term) else NotImplemented

    def __hash__(self) -> int:
        *said, content = self._parts()
        return hash((*said, content if isinstance(content, Hashable) else None))  # a PIL image has no hash


class Parts(TypedDict, total=False):
    """The parts of a query, each one content of a Term or a list: those to find, and after "minus_" those to avoid."""

    text: Any
    sketch: Any
    photo: Any
    minus_text: Any
    minus_sketch: Any
    minus_photo: Any


@dataclass(frozen=True)
class Query:
    """Weighted terms, at most 64; at least one of them must have a positive weight.

    >>> query = Query((Term(Modality.TEXT, "a red car"), Term(Modality.TEXT, "snow", -0.5)))
    >>> [term.weight for term in query.terms]
    [1.0, -0.5]
    """

    terms: tuple[Term, ...]

    @classmethod
    def of(cls, **parts: Unpack[Parts]) -> Query:
        """A query whose terms all have the weight 1, or -1 where their name begins with "minus_".

        Args:
            parts: text, sketch, photo, minus_text, minus_sketch, minus_photo; each one content of a Term, or a list.

        Raises:
            BadInput: a part has another name.

        >>> [(str(term.modality), term.content, term.weight) for term in Query.of(text=["a car", "red"]).terms]
        [('text', 'a car', 1.0), ('text', 'red', 1.0)]
        """
        if unknown := parts.keys() - Parts.__annotations__.keys():
            raise BadInput(f"A query has no {min(unknown)}. Its parts are {', '.join(Parts.__annotations__)}.")
        return cls(
            tuple(
                Term(Modality(name.removeprefix("minus_")), content, -1.0 if name.startswith("minus_") else 1.0)
                for name, given in parts.items()
                for content in listed(given)
            )
        )


@dataclass(frozen=True)
class Hit:
    """One answer.

    Attributes:
        item: the photo, or the caption.
        score: higher is better.
        rank: counts from 1.
        match: the calibrated probability that it is a match; None where the system has no calibration for such a query.
        thumbnail: the path of a photo's thumbnail, a WebP file; None for a caption.

    >>> hit = Hit(Item("p7", Modality.PHOTO, "holiday/7.jpg"), score=0.61, rank=1, match=0.93)
    >>> hit.id, hit.path.name
    ('p7', '7.jpg')
    """

    item: Item
    score: float
    rank: int
    match: float | None = None
    thumbnail: Path | None = None

    @property
    def id(self) -> str:
        """The item's id in its gallery."""
        return self.item.id

    @property
    def path(self) -> Path | None:
        """The photo's file: the original, or the thumbnail where there is none; None for a caption."""
        return Path(self.item.content) if self.item.modality is Modality.PHOTO else None
