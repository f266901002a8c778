"""The large beasts: elephant, bear, lion, tiger and kangaroo."""

from __future__ import annotations

import numpy as np

from training.world.families import COLOURS, Habit, family
from training.world.families.anatomy import (
    DARK,
    IVORY,
    PINK,
    WHITE,
    Skeleton,
    band,
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
from training.world.sdf import Shape, smooth_outline, turn

SAVANNA = ("grass", "desert", "forest", "studio", "beach")


@family("elephant", colours=("grey", "brown"), places=SAVANNA)
def elephant(shape: Shape, rng: np.random.Generator, look) -> None:
    african, stout = rng.random() < 0.6, rng.uniform(0.92, 1.1)
    rgb = mix(look.rgb, COLOURS["grey"], 0.35)  # a brown elephant is a dusty one
    hide = shape.material(rgb, "skin", "mottle", mix(rgb, DARK, 0.3), 0.12)
    s = Skeleton(
        length=0.58,
        shoulder=0.82,
        croup=0.78,
        chest=(0.33 * stout, 0.25 * stout),
        waist=(0.34 * stout, 0.28 * stout),
        hip=(0.32 * stout, 0.25 * stout),
        neck=0.2,
        rise=22,
        neck_r=(0.24, 0.22),
        fore=(0.16, 0.125, 0.11),
        hind=(0.19, 0.135, 0.11),
        foot=(0.11, 0.05, 0.12),
        bend=0.02,
        belly=0.04,
        blend=0.04,
    )
    b = quadruped(shape, rng, s, "standing", hide, hide, stride=rng.uniform(0, 0.09))
    nail = shape.material(mix(rgb, IVORY, 0.6))
    toes = shape.part("nails")
    for foot in [p for p in b.body.solid if p.kind == "ellipsoid" and p.sizes == (0.11, 0.05, 0.12)]:
        for angle in (-35, 0, 35):
            toes.ball(foot.centre + turn(y=angle) @ np.array([0.105, -0.02, 0]), 0.024, nail)
    t = b.tail + (-0.06, 0.0, 0)
    tail = shape.part("tail")
    tail.chain([t, t + (-0.06, -0.2, 0), t + (-0.05, -0.45, 0)], [0.035, 0.022, 0.018], hide)
    tail.ellipsoid(t + (-0.05, -0.5, 0), (0.03, 0.07, 0.03), shape.material(DARK, "fur"))

    first = len(shape.parts)
    head = shape.part("head", 0.12)
    head.ellipsoid((0, 0.1, 0), (0.95, 1.1, 0.85), hide)
    head.ball((-0.1, 0.85, 0.32), 0.42 if not african else 0.25, hide, mirror=True)
    head.ellipsoid((0.35, -0.55, 0), (0.7, 0.55, 0.55), hide)
    kind = rng.integers(3)
    trunk = (
        [(0.6, -0.1, 0), (1.15, -0.8, 0), (1.3, -1.9, 0), (1.3, -2.8, 0), (1.75, -3.25, 0)],
        # hanging, tip forward
        [(0.6, -0.1, 0), (1.2, -0.85, 0), (1.25, -1.8, 0), (0.95, -2.6, 0.1), (0.55, -2.75, 0.2)],  # to the mouth
        [(0.6, -0.1, 0), (1.4, -0.7, 0), (2.2, -0.9, 0), (2.75, -0.3, 0), (2.7, 0.5, 0)],
    )[kind]  # raised
    shape.part("trunk", 0.1).chain(curve(trunk), np.linspace(0.55, 0.2, 9), hide)
    shape.part("mouth", 0.05).limb((0.5, -1.05, 0), (0.85, -1.3, 0), 0.32, 0.16, hide)
    if african or rng.random() < 0.6:
        ivory = shape.material(IVORY, "ceramic")
        size = rng.uniform(0.5, 1.1)
        shape.part("tusks", 0.03).chain(
            [
                (0.7, -0.75, 0.42),
                (1.1 + 0.2 * size, -1.1 - 0.5 * size, 0.55),
                (1.3 + 0.7 * size, -1.1 - 0.65 * size, 0.5),
            ],
            [0.15, 0.12, 0.04],
            ivory,
            mirror=True,
        )
    dark_eyes(shape, (0.62, 0.1, 0.62), 0.12)
    big = 1.0 if african else 0.68
    flap = smooth_outline(
        np.array(
            [(0, 0.75), (0.9, 1.0), (1.75, 0.6), (1.8, -0.3), (1.35, -1.2), (0.9, -1.7), (0.45, -1.1), (0.1, -0.5)]
        )
        * big
    )
    out = rng.uniform(30, 60)
    ear = shape.part("ears")
    ear.plate((0.05, 0.2, 0.72), flap, 0.05, hide, turn(y=180 + out), round=0.05, mirror=True)
    place(shape.parts[first:], b.head + (0.16, 0.08, 0), look_round(rng, 6, 15), 0.25)


@family(
    "bear",
    colours=("brown", "black", "white"),
    places=("forest", "forest", "grass", "grass", "snow"),
    poses=("standing", "standing", "sitting"),
    facing=True,
    habit=Habit(fill=(0.8, 1.05), elevation=(2, 14)),
)
def bear(shape: Shape, rng: np.random.Generator, look) -> None:
    stout = rng.uniform(0.95, 1.12)
    rgb = mix(look.rgb, (0.09, 0.065, 0.045), 0.4 if look.colour == "brown" else 0.0)
    coat = shape.material(rgb, "coat", "mottle", mix(rgb, DARK, 0.3), 0.12)
    s = Skeleton(
        length=0.62,
        shoulder=0.62,
        croup=0.58,
        chest=(0.29 * stout, 0.22 * stout),
        waist=(0.28 * stout, 0.24 * stout),
        hip=(0.29 * stout, 0.24 * stout),
        neck=0.26,
        rise=rng.uniform(12, 32),
        neck_r=(0.22, 0.18),
        fore=(0.16, 0.115, 0.1),
        hind=(0.2, 0.125, 0.1),
        foot=(0.14, 0.055, 0.1),
        bend=0.05,
        belly=0.03,
    )
    b = quadruped(shape, rng, s, look.pose, coat, coat, stride=rng.uniform(0, 0.1))
    if look.pose == "standing":
        b.body.ellipsoid(b.chest + (0.02, 0.16, 0), (0.2, 0.17, 0.15), coat)
    claw = shape.material(mix(IVORY, DARK, 0.85), "ceramic")
    claws = shape.part("claws")
    for foot in [p for p in b.body.solid if p.kind == "ellipsoid" and p.sizes == s.foot]:
        for side in (-0.06, -0.02, 0.02, 0.06):
            tip = foot.centre + (0.125 - 4 * side * side, 0, side)
            claws.limb(tip, tip + (0.035, -0.025, 0), 0.014, 0.006, claw)
    shape.part("tail").ball(b.tail + (-0.04, 0, 0), 0.06, coat)

    first = len(shape.parts)
    snout = shape.material(mix(look.rgb, (0.45, 0.28, 0.12), 0.6) if look.colour != "white" else look.rgb, "coat")
    head, jaw = shape.part("head", 0.12), shape.part("jaw", 0.05)
    head.ellipsoid((0, 0, 0), (0.98, 0.9, 0.98), coat)
    head.ellipsoid((0.1, -0.35, 0.45), (0.6, 0.5, 0.45), coat, mirror=True)
    head.limb((0.6, -0.22, 0), (1.5, -0.32, 0), 0.46, 0.31, snout)
    jaw.limb((0.5, -0.55, 0), (1.4, -0.58, 0), 0.28, 0.16, snout)
    shape.part("nose").ellipsoid((1.78, -0.14, 0), (0.13, 0.13, 0.19), glossy(shape))
    dark_eyes(shape, (0.8, 0.14, 0.38), 0.085)
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ears(
        shape,
        (-0.1, 0.82, 0.68),
        np.stack([np.cos(angle), np.sin(angle)], axis=1) * 0.28,
        0.11,
        facing(25, 20, 5),
        coat,
        shape.material(mix(look.rgb, DARK, 0.5) if look.colour != "black" else (0.08, 0.06, 0.05), "coat"),
        0.6,
    )
    place(shape.parts[first:], b.head + (0.08, 0.03, 0), look_round(rng, 12, 25), 0.2)


def _big_cat(shape: Shape, rng, pose: str, coat: int, pale: int, stripes: int | None = None, size: float = 1.0):
    """Body of a lion or tiger; returns it with its skeleton and tail's last points."""
    stout = rng.uniform(0.95, 1.1)
    s = Skeleton(
        length=0.74,
        shoulder=0.64,
        croup=0.63,
        chest=(0.21 * stout, 0.165 * stout),
        waist=(0.18 * stout, 0.155 * stout),
        hip=(0.19 * stout, 0.16 * stout),
        neck=0.26,
        rise=rng.uniform(22, 38),
        neck_r=(0.17, 0.14),
        fore=(0.125, 0.085, 0.066),
        hind=(0.155, 0.095, 0.066),
        foot=(0.11, 0.05, 0.08),
        bend=0.1,
    )
    b = quadruped(shape, rng, s, pose, coat, coat, under=pale)
    if pose != "standing":
        floor = 0.045 - b.tail[1]
        path = b.tail + np.array([(0.02, -0.02, 0), (-0.18, floor, 0.05), (-0.4, floor, 0.16), (-0.53, floor, 0.3)])
    else:
        path = b.tail + np.array([(0.02, 0, 0), (-0.16, -0.12, 0), (-0.24, -0.32, 0), (-0.42, -0.38, 0)])
    tail = shape.part("tail", 0.01)
    tail.chain(path, [0.055, 0.042, 0.036, 0.034], coat)
    if stripes is not None:
        rings = shape.part("tail rings")
        for a, c in zip(path[:-1], path[1:], strict=True):
            axis = (c - a) / np.linalg.norm(c - a)
            rings.cone((a + c) / 2 - axis * 0.02, (a + c) / 2 + axis * 0.02, 0.047, 0.047, stripes)
    return b, s, path


def _big_cat_head(shape: Shape, rng, coat: int, pale: int, iris) -> None:
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (0.95, 0.92, 0.92), coat)
    head.limb((0.4, -0.05, 0), (0.95, -0.22, 0), 0.52, 0.36, coat)
    head.ellipsoid((0.15, -0.4, 0.48), (0.5, 0.45, 0.4), coat, mirror=True)
    shape.part("muzzle", 0.06).ellipsoid((1.0, -0.42, 0.2), (0.36, 0.3, 0.28), pale, mirror=True)
    shape.part("chin", 0.05).ellipsoid((0.92, -0.74, 0), (0.34, 0.24, 0.28), pale)
    shape.part("nose").ellipsoid((1.32, -0.14, 0), (0.12, 0.12, 0.21), shape.material(mix(PINK, DARK, 0.5), "skin"))
    shape.part("eyes").ball((0.72, 0.16, 0.4), 0.17, glossy(shape, iris), mirror=True)
    shape.part("pupils").ball((0.84, 0.17, 0.45), 0.085, glossy(shape), mirror=True)
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ears(
        shape,
        (-0.15, 0.85, 0.68),
        np.stack([np.cos(angle), np.sin(angle)], axis=1) * 0.32,
        0.09,
        facing(30, 22, 5),
        coat,
        shape.material(mix(PINK, DARK, 0.5), "fur"),
        0.6,
    )


