"""Turns a drawing (strokes or a picture) into the input of a sketch encoder: centred, with lines of one width."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from xmr.modality import BadInput, Drawing, shown
from xmr.preprocess.kinds import HEAD, SVG, picture_kind
from xmr.preprocess.page import find_ink
from xmr.preprocess.photo import open_binary, open_picture
from xmr.preprocess.svg import MAX_BYTES, read_svg

SKETCHED = 224  # side in pixels at which sketches are drawn

_INK_SHARE = 0.84  # longer side of the ink's bounding box, as a share of the frame
_PEN = 0.016  # line width, as a share of the frame
_FINE = 3  # supersampling factor of the raster
_DECODED = 1024  # px a side that are kept when decoding large pictures, for a tiny drawing on a large page
_MAX_POINTS = 200_000  # added by resample: enough for lines that cross the frame 500 times, at half a pixel


def open_sketch(source: str | Path | bytes | BinaryIO) -> Drawing | Image.Image:
    """Open a drawing from any picture file or an SVG file.

    Args:
        source: a path, the file's bytes, or an open binary file.

    Returns:
        The strokes of an SVG file; otherwise the picture, RGB or RGBA, reduced if it is large.

    Raises:
        BadInput: as open_picture, or an SVG file is damaged, too large or has no line.
    """
    name, _, opened = open_binary(source)
    with opened as file:
        try:
            file.seek(0)
            if picture_kind(file.read(HEAD)) is SVG:
                file.seek(0)
                return read_svg(file.read(MAX_BYTES + 1), name)
        except OSError as error:
            raise BadInput(f"{name} cannot be read: {error.strerror}. Check the disk or the network.") from None
        return open_picture(source, at_least=_DECODED, transparent=True)


def read_drawing(image: Image.Image, light_ink: bool | None = None) -> Image.Image:
    """The drawing that is found in a picture, to show it to the user.

    Args:
        image:     the picture.
        light_ink: whether the ink is lighter than the paper; None to detect it.

    Returns:
        An "L" image of SKETCHED x SKETCHED px, dark lines on white, as sketch_input returns it. Reading that image
        again gives nearly the same image.

    Raises:
        BadInput: there is no drawing in the picture.
    """
    return Image.fromarray(_redraw(image, SKETCHED, light_ink))


def sketch_input(sketch: Drawing | Image.Image, size: int = SKETCHED) -> np.ndarray:
    """The input of a sketch encoder: (size, size) uint8, 255 paper and 0 ink.

    Every sketch is normalised: centred, with the longer side of its ink at 84 % of the frame and all lines 1.6 % of the
    frame wide. The lines of a picture are found on the paper, thinned to their centres and drawn again; filled areas
    stay filled. Sizes below SKETCHED are drawn at SKETCHED px and resized, as in training; drawn directly, their lines
    would be sharper than those that the networks were trained on.

    Raises:
        BadInput: there is no stroke, or nothing on the paper.
    """
    side = max(size, SKETCHED)
    if isinstance(sketch, Drawing):
        points, _ = resample(*_fitted(sketch, side), step=0.5)
        drawn = _draw(points, side)
    else:
        drawn = _redraw(sketch, side)
    if side == size:
        return drawn
    return np.asarray(Image.fromarray(drawn).resize((size, size), Image.Resampling.BILINEAR))


def _redraw(image: Image.Image, side: int, light_ink: bool | None = None) -> np.ndarray:
    """The drawing in a picture, redrawn with lines of the standard width: (side, side) uint8."""
    points = _lines_of(_fit_mask(find_ink(image, light_ink), side), side)
    low, high = points.min(axis=0), points.max(axis=0)  # thinning removed half a line width on every side
    return _draw((points - (low + high) / 2) * (_INK_SHARE * side / max(*(high - low), side / 2)) + side / 2, side)


def stroke_points(stroke: np.ndarray) -> np.ndarray:
    """The points of a stroke as (n, 2) float; BadInput if these are no points."""
    try:
        points = np.asarray(stroke, dtype=np.float64)
    except (TypeError, ValueError):
        points = np.full(1, np.nan)
    if not points.size:
        return np.zeros((0, 2))
    if points.ndim != 2 or points.shape[1] != 2:
        raise BadInput(f"A stroke must be (n, 2) numbers, x and y of each point; {shown(stroke)} came.")
    return points


def fit_strokes(drawing: Drawing, size: int) -> list[np.ndarray]:
    """The strokes, each (n, 2) float in pixels, scaled so that the longer side of the drawing is 84 % of the frame."""
    points, lengths = _fitted(drawing, size)
    return np.split(points, np.cumsum(lengths)[:-1])


def _fitted(drawing: Drawing, size: int) -> tuple[np.ndarray, np.ndarray]:
    """As fit_strokes, but the points of all strokes (n, 2) and the number of points of each stroke, all above 0."""
    strokes = [stroke_points(stroke) for stroke in drawing.strokes]
    stroke_of = np.repeat(np.arange(len(strokes)), np.array([len(s) for s in strokes], int))
    points = np.concatenate(strokes) if strokes else np.zeros((0, 2))
    finite = np.isfinite(points).all(axis=1)
    points, stroke_of = points[finite], stroke_of[finite]
    largest = np.abs(points).max(initial=0)
    if largest > 1e100:  # sums and differences would overflow
        points = points / largest
    left, top, right, bottom = Drawing((points,)).bounds()
    scale = _INK_SHARE * size / max(right - left, bottom - top, 1e-9)
    if right == left and bottom == top:  # a single dot has no size to scale
        scale = 1.0
    middle = np.array([left + right, top + bottom]) / 2
    return (points - middle) * scale + size / 2, np.unique(stroke_of, return_counts=True)[1]


def resample(points: np.ndarray, lengths: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Add points to polylines so that neighbours on a line are at most `step` apart.

    If that takes more than _MAX_POINTS points, the step is increased for all lines.

    Args:
        points:  (n, 2) float, the points of all lines, concatenated.
        lengths: (lines,) int, the number of points of each line, all above 0.
        step:    largest distance.

    Returns:
        The points (m, 2), and for each the index of the given point that it follows, (m,) int.
    """
    lasts = np.cumsum(lengths) - 1
    towards = np.diff(points, axis=0, append=points[-1:])
    towards[lasts] = 0
    distance = np.hypot(*towards.T)
    pieces = np.maximum(np.ceil(distance / max(step, distance.sum() / _MAX_POINTS)), 1).astype(int)
    after = np.repeat(np.arange(len(points)), pieces)
    share = _ramp(pieces)
    # The same rounding as np.interp over each line's point numbers: the networks were trained on such rasters.
    number = after - np.repeat(lasts - lengths + 1, lengths)[after]
    share += number
    share -= number
    return towards[after] * share[:, None] + points[after], after


