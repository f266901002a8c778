"""The four-legged land animals: pets, farm animals and the large ones of savanna and forest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.world.families import COLOURS, family
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
    mix,
    patch,
    place,
    quadruped,
)
from training.world.sdf import Shape, smooth_outline, turn

OUTDOORS = ("grass", "forest", "snow", "desert", "studio", "street", "beach", "night")
HOME = ("studio", "grass", "kitchen", "street", "beach", "snow", "forest")
FARM = ("grass", "forest", "snow", "studio", "street", "beach")
SAVANNA = ("grass", "desert", "forest", "studio", "beach")
COAT = ("brown", "black", "white", "grey", "beige")


def _gaze(rng, nod: float = 12, look_round: float = 25) -> np.ndarray:
    """A turn of the head: some look round."""
    return turn(y=rng.uniform(-1, 1) * look_round * (rng.random() < 0.6)) @ turn(z=rng.uniform(-nod, nod))


def _coat(shape: Shape, rng, rgb, light=WHITE):
    """Coat, underside and paws of a pet: plain, or with light belly and socks."""
    coat = shape.material(rgb, "fur")
    under = shape.material(mix(rgb, light, 0.7), "fur") if rng.random() < 0.45 else coat
    return coat, under, under if rng.random() < 0.6 else coat


@family("dog", colours=("brown", "black", "white", "beige", "grey", "gold"), places=HOME,
        poses=("standing", "sitting", "lying"))
def dog(shape: Shape, rng: np.random.Generator, look) -> None:
    size, long, stout, snout = rng.uniform(0, 1), rng.uniform(0.85, 1.15), rng.uniform(0.9, 1.2), rng.uniform(0.95, 1.7)
    short = rng.random() < 0.2  # dachshunds and corgis
    coat, under, socks = _coat(shape, rng, look.rgb)
    r, leg = 0.2 - 0.04 * size, 0.6 if short else 1.0
    s = Skeleton(length=0.62 * long * (1.25 if short else 1), shoulder=0.72 * leg + 0.04 * short, croup=0.73 * leg,
                 chest=(0.25 * stout, 0.17 * stout), waist=(0.17 * stout, 0.14 * stout), hip=(0.2 * stout,
                                                                                              0.15 * stout),
                 neck=0.34, rise=rng.uniform(42, 60), neck_r=(0.17 * stout, 0.125),
                 fore=(0.105 * stout, 0.072, 0.05 * stout), hind=(0.16 * stout, 0.1, 0.052 * stout),
                 foot=(0.085, 0.045, 0.06), bend=0.12 * leg, belly=-0.05)
    b = quadruped(shape, rng, s, look.pose, coat, socks, socks, under)
    t, kind = b.tail, rng.integers(3)
    path = ([(0, 0, 0), (-0.1, 0.16, 0), (-0.08, 0.36, 0), (0.02, 0.48, 0)],  # up
            [(0, 0, 0), (-0.1, 0.2, 0), (0.06, 0.3, 0.06), (0.1, 0.14, 0.1)],  # curled
            [(0, 0, 0), (-0.18, 0.02, 0), (-0.32, -0.1, 0), (-0.42, -0.16, 0)])[kind]  # out
    bush = rng.uniform(0.035, 0.07)
    path = np.array(path) * (1.0, 0.55 if look.pose != "standing" else 1.0, 1.0)
    shape.part("tail", 0.02).chain(np.maximum(t + path, (-9, bush, -9)), [0.06, bush, bush, bush * 0.6], coat)

    first = len(shape.parts)
    muzzle = coat if rng.random() < 0.55 else shape.material(mix(look.rgb, WHITE if rng.random() < 0.6 else DARK,
                                                                 0.75), "fur")
    head, jaw = shape.part("head", 0.12), shape.part("jaw", 0.05)
    head.ellipsoid((0, 0, 0), (1.0, 0.92, 0.9), coat)
    head.limb((0.45, -0.22, 0), (snout, -0.32, 0), 0.56, 0.4, muzzle)
    head.ellipsoid((0.1, -0.4, 0.4), (0.6, 0.5, 0.4), coat, mirror=True)
    gape = rng.uniform(8, 16) if rng.random() < 0.4 else 0
    hinge, tip = np.array([0.35, -0.5, 0]), turn(z=-gape) @ np.array([snout - 0.3, -0.18, 0])
    jaw.limb(hinge, hinge + tip, 0.36, 0.25, muzzle)
    if gape:
        tongue = shape.material((0.6, 0.12, 0.14), "skin")
        shape.part("tongue", 0.1).chain([hinge + tip * 0.6 + (0, 0.2, 0), hinge + tip + (0.1, 0.2, 0),
                                         hinge + tip + (0.28, -0.25, 0)], [0.17, 0.18, 0.14], tongue)
    shape.part("nose").ellipsoid((snout + 0.3, -0.16, 0), (0.2, 0.17, 0.22), glossy(shape))
    dark_eyes(shape, (0.74, 0.22, 0.42), 0.16, 0.19 * (rng.random() < 0.5))
    ear = coat if rng.random() < 0.6 else shape.material(mix(look.rgb, DARK, 0.6), "fur")
    if rng.random() < 0.5:
        drop = rng.uniform(0.55, 0.95)
        shape.part("ears", 0.1).ellipsoid((-0.12, 0.35 - drop, 0.98), (0.42, drop, 0.16), ear, turn(x=-12, z=-8),
                                          mirror=True)
    else:
        tall = rng.uniform(0.95, 1.3)
        ears(shape, (-0.15, 0.5, 0.5), leaf(tall, 0.85, 0.75, 0.9), 0.09, facing(18, 20, 8), ear,
             shape.material(PINK, "skin"))
    place(shape.parts[first:], b.head + (0.02, 0.03, 0), _gaze(rng), r)


@family("cat", colours=("orange", "grey", "black", "white", "brown", "beige"), places=HOME,
        poses=("standing", "sitting", "lying"))
def cat(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, tabby = rng.uniform(0.85, 1.2), rng.random() < 0.6 and look.colour in ("orange", "grey", "brown", "beige")
    rgb2 = mix(look.rgb, DARK, 0.7)
    coat = shape.material(look.rgb, "fur", "stripes" if tabby else "plain", rgb2, 0.07)
    bib = shape.material(mix(look.rgb, WHITE, 0.85), "fur") if rng.random() < 0.4 else coat
    s = Skeleton(length=0.62 * rng.uniform(0.95, 1.1), shoulder=0.54, croup=0.55, chest=(0.175 * stout, 0.135 * stout),
                 waist=(0.17 * stout, 0.14 * stout), hip=(0.175 * stout, 0.14 * stout), neck=0.22,
                 rise=rng.uniform(35, 50), neck_r=(0.13, 0.115), fore=(0.085, 0.06, 0.048),
                 hind=(0.13, 0.085, 0.048), foot=(0.075, 0.04, 0.055), bend=0.1, belly=0.0)
    b = quadruped(shape, rng, s, look.pose, coat, bib, coat, bib)
    side = rng.choice((-1, 1))
    if look.pose == "standing":
        path = [[(0, 0, 0), (-0.18, 0.06, 0), (-0.26, 0.26, 0), (-0.22, 0.5, 0), (-0.3, 0.62, 0)],
                [(0, 0, 0), (-0.2, -0.06, 0), (-0.36, -0.16, 0), (-0.52, -0.1, 0), (-0.6, 0.02, 0)]][rng.integers(2)]
        path = b.tail + np.array(path)
    else:  # along the ground, round one side
        path = np.array([(-0.02, 0.05, 0), (-0.12, 0.05, side * 0.1), (-0.06, 0.05, side * 0.26),
                         (0.14, 0.05, side * 0.32), (0.3, 0.05, side * 0.27)]) + (b.hip[0] - 0.18, 0, 0)
    shape.part("tail", 0.02).chain(curve(path), np.linspace(0.055, 0.042, 9), coat)

    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (0.92, 0.86, 1.05), coat)
    head.ellipsoid((0.25, -0.32, 0.5), (0.55, 0.42, 0.45), coat, mirror=True)
    pads = shape.part("muzzle", 0.06)
    pads.ball((0.82, -0.34, 0.2), 0.29, bib if bib != coat else shape.material(mix(look.rgb, WHITE, 0.35), "fur"),
              mirror=True)
    shape.part("chin").ball((0.74, -0.58, 0), 0.22, bib)
    shape.part("nose").ellipsoid((1.08, -0.16, 0), (0.1, 0.09, 0.14), shape.material(PINK, "skin"))
    iris = glossy(shape, (COLOURS["green"], (0.6, 0.42, 0.05), (0.1, 0.3, 0.5))[rng.integers(3)])
    shape.part("eyes").ball((0.6, 0.12, 0.44), 0.27, iris, mirror=True)
    shape.part("pupils").ellipsoid((0.8, 0.13, 0.52), (0.09, 0.2, 0.08), glossy(shape), turn(y=-18), mirror=True)
    whisker, white = shape.part("whiskers"), shape.material(WHITE)
    for tilt in (-0.22, 0.0, 0.22):
        whisker.limb((0.9, -0.34 + tilt * 0.3, 0.38), (0.6, -0.34 + tilt, 1.5), 0.015, 0.011, white, mirror=True)
    ears(shape, (-0.05, 0.5, 0.58), leaf(rng.uniform(0.85, 1.05), 0.9, 0.85, 0.95), 0.07, facing(20, 22, 6), coat,
         shape.material(PINK, "skin"))
    place(shape.parts[first:], b.head + (0.03, 0.06, 0), _gaze(rng), rng.uniform(0.185, 0.205))


def _hoofed_head(shape: Shape, coat: int, muzzle: int, long: float, skull=(0.9, 0.85, 0.72), tip: float = 0.42,
                 drop=0.3) -> None:
    """A long head: skull, cheeks, muzzle, jaw, nostrils, eyes at the sides."""
    head, jaw = shape.part("head", 0.1), shape.part("jaw", 0.05)
    head.ellipsoid((0, 0, 0), skull, coat)
    head.limb((0.2, -0.1, 0), (long * 0.62, -0.1 - drop * 0.6, 0), 0.68, tip * 1.1, coat)
    head.limb((long * 0.6, -0.1 - drop * 0.6, 0), (long, -0.1 - drop, 0), tip, tip, muzzle)
    head.ellipsoid((0.25, -0.5, 0), (0.75, 0.6, 0.5), coat)
    jaw.limb((0.6, -0.6, 0), (long - 0.1, -0.35 - drop, 0), 0.34, tip * 0.7, muzzle)
    shape.part("nostrils").ellipsoid((long + tip * 0.72, -0.02 - drop, tip * 0.55), (0.1, 0.12, 0.09),
                                     shape.material(DARK), mirror=True)
    dark_eyes(shape, (0.42, 0.2, 0.62), 0.17)


@family("horse", colours=("brown", "black", "white", "grey", "beige"), places=FARM)
def horse(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, leg = rng.uniform(0.92, 1.15), rng.uniform(0.92, 1.05)
    coat = shape.material(look.rgb, "fur")
    hair = shape.material(mix(look.rgb, DARK if rng.random() < 0.65 else WHITE, 0.85), "fur")
    socks = (coat, hair, shape.material(WHITE, "fur"))[rng.integers(3)]
    s = _horse_skeleton(rng, stout, leg)
    graze = rng.random() < 0.2
    if graze:
        s = _grazing(s)
    b = quadruped(shape, rng, s, "standing", coat, shape.material((0.05, 0.04, 0.035)), socks)
    _horse_head(shape, rng, b, s, coat, coat if rng.random() < 0.6 else hair, graze, blaze=rng.random() < 0.4)
    _mane(shape, b, s, hair, rng.uniform(0.05, 0.08), falling=True)
    t = b.tail + (-0.02, 0.06, 0)
    shape.part("tail", 0.03).chain([t, t + (-0.12, 0.02, 0), t + (-0.2, -0.2, 0), t + (-0.2, -0.62, 0)],
                                   [0.045, 0.06, 0.085, 0.03], hair)


def _horse_skeleton(rng, stout: float, leg: float) -> Skeleton:
    return Skeleton(length=0.62 * rng.uniform(0.95, 1.08), shoulder=0.78 * leg, croup=0.8 * leg,
                    chest=(0.22 * stout, 0.155 * stout), waist=(0.185 * stout, 0.16 * stout),
                    hip=(0.2 * stout, 0.165 * stout), neck=0.52, rise=rng.uniform(46, 60), neck_r=(0.165 * stout, 0.1),
                    fore=(0.115, 0.065, 0.042), hind=(0.165, 0.085, 0.046), foot=(0.05, 0.045, 0.062), bend=0.085,
                    belly=0.02, hoof=True)


def _grazing(s: Skeleton) -> Skeleton:
    return replace(s, rise=-38.0, neck=s.neck * 1.15)


def _horse_head(shape, rng, b, s, coat, muzzle, graze: bool, blaze: bool = False, size: float = 0.14,
                bands: int | None = None) -> None:
    first = len(shape.parts)
    _hoofed_head(shape, coat, muzzle, 2.5)
    if blaze:
        shape.part("blaze").limb((0.55, 0.42, 0), (2.0, 0.1, 0), 0.17, 0.12, shape.material(WHITE, "fur"))
    if bands is not None:
        lines = shape.part("head stripes")
        for x in (-0.2, 0.25, 0.7, 1.15):
            band(lines, shape.parts[first], (x, -0.15 - 0.1 * x, 0), turn(z=25) @ turn(y=90), 0.075, bands, proud=0.03)
    ears(shape, (-0.25, 0.6, 0.36), leaf(0.9, 0.5, 0.6, 0.7), 0.07, facing(10, 25, -5), coat,
         muzzle if muzzle != coat else None)
    place(shape.parts[first:], b.head + (0.02, 0.02, 0), _gaze(rng, 8, 20) @ turn(z=-28 if not graze else -55), size)


def _mane(shape: Shape, b, s, hair: int, depth: float, falling: bool) -> None:
    """Hair along the crest of the neck: a brush, or long and falling to one side, with a forelock."""
    along = b.head - b.neck
    far = np.linalg.norm(along)
    along /= far
    up = np.array([-along[1], along[0], 0])
    frame = np.stack([along, up, (0, 0, 1)], axis=1)
    part = shape.part("mane", 0.015)
    low, high = s.neck_r
    crest = smooth_outline([(-0.12 * far, low * 0.8), (0.2 * far, low * 0.8 + depth * 0.5),
                            (0.7 * far, high + depth * 0.7), (far + 0.06, high + depth * 0.8),
                            (far + 0.12, high * 0.7), (far * 0.6, high * 0.4), (0, low * 0.3)], steps=4)
    part.plate(b.neck, crest, 0.022, hair, frame, round=0.015)
    if falling:
        middle = (low + high) / 2
        part.ellipsoid(b.neck + along * far * 0.5 + (0, 0, middle * 0.78), (far * 0.55, middle * 0.95, middle * 0.36),
                       hair,
                       frame @ turn(z=-np.degrees(np.arctan2(low - high, far))))
        part.limb(b.head + up * 0.09 + along * 0.05, b.head + (0.16, 0.02, 0.02), 0.04, 0.02, hair)


@family("elephant", colours=("grey", "brown"), places=SAVANNA)
def elephant(shape: Shape, rng: np.random.Generator, look) -> None:
    african, stout = rng.random() < 0.6, rng.uniform(0.92, 1.1)
    rgb = mix(look.rgb, COLOURS["grey"], 0.35)  # a brown elephant is a dusty one
    hide = shape.material(rgb, "skin", "mottle", mix(rgb, DARK, 0.3), 0.12)
    s = Skeleton(length=0.58, shoulder=0.82, croup=0.78, chest=(0.33 * stout, 0.25 * stout),
                 waist=(0.34 * stout, 0.28 * stout),
                 hip=(0.32 * stout, 0.25 * stout), neck=0.2, rise=22, neck_r=(0.24, 0.22), fore=(0.16, 0.125, 0.11),
                 hind=(0.19, 0.135, 0.11), foot=(0.11, 0.05, 0.12), bend=0.02, belly=0.04, blend=0.04)
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
    trunk = ([(0.6, -0.1, 0), (1.15, -0.8, 0), (1.3, -1.9, 0), (1.3, -2.8, 0), (1.75, -3.25, 0)],
              # hanging, tip forward
             [(0.6, -0.1, 0), (1.2, -0.85, 0), (1.25, -1.8, 0), (0.95, -2.6, 0.1), (0.55, -2.75, 0.2)],  # to the mouth
             [(0.6, -0.1, 0), (1.4, -0.7, 0), (2.2, -0.9, 0), (2.75, -0.3, 0), (2.7, 0.5, 0)])[kind]  # raised
    shape.part("trunk", 0.1).chain(curve(trunk), np.linspace(0.55, 0.2, 9), hide)
    shape.part("mouth", 0.05).limb((0.5, -1.05, 0), (0.85, -1.3, 0), 0.32, 0.16, hide)
    if african or rng.random() < 0.6:
        ivory = shape.material(IVORY, "ceramic")
        size = rng.uniform(0.5, 1.1)
        shape.part("tusks", 0.03).chain([(0.7, -0.75, 0.42), (1.1 + 0.2 * size, -1.1 - 0.5 * size, 0.55),
                                         (1.3 + 0.7 * size, -1.1 - 0.65 * size, 0.5)], [0.15, 0.12,
                                                                                        0.04], ivory, mirror=True)
    dark_eyes(shape, (0.62, 0.1, 0.62), 0.12)
    big = 1.0 if african else 0.68
    flap = smooth_outline(np.array([(0, 0.75), (0.9, 1.0), (1.75, 0.6), (1.8, -0.3), (1.35, -1.2), (0.9, -1.7),
                                    (0.45, -1.1),
                                    (0.1, -0.5)]) * big)
    out = rng.uniform(30, 60)
    ear = shape.part("ears")
    ear.plate((0.05, 0.2, 0.72), flap, 0.05, hide, turn(y=180 + out), round=0.05, mirror=True)
    place(shape.parts[first:], b.head + (0.16, 0.08, 0), _gaze(rng, 6, 15), 0.25)


@family("rabbit", colours=("brown", "grey", "white", "beige", "black"),
        places=("grass", "forest", "snow", "studio", "desert", "kitchen"))
def rabbit(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, upright = rng.uniform(0.92, 1.12), rng.uniform(14, 38)
    coat = shape.material(look.rgb, "fur")
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
        body.chain([(chest[0] + 0.06, chest[1] - 0.08, z), (chest[0] + 0.06, 0.16, z), (chest[0] + 0.1, 0.05, z)],
                   [0.08, 0.055, 0.045], coat)
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
    inner = shape.material(mix(PINK, look.rgb, 0.2), "skin")
    if lop:
        ears(shape, (-0.2, 0.55, 0.65), leaf(1.9, 0.8, 0.35, 0.5), 0.1, turn(x=158) @ turn(y=60), coat)
    else:
        lean, back = rng.uniform(5, 18), rng.uniform(8, 35)
        ears(shape, (-0.25, 0.6, 0.32), leaf(tall, 0.72, 0.6, 0.45), 0.09, facing(lean, 15, back), coat, inner, 0.72)
    place(shape.parts[first:], chest + lift @ np.array([0.18, 0.1, 0]) + (0.02, 0.16, 0), _gaze(rng, 8, 20), 0.2)


@family("zebra", colours=("white",), places=SAVANNA)
def zebra(shape: Shape, rng: np.random.Generator, look) -> None:
    coat, ink = shape.material(look.rgb, "fur"), shape.material(DARK, "fur")
    s = _horse_skeleton(rng, rng.uniform(1.05, 1.18), rng.uniform(0.88, 0.95))
    s = replace(s, neck=0.44, rise=rng.uniform(40, 54))
    graze = rng.random() < 0.2
    s = _grazing(s) if graze else s
    b = quadruped(shape, rng, s, "standing", coat, ink)
    stripes = shape.part("stripes")
    steps = rng.integers(7, 10)
    for i in range(steps):
        t = (i + 0.4 + rng.uniform(-0.1, 0.1)) / steps
        at = b.hip + (b.chest - b.hip) * (1.34 * t - 0.18)
        lean = 35 * max(0.0, 0.5 - 1.2 * t) + rng.uniform(-5, 5)
        band(stripes, b.body, at, turn(z=lean) @ turn(y=90), rng.uniform(0.014, 0.02), ink)
    along = (b.head - b.neck) / np.linalg.norm(b.head - b.neck)
    frame = np.stack([(0, 0, 1.0), np.cross(along, (0, 0, 1.0)), along], axis=1)
    for t in (0.25, 0.42, 0.58, 0.74, 0.9):
        band(stripes, b.body, b.neck + t * (b.head - b.neck), frame, 0.016, ink)
    for limb in [p for p in b.body.solid if p.kind == "limb" and p.centre[1] > 0.1 and p.frame[1, 1] < -0.5]:
        for t in (0.3, 0.7) if limb.centre[1] < 0.7 * s.shoulder else (0.75,):
            r = limb.sizes[0] + (limb.sizes[1] - limb.sizes[0]) * t + 0.009
            axis = limb.frame[:, 1]
            stripes.cone(limb.centre + axis * (t * limb.sizes[2] - 0.014),
                         limb.centre + axis * (t * limb.sizes[2] + 0.014), r, r, ink)
    _horse_head(shape, rng, b, s, coat, ink, graze, size=0.13, bands=ink)
    _mane(shape, b, s, ink, 0.07, falling=False)
    t = b.tail + (-0.01, 0.04, 0)
    shape.part("tail", 0.01).chain([t, t + (-0.07, -0.1, 0), t + (-0.09, -0.3, 0)], [0.035, 0.024, 0.022], coat)
    shape.part("tuft").ellipsoid(t + (-0.09, -0.4, 0), (0.045, 0.13, 0.045), ink)


@family("cow", colours=("white", "brown", "black", "beige"), places=FARM)
def cow(shape: Shape, rng: np.random.Generator, look) -> None:
    stout = rng.uniform(0.95, 1.1)
    patched = rng.random() < 0.65
    coat = shape.material(look.rgb, "fur")
    other = shape.material(DARK if look.colour == "white" else WHITE, "fur")
    s = Skeleton(length=0.78, shoulder=0.68, croup=0.7, chest=(0.25 * stout, 0.19 * stout),
                 waist=(0.26 * stout, 0.22 * stout),
                 hip=(0.23 * stout, 0.19 * stout), neck=0.28, rise=rng.uniform(12, 32), neck_r=(0.17,
                                                                                                0.13), fore=(0.11,
                                                                                                             0.07,
                                                                                                             0.05),
                 hind=(0.15, 0.085, 0.052), foot=(0.05, 0.04, 0.062), bend=0.07, belly=0.04, hoof=True)
    graze = rng.random() < 0.2
    if graze:
        s = replace(s, neck=0.44, rise=-32.0)
    b = quadruped(shape, rng, s, "standing", coat, shape.material((0.05, 0.04, 0.035)), stride=rng.uniform(0, 0.06))
    if patched:
        spots = shape.part("patches", 0.02)
        for i in range(rng.integers(5, 8)):
            t, rise = rng.uniform(-0.15, 1.15), rng.uniform(-0.3, 0.8)
            for _ in range(2):
                start = b.hip + (b.chest - b.hip) * (t + rng.uniform(-0.12, 0.12))
                patch(spots, b.body, start, (0, rise + rng.uniform(-0.3, 0.3), (-1) ** i),
                      (rng.uniform(0.08, 0.17), rng.uniform(0.07, 0.12)), other, 0.012)
    pink = shape.material(PINK, "skin")
    udder = shape.part("udder", 0.02)
    udder.ellipsoid((b.hip[0] + 0.12, b.hip[1] - 0.25 * stout, 0), (0.11, 0.09, 0.09), pink)
    udder.limb((b.hip[0] + 0.12, b.hip[1] - 0.3 * stout, 0.045), (b.hip[0] + 0.12, b.hip[1] - 0.37 * stout, 0.045),
               0.02, 0.016, pink, mirror=True)
    t = b.tail + (-0.04, 0.06, 0)
    tail = shape.part("tail")
    tail.chain([t, t + (-0.06, -0.05, 0), t + (-0.06, -0.42, 0)], [0.03, 0.026, 0.018], coat)
    tail.ellipsoid(t + (-0.06, -0.49, 0), (0.035, 0.09, 0.035), other if patched else shape.material(mix(look.rgb,
                                                                                                         DARK, 0.6),
                                                                                                         "fur"))

    first = len(shape.parts)
    snout = pink if rng.random() < 0.6 else shape.material(mix(look.rgb, DARK, 0.7), "skin")
    _hoofed_head(shape, coat, snout, 1.75, skull=(0.85, 0.85, 0.8), tip=0.52, drop=0.45)
    if patched:
        shape.part("blaze", 0.05).chain([(0.6, 0.52, 0), (1.5, -0.02, 0)], [0.24, 0.2], other)
    ears(shape, (-0.2, 0.42, 0.7), leaf(1.0, 0.62, 0.5, 0.5), 0.09, facing(98, 10, 10),
         other if patched and rng.random() < 0.5 else coat, pink)
    horn = rng.uniform(0.3, 0.9)
    if rng.random() < 0.75:
        shape.part("horns", 0.04).chain([(-0.1, 0.7, 0.4), (-0.05, 0.95, 0.8),
                                         (0.1, 0.95 + horn * 0.9, 0.9 + 0.2 * horn)],
                                        [0.16, 0.13, 0.04], shape.material(IVORY, "ceramic"), mirror=True)
    place(shape.parts[first:], b.head + (0.06, 0.04, 0), _gaze(rng) @ turn(z=-20 if not graze else -45), 0.17)


@family("giraffe", colours=("beige", "orange", "brown"), places=SAVANNA)
def giraffe(shape: Shape, rng: np.random.Generator, look) -> None:
    pale = mix(look.rgb, WHITE if look.colour == "beige" else COLOURS["beige"], 0.3)
    coat = shape.material(pale, "fur")
    brown = shape.material((0.16, 0.055, 0.018) if look.colour != "brown" else mix(look.rgb, DARK, 0.7), "fur")
    s = Skeleton(length=0.48, shoulder=1.0, croup=0.92, chest=(0.22, 0.15), waist=(0.18, 0.15), hip=(0.17, 0.14),
                 neck=rng.uniform(0.85, 1.0), rise=rng.uniform(56, 72), neck_r=(0.145, 0.078), fore=(0.105, 0.06,
                                                                                                     0.042),
                 hind=(0.12, 0.065, 0.042), foot=(0.05, 0.045, 0.06), bend=0.05, hoof=True)
    b = quadruped(shape, rng, s, "standing", coat, brown)
    spots = shape.part("patches", 0.004)
    for i in range(4):
        start = b.hip + (b.chest - b.hip) * (0.38 * i - 0.1)
        for angle in (-25 + 20 * (i % 2), 30 + 20 * (i % 2)):
            a = np.radians(angle + rng.uniform(-6, 6))
            for side in (-1, 1):
                patch(spots, b.body, start, (0, np.sin(a), side * np.cos(a)), (0.075, rng.uniform(0.05, 0.07)), brown)
    for i, t in enumerate((0.16, 0.33, 0.5, 0.66, 0.81)):
        for side in (-1, 1):
            slim = 1 - 0.45 * t
            patch(spots, b.body, b.neck + (b.head - b.neck) * t, (0.35 * (-1) ** i, 0.1, side),
                  (0.058 * slim, 0.062 * slim), brown)
            patch(spots, b.body, b.neck + (b.head - b.neck) * (t + 0.08),
                  (-0.6 * (-1) ** i, -0.3 * (-1) ** i, side * 0.8),
                  (0.045 * slim, 0.05 * slim), brown)
    for t in (0.1, 0.3, 0.52, 0.74):
        patch(spots, b.body, b.neck + (b.head - b.neck) * t, (0.9, -0.45, 0),
              (0.06 * (1 - 0.45 * t), 0.05 * (1 - 0.45 * t)), brown)
    for side in (-1, 1):
        patch(spots, b.body, b.chest, (1, -0.3, 0.5 * side), (0.07, 0.05), brown)
        patch(spots, b.body, b.hip, (-1, -0.1, 0.6 * side), (0.07, 0.05), brown)
        patch(spots, b.body, (b.chest[0], b.chest[1] * 0.76, side * 0.09), (0.1, 0, side), (0.05, 0.045), brown)
        patch(spots, b.body, (b.hip[0] + 0.01, b.hip[1] * 0.78, side * 0.09), (0, 0, side), (0.06, 0.055), brown)
    _mane(shape, b, s, brown, 0.035, falling=False)
    t = b.tail + (-0.02, 0.03, 0)
    shape.part("tail").chain([t, t + (-0.05, -0.1, 0), t + (-0.05, -0.35, 0)], [0.026, 0.016, 0.012], coat)
    shape.part("tuft").ellipsoid(t + (-0.05, -0.42, 0), (0.026, 0.1, 0.026), shape.material(DARK, "fur"))

    first = len(shape.parts)
    _hoofed_head(shape, coat, shape.material(mix(pale, WHITE, 0.4), "fur"), 2.2, skull=(0.85, 0.75, 0.68), tip=0.4,
                 drop=0.3)
    ears(shape, (-0.35, 0.3, 0.6), leaf(1.05, 0.5, 0.55, 0.4), 0.07, facing(72, 10, 0), coat,
         shape.material(PINK, "skin"))
    horns = shape.part("horns", 0.03)
    horns.limb((-0.1, 0.55, 0.3), (-0.3, 1.45, 0.36), 0.15, 0.12, coat, mirror=True)
    shape.part("knobs").ball((-0.3, 1.5, 0.36), 0.19, shape.material(DARK, "fur"), mirror=True)
    place(shape.parts[first:], b.head + (0.02, 0.04, 0), _gaze(rng, 8, 30) @ turn(z=-18), 0.115)


@family("pig", colours=("pink", "black", "brown", "white"), places=FARM)
def pig(shape: Shape, rng: np.random.Generator, look) -> None:
    stout = rng.uniform(0.9, 1.1)
    rgb = mix(look.rgb, WHITE, 0.35) if look.colour == "pink" else look.rgb
    hide = shape.material(rgb, "skin")
    s = Skeleton(length=0.6, shoulder=0.46, croup=0.48, chest=(0.23 * stout, 0.2 * stout),
                 waist=(0.25 * stout, 0.225 * stout),
                 hip=(0.23 * stout, 0.2 * stout), neck=0.14, rise=10, neck_r=(0.2, 0.18), fore=(0.11, 0.075, 0.055),
                 hind=(0.15, 0.085, 0.055), foot=(0.05, 0.032, 0.06), bend=0.04, belly=0.03, hoof=True)
    b = quadruped(shape, rng, s, "standing", hide, shape.material(mix(rgb, DARK, 0.65)), stride=rng.uniform(0, 0.06))
    if rng.random() < 0.25:
        spots = shape.part("patches", 0.02)
        for _ in range(5):
            patch(spots, b.body, b.hip + (b.chest - b.hip) * rng.uniform(-0.1, 1),
                  (0, rng.uniform(0, 1), rng.choice((-1, 1))),
                  (rng.uniform(0.06, 0.12),
                   rng.uniform(0.06, 0.12)), shape.material(DARK if look.colour in ("pink", "white") else PINK, "skin"))
    t = b.tail + (-0.04, 0.05, 0)
    angle = np.linspace(0, 2.4 * np.pi, 9)
    curl = t + np.stack([-0.012 * angle - 0.01, 0.06 - 0.06 * np.cos(angle) + 0.004 * angle, 0.055 * np.sin(angle)],
                        axis=1)
    shape.part("tail", 0.004).chain(curl, np.linspace(0.024, 0.014, 9), hide)

    first = len(shape.parts)
    head = shape.part("head", 0.12)
    head.ellipsoid((0, 0, 0), (0.95, 0.92, 0.85), hide)
    head.ellipsoid((0.2, -0.4, 0), (0.7, 0.55, 0.72), hide)
    head.limb((0.4, -0.18, 0), (1.15, -0.3, 0), 0.58, 0.38, hide)
    shape.part("jaw", 0.05).limb((0.4, -0.62, 0), (1.05, -0.62, 0), 0.34, 0.22, hide)
    shape.part("snout").cone((1.2, -0.29, 0), (1.62, -0.31, 0), 0.44, 0.47,
                             shape.material(mix(rgb, PINK, 0.5), "skin"), round=0.1)
    shape.part("nostrils").ellipsoid((1.63, -0.29, 0.17), (0.05, 0.13, 0.09), shape.material(mix(PINK, DARK, 0.8)),
                                     mirror=True)
    dark_eyes(shape, (0.62, 0.3, 0.48), 0.13)
    inner = shape.material(mix(PINK, rgb, 0.4), "skin")
    if rng.random() < 0.6:
        ears(shape, (-0.05, 0.62, 0.55), leaf(0.75, 0.75, 0.75, 0.9), 0.08, facing(30, 22, -22), hide, inner)
    else:  # folded forward
        ears(shape, (0.05, 0.68, 0.55), leaf(0.75, 0.75, 0.75, 0.9), 0.08, facing(40, 15, -95), hide)
    place(shape.parts[first:], b.head + (0.12, 0.02, 0), _gaze(rng, 12, 20) @ turn(z=-12), 0.22)


@family("bear", colours=("brown", "black", "white"), places=("forest", "grass", "snow", "studio", "night", "beach"),
        poses=("standing", "sitting"))
def bear(shape: Shape, rng: np.random.Generator, look) -> None:
    stout = rng.uniform(0.95, 1.12)
    coat = shape.material(look.rgb, "fur")
    s = Skeleton(length=0.62, shoulder=0.62, croup=0.58, chest=(0.29 * stout, 0.22 * stout),
                 waist=(0.28 * stout, 0.24 * stout),
                 hip=(0.29 * stout, 0.24 * stout), neck=0.26, rise=rng.uniform(12, 32), neck_r=(0.22,
                                                                                                0.18), fore=(0.16,
                                                                                                             0.115,
                                                                                                             0.1),
                 hind=(0.2, 0.125, 0.1), foot=(0.14, 0.055, 0.1), bend=0.05, belly=0.03)
    b = quadruped(shape, rng, s, look.pose, coat, coat, stride=rng.uniform(0, 0.1))
    if look.pose == "standing":
        b.body.ellipsoid(b.chest + (0.02, 0.16, 0), (0.2, 0.17, 0.15), coat)
    claw = shape.material(mix(IVORY, DARK, 0.45), "ceramic")
    claws = shape.part("claws")
    for foot in [p for p in b.body.solid if p.kind == "ellipsoid" and p.sizes == s.foot]:
        for side in (-0.06, -0.02, 0.02, 0.06):
            tip = foot.centre + (0.125 - 4 * side * side, 0, side)
            claws.limb(tip, tip + (0.035, -0.025, 0), 0.014, 0.006, claw)
    shape.part("tail").ball(b.tail + (-0.04, 0, 0), 0.06, coat)

    first = len(shape.parts)
    snout = shape.material(mix(look.rgb, (0.45, 0.28, 0.12), 0.6) if look.colour != "white" else look.rgb, "fur")
    head, jaw = shape.part("head", 0.12), shape.part("jaw", 0.05)
    head.ellipsoid((0, 0, 0), (0.98, 0.9, 0.98), coat)
    head.ellipsoid((0.1, -0.35, 0.45), (0.6, 0.5, 0.45), coat, mirror=True)
    head.limb((0.6, -0.25, 0), (1.2, -0.32, 0), 0.46, 0.36, snout)
    jaw.limb((0.5, -0.58, 0), (1.1, -0.62, 0), 0.3, 0.2, snout)
    shape.part("nose").ellipsoid((1.5, -0.14, 0), (0.16, 0.15, 0.22), glossy(shape))
    dark_eyes(shape, (0.76, 0.16, 0.4), 0.12)
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ears(shape, (-0.1, 0.82, 0.68), np.stack([np.cos(angle), np.sin(angle)], axis=1) * 0.34, 0.11, facing(25, 20, 5),
         coat,
         shape.material(mix(look.rgb, DARK, 0.5) if look.colour != "black" else (0.08, 0.06, 0.05), "fur"), 0.6)
    place(shape.parts[first:], b.head + (0.08, 0.03, 0), _gaze(rng, 12, 25), 0.22)


def _big_cat(shape: Shape, rng, pose: str, coat: int, pale: int, stripes: int | None = None, size: float = 1.0):
    """Body of a lion or tiger; returns it with its skeleton and tail's last points."""
    stout = rng.uniform(0.95, 1.1)
    s = Skeleton(length=0.74, shoulder=0.64, croup=0.63, chest=(0.21 * stout, 0.165 * stout),
                 waist=(0.18 * stout, 0.155 * stout),
                 hip=(0.19 * stout, 0.16 * stout), neck=0.26, rise=rng.uniform(22, 38), neck_r=(0.17, 0.14),
                 fore=(0.125, 0.085, 0.066), hind=(0.155, 0.095, 0.066), foot=(0.11, 0.05, 0.08), bend=0.1)
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
    ears(shape, (-0.15, 0.85, 0.68), np.stack([np.cos(angle), np.sin(angle)], axis=1) * 0.32, 0.09, facing(30, 22, 5),
         coat,
         shape.material(mix(PINK, DARK, 0.5), "fur"), 0.6)


