"""Doors and windows in their frames, as parametric solids in metres."""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.families.parts import SIDE, arch
from training.world.sdf import Shape, turn


def _wall(shape: Shape, rng: np.random.Generator, middle, wide: float, tall: float, margin: float, x: float) -> None:
    """The piece of wall that an opening with these half sizes sits in, as much wider on each side as `margin`."""
    kind = rng.integers(3)
    rgb, rgb2, what, pattern, scale = (
        ((0.38, 0.12, 0.06), (0.5, 0.46, 0.4), "stone", "bricks", 0.1),
        ((0.62, 0.56, 0.44), (0.5, 0.45, 0.36), "stone", "mottle", 0.3),
        ((0.66, 0.66, 0.62), (0.3, 0.3, 0.28), "wood", "planks", 0.07),
    )[kind]
    wall = shape.material(rgb, what, pattern, rgb2, scale)
    foot = max(middle[1] - tall - margin, 0)
    top = middle[1] + tall + margin
    part = shape.part("wall")
    part.box((x, (foot + top) / 2, 0), (0.08, (top - foot) / 2, wide + margin), wall)
    part.box(middle, (1, tall - 0.02, wide - 0.02), None, carve=True)


@family(
    "door",
    colours=("red", "blue", "green", "brown", "white", "black", "yellow", "turquoise", "grey"),
    places=("studio", "street", "street", "grass", "night"),
    materials=("wood", "metal"),
    poses=("closed", "open"),
    facing=True,
)
def door(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["panels", "panels", "glazed", "arched"])
    leaf = shape.material(
        look.rgb,
        look.material or "wood",
        "planks" if kind == "arched" else "plain",
        tuple(0.5 * c for c in look.rgb),
        0.06,
    )
    rim = shape.material(((0.7, 0.68, 0.63), (0.30, 0.28, 0.26))[int(look.colour == "white")], "stone")
    brass, dark, glass = (
        shape.material((0.6, 0.42, 0.12), "metal"),
        shape.material((0.02, 0.02, 0.02)),
        shape.material((0.04, 0.06, 0.07), "glass"),
    )
    double = bool(rng.random() < 0.25) and kind != "arched"
    wide, tall = rng.uniform(0.42, 0.52) * (1.75 if double else 1), rng.uniform(1.0, 1.12)  # half sizes
    ajar = rng.uniform(35, 80)
    frame, body, raised, fittings = (shape.part(name) for name in ("frame", "leaf", "panels", "fittings"))
    middle = np.array([0, tall + 0.12, 0])
    edge = 0.13
    if kind == "arched":
        outline = arch(2 * wide, 2 * tall)
        around = arch(2 * (wide + edge), 2 * tall + edge)
        frame.plate(middle + (0, edge / 2, 0), around, 0.10, rim, turned=SIDE)
        frame.plate(middle, outline, 1, None, turned=SIDE, carve=True)
    else:
        frame.box(middle + (0, 0, wide + edge / 2), (0.10, tall, edge / 2), rim, mirror=True)
        frame.box(middle + (0.02, tall + edge / 2, 0), (0.12, edge / 2, wide + edge), rim)
        if rng.random() < 0.4:
            frame.box(middle + (0.05, tall + edge + 0.04, 0), (0.18, 0.05, wide + edge + 0.08), rim, round=0.02)
    rows = [(0.52, 0.36), (-0.30, 0.30), (-0.74, 0.16)] if rng.random() < 0.5 else [(0.40, 0.48), (-0.52, 0.34)]
    half = wide / 2 if double else wide  # of one leaf
    for s in (1, -1) if double else (1,):  # hung on the jamb at z = s * wide
        swing = turn(y=-s * ajar) if look.pose == "open" else np.eye(3)
        hinge = middle + (0, 0, s * wide)

        def at(x, y, z, swing=swing, hinge=hinge, s=s):  # z: from the hinge (0) to the lock (1)
            return hinge + swing @ (x, y, -s * z * 2 * half)

        if kind == "arched":
            body.plate(at(0, 0, 0.5), outline, 0.05, leaf, turned=swing @ SIDE)
            for y in (-0.6, 0.0, 0.5):
                raised.box(at(0.055, y * tall, 0.28), (0.015, 0.035, half * 0.5), dark, turned=swing)
        else:
            body.box(at(0, 0, 0.5), (0.05, tall, half * 0.99), leaf, turned=swing)
            for k, (y, h) in enumerate(rows):
                for z in (0.26, 0.74) if not double else (0.5,):
                    width, inset = half * (0.34 if not double else 0.68), kind == "glazed" and k == 0
                    body.box(at(0.05, y * tall, z), (0.03, h * tall, width), None, turned=swing, carve=True)
                    less = 0.0 if inset else 0.05
                    raised.box(
                        at(0.02, y * tall, z),
                        (0.012 if inset else 0.035, h * tall - less, width - less),
                        glass if inset else leaf,
                        turned=swing,
                        round=0.008,
                    )
        lock = 1 - 0.05 / half
        fittings.box(at(0.055, -0.05, lock), (0.012, 0.10, 0.035), brass, turned=swing, round=0.01)
        fittings.limb(at(0.05, -0.03, lock), at(0.12, -0.03, lock), 0.018, m=brass)
        fittings.ball(at(0.13, -0.03, lock), 0.045, brass)
    steps = shape.part("steps")
    steps.box((0.14, 0.06, 0), (0.30, 0.06, wide + edge + 0.12), rim, round=0.01)
    _wall(shape, rng, middle, wide + edge, tall + edge, rng.uniform(0.4, 0.7), -0.06)


