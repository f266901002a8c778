"""Finds the lines of ruled or squared paper and removes them, and tells the dots of dotted paper."""

from __future__ import annotations

import cv2
import numpy as np

from xmr.preprocess.sheet import SMALL, shrunk

_SPREAD = 0.35  # of a page that its ruling reaches over, at least
_FEWEST = 16  # rows between its lines, in which columns can be told
_BOLD = 11  # px: a bold line with its blurred edges, and a row beside each


def without_ruling(contrast: np.ndarray) -> np.ndarray | None:
    """Remove the lines of ruled or squared paper from the ink's contrast.

    Args:
        contrast: (H, W) float32, 0 for paper to 1.

    Returns:
        (H, W) float32, rotated so that the ruling is horizontal, without it; None if there is no ruling.
    """
    if min(contrast.shape) < 64:
        return None
    small = np.minimum(shrunk(contrast, SMALL), 0.25)
    angles = np.arange(-5, 5.01, 0.5)
    steep = [_steepness(_rotated(small, angle)) for angle in angles]
    best = float(angles[int(np.argmax(steep))])
    if max(steep) < 2.5 * np.median(steep) + 1e-7:
        return None
    capped = np.minimum(contrast, 0.25)
    best = max(best + np.arange(-0.4, 0.41, 0.1), key=lambda angle: _steepness(_rotated(capped, angle)))
    turned = _rotated(contrast, best)
    levels = _ruled_rows(turned)
    if levels is None:
        return None
    turned = _divided_out(turned, levels)
    between = turned[levels == 0]  # where lines cross, a column has lost its contrast with that of the row
    columns = _ruled_rows(between.T) if len(between) >= _FEWEST else None
    if columns is not None:
        turned = _divided_out(turned.T, columns).T
    return np.ascontiguousarray(turned)


def is_dotted(points: np.ndarray) -> bool:
    """Whether marks at (n, 2) points are the dots of dotted paper: most have four neighbours at nearly one distance. Of
    a dotted line, the third neighbour is twice as far as the first."""
    if len(points) < 30:
        return False
    some = points[:: max(1, len(points) // 300)]
    four = np.sort(np.hypot(*(some[:, None] - points[None]).T), axis=0)[1:5]  # (4, some): but for the point itself
    return bool((four[3] < 1.25 * four[0]).mean() > 0.5)


def _rotated(contrast: np.ndarray, angle: float) -> np.ndarray:
    """The contrast rotated by some degrees about its centre."""
    height, width = contrast.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(angle), 1.0)
    return cv2.warpAffine(contrast, matrix, (width, height), flags=cv2.INTER_LINEAR)


def _steepness(contrast: np.ndarray) -> float:
    """The squared differences between the means of neighbouring rows; it is largest when the ruling is horizontal."""
    across = contrast[:, contrast.shape[1] // 10 : -contrast.shape[1] // 10].mean(axis=1)
    return float((np.diff(across) ** 2).sum())


def _ruled_rows(contrast: np.ndarray) -> np.ndarray | None:
    """The contrast of the ruling in each row, (H,) float32, 0 between its lines; None if there is no ruling."""
    edge = max(1, contrast.shape[1] // 12)
    near = cv2.dilate(contrast[:, edge:-edge:3], np.ones((3, 1), np.uint8))
    most, whole = np.percentile(near, (38, 8), axis=1)  # what 62 and 92 % of a row's pixels reach
    most, whole = most - np.median(most), whole - np.median(whole)
    rows = most > max(0.02, 3 * 1.48 * float(np.median(np.abs(most))))
    runs = np.flatnonzero(np.diff(rows.astype(np.int8), prepend=0) == 1)
    if len(runs) < 5 or np.ptp(runs) < _SPREAD * len(rows):
        rows = (whole > 0.03) & (most > 0)  # a single line from edge to edge, such as a margin
        if not rows.any():
            return None
    levels = np.where(rows, most, 0).astype(np.float32)[:, None]
    return cv2.dilate(levels, np.ones((5, 1), np.uint8))[:, 0]


def _divided_out(contrast: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The contrast with that of the ruling divided out; ink that crosses the ruling stays, and where a line's own
    contrast is lost in a bold one, the gap is closed."""
    ruling = np.minimum(1.35 * levels + np.where(levels > 0, 0.02, 0), 0.9)[:, None]
    found = np.maximum(1 - (1 - contrast) / (1 - ruling), 0).astype(np.float32)
    if np.ptp(np.flatnonzero(levels)) < _SPREAD * len(levels):  # a margin, or the strings of a guitar
        return found
    closed = cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((_BOLD, 1), np.uint8))
    return np.where(levels[:, None] > 0, closed, found)
