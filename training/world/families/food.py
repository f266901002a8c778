"""Fruit and food of the rendered world, and the jack-o-lantern.

Units are free; the front of each thing faces +x.
"""

from __future__ import annotations

import numpy as np

from training.world.families import family
from training.world.families.parts import FLAT, FRONT, SIDE, lean
from training.world.sdf import smooth_outline, toward, turn

TABLE = ("studio", "kitchen", "studio", "kitchen", "grass", "street", "snow")
STALK = (0.11, 0.06, 0.025)
LEAF = (0.06, 0.25, 0.03)


def _leaf(part, base, direction, length, width, m, roll=0.0):
    """A flat pointed leaf that grows from `base`; `roll` turns it about its own direction."""
    t = np.linspace(0, 1, 9)
    side = width * np.sin(np.pi * t**0.8)
    outline = np.concatenate([np.stack([side, t], 1), np.stack([-side, t], 1)[-2:0:-1]]) * (1.0, length)
    part.plate(base, outline, 0.008, m, toward(direction) @ turn(y=roll), round=0.006)


@family(
    "apple",
    colours=("red", "green", "yellow"),
    places=("studio", "kitchen", "studio", "kitchen", "grass", "forest", "snow", "beach"),
)
def apple(shape, rng, look):
    second = {"red": (0.7, 0.4, 0.05), "green": (0.3, 0.42, 0.04), "yellow": (0.7, 0.25, 0.03)}[look.colour]
    bright = (0.22, 0.48, 0.03) if look.colour == "green" else look.rgb
    skin = shape.material(bright, "skin", "mottle" if rng.random() < 0.4 else "plain", second, 0.25)
    stalk, green = shape.material(STALK, "wood"), shape.material(LEAF, "leaf")
    tall, taper = rng.uniform(0.78, 0.98), rng.uniform(0.62, 0.82)
    profile = smooth_outline(
        [
            (0, 0.1),
            (0.14, 0.02),
            (0.27, 0.04),
            (0.5 * taper + 0.06, tall * 0.28),
            (0.5, tall * 0.62),
            (0.41, tall * 0.92),
            (0.25, tall),
            (0.11, tall * 0.94),
            (0, tall * 0.82),
        ],
        closed=False,
    )
    profile[:, 0] = np.clip(profile[:, 0], 0, None)
    body = shape.part("apple")
    body.lathe((0, 0, 0), profile, skin)
    if rng.random() < 0.15:
        flesh = shape.material((0.8, 0.7, 0.42), "matte")
        for y, z, r in ((0.62, -0.42, 0.17), (0.47, -0.5, 0.17), (0.33, -0.45, 0.16)):
            body.ball((0.14, tall * y, z), r, flesh, carve=True)
    bend = rng.uniform(-0.12, 0.12, 2)
    end = (bend[0], tall + rng.uniform(0.1, 0.22), bend[1])
    shape.part("stalk").chain(
        [(0, tall * 0.8, 0), (bend[0] * 0.3, tall, bend[1] * 0.3), end], (0.022, 0.022, 0.032), stalk
    )
    if rng.random() < 0.6:
        angle = rng.uniform(0, 360)
        out = turn(y=angle) @ (1, rng.uniform(0.2, 0.6), 0)
        _leaf(
            shape.part("leaf"),
            (bend[0] * 0.4, tall + 0.04, bend[1] * 0.4),
            out,
            rng.uniform(0.3, 0.42),
            0.1,
            green,
            roll=90,
        )


