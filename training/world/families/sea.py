"""The creatures of the sea and the shore: stars, jellies, crabs, rays, dolphins, seals, and the birds of the shore."""

from __future__ import annotations

import numpy as np

from training.world.families import COLOURS, family
from training.world.families.anatomy import DARK, WHITE, curve, dark_eyes, glossy, leaf, mix, patch, place
from training.world.families.birds import webbed_feet, wings
from training.world.families.parts import FLAT
from training.world.sdf import Part, Shape, smooth_outline, turn

SHORE = ("beach", "beach", "water", "studio")


@family("starfish", colours=("orange", "red", "purple", "beige", "blue", "pink"), places=SHORE)
def starfish(shape: Shape, rng: np.random.Generator, look) -> None:
    fat, fine = rng.uniform(0.1, 0.155), rng.uniform(0.028, 0.045)
    skin = shape.material(look.rgb, "skin")
    bead = shape.material(mix(look.rgb, WHITE, 0.55), "skin")
    star, beads = shape.part("arms", 0.02), shape.part("beads")
    star.ellipsoid((0, 0, 0), (fat * 1.25, fat * 0.8, fat * 1.25), skin)
    beads.ball((0, fat * 0.8 + 0.03, 0), 0.03, bead)
    for i in range(5):
        a = 72 * i + 90 + rng.uniform(-6, 6)
        long, bend = rng.uniform(0.47, 0.54), rng.uniform(-14, 14)
        path = np.array([turn(y=a + bend * t * t) @ np.array([long * t, 0, 0]) for t in (0.12, 0.5, 1.0)])
        path[-1, 1] += rng.uniform(-0.02, 0.05)
        star.chain(path, [fat * 0.8, fat * 0.58, fine], skin)
        for t, size in ((0.25, 0.03), (0.45, 0.027), (0.65, 0.023), (0.85, 0.018)):
            at = turn(y=a + bend * t * t) @ np.array([long * t, 0, 0])
            beads.ball(at + (0, np.interp(t, (0.12, 0.5, 1), (fat * 0.85, fat * 0.6, fine)) + 0.004, 0), size, bead)
    place(
        shape.parts, turned=turn(x=rng.uniform(-12, 12)) @ turn(z=-rng.uniform(28, 74)) @ turn(y=rng.uniform(-30, 30))
    )


@family(
    "jellyfish",
    colours=("pink", "purple", "blue", "orange", "white", "turquoise"),
    places=("water", "water", "studio", "night"),
    poses=("floating", "swimming"),
    stance="air",
)
def jellyfish(shape: Shape, rng: np.random.Generator, look) -> None:
    tall, flare, long = rng.uniform(0.26, 0.4), rng.uniform(0.0, 0.07), rng.uniform(0.6, 1.0)
    bell = shape.material(mix(look.rgb, WHITE, 0.1), "skin")
    frill = shape.material(mix(look.rgb, WHITE, 0.45), "skin")
    t = np.linspace(np.pi / 2, 0, 9)
    outside = np.stack([0.34 * np.cos(t) + flare * (1 - np.sin(t)) ** 2, tall * np.sin(t)], axis=1)
    inside = np.stack([0.3 * np.cos(t) + flare * (1 - np.sin(t)) ** 2, (tall - 0.1) * np.sin(t)], axis=1)[::-1]
    rim = [outside[-1] + (0.015, -0.03), inside[0] + (0, -0.02)]
    shape.part("bell").lathe((0, 0, 0), np.concatenate([outside, rim, inside]), bell)
    edge = shape.part("rim", 0.01)
    for a in np.arange(0, 360, 30):
        edge.ball(turn(y=a) @ np.array([0.33 + flare, -0.02, 0]), 0.055, frill)
    tentacles, phase = shape.part("tentacles"), rng.uniform(0, 6)
    for i in range(9):
        a = 40 * i + rng.uniform(-8, 8)
        y = np.linspace(0, -long * rng.uniform(0.8, 1.15), 4)
        wave = 0.07 * np.sin(phase + 2.1 * np.arange(4) + i)
        wave[0] = 0
        path = np.array(
            [
                turn(y=a) @ np.array([0.29 + flare + 0.5 * w - 0.03 * k, h, w])
                for k, (h, w) in enumerate(zip(y, wave, strict=True))
            ]
        )
        tentacles.chain(path, [0.022, 0.018, 0.014, 0.007], frill)
    arms = shape.part("mouth arms", 0.02)
    for a in (45, 165, 285):
        out = turn(y=a)
        arms.chain(
            [
                out @ np.array(p)
                for p in ((0.04, 0.05, 0), (0.1, -0.22, 0.05), (0.05, -0.45, -0.04), (0.09, -0.65, 0.03))
            ],
            [0.075, 0.07, 0.05, 0.02],
            bell,
        )
    place(shape.parts, turned=turn(x=rng.uniform(-16, 16), z=rng.uniform(-22, 22)))