@family("lion", colours=("beige", "gold", "brown"), places=SAVANNA, poses=("standing", "sitting", "lying"))
def lion(shape: Shape, rng: np.random.Generator, look) -> None:
    male = rng.random() < 0.75
    coat, pale = shape.material(look.rgb, "fur"), shape.material(mix(look.rgb, WHITE, 0.5), "fur")
    mane = shape.material(mix(look.rgb, (0.10, 0.035, 0.012), rng.uniform(0.6, 0.9)), "fur")
    b, s, path = _big_cat(shape, rng, look.pose, coat, pale)
    shape.part("tuft").ellipsoid(path[-1] + (-0.03, 0, 0), (0.1, 0.055, 0.055), mane)
    if male:
        collar = shape.part("mane", 0.03)
        middle = (b.head + b.neck) / 2
        for at, radii in ((middle + (0.03, -0.04, 0), (0.2, 0.28, 0.23)),
                          (b.neck + (-0.02, -0.06, 0), (0.24, 0.23, 0.19)),
                          (middle + (0.08, -0.2, 0), (0.13, 0.16, 0.13))):
            collar.ellipsoid(np.maximum(at, (-9, radii[1], 0)), radii, mane)
    first = len(shape.parts)
    _big_cat_head(shape, rng, coat, pale, (0.4, 0.22, 0.03))
    if male:  # a ruff of locks round the face
        ruff = shape.part("ruff", 0.15)
        ruff.ellipsoid((-0.45, 0.05, 0), (0.55, 1.25, 1.15), mane)
        for angle in np.linspace(0, 2 * np.pi, 13, endpoint=False):
            y, z = np.cos(angle), np.sin(angle)
            long = 1.45 + 0.3 * (y < -0.3)
            ruff.limb((-0.1, y * 0.95, z * 0.9), (-0.3, y * long, z * (long - 0.1)), 0.32, 0.1, mane)
    place(shape.parts[first:], b.head + (0.1, 0.06, 0), _gaze(rng, 10, 25), 0.17)


