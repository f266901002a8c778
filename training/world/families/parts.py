"""What families of things (not of animals) share: the planes of their outlines, common colours, and small helpers."""

from __future__ import annotations

import numpy as np

from training.world.families.anatomy import place
from training.world.sdf import Part, turn

FRONT = turn(y=90)  # an outline seen from the front as drawn, its x to the viewer's right
FLAT = turn(x=90)  # an outline lying down, its x forward and its y to the right
SIDE = turn(y=-90)  # an outline drawn in (z, y); or a thing drawn as seen from the front, that comes to face +z
SECTION = np.eye(3)[:, [1, 2, 0]]  # an outline drawn in (y, z)

DARK = (0.02, 0.02, 0.022)
IVORY = (0.8, 0.78, 0.7)
STEEL = (0.55, 0.56, 0.58)
# A colour and a kind, for Shape.material.
RUBBER = ((0.022, 0.022, 0.024), "matte")
GLASS = ((0.025, 0.035, 0.045), "glass")
CHROME = ((0.62, 0.63, 0.65), "metal")
_KIND = {"straw": "fabric", "felt": "fabric", "leather": "plastic", "steel": "metal", "wool": "fur"}


def kind_of(look, default):
    """The kind of surface of the material that a caption may name."""
    return _KIND.get(look.material, look.material) or default


def lighter(rgb, share):
    """A colour moved toward white by a share of the way (toward black if negative)."""
    return tuple(c + (0.85 - c) * share if share > 0 else c * (1 + share) for c in rgb)


def lean(shape, rotation):
    """Turn everything that the shape holds so far."""
    place(shape.parts, turned=rotation)


def lay(shape, rng, level=(20, 55)):
    """Lay down a flat thing that was drawn upright as seen from the front: its length comes to lie across the view,
    turned by an angle out of `level`, up or down. It leans back a little, so that a camera on either side of it sees
    its breadth."""
    across, up = rng.choice([-1, 1], 2)
    lean(shape, SIDE @ turn(z=rng.uniform(15, 38)) @ turn(x=90 * across + up * rng.uniform(*level)))


def lie(shape, rng):
    """Lay such a thing down flat, in whatever direction: it is seen from above."""
    lean(shape, turn(y=rng.uniform(0, 360)) @ turn(z=90 * rng.choice([-1, 1])))


def upright(points):
    """Points (n, 2) drawn as seen from the front, as (n, 3): x to the viewer's right, so -z."""
    return [(0.0, y, -x) for x, y in points]


def arc(centre, radii, start, stop, count=9):
    """(count, 2) points of an ellipse's arc, by degrees counter-clockwise from x."""
    angle = np.radians(np.linspace(start, stop, count))
    return np.stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)], axis=1)


def arch(width: float, height: float, pointed: bool = False) -> np.ndarray:
    """The outline of an arched opening, with the middle of its box at the origin; the arch is part of the height."""
    t = np.linspace(0, np.pi, 13)
    u, v = np.cos(t), np.sin(t)
    if pointed:
        v = 1.5 * np.sqrt(np.clip(1 - ((np.abs(u) + 1) / 2) ** 2, 0, 1)) / np.sqrt(0.75)
    rise = np.stack([u, v], axis=1) * width / 2
    rise[:, 1] += height / 2 - rise[:, 1].max()
    return np.concatenate([rise, [(-width / 2, -height / 2), (width / 2, -height / 2)]])


def sheet(part: Part, outline, half: float, m: int, at=(0.0, 0.0, 0.0), frame=FLAT, **how) -> None:
    """A plate whose outline is drawn about `at`, which need not be its middle."""
    outline = np.asarray(outline, float)
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    part.plate(np.asarray(at, float) + frame[:, :2] @ middle, outline - middle, half, m, turned=frame, **how)


def trim(part: Part, curve, frame, depth: float, room: float, m: int | None = None) -> None:
    """Keep of `part` only what lies under a curve and under its mirror image: `curve` is (n, 2) of a place along the
    frame's x and a half width z there, from one end of the body to the other; `room` is how far the part may stick out
    of the curve, and `depth` half of how far it goes along the frame's z."""
    curve = np.asarray(curve, float)
    a, b = curve[0], curve[-1]
    way = np.sign(b[0] - a[0])
    low, wide = -0.05 * room, curve[:, 1].max() + room
    around = [
        (b[0] + way * 0.01, low),
        (b[0] + way * room, low),
        (b[0] + way * room, wide),
        (a[0] - way * room, wide),
        (a[0] - way * room, low),
        (a[0] - way * 0.01, low),
    ]
    part.plate((0, 0, 0), np.concatenate([curve, around]), depth, m, turned=frame, mirror=True, carve=True)
