"""Fish, shark, sea turtle, snail and butterfly."""

from __future__ import annotations

import numpy as np

from training.world.families import COLOURS, Habit, family
from training.world.families.anatomy import DARK, IVORY, WHITE, band, curve, dark_eyes, glossy, mix, place, skin
from training.world.sdf import Shape, smooth_outline, turn

ASIDE = np.array([[0, 0, 1.0]])


def _on_side(body, points, proud: float) -> np.ndarray:
    """Points (n, 3) inside a body, moved out along +z until they stand `proud` of its surface."""
    points = np.asarray(points, float)
    return points * (1, 1, 0) + (skin(body, points * (1, 1, 0), ASIDE) + proud)[:, None] * ASIDE


@family(
    "fish",
    colours=("orange", "yellow", "silver", "grey", "brown", "green", "blue", "red"),
    places=("water",),
    stance="air",
    habit=Habit(fill=(0.75, 0.98), elevation=(-8, 10), sides=(0.2, 0.8, 0.0, 0.0, 0.0)),
)
def fish(shape: Shape, rng: np.random.Generator, look) -> None:
    kind = rng.integers(4)  # carp, goldfish, angelfish, clownfish
    deep, wide = ((0.2, 0.12), (0.24, 0.16), (0.34, 0.1), (0.22, 0.13))[kind]
    deep *= rng.uniform(0.9, 1.1)
    natural = mix(look.rgb, (0.30, 0.27, 0.20), 0.45 if kind < 2 else 0.2)
    spotted = "spots" if rng.random() < 0.4 else "plain"
    scales = shape.material(natural, "scales", spotted, mix(natural, DARK, 0.5), 0.04)
    fin = shape.material(
        mix(natural, (WHITE, DARK, COLOURS["yellow"])[rng.integers(3)], 0.35),
        "skin",
        "stripes",
        mix(natural, DARK, 0.4),
        0.022,
    )
    back, pale = shape.material(mix(natural, DARK, 0.55), "scales"), shape.material(mix(natural, WHITE, 0.6), "scales")
    body = shape.part("body", 0.025)
    body.ellipsoid((0.04, 0, 0), (0.4, deep, wide), scales)
    body.ellipsoid((0.04, deep * 0.4, 0), (0.34, deep * 0.58, wide * 0.75), back)
    body.ellipsoid((0.06, -deep * 0.24, 0), (0.33, deep * 0.78, wide * 0.92), pale)
    body.ellipsoid((-0.3, 0.01, 0), (0.2, deep * 0.4, wide * 0.5), scales)
    body.ellipsoid((0.36, -0.02, 0), (0.12, deep * 0.4, wide * 0.55), scales)
    sway, far = turn(y=rng.uniform(-18, 18)), 0.42 if kind == 1 else 0.3
    tail = smooth_outline(
        [
            (0.04, 0.05),
            (-far * 0.6, deep * 0.75),
            (-far, deep * 0.95),
            (-far * 0.72, 0.02),
            (-far, -deep * 0.95),
            (-far * 0.6, -deep * 0.75),
            (0.04, -0.05),
        ],
        steps=4,
    )
    shape.part("tail").plate((-0.44, 0.01, 0), tail, 0.012, fin, sway, round=0.008)
    tall = (0.12, 0.16, 0.34, 0.1)[kind] * rng.uniform(0.85, 1.2)
    sweep = 1.0 if kind == 2 else 0.6
    top = smooth_outline(
        [(0.2, -0.08), (0.14, tall * 0.55), (0.0, tall * 0.9), (-0.22, tall * sweep), (-0.2, -0.05)], steps=4
    )
    low = smooth_outline([(0.1, 0.05), (0.0, -tall * 0.4), (-0.18, -tall * sweep * 0.9), (-0.14, 0.05)], steps=4)
    fins = shape.part("fins")
    fins.plate((0.02, deep * 0.92, 0), top, 0.009, fin, round=0.007)
    fins.plate((-0.08, -deep * 0.9, 0), low, 0.009, fin, round=0.007)
    side = smooth_outline([(0, 0.03), (-0.1, 0.07), (-0.2, 0.02), (-0.17, -0.07), (-0.06, -0.06)], steps=4)
    shape.part("side fins").plate(
        (0.14, -deep * 0.15, wide * 0.9), side, 0.008, fin, turn(y=-35) @ turn(z=-18), round=0.006, mirror=True
    )
    angle = np.radians(np.linspace(130, 235, 7))
    arc = np.stack([0.3 + 0.15 * np.cos(angle), deep * 0.62 * np.sin(angle), 0 * angle], axis=1)
    shape.part("gills").chain(
        _on_side(body, arc, -0.002), 0.009, shape.material(mix(look.rgb, DARK, 0.6), "scales"), mirror=True
    )
    if kind == 3 or (kind != 1 and rng.random() < 0.4):
        stripe = shape.material(WHITE if look.colour not in ("silver", "yellow") else DARK, "scales")
        bands = shape.part("bands")
        for x in (0.19, -0.06, -0.29):
            band(bands, body, (x, 0, 0), turn(y=90), 0.022, stripe)
    at = _on_side(body, [(0.32, deep * 0.2, 0)], 0)[0]
    shape.part("eyes").ellipsoid(
        at - (0, 0, 0.012), (0.045, 0.045, 0.026), glossy(shape, (0.42, 0.34, 0.14)), mirror=True
    )
    shape.part("pupils").ellipsoid(at + (0, 0, 0.003), (0.03, 0.03, 0.02), glossy(shape), mirror=True)
    lips = shape.part("mouth", 0.01)
    lips.limb((0.475, -0.005, -0.02), (0.475, -0.005, 0.02), 0.02, 0.02, fin)
    lips.limb((0.46, -0.045, -0.018), (0.46, -0.045, 0.018), 0.017, 0.017, fin)