@family("tiger", colours=("orange",), places=("forest", "grass", "snow", "studio", "night"),
        poses=("standing", "sitting", "lying"))
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
            band(stripes, b.body, at, frame @ turn(z=rng.uniform(-6, 6)) @ turn(y=90), rng.uniform(0.012, 0.02), ink,
                 (middle - wide, middle + wide))
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
    place(shape.parts[first:], b.head + (0.1, 0.05, 0), _gaze(rng, 10, 25), 0.175)


@family("camel", colours=("beige", "brown", "white"), places=("desert", "desert", "grass", "studio", "beach"))
def camel(shape: Shape, rng: np.random.Generator, look) -> None:
    two = rng.random() < 0.5
    coat = shape.material(look.rgb, "fur")
    wool = shape.material(mix(look.rgb, DARK, 0.4), "fur") if two else coat
    s = Skeleton(length=0.6, shoulder=0.86, croup=0.86, chest=(0.2, 0.16), waist=(0.19, 0.165), hip=(0.17, 0.15),
                 neck=0.2,
                 rise=-8, neck_r=(0.135, 0.12), fore=(0.1, 0.06, 0.042), hind=(0.13, 0.066, 0.042), foot=(0.095, 0.035,
                                                                                                          0.075),
                                                                                                          bend=0.07)
    b = quadruped(shape, rng, s, "standing", coat, coat)
    tall = rng.uniform(0.85, 1.15)
    humps = shape.part("humps", 0.03) if two else b.body
    for x in ((-0.22, 0.2) if two else (-0.03,)):
        wide, high = (0.12, 0.22 * tall) if two else (0.19, 0.26 * tall)
        base = np.array([x, s.shoulder + 0.1, 0])
        humps.ellipsoid(base, (wide * 1.15, high * 0.8, 0.13), wool)
        humps.limb(base + (0, high * 0.3, 0), base + (rng.uniform(-0.02, 0.02), high, 0), wide * 0.62, wide * 0.42,
                   wool)
    rise = rng.uniform(0.36, 0.5)
    path = curve([b.head - (0.1, 0, 0), b.head + (0.12, -0.02, 0), b.head + (0.26, 0.14, 0), b.head + (0.32, rise, 0)])
    b.body.chain(path, np.linspace(0.125, 0.085, len(path)), coat)
    if two:
        shape.part("beard", 0.03).chain(path[1:-2] - (0, 0.06, 0), [0.1, 0.09, 0.08, 0.06][: len(path[1:-2])], wool)
    t = b.tail + (-0.03, 0.02, 0)
    shape.part("tail").chain([t, t + (-0.05, -0.12, 0), t + (-0.05, -0.36, 0)], [0.028, 0.018, 0.03], coat)
    first = len(shape.parts)
    _hoofed_head(shape, coat, coat, 2.0, skull=(0.85, 0.75, 0.7), tip=0.42, drop=0.28)
    shape.part("lip", 0.05).ellipsoid((2.1, -0.42, 0), (0.35, 0.26, 0.36), coat)
    ears(shape, (-0.4, 0.45, 0.5), leaf(0.55, 0.36, 0.55, 0.6), 0.07, facing(40, 20, 10), coat)
    place(shape.parts[first:], path[-1] + (0.05, 0.06, 0), _gaze(rng, 6, 25), 0.125)