@family("lion", colours=("beige", "gold", "brown"), places=SAVANNA, poses=("standing", "sitting", "lying"), facing=True)
def lion(shape: Shape, rng: np.random.Generator, look) -> None:
    male = rng.random() < 0.75
    tawny = mix(look.rgb, (0.42, 0.26, 0.11), 0.6)
    coat, pale = shape.material(tawny, "fur"), shape.material(mix(tawny, WHITE, 0.5), "fur")
    mane = shape.material(
        mix(tawny, (0.10, 0.045, 0.02), rng.uniform(0.4, 0.85)),
        "fur",
        "mottle",
        mix(tawny, (0.06, 0.03, 0.015), 0.8),
        0.06,
    )
    b, s, path = _big_cat(shape, rng, look.pose, coat, pale)
    shape.part("tuft").ellipsoid(path[-1] + (-0.03, 0, 0), (0.1, 0.055, 0.055), mane)
    if male:
        collar = shape.part("mane", 0.03)
        middle = (b.head + b.neck) / 2
        for at, radii in (
            (middle + (0.03, -0.04, 0), (0.2, 0.28, 0.23)),
            (b.neck + (-0.02, -0.06, 0), (0.24, 0.23, 0.19)),
            (middle + (0.08, -0.2, 0), (0.13, 0.16, 0.13)),
        ):
            collar.ellipsoid(np.maximum(at, (-9, radii[1], 0)), radii, mane)
    first = len(shape.parts)
    _big_cat_head(shape, rng, coat, pale, (0.4, 0.22, 0.03))
    if male:  # a ruff of locks round the face
        ruff = shape.part("ruff", 0.15)
        ruff.ellipsoid((-0.45, 0.05, 0), (0.55, 1.25, 1.15), mane)
        for angle in np.linspace(0, 2 * np.pi, 17, endpoint=False):
            y, z = np.cos(angle), np.sin(angle)
            long = 1.3 + 0.35 * (y < -0.3)
            ruff.limb((-0.1, y * 0.95, z * 0.9), (-0.35, y * long, z * (long - 0.1)), 0.36, 0.22, mane)
    place(shape.parts[first:], b.head + (0.1, 0.06, 0), look_round(rng, 10, 25), 0.205)