@family("banana", colours=("yellow", "green"), places=TABLE)
def banana(shape, rng, look):
    skin = shape.material(
        look.rgb,
        "skin",
        "mottle" if rng.random() < 0.3 and look.colour == "yellow" else "plain",
        (0.35, 0.2, 0.05),
        0.06,
    )
    dark, neck = shape.material((0.05, 0.03, 0.012), "skin"), shape.material((0.3, 0.3, 0.05), "skin")
    count = int(rng.choice([1, 3, 4], p=[0.6, 0.2, 0.2]))
    sweep, thick = rng.uniform(75, 125), rng.uniform(0.085, 0.11)
    radius = 1 / np.radians(sweep)
    for k in range(count):
        # An arc in the plane that leans back; bananas of a bunch share the stalk and fan out.
        angle = np.radians(np.linspace(-sweep / 2, sweep / 2, 9) + rng.uniform(-3, 3))
        points = np.stack([0 * angle, -radius * np.cos(angle), -radius * np.sin(angle)], axis=1)
        grow = np.interp(np.linspace(0, 1, 9), [0, 0.12, 0.35, 0.7, 0.92, 1], [0.42, 0.75, 1, 1, 0.62, 0.34]) * thick
        fan = turn(x=7 * (k - (count - 1) / 2), y=15 * (k - (count - 1) / 2))
        points = (points - points[0]) @ fan.T
        first = points[0] + (points[0] - points[1]) * 0.75
        tip = points[-1] + (points[-1] - points[-2]) * 0.2
        tilt = SIDE @ turn(z=34)
        points, first, tip = points @ tilt.T, first @ tilt.T, tip @ tilt.T
        body = shape.part(f"banana {k}", blend=0.0015)
        body.chain(points, grow, skin)
        body.limb(points[0], first, grow[0] * 0.9, grow[0] * 0.72, neck)
        body.limb(points[-1], tip, grow[-1] * 0.95, grow[-1] * 0.75, dark)
        if k == 0:
            end = shape.part("stalk end")
            end.limb(first, first + (first - points[0]) * 0.18, grow[0] * (0.75 if count == 1 else 1.2), m=dark)


@family("pear", colours=("green", "yellow", "red", "brown"), places=TABLE)
def pear(shape, rng, look):
    base = {"green": (0.28, 0.42, 0.04), "brown": (0.32, 0.19, 0.05)}.get(look.colour, look.rgb)
    skin = shape.material(
        base,
        "skin",
        "mottle" if rng.random() < 0.4 else "plain",
        (0.5, 0.22, 0.04) if look.colour != "red" else (0.6, 0.4, 0.05),
        0.22,
    )
    stalk, green = shape.material(STALK, "wood"), shape.material(LEAF, "leaf")
    belly, neck, tall = rng.uniform(0.34, 0.4), rng.uniform(0.13, 0.19), rng.uniform(0.92, 1.12)
    profile = smooth_outline(
        [
            (0, 0.05),
            (0.1, 0.0),
            (belly * 0.75, 0.07),
            (belly, tall * 0.3),
            (belly * 0.82, tall * 0.52),
            (neck * 1.2, tall * 0.74),
            (neck, tall * 0.9),
            (neck * 0.55, tall * 0.99),
            (0, tall),
        ],
        closed=False,
    )
    tilt = turn(x=rng.uniform(-9, 9), z=rng.uniform(-6, 6))
    shape.part("pear").lathe((0, 0, 0), np.clip(profile, 0, None), skin, tilt)
    top = tilt @ (0, tall, 0)
    bend = tilt @ (rng.uniform(-0.06, 0.06), rng.uniform(0.13, 0.2), rng.uniform(-0.06, 0.06))
    shape.part("stalk").chain(
        [top - (0, 0.03, 0), top + bend * 0.5, top + bend + (0, 0, 0.02)], (0.02, 0.018, 0.028), stalk
    )
    if rng.random() < 0.5:
        _leaf(shape.part("leaf"), top + bend * 0.25, turn(y=rng.uniform(0, 360)) @ (1, 0.45, 0), 0.32, 0.09, green, 90)


