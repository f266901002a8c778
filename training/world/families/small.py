"""The small creatures: insects, spiders and scorpions, the frog, lizards and snakes, the bat and the songbird."""

from __future__ import annotations

import numpy as np

from training.world.families import COLOURS, Habit, family
from training.world.families.anatomy import (
    DARK,
    PINK,
    WHITE,
    curve,
    dark_eyes,
    ears,
    facing,
    glossy,
    leaf,
    mix,
    patch,
    place,
)
from training.world.families.birds import wings
from training.world.sdf import Part, Shape, smooth_outline, turn

SOIL = ("grass", "forest", "desert", "studio", "street")


def _leg(part: Part, hip, angle: float, reach: float, knee: float, radii, m: int, foot: float = 0.0) -> None:
    """A pair of jointed legs: from `hip` out at `angle` degrees behind straight ahead, up to a knee at height `knee`,
    and down to the ground at `reach` from the hip; `foot` adds a last joint along the ground."""
    hip, a = np.asarray(hip, float), np.radians(angle)
    out = np.array([np.cos(a), 0, np.sin(a)])
    points = [
        hip,
        hip * (1, 0, 1) + out * reach * 0.42 + (0, knee, 0),
        hip * (1, 0, 1) + out * reach + (0, radii[2], 0),
    ]
    if foot:
        points.append(points[-1] + out * foot)
        radii = (*radii, radii[2] * 0.8)
    part.chain(points, radii, m, mirror=True)


def _hoops(part: Part, centre, radii, frame, at, half: float, m: int, proud: float = 0.004) -> None:
    """Bands round an ellipsoid whose long axis is the frame's x, each at a share in -1..1 of that axis."""
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    for t in at:
        size = np.sqrt(1 - t * t)
        ring = np.stack([np.cos(angle) * (radii[2] * size + proud), np.sin(angle) * (radii[1] * size + proud)], axis=1)
        part.plate(np.asarray(centre) + frame[:, 0] * t * radii[0], ring, half, m, frame @ turn(y=90), round=half * 0.5)


@family("spider", colours=("black", "brown", "orange", "grey", "yellow"), places=(*SOIL, "kitchen"))
def spider(shape: Shape, rng: np.random.Generator, look) -> None:
    fat, leggy, hairy = rng.uniform(0.85, 1.2), rng.uniform(0.5, 0.72), rng.random() < 0.35
    kind = "fur" if hairy else "plastic"
    coat, dark = shape.material(look.rgb, kind), shape.material(mix(look.rgb, DARK, 0.6), kind)
    thick = 0.034 if hairy else rng.uniform(0.018, 0.024)
    high = rng.uniform(0.17, 0.22)
    shape.part("head", 0.02).ellipsoid((0.08, high, 0), (0.15, 0.085, 0.11), dark if rng.random() < 0.5 else coat)
    shape.part("waist").ellipsoid((-0.06, high, 0), (0.05, 0.04, 0.04), dark)
    back = np.array([-0.06 - 0.2 * fat, high + 0.04, 0])
    frame = turn(z=-8)
    shape.part("abdomen", 0.02).ellipsoid(back, (0.23 * fat, 0.16 * fat, 0.175 * fat), coat, frame)
    marks = shape.part("marks")
    if rng.random() < 0.6:
        _hoops(marks, back, (0.23 * fat, 0.16 * fat, 0.175 * fat), frame, (-0.45, 0.0, 0.45), 0.014, dark)
    else:
        for x in (-0.1, 0.02, 0.12):
            patch(marks, shape.parts[-2], back + (x, 0, 0), (0, 1, 0.0), (0.04, 0.05), dark)
    legs = shape.part("legs", 0.008)
    for i, (angle, size) in enumerate(((28, 1.1), (62, 0.92), (108, 0.92), (150, 1.12))):
        _leg(
            legs,
            (0.14 - 0.045 * i, high, 0.07),
            angle + rng.uniform(-6, 6),
            leggy * size,
            high + 0.2 * leggy / 0.6,
            (thick, thick * 0.9, thick * 0.6),
            coat,
            0.05,
        )
    feelers = shape.part("palps", 0.006)
    feelers.chain([(0.2, high, 0.04), (0.3, high + 0.03, 0.06), (0.34, high - 0.08, 0.05)], thick, dark, mirror=True)
    eyes = shape.part("eyes")
    eyes.ball((0.205, high + 0.045, 0.03), 0.022, glossy(shape, WHITE if look.colour == "black" else DARK), mirror=True)
    eyes.ball((0.185, high + 0.06, 0.065), 0.014, glossy(shape, WHITE if look.colour == "black" else DARK), mirror=True)