def _ramp(pieces: np.ndarray) -> np.ndarray:
    """0, 1/p, 2/p, ... for each p in `pieces`, concatenated."""
    starts = np.repeat(np.cumsum(pieces) - pieces, pieces)
    return (np.arange(pieces.sum()) - starts) / np.repeat(pieces, pieces)


def dilate_disc(mask: np.ndarray, radius: float) -> np.ndarray:
    """Dilate a mask (H, W) by a disc: each cell gets the largest value within `radius` cells.

    A disc is a stack of horizontal bars. The mask is widened step by step, and each width is used for the rows of the
    disc that need it, so the time does not depend on the content.
    """
    reach, (height, width) = math.ceil(radius), mask.shape
    mask = np.pad(mask, reach)
    out = np.zeros((height, width), mask.dtype)
    wide = mask[:, reach : reach + width].copy()
    half = 0
    for dy in range(reach, -1, -1):
        bar = radius**2 - dy**2
        if bar < 0:
            continue
        while half + 1 <= math.sqrt(bar):
            half += 1
            np.maximum(wide, mask[:, reach - half : reach - half + width], out=wide)
            np.maximum(wide, mask[:, reach + half : reach + half + width], out=wide)
        np.maximum(out, wide[reach - dy : reach - dy + height], out=out)
        np.maximum(out, wide[reach + dy : reach + dy + height], out=out)
    return out


def _draw(points: np.ndarray, size: int) -> np.ndarray:
    """Draw a round pen at every point, with supersampling: (size, size) uint8.

    points: (n, 2) float, in pixels of the frame, close enough to each other to form lines.
    """
    fine = size * _FINE
    columns, rows = np.clip((points * _FINE).astype(int), 0, fine - 1).T
    mask = np.zeros((fine, fine), np.uint8)
    mask[rows, columns] = 255
    return 255 - np.asarray(Image.fromarray(dilate_disc(mask, max(_PEN * fine / 2, 1.0))).reduce(_FINE))


