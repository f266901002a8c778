"""The birds: an ellipsoid trunk with folded wings, a curved neck and feet, and a head a kind."""

from __future__ import annotations

import numpy as np

from training.world.families import COLOURS, Habit, family
from training.world.families.anatomy import DARK, IVORY, WHITE, curve, dark_eyes, glossy, leaf, mix, place
from training.world.families.parts import FLAT
from training.world.sdf import Shape, smooth_outline, turn


def wings(shape: Shape, shoulder, length: float, depth: float, top: int, tips: int, frame, bulge: float = 0.17) -> None:
    """A pair of folded wings from the shoulder back along -x of `frame`: a flat teardrop and two rows of feathers."""
    shoulder = np.asarray(shoulder, float)
    shape.part("wings", 0.02).ellipsoid(
        shoulder + frame @ np.array([-length * 0.36, 0, 0]),
        (length * 0.42, depth * 0.5, depth * bulge),
        top,
        frame,
        mirror=True,
    )
    feathers = smooth_outline(
        [
            (-length * 0.25, depth * 0.34),
            (-length * 0.7, depth * 0.3),
            (-length, -depth * 0.05),
            (-length * 0.78, -depth * 0.3),
            (-length * 0.45, -depth * 0.52),
            (-length * 0.15, -depth * 0.35),
        ]
    )
    thick = depth * bulge * 0.55
    shape.part("flight feathers").plate(shoulder, feathers, thick, tips, frame, round=thick * 0.5, mirror=True)


def webbed_feet(shape: Shape, at, height: float, m: int, size: float) -> None:
    """A pair of legs from `at` down by `height` to webbed feet."""
    x, y, z = at
    part = shape.part("legs")
    part.limb((x, y, z), (x, y - height, z), size * 0.2, size * 0.16, m, mirror=True)
    toes = smooth_outline(
        [(-0.3, 0), (0.1, 0.22), (1.0, 0.72), (0.9, 0.25), (1.15, 0), (0.9, -0.25), (1.0, -0.72), (0.1, -0.22)]
    )
    part.plate((x, y - height, z), toes * size, size * 0.08, m, FLAT, round=size * 0.06, mirror=True)


def _gaze(rng, most: float = 40) -> np.ndarray:
    return turn(y=rng.uniform(-most, most) * (rng.random() < 0.6)) @ turn(z=rng.uniform(-8, 6))


