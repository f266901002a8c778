"""Line drawings from rendered views: the hands that draw a view's lines.

`sketch` draws the lines that training.world.lines finds as a person would: in pen order, with some left out, misplaced,
shaky or not quite closed. Everything is deterministic by the buffer and the rng.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from training.world.lines import CANVAS, CREASE, DETAIL, OCCLUSION, PART, SILHOUETTE, Line, even, outline, smooth

MARGIN = 3.0  # strokes keep this far inside it


@dataclass(frozen=True)
class Hand:
    """A way of drawing. Every trait is a range, from which each drawing takes its own value. Lengths are shares of the
    thing's size on the canvas."""

    skip: tuple[float, float]  # lines shorter than this are left out ...
    inner: tuple[float, float]  # ... and so are creases and colour edges, but for this share
    budget: tuple[float, float]  # most strokes
    lift: tuple[float, float]  # the pen is lifted at a corner of a stroke longer than this
    smooth: tuple[float, float]  # how wide a wiggle is drawn straight
    coarse: tuple[float, float]  # what is left out within a line
    stretch: tuple[float, float]  # stretch, shear and tilt of the whole
    warp: tuple[float, float]  # wrong proportions: a smooth displacement
    slip: tuple[float, float]  # how far off its place each stroke is
    sway: tuple[float, float]  # slow waver along a stroke
    tremor: tuple[float, float]  # fast jitter along a stroke
    lag: tuple[float, float]  # how far the line trails behind the mouse, which cuts its corners
    step: tuple[float, float]  # straight pieces between two positions of the mouse
    ends: tuple[float, float]  # ends that overshoot or fall short
    again: tuple[float, float]  # chance that a stroke is drawn twice


HANDS = {
    "careful": Hand(skip=(0.02, 0.05), inner=(0.8, 1.0), budget=(30, 55), lift=(1.2, 4.0), smooth=(0.001, 0.004),
                    coarse=(0.005, 0.012), stretch=(0.0, 0.04), warp=(0.002, 0.008), slip=(0.0, 0.004),
                    sway=(0.0, 0.003), tremor=(0.0, 0.0006), lag=(0.0, 0.0), step=(0.02, 0.04), ends=(0.0, 0.008),
                    again=(0.0, 0.03)),
    "doodle": Hand(skip=(0.04, 0.09), inner=(0.7, 1.0), budget=(20, 36), lift=(1.2, 4.5), smooth=(0.002, 0.006),
                   coarse=(0.008, 0.016), stretch=(0.02, 0.08), warp=(0.003, 0.01), slip=(0.001, 0.005),
                   sway=(0.001, 0.005), tremor=(0.0, 0.001), lag=(0.0, 0.004), step=(0.03, 0.05), ends=(0.005, 0.02),
                   again=(0.0, 0.03)),
    "wobbly": Hand(skip=(0.02, 0.06), inner=(0.7, 1.0), budget=(20, 38), lift=(0.9, 3.5), smooth=(0.002, 0.006),
                   coarse=(0.005, 0.011), stretch=(0.02, 0.07), warp=(0.003, 0.01), slip=(0.001, 0.005),
                   sway=(0.001, 0.005), tremor=(0.0005, 0.0022), lag=(0.0, 0.008), step=(0.02, 0.05),
                   ends=(0.003, 0.02), again=(0.0, 0.06)),
    # A broad tip shows nothing small: few strokes, long and round.
    "marker": Hand(skip=(0.06, 0.11), inner=(0.6, 1.0), budget=(16, 30), lift=(2.5, 6.0), smooth=(0.006, 0.014),
                   coarse=(0.009, 0.018), stretch=(0.02, 0.08), warp=(0.003, 0.01), slip=(0.001, 0.005),
                   sway=(0.001, 0.004), tremor=(0.0, 0.0005), lag=(0.001, 0.005), step=(0.03, 0.05), ends=(0.004, 0.02),
                   again=(0.0, 0.0)),
}


def _simple(points: np.ndarray, slack: float) -> np.ndarray:
    """Fewer points, none of the others further than `slack` from the line (Douglas and Peucker, 1973)."""
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


def _bends(points: np.ndarray, reach: int) -> np.ndarray:
    """(n,) degrees by which an even line turns at each point, looking `reach` points both ways; 0 near its ends."""
    out = np.zeros(len(points))
    if len(points) > 2 * reach:
        a, b = points[reach:-reach] - points[: -2 * reach], points[2 * reach :] - points[reach:-reach]
        out[reach:-reach] = np.degrees(np.abs(np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(axis=1))))
    return out


# Drawing by hand