def _claw(shape: Shape, wrist, size: float, yaw: float, m: int, tip: int, gape: float = 0.5) -> None:
    """A pair of pincers at the wrists, drawn along +x and turned by `yaw` degrees: palm, fixed finger, thumb."""
    first = len(shape.parts)
    hand = shape.part("claws", 0.05)
    hand.ellipsoid((0.42, 0, 0), (0.5, 0.22, 0.34), m)
    hand.chain([(0.6, 0, -0.16), (1.05, 0, -0.24), (1.35, 0, -0.02)], [0.2, 0.15, 0.03], m)
    open_by = 0.1 + 0.3 * gape
    thumb = shape.part("thumbs", 0.03)
    thumb.chain([(0.62, 0, 0.24), (1.0, 0, 0.22 + open_by * 0.8), (1.28, 0, open_by * 0.9)], [0.13, 0.11, 0.025], tip)
    place(shape.parts[first:], wrist, turn(y=-yaw), size)
    for part in shape.parts[first:]:
        part.solid += [
            type(p)(
                **{
                    **p.__dict__,
                    "centre": np.diag([1.0, 1, -1]) @ p.centre,
                    "frame": np.diag([1.0, 1, -1]) @ p.frame @ np.diag([1.0, 1, -1]),
                }
            )
            for p in list(part.solid)
        ]


def _walking_legs(part: Part, hips, angles, reach, knee: float, r: float, m: int) -> None:
    """Pairs of thin legs: hip, a high knee, an ankle and a pointed toe on the ground."""
    for (x, y, z), angle, far in zip(hips, angles, reach, strict=True):
        out = turn(y=-angle) @ np.array([1.0, 0, 0])
        hip = np.array([x, y, z])
        part.chain(
            [hip, hip + out * far * 0.5 + (0, knee - y, 0), hip + out * far + (0, r * 0.4 - y, 0)],
            [r, r * 0.85, r * 0.35],
            m,
            mirror=True,
        )


@family("lobster", colours=("red", "orange", "blue", "brown"), places=("beach", "kitchen", "studio", "water"))
def lobster(shape: Shape, rng: np.random.Generator, look) -> None:
    shell = shape.material(look.rgb, "plastic")
    dark = shape.material(mix(look.rgb, DARK, 0.35), "plastic")
    y, curl, big = 0.17, rng.uniform(-6, 12), rng.uniform(0.29, 0.36)
    back = shape.part("carapace", 0.02)
    back.ellipsoid((0.12, y, 0), (0.27, 0.125, 0.14), shell)
    back.limb((0.3, y + 0.04, 0), (0.45, y + 0.06, 0), 0.06, 0.01, shell)
    shape.part("groove").ring((0.08, y, 0), 0.129, 0.01, dark, turn(y=90), arc=200)
    at, heading = np.array([-0.15, y, 0]), 186.0
    for i in range(6):
        size = 1 - 0.09 * i
        frame = turn(z=heading - 180)
        shape.part(f"segment {i}").ellipsoid(at, (0.068, 0.105 * size, 0.128 * size), shell if i % 2 else dark, frame)
        at, heading = at - frame[:, 0] * 0.082, heading + curl
    fan = shape.part("tail fan")
    for angle in (-52, -26, 0, 26, 52):
        fan.plate(
            at + (0.03, 0, 0),
            leaf(0.24, 0.13, 0.35, 0.5),
            0.014,
            shell,
            turn(z=heading - 180) @ turn(y=angle) @ turn(z=90) @ turn(y=90),
            round=0.01,
        )
    wide = rng.uniform(0.28, 0.36)
    shape.part("arms", 0.01).chain(
        [(0.26, y - 0.03, 0.1), (0.38, y + 0.02, wide), (0.52, y, wide + 0.02)],
        [0.045, 0.05, 0.045],
        shell,
        mirror=True,
    )
    _claw(shape, (0.54, y, wide + 0.02), big, rng.uniform(-22, 0), shell, dark, rng.uniform(0.2, 1))
    legs = shape.part("legs", 0.006)
    xs = (0.22, 0.13, 0.04, -0.05)
    _walking_legs(
        legs, [(x, y - 0.06, 0.09) for x in xs], (62, 82, 102, 124), (0.3, 0.32, 0.32, 0.3), y + 0.07, 0.028, dark
    )
    feel = rng.uniform(0.1, 0.3)
    shape.part("antennae").chain(
        curve(
            [(0.4, y + 0.05, 0.04), (0.52, y + 0.24, 0.1), (0.28, y + 0.36, 0.2 + feel), (-0.1, y + 0.3, 0.26 + feel)]
        ),
        np.linspace(0.02, 0.006, 7),
        shell,
        mirror=True,
    )
    dark_eyes(shape, (0.39, y + 0.08, 0.07), 0.03)


