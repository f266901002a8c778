"""Castles, churches, cabins and skyscrapers, as parametric solids in metres."""

from __future__ import annotations

import numpy as np

from training.world.families import Habit, Look, family
from training.world.families.parts import SIDE, arch
from training.world.sdf import Part, Shape, smooth_outline, turn

LAND = ("grass", "snow", "desert", "forest", "night", "beach")


def _gable(part: Part, x0: float, x1: float, half: float, eaves: float, ridge: float, m: int, along: str = "x") -> None:
    """A solid wall-to-ridge prism between x0 and x1 (or z0 and z1), from the ground up."""
    outline = np.array([(-half, 0), (-half, eaves), (0, ridge), (half, eaves), (half, 0)]) - (0, ridge / 2)
    middle = (x0 + x1) / 2
    if along == "x":
        part.plate((middle, ridge / 2, 0), outline, abs(x1 - x0) / 2, m, turned=SIDE)
    else:
        part.plate((0, ridge / 2, middle), outline, abs(x1 - x0) / 2, m)


def _roof(
    part: Part, x0: float, x1: float, half: float, eaves: float, ridge: float, thick: float, over: float, m: int
) -> None:
    """Two slabs on a gable whose ridge runs along x; `over` is how far they jut out."""
    slope = np.arctan2(ridge - eaves, half)
    length = np.hypot(half, ridge - eaves) + over
    for side in (-1, 1):
        frame = turn(x=side * np.degrees(slope))
        z = side * length / 2 * np.cos(slope)
        y = ridge - length / 2 * np.sin(slope) + thick / np.cos(slope) * 0.9
        part.box(((x0 + x1) / 2, y, z), (abs(x1 - x0) / 2 + over, thick, length / 2), m, turned=frame)


def _pitched(
    part: Part, half: float, long: float, eaves: float, ridge: float, over: float, m: int, spin: np.ndarray
) -> None:
    """Two roof slabs over a ridge along z at x = 0, the whole of it turned by `spin`."""
    slope = np.degrees(np.arctan2(ridge - eaves, half))
    length = np.hypot(half, ridge - eaves) + over
    for side in (-1, 1):
        frame = spin @ turn(z=-side * slope)
        middle = np.array([0, ridge + 0.1, 0]) + frame @ (side * length / 2, 0, 0)
        part.box(middle, (length / 2, 0.1, long + over), m, turned=frame)


def _stone(shape: Shape, look: Look, material: str | None, scale: float = 0.04) -> int:
    """The wall that a caption names: its second colour is a darker joint."""
    joint = tuple(0.6 * c for c in look.rgb)
    kind, pattern = {
        "brick": ("stone", "bricks"),
        "wood": ("wood", "planks"),
        "stone": ("stone", "bricks"),
        None: ("matte", "plain"),
    }[material]
    return shape.material(look.rgb, kind, pattern, joint, scale * (0.6 if material == "brick" else 1.0))