@family("pineapple", colours=("yellow", "orange", "brown"), places=(*TABLE, "beach"))
def pineapple(shape, rng, look):
    rind = shape.material(look.rgb, "scales", "mottle", tuple(c * 0.7 for c in look.rgb), 0.08)
    groove = shape.material(tuple(c * 0.35 for c in look.rgb), "skin")
    leaf = shape.material((0.05, 0.19, 0.06), "leaf")
    wide, tall = rng.uniform(0.24, 0.29), rng.uniform(0.33, 0.4)
    shape.part("core").ellipsoid((0, tall, 0), (wide, tall, wide), groove)
    scales = shape.part("scales")
    rows, around = 6, 7
    for i in range(rows):
        share = (i + 0.5) / rows * 1.72 - 0.86  # height of the row, -1..1
        level = np.sqrt(1 - share**2)
        out = np.array([level / wide, share / tall])
        out /= np.linalg.norm(out)
        for k in range(around):
            angle = 2 * np.pi * (k + 0.5 * (i % 2)) / around
            normal = np.array([np.cos(angle) * out[0], out[1], np.sin(angle) * out[0]])
            at = np.array([np.cos(angle) * level * wide, tall + share * tall, np.sin(angle) * level * wide])
            scales.ellipsoid(at, (tall * 0.165, 0.04, max(wide * level * 0.42, 0.05)), rind, toward(normal))
    crown = shape.part("crown")
    long = rng.uniform(0.36, 0.5)
    for count, up, share in ((3, 82, 1.0), (4, 66, 0.92), (5, 46, 0.72), (5, 22, 0.5)):
        start = rng.uniform(0, 360)
        for k in range(count):
            away = turn(y=start + 360 * k / count)
            a = np.radians(up)
            base = np.array([0, 2 * tall - 0.05, 0]) + away @ (0.05, 0, 0)
            _leaf(crown, base, away @ (np.cos(a), np.sin(a), 0), long * share, 0.052, leaf, 90 if up < 75 else 0)


@family("strawberry", colours=("red", "pink"), places=TABLE)
def strawberry(shape, rng, look):
    flesh, seed = shape.material(look.rgb, "skin"), shape.material((0.75, 0.55, 0.15), "skin")
    leaf = shape.material((0.07, 0.3, 0.03), "leaf")
    wide, tall = rng.uniform(0.36, 0.44), rng.uniform(0.88, 1.05)
    profile = smooth_outline(
        [
            (0, 0),
            (0.09, 0.03),
            (wide * 0.62, tall * 0.34),
            (wide * 0.98, tall * 0.68),
            (wide * 0.85, tall * 0.9),
            (wide * 0.4, tall * 0.985),
            (0, tall),
        ],
        closed=False,
    )
    profile = np.clip(profile, 0, None)
    shape.part("berry").lathe((0, 0, 0), profile, flesh)
    seeds = shape.part("seeds")
    for i, (share, count) in enumerate(((0.16, 3), (0.34, 6), (0.52, 7), (0.69, 8), (0.84, 8))):
        y = tall * share
        r = np.interp(y, profile[:, 1], profile[:, 0])
        slope = (np.interp(y + 0.02, profile[:, 1], profile[:, 0]) - r) / 0.02
        for k in range(count):
            angle = 2 * np.pi * (k + 0.5 * (i % 2)) / count + i
            normal = np.array([np.cos(angle), -slope, np.sin(angle)])
            seeds.ellipsoid(
                (np.cos(angle) * r, y, np.sin(angle) * r), (0.022, 0.014, 0.03), seed, toward(normal) @ turn(y=90)
            )
    crown = shape.part("crown")
    count, start = int(rng.integers(6, 9)), rng.uniform(0, 360)
    for k in range(count):
        away = turn(y=start + 360 * k / count)
        _leaf(
            crown, (0, tall, 0), away @ (1, rng.uniform(-0.32, 0.1), 0), wide * rng.uniform(0.85, 1.05), 0.1, leaf, 90
        )
    if rng.random() < 0.7:
        crown.limb((0, tall - 0.02, 0), (0.05, tall + 0.16, 0.04), 0.025, 0.02, leaf)
    tilt = turn(x=rng.choice([-1, 1]) * rng.uniform(12, 70), y=rng.uniform(-40, 40))
    lean(shape, tilt)