@family("shark", colours=("grey", "blue"), places=("water", "water", "studio"), stance="air")
def shark(shape: Shape, rng: np.random.Generator, look) -> None:
    stout, bend = rng.uniform(0.85, 1.15), rng.uniform(-0.08, 0.08)
    back, pale = shape.material(look.rgb, "skin"), shape.material(mix(look.rgb, WHITE, 0.85), "skin")
    body = shape.part("body", 0.02)
    spine = curve([(0.5, 0, 0), (0.25, 0, 0), (-0.1, 0, bend * 0.1), (-0.4, 0.01, bend), (-0.68, 0.03, bend * 2.6)])
    body.chain(spine, np.array([0.055, 0.095, 0.12, 0.13, 0.122, 0.105, 0.078, 0.052, 0.032]) * stout, back)
    body.limb((0.5, 0, 0), (0.68, 0.015, 0), 0.075 * stout, 0.022, back)
    body.chain(spine[1:6] - (0, 0.035 * stout, 0), np.array([0.075, 0.098, 0.11, 0.104, 0.082]) * stout, pale)
    fins = shape.part("fins")
    dorsal = smooth_outline(
        [(0.14, -0.06), (0.06, 0.08), (-0.08, 0.25), (-0.1, 0.24), (-0.06, 0.08), (-0.1, -0.06)], steps=4
    )
    fins.plate((0.04, 0.12 * stout, 0), dorsal, 0.012, back, round=0.009)
    fins.plate((-0.42, 0.05, bend), dorsal * 0.32, 0.006, back, round=0.006)
    sweep = smooth_outline(
        [(0.12, -0.03), (0.02, 0.12), (-0.14, 0.34), (-0.18, 0.33), (-0.11, 0.12), (-0.1, -0.03)], steps=4
    )
    fins.plate((-0.36, -0.07, 0.02), sweep * 0.38, 0.006, back, turn(x=125), round=0.006, mirror=True)
    shape.part("side fins").plate(
        (0.18, -0.06 * stout, 0.08 * stout),
        sweep,
        0.011,
        back,
        turn(x=90 + rng.uniform(12, 32)),
        round=0.009,
        mirror=True,
    )
    caudal = smooth_outline(
        [
            (0.06, 0.03),
            (-0.1, 0.16),
            (-0.25, 0.34),
            (-0.28, 0.32),
            (-0.17, 0.08),
            (-0.12, 0.0),
            (-0.2, -0.17),
            (-0.18, -0.19),
            (-0.06, -0.1),
            (0.05, -0.03),
        ],
        steps=4,
    )
    shape.part("tail").plate(spine[-1] + (0.01, 0, 0), caudal, 0.01, back, turn(y=bend * 250), round=0.008)
    gill, slits = shape.material(mix(look.rgb, DARK, 0.75), "skin"), shape.part("gills")
    for x in 0.29 - 0.032 * np.arange(4):
        slit = np.array([(x, 0.035, 0), (x - 0.01, 0.0, 0), (x, -0.035, 0)]) * (1, stout, 1)
        slits.chain(_on_side(body, slit, -0.003), 0.006, gill, mirror=True)
    line = np.array([(0.57, 0, 0.0), (0.53, 0, 0.035 * stout), (0.45, 0, 0.066 * stout)])
    line[:, 1] = 0.006 - skin(body, line, np.array([[0, -1.0, 0]]))
    shape.part("mouth", 0.004).chain(line, 0.014, shape.material((0.25, 0.05, 0.05), "skin"), mirror=True)
    teeth, ivory = shape.part("teeth"), shape.material(WHITE, "ceramic")
    for t in (0.12, 0.45, 0.8, 1.2, 1.6):
        tooth = line[int(t)] * (1 - t % 1) + line[int(t) + 1] * (t % 1)
        teeth.limb(tooth - (0, 0.006, 0), tooth - (0, 0.028, -0.004), 0.01, 0.002, ivory, mirror=True)
    shape.part("eyes").ball(_on_side(body, [(0.5, 0.018 * stout, 0)], -0.006)[0], 0.018, glossy(shape), mirror=True)