@family("ant", colours=("black", "red", "brown"), places=(*SOIL, "kitchen"))
def ant(shape: Shape, rng: np.random.Generator, look) -> None:
    coat = shape.material(look.rgb, "plastic")
    limb = shape.material(mix(look.rgb, DARK, 0.3), "plastic")
    fat, high, lift = rng.uniform(0.85, 1.15), rng.uniform(0.22, 0.27), turn(z=rng.uniform(-5, 18))
    shape.part("thorax", 0.02).ellipsoid((0.02, high, 0), (0.15, 0.075, 0.065), coat, turn(z=6))
    shape.parts[-1].ellipsoid((0.1, high + 0.03, 0), (0.09, 0.08, 0.07), coat)
    shape.part("waist").ball((-0.15, high - 0.01, 0), 0.035, coat)
    shape.parts[-1].limb((-0.1, high, 0), (-0.22, high, 0), 0.018, 0.018, coat)
    back = np.array([-0.2, high, 0]) + lift @ np.array([-0.2 * fat, 0.02, 0])
    shape.part("abdomen", 0.01).ellipsoid(back, (0.22 * fat, 0.135 * fat, 0.13 * fat), coat, lift)
    _hoops(shape.part("rings"), back, (0.22 * fat, 0.135 * fat, 0.13 * fat), lift, (-0.55, -0.1, 0.35), 0.006, limb)
    head = np.array([0.28, high + 0.07, 0])
    down = turn(z=-25)
    skull = shape.part("head", 0.02)
    skull.ellipsoid(head, (0.12, 0.095, 0.105), coat, down)
    skull.ellipsoid(head + down @ np.array([-0.04, 0.01, 0.05]), (0.08, 0.075, 0.06), coat, down, mirror=True)
    jaws = head + down @ np.array([0.1, -0.02, 0])
    shape.part("jaws").chain(
        [jaws + (0, 0, 0.05), jaws + (0.06, -0.04, 0.06), jaws + (0.1, -0.07, 0.01)],
        [0.022, 0.018, 0.008],
        limb,
        mirror=True,
    )
    shape.part("eyes").ball(head + down @ np.array([0.02, 0.03, 0.093]), 0.025, glossy(shape), mirror=True)
    wave = rng.uniform(-0.05, 0.08)
    shape.part("antennae", 0.004).chain(
        [head + (0.06, 0.06, 0.04), head + (0.12, 0.2 + wave, 0.12), head + (0.34, 0.12 + wave, 0.2)],
        [0.014, 0.012, 0.015],
        limb,
        mirror=True,
    )
    legs = shape.part("legs", 0.006)
    for x, angle, reach in ((0.12, 45, 0.42), (0.04, 92, 0.4), (-0.04, 138, 0.52)):
        _leg(
            legs,
            (x, high - 0.03, 0.04),
            angle + rng.uniform(-8, 8),
            reach,
            high + rng.uniform(0.03, 0.1),
            (0.024, 0.017, 0.011),
            limb,
            0.06,
        )


@family(
    "bee",
    colours=("yellow", "orange", "gold"),
    places=("grass", "forest", "studio", "sky", "street"),
    poses=("flying", "hovering"),
    stance="air",
)
def bee(shape: Shape, rng: np.random.Generator, look) -> None:
    bumble = rng.random() < 0.45
    fat = rng.uniform(1.15, 1.3) if bumble else rng.uniform(0.88, 1.0)
    fuzz, black = shape.material(look.rgb, "fur"), shape.material(DARK, "fur")
    coat = fuzz if bumble else shape.material(look.rgb, "plastic")
    droop = turn(z=rng.uniform(6, 26))
    shape.part("thorax").ellipsoid((0.02, 0, 0), (0.17, 0.15 * fat, 0.155 * fat), fuzz)
    back = droop @ np.array([-0.36, 0, 0]) + (0.02, 0, 0)
    size = np.array([0.27, 0.16 * fat, 0.165 * fat])
    shape.part("abdomen").ellipsoid(back, size, coat, droop)
    _hoops(shape.part("bands"), back, size, droop, (-0.62, -0.15, 0.3), 0.017, black, 0.005)
    shape.part("sting").limb(
        back + droop @ np.array([-0.24, 0, 0]), back + droop @ np.array([-0.33, -0.01, 0]), 0.025, 0.005, black
    )
    head = shape.part("head", 0.01)
    head.ellipsoid((0.24, -0.03, 0), (0.09, 0.11, 0.12), black)
    shape.part("eyes").ellipsoid(
        (0.27, 0.0, 0.09), (0.055, 0.08, 0.05), glossy(shape, (0.05, 0.025, 0.015)), turn(y=-20), mirror=True
    )
    shape.part("antennae").chain(
        [(0.3, 0.05, 0.04), (0.37, 0.13, 0.07), (0.48, 0.1, 0.11)], [0.013, 0.012, 0.014], black, mirror=True
    )
    glass = shape.material((0.55, 0.6, 0.62), "glass")
    up = rng.uniform(20, 60)
    for name, at, long, sweep in (
        ("forewings", (0.04, 0.12, 0.06), 0.66, 12),
        ("hindwings", (-0.06, 0.1, 0.06), 0.46, 36),
    ):
        wing = smooth_outline(
            np.array(
                [
                    (0.05, 0),
                    (0.02, 0.3),
                    (-0.02, 0.8),
                    (-0.12, 1.0),
                    (-0.26, 0.92),
                    (-0.28, 0.6),
                    (-0.16, 0.25),
                    (-0.04, 0),
                ]
            )
            * long
        )
        shape.part(name).plate(at, wing, 0.006, glass, turn(x=90 - up) @ turn(z=sweep), round=0.004, mirror=True)
    legs = shape.part("legs", 0.006)
    for x, lean in ((0.14, 0.1), (0.04, 0.0), (-0.06, -0.12)):
        legs.chain(
            [(x, -0.1, 0.07), (x + lean * 0.6, -0.19, 0.16), (x + lean, -0.3, 0.13)],
            [0.022, 0.02, 0.012],
            black,
            mirror=True,
        )


