"""Kitchenware: the cup, the teapot, the wine bottle, the knife and the spoon.

Units are free. A thing that is all silhouette (a cup with its handle, a knife) shows it to its sides, as an animal
does: it is drawn as seen from the front first, and turned at the end.
"""

from __future__ import annotations

import numpy as np

from training.world.families import Habit, family
from training.world.families.parts import DARK, FRONT, IVORY, SIDE, arc, kind_of, lay, lean, lie, lighter, upright
from training.world.sdf import smooth_outline

TABLE = ("studio", "studio", "kitchen", "kitchen", "grass", "street")


def vessel(outside, wall, floor):
    """The profile of an open vessel from its outside, (n, 2) from the bottom to the rim."""
    outside = np.asarray(outside, float)
    inside = outside[outside[:, 1] > outside[0, 1] + floor] - (wall, 0)
    return np.concatenate([[(0, outside[0, 1])], outside, inside[::-1], [(0, outside[0, 1] + floor)]])


@family(
    "cup",
    colours=(
        "white",
        "red",
        "blue",
        "green",
        "yellow",
        "black",
        "orange",
        "turquoise",
        "pink",
        "purple",
        "brown",
        "grey",
        "beige",
    ),
    materials=("ceramic", "metal", "plastic"),
    places=TABLE,
)
def cup(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "ceramic"))
    coffee = shape.material((0.035, 0.012, 0.004), "plastic")
    kind = rng.choice(["mug", "round", "tapered"], p=[0.45, 0.3, 0.25])
    height = rng.uniform(0.85, 1.15) if kind == "mug" else rng.uniform(0.7, 0.85)
    radius = rng.uniform(0.42, 0.5)
    foot = {"mug": rng.uniform(0.86, 1.0), "round": 0.5, "tapered": 0.62}[kind] * radius
    if kind == "round":
        outside = smooth_outline(
            [
                (foot, 0),
                (foot * 1.02, 0.05),
                (radius * 0.88, height * 0.3),
                (radius, height * 0.65),
                (radius * 1.06, height),
            ],
            closed=False,
        )
    else:
        outside = smooth_outline(
            [(foot * 0.95, 0), (foot, 0.04), ((foot + radius) / 2 + 0.01, height / 2), (radius, height)], closed=False
        )
    shape.part("wall").lathe((0, 0, 0), vessel(outside, 0.055, 0.1), body)
    shape.part("drink").cone(
        (0, height * 0.3, 0),
        (0, height * rng.uniform(0.8, 0.86), 0),
        radius * 0.6,
        np.interp(height * 0.83, outside[:, 1], outside[:, 0]) - 0.03,
        coffee,
    )
    ear, tall = rng.uniform(0.22, 0.34), height * rng.uniform(0.24, 0.33)
    middle = height * rng.uniform(0.5, 0.56)
    points = arc((np.interp(middle, outside[:, 1], outside[:, 0]) - 0.03, middle), (ear, tall), -95, 95, 13)
    ends = np.interp(points[[0, -1], 1], outside[:, 1], outside[:, 0]) + 0.015
    points[[0, -1], 0] = ends
    shape.part("handle").chain(upright(points), rng.uniform(0.045, 0.065), body)
    if kind != "mug" and rng.random() < 0.55:
        r = radius * rng.uniform(1.5, 1.75)
        shape.part("saucer").lathe(
            (0, -0.06, 0),
            [(0, 0), (r * 0.45, 0), (r * 0.6, 0.04), (r, 0.14), (r * 0.98, 0.19), (r * 0.55, 0.08), (0, 0.07)],
            body,
        )
    lean(shape, SIDE)