BUN = {"brown": (0.42, 0.18, 0.045), "orange": (0.62, 0.27, 0.05), "beige": (0.66, 0.42, 0.17)}


@family("hamburger", colours=("brown", "orange", "beige"), places=TABLE)
def hamburger(shape, rng, look):
    bun = shape.material(BUN[look.colour], "skin")
    meat = shape.material((0.09, 0.035, 0.015), "stone", "mottle", (0.05, 0.02, 0.01), 0.05)
    green = shape.material((0.16, 0.42, 0.04), "leaf")
    r, y = 0.5, 0.0
    low = rng.uniform(0.13, 0.18)
    shape.part("lower bun").cone((0, 0, 0), (0, low, 0), r * 0.93, r * 0.98, bun, round=0.06)
    y = low

    def ruffle(name, m, waves, reach, thick):
        t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        edge = r * reach + 0.03 * np.sin(waves * t) + 0.015 * np.sin(2.3 * waves * t)
        outline = np.stack([np.cos(t) * edge, np.sin(t) * edge], 1)
        shape.part(name).plate((0, y + thick, 0), outline, thick, m, FLAT, round=thick * 0.5)
        return 2 * thick

    if rng.random() < 0.8:
        y += ruffle("lettuce", green, 11, 1.06, 0.017)
    for k in range(1 if rng.random() < 0.75 else 2):
        thick = rng.uniform(0.055, 0.075)
        shape.part(f"patty {k}").cone((0, y, 0), (0, y + 2 * thick, 0), r * 1.0, m=meat, round=thick * 0.8)
        y += 2 * thick
        if rng.random() < 0.8:
            square = 0.44
            cheese = shape.part(f"cheese {k}", blend=0.01)
            gold = shape.material((0.85, 0.5, 0.03), "plastic")
            spin = rng.uniform(0, 90)
            cheese.box((0, y + 0.012, 0), (square, 0.013, square), gold, turn(y=spin), round=0.01)
            for quarter in range(4):  # its corners hang down
                away = turn(y=spin + 45 + 90 * quarter)
                cheese.plate(
                    away @ (r * 1.02, y, 0),
                    [(-0.11, 0.02), (0.11, 0.02), (0.0, -0.11)],
                    0.01,
                    gold,
                    away @ turn(y=90),
                    round=0.006,
                )
            y += 0.025
    if rng.random() < 0.7:
        tomato = shape.material((0.6, 0.05, 0.02), "plastic")
        shape.part("tomato").cone((0, y, 0), (0, y + 0.05, 0), r * 0.95, m=tomato, round=0.015)
        y += 0.045
    if rng.random() < 0.5:
        y += ruffle("salad", green, 13, 1.03, 0.014)
    dome = rng.uniform(0.3, 0.4)
    profile = smooth_outline(
        [
            (0, 0),
            (r * 0.8, 0),
            (r * 0.98, 0.03),
            (r * 1.0, 0.1),
            (r * 0.82, dome * 0.72),
            (r * 0.45, dome * 0.96),
            (0, dome),
        ],
        closed=False,
    )
    shape.part("upper bun").lathe((0, y, 0), np.clip(profile, 0, None), bun)
    if rng.random() < 0.8:
        grain = shape.material((0.8, 0.68, 0.42), "skin")
        seeds = shape.part("sesame")
        over = profile[profile[:, 0].argmax() :]
        for _ in range(26):
            out, angle = r * 0.82 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
            top = np.interp(-out, -over[:, 0], over[:, 1])
            seeds.ellipsoid(
                (np.cos(angle) * out, y + top, np.sin(angle) * out),
                (0.03, 0.016, 0.02),
                grain,
                turn(y=rng.uniform(0, 180)),
            )


