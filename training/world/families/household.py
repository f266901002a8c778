"""Things that stand about the house: candle, hourglass, alarm clock, bell, fan and teddy bear.

Units are free; the front of each thing faces +x.
"""

from __future__ import annotations

import numpy as np

from training.world.families import family
from training.world.families.parts import DARK, FRONT, IVORY, STEEL, arc, kind_of, lean, lighter
from training.world.sdf import smooth_outline, toward, turn


@family(
    "candle",
    colours=("white", "red", "yellow", "beige", "green", "blue", "purple", "orange", "pink"),
    places=("studio", "kitchen", "night", "studio", "night", "snow", "grass"),
)
def candle(shape, rng, look):
    wax = shape.material(look.rgb, "skin")
    wick, flame = shape.material(DARK), shape.material((1.0, 0.62, 0.12), "glow")
    core = shape.material((1.0, 0.9, 0.5), "glow")
    kind = rng.choice(["pillar", "taper", "holder"], p=[0.4, 0.25, 0.35])
    radius = rng.uniform(0.17, 0.26) if kind == "pillar" else rng.uniform(0.065, 0.09)
    high = rng.uniform(0.5, 0.95)
    body = shape.part("wax", blend=0.012)
    body.cone((0, 0, 0), (0, high, 0), radius * rng.uniform(1.0, 1.08), radius, wax, round=0.015)
    body.ellipsoid((0, high + 0.01, 0), (radius * 0.78, 0.035, radius * 0.78), wax, carve=True)
    for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(2, 6))):  # wax that ran down
        at = np.array([np.cos(angle), 0, np.sin(angle)]) * radius
        drop = high - rng.uniform(0.12, 0.45) * high
        body.limb(at * 0.97 + (0, high - 0.01, 0), at + (0, drop, 0), radius * 0.1 + 0.008, radius * 0.12 + 0.012, wax)
    fire = high + 0.075
    shape.part("wick").limb((0, high - 0.04, 0), (0, fire, 0), 0.009, m=wick)
    size = rng.uniform(0.05, 0.065)
    burning = shape.part("flame", blend=0.01)
    burning.limb((0, fire + 0.03, 0), (0.0, fire + 0.18, 0.0), size, 0.006, flame)
    burning.ball((0, fire + 0.02, 0), size * 0.95, core)
    if kind == "pillar":
        if rng.random() < 0.5:
            shape.part("dish").lathe(
                (0, -0.05, 0),
                [
                    (0, 0),
                    (radius * 1.2, 0),
                    (radius * 1.55, 0.05),
                    (radius * 1.5, 0.08),
                    (radius * 1.1, 0.045),
                    (0, 0.045),
                ],
                shape.material(DARK, "metal"),
            )
        return
    brass = shape.material((0.65, 0.4, 0.09) if rng.random() < 0.5 else DARK, "metal")
    stick = shape.part("candlestick", blend=0.01)
    if kind == "holder":  # a chamber stick: a saucer with a finger ring
        wide = rng.uniform(0.28, 0.36)
        stick.lathe(
            (0, -0.06, 0),
            [(0, 0), (wide * 0.8, 0), (wide, 0.07), (wide * 0.97, 0.1), (wide * 0.75, 0.04), (0, 0.04)],
            brass,
        )
        stick.cone((0, -0.03, 0), (0, 0.1, 0), radius * 1.35, m=brass, round=0.01)
        shape.part("finger ring").ring((0, 0.03, -wide - 0.07), 0.08, 0.02, brass, FRONT)
    else:
        down = rng.uniform(0.2, 0.4)
        stick.cone((0, -0.02, 0), (0, 0.06, 0), radius * 1.2, radius * 1.4, brass, round=0.01)
        stick.limb((0, -down, 0), (0, 0, 0), 0.035, 0.03, brass)
        stick.ball((0, -down * 0.5, 0), 0.06, brass)
        stick.cone((0, -down - 0.05, 0), (0, -down + 0.03, 0), 0.21, 0.06, brass, round=0.015)