@family(
    "tiger",
    colours=("orange",),
    places=("forest", "grass", "snow", "studio", "night"),
    poses=("standing", "sitting", "lying"),
    facing=True,
)
def tiger(shape: Shape, rng: np.random.Generator, look) -> None:
    coat, pale, ink = shape.material(look.rgb, "fur"), shape.material(WHITE, "fur"), shape.material(DARK, "fur")
    b, s, _ = _big_cat(shape, rng, look.pose, coat, pale, ink)
    stripes = shape.part("stripes")
    steps = rng.integers(8, 10)
    frame = turn(z=b.pitch)
    for i in range(steps):
        at = b.hip + (b.chest - b.hip) * (1.5 * (i + 0.5 + rng.uniform(-0.15, 0.15)) / steps - 0.25)
        for middle in (20, 160):  # from the back down either flank
            wide = rng.uniform(45, 62)
            band(
                stripes,
                b.body,
                at,
                frame @ turn(z=rng.uniform(-6, 6)) @ turn(y=90),
                rng.uniform(0.012, 0.02),
                ink,
                (middle - wide, middle + wide),
            )
    if look.pose == "standing":
        for limb in [p for p in b.body.solid if p.kind == "limb" and 0.2 < p.centre[1] < 0.5 and p.frame[1, 1] < -0.5]:
            r, axis = limb.sizes[0] * 0.8 + limb.sizes[1] * 0.2 + 0.006, limb.frame[:, 1]
            stripes.cone(limb.centre + axis * 0.03, limb.centre + axis * 0.055, r, r, ink)
    first = len(shape.parts)
    _big_cat_head(shape, rng, coat, pale, (0.5, 0.33, 0.04))
    cheek = shape.part("cheeks", 0.08)
    cheek.ellipsoid((0.05, -0.5, 0.72), (0.36, 0.4, 0.3), pale, turn(x=25), mirror=True)
    marks, head = shape.part("face stripes"), shape.parts[first]
    for x, half in ((0.3, 0.07), (0.0, 0.08), (-0.35, 0.09)):
        for middle in (55, 125):
            band(marks, head, (x, -0.1, 0), turn(z=12) @ turn(y=90), half, ink, (middle - 32, middle + 32), 0.03)
    for x, low in ((0.25, -20), (-0.05, -25)):
        for middle in (low, 180 - low):
            band(marks, head, (x, -0.15, 0), turn(z=10) @ turn(y=90), 0.07, ink, (middle - 26, middle + 26), 0.06)
    place(shape.parts[first:], b.head + (0.1, 0.05, 0), look_round(rng, 10, 25), 0.2)