@family(
    "teapot",
    colours=(
        "white",
        "blue",
        "red",
        "green",
        "yellow",
        "black",
        "brown",
        "turquoise",
        "pink",
        "orange",
        "silver",
        "purple",
    ),
    materials=("ceramic", "metal"),
    places=TABLE,
)
def teapot(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "ceramic"))
    trim = shape.material(
        (0.7, 0.42, 0.08) if rng.random() < 0.4 else look.rgb, "metal" if look.material == "metal" else "ceramic"
    )
    tall = rng.uniform(0.72, 1.2)
    waist = 0.6
    neck = rng.uniform(0.2, 0.3)
    bulge = rng.uniform(0.35, 0.55)  # where the belly is widest, of the height
    outside = smooth_outline(
        [
            (0.3, 0),
            (0.33, 0.03),
            (0.34, 0.05),
            (waist * 0.9, tall * bulge * 0.5),
            (waist, tall * bulge),
            (waist * 0.84, tall * (bulge + 0.3)),
            (neck * 1.15, tall * 0.97),
        ],
        closed=False,
    )
    shape.part("pot").lathe((0, 0, 0), np.concatenate([[(0, 0)], outside, [(0, tall * 0.97)]]), body)

    def side(y):
        return np.interp(y, outside[:, 1], outside[:, 0])

    low, tip = tall * rng.uniform(0.22, 0.35), tall * rng.uniform(0.86, 1.04)
    out = rng.uniform(0.42, 0.55)
    start = side(low) - 0.08
    path = smooth_outline(
        [
            (start, low),
            (start + out * 0.5, low + 0.1),
            (start + out * 0.72, (low + tip) / 2 + 0.02),
            (start + out + 0.06, tip),
        ],
        closed=False,
        steps=3,
    )
    spout = shape.part("spout")
    spout.chain(upright(path), np.linspace(0.15, 0.055, len(path)), body)
    mouth = path[-1] + (path[-1] - path[-2]) * 0.6
    spout.limb(*upright([mouth, mouth + (path[-1] - path[-2]) * 0.5]), 0.032, 0.034, shape.material(DARK), carve=True)
    over = rng.random() < 0.2
    if over:  # a bail handle over the top
        points = arc((0, tall * 0.8), (waist * 0.72, tall * 0.65 + 0.15), -5, 185, 13)
        shape.part("handle").chain(upright(points), 0.042, trim)
    else:
        high, low = tall * 0.82, tall * rng.uniform(0.2, 0.32)
        ear = rng.uniform(0.36, 0.46)
        points = smooth_outline(
            [
                (-side(low) + 0.04, low),
                (-waist - ear * 0.72, low + 0.06),
                (-waist - ear, tall * 0.66),
                (-waist - ear * 0.5, high + 0.06),
                (-side(high) + 0.03, high - 0.02),
            ],
            closed=False,
            steps=3,
        )
        shape.part("handle").chain(upright(points), 0.052, body)
    lid = shape.part("lid")
    rise = rng.uniform(0.06, 0.16)
    lid.lathe(
        (0, tall * 0.95, 0),
        [
            (0, 0),
            (neck * 1.22, 0),
            (neck * 1.24, 0.03),
            (neck * 0.95, rise * 0.6 + 0.03),
            (neck * 0.5, rise + 0.03),
            (0, rise + 0.05),
        ],
        body,
    )
    knob = shape.part("knob", blend=0.01)
    knob.limb((0, tall * 0.95 + rise, 0), (0, tall * 0.95 + rise + 0.1, 0), 0.028, m=trim)
    knob.ellipsoid((0, tall * 0.95 + rise + 0.12, 0), (0.07, rng.uniform(0.045, 0.075), 0.07), trim)
    if rng.random() < 0.4:
        shape.part("foot").cone((0, -0.03, 0), (0, 0.05, 0), 0.36, 0.32, trim, round=0.015)
    if rng.random() < 0.3:  # a painted band
        y = tall * bulge
        shape.part("band").cone((0, y - 0.04, 0), (0, y + 0.04, 0), waist * 1.006, m=trim)
    lean(shape, SIDE)


@family("wine_bottle", colours=("green", "black", "brown", "red", "blue", "white"), materials=("glass",), places=TABLE)
def wine_bottle(shape, rng, look):
    deep = look.rgb if look.colour in ("black", "white", "blue") else lighter(look.rgb, -0.35)
    glass = shape.material(deep, "glass")
    radius, shoulder = rng.uniform(0.125, 0.15), rng.uniform(0.52, 0.62)
    neck, collar = rng.uniform(0.044, 0.052), rng.uniform(0.68, 0.75)
    round_shoulder = rng.random() < 0.6  # a Bordeaux bottle; else the sloping one of Burgundy
    if round_shoulder:
        bend = [(radius, shoulder), (radius * 0.93, shoulder + 0.05), (neck * 1.5, collar - 0.02)]
    else:
        bend = [(radius, shoulder - 0.1), (radius * 0.8, shoulder + 0.02), (neck * 1.5, collar)]
    outside = smooth_outline(
        [
            (radius * 0.9, 0),
            (radius, 0.02),
            (radius, 0.2),
            *bend,
            (neck, collar + 0.06),
            (neck * 0.96, 0.9),
            (neck, 1.0),
        ],
        closed=False,
    )
    shape.part("bottle").lathe((0, 0, 0), np.concatenate([[(0, 0)], outside, [(0, 1.0)]]), glass)
    shape.part("lip").cone((0, 0.965, 0), (0, 0.99, 0), neck * 1.22, m=glass, round=0.006)
    foil = shape.material([(0.4, 0.02, 0.03), (0.7, 0.42, 0.08), (0.02, 0.02, 0.02)][rng.integers(3)], "metal")
    if rng.random() < 0.75:
        shape.part("foil").cone(
            (0, rng.uniform(0.82, 0.87), 0), (0, 1.004, 0), neck * 1.12, neck * 1.08, foil, round=0.004
        )
    else:
        shape.part("cork").cone((0, 0.97, 0), (0, 1.05, 0), neck * 0.75, neck * 0.82, shape.material((0.5, 0.32, 0.16)))
    paper = shape.material(IVORY if look.colour != "white" else (0.35, 0.03, 0.04), "matte")
    low, high = rng.uniform(0.1, 0.16), rng.uniform(0.36, 0.46)
    label = shape.part("label")
    label.cone((0, low, 0), (0, high, 0), radius * 1.015, m=paper)
    label.box((-radius * 1.3, 0.3, 0), (radius * 0.9, 0.3, 0.3), glass, carve=True)
    band = shape.part("label band")
    band.cone((0, low + (high - low) * 0.62, 0), (0, low + (high - low) * 0.82, 0), radius * 1.03, m=foil)
    band.box((-radius * 1.1, 0.3, 0), (radius, 0.3, 0.3), glass, carve=True)


