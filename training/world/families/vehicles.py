"""What runs on wheels, sails and flies, as parametric solids in metres."""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.sdf import Part, Shape, smooth_outline, turn

TOP = turn(x=90)  # a plate drawn in (x, z), extruded along the vertical
FRONT = turn(y=-90)  # a plate drawn in (z, y), extruded along x
SECTION = np.eye(3)[:, [1, 2, 0]]  # a plate drawn in (y, z), extruded along x
AHEAD = turn(z=-90)  # takes a lathe's axis to +x

ROAD = ("street", "studio", "grass", "desert", "snow", "beach", "night")
PAINTS = ("red", "blue", "white", "black", "silver", "green", "yellow", "orange", "grey", "beige", "turquoise", "brown")


def sheet(part: Part, outline, half: float, m: int, at=(0.0, 0.0, 0.0), frame=TOP, **how) -> None:
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
    around = [(b[0] + way * 0.01, low), (b[0] + way * room, low), (b[0] + way * room, wide),
              (a[0] - way * room, wide), (a[0] - way * room, low), (a[0] - way * 0.01, low)]
    part.plate((0, 0, 0), np.concatenate([curve, around]), depth, m, turned=frame, mirror=True, carve=True)


def _rubber(shape: Shape) -> int:
    return shape.material((0.022, 0.022, 0.024), "matte")


def _glass(shape: Shape) -> int:
    return shape.material((0.025, 0.035, 0.045), "glass")


def _chrome(shape: Shape) -> int:
    return shape.material((0.62, 0.63, 0.65), "metal")


def _wheels(shape: Shape, axles, radius: float, width: float, track: float, holes: int, rim: float = 0.62) -> None:
    """Two wheels on each axle (an x); `track` is the z of their outer faces."""
    rubber, metal = _rubber(shape), _chrome(shape)
    tyres, hubs = shape.part("tyres"), shape.part("hubs")
    for x in axles:
        tyres.cone((x, radius, track - width), (x, radius, track), radius, m=rubber, round=0.15 * width, mirror=True)
        hubs.cone((x, radius, track - width), (x, radius, track + 0.015), rim * radius, m=metal, round=0.01,
                  mirror=True)
        for angle in np.arange(holes) * 2 * np.pi / max(holes, 1) + np.pi / 2:
            u, v = rim * radius * 0.62 * np.cos(angle), rim * radius * 0.62 * np.sin(angle)
            hubs.cone((x + u, radius + v, -track * 2), (x + u, radius + v, track * 2), radius * 0.8 / (holes + 1),
                      m=rubber, carve=True)
        if not holes:
            hubs.ellipsoid((x, radius, track + 0.01), (rim * radius * 0.5, rim * radius * 0.5, 0.04), metal,
                           mirror=True)


@family("car_(sedan)", colours=PAINTS, places=ROAD)
def car(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["saloon", "saloon", "hatchback", "sports", "vintage"])
    paint, glass, chrome = shape.material(look.rgb, "plastic"), _glass(shape), _chrome(shape)
    dark, lamp = _rubber(shape), shape.material((0.85, 0.85, 0.75), "glass")
    red = shape.material((0.5, 0.01, 0.01), "glass")
    trimmed = dark if rng.random() < 0.4 else paint
    # Where the profile bends: (x, y) of the bonnet's lip, the windscreen's foot, the roof's front and rear, the rear
    # window's foot and the boot's edge.
    bends = {
        "saloon": [(2.05, 0.78), (0.80, 0.98), (0.10, 1.42), (-0.95, 1.40), (-1.62, 1.04), (-2.15, 1.00)],
        "hatchback": [(1.72, 0.80), (0.85, 1.00), (0.20, 1.47), (-1.25, 1.46), (-1.78, 1.05), (-1.88, 0.95)],
        "sports": [(2.05, 0.66), (0.55, 0.88), (-0.15, 1.20), (-0.75, 1.19), (-1.75, 0.93), (-2.10, 0.90)],
        "vintage": [(1.75, 0.92), (0.75, 1.10), (0.42, 1.55), (-0.75, 1.56), (-1.75, 1.02), (-2.05, 0.70)],
    }[kind]
    bends = np.array(bends) * (rng.uniform(0.95, 1.06), rng.uniform(0.96, 1.05))
    lip, cowl, roof0, roof1, deck, edge = bends
    nose, tail = lip[0] + 0.14, edge[0] - 0.10
    wheel = rng.uniform(0.32, 0.36) - (0.03 if kind == "sports" else 0)
    axles = (nose - rng.uniform(0.78, 0.9), tail + rng.uniform(0.75, 0.95))
    wide = rng.uniform(0.84, 0.92)
    middle = (roof0 + roof1) / 2 + (0, 0.04)
    belt = (cowl[1] + deck[1]) / 2 - 0.02
    profile = smooth_outline([
        (nose - 0.10, 0.24), (nose - 0.01, 0.36), (nose, 0.58), lip, (lip + cowl) / 2 + (0, 0.045), cowl,
        (cowl * 0.5 + roof0 * 0.5) + (0.01, 0.02), roof0, middle, roof1, (roof1 + deck) / 2 + (0.0, 0.02), deck,
        edge, (tail, 0.65), (tail + 0.05, 0.36), (tail + 0.25, 0.24), (0, 0.22)], steps=5)
    top = middle[1]
    flank = [(0.1, wide - 0.06), (0.35, wide - 0.01), (0.62, wide), (belt - 0.06, wide - 0.02), (belt, wide - 0.05),
             (top - 0.12, wide - 0.25), (top - 0.03, wide - 0.33), (top + 0.02, wide - 0.50), (top + 0.1, 0.0)]
    bow = [(nose + 0.02, 0.0), (nose, 0.30), (nose - 0.10, wide - 0.22), (nose - 0.32, wide - 0.06),
           (nose - 0.8, wide), (tail + 0.8, wide), (tail + 0.25, wide - 0.06), (tail + 0.05, wide - 0.22), (tail, 0.3),
           (tail - 0.02, 0.0)]
    body = shape.part("body", 0.03)
    sheet(body, profile, wide, paint, frame=np.eye(3))
    trim(body, flank, SECTION, 4, 0.6)
    trim(body, smooth_outline(bow, closed=False), TOP, 3, 0.6)
    for x in axles:
        body.cone((x, wheel, wide - 0.35), (x, wheel, wide + 0.3), wheel * 1.2, m=dark, mirror=True, carve=True)

    # Side windows are cut right through, the screens only through the shell; the glass is a block inside.
    pillar = rng.uniform(-0.45, -0.3) if kind != "sports" else -0.62
    sill, head = belt + 0.02, top - 0.13
    lean0, lean1 = (cowl - roof0) / (cowl[1] - roof0[1]), (deck - roof1) / (deck[1] - roof1[1])
    front0, front1 = (roof0[0] + lean0[0] * (y - roof0[1]) - 0.13 for y in (sill, head))
    rear0, rear1 = (roof1[0] + lean1[0] * (y - roof1[1]) + 0.17 for y in (sill, head))
    sheet(body, [(front0, sill), (front1, head), (pillar + 0.04, head + 0.02), (pillar + 0.04, sill)], 2, None,
          frame=np.eye(3), carve=True)
    if rear0 < pillar - 0.2:
        sheet(body, [(pillar - 0.04, sill), (pillar - 0.04, head + 0.02), (rear1, head), (rear0, sill)], 2, None,
              frame=np.eye(3), carve=True)
    for a, b, reach in ((cowl, roof0, 0.42), (deck, roof1, 0.38)):
        d = b - a
        body.box((*((a + b) / 2 + (0, 0.02)), 0), (np.hypot(*d) * reach, 0.07, wide - 0.28), None,
                 turned=turn(z=np.degrees(np.arctan2(d[1], d[0]))), carve=True)
    cabin = shape.part("glass")
    sheet(cabin, smooth_outline([cowl + (-0.12, -0.06), roof0 + (-0.01, -0.035), middle - (0, 0.05),
                                 roof1 + (0.01, -0.035), deck + (0.12, -0.06)], steps=4), wide, glass, frame=np.eye(3))
    trim(cabin, [(y, max(z - 0.045, 0)) for y, z in flank], SECTION, 4, 0.6)

    doors = (front0 + 0.12, pillar) if kind in ("sports", "vintage") else (front0 + 0.12, pillar, rear0 - 0.05)
    for x in doors:
        body.box((x, (belt + 0.34) / 2, wide), (0.012, (belt - 0.34) / 2, 0.05), dark, mirror=True, carve=True)
    details = shape.part("handles")
    for x in doors[1:]:
        details.limb((x + 0.10, belt - 0.14, wide - 0.015), (x + 0.24, belt - 0.14, wide - 0.015), 0.022, m=chrome,
                     mirror=True)
    details.ellipsoid((front0 - 0.05, sill + 0.06, wide + 0.05), (0.08, 0.065, 0.09), paint, mirror=True)
    front, back, lights = shape.part("bumper"), shape.part("rear bumper"), shape.part("lights")
    high = lip[1] - 0.10
    if kind == "vintage":
        fenders = shape.part("fenders", 0.04)
        for x in axles:
            fenders.ellipsoid((x, wheel + 0.10, wide - 0.10), (0.62, 0.40, 0.24), paint, mirror=True)
            fenders.cone((x, wheel, wide - 0.4), (x, wheel, wide + 0.5), wheel * 1.15, m=dark, mirror=True, carve=True)
        fenders.box((np.mean(axles), 0.30, wide - 0.06), ((axles[0] - axles[1]) / 2, 0.04, 0.16), paint, round=0.03,
                    mirror=True)
        for x, p in ((nose + 0.12, front), (tail - 0.10, back)):
            p.limb((x, 0.42, 0), (x - np.sign(x) * 0.10, 0.42, wide - 0.05), 0.055, m=chrome, mirror=True)
        lights.ellipsoid((axles[0] + 0.40, high - 0.08, wide - 0.16), (0.13, 0.13, 0.13), chrome, mirror=True)
        lights.ellipsoid((axles[0] + 0.46, high - 0.08, wide - 0.16), (0.10, 0.11, 0.11), lamp, mirror=True)
        front.box((nose - 0.02, 0.68, 0), (0.06, 0.16, 0.22), chrome, round=0.03)
        for z in (-0.12, 0, 0.12):
            front.box((nose + 0.04, 0.68, z), (0.06, 0.13, 0.025), dark, carve=True)
    else:
        slant = turn(y=rng.uniform(14, 24))
        lights.ellipsoid((nose - 0.10, high, wide - 0.30), (0.11, rng.uniform(0.05, 0.09), 0.20), lamp, turned=slant,
                         mirror=True)
        front.box((nose - 0.02, 0.40, 0), (0.07, 0.09, wide - 0.26), trimmed, round=0.05)
        front.limb((nose - 0.02, 0.40, wide - 0.28), (nose - 0.30, 0.40, wide - 0.05), 0.085, m=trimmed, mirror=True)
        back.box((tail + 0.02, 0.43, 0), (0.06, 0.09, wide - 0.26), trimmed, round=0.05)
        back.limb((tail + 0.02, 0.43, wide - 0.28), (tail + 0.30, 0.43, wide - 0.05), 0.08, m=trimmed, mirror=True)
        body.box((nose + 0.02, high - 0.04, 0), (0.09, 0.06, rng.uniform(0.25, 0.42)), dark, round=0.02, carve=True)
    lights.box((tail + 0.08, edge[1] - 0.16, wide - 0.29), (0.06, 0.07, 0.15), red, turned=turn(y=-20), round=0.03,
               mirror=True)
    plates = shape.part("number plates")
    white = shape.material((0.75, 0.75, 0.70), "plastic")
    plates.box((nose + 0.05, 0.42, 0), (0.03, 0.055, 0.24), white)
    plates.box((tail - 0.02, 0.60, 0), (0.04, 0.06, 0.24), white)
    if kind == "sports" and rng.random() < 0.6:
        wing = shape.part("spoiler")
        wing.box((tail + 0.2, edge[1] + 0.24, 0), (0.16, 0.025, wide - 0.08), paint, turned=turn(z=-8), round=0.02)
        wing.box((tail + 0.22, edge[1] + 0.08, wide - 0.25), (0.06, 0.17, 0.02), dark, mirror=True)
    _wheels(shape, axles, wheel, 0.2, wide - 0.005 + (0.06 if kind == "vintage" else 0), 0 if kind == "vintage"
            else int(rng.integers(5, 7)))


