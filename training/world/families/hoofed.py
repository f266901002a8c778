"""The hoofed animals: horse and zebra, those of the farm, and camel, deer and giraffe."""

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
    look_round,
    mix,
    patch,
    place,
    quadruped,
)
from training.world.sdf import Shape, smooth_outline, turn

FARM = ("grass", "forest", "snow", "studio", "street", "beach")
SAVANNA = ("grass", "desert", "forest", "studio", "beach")


def _hoofed_head(
    shape: Shape, coat: int, muzzle: int, long: float, skull=(0.9, 0.85, 0.72), tip: float = 0.42, drop=0.3
) -> None:
    """A long head: skull, cheeks, muzzle, jaw, nostrils, eyes at the sides."""
    head, jaw = shape.part("head", 0.1), shape.part("jaw", 0.05)
    head.ellipsoid((0, 0, 0), skull, coat)
    head.limb((0.2, -0.1, 0), (long * 0.62, -0.1 - drop * 0.6, 0), 0.68, tip * 1.1, coat)
    head.limb((long * 0.6, -0.1 - drop * 0.6, 0), (long, -0.1 - drop, 0), tip, tip, muzzle)
    head.ellipsoid((0.25, -0.5, 0), (0.75, 0.6, 0.5), coat)
    jaw.limb((0.6, -0.6, 0), (long - 0.1, -0.35 - drop, 0), 0.34, tip * 0.7, muzzle)
    shape.part("nostrils").ellipsoid(
        (long + tip * 0.72, -0.02 - drop, tip * 0.55), (0.1, 0.12, 0.09), shape.material(DARK), mirror=True
    )
    dark_eyes(shape, (0.42, 0.2, 0.62), 0.17)


def _horse_skeleton(rng, stout: float, leg: float) -> Skeleton:
    return Skeleton(
        length=0.62 * rng.uniform(0.95, 1.08),
        shoulder=0.78 * leg,
        croup=0.8 * leg,
        chest=(0.22 * stout, 0.155 * stout),
        waist=(0.185 * stout, 0.16 * stout),
        hip=(0.2 * stout, 0.165 * stout),
        neck=0.52,
        rise=rng.uniform(46, 60),
        neck_r=(0.165 * stout, 0.1),
        fore=(0.115, 0.065, 0.042),
        hind=(0.165, 0.085, 0.046),
        foot=(0.05, 0.045, 0.062),
        bend=0.085,
        belly=0.02,
        hoof=True,
    )


def _grazing(s: Skeleton) -> Skeleton:
    return replace(s, rise=-38.0, neck=s.neck * 1.15)


def _horse_head(
    shape, rng, b, s, coat, muzzle, graze: bool, blaze: bool = False, size: float = 0.14, bands: int | None = None
) -> None:
    first = len(shape.parts)
    _hoofed_head(shape, coat, muzzle, 2.5)
    if blaze:
        shape.part("blaze").limb((0.55, 0.42, 0), (2.0, 0.1, 0), 0.17, 0.12, shape.material(WHITE, "fur"))
    if bands is not None:
        lines = shape.part("head stripes")
        for x in (-0.2, 0.25, 0.7, 1.15):
            band(lines, shape.parts[first], (x, -0.15 - 0.1 * x, 0), turn(z=25) @ turn(y=90), 0.075, bands, proud=0.03)
    ears(
        shape,
        (-0.25, 0.6, 0.36),
        leaf(0.9, 0.5, 0.6, 0.7),
        0.07,
        facing(10, 25, -5),
        coat,
        muzzle if muzzle != coat else None,
    )
    place(
        shape.parts[first:], b.head + (0.02, 0.02, 0), look_round(rng, 8, 20) @ turn(z=-28 if not graze else -55), size
    )


