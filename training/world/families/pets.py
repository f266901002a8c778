"""The small furry animals: the dog, the cat and the rabbit, the mouse and the squirrel."""

from __future__ import annotations

import numpy as np

from training.world.families import COLOURS, Habit, family
from training.world.families.anatomy import (
    DARK,
    PINK,
    WHITE,
    Skeleton,
    curve,
    dark_eyes,
    ears,
    facing,
    glossy,
    leaf,
    look_round,
    mix,
    place,
    quadruped,
)
from training.world.sdf import Shape, turn

HOME = ("grass", "grass", "street", "beach", "snow", "forest", "kitchen")


def _coat(shape: Shape, rng, rgb, light=WHITE):
    """Coat, underside and paws of a pet: plain or in two colours, or with light belly and socks."""
    pied, other = rng.random() < 0.35, (light, 0.9) if max(rgb) < 0.5 else ((0.10, 0.05, 0.02), 0.85)
    coat = shape.material(rgb, "coat", "patches" if pied else "plain", mix(rgb, *other), rng.uniform(0.25, 0.4))
    under = shape.material(mix(rgb, light, 0.7), "coat") if rng.random() < 0.45 else coat
    return coat, under, under if rng.random() < 0.6 else coat


@family(
    "dog",
    colours=("brown", "black", "white", "beige", "grey", "gold"),
    places=HOME,
    poses=("standing", "sitting", "lying"),
    facing=True,
    habit=Habit(fill=(0.75, 0.98), elevation=(2, 20), portrait=0.2),
)
def dog(shape: Shape, rng: np.random.Generator, look) -> None:
    size, long, stout, snout = rng.uniform(0, 1), rng.uniform(0.85, 1.15), rng.uniform(0.9, 1.2), rng.uniform(0.95, 1.7)
    short = rng.random() < 0.2  # dachshunds and corgis
    coat, under, socks = _coat(shape, rng, look.rgb)
    r, leg = 0.21 - 0.04 * size, 0.6 if short else 1.0
    s = Skeleton(
        length=0.62 * long * (1.25 if short else 1),
        shoulder=0.72 * leg + 0.04 * short,
        croup=0.73 * leg,
        chest=(0.25 * stout, 0.17 * stout),
        waist=(0.17 * stout, 0.14 * stout),
        hip=(0.2 * stout, 0.15 * stout),
        neck=0.34,
        rise=rng.uniform(42, 60),
        neck_r=(0.17 * stout, 0.125),
        fore=(0.105 * stout, 0.072, 0.05 * stout),
        hind=(0.16 * stout, 0.1, 0.052 * stout),
        foot=(0.085, 0.045, 0.06),
        bend=0.12 * leg,
        belly=-0.05,
    )
    b = quadruped(shape, rng, s, look.pose, coat, socks, socks, under)
    t, kind = b.tail, rng.integers(3)
    path = (
        [(0, 0, 0), (-0.1, 0.16, 0), (-0.08, 0.36, 0), (0.02, 0.48, 0)],  # up
        [(0, 0, 0), (-0.1, 0.2, 0), (0.06, 0.3, 0.06), (0.1, 0.14, 0.1)],  # curled
        [(0, 0, 0), (-0.18, 0.02, 0), (-0.32, -0.1, 0), (-0.42, -0.16, 0)],
    )[kind]  # out
    bush = rng.uniform(0.035, 0.07)
    path = np.array(path) * (1.0, 0.55 if look.pose != "standing" else 1.0, 1.0)
    shape.part("tail", 0.02).chain(np.maximum(t + path, (-9, bush, -9)), [0.06, bush, bush, bush * 0.6], coat)

    first = len(shape.parts)
    muzzle = (
        coat
        if rng.random() < 0.55
        else shape.material(mix(look.rgb, WHITE if rng.random() < 0.6 else DARK, 0.75), "coat")
    )
    head, jaw = shape.part("head", 0.12), shape.part("jaw", 0.05)
    head.ellipsoid((0, 0, 0), (1.0, 0.92, 0.9), coat)
    head.limb((0.45, -0.22, 0), (snout, -0.32, 0), 0.56, 0.4, muzzle)
    head.ellipsoid((0.1, -0.4, 0.4), (0.6, 0.5, 0.4), coat, mirror=True)
    gape = rng.uniform(8, 16) if rng.random() < 0.4 else 0
    hinge, tip = np.array([0.35, -0.5, 0]), turn(z=-gape) @ np.array([snout - 0.3, -0.18, 0])
    jaw.limb(hinge, hinge + tip, 0.36, 0.25, muzzle)
    if gape:
        tongue = shape.material((0.6, 0.12, 0.14), "skin")
        shape.part("tongue", 0.1).chain(
            [hinge + tip * 0.6 + (0, 0.2, 0), hinge + tip + (0.1, 0.2, 0), hinge + tip + (0.28, -0.25, 0)],
            [0.17, 0.18, 0.14],
            tongue,
        )
    shape.part("nose").ellipsoid((snout + 0.3, -0.14, 0), (0.15, 0.13, 0.18), glossy(shape))
    dark_eyes(shape, (0.76, 0.2, 0.42), 0.16)
    ear = coat if rng.random() < 0.6 else shape.material(mix(look.rgb, DARK, 0.6), "coat")
    if rng.random() < 0.5:
        drop = rng.uniform(0.55, 0.95)
        shape.part("ears", 0.1).ellipsoid(
            (-0.12, 0.35 - drop, 0.98), (0.42, drop, 0.16), ear, turn(x=-12, z=-8), mirror=True
        )
    else:
        tall = rng.uniform(0.95, 1.3)
        ears(
            shape,
            (-0.15, 0.5, 0.5),
            leaf(tall, 0.85, 0.75, 0.9),
            0.09,
            facing(18, 20, 8),
            ear,
            shape.material(PINK, "skin"),
        )
    place(shape.parts[first:], b.head + (0.02, 0.03, 0), look_round(rng), r)