@family(
    "knife",
    colours=("black", "brown", "red", "blue", "green", "silver", "white", "yellow"),
    places=("kitchen", "kitchen", "table", "studio", "street"),
    habit=Habit(fill=(0.75, 0.98), elevation=(40, 78)),
)
def knife(shape, rng, look):
    blade = shape.material((0.62, 0.63, 0.65), "metal")
    grip = shape.material(look.rgb, {"brown": "wood", "silver": "metal"}.get(look.colour, "plastic"))
    wide, long = rng.uniform(0.05, 0.085), rng.uniform(0.52, 0.6)
    kind = rng.choice(["chef", "table", "hunting"], p=[0.5, 0.2, 0.3])
    if kind == "chef":
        edge = [
            (-0.03, 0),
            (wide * 1.2, 0.0),
            (wide * 1.2, long * 0.35),
            (wide * 0.85, long * 0.72),
            (-0.02, long),
            (-0.035, long * 0.9),
            (-0.03, long * 0.5),
        ]
    elif kind == "table":
        edge = [
            (-0.028, 0),
            (0.028, 0),
            (0.036, long * 0.5),
            (0.032, long * 0.9),
            (0.01, long),
            (-0.02, long * 0.96),
            (-0.03, long * 0.5),
        ]
    else:
        edge = [
            (-0.04, 0),
            (wide, 0),
            (wide * 1.05, long * 0.45),
            (wide * 0.7, long * 0.75),
            (-0.03, long),
            (-0.015, long * 0.8),
            (-0.04, long * 0.55),
        ]
    shape.part("blade").plate((0, 0, 0), smooth_outline(edge, steps=5), 0.009, blade, FRONT, round=0.003)
    tail = -rng.uniform(0.36, 0.42)
    handle = shape.part("handle")
    if kind == "table":
        handle.chain([(0, 0.0, 0), (0, tail * 0.5, 0), (0, tail, 0)], (0.022, 0.026, 0.034), grip)
    else:
        outline = smooth_outline(
            [
                (-0.042, 0),
                (0.042, 0),
                (0.032, tail * 0.35),
                (0.036, tail * 0.6),
                (0.052, tail * 0.93),
                (0.02, tail),
                (-0.035, tail * 0.96),
                (-0.045, tail * 0.5),
            ]
        )
        handle.plate((0, 0, 0), outline, 0.022, grip, FRONT, round=0.008)
        rivets = shape.part("rivets")
        for share in (0.2, 0.5, 0.8):
            rivets.cone((-0.034, tail * share, 0), (0.034, tail * share, 0), 0.014, m=blade)
        bolster = shape.part("bolster")
        if kind == "hunting":
            bolster.box((0, 0.0, 0), (0.035, 0.018, 0.085), blade, round=0.008)
        else:
            bolster.box((0, 0.0, -0.005), (0.03, 0.016, 0.05), blade, round=0.006)
    lie(shape, rng)


@family(
    "spoon",
    colours=("silver", "gold", "brown", "white", "red", "black"),
    materials=("metal", "wood", "plastic"),
    places=("studio", "kitchen", "studio", "kitchen", "street"),
)
def spoon(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "metal"))
    wide, long, tail = rng.uniform(0.095, 0.13), rng.uniform(0.16, 0.2), rng.uniform(0.62, 0.72)
    bowl = shape.part("bowl")
    bowl.ellipsoid((0.0, 0.0, 0), (0.075, long, wide), body)
    bowl.ellipsoid((0.075, 0.0, 0), (0.125, long * 0.93, wide * 0.9), body, carve=True)
    bowl.box((0.3, 0, 0), (0.28, 0.4, 0.4), None, carve=True)
    handle = shape.part("handle")
    edge = smooth_outline(
        [
            (-0.022, -long * 0.9),
            (0.022, -long * 0.9),
            (0.013, -long - 0.1),
            (0.018, -long - tail * 0.6),
            (0.04, -long - tail * 0.92),
            (0.0, -long - tail),
            (-0.04, -long - tail * 0.92),
            (-0.018, -long - tail * 0.6),
            (-0.013, -long - 0.1),
        ]
    )
    handle.plate((0, 0, 0), edge, 0.01, body, FRONT, round=0.006)
    lay(shape, rng)