def _mane(shape: Shape, b, s, hair: int, depth: float, falling: bool) -> None:
    """Hair along the crest of the neck: a brush, or long and falling to one side, with a forelock."""
    along = b.head - b.neck
    far = np.linalg.norm(along)
    along /= far
    up = np.array([-along[1], along[0], 0])
    frame = np.stack([along, up, (0, 0, 1)], axis=1)
    part = shape.part("mane", 0.015)
    low, high = s.neck_r
    crest = smooth_outline(
        [
            (-0.12 * far, low * 0.8),
            (0.2 * far, low * 0.8 + depth * 0.5),
            (0.7 * far, high + depth * 0.7),
            (far + 0.06, high + depth * 0.8),
            (far + 0.12, high * 0.7),
            (far * 0.6, high * 0.4),
            (0, low * 0.3),
        ],
        steps=4,
    )
    part.plate(b.neck, crest, 0.022, hair, frame, round=0.015)
    if falling:
        middle = (low + high) / 2
        part.ellipsoid(
            b.neck + along * far * 0.5 + (0, 0, middle * 0.78),
            (far * 0.55, middle * 0.95, middle * 0.36),
            hair,
            frame @ turn(z=-np.degrees(np.arctan2(low - high, far))),
        )
        part.limb(b.head + up * 0.09 + along * 0.05, b.head + (0.16, 0.02, 0.02), 0.04, 0.02, hair)


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
    shape.part("tail", 0.03).chain(
        [t, t + (-0.12, 0.02, 0), t + (-0.2, -0.2, 0), t + (-0.2, -0.62, 0)], [0.045, 0.06, 0.085, 0.03], hair
    )


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
            stripes.cone(
                limb.centre + axis * (t * limb.sizes[2] - 0.014),
                limb.centre + axis * (t * limb.sizes[2] + 0.014),
                r,
                r,
                ink,
            )
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
    s = Skeleton(
        length=0.78,
        shoulder=0.68,
        croup=0.7,
        chest=(0.25 * stout, 0.19 * stout),
        waist=(0.26 * stout, 0.22 * stout),
        hip=(0.23 * stout, 0.19 * stout),
        neck=0.28,
        rise=rng.uniform(12, 32),
        neck_r=(0.17, 0.13),
        fore=(0.11, 0.07, 0.05),
        hind=(0.15, 0.085, 0.052),
        foot=(0.05, 0.04, 0.062),
        bend=0.07,
        belly=0.04,
        hoof=True,
    )
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
                patch(
                    spots,
                    b.body,
                    start,
                    (0, rise + rng.uniform(-0.3, 0.3), (-1) ** i),
                    (rng.uniform(0.08, 0.17), rng.uniform(0.07, 0.12)),
                    other,
                    0.012,
                )
    pink = shape.material(PINK, "skin")
    udder = shape.part("udder", 0.02)
    udder.ellipsoid((b.hip[0] + 0.12, b.hip[1] - 0.25 * stout, 0), (0.11, 0.09, 0.09), pink)
    udder.limb(
        (b.hip[0] + 0.12, b.hip[1] - 0.3 * stout, 0.045),
        (b.hip[0] + 0.12, b.hip[1] - 0.37 * stout, 0.045),
        0.02,
        0.016,
        pink,
        mirror=True,
    )
    t = b.tail + (-0.04, 0.06, 0)
    tail = shape.part("tail")
    tail.chain([t, t + (-0.06, -0.05, 0), t + (-0.06, -0.42, 0)], [0.03, 0.026, 0.018], coat)
    tail.ellipsoid(
        t + (-0.06, -0.49, 0),
        (0.035, 0.09, 0.035),
        other if patched else shape.material(mix(look.rgb, DARK, 0.6), "fur"),
    )

    first = len(shape.parts)
    snout = pink if rng.random() < 0.6 else shape.material(mix(look.rgb, DARK, 0.7), "skin")
    _hoofed_head(shape, coat, snout, 1.75, skull=(0.85, 0.85, 0.8), tip=0.52, drop=0.45)
    if patched:
        shape.part("blaze", 0.05).chain([(0.6, 0.52, 0), (1.5, -0.02, 0)], [0.24, 0.2], other)
    ears(
        shape,
        (-0.2, 0.42, 0.7),
        leaf(1.0, 0.62, 0.5, 0.5),
        0.09,
        facing(98, 10, 10),
        other if patched and rng.random() < 0.5 else coat,
        pink,
    )
    horn = rng.uniform(0.3, 0.9)
    if rng.random() < 0.75:
        shape.part("horns", 0.04).chain(
            [(-0.1, 0.7, 0.4), (-0.05, 0.95, 0.8), (0.1, 0.95 + horn * 0.9, 0.9 + 0.2 * horn)],
            [0.16, 0.13, 0.04],
            shape.material(IVORY, "ceramic"),
            mirror=True,
        )
    place(shape.parts[first:], b.head + (0.06, 0.04, 0), look_round(rng) @ turn(z=-20 if not graze else -45), 0.17)


