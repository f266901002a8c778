"""A drawing as a short text for an address, and back.

The lines are simplified, their points are whole numbers of half canvas units, and each is stored as its difference from
the one before in a variable number of bytes, compressed.
"""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from pages.language import tr
from xmr.modality import BadInput, Drawing

LONGEST = 6_000  # letters: addresses of more than 8,000 are refused by some servers and mailers
_UNIT = 0.5  # canvas units
_FURTHEST = 4_000  # in _UNIT, from the canvas's corner: lines may end outside the canvas
_SLACKS = (0.4, 0.8, 1.6, 3.2)  # canvas units by which a line may be simplified, the first that is short enough
_MOST_BYTES = 60_000  # of a drawing that is read
_MOST_STROKES = 2_000


def to_text(drawing: Drawing) -> str | None:
    """The text of a drawing in canvas units, "" if it is empty; None if even its simplest form is too long."""
    strokes = [stroke for stroke in drawing.strokes if len(stroke)]
    if not strokes:
        return ""
    if len(strokes) > _MOST_STROKES:
        return None
    for slack in _SLACKS:
        raw = bytes(_packed(_numbers(_simplified(stroke, slack) for stroke in strokes)))
        text = urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")
        if len(text) <= LONGEST and len(raw) <= _MOST_BYTES:
            return text
    return None


def from_text(text: str) -> Drawing:
    """The drawing of a text, which anyone may have written.

    Raises:
        BadInput: it is not the text of a drawing.
    """
    try:
        if len(text) > LONGEST:
            raise ValueError
        packed = zlib.decompressobj()
        raw = packed.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), _MOST_BYTES)
        if not packed.eof:
            raise ValueError
        return Drawing(tuple(_strokes(_unpacked(raw))))
    except (ValueError, Error, zlib.error, StopIteration, RuntimeError):
        raise BadInput(tr("The drawing in this address is damaged. Ask for the address again, or draw anew.")) from None


def _simplified(stroke: np.ndarray, slack: float) -> np.ndarray:
    """(n, 2) canvas units -> (m, 2) int, in _UNIT (Douglas and Peucker 1973)."""
    stroke = stroke.astype(np.float32)
    kept = cv2.approxPolyDP(stroke[:, None], slack, False)[:, 0]
    if (kept[-1] != stroke[-1]).any():  # OpenCV leaves out the end of a line that is closed
        kept = np.concatenate([kept, stroke[-1:]])
    return np.round(kept / _UNIT).clip(-_FURTHEST, _FURTHEST).astype(int)


def _numbers(strokes: Iterable[np.ndarray]) -> Iterator[int]:
    """The number of points of each stroke, and their steps, whose sign is the last bit."""
    last = np.zeros((1, 2), int)
    for stroke in strokes:
        yield len(stroke)
        steps = np.diff(stroke, axis=0, prepend=last)
        yield from np.where(steps < 0, -2 * steps - 1, 2 * steps).ravel().tolist()
        last = stroke[-1:]


def _packed(numbers: Iterable[int]) -> Iterator[int]:
    """Seven bits a byte, the lowest first; all but the last byte of a number have the eighth bit."""
    for number in numbers:
        while number > 127:
            yield number & 127 | 128
            number >>= 7
        yield number


def _unpacked(raw: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in raw:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0
        elif shift > 21:
            raise ValueError


def _strokes(numbers: Iterator[int]) -> Iterator[np.ndarray]:
    last = np.zeros(2, int)
    for _, count in zip(range(_MOST_STROKES), numbers, strict=False):
        if not 1 <= count <= _MOST_BYTES:
            raise ValueError
        steps = np.array([next(numbers) for _ in range(2 * count)]).reshape(-1, 2)
        points = last + np.where(steps % 2, -(steps + 1) // 2, steps // 2).cumsum(axis=0)
        if np.abs(points).max() > _FURTHEST:
            raise ValueError
        last = points[-1]
        yield points * _UNIT
