"""Line drawings of rendered views, in several drawing styles.

`sketch` draws the lines that training.world.lines finds like a person: in pen order, with some left out, misplaced,
shaky or not quite closed. The result is a deterministic function of the buffer and the generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from training.world.lines import CANVAS, CREASE, DETAIL, OCCLUSION, PART, SILHOUETTE, Line, even, outline, smooth

MARGIN = 3.0  # distance of strokes from the canvas's edge


@dataclass(frozen=True)
class DrawingStyle:
    """The parameters of a drawing style. Each is a range (low, high) from which every drawing samples a value. Lengths
    are shares of the thing's size on the canvas."""

    min_length: tuple[float, float]  # lines shorter than this are left out
    inner_prob: tuple[float, float]  # probability that a crease or a colour edge is drawn
    max_strokes: tuple[float, float]  # largest number of strokes
    split_length: tuple[float, float]  # strokes longer than this are split at a corner
    smoothing: tuple[float, float]  # width of the smoothing along a line
    tolerance: tuple[float, float]  # tolerance of the line simplification
    stretch: tuple[float, float]  # stretch, shear and rotation of the whole drawing
    warp: tuple[float, float]  # size of a smooth displacement field: wrong proportions
    displacement: tuple[float, float]  # displacement of each stroke
    low_noise: tuple[float, float]  # low-frequency noise along a stroke
    high_noise: tuple[float, float]  # high-frequency noise along a stroke
    lag: tuple[float, float]  # width of a filter along a stroke that rounds its corners, as a lagging mouse does
    step: tuple[float, float]  # distance between two sampled positions of the mouse
    end_error: tuple[float, float]  # by how much ends overshoot or fall short
    repeat_prob: tuple[float, float]  # probability that a stroke is drawn twice


DRAWING_STYLES = {
    "careful": DrawingStyle(
        min_length=(0.02, 0.05),
        inner_prob=(0.8, 1.0),
        max_strokes=(30, 55),
        split_length=(1.2, 4.0),
        smoothing=(0.001, 0.004),
        tolerance=(0.005, 0.012),
        stretch=(0.0, 0.04),
        warp=(0.002, 0.008),
        displacement=(0.0, 0.004),
        low_noise=(0.0, 0.003),
        high_noise=(0.0, 0.0006),
        lag=(0.0, 0.0),
        step=(0.02, 0.04),
        end_error=(0.0, 0.008),
        repeat_prob=(0.0, 0.03),
    ),
    "doodle": DrawingStyle(
        min_length=(0.04, 0.09),
        inner_prob=(0.7, 1.0),
        max_strokes=(20, 36),
        split_length=(1.2, 4.5),
        smoothing=(0.002, 0.006),
        tolerance=(0.008, 0.016),
        stretch=(0.02, 0.08),
        warp=(0.003, 0.01),
        displacement=(0.001, 0.005),
        low_noise=(0.001, 0.005),
        high_noise=(0.0, 0.001),
        lag=(0.0, 0.004),
        step=(0.03, 0.05),
        end_error=(0.005, 0.02),
        repeat_prob=(0.0, 0.03),
    ),
    "wobbly": DrawingStyle(
        min_length=(0.02, 0.06),
        inner_prob=(0.7, 1.0),
        max_strokes=(20, 38),
        split_length=(0.9, 3.5),
        smoothing=(0.002, 0.006),
        tolerance=(0.005, 0.011),
        stretch=(0.02, 0.07),
        warp=(0.003, 0.01),
        displacement=(0.001, 0.005),
        low_noise=(0.001, 0.005),
        high_noise=(0.0005, 0.0022),
        lag=(0.0, 0.008),
        step=(0.02, 0.05),
        end_error=(0.003, 0.02),
        repeat_prob=(0.0, 0.06),
    ),
    # A broad tip draws no small details: few strokes, long and round.
    "marker": DrawingStyle(
        min_length=(0.06, 0.11),
        inner_prob=(0.6, 1.0),
        max_strokes=(16, 30),
        split_length=(2.5, 6.0),
        smoothing=(0.006, 0.014),
        tolerance=(0.009, 0.018),
        stretch=(0.02, 0.08),
        warp=(0.003, 0.01),
        displacement=(0.001, 0.005),
        low_noise=(0.001, 0.004),
        high_noise=(0.0, 0.0005),
        lag=(0.001, 0.005),
        step=(0.03, 0.05),
        end_error=(0.004, 0.02),
        repeat_prob=(0.0, 0.0),
    ),
}


