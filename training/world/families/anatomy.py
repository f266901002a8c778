"""What the animals share: placing a finished head on a neck, eyes, and the skeleton of the four-legged ones.

Heads are drawn about the origin, nose towards +x, with a skull of radius 1, and then moved to the neck.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from training.world.sdf import Part, Shape, smooth_outline, turn

DARK = (0.012, 0.011, 0.011)
PINK = (0.55, 0.22, 0.20)
IVORY = (0.75, 0.68, 0.52)
WHITE = (0.80, 0.79, 0.76)


def mix(a, b, share: float) -> tuple[float, float, float]:
    """Colour a with `share` of colour b in it."""
    return tuple(float(x) for x in (1 - share) * np.asarray(a) + share * np.asarray(b))


def place(parts: list[Part], at=(0.0, 0.0, 0.0), turned=None, size: float = 1.0) -> None:
    """Scale, turn and shift parts that were drawn about the origin."""
    frame = np.eye(3) if turned is None else turned

    def moved(p):
        sizes = tuple(s if p.kind == "ring" and i == 2 else s * size for i, s in enumerate(p.sizes))
        return replace(
            p,
            centre=np.asarray(at, float) + frame @ p.centre * size,
            frame=frame @ p.frame,
            sizes=sizes,
            reach=p.reach * size,
            outline=None if p.outline is None else p.outline * size,
        )

    for part in parts:
        part.blend *= size
        part.solid, part.carved = [moved(p) for p in part.solid], [moved(p) for p in part.carved]


def curve(points, steps: int = 2) -> np.ndarray:
    """A smooth open curve through (n, 3) points, for chains."""
    return smooth_outline(points, closed=False, steps=steps)


def leaf(length: float, width: float, point: float = 0.6, base: float = 0.5) -> np.ndarray:
    """Outline of an ear or feather along +y from the origin; `point` is where it is widest,
    `base` how wide it starts."""
    w = width / 2
    return smooth_outline(
        [
            (-w * base, 0),
            (-w, length * (1 - point)),
            (-w * 0.55, length * 0.8),
            (0, length),
            (w * 0.55, length * 0.8),
            (w, length * (1 - point)),
            (w * base, 0),
        ],
        steps=3,
    )


def facing(lean: float = 0.0, out: float = 0.0, back: float = 0.0) -> np.ndarray:
    """Frame of a plate that stands upright and faces forward: leaning to its right by `lean` degrees, its face turned
    out to the right by `out`, its top tipped back by `back`."""
    return turn(x=lean) @ turn(y=90 - out) @ turn(x=-back)


def glossy(shape: Shape, rgb=DARK) -> int:
    """The material of eyes and wet noses."""
    return shape.material(rgb, "ceramic")


def dark_eyes(shape: Shape, centre, radius: float, white: float = 0.0) -> None:
    """A pair of dark eyes; `white` > 0 sets each in a white ball of that radius."""
    x, y, z = centre
    if white:
        shape.part("eye whites").ball(
            (x - 0.4 * radius, y, z - 0.25 * radius), white, glossy(shape, WHITE), mirror=True
        )
    shape.part("eyes").ball((x, y, z), radius, glossy(shape), mirror=True)


def ears(shape: Shape, at, outline, half: float, turned, outer: int, inner: int | None = None, front=0.6) -> None:
    """A pair of plates as ears; `inner` lines their faces, shrunk to `front` of the outline."""
    shape.part("ears").plate(at, outline, half, outer, turned, round=half * 0.6, mirror=True)
    if inner is not None:
        foot = np.asarray(outline).mean(axis=0) * (1, 0.35)
        shape.part("inner ears").plate(
            np.asarray(at) + turned @ np.array([0, 0, half * 1.2]),
            (outline - foot) * front + foot,
            half * 0.7,
            inner,
            turned,
            mirror=True,
        )


def look_round(rng: np.random.Generator, nod: float = 12, most: float = 25) -> np.ndarray:
    """A turn of the head: some look round by up to `most` degrees, all hold it up or down by up to `nod`."""
    return turn(y=rng.uniform(-1, 1) * most * (rng.random() < 0.6)) @ turn(z=rng.uniform(-nod, nod))


@dataclass(frozen=True)
class Skeleton:
    """Proportions of a four-legged animal, in any one unit.

    length: from the middle of the chest to the middle of the hips. shoulder, croup: heights of those two.
    chest, waist, hip: half height and half width of the trunk there. belly: how far the waist hangs (+) or tucks (-).
    neck, rise: its length and its angle above the horizontal in degrees; neck_r: its radii at base and head.
    fore, hind: radii of a leg at its top, its knee and its ankle. bend: how far joints leave the straight leg.
    foot: half length, half height and half width; hoof: feet are cones and not paws.
    """

    length: float
    shoulder: float
    croup: float
    chest: tuple[float, float]
    waist: tuple[float, float]
    hip: tuple[float, float]
    neck: float
    rise: float
    neck_r: tuple[float, float]
    fore: tuple[float, float, float]
    hind: tuple[float, float, float]
    foot: tuple[float, float, float]
    bend: float = 0.1
    belly: float = 0.0
    hoof: bool = False
    blend: float = 0.018


@dataclass(frozen=True)
class Body:
    """Where things attach: the head, the neck's base, the tail; `body` is the part with trunk, neck and legs."""

    body: Part
    head: np.ndarray
    neck: np.ndarray
    tail: np.ndarray
    chest: np.ndarray
    hip: np.ndarray
    pitch: float