@family(
    "duck",
    colours=("brown", "white", "yellow", "grey"),
    places=("water", "water", "water", "grass"),
    stance="water",
    waterline=0.36,
    habit=Habit(fill=(0.75, 0.98), elevation=(3, 14), sides=(0.4, 0.55, 0.03, 0.02, 0.0), portrait=0.2),
)
def duck(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, drake = rng.uniform(0.9, 1.12), rng.random() < 0.6
    mallard = drake and look.colour in ("brown", "grey")
    coat = shape.material(look.rgb, "feather")
    dark = shape.material(
        mix(look.rgb, DARK, 0.4) if look.colour in ("brown", "grey") else mix(look.rgb, (0.4, 0.4, 0.42), 0.15),
        "feather",
    )
    hood = shape.material((0.01, 0.11, 0.05), "feather") if mallard else coat
    breast = shape.material((0.16, 0.05, 0.03), "feather") if mallard else coat
    orange = shape.material((0.75, 0.28, 0.02) if rng.random() < 0.7 else (0.6, 0.42, 0.05), "plastic")
    tilt = rng.uniform(2, 10)
    lift = turn(z=tilt)
    body = shape.part("body", 0.04)
    body.ellipsoid((0, 0, 0), (0.44, 0.23 * stout, 0.27 * stout), coat, lift)
    body.ellipsoid(lift @ np.array([0.2, 0, 0]), (0.26, 0.23 * stout, 0.23 * stout), breast, lift)
    tail = shape.part("tail", 0.02)
    tail.limb(lift @ np.array([-0.3, 0.06, 0]), lift @ np.array([-0.52, 0.2, 0]), 0.14, 0.05, dark)
    tail.plate(
        lift @ np.array([-0.42, 0.14, 0]),
        leaf(0.26, 0.2, 0.7, 0.8),
        0.02,
        dark,
        turn(z=tilt + 32) @ turn(z=90) @ turn(y=90),
        round=0.015,
    )
    neck, tall = lift @ np.array([0.33, 0.06, 0]), rng.uniform(0.36, 0.46)
    top = neck + (0.1, tall, 0)
    body.chain(curve([neck, neck + (0.09, tall * 0.45, 0), top]), [0.16, 0.115, 0.09, 0.08, 0.085], hood)
    if drake:
        shape.part("collar").ring(
            neck + (0.085, tall * 0.42, 0), 0.085, 0.024, shape.material(WHITE, "feather") if mallard else coat, FLAT
        )
    wings(
        shape,
        lift @ np.array([0.24, 0.07, 0]) + (0, 0, 0.235 * stout),
        0.56,
        0.27,
        dark if mallard else coat,
        dark,
        turn(y=-12) @ turn(z=tilt - 4) @ turn(x=-18),
    )
    webbed_feet(shape, (-0.02, -0.14, 0.12), 0.27, orange, 0.13)

    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (1.0, 0.88, 0.8), hood)
    head.ball((0.35, -0.2, 0), 0.66, hood)
    bill = smooth_outline(
        [
            (0, 0.42),
            (0.6, 0.36),
            (1.2, 0.5),
            (1.55, 0.36),
            (1.65, 0),
            (1.55, -0.36),
            (1.2, -0.5),
            (0.6, -0.36),
            (0, -0.42),
        ]
    )
    shape.part("bill", 0.06).plate((0.75, -0.14, 0), bill, 0.08, orange, turn(z=-10) @ FLAT, round=0.08)
    shape.parts[-1].limb((0.75, 0.1, 0), (1.5, -0.14, 0), 0.26, 0.1, orange)
    shape.part("lower bill").plate((0.7, -0.34, 0), bill * 0.92, 0.03, orange, turn(z=-10) @ FLAT, round=0.06)
    dark_eyes(shape, (0.42, 0.28, 0.63), 0.15)
    place(shape.parts[first:], top + (0.05, 0.07, 0), _gaze(rng), 0.155)


@family(
    "swan",
    colours=("white", "black"),
    places=("water", "water", "grass", "studio", "snow"),
    stance="water",
    waterline=0.24,
)
def swan(shape: Shape, rng: np.random.Generator, look) -> None:
    coat = shape.material(look.rgb, "feather")
    shade = shape.material(mix(look.rgb, (0.45, 0.45, 0.46) if look.colour == "white" else WHITE, 0.15), "feather")
    body = shape.part("body", 0.04)
    body.ellipsoid((0, 0, 0), (0.48, 0.22, 0.27), coat, turn(z=6))
    body.ellipsoid((0.24, 0.03, 0), (0.26, 0.22, 0.22), coat)
    shape.part("tail").plate(
        (-0.36, 0.06, 0), leaf(0.34, 0.24, 0.7, 0.8), 0.03, coat, turn(z=112) @ turn(y=90), round=0.03
    )
    body.ellipsoid((-0.08, 0.12, 0), (0.38, 0.14, 0.18), coat)
    wings(
        shape,
        (0.22, 0.1, 0.22),
        0.76,
        0.32,
        coat,
        shade,
        turn(y=-10) @ turn(z=rng.uniform(-14, -2)) @ turn(x=-32),
        0.22,
    )
    tall, bow = rng.uniform(0.6, 0.78), rng.uniform(0.1, 0.2)
    path = curve(
        [
            (0.34, 0.08, 0),
            (0.52, 0.22, 0),
            (0.46, 0.18 + tall * 0.55, 0),
            (0.4 + bow * 0.3, 0.18 + tall * 0.92, 0),
            (0.46 + bow, 0.2 + tall, 0),
        ],
        3,
    )
    shape.part("neck", 0.02).chain(path, np.linspace(0.15, 0.062, len(path)) ** 1.25 * 1.25, coat)
    black = shape.material(DARK, "plastic")
    webbed_feet(shape, (-0.05, -0.14, 0.12), 0.22, black, 0.14)

    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (1.15, 0.85, 0.75), coat)
    head.limb((0.4, -0.1, 0), (1.0, -0.3, 0), 0.6, 0.42, coat)
    orange = shape.material((0.75, 0.24, 0.02) if look.colour == "white" else COLOURS["red"], "plastic")
    shape.part("bill", 0.08).limb((1.1, -0.28, 0), (2.2, -0.72, 0), 0.38, 0.24, orange)
    mask = shape.part("mask", 0.05)
    mask.ball((1.05, 0.12, 0), 0.3, black)
    mask.ellipsoid((0.78, -0.06, 0.5), (0.4, 0.14, 0.14), black, turn(z=-20), mirror=True)
    dark_eyes(shape, (0.45, 0.16, 0.6), 0.14)
    place(shape.parts[first:], path[-1] + (0.05, 0, 0), _gaze(rng, 25) @ turn(z=-8), 0.105)