def _simplified(points: np.ndarray, slack: float) -> np.ndarray:
    """Simplify a line (n, 2) so that no dropped point is farther than `slack` from it (Douglas and Peucker 1973)."""
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    todo = [(0, len(points) - 1)]
    while todo:
        i, j = todo.pop()
        if j < i + 2:
            continue
        chord, to = points[j] - points[i], points[i + 1 : j] - points[i]
        long = np.hypot(*chord)
        off = np.abs(to @ (-chord[1], chord[0])) / long if long > 1e-6 else np.hypot(*to.T)
        k = int(off.argmax())
        if off[k] > slack:
            keep[i + 1 + k] = True
            todo += [(i, i + 1 + k), (i + 1 + k, j)]
    return points[keep]


def _turning_angles(points: np.ndarray, reach: int) -> np.ndarray:
    """Turning angle (n,) in degrees at points of a resampled line, over `reach` points both ways; 0 near the ends."""
    out = np.zeros(len(points))
    if len(points) > 2 * reach:
        a, b = points[reach:-reach] - points[: -2 * reach], points[2 * reach :] - points[reach:-reach]
        out[reach:-reach] = np.degrees(np.abs(np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(axis=1))))
    return out


# Drawing by hand


def _split_at_corners(line: Line, longest: float, size: float, rng: np.random.Generator) -> list[Line]:
    """Split a line at its sharpest corners, until the pieces are about `longest` or have no corner."""
    step = 0.01 * size
    if line.length <= longest:
        return [line]
    points = even(line.points, step)
    if line.closed:  # people start a closed line at a corner
        ring = points[:-1]
        k = int(_turning_angles(np.concatenate([ring, ring[:9]]), 4)[4:-4].argmax()) + 4
        points = np.roll(ring, -k, axis=0)
        points = np.concatenate([points, points[:1]])
    sharpness = _turning_angles(points, 4) + rng.uniform(0, 15, len(points))
    clear = int(0.25 * longest / step) + 1
    sharpness[:clear] = sharpness[-clear:] = 0
    if len(points) <= 2 * clear or sharpness.max() < 25:
        return [Line(points, line.closed, line.kind, line.part)]
    k = int(sharpness.argmax())
    return [
        piece
        for part in (points[: k + 1], points[k:])
        for piece in _split_at_corners(Line(part, False, line.kind, line.part), longest, size, rng)
    ]


def _choose(lines: list[Line], style: DrawingStyle, size: float, rng: np.random.Generator) -> list[Line]:
    """Choose the lines to draw: long ones, outlines before inner edges, and a few closed details such as an eye."""
    weights = {SILHOUETTE: 1.2, OCCLUSION: 0.9, PART: 0.7, CREASE: 0.45, DETAIL: 0.45}
    dots = [line.closed and line.kind >= PART and line.length < 0.3 * size for line in lines]
    texture = sum(dots) > 8 and rng.random() > style.inner_prob  # many dots, such as rivets: draw all or none
    ranked = []
    for line, dot in zip(lines, dots, strict=True):
        draw, luck = rng.random(2)
        if dot:
            wanted = not texture and draw < 0.7 + 0.3 * style.inner_prob
            worth = 0.2 * size
        else:
            wanted = line.length >= style.min_length * size and (line.kind < CREASE or draw < style.inner_prob)
            worth = line.length * weights[line.kind] * (1.5 if line.closed else 1.0)
        if wanted:
            ranked.append((worth * (0.7 + 0.6 * luck), line))
    ranked.sort(key=lambda item: -item[0])
    return [line for _, line in ranked[: max(int(style.max_strokes), 1)]] or lines[:1]


def _ordered(lines: list[Line], size: float) -> list[Line]:
    """Sort lines as a person draws: long outlines, then inner lines part by part, then details; always the nearest end
    next."""

    def tier(line: Line) -> int:
        if line.length < 0.15 * size:
            return 2
        return 0 if line.kind <= OCCLUSION and line.length > 0.4 * size else 1

    tiers, parts = np.array([tier(line) for line in lines]), np.array([line.part for line in lines])
    ends = np.array([line.points[[0, -1]] for line in lines])  # (n, 2, 2)
    worth = np.array([0.3 * line.length / size for line in lines])
    todo, out = np.arange(len(lines)), []
    pen, part = np.zeros(2), None
    while len(todo):
        next_ = todo[tiers[todo] == tiers[todo].min()]
        way = np.hypot(*(ends[next_] - pen).transpose(2, 0, 1)) / size  # (n, 2)
        cost = way - 0.5 * (parts[next_] == part)[:, None] - worth[next_][:, None]
        row, back = np.unravel_index(cost.argmin(), cost.shape)
        line, todo = lines[next_[row]], todo[todo != next_[row]]
        points = line.points[::-1] if back else line.points
        out.append(Line(points, line.closed, line.kind, line.part))
        pen, part = points[-1], line.part
    return out