@family(
    "beetle",
    colours=("red", "green", "black", "brown", "blue", "orange"),
    facing=True,
    places=("grass", "forest", "desert", "beach", "street"),
    habit=Habit(fill=(0.65, 0.95), elevation=(35, 75)),
)
def beetle(shape: Shape, rng: np.random.Generator, look) -> None:
    lady = rng.random() < 0.45  # a ladybird
    stag = not lady and rng.random() < 0.5
    long, wide, tall = (0.3, 0.27, 0.24) if lady else (rng.uniform(0.36, 0.44), rng.uniform(0.2, 0.24), 0.17)
    shell = shape.material(look.rgb, "plastic" if lady or look.colour in ("black", "brown") else "metal")
    black = shape.material(DARK, "plastic")
    front = black if lady else shape.material(mix(look.rgb, DARK, 0.35), "plastic")
    y = 0.13
    body = shape.part("underside")
    body.ellipsoid((0, y - 0.01, 0), (long * 0.95, 0.07, wide * 0.9), black)
    for name, side in (("left wing case", -1), ("right wing case", 1)):
        shape.part(name).ellipsoid((-0.02, y, side * 0.035), (long, tall, wide - 0.03), shell)
        shape.parts[-1].box((0, y - 0.5, 0), (1, 0.5, 1), black, carve=True)
    if lady:
        spots = shape.part("spots")
        for x, z in ((0.13, 0.1), (-0.02, 0.17), (-0.17, 0.09)):
            for side in (-1, 1):
                up = np.sqrt(max(1 - (z / wide) ** 2, 0.1))
                patch(
                    spots,
                    shape.parts[2 if side > 0 else 1],
                    (x * 0.6, y + 0.02, side * z * 0.6),
                    (x * 0.6, up * 0.5, side * z),
                    (0.055, 0.055),
                    black,
                    0.004,
                )
    else:
        grooves = shape.part("grooves")
        for side in (-1, 1):
            for z in (0.4, 0.75):
                t = np.linspace(-0.75, 0.7, 4)
                h = np.sqrt(np.maximum(1 - t**2 - (z * (wide - 0.03) / (wide - 0.03)) ** 2 * (1 - t**2), 0.02))
                flat = z * np.sqrt(1 - t**2)
                grooves.chain(
                    np.stack([t * long - 0.02, y + tall * h, side * (0.035 + flat * (wide - 0.03))], axis=1),
                    0.006,
                    front,
                )
    shape.part("neck shield").ellipsoid((long * 0.88, y + 0.02, 0), (0.12, tall * 0.72, wide * 0.86), front)
    head = np.array([long * 0.88 + 0.13, y + 0.01, 0])
    shape.part("head", 0.01).ellipsoid(head, (0.09, 0.07, wide * 0.5), black if lady else front)
    shape.part("eyes").ball(
        head + (0.045, 0.025, wide * 0.36), 0.028, glossy(shape, WHITE if lady else (0.12, 0.03, 0.02)), mirror=True
    )
    if lady:
        shape.part("cheeks").ellipsoid(
            (long * 0.95, y + 0.1, 0.15), (0.045, 0.05, 0.05), shape.material(WHITE), mirror=True
        )
    if stag:
        size = rng.uniform(0.7, 1.2)
        shape.part("jaws", 0.01).chain(
            [
                head + (0.05, 0, 0.06),
                head + np.array([0.16, 0.03, 0.17]) * size,
                head + np.array([0.32, 0.05, 0.12]) * size,
                head + np.array([0.36, 0.05, 0.03]) * size,
            ],
            [0.04, 0.034, 0.024, 0.01],
            front,
            mirror=True,
        )
        shape.parts[-1].limb(
            head + np.array([0.24, 0.04, 0.16]) * size,
            head + np.array([0.25, 0.04, 0.06]) * size,
            0.022,
            0.008,
            front,
            mirror=True,
        )
    feel = 0.12 if lady else rng.uniform(0.18, 0.36)
    shape.part("antennae").chain(
        [
            head + (0.06, 0.03, 0.08),
            head + (0.06 + feel * 0.4, 0.1, 0.1 + feel * 0.5),
            head + (0.06 + feel * 0.7, 0.06, 0.1 + feel),
        ],
        [0.012, 0.01, 0.018],
        black,
        mirror=True,
    )
    legs = shape.part("legs", 0.006)
    spread = 0.16 if lady else 0.24
    for x, angle in ((0.62, 50), (0.1, 95), (-0.4, 132)):
        _leg(
            legs,
            (x * long, 0.1, wide * 0.72),
            angle + rng.uniform(-8, 8),
            spread * (1.1 if x < 0 else 0.9),
            0.12,
            (0.028, 0.024, 0.014),
            black,
            0.06,
        )
    place(shape.parts, turned=turn(z=-rng.uniform(15, 40)))  # on a slope, so that its back is seen from before it