@family("castle", colours=("grey", "beige", "brown", "white", "pink"), places=LAND, materials=("stone", "brick"))
def castle(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    wall = _stone(shape, look, look.material)
    roof = shape.material(
        [(0.25, 0.05, 0.03), (0.04, 0.07, 0.2), (0.09, 0.09, 0.1)][rng.integers(3)],
        "stone",
        "bricks",
        (0.05, 0.03, 0.03),
        0.02,
    )
    dark = shape.material((0.02, 0.02, 0.025), "matte")
    wood = shape.material((0.15, 0.07, 0.03), "wood", "planks", (0.08, 0.04, 0.02), 0.03)
    cloth = shape.material([(0.6, 0.03, 0.03), (0.75, 0.5, 0.03), (0.04, 0.1, 0.5)][rng.integers(3)], "fabric")
    half = np.array([rng.uniform(6.5, 8.5), rng.uniform(7.0, 9.5)])  # half sizes of the court, in x and z
    high, thick = rng.uniform(4.2, 5.5), 0.7
    walls = shape.part("walls")
    walls.box((0, high / 2, 0), (half[0], high / 2, half[1]), wall)
    walls.box((0, high / 2 + 0.6, 0), (half[0] - thick, high / 2, half[1] - thick), wall, carve=True)
    notch, deep = 0.5, 0.6
    for z in np.arange(-3, 4) * half[1] / 4:
        walls.box((0, high, z), (half[0] + 1, deep, notch), None, carve=True)
    for x in np.arange(-2, 3) * half[0] / 3:
        walls.box((x, high, 0), (notch, deep, half[1] + 1), None, carve=True)
    kinds = rng.permutation(["cone", "cone", "flat"])
    towers, tops, caps, slits = shape.part("towers"), shape.part("tower tops"), shape.part("roofs"), shape.part("flags")

    def tower(x: float, z: float, r: float, top: float, style: str) -> None:
        towers.cone((x, 0, z), (x, top, z), r * 1.06, r, m=wall)
        towers.box((x + r, top * 0.62, z), (0.5, 0.5, 0.16), dark, carve=True)
        tops.cone((x, top - 0.3, z), (x, top + 1.0, z), r * 1.18, m=wall)
        if style == "cone":
            tip = top + 1.0 + r * tall_roof
            caps.cone((x, top + 0.8, z), (x, tip, z), r * 1.32, 0.02, m=roof)
            slits.limb((x, tip - 0.2, z), (x, tip + 1.1, z), 0.06, m=dark)
            slits.plate((x - 0.55, tip + 0.75, z), [(0.55, 0.32), (-0.55, 0.05), (0.55, -0.32)], 0.04, cloth)
        else:
            tops.cone((x, top + 0.4, z), (x, top + 1.5, z), r * 0.9, m=wall, carve=True)
            for angle in (0, 60, 120):
                tops.box((x, top + 1.0, z), (r * 2, 0.5, r * 0.24), None, turned=turn(y=angle + 30), carve=True)

    tall_roof = rng.uniform(1.9, 3.0)
    r, top = rng.uniform(1.25, 1.75), high + rng.uniform(1.2, 3.2)
    for x, z in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        tower(x * half[0], z * half[1], r, top + (rng.uniform(0.5, 2.5) if x < 0 else 0), kinds[0])
    # The gatehouse.
    gate = shape.part("gate")
    front = half[0] + 0.5
    tower(front, 2.15, 1.15, high + 0.9, kinds[1])
    tower(front, -2.15, 1.15, high + 0.9, kinds[1])
    gate.box((front, (high + 0.8) / 2, 0), (0.9, (high + 0.8) / 2, 1.6), wall)
    for z in (-0.9, 0, 0.9):
        gate.box((front, high + 0.8, z), (2, 0.5, 0.24), None, carve=True)
    opening = arch(2.0, 3.3, rng.random() < 0.4)
    gate.plate((front + 0.5, 1.6, 0), opening, 1.0, dark, turned=SIDE, carve=True)
    shape.part("door").plate((front + 0.2, 1.6, 0), opening, 0.1, wood, turned=SIDE)
    # The keep.
    k, lift = rng.uniform(2.4, 3.4), high + rng.uniform(3.5, 6.5)
    back = -half[0] * 0.35
    if rng.random() < 0.6:
        keep = shape.part("keep")
        keep.box((back, lift / 2, 0), (k, lift / 2, k * 1.1), wall)
        for y in (lift * 0.62, lift * 0.82):
            for z in (-k * 0.5, k * 0.5):
                keep.box((back, y, z), (k + 1, 0.5, 0.22), dark, carve=True)
        keep.box((back, lift + 0.2, 0), (k - 0.5, 0.9, k * 1.1 - 0.5), None, carve=True)
        for u in (-0.66, 0, 0.66):
            keep.box((back, lift, u * k * 1.1), (k + 1, 0.6, 0.38), None, carve=True)
            keep.box((back + u * k, lift, 0), (0.36, 0.6, k * 2), None, carve=True)
        tower(back - k, k, r * 0.8, lift + 2.0, "cone")
    else:
        tower(back, 0, k * 0.85, lift + 1.5, "cone")
        tower(back - 1.5, 3.6, r * 0.8, lift - 0.5, "cone")
        tower(back - 1.5, -3.6, r * 0.8, lift - 1.2, "cone")


@family(
    "church",
    colours=("white", "grey", "beige", "red", "brown", "yellow", "pink"),
    places=LAND,
    materials=("stone", "brick", "wood"),
)
def church(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["steeple", "steeple", "side tower", "twin", "chapel"])
    wall = _stone(shape, look, look.material)
    tiles = shape.material(
        [(0.22, 0.06, 0.035), (0.06, 0.065, 0.08), (0.10, 0.06, 0.04)][rng.integers(3)],
        "stone",
        "bricks",
        (0.04, 0.03, 0.03),
        0.02,
    )
    copper = shape.material([(0.10, 0.28, 0.22), (0.07, 0.07, 0.085), (0.22, 0.06, 0.035)][rng.integers(3)], "stone")
    glass = shape.material((0.03, 0.04, 0.07), "glass")
    wood = shape.material((0.16, 0.07, 0.03), "wood", "planks", (0.08, 0.04, 0.02), 0.02)
    trim = shape.material((0.75, 0.74, 0.7) if look.colour != "white" else (0.35, 0.35, 0.36), "stone")
    gold = shape.material((0.6, 0.38, 0.08), "metal")
    half, long = rng.uniform(2.6, 3.3), rng.uniform(7.0, 10.0)
    eaves = rng.uniform(3.2, 4.2)
    ridge = eaves + half * rng.uniform(0.85, 1.25)
    pointed = bool(rng.random() < 0.6)
    nave, roof, panes = shape.part("nave"), shape.part("roof"), shape.part("windows")
    front, back = long / 2, -long / 2
    _gable(nave, back, front, half, eaves, ridge, wall)
    _roof(roof, back, front, half, eaves, ridge, 0.12, 0.3, tiles)
    opening = arch(0.85, 2.1, pointed)
    for x in np.linspace(back + 1.2, front - (2.6 if kind == "steeple" else 1.4), 4):
        nave.plate((x, eaves * 0.52, 0), opening, half + 1, None, carve=True)
    panes.box((0, eaves * 0.52, 0), (long / 2 - 0.1, 1.2, half - 0.16), glass)
    apse = shape.part("apse")
    apse.cone((back, 0, 0), (back, eaves * 0.85, 0), half * 0.72, m=wall)
    apse.cone((back, eaves * 0.85, 0), (back, eaves * 0.85 + half * 0.6, 0), half * 0.8, 0.03, m=tiles)

    def cross(x: float, y: float, z: float, size: float) -> None:
        crosses.box((x, y + size / 2, z), (0.07 * size + 0.03, size / 2, 0.07 * size + 0.03), gold)
        crosses.box((x, y + size * 0.62, z), (0.07 * size + 0.03, 0.07 * size + 0.03, size * 0.32), gold)

    def tower(x: float, z: float, w: float, top: float) -> None:
        towers.box((x, top / 2, z), (w, top / 2, w), wall)
        sound = arch(w * 0.62, 1.5, pointed)
        towers.plate((x, top - 1.3, z), sound, w + 0.3, None, carve=True)
        towers.plate((x, top - 1.3, z), sound, w + 0.3, None, turned=SIDE, carve=True)
        panes.box((x, top - 1.3, z), (w - 0.15, 0.85, w - 0.15), glass)
        ledges.box((x, top + 0.05, z), (w + 0.16, 0.13, w + 0.16), trim, round=0.03)
        ledges.box((x, top - 2.55, z), (w + 0.09, 0.09, w + 0.09), trim, round=0.03)
        if style == "spire":
            point = top + w * slim
            pyramid(x, z, w * 1.12, top + 0.1, point)
            cross(x, point - 0.15, z, 1.1)
        elif style == "onion":
            profile = smooth_outline(
                [(0.95, -1.0), (1.12, -0.72), (1.2, -0.35), (0.85, 0.1), (0.35, 0.42), (0.12, 0.8), (0.03, 1.2)],
                closed=False,
            )
            profile[:, 1] -= 0.1
            spires.lathe((x, top + 1.1 * w + 0.1, z), np.array([(0, -1.1), *profile, (0, 1.1)]) * w, copper)
            cross(x, top + 2.1 * w, z, 1.1)
        else:
            spires.box((x, top + 0.45, z), (w, 0.4, w), wall)
            spires.box((x, top + 0.7, z), (w - 0.3, 0.6, w - 0.3), None, carve=True)
            for u in (-0.45, 0.45):
                spires.box((x + u * w, top + 0.9, z), (w * 0.2, 0.35, 3), None, carve=True)
                spires.box((x, top + 0.9, z + u * w), (3, 0.35, w * 0.2), None, carve=True)
            cross(x, top + 0.1, z, 2.0)

    def pyramid(x: float, z: float, w: float, low: float, high: float) -> None:
        spires.cone((x, low, z), (x, high, z), w * 1.16, 0.03, m=copper)
        for side in (-1, 1):  # flattened on four sides
            tilt = np.degrees(np.arctan2(w, high - low))
            for frame, at in ((turn(z=side * tilt), (side * w, 0)), (turn(x=-side * tilt), (0, side * w))):
                out = frame @ ((side * 2, 0, 0) if at[0] else (0, 0, side * 2))
                spires.box(
                    np.array([x + at[0], low, z + at[1]]) + out,
                    (2, 30, 4) if at[0] else (4, 30, 2),
                    None,
                    turned=frame,
                    carve=True,
                )

    style, slim = rng.choice(["spire", "spire", "onion", "battlements"]), rng.uniform(2.6, 4.2)
    door = arch(1.3, 2.3, pointed)
    face = front
    if kind != "chapel":
        towers, spires, ledges = shape.part("towers"), shape.part("spires"), shape.part("ledges")
    crosses = shape.part("crosses")
    if kind == "steeple":
        w = rng.uniform(1.25, 1.6)
        tower(front + w * 0.4, 0, w, ridge + rng.uniform(1.8, 3.2))
        face = front + w * 1.4
        _front_door(shape, towers, face, door, wood, trim)
        towers.plate((face, 4.2, 0), arch(0.7, 1.5, pointed), 0.3, glass, turned=SIDE, carve=True)
    elif kind == "twin":
        w = rng.uniform(1.05, 1.3)
        top = ridge + rng.uniform(1.2, 2.6)
        for side in (-1, 1):
            tower(front - w * 0.5, side * (half + w * 0.15), w, top)
        _front_door(shape, nave, face, door, wood, trim)
    else:
        if kind == "side tower":
            w = rng.uniform(1.2, 1.5)
            tower(
                front - w - rng.uniform(0, 2), (half + w * 0.8) * rng.choice([-1, 1]), w, ridge + rng.uniform(1.0, 2.8)
            )
        else:
            turret = shape.part("bell-cote")
            w, at = 0.75, front - 1.0
            turret.box((at, ridge + 0.6, 0), (w, 1.4, w), wall)
            turret.box((at, ridge + 1.1, 0), (w * 0.5, 0.5, 2), glass, carve=True)
            turret.box((at, ridge + 1.1, 0), (2, 0.5, w * 0.5), glass, carve=True)
            spires = shape.part("spires")
            pyramid(at, 0, w * 1.25, ridge + 2.0, ridge + 2.0 + w * slim * 0.9)
            cross(at, ridge + 1.85 + w * slim * 0.9, 0, 1.0)
        _front_door(shape, nave, face, door, wood, trim)
    if kind in ("twin", "chapel", "side tower"):
        rose = shape.part("rose window")
        y = eaves + (ridge - eaves) * 0.15
        rose.ring((face, y, 0), 0.75, 0.09, trim, turned=turn(y=90))
        for angle in (0, 45, 90, 135):
            rose.box((face, y, 0), (0.06, 0.75, 0.05), trim, turned=turn(x=angle))
        nave.cone((face - 0.25, y, 0), (face + 0.5, y, 0), 0.75, m=glass, carve=True)
        if kind != "chapel":
            cross(front - 0.1, ridge + 0.1, 0, 1.0)


def _front_door(shape: Shape, wall: Part, x: float, outline: np.ndarray, wood: int, trim: int) -> None:
    """A door in the wall that faces +x at `x`, with a frame and steps."""
    high = np.ptp(outline[:, 1])
    wall.plate((x, high / 2 + 0.2, 0), outline, 0.25, None, turned=SIDE, carve=True)
    shape.part("door").plate((x - 0.22, high / 2 + 0.2, 0), outline, 0.1, wood, turned=SIDE)
    frame = shape.part("door frame")
    frame.plate((x, high / 2 + 0.2, 0), outline * (1.25, 1.12), 0.1, trim, turned=SIDE)
    frame.plate((x, high / 2 + 0.1, 0), outline * (1.0, 1.08), 0.3, None, turned=SIDE, carve=True)
    frame.box((x + 0.3, 0.1, 0), (0.4, 0.1, 1.2), trim)


@family(
    "cabin",
    colours=("brown", "beige", "red", "grey", "white", "green", "blue"),
    places=("forest", "snow", "grass", "beach", "night"),
    materials=("wood", "stone"),
)
def cabin(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    shade = tuple(0.55 * c for c in look.rgb)
    wall = (
        shape.material(look.rgb, "wood", "planks", shade, 0.03)
        if look.material != "stone"
        else shape.material(look.rgb, "stone", "bricks", shade, 0.05)
    )
    logged = bool(rng.random() < 0.6)
    tiles = shape.material(
        [(0.10, 0.05, 0.03), (0.07, 0.07, 0.075), (0.09, 0.12, 0.06), (0.25, 0.06, 0.035)][rng.integers(4)],
        "wood",
        "planks",
        (0.04, 0.03, 0.02),
        0.03,
    )
    rock = shape.material((0.28, 0.26, 0.24), "stone", "bricks", (0.14, 0.13, 0.12), 0.03)
    glass, frame_paint = shape.material((0.04, 0.05, 0.06), "glass"), shape.material((0.7, 0.68, 0.62), "wood")
    plank = shape.material((0.15, 0.07, 0.03), "wood", "planks", (0.07, 0.03, 0.015), 0.02)
    half, long = rng.uniform(2.0, 2.6), rng.uniform(2.3, 3.2)  # half sizes across (x, the front) and along (z)
    eaves = rng.uniform(2.2, 2.7)
    ridge = eaves + half * rng.uniform(0.6, 1.0)
    # The ridge runs along z, or along x so that the gable is the front.
    gabled = bool(rng.random() < 0.5)
    spin = turn(y=90) if gabled else np.eye(3)  # from a house whose ridge runs along z
    base, roof = shape.part("walls"), shape.part("roof")
    _gable(base, -long, long, half, eaves, ridge, wall, along="x" if gabled else "z")
    _pitched(roof, half, long, eaves, ridge, 0.42, tiles, spin)
    if logged:
        r = eaves / 16
        logs = shape.part("logs")
        for y in r + 2 * r * np.arange(8):
            for s in (-1, 1):
                logs.limb(spin @ (s * half, y, -long - 0.3), spin @ (s * half, y, long + 0.3), r, m=wall)
                logs.limb(
                    spin @ (-half - 0.3, y + r * 0.6, s * long), spin @ (half + 0.3, y + r * 0.6, s * long), r, m=wall
                )
    out = half if not gabled else long
    side = long if not gabled else half
    doors, panes, frames = shape.part("door"), shape.part("windows"), shape.part("frames")
    skew = rng.uniform(-0.25, 0.25) * side
    jut = 0.2 if logged else 0.05
    doors.box((out + jut, 0.95, skew), (0.07, 0.95, 0.46), plank)
    frames.box((out + jut - 0.02, 1.0, skew), (0.06, 1.03, 0.57), frame_paint)
    doors.ball((out + jut + 0.1, 0.95, skew + 0.33), 0.06, rock)
    spots = [(out, z, True) for z in (skew - side * 0.58, skew + side * 0.58)]
    spots += [(side, x, False) for x in ((-0.5, 0.5) if gabled else (0.0,))]
    for depth, shift, ahead in spots:
        for face in (1,) if ahead else (1, -1):
            y, w, h = 1.45, 0.42, 0.45
            d = jut + depth
            at, thin = ((d, y, shift), (0.05, h, w)) if ahead else ((shift * out, y, face * d), (w, h, 0.05))
            panes.box(at, thin, glass)
            grow = np.array([1, 1, 1]) + np.array([0.0, 0.18, 0.2] if ahead else [0.2, 0.18, 0.0])
            frames.box(
                np.array(at) - np.sign(at) * ((0.02, 0, 0) if ahead else (0, 0, 0.02)),
                np.array(thin) * grow,
                frame_paint,
            )
            bar = np.array(thin) * ((1.2, 1, 0.09) if ahead else (0.09, 1, 1.2))
            frames.box(at, bar, frame_paint)
            frames.box(at, np.array(thin) * ((1.2, 0.09, 1) if ahead else (1, 0.09, 1.2)), frame_paint)
    chimney = shape.part("chimney")
    z = long * rng.uniform(0.3, 0.6) * rng.choice([-1, 1])
    x = -half * 0.4
    if rng.random() < 0.4:  # outside the gable, broad at the foot
        x, z = 0.2, np.sign(z) * (long + 0.3) * (-1 if gabled and z > 0 else 1)
        chimney.box(spin @ (x, ridge * 0.25, z), np.abs(spin) @ (0.6, ridge * 0.25, 0.42), rock)
    chimney.box(spin @ (x, (ridge + 0.9) / 2, z), (0.34, (ridge + 0.9) / 2, 0.34), rock)
    chimney.box(spin @ (x, ridge + 0.9, z), (0.42, 0.1, 0.42), rock)
    if rng.random() < 0.5:
        porch = shape.part("porch")
        deep, top = 1.5, eaves - 0.15
        porch.box((out + deep / 2, 0.1, 0), (deep / 2, 0.1, side), plank)
        for z in (-0.92, -0.32, 0.32, 0.92):
            porch.box((out + deep - 0.1, top / 2, z * side), (0.07, top / 2, 0.07), plank)
        for z in (-0.62, 0.62):
            porch.box((out + deep - 0.1, 0.85, z * side), (0.04, 0.05, side * 0.3), plank)
        porch.box((out + deep / 2, top + 0.16, 0), (deep / 2 + 0.2, 0.06, side + 0.15), tiles, turned=turn(z=-11))


@family(
    "skyscraper",
    colours=("grey", "blue", "beige", "silver", "brown", "black", "white", "turquoise"),
    places=("street", "street", "street", "night"),
    materials=("glass", "stone", "metal"),
    habit=Habit(fill=(0.95, 1.3), elevation=(-32, -14), focal=(0.85, 1.3)),
)
def skyscraper(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["slab", "setbacks", "tapered", "round", "pair"])
    facade = rng.choice(["grid", "ribbons", "piers"])
    finish = look.material or "stone"
    dark = tuple(0.22 * c for c in look.rgb) if look.colour != "black" else (0.10, 0.11, 0.13)
    wall = shape.material(look.rgb, finish, "windows" if finish == "glass" else "plain", dark, 0.03)
    plain = shape.material(tuple(0.75 * c for c in look.rgb), "stone" if finish == "glass" else finish)
    panes = shape.material(dark, "glass", "windows", tuple(1.6 * c for c in dark), 0.03)
    base, steel = shape.material((0.12, 0.12, 0.13), "stone"), shape.material((0.5, 0.5, 0.52), "metal")
    low, body, core, top = shape.part("base"), shape.part("body"), shape.part("glass"), shape.part("top")
    w, d, tall = rng.uniform(1.5, 2.1), rng.uniform(1.5, 2.4), rng.uniform(10.5, 13.5)
    inset = 0.0  # how much narrower the top is than the foot, on each side
    span = d  # how far the building reaches along z
    # The walls are solids that grooves cut into; a glass core behind them shows in the grooves.
    if kind == "slab":
        body.box((0, tall / 2, 0), (w, tall / 2, d), wall)
        core.box((0, tall / 2, 0), (w - 0.1, tall / 2 - 0.1, d - 0.1), panes)
        top.box((0, tall + 0.1, 0), (w + 0.06, 0.2, d + 0.06), plain)
        top.box((-w * 0.2, tall + 0.6, 0), (w * 0.45, 0.5, d * 0.5), plain)
    elif kind == "setbacks":
        steps = np.array([0.0, 0.34, 0.58, 0.77, 0.90]) * tall
        for i, s in enumerate((1.0, 0.80, 0.60, 0.38)):
            body.box((0, (steps[i] + steps[i + 1]) / 2, 0), (w * s, (steps[i + 1] - steps[i]) / 2, d * s), wall)
            core.box((0, steps[i + 1] / 2, 0), (w * s - 0.1, steps[i + 1] / 2 - 0.1, d * s - 0.1), panes)
            top.box((0, steps[i + 1], 0), (w * s + 0.05, 0.09, d * s + 0.05), plain)
        top.cone((0, steps[-1], 0), (0, steps[-1] + 1.1, 0), w * 0.28, 0.1, m=steel)
        top.limb((0, steps[-1], 0), (0, tall * 1.12, 0), 0.09, 0.03, m=steel)
    elif kind == "tapered":
        lean = rng.uniform(2.5, 4.0)
        inset = np.tan(np.radians(lean)) * tall
        for part, gap, m in ((body, 0.0, wall), (core, 0.1, panes)):
            part.box((0, (tall - gap) / 2, 0), (w * 1.15, (tall - gap) / 2, d * 1.15), m)
            for frame, out in (
                (turn(z=lean), (1, 0, 0)),
                (turn(z=-lean), (-1, 0, 0)),
                (turn(x=-lean), (0, 0, 1)),
                (turn(x=lean), (0, 0, -1)),
            ):
                half = np.where(np.abs(out) > 0, 3.0, 30.0)
                foot = np.array(out, float) * ((w if out[0] else d) * 1.15 - gap)
                part.box(foot + frame @ (np.array(out) * 3.0), half, None, turned=frame, carve=True)
        top.box((0, tall + 0.2, 0), (w * 1.15 - inset - 0.12, 0.3, d * 1.15 - inset - 0.12), plain)
        for z in (-0.4, 0.4):
            top.limb((0, tall, z), (0, tall + 1.9, z), 0.06, 0.04, m=steel)
        w, span = w * 1.15, d * 1.15
    elif kind == "round":
        r, narrow = (w + d) / 2, rng.uniform(0.75, 1.0)
        body.cone((0, 0, 0), (0, tall, 0), r, r * narrow, m=wall)
        core.cone((0, 0, 0), (0, tall - 0.1, 0), r - 0.1, r * narrow - 0.1, m=panes)
        top.cone((0, tall - 0.1, 0), (0, tall + 0.4, 0), r * narrow * 0.7, r * narrow * 0.6, m=plain)
        top.limb((0, tall, 0), (0, tall + 1.6, 0), 0.07, 0.03, m=steel)
        w = span = r
    else:
        step = rng.uniform(0.75, 0.92)
        span = d * 1.32
        for z, high in ((0.72 * d, tall), (-0.72 * d, tall * step)):
            body.box((0, high / 2, z), (w, high / 2, d * 0.6), wall)
            core.box((0, high / 2 - 0.5, z), (w - 0.1, high / 2 - 0.5, d * 0.6 - 0.1), panes)
            top.box((0, high, z), (w * 0.6, 0.35, d * 0.36), plain)
            top.limb((0, high, z), (0, high + 1.5, z), 0.06, 0.03, m=steel)
        top.box((0, tall * 0.42, 0), (w * 0.4, 0.22, d * 0.4), steel)
    if rng.random() < 0.6:  # the town about it
        town = shape.part("town")
        for z in (-1, -0.45, 0.5, 1.05):
            high, deep = rng.uniform(1.2, 4.0), rng.uniform(0.7, 1.1)
            rgb = (0.38, 0.34, 0.30) if rng.random() < 0.5 else (0.30, 0.15, 0.10)
            house = shape.material(rgb, "stone", "windows", (0.05, 0.06, 0.07), 0.04)
            town.box(
                (-w - 1.4 + rng.uniform(-0.4, 0.4), high, z * (span + 1.6)), (deep, high, rng.uniform(0.8, 1.3)), house
            )
    low.box((0, 0.25, 0), (w + 0.35, 0.25, span + 0.35), base)
    low.box((w + 0.1, 0.55, 0), (0.4, 0.55, 0.7), plain)
    # Piers stand where no upper step or leaning wall ends, so that no groove shaves a wall off.
    places = {
        "setbacks": np.array([-0.9, -0.7, -0.49, -0.2, 0, 0.2, 0.49, 0.7, 0.9]),
        "tapered": np.linspace(-1, 1, 6) * (1 - (inset + 0.2) / w),
    }.get(kind, np.linspace(-0.86, 0.86, int(rng.integers(6, 9))))
    floors = int(rng.integers(14, 19))
    if facade != "piers" or kind == "round":
        thick = 0.075 if facade == "grid" else 0.13
        for y in np.linspace(0.12, 0.96, floors if facade == "grid" else floors - 4) * tall:
            body.box((0, y, 0), (w + 1, thick, span + 1), None, carve=True)
    if facade != "ribbons" and kind != "round":
        thick = 0.05 if facade == "grid" else 0.085
        for u in places:
            body.box((0, tall * 0.53, u * span), (w + 1, tall * 0.43, thick), None, carve=True)
            body.box((u * w, tall * 0.53, 0), (thick, tall * 0.43, span + 1), None, carve=True)
    elif facade == "grid":
        for angle in np.arange(9) * 20:
            body.box((0, tall * 0.53, 0), (w + 1, tall * 0.43, 0.05), None, turned=turn(y=angle), carve=True)