@family(
    "hourglass",
    colours=("brown", "black", "red", "blue", "gold", "white", "green", "grey"),
    materials=("wood", "metal", "plastic"),
    places=("studio", "studio", "kitchen", "beach", "desert", "snow"),
)
def hourglass(shape, rng, look):
    frame = shape.material(look.rgb, kind_of(look, "wood"))
    glass = shape.material((0.6, 0.68, 0.7), "glass")
    sand = shape.material([(0.75, 0.5, 0.22), (0.8, 0.7, 0.5), (0.6, 0.25, 0.15)][rng.integers(3)])
    r, waist = rng.uniform(0.2, 0.24), 0.025
    bulb = smooth_outline(
        [
            (r * 0.7, 0.05),
            (r * 0.95, 0.12),
            (r, 0.22),
            (r * 0.75, 0.36),
            (waist * 1.5, 0.47),
            (waist, 0.5),
            (waist * 1.5, 0.53),
            (r * 0.75, 0.64),
            (r, 0.78),
            (r * 0.95, 0.88),
            (r * 0.7, 0.95),
        ],
        closed=False,
    )
    shape.part("glass").lathe((0, 0, 0), np.concatenate([[(0, 0.05)], bulb, [(0, 0.95)]]), glass)
    # Sand is a skin just outside the glass, which is drawn as if it were clear.
    run = rng.uniform(0.2, 0.8)
    for name, low, high in (("sand below", 0.05, 0.14 + 0.2 * run), ("sand above", 0.51, 0.8 - 0.2 * run)):
        level = bulb[(bulb[:, 1] >= low) & (bulb[:, 1] <= high)] + (0.006, 0)
        shape.part(name).lathe((0, 0, 0), np.concatenate([[(0, level[0, 1])], level, [(0, level[-1, 1])]]), sand)
    wide = r * rng.uniform(1.3, 1.5)
    discs = shape.part("discs")
    square = rng.random() < 0.25
    for y in (0.025, 0.975):
        if square:
            discs.box((0, y, 0), (wide, 0.035, wide), frame, round=0.012)
        else:
            discs.cone((0, y - 0.035, 0), (0, y + 0.035, 0), wide, m=frame, round=0.014)
    posts = shape.part("posts", blend=0.006)
    count = int(rng.integers(3, 5))
    turned, thick = rng.random() < 0.6, rng.uniform(0.025, 0.034)
    for angle in np.radians(np.arange(count) * 360 / count + 45):
        at = np.array([np.cos(angle), 0, np.sin(angle)]) * wide * (1.15 if square else 0.86)
        posts.cone(at + (0, 0.03, 0), at + (0, 0.97, 0), thick, m=frame)
        if turned:
            for y in (0.25, 0.5, 0.75):
                posts.ellipsoid(at + (0, y, 0), (thick * 1.45, 0.06, thick * 1.45), frame)