@family("sea_turtle", colours=("green", "brown", "beige"), places=("water", "water", "studio"), stance="air")
def sea_turtle(shape: Shape, rng: np.random.Generator, look) -> None:
    long, dome, wide = 0.4, rng.uniform(0.17, 0.21), rng.uniform(0.29, 0.35)
    seam = shape.material(mix(look.rgb, IVORY, 0.55), "scales")
    plate = shape.material(mix(look.rgb, DARK, 0.25), "scales", "mottle", mix(look.rgb, IVORY, 0.35), 0.07)
    hide = shape.material(look.rgb, "scales", "spots", mix(look.rgb, DARK, 0.6), 0.035)
    under = shape.material(mix(look.rgb, IVORY, 0.8), "skin")
    shell = shape.part("shell", 0.02)
    shell.ellipsoid((0, 0, 0), (long, dome, wide), seam)
    shell.ellipsoid((0, -0.01, 0), (long + 0.045, 0.045, wide + 0.045), seam)
    shell.box((0, -0.22, 0), (0.6, 0.2, 0.6), under, carve=True)
    shape.part("belly").ellipsoid((0, -0.02, 0), (long * 0.92, 0.06, wide * 0.9), under)
    scutes = shape.part("scutes")
    hexagon = np.stack([np.cos(np.arange(6) * np.pi / 3), np.sin(np.arange(6) * np.pi / 3)], axis=1)

    def scute(x, z, size):
        up = dome * np.sqrt(1 - (x / long) ** 2 - (z / wide) ** 2)
        normal = np.array([x / long**2, up / dome**2, z / wide**2])
        normal /= np.linalg.norm(normal)
        ahead = np.array([normal[1], -normal[0], 0]) / np.hypot(*normal[:2])
        frame = np.stack([ahead, np.cross(normal, ahead), normal], axis=1)
        scutes.plate(np.array([x, up, z]) - normal * 0.012, hexagon * size, 0.016, plate, frame, round=0.008)

    for x, size in ((-0.27, 0.08), (-0.09, 0.1), (0.09, 0.1), (0.26, 0.08)):
        scute(x, 0.0, (size, 0.07))
    for x, out in ((-0.19, 0.53), (0.0, 0.58), (0.19, 0.53)):
        for side in (-1, 1):
            scute(x, side * wide * out, (0.088, 0.075))
    flipper = smooth_outline(
        [(-0.05, 0), (0.07, 0.04), (0.11, 0.2), (0.03, 0.4), (-0.1, 0.56), (-0.15, 0.54), (-0.1, 0.34), (-0.09, 0.15)],
        steps=4,
    )
    limbs = shape.part("flippers")
    limbs.plate(
        (0.26, -0.03, wide * 0.62),
        flipper,
        0.016,
        hide,
        turn(x=90 - rng.uniform(-22, 22)) @ turn(z=rng.uniform(-25, 20)),
        round=0.014,
        mirror=True,
    )
    limbs.plate(
        (-0.3, -0.03, wide * 0.5),
        flipper * (0.85, 0.55),
        0.013,
        hide,
        turn(x=90) @ turn(z=48),
        round=0.012,
        mirror=True,
    )
    shape.part("tail").limb((-0.38, -0.02, 0), (-0.52, -0.03, 0), 0.04, 0.01, hide)
    shape.part("neck").limb((0.32, -0.01, 0), (0.5, 0.04, 0), 0.085, 0.07, hide)
    first = len(shape.parts)
    head = shape.part("head", 0.1)
    head.ellipsoid((0, 0, 0), (1.05, 0.78, 0.8), hide)
    head.limb((0.5, -0.12, 0), (0.95, -0.25, 0), 0.55, 0.3, hide)
    shape.part("beak", 0.05).limb((1.0, -0.2, 0), (1.22, -0.42, 0), 0.26, 0.1, under)
    dark_eyes(shape, (0.5, 0.15, 0.6), 0.19)
    place(shape.parts[first:], (0.56, 0.06, 0), turn(y=rng.uniform(-30, 30)) @ turn(z=rng.uniform(-8, 12)), 0.115)
    place(shape.parts, turned=turn(x=rng.uniform(-15, 15)) @ turn(z=rng.uniform(-6, 14)))