def _lifted(line: Line, longest: float, size: float, rng: np.random.Generator) -> list[Line]:
    """The line in pieces of about `longest` at most, cut where it turns most."""
    step = 0.01 * size
    if line.length <= longest:
        return [line]
    points = even(line.points, step)
    if line.closed:  # a pen sets down at a corner, if there is one
        ring = points[:-1]
        k = int(_bends(np.concatenate([ring, ring[:9]]), 4)[4:-4].argmax()) + 4
        points = np.roll(ring, -k, axis=0)
        points = np.concatenate([points, points[:1]])
    keen = _bends(points, 4) + rng.uniform(0, 15, len(points))
    clear = int(0.25 * longest / step) + 1
    keen[:clear] = keen[-clear:] = 0
    if len(points) <= 2 * clear or keen.max() < 25:
        return [Line(points, line.closed, line.kind, line.part)]
    k = int(keen.argmax())
    return [piece for part in (points[: k + 1], points[k:])
            for piece in _lifted(Line(part, False, line.kind, line.part), longest, size, rng)]


def _chosen(lines: list[Line], hand: Hand, size: float, rng: np.random.Generator) -> list[Line]:
    """The lines that this drawing has room for: long ones, outlines before inner edges, and a few small closed
    details such as an eye."""
    weights = {SILHOUETTE: 1.2, OCCLUSION: 0.9, PART: 0.7, CREASE: 0.45, DETAIL: 0.45}
    dots = [line.closed and line.kind >= PART and line.length < 0.3 * size for line in lines]
    texture = sum(dots) > 8 and rng.random() > hand.inner  # spokes and rivets: all of them or none
    ranked = []
    for line, dot in zip(lines, dots, strict=True):
        draw, luck = rng.random(2)
        if dot:
            wanted = not texture and draw < 0.7 + 0.3 * hand.inner
            worth = 0.2 * size
        else:
            wanted = line.length >= hand.skip * size and (line.kind < CREASE or draw < hand.inner)
            worth = line.length * weights[line.kind] * (1.5 if line.closed else 1.0)
        if wanted:
            ranked.append((worth * (0.7 + 0.6 * luck), line))
    ranked.sort(key=lambda item: -item[0])
    return [line for _, line in ranked[: max(int(hand.budget), 1)]] or lines[:1]


def _ordered(lines: list[Line], size: float) -> list[Line]:
    """In the order of a pen: long outlines first, then the inside part by part, then details; the nearest end next."""
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
    """A smooth displacement of the plane, (n, 2) -> (n, 2), by about `amount`, alike over about `wave`; lengths are
    shares of the size."""
    waves = rng.normal(0, 1.0, (4, 2)) * 2 * np.pi / (wave * size)
    phases = rng.uniform(0, 2 * np.pi, (2, 4))
    pushes = rng.normal(0, 0.7 * amount * size, (4, 2))

    def displaced(points: np.ndarray) -> np.ndarray:
        angle = (points - low) @ waves.T  # (n, 4)
        return points + np.stack([np.sin(angle + phase) @ push for phase, push in zip(phases, pushes.T, strict=True)],
                                 axis=1)

    return displaced


def _noise(count: int, width: float, rng: np.random.Generator) -> np.ndarray:
    """(count, 2) noise of unit variance that stays alike over about `width` points."""
    pad = int(3 * width) + 1
    out = gaussian_filter1d(rng.normal(size=(count + 2 * pad, 2)), max(width, 1e-3), axis=0)[pad:-pad]
    return out * np.sqrt(max(2 * np.sqrt(np.pi) * width, 1.0))


def _drawn(line: Line, hand: Hand, size: float, rng: np.random.Generator) -> np.ndarray:
    """One stroke, as this hand draws the line."""
    points, closed = line.points, line.closed
    length = max(line.length, 1e-6)
    small = min(1.0, length / (0.6 * size))  # small things are drawn with small errors
    if closed and length <= 1.5 * size:  # a loop starts anywhere
        points = np.roll(points[:-1], -int(rng.integers(len(points) - 1)), axis=0)
        points = np.concatenate([points, points[:1]])
    width = min(hand.smooth * size, length / 16)
    points = smooth(points[:-1] if closed else points, width, closed)
    points = _simple(points, min(hand.coarse * size, 0.04 * length))
    points = smooth(even(points, 0.01 * size), min(0.8 * width + 0.3 * hand.coarse * size, length / 16), False)

    # Ends fall short or run over; those of a loop seldom meet.
    reach = rng.normal(0, hand.ends * size, 2) * small
    points = _stretched(_stretched(points, reach[0])[::-1], reach[1])[::-1]

    points = even(points, 0.008 * size)
    middle = points.mean(axis=0)
    tilt = rng.normal(0, 0.6 * hand.slip) / max(small, 0.3)
    grow = np.exp(rng.normal(0, hand.slip, 2) * 1.5)
    points = (points - middle) * grow @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]) + middle
    points = points + rng.normal(0, hand.slip * size, 2) * small
    points = points + _noise(len(points), 14.0, rng) * 0.6 * hand.sway * size * small
    if closed:  # error adds up along the stroke
        points = points + np.linspace(0, 1, len(points))[:, None] * rng.normal(0, 0.6 * hand.ends * size, 2) * small
    points[1:-1] = gaussian_filter1d(points, max(hand.lag * small / 0.008, 0.01), axis=0, mode="nearest")[1:-1]
    points = even(points, max(min(hand.step * size, length / 8), 1.0))
    points = points + rng.normal(0, hand.tremor * size, points.shape) * min(1.0, 2 * small)
    return _simple(points, 0.0015 * size)