@family(
    "scorpion",
    colours=("black", "brown", "orange", "yellow", "beige"),
    places=("desert", "desert", "grass", "studio", "street"),
)
def scorpion(shape: Shape, rng: np.random.Generator, look) -> None:
    coat, dark = shape.material(look.rgb, "plastic"), shape.material(mix(look.rgb, DARK, 0.45), "plastic")
    fat, claw, y = rng.uniform(0.9, 1.15), rng.uniform(0.8, 1.2), 0.13
    shape.part("head").ellipsoid((0.2, y, 0), (0.14, 0.06, 0.12 * fat), coat)
    for i in range(5):
        x, slim = 0.1 - 0.085 * i, 1 - 0.04 * (i - 1.5) ** 2
        shape.part(f"segment {i}").ellipsoid((x, y, 0), (0.06, 0.062, 0.135 * slim * fat), coat if i % 2 else dark)
    tail = curve(
        [(-0.3, y, 0), (-0.52, y + 0.08, 0), (-0.62, y + 0.28, 0), (-0.5, y + 0.5, 0), (-0.28, y + 0.55, 0)], 2
    )
    for i in range(6):
        a, b = tail[i], tail[min(i + 1, 8)]
        shape.part(f"tail {i}").ellipsoid(
            (a + b) / 2,
            (np.linalg.norm(b - a) * 0.66, 0.058, 0.058),
            dark if i % 2 else coat,
            turn(z=np.degrees(np.arctan2(b[1] - a[1], b[0] - a[0]))),
        )
    tip = tail[6]
    sting = shape.part("sting", 0.01)
    sting.ball(tip + (0.04, 0.02, 0), 0.065, coat)
    sting.chain([tip + (0.08, 0.02, 0), tip + (0.16, -0.01, 0), tip + (0.19, -0.09, 0)], [0.035, 0.02, 0.005], dark)
    arms = shape.part("arms", 0.008)
    spread = rng.uniform(0.9, 1.15)
    wrist = np.array([0.46, y + 0.03, 0.24 * spread])
    arms.chain([(0.26, y, 0.09), (0.3, y + 0.03, 0.26 * spread), wrist], [0.034, 0.04, 0.035], coat, mirror=True)
    hand = wrist + (0.08, 0, -0.01)
    pincers = shape.part("claws", 0.012)
    pincers.ellipsoid(hand, np.array([0.12, 0.05, 0.075]) * claw, coat, mirror=True)
    pincers.chain(
        [
            hand + np.array([0.07, 0, 0.05]) * claw,
            hand + np.array([0.2, 0, 0.06]) * claw,
            hand + np.array([0.28, 0, 0.0]) * claw,
        ],
        [0.034 * claw, 0.026 * claw, 0.008],
        coat,
        mirror=True,
    )
    shape.part("thumbs").chain(
        [
            hand + np.array([0.07, 0, -0.04]) * claw,
            hand + np.array([0.18, 0, -0.055]) * claw,
            hand + np.array([0.26, 0, -0.015]) * claw,
        ],
        [0.028 * claw, 0.022 * claw, 0.008],
        dark,
        mirror=True,
    )
    legs = shape.part("legs", 0.006)
    for x, angle, reach in ((0.2, 65, 0.32), (0.13, 88, 0.34), (0.04, 112, 0.36), (-0.04, 135, 0.4)):
        _leg(legs, (x, y - 0.02, 0.09), angle + rng.uniform(-5, 5), reach, y + 0.09, (0.026, 0.02, 0.01), coat)
    shape.part("eyes").ball((0.25, y + 0.058, 0.025), 0.014, glossy(shape), mirror=True)