def _warp(amount: float, wave: float, low: np.ndarray, size: float, rng: np.random.Generator):
    """A smooth random displacement of points (n, 2) -> (n, 2), of about `amount` and with a wavelength of about `wave`,
    both as shares of `size`."""
    waves = rng.normal(0, 1.0, (4, 2)) * 2 * np.pi / (wave * size)
    phases = rng.uniform(0, 2 * np.pi, (2, 4))
    pushes = rng.normal(0, 0.7 * amount * size, (4, 2))

    def displaced(points: np.ndarray) -> np.ndarray:
        angle = (points - low) @ waves.T  # (n, 4)
        return points + np.stack(
            [np.sin(angle + phase) @ push for phase, push in zip(phases, pushes.T, strict=True)], axis=1
        )

    return displaced


def _noise(count: int, width: float, rng: np.random.Generator) -> np.ndarray:
    """Noise (count, 2) of unit variance with a correlation length of about `width` points."""
    pad = int(3 * width) + 1
    out = gaussian_filter1d(rng.normal(size=(count + 2 * pad, 2)), max(width, 1e-3), axis=0)[pad:-pad]
    return out * np.sqrt(max(2 * np.sqrt(np.pi) * width, 1.0))


def _draw(line: Line, style: DrawingStyle, size: float, rng: np.random.Generator) -> np.ndarray:
    """Draw one line in this style: the stroke's points (n, 2)."""
    points, closed = line.points, line.closed
    length = max(line.length, 1e-6)
    small = min(1.0, length / (0.6 * size))  # the errors of small strokes are small
    if closed and length <= 1.5 * size:  # a small loop may start anywhere
        points = np.roll(points[:-1], -int(rng.integers(len(points) - 1)), axis=0)
        points = np.concatenate([points, points[:1]])
    width = min(style.smoothing * size, length / 16)
    points = smooth(points[:-1] if closed else points, width, closed)
    points = _simplified(points, min(style.tolerance * size, 0.04 * length))
    points = smooth(even(points, 0.01 * size), min(0.8 * width + 0.3 * style.tolerance * size, length / 16), False)

    # Ends fall short or overshoot, so loops seldom close exactly.
    reach = rng.normal(0, style.end_error * size, 2) * small
    points = _stretched(_stretched(points, reach[0])[::-1], reach[1])[::-1]

    points = even(points, 0.008 * size)
    middle = points.mean(axis=0)
    tilt = rng.normal(0, 0.6 * style.displacement) / max(small, 0.3)
    grow = np.exp(rng.normal(0, style.displacement, 2) * 1.5)
    points = (points - middle) * grow @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]) + middle
    points = points + rng.normal(0, style.displacement * size, 2) * small
    points = points + _noise(len(points), 14.0, rng) * 0.6 * style.low_noise * size * small
    if closed:  # error adds up along the stroke
        points = (
            points + np.linspace(0, 1, len(points))[:, None] * rng.normal(0, 0.6 * style.end_error * size, 2) * small
        )
    points[1:-1] = gaussian_filter1d(points, max(style.lag * small / 0.008, 0.01), axis=0, mode="nearest")[1:-1]
    points = even(points, max(min(style.step * size, length / 8), 1.0))
    points = points + rng.normal(0, style.high_noise * size, points.shape) * min(1.0, 2 * small)
    return _simplified(points, 0.0015 * size)


def _stretched(points: np.ndarray, by: float) -> np.ndarray:
    """Extend a line (n, 2) straight beyond its end by a length, or shorten it if that is negative."""
    if by >= 0:
        back = points[max(len(points) - 5, 0)]
        ahead = (points[-1] - back) / max(np.hypot(*(points[-1] - back)), 1e-9)
        return np.concatenate([points, [points[-1] + ahead * by]])
    along = np.cumsum(np.hypot(*np.diff(points, axis=0).T))
    keep = 1 + int(np.searchsorted(along, along[-1] * 0.7 if -by > 0.3 * along[-1] else along[-1] + by))
    return points[: max(keep, 2)]