@family("sheep", colours=("white", "beige", "grey", "black"), places=FARM)
def sheep(shape: Shape, rng: np.random.Generator, look) -> None:
    fleece = shape.material(look.rgb, "fur")
    face = shape.material(mix(look.rgb, DARK, 0.92) if rng.random() < 0.5 else mix(look.rgb, WHITE, 0.4), "fur")
    fat = rng.uniform(0.92, 1.1)
    s = Skeleton(length=0.5, shoulder=0.55, croup=0.55, chest=(0.2, 0.16), waist=(0.2, 0.18), hip=(0.2, 0.16),
                 neck=0.25,
                 rise=rng.uniform(30, 45), neck_r=(0.13, 0.1), fore=(0.08, 0.05, 0.042), hind=(0.1, 0.055, 0.042),
                 foot=(0.04, 0.03, 0.05), bend=0.05, hoof=True)
    quadruped(shape, rng, s, "standing", face, shape.material(DARK), stride=rng.uniform(0, 0.05))
    wool = shape.part("wool", 0.012)
    wool.ellipsoid((0, 0.58, 0), (0.46, 0.27 * fat, 0.25 * fat), fleece)
    turns = np.arange(26) + 0.5
    up, around = 1 - 2 * turns / 26, turns * np.pi * (1 + 5**0.5) + rng.uniform(0, 6)
    flat = np.sqrt(1 - up**2)
    for x, y, z in zip(up, flat * np.cos(around), flat * np.sin(around), strict=True):
        wool.ball((0.43 * x, 0.58 + 0.24 * fat * y, 0.23 * fat * z), rng.uniform(0.085, 0.115), fleece)
    wool.limb((0.3, 0.68, 0), (0.47, 0.82, 0), 0.17, 0.13, fleece)
    shape.part("tail").ellipsoid((-0.52, 0.56, 0), (0.06, 0.11, 0.06), fleece)
    first = len(shape.parts)
    _hoofed_head(shape, face, face, 1.7, skull=(0.85, 0.85, 0.75), tip=0.4, drop=0.5)
    shape.part("topknot", 0.08).ellipsoid((-0.05, 0.7, 0), (0.5, 0.4, 0.55), fleece)
    ears(shape, (-0.2, 0.3, 0.65), leaf(0.95, 0.5, 0.5, 0.5), 0.09, facing(104, 10, 10), face,
         shape.material(PINK, "skin"))
    if rng.random() < 0.35:  # a ram
        angle = np.radians(np.linspace(120, -190, 9))
        horn = np.stack([-0.25 + 0.62 * np.cos(angle), 0.25 + 0.62 * np.sin(angle), 0.6 + 0.07 * np.arange(9)], axis=1)
        shape.part("horns", 0.03).chain(horn, np.linspace(0.24, 0.07, 9),
                                        shape.material(mix(IVORY, DARK, 0.4), "ceramic"), mirror=True)
    place(shape.parts[first:], (0.53, 0.88, 0), _gaze(rng, 10, 30) @ turn(z=-22), 0.15)