@family(
    "pizza", colours=("yellow", "red", "orange"), places=("studio", "kitchen", "studio", "kitchen", "grass", "snow")
)
def pizza(shape, rng, look):
    crust = shape.material((0.55, 0.3, 0.1), "skin", "mottle", (0.3, 0.13, 0.04), 0.12)
    cheese = shape.material(
        {"yellow": (0.82, 0.58, 0.14), "red": (0.58, 0.08, 0.03), "orange": (0.78, 0.32, 0.06)}[look.colour],
        "skin",
        "mottle",
        {"yellow": (0.75, 0.42, 0.1), "red": (0.75, 0.5, 0.2), "orange": (0.8, 0.5, 0.14)}[look.colour],
        0.14,
    )
    salami = shape.material((0.4, 0.045, 0.02) if look.colour != "red" else (0.25, 0.02, 0.015), "skin")
    olive, basil = shape.material((0.02, 0.02, 0.015), "plastic"), shape.material((0.06, 0.25, 0.03), "leaf")
    tilt = turn(z=-rng.uniform(22, 38))
    salamis, olives, leaves = shape.part("salami"), shape.part("olives"), shape.part("basil")
    slice_only = rng.random() < 0.35
    if slice_only:
        long, half = 1.0, np.radians(rng.uniform(17, 23))
        t = np.linspace(-half, half, 9)
        wedge = np.concatenate([[(0, 0)], np.stack([np.sin(t), np.cos(t)], 1) * long * 0.93]) - (0, 0.5)
        shape.part("cheese").plate((0, 0, 0), wedge * 0.99, 0.02, cheese, turn(x=90) @ turn(z=90), round=0.008)
        rim = np.stack([-np.cos(t) * 0.96 + 0.5, 0 * t + 0.015, np.sin(t) * 0.96], axis=1)
        shape.part("crust", blend=0.01).chain(rim, 0.055, crust)
        shape.part("base").plate((0, -0.02, 0), wedge, 0.014, crust, turn(x=90) @ turn(z=90), round=0.006)
        spots = [(0.18, 0.0), (-0.06, 0.1), (-0.12, -0.13), (-0.28, 0.08)]
    else:
        base = shape.part("base")
        base.cone((0, -0.03, 0), (0, 0.0, 0), 0.49, m=crust, round=0.01)
        shape.part("cheese").cone((0, -0.02, 0), (0, 0.018, 0), 0.45, m=cheese, round=0.008)
        shape.part("crust").ring((0, 0.006, 0), 0.462, 0.036, crust, turn(x=90))
        spots = [(0.31 * np.cos(a), 0.31 * np.sin(a)) for a in np.radians(np.arange(7) * 360 / 7 + rng.uniform(0, 50))]
        spots += [(0.1, 0.06), (-0.09, -0.1), (-0.06, 0.12)]
    for x, z in spots:
        at = np.array([x, 0.02, z]) + (rng.uniform(-0.02, 0.02), 0, rng.uniform(-0.02, 0.02))
        salamis.cone(at, at + (0, 0.014, 0), 0.068, m=salami, round=0.006)
    for _ in range(6):
        if slice_only:
            x = rng.uniform(-0.35, 0.2)
            z = rng.uniform(-1, 1) * (0.5 - x) * 0.25
        else:
            out, angle = 0.38 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
            x, z = out * np.cos(angle), out * np.sin(angle)
        if rng.random() < 0.55:
            olives.ring((x, 0.03, z), 0.024, 0.013, olive, turn(x=90))
        else:
            _leaf(leaves, (x, 0.034, z), turn(y=rng.uniform(0, 360)) @ (1, 0.15, 0), 0.11, 0.035, basil, 90)
    olives.ring((0.0, 0.03, 0.0), 0.024, 0.013, olive, turn(x=90))
    _leaf(leaves, (0.12, 0.034, -0.05), (0.5, 0.12, 0.6), 0.11, 0.035, basil, 90)
    if not slice_only:
        start = rng.uniform(0, 90)
        if rng.random() < 0.45:  # a slice is gone
            reach = np.radians(start) + np.radians(np.linspace(-22, 22, 5))
            gap = np.concatenate([[(0, 0)], np.stack([np.cos(reach), np.sin(reach)], 1) * 0.9])
            for part in shape.parts:
                part.plate((0, 0, 0), gap, 0.3, None, FLAT, carve=True)
        elif rng.random() < 0.7:
            cuts = shape.part("cuts")
            brown = shape.material((0.25, 0.1, 0.03))
            for k in range(4):
                cuts.box((0, 0.012, 0), (0.47, 0.01, 0.004), brown, turn(y=start + 45 * k))
    lean(shape, tilt)