def _framed(strokes: list[np.ndarray]) -> list[np.ndarray]:
    """Move the strokes, and shrink them if necessary, to fit inside the canvas's margin."""
    every = np.concatenate(strokes)
    low, high = every.min(axis=0), every.max(axis=0)
    room = CANVAS - 2 * MARGIN
    scale = min(1.0, room / max((high - low).max(), 1e-9))
    corner = np.clip((low + high - (high - low) * scale) / 2, MARGIN, CANVAS - MARGIN - (high - low) * scale)
    return [np.clip((s - low) * scale + corner, MARGIN, CANVAS - MARGIN) for s in strokes]


def _extent(lines: list[Line]) -> tuple[np.ndarray, float]:
    """The lower corner (2,) of the lines' bounding box, and its longer side."""
    points = np.concatenate([line.points for line in lines])
    return points.min(axis=0), float(np.ptp(points, axis=0).max())


def _by_thing(lines: list[Line], things: Sequence[int]) -> list[list[Line]]:
    """The lines of each thing, by their parts; a line without a part belongs to the nearest thing."""
    if len(things) == 1:
        return [lines]
    owned = [line for line in lines if line.part >= 0]
    every = np.concatenate([line.points for line in owned] or [np.zeros((1, 2))])
    owner = np.concatenate([np.full(len(line.points), line.part) for line in owned] or [np.zeros(1, int)])
    out: list[list[Line]] = [[] for _ in things]
    for line in lines:
        part = line.part if line.part >= 0 else owner[np.hypot(*(every - line.points.mean(axis=0)).T).argmin()]
        out[int(np.searchsorted(things, part, side="right")) - 1].append(line)
    return [own for own in out if own]


def _first_lines(lines: list[Line], share: float) -> list[Line]:
    """The first lines, up to this share of the total length; at least one."""
    drawn = np.cumsum([line.length for line in lines])
    return lines[: 1 + int(np.searchsorted(drawn[:-1], share * drawn[-1]))]


def sketch(
    gbuffer, style: str, rng: np.random.Generator, things: Sequence[int] = (0,), share: float = 1.0
) -> list[np.ndarray]:
    """Draw a view by hand.

    Args:
        gbuffer: depth, normal, part, share and hit of the view, as `training.world.trace.trace` returns them.
        style:   a key of DRAWING_STYLES: "careful", "doodle", "wobbly" or "marker".
        rng:     all randomness comes from it.
        things:  number of the first part of each thing in the view; a stroke belongs to one thing.
        share:   share of the ink that is drawn; below 1 the drawing is unfinished.

    Returns:
        Strokes in pen order, each (n, 2) float with n >= 2, x to the right and y down, in 0..256 whatever the
        buffer's resolution.

    Raises:
        ValueError: the view is empty, or there is no such style.
    """
    if style not in DRAWING_STYLES:
        raise ValueError(f"there is no drawing style {style!r}; choose one of {', '.join(DRAWING_STYLES)}")
    lines = outline(gbuffer)
    ranges = DRAWING_STYLES[style]
    sampled = DrawingStyle(**{f.name: float(rng.uniform(*getattr(ranges, f.name))) for f in fields(DrawingStyle)})
    low, size = _extent(lines)
    high = np.concatenate([line.points for line in lines]).max(axis=0)

    each = _by_thing(lines, things)
    few = replace(sampled, max_strokes=sampled.max_strokes * (0.5 + 0.5 / len(each)))
    chosen = [line for own in each for line in _choose(own, few, _extent(own)[1], rng)]
    pieces = [piece for line in chosen for piece in _split_at_corners(line, sampled.split_length * size, size, rng)]
    distort = _warp(sampled.warp, 1.6, low, size, rng)
    sway = _warp(sampled.low_noise, 0.5, low, size, rng)  # neighbouring lines move together
    a, b, c, d = rng.normal(0, 0.6 * sampled.stretch, 4)
    skew = np.array([[1 + a, 0.5 * b], [0.3 * c, 1 + d]])
    middle = (low + high) / 2
    strokes = []
    for line in _first_lines(_ordered(pieces, size), share):
        for _ in range(1 + (rng.random() < sampled.repeat_prob)):
            stroke = _draw(line, sampled, size, rng)
            strokes.append((distort(sway(stroke)) - middle) @ skew.T + middle)
    return _framed(strokes)
