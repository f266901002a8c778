"""Finds the edges of a rendered view and traces them into long smooth lines.

A view is a G-buffer: depth, normal, part and material of every pixel. `edges` finds the one-pixel-wide lines that a
person would see, and `outline` traces them. Both are deterministic functions of the buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion, convolve, find_objects, gaussian_filter1d, label
from skimage.measure import find_contours
from skimage.measure import label as label_equal
from skimage.morphology import skeletonize

CANVAS = 256.0  # side of the square canvas that lines and strokes are on
NOTHING, SILHOUETTE, OCCLUSION, PART, CREASE, DETAIL = range(6)  # kinds of edge, the strongest first
_AROUND = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)]
_FULL = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Line:
    """One traced line.

    Attributes:
        points: (n, 2) x, y on the canvas.
        closed: whether its last point is its first.
        kind:   SILHOUETTE, OCCLUSION, PART, CREASE or DETAIL.
        part:   number of the part whose border it is; -1 for none.
    """

    points: np.ndarray
    closed: bool
    kind: int
    part: int

    @cached_property
    def length(self) -> float:
        """Its length on the canvas."""
        return length(self.points)


# Edges of a view


def _array(values) -> np.ndarray:
    return values.cpu().numpy() if hasattr(values, "cpu") else np.asarray(values)


def _materials(gbuffer, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) number of the material with the largest share; -1 in the background."""
    out = np.full(shape, -1)
    out.reshape(-1)[_array(gbuffer.hit)] = _array(gbuffer.share).argmax(axis=0)
    return out


def _jumps(depth: np.ndarray, size: float) -> np.ndarray:
    """(H, W - 1) bool: whether depth jumps between a pixel and the one to its right; a steep surface does not jump."""
    # A jump is a step that the slope of neither side predicts; at a crease, one side nearly predicts it.
    padded = np.pad(depth, ((0, 0), (1, 1)), mode="edge")
    with np.errstate(invalid="ignore"):
        slope = np.diff(padded, axis=1)  # (H, W + 1); slope[:, i + 1] is from pixel i to i + 1
        step = slope[:, 1:-1]
        left, right = step - slope[:, :-2], step - slope[:, 2:]
        left, right = (np.where(np.isfinite(v), v, step) for v in (left, right))
        # The step itself must be large too, because a surface seen edge-on gets steeper and steeper.
        gap = np.minimum(np.minimum(np.abs(left), np.abs(right)), np.abs(step))
    return np.isfinite(gap) & (gap > max(0.025, 2.5 / size))