@family("crab", colours=("red", "orange", "orange", "brown", "brown", "blue", "purple"), places=SHORE, facing=True)
def crab(shape: Shape, rng: np.random.Generator, look) -> None:
    shell = shape.material(look.rgb, "skin", "mottle", mix(look.rgb, DARK, 0.55), 0.05)
    dark, pale = (
        shape.material(mix(look.rgb, DARK, 0.3), "plastic"),
        shape.material(mix(look.rgb, WHITE, 0.55), "plastic"),
    )
    wide, y, big = rng.uniform(0.3, 0.38), rng.uniform(0.2, 0.26), rng.uniform(0.27, 0.36)
    body = shape.part("carapace", 0.02)
    outline = smooth_outline(
        [
            (0.2, 0),
            (0.19, 0.16),
            (0.12, wide * 0.85),
            (0.0, wide),
            (-0.14, wide * 0.62),
            (-0.2, 0),
            (-0.14, -wide * 0.62),
            (0.0, -wide),
            (0.12, -wide * 0.85),
            (0.19, -0.16),
        ]
    )
    body.plate((0, y, 0), outline * 0.86, 0.02, shell, FLAT, round=0.035)
    body.ellipsoid((0, y + 0.01, 0), (0.19, 0.12, wide * 0.85), shell)
    shape.part("belly").ellipsoid((0.01, y - 0.04, 0), (0.165, 0.09, wide * 0.75), pale)
    marks = shape.part("marks")
    for x, z in ((0.03, 0.07), (-0.07, 0.12)):
        for side in (-1, 1):
            patch(marks, body, (x, y, z * side), (0, 1, 0), (0.03, 0.04), dark, 0.004)
    raised = rng.uniform(0.04, 0.16)
    elbow, wrist = np.array([0.22, y + 0.03, wide + 0.14]), np.array([0.3, y + 0.06 + raised, wide + 0.1])
    shape.part("arms", 0.01).chain(
        [(0.13, y - 0.02, wide * 0.66), elbow, wrist], [0.05, 0.062, 0.055], shell, mirror=True
    )
    _claw(shape, wrist, big, rng.uniform(-60, -30), shell, dark, rng.uniform(0.3, 1))
    lift = turn(z=rng.uniform(5, 40))
    for part in shape.parts[-2:]:
        part.solid = [
            type(p)(
                **{
                    **p.__dict__,
                    "centre": lift @ (p.centre - wrist * (1, 1, 0)) + wrist * (1, 1, 0),
                    "frame": lift @ p.frame,
                }
            )
            for p in part.solid
        ]
    legs = shape.part("legs", 0.008)
    xs = (0.1, 0.03, -0.05, -0.12)
    _walking_legs(
        legs,
        [(x, y - 0.03, wide * 0.7) for x in xs],
        (68, 86, 104, 128),
        (0.42, 0.46, 0.45, 0.38),
        y + 0.13,
        0.042,
        dark,
    )
    stalks = shape.part("stalks")
    stalks.limb((0.17, y + 0.04, 0.06), (0.21, y + 0.12, 0.075), 0.02, 0.018, shell, mirror=True)
    shape.part("eyes").ball((0.21, y + 0.13, 0.075), 0.028, glossy(shape), mirror=True)
    place(shape.parts, turned=turn(z=-rng.uniform(12, 34)))  # on a slope, so that its back is seen from before it