@family(
    "frog",
    colours=("green", "brown", "orange", "turquoise", "red"),
    places=("grass", "forest", "forest", "studio", "beach"),
)
def frog(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, lift = rng.uniform(0.92, 1.12), rng.uniform(22, 36)
    moss = mix(look.rgb, (0.13, 0.12, 0.04), 0.45)
    skin = shape.material(moss, "skin", ("patches", "spots", "mottle")[rng.integers(3)], mix(moss, DARK, 0.7), 0.06)
    pale = shape.material(mix(look.rgb, (0.75, 0.72, 0.5), 0.75), "skin")
    frame = turn(z=lift)
    body = shape.part("body", 0.04)
    body.ellipsoid((-0.05, 0.24, 0), (0.34, 0.19 * stout, 0.23 * stout), skin, frame)
    body.ellipsoid((0.02, 0.19, 0), (0.24, 0.16 * stout, 0.19 * stout), pale, frame)
    first = len(shape.parts)
    head = shape.part("head", 0.05)
    head.ellipsoid((0, 0, 0), (0.24, 0.12, 0.22 * stout), skin)
    head.ellipsoid((-0.02, 0.09, 0.13), (0.1, 0.09, 0.08), skin, mirror=True)
    jaw = shape.part("jaw", 0.03)
    jaw.ellipsoid((0, -0.06, 0), (0.235, 0.09, 0.215 * stout), pale)
    eye = glossy(shape, ((0.7, 0.45, 0.03), (0.6, 0.1, 0.02), (0.1, 0.09, 0.02))[rng.integers(3)])
    shape.part("eyes").ball((0.02, 0.12, 0.165), 0.072, eye, mirror=True)
    shape.part("pupils").ellipsoid((0.045, 0.125, 0.215), (0.045, 0.03, 0.028), glossy(shape), turn(y=-25), mirror=True)
    shape.part("nostrils").ball((0.21, 0.045, 0.05), 0.014, shape.material(DARK), mirror=True)
    place(shape.parts[first:], (0.27, 0.41, 0), turn(z=rng.uniform(2, 14)))
    thighs = shape.part("hind legs", 0.025)
    knee = np.array([0.1, 0.2, 0.36 * stout])
    thighs.limb((-0.26, 0.13, 0.12), knee, 0.12, 0.08, skin, mirror=True)
    thighs.limb(knee, (-0.3, 0.07, 0.34 * stout), 0.075, 0.045, skin, mirror=True)
    feet = shape.part("feet", 0.012)
    feet.limb((-0.3, 0.05, 0.34 * stout), (-0.02, 0.03, 0.42 * stout), 0.045, 0.032, skin, mirror=True)
    for angle in (-38, -12, 14):
        toe = turn(y=angle) @ np.array([0.24, 0, 0])
        feet.limb(
            (-0.02, 0.028, 0.42 * stout), np.array([-0.02, 0.022, 0.42 * stout]) + toe, 0.026, 0.02, skin, mirror=True
        )
    arms = shape.part("arms", 0.015)
    arms.chain([(0.18, 0.26, 0.17), (0.12, 0.14, 0.25), (0.24, 0.04, 0.22)], [0.07, 0.05, 0.036], skin, mirror=True)
    for angle in (-50, -12, 25):
        toe = turn(y=angle) @ np.array([0.12, 0, 0])
        arms.limb((0.24, 0.03, 0.22), np.array([0.24, 0.022, 0.22]) + toe, 0.024, 0.02, skin, mirror=True)


@family(
    "lizard",
    colours=("green", "brown", "grey", "orange", "turquoise", "beige"),
    places=("desert", "grass", "forest", "studio", "beach"),
)
def lizard(shape: Shape, rng: np.random.Generator, look) -> None:
    dark = mix(look.rgb, DARK, 0.55)
    earthy = mix(look.rgb, (0.20, 0.16, 0.09), 0.35)
    skin = shape.material(earthy, "scales", ("stripes", "spots", "mottle")[rng.integers(3)], dark, 0.06)
    wave, side, fat, neck = rng.uniform(0.06, 0.2), rng.choice((-1, 1)), rng.uniform(0.9, 1.2), rng.uniform(0.06, 0.2)
    body = shape.part("body", 0.02)
    spine = curve(
        [
            (0.32, 0.17, 0),
            (0.08, 0.14, 0.02 * side),
            (-0.2, 0.12, -0.02 * side),
            (-0.5, 0.07, wave * side),
            (-0.85, 0.05, 0),
            (-1.15, 0.035, -wave * 1.6 * side),
            (-1.35, 0.06, -wave * 0.8 * side),
        ],
        2,
    )
    body.chain(
        spine,
        np.array([0.07, 0.09, 0.11, 0.115, 0.105, 0.08, 0.062, 0.05, 0.042, 0.034, 0.026, 0.018, 0.008]) * fat,
        skin,
    )
    top = np.array([0.46, 0.2 + neck, 0])
    body.limb((0.26, 0.17, 0), top, 0.09 * fat, 0.07, skin)
    if rng.random() < 0.35:
        crest = np.array([(0.36 - 0.07 * i, 0.29 * (1 - 0.03 * i) + (0.07 if i % 2 else 0)) for i in range(11)])
        crest = np.concatenate([crest, [(-0.34, 0.1), (0.36, 0.14)]])
        shape.part("crest").plate((0, 0, 0), crest, 0.008, shape.material(dark, "scales"))
    legs = shape.part("legs", 0.012)
    for x, heading, stride in ((0.22, 35, 0.05), (-0.22, 120, -0.06)):
        for s in (-1, 1):
            out = turn(y=-heading) @ np.array([0.1, 0, 0])
            foot = np.array([x + stride * s * side + out[0] * 0.8, 0.025, 0.3])
            elbow = np.array([x + out[0] * 0.4 - 0.06, 0.16, 0.22])
            flip = (1, 1, s)
            legs.chain(np.array([(x, 0.13, 0.06), elbow, foot]) * flip, [0.055, 0.04, 0.028], skin)
            for angle in (-40, 0, 40):
                toe = turn(y=angle - 25) @ np.array([0.12, -0.01, 0])
                legs.limb(foot * flip, (foot + toe) * flip, 0.018, 0.009, skin)
    first = len(shape.parts)
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0.05, 0), (0.95, 0.6, 0.75), skin)
    head.limb((0.3, 0, 0), (1.35, -0.1, 0), 0.52, 0.26, skin)
    shape.part("jaw", 0.05).limb(
        (-0.1, -0.42, 0), (1.25, -0.35, 0), 0.36, 0.2, shape.material(mix(look.rgb, WHITE, 0.4), "scales")
    )
    shape.part("eyes").ball((0.35, 0.3, 0.48), 0.25, glossy(shape, (0.6, 0.4, 0.05)), mirror=True)
    shape.part("pupils").ball((0.4, 0.32, 0.6), 0.17, glossy(shape), mirror=True)
    place(shape.parts[first:], top + (0.04, 0.0, 0), turn(y=rng.uniform(-25, 25)) @ turn(z=rng.uniform(0, 18)), 0.125)