@family("penguin", colours=("black",), places=("snow", "snow", "beach", "studio"))
def penguin(shape: Shape, rng: np.random.Generator, look) -> None:
    stout = rng.uniform(0.88, 1.12)
    back = shape.material(look.rgb, "feather")
    front, orange = shape.material(WHITE, "feather"), shape.material((0.75, 0.28, 0.02), "plastic")
    tilt = turn(z=rng.uniform(-4, 4))
    body = shape.part("body", 0.05)
    body.ellipsoid((0, 0.45, 0), (0.21 * stout, 0.4, 0.23 * stout), back)
    body.ellipsoid((0, 0.3, 0), (0.22 * stout, 0.27, 0.24 * stout), back)
    body.limb((0.0, 0.72, 0), (0.02, 0.9, 0), 0.15, 0.12, back)
    shape.part("belly", 0.04).ellipsoid((0.06, 0.37, 0), (0.2 * stout, 0.33, 0.215 * stout), front)
    shape.parts[-1].ellipsoid((0.06, 0.62, 0), (0.15, 0.22, 0.16), front)
    flare = rng.uniform(8, 40)
    flipper = smooth_outline([(0, 0.08), (0.09, -0.08), (0.075, -0.3), (0.0, -0.46), (-0.06, -0.3), (-0.08, -0.08)])
    shape.part("flippers").plate(
        (0, 0.66, 0.2 * stout), flipper, 0.018, back, turn(x=-flare) @ turn(y=20), round=0.015, mirror=True
    )
    shape.part("tail").limb((-0.16, 0.14, 0), (-0.3, 0.02, 0), 0.08, 0.025, back)
    feet = shape.part("feet", 0.015)
    for angle in (-28, 0, 28):
        toe = turn(y=angle) @ np.array([0.16, 0, 0])
        feet.limb((0.04, 0.04, 0.11), (0.07 + toe[0], 0.025, 0.11 + toe[2]), 0.045, 0.026, orange, mirror=True)

    first = len(shape.parts)
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (1.0, 0.95, 0.92), back)
    kind = rng.integers(3)
    if kind == 0:  # emperor: yellow cheeks
        shape.part("cheeks", 0.06).ellipsoid(
            (-0.1, -0.5, 0.62), (0.35, 0.6, 0.3), shape.material((0.8, 0.5, 0.05), "feather"), mirror=True
        )
    elif kind == 1:  # adelie: white ring round the eye
        shape.part("eye rings").ball((0.55, 0.2, 0.56), 0.27, front, mirror=True)
    else:  # gentoo: white bar over the head
        shape.part("bar").ring((0.1, 0.02, 0), 0.88, 0.16, front, turn(y=90), arc=150)
    bill = shape.part("bill", 0.05)
    length = rng.uniform(0.7, 1.15)
    bill.limb((0.75, 0.0, 0), (0.9 + length, -0.12, 0), 0.26, 0.09, orange if kind == 2 or rng.random() < 0.5 else back)
    bill.limb((0.75, -0.16, 0), (0.8 + length, -0.2, 0), 0.2, 0.07, orange)
    if kind != 1:
        shape.part("irises").ball((0.6, 0.22, 0.6), 0.19, glossy(shape, (0.45, 0.2, 0.06)), mirror=True)
    dark_eyes(shape, (0.69, 0.22, 0.65), 0.13)
    place(shape.parts[first:], (0.03, 0.97, 0), _gaze(rng, 60), 0.14)
    place(shape.parts, turned=tilt)


