"""The wild animals that need a build of their own: hedgehog, raccoon, rhinoceros, apes, and the armoured reptiles."""

from __future__ import annotations

import numpy as np

from training.world.families import Habit, family
from training.world.families.anatomy import (
    DARK,
    IVORY,
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
    skin,
)
from training.world.families.parts import FLAT
from training.world.sdf import Shape, smooth_outline, turn

WOODS = ("forest", "grass", "studio", "night", "street", "snow")


@family("hedgehog", colours=("brown", "grey", "beige", "black"), places=("grass", "grass", "forest", "studio", "night"))
def hedgehog(shape: Shape, rng: np.random.Generator, look) -> None:
    fat, long = rng.uniform(0.92, 1.1), rng.uniform(0.36, 0.42)
    quill = shape.material(look.rgb, "fur")
    tip = shape.material(mix(look.rgb, WHITE if look.colour != "beige" else DARK, 0.4), "fur")
    face = shape.material(mix(look.rgb, (0.62, 0.46, 0.3), 0.75), "fur")
    back = shape.part("back")
    back.ellipsoid((0, 0.29, 0), (long, 0.26 * fat, 0.28 * fat), quill)
    rows = shape.part("quills")
    for i, x in enumerate(np.linspace(-0.9, 0.96, 14)):
        frame = turn(z=rng.uniform(30, 36)) @ turn(y=90)  # slanting back
        angle = np.radians(np.linspace(-24, 204, 35) + 6 * (i % 2))
        flat = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        at = np.array([x * long, 0.24, 0])
        far = skin(back, at[None], flat @ frame[:, :2].T)
        far = np.where(far < 0.02, 0.02, far) + np.where(np.arange(35) % 2, rng.uniform(0.075, 0.11, 35), -0.01)
        rows.plate(at, flat * far[:, None], 0.006, tip if i % 2 else quill, frame)
    body = shape.part("body", 0.03)
    body.ellipsoid((0.03, 0.19, 0), (long * 0.95, 0.14, 0.24 * fat), face)
    for x in (0.22, -0.2):
        body.limb((x, 0.14, 0.12), (x + 0.01, 0.04, 0.14), 0.07, 0.045, face, mirror=True)
        body.ellipsoid((x + 0.05, 0.025, 0.14), (0.07, 0.026, 0.045), face, mirror=True)
    first = len(shape.parts)
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (0.95, 0.9, 0.9), face)
    head.limb((0.4, -0.15, 0), (1.55, -0.25, 0), 0.62, 0.2, face)
    shape.part("nose").ball((1.78, -0.18, 0), 0.2, glossy(shape))
    dark_eyes(shape, (0.72, 0.25, 0.5), 0.17)
    disc = np.stack([np.cos(np.linspace(0, 6.28, 17)[:-1]), np.sin(np.linspace(0, 6.28, 17)[:-1])], axis=1) * 0.34
    ears(
        shape, (0.0, 0.72, 0.66), disc, 0.07, facing(24, 25, 10), face, shape.material(mix(look.rgb, DARK, 0.4), "skin")
    )
    place(shape.parts[first:], (long * 0.95, 0.25, 0), turn(y=rng.uniform(-20, 20)) @ turn(z=rng.uniform(-8, 12)), 0.18)