@family("pickup_truck", colours=PAINTS, places=ROAD)
def pickup_truck(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    old, double = rng.random() < 0.35, rng.random() < 0.4
    paint, glass, chrome, dark = shape.material(look.rgb, "plastic"), _glass(shape), _chrome(shape), _rubber(shape)
    lamp, red = shape.material((0.85, 0.85, 0.75), "glass"), shape.material((0.5, 0.01, 0.01), "glass")
    wheel, wide, lift = rng.uniform(0.38, 0.43), rng.uniform(0.90, 0.98), rng.uniform(0.0, 0.16)
    nose, tail = 2.6, -2.6 - rng.uniform(0, 0.3)
    back = (-0.95 if double else -0.30) + rng.uniform(-0.1, 0.1)  # the cab's rear wall
    bonnet, bed, top = 1.12 + lift, 1.10 + lift + rng.uniform(-0.05, 0.05), 1.78 + lift + rng.uniform(-0.06, 0.06)
    cowl = np.array([1.25 if not old else 0.95, bonnet + 0.06])
    roof0 = np.array([cowl[0] - (0.55 if not old else 0.22), top - 0.05])
    low = 0.42 + lift
    axles = (nose - rng.uniform(0.85, 0.95), tail + rng.uniform(1.1, 1.3))
    cab = shape.part("cab", 0.03)
    sheet(cab, smooth_outline([(nose - 0.06, low), (nose, low + 0.15), (nose, bonnet - 0.25),
                               (nose - 0.14, bonnet - 0.04),
                               ((nose + cowl[0]) / 2, bonnet + 0.03), cowl, roof0, (roof0 + (back, top)) / 2 + (0,
                                                                                                                0.03),
                               (back + 0.12, top - 0.03), (back, top - 0.25), (back, bonnet - 0.3), (back,
                                                                                                     low)], steps=4),
          wide, paint, frame=np.eye(3))
    flank = [(0.1, wide - 0.06), (low + 0.3, wide), (bonnet - 0.04, wide - 0.01), (bonnet, wide - 0.04),
             (top - 0.1, wide - 0.18), (top, wide - 0.26), (top + 0.05, wide - 0.5), (top + 0.15, 0.0)]
    trim(cab, flank, SECTION, 4, 0.6)
    pinch = 0.22 if old else 0.08
    trim(cab, smooth_outline([(nose + 0.02, 0), (nose, 0.4), (nose - 0.1, wide - pinch - 0.06),
                              (nose - 0.4, wide - pinch), (1.1, wide - pinch / 2), (0.8, wide), (back, wide),
                              (back - 0.1, wide), (back - 0.2, 0)], closed=False, steps=4), TOP, 3, 0.6)
    for x in axles[:1]:
        cab.cone((x, wheel, wide - 0.4), (x, wheel, wide + 0.3), wheel * 1.18, m=dark, mirror=True, carve=True)
    sill, head = bonnet + 0.08, top - 0.16
    lean = (cowl - roof0) / (cowl[1] - roof0[1])
    front0, front1 = (roof0[0] + lean[0] * (y - roof0[1]) - 0.12 for y in (sill, head))
    panes = [(front0, front1, back + 0.16)]
    if double:
        pillar = (front1 + back) / 2
        panes = [(front0, front1, pillar + 0.05), (pillar - 0.05, pillar - 0.05, back + 0.16)]
    for a, b, c in panes:
        sheet(cab, [(a, sill), (b, head), (c, head), (c, sill)], 2, None, frame=np.eye(3), carve=True)
    d = roof0 - cowl
    cab.box((*((cowl + roof0) / 2 + (0.0, 0.02)), 0), (np.hypot(*d) * 0.40, 0.16, wide - 0.26), None,
            turned=turn(z=np.degrees(np.arctan2(d[1], d[0]))), carve=True)
    cab.box((back, (sill + head) / 2, 0), (0.07, (head - sill) / 2, wide - 0.34), None, carve=True)
    for x in (front0 + 0.1, *(c - 0.08 for _, _, c in panes)):
        cab.box((x, (sill + low) / 2, wide), (0.013, (sill - low) / 2 - 0.06, 0.06), dark, mirror=True, carve=True)
    cabin = shape.part("glass")
    sheet(cabin, [cowl + (-0.14, -0.1), roof0 + (-0.02, -0.06), (back + 0.1, top - 0.08), (back + 0.05, bonnet)], wide,
          glass, frame=np.eye(3))
    trim(cabin, [(y, max(z - 0.05, 0)) for y, z in flank], SECTION, 4, 0.6)

    load = shape.part("bed")
    mid, reach = (back - 0.05 + tail) / 2, (back - 0.05 - tail) / 2
    load.box((mid, (bed + low) / 2, 0), (reach, (bed - low) / 2, wide - (0.12 if old else 0.0)), paint, round=0.05)
    load.box((mid, bed, 0), (reach - 0.09, bed - 2.18 * wheel - 0.03, wide - (0.24 if old else 0.12)), dark, round=0.02,
             carve=True)
    if old:
        fender = shape.part("fenders", 0.03)
        for x in axles:
            fender.ellipsoid((x, wheel + 0.14, wide - 0.08), (0.66, 0.42, 0.22), paint, mirror=True)
            fender.cone((x, wheel, wide - 0.4), (x, wheel, wide + 0.5), wheel * 1.15, m=dark, mirror=True, carve=True)
    else:
        load.cone((axles[1], wheel, wide - 0.4), (axles[1], wheel, wide + 0.3), wheel * 1.18, m=dark, mirror=True,
                  carve=True)
        load.box((tail, (bed + low) / 2, 0), (0.02, (bed - low) / 2 - 0.1, wide - 0.2), dark, carve=True)
        load.box((tail + 0.01, (bed + low) / 2, 0), (0.03, (bed - low) / 2 - 0.13, wide - 0.24), paint)
    shape.part("frame").box(((nose + tail) / 2, low + 0.02, 0), ((nose - tail) / 2 - 0.2, 0.1, 0.55), dark)
    trimming, lights = shape.part("bumpers"), shape.part("lights")
    trimming.box((nose + 0.05, low + 0.12, 0), (0.07, 0.1, wide - 0.06), chrome, round=0.05)
    trimming.box((tail - 0.06, low + 0.08, 0), (0.07, 0.08, wide - 0.1), chrome, round=0.04)
    grille = 0.30 if old else wide - 0.38
    cab.box((nose, bonnet - 0.33, 0), (0.06, 0.17, grille), dark, round=0.02, carve=True)
    for y in (-0.09, 0.0, 0.09):
        trimming.box((nose - 0.01, bonnet - 0.33 + y, 0), (0.03, 0.02, grille), chrome)
    if old:
        lights.ellipsoid((nose - 0.16, bonnet - 0.12, wide - 0.22), (0.16, 0.13, 0.13), chrome, mirror=True)
        lights.ellipsoid((nose - 0.06, bonnet - 0.12, wide - 0.22), (0.08, 0.11, 0.11), lamp, mirror=True)
    else:
        lights.box((nose - 0.05, bonnet - 0.30, wide - 0.24), (0.09, 0.10, 0.13), lamp, turned=turn(y=12), round=0.03,
                   mirror=True)
    lights.box((tail, bed - 0.22, wide - (0.2 if old else 0.08)), (0.04, 0.14, 0.06), red, round=0.02, mirror=True)
    details = shape.part("mirrors")
    details.ellipsoid((front0 - 0.02, sill + 0.1, wide + 0.08), (0.06, 0.11, 0.10), dark, mirror=True)
    for _, _, c in panes:
        details.limb((c, sill - 0.16, wide - 0.01), (c + 0.16, sill - 0.16, wide - 0.01), 0.026, m=chrome, mirror=True)
    _wheels(shape, axles, wheel, 0.27, wide + 0.02, 0 if old else 6)


@family("airplane", colours=("white", "silver", "red", "blue", "yellow", "green", "grey", "orange"),
        places=("sky", "sky", "sky", "snow", "beach", "desert"), stance="air")
def airplane(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["airliner", "airliner", "propeller", "biplane", "fighter"])
    {"airliner": _airliner, "propeller": _light_plane, "biplane": _light_plane, "fighter": _fighter}[kind](
        shape, rng, look, *([kind == "biplane"] if kind in ("propeller", "biplane") else []))


def _wing(part: Part, root, span: float, chord: float, tip: float, sweep: float, thick: float, m: int,
          dihedral: float = 0.0, mirror: bool = True, upright: bool = False) -> None:
    """A wing from `root` (the middle of its chord) outwards along z, or along y for a fin; `sweep` is how far the
    tip's middle lies behind the root's, `dihedral` in degrees."""
    outline = np.array([(chord / 2, 0), (tip / 2 - sweep, span), (-tip / 2 - sweep, span), (-chord / 2, 0)])
    frame = np.eye(3) if upright else turn(x=-dihedral) @ TOP
    sheet(part, outline, thick * 0.3, m, at=root, frame=frame, round=thick * 0.7, mirror=mirror)


def _airliner(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint, dark, steel = shape.material(look.rgb, "plastic"), _glass(shape), _chrome(shape)
    accent = shape.material([(0.5, 0.03, 0.04), (0.03, 0.08, 0.4), (0.75, 0.4, 0.03)][rng.integers(3)], "plastic")
    r, half = rng.uniform(1.9, 2.3), rng.uniform(14, 18)
    rear = rng.random() < 0.25  # engines at the tail
    body = shape.part("fuselage", 0.5)
    body.ellipsoid((half - 4.2, -0.1, 0), (4.4, r, r), paint)
    body.limb((half - 4.5, 0, 0), (-half + 9, 0, 0), r, m=paint)
    body.limb((-half + 9.5, 0, 0), (-half + 0.6, r * 0.55, 0), r * 0.96, 0.5, m=paint)
    n = int(rng.integers(10, 14))
    for x in np.linspace(half - 6.5, -half + 8.5, n):
        body.cone((x, r * 0.30, -3), (x, r * 0.30, 3), 0.30, m=None, carve=True)
    body.box((half - 2.0, r * 0.47, 0), (0.75, 0.34, 3), None, turned=turn(z=-22), carve=True)
    inside = shape.part("windows")
    inside.limb((half - 4.5, 0, 0), (-half + 9, 0, 0), r * 0.93, m=dark)
    inside.ellipsoid((half - 4.2, -0.1, 0), (4.1, r * 0.93, r * 0.93), dark)
    wings = shape.part("wings")
    span = half * rng.uniform(0.86, 1.0)
    _wing(wings, (1.2, -r * 0.55, 0.5), span, 6.4, 1.5, rng.uniform(5.0, 7.0), 0.32, paint, dihedral=6)
    tail = shape.part("tail")
    _wing(tail, (-half + 3.0, r * 0.7, 0), rng.uniform(5.2, 6.4), 5.2, 2.0, 3.6, 0.26, accent, mirror=False,
          upright=True)
    high = r * 0.45 if not rear else r * 0.7 + 5.2
    _wing(shape.part("stabiliser"), (-half + (2.6 if not rear else -0.4), high, 0), 5.6, 3.2, 1.3, 2.6, 0.22, paint,
          dihedral=4)
    engines = shape.part("engines")
    for z in ([r + 1.5] if rear else [span * 0.36] if rng.random() < 0.6 else [span * 0.33, span * 0.62]):
        y = 0.6 if rear else -r * 0.55 + z * 0.1 - 1.25
        x = -half + 9 if rear else 3.6 - z * 0.33
        engines.limb((x + 1.4, y, z), (x - 2.4, y, z), 1.15, 0.65, m=steel, mirror=True)
        engines.cone((x + 1.9, y, z), (x + 3.2, y, z), 0.9, 1.0, m=dark, mirror=True, carve=True)
        if rear:
            engines.box((x, y, z - 1.2), (1.2, 0.2, 1.0), paint, mirror=True)
        else:
            engines.box((x - 1.6, y + 1.1, z), (1.6, 0.5, 0.15), steel, mirror=True)


def _propeller(shape: Shape, x: float, y: float, radius: float, blades: int, tilt: float, m: int, tip: int) -> None:
    """Blades that turn about the x axis, with a spinner."""
    part = shape.part("propeller")
    part.ellipsoid((x, y, 0), (radius * 0.28, radius * 0.14, radius * 0.14), tip)
    for angle in tilt + np.arange(blades) * 360 / blades:
        frame = turn(x=angle)
        centre = np.array([x, y, 0]) + frame @ (0, radius / 2, 0)
        part.ellipsoid(centre, (radius * 0.035, radius * 0.52, radius * 0.09), m, turned=frame)


def _light_plane(shape: Shape, rng: np.random.Generator, look: Look, biplane: bool) -> None:
    paint, dark, steel, rubber = shape.material(look.rgb, "plastic"), _glass(shape), _chrome(shape), _rubber(shape)
    wood = shape.material((0.18, 0.08, 0.03), "wood")
    pale = shape.material((0.8, 0.78, 0.72), "plastic")
    low = not biplane and rng.random() < 0.4  # a low-winged warbird or tourer
    body = shape.part("fuselage", 0.18)
    body.ellipsoid((2.3, 0, 0), (1.1, 0.58, 0.56), paint)
    body.limb((2.0, 0.02, 0), (0.2, 0.08, 0), 0.58, 0.62, m=paint)
    body.limb((0.0, 0.05, 0), (-4.0, 0.22, 0), 0.60, 0.16, m=paint)
    wings = shape.part("wings")
    span, chord = rng.uniform(4.6, 5.6), rng.uniform(1.45, 1.75)
    high = 0.85 if not low else -0.35
    cabin = shape.part("cabin", 0.08)
    if biplane:
        cabin.ellipsoid((-0.5, 0.62, 0), (0.48, 0.16, 0.34), dark)
        cabin.box((0.05, 0.74, 0), (0.03, 0.16, 0.30), dark, turned=turn(z=25), round=0.02)
        high, span = 1.15, span * 0.86
        _wing(wings, (0.9, -0.42, 0), span * 0.95, chord, chord * 0.8, 0, 0.11, paint, dihedral=3)
        struts = shape.part("struts")
        for z, y in ((span * 0.62, -0.25), (0.42, 0.3)):
            for x in (0.5, 1.3):
                struts.limb((x, y, z), (x + 0.15, high, z), 0.05, m=wood, mirror=True)
    elif low:
        cabin.ellipsoid((0.0, 0.58, 0), (1.15, 0.42, 0.42), dark)
    else:
        cabin.box((0.55, 0.52, 0), (0.85, 0.34, 0.50), dark, round=0.12)
        body.box((-0.55, 0.58, 0), (0.5, 0.24, 0.44), paint, round=0.1)
        pillars = shape.part("pillars")
        for x, top in ((1.38, 1.05), (0.45, 0.45), (-0.3, -0.3)):
            pillars.limb((x, 0.25, 0.5), (top, 0.84, 0.5), 0.05, m=paint, mirror=True)
        struts = shape.part("struts")
        struts.limb((0.5, -0.4, 0.5), (0.5, high - 0.02, span * 0.5), 0.05, m=paint, mirror=True)
    _wing(wings, (0.75, high, 0), span, chord, chord * rng.uniform(0.6, 0.85), 0.1, 0.12, paint, dihedral=5 if low
          else 1.5)
    tail = shape.part("tail")
    sheet(tail, smooth_outline([(-2.9, 0.3), (-3.6, 1.25), (-4.1, 1.35), (-4.35, 0.8), (-4.2, 0.1)], steps=4), 0.03,
          paint, frame=np.eye(3), round=0.03)
    _wing(shape.part("stabiliser"), (-3.75, 0.26, 0), 1.75, 1.0, 0.6, 0.15, 0.08, paint)
    _propeller(shape, 3.35, 0, rng.uniform(0.95, 1.15), int(rng.integers(2, 4)), rng.uniform(0, 180),
               wood if biplane else steel, pale)
    gear, tyres = shape.part("gear"), shape.part("tyres")
    deep = -1.25
    gear.limb((1.3, -0.45, 0.3), (1.35, deep, 1.05), 0.06, m=steel, mirror=True)
    tyres.cone((1.35, deep, 0.95), (1.35, deep, 1.18), 0.32, m=rubber, round=0.08, mirror=True)
    if biplane or low:
        tyres.cone((-3.9, -0.22, -0.06), (-3.9, -0.22, 0.06), 0.16, m=rubber, round=0.04)
        gear.limb((-3.6, 0.1, 0), (-3.9, -0.22, 0), 0.05, m=steel)
    else:
        gear.limb((2.6, -0.4, 0), (2.75, deep, 0), 0.06, m=steel)
        tyres.cone((2.75, deep, -0.1), (2.75, deep, 0.1), 0.27, m=rubber, round=0.06)


def _fighter(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint, dark, steel = shape.material(look.rgb, "plastic"), _glass(shape), _chrome(shape)
    body = shape.part("fuselage", 0.3)
    body.limb((3, 0, 0), (8.2, -0.1, 0), 0.85, 0.08, m=paint)
    body.limb((3, 0, 0), (-6, 0, 0), 0.9, 0.8, m=paint)
    body.box((-1.0, -0.25, 0), (4.0, 0.55, 1.25), paint, round=0.3)
    intake = shape.part("intakes")
    intake.box((2.4, -0.2, 1.15), (1.4, 0.5, 0.4), paint, round=0.12, mirror=True)
    intake.box((3.9, -0.2, 1.18), (0.4, 0.38, 0.28), dark, mirror=True, carve=True)
    shape.part("canopy").ellipsoid((3.9, 0.62, 0), (1.7, 0.55, 0.48), dark)
    wings = shape.part("wings")
    sweep, span = rng.uniform(2.0, 3.2), rng.uniform(4.6, 5.4)
    _wing(wings, (-1.2, -0.1, 0.6), span, 6.0, 1.3, sweep, 0.12, paint)
    _wing(wings, (-5.6, -0.1, 0.5), 2.9, 2.6, 1.0, 1.6, 0.10, paint)
    fins = shape.part("tail")
    twin = rng.random() < 0.5
    _wing(fins, (-4.6, 0.4, 0.95 if twin else 0), rng.uniform(2.4, 3.0), 3.2, 1.3, 2.0, 0.1, paint, mirror=twin,
          upright=True)
    jets = shape.part("nozzle")
    for z in ((-0.62, 0.62) if twin else (0.0,)):
        jets.cone((-6.0, 0, z), (-7.2, 0, z), 0.72 if not twin else 0.58, 0.5, m=steel)
        jets.cone((-6.9, 0, z), (-7.5, 0, z), 0.40, 0.46, m=dark, carve=True)
    weapons = shape.part("missiles")
    weapons.limb((-1.2, -0.55, 2.6), (1.2, -0.55, 2.6), 0.17, m=steel, mirror=True)


@family("sailboat", colours=("white", "red", "blue", "yellow", "orange", "green", "turquoise", "beige", "pink"),
        places=("water",), stance="water", waterline=0.045)
def sailboat(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    cloth = shape.material(look.rgb, "fabric")
    bright = (0.8, 0.8, 0.77)
    hulls = [look.rgb, bright, (0.30, 0.13, 0.045), (0.03, 0.05, 0.16)]
    which = int(rng.integers(4))
    skin = shape.material(hulls[which], "wood" if which == 2 else "plastic")
    deck = shape.material((0.45, 0.27, 0.12), "wood", "planks", (0.3, 0.17, 0.07), 0.02)
    spar = shape.material((0.40, 0.24, 0.10), "wood") if rng.random() < 0.5 else _chrome(shape)
    dark, rope = _glass(shape), shape.material((0.12, 0.12, 0.12), "matte")
    half, beam, tall = rng.uniform(3.6, 4.6), rng.uniform(1.15, 1.45), rng.uniform(9.0, 11.5)
    hull = shape.part("hull")
    stern = -half + 0.35
    sheet(hull, smooth_outline([(half, 1.25), (half - 0.55, 0.45), (half - 1.4, -0.15), (0, -0.5), (stern + 0.5, -0.15),
                                (stern - 0.2, 0.25), (stern, 0.95), (0, 0.85)], steps=5), beam, skin, frame=np.eye(3))
    plan = smooth_outline([(half + 0.02, 0.0), (half - 0.9, beam * 0.42), (half - 2.4, beam * 0.83), (0, beam),
                           (stern + 1.5, beam * 0.92), (stern - 0.1, beam * 0.68), (stern - 0.3, 0.0)], closed=False)
    trim(hull, plan, TOP, 2, 1.0)
    trim(hull, smooth_outline([(-0.6, 0.0), (-0.35, beam * 0.45), (0.1, beam * 0.78), (0.6, beam * 0.95),
                               (1.4, beam * 1.02)], closed=False), SECTION, 6, 1.0)
    top = shape.part("deck")
    sheet(top, smooth_outline([(half - 0.25, 0), (half - 2.4, beam * 0.74), (0, beam * 0.9), (stern + 0.15, beam * 0.6),
                               (stern + 0.15, -beam * 0.6), (0, -beam * 0.9), (half - 2.4, -beam * 0.74)], steps=4),
          0.05, deck, at=(0, 0.88, 0))
    house = shape.part("cabin")
    white = shape.material(bright, "plastic")
    house.box((0.5, 1.05, 0), (1.3, 0.28, beam * 0.52), white, round=0.1)
    for x in (0.0, 0.55, 1.1):
        house.box((x, 1.12, 0), (0.16, 0.08, 2), dark, round=0.03, carve=True)
    step = rng.uniform(0.3, 0.9)
    mast = shape.part("mast")
    mast.limb((step, 0.9, 0), (step, tall, 0), 0.085, 0.06, m=spar)
    swing = np.radians(rng.uniform(8, 24)) * rng.choice([-1, 1])
    boom_end = np.array([step, 1.75, 0]) + (half * 0.98 + step * 0.3) * np.array([-np.cos(swing), 0, np.sin(swing)])
    mast.limb((step, 1.75, 0), boom_end, 0.07, m=spar)
    reach = np.hypot(*(boom_end - (step, 1.75, 0))[[0, 2]])
    _sail(shape, "mainsail", cloth, (step, 1.75, 0), swing,
          [(-0.12, 0.12), (-0.12, tall - 2.1), (-0.35, tall - 2.1), (-reach * 0.45, (tall - 2.1) * 0.62),
           (-reach * 0.78, (tall - 2.1) * 0.28), (-reach * 0.97, 0.12)])
    stem = np.array([half - 0.1, 1.25, 0])
    peak = np.array([step, tall * rng.uniform(0.80, 0.96), 0])
    rigging = shape.part("stays")
    rigging.limb(stem, peak, 0.035, m=rope)
    rigging.limb((stern, 1.0, 0), (step, tall - 0.1, 0), 0.035, m=rope)
    rigging.limb((step - 0.3, 0.9, beam * 0.9), (step, tall * 0.8, 0), 0.03, m=rope, mirror=True)
    lean = stem - peak
    clew = rng.uniform(-0.9, 0.2)  # a small jib or a genoa that overlaps the mast
    jib = [(lean[0] * 0.04 - 0.03, 0), (lean[0] * 0.95 - 0.1, lean[1] * 0.95), (clew, lean[1] * 0.90),
           (clew * 0.35 + 0.05, lean[1] * 0.45)]
    _sail(shape, "jib", cloth, peak, -swing * 0.35, [(x, y) for x, y in jib])
    if rng.random() < 0.5:
        pennant = shape.material((0.6, 0.04, 0.04), "fabric")
        sheet(shape.part("pennant"), [(0, 0), (-0.8, -0.2), (0, -0.42)], 0.02, pennant, at=(step, tall + 0.2, 0),
              frame=np.eye(3))
    rudder = shape.part("rudder")
    rudder.box((stern - 0.15, 0.3, 0), (0.14, 0.55, 0.04), skin, round=0.03)


def _sail(shape: Shape, name: str, m: int, at, swing: float, outline) -> None:
    """A bellied sail: an outline in the upright plane through `at`, swung by `swing` radians about the vertical, of
    which only a curved slice is left."""
    frame = turn(y=np.degrees(swing))
    outline = np.asarray(outline, float)
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    wide = np.ptp(outline[:, 0])
    side = 1.0 if swing > 0 else -1.0
    belly = 0.11 * wide
    part = shape.part(name)
    at = np.asarray(at, float)
    # The slice: seen from above, an arc of height `belly`, thin to both sides.
    x = np.linspace(-0.62, 0.62, 13) * wide
    arc = side * (belly * (1 - (2 * x / wide) ** 2))
    centre = at + frame[:, :2] @ middle
    part.plate(centre, outline - middle, belly * 1.6, m, turned=frame)
    thick = 0.035
    for sign in (-1, 1):
        edge = np.stack([x, arc + sign * thick], axis=1)
        far = np.array([(x[-1], sign * (belly * 3 + 1)), (x[0], sign * (belly * 3 + 1))])
        part.plate(centre, np.concatenate([edge, far]), 30, None, turned=frame @ TOP, carve=True)


@family("bicycle", colours=("red", "blue", "black", "white", "green", "yellow", "orange", "turquoise", "pink",
                            "silver"),
        places=("street", "grass", "studio", "beach", "forest", "snow", "night"))
def bicycle(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["road", "city", "mountain"])
    paint, rubber, steel = shape.material(look.rgb, "plastic"), _rubber(shape), _chrome(shape)
    leather = shape.material([(0.02, 0.02, 0.02), (0.16, 0.07, 0.03)][rng.integers(2)], "fabric")
    r = rng.uniform(0.33, 0.36)
    tyre = {"road": 0.020, "city": 0.024, "mountain": 0.034}[kind] * rng.uniform(0.95, 1.1)
    rear, front = np.array([-0.48, r, 0]), np.array([0.55, r, 0]) + (rng.uniform(-0.02, 0.04), 0, 0)
    crank = np.array([-0.06, r - 0.05, 0])
    high = rng.uniform(0.86, 0.95)
    seat, head = np.array([-0.22, high - 0.12, 0]), np.array([0.36, high - 0.04, 0])
    neck = head + np.array([0.035, -0.13, 0])
    tube = 0.021
    wheels, spokes = shape.part("tyres"), shape.part("spokes")
    start = rng.uniform(0, 30)
    for hub in (rear, front):
        wheels.ring(hub, r - tyre, tyre, rubber)
        spokes.ring(hub, r - tyre * 2.3, 0.011, steel)
        spokes.limb(hub - (0, 0, 0.05), hub + (0, 0, 0.05), 0.024, m=steel)
        for angle in np.radians(start + np.arange(6) * 30):
            d = (r - 0.04) * np.array([np.cos(angle), np.sin(angle), 0])
            spokes.limb(hub - d, hub + d, 0.0055, m=steel)
    frame = shape.part("frame", 0.008)
    if kind == "city" and rng.random() < 0.6:  # a step-through frame
        frame.chain([neck + (0, 0.02, 0), (0.12, 0.52, 0), crank + (0.02, 0.12, 0)], tube, paint)
        frame.chain([neck, (0.16, 0.42, 0), crank], tube, paint)
    else:
        frame.limb(seat - (0, 0.06, 0), head - (0, 0.02, 0), tube, m=paint)
        frame.limb(neck, crank, tube * 1.1, m=paint)
    frame.limb(seat, crank, tube, m=paint)
    frame.limb(head + (-0.012, 0.03, 0), neck, tube * 1.25, m=paint)
    frame.limb(seat - (0, 0.05, 0), rear + (0, 0, 0.05), 0.012, m=paint, mirror=True)
    frame.limb(crank, rear + (0, 0, 0.05), 0.014, m=paint, mirror=True)
    fork = shape.part("fork", 0.006)
    fork.chain([neck + (0, 0, 0.01), neck + (0.03, -0.05, 0.055), front + (-0.03, 0.12, 0.05), front + (0, 0, 0.05)],
               0.016, paint, mirror=True)
    drive = shape.part("cranks")
    drive.ring(crank + (0, 0, 0.06), 0.09, 0.010, steel)
    for angle in (20, 80, 140):
        d = 0.085 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0])
        drive.limb(crank - d + (0, 0, 0.06), crank + d + (0, 0, 0.06), 0.008, m=steel)
    drive.ring(rear + (0, 0, 0.06), 0.04, 0.012, steel)
    for y in (1, -1):
        drive.limb(rear + (0, 0.045 * y, 0.06), crank + (0, 0.09 * y, 0.06), 0.007, m=rubber)
    turned = np.radians(rng.uniform(-60, 60))
    pedals = shape.part("pedals")
    for sign in (1, -1):
        end = crank + sign * np.array([0.17 * np.cos(turned), 0.17 * np.sin(turned), 0.09])
        drive.limb(crank + (0, 0, sign * 0.09), end, 0.012, m=steel)
        pedals.box(end + (0, 0, sign * 0.05), (0.045, 0.014, 0.05), rubber, round=0.01)
    post = shape.part("seat post")
    up = (seat - crank) / np.linalg.norm(seat - crank)
    saddle = seat + up * rng.uniform(0.10, 0.16)
    post.limb(seat, saddle, 0.014, m=steel)
    cushion = shape.part("saddle", 0.02)
    cushion.ellipsoid(saddle + (-0.06, 0.025, 0), (0.10, 0.032, 0.085), leather)
    cushion.limb(saddle + (-0.04, 0.03, 0), saddle + (0.14, 0.025, 0), 0.034, 0.022, m=leather)
    bars, grips = shape.part("handlebar", 0.006), shape.part("grips")
    stem = head + (0.0, 0.09, 0)
    bars.limb(head, stem, 0.016, m=steel)
    if kind == "road":
        grip = stem + (0.07, 0.0, 0)
        bars.limb(stem, grip, 0.016, m=steel)
        drops = [grip, grip + (0, 0, 0.19), grip + (0.08, -0.01, 0.21), grip + (0.10, -0.08, 0.21),
                 grip + (0.05, -0.13, 0.21), grip + (-0.05, -0.13, 0.21)]
        bars.chain(drops[:3], 0.013, steel, mirror=True)
        grips.chain(drops[2:], 0.018, leather, mirror=True)
    elif kind == "city":
        grip = stem + (0.05, 0.08, 0)
        bars.chain([stem, grip, grip + (0.02, 0.03, 0.16), grip + (-0.08, 0.02, 0.26)], 0.012, steel, mirror=True)
        grips.limb(grip + (-0.08, 0.02, 0.26), grip + (-0.22, 0.0, 0.29), 0.02, m=leather, mirror=True)
    else:
        grip = stem + (0.06, 0.03, 0)
        bars.chain([stem, grip, grip + (-0.02, 0.02, 0.22)], 0.014, steel, mirror=True)
        grips.limb(grip + (-0.02, 0.02, 0.22), grip + (-0.04, 0.02, 0.34), 0.021, m=rubber, mirror=True)
    if kind == "city":
        guards = shape.part("mudguards")
        guards.ring(rear, r + 0.018, 0.016, paint, turned=turn(z=35), arc=190)
        guards.ring(front, r + 0.018, 0.016, paint, turned=turn(z=25), arc=150)
        if rng.random() < 0.6:
            wicker = shape.material((0.35, 0.19, 0.07), "wood", "checks", (0.2, 0.1, 0.04), 0.02)
            basket = shape.part("basket")
            at = np.array([front[0] + 0.0, high + 0.02, 0])
            basket.box(at, (0.12, 0.10, 0.17), wicker, round=0.02)
            basket.box(at + (0, 0.05, 0), (0.105, 0.13, 0.155), wicker, carve=True)
        else:
            rack = shape.part("rack")
            rack.box(rear + (0.02, r + 0.07, 0), (0.18, 0.008, 0.06), steel)
            rack.limb(rear + (-0.05, r + 0.07, 0.05), rear + (0, 0, 0.06), 0.008, m=steel, mirror=True)
        shape.part("lamp").ellipsoid(head + (0.09, -0.03, 0), (0.05, 0.04, 0.04), steel)


@family("helicopter", colours=("red", "blue", "white", "black", "yellow", "green", "grey", "orange", "silver"),
        places=("sky", "sky", "sky", "snow", "beach", "desert"), stance="air")
def helicopter(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["light", "light", "transport"])
    paint, dark, steel = shape.material(look.rgb, "plastic"), _glass(shape), _chrome(shape)
    black = _rubber(shape)
    accent = shape.material((0.8, 0.78, 0.74) if look.colour != "white" else (0.5, 0.03, 0.03), "plastic")
    body, glass = shape.part("body", 0.22), shape.part("canopy", 0.1)
    length, fat = (rng.uniform(1.4, 1.7), rng.uniform(0.85, 1.0)) if kind == "light" else (2.5, 1.05)
    if kind == "light":
        body.ellipsoid((0, 0, 0), (length, fat, 0.85), paint)
        body.ellipsoid((-0.6, 0.55, 0), (0.9, 0.45, 0.45), paint)
        glass.ellipsoid((0.28, 0.06, 0), (length * 0.94, fat * 0.90, 0.84), dark)
        body.box((length * 0.62, 0.26, 0), (length * 0.60, fat * 0.44, 0.97), None, turned=turn(z=-14), round=0.2,
                 carve=True)
        pillar = shape.part("pillars")
        pillar.ring((0.36, 0.06, 0), fat * 0.86, 0.05, paint, turned=turn(y=90), arc=170)
        pillar.limb((length * 0.93, 0.3, 0), (0.35, fat * 0.95, 0), 0.045, m=paint)
    else:
        body.limb((1.4, 0, 0), (-1.6, 0.05, 0), fat, fat * 0.92, m=paint)
        body.ellipsoid((2.0, -0.22, 0), (1.1, 0.75, 0.85), paint)
        body.ellipsoid((-0.2, 0.95, 0), (1.6, 0.42, 0.55), paint)
        glass.ellipsoid((2.02, 0.12, 0), (1.0, 0.62, 0.82), dark)
        glass.box((2.6, -0.7, 0), (2, 0.6, 2), None, turned=turn(z=8), carve=True)
        for x in (-1.5, -0.6):
            body.box((x, 0.25, 0), (0.3, 0.24, 2), dark, round=0.08, carve=True)
        body.box((0.45, -0.05, fat), (0.4, 0.62, 0.14), dark, round=0.1, mirror=True, carve=True)
        shape.part("doors").box((0.45, -0.05, fat - 0.12), (0.37, 0.59, 0.1), paint, round=0.1, mirror=True)
    reach = length + rng.uniform(2.6, 3.2)
    end = np.array([-reach, 0.45, 0])
    body.limb((-length * 0.55, 0.22, 0), end, 0.42, 0.14, m=paint)
    tail = shape.part("tail")
    sheet(tail, [(0.5, -0.1), (-0.15, 1.15), (-0.5, 1.15), (-0.25, 0.1), (-0.45, -0.45), (-0.2, -0.45)], 0.03, paint,
          at=end, frame=np.eye(3), round=0.03)
    tail.box(end + (0.9, 0.02, 0), (0.2, 0.025, 0.65), accent, round=0.02)
    shape.part("stripe").limb((-length * 0.9, 0.24, 0), end + (0.9, -0.02, 0), 0.31, 0.2, m=accent)
    small = shape.part("tail rotor")
    spot = end + (-0.25, 0.65, 0.16)
    small.limb(spot - (0, 0, 0.15), spot, 0.06, m=steel)
    angle = rng.uniform(0, 90)
    for a in (angle, angle + 90):
        small.box(spot, (0.06, 0.62, 0.015), black, turned=turn(z=a), round=0.01)
    top = fat + 0.42 + (0.25 if kind == "transport" else 0)
    mast, rotor = shape.part("mast", 0.05), shape.part("rotor")
    mast.limb((-0.2, fat * 0.6, 0), (-0.2, top, 0), 0.13, 0.09, m=steel)
    mast.ellipsoid((-0.2, top, 0), (0.25, 0.1, 0.25), black)
    blades, start, span = int(rng.integers(2, 5)), rng.uniform(0, 360), rng.uniform(3.4, 4.1)
    for a in start + np.arange(blades) * 360 / blades:
        frame = turn(y=a) @ turn(x=-4) @ turn(z=2.5)
        centre = np.array([-0.2, top, 0]) + frame @ (span / 2, 0, 0)
        rotor.box(centre, (span / 2, 0.028, 0.13), black, turned=frame, round=0.015)
    gear = shape.part("skids")
    if kind == "light" or rng.random() < 0.4:
        low, wide = -fat - 0.42, 0.92
        gear.chain([(length * 0.95, low + 0.22, wide), (length * 0.75, low, wide), (-length * 0.75, low, wide)], 0.065,
                   steel,
                   mirror=True)
        for x in (0.55, -0.55):
            gear.limb((x, -fat * 0.7, 0.35), (x, low, wide), 0.055, m=steel, mirror=True)
    else:
        gear.limb((-1.1, -0.6, 0.6), (-1.1, -1.25, 1.1), 0.09, m=steel, mirror=True)
        gear.cone((-1.1, -1.3, 1.0), (-1.1, -1.3, 1.25), 0.32, m=black, round=0.06, mirror=True)
        gear.limb((1.9, -0.6, 0), (1.9, -1.25, 0), 0.09, m=steel)
        gear.cone((1.9, -1.33, -0.12), (1.9, -1.33, 0.12), 0.28, m=black, round=0.06)


@family("motorcycle", colours=("red", "black", "blue", "green", "yellow", "orange", "silver", "white", "grey"),
        places=ROAD)
def motorcycle(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["classic", "cruiser", "sport", "scooter"], p=[0.35, 0.25, 0.25, 0.15])
    paint, rubber, steel = shape.material(look.rgb, "plastic"), _rubber(shape), _chrome(shape)
    iron = shape.material((0.12, 0.12, 0.13), "metal")
    leather, lamp = shape.material((0.03, 0.025, 0.022), "fabric"), shape.material((0.85, 0.85, 0.75), "glass")
    red = shape.material((0.55, 0.01, 0.01), "glass")
    r = rng.uniform(0.31, 0.34) * (0.72 if kind == "scooter" else 1.0)
    fat = {"classic": 0.055, "cruiser": 0.075, "sport": 0.07, "scooter": 0.06}[kind]
    reach = {"classic": 0.72, "cruiser": 0.88, "sport": 0.72, "scooter": 0.66}[kind] * rng.uniform(0.97, 1.05)
    rear, front = np.array([-0.68 if kind != "scooter" else -0.58, r, 0]), np.array([reach, r, 0])
    tyres, wheels = shape.part("tyres"), shape.part("wheels")
    for hub, w in ((rear, 1.15), (front, 1.0)):
        tyres.ring(hub, r - fat, fat * w, rubber)
        wheels.ring(hub, r - 2 * fat, 0.02, steel)
        wheels.cone(hub - (0, 0, 0.07), hub + (0, 0, 0.07), 0.06, m=steel)
        wheels.cone(hub + (0, 0, 0.05), hub + (0, 0, 0.062), r * 0.42, m=iron)
        for a in np.radians(np.arange(4 if kind == "classic" else 3) * (45 if kind == "classic" else 60) + 10):
            d = (r - 2 * fat) * np.array([np.cos(a), np.sin(a), 0])
            wheels.limb(hub - d, hub + d, 0.010 if kind in ("classic", "cruiser") else 0.022, m=steel)
    head = np.array([reach - {"classic": 0.33, "cruiser": 0.46, "sport": 0.30, "scooter": 0.2}[kind], 0.88, 0])
    fork = shape.part("fork")
    fork.limb(front + (0, 0, 0.09), head + (0, 0, 0.08), 0.028, 0.025, m=steel, mirror=True)
    fork.box(head + (0.02, -0.05, 0), (0.05, 0.025, 0.11), iron, round=0.02)
    fork.box(head, (0.05, 0.02, 0.11), iron, round=0.02)
    guards = shape.part("mudguards")
    guards.ring(front, r + 0.01, fat * 0.8, paint, turned=turn(z=20), arc=110)
    guards.ring(rear, r + 0.015, fat * 0.95, paint, turned=turn(z=25), arc=130)
    bars, lights = shape.part("handlebar"), shape.part("headlight")
    grip = head + ({"classic": (-0.02, 0.12, 0), "cruiser": (-0.05, 0.24, 0), "sport": (0.0, 0.02, 0),
                    "scooter": (-0.03, 0.12, 0)}[kind])
    bars.chain([head, grip + (0.02, 0, 0.14), grip + (-0.08, 0.0, 0.30)], 0.016, steel, mirror=True)
    bars.limb(grip + (-0.08, 0, 0.28), grip + (-0.15, -0.01, 0.42), 0.026, m=rubber, mirror=True)
    bars.limb(grip + (0, 0, 0.22), grip + (0, 0.16, 0.30), 0.009, m=steel, mirror=True)
    bars.ellipsoid(grip + (0, 0.19, 0.33), (0.015, 0.05, 0.075), steel, mirror=True)
    body, seat = shape.part("tank", 0.04), shape.part("seat", 0.04)
    if kind == "scooter":
        body.ellipsoid(rear + (0.02, 0.24, 0), (0.46, 0.22, 0.19), paint)
        body.limb((-0.2, 0.30, 0), (0.22, 0.28, 0), 0.10, m=paint)
        body.box(head + (0.06, -0.32, 0), (0.045, 0.36, 0.21), paint, turned=turn(z=14), round=0.04)
        body.box((0.1, 0.22, 0), (0.34, 0.04, 0.19), paint, round=0.03)
        body.ellipsoid(head + (0.03, 0.12, 0), (0.11, 0.1, 0.14), paint)
        seat.ellipsoid((-0.28, 0.80, 0), (0.26, 0.07, 0.15), leather)
        seat.ellipsoid((-0.58, 0.82, 0), (0.2, 0.07, 0.13), leather)
        lights.ellipsoid(head + (0.13, 0.12, 0), (0.04, 0.07, 0.07), lamp)
        return
    engine = shape.part("engine")
    engine.box((0.0, 0.36, 0), (0.22, 0.13, 0.13), iron, round=0.05)
    engine.cone((-0.02, 0.36, -0.17), (-0.02, 0.36, 0.17), 0.11, m=steel, round=0.03)
    for lean in ((-24, 24) if kind == "cruiser" else (10,)):
        d = turn(z=-lean) @ (0, 1, 0)
        foot = np.array([0.05, 0.44, 0])
        for k in range(4):
            engine.cone(foot + d * (0.055 * k), foot + d * (0.055 * k + 0.03), 0.12 - 0.008 * k, m=steel)
        engine.cone(foot, foot + d * 0.22, 0.085, m=iron)
    frame = shape.part("frame")
    frame.chain([head + (-0.02, -0.08, 0.03), (0.28, 0.26, 0.12), (-0.28, 0.24, 0.12), rear + (0, 0, 0.11)], 0.022,
                iron,
                mirror=True)
    frame.limb(head + (-0.03, -0.05, 0), (-0.3, 0.62, 0), 0.035, m=iron)
    frame.limb((-0.5, 0.64, 0.13), rear + (0, 0, 0.12), 0.032, m=steel, mirror=True)
    height = 0.74 if kind != "cruiser" else 0.68
    body.ellipsoid((0.18, height + 0.06, 0), (0.30, 0.14, 0.15), paint)
    body.ellipsoid((0.02, height, 0), (0.22, 0.10, 0.10), paint)
    if kind == "cruiser":
        seat.ellipsoid((-0.28, 0.66, 0), (0.24, 0.08, 0.17), leather)
        seat.ellipsoid((-0.62, 0.77, 0), (0.2, 0.06, 0.13), leather)
        bags = shape.part("bags")
        bags.box(rear + (-0.08, 0.24, 0.19), (0.2, 0.13, 0.07), leather, round=0.05, mirror=True)
    else:
        up = 0.12 if kind == "sport" else 0.0
        seat.limb((-0.12, height + 0.02, 0), (-0.42, height + 0.02, 0), 0.09, m=leather)
        seat.limb((-0.42, height + 0.02, 0), (-0.72, height + 0.04 + up, 0), 0.09, 0.075, m=leather)
        body.limb((-0.35, height - 0.08, 0), (-0.80, height + 0.02 + up, 0), 0.09, 0.05, m=paint)
        body.box((-0.32, 0.52, 0), (0.12, 0.10, 0.14), paint, round=0.05)
    lights.ellipsoid((-0.86 if kind != "sport" else -0.88, height - 0.02 + (0.12 if kind == "sport" else 0), 0),
                     (0.05, 0.05, 0.07), red)
    if kind == "sport":
        fairing = shape.part("fairing", 0.04)
        fairing.ellipsoid(head + (0.10, -0.06, 0), (0.26, 0.18, 0.19), paint)
        fairing.ellipsoid((0.28, 0.50, 0), (0.30, 0.24, 0.21), paint)
        glass = _glass(shape)
        shape.part("screen").ellipsoid(head + (0.10, 0.12, 0), (0.17, 0.13, 0.13), glass, turned=turn(z=-28))
        lights.ellipsoid(head + (0.31, -0.05, 0.07), (0.06, 0.045, 0.06), lamp, mirror=True)
    else:
        spot = head + (0.14, 0.02, 0)
        lights.ellipsoid(spot, (0.10, 0.095, 0.095), steel)
        lights.ellipsoid(spot + (0.05, 0, 0), (0.065, 0.082, 0.082), lamp)
        bars.cone(head + (0.04, 0.05, 0.05), head + (0.02, 0.11, 0.05), 0.045, m=steel, mirror=True)
    pipes = shape.part("exhaust")
    pipes.chain([(0.14, 0.52, 0.09), (0.26, 0.40, 0.13), (0.2, 0.2, 0.16), (-0.1, 0.17, 0.17)], 0.024, steel,
                mirror=True)
    pipes.limb((-0.1, 0.17, 0.17), (-0.86, 0.24 if kind != "sport" else 0.42, 0.19), 0.035, 0.055, m=steel, mirror=True)


@family("hot-air_balloon", colours=("red", "blue", "yellow", "orange", "green", "purple", "pink", "turquoise"),
        places=("sky", "sky", "sky", "snow", "beach", "desert"), stance="air")
def hot_air_balloon(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    main = shape.material(look.rgb, "fabric")
    contrasts = np.array([(0.8, 0.79, 0.74), (0.82, 0.55, 0.05), (0.03, 0.07, 0.30), (0.6, 0.05, 0.04)])
    far = contrasts[np.argsort(-np.abs(contrasts - look.rgb).sum(axis=1))]
    other = shape.material(far[int(rng.integers(2))].tolist(), "fabric")
    wicker = shape.material((0.34, 0.19, 0.07), "wood", "checks", (0.2, 0.1, 0.04), 0.01)
    leather, rope = shape.material((0.13, 0.06, 0.03), "fabric"), shape.material((0.15, 0.12, 0.09), "matte")
    n = int(rng.choice([12, 16]))
    style = rng.choice(["alternate", "every third", "band", "plain"])
    r, stretch = rng.uniform(7.0, 8.2), rng.uniform(1.0, 1.12)
    mouth, crown_y = -9.6, 2.0
    # A gore is a slim ellipsoid on the ball and a limb that runs from it down to the mouth.
    gores = [shape.part("gores", 0.25), shape.part("gores between", 0.25)]
    width = r * np.pi / n
    for i in range(n):
        a = i * 2 * np.pi / n
        d = np.array([np.cos(a), 0, np.sin(a)])
        m = {"alternate": (main, other)[i % 2], "every third": (main, main, other)[i % 3] if n % 3 == 0 else
             (main, main, main, other)[i % 4], "band": main, "plain": main}[style]
        part = gores[i % 2]
        part.ellipsoid(d * r * 0.36 + (0, crown_y, 0), (r * 0.64, r * stretch, width * 1.22), m,
                       turned=turn(y=-np.degrees(a)))
        part.limb(d * (r * 0.62) + (0, crown_y - r * 0.52, 0), d * 0.85 + (0, mouth, 0), width * 0.95, 0.45, m=m)
    core = shape.part("core", 0.6)
    core.ellipsoid((0, crown_y, 0), (r * 0.93, r * stretch * 0.96, r * 0.93), main)
    core.cone((0, crown_y - r * 0.42, 0), (0, mouth + 0.3, 0), r * 0.84, 1.1, m=main)
    cap = shape.part("cap")
    cap.ellipsoid((0, crown_y + r * stretch * 0.9, 0), (r * 0.42, r * 0.13, r * 0.42), other)
    if style == "band":  # a belt a little wider than the gores
        low, high = rng.uniform(-0.55, -0.2), rng.uniform(0.05, 0.35)
        y = np.linspace(low, high, 12)
        edge = np.stack([r * (0.36 + 0.64 * np.sqrt(1 - y * y)) + 0.06, r * stretch * (y - (low + high) / 2)], axis=1)
        shape.part("belt").lathe((0, crown_y + r * stretch * (low + high) / 2, 0),
                                 [(0, edge[0, 1]), *edge, (0, edge[-1, 1])], other)
    skirt = shape.part("skirt")
    skirt.cone((0, mouth + 0.2, 0), (0, mouth - 0.7, 0), 1.35, 1.15, m=other)
    skirt.cone((0, mouth + 0.1, 0), (0, mouth - 1.0, 0), 1.2, 1.05, m=rope, carve=True)
    low = mouth - rng.uniform(2.4, 3.2)
    basket = shape.part("basket")
    basket.box((0, low - 0.75, 0), (0.95, 0.8, 0.95), wicker, round=0.15)
    basket.box((0, low, 0), (0.8, 0.5, 0.8), rope, carve=True)
    rim = shape.part("rim")
    for z in (-0.92, 0.92):
        rim.limb((-0.92, low + 0.05, z), (0.92, low + 0.05, z), 0.14, m=leather)
        rim.limb((z, low + 0.05, -0.92), (z, low + 0.05, 0.92), 0.14, m=leather)
    ropes = shape.part("ropes")
    for x, z in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        ropes.limb((x * 0.85, low, z * 0.85), (x * 0.85, mouth - 0.5, z * 0.85), 0.075, m=rope)
    burner = shape.part("burner")
    burner.cone((0, mouth - 1.3, 0), (0, mouth - 0.9, 0), 0.3, m=_chrome(shape))


@family("rocket", colours=("white", "red", "silver", "blue", "orange", "black", "yellow", "green"),
        places=("desert", "studio", "grass", "snow", "night", "beach"))
def rocket(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["finned", "finned", "stages", "boosters"])
    paint, steel, dark = shape.material(look.rgb, "plastic"), _chrome(shape), _rubber(shape)
    bright, red = (0.8, 0.79, 0.76), (0.55, 0.03, 0.03)
    accent = shape.material(red if look.colour in ("white", "silver", "black") else bright, "metal")
    glass = _glass(shape)
    body, nose, fins, rings = shape.part("body"), shape.part("nose"), shape.part("fins"), shape.part("rings")
    engines = shape.part("engines")
    if kind == "finned":
        r, top = rng.uniform(0.75, 1.2), rng.uniform(6.5, 8.5)
        waist = rng.uniform(0.55, 0.8)
        profile = smooth_outline([(r * waist, -top / 2 + 0.7), (r * 0.92, -top / 2 + 2.0), (r, -0.4),
                                  (r * 0.92, top * 0.16),
                                  (r * 0.70, top * 0.30)], closed=False)
        body.lathe((0, top / 2, 0), [(0, -top / 2 + 0.7), *profile, (0, top * 0.30)], paint)
        tip = np.array([(r * 0.69, 0), (r * 0.5, top * 0.09), (r * 0.25, top * 0.165), (0.02, top * 0.21)])
        tip[:, 1] -= tip[-1, 1] / 2
        nose.lathe((0, top * 0.80 + tip[-1, 1], 0), [(0, tip[0, 1]), *smooth_outline(tip, closed=False),
                                                     (0, tip[-1, 1])],
                   accent)
        nose.limb((0, top * 0.8 + 2 * tip[-1, 1] - 0.1, 0), (0, top * 0.8 + 2 * tip[-1, 1] + 0.3, 0), 0.05, 0.03,
                  m=steel)
        rings.ring((0, top * 0.795, 0), r * 0.70, 0.06, steel, turned=turn(x=90))
        n = int(rng.integers(3, 5))
        flare = rng.uniform(0.9, 1.5)
        outline = smooth_outline([(r * 0.75, 2.9), (r + flare * 0.8, 1.2), (r + flare, 0.0), (r + flare * 0.72, 0.0),
                                  (r * 0.9, 0.75), (r * 0.45, 0.9)], steps=5)
        for a in np.arange(n) * 360 / n + 180 / n * (n == 4):
            sheet(fins, outline, 0.06, accent, frame=turn(y=a), round=0.05)
        engines.cone((0, 0.2, 0), (0, 0.9, 0), r * 0.62, r * 0.42, m=dark)
        if rng.random() < 0.75:
            for y in (0.62, 0.45)[: int(rng.integers(1, 3))]:
                rings.ring((r * 0.93, top * y, 0), 0.33 * r, 0.08, steel, turned=turn(y=90))
                nose.ellipsoid((r * 0.85, top * y, 0), (0.16 * r, 0.33 * r, 0.33 * r), glass)
        return
    r, top = rng.uniform(0.62, 0.8), rng.uniform(8.0, 9.5)
    white = shape.material(look.rgb, "plastic")
    if kind == "stages":
        slim = rng.uniform(0.6, 0.75)
        body.cone((0, 0.8, 0), (0, top * 0.52, 0), r, m=paint)
        body.cone((0, top * 0.52, 0), (0, top * 0.58, 0), r, r * slim, m=accent)
        body.cone((0, top * 0.58, 0), (0, top * 0.78, 0), r * slim, m=white)
        nose.cone((0, top * 0.78, 0), (0, top * 0.86, 0), r * slim, r * 0.34, m=accent)
        nose.cone((0, top * 0.86, 0), (0, top * 0.91, 0), r * 0.34, 0.06, m=paint)
        nose.limb((0, top * 0.91, 0), (0, top, 0), 0.05, 0.03, m=dark)
        for y in (0.18, 0.34, 0.5, 0.68):
            rings.cone((0, top * y - 0.1, 0), (0, top * y + 0.1, 0), (r if y < 0.55 else r * slim) + 0.012, m=dark)
    else:
        body.cone((0, 1.0, 0), (0, top * 0.72, 0), r, m=paint)
        nose.cone((0, top * 0.72, 0), (0, top * 0.76, 0), r, r * 1.25, m=accent)
        nose.cone((0, top * 0.76, 0), (0, top * 0.88, 0), r * 1.25, m=paint)
        nose.limb((0, top * 0.86, 0), (0, top * 0.96, 0), r * 1.22, 0.2, m=paint)
        rings.cone((0, top * 0.4, 0), (0, top * 0.43, 0), r + 0.015, m=dark)
        side = shape.part("boosters")
        for sign in ((1, -1) if rng.random() < 0.5 else (1, -1, 1j, -1j)):
            x, z = np.real(sign) * r * 1.72, np.imag(sign) * r * 1.72
            if not np.iscomplex(sign):
                x, z = z, x
            side.cone((x, 0.7, z), (x, top * 0.46, z), r * 0.62, m=paint)
            side.cone((x, top * 0.46, z), (x, top * 0.57, z), r * 0.62, 0.06, m=accent)
            side.box((x * 0.6, top * 0.40, z * 0.6), (0.18, 0.1, 0.18), dark)
            engines.cone((x, 0.1, z), (x, 0.75, z), r * 0.48, r * 0.28, m=dark)
    for a in np.arange(4) * 90 + 45:
        outline = np.array([(r * 0.9, 2.0), (r * 1.75, 0.8), (r * 1.75, 0.35), (r * 0.9, 0.7)])
        if kind == "stages":
            sheet(fins, outline, 0.05, accent, frame=turn(y=a))
        engines.cone((0.42 * r * np.cos(a / 57.3), 0.0, 0.42 * r * np.sin(a / 57.3)),
                     (0.42 * r * np.cos(a / 57.3), 0.9, 0.42 * r * np.sin(a / 57.3)), r * 0.36, r * 0.2, m=dark)
    if kind != "stages":
        fins.cone((0, 0.85, 0), (0, 1.25, 0), r * 1.1, r, m=steel)


@family("tank", colours=("green", "beige", "grey", "brown"), places=("grass", "desert", "snow", "forest", "street",
                                                                     "studio"))
def tank(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint = shape.material(look.rgb, "matte", "patches", tuple(0.62 * c for c in look.rgb),
                           0.12) if rng.random() < 0.4 \
        else shape.material(look.rgb, "matte")
    dark, iron = _rubber(shape), shape.material((0.06, 0.06, 0.06), "metal")
    shade = shape.material(tuple(0.7 * c for c in look.rgb), "matte")
    half, wide = rng.uniform(2.9, 3.4), rng.uniform(1.5, 1.75)
    high = rng.uniform(1.15, 1.4)
    hull = shape.part("hull")
    nose = rng.uniform(0.6, 1.3)
    sheet(hull, [(half - 0.1, high * 0.55), (half - nose, high + 0.12), (-half + 0.15, high + 0.12),
                 (-half, high * 0.6),
                 (-half + 0.6, 0.42), (half - 0.8, 0.42)], wide - 0.5, paint, frame=np.eye(3), round=0.03)
    fenders = shape.part("fenders")
    fenders.box((0, high + 0.03, wide - 0.28), (half - 0.15, 0.045, 0.36), paint, round=0.02, mirror=True)
    fenders.box((-half * 0.35, high + 0.2, wide - 0.22), (0.6, 0.14, 0.2), shade, round=0.03, mirror=True)
    tracks, rollers = shape.part("tracks"), shape.part("rollers")
    loop = smooth_outline([(half, high * 0.58), (half - 0.3, high * 0.90), (0, high * 0.88), (-half + 0.3, high * 0.90),
                           (-half, high * 0.60), (-half + 0.35, high * 0.22), (-half + 1.0, 0.0), (0, 0.0), (half - 1.0,
                                                                                                             0.0),
                           (half - 0.35, high * 0.24)], steps=5)
    inner = loop.copy() - loop.mean(axis=0)
    inner = inner * (1 - 0.24 / np.ptp(loop[:, 0]), 1 - 0.24 / np.ptp(loop[:, 1])) + loop.mean(axis=0)
    sheet(tracks, loop, 0.25, iron, at=(0, 0, wide - 0.28), frame=np.eye(3), mirror=True)
    for z in (wide + 0.02, wide - 0.58):
        sheet(tracks, inner, 0.12, dark, at=(0, 0, z), frame=np.eye(3), mirror=True, carve=True)
    for x in np.arange(-5, 6) * half / 5.5:  # cleats
        tracks.box((x, -0.02, 0), (0.05, 0.045, 4), dark, carve=True)
    n, r = int(rng.integers(5, 7)), high * 0.30
    for x in np.linspace(-half + 1.05, half - 1.05, n):
        rollers.cone((x, r + 0.1, wide - 0.2), (x, r + 0.1, wide + 0.0), r * min(1, 2.2 * half / n / (2.6 * r)),
                     m=paint,
                     round=0.03, mirror=True)
    for x in (-half + 0.45, half - 0.45):
        rollers.cone((x, high * 0.58, wide - 0.2), (x, high * 0.58, wide), r * 0.85, m=paint, round=0.03, mirror=True)
    top, turret = high + 0.12, shape.part("turret", 0.08)
    at, tall = rng.uniform(-0.1, 0.45), rng.uniform(0.62, 0.8)
    swing = np.radians(rng.choice([0, 0, rng.uniform(-40, 40)]))
    if rng.random() < 0.5:
        turret.ellipsoid((at, top + 0.1, 0), (1.45, tall, 1.2), paint)
        turret.box((at, top - 0.5, 0), (2, 0.5, 2), None, carve=True)
    else:
        outline = [(1.35, -0.55), (1.35, 0.55), (0.6, 1.05), (-1.0, 1.0), (-1.6, 0.7), (-1.6, -0.7), (-1.0, -1.0),
                   (0.6, -1.05)]
        turret.plate((at, top + tall * 0.5, 0), np.array(outline) + (0.12, 0), tall * 0.42, paint,
                     turned=turn(y=np.degrees(-swing)) @ TOP, round=0.05)
    d = np.array([np.cos(swing), rng.uniform(0.02, 0.14), np.sin(swing)])
    d /= np.linalg.norm(d)
    root = np.array([at, top + tall * 0.5, 0])
    gun = shape.part("gun")
    long = rng.uniform(3.6, 4.6)
    gun.limb(root + d * 1.0, root + d * 1.75, 0.30, 0.22, m=paint)
    gun.cone(root + d * 1.5, root + d * long, 0.12, 0.095, m=paint)
    if rng.random() < 0.7:
        gun.cone(root + d * (long - 0.15), root + d * (long + 0.3), 0.17, m=paint, round=0.03)
    else:
        gun.cone(root + d * (long * 0.62), root + d * (long * 0.72), 0.17, m=paint, round=0.05)
    gun.cone(root + d * (long + 0.1), root + d * (long + 0.5), 0.07, m=dark, carve=True)
    hatch = shape.part("hatch")
    hatch.cone((at - 0.4, top + tall * 0.8, 0.45), (at - 0.4, top + tall + 0.16, 0.45), 0.34, 0.30, m=shade, round=0.03)
    hatch.limb((at - 1.0, top + tall * 0.6, -0.7), (at - 1.10, top + 1.5, -0.74), 0.022, 0.015, m=dark)
    hatch.limb((at - 0.4, top + tall + 0.3, 0.45), (at + 0.5, top + tall + 0.34, 0.45), 0.045, m=iron)
    lamp = shape.part("lamps")
    lamp.ellipsoid((half - 0.5, high + 0.12, wide - 0.35), (0.12, 0.12, 0.12), shape.material((0.8, 0.8, 0.7), "glass"),
                   mirror=True)


@family("blimp", colours=("white", "silver", "blue", "red", "yellow", "grey", "green", "orange"),
        places=("sky", "sky", "sky", "snow", "beach", "grass"), stance="air")
def blimp(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint = shape.material(look.rgb, "plastic")
    bright, blue = (0.8, 0.79, 0.76), (0.02, 0.06, 0.3)
    accent = shape.material(blue if look.colour in ("white", "silver", "yellow", "grey") else bright, "plastic")
    dark, steel = _glass(shape), _chrome(shape)
    half, fat = 10.0, rng.uniform(2.5, 3.4)
    t = np.linspace(0, np.pi, 30)
    x = half * np.cos(t)
    r = fat * np.sin(t) ** rng.uniform(0.72, 0.9) * (1 + 0.16 * np.cos(t))
    hull = shape.part("hull")
    profile = np.stack([np.abs(r), x], axis=1)[::-1]
    hull.lathe((0, 0, 0), profile, paint, turned=AHEAD)
    shape.part("nose").ellipsoid((half * 0.985, 0, 0), (0.45, 0.75, 0.75), accent)
    # A band of the second colour: the hull's own profile between two places, a little wider.
    a, b = sorted(rng.uniform(-0.35, 0.45, 2))
    inside = (x > half * a) & (x < half * max(b, a + 0.12))
    belt = np.stack([r[inside] + 0.04, x[inside]], axis=1)[::-1]
    middle = (belt[0, 1] + belt[-1, 1]) / 2
    shape.part("band").lathe((middle, 0, 0), [(0, belt[0, 1] - middle), *(belt - (0, middle)),
                                              (0, belt[-1, 1] - middle)],
                             accent, turned=AHEAD)
    ribs = shape.part("ribs")
    for k in (6, 11, 19, 24):
        ribs.ring((x[k], 0, 0), r[k] + 0.0, 0.07, paint, turned=turn(y=90))
    fins, tall = shape.part("fins"), rng.uniform(2.6, 3.4)
    skew, tail = rng.choice([0, 45]), accent if rng.random() < 0.5 else paint
    outline = [(1.9, 0), (0.3, tall), (-1.5, tall), (-1.7, 0)]
    for angle in np.arange(4) * 90 + skew:
        sheet(fins, outline, 0.08, tail, at=turn(x=angle) @ (-half * 0.72,
                                                                                                fat * 0.42, 0),
              frame=turn(x=angle), round=0.06)
    car, low, at = shape.part("gondola"), -fat * 1.03, rng.uniform(0.2, 1.6)
    shape.part("cabin").box((at, low - 0.35, 0), (1.6, 0.5, 0.52), dark, round=0.25)
    car.box((at, low - 0.3, 0), (1.8, 0.8, 0.68), paint, round=0.3)
    car.box((at + 0.1, low - 0.32, 0), (1.45, 0.24, 2), dark, round=0.05, carve=True)
    for u in (-0.7, 0.1, 0.9):
        car.box((at + u, low - 0.32, 0), (0.08, 0.3, 0.64), paint)
    engines = shape.part("engines")
    engines.limb((at - 1.0, low - 0.5, 1.15), (at - 2.0, low - 0.5, 1.15), 0.26, 0.18, m=steel, mirror=True)
    engines.box((at - 1.2, low - 0.4, 0.75), (0.18, 0.06, 0.45), steel, mirror=True)
    for angle in (20, 110):
        engines.box((at - 2.2, low - 0.5, 1.15), (0.03, 0.75, 0.08), dark, turned=turn(x=angle), mirror=True)
    engines.limb((at, low - 0.95, 0), (at, low - 1.3, 0), 0.05, m=steel)
    engines.cone((at, low - 1.3, -0.08), (at, low - 1.3, 0.08), 0.22, m=dark)


@family("cannon", colours=("black", "green", "brown", "grey", "gold"), places=("grass", "snow", "desert", "studio",
                                                                               "beach"))
def cannon(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    bronze = shape.material(look.rgb, "metal" if look.colour == "gold" else "plastic")
    timber = [(0.24, 0.12, 0.05), (0.10, 0.13, 0.06), (0.22, 0.05, 0.03)][rng.integers(3)]
    wood = shape.material(timber, "wood")
    iron, dark = shape.material((0.07, 0.07, 0.075), "metal"), _rubber(shape)
    naval = rng.random() < 0.3
    rise, long = rng.uniform(4, 16), rng.uniform(2.1, 2.7)
    axle = 0.72 if not naval else 0.62
    tilt = turn(z=rise - 90)
    fat = rng.uniform(0.23, 0.29)
    profile = np.array([(0.0, -0.42), (0.07, -0.40), (0.10, -0.34), (0.05, -0.27), (0.13, -0.22), (1.0 * fat, -0.18),
                        (1.12 * fat, -0.12), (1.12 * fat, -0.05), (fat, -0.04), (0.88 * fat, 0.36 * long),
                        (0.94 * fat, 0.37 * long), (0.94 * fat, 0.41 * long), (0.82 * fat, 0.42 * long),
                        (0.62 * fat, 0.90 * long), (0.66 * fat, 0.94 * long), (0.84 * fat, 0.98 * long),
                        (0.80 * fat, long), (0.0, long)])
    middle = (long - 0.42) / 2
    pivot = np.array([0.0, axle + 0.28, 0])
    breech = pivot - tilt[:, 1] * long * 0.40
    barrel = shape.part("barrel")
    barrel.lathe(breech + tilt[:, 1] * middle, profile - (0, middle), bronze, turned=tilt)
    barrel.cone(breech + tilt[:, 1] * long * 0.7, breech + tilt[:, 1] * (long + 0.2), 0.4 * fat, m=dark, carve=True)
    carriage, wheels = shape.part("carriage"), shape.part("wheels")
    carriage.limb(pivot - (0, 0, 0.4), pivot + (0, 0, 0.4), 0.07, m=iron)
    if naval:
        sheet(carriage, [(0.75, 0.28), (0.75, 0.80), (0.25, 0.98), (-0.35, 0.86), (-0.5, 0.68), (-0.85, 0.58),
                         (-1.15, 0.3)],
              0.07, wood, at=(0, 0, 0.36), frame=np.eye(3), mirror=True)
        carriage.box((-0.2, 0.38, 0), (0.8, 0.07, 0.36), wood)
        for x in (0.5, -0.85):
            wheels.cone((x, 0.24, 0.44), (x, 0.24, 0.58), 0.25, m=wood, round=0.02, mirror=True)
            wheels.limb((x, 0.24, -0.62), (x, 0.24, 0.62), 0.06, m=iron)
    else:
        sheet(carriage, [(0.45, 0.62), (0.4, 1.02), (-0.35, 0.98), (-1.9, 0.22), (-1.95, 0.02), (-1.65, 0.02),
                         (-0.4, 0.55)],
              0.07, wood, at=(0, 0, 0.30), frame=np.eye(3), mirror=True)
        carriage.limb((-1.75, 0.12, -0.3), (-1.75, 0.12, 0.3), 0.07, m=wood)
        carriage.limb((-0.8, 0.6, -0.3), (-0.8, 0.6, 0.3), 0.06, m=wood)
        wheels.limb((0, axle, -0.62), (0, axle, 0.62), 0.065, m=iron)
        rims, spokes = shape.part("rims"), shape.part("spokes")
        for s in (1, -1):
            rims.ring((0, axle, s * 0.52), axle - 0.055, 0.05, wood)
            rims.ring((0, axle, s * 0.52), axle - 0.02, 0.024, iron)
            spokes.cone((0, axle, s * 0.40), (0, axle, s * 0.64), 0.11, m=wood, round=0.02)
            for a in np.arange(6) * np.pi / 6:
                d = (axle - 0.08) * np.array([np.cos(a), np.sin(a), 0])
                spokes.limb((0, axle, s * 0.52) - d, (0, axle, s * 0.52) + d, 0.032, m=wood)
    if rng.random() < 0.5:  # a pyramid of shot
        balls, r, at = shape.part("shot"), 0.13, np.array([0.9, 0, 0.85 * rng.choice([-1, 1])])
        for x, y, z in ((-1, 0, -0.58), (1, 0, -0.58), (0, 0, 1.15), (0, 1.63, 0)):
            balls.ball(at + r * np.array([x, y + 1, z]), r, iron)


@family("wheelchair", colours=("black", "blue", "red", "green", "grey", "purple"),
        places=("studio", "street", "grass", "kitchen", "beach"))
def wheelchair(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    cloth = shape.material(look.rgb, "fabric")
    steel, rubber = _chrome(shape), _rubber(shape)
    frame_paint = shape.material(look.rgb, "plastic") if rng.random() < 0.6 else steel
    r, wide = rng.uniform(0.29, 0.32), rng.uniform(0.24, 0.28)
    hub = np.array([-0.12, r, 0])
    tyres, wheels, spokes = shape.part("tyres"), shape.part("hand rims"), shape.part("spokes")
    for s in (1, -1):
        z = np.array([0, 0, s * (wide + 0.05)])
        tyres.ring(hub + z, r - 0.02, 0.02, rubber)
        wheels.ring(hub + z * 1.0 + (0, 0, s * 0.045), r - 0.05, 0.010, steel)
        spokes.ring(hub + z, r - 0.045, 0.010, steel)
        spokes.cone(hub + z - (0, 0, 0.03), hub + z + (0, 0, 0.03), 0.03, m=steel)
        for a in np.arange(5) * np.pi / 5 + 0.2:
            d = (r - 0.03) * np.array([np.cos(a), np.sin(a), 0])
            spokes.limb(hub + z - d, hub + z + d, 0.0055, m=steel)
    seat, back, top = 0.50, -0.22, rng.uniform(0.88, 0.98)
    cushions = shape.part("seat"), shape.part("backrest")
    cushions[0].box((0.02, seat, 0), (0.23, 0.035, wide - 0.02), cloth, round=0.02)
    cushions[1].box((back - 0.02, (seat + top) / 2 + 0.03, 0), (0.025, (top - seat) / 2 - 0.03, wide - 0.02), cloth,
                    turned=turn(z=5), round=0.02)
    tubes = shape.part("frame", 0.006)
    tubes.chain([(back - 0.13, top - 0.01, wide), (back - 0.04, top, wide), (back, seat, wide), (back + 0.05, r, wide),
                 (back + 0.08, 0.2, wide)], 0.013, frame_paint, mirror=True)
    tubes.chain([(back, seat - 0.03, wide), (0.26, seat - 0.03, wide), (0.33, 0.38, wide * 0.9),
                 (0.42, 0.12, wide * 0.75)],
                0.013, frame_paint, mirror=True)
    tubes.chain([(back + 0.05, 0.2, wide), (0.26, 0.2, wide), (0.26, seat - 0.03, wide)], 0.012, frame_paint,
                mirror=True)
    tubes.limb((0.03, 0.2, -wide), (0.03, seat - 0.04, wide), 0.012, m=steel)
    tubes.limb((0.03, 0.2, wide), (0.03, seat - 0.04, -wide), 0.012, m=steel)
    arms = shape.part("arm rests")
    tubes.chain([(back, 0.72, wide), (0.2, 0.72, wide), (0.22, seat, wide)], 0.012, frame_paint, mirror=True)
    arms.box((0.02, 0.74, wide), (0.17, 0.022, 0.035), rubber, round=0.015, mirror=True)
    shape.part("handles").limb((back - 0.05, top + 0.0, wide), (back - 0.19, top - 0.01, wide), 0.022, m=rubber,
                               mirror=True)
    feet, casters = shape.part("foot rests"), shape.part("casters")
    feet.box((0.46, 0.10, wide * 0.48), (0.085, 0.012, 0.085), rubber, turned=turn(z=10), round=0.008, mirror=True)
    casters.cone((0.27, 0.085, wide - 0.02), (0.27, 0.085, wide + 0.02), 0.085, m=rubber, round=0.012, mirror=True)
    casters.cone((0.27, 0.085, wide - 0.024), (0.27, 0.085, wide + 0.024), 0.045, m=steel, mirror=True)
    casters.limb((0.27, 0.1, wide), (0.27, 0.22, wide), 0.016, m=steel, mirror=True)