@family(
    "jack-o-lantern",
    facing=True,
    colours=("orange", "orange", "orange", "white"),
    places=("night", "night", "night", "street", "grass", "forest", "studio"),
)
def jack_o_lantern(shape, rng, look):
    skin = shape.material(look.rgb, "skin")
    light = shape.material((1.0, 0.62, 0.1), "glow")
    stalk = shape.material((0.14, 0.12, 0.03), "wood")
    ribs, tall, fat = int(rng.integers(9, 13)), rng.uniform(0.3, 0.42), rng.uniform(0.2, 0.26)
    body = shape.part("pumpkin", blend=0.012)
    centre = 0.5 - fat
    for k in range(ribs):
        angle = 2 * np.pi * (k + 0.5) / ribs
        body.ellipsoid(
            (np.cos(angle) * centre, tall, np.sin(angle) * centre), (fat, tall * rng.uniform(0.97, 1.02), fat), skin
        )
    body.ellipsoid((0, tall, 0), (0.36, tall * 0.86, 0.36), skin)
    up = 2 * tall * 0.93
    bend = rng.uniform(-0.1, 0.1, 2)
    shape.part("stalk", blend=0.01).chain(
        [(0, up - 0.06, 0), (bend[0] * 0.4, up + 0.06, bend[1] * 0.4), (bend[0], up + rng.uniform(0.13, 0.2), bend[1])],
        (0.075, 0.05, 0.058),
        stalk,
    )

    def cut(z, y, outline):
        body.plate((0.45, y, z), outline, 0.26, light, FRONT, carve=True)

    apart, high = rng.uniform(0.16, 0.2), tall * rng.uniform(1.25, 1.35)
    s = rng.uniform(0.09, 0.12)
    style = rng.choice(["triangle", "evil", "round"], p=[0.5, 0.3, 0.2])
    eye = {
        "triangle": np.array([(-s, -s * 0.7), (s, -s * 0.7), (0, s * 0.9)]),
        "evil": np.array([(-s * 1.1, -s * 0.4), (s * 0.3, -s * 0.8), (s * 1.1, -s * 0.2), (-s * 1.1, s)]),
        "round": np.stack([np.cos(np.linspace(0, 6, 20)), np.sin(np.linspace(0, 6, 20))], 1) * s * 0.85,
    }[style]
    cut(-apart, high, eye)
    cut(apart, high, eye * (-1, 1))
    n = s * 0.6
    cut(0, tall * 0.98, [(-n, -n * 0.7), (n, -n * 0.7), (0, n)])
    wide, smile, thick = rng.uniform(0.26, 0.32), rng.uniform(0.05, 0.14), rng.uniform(0.1, 0.13)
    x = np.linspace(-wide, wide, 25)
    bow = smile * (x / wide) ** 2
    open_by = thick * np.sqrt(np.clip(1 - (x / wide) ** 2, 0, 1))
    teeth = int(rng.integers(2, 4))
    phase = (x / wide + 1) / 2 * (2 * teeth + 1)
    lower = bow - open_by + np.where((phase.astype(int) % 2 == 1), open_by * 0.75, 0)
    upper = bow + open_by * 0.25 - np.where((phase.astype(int) % 2 == 0) & (np.abs(x) < wide * 0.8), open_by * 0.45, 0)
    cut(
        0,
        tall * 0.58,
        np.concatenate([np.stack([x, lower], 1), np.stack([x, np.maximum(upper, lower + 0.012)], 1)[::-1]]),
    )