@family(
    "raccoon",
    colours=("grey", "grey", "brown"),
    places=("grass", "grass", "forest", "forest", "street", "night"),
    poses=("standing", "standing", "standing", "sitting"),
    facing=True,
    habit=Habit(fill=(0.75, 0.98), elevation=(3, 18)),
)
def raccoon(shape: Shape, rng: np.random.Generator, look) -> None:
    fat = rng.uniform(0.95, 1.15)
    rgb = mix(look.rgb, (0.17, 0.14, 0.11), 0.5)
    coat, black = shape.material(rgb, "coat", "mottle", mix(rgb, DARK, 0.55), 0.05), shape.material(DARK, "coat")
    white = shape.material(mix(WHITE, look.rgb, 0.12), "coat")
    s = Skeleton(
        length=0.5,
        shoulder=0.38,
        croup=0.42,
        chest=(0.2 * fat, 0.18 * fat),
        waist=(0.235 * fat, 0.215 * fat),
        hip=(0.245 * fat, 0.22 * fat),
        neck=0.2,
        rise=rng.uniform(18, 32),
        neck_r=(0.16, 0.14),
        fore=(0.1, 0.07, 0.052),
        hind=(0.15, 0.09, 0.055),
        foot=(0.08, 0.035, 0.05),
        bend=0.08,
        belly=0.02,
    )
    b = quadruped(shape, rng, s, look.pose, coat, black, black if rng.random() < 0.5 else coat)
    side = rng.choice((-1, 1))
    t = np.array(b.tail) + (0.02, -0.04, 0)
    path = np.array([(0, 0, 0), (-0.2, 0.04, 0.02 * side), (-0.42, -0.03, 0.08 * side), (-0.62, -0.02, 0.2 * side)])
    if look.pose == "sitting":
        path = path * (1, 0, 1.6) + (0, 0.05, 0)
    at = curve(np.maximum(t + path, (-9, 0.09, -9)), 3)
    width = np.interp(np.arange(len(at)), (0, 3, 7, 9), (0.075, 0.1, 0.09, 0.04))
    for i in range(len(at) - 1):
        shape.part(f"tail {i}").limb(
            at[i], at[i + 1], width[i] * (1.0 if i % 2 else 1.06), width[i + 1], black if i % 2 else coat
        )
    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0, 0, 0), (0.92, 0.86, 1.05), coat)
    head.ellipsoid((0.3, -0.32, 0.5), (0.5, 0.4, 0.5), white, mirror=True)
    head.limb((0.5, -0.22, 0), (1.3, -0.36, 0), 0.46, 0.24, white)
    shape.part("brow", 0.03).ellipsoid((0.5, 0.38, 0.45), (0.38, 0.13, 0.42), white, turn(x=22), mirror=True)
    mask = shape.part("mask", 0.03)
    mask.ellipsoid((0.58, 0.06, 0.5), (0.36, 0.25, 0.46), black, turn(x=14) @ turn(y=-20), mirror=True)
    mask.ellipsoid((0.45, -0.12, 0.8), (0.3, 0.22, 0.24), black, mirror=True)
    shape.part("blaze", 0.03).limb((0.72, 0.46, 0), (1.25, -0.12, 0), 0.14, 0.12, coat)
    shape.part("nose").ellipsoid((1.55, -0.3, 0), (0.15, 0.14, 0.18), glossy(shape))
    eyes = shape.part("eyes")
    eyes.ball((0.84, 0.1, 0.42), 0.15, glossy(shape, (0.09, 0.05, 0.025)), mirror=True)
    shape.part("glints").ball((0.96, 0.16, 0.44), 0.05, shape.material(WHITE, "ceramic"), mirror=True)
    ears(shape, (-0.1, 0.6, 0.62), leaf(0.5, 0.6, 0.6, 0.95), 0.1, facing(26, 22, 6), white, black, 0.68)
    place(
        shape.parts[first:], b.head + (0.05, 0.04, 0), turn(y=rng.uniform(-30, 30)) @ turn(z=rng.uniform(-8, 8)), 0.195
    )