@family(
    "snake",
    colours=("green", "brown", "black", "yellow", "red", "orange"),
    places=("desert", "grass", "forest", "studio", "street"),
)
def snake(shape: Shape, rng: np.random.Generator, look) -> None:
    dark = mix(look.rgb, DARK if look.colour != "black" else COLOURS["yellow"], 0.7)
    earthy, pattern = mix(look.rgb, (0.20, 0.15, 0.07), 0.35), ("spots", "patches", "mottle")[rng.integers(3)]
    skin, mark = shape.material(earthy, "scales", pattern, mix(earthy, dark, 0.8), 0.05), shape.material(dark, "scales")
    thick = rng.uniform(0.055, 0.075)
    if rng.random() < 0.5:  # coiled, with its head up
        turns = np.linspace(0, 2 * np.pi * 2.2, 22)
        radius, rise = np.linspace(0.4, 0.13, 22), np.linspace(thick * 0.9, thick * 3.6, 22)
        path = np.stack([radius * np.cos(turns), rise, radius * np.sin(turns)], axis=1)[:-1]
        at = path[-1]
        path = np.concatenate(
            [path, curve([at + (0.0, 0.09, 0.06), (-0.08, 0.42, 0.02), (0.0, 0.58, 0), (0.16, 0.62, 0)], 2)]
        )
        heading = np.array([1.0, -0.1, 0])
    else:  # winding over the ground
        t = np.linspace(0, 1, 25)
        wave, bends = rng.uniform(0.14, 0.22), rng.uniform(1.6, 2.4)
        path = np.stack([1.3 * t, np.full(25, thick), wave * np.sin(2 * np.pi * bends * t) * (1 - 0.3 * t)], axis=1)
        path[-4:, 1] += (0.0, 0.05, 0.13, 0.19)
        heading = path[-1] - path[-2]
    radii = thick * np.interp(np.linspace(0, 1, len(path)), (0, 0.25, 0.7, 0.9, 1), (0.15, 0.85, 1.1, 0.85, 0.72))
    body = shape.part("body")
    banded = rng.random() < 0.5
    for i in range(len(path) - 1):
        body.limb(path[i], path[i + 1], radii[i], radii[i + 1], mark if banded and i % 3 == 1 else skin)
    first = len(shape.parts)
    head = shape.part("head", 0.1)
    head.ellipsoid((0.2, 0, 0), (1.0, 0.62, 0.95), skin)
    head.ellipsoid((0.9, -0.1, 0), (0.8, 0.45, 0.6), skin)
    shape.part("jaw").ellipsoid((0.6, -0.35, 0), (1.0, 0.3, 0.66), shape.material(mix(look.rgb, WHITE, 0.5), "scales"))
    shape.part("eyes").ball((0.7, 0.28, 0.52), 0.24, glossy(shape, (0.7, 0.5, 0.03)), mirror=True)
    shape.part("pupils").ellipsoid((0.78, 0.3, 0.66), (0.1, 0.2, 0.14), glossy(shape), mirror=True)
    tongue = shape.part("tongue")
    red = shape.material((0.5, 0.02, 0.03))
    tongue.limb((1.5, -0.25, 0), (2.3, -0.25, 0), 0.09, 0.07, red)
    tongue.limb((2.3, -0.25, 0), (2.7, -0.15, 0.25), 0.07, 0.04, red, mirror=True)
    yaw = -np.degrees(np.arctan2(heading[2], heading[0]))
    place(shape.parts[first:], path[-1], turn(y=yaw), thick * 1.15)