@family(
    "cat",
    colours=("orange", "grey", "black", "white", "brown", "beige"),
    places=("kitchen", "kitchen", "studio", "grass", "street"),
    poses=("standing", "sitting", "lying"),
    facing=True,
    habit=Habit(fill=(0.75, 0.98), sides=(0.4, 0.1, 0.5, 0.0, 0.0), portrait=0.3),
)
def cat(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, tabby = rng.uniform(0.85, 1.2), rng.random() < 0.6 and look.colour in ("orange", "grey", "brown", "beige")
    rgb = mix(look.rgb, (0.22, 0.15, 0.10), 0.3 if look.colour not in ("black", "white") else 0)
    coat = shape.material(rgb, "coat", "stripes" if tabby else "plain", mix(rgb, DARK, 0.6), 0.055)
    bib = shape.material(mix(look.rgb, WHITE, 0.85), "coat") if rng.random() < 0.4 else coat
    s = Skeleton(
        length=0.62 * rng.uniform(0.95, 1.1),
        shoulder=0.54,
        croup=0.55,
        chest=(0.175 * stout, 0.135 * stout),
        waist=(0.17 * stout, 0.14 * stout),
        hip=(0.175 * stout, 0.14 * stout),
        neck=0.22,
        rise=rng.uniform(35, 50),
        neck_r=(0.13, 0.115),
        fore=(0.085, 0.06, 0.048),
        hind=(0.13, 0.085, 0.048),
        foot=(0.075, 0.04, 0.055),
        bend=0.1,
        belly=0.0,
    )
    b = quadruped(shape, rng, s, look.pose, coat, bib, coat, bib)
    side = rng.choice((-1, 1))
    if look.pose == "standing":
        path = [
            [(0, 0, 0), (-0.18, 0.06, 0), (-0.26, 0.26, 0), (-0.22, 0.5, 0), (-0.3, 0.62, 0)],
            [(0, 0, 0), (-0.2, -0.06, 0), (-0.36, -0.16, 0), (-0.52, -0.1, 0), (-0.6, 0.02, 0)],
        ][rng.integers(2)]
        path = b.tail + np.array(path)
    else:  # along the ground, round one side
        path = np.array(
            [
                (-0.02, 0.05, 0),
                (-0.12, 0.05, side * 0.1),
                (-0.06, 0.05, side * 0.26),
                (0.14, 0.05, side * 0.32),
                (0.3, 0.05, side * 0.27),
            ]
        ) + (b.hip[0] - 0.18, 0, 0)
    shape.part("tail", 0.02).chain(curve(path), np.linspace(0.055, 0.042, 9), coat)

    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (0.92, 0.86, 1.05), coat)
    head.ellipsoid((0.25, -0.32, 0.5), (0.55, 0.42, 0.45), coat, mirror=True)
    pads = shape.part("muzzle", 0.06)
    pads.ball(
        (0.82, -0.34, 0.2),
        0.29,
        bib if bib != coat else shape.material(mix(look.rgb, WHITE, 0.35), "coat"),
        mirror=True,
    )
    shape.part("chin").ball((0.74, -0.58, 0), 0.22, bib)
    shape.part("nose").ellipsoid((1.08, -0.16, 0), (0.1, 0.09, 0.14), shape.material(PINK, "skin"))
    iris = glossy(shape, (COLOURS["green"], (0.6, 0.42, 0.05), (0.1, 0.3, 0.5))[rng.integers(3)])
    shape.part("eyes").ball((0.64, 0.1, 0.43), 0.25, iris, mirror=True)
    shape.part("eye rims").ellipsoid((0.6, 0.1, 0.42), (0.2, 0.28, 0.29), shape.material(DARK, "skin"), mirror=True)
    shape.part("pupils").ellipsoid((0.83, 0.11, 0.5), (0.07, 0.18, 0.09), glossy(shape), turn(y=-18), mirror=True)
    whisker, white = shape.part("whiskers"), shape.material(WHITE)
    for tilt in (-0.22, 0.0, 0.22):
        whisker.limb((0.9, -0.34 + tilt * 0.3, 0.38), (0.6, -0.34 + tilt, 1.5), 0.009, 0.005, white, mirror=True)
    ears(
        shape,
        (-0.05, 0.5, 0.58),
        leaf(rng.uniform(0.85, 1.05), 0.9, 0.85, 0.95),
        0.07,
        facing(20, 22, 6),
        coat,
        shape.material(PINK, "skin"),
    )
    place(shape.parts[first:], b.head + (0.03, 0.06, 0), look_round(rng), rng.uniform(0.19, 0.215))


