"""Windmills, as parametric solids in metres: wind turbines, tower mills and wind pumps."""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.families.parts import SIDE, arch
from training.world.sdf import Shape, smooth_outline, turn


@family(
    "windmill",
    colours=("white", "white", "grey", "red", "brown", "beige", "green", "blue"),
    places=("grass", "desert", "snow", "beach", "night"),
)
def windmill(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["turbine", "turbine", "tower", "tower", "pump"])
    {"turbine": _turbine, "tower": _tower_mill, "pump": _wind_pump}[kind](shape, rng, look)


def _turbine(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint, dark = shape.material(look.rgb, "plastic"), shape.material((0.1, 0.1, 0.11), "metal")
    tall, span = 10.0, rng.uniform(4.6, 5.8)
    mast = shape.part("mast")
    mast.cone((0, 0, 0), (0, tall, 0), 0.34, 0.19, m=paint)
    mast.cone((0, 0, 0), (0, 0.25, 0), 0.6, 0.5, m=dark)
    house = shape.part("nacelle")
    house.box((-0.2, tall + 0.15, 0), (0.85, 0.27, 0.27), paint, round=0.15)
    hub, blades = shape.part("hub"), shape.part("blades", 0.03)
    centre = np.array([0.85, tall + 0.15, 0])
    hub.ellipsoid(centre, (0.36, 0.27, 0.27), paint)
    outline = smooth_outline(
        [
            (-0.09, 0.1),
            (-0.12, 0.6),
            (-0.30, 1.2),
            (-0.22, 3.0),
            (-0.08, span),
            (0.06, span),
            (0.12, 3.0),
            (0.14, 1.2),
            (0.10, 0.6),
            (0.09, 0.1),
        ],
        steps=4,
    ) - (0, span / 2)
    for angle in rng.uniform(0, 120) + np.arange(3) * 120:
        frame = turn(x=angle) @ turn(y=72)
        blades.plate(centre + turn(x=angle) @ (0.05, span / 2, 0), outline, 0.03, paint, turned=frame, round=0.03)


def _tower_mill(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    wall = shape.material(look.rgb, "stone", "bricks", tuple(0.65 * c for c in look.rgb), 0.02)
    thatch = shape.material(
        [(0.10, 0.055, 0.03), (0.05, 0.05, 0.06), (0.3, 0.06, 0.03)][rng.integers(3)],
        "wood",
        "planks",
        (0.05, 0.03, 0.02),
        0.02,
    )
    wood = shape.material((0.20, 0.10, 0.045), "wood")
    white, dark = shape.material((0.7, 0.68, 0.62), "fabric"), shape.material((0.03, 0.035, 0.045), "glass")
    door = shape.material((0.12, 0.05, 0.02), "wood", "planks", (0.07, 0.03, 0.01), 0.02)
    tall, foot = rng.uniform(5.4, 7.0), rng.uniform(1.9, 2.5)
    head = foot * rng.uniform(0.55, 0.72)
    tower, cap = shape.part("tower"), shape.part("cap", 0.05)
    tower.cone((0, 0, 0), (0, tall, 0), foot, head, m=wall)
    if rng.random() < 0.5:  # a gallery round the waist
        y, r = tall * 0.36, foot + (head - foot) * 0.36 + 0.75
        stage = shape.part("gallery")
        stage.cone((0, y - 0.08, 0), (0, y + 0.08, 0), r, m=wood)
        stage.ring((0, y + 0.65, 0), r - 0.08, 0.06, wood, turned=turn(x=90))
        for a in np.arange(8) * np.pi / 4:
            d = np.array([np.cos(a), 0, np.sin(a)])
            stage.limb(d * (r - 0.08) + (0, y, 0), d * (r - 0.08) + (0, y + 0.65, 0), 0.05, m=wood)
            stage.limb(d * (r - 0.2) + (0, y, 0), d * (r - 0.6) + (0, y - 0.7, 0), 0.06, m=wood)
    if rng.random() < 0.5:
        cap.cone((0, tall, 0), (0, tall + head * 1.5, 0), head * 1.18, 0.05, m=thatch)
    else:
        cap.ellipsoid((-0.1, tall, 0), (head * 1.22, head * 1.1, head * 1.08), thatch)
        cap.box((0, tall - 2, 0), (5, 2, 5), None, carve=True)
    panes = shape.part("windows")
    for y in (0.42, 0.7):
        r = foot + (head - foot) * y
        for a in (30, -30, 150):
            d = turn(y=a)
            panes.box(d @ (r, tall * y, 0), (0.1, 0.36, 0.24), dark, turned=d)
            panes.box(d @ (r + 0.02, tall * y, 0), (0.11, 0.04, 0.24), white, turned=d)
    shape.part("door").plate((foot * 0.95, 0.85, 0), arch(0.9, 1.7), 0.22, door, turned=SIDE @ turn(x=-4))
    hub = np.array([head * 1.3 + 0.45, tall + 0.35, 0])
    axle = shape.part("axle")
    axle.limb(hub - (head + 0.4, 0.05, 0), hub + (0.15, 0, 0), 0.16, m=wood)
    sails, cloths, span = shape.part("sail frames"), shape.part("sails"), rng.uniform(3.9, 4.8)
    start, covered = rng.uniform(0, 90), rng.random() < 0.45
    for angle in start + np.arange(4) * 90:
        frame = turn(x=angle)
        sails.limb(hub, hub + frame @ (0, span, 0), 0.085, 0.06, m=wood)
        wide = 0.95
        for z in (0.5, 1.0):
            sails.limb(hub + frame @ (0, 0.9, z * wide), hub + frame @ (0, span, z * wide), 0.035, m=wood)
        for y in np.linspace(0.9, span, 7):
            sails.limb(hub + frame @ (0, y, 0), hub + frame @ (0, y, wide), 0.035, m=wood)
        if covered:
            cloths.box(
                hub + frame @ (-0.05, (span + 0.9) / 2, wide * 0.5),
                (0.02, (span - 0.9) / 2, wide * 0.48),
                white,
                turned=frame,
            )
        else:
            cloths.box(
                hub + frame @ (-0.02, (span + 0.9) / 2, -0.12), (0.02, (span - 0.9) / 2, 0.13), wood, turned=frame
            )


def _wind_pump(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint, iron = shape.material(look.rgb, "metal"), shape.material((0.22, 0.22, 0.23), "metal")
    tall, r = rng.uniform(7.5, 9.0), rng.uniform(1.7, 2.2)
    legs, spread = shape.part("legs"), 1.15
    for x, z in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        legs.limb((x * spread, 0, z * spread), (x * 0.12, tall, z * 0.12), 0.075, 0.06, m=paint)
    levels = np.array([0.06, 0.32, 0.54, 0.74])
    half = spread + (0.12 - spread) * levels
    for y, w in zip(levels * tall, half, strict=True):
        for s in (-1, 1):
            legs.limb((-w, y, s * w), (w, y, s * w), 0.045, m=paint)
            legs.limb((s * w, y, -w), (s * w, y, w), 0.045, m=paint)
    for i in range(3):
        y0, y1, w0, w1 = levels[i] * tall, levels[i + 1] * tall, half[i], half[i + 1]
        for s in (-1, 1):
            flip = s if i % 2 else -s
            legs.limb((-w0 * flip, y0, s * w0), (w1 * flip, y1, s * w1), 0.035, m=paint)
            legs.limb((s * w0, y0, w0 * flip), (s * w1, y1, -w1 * flip), 0.035, m=paint)
    hub = np.array([0.55, tall + 0.25, 0])
    head = shape.part("head")
    head.limb(hub - (0.8, 0, 0), hub + (0.12, 0, 0), 0.16, m=iron)
    blades, rim = shape.part("blades"), shape.part("rim")
    n = int(rng.integers(11, 15))
    wide = np.pi * r / n * 0.78
    outline = np.array([(-wide * 0.42, 0.28 * r), (-wide, r), (wide, r), (wide * 0.42, 0.28 * r)]) - (0, 0.64 * r)
    for angle in np.arange(n) * 360 / n:
        frame = turn(x=angle) @ turn(y=62)
        blades.plate(hub + turn(x=angle) @ (0, 0.64 * r, 0), outline, 0.015, paint, turned=frame, round=0.015)
    for k in (0.4, 0.82):
        rim.ring(hub - (0.05, 0, 0), r * k, 0.035, iron, turned=turn(y=90))
    vane = shape.part("vane")
    vane.limb(hub - (0.5, 0, 0), hub - (2.4, 0, 0), 0.05, m=iron)
    vane.plate(hub - (2.55, 0, 0), [(0.75, 0.22), (-0.6, 0.62), (-0.6, -0.62), (0.75, -0.22)], 0.025, paint)
