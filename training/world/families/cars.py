"""Cars and pickup trucks, as parametric solids in metres."""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.families.parts import CHROME, FLAT, GLASS, RUBBER, SECTION, sheet, trim
from training.world.sdf import Shape, smooth_outline, turn

ROAD = ("street", "studio", "grass", "desert", "snow", "beach", "night")
PAINTS = ("red", "blue", "white", "black", "silver", "green", "yellow", "orange", "grey", "beige", "turquoise", "brown")


def _wheels(shape: Shape, axles, radius: float, width: float, track: float, holes: int, rim: float = 0.62) -> None:
    """Two wheels on each axle (an x); `track` is the z of their outer faces."""
    rubber, metal = shape.material(*RUBBER), shape.material(*CHROME)
    tyres, hubs = shape.part("tyres"), shape.part("hubs")
    for x in axles:
        tyres.cone((x, radius, track - width), (x, radius, track), radius, m=rubber, round=0.15 * width, mirror=True)
        hubs.cone(
            (x, radius, track - width), (x, radius, track + 0.015), rim * radius, m=metal, round=0.01, mirror=True
        )
        for angle in np.arange(holes) * 2 * np.pi / max(holes, 1) + np.pi / 2:
            u, v = rim * radius * 0.62 * np.cos(angle), rim * radius * 0.62 * np.sin(angle)
            hubs.cone(
                (x + u, radius + v, -track * 2),
                (x + u, radius + v, track * 2),
                radius * 0.8 / (holes + 1),
                m=rubber,
                carve=True,
            )
        if not holes:
            hubs.ellipsoid(
                (x, radius, track + 0.01), (rim * radius * 0.5, rim * radius * 0.5, 0.04), metal, mirror=True
            )