@family("hermit_crab", colours=("brown", "beige", "white", "orange", "grey", "red"), places=SHORE)
def hermit_crab(shape: Shape, rng: np.random.Generator, look) -> None:
    ripe = mix(COLOURS["orange"], COLOURS["red"], rng.uniform(0.2, 0.8))
    red = look.rgb if look.colour in ("orange", "red") else ripe
    flesh, dark = shape.material(red, "plastic"), shape.material(mix(red, DARK, 0.35), "plastic")
    rgb = mix(look.rgb, (0.7, 0.6, 0.45), 0.15)
    shell, bandage = (
        shape.material(rgb, "ceramic"),
        shape.material(mix(rgb, WHITE if look.colour == "brown" else DARK, 0.35), "ceramic"),
    )
    turns = np.linspace(0, 2 * np.pi * 2.6, 19)
    shrink = np.exp(-turns * 0.135)
    tall = rng.uniform(0.5, 0.75)
    helix = np.stack([tall * (1 - shrink), 0.2 * shrink * np.cos(turns), 0.2 * shrink * np.sin(turns)], axis=1)
    house = shape.part("shell", 0.006)
    for i, (at, s) in enumerate(zip(helix, shrink, strict=True)):
        house.ball(at, 0.235 * s, shell if i % 3 else bandage)
    mouth = shape.part("lip")
    mouth.ring((-0.07, 0.1, 0), 0.2, 0.05, shell, turn(y=75))
    place(shape.parts, (-0.02, 0.42, 0), turn(y=rng.uniform(-15, 15)) @ turn(z=180 - rng.uniform(18, 42)), 1.0)
    body = shape.part("head", 0.02)
    body.ellipsoid((0.16, 0.24, 0), (0.2, 0.1, 0.13), flesh)
    arms = shape.part("arms", 0.01)
    arms.chain([(0.22, 0.2, 0.1), (0.34, 0.22, 0.2), (0.42, 0.15, 0.18)], [0.05, 0.055, 0.05], flesh, mirror=True)
    _claw(shape, (0.43, 0.14, 0.17), rng.uniform(0.19, 0.25), -8, flesh, dark, 0.3)
    legs = shape.part("legs", 0.008)
    _walking_legs(legs, [(0.2, 0.2, 0.1), (0.12, 0.2, 0.1)], (62, 88), (0.42, 0.44), 0.3, 0.045, dark)
    shape.part("stalks").limb((0.3, 0.3, 0.04), (0.37, 0.43, 0.06), 0.022, 0.018, flesh, mirror=True)
    shape.part("eyes").ball((0.375, 0.445, 0.06), 0.034, glossy(shape), mirror=True)
    shape.part("antennae").chain(
        [(0.32, 0.27, 0.06), (0.5, 0.44, 0.12), (0.72, 0.38, 0.24)], [0.014, 0.01, 0.006], dark, mirror=True
    )


@family(
    "dolphin",
    colours=("grey", "blue", "pink"),
    places=("water", "water", "water", "studio"),
    poses=("swimming",),
    stance="water",
    waterline=0.22,
)
def dolphin(shape: Shape, rng: np.random.Generator, look) -> None:
    rgb = mix(look.rgb, WHITE, 0.12)
    skin, pale = shape.material(rgb, "plastic"), shape.material(mix(rgb, WHITE, 0.7), "plastic")
    bow, fat, climb = rng.uniform(0.1, 0.24), rng.uniform(0.92, 1.1), rng.uniform(-8, 28)
    x = np.array([0.5, 0.36, 0.16, -0.06, -0.28, -0.5, -0.68, -0.8])
    y = -bow * ((x + 0.05) / 0.7) ** 2
    path = np.stack([x, y, 0 * x], axis=1)
    fine = curve(path, 2)
    body = shape.part("body", 0.03)
    radii = np.array([0.115, 0.15, 0.172, 0.165, 0.132, 0.09, 0.05, 0.032]) * fat
    body.chain(fine, np.interp(np.arange(15) / 2, np.arange(8), radii), skin)
    belly = shape.part("belly", 0.03)
    belly.chain(path[1:5] - (0.0, 0.034, 0), np.array([0.126, 0.146, 0.14, 0.106]) * fat, pale)
    melon = path[0]
    body.ellipsoid(melon + (0.03, 0.01, 0), (0.12, 0.11 * fat, 0.105 * fat), skin)
    tip = melon + (0.29, -0.075, 0)
    shape.part("beak", 0.015).limb(melon + (0.06, -0.04, 0), tip, 0.062, 0.03, skin)
    shape.part("lower jaw", 0.015).limb(melon + (0.02, -0.075, 0), tip + (-0.02, -0.035, 0), 0.058, 0.022, pale)
    fin = smooth_outline([(0.14, -0.04), (0.06, 0.1), (-0.06, 0.22), (-0.13, 0.24), (-0.09, 0.12), (-0.1, -0.04)])
    shape.part("back fin", 0.01).plate((-0.08, 0.145 * fat - 0.005, 0), fin, 0.01, skin, round=0.012)
    flipper = smooth_outline([(0.07, 0), (0.02, 0.16), (-0.1, 0.3), (-0.14, 0.28), (-0.1, 0.12), (-0.08, 0)])
    shape.part("flippers").plate(
        (0.24, -0.08 * fat, 0.1 * fat), flipper, 0.012, skin, turn(x=90 + rng.uniform(28, 48)), round=0.01, mirror=True
    )
    fluke = smooth_outline(
        [
            (0.1, 0),
            (-0.02, 0.12),
            (-0.16, 0.29),
            (-0.2, 0.28),
            (-0.14, 0.1),
            (-0.09, 0),
            (-0.14, -0.1),
            (-0.2, -0.28),
            (-0.16, -0.29),
            (-0.02, -0.12),
        ]
    )
    drop = np.degrees(np.arctan2(path[-2, 1] - path[-1, 1], 0.12))
    shape.part("flukes").plate(
        path[-1] + (-0.03, -0.01, 0), fluke, 0.012, skin, turn(z=drop + rng.uniform(-20, 10)) @ FLAT, round=0.01
    )
    dark_eyes(shape, tuple(melon + (0.06, -0.005, 0.094 * fat)), 0.018)
    place(shape.parts, turned=turn(x=rng.uniform(-12, 12)) @ turn(z=climb))