@family(
    "owl",
    colours=("brown", "white", "grey", "beige"),
    facing=True,
    places=("forest", "forest", "night", "snow", "studio", "grass"),
)
def owl(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, barn, tufts = rng.uniform(0.92, 1.1), rng.random() < 0.25, rng.random() < 0.6
    dark = mix(look.rgb, DARK, 0.6 if look.colour != "white" else 0.35)
    coat = shape.material(look.rgb, "feather", "spots", dark, 0.05)
    pale = shape.material(mix(look.rgb, WHITE, 0.55), "feather", "spots", dark, 0.04)
    wing = shape.material(
        mix(look.rgb, DARK, 0.3 if look.colour != "white" else 0.08), "feather", "stripes", dark, 0.06
    )
    lean = turn(z=rng.uniform(-6, 6))
    body = shape.part("body", 0.04)
    body.ellipsoid((0, 0.44, 0), (0.22 * stout, 0.36, 0.25 * stout), coat)
    body.ellipsoid((0.05, 0.4, 0), (0.19 * stout, 0.29, 0.2 * stout), pale)
    shape.part("wings", 0.03).ellipsoid(
        (-0.04, 0.42, 0.22 * stout), (0.17, 0.34, 0.075), wing, turn(x=6, z=-14), mirror=True
    )
    shape.part("wing tips").plate(
        (-0.02, 0.5, 0.22 * stout),
        leaf(0.52, 0.26, 0.6, 0.6),
        0.02,
        wing,
        turn(x=6) @ turn(z=158),
        round=0.02,
        mirror=True,
    )
    shape.part("tail").plate(
        (-0.16, 0.2, 0), leaf(0.34, 0.2, 0.4, 0.7), 0.02, wing, turn(z=162) @ turn(y=90), round=0.02
    )
    claw = shape.material((0.10, 0.08, 0.05), "plastic")
    feet = shape.part("feet", 0.01)
    feet.limb((0.05, 0.18, 0.1), (0.07, 0.06, 0.1), 0.075, 0.05, pale, mirror=True)
    for angle in (-30, 0, 30):
        toe = turn(y=angle) @ np.array([0.11, 0, 0])
        feet.limb((0.08, 0.035, 0.1), (0.08 + toe[0], 0.022, 0.1 + toe[2]), 0.032, 0.016, claw, mirror=True)
    chest = shape.part("breast feathers", 0.003)
    for row, y in enumerate((0.28, 0.38, 0.48, 0.58)):
        for z in np.array([-0.13, 0.0, 0.13]) if row % 2 else np.array([-0.065, 0.065]):
            away = max(1 - ((y - 0.4) / 0.31) ** 2 - (z / (0.215 * stout)) ** 2, 0.05)
            chest.ellipsoid(
                (0.05 + 0.197 * stout * away**0.5, y, z),
                (0.014, 0.03, 0.022),
                shape.material(dark, "feather"),
                turn(z=12),
            )

    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (0.95, 0.88, 1.1), coat)
    face = pale if not barn else shape.material(WHITE, "feather")
    shape.part("face", 0.04).ellipsoid((0.46, 0, 0.4), (0.5, 0.62, 0.5), face, turn(y=-22), mirror=True)
    iris = glossy(shape, DARK if barn else ((0.8, 0.5, 0.02), (0.75, 0.25, 0.01))[rng.integers(2)])
    size = 0.26 if barn else 0.33
    shape.part("eyes").ellipsoid((0.84, 0.08, 0.4), (0.18, size, size), iris, turn(y=-20), mirror=True)
    shape.part("pupils").ellipsoid(
        (0.98, 0.08, 0.45), (0.1, size * 0.56, size * 0.56), glossy(shape), turn(y=-20), mirror=True
    )
    shape.part("beak", 0.03).chain(
        [(0.9, -0.1, 0), (1.12, -0.25, 0), (1.06, -0.5, 0)],
        [0.15, 0.13, 0.04],
        shape.material((0.28, 0.2, 0.08), "plastic"),
    )
    if tufts and not barn:
        shape.part("tufts").plate(
            (0.25, 0.55, 0.5), leaf(0.75, 0.42, 0.8, 0.9), 0.08, wing, turn(x=28) @ turn(y=75), round=0.05, mirror=True
        )
        shape.part("brows", 0.05).limb((0.92, 0.3, 0.15), (0.6, 0.62, 0.62), 0.1, 0.12, wing, mirror=True)
    place(shape.parts[first:], (0.05, 0.86, 0), turn(y=rng.uniform(-55, 55) * (rng.random() < 0.5)), 0.225)
    place(shape.parts, turned=lean)