def _trunk(part: Part, s: Skeleton, chest, hip, coat: int, under: int, rump: float = 0.46) -> None:
    along = chest - hip
    pitch = turn(z=np.degrees(np.arctan2(along[1], along[0])))
    waist = (chest + hip) / 2 - pitch[:, 1] * s.belly
    part.ellipsoid(chest, (s.length * 0.5, *s.chest), coat, pitch)
    part.ellipsoid(waist, (s.length * 0.66, *s.waist), coat, pitch)
    if under != coat:
        part.ellipsoid(
            waist - pitch[:, 1] * s.waist[0] * 0.4 + pitch[:, 0] * s.length * 0.1,
            (s.length * 0.5, s.waist[0] * 0.68, s.waist[1] * 0.75),
            under,
            pitch,
        )
    part.ellipsoid(hip, (s.length * rump, *s.hip), coat, pitch)


def _foot(part: Part, s: Skeleton, at, m: int, heading: float = 1.0) -> None:
    """A paw or hoof whose sole's middle is on the ground at (x, z)."""
    half, high, wide = s.foot
    x, z = at
    if s.hoof:
        part.cone((x + half * 0.35, 0, z), (x, high * 2, z), wide, wide * 0.72, m, round=wide * 0.15)
    else:
        part.ellipsoid((x + half * 0.45 * heading, high, z), (half, high, wide), m)


def _haunch(part: Part, s: Skeleton, at, high: float, degrees: float, m: int) -> None:
    """The folded hind leg of a sitting or lying animal, on the ground at (x, z)."""
    tilt = np.radians(degrees)
    y = np.hypot(s.length * 0.4 * np.sin(tilt), s.hip[0] * high * np.cos(tilt))
    part.ellipsoid((at[0], y, at[1]), (s.length * 0.4, s.hip[0] * high, s.hind[0] * 0.75), m, turn(z=degrees))