@family(
    "window",
    colours=("white", "brown", "green", "blue", "red", "grey", "turquoise"),
    places=("studio", "street", "grass", "night"),
    materials=("wood", "plastic"),
    facing=True,
)
def window(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint = shape.material(look.rgb, look.material or "wood")
    sky = rng.random() < 0.5  # is what the panes mirror
    glass = shape.material(
        *(
            ((0.10, 0.16, 0.20), "ceramic", "mottle", (0.30, 0.38, 0.44), 0.5)
            if sky
            else ((0.03, 0.05, 0.06), "ceramic")
        )
    )
    stone = shape.material((0.5, 0.47, 0.42), "stone")
    wide, tall = rng.uniform(0.42, 0.62), rng.uniform(0.6, 0.8)
    arched, shutters = bool(rng.random() < 0.3), bool(rng.random() < 0.55)
    middle = np.array([0, tall + 0.14, 0])
    frame, bars, pane = shape.part("frame"), shape.part("bars"), shape.part("panes")
    edge = 0.09
    outer = (
        arch(2 * (wide + edge), 2 * tall + 2 * edge)
        if arched
        else np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (wide + edge, tall + edge)
    )
    inner = outer * (wide / (wide + edge), tall / (tall + edge))
    frame.plate(middle, outer, 0.07, paint, turned=SIDE)
    frame.plate(middle, inner, 1, None, turned=SIDE, carve=True)
    pane.plate(middle, inner, 0.012, glass, turned=SIDE)
    rows = int(rng.integers(1, 4))
    bars.box(middle, (0.045, tall * 0.97, 0.035), paint)
    for y in (np.arange(1, rows + 1) / (rows + 1) * 2 - 1) * tall * (0.9 if arched else 1.0):
        bars.box(middle + (0, y, 0), (0.03, 0.024, wide), paint)
    if rng.random() < 0.5:
        for z in (-0.5, 0.5):
            bars.box(
                middle + (0, -0.04 if arched else 0, z * wide), (0.03, tall * (0.86 if arched else 0.98), 0.018), paint
            )
    sill = shape.part("sill")
    sill.box((0.07, 0.05, 0), (0.17, 0.05, wide + edge + 0.1), stone, round=0.015)
    _wall(shape, rng, middle, wide + edge, tall + edge, wide * (1.1 if shutters else 0) + rng.uniform(0.35, 0.6), -0.02)
    if shutters:
        boards, slats = shape.part("shutters"), shape.part("slats")
        half = wide * 0.5 + 0.03
        swing = turn(y=-rng.uniform(0, 30))
        hinge = np.array([0.05, middle[1], wide + edge])
        centre = hinge + swing @ (0, 0, half)
        boards.box(centre, (0.025, tall + edge * 0.5, half), paint, turned=swing, mirror=True)
        for y in (-0.48, 0.48):
            boards.box(
                centre + (0, y * tall, 0) + swing @ (0.03, 0, 0),
                (0.025, tall * 0.41, half - 0.06),
                None,
                turned=swing,
                mirror=True,
                carve=True,
            )
        for y in np.linspace(-0.82, 0.82, 11) * tall:
            slats.box(centre + (0, y, 0), (0.022, 0.028, half - 0.05), paint, turned=swing @ turn(z=-35), mirror=True)
    if rng.random() < 0.4:  # a box of flowers on the sill
        pot, leaves, blooms = shape.part("flower box"), shape.part("leaves", 0.02), shape.part("blooms")
        clay = shape.material((0.35, 0.12, 0.05), "ceramic")
        green, bloom = shape.material((0.06, 0.22, 0.04), "leaf"), shape.material((0.6, 0.04, 0.08), "leaf")
        pot.box((0.2, 0.18, 0), (0.09, 0.09, wide * 0.85), clay, round=0.02)
        for z in np.linspace(-0.75, 0.75, 7) * wide:
            leaves.ball((0.21 + rng.uniform(-0.03, 0.03), 0.31, z), 0.085, green)
            blooms.ball(
                (0.24 + rng.uniform(-0.03, 0.05), 0.38 + rng.uniform(-0.05, 0.04), z + rng.uniform(-0.04, 0.04)),
                0.04,
                bloom,
            )