def _count_near(mask: np.ndarray, radius: int) -> np.ndarray:
    """Box sum: the number of mask pixels in the square of half-width `radius` around each pixel, (H, W) int32."""
    total = np.pad(mask, ((radius + 1, radius), (radius + 1, radius))).cumsum(axis=0, dtype=np.int32)
    total = total.cumsum(axis=1, out=total)
    side = 2 * radius + 1
    return total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]


def _fit_mask(ink: np.ndarray, size: int) -> np.ndarray:
    """Cropped ink (H, W) bool, scaled to 84 % of the frame and centred: (size, size) bool."""
    scale = _INK_SHARE * size / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    picture = Image.fromarray(ink.astype(np.uint8) * 255)
    # A line 1 px wide covers only `scale` of a smaller pixel, and half of that if it falls between two.
    threshold = 255 * 0.45 * min(1.0, scale)
    scaled = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)) > threshold
    frame = np.zeros((size, size), bool)
    top, left = (size - height) // 2, (size - width) // 2
    frame[top : top + height, left : left + width] = scaled
    return frame


def _lines_of(ink: np.ndarray, size: int) -> np.ndarray:
    """The points (n, 2) at which a pen redraws this ink (size, size) bool: on the centres of its lines, and everywhere
    inside areas that are too thick for lines."""
    edge = ink & ~_erode(ink)
    width = 2 * ink.sum() / max(edge.sum(), 1)  # of a typical line: w x l pixels have about 2 l edge pixels
    if width > size / 10:  # a silhouette rather than lines: draw its outline
        return _centres(edge)
    radius = math.ceil(0.75 * width)
    inside = _count_near(ink, radius) == (2 * radius + 1) ** 2
    return np.concatenate([_smooth(_thin(ink, rounds=size // 16)), _centres(inside)])


def _centres(mask: np.ndarray) -> np.ndarray:
    """The centres (n, 2) as x, y of a mask's pixels."""
    return np.argwhere(mask)[:, ::-1] + 0.5


def _erode(ink: np.ndarray) -> np.ndarray:
    """The ink pixels whose four neighbours are ink too."""
    inner = np.pad(ink, 1)
    return ink & inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]


def _thin(ink: np.ndarray, rounds: int) -> np.ndarray:
    """Thin lines to one pixel (Guo and Hall 1989): (H, W) bool. Each of at most `rounds` rounds removes one pixel from
    every side."""
    width = ink.shape[1] + 2
    thin = np.pad(ink, 1).astype(np.uint8).ravel()
    left = np.flatnonzero(thin)
    # The eight neighbours, clockwise from the one above: bit i of a pixel's code is neighbour i.
    around = (-width, 1 - width, 1, width + 1, width, width - 1, -1, -width - 1)
    for _ in range(rounds):
        before = len(left)
        for table in _thinning_tables():
            code = thin[left + around[0]]
            for bit, step in enumerate(around[1:], start=1):
                code |= thin[left + step] << bit
            gone = table[code]
            thin[left[gone]] = 0
            left = left[~gone]
        if len(left) == before:
            break
    return thin.reshape(-1, width)[1:-1, 1:-1].astype(bool)


@lru_cache(maxsize=1)
def _thinning_tables() -> tuple[np.ndarray, np.ndarray]:
    """For each of the 256 neighbourhoods, whether the first and the second half of a round remove the pixel."""
    tables = np.zeros((2, 256), bool)
    for code in range(256):
        n, ne, e, se, s, sw, w, nw = (bool(code >> bit & 1) for bit in range(8))
        parts = (not n and (ne or e)) + (not e and (se or s)) + (not s and (sw or w)) + (not w and (nw or n))
        pairs = min((nw or n) + (ne or e) + (se or s) + (sw or w), (n or ne) + (e or se) + (s or sw) + (w or nw))
        if parts == 1 and 2 <= pairs <= 3:  # on the edge, and neither an end nor a junction
            tables[0, code] = not ((s or sw or not nw) and w)
            tables[1, code] = not ((n or ne or not se) and e)
    return tables[0], tables[1]


def _smooth(line: np.ndarray) -> np.ndarray:
    """The pixels of a thin line (H, W) bool as points (n, 2) without staircase: each is the mean of the line's pixels
    within two pixels of it."""
    rows, columns = np.nonzero(line)
    padded = np.pad(line, 2)
    count, across, down = np.zeros((3, len(rows)))
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            near = padded[rows + 2 + dy, columns + 2 + dx]
            count += near
            across += near * dx
            down += near * dy
    return np.stack([columns + 0.5 + across / count, rows + 0.5 + down / count], axis=1)
