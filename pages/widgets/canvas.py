"""Converts between a Drawing and the JSON of a streamlit-drawable-canvas (fabric.js 7)."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np

from pages.language import tr
from xmr.modality import BadInput, Drawing
from xmr.preprocess.sketch import dilate_disc, fit_strokes, resample

MAX_STROKES = 10_000  # so that stroke numbers fit into int16
MAX_POINTS = 100_000  # of all strokes; longer drawings are subsampled

_MAX_NUMBER = 1e6  # px: numbers are clipped to this
_GRID = 768  # largest side of the raster for erasing, in cells; a cell is about half a pixel of a usual canvas
_WIDTHS = 16  # number of eraser widths that are kept exactly

_ERASERS = {"#fff", "#ffffff", "white", "rgb(255,255,255)", "rgba(255,255,255,1)"}
_COMMANDS = {"M": 3, "L": 3, "Q": 5}  # the path commands that the pen writes, and their lengths
_ORIGINS = {"left": 0.5, "top": 0.5, "center": 0.0, "right": -0.5, "bottom": -0.5}  # offset to the centre, in sizes


def drawing_from_canvas(json_data: Any) -> Drawing:
    """The strokes on a streamlit-drawable-canvas, in canvas pixels and pen order.

    White strokes are the eraser: they remove the ink below them that was drawn before, which may split a stroke.
    Strokes that were moved, scaled, rotated or mirrored are returned as the canvas shows them. The Drawing is empty
    (its bounds() raise BadInput) if nothing is left.

    The JSON comes from a browser and is not trusted: everything that is not a stroke is ignored. A drawing of 100,000
    points takes about 0.1 s, so a page should cache the result.

    Args:
        json_data: fabric.js 7 JSON.

    Raises:
        BadInput: there are more than MAX_STROKES strokes.
    """
    objects = json_data.get("objects") if isinstance(json_data, dict) else None
    objects = [obj for obj in objects if _is_path(obj)] if isinstance(objects, list) else []
    if len(objects) > MAX_STROKES:
        raise BadInput(
            tr(
                "The drawing has {count} strokes; at most {most} are read. Clear it and draw fewer lines.",
                count=len(objects),
                most=MAX_STROKES,
            )
        )
    points, lengths = _flatten([obj["path"] for obj in objects])
    objects = [obj for obj, length in zip(objects, lengths, strict=True) if length]
    lengths = lengths[lengths > 0]
    if not objects:
        return Drawing(())
    points = _to_canvas(points, lengths, objects)
    strokes = np.split(points, np.cumsum(lengths)[:-1])
    erases = np.array([_text(obj, "stroke").replace(" ", "") in _ERASERS for obj in objects])
    radii = np.array([abs(_number(obj, "strokeWidth", 1) * _number(obj, "scaleX", 1)) / 2 for obj in objects])
    return Drawing(tuple(_erase(strokes, erases, radii)))


def canvas_drawing(drawing: Drawing, size: int | None, pen: float) -> dict[str, Any]:
    """A Drawing as the `initial_drawing` of a streamlit-drawable-canvas: the inverse of drawing_from_canvas.

    Args:
        drawing: the drawing.
        size:    side of the canvas, in pixels, to centre it and fill the canvas; None to leave it where it is.
        pen:     width of the lines, in pixels.

    Raises:
        BadInput: the drawing is empty, and has to be centred.
    """
    objects = []
    for stroke in drawing.strokes if size is None else fit_strokes(drawing, size):
        stroke = stroke.round(1)
        low, high = stroke.min(axis=0), stroke.max(axis=0)
        first, *others = stroke.tolist()
        (left, top), (width, height) = ((low + high) / 2).tolist(), (high - low).tolist()
        objects.append(
            {
                "type": "Path",
                "originX": "center",
                "originY": "center",
                "left": left,
                "top": top,
                "width": width,
                "height": height,
                "fill": None,
                "stroke": "#1a1a1a",
                "strokeWidth": pen,
                "strokeLineCap": "round",
                "strokeLineJoin": "round",
                "path": [["M", *first], *(["L", *point] for point in others or [first])],
            }
        )
    return {"objects": objects}


def _is_path(obj: Any) -> bool:
    return isinstance(obj, dict) and _text(obj, "type") == "path" and isinstance(obj.get("path"), list)


def _text(obj: dict[str, Any], key: str) -> str:
    value = obj.get(key)
    return value.lower() if isinstance(value, str) else ""


def _number(obj: dict[str, Any], key: str, default: float) -> float:
    value = obj.get(key)
    return float(value) if isinstance(value, (int, float)) and -_MAX_NUMBER <= value <= _MAX_NUMBER else default


def _flatten(paths: list[list[Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Convert paths to polylines: the points of all (n, 2), and the number of points of each, (paths,) int.

    The pen writes M, L and Q; other commands, and commands with numbers that are not finite, are ignored.
    """
    every = max(1, math.ceil(sum(map(len, paths)) / MAX_POINTS))
    chosen = [_valid(path[::every] + path[-1:] * (every > 1)) for path in paths]
    commands = list(chain.from_iterable(chosen))
    path_of = np.repeat(np.arange(len(paths)), np.array([len(path) for path in chosen], int))
    letters = np.array([command[0] for command in commands], "U1")
    numbers = _numbers([command[1:5] if command[0] == "Q" else command[1:3] * 2 for command in commands])
    finite = np.isfinite(numbers).all(axis=1)
    letters, numbers, path_of = letters[finite], numbers[finite].clip(-_MAX_NUMBER, _MAX_NUMBER), path_of[finite]

    # Every segment is a quadratic curve. The control point of a straight one is its middle; the first one is a dot.
    first = np.diff(path_of, prepend=-1) > 0
    end = numbers[:, 2:]
    start = np.where(first[:, None], end, np.roll(end, 1, axis=0))
    control = np.where(((letters == "Q") & ~first)[:, None], numbers[:, :2], (start + end) / 2)
    drawn = first | (letters != "M")
    start, control, end = start[drawn, None], control[drawn, None], end[drawn, None]  # each (pieces, 1, 2)
    steps = min(4, max(1, MAX_POINTS // max(len(end), 1)))
    t = np.arange(1, steps + 1)[:, None] / steps
    points = ((1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end).reshape(-1, 2)  # (pieces * steps, 2)
    path_of = np.repeat(path_of[drawn], steps)
    new = (np.abs(np.diff(points, axis=0, prepend=np.nan)) > 1e-6).any(axis=1) | (np.diff(path_of, prepend=-1) > 0)
    return points[new], np.bincount(path_of[new], minlength=len(paths))


def _valid(path: list[Any]) -> list[list[Any]]:
    """The valid commands of a path: a letter, and at least as many numbers as it needs."""
    return [
        command
        for command in path
        if type(command) is list
        and len(command) > 2
        and type(command[0]) is str
        and len(command) >= _COMMANDS.get(command[0], math.inf)
    ]


def _numbers(rows: list[list[Any]]) -> np.ndarray:
    """Rows of four entries as (rows, 4) float; a row with anything but numbers is NaN."""
    try:
        return np.fromiter(chain.from_iterable(rows), float, 4 * len(rows)).reshape(-1, 4)
    except (TypeError, ValueError, OverflowError):
        real = [all(isinstance(entry, (int, float)) and abs(entry) < 1e300 for entry in row) for row in rows]
        return np.array([row if sound else [math.nan] * 4 for row, sound in zip(rows, real, strict=True)], float)


def _to_canvas(points: np.ndarray, lengths: np.ndarray, objects: list[dict[str, Any]]) -> np.ndarray:
    """Apply the transformations of fabric.js objects to the points of their paths.

    Path commands keep the coordinates at which they were drawn. `left` and `top` are the current position of the
    object's origin; scale, flip and angle (degrees, clockwise) are relative to its centre. A path without a position
    stays where it is.
    """
    of, starts = np.repeat(np.arange(len(objects)), lengths), np.cumsum(lengths) - lengths
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)

    def pairs(across: str, down: str, default: float) -> np.ndarray:
        return np.array([[_number(obj, across, default), _number(obj, down, default)] for obj in objects])

    scale, place = pairs("scaleX", "scaleY", 1), pairs("left", "top", math.nan)
    pen = np.array([_number(obj, "strokeWidth", 1) for obj in objects])[:, None]
    share = np.array([[_ORIGINS.get(_text(obj, key), 0.5) for key in ("originX", "originY")] for obj in objects])
    mirror = np.array([[-1 if obj.get(key) else 1 for key in ("flipX", "flipY")] for obj in objects])
    angle = np.radians([_number(obj, "angle", 0) for obj in objects])
    cos, sin = np.cos(angle), np.sin(angle)

    def turned(steps: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
        x, y = steps.T
        return np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)

    middle = place + turned(share * (high - low + pen) * np.abs(scale), cos, sin)
    shown = turned((points - ((low + high) / 2)[of]) * (scale * mirror)[of], cos[of], sin[of]) + middle[of]
    return np.where(np.isfinite(place).all(axis=1)[of, None], shown, points).clip(-_MAX_NUMBER, _MAX_NUMBER)


def _erase(strokes: list[np.ndarray], erases: np.ndarray, radii: np.ndarray) -> list[np.ndarray]:
    """Apply the erasers among some strokes, and return what is left of the others, in order.

    Args:
        strokes: each (n, 2).
        erases:  (strokes,) bool, which strokes are erasers. They remove ink that was drawn before them.
        radii:   (strokes,) half widths.

    Returns:
        Strokes. Those that an eraser touched are split into pieces, with points a pixel apart.
    """
    inks, erasers = np.flatnonzero(~erases), np.flatnonzero(erases)
    if not len(inks) or not len(erasers):
        return [strokes[ink] for ink in inks]
    lengths = np.array([len(stroke) for stroke in strokes])
    points, after = resample(np.concatenate([strokes[ink] for ink in inks]), lengths[inks], 1.0)
    of = np.repeat(inks, lengths[inks])[after]  # the stroke of each point
    gone = _last_erased(points, strokes, erasers, radii) > of
    met = np.zeros(len(strokes), bool)
    met[of[gone]] = True
    left = np.flatnonzero(met[of] & ~gone)
    ends = np.flatnonzero((np.diff(left, append=-1) != 1) | (np.diff(of[left], append=-1) != 0)) + 1
    pieces = [(of[piece[0]], points[piece]) for piece in np.split(left, ends[:-1]) if len(piece)]
    pieces += [(ink, strokes[ink]) for ink in inks if not met[ink]]
    return [piece for _, piece in sorted(pieces, key=lambda numbered: numbered[0])]


def _last_erased(points: np.ndarray, strokes: list[np.ndarray], erasers: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """The number of the last eraser stroke at each of the points (n, 2): (n,) int, -1 for none.

    All erasers of one width are drawn on one raster, so the time does not grow with ink times erasers.
    """
    last = np.full(len(points), -1)
    widths = np.maximum(radii, 0.5)
    if len(np.unique(widths[erasers])) > _WIDTHS:
        widths = 2 ** (np.round(2 * np.log2(widths)) / 2)
    for radius in np.unique(widths[erasers]):
        these = [eraser for eraser in erasers if widths[eraser] == radius]
        lengths = np.array([len(strokes[eraser]) for eraser in these])
        path, after = resample(np.concatenate([strokes[eraser] for eraser in these]), lengths, max(radius / 4, 0.5))
        low = np.maximum(points.min(axis=0), path.min(axis=0) - radius)
        high = np.minimum(points.max(axis=0), path.max(axis=0) + radius)
        if (low > high).any():
            continue
        cell = max(0.5, (high - low).max() / _GRID, radius / 24)
        raster = np.zeros(((high - low + 2 * radius) / cell).astype(int)[::-1] + 1, np.int16)  # 0: never erased
        inside, cells = _cells(path - low + radius, cell, raster)
        raster[cells] = np.repeat(these, lengths)[after][inside] + 1  # the last one overwrites the others
        inside, cells = _cells(points - low + radius, cell, raster)
        last[inside] = np.maximum(last[inside], dilate_disc(raster, radius / cell)[cells] - 1)
    return last


def _cells(places: np.ndarray, cell: float, raster: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Which of the points (n, 2) are on a raster with this cell size, (n,) bool, and the rows and columns of those."""
    rows_columns = np.floor(places[:, ::-1] / cell).astype(int)
    inside = ((rows_columns >= 0) & (rows_columns < raster.shape)).all(axis=1)
    rows, columns = rows_columns[inside].T
    return inside, (rows, columns)