def _agouti(shape: Shape, rgb) -> int:
    """The coat of wild small animals: hairs of several colours, so that it is finely flecked."""
    return shape.material(rgb, "fur", "mottle", mix(rgb, DARK, 0.35) if max(rgb) > 0.1 else mix(rgb, WHITE, 0.06), 0.02)


@family(
    "rabbit",
    colours=("brown", "grey", "white", "beige", "black"),
    places=("grass", "grass", "forest", "snow", "studio", "desert"),
)
def rabbit(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, upright = rng.uniform(0.92, 1.12), rng.uniform(14, 38)
    coat = _agouti(shape, look.rgb)
    pale = shape.material(mix(look.rgb, WHITE, 0.75), "fur")
    body = shape.part("body", 0.04)
    lift = turn(z=upright)
    hip = np.array([-0.22, 0.3, 0])
    chest = hip + lift @ np.array([0.42, 0.02, 0])
    body.ellipsoid(hip, (0.34 * stout, 0.29 * stout, 0.25 * stout), coat, turn(z=upright * 0.5))
    body.ellipsoid(chest, (0.25, 0.2 * stout, 0.18 * stout), coat, lift)
    body.ellipsoid(chest + (0.07, -0.06, 0), (0.16, 0.18, 0.13), pale, lift)
    for side in (-1, 1):
        z = side * 0.1
        body.chain(
            [(chest[0] + 0.06, chest[1] - 0.08, z), (chest[0] + 0.06, 0.16, z), (chest[0] + 0.1, 0.05, z)],
            [0.08, 0.055, 0.045],
            coat,
        )
        body.ellipsoid((chest[0] + 0.13, 0.04, z), (0.085, 0.04, 0.048), coat)
    legs = shape.part("hind legs", 0.03)
    legs.ellipsoid((-0.16, 0.25, 0.2 * stout), (0.24, 0.22, 0.1), coat, turn(z=20), mirror=True)
    legs.limb((-0.24, 0.06, 0.23 * stout), (0.08, 0.05, 0.25 * stout), 0.06, 0.06, coat, mirror=True)
    shape.part("tail").ball((-0.56 * stout, 0.3, 0), 0.115, shape.material(WHITE, "fur"))

    first = len(shape.parts)
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (1.05, 0.9, 0.85), coat)
    head.ellipsoid((0.6, -0.22, 0), (0.62, 0.55, 0.55), coat)
    head.ellipsoid((0.25, -0.35, 0.4), (0.5, 0.42, 0.38), coat, mirror=True)
    pads = shape.part("muzzle", 0.05)
    pads.ball((1.0, -0.38, 0.17), 0.26, pale, mirror=True)
    shape.part("nose").ellipsoid((1.24, -0.18, 0), (0.1, 0.1, 0.15), shape.material(PINK, "skin"))
    shape.part("teeth").box((1.12, -0.66, 0), (0.05, 0.12, 0.1), shape.material(WHITE, "ceramic"), round=0.03)
    dark_eyes(shape, (0.5, 0.2, 0.68), 0.22)
    tall, lop = rng.uniform(1.7, 2.3), rng.random() < 0.15
    inner = shape.material(mix(PINK, look.rgb, 0.55), "skin")
    if lop:
        ears(shape, (-0.2, 0.55, 0.65), leaf(1.9, 0.8, 0.35, 0.5), 0.1, turn(x=158) @ turn(y=60), coat)
    else:
        lean, back = rng.uniform(5, 18), rng.uniform(8, 35)
        ears(shape, (-0.25, 0.6, 0.32), leaf(tall, 0.72, 0.6, 0.45), 0.09, facing(lean, 15, back), coat, inner, 0.72)
    place(shape.parts[first:], chest + lift @ np.array([0.18, 0.1, 0]) + (0.02, 0.16, 0), look_round(rng, 8, 20), 0.2)