@family("rhinoceros", colours=("grey", "brown", "beige"), places=("grass", "grass", "desert", "studio", "forest"))
def rhinoceros(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, big = rng.uniform(0.95, 1.1), rng.uniform(1.0, 1.5)
    hide = shape.material(look.rgb, "skin", "mottle", mix(look.rgb, DARK, 0.25), 0.12)
    fold = shape.material(mix(look.rgb, DARK, 0.12), "skin")
    s = Skeleton(
        length=0.72,
        shoulder=0.58,
        croup=0.58,
        chest=(0.28 * stout, 0.23 * stout),
        waist=(0.29 * stout, 0.26 * stout),
        hip=(0.27 * stout, 0.23 * stout),
        neck=0.26,
        rise=rng.uniform(-14, 6),
        neck_r=(0.23, 0.19),
        fore=(0.15, 0.115, 0.09),
        hind=(0.18, 0.12, 0.09),
        foot=(0.09, 0.045, 0.1),
        bend=0.03,
        belly=0.03,
        blend=0.035,
    )
    b = quadruped(shape, rng, s, "standing", hide, hide, stride=rng.uniform(0, 0.1))
    if rng.random() < 0.55:  # the plated kind
        folds = shape.part("folds")
        for share, lean in ((0.92, -12), (0.18, 14)):
            band(
                folds,
                b.body,
                b.hip + (b.chest - b.hip) * share + (0, 0.06, 0),
                turn(z=lean) @ turn(y=90),
                0.022,
                fold,
                (-35, 215),
                0.014,
            )
    nails = shape.part("nails")
    for foot in [p for p in b.body.solid if p.kind == "ellipsoid" and p.sizes == (0.09, 0.045, 0.1)]:
        for angle in (-40, 0, 40):
            nails.ball(
                foot.centre + turn(y=angle) @ np.array([0.086, -0.016, 0]),
                0.024,
                shape.material(mix(look.rgb, IVORY, 0.6)),
            )
    t = b.tail + (-0.06, 0, 0)
    shape.part("tail").chain([t, t + (-0.06, -0.14, 0), t + (-0.05, -0.32, 0)], [0.035, 0.022, 0.026], hide)
    first = len(shape.parts)
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (0.85, 0.82, 0.72), hide)
    head.limb((0.2, -0.15, 0), (1.75, -0.45, 0), 0.66, 0.46, hide)
    head.ball((1.75, -0.3, 0), 0.42, hide)
    shape.part("jaw", 0.05).limb((0.2, -0.6, 0), (1.75, -0.72, 0), 0.42, 0.32, hide)
    horn = shape.part("horns", 0.03)
    ivory = shape.material(mix(look.rgb, (0.5, 0.42, 0.3), 0.65), "ceramic")
    horn.chain(
        curve([(1.85, 0.0, 0), (2.2, 0.45, 0), (2.3, 0.6 + 0.65 * big, 0)], 2), [0.36, 0.29, 0.22, 0.13, 0.03], ivory
    )
    if rng.random() < 0.75:
        horn.chain([(1.1, 0.3, 0), (1.25, 0.6, 0), (1.26, 0.62 + 0.35 * big, 0)], [0.3, 0.2, 0.04], ivory)
    shape.part("nostrils").ellipsoid((2.05, -0.4, 0.3), (0.1, 0.07, 0.08), shape.material(DARK), mirror=True)
    dark_eyes(shape, (0.75, 0.22, 0.56), 0.11)
    ears(shape, (-0.4, 0.6, 0.42), leaf(0.85, 0.55, 0.55, 0.5), 0.09, facing(24, 20, 0), hide, fold)
    place(
        shape.parts[first:],
        b.head + (0.08, 0.0, 0),
        turn(y=rng.uniform(-15, 15)) @ turn(z=-20 + rng.uniform(-8, 8)),
        0.225,
    )