@family(
    "seal",
    colours=("grey", "brown", "black", "white", "beige"),
    places=("beach", "beach", "snow", "studio", "water"),
    poses=("lying", "sitting"),
)
def seal(shape: Shape, rng: np.random.Generator, look) -> None:
    fat, lion = rng.uniform(0.92, 1.15), rng.random() < 0.5
    skin = shape.material(look.rgb, "skin", "mottle" if rng.random() < 0.5 else "plain", mix(look.rgb, DARK, 0.4), 0.08)
    pale = shape.material(mix(look.rgb, WHITE, 0.35), "skin")
    upright = look.pose == "sitting"
    top = np.array([0.42, 0.72, 0]) if upright else np.array([0.56, 0.42, 0])
    spine = curve(
        [(-0.75, 0.09, 0), (-0.4, 0.17 * fat, 0), (-0.02, 0.24 * fat, 0), (0.26, 0.34 if upright else 0.26, 0), top], 2
    )
    radii = np.array([0.07, 0.12, 0.17, 0.215, 0.24, 0.235, 0.2, 0.155, 0.11])
    body = shape.part("body", 0.03)
    body.chain(spine, radii * np.where(np.arange(9) < 7, fat, 1), skin)
    flipper = smooth_outline([(0.07, 0), (0.08, 0.18), (-0.02, 0.4), (-0.14, 0.42), (-0.16, 0.26), (-0.1, 0.0)])
    splay = turn(y=rng.uniform(-35, -5)) @ turn(x=90 + rng.uniform(12, 24))
    at = (0.3, 0.2, 0.15 * fat) if upright else (0.24, 0.15, 0.17 * fat)
    shape.part("flippers", 0.01).plate(
        at, flipper * (1.1 if upright else 0.9), 0.018, skin, splay, round=0.02, mirror=True
    )
    if upright:
        shape.parts[-1].limb((0.26, 0.32, 0.15), (0.3, 0.17, 0.2), 0.09, 0.05, skin, mirror=True)
    hind = smooth_outline(
        [
            (0.05, 0),
            (0.04, 0.22),
            (0.09, 0.34),
            (0.02, 0.31),
            (-0.01, 0.36),
            (-0.05, 0.3),
            (-0.12, 0.3),
            (-0.06, 0.16),
            (-0.05, 0),
        ]
    )
    shape.part("hind flippers", 0.01).plate(
        (-0.72, 0.07, 0.03),
        hind,
        0.012,
        skin,
        turn(y=-18) @ turn(z=rng.uniform(0, 25)) @ FLAT @ turn(z=90),
        round=0.015,
        mirror=True,
    )
    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (1.0, 0.86, 0.84), skin)
    head.limb((0.4, -0.12, 0), (1.0 + 0.3 * lion, -0.26, 0), 0.62, 0.42, skin)
    pads = shape.part("muzzle", 0.05)
    pads.ball((1.12 + 0.3 * lion, -0.36, 0.2), 0.32, pale, mirror=True)
    shape.part("chin").ball((1.05 + 0.3 * lion, -0.58, 0), 0.24, pale)
    shape.part("nose").ellipsoid((1.4 + 0.3 * lion, -0.12, 0), (0.14, 0.13, 0.2), glossy(shape))
    dark_eyes(shape, (0.72, 0.18, 0.5), 0.19)
    whisker, bristle = (
        shape.part("whiskers"),
        shape.material(WHITE if look.colour in ("black", "brown", "grey") else DARK),
    )
    for tilt in (-0.3, 0.0):
        whisker.limb(
            (1.2 + 0.3 * lion, -0.36, 0.42), (1.0 + 0.3 * lion, -0.42 + tilt, 1.25), 0.03, 0.015, bristle, mirror=True
        )
    if lion:
        shape.part("ears").limb((-0.1, 0.12, 0.78), (-0.36, -0.06, 0.95), 0.13, 0.05, skin, mirror=True)
    gaze = turn(y=rng.uniform(-35, 35) * (rng.random() < 0.6)) @ turn(z=rng.uniform(-6, 24))
    place(shape.parts[first:], top + (0.04, 0.02, 0), gaze, 0.15)