def quadruped(
    shape: Shape,
    rng: np.random.Generator,
    s: Skeleton,
    pose: str,
    coat: int,
    feet: int,
    socks: int | None = None,
    under: int | None = None,
    stride: float | None = None,
) -> Body:
    """Trunk, neck, legs and feet in one of the poses standing, sitting and lying. `socks` paints the lower legs,
    `under` the belly, `stride` is the length of half a step."""
    socks, under = coat if socks is None else socks, coat if under is None else under
    body = shape.part("body", s.blend)
    paws = shape.part("feet", s.blend / 2) if s.hoof or feet != socks else body
    step = rng.uniform(0, 0.12) * s.shoulder if stride is None else stride
    lead = rng.choice((-1, 1))
    zf, zh = s.chest[1] * 0.62, s.hip[1] * 0.66
    b, ankle = s.bend, s.foot[1]

    if pose == "sitting":
        pitch = np.radians(rng.uniform(50, 60))
        rump = 0.3
        low = np.hypot(rump * s.length * np.sin(pitch), s.hip[0] * np.cos(pitch))
        hip = np.array([-0.3 * s.length, low, 0])
        chest = hip + s.length * np.array([np.cos(pitch), np.sin(pitch), 0])
        _trunk(body, s, chest, hip, coat, under, rump)
        for side in (-1, 1):
            x, y, z = chest[0] + s.chest[0] * 0.25, chest[1] - s.chest[0] * 0.35, side * zf
            body.chain([(x, y, z), (x - 0.3 * b, y * 0.55, z)], [s.fore[0], s.fore[1]], coat)
            body.limb((x - 0.3 * b, y * 0.55, z), (x + 0.2 * b, ankle, z), s.fore[1], s.fore[2], socks)
            _foot(paws, s, (x + 0.2 * b, z), feet)
            z = side * s.hip[1] * 0.85
            _haunch(body, s, (hip[0] + s.length * 0.28, z), 0.85, 28, coat)
            toe = hip[0] + s.length * 0.62
            body.limb(
                (hip[0] + 0.1 * s.length, s.hind[2], z * 1.3), (toe, s.hind[2], z * 1.3), s.hind[2], s.hind[2], socks
            )
            _foot(paws, s, (toe, z * 1.3), feet)
        lift = 8
    elif pose == "lying":
        chest, hip = np.array([s.length / 2, s.chest[0] * 0.98, 0]), np.array([-s.length / 2, s.hip[0] * 0.95, 0])
        _trunk(body, s, chest, hip, coat, under)
        for side in (-1, 1):
            z = side * s.chest[1] * 0.85
            elbow, toe = (chest[0] - 0.1 * s.length, s.fore[0] * 0.9, z), chest[0] + s.shoulder * 0.52
            body.limb((chest[0] + s.chest[0] * 0.1, chest[1], z * 0.7), elbow, s.fore[0], s.fore[1], coat)
            body.limb(elbow, (toe, ankle, z * 0.8), s.fore[1], s.fore[2], socks)
            _foot(paws, s, (toe, z * 0.8), feet)
            z = side * s.hip[1]
            _haunch(body, s, (hip[0] + s.length * 0.14, z), 0.8, 30, coat)
            toe = hip[0] + s.length * 0.6
            body.limb((hip[0], s.hind[2], z * 1.3), (toe, s.hind[2], z * 1.3), s.hind[2], s.hind[2], socks)
            _foot(paws, s, (toe, z * 1.3), feet)
        lift = 12
    else:
        chest, hip = np.array([s.length / 2, s.shoulder, 0]), np.array([-s.length / 2, s.croup, 0])
        _trunk(body, s, chest, hip, coat, under)
        for side in (-1, 1):
            swing, z = side * lead * step, side * zf
            x = chest[0] + 0.06 * s.length
            ys = s.shoulder - s.chest[0] * 0.15
            joints = np.array(
                [
                    (x, ys, z * 0.9),
                    (x - 0.5 * b + 0.1 * swing, ys * 0.62, z),
                    (x + 0.15 * b + 0.5 * swing, ys * 0.33, z),
                    (x + swing, ankle, z),
                ]
            )
            body.chain(joints[:3], s.fore, coat)
            body.limb(joints[2], joints[3], s.fore[2] * 1.05, s.fore[2] * 0.9, socks)
            _foot(paws, s, (joints[3][0], z), feet)
            swing, z = -swing * 0.9, side * zh
            x = hip[0] - 0.05 * s.length
            joints = np.array(
                [
                    (x, s.croup - s.hip[0] * 0.1, z * 0.9),
                    (x + b + 0.2 * swing, s.croup * 0.62, z),
                    (x - b + 0.6 * swing, s.croup * 0.33, z),
                    (x - 0.6 * b + swing, ankle, z),
                ]
            )
            body.chain(joints[:3], s.hind, coat)
            body.limb(joints[2], joints[3], s.hind[2] * 1.05, s.hind[2] * 0.9, socks)
            _foot(paws, s, (joints[3][0], z), feet)
        lift = 0
    along = chest - hip
    pitch = np.degrees(np.arctan2(along[1], along[0]))
    frame = turn(z=pitch)
    back = s.chest[0] - s.neck_r[0]
    base = chest + frame @ np.array([s.length * 0.2, max(back, 0) * 0.75, 0])
    rise = np.radians(max(s.rise + lift, pitch + 10) if pose == "sitting" else s.rise + lift)
    top = base + s.neck * np.array([np.cos(rise), np.sin(rise), 0])
    body.limb(base, top, *s.neck_r, coat)
    tail = hip + frame @ np.array([-s.length * 0.3, s.hip[0] * 0.55, 0])
    return Body(body, top, base, tail, chest, hip, pitch)