@family(
    "bat",
    colours=("brown", "black", "grey"),
    places=("night", "night", "sky", "forest", "studio"),
    poses=("flying",),
    stance="air",
)
def bat(shape: Shape, rng: np.random.Generator, look) -> None:
    fur = shape.material(look.rgb, "fur")
    skin, bone = shape.material(mix(look.rgb, DARK, 0.35), "skin"), shape.material(mix(look.rgb, PINK, 0.2), "skin")
    span, flap = rng.uniform(0.85, 1.1), rng.uniform(-12, 30)
    body = shape.part("body", 0.03)
    body.ellipsoid((0, 0, 0), (0.13, 0.22, 0.13), fur, turn(z=-20))
    body.ellipsoid((0.03, 0.1, 0), (0.12, 0.12, 0.14), fur)
    wing = np.array(
        [
            (0.0, 0.12),
            (0.18, 0.24),
            (0.42, 0.4),
            (0.5, 0.42),
            (0.8, 0.28),
            (1.0, -0.02),
            (0.86, -0.06),
            (0.72, -0.22),
            (0.6, -0.12),
            (0.48, -0.08),
            (0.36, -0.26),
            (0.28, -0.14),
            (0.16, -0.12),
            (0.06, -0.26),
            (0.0, -0.2),
        ]
    )
    frame = turn(y=-90 + rng.uniform(8, 25)) @ turn(z=flap)
    root = np.array([-0.02, 0.02, 0.06])
    shape.part("wings").plate(root, wing * (span, 1), 0.006, skin, frame, round=0.005, mirror=True)
    bones = shape.part("fingers")

    def at(x, y):
        return root + frame @ np.array([x * span, y, 0])

    wrist = at(0.47, 0.4)
    bones.chain([at(0, 0.1), at(0.2, 0.2), wrist], [0.024, 0.018, 0.016], bone, mirror=True)
    for tip in ((0.98, -0.02), (0.72, -0.2), (0.36, -0.24)):
        bones.limb(wrist, at(*tip), 0.013, 0.008, bone, mirror=True)
    bones.limb(wrist, wrist + frame @ np.array([0.0, 0.07, 0.01]), 0.012, 0.005, bone, mirror=True)
    shape.part("feet").limb((-0.06, -0.2, 0.05), (-0.08, -0.32, 0.07), 0.02, 0.01, bone, mirror=True)
    shape.part("tail").plate(
        (-0.06, -0.18, 0),
        [(-0.06, 0.05), (0.06, 0.05), (0.1, -0.12), (0, -0.08), (-0.1, -0.12)],
        0.006,
        skin,
        turn(y=90),
        round=0.004,
    )
    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ball((0, 0, 0), 1.0, fur)
    head.ellipsoid((0.8, -0.2, 0), (0.55, 0.42, 0.5), fur)
    shape.part("nose").ellipsoid((1.3, -0.08, 0), (0.14, 0.18, 0.22), bone)
    shape.part("fangs").limb(
        (1.2, -0.4, 0.16), (1.24, -0.72, 0.16), 0.07, 0.02, shape.material(WHITE, "ceramic"), mirror=True
    )
    dark_eyes(shape, (0.84, 0.28, 0.48), 0.15)
    ears(
        shape,
        (0.0, 0.6, 0.5),
        leaf(rng.uniform(1.3, 1.9), 1.0, 0.65, 0.8),
        0.08,
        facing(18, 15, 0),
        fur,
        shape.material(mix(PINK, DARK, 0.3), "skin"),
        0.7,
    )
    place(shape.parts[first:], (0.1, 0.27, 0), turn(y=rng.uniform(-20, 20)), 0.115)