@family("pig", colours=("pink", "black", "brown", "white"), places=FARM)
def pig(shape: Shape, rng: np.random.Generator, look) -> None:
    stout = rng.uniform(0.9, 1.1)
    rgb = mix(look.rgb, WHITE, 0.35) if look.colour == "pink" else look.rgb
    hide = shape.material(rgb, "skin")
    s = Skeleton(
        length=0.6,
        shoulder=0.46,
        croup=0.48,
        chest=(0.23 * stout, 0.2 * stout),
        waist=(0.25 * stout, 0.225 * stout),
        hip=(0.23 * stout, 0.2 * stout),
        neck=0.14,
        rise=10,
        neck_r=(0.2, 0.18),
        fore=(0.11, 0.075, 0.055),
        hind=(0.15, 0.085, 0.055),
        foot=(0.05, 0.032, 0.06),
        bend=0.04,
        belly=0.03,
        hoof=True,
    )
    b = quadruped(shape, rng, s, "standing", hide, shape.material(mix(rgb, DARK, 0.65)), stride=rng.uniform(0, 0.06))
    if rng.random() < 0.25:
        spots = shape.part("patches", 0.02)
        for _ in range(5):
            patch(
                spots,
                b.body,
                b.hip + (b.chest - b.hip) * rng.uniform(-0.1, 1),
                (0, rng.uniform(0, 1), rng.choice((-1, 1))),
                (rng.uniform(0.06, 0.12), rng.uniform(0.06, 0.12)),
                shape.material(DARK if look.colour in ("pink", "white") else PINK, "skin"),
            )
    t = b.tail + (-0.04, 0.05, 0)
    angle = np.linspace(0, 2.4 * np.pi, 9)
    curl = t + np.stack(
        [-0.012 * angle - 0.01, 0.06 - 0.06 * np.cos(angle) + 0.004 * angle, 0.055 * np.sin(angle)], axis=1
    )
    shape.part("tail", 0.004).chain(curl, np.linspace(0.024, 0.014, 9), hide)

    first = len(shape.parts)
    head = shape.part("head", 0.12)
    head.ellipsoid((0, 0, 0), (0.95, 0.92, 0.85), hide)
    head.ellipsoid((0.2, -0.4, 0), (0.7, 0.55, 0.72), hide)
    head.limb((0.4, -0.18, 0), (1.15, -0.3, 0), 0.58, 0.38, hide)
    shape.part("jaw", 0.05).limb((0.4, -0.62, 0), (1.05, -0.62, 0), 0.34, 0.22, hide)
    shape.part("snout").cone(
        (1.2, -0.29, 0), (1.62, -0.31, 0), 0.44, 0.47, shape.material(mix(rgb, PINK, 0.5), "skin"), round=0.1
    )
    shape.part("nostrils").ellipsoid(
        (1.63, -0.29, 0.17), (0.05, 0.13, 0.09), shape.material(mix(PINK, DARK, 0.8)), mirror=True
    )
    dark_eyes(shape, (0.62, 0.3, 0.48), 0.13)
    inner = shape.material(mix(PINK, rgb, 0.4), "skin")
    if rng.random() < 0.6:
        ears(shape, (-0.05, 0.62, 0.55), leaf(0.75, 0.75, 0.75, 0.9), 0.08, facing(30, 22, -22), hide, inner)
    else:  # folded forward
        ears(shape, (0.05, 0.68, 0.55), leaf(0.75, 0.75, 0.75, 0.9), 0.08, facing(40, 15, -95), hide)
    place(shape.parts[first:], b.head + (0.12, 0.02, 0), look_round(rng, 12, 20) @ turn(z=-12), 0.22)