def _rodent_head(shape: Shape, coat: int, pale: int, long: float, eye: float) -> None:
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (1.0, 0.85, 0.82), coat)
    head.limb((0.3, -0.15, 0), (long, -0.3, 0), 0.62, 0.3, coat)
    head.ellipsoid((0.35, -0.35, 0.32), (0.45, 0.36, 0.35), pale, mirror=True)
    shape.part("nose").ball((long + 0.28, -0.24, 0), 0.13, shape.material(mix(PINK, DARK, 0.3), "skin"))
    dark_eyes(shape, (0.52, 0.18, 0.58), eye)
    whisker = shape.part("whiskers")
    for tilt in (-0.15, 0.15):
        whisker.limb(
            (long, -0.3 + tilt * 0.4, 0.2),
            (long - 0.3, -0.3 + tilt * 2, 1.1),
            0.022,
            0.014,
            shape.material(WHITE),
            mirror=True,
        )


@family(
    "mouse",
    colours=("grey", "brown", "white", "black", "beige"),
    places=("kitchen", "grass", "studio", "forest"),
    habit=Habit(fill=(0.8, 1.0), elevation=(6, 26), sides=(0.6, 0.35, 0.05, 0.0, 0.0)),
)
def mouse(shape: Shape, rng: np.random.Generator, look) -> None:
    fat = rng.uniform(0.9, 1.12)
    coat, pale = _agouti(shape, look.rgb), shape.material(mix(look.rgb, WHITE, 0.5), "fur")
    pink = shape.material(mix(PINK, look.rgb, 0.25), "skin")
    body = shape.part("body", 0.03)
    body.ellipsoid((-0.12, 0.22 * fat, 0), (0.3, 0.2 * fat, 0.19 * fat), coat)
    body.ellipsoid((0.12, 0.19 * fat, 0), (0.22, 0.15 * fat, 0.14 * fat), coat)
    body.ellipsoid((-0.16, 0.16, 0.13 * fat), (0.15, 0.13, 0.08), coat, mirror=True)
    feet = shape.part("feet", 0.01)
    feet.limb((-0.2, 0.025, 0.17), (-0.04, 0.022, 0.2), 0.026, 0.022, pink, mirror=True)
    feet.limb((0.17, 0.08, 0.1), (0.22, 0.022, 0.11), 0.035, 0.022, pink, mirror=True)
    side = rng.choice((-1, 1))
    path = curve(
        [
            (-0.36, 0.14, 0),
            (-0.55, 0.04, side * 0.06),
            (-0.78, 0.03, -side * 0.08),
            (-0.95, 0.04, side * 0.08),
            (-1.08, 0.04 + rng.uniform(0, 0.05), side * 0.2),
        ]
    )
    shape.part("tail", 0.005).chain(path, np.linspace(0.034, 0.012, len(path)), pink)
    first = len(shape.parts)
    _rodent_head(shape, coat, pale, rng.uniform(1.1, 1.35), 0.17)
    angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    round_ear = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.52, 0.68) + (0, 0.35)
    ears(shape, (-0.25, 0.6, 0.55), round_ear, 0.06, facing(22, 25, 12), coat, pink, 0.74)
    place(shape.parts[first:], (0.36, 0.23 * fat, 0), look_round(rng, 8, 20) @ turn(z=-8), 0.175)