def _hand(part, angle, length, thick, x, m):
    """A clock's hand at `angle` degrees past twelve, on the face at x."""
    tip = np.array([0, np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
    part.box(np.array([x, 0, 0]) + tip * length * 0.42, (0.008, length * 0.58, thick), m, turn(x=-angle))


DIGITS = {
    1: "bc",
    2: "abged",
    3: "abgcd",
    4: "fgbc",
    5: "afgcd",
    6: "afgedc",
    7: "abc",
    8: "abcdefg",
    9: "abcdfg",
    0: "abcdef",
}  # the lit segments of a display, clockwise from the top, g in the middle


@family(
    "alarm_clock",
    facing=True,
    colours=(
        "red",
        "blue",
        "black",
        "white",
        "green",
        "yellow",
        "pink",
        "turquoise",
        "silver",
        "gold",
        "orange",
        "purple",
    ),
    materials=("metal", "plastic"),
    places=("studio", "studio", "kitchen", "grass", "snow", "night"),
)
def alarm_clock(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "metal"))
    black = shape.material(DARK, "plastic")
    if rng.random() < 0.1:  # a box with a lit display
        wide, high, deep = rng.uniform(0.48, 0.58), rng.uniform(0.22, 0.28), rng.uniform(0.18, 0.26)
        shape.part("case").box((0, high, 0), (deep, high, wide), body, round=0.05)
        shape.part("screen").box((deep - 0.01, high, 0), (0.02, high * 0.72, wide * 0.86), black, round=0.01)
        lit = shape.material([(1.0, 0.05, 0.02), (0.1, 1.0, 0.2), (0.2, 0.6, 1.0)][rng.integers(3)], "glow")
        digits = shape.part("digits")
        tall, across = high * 0.42, wide * 0.13
        x = deep + 0.015
        for where, digit in zip(
            (-0.62, -0.24, 0.24, 0.62), (1, rng.integers(3), rng.integers(6), rng.integers(10)), strict=True
        ):
            z = -where * wide
            for name in DIGITS[int(digit)]:
                dy, dz, flat = {
                    "a": (1, 0, 1),
                    "b": (0.5, -1, 0),
                    "c": (-0.5, -1, 0),
                    "d": (-1, 0, 1),
                    "e": (-0.5, 1, 0),
                    "f": (0.5, 1, 0),
                    "g": (0, 0, 1),
                }[name]
                digits.box(
                    (x, high + dy * tall, z + dz * across),
                    (0.01, 0.017 if flat else tall * 0.42, across * 0.8 if flat else 0.017),
                    lit,
                )
        for dy in (-0.4, 0.4):
            digits.ball((x, high + dy * tall, 0), 0.018, lit)
        shape.part("button").box((0, 2 * high, 0), (deep * 0.3, 0.03, wide * 0.35), black, round=0.02)
        return
    steel = shape.material(STEEL if look.colour != "silver" else (0.7, 0.45, 0.1), "metal")
    r, deep = 0.4, rng.uniform(0.12, 0.18)
    case = shape.part("case")
    case.cone((-deep, 0, 0), (deep, 0, 0), r * 0.97, r, body, round=0.04)
    case.cone((deep - 0.03, 0, 0), (deep + 0.03, 0, 0), r * 0.87, m=body, carve=True)
    pale = rng.random() < 0.5 or look.colour != "white"
    face = shape.material(IVORY if pale else DARK, "matte")
    ink = shape.material(DARK if pale else IVORY, "matte")
    shape.part("face").cone((0, 0, 0), (deep - 0.02, 0, 0), r * 0.88, m=face)
    x = deep - 0.02
    marks = shape.part("marks")
    for k in range(12):
        angle = np.radians(30 * k)
        long = 0.045 if k % 3 == 0 else 0.028
        marks.box(
            (x, np.cos(angle) * r * 0.74, -np.sin(angle) * r * 0.74),
            (0.008, long, 0.016 if k % 3 == 0 else 0.01),
            ink,
            turn(x=-30 * k),
        )
    hands = shape.part("hands")
    hour, minute = rng.uniform(0, 12), rng.uniform(0, 60)
    _hand(hands, hour * 30, r * 0.46, 0.018, x + 0.01, ink)
    _hand(hands, minute * 6, r * 0.68, 0.013, x + 0.016, ink)
    hands.cone((x, 0, 0), (x + 0.03, 0, 0), 0.028, m=ink)
    bells = shape.part("bells")
    apart, size = rng.uniform(33, 40), rng.uniform(0.15, 0.2)
    shiny = steel if rng.random() < 0.5 else body
    up = np.array([0, np.cos(np.radians(apart)), np.sin(np.radians(apart))])
    dome = arc((0, 0), (size, size * 0.85), 0, 90, 10)
    dome[-1, 0] = 0
    bells.lathe(up * (r + 0.06), np.concatenate([[(0, 0)], dome]), shiny, toward(up), mirror=True)
    bells.limb(up * r, up * (r + 0.06 + size * 0.95), 0.022, m=steel, mirror=True)
    hammer = shape.part("hammer")
    hammer.limb((0, r * 0.9, 0), (0, r + 0.13, 0), 0.012, m=steel)
    hammer.box((0, r + 0.15, 0), (0.03, 0.03, 0.045), steel, round=0.01)
    if rng.random() < 0.75:
        high = r + size + rng.uniform(0.12, 0.2)
        z = size * 0.9
        shape.part("handle").chain(
            [
                (0, r + size * 0.9, z * 1.5),
                (0, high - 0.02, z),
                (0, high + 0.03, 0),
                (0, high - 0.02, -z),
                (0, r + size * 0.9, -z * 1.5),
            ],
            0.02,
            steel,
        )
    feet = shape.part("feet")
    out = np.array([0, -np.cos(np.radians(33)), np.sin(np.radians(33))])
    feet.limb(out * (r - 0.03), out * (r + 0.13), 0.04, 0.025, shiny, mirror=True)
    feet.ball(out * (r + 0.14), 0.035, shiny, mirror=True)


@family(
    "bell",
    colours=("gold", "silver", "brown", "green", "black", "red"),
    materials=("metal",),
    places=("studio", "studio", "snow", "grass", "kitchen", "street"),
)
def bell(shape, rng, look):
    body = shape.material(look.rgb, "metal")
    wood = shape.material((0.14, 0.06, 0.025), "wood")
    kind = rng.choice(["church", "hand", "hung"], p=[0.35, 0.3, 0.35])
    high, mouth = rng.uniform(0.62, 0.78), rng.uniform(0.4, 0.47)
    crown = rng.uniform(0.19, 0.25)
    outside = smooth_outline(
        [
            (mouth, 0),
            (mouth * 0.93, 0.07),
            (mouth * 0.72, high * 0.3),
            (crown * 1.12, high * 0.7),
            (crown, high * 0.9),
            (crown * 0.6, high),
        ],
        closed=False,
    )
    inside = outside[:-6] - (0.045, 0)
    inside[0, 0] = mouth - 0.02
    profile = np.concatenate([[(0, high + 0.01)], outside[::-1], inside, [(0, high * 0.84)]])
    shape.part("bell").lathe((0, 0, 0), profile, body)
    rings = shape.part("rings")
    for y, swell in ((0.1, 0.007), (high * 0.82, 0.006), (high * 0.74, 0.004)):
        rings.ring((0, y, 0), np.interp(y, outside[:, 1], outside[:, 0]), 0.01 + swell, body, turn(x=90))
    clapper = shape.part("clapper")
    clapper.limb((0, high * 0.9, 0), (0, 0.0, 0), 0.018, 0.025, shape.material((0.06, 0.055, 0.05), "metal"))
    clapper.ball((0, -0.03, 0), 0.075, shape.material((0.06, 0.055, 0.05), "metal"))
    if kind == "hand":
        grip = shape.part("grip", blend=0.01)
        long = rng.uniform(0.4, 0.5)
        grip.chain(
            [(0, high, 0), (0, high + 0.06, 0), (0, high + long * 0.55, 0), (0, high + long, 0)],
            (0.045, 0.04, 0.075, 0.05),
            wood,
        )
        lean(shape, turn(x=rng.uniform(-25, 25), z=rng.uniform(0, 18)))
        return
    loop = shape.part("crown", blend=0.01)
    loop.ring((0, high + 0.06, 0), 0.085, 0.032, body, FRONT)
    if kind == "church":
        lean(shape, turn(x=rng.uniform(-14, 14), z=rng.uniform(4, 16)))
        return
    beam, post = shape.part("beam"), shape.part("posts")
    y, z, foot = high + 0.17, mouth + 0.12, -rng.uniform(0.2, 0.4)
    beam.box((0, y, 0), (0.055, 0.05, z + 0.1), wood, round=0.012)
    post.box((0, (y + foot) / 2, z), (0.045, (y - foot) / 2, 0.045), wood, round=0.01, mirror=True)
    post.box((0, foot + 0.035, z), (0.24, 0.035, 0.06), wood, round=0.01, mirror=True)


@family(
    "fan",
    facing=True,
    colours=("white", "black", "blue", "red", "green", "silver", "grey", "turquoise", "pink"),
    materials=("metal", "plastic"),
    places=("studio", "studio", "kitchen", "studio", "grass"),
)
def fan(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "plastic"))
    wing = shape.material(lighter(look.rgb, 0.3) if rng.random() < 0.6 else STEEL, "plastic")
    r, stem = rng.uniform(0.36, 0.42), rng.choice([rng.uniform(0.12, 0.2), rng.uniform(0.7, 1.0)], p=[0.7, 0.3])
    cage = shape.part("cage")
    deep = rng.uniform(0.09, 0.12)
    for x, size in ((0.0, 1.0), (deep, 0.8), (-deep, 0.8), (deep * 1.15, 0.45)):
        cage.ring((x, 0, 0), r * size, 0.014 if size == 1 else 0.008, body, FRONT)
    wires = shape.part("wires")
    for angle in np.arange(10) * 36.0:
        way = np.array([0, np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        wires.chain([(deep * 1.2, *way[1:] * 0.06), (deep, *way[1:] * r * 0.8), (0, *way[1:] * r)], 0.0065, body)
    for angle in np.arange(5) * 72.0:
        way = np.array([0, np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        wires.limb((-deep, *way[1:] * r * 0.8), (0, *way[1:] * r), 0.0065, m=body)
    shape.part("badge").cone((deep, 0, 0), (deep * 1.4, 0, 0), 0.075, m=body, round=0.008)
    blades = shape.part("blades")
    count, spin = int(rng.integers(3, 6)), rng.uniform(0, 90)
    leaf = smooth_outline(
        [
            (0.02, 0.03),
            (0.1, r * 0.45),
            (0.12, r * 0.75),
            (0.02, r * 0.88),
            (-0.09, r * 0.75),
            (-0.05, r * 0.4),
            (-0.02, 0.03),
        ]
    )
    for k in range(count):
        blades.plate((0, 0, 0), leaf, 0.006, wing, turn(x=spin + 360 * k / count) @ FRONT @ turn(y=22), round=0.003)
    blades.cone((-deep * 0.5, 0, 0), (deep * 0.8, 0, 0), 0.06, m=body)
    motor = shape.part("motor", blend=0.01)
    motor.cone((-deep - 0.16, 0, 0), (-deep * 0.7, 0, 0), 0.07, 0.11, body, round=0.03)
    pole = shape.part("stand", blend=0.01)
    foot = -r - stem
    pole.limb((-deep - 0.07, -0.06, 0), (-deep - 0.06, foot + 0.05, 0), 0.03, 0.04, body)
    wide = rng.uniform(0.22, 0.28)
    shape.part("foot").cone(
        (-deep + 0.03, foot, 0), (-deep + 0.03, foot + 0.06, 0), wide, wide * 0.85, body, round=0.02
    )
    if stem < 0.5:
        knobs = shape.part("buttons")
        for k in range(3):
            knobs.ball((-deep + 0.03 + wide * 0.62, foot + 0.065, (k - 1) * 0.07), 0.024, wing)


@family(
    "teddy_bear",
    colours=("brown", "beige", "white", "pink", "blue", "grey", "yellow", "black", "purple"),
    places=("studio", "studio", "grass", "kitchen", "snow", "beach", "street"),
)
def teddy_bear(shape, rng, look):
    fur = shape.material(look.rgb, "fur")
    pale = shape.material(lighter(look.rgb, 0.45), "fur")
    black = shape.material((0.01, 0.01, 0.01), "plastic")
    thread = shape.material((0.03, 0.02, 0.015), "fabric")
    fat, head = rng.uniform(0.2, 0.25), rng.uniform(0.19, 0.23)
    torso = shape.part("torso", blend=0.02)
    torso.ellipsoid((0, 0.27, 0), (fat * 0.92, 0.27, fat), fur)
    belly = shape.part("belly")
    belly.ellipsoid((0.05, 0.25, 0), (fat * 0.92 - 0.035, 0.2, fat * 0.76), pale)
    seam = shape.part("seam")
    front = fat * 0.92 + 0.017
    seam.chain(
        [(front - 0.065, 0.4, 0), (front - 0.012, 0.32, 0), (front, 0.25, 0), (front - 0.018, 0.16, 0)], 0.008, thread
    )
    for y in (0.3, 0.235, 0.17):
        seam.limb((front - 0.012, y, -0.022), (front - 0.012, y, 0.022), 0.007, m=thread)
    y = 0.5 + head * 0.72
    skull = shape.part("head", blend=0.02)
    skull.ellipsoid((0, y, 0), (head * 0.95, head * 0.95, head * 1.06), fur)
    size = rng.uniform(0.07, 0.095)
    ears = shape.part("ears")
    ears.ellipsoid((-0.01, y + head * 0.78, head * 0.82), (0.045, size, size), fur, mirror=True)
    shape.part("ear lining").ellipsoid(
        (0.028, y + head * 0.78, head * 0.82), (0.018, size * 0.6, size * 0.6), pale, mirror=True
    )
    muzzle = shape.part("muzzle", blend=0.01)
    snout = rng.uniform(0.08, 0.11)
    muzzle.ellipsoid((head * 0.9, y - head * 0.25, 0), (snout, snout * 0.82, snout * 1.1), pale)
    tip = head * 0.9 + snout
    nose = shape.part("nose", blend=0.006)
    nose.ellipsoid((tip - 0.012, y - head * 0.25 + snout * 0.42, 0), (0.026, 0.026, 0.04), black)
    mouth = shape.part("mouth")
    low = y - head * 0.25
    mouth.chain(
        [(tip - 0.005, low + 0.02, 0), (tip + 0.0, low - 0.012, 0), (tip - 0.014, low - 0.038, 0.035)],
        0.007,
        thread,
        mirror=True,
    )
    shape.part("eyes").ball((head * 0.86, y + head * 0.2, head * 0.4), 0.028, black, mirror=True)
    arms = shape.part("arms", blend=0.02)
    swing = rng.uniform(-0.06, 0.12)
    arms.chain(
        [(0.02, 0.44, fat * 0.8), (0.06, 0.32 + swing * 0.5, fat + 0.1), (0.15, 0.22 + swing, fat + 0.13)],
        (0.075, 0.075, 0.085),
        fur,
        mirror=True,
    )
    legs = shape.part("legs", blend=0.02)
    out = rng.uniform(0.13, 0.2)
    legs.limb((0.04, 0.1, fat * 0.6), (0.32, 0.095, out + 0.06), 0.105, 0.095, fur, mirror=True)
    legs.ellipsoid((0.36, 0.13, out + 0.07), (0.065, 0.125, 0.1), fur, mirror=True)
    shape.part("pads").ellipsoid((0.415, 0.13, out + 0.07), (0.022, 0.09, 0.07), pale, mirror=True)
    if rng.random() < 0.5:
        silk = shape.material([(0.55, 0.02, 0.04), (0.03, 0.1, 0.5), (0.05, 0.3, 0.1)][rng.integers(3)], "fabric")
        bow, y = shape.part("bow"), 0.5
        x = head * 0.62 + 0.06
        bow.limb((x, y - 0.03, 0.015), (x - 0.01, y - 0.03, 0.11), 0.018, 0.055, silk, mirror=True)
        bow.ball((x + 0.01, y - 0.03, 0), 0.03, silk)