@family("sheep", colours=("white", "beige", "grey", "black"), places=FARM)
def sheep(shape: Shape, rng: np.random.Generator, look) -> None:
    fleece = shape.material(
        mix(look.rgb, (0.45, 0.38, 0.28), 0.3), "fur", "mottle", mix(look.rgb, (0.3, 0.24, 0.16), 0.5), 0.04
    )
    face = shape.material(mix(look.rgb, DARK, 0.92) if rng.random() < 0.5 else mix(look.rgb, WHITE, 0.4), "fur")
    fat = rng.uniform(0.92, 1.1)
    s = Skeleton(
        length=0.5,
        shoulder=0.55,
        croup=0.55,
        chest=(0.2, 0.16),
        waist=(0.2, 0.18),
        hip=(0.2, 0.16),
        neck=0.25,
        rise=rng.uniform(30, 45),
        neck_r=(0.13, 0.1),
        fore=(0.08, 0.05, 0.042),
        hind=(0.1, 0.055, 0.042),
        foot=(0.04, 0.03, 0.05),
        bend=0.05,
        hoof=True,
    )
    quadruped(shape, rng, s, "standing", face, shape.material(DARK), stride=rng.uniform(0, 0.05))
    wool = shape.part("wool", 0.04)
    wool.ellipsoid((0, 0.58, 0), (0.46, 0.27 * fat, 0.25 * fat), fleece)
    turns = np.arange(48) + 0.5
    up, around = 1 - 2 * turns / 48, turns * np.pi * (1 + 5**0.5) + rng.uniform(0, 6)
    flat = np.sqrt(1 - up**2)
    for x, y, z in zip(up, flat * np.cos(around), flat * np.sin(around), strict=True):
        wool.ball((0.41 * x, 0.58 + 0.22 * fat * y, 0.21 * fat * z), rng.uniform(0.06, 0.085), fleece)
    wool.limb((0.3, 0.68, 0), (0.47, 0.82, 0), 0.17, 0.13, fleece)
    shape.part("tail").ellipsoid((-0.52, 0.56, 0), (0.06, 0.11, 0.06), fleece)
    first = len(shape.parts)
    _hoofed_head(shape, face, face, 1.7, skull=(0.85, 0.85, 0.75), tip=0.4, drop=0.5)
    shape.part("topknot", 0.08).ellipsoid((-0.05, 0.7, 0), (0.5, 0.4, 0.55), fleece)
    ears(
        shape,
        (-0.2, 0.3, 0.65),
        leaf(0.95, 0.5, 0.5, 0.5),
        0.09,
        facing(104, 10, 10),
        face,
        shape.material(PINK, "skin"),
    )
    if rng.random() < 0.35:  # a ram
        angle = np.radians(np.linspace(120, -190, 9))
        horn = np.stack([-0.25 + 0.62 * np.cos(angle), 0.25 + 0.62 * np.sin(angle), 0.6 + 0.07 * np.arange(9)], axis=1)
        shape.part("horns", 0.03).chain(
            horn, np.linspace(0.24, 0.07, 9), shape.material(mix(IVORY, DARK, 0.4), "ceramic"), mirror=True
        )
    place(shape.parts[first:], (0.53, 0.88, 0), look_round(rng, 10, 30) @ turn(z=-22), 0.15)