@family("car_(sedan)", colours=PAINTS, places=ROAD)
def car(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["saloon", "saloon", "hatchback", "sports", "vintage"])
    paint, glass, chrome = shape.material(look.rgb, "plastic"), shape.material(*GLASS), shape.material(*CHROME)
    dark, lamp = shape.material(*RUBBER), shape.material((0.85, 0.85, 0.75), "glass")
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
    profile = smooth_outline(
        [
            (nose - 0.10, 0.24),
            (nose - 0.01, 0.36),
            (nose, 0.58),
            lip,
            (lip + cowl) / 2 + (0, 0.045),
            cowl,
            (cowl * 0.5 + roof0 * 0.5) + (0.01, 0.02),
            roof0,
            middle,
            roof1,
            (roof1 + deck) / 2 + (0.0, 0.02),
            deck,
            edge,
            (tail, 0.65),
            (tail + 0.05, 0.36),
            (tail + 0.25, 0.24),
            (0, 0.22),
        ],
        steps=5,
    )
    top = middle[1]
    flank = [
        (0.1, wide - 0.06),
        (0.35, wide - 0.01),
        (0.62, wide),
        (belt - 0.06, wide - 0.02),
        (belt, wide - 0.05),
        (top - 0.12, wide - 0.25),
        (top - 0.03, wide - 0.33),
        (top + 0.02, wide - 0.50),
        (top + 0.1, 0.0),
    ]
    bow = [
        (nose + 0.02, 0.0),
        (nose, 0.30),
        (nose - 0.10, wide - 0.22),
        (nose - 0.32, wide - 0.06),
        (nose - 0.8, wide),
        (tail + 0.8, wide),
        (tail + 0.25, wide - 0.06),
        (tail + 0.05, wide - 0.22),
        (tail, 0.3),
        (tail - 0.02, 0.0),
    ]
    body = shape.part("body", 0.03)
    sheet(body, profile, wide, paint, frame=np.eye(3))
    trim(body, flank, SECTION, 4, 0.6)
    trim(body, smooth_outline(bow, closed=False), FLAT, 3, 0.6)
    for x in axles:
        body.cone((x, wheel, wide - 0.35), (x, wheel, wide + 0.3), wheel * 1.2, m=dark, mirror=True, carve=True)

    # Side windows are cut right through, the screens only through the shell; the glass is a block inside.
    pillar = rng.uniform(-0.45, -0.3) if kind != "sports" else -0.62
    sill, head = belt + 0.02, top - 0.13
    lean0, lean1 = (cowl - roof0) / (cowl[1] - roof0[1]), (deck - roof1) / (deck[1] - roof1[1])
    front0, front1 = (roof0[0] + lean0[0] * (y - roof0[1]) - 0.13 for y in (sill, head))
    rear0, rear1 = (roof1[0] + lean1[0] * (y - roof1[1]) + 0.17 for y in (sill, head))
    sheet(
        body,
        [(front0, sill), (front1, head), (pillar + 0.04, head + 0.02), (pillar + 0.04, sill)],
        2,
        None,
        frame=np.eye(3),
        carve=True,
    )
    if rear0 < pillar - 0.2:
        sheet(
            body,
            [(pillar - 0.04, sill), (pillar - 0.04, head + 0.02), (rear1, head), (rear0, sill)],
            2,
            None,
            frame=np.eye(3),
            carve=True,
        )
    for a, b, reach in ((cowl, roof0, 0.42), (deck, roof1, 0.38)):
        d = b - a
        body.box(
            (*((a + b) / 2 + (0, 0.02)), 0),
            (np.hypot(*d) * reach, 0.07, wide - 0.28),
            None,
            turned=turn(z=np.degrees(np.arctan2(d[1], d[0]))),
            carve=True,
        )
    cabin = shape.part("glass")
    sheet(
        cabin,
        smooth_outline(
            [
                cowl + (-0.12, -0.06),
                roof0 + (-0.01, -0.035),
                middle - (0, 0.05),
                roof1 + (0.01, -0.035),
                deck + (0.12, -0.06),
            ],
            steps=4,
        ),
        wide,
        glass,
        frame=np.eye(3),
    )
    trim(cabin, [(y, max(z - 0.045, 0)) for y, z in flank], SECTION, 4, 0.6)

    doors = (front0 + 0.12, pillar) if kind in ("sports", "vintage") else (front0 + 0.12, pillar, rear0 - 0.05)
    for x in doors:
        body.box((x, (belt + 0.34) / 2, wide), (0.012, (belt - 0.34) / 2, 0.05), dark, mirror=True, carve=True)
    details = shape.part("handles")
    for x in doors[1:]:
        details.limb(
            (x + 0.10, belt - 0.14, wide - 0.015), (x + 0.24, belt - 0.14, wide - 0.015), 0.022, m=chrome, mirror=True
        )
    details.ellipsoid((front0 - 0.05, sill + 0.06, wide + 0.05), (0.08, 0.065, 0.09), paint, mirror=True)
    front, back, lights = shape.part("bumper"), shape.part("rear bumper"), shape.part("lights")
    high = lip[1] - 0.10
    if kind == "vintage":
        fenders = shape.part("fenders", 0.04)
        for x in axles:
            fenders.ellipsoid((x, wheel + 0.10, wide - 0.10), (0.62, 0.40, 0.24), paint, mirror=True)
            fenders.cone((x, wheel, wide - 0.4), (x, wheel, wide + 0.5), wheel * 1.15, m=dark, mirror=True, carve=True)
        fenders.box(
            (np.mean(axles), 0.30, wide - 0.06), ((axles[0] - axles[1]) / 2, 0.04, 0.16), paint, round=0.03, mirror=True
        )
        for x, p in ((nose + 0.12, front), (tail - 0.10, back)):
            p.limb((x, 0.42, 0), (x - np.sign(x) * 0.10, 0.42, wide - 0.05), 0.055, m=chrome, mirror=True)
        lights.ellipsoid((axles[0] + 0.40, high - 0.08, wide - 0.16), (0.13, 0.13, 0.13), chrome, mirror=True)
        lights.ellipsoid((axles[0] + 0.46, high - 0.08, wide - 0.16), (0.10, 0.11, 0.11), lamp, mirror=True)
        front.box((nose - 0.02, 0.68, 0), (0.06, 0.16, 0.22), chrome, round=0.03)
        for z in (-0.12, 0, 0.12):
            front.box((nose + 0.04, 0.68, z), (0.06, 0.13, 0.025), dark, carve=True)
    else:
        slant = turn(y=rng.uniform(14, 24))
        lights.ellipsoid(
            (nose - 0.10, high, wide - 0.30), (0.11, rng.uniform(0.05, 0.09), 0.20), lamp, turned=slant, mirror=True
        )
        front.box((nose - 0.02, 0.40, 0), (0.07, 0.09, wide - 0.26), trimmed, round=0.05)
        front.limb((nose - 0.02, 0.40, wide - 0.28), (nose - 0.30, 0.40, wide - 0.05), 0.085, m=trimmed, mirror=True)
        back.box((tail + 0.02, 0.43, 0), (0.06, 0.09, wide - 0.26), trimmed, round=0.05)
        back.limb((tail + 0.02, 0.43, wide - 0.28), (tail + 0.30, 0.43, wide - 0.05), 0.08, m=trimmed, mirror=True)
        body.box((nose + 0.02, high - 0.04, 0), (0.09, 0.06, rng.uniform(0.25, 0.42)), dark, round=0.02, carve=True)
    lights.box(
        (tail + 0.08, edge[1] - 0.16, wide - 0.29), (0.06, 0.07, 0.15), red, turned=turn(y=-20), round=0.03, mirror=True
    )
    plates = shape.part("number plates")
    white = shape.material((0.75, 0.75, 0.70), "plastic")
    plates.box((nose + 0.05, 0.42, 0), (0.03, 0.055, 0.24), white)
    plates.box((tail - 0.02, 0.60, 0), (0.04, 0.06, 0.24), white)
    if kind == "sports" and rng.random() < 0.6:
        wing = shape.part("spoiler")
        wing.box((tail + 0.2, edge[1] + 0.24, 0), (0.16, 0.025, wide - 0.08), paint, turned=turn(z=-8), round=0.02)
        wing.box((tail + 0.22, edge[1] + 0.08, wide - 0.25), (0.06, 0.17, 0.02), dark, mirror=True)
    _wheels(
        shape,
        axles,
        wheel,
        0.2,
        wide - 0.005 + (0.06 if kind == "vintage" else 0),
        0 if kind == "vintage" else int(rng.integers(5, 7)),
    )