@family(
    "ray",
    colours=("grey", "brown", "blue", "black", "beige"),
    places=("water", "water", "water", "studio"),
    poses=("swimming",),
    stance="air",
    facing=True,
)
def ray(shape: Shape, rng: np.random.Generator, look) -> None:
    manta, flap = rng.random() < 0.4, rng.uniform(-8, 26)
    spotted = rng.random() < 0.45
    skin = shape.material(
        look.rgb,
        "skin",
        "spots" if spotted else "mottle",
        mix(look.rgb, WHITE if look.colour != "beige" else DARK, 0.5),
        0.06 if spotted else 0.12,
    )
    pale = shape.material(mix(look.rgb, WHITE, 0.75), "skin")
    body = shape.part("body", 0.04)
    body.ellipsoid((0.02, 0, 0), (0.36, 0.075, 0.16), skin)
    shape.part("belly", 0.03).ellipsoid((0.03, -0.022, 0), (0.31, 0.07, 0.12), pale)
    wide = rng.uniform(0.6, 0.7) if manta else rng.uniform(0.42, 0.52)
    front, back = (0.3, -0.22) if manta else (0.42, -0.3)
    flat = smooth_outline(
        [
            (front, -0.02),
            (front * 0.66, wide * 0.4),
            (0.02 if not manta else -0.02, wide * 0.98),
            (-0.06 if not manta else -0.12, wide),
            (back * 0.62, wide * 0.5),
            (back, -0.02),
        ]
    )
    for m, y in ((skin, 0.008), (pale, -0.012)):
        shape.part("wings", 0.01).plate((0, y, 0.01), flat, 0.005, m, turn(x=-flap) @ FLAT, round=0.008, mirror=True)
    side = rng.choice((-1, 1))
    tail = curve([(-0.3, 0, 0), (-0.6, 0.02, 0.04 * side), (-0.9, 0.05, -0.04 * side), (-1.15, 0.03, 0.06 * side)], 2)
    shape.part("tail").chain(tail, np.linspace(0.032, 0.006, 7), skin)
    if manta:
        shape.part("horns", 0.02).chain(
            [(0.28, 0, 0.12), (0.42, -0.01, 0.14), (0.48, -0.03, 0.09)], [0.035, 0.03, 0.012], skin, mirror=True
        )
        eye = (0.3, 0.03, 0.13)
    else:
        shape.part("eye bumps", 0.02).ellipsoid((0.22, 0.06, 0.07), (0.06, 0.04, 0.04), skin, mirror=True)
        eye = (0.24, 0.08, 0.085)
    dark_eyes(shape, eye, 0.024, 0.026)
    gills = shape.part("gills")
    for i in range(3):
        gills.limb(
            (0.12 - 0.06 * i, -0.088 + 0.004 * i, 0.04),
            (0.1 - 0.06 * i, -0.08 + 0.004 * i, 0.085),
            0.008,
            0.006,
            shape.material(DARK),
            mirror=True,
        )
    # Nose down, so that whoever stands before it sees its back.
    place(shape.parts, turned=turn(x=side * rng.uniform(0, 22)) @ turn(z=-rng.uniform(42, 68)))