@family("camel", colours=("beige", "brown", "white"), places=("desert", "desert", "grass", "studio", "beach"))
def camel(shape: Shape, rng: np.random.Generator, look) -> None:
    two = rng.random() < 0.5
    coat = shape.material(look.rgb, "fur")
    wool = shape.material(mix(look.rgb, DARK, 0.4), "fur") if two else coat
    s = Skeleton(
        length=0.6,
        shoulder=0.86,
        croup=0.86,
        chest=(0.2, 0.16),
        waist=(0.19, 0.165),
        hip=(0.17, 0.15),
        neck=0.2,
        rise=-8,
        neck_r=(0.135, 0.12),
        fore=(0.1, 0.06, 0.042),
        hind=(0.13, 0.066, 0.042),
        foot=(0.095, 0.035, 0.075),
        bend=0.07,
    )
    b = quadruped(shape, rng, s, "standing", coat, coat)
    tall = rng.uniform(0.85, 1.15)
    humps = shape.part("humps", 0.03) if two else b.body
    for x in (-0.22, 0.2) if two else (-0.03,):
        wide, high = (0.12, 0.22 * tall) if two else (0.19, 0.26 * tall)
        base = np.array([x, s.shoulder + 0.1, 0])
        humps.ellipsoid(base, (wide * 1.15, high * 0.8, 0.13), wool)
        humps.limb(
            base + (0, high * 0.3, 0), base + (rng.uniform(-0.02, 0.02), high, 0), wide * 0.62, wide * 0.42, wool
        )
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
    place(shape.parts[first:], path[-1] + (0.05, 0.06, 0), look_round(rng, 6, 25), 0.125)