@family(
    "snail",
    colours=("brown", "beige", "yellow", "orange", "grey", "pink"),
    places=("grass", "forest", "studio", "street", "beach"),
)
def snail(shape: Shape, rng: np.random.Generator, look) -> None:
    shell = shape.material(look.rgb, "ceramic", "mottle", mix(look.rgb, DARK, 0.3), 0.08)
    line = shape.material(mix(look.rgb, DARK, 0.65), "ceramic")
    flesh = shape.material(mix((0.42, 0.33, 0.22), look.rgb, 0.2) if rng.random() < 0.6 else (0.16, 0.14, 0.12), "skin")
    foot = shape.part("foot", 0.02)
    foot.chain(
        curve([(-0.48, 0.025, 0), (-0.3, 0.06, 0), (0.1, 0.08, 0), (0.35, 0.09, 0)]),
        [0.02, 0.045, 0.07, 0.085, 0.09, 0.09, 0.085],
        flesh,
    )
    foot.ellipsoid((-0.05, 0.04, 0), (0.5, 0.045, 0.11), flesh)
    rise = rng.uniform(0.14, 0.26)
    head = np.array([0.52, 0.1 + rise, 0])
    foot.chain([(0.33, 0.09, 0), (0.46, 0.14 + rise * 0.4, 0), head], [0.095, 0.08, 0.075], flesh)
    horns, tip = shape.part("horns"), head + (0.1, rng.uniform(0.16, 0.22), rng.uniform(0.06, 0.11))
    horns.limb(head + (0.03, 0.04, 0.03), tip, 0.024, 0.016, flesh, mirror=True)
    horns.limb(head + (0.05, -0.03, 0.035), head + (0.15, -0.02, 0.06), 0.019, 0.012, flesh, mirror=True)
    shape.part("eyes").ball(tip, 0.026, glossy(shape), mirror=True)

    # The shell is a tube on a spiral that doubles with every turn; its inner turns bulge out to both sides. The seam
    # runs where the tube meets its next inner turn.
    turns, big = rng.uniform(2.2, 2.8), rng.uniform(1.05, 1.25)
    angle = np.linspace(0, turns * 2 * np.pi, int(turns * 9))
    growth = 2.0 ** ((angle - angle[-1]) / (2 * np.pi))
    phase = angle - angle[-1] - np.radians(62)  # the mouth meets the foot
    circle = np.stack([np.cos(phase), np.sin(phase)], axis=1)
    radius, tube, side = 0.2 * growth, 0.092 * growth, 0.02 + 0.12 * (1 - growth)
    centre = np.array([-0.1, 0.36, 0])
    spiral = np.concatenate([circle * radius[:, None], side[:, None]], axis=1)
    whorl = shape.part("shell", 0.009)
    whorl.chain(centre + spiral * big, tube * big, shell, mirror=True)
    whorl.ellipsoid(centre, (0.17 * big, 0.17 * big, 0.1 * big), shell)
    gap = np.stack([-radius / 2, 0.06 * growth], axis=1)  # from the tube's centre to that of the inner turn
    far = np.linalg.norm(gap, axis=1)
    along = (far**2 + 0.75 * tube**2) / (2 * far)
    off = np.sqrt(np.maximum(tube**2 - along**2, 0)) - 0.004
    meet = (gap * along[:, None] + np.stack([gap[:, 1], -gap[:, 0]], axis=1) * off[:, None]) / far[:, None]
    seam = np.concatenate([circle * (radius + meet[:, 0])[:, None], (side + meet[:, 1])[:, None]], axis=1)
    shape.part("seam", 0.002).chain(centre + seam[4:] * big, 0.013 * growth[4:] ** 0.5, line, mirror=True)