@family(
    "ape",
    colours=("black", "brown", "orange", "grey"),
    places=("forest", "forest", "grass", "studio"),
    poses=("standing", "sitting"),
    facing=True,
)
def ape(shape: Shape, rng: np.random.Generator, look) -> None:
    bulk = rng.uniform(0.92, 1.15)
    natural = mix(look.rgb, (0.07, 0.045, 0.03), 0.5 if look.colour != "black" else 0)
    fur = shape.material(natural, "fur", "mottle", mix(natural, DARK, 0.4), 0.08)
    sooty = rng.random() < 0.5
    bare = (0.05, 0.042, 0.038) if sooty and look.colour == "black" else mix(look.rgb, (0.3, 0.17, 0.11), 0.6)
    bare_m, palm = shape.material(bare, "skin"), shape.material(mix(bare, DARK, 0.25), "skin")
    body = shape.part("body", 0.05)
    arms, hands = shape.part("arms", 0.03), shape.part("hands and feet", 0.012)
    sitting = look.pose == "sitting"
    if sitting:
        hip, chest = np.array([-0.08, 0.22, 0]), np.array([0.0, 0.6, 0])
    else:
        hip, chest = np.array([-0.3, 0.42, 0]), np.array([0.12, 0.64, 0])
    up = (chest - hip) / np.linalg.norm(chest - hip)
    frame = turn(z=np.degrees(np.arctan2(up[1], up[0])))
    body.ellipsoid(hip, (0.22, 0.19 * bulk, 0.21 * bulk), fur, frame)
    body.ellipsoid((hip + chest) / 2, (0.28, 0.2 * bulk, 0.22 * bulk), fur, frame)
    body.ellipsoid(chest, (0.23, 0.2 * bulk, 0.25 * bulk), fur, frame)
    body.ellipsoid(chest + frame @ np.array([0.14, 0.02, 0.15]), (0.13, 0.13, 0.14), fur, mirror=True)
    shoulder = chest + frame @ np.array([0.1, 0.0, 0]) + (0, 0, 0.24 * bulk)
    if sitting:
        raised = rng.random() < 0.4
        for side in (-1, 1):
            if raised and side > 0:
                points = [shoulder, (0.26, 0.5, 0.36), (0.34, 0.78, 0.16)]
            else:
                points = [shoulder, (0.14, 0.36, 0.42), (0.38, 0.34, 0.24)]
            points = np.array(points) * (1, 1, side)
            arms.chain(points, [0.115, 0.095, 0.07], fur)
            hands.ellipsoid(points[2] + (0.06, 0.01, 0), (0.08, 0.055, 0.06), palm)
            knee = np.array([0.3, 0.3, 0.22 * side])
            arms.chain([(hip[0], 0.2, 0.12 * side), knee, (0.28, 0.06, 0.22 * side)], [0.13, 0.1, 0.065], fur)
            hands.ellipsoid((0.37, 0.04, 0.22 * side), (0.12, 0.045, 0.06), palm)
    else:
        step = rng.uniform(-0.1, 0.1)
        for side in (-1, 1):
            x = 0.3 + step * side
            elbow, fist = (
                np.array([0.2 + step * side * 0.5, 0.36, 0.33 * bulk * side]),
                np.array([x, 0.055, 0.27 * bulk * side]),
            )
            arms.chain([shoulder * (1, 1, side), elbow, fist], [0.12, 0.1, 0.07], fur)
            hands.ellipsoid(fist + (0.02, 0, 0), (0.075, 0.056, 0.07), palm)
            for z in (-0.04, 0, 0.04):
                hands.ball(fist + (0.075, -0.02, z), 0.026, palm)
            x = hip[0] - 0.02 - step * side
            knee = np.array([x + 0.16, 0.24, 0.21 * bulk * side])
            arms.chain([hip + (0, -0.04, 0.12 * side), knee, (x, 0.07, 0.2 * bulk * side)], [0.14, 0.105, 0.07], fur)
            hands.ellipsoid((x + 0.09, 0.04, 0.2 * bulk * side), (0.13, 0.042, 0.062), palm)
    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((-0.1, 0.12, 0), (0.95, 0.98, 0.88), fur)
    head.ellipsoid((-0.1, 0.65, 0), (0.7, 0.6, 0.5), fur)
    face = shape.part("face", 0.08)
    face.ellipsoid((0.48, 0.0, 0), (0.46, 0.55, 0.66), bare_m)
    face.limb((0.72, 0.3, -0.36), (0.72, 0.3, 0.36), 0.2, 0.2, bare_m)
    muzzle = shape.part("muzzle", 0.08)
    muzzle.ellipsoid((0.82, -0.42, 0), (0.42, 0.4, 0.5), bare_m)
    shape.part("lip", 0.03).ellipsoid((0.94, -0.62, 0), (0.32, 0.2, 0.4), palm)
    shape.part("nostrils").ellipsoid((1.14, -0.2, 0.13), (0.1, 0.09, 0.1), shape.material(DARK), mirror=True)
    dark_eyes(shape, (0.88, 0.1, 0.27), 0.11, 0.12)
    shape.part("ears").ellipsoid((0.0, 0.05, 0.88), (0.2, 0.3, 0.1), bare_m, turn(y=20), mirror=True)
    lift = 0.3 if sitting else 0.2
    place(
        shape.parts[first:],
        chest + frame @ np.array([lift, -0.02, 0]) + (0.1, 0.08, 0),
        turn(y=rng.uniform(-25, 25)) @ turn(z=rng.uniform(-6, 6)),
        0.18 * bulk**0.5,
    )


