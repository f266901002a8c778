"""What is worked, fought or played with in the hand: hammer, axe, saw, scissors, sword and racket.

Units are free. Each is drawn upright as seen from the front, and laid down at the end with its breadth to its sides.
"""

from __future__ import annotations

import numpy as np

from training.world.families import Habit, family
from training.world.families.parts import DARK, FRONT, arc, lay, lie
from training.world.sdf import smooth_outline, turn

WORKSHOP = ("table", "table", "studio", "street", "grass")
FROM_ABOVE = Habit(fill=(0.75, 0.98), elevation=(48, 80))


@family(
    "hammer",
    colours=("red", "yellow", "brown", "blue", "black", "orange", "green", "grey"),
    places=WORKSHOP,
    habit=FROM_ABOVE,
)
def hammer(shape, rng, look):
    grip = shape.material(look.rgb, "wood" if look.colour == "brown" else "plastic")
    steel = shape.material((0.33, 0.34, 0.36), "metal")
    thick, long = rng.uniform(0.036, 0.044), rng.uniform(0.72, 0.9)
    handle = shape.part("handle", blend=0.004)
    handle.chain(
        [(0, 0, 0), (0, long * 0.35, 0), (0, long * 0.62, 0), (0, long, 0)],
        (thick * 1.25, thick * 1.15, thick * 0.78, thick * 0.82),
        grip,
    )
    head = shape.part("head", blend=0.012)
    y = long - 0.01
    kind = rng.choice(["claw", "ball", "sledge"], p=[0.65, 0.15, 0.2])
    if kind == "claw":
        head.box((0, y, 0), (0.055, 0.062, 0.07), steel, round=0.02)
        head.cone((0, y, -0.05), (0, y, -0.15), 0.045, m=steel)
        head.cone((0, y, -0.14), (0, y, -0.23), 0.068, m=steel, round=0.012)
        drop = rng.uniform(0.05, 0.12)
        for x in (-0.034, 0.034):
            head.chain(
                [
                    (x * 0.6, y + 0.015, 0.04),
                    (x, y + 0.02, 0.14),
                    (x * 1.2, y - 0.02, 0.23),
                    (x * 1.35, y - 0.02 - drop, 0.31),
                ],
                (0.042, 0.034, 0.024, 0.01),
                steel,
            )
    elif kind == "ball":
        head.cone((0, y, 0.1), (0, y, -0.12), 0.05, m=steel)
        head.cone((0, y, -0.12), (0, y, -0.2), 0.072, m=steel, round=0.012)
        head.ball((0, y, 0.15), 0.072, steel)
    else:
        wide = rng.uniform(0.16, 0.22)
        head.box((0, y, 0), (0.085, 0.085, wide), steel, round=0.022)
    if rng.random() < 0.5:
        shape.part("ferrule").cone((0, long * 0.36, 0), (0, long * 0.4, 0), thick * 1.22, m=steel)
    lie(shape, rng)


@family(
    "axe",
    colours=("brown", "red", "yellow", "orange", "black", "blue"),
    places=("forest", "grass", "table", "street", "snow"),
    habit=FROM_ABOVE,
)
def axe(shape, rng, look):
    grip = shape.material(look.rgb, "wood" if look.colour == "brown" else "plastic")
    steel = shape.material((0.36, 0.37, 0.39), "metal")
    bright = shape.material((0.66, 0.67, 0.69), "metal")
    thick = rng.uniform(0.032, 0.04)
    handle = shape.part("handle", blend=0.004)
    handle.chain(
        [(0, -0.02, 0.03), (0, 0.06, 0.02), (0, 0.35, -0.01), (0, 0.7, 0.005), (0, 0.98, 0)],
        (thick * 1.5, thick * 1.15, thick, thick, thick * 0.95),
        grip,
    )
    reach, drop = rng.uniform(0.26, 0.32), rng.uniform(0.14, 0.2)
    heads = [1, -1] if rng.random() < 0.25 else [1]
    head, edge = shape.part("head"), shape.part("edge")
    for way in heads:
        curve = arc((reach - 0.16, 0.88), (0.18, drop), -75, 75, 9)
        outline = np.concatenate([[(-0.06, 0.97), (-0.06, 0.82), (0.06, 0.82)], curve, [(0.06, 0.96)]])
        head.plate((0, 0, 0), outline * (way, 1), 0.024, steel, FRONT, round=0.006)
        inner = curve[::-1] * (0.9, 1) + (0.0, 0)
        edge.plate((0, 0, 0), np.concatenate([curve + (0.006, 0), inner]) * (way, 1), 0.028, bright, FRONT, round=0.004)
    if len(heads) == 1:
        head.box((0, 0.895, 0.08), (0.036, 0.075, 0.05), steel, round=0.01)
    lie(shape, rng)