@family("deer", colours=("brown", "beige"), places=("forest", "grass", "snow", "studio"))
def deer(shape: Shape, rng: np.random.Generator, look) -> None:
    stag, fawn = rng.random() < 0.6, rng.random() < 0.3
    coat, pale = shape.material(look.rgb, "fur"), shape.material(mix(look.rgb, WHITE, 0.8), "fur")
    s = Skeleton(length=0.55, shoulder=0.75, croup=0.77, chest=(0.17, 0.125), waist=(0.155, 0.125), hip=(0.17, 0.13),
                 neck=0.42,
                 rise=rng.uniform(52, 70), neck_r=(0.125, 0.075), fore=(0.085, 0.05, 0.03), hind=(0.13, 0.06, 0.032),
                 foot=(0.04, 0.04, 0.042), bend=0.085, belly=-0.01, hoof=True)
    b = quadruped(shape, rng, s, "standing", coat, shape.material((0.04, 0.03, 0.025)), under=pale)
    if fawn and not stag:
        spots = shape.part("spots")
        for i in range(14):
            patch(spots, b.body, b.hip + (b.chest - b.hip) * (i // 2 / 6.0), (0, 0.25 + 0.5 * (i // 2 % 2), (-1) ** i),
                  (0.022, 0.018), pale, 0.004)
    rump = shape.part("tail", 0.02)
    rump.ellipsoid(b.tail + (-0.05, 0.0, 0), (0.05, 0.1, 0.05), pale, turn(z=-20))
    rump.ellipsoid(b.tail + (-0.05, 0.05, 0), (0.05, 0.07, 0.045), coat, turn(z=-20))
    first = len(shape.parts)
    _hoofed_head(shape, coat, coat, 1.95, skull=(0.85, 0.8, 0.68), tip=0.32, drop=0.32)
    shape.part("nose").ellipsoid((2.2, -0.22, 0), (0.16, 0.17, 0.2), glossy(shape))
    ears(shape, (-0.35, 0.4, 0.5), leaf(1.25, 0.62, 0.55, 0.4), 0.07, facing(58, 12, 8), coat,
         shape.material(mix(PINK, WHITE, 0.3), "skin"))
    if stag:
        horn = shape.material((0.30, 0.2, 0.11), "wood")
        antlers, tall = shape.part("antlers", 0.03), rng.uniform(0.8, 1.2)
        beam = np.array([(-0.1, 0.65, 0.28), (-0.45, 1.3 * tall, 0.75), (-0.45, 2.1 * tall, 1.35),
                         (0.0, 3.0 * tall, 1.55)])
        beam = curve(beam)
        antlers.chain(beam, np.linspace(0.15, 0.07, len(beam)), horn, mirror=True)
        for i, k in ((1, 0.75), (3, 1.0), (4, 0.9), (5, 0.6))[: rng.integers(2, 5)]:
            antlers.limb(beam[i], beam[i] + np.array([0.75, 0.55, 0.1]) * k, 0.1, 0.04, horn, mirror=True)
    place(shape.parts[first:], b.head + (0.02, 0.04, 0), _gaze(rng, 8, 35) @ turn(z=-16), 0.125)


@family("kangaroo", colours=("brown", "grey", "beige"), places=("grass", "desert", "forest", "studio"))
def kangaroo(shape: Shape, rng: np.random.Generator, look) -> None:
    coat, pale = shape.material(look.rgb, "fur"), shape.material(mix(look.rgb, WHITE, 0.6), "fur")
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
    body.chain(curve([hip + (-0.05, -0.04, 0), (-0.32, 0.2, 0), (-0.6, 0.07, 0), (-0.95, 0.05, 0.05)]),
               [0.17, 0.14, 0.11, 0.085, 0.065, 0.05, 0.035], coat)
    legs = shape.part("hind legs", 0.02)
    legs.ellipsoid(hip + (0.08, -0.06, 0.15), (0.25, 0.16, 0.1), coat, turn(z=-35), mirror=True)
    legs.chain([(0.22, 0.24, 0.18), (-0.06, 0.1, 0.17), (-0.02, 0.05, 0.17)], [0.09, 0.055, 0.05], coat, mirror=True)
    legs.limb((-0.06, 0.05, 0.17), (0.36, 0.035, 0.19), 0.052, 0.034, coat, mirror=True)
    arms, low = shape.part("arms", 0.015), rng.uniform(0.12, 0.22)
    elbow = chest + (0.06, -0.14, 0.14)
    arms.chain([chest + (0.05, 0.02, 0.11), elbow, elbow + (0.16, low - 0.16, -0.04)], [0.06, 0.042, 0.032], coat,
               mirror=True)
    arms.ellipsoid(elbow + (0.19, low - 0.19, -0.05), (0.05, 0.028, 0.03),
                   shape.material(mix(look.rgb, DARK, 0.7), "fur"), mirror=True)
    first = len(shape.parts)
    if rng.random() < 0.35:  # a joey looks out of the pouch
        joey = hip + lift @ np.array([0.16, -0.18, 0])
        shape.part("pouch").ellipsoid(joey + (-0.03, -0.08, 0), (0.1, 0.1, 0.13), pale)
        _kangaroo_head(shape, coat, 1.25)
        place(shape.parts[first + 1:], joey + (0.03, 0.07, 0), turn(y=rng.uniform(-30, 30)), 0.055)
    first = len(shape.parts)
    _kangaroo_head(shape, coat, rng.uniform(1.3, 1.6))
    place(shape.parts[first:], neck + (0.03, 0.05, 0), _gaze(rng, 10, 35) @ turn(z=-14), 0.1)


def _kangaroo_head(shape: Shape, coat: int, tall: float) -> None:
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (1.0, 0.85, 0.78), coat)
    head.limb((0.4, -0.15, 0), (1.6, -0.5, 0), 0.6, 0.32, coat)
    shape.part("jaw", 0.05).limb((0.5, -0.55, 0), (1.5, -0.72, 0), 0.32, 0.18, coat)
    shape.part("nose").ellipsoid((1.88, -0.45, 0), (0.14, 0.15, 0.2), glossy(shape))
    dark_eyes(shape, (0.5, 0.22, 0.58), 0.16)
    ears(shape, (-0.3, 0.6, 0.4), leaf(tall, 0.68, 0.55, 0.4), 0.07, facing(24, 20, 5), coat,
         shape.material(PINK, "skin"))