@family(
    "turtle",
    colours=("green", "brown", "grey", "beige"),
    places=("grass", "grass", "forest", "street"),
    poses=("walking",),
    habit=Habit(fill=(0.75, 0.98), elevation=(8, 28), sides=(0.55, 0.4, 0.05, 0.0, 0.0)),
)
def turtle(shape: Shape, rng: np.random.Generator, look) -> None:
    tall, long, wide = rng.uniform(0.27, 0.36), rng.uniform(0.38, 0.44), rng.uniform(0.3, 0.35)
    horn, yellow = mix(look.rgb, (0.10, 0.07, 0.03), 0.65), mix(look.rgb, (0.62, 0.42, 0.10), 0.7)
    shell = shape.material(mix(horn, DARK, 0.5), "plastic", "patches", mix(yellow, horn, 0.4), 0.05)
    plate = shape.material(horn, "plastic", "patches", yellow, 0.055)
    hide = shape.material(mix(look.rgb, (0.4, 0.38, 0.16), 0.45), "scales")
    pale = shape.material(mix(look.rgb, (0.75, 0.62, 0.3), 0.7), "plastic")
    y = 0.19
    dome = shape.part("shell", 0.02)
    dome.ellipsoid((0, y, 0), (long, tall, wide), shell)
    dome.box((0, y - 0.5, 0), (1, 0.5, 1), shell, carve=True)
    rim = shape.part("rim")
    rim.ellipsoid((0, y, 0), (long * 1.07, 0.05, wide * 1.08), plate)
    shape.part("belly").ellipsoid((0, y - 0.03, 0), (long * 0.95, 0.085, wide * 0.9), pale)
    scutes, bare = shape.part("scutes"), dome
    for x in (-0.64, -0.22, 0.22, 0.64):
        patch(scutes, bare, (x * long * 0.6, y + 0.01, 0), (x * 0.75, 1 - abs(x) * 0.5, 0), (0.088, 0.1), plate, 0.012)
    for x in (-0.62, -0.2, 0.2, 0.62):
        for side in (-1, 1):
            patch(
                scutes, bare, (x * long * 0.55, y + 0.01, 0), (x * 0.6, 0.52, side * 0.85), (0.088, 0.095), plate, 0.012
            )
    legs = shape.part("legs", 0.02)
    step = rng.uniform(0.02, 0.08)
    for x, s in ((0.28, 1), (-0.28, -1)):
        for side in (-1, 1):
            foot = np.array([x + 0.09 * s + step * side * s, 0.05, side * wide * 1.0])
            legs.limb((x, y - 0.02, side * wide * 0.6), foot, 0.1, 0.068, hide)
            legs.ellipsoid(foot + (0.03, -0.015, 0), (0.085, 0.038, 0.066), hide)
    shape.part("tail").limb((-long * 0.95, y - 0.05, 0), (-long * 1.22, 0.08, 0), 0.05, 0.012, hide)
    top = np.array([long * 1.07 + rng.uniform(0.08, 0.16), y + rng.uniform(0.08, 0.2), 0])
    shape.part("neck", 0.02).limb((long * 0.75, y, 0), top, 0.09, 0.075, hide)
    first = len(shape.parts)
    head = shape.part("head", 0.08)
    head.ellipsoid((0.1, 0, 0), (1.1, 0.8, 0.8), hide)
    head.ellipsoid((0.75, -0.1, 0), (0.6, 0.58, 0.6), hide)
    shape.part("jaw").ellipsoid((0.5, -0.42, 0), (0.85, 0.34, 0.62), pale)
    dark_eyes(shape, (0.66, 0.28, 0.54), 0.19, 0.2)
    place(shape.parts[first:], top + (0.05, 0.02, 0), turn(y=rng.uniform(-30, 30)) @ turn(z=rng.uniform(-4, 16)), 0.112)