@family("saw", colours=("brown", "brown", "brown", "red", "orange", "black"), places=WORKSHOP, habit=FROM_ABOVE)
def saw(shape, rng, look):
    grip = shape.material(look.rgb, "wood" if look.colour == "brown" else "plastic")
    steel = shape.material((0.6, 0.61, 0.63), "metal")
    long, heel, toe = rng.uniform(0.58, 0.74), rng.uniform(0.22, 0.34), rng.uniform(0.1, 0.24)
    teeth = 28
    t = np.linspace(0, 1, 2 * teeth + 1)
    bottom = np.stack([-0.02 + long * t, np.where(np.arange(2 * teeth + 1) % 2, 0.02, 0.0)], 1)
    blade = np.concatenate([bottom, [(long, toe), (long * 0.9, toe + 0.035), (-0.02, heel)]])
    shape.part("blade").plate((0, 0, 0), blade, 0.011, steel, FRONT, round=0.001)
    handle = shape.part("handle")
    outline = smooth_outline(
        [
            (0.06, heel + 0.02),
            (0.0, heel + 0.05),
            (-0.14, heel + 0.03),
            (-0.24, heel - 0.02),
            (-0.2, heel * 0.55),
            (-0.25, 0.03),
            (-0.22, -0.04),
            (-0.1, -0.02),
            (0.04, 0.01),
            (0.07, heel * 0.4),
        ]
    )
    handle.plate((0, 0, 0), outline, 0.026, grip, FRONT, round=0.01)
    grasp = smooth_outline(
        [
            (-0.03, heel * 0.92),
            (-0.12, heel * 0.9),
            (-0.145, heel * 0.55),
            (-0.15, heel * 0.22),
            (-0.06, heel * 0.2),
            (-0.03, heel * 0.5),
        ]
    )
    handle.plate((0, 0, 0), grasp, 0.1, None, FRONT, carve=True)
    screws = shape.part("screws")
    for x, y in ((0.03, heel * 0.8), (0.03, heel * 0.3)):
        screws.cone((-0.042, y, -x), (0.042, y, -x), 0.016, m=steel, round=0.004)
    lie(shape, rng)


@family(
    "scissors",
    colours=("red", "black", "blue", "orange", "green", "yellow", "purple", "pink", "silver"),
    places=("studio", "studio", "kitchen", "street", "snow"),
)
def scissors(shape, rng, look):
    steel = shape.material((0.62, 0.63, 0.65), "metal")
    grip = shape.material(look.rgb, "metal" if look.colour == "silver" else "plastic")
    long, wide = rng.uniform(0.5, 0.62), rng.uniform(0.035, 0.05)
    gape = rng.uniform(8, 24)  # degrees of each blade off the axis
    a, b = rng.uniform(0.095, 0.12), rng.uniform(0.12, 0.16)
    for way, x in ((1, 0.012), (-1, -0.012)):
        # In a half's own plane its inner edge is at 0 and it is straight; then it turns about the pivot.
        frame = turn(x=-way * gape) @ FRONT
        blade = [
            (0.0, long),
            (wide * 0.5, long * 0.8),
            (wide, long * 0.2),
            (wide * 0.9, -0.03),
            (wide * 0.2, -0.2),
            (-wide, -0.2),
            (-wide * 0.5, -0.03),
            (-0.004, long * 0.15),
        ]
        shape.part(f"blade {way}").plate((x, 0, 0), np.array(blade) * (way, 1), 0.009, steel, frame, round=0.002)
        middle = np.array([-0.06 * way, -0.2 - b])
        handle = shape.part(f"handle {way}")
        outer = arc(middle, (a, b), 0, 345, 24)
        inner = arc(middle + (0, -0.005), (a - 0.045, b - 0.05), 0, 345, 24)
        shank = np.array(
            [
                (wide * 0.9, -0.05),
                (wide * 0.9, -0.16),
                (-0.05, -0.24),
                (-0.1, -0.24),
                (-wide, -0.12),
                (-wide * 0.6, -0.05),
            ]
        ) * (way, 1)
        handle.plate((x, 0, 0), outer, 0.022, grip, frame, round=0.008)
        handle.plate((x, 0, 0), shank, 0.018, grip, frame, round=0.006)
        handle.plate((x, 0, 0), inner, 0.08, None, frame, carve=True)
    shape.part("screw").cone((-0.03, 0, 0), (0.03, 0, 0), 0.024, m=steel, round=0.005)
    lay(shape, rng, (10, 80))