@family(
    "butterfly",
    colours=("orange", "yellow", "blue", "red", "purple", "white", "green", "pink"),
    places=("grass", "forest", "sky", "studio"),
    stance="air",
)
def butterfly(shape: Shape, rng: np.random.Generator, look) -> None:
    lift, tailed = rng.uniform(8, 62), rng.random() < 0.35
    membrane = shape.material(look.rgb, "matte")
    edge = shape.material(DARK if rng.random() < 0.8 else mix(look.rgb, DARK, 0.7), "matte")
    dot = shape.material((WHITE, COLOURS["yellow"], COLOURS["turquoise"], COLOURS["red"])[rng.integers(4)], "matte")
    hair = shape.material(DARK, "fur")
    trunk = shape.part("body", 0.01)
    trunk.limb((0.06, 0, 0), (-0.3, -0.02, 0), 0.045, 0.022, hair)
    trunk.ellipsoid((0.05, 0.01, 0), (0.09, 0.055, 0.053), hair)
    trunk.ball((0.17, 0.015, 0), 0.048, hair)
    shape.part("eyes").ball((0.19, 0.025, 0.03), 0.024, glossy(shape), mirror=True)
    feelers = shape.part("feelers")
    feelers.chain([(0.19, 0.04, 0.015), (0.3, 0.09, 0.07), (0.38, 0.1, 0.13)], 0.009, hair, mirror=True)
    feelers.ball((0.385, 0.1, 0.133), 0.018, hair, mirror=True)

    long, lobe, tip = rng.uniform(0.6, 0.75), rng.uniform(0.85, 1.15), 0.2 if tailed else 0.0
    fore = smooth_outline(
        [
            (0.03, 0),
            (0.18, 0.2),
            (0.33 * lobe, long * 0.8),
            (0.27 * lobe, long),
            (0.06, long * 0.9),
            (-0.08, long * 0.52),
            (-0.06, 0.08),
        ],
        steps=3,
    )
    hind = smooth_outline(
        [
            (0.0, 0.02),
            (-0.02, 0.36),
            (-0.14, 0.48),
            (-0.32, 0.44),
            (-0.4 - tip, 0.26 + 0.5 * tip),
            (-0.38, 0.16),
            (-0.24, 0.05),
        ],
        steps=3,
    )
    frame = turn(x=90 - lift)  # an outline's y points to the right and up
    wings, panels, dots = shape.part("wings"), shape.part("panels"), shape.part("dots")

    def at(x, y, z):
        return frame @ np.array([x, y, z]) + (0, 0.02, 0)

    wings.plate(at(0, 0, 0.004), fore, 0.006, edge, frame, mirror=True)
    wings.plate(at(0, 0, -0.006), hind, 0.006, edge, frame, mirror=True)
    # Veins are what the panels leave free.
    middle = fore.mean(axis=0)
    for share, shift in (
        (0.52, (-0.015, -0.2 * long)),
        (0.38, (-0.045 * lobe, 0.15 * long)),
        (0.36, (0.075 * lobe, 0.1 * long)),
    ):
        panels.plate(at(*(middle + shift), 0.004), (fore - middle) * share, 0.0105, membrane, frame, mirror=True)
    middle = hind.mean(axis=0)
    for share, shift in ((0.4, (0.07, 0.05)), (0.46, (-0.05, -0.05)), (0.3, (-0.05, 0.11))):
        panels.plate(at(*(middle + shift), -0.006), (hind - middle) * share, 0.0105, membrane, frame, mirror=True)
    for size, z, spots in (
        (0.022, 0.004, ((0.25 * lobe, long * 0.94), (0.14, long * 0.95), (0.3 * lobe, long * 0.82))),
        (0.026, -0.006, ((-0.2, 0.43), (-0.31, 0.38), (-0.36, 0.29))),
    ):
        for x, y in spots:
            dots.ellipsoid(at(x, y, z), (size, size, 0.016), dot, frame, mirror=True)
    place(shape.parts, turned=turn(z=rng.uniform(15, 65)))