@family("pickup_truck", colours=PAINTS, places=ROAD)
def pickup_truck(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    old, double = rng.random() < 0.35, rng.random() < 0.4
    paint, glass = shape.material(look.rgb, "plastic"), shape.material(*GLASS)
    chrome, dark = shape.material(*CHROME), shape.material(*RUBBER)
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
    sheet(
        cab,
        smooth_outline(
            [
                (nose - 0.06, low),
                (nose, low + 0.15),
                (nose, bonnet - 0.25),
                (nose - 0.14, bonnet - 0.04),
                ((nose + cowl[0]) / 2, bonnet + 0.03),
                cowl,
                roof0,
                (roof0 + (back, top)) / 2 + (0, 0.03),
                (back + 0.12, top - 0.03),
                (back, top - 0.25),
                (back, bonnet - 0.3),
                (back, low),
            ],
            steps=4,
        ),
        wide,
        paint,
        frame=np.eye(3),
    )
    flank = [
        (0.1, wide - 0.06),
        (low + 0.3, wide),
        (bonnet - 0.04, wide - 0.01),
        (bonnet, wide - 0.04),
        (top - 0.1, wide - 0.18),
        (top, wide - 0.26),
        (top + 0.05, wide - 0.5),
        (top + 0.15, 0.0),
    ]
    trim(cab, flank, SECTION, 4, 0.6)
    pinch = 0.22 if old else 0.08
    trim(
        cab,
        smooth_outline(
            [
                (nose + 0.02, 0),
                (nose, 0.4),
                (nose - 0.1, wide - pinch - 0.06),
                (nose - 0.4, wide - pinch),
                (1.1, wide - pinch / 2),
                (0.8, wide),
                (back, wide),
                (back - 0.1, wide),
                (back - 0.2, 0),
            ],
            closed=False,
            steps=4,
        ),
        FLAT,
        3,
        0.6,
    )
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
    cab.box(
        (*((cowl + roof0) / 2 + (0.0, 0.02)), 0),
        (np.hypot(*d) * 0.40, 0.16, wide - 0.26),
        None,
        turned=turn(z=np.degrees(np.arctan2(d[1], d[0]))),
        carve=True,
    )
    cab.box((back, (sill + head) / 2, 0), (0.07, (head - sill) / 2, wide - 0.34), None, carve=True)
    for x in (front0 + 0.1, *(c - 0.08 for _, _, c in panes)):
        cab.box((x, (sill + low) / 2, wide), (0.013, (sill - low) / 2 - 0.06, 0.06), dark, mirror=True, carve=True)
    cabin = shape.part("glass")
    sheet(
        cabin,
        [cowl + (-0.14, -0.1), roof0 + (-0.02, -0.06), (back + 0.1, top - 0.08), (back + 0.05, bonnet)],
        wide,
        glass,
        frame=np.eye(3),
    )
    trim(cabin, [(y, max(z - 0.05, 0)) for y, z in flank], SECTION, 4, 0.6)

    load = shape.part("bed")
    mid, reach = (back - 0.05 + tail) / 2, (back - 0.05 - tail) / 2
    load.box((mid, (bed + low) / 2, 0), (reach, (bed - low) / 2, wide - (0.12 if old else 0.0)), paint, round=0.05)
    load.box(
        (mid, bed, 0),
        (reach - 0.09, bed - 2.18 * wheel - 0.03, wide - (0.24 if old else 0.12)),
        dark,
        round=0.02,
        carve=True,
    )
    if old:
        fender = shape.part("fenders", 0.03)
        for x in axles:
            fender.ellipsoid((x, wheel + 0.14, wide - 0.08), (0.66, 0.42, 0.22), paint, mirror=True)
            fender.cone((x, wheel, wide - 0.4), (x, wheel, wide + 0.5), wheel * 1.15, m=dark, mirror=True, carve=True)
    else:
        load.cone(
            (axles[1], wheel, wide - 0.4), (axles[1], wheel, wide + 0.3), wheel * 1.18, m=dark, mirror=True, carve=True
        )
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
        lights.box(
            (nose - 0.05, bonnet - 0.30, wide - 0.24),
            (0.09, 0.10, 0.13),
            lamp,
            turned=turn(y=12),
            round=0.03,
            mirror=True,
        )
    lights.box((tail, bed - 0.22, wide - (0.2 if old else 0.08)), (0.04, 0.14, 0.06), red, round=0.02, mirror=True)
    details = shape.part("mirrors")
    details.ellipsoid((front0 - 0.02, sill + 0.1, wide + 0.08), (0.06, 0.11, 0.10), dark, mirror=True)
    for _, _, c in panes:
        details.limb((c, sill - 0.16, wide - 0.01), (c + 0.16, sill - 0.16, wide - 0.01), 0.026, m=chrome, mirror=True)
    _wheels(shape, axles, wheel, 0.27, wide + 0.02, 0 if old else 6)