@family("deer", colours=("brown", "beige"), places=("forest", "grass", "snow", "studio"))
def deer(shape: Shape, rng: np.random.Generator, look) -> None:
    stag, fawn = rng.random() < 0.6, rng.random() < 0.3
    coat, pale = shape.material(look.rgb, "fur"), shape.material(mix(look.rgb, WHITE, 0.8), "fur")
    s = Skeleton(
        length=0.55,
        shoulder=0.75,
        croup=0.77,
        chest=(0.17, 0.125),
        waist=(0.155, 0.125),
        hip=(0.17, 0.13),
        neck=0.42,
        rise=rng.uniform(52, 70),
        neck_r=(0.125, 0.075),
        fore=(0.085, 0.05, 0.03),
        hind=(0.13, 0.06, 0.032),
        foot=(0.04, 0.04, 0.042),
        bend=0.085,
        belly=-0.01,
        hoof=True,
    )
    b = quadruped(shape, rng, s, "standing", coat, shape.material((0.04, 0.03, 0.025)), under=pale)
    if fawn and not stag:
        spots = shape.part("spots")
        for i in range(14):
            patch(
                spots,
                b.body,
                b.hip + (b.chest - b.hip) * (i // 2 / 6.0),
                (0, 0.25 + 0.5 * (i // 2 % 2), (-1) ** i),
                (0.022, 0.018),
                pale,
                0.004,
            )
    rump = shape.part("tail", 0.02)
    rump.ellipsoid(b.tail + (-0.05, 0.0, 0), (0.05, 0.1, 0.05), pale, turn(z=-20))
    rump.ellipsoid(b.tail + (-0.05, 0.05, 0), (0.05, 0.07, 0.045), coat, turn(z=-20))
    first = len(shape.parts)
    _hoofed_head(shape, coat, coat, 1.95, skull=(0.85, 0.8, 0.68), tip=0.32, drop=0.32)
    shape.part("nose").ellipsoid((2.2, -0.22, 0), (0.16, 0.17, 0.2), glossy(shape))
    ears(
        shape,
        (-0.35, 0.4, 0.5),
        leaf(1.25, 0.62, 0.55, 0.4),
        0.07,
        facing(58, 12, 8),
        coat,
        shape.material(mix(PINK, WHITE, 0.3), "skin"),
    )
    if stag:
        horn = shape.material((0.30, 0.2, 0.11), "wood")
        antlers, tall = shape.part("antlers", 0.03), rng.uniform(0.8, 1.2)
        beam = np.array(
            [(-0.1, 0.65, 0.28), (-0.45, 1.3 * tall, 0.75), (-0.45, 2.1 * tall, 1.35), (0.0, 3.0 * tall, 1.55)]
        )
        beam = curve(beam)
        antlers.chain(beam, np.linspace(0.15, 0.07, len(beam)), horn, mirror=True)
        for i, k in ((1, 0.75), (3, 1.0), (4, 0.9), (5, 0.6))[: rng.integers(2, 5)]:
            antlers.limb(beam[i], beam[i] + np.array([0.75, 0.55, 0.1]) * k, 0.1, 0.04, horn, mirror=True)
    place(shape.parts[first:], b.head + (0.02, 0.04, 0), look_round(rng, 8, 35) @ turn(z=-16), 0.125)


@family("giraffe", colours=("beige", "orange", "brown"), places=SAVANNA)
def giraffe(shape: Shape, rng: np.random.Generator, look) -> None:
    pale = mix(look.rgb, WHITE if look.colour == "beige" else COLOURS["beige"], 0.3)
    coat = shape.material(pale, "fur")
    brown = shape.material((0.16, 0.055, 0.018) if look.colour != "brown" else mix(look.rgb, DARK, 0.7), "fur")
    s = Skeleton(
        length=0.48,
        shoulder=1.0,
        croup=0.92,
        chest=(0.22, 0.15),
        waist=(0.18, 0.15),
        hip=(0.17, 0.14),
        neck=rng.uniform(0.85, 1.0),
        rise=rng.uniform(56, 72),
        neck_r=(0.145, 0.078),
        fore=(0.105, 0.06, 0.042),
        hind=(0.12, 0.065, 0.042),
        foot=(0.05, 0.045, 0.06),
        bend=0.05,
        hoof=True,
    )
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
            patch(
                spots,
                b.body,
                b.neck + (b.head - b.neck) * t,
                (0.35 * (-1) ** i, 0.1, side),
                (0.058 * slim, 0.062 * slim),
                brown,
            )
            patch(
                spots,
                b.body,
                b.neck + (b.head - b.neck) * (t + 0.08),
                (-0.6 * (-1) ** i, -0.3 * (-1) ** i, side * 0.8),
                (0.045 * slim, 0.05 * slim),
                brown,
            )
    for t in (0.1, 0.3, 0.52, 0.74):
        patch(
            spots,
            b.body,
            b.neck + (b.head - b.neck) * t,
            (0.9, -0.45, 0),
            (0.06 * (1 - 0.45 * t), 0.05 * (1 - 0.45 * t)),
            brown,
        )
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
    _hoofed_head(
        shape, coat, shape.material(mix(pale, WHITE, 0.4), "fur"), 2.2, skull=(0.85, 0.75, 0.68), tip=0.4, drop=0.3
    )
    ears(
        shape,
        (-0.35, 0.3, 0.6),
        leaf(1.05, 0.5, 0.55, 0.4),
        0.07,
        facing(72, 10, 0),
        coat,
        shape.material(PINK, "skin"),
    )
    horns = shape.part("horns", 0.03)
    horns.limb((-0.1, 0.55, 0.3), (-0.3, 1.45, 0.36), 0.15, 0.12, coat, mirror=True)
    shape.part("knobs").ball((-0.3, 1.5, 0.36), 0.19, shape.material(DARK, "fur"), mirror=True)
    place(shape.parts[first:], b.head + (0.02, 0.04, 0), look_round(rng, 8, 30) @ turn(z=-18), 0.115)