@family("seagull", colours=("white", "grey"), places=("beach", "beach", "water", "street", "studio"))
def seagull(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, spread = rng.uniform(0.92, 1.1), rng.random() < 0.35
    coat = shape.material(look.rgb if look.colour == "white" else mix(look.rgb, WHITE, 0.55), "feather")
    mantle = shape.material(mix((0.3, 0.31, 0.33), look.rgb, 0.25 if look.colour == "white" else 0.7), "feather")
    ink = shape.material(DARK, "feather")
    yellow = shape.material(((0.8, 0.5, 0.04), (0.75, 0.3, 0.03))[rng.integers(2)], "plastic")
    tilt = turn(z=rng.uniform(6, 16))
    body = shape.part("body", 0.04)
    body.ellipsoid((0, 0, 0), (0.4, 0.175 * stout, 0.18 * stout), coat, tilt)
    body.ellipsoid(tilt @ np.array([0.16, 0.01, 0]), (0.22, 0.17 * stout, 0.17 * stout), coat, tilt)
    neck = tilt @ np.array([0.3, 0.05, 0])
    top = neck + (0.09, rng.uniform(0.14, 0.22), 0)
    body.limb(neck, top, 0.12, 0.085, coat)
    shape.part("tail").plate(
        tilt @ np.array([-0.26, 0.02, 0]),
        leaf(0.3, 0.16, 0.2, 0.7),
        0.014,
        coat,
        tilt @ turn(z=90) @ turn(y=90),
        round=0.012,
    )
    if spread:
        vane = smooth_outline(
            [
                (0.12, 0),
                (0.17, 0.22),
                (0.2, 0.42),
                (0.02, 0.74),
                (-0.1, 0.82),
                (-0.1, 0.62),
                (-0.1, 0.4),
                (-0.16, 0.18),
                (-0.14, 0),
            ]
        )
        tip = smooth_outline([(0.1, 0.6), (0.02, 0.76), (-0.13, 0.9), (-0.11, 0.7), (-0.1, 0.58)])
        frame = tilt @ turn(x=90 - rng.uniform(24, 60))
        shape.part("wings", 0.01).plate((0.06, 0.1, 0.1), vane, 0.012, mantle, frame, round=0.012, mirror=True)
        shape.part("wing tips").plate((0.06, 0.1, 0.1), tip, 0.014, ink, frame, round=0.014, mirror=True)
    else:
        wings(
            shape,
            tilt @ np.array([0.24, 0.07, 0]) + (0, 0, 0.155 * stout),
            0.7,
            0.23,
            mantle,
            mantle,
            turn(y=-9) @ tilt @ turn(z=2),
            0.2,
        )
        points = shape.part("wing tips")
        points.limb(
            tilt @ np.array([-0.32, 0.07, 0.07]), tilt @ np.array([-0.62, 0.1, 0.02]), 0.05, 0.012, ink, mirror=True
        )
        for x in (-0.42, -0.5):
            points.ball(tilt @ np.array([x, 0.115, 0.045]), 0.018, coat, mirror=True)
    webbed_feet(shape, (0.03, -0.1, 0.08), 0.32, yellow, 0.12)
    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (1.05, 0.86, 0.82), coat if rng.random() < 0.8 else ink)
    bill = shape.part("bill", 0.05)
    bill.chain([(0.8, -0.05, 0), (1.6, -0.1, 0), (1.95, -0.3, 0)], [0.27, 0.22, 0.07], yellow)
    shape.part("lower bill", 0.05).limb((0.8, -0.3, 0), (1.75, -0.36, 0), 0.2, 0.1, yellow)
    if rng.random() < 0.6:
        shape.part("bill spot").ball((1.62, -0.38, 0), 0.14, shape.material(COLOURS["red"], "plastic"))
    dark_eyes(shape, (0.46, 0.2, 0.62), 0.14)
    place(shape.parts[first:], top + (0.03, 0.04, 0), turn(y=rng.uniform(-50, 50) * (rng.random() < 0.5)), 0.13)