@family("bread", colours=("brown", "orange", "beige"), places=("studio", "kitchen", "studio", "kitchen", "grass"))
def bread(shape, rng, look):
    crust = shape.material(BUN[look.colour], "skin", "mottle", tuple(c * 0.75 for c in BUN[look.colour]), 0.12)
    crumb = shape.material((0.78, 0.6, 0.34), "matte")
    kind = rng.choice(["loaf", "round", "baguette"], p=[0.5, 0.25, 0.25])
    if kind == "loaf":  # a tin loaf along z, sliced at one end
        wide, high, long = rng.uniform(0.2, 0.25), rng.uniform(0.2, 0.26), rng.uniform(0.42, 0.55)
        face = smooth_outline(
            [
                (wide, 0.0),
                (wide * 0.98, high * 0.6),
                (wide * 1.18, high * 0.85),
                (wide * 1.1, high * 1.2),
                (wide * 0.6, high * 1.42),
                (0, high * 1.48),
                (-wide * 0.6, high * 1.42),
                (-wide * 1.1, high * 1.2),
                (-wide * 1.18, high * 0.85),
                (-wide * 0.98, high * 0.6),
                (-wide, 0.0),
                (0, 0.0),
            ],
            steps=4,
        )
        middle = face.mean(axis=0)
        inner = (face - middle) * 0.9 + middle
        shape.part("loaf").plate((0, 0, -0.12), face, long - 0.12, crust, round=0.02)
        shape.part("crumb").plate((0, 0, long - 0.24), inner, 0.028, crumb)
        z = long - 0.2
        for k in range(int(rng.integers(1, 4))):
            z += rng.uniform(0.075, 0.11)
            fall = turn(x=rng.uniform(8, 22) + 10 * k)
            shape.part(f"slice {k}").plate((0, 0, z), face, 0.024, crust, fall, round=0.006)
            shape.part(f"slice crumb {k}").plate((0, 0, z), inner, 0.033, crumb, fall)
            z += 0.05
        return
    body = shape.part("loaf", blend=0.004)
    if kind == "round":
        high = rng.uniform(0.24, 0.32)
        body.ellipsoid((0, 0.14, 0), (0.5, high, 0.5), crust)
        body.box((0, -0.5, 0), (1, 0.5, 1), crust, carve=True)
        cuts = shape.part("cuts")
        for z in (-0.2, 0.0, 0.2):
            cuts.ellipsoid(
                (0, 0.12 + high * np.sqrt(1 - (z / 0.5) ** 2), z),
                (0.24, 0.03, 0.045),
                crumb,
                turn(y=rng.uniform(-15, 15)),
            )
    else:
        thick = rng.uniform(0.1, 0.13)
        body.chain(
            [(0, thick * 0.8, z) for z in np.linspace(-0.62, 0.62, 7)],
            thick * np.array([0.55, 0.9, 1.0, 1.02, 1.0, 0.9, 0.55]),
            crust,
        )
        body.box((0, -0.48, 0), (1, 0.5, 2), crust, carve=True)
        cuts = shape.part("cuts")
        for z in np.linspace(-0.45, 0.45, 5):
            cuts.ellipsoid((0, thick * 1.72, z), (0.03, 0.025, 0.12), crumb, turn(y=32))