def _stretched(points: np.ndarray, by: float) -> np.ndarray:
    """The line with its end drawn out straight by a length, or taken back if that is negative."""
    if by >= 0:
        back = points[max(len(points) - 5, 0)]
        ahead = (points[-1] - back) / max(np.hypot(*(points[-1] - back)), 1e-9)
        return np.concatenate([points, [points[-1] + ahead * by]])
    along = np.cumsum(np.hypot(*np.diff(points, axis=0).T))
    keep = 1 + int(np.searchsorted(along, along[-1] * 0.7 if -by > 0.3 * along[-1] else along[-1] + by))
    return points[: max(keep, 2)]


def _framed(strokes: list[np.ndarray]) -> list[np.ndarray]:
    """Moved, and made smaller if need be, to stay inside the canvas's margin."""
    every = np.concatenate(strokes)
    low, high = every.min(axis=0), every.max(axis=0)
    room = CANVAS - 2 * MARGIN
    scale = min(1.0, room / max((high - low).max(), 1e-9))
    corner = np.clip((low + high - (high - low) * scale) / 2, MARGIN, CANVAS - MARGIN - (high - low) * scale)
    return [np.clip((s - low) * scale + corner, MARGIN, CANVAS - MARGIN) for s in strokes]


def _extent(lines: list[Line]) -> tuple[np.ndarray, float]:
    """The lines' lower corner, (2,), and the longer side of the box around them."""
    points = np.concatenate([line.points for line in lines])
    return points.min(axis=0), float(np.ptp(points, axis=0).max())


def _by_thing(lines: list[Line], things: Sequence[int]) -> list[list[Line]]:
    """The lines of each thing, by their parts; what is of no part belongs to the thing that it is nearest to."""
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


def _begun(lines: list[Line], share: float) -> list[Line]:
    """The first of the lines: as many as make up that share of their length, and at least one."""
    drawn = np.cumsum([line.length for line in lines])
    return lines[: 1 + int(np.searchsorted(drawn[:-1], share * drawn[-1]))]


def sketch(gbuffer, hand: str, rng: np.random.Generator, things: Sequence[int] = (0,),
           share: float = 1.0) -> list[np.ndarray]:
    """Draw a view by hand.

    Args:
        gbuffer: depth, normal, part, share and hit of the view, as `training.world.trace.trace` gives them.
        hand:    "careful", "doodle", "wobbly" or "marker".
        things:  the number of the first part of each thing that the view shows; each gets strokes of its own.
        share:   of the ink that is drawn before the pen is put down.

    Returns:
        Strokes in pen order, (n, 2) float each with n >= 2, x to the right and y down, in 0..256 whatever the
        buffer's resolution.

    Raises ValueError if the view is empty or nobody knows the hand.
    """
    if hand not in HANDS:
        raise ValueError(f"nobody draws by the hand {hand!r}; choose one of {', '.join(HANDS)}")
    lines = outline(gbuffer)
    ranges = HANDS[hand]
    traits = Hand(**{f.name: float(rng.uniform(*getattr(ranges, f.name))) for f in fields(Hand)})
    low, size = _extent(lines)
    high = np.concatenate([line.points for line in lines]).max(axis=0)

    each = _by_thing(lines, things)
    few = replace(traits, budget=traits.budget * (0.5 + 0.5 / len(each)))
    chosen = [line for own in each for line in _chosen(own, few, _extent(own)[1], rng)]
    pieces = [piece for line in chosen for piece in _lifted(line, traits.lift * size, size, rng)]
    distort = _warp(traits.warp, 1.6, low, size, rng)
    sway = _warp(traits.sway, 0.5, low, size, rng)  # lines side by side sway together
    a, b, c, d = rng.normal(0, 0.6 * traits.stretch, 4)
    skew = np.array([[1 + a, 0.5 * b], [0.3 * c, 1 + d]])
    middle = (low + high) / 2
    strokes = []
    for line in _begun(_ordered(pieces, size), share):
        for _ in range(1 + (rng.random() < traits.again)):
            stroke = _drawn(line, traits, size, rng)
            strokes.append((distort(sway(stroke)) - middle) @ skew.T + middle)
    return _framed(strokes)