@family("squirrel", colours=("brown", "grey", "orange", "black"), places=("forest", "grass", "grass", "snow", "studio"))
def squirrel(shape: Shape, rng: np.random.Generator, look) -> None:
    rgb = mix(look.rgb, (0.20, 0.14, 0.09), 0.4 if look.colour != "black" else 0)
    coat, pale = _agouti(shape, rgb), shape.material(mix(look.rgb, WHITE, 0.75), "fur")
    lean = turn(z=rng.uniform(48, 72))
    hip = np.array([0, 0.24, 0])
    chest = hip + lean @ np.array([0.34, 0, 0])
    body = shape.part("body", 0.03)
    body.ellipsoid(hip, (0.22, 0.2, 0.2), coat, lean)
    body.ellipsoid(chest, (0.19, 0.14, 0.14), coat, lean)
    body.ellipsoid(hip + lean @ np.array([0.14, -0.08, 0]), (0.24, 0.13, 0.13), pale, lean)
    legs = shape.part("hind legs", 0.02)
    legs.ellipsoid((0.06, 0.2, 0.16), (0.19, 0.16, 0.085), coat, turn(z=35), mirror=True)
    legs.limb((-0.06, 0.04, 0.18), (0.24, 0.035, 0.2), 0.045, 0.04, coat, mirror=True)
    arms = shape.part("arms", 0.012)
    hand = chest + (0.24, -0.04, 0.05)
    arms.chain([chest + (0.06, 0.0, 0.11), chest + (0.12, -0.12, 0.13), hand], [0.065, 0.046, 0.036], coat, mirror=True)
    if rng.random() < 0.7:
        nut = shape.part("nut", 0.01)
        nut.ellipsoid(
            hand * (1, 1, 0) + (0.03, 0.01, 0), (0.05, 0.065, 0.05), shape.material((0.30, 0.14, 0.04), "wood")
        )
        nut.ellipsoid(
            hand * (1, 1, 0) + (0.03, 0.05, 0), (0.056, 0.03, 0.056), shape.material((0.13, 0.06, 0.02), "wood")
        )
    tall, curl = rng.uniform(0.68, 0.88), rng.uniform(0.06, 0.22)
    path = curve(
        [
            (-0.1, 0.12, 0),
            (-0.34, 0.16, 0),
            (-0.42, tall * 0.6, 0),
            (-0.36, tall, 0),
            (-0.36 - curl, tall + 0.1, 0),
            (-0.4 - curl * 1.5, tall - 0.02, 0),
        ]
    )
    shape.part("tail", 0.03).chain(
        path,
        [0.07, 0.1, 0.13, 0.15, 0.165, 0.165, 0.155, 0.14, 0.12, 0.1, 0.07],
        shape.material(rgb, "fur", "mottle", mix(rgb, WHITE, 0.22), 0.025),
    )
    first = len(shape.parts)
    _rodent_head(shape, coat, pale, 0.95, 0.2)
    ears(
        shape, (-0.3, 0.6, 0.5), leaf(0.75, 0.5, 0.6, 0.8), 0.08, facing(14, 30, 5), coat, shape.material(PINK, "skin")
    )
    place(
        shape.parts[first:], chest + lean @ np.array([0.2, 0.02, 0]) + (0.06, 0.06, 0), look_round(rng, 10, 25), 0.175
    )