@family(
    "hotdog", colours=("brown", "orange", "beige"), places=("studio", "kitchen", "street", "grass", "studio", "beach")
)
def hotdog(shape, rng, look):
    bun = shape.material(BUN[look.colour], "skin")
    sausage = shape.material((0.42, 0.1, 0.035), "plastic")
    mustard = shape.material((0.85, 0.55, 0.02), "plastic")
    long, thick = rng.uniform(0.42, 0.5), rng.uniform(0.125, 0.15)
    halves = shape.part("bun", blend=0.004)
    for way in (1, -1):  # two halves that open upward and a little to the front
        halves.chain(
            [(0.015 + way * thick * 0.98, thick, z) for z in np.linspace(-long, long, 5)],
            thick * np.array([0.86, 1.0, 1.0, 1.0, 0.86]),
            bun,
        )
    halves.box((0, thick * 0.5, 0), (thick, thick * 0.5, long), bun, round=0.05)
    bend = rng.uniform(0.0, 0.05)
    z = np.linspace(-long - 0.13, long + 0.13, 7)
    y = thick * 1.55 + bend * (z / long) ** 2
    meat = shape.part("sausage")
    meat.chain(np.stack([0 * z, y, z], 1), thick * np.array([0.6, 0.72, 0.72, 0.72, 0.72, 0.72, 0.6]), sausage)
    count = 15
    z = np.linspace(-long * 0.9, long * 0.9, count)
    way = np.where(np.arange(count) % 2 == 0, 1, -1) * thick * 0.36
    y = thick * 1.55 + bend * (z / long) ** 2 + thick * 0.66
    shape.part("mustard").chain(np.stack([way, y, z], 1), 0.026, mustard)
    lean(shape, SIDE @ turn(z=-rng.uniform(0, 25)))


@family("pretzel", colours=("brown", "orange", "beige"), places=("studio", "kitchen", "studio", "kitchen", "grass"))
def pretzel(shape, rng, look):
    tint = {"brown": (0.3, 0.11, 0.03)}.get(look.colour, BUN[look.colour])
    dough, salt = shape.material(tint, "plastic"), shape.material((0.85, 0.84, 0.8), "stone")
    thick = rng.uniform(0.06, 0.085)
    # Half of the loop, as seen from the front: from the bottom middle round the side, over the top, to the crossing.
    half = smooth_outline(
        [
            (0.0, -0.36),
            (0.24, -0.32),
            (0.44, -0.08),
            (0.42, 0.22),
            (0.22, 0.34),
            (0.05, 0.22),
            (-0.04, 0.04),
            (-0.16, -0.14),
            (-0.26, -0.27),
        ],
        closed=False,
        steps=2,
    )
    grow = np.interp(np.linspace(0, 1, len(half)), [0, 0.3, 0.7, 1], [1.25, 1.1, 0.85, 0.6]) * thick
    depth = np.interp(np.linspace(0, 1, len(half)), [0, 0.6, 0.72, 0.85, 1], [0, 0, 0.45, 0.45, 0.9]) * thick
    for name, way in (("left arm", 1), ("right arm", -1)):
        x = depth if way > 0 else np.where(depth > thick * 0.5, depth, -depth * 0.4)
        shape.part(name).chain([(d, y, -way * z) for (z, y), d in zip(half, x, strict=True)], grow, dough)
    grains = shape.part("salt")
    for _ in range(16):
        k, way = int(rng.integers(0, len(half) - 6)), rng.choice([-1, 1])
        angle = rng.uniform(-50, 50)
        out = turn(y=angle) @ (grow[k] * 0.97, 0, 0)
        grains.box(
            np.array([0, half[k, 1], -way * half[k, 0]]) + out,
            (0.013, 0.013, 0.013),
            salt,
            turn(*rng.uniform(0, 90, 3)),
            round=0.003,
        )
    lean(shape, SIDE @ turn(z=rng.uniform(15, 40)))