@family(
    "crocodilian",
    colours=("green", "brown", "grey", "black"),
    places=("forest", "forest", "grass", "grass", "beach", "water"),
    poses=("lying",),
    habit=Habit(fill=(0.75, 0.98), elevation=(4, 18), sides=(0.35, 0.65, 0.0, 0.0, 0.0), portrait=0.15),
)
def crocodilian(shape: Shape, rng: np.random.Generator, look) -> None:
    muddy = mix(look.rgb, (0.15, 0.13, 0.085), 0.7)
    skin = shape.material(muddy, "stone", "mottle", mix(muddy, DARK, 0.55), 0.04)
    ridge = shape.material(mix(muddy, DARK, 0.35), "stone")
    pale = shape.material(mix(muddy, (0.5, 0.45, 0.33), 0.5), "stone")
    ivory = shape.material(WHITE, "ceramic")
    side, sway, fat, gape = (
        rng.choice((-1, 1)),
        rng.uniform(0.05, 0.25),
        rng.uniform(0.92, 1.12),
        rng.uniform(8, 26) * (rng.random() < 0.4),
    )
    spine = curve(
        [
            (0.34, 0.19, 0),
            (0.1, 0.19, 0),
            (-0.25, 0.18, 0),
            (-0.55, 0.13, -0.04 * side),
            (-0.9, 0.08, -sway * side),
            (-1.3, 0.045, -sway * 0.3 * side),
        ],
        2,
    )
    radii = np.array([0.11, 0.135, 0.15, 0.155, 0.145, 0.125, 0.1, 0.082, 0.065, 0.045, 0.02]) * fat
    body = shape.part("body", 0.02)
    body.chain(spine, radii, skin)
    shape.part("belly", 0.02).ellipsoid((-0.05, 0.12, 0), (0.42, 0.1, 0.135 * fat), pale)
    spikes = shape.part("ridge")
    for i, (at, r) in enumerate(zip(spine[:-1], radii[:-1], strict=True)):
        two = (-1, 1) if i < 6 else (0,)
        for s in two:
            top = at + (0, r * (0.9 if s else 1.0), s * r * 0.42)
            spikes.limb(top, top + (-0.03, 0.03, 0), 0.03, 0.006, ridge)
    scutes = shape.part("scutes")
    for i, (at, r) in enumerate(zip(curve(spine, 2), np.interp(np.arange(21) / 2, np.arange(11), radii), strict=True)):
        for angle in np.radians((-62, -38, -12, 12, 38, 62) if i < 13 else (-45, 0, 45)):
            out = np.array([0, np.cos(angle), np.sin(angle)])
            scutes.ellipsoid(
                at + out * r * 0.98,
                np.array([0.03, 0.35, 0.8]) * (1, 0.05, 0.035 * r / 0.15),
                ridge,
                turn(x=np.degrees(angle)),
            )
    legs = shape.part("legs", 0.015)
    for x, reach in ((0.24, 0.06), (-0.42, -0.02)):
        for s in (-1, 1):
            foot = np.array([x + reach + 0.05 * s * side, 0.028, s * 0.33])
            legs.chain([(x, 0.14, s * 0.09), (x - 0.07, 0.15, s * 0.25), foot], [0.078, 0.058, 0.042], skin)
            legs.ellipsoid(foot + (0.06, -0.004, s * 0.01), (0.085, 0.024, 0.055), skin)
    first = len(shape.parts)
    head = shape.part("head", 0.05)
    wide = rng.uniform(0.8, 1.15)
    head.ellipsoid((-0.1, 0.1, 0), (0.85, 0.62, 0.8), skin)
    head.ellipsoid((0.25, 0.55, 0.38), (0.36, 0.3, 0.26), skin, mirror=True)
    snout = smooth_outline(
        np.array(
            [
                (-0.3, 0.75),
                (0.7, 0.52),
                (1.8, 0.4),
                (2.45, 0.44),
                (2.7, 0.2),
                (2.7, -0.2),
                (2.45, -0.44),
                (1.8, -0.4),
                (0.7, -0.52),
                (-0.3, -0.75),
            ]
        )
        * (1, wide)
    )
    head.plate((0, 0.12, 0), snout * 0.97, 0.08, skin, turn(z=-3) @ FLAT, round=0.13)
    head.ball((2.45, 0.2, 0.16), 0.16, skin, mirror=True)
    upper = shape.part("teeth")
    tooth = np.array([(0.5 + 0.14 * i, -0.34 if i % 2 else -0.05) for i in range(15)])
    fang = np.concatenate([tooth, [(2.46, 0.1), (0.5, 0.1)]])
    upper.plate((0, 0.0, 0.36 * wide), fang, 0.03, ivory, turn(y=5), mirror=True)
    second = len(shape.parts)
    jaw = shape.part("jaw", 0.05)
    jaw.plate((0, 0, 0), snout * (0.95, 0.92), 0.05, pale, FLAT, round=0.11)
    shape.part("lower teeth").plate((0, 0.1, 0.33 * wide), fang * (1, -0.9), 0.03, ivory, turn(y=5), mirror=True)
    place(shape.parts[second:], (-0.1, -0.3, 0), turn(z=-gape))
    shape.part("eyes").ball((0.36, 0.62, 0.5), 0.2, glossy(shape, (0.2, 0.16, 0.05)), mirror=True)
    shape.part("pupils").ellipsoid((0.42, 0.65, 0.63), (0.06, 0.16, 0.12), glossy(shape), mirror=True)
    place(shape.parts[first:], (0.48, 0.24, 0), turn(y=rng.uniform(-18, 18)) @ turn(z=gape * 0.35), 0.17)