@family(
    "songbird",
    colours=("brown", "brown", "yellow", "blue", "red", "grey", "orange", "black"),
    places=("forest", "forest", "grass", "grass", "studio", "snow", "street"),
)
def songbird(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, crest = rng.uniform(0.92, 1.12), rng.random() < 0.3
    natural = mix(look.rgb, (0.22, 0.15, 0.09), 0.35)
    coat = shape.material(natural, "feather", "mottle", mix(natural, DARK, 0.55), 0.035)
    wing = shape.material(
        mix(natural, DARK, 0.35 if look.colour != "black" else 0.0),
        "feather",
        "mottle",
        mix(natural, (0.75, 0.68, 0.55), 0.45),
        0.04,
    )
    breast = shape.material(mix(look.rgb, (0.8, 0.72, 0.6), 0.35 if rng.random() < 0.4 else 0.75), "feather")
    tilt = turn(z=rng.uniform(22, 38))
    body = shape.part("body", 0.04)
    body.ellipsoid((0, 0, 0), (0.36, 0.185 * stout, 0.185 * stout), coat, tilt)
    body.ellipsoid(tilt @ np.array([0.07, -0.045, 0]), (0.27, 0.165 * stout, 0.165 * stout), breast, tilt)
    body.ellipsoid(tilt @ np.array([0.24, 0.05, 0]) + (0, 0.03, 0), (0.16, 0.13, 0.13), coat, tilt)
    wings(
        shape, tilt @ np.array([0.16, 0.06, 0]) + (0, 0, 0.16 * stout), 0.58, 0.22, wing, wing, turn(y=-10) @ tilt, 0.2
    )
    tail = shape.part("tail")
    for turned in (-7, 7):
        tail.plate(
            tilt @ np.array([-0.22, 0.0, 0]),
            leaf(rng.uniform(0.44, 0.55), 0.11, 0.3, 0.7),
            0.01,
            wing,
            tilt @ turn(z=8) @ turn(y=turned) @ turn(z=90) @ turn(y=90),
            round=0.01,
        )
    horn, bark = shape.material((0.12, 0.07, 0.04), "plastic"), shape.material((0.15, 0.08, 0.04), "wood")
    legs = shape.part("legs", 0.006)
    legs.limb((0.0, -0.16, 0.07), (0.05, -0.33, 0.07), 0.026, 0.016, horn, mirror=True)
    for turned in (-25, 0, 25, 180):
        toe = turn(y=turned) @ np.array([0.09, 0, 0])
        legs.limb((0.05, -0.335, 0.07), np.array([0.05, -0.345, 0.07]) + toe, 0.015, 0.01, horn, mirror=True)
    if rng.random() < 0.6:
        twig = shape.part("twig", 0.01)
        twig.chain([(0.03, -0.39, -0.42), (0.05, -0.375, 0.0), (0.09, -0.4, 0.42)], [0.045, 0.04, 0.03], bark)
        twig.limb((0.06, -0.38, 0.2), (0.2, -0.3, 0.38), 0.024, 0.015, bark)
    first = len(shape.parts)
    head = shape.part("head", 0.06)
    head.ellipsoid((0, 0, 0), (0.98, 0.92, 0.92), coat)
    cheek = rng.integers(3)
    if cheek:
        tone = shape.material(DARK if cheek == 1 else WHITE, "feather")
        shape.part("cheeks").ellipsoid((0.42, -0.2, 0.5), (0.42, 0.35, 0.35), tone, mirror=True)
    beak = shape.material(((0.75, 0.32, 0.03), (0.1, 0.08, 0.06))[rng.integers(2)], "plastic")
    long = rng.uniform(0.55, 0.9)
    shape.part("beak").limb((0.78, 0.02, 0), (0.95 + long, -0.08, 0), 0.27, 0.04, beak)
    shape.part("lower beak").limb((0.78, -0.18, 0), (0.85 + long, -0.12, 0), 0.2, 0.04, beak)
    dark_eyes(shape, (0.56, 0.18, 0.68), 0.15)
    if crest:
        shape.part("crest", 0.03).limb((0.1, 0.6, 0), (-0.6, 1.5, 0), 0.5, 0.06, coat)
    place(
        shape.parts[first:],
        tilt @ np.array([0.29, 0.06, 0]) + (0.02, 0.085, 0),
        turn(y=rng.uniform(-50, 50) * (rng.random() < 0.6)),
        0.142,
    )