@family("squirrel", colours=("brown", "grey", "orange", "black"), places=("forest", "grass", "snow", "studio"))
def squirrel(shape: Shape, rng: np.random.Generator, look) -> None:
    coat, pale = shape.material(look.rgb, "fur"), shape.material(mix(look.rgb, WHITE, 0.75), "fur")
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
        nut.ellipsoid(hand * (1, 1, 0) + (0.03, 0.01, 0), (0.05, 0.065, 0.05),
                      shape.material((0.30, 0.14, 0.04), "wood"))
        nut.ellipsoid(hand * (1, 1, 0) + (0.03, 0.05, 0), (0.056, 0.03, 0.056),
                      shape.material((0.13, 0.06, 0.02), "wood"))
    tall, curl = rng.uniform(0.68, 0.88), rng.uniform(0.06, 0.22)
    path = curve([(-0.1, 0.12, 0), (-0.34, 0.16, 0), (-0.42, tall * 0.6, 0), (-0.36, tall, 0),
                  (-0.36 - curl, tall + 0.1, 0),
                  (-0.4 - curl * 1.5, tall - 0.02, 0)])
    shape.part("tail", 0.03).chain(path, [0.07, 0.1, 0.13, 0.15, 0.165, 0.165, 0.155, 0.14, 0.12, 0.1, 0.07],
                                   shape.material(mix(look.rgb, WHITE, 0.12), "fur"))
    first = len(shape.parts)
    _rodent_head(shape, coat, pale, 0.95, 0.2)
    ears(shape, (-0.3, 0.6, 0.5), leaf(0.75, 0.5, 0.6, 0.8), 0.08, facing(14, 30, 5), coat,
         shape.material(PINK, "skin"))
    place(shape.parts[first:], chest + lean @ np.array([0.2, 0.02, 0]) + (0.06, 0.06, 0), _gaze(rng, 10, 25), 0.155)