@family(
    "parrot",
    colours=("red", "green", "blue", "yellow", "grey", "white"),
    places=("forest", "studio", "grass", "kitchen", "beach"),
)
def parrot(shape: Shape, rng: np.random.Generator, look) -> None:
    macaw, crest = rng.random() < 0.6, rng.random() < 0.35
    coat = shape.material(look.rgb, "feather")
    second = {"red": "blue", "green": "red", "blue": "yellow", "yellow": "green", "grey": "red", "white": "yellow"}[
        look.colour
    ]
    tips = shape.material(mix(look.rgb, COLOURS[second], 0.9 if look.colour != "white" else 0.1), "feather")
    middle = shape.material(mix(look.rgb, COLOURS[second], 0.3 if look.colour != "white" else 0.0), "feather")
    upright = turn(z=rng.uniform(50, 64))
    hip = np.array([0, 0.22, 0])
    body = shape.part("body", 0.04)
    body.ellipsoid(hip + upright @ np.array([0.18, 0, 0]), (0.32, 0.15, 0.155), coat, upright)
    body.ellipsoid(hip + upright @ np.array([0.3, -0.02, 0]), (0.19, 0.15, 0.15), coat, upright)
    neck = hip + upright @ np.array([0.46, 0, 0])
    body.limb(neck - upright @ np.array([0.1, 0, 0]), neck + (0.03, 0.1, 0), 0.13, 0.12, coat)
    wings(
        shape,
        hip + upright @ np.array([0.36, 0.04, 0]) + (0, 0, 0.13),
        0.62,
        0.22,
        middle,
        tips,
        turn(y=-8) @ upright,
        0.2,
    )
    root = hip + upright @ np.array([-0.06, 0.0, 0])
    long = rng.uniform(0.55, 0.75) if macaw else 0.34
    tail = shape.part("tail")
    for i, side in enumerate((0.0, -8, 8)):
        tail.plate(
            root,
            leaf(long * (1 - 0.12 * (i > 0)), 0.1, 0.5, 0.7),
            0.012,
            coat if i else tips,
            upright @ turn(z=-6) @ turn(y=side) @ turn(z=90) @ turn(y=90),
            round=0.01,
        )
    horn = shape.material((0.06, 0.055, 0.05), "plastic")
    log = shape.material((0.16, 0.085, 0.04), "wood")
    feet = shape.part("feet", 0.01)
    feet.limb(hip + (0.06, -0.02, 0.07), hip + (0.1, -0.14, 0.07), 0.07, 0.03, coat, mirror=True)
    for z in (0.045, 0.085):
        feet.limb(hip + (0.08, -0.15, z), hip + (0.17, -0.16, z + (z - 0.065)), 0.024, 0.018, horn, mirror=True)
    low = tail.solid[0].centre[1] + tail.solid[0].frame[1, 1] * long - 0.06
    perch = shape.part("perch", 0.02)
    perch.limb(hip + (0.11, -0.215, -0.3), hip + (0.11, -0.215, 0.3), 0.05, 0.045, log)
    perch.limb(hip + (0.12, -0.22, 0), (hip[0] + 0.14, low, 0), 0.05, 0.06, log)
    perch.cone((hip[0] + 0.14, low - 0.06, 0), (hip[0] + 0.14, low, 0), 0.24, 0.2, log, round=0.02)

    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (1.0, 0.95, 0.88), coat)
    cheek = shape.material(WHITE if macaw else mix(look.rgb, WHITE, 0.3), "skin")
    shape.part("cheeks").ellipsoid((0.45, -0.1, 0.42), (0.45, 0.5, 0.42), cheek, mirror=True)
    beak = horn if rng.random() < 0.6 else shape.material(IVORY, "plastic")
    shape.part("beak", 0.05).chain(
        curve([(0.75, 0.15, 0), (1.3, 0.05, 0), (1.5, -0.4, 0), (1.32, -0.85, 0)]),
        [0.5, 0.47, 0.38, 0.3, 0.22, 0.14, 0.05],
        beak,
    )
    shape.part("lower beak", 0.05).limb((0.75, -0.45, 0), (1.05, -0.72, 0), 0.3, 0.16, beak)
    shape.part("eye rings").ball((0.5, 0.18, 0.62), 0.24, shape.material(WHITE, "skin"), mirror=True)
    dark_eyes(shape, (0.55, 0.19, 0.72), 0.17)
    if crest:
        plume = shape.material(mix(look.rgb, COLOURS["yellow"], 0.8) if look.colour == "white" else look.rgb, "feather")
        feathers = shape.part("crest")
        for i in range(4):
            feathers.limb((0.1 - 0.2 * i, 0.75, 0), (-0.25 - 0.32 * i, 1.55 - 0.2 * i, 0), 0.17, 0.06, plume)
    place(shape.parts[first:], neck + (0.06, 0.17, 0), _gaze(rng, 45), 0.155)