def skin(part: Part, starts, directions) -> np.ndarray:
    """(n,) how far it is from (n, 3) points inside a part to its surface along (n, 3) unit directions."""
    bare = Shape()
    bare.parts.append(part)
    field = bare.field(normalise=False)
    starts, directions = np.broadcast_arrays(np.asarray(starts, float), np.asarray(directions, float))
    far = np.linspace(0, 2 * max(max(p.sizes) for p in part.solid), 150)
    points = starts[:, :, None] + directions[:, :, None] * far  # (n, 3, 150)
    distance = field.distance(torch.tensor(points.transpose(1, 0, 2).reshape(3, -1), dtype=torch.float32))
    outside = distance.numpy().reshape(len(starts), -1) > 0
    return far[outside.argmax(axis=1)]


def band(stripes: Part, body: Part, centre, frame, half: float, m: int, arc=(0.0, 360.0), proud: float = 0.004) -> None:
    """A stripe round a body: its section through `centre` in the xy plane of `frame`, as a thin plate that stands out
    by `proud`. `arc` keeps only a sector of it, in degrees from the frame's x axis."""
    whole = arc[1] - arc[0] >= 360
    angle = np.radians(np.linspace(*arc, 17 if whole else 11))[: 16 if whole else 11]
    flat = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    outline = flat * (skin(body, np.asarray(centre, float)[None], flat @ frame[:, :2].T) + proud)[:, None]
    if not whole:
        depth = 0.75 - 0.2 * np.cos(np.linspace(-np.pi, np.pi, len(flat)))  # pointed ends
        outline = np.concatenate([outline, (outline * depth[:, None])[-2:0:-1]])
    stripes.plate(centre, outline, half, m, frame)


def patch(spots: Part, body: Part, start, direction, radii, m: int, proud: float = 0.006) -> None:
    """A flat ellipsoid on a body's surface, where a ray from `start` inside it leaves it: a coat's patch. radii: along
    the body and round it."""
    direction = np.asarray(direction, float) / np.linalg.norm(direction)
    far = float(skin(body, np.asarray(start, float)[None], direction[None])[0])
    along = np.array([1.0, 0, 0]) - direction * direction[0]
    along /= np.linalg.norm(along)
    thick = 0.4 * min(radii)
    spots.ellipsoid(
        np.asarray(start) + direction * (far + proud - thick),
        (radii[0], thick, radii[1]),
        m,
        np.stack([along, direction, np.cross(along, direction)], axis=1),
    )
