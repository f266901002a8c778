"""Tanks and cannons, as parametric solids in metres."""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.families.parts import FLAT, RUBBER, sheet
from training.world.sdf import Shape, smooth_outline, turn


@family(
    "tank",
    colours=("green", "beige", "grey", "brown"),
    places=("grass", "desert", "snow", "forest", "street", "studio"),
)
def tank(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint = (
        shape.material(look.rgb, "matte", "patches", tuple(0.62 * c for c in look.rgb), 0.12)
        if rng.random() < 0.4
        else shape.material(look.rgb, "matte")
    )
    dark, iron = shape.material(*RUBBER), shape.material((0.06, 0.06, 0.06), "metal")
    shade = shape.material(tuple(0.7 * c for c in look.rgb), "matte")
    half, wide = rng.uniform(2.9, 3.4), rng.uniform(1.5, 1.75)
    high = rng.uniform(1.15, 1.4)
    hull = shape.part("hull")
    nose = rng.uniform(0.6, 1.3)
    sheet(
        hull,
        [
            (half - 0.1, high * 0.55),
            (half - nose, high + 0.12),
            (-half + 0.15, high + 0.12),
            (-half, high * 0.6),
            (-half + 0.6, 0.42),
            (half - 0.8, 0.42),
        ],
        wide - 0.5,
        paint,
        frame=np.eye(3),
        round=0.03,
    )
    fenders = shape.part("fenders")
    fenders.box((0, high + 0.03, wide - 0.28), (half - 0.15, 0.045, 0.36), paint, round=0.02, mirror=True)
    fenders.box((-half * 0.35, high + 0.2, wide - 0.22), (0.6, 0.14, 0.2), shade, round=0.03, mirror=True)
    tracks, rollers = shape.part("tracks"), shape.part("rollers")
    loop = smooth_outline(
        [
            (half, high * 0.58),
            (half - 0.3, high * 0.90),
            (0, high * 0.88),
            (-half + 0.3, high * 0.90),
            (-half, high * 0.60),
            (-half + 0.35, high * 0.22),
            (-half + 1.0, 0.0),
            (0, 0.0),
            (half - 1.0, 0.0),
            (half - 0.35, high * 0.24),
        ],
        steps=5,
    )
    inner = loop.copy() - loop.mean(axis=0)
    inner = inner * (1 - 0.24 / np.ptp(loop[:, 0]), 1 - 0.24 / np.ptp(loop[:, 1])) + loop.mean(axis=0)
    sheet(tracks, loop, 0.25, iron, at=(0, 0, wide - 0.28), frame=np.eye(3), mirror=True)
    for z in (wide + 0.02, wide - 0.58):
        sheet(tracks, inner, 0.12, dark, at=(0, 0, z), frame=np.eye(3), mirror=True, carve=True)
    for x in np.arange(-5, 6) * half / 5.5:  # cleats
        tracks.box((x, -0.02, 0), (0.05, 0.045, 4), dark, carve=True)
    n, r = int(rng.integers(5, 7)), high * 0.30
    for x in np.linspace(-half + 1.05, half - 1.05, n):
        rollers.cone(
            (x, r + 0.1, wide - 0.2),
            (x, r + 0.1, wide + 0.0),
            r * min(1, 2.2 * half / n / (2.6 * r)),
            m=paint,
            round=0.03,
            mirror=True,
        )
    for x in (-half + 0.45, half - 0.45):
        rollers.cone((x, high * 0.58, wide - 0.2), (x, high * 0.58, wide), r * 0.85, m=paint, round=0.03, mirror=True)
    top, turret = high + 0.12, shape.part("turret", 0.08)
    at, tall = rng.uniform(-0.1, 0.45), rng.uniform(0.62, 0.8)
    swing = np.radians(rng.choice([0, 0, rng.uniform(-40, 40)]))
    if rng.random() < 0.5:
        turret.ellipsoid((at, top + 0.1, 0), (1.45, tall, 1.2), paint)
        turret.box((at, top - 0.5, 0), (2, 0.5, 2), None, carve=True)
    else:
        outline = [
            (1.35, -0.55),
            (1.35, 0.55),
            (0.6, 1.05),
            (-1.0, 1.0),
            (-1.6, 0.7),
            (-1.6, -0.7),
            (-1.0, -1.0),
            (0.6, -1.05),
        ]
        turret.plate(
            (at, top + tall * 0.5, 0),
            np.array(outline) + (0.12, 0),
            tall * 0.42,
            paint,
            turned=turn(y=np.degrees(-swing)) @ FLAT,
            round=0.05,
        )
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
    lamp.ellipsoid(
        (half - 0.5, high + 0.12, wide - 0.35),
        (0.12, 0.12, 0.12),
        shape.material((0.8, 0.8, 0.7), "glass"),
        mirror=True,
    )


@family(
    "cannon", colours=("black", "green", "brown", "grey", "gold"), places=("grass", "snow", "desert", "studio", "beach")
)
def cannon(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    bronze = shape.material(look.rgb, "metal" if look.colour == "gold" else "plastic")
    timber = [(0.24, 0.12, 0.05), (0.10, 0.13, 0.06), (0.22, 0.05, 0.03)][rng.integers(3)]
    wood = shape.material(timber, "wood")
    iron, dark = shape.material((0.07, 0.07, 0.075), "metal"), shape.material(*RUBBER)
    naval = rng.random() < 0.3
    rise, long = rng.uniform(4, 16), rng.uniform(2.1, 2.7)
    axle = 0.72 if not naval else 0.62
    tilt = turn(z=rise - 90)
    fat = rng.uniform(0.23, 0.29)
    profile = np.array(
        [
            (0.0, -0.42),
            (0.07, -0.40),
            (0.10, -0.34),
            (0.05, -0.27),
            (0.13, -0.22),
            (1.0 * fat, -0.18),
            (1.12 * fat, -0.12),
            (1.12 * fat, -0.05),
            (fat, -0.04),
            (0.88 * fat, 0.36 * long),
            (0.94 * fat, 0.37 * long),
            (0.94 * fat, 0.41 * long),
            (0.82 * fat, 0.42 * long),
            (0.62 * fat, 0.90 * long),
            (0.66 * fat, 0.94 * long),
            (0.84 * fat, 0.98 * long),
            (0.80 * fat, long),
            (0.0, long),
        ]
    )
    middle = (long - 0.42) / 2
    pivot = np.array([0.0, axle + 0.28, 0])
    breech = pivot - tilt[:, 1] * long * 0.40
    barrel = shape.part("barrel")
    barrel.lathe(breech + tilt[:, 1] * middle, profile - (0, middle), bronze, turned=tilt)
    barrel.cone(breech + tilt[:, 1] * long * 0.7, breech + tilt[:, 1] * (long + 0.2), 0.4 * fat, m=dark, carve=True)
    carriage, wheels = shape.part("carriage"), shape.part("wheels")
    carriage.limb(pivot - (0, 0, 0.4), pivot + (0, 0, 0.4), 0.07, m=iron)
    if naval:
        sheet(
            carriage,
            [(0.75, 0.28), (0.75, 0.80), (0.25, 0.98), (-0.35, 0.86), (-0.5, 0.68), (-0.85, 0.58), (-1.15, 0.3)],
            0.07,
            wood,
            at=(0, 0, 0.36),
            frame=np.eye(3),
            mirror=True,
        )
        carriage.box((-0.2, 0.38, 0), (0.8, 0.07, 0.36), wood)
        for x in (0.5, -0.85):
            wheels.cone((x, 0.24, 0.44), (x, 0.24, 0.58), 0.25, m=wood, round=0.02, mirror=True)
            wheels.limb((x, 0.24, -0.62), (x, 0.24, 0.62), 0.06, m=iron)
    else:
        sheet(
            carriage,
            [(0.45, 0.62), (0.4, 1.02), (-0.35, 0.98), (-1.9, 0.22), (-1.95, 0.02), (-1.65, 0.02), (-0.4, 0.55)],
            0.07,
            wood,
            at=(0, 0, 0.30),
            frame=np.eye(3),
            mirror=True,
        )
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