def _rodent_head(shape: Shape, coat: int, pale: int, long: float, eye: float) -> None:
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (1.0, 0.85, 0.82), coat)
    head.limb((0.3, -0.15, 0), (long, -0.3, 0), 0.62, 0.3, coat)
    head.ellipsoid((0.35, -0.35, 0.32), (0.45, 0.36, 0.35), pale, mirror=True)
    shape.part("nose").ball((long + 0.28, -0.24, 0), 0.13, shape.material(mix(PINK, DARK, 0.3), "skin"))
    dark_eyes(shape, (0.52, 0.18, 0.58), eye)
    whisker = shape.part("whiskers")
    for tilt in (-0.15, 0.15):
        whisker.limb((long, -0.3 + tilt * 0.4, 0.2), (long - 0.3, -0.3 + tilt * 2, 1.1), 0.022, 0.014,
                     shape.material(WHITE), mirror=True)


@family("mouse", colours=("grey", "brown", "white", "black", "beige"), places=("kitchen", "grass", "studio", "forest"))
def mouse(shape: Shape, rng: np.random.Generator, look) -> None:
    fat = rng.uniform(0.9, 1.12)
    coat, pale, pink = shape.material(look.rgb, "fur"), shape.material(mix(look.rgb, WHITE, 0.5),
                                                                       "fur"), shape.material(PINK, "skin")
    body = shape.part("body", 0.03)
    body.ellipsoid((-0.12, 0.22 * fat, 0), (0.3, 0.2 * fat, 0.19 * fat), coat)
    body.ellipsoid((0.12, 0.19 * fat, 0), (0.22, 0.15 * fat, 0.14 * fat), coat)
    body.ellipsoid((-0.16, 0.16, 0.13 * fat), (0.15, 0.13, 0.08), coat, mirror=True)
    feet = shape.part("feet", 0.01)
    feet.limb((-0.2, 0.025, 0.17), (-0.04, 0.022, 0.2), 0.026, 0.022, pink, mirror=True)
    feet.limb((0.17, 0.08, 0.1), (0.22, 0.022, 0.11), 0.035, 0.022, pink, mirror=True)
    side = rng.choice((-1, 1))
    path = curve([(-0.36, 0.14, 0), (-0.55, 0.04, side * 0.06), (-0.78, 0.03, -side * 0.08), (-0.95, 0.04, side * 0.08),
                  (-1.08, 0.04 + rng.uniform(0, 0.05), side * 0.2)])
    shape.part("tail", 0.005).chain(path, np.linspace(0.034, 0.012, len(path)), pink)
    first = len(shape.parts)
    _rodent_head(shape, coat, pale, rng.uniform(1.1, 1.35), 0.17)
    angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    round_ear = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.52, 0.68) + (0, 0.35)
    ears(shape, (-0.25, 0.6, 0.55), round_ear, 0.06, facing(22, 25, 12), coat, pink, 0.74)
    place(shape.parts[first:], (0.36, 0.23 * fat, 0), _gaze(rng, 8, 20) @ turn(z=-8), 0.155)