def _creases(normal: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(H, W - 1) bool: whether the surface has a crease between a pixel and the one to its right.

    whole: (H, W - 1) bool, whether the two neighbours are on one unbroken surface.
    """
    span = 3  # width in pixels of a rounded edge
    width = normal.shape[1]
    out = np.zeros(whole.shape, bool)
    if width < 3 * span + 1:
        return out

    def turn(i: int) -> np.ndarray:
        """Angle between pixel c + i and pixel c + i + span, for every c with all of its neighbours in the picture."""
        a = normal[:, i : width - 3 * span + i]
        b = normal[:, i + span : width - 2 * span + i]
        return np.arccos(np.clip((a * b).sum(axis=-1), -1, 1))

    excess = turn(span) - turn(0) - turn(2 * span)  # 0 on a cylinder, whose normal turns evenly
    unbroken = np.lib.stride_tricks.sliding_window_view(whole, 3 * span, axis=1).all(axis=-1)
    # Mark only the middle two steps of the window, to keep the line thin.
    out[:, span + 1 : span + 1 + excess.shape[1]] = (excess > np.radians(28)) & unbroken
    return out


@dataclass(frozen=True)
class _Edges:
    """Edges of a view.

    Attributes:
        kind:  (H, W) kind of edge along two-pixel-wide edges, NOTHING elsewhere.
        part:  (H, W) part that the edge belongs to, -1 elsewhere.
        size:  longer side of the thing, in pixels.
        spots: (H, W) masks of eyes, buttons and other small patches.
    """

    kind: np.ndarray
    part: np.ndarray
    size: float
    spots: list[np.ndarray]


def _spots(part: np.ndarray, material: np.ndarray, size: float) -> list[np.ndarray]:
    """Masks (H, W) of small compact patches that are of another part or material and don't touch the silhouette."""
    there = part >= 0
    patches = label_equal(np.where(there, part * 256 + material + 1, 0), background=0, connectivity=2)
    areas = np.bincount(patches.ravel())
    rim = np.unique(patches[there & binary_dilation(~there, _FULL)])
    out = []
    for i, window in enumerate(find_objects(patches), start=1):
        sides = [w.stop - w.start for w in window]
        if areas[i] < 2 or max(sides) > 0.1 * size or i in rim:
            continue
        if max(sides) <= 2.2 * min(sides) and areas[i] > 0.3 * sides[0] * sides[1]:
            out.append(patches == i)
    return out


def _find_edges(gbuffer) -> _Edges:
    depth, normal, part = (_array(v) for v in (gbuffer.depth, gbuffer.normal, gbuffer.part))
    there = part >= 0
    if not there.any():
        raise ValueError("nothing to draw: the view holds no part; aim the camera at the thing")
    rows, columns = (np.nonzero(there.any(axis=1 - axis))[0] for axis in (0, 1))
    size = max(np.ptp(rows), np.ptp(columns)) + 1.0
    material = _materials(gbuffer, part.shape)

    kind = np.full(part.shape, NOTHING)
    owner = np.full(part.shape, -1)
    marks = []  # kind, owner (H, W - 1) and whether rows and columns are swapped
    for swap in (False, True):
        d, n, p, m = (v.swapaxes(0, 1) if swap else v for v in (depth, normal, part, material))
        a, b = p[:, :-1], p[:, 1:]
        both = (a >= 0) & (b >= 0)
        jump = both & _jumps(d, size)
        whole = both & ~jump
        crack = np.full(a.shape, NOTHING)
        crack[whole & (m[:, :-1] != m[:, 1:])] = DETAIL
        crack[_creases(n, whole & (a == b))] = CREASE
        crack[whole & (a != b)] = PART
        crack[jump] = OCCLUSION
        crack[(a >= 0) != (b >= 0)] = SILHOUETTE
        front = np.where(d[:, :-1] <= d[:, 1:], a, b)
        marks.append((crack, front, swap))
    for strength in range(DETAIL, NOTHING, -1):  # the strongest kind last, because it overwrites
        for crack, front, swap in marks:
            k, o = (kind.T, owner.T) if swap else (kind, owner)
            here = crack == strength
            for side in (slice(None, -1), slice(1, None)):
                k[:, side][here] = strength
                o[:, side][here] = front[here]
    spots = _spots(part, material, size)
    for spot in spots:  # `outline` draws them as separate loops
        kind[binary_dilation(spot, _FULL) & (kind > SILHOUETTE)] = NOTHING
    near = max(round(0.022 * size), 3)
    _thin_out(kind, kind >= CREASE, (kind > NOTHING) & (kind <= PART), near)
    _thin_out(kind, kind >= PART, kind == SILHOUETTE, near)
    return _Edges(kind, owner, size, spots)


def _thin_out(kind: np.ndarray, weak: np.ndarray, strong: np.ndarray, near: int) -> None:
    """Erase, in place, weak edges that run along a strong edge within `near` pixels. Those that end at it keep their
    ends."""
    free = weak & ~binary_dilation(strong, _FULL, iterations=near)
    # Grow the remaining weak edges back along their old pixels, up to the strong edge.
    kind[weak & ~binary_dilation(free, _FULL, iterations=near + 1, mask=weak)] = NOTHING


def edges(gbuffer) -> np.ndarray:
    """The edges of a view: (H, W) int, SILHOUETTE, OCCLUSION, PART, CREASE or DETAIL on one-pixel lines, else NOTHING.

    Raises:
        ValueError: the view is empty.
    """
    view = _find_edges(gbuffer)
    out = np.where(skeletonize(view.kind > NOTHING), view.kind, NOTHING)
    for spot in view.spots:
        out[spot & ~binary_erosion(spot)] = DETAIL
    return out


# Tracing edges into lines


@dataclass
class _Segment:
    """Pixels (row, column) between two junctions ("nodes"); a node is -1 where the segment just ends."""

    pixels: list[tuple[int, int]]
    nodes: list[int]
    closed: bool = False


def _segments(skeleton: np.ndarray) -> tuple[list[_Segment], np.ndarray]:
    """The unbranched segments of a skeleton, and the centres (J, 2) of the junctions that they connect."""
    padded = np.pad(skeleton, 1)  # so that no neighbour lies outside
    count = convolve(padded.astype(np.int8), np.ones((3, 3), np.int8), mode="constant") - 1
    crossing = padded & (count >= 3)
    nodes, total = label(crossing, _FULL)
    node_at = {(int(r), int(c)): int(nodes[r, c]) - 1 for r, c in zip(*np.nonzero(crossing), strict=True)}
    middle = np.zeros((total, 2))
    for (r, c), n in node_at.items():
        middle[n] += (r - 1, c - 1)
    middle /= np.maximum(np.bincount(list(node_at.values()), minlength=total), 1)[:, None] if total else 1.0

    free = {(int(r), int(c)): None for r, c in zip(*np.nonzero(padded & ~crossing), strict=True)}
    beside = {at: [(at[0] + r, at[1] + c) for r, c in _AROUND if (at[0] + r, at[1] + c) in free] for at in free}
    out = []
    ends = [at for at in free if len(beside[at]) < 2]
    for start in [*ends, *free]:
        if start not in free:
            continue
        run = [start]
        del free[start]
        while step := next((at for at in beside[run[-1]] if at in free), None):
            run.append(step)
            del free[step]
        touched = [
            [node_at[q] for r, c in _AROUND if (q := (at[0] + r, at[1] + c)) in node_at] for at in (run[0], run[-1])
        ]
        first = touched[0][0] if touched[0] else -1
        last = next((n for n in touched[1] if len(run) > 1 or n != first), -1)
        closed = first == last == -1 and len(run) > 3 and run[0] in beside[run[-1]]
        out.append(_Segment([(r - 1, c - 1) for r, c in run], [first, last], closed))
    return out, middle


def _direction_at(segment: _Segment, end: int, middle: np.ndarray) -> np.ndarray:
    """Unit vector at one end (0 or 1) of a segment, pointing into the segment."""
    pixels = segment.pixels[:: 1 - 2 * end]
    node = segment.nodes[end]
    away = np.asarray(pixels[min(len(pixels), 8) - 1], float) - (middle[node] if node >= 0 else pixels[0])
    return away / max(np.hypot(*away), 1e-9)


def _continuations(
    segments: list[_Segment], middle: np.ndarray, kinds: list[int], parts: list[int], gap: float
) -> dict[tuple[int, int], tuple[int, int]]:
    """Which segment continues a line beyond each end of a segment: (segment, end) -> (segment, end).

    At a junction it is the segment that bends least, preferably of the same part and strength; at a loose end, one that
    continues the line after a gap of less than `gap` pixels.
    """
    at_node: dict[int, list[tuple[int, int]]] = {}
    for i, segment in enumerate(segments):
        for end in (0, 1):
            if segment.nodes[end] >= 0:
                at_node.setdefault(segment.nodes[end], []).append((i, end))
    continuations = {}
    for meeting in at_node.values():
        headings = [_direction_at(segments[i], end, middle) for i, end in meeting]
        pairs = []
        for a in range(len(meeting)):
            for b in range(a + 1, len(meeting)):
                bend = np.degrees(np.arccos(np.clip(-headings[a] @ headings[b], -1, 1)))
                i, j = meeting[a][0], meeting[b][0]
                bend += 20.0 * (parts[i] != parts[j]) + 30.0 * ((kinds[i] >= CREASE) != (kinds[j] >= CREASE))
                if len(meeting) == 2 or bend < 60.0:
                    pairs.append((bend, a, b))
        for _, a, b in sorted(pairs):
            if meeting[a] not in continuations and meeting[b] not in continuations:
                continuations[meeting[a]], continuations[meeting[b]] = meeting[b], meeting[a]

    loose = [(i, end) for i, s in enumerate(segments) for end in (0, 1) if s.nodes[end] < 0 and not s.closed]
    if len(loose) > 1:
        tips = np.array([segments[i].pixels[-end] for i, end in loose], float)  # (n, 2)
        headings = np.array([_direction_at(segments[i], end, middle) for i, end in loose])
        across = tips[None] - tips[:, None]  # (n, n, 2), from row to column
        far = np.hypot(*across.transpose(2, 0, 1))
        ahead = -(across * headings[:, None]).sum(-1)  # how far ahead the other tip is in this one's direction
        straight = (np.minimum(ahead, ahead.T) > 0.85 * far) & (far < gap) & (far > 0)
        for a, b in sorted(np.argwhere(np.triu(straight)).tolist(), key=lambda pair: far[pair[0], pair[1]]):
            if loose[a][0] != loose[b][0] and loose[a] not in continuations and loose[b] not in continuations:
                continuations[loose[a]], continuations[loose[b]] = loose[b], loose[a]
    return continuations


def _mode(values: list[int]) -> int:
    """The most frequent of some integers >= -1."""
    return int(np.bincount(np.add(values, 1)).argmax()) - 1


def outline(gbuffer) -> list[Line]:
    """Trace the lines of a view, smoothed, the longest first. Specks and skeleton spurs are left out.

    Raises:
        ValueError: the view is empty.
    """
    view = _find_edges(gbuffer)
    kind, owner = view.kind, view.part
    segments, middle = _segments(skeletonize(kind > NOTHING))
    # Skeletons have short spurs at the corners of thick lines.
    segments = [s for s in segments if len(s.pixels) >= 6 or s.closed or (s.nodes[0] < 0) == (s.nodes[1] < 0)]
    kinds, parts = ([_mode([v[at] for at in s.pixels]) for s in segments] for v in (kind, owner))
    continuations = _continuations(segments, middle, kinds, parts, max(6.0, 0.045 * view.size))
    lines, seen = [], set()
    for i in range(len(segments)):
        if i in seen:
            continue
        at = (i, 0)  # a segment, and the end at which the line enters it
        while (back := continuations.get(at)) and back[0] != i:
            at = (back[0], 1 - back[1])
        closed = bool(back) or segments[i].closed
        points: list[tuple[float, float]] = []
        pixels: list[tuple[int, int]] = []
        while at and at[0] not in seen:
            j, end = at
            seen.add(j)
            nodes, run = segments[j].nodes[:: 1 - 2 * end], segments[j].pixels[:: 1 - 2 * end]
            points += [tuple(middle[n]) for n in nodes[:1] if n >= 0 and not points] + run
            points += [tuple(middle[n]) for n in nodes[1:] if n >= 0]
            pixels += run
            at = continuations.get((j, 1 - end))
        lines.append((np.array(points, float), closed, *(_mode([v[p] for p in pixels]) for v in (kind, owner))))
    scale = CANVAS / max(kind.shape)
    out = []
    for points, closed, k, o in lines:
        p = smooth((points[:, ::-1] + 0.5) * scale, 1.6 * scale, closed)
        line = Line(p, closed, k, o)
        if line.length > max(0.02 * view.size, 4) * scale:
            out.append(line)
    out += [_loop(spot, scale) for spot in view.spots] if out else []
    return sorted(out, key=lambda line: -line.length) or [_loop(_array(gbuffer.part) >= 0, scale)]


def _loop(mask: np.ndarray, scale: float) -> Line:
    """A loop around a patch of pixels; a round one if the patch is small."""
    rows, columns = np.nonzero(mask)
    low, high = (np.array([f(columns), f(rows)]) + 0.5 for f in (np.min, np.max))
    if len(rows) >= 40 and not mask[[0, -1]].any() and not mask[:, [0, -1]].any():
        points = smooth(max(find_contours(mask, 0.5), key=len)[:-1, ::-1] + 0.5, 1.2, True)
    else:
        turn = np.linspace(0, 2 * np.pi, 17)[:, None]
        points = (low + high) / 2 + np.hstack([np.cos(turn), np.sin(turn)]) * np.maximum((high - low) / 2, 0.8)
    return Line(points * scale, True, DETAIL, -1)


# Curves


def length(points: np.ndarray) -> float:
    """Length of a polyline (n, 2)."""
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def even(points: np.ndarray, step: float) -> np.ndarray:
    """Resample a line (n, 2) to points about `step` apart; both ends are kept, and there are at least two points."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, along[-1], max(int(round(along[-1] / step)), 1) + 1)
    return np.stack([np.interp(at, along, c) for c in points.T], axis=1)


def smooth(points: np.ndarray, width: float, closed: bool) -> np.ndarray:
    """Smooth a line (n, 2) with a Gaussian of standard deviation `width` along its length; the ends stay in place.

    A closed line is given without, and returned with, its first point repeated at the end.
    """
    step = max(width / 2, 0.5)
    if closed:
        ring = even(np.concatenate([points, points[:1]]), step)[:-1]
        ring = gaussian_filter1d(ring, width / step, axis=0, mode="wrap")
        return np.concatenate([ring, ring[:1]])
    line = even(points, step)
    if len(line) < 3:
        return line
    n = min(len(line) - 1, int(4 * width / step) + 1)
    # Extend the line beyond its ends by point reflection, so that the ends stay in place.
    tall = np.concatenate([2 * line[0] - line[n:0:-1], line, 2 * line[-1] - line[-2 : -n - 2 : -1]])
    return gaussian_filter1d(tall, width / step, axis=0, mode="nearest")[n:-n]