@family(
    "sword",
    colours=("silver", "gold", "black", "brown", "red", "blue"),
    places=("studio", "studio", "grass", "forest", "desert", "snow", "night"),
)
def sword(shape, rng, look):
    steel = shape.material((0.62, 0.63, 0.66), "metal")
    hilt = shape.material(look.rgb, "metal" if look.colour in ("gold", "silver") else "plastic")
    leather = {"black": (0.06, 0.06, 0.06), "gold": (0.3, 0.02, 0.02), "silver": DARK}.get(look.colour, look.rgb)
    grip = shape.material(leather, "fabric")
    wide, long = rng.uniform(0.035, 0.055), rng.uniform(0.66, 0.74)
    blade = shape.part("blade")
    if rng.random() < 0.25:  # a sabre
        edge = smooth_outline(
            [
                (-wide, 0),
                (wide * 0.7, 0),
                (wide * 0.9, long * 0.5),
                (0.0, long * 0.85),
                (-0.12, long),
                (-wide - 0.05, long * 0.85),
                (-wide - 0.005, long * 0.45),
            ],
            steps=5,
        )
    else:
        edge = np.array([(-wide, 0), (wide, 0), (wide * 0.75, long * 0.88), (0, long), (-wide * 0.75, long * 0.88)])
        shape.part("ridge").box((0, long * 0.42, 0), (0.016, long * 0.4, wide * 0.16), steel, round=0.003)
    blade.plate((0, 0, 0), edge, 0.01, steel, FRONT, round=0.002)
    guard, reach = shape.part("guard", blend=0.006), rng.uniform(0.12, 0.17)
    sweep = rng.choice([0.0, 0.04, -0.03])
    guard.chain(
        [(0, sweep, -reach), (0, 0, -0.03), (0, 0, 0.03), (0, sweep, reach)], (0.026, 0.024, 0.024, 0.026), hilt
    )
    guard.ball((0, sweep, reach), 0.034, hilt, mirror=True)
    end = -rng.uniform(0.19, 0.23)
    handle = shape.part("grip")
    handle.limb((0, -0.01, 0), (0, end, 0), 0.026, 0.024, grip)
    wraps = shape.part("wraps")
    for k in range(5):
        wraps.ring((0, end * (0.18 + 0.17 * k), 0), 0.025, 0.006, hilt, turn(x=90 + 14))
    shape.part("pommel").ball((0, end - 0.02, 0), 0.043, hilt)
    lay(shape, rng, (20, 60))


@family(
    "racket",
    colours=("red", "blue", "black", "green", "yellow", "orange", "white", "pink"),
    places=("studio", "studio", "grass", "street", "beach", "snow"),
)
def racket(shape, rng, look):
    frame = shape.material(look.rgb, "plastic")
    gut = shape.material((0.78, 0.77, 0.7) if look.colour != "white" else (0.1, 0.1, 0.1), "plastic")
    tape = shape.material(DARK if look.colour != "black" else (0.3, 0.18, 0.08), "fabric")
    a, b = rng.uniform(0.2, 0.23), rng.uniform(0.255, 0.29)
    centre, thick = rng.uniform(0.68, 0.72), rng.uniform(0.02, 0.027)
    oval = arc((0, centre), (a, b), 0, 352.5, 48)
    hoop = shape.part("hoop")
    hoop.plate(
        (0, 0, 0), (oval - (0, centre)) * (1 + thick / a, 1 + thick / b) + (0, centre), 0.018, frame, FRONT, round=0.008
    )
    hoop.plate(
        (0, 0, 0), (oval - (0, centre)) * (1 - thick / a, 1 - thick / b) + (0, centre), 0.1, None, FRONT, carve=True
    )
    strings = shape.part("strings")
    for k in range(9):
        s = (k - 4) / 4.7
        reach = np.sqrt(1 - s**2)
        strings.limb((0, centre + b * reach, a * s), (0, centre - b * reach, a * s), 0.0032, m=gut)
        strings.limb((0, centre + b * s, a * reach), (0, centre + b * s, -a * reach), 0.0032, m=gut)
    throat = shape.part("throat", blend=0.004)
    low = centre - b
    throat.chain(
        [(0, low + b * 0.22, a * 0.62), (0, low - 0.02, a * 0.36), (0, low - 0.14, 0.018)], 0.021, frame, mirror=True
    )
    throat.limb((0, low - 0.12, 0), (0, 0.22, 0), 0.026, m=frame)
    grip = shape.part("grip")
    grip.cone((0, -0.02, 0), (0, 0.24, 0), 0.037, 0.033, tape, round=0.008)
    wraps = shape.part("wraps")
    for k in range(5):
        wraps.ring((0, 0.02 + 0.045 * k, 0), 0.034, 0.005, tape, turn(x=90 + 18))
    if rng.random() < 0.4:
        ball = shape.part("ball")
        felt = shape.material((0.55, 0.7, 0.05), "fur")
        ball.ball((0.05, 0.28, 0.17), 0.065, felt)
    lay(shape, rng, (10, 80))