@family(
    "wading_bird",
    colours=("white", "grey", "pink", "blue", "brown"),
    places=("water", "beach", "beach", "grass", "studio"),
)
def wading_bird(shape: Shape, rng: np.random.Generator, look) -> None:
    flamingo = rng.random() < 0.35
    coat = shape.material(mix(look.rgb, WHITE, 0.2) if look.colour == "pink" else look.rgb, "feather")
    wing = shape.material(
        mix(look.rgb, DARK, 0.25) if look.colour != "white" else mix(look.rgb, (0.4, 0.4, 0.42), 0.2), "feather"
    )
    horn = (0.06, 0.05, 0.045) if rng.random() < 0.4 else (0.72, 0.3, 0.04)
    legs_m = shape.material((0.7, 0.22, 0.3) if look.colour == "pink" else horn, "plastic")
    ink, beak = (
        shape.material(DARK, "plastic"),
        shape.material((0.75, 0.42, 0.06) if not flamingo else mix(look.rgb, WHITE, 0.5), "plastic"),
    )
    tall, stout, tilt = rng.uniform(0.72, 0.95), rng.uniform(0.9, 1.1), turn(z=rng.uniform(10, 30))
    body = shape.part("body", 0.03)
    body.ellipsoid((0, 0, 0), (0.33, 0.155 * stout, 0.145 * stout), coat, tilt)
    shoulder = tilt @ np.array([0.25, 0.04, 0])
    neck = [
        ((0, 0, 0), (0.15, 0.06, 0), (0.1, 0.28, 0), (0.0, 0.46, 0), (0.07, 0.62, 0), (0.16, 0.64, 0)),
        ((0, 0, 0), (0.14, 0.14, 0), (0.19, 0.34, 0), (0.17, 0.54, 0), (0.22, 0.66, 0), (0.28, 0.67, 0)),
    ][rng.integers(2)]
    path = curve(shoulder + np.array(neck) * (1, rng.uniform(0.85, 1.15), 1), 2)
    shape.part("neck", 0.015).chain(
        path, np.linspace(0.1, 0.042, len(path)) * np.r_[1.0, 0.9, 0.75, np.ones(len(path) - 3) * 0.82], coat
    )
    wings(
        shape,
        tilt @ np.array([0.2, 0.05, 0]) + (0, 0, 0.12 * stout),
        0.62,
        0.25,
        coat if flamingo else wing,
        wing,
        turn(y=-9) @ tilt,
        0.22,
    )
    shape.part("tail").plate(
        tilt @ np.array([-0.24, 0.0, 0]),
        leaf(0.26, 0.16, 0.4, 0.7),
        0.012,
        wing,
        tilt @ turn(z=100) @ turn(y=90),
        round=0.01,
    )
    legs, stride = shape.part("legs", 0.004), rng.uniform(-0.1, 0.14)
    hip, knee = np.array([0.0, -0.08, 0.06]), -0.1 - tall * 0.42
    raised = rng.random() < 0.35
    for side in (-1, 1):
        if raised and side > 0:
            points = [hip, (0.13, knee + 0.12, 0.06), (0.0, knee - 0.14, 0.06)]
        else:
            points = [hip, (-0.03 + stride * side * 0.5, knee, 0.06), (0.01 + stride * side, -0.1 - tall, 0.06)]
        points = np.array(points) * (1, 1, side)
        legs.chain(points, [0.035, 0.021, 0.017], legs_m)
        legs.ball(points[1], 0.028, legs_m)
        for angle in (-32, 0, 32, 180):
            toe = turn(y=angle, z=-60 if raised and side > 0 else 0) @ np.array([0.06 if angle == 180 else 0.13, 0, 0])
            legs.limb(points[2], points[2] + toe, 0.015, 0.01, legs_m)
    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (1.1, 0.82, 0.75), coat)
    if flamingo:
        shape.part("bill", 0.06).chain([(0.8, -0.1, 0), (1.6, -0.5, 0), (1.85, -1.0, 0)], [0.42, 0.4, 0.36], beak)
        shape.part("bill tip", 0.06).chain([(1.85, -1.05, 0), (1.78, -1.5, 0), (1.6, -1.75, 0)], [0.37, 0.26, 0.1], ink)
    else:
        long, droop = rng.uniform(1.9, 3.0), rng.uniform(0.0, 0.9) * (rng.random() < 0.4)
        shape.part("bill", 0.04).chain(
            [(0.8, 0.02, 0), (0.8 + long * 0.55, -0.12 - droop * 0.2, 0), (0.9 + long, -0.3 - droop, 0)],
            [0.34, 0.22, 0.05],
            beak,
        )
        shape.part("lower bill", 0.04).chain(
            [(0.8, -0.26, 0), (0.8 + long * 0.55, -0.34 - droop * 0.2, 0), (0.8 + long, -0.36 - droop, 0)],
            [0.24, 0.16, 0.04],
            beak,
        )
        if rng.random() < 0.5:
            shape.part("plume").chain([(-0.2, 0.55, 0), (-1.2, 0.6, 0), (-2.0, 0.1, 0)], [0.34, 0.24, 0.05], ink)
    dark_eyes(shape, (0.5, 0.18, 0.56), 0.15)
    gaze = turn(y=rng.uniform(-35, 35) * (rng.random() < 0.5)) @ turn(z=rng.uniform(-14, 4))
    place(shape.parts[first:], path[-1] + (0.03, 0.0, 0), gaze, 0.085)