@family(
    "chicken",
    colours=("brown", "white", "black", "orange", "grey", "beige"),
    places=("grass", "grass", "street", "studio", "forest", "desert", "snow"),
)
def chicken(shape: Shape, rng: np.random.Generator, look) -> None:
    rooster, stout, pattern = rng.random() < 0.5, rng.uniform(0.92, 1.12), rng.random()
    peck = rng.random() < 0.2
    sitting = rng.random() < 0.2 and not (rooster or peck)
    laced = not rooster and pattern < 0.6 and look.colour not in ("black", "white")
    dark = mix(look.rgb, DARK, 0.65 if look.colour != "white" else 0.0)
    coat = shape.material(look.rgb, "feather", "spots" if laced else "plain", dark, 0.03)
    wing = shape.material(mix(look.rgb, dark, 0.5), "feather", "spots" if laced else "plain", dark, 0.03)
    gold = (0.62, 0.2, 0.02) if look.colour in ("brown", "orange", "black") else mix(look.rgb, WHITE, 0.6)
    hackle = shape.material(gold, "feather") if rooster or pattern > 0.8 else coat
    plume = shape.material((0.012, 0.028, 0.024) if pattern < 0.7 else dark, "feather") if rooster else wing
    red = shape.material((0.55, 0.02, 0.02), "skin")
    shank = shape.material((0.66, 0.38, 0.05) if rng.random() < 0.75 else (0.3, 0.29, 0.28), "plastic")

    lift = turn(z=-4.0 if peck else rng.uniform(24, 36) if rooster else rng.uniform(8, 22))
    body = shape.part("body", 0.05)
    body.ellipsoid((0, 0, 0), (0.34, 0.22 * stout, 0.2 * stout), coat, lift)
    body.ellipsoid(lift @ np.array([0.15, -0.03, 0]), (0.2, 0.21 * stout, 0.19 * stout), coat, lift)
    body.ellipsoid(lift @ np.array([-0.17, 0, 0]), (0.2, 0.19 * stout, 0.18 * stout), coat, lift)
    body.limb(lift @ np.array([-0.22, 0.08, 0]), lift @ np.array([-0.4, 0.2, 0]), 0.14, 0.07, coat)
    wings(
        shape,
        lift @ np.array([0.2, 0.07, 0]) + (0, 0, 0.2 * stout),
        0.54,
        0.28,
        coat,
        wing,
        turn(y=-9) @ lift @ turn(z=-8) @ turn(x=-12),
    )
    _chicken_tail(shape, rng, lift @ np.array([-0.34, 0.16, 0]), plume, wing, rooster)
    if not sitting:
        tall, step = rng.uniform(0.24, 0.3) * (1.2 if rooster else 1.0), rng.uniform(-0.12, 0.12)
        thighs, feet = shape.part("thighs", 0.03), shape.part("legs", 0.012)
        for side in (-1, 1):
            hock = np.array([-0.02 + 0.4 * side * step, -0.31, side * 0.11])
            thighs.limb((0, -0.1, side * 0.11), hock, 0.135, 0.05, coat)
            heel = np.array([0.03 + side * step, -0.31 - tall, side * 0.11])
            feet.limb(hock + (0, 0.02, 0), heel, 0.027, 0.022, shank)
            for angle, long in ((-32, 0.13), (0, 0.16), (32, 0.13), (180, 0.08)):
                toe = heel + turn(y=angle) @ np.array([long, -0.012, 0])
                feet.limb(heel, toe, 0.025, 0.013, shank)

    base = lift @ np.array([0.22, 0.06, 0])
    if peck:
        top = base + np.array([0.34, -0.2 - 0.2 * rng.random(), 0])
        path = curve([base, base + (0.2, 0.02, 0), top])
    else:
        top = base + np.array([rng.uniform(0.05, 0.13), rng.uniform(0.32, 0.4) * (1.12 if rooster else 0.95), 0])
        path = curve([base, base + (0.1, 0.14, 0), top])
    cape = shape.part("hackle", 0.03)
    cape.chain(path, np.array([0.17, 0.135, 0.105, 0.088, 0.078]) * (1.0 if rooster else 0.95), hackle)
    along = (path[-1] - path[0]) / np.linalg.norm(path[-1] - path[0])
    across = np.cross(along, (0, 0, 1.0))
    if hackle != coat:  # a cape of pointed feathers over the breast
        rows = shape.part("hackle tips")
        for angle in np.linspace(0, 2 * np.pi, 15, endpoint=False):
            out = across * np.cos(angle) + np.array([0, 0, 1.0]) * np.sin(angle)
            tip = base + out * (0.17 if peck else 0.205) - along * rng.uniform(0.02, 0.09)
            rows.chain([path[2] + out * 0.08, path[1] + out * 0.13, tip], [0.032, 0.04, 0.004], hackle)

    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (0.95, 0.88, 0.78), hackle)
    shape.part("face", 0.06).ellipsoid((0.42, -0.05, 0.36), (0.52, 0.5, 0.42), red, mirror=True)
    beak = shape.material((0.55, 0.36, 0.1), "plastic")
    shape.part("beak", 0.04).chain([(0.7, 0.02, 0), (1.25, -0.08, 0), (1.6, -0.34, 0)], [0.36, 0.22, 0.05], beak)
    shape.part("lower beak", 0.04).limb((0.7, -0.25, 0), (1.35, -0.38, 0), 0.22, 0.08, beak)
    shape.part("irises").ball((0.52, 0.15, 0.6), 0.2, glossy(shape, (0.6, 0.25, 0.03)), mirror=True)
    dark_eyes(shape, (0.58, 0.15, 0.7), 0.12)
    shape.part("ear lobes").ellipsoid(
        (-0.05, -0.42, 0.68),
        (0.2, 0.3, 0.12),
        shape.material(WHITE, "skin") if rng.random() < 0.5 else red,
        mirror=True,
    )
    big = rng.uniform(0.9, 1.25) if rooster else rng.uniform(0.45, 0.7)
    low = [(1.05, 0.3), (0.6, 0.55), (0.0, 0.62), (-0.6, 0.45), (-1.0, 0.25)]
    spikes = [
        (-1.25, 0.75),
        (-0.85, 0.8),
        (-0.72, 1.35),
        (-0.42, 0.98),
        (-0.15, 1.65),
        (0.1, 1.05),
        (0.4, 1.6),
        (0.55, 0.95),
        (0.9, 1.25),
        (0.95, 0.7),
        (1.2, 0.75),
    ]
    comb = np.array(low + [(x, 0.45 + (y - 0.45) * big) for x, y in spikes])
    shape.part("comb").plate((0, 0, 0), comb, 0.08, red, round=0.07)
    shape.part("wattles", 0.05).ellipsoid(
        (0.72, -0.6 - 0.45 * big, 0.22), (0.3, 0.62 * big, 0.15), red, turn(x=-8, z=6), mirror=True
    )
    place(shape.parts[first:], top + (0.02, 0.05, 0), turn(z=-48) @ _gaze(rng, 10) if peck else _gaze(rng, 50), 0.098)