def _kangaroo_head(shape: Shape, coat: int, tall: float) -> None:
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (1.0, 0.85, 0.78), coat)
    head.limb((0.4, -0.15, 0), (1.6, -0.5, 0), 0.6, 0.32, coat)
    shape.part("jaw", 0.05).limb((0.5, -0.55, 0), (1.5, -0.72, 0), 0.32, 0.18, coat)
    shape.part("nose").ellipsoid((1.88, -0.45, 0), (0.14, 0.15, 0.2), glossy(shape))
    dark_eyes(shape, (0.5, 0.22, 0.58), 0.16)
    ears(
        shape,
        (-0.3, 0.6, 0.4),
        leaf(tall, 0.68, 0.55, 0.4),
        0.07,
        facing(24, 20, 5),
        coat,
        shape.material(PINK, "skin"),
    )


@family(
    "kangaroo",
    colours=("brown", "brown", "grey", "beige"),
    places=("grass", "grass", "grass", "desert", "forest"),
    habit=Habit(fill=(0.7, 0.95), elevation=(2, 16), sides=(0.6, 0.2, 0.2, 0.0, 0.0)),
)
def kangaroo(shape: Shape, rng: np.random.Generator, look) -> None:
    rgb = mix(look.rgb, (0.27, 0.19, 0.12), 0.4)
    coat, pale = shape.material(rgb, "coat"), shape.material(mix(rgb, WHITE, 0.45), "coat")
    lean = rng.uniform(48, 74)
    lift = turn(z=lean)
    hip = np.array([0, 0.36, 0])
    body = shape.part("body", 0.03)
    body.ellipsoid(hip, (0.24, 0.19, 0.18), coat, lift)
    chest = hip + lift @ np.array([0.4, 0.0, 0])
    body.ellipsoid(hip + lift @ np.array([0.2, -0.01, 0]), (0.27, 0.15, 0.145), coat, lift)
    body.ellipsoid(hip + lift @ np.array([0.12, -0.09, 0]), (0.24, 0.11, 0.12), pale, lift)
    body.ellipsoid(chest, (0.17, 0.12, 0.13), coat, lift)
    neck = chest + (0.13, 0.24, 0)
    body.limb(chest + (0.02, 0.04, 0), neck, 0.11, 0.075, coat)
    body.chain(
        curve([hip + (-0.05, -0.04, 0), (-0.32, 0.2, 0), (-0.6, 0.07, 0), (-0.95, 0.05, 0.05)]),
        [0.17, 0.14, 0.11, 0.085, 0.065, 0.05, 0.035],
        coat,
    )
    legs = shape.part("hind legs", 0.02)
    legs.ellipsoid(hip + (0.08, -0.06, 0.15), (0.25, 0.16, 0.1), coat, turn(z=-35), mirror=True)
    legs.chain([(0.22, 0.24, 0.18), (-0.06, 0.1, 0.17), (-0.02, 0.05, 0.17)], [0.09, 0.055, 0.05], coat, mirror=True)
    legs.limb((-0.06, 0.05, 0.17), (0.36, 0.035, 0.19), 0.052, 0.034, coat, mirror=True)
    arms, low = shape.part("arms", 0.015), rng.uniform(0.12, 0.22)
    elbow = chest + (0.06, -0.14, 0.14)
    arms.chain(
        [chest + (0.05, 0.02, 0.11), elbow, elbow + (0.16, low - 0.16, -0.04)], [0.06, 0.042, 0.032], coat, mirror=True
    )
    arms.ellipsoid(
        elbow + (0.19, low - 0.19, -0.05),
        (0.05, 0.028, 0.03),
        shape.material(mix(look.rgb, DARK, 0.7), "fur"),
        mirror=True,
    )
    first = len(shape.parts)
    if rng.random() < 0.35:  # a joey looks out of the pouch
        joey = hip + lift @ np.array([0.16, -0.18, 0])
        shape.part("pouch").ellipsoid(joey + (-0.03, -0.08, 0), (0.1, 0.1, 0.13), pale)
        _kangaroo_head(shape, coat, 1.25)
        place(shape.parts[first + 1 :], joey + (0.03, 0.07, 0), turn(y=rng.uniform(-30, 30)), 0.055)
    first = len(shape.parts)
    _kangaroo_head(shape, coat, rng.uniform(1.3, 1.6))
    place(shape.parts[first:], neck + (0.03, 0.05, 0), look_round(rng, 10, 35) @ turn(z=-14), 0.1)