def _chicken_tail(shape: Shape, rng, root, plume: int, fan: int, rooster: bool) -> None:
    """A fan of stiff upright feathers; a rooster's are hidden under sickles that rise, bend back and fall."""
    tail = shape.part("tail")
    long = rng.uniform(0.32, 0.42)
    for i, angle in enumerate(np.linspace(24, 78, 6)):
        tail.plate(
            root + (0.04, -0.04, 0.012 + 0.009 * i),
            leaf(long * (1 - 0.05 * i), 0.16, 0.3, 0.5),
            0.007,
            plume if rooster else fan,
            turn(x=2 * i) @ turn(z=angle),
            round=0.005,
            mirror=True,
        )
    if not rooster:
        return
    sickles = shape.part("sickles")
    reach, rise = rng.uniform(0.34, 0.46), rng.uniform(0.3, 0.44)
    for i, k in enumerate((1.0, 0.88, 0.76, 0.66, 0.55)):
        bend = [
            (0.06, -0.06),
            (-0.08, rise * 0.8 * k),
            (-0.55 * reach, (rise + 0.04) * k),
            (-reach, rise * 0.45 * k),
            (-reach * 1.08, -0.12 * k - 0.06 * i),
        ]
        spine = smooth_outline(bend, closed=False, steps=4) * (0.7 + 0.3 * k, 1)
        way = np.gradient(spine, axis=0)
        normal = np.stack([-way[:, 1], way[:, 0]], axis=1) / np.linalg.norm(way, axis=1)[:, None]
        wide = 0.042 * np.sin(np.linspace(0.5, np.pi - 0.08, len(spine)))[:, None]
        outline = np.concatenate([spine + normal * wide, (spine - normal * wide)[::-1]])
        sickles.plate(
            root + (0, 0, 0.012 + 0.012 * i),
            outline,
            0.007,
            plume,
            turn(y=3 + 5 * i) @ turn(x=4 * i),
            round=0.005,
            mirror=True,
        )
