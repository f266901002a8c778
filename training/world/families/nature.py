"""Plants and things of the open air, as parametric solids: trees, flowers, mushrooms and volcanoes."""

from __future__ import annotations

import numpy as np

from training.world.families import Habit, Look, family
from training.world.sdf import Part, Shape, toward, turn

LEAFY = (0.05, 0.20, 0.03)


def _around(rng: np.random.Generator, n: int, wobble: float = 0.3) -> np.ndarray:
    """(n,) angles in radians around the circle, evenly but for a wobble of so many steps."""
    return (np.arange(n) + rng.uniform(-wobble, wobble, n)) * 2 * np.pi / n + rng.uniform(0, 2 * np.pi)


@family(
    "tree",
    colours=("green", "green", "green", "orange", "yellow", "red", "pink"),
    places=("grass", "snow", "desert", "beach", "street", "night"),
)
def tree(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["broadleaf", "broadleaf", "fir", "palm", "poplar"])
    shade = tuple(0.55 * c for c in look.rgb)
    leaf = shape.material(look.rgb, "leaf", "mottle", shade, 0.018)
    bark = shape.material((0.13, 0.075, 0.04), "wood", "stripes", (0.07, 0.04, 0.02), 0.02)
    {"broadleaf": _broadleaf, "fir": _fir, "palm": _palm, "poplar": _poplar}[kind](shape, rng, leaf, bark)


def _broadleaf(shape: Shape, rng: np.random.Generator, leaf: int, bark: int) -> None:
    trunk, crown = shape.part("trunk", 0.12), shape.part("crown", 0.14)
    bare = rng.uniform(1.3, 2.1)  # height of the lowest branch
    r = rng.uniform(0.22, 0.34)
    wide, tall = rng.uniform(2.2, 3.0), rng.uniform(1.7, 2.6)
    lean = rng.uniform(-0.25, 0.25, 2)
    fork = np.array([lean[0], bare, lean[1]])
    trunk.limb((0, 0, 0), fork, r, r * 0.75, m=bark)
    for a in _around(rng, 5):
        trunk.limb((0, 0.1, 0), (r * 1.7 * np.cos(a), 0, r * 1.7 * np.sin(a)), r * 0.45, r * 0.2, m=bark)
    middle = fork + (0, tall * 0.85, 0)
    for a in _around(rng, 5):
        tip = middle + np.array([wide * 0.6 * np.cos(a), rng.uniform(-0.3, 0.3) * tall, wide * 0.6 * np.sin(a)])
        trunk.chain([fork, (fork + tip) / 2 + (0, -0.1, 0), tip], [r * 0.55, r * 0.35, r * 0.15], bark)
    # Clumps over the crown's ellipsoid (a Fibonacci lattice), none below, about a core that closes the gaps.
    crown.ellipsoid(middle + (0, tall * 0.1, 0), (wide * 0.74, tall * 0.66, wide * 0.74), leaf)
    n = int(rng.integers(40, 50))
    for i in range(n):
        y = 1 - 1.65 * (i + 0.5) / n
        a = i * 2.399963 + rng.uniform(-0.3, 0.3)
        out = np.sqrt(1 - min(y * y, 1))
        at = middle + np.array([wide * out * np.cos(a), tall * y, wide * out * np.sin(a)]) * rng.uniform(0.72, 0.96)
        size = rng.choice([0.14, 0.19, 0.25]) * rng.uniform(0.9, 1.15) * (wide + tall) / 2
        crown.ellipsoid(at, (size, size * rng.uniform(0.65, 0.85), size), leaf)


def _poplar(shape: Shape, rng: np.random.Generator, leaf: int, bark: int) -> None:
    trunk, crown = shape.part("trunk"), shape.part("crown", 0.08)
    tall, wide = rng.uniform(7.0, 8.5), rng.uniform(0.8, 1.25)
    trunk.limb((0, 0, 0), (0, 2.0, 0), 0.24, 0.18, m=bark)
    for i in range(34):
        t = (i + 0.5) / 34
        out = wide * np.sin(np.pi * t**0.75) ** 0.8
        a = i * 2.399963
        at = np.array([0.62 * out * np.cos(a), 1.0 + tall * t, 0.62 * out * np.sin(a)])
        size = 0.22 + 0.52 * out * rng.uniform(0.85, 1.15)
        crown.ellipsoid(at, (size, size * 1.5, size), leaf)


def _fir(shape: Shape, rng: np.random.Generator, leaf: int, bark: int) -> None:
    trunk, needles = shape.part("trunk"), shape.part("needles", 0.03)
    tall, wide = 7.0, rng.uniform(1.7, 2.5)
    trunk.limb((0, 0, 0), (0, tall * 0.9, 0), 0.24, 0.06, m=bark)
    tiers = int(rng.integers(6, 8))
    droop = rng.uniform(0.25, 0.55)
    for i in range(tiers):
        t = i / (tiers - 1)
        y = 1.5 + (tall - 2.2) * t
        out = wide * (1 - 0.84 * t)
        needles.cone((0, y - out * droop * 0.45, 0), (0, y + 1.0, 0), out * 0.70, 0.04, m=leaf)
        n = 10 - int(4 * t)
        for a in _around(rng, n, 0.25):  # boughs: flat, broad at two thirds of their length
            d = np.array([np.cos(a), -droop, np.sin(a)])
            reach = out * rng.uniform(0.86, 1.1)
            side = np.cross(d, (0, 1, 0)) / np.linalg.norm(np.cross(d, (0, 1, 0)))
            along = d / np.linalg.norm(d)
            frame = np.stack([side, along, np.cross(side, along)], axis=1)
            centre = (0, y + 0.15, 0) + along * reach * 0.66
            needles.ellipsoid(centre, (out * 0.23 + 0.06, reach * 0.42, 0.10 + 0.07 * out), leaf, turned=frame)
    needles.limb((0, tall - 1.0, 0), (0, tall + 0.5, 0), 0.24, 0.03, m=leaf)


def _palm(shape: Shape, rng: np.random.Generator, leaf: int, bark: int) -> None:
    trunk, crown = shape.part("trunk", 0.03), shape.part("fronds", 0.01)
    bend, tall = rng.uniform(-1.4, 1.4), rng.uniform(4.6, 6.0)
    t = np.linspace(0, 1, 7)
    spine = np.stack([bend * t**1.8, tall * t, 0.15 * np.sin(3 * t)], axis=1)
    trunk.chain(spine, 0.27 - 0.12 * t, bark)
    for i in range(1, 6):
        trunk.ring(spine[i], 0.2 - 0.02 * i, 0.05, bark, turned=turn(x=90))
    top = spine[-1]
    nuts = shape.part("coconuts")
    brown = shape.material((0.16, 0.08, 0.03), "wood")
    for a in _around(rng, 4):
        nuts.ball(top + (0.2 * np.cos(a), -0.14, 0.2 * np.sin(a)), 0.15, brown)
    n = int(rng.integers(10, 13))
    for i, a in enumerate(_around(rng, n, 0.25)):
        rise = rng.uniform(0.1, 0.5) if i % 2 else rng.uniform(-0.5, 0.1)
        _frond(crown, top, a, rise, rng.uniform(2.2, 2.8), leaf)


def _frond(part: Part, root: np.ndarray, angle: float, rise: float, length: float, leaf: int) -> None:
    """A palm leaf that rises and then droops: three flat pieces along an arc."""
    out = np.array([np.cos(angle), 0, np.sin(angle)])
    points = [
        root + out * length * s + (0, length * (rise * s - 0.62 * s * s + (0.25 * s)), 0) for s in (0, 0.33, 0.66, 1)
    ]
    for i, wide in enumerate((0.34, 0.42, 0.24)):
        d = points[i + 1] - points[i]
        along = d / np.linalg.norm(d)
        side = np.cross(along, (0, 1, 0))
        side /= np.linalg.norm(side)
        frame = np.stack([along, side, np.cross(along, side)], axis=1)
        part.ellipsoid((points[i] + points[i + 1]) / 2, (np.linalg.norm(d) * 0.66, wide, 0.045), leaf, turned=frame)


@family(
    "flower",
    colours=("red", "pink", "yellow", "orange", "purple", "white", "blue"),
    places=("grass", "grass", "forest", "forest", "studio", "kitchen"),
    facing=True,
)
def flower(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["daisy", "sunflower", "tulip", "rose", "poppy"])
    petal = shape.material(look.rgb, "leaf", "mottle", tuple(0.75 * c for c in look.rgb), 0.04)
    green = shape.material((0.06, 0.24, 0.04), "leaf", "mottle", (0.04, 0.16, 0.03), 0.05)
    tall = rng.uniform(0.8, 1.4) if kind != "tulip" else rng.uniform(1.1, 1.6)
    sway = rng.uniform(-0.25, 0.25, 2)
    t = np.linspace(0, 1, 6)[:, None]
    top = np.array([sway[0], tall, sway[1]])
    spine = top * t + np.array([0.12, 0, 0.08]) * np.sin(np.pi * t)
    stem, leaves = shape.part("stem", 0.02), shape.part("leaves", 0.02)
    stem.chain(spine, 0.055 if kind != "sunflower" else 0.075, green)
    # The head's frame: local y looks out of the flower.
    nod = {"daisy": 58, "sunflower": 66, "tulip": 8, "rose": 40, "poppy": 52}[kind] + rng.uniform(-8, 8)
    head = turn(y=rng.uniform(-25, 25)) @ turn(z=-nod)
    {"daisy": _daisy, "sunflower": _daisy, "tulip": _tulip, "rose": _rose, "poppy": _poppy}[kind](
        shape, rng, top, head, petal, green, *([kind == "sunflower"] if kind in ("daisy", "sunflower") else [])
    )
    bush = shape.part("foliage")
    for a in _around(rng, 9):
        _blade(bush, np.zeros(3), a, rng.uniform(0.7, 1.15), 0.2, rng.uniform(0.3, 1.1), green)
    if kind == "tulip":
        for a in _around(rng, 3):
            _blade(leaves, np.zeros(3), a, rng.uniform(0.9, 1.2), 0.17, 1.5, green)
    else:
        for s, a in zip((0.3, 0.5, 0.16), _around(rng, 3), strict=True):
            _blade(leaves, spine[0] + (spine[-1] - spine[0]) * s, a, rng.uniform(0.6, 0.85), 0.2, 0.5, green)


def _blade(part: Part, root: np.ndarray, angle: float, length: float, width: float, rise: float, m: int) -> None:
    """A leaf in two flat pieces: up and out, then over."""
    out = np.array([np.cos(angle), 0, np.sin(angle)])
    points = [
        root,
        root + out * length * 0.45 + (0, length * 0.5 * rise, 0),
        root + out * length + (0, length * 0.62 * rise, 0),
    ]
    for a, b, wide in zip(points[:-1], points[1:], (1.0, 0.85), strict=True):
        d = b - a
        along = d / np.linalg.norm(d)
        side = np.cross(along, (0, 1, 0))
        side /= np.linalg.norm(side)
        frame = np.stack([along, side, np.cross(along, side)], axis=1)
        part.ellipsoid((a + b) / 2, (np.linalg.norm(d) * 0.64, width * wide, 0.03), m, turned=frame)


def _petals(
    part: Part,
    at: np.ndarray,
    head: np.ndarray,
    angles,
    start: float,
    length: float,
    width: float,
    thick: float,
    lift: float,
    m: int,
) -> None:
    """Flat petals around the head's axis, from `start` outwards, raised by `lift` degrees out of its plane."""
    for a in angles:
        frame = head @ turn(y=np.degrees(a)) @ turn(z=lift)
        part.ellipsoid(at + frame @ (start + length / 2, 0, 0), (length / 2, thick, width), m, turned=frame)


def _daisy(shape: Shape, rng: np.random.Generator, at, head, petal: int, green: int, sunflower: bool) -> None:
    centre = shape.material(
        (0.10, 0.045, 0.015) if sunflower else (0.75, 0.45, 0.03), "matte", "spots", (0.25, 0.12, 0.02), 0.02
    )
    disc = rng.uniform(0.34, 0.44) if sunflower else rng.uniform(0.20, 0.28)
    n = int(rng.integers(13, 18)) if sunflower else int(rng.integers(10, 15))
    length = rng.uniform(0.5, 0.7)
    width = (disc + length * 0.6) * np.pi / n * 0.92
    turns = np.arange(n) * 2 * np.pi / n
    _petals(shape.part("petals"), at, head, turns[::2], disc * 0.7, length, width, 0.035, rng.uniform(4, 10), petal)
    _petals(
        shape.part("petals between"),
        at - head[:, 1] * 0.04,
        head,
        turns[1::2],
        disc * 0.7,
        length,
        width,
        0.035,
        rng.uniform(-2, 4),
        petal,
    )
    shape.part("disc").ellipsoid(at + head[:, 1] * 0.03, (disc, 0.13 if sunflower else 0.15, disc), centre, turned=head)
    shape.part("calyx").ellipsoid(at - head[:, 1] * 0.09, (disc * 0.8, 0.1, disc * 0.8), green, turned=head)


def _tulip(shape: Shape, rng: np.random.Generator, at, head, petal: int, green: int) -> None:
    cup, wide = rng.uniform(0.8, 1.0), rng.uniform(0.30, 0.38)
    spread = rng.uniform(68, 78)
    for name, turn_by, grow in (("inner petals", np.pi / 3, 1.04), ("outer petals", 0.0, 1.0)):
        part = shape.part(name)
        for a in turn_by + np.arange(3) * 2 * np.pi / 3:
            frame = head @ turn(y=np.degrees(a)) @ turn(z=spread + (6 if grow > 1 else 0))
            middle = at + head[:, 1] * cup * 0.46 * grow + head @ turn(y=np.degrees(a)) @ (0.25, 0, 0)
            part.ellipsoid(middle, (cup * 0.54 * grow, 0.13, wide), petal, turned=frame)
            part.ellipsoid(
                at + head @ turn(y=np.degrees(a)) @ (0.12, cup * 0.62, 0),
                (cup * 0.5, 0.13, wide),
                None,
                turned=frame,
                carve=True,
            )
    shape.part("base").ellipsoid(at + head[:, 1] * 0.04, (0.2, 0.14, 0.2), petal, turned=head)


def _rose(shape: Shape, rng: np.random.Generator, at, head, petal: int, green: int) -> None:
    heart = shape.part("heart")
    heart.ellipsoid(at + head[:, 1] * 0.38, (0.20, 0.30, 0.20), petal, turned=head)
    heart.ellipsoid(at + head[:, 1] * 0.74 + head @ (0.03, 0, 0), (0.10, 0.16, 0.10), petal, turned=head, carve=True)
    twist = rng.uniform(0, 2)
    for k, (n, out, lean, high, size) in enumerate(
        ((3, 0.15, 86, 0.46, 0.32), (4, 0.26, 78, 0.40, 0.37), (5, 0.38, 66, 0.32, 0.40), (5, 0.50, 42, 0.16, 0.38))
    ):
        for i, a in enumerate(twist + k * 0.7 + np.arange(n) * 2 * np.pi / n):
            part = shape.part(f"petal {k} {i}")
            spin = head @ turn(y=np.degrees(a))
            frame = spin @ turn(z=lean + rng.uniform(-6, 6))
            part.ellipsoid(at + spin @ (out, high, 0), (size * 0.85, 0.075, size), petal, turned=frame)
            if k < 3:  # hollow on the inside, so that the rims stand out
                part.ellipsoid(
                    at + spin @ (out, high, 0) + frame @ (0.06, 0.10, 0),
                    (size * 0.82, 0.085, size * 0.92),
                    None,
                    turned=frame,
                    carve=True,
                )
    sepals = shape.part("sepals")
    _petals(sepals, at - head[:, 1] * 0.04, head, np.arange(5) * 2 * np.pi / 5, 0.0, 0.5, 0.08, 0.03, -18, green)
    sepals.ellipsoid(at, (0.16, 0.16, 0.16), green)


def _poppy(shape: Shape, rng: np.random.Generator, at, head, petal: int, green: int) -> None:
    dark, gold = shape.material((0.03, 0.02, 0.03), "matte"), shape.material((0.6, 0.4, 0.05), "matte")
    n = int(rng.integers(5, 7))
    turns = np.arange(n) * 2 * np.pi / n + rng.uniform(0, 1)
    lift = rng.uniform(20, 42)
    for i, a in enumerate(turns):
        _petals(
            shape.part(f"petal {i}"),
            at,
            head,
            [a],
            0.04,
            0.95,
            0.50 if n < 6 else 0.42,
            0.05,
            lift + 6 * (i % 2),
            petal,
        )
    shape.part("heart").ellipsoid(at + head[:, 1] * 0.12, (0.15, 0.15, 0.15), green, turned=head)
    stamens = shape.part("stamens")
    for a in np.arange(9) * 2 * np.pi / 9:
        tip = at + head @ (0.30 * np.cos(a), 0.30, 0.30 * np.sin(a))
        stamens.limb(at, tip, 0.015, m=dark)
        stamens.ball(tip, 0.04, gold)


@family(
    "mushroom",
    colours=("red", "brown", "white", "beige", "orange", "yellow"),
    places=("forest", "grass", "studio", "kitchen"),
)
def mushroom(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["toadstool", "button", "bell", "parasol", "toadstool"])
    cap = shape.material(look.rgb, "skin", "mottle", tuple(0.8 * c for c in look.rgb), 0.05)
    flesh = shape.material((0.72, 0.66, 0.54), "skin")
    gill = shape.material((0.60, 0.52, 0.40), "skin", "stripes", (0.35, 0.28, 0.2), 0.01)
    _mushroom(shape, rng, np.zeros(3), 1.0, kind, (cap, flesh, gill))
    if rng.random() < 0.45:  # a smaller one beside it
        a = rng.uniform(0.6, 2.5) * rng.choice([-1, 1])
        _mushroom(
            shape, rng, np.array([np.cos(a), 0, np.sin(a)]) * 1.35, rng.uniform(0.4, 0.6), kind, (cap, flesh, gill)
        )


def _mushroom(shape: Shape, rng: np.random.Generator, at: np.ndarray, size: float, kind: str, paint) -> None:
    cap, flesh, gill = paint
    wide, tall, dome, stalk = {
        "toadstool": (1.15, 1.5, 0.62, 0.24),
        "button": (1.0, 0.85, 0.85, 0.36),
        "bell": (0.72, 1.7, 1.05, 0.14),
        "parasol": (1.25, 1.9, 0.40, 0.15),
    }[kind]
    wide, tall, dome = np.array([wide, tall, dome]) * size * rng.uniform(0.85, 1.13, 3)
    stalk *= size * rng.uniform(0.9, 1.15)
    lean = np.array([rng.uniform(-0.15, 0.15), 0, rng.uniform(-0.15, 0.15)]) * tall
    top = at + lean + (0, tall, 0)
    tilt = turn(x=rng.uniform(-9, 9), z=rng.uniform(-12, 4))
    stem = shape.part("stem", 0.06 * size)
    stem.chain(
        [at, at + lean * 0.3 + (0, tall * 0.5, 0), top + (0, dome * 0.3, 0)], [stalk * 1.2, stalk, stalk * 0.92], flesh
    )
    stem.ellipsoid(at + (0, stalk * 0.7, 0), (stalk * 1.45, stalk * 0.9, stalk * 1.45), flesh)
    hat = shape.part("cap", 0.02)
    lip = rng.uniform(0.08, 0.2) * dome
    t = np.linspace(0, np.pi / 2, 28)
    sharp = 0.8 if kind == "bell" else 0.55
    outer = np.stack([wide * np.cos(t) ** sharp, dome * np.sin(t) ** (1.3 if kind == "bell" else 1.0)], axis=1)
    outer[-1, 0] = 0
    under = [(0, dome * 0.25), (wide * 0.5, dome * 0.16), (wide * 0.93, -lip * 0.6), (wide * 0.985, -lip)]
    profile = np.concatenate([under, outer]) - (0, dome / 2)
    hat.lathe(top + tilt @ (0, dome / 2, 0), profile, cap, turned=tilt)
    pleats = shape.part("gills")
    pleats.lathe(
        top + tilt @ (0, dome * 0.10, 0),
        [
            (0, -dome * 0.12),
            (wide * 0.4, -dome * 0.10),
            (wide * 0.9, -dome * 0.14 - lip * 0.3),
            (wide * 0.9, 0),
            (0, dome * 0.13),
        ],
        gill,
        turned=tilt,
    )
    if kind == "toadstool":
        stem.cone(
            at + lean * 0.7 + (0, tall * 0.66, 0),
            at + lean * 0.72 + (0, tall * 0.78, 0),
            stalk * 1.9,
            stalk * 1.0,
            m=flesh,
        )
        warts = shape.part("warts")
        n = int(rng.integers(13, 20))
        for i in range(n):
            up = 1 - 0.86 * (i + 0.5) / n
            a, angle = i * 2.399963 + rng.uniform(-0.25, 0.25), np.arcsin(up)
            d = np.array(
                [wide * np.cos(angle) ** sharp * np.cos(a), dome * up, wide * np.cos(angle) ** sharp * np.sin(a)]
            )
            normal = d / np.array([wide, dome, wide]) ** 2
            s = size * rng.uniform(0.06, 0.12)
            warts.ellipsoid(top + tilt @ d, (s, s * 0.5, s), flesh, turned=tilt @ toward(normal))


@family(
    "volcano",
    colours=("brown", "grey", "black", "brown", "beige"),
    places=("desert", "grass", "grass", "snow", "beach", "night"),
    habit=Habit(fill=(0.95, 1.4), elevation=(1, 4), focal=(1.7, 3.5)),
)
def volcano(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    rgb = 0.8 * np.array(look.rgb) + 0.2 * np.array((0.20, 0.25, 0.34))  # the air between gives it some blue
    rock = shape.material(rgb, "stone", "mottle", 0.5 * rgb, 0.05)
    woods = shape.material((0.06, 0.11, 0.04), "leaf", "mottle", (0.03, 0.055, 0.025), 0.012)
    lava = shape.material((0.85, 0.16, 0.01), "glow", "mottle", (0.9, 0.45, 0.03), 0.03)
    smoke = shape.material((0.62, 0.61, 0.62), "matte", "mottle", (0.44, 0.43, 0.44), 0.08)
    wide, tall, mouth = rng.uniform(3.4, 4.6), rng.uniform(1.9, 2.7), rng.uniform(0.22, 0.42)
    mountain, steep = shape.part("mountain", 0.10), rng.uniform(1.35, 1.9)
    snowy, wooded, active = rng.random() < 0.5, rng.random() < 0.6, rng.random() < 0.35

    def flank(t):  # radius at a share t of the height
        return mouth + (wide - mouth) * (1 - t) ** steep

    def coat(low, high, m, proud=0.02):  # of the flank between two shares of the height
        t = np.linspace(low, high, 10)
        profile = [(0, tall * low), *np.stack([flank(t) + proud, tall * t], axis=1), (0, tall * high)]
        mountain.lathe((0, tall * (low + high) / 2, 0), np.array(profile) - (0, tall * (low + high) / 2), m)

    t = np.linspace(0, 1, 16)
    profile = [
        (0, 0),
        *np.stack([flank(t), tall * t], axis=1),
        (mouth * 0.75, tall * 0.99),
        (mouth * 0.4, tall * 0.86),
        (0, tall * 0.84),
    ]
    mountain.lathe((0, tall / 2, 0), np.array(profile) - (0, tall / 2), rock)
    if snowy:
        coat(rng.uniform(0.5, 0.7), 0.98, shape.material((0.80, 0.82, 0.86), "stone"), 0.05)
    if wooded:
        coat(0.0, rng.uniform(0.15, 0.3), woods, 0.06)
    for a in _around(rng, int(rng.integers(14, 20)), 0.4):  # ridges
        d, top = np.array([np.cos(a), 0, np.sin(a)]), rng.uniform(0.75, 0.96)
        ridge = [d * flank(s) * 0.985 + (0, tall * s, 0) for s in top * np.linspace(0.05, 1, 6)]
        mountain.chain(ridge, [0.22, 0.17, 0.13, 0.1, 0.075, 0.04], rock)
    if active:
        flows = shape.part("lava", 0.04)
        flows.cone((0, tall * 0.86, 0), (0, tall * 0.95, 0), mouth * 0.8, m=lava)
        for a in _around(rng, int(rng.integers(1, 4)), 0.3):
            end, bend = rng.uniform(0.4, 0.75), rng.uniform(-0.35, 0.35)
            path = []
            for s in np.linspace(1.0, end, 6):
                turned = a + bend * (1 - s)
                path.append(np.array([np.cos(turned), 0, np.sin(turned)]) * flank(s) + (0, tall * s + 0.01, 0))
            flows.chain(path, np.linspace(0.05, 0.09, 6), lava)
    if active or rng.random() < 0.5:
        plume = shape.part("smoke", 0.08)
        lean, high = rng.uniform(-1.4, 1.4, 2), rng.uniform(0.7, 1.5)
        for i in range(30):
            s = (i + 0.5) / 30
            a = i * 2.399963
            r = mouth * 0.5 + 0.4 * s
            centre = np.array([lean[0] * s * s, tall + high * s, lean[1] * s * s])
            size = r * rng.uniform(0.45, 0.75)
            plume.ellipsoid(centre + np.array([np.cos(a), 0, np.sin(a)]) * r * 0.6, (size, size * 0.8, size), smoke)


@family(
    "geyser",
    colours=("white", "white", "grey"),
    places=("grass", "desert", "beach"),
    habit=Habit(fill=(0.85, 1.2), elevation=(-28, -8), focal=(0.9, 1.5)),
)
def geyser(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    rgb = np.array(look.rgb) if look.colour == "white" else 0.4 * np.array(look.rgb) + 0.45
    spray = shape.material(rgb, "fur", "mottle", 0.8 * rgb, 0.05)  # its grain streaks the water, its fuzz blurs the rim
    vapour = shape.material(0.42 * rgb, "glow", "mottle", 0.34 * rgb, 0.25)  # light goes through it
    kind = rng.choice(["column", "steam", "steam"])
    tall, mouth = rng.uniform(3.4, 4.4), rng.uniform(0.2, 0.28)
    rise, wide = rng.uniform(0.2, 0.5), rng.uniform(0.8, 1.1)
    wind = rng.uniform(0.25, 0.8) * np.array([0.4 * rng.choice((-1, 1)), 0, rng.choice((-1, 1))])
    _sinter(shape, rng, rise, wide, mouth)
    water, foot = shape.part("water", 0.02), np.array([0, rise - 0.05, 0])

    def jets(count, most, high, end):
        """Streams that tear into drops on their way: up to `most` from the mouth when at their `high`est, and as far
        again when down again; `end` of that way is drawn, 1 being the highest point."""
        for a in _around(rng, count):
            out = most * np.sqrt(rng.uniform(0.02, 1))
            up = high * rng.uniform(0.7, 1) * (1 - 0.35 * out / most)
            thick, s = rng.uniform(0.055, 0.095), end * rng.uniform(0.8, 1.1) * np.linspace(0, 1, 8) ** 1.1
            s[1:] += rng.uniform(-0.05, 0.05, 7)
            path = np.stack([out * s * np.cos(a), up * (1 - (1 - s) ** 2), out * s * np.sin(a)], axis=1)
            path += foot + wind * 0.2 * s[:, None] ** 2 + rng.normal(0, 0.02, path.shape)
            for k in range(7):
                flight = path[k + 1] - path[k]
                size = thick * (1 - 0.115 * k) * rng.uniform(0.7, 1.2)
                long = np.linalg.norm(flight) * (0.75 - 0.085 * k) + 0.25 * size
                water.ellipsoid((path[k] + path[k + 1]) / 2, (size, max(long, size), size), spray, toward(flight))

    if kind == "column":
        water.limb(foot, foot + (0, 0.6 * tall, 0) + wind * 0.07, mouth * 0.6, 0.16, spray)
        jets(24, 0.5, 1.05 * tall, 0.95)
    else:
        water.limb(foot, foot + (0, 0.4 * tall, 0), mouth * 0.6, 0.2, spray)
        jets(12, 0.5, 0.6 * tall, 1.05)
    steam, count = shape.part("steam", 0.05), 72 if kind == "steam" else 48
    for i in range(count):
        s, a = (i + 0.5) / count, i * 2.399963
        if kind == "steam":  # swells over the water
            r, middle = 0.3 + 0.5 * s**0.8, (0, tall * (0.15 + 0.85 * s), 0) + wind * 1.4 * s * s
        else:  # drifts off on one side of it
            r, middle = 0.25 + 0.8 * s * (1.3 - s), (0, tall * (0.15 + 0.6 * s), 0) + wind * (0.25 + 0.75 * s)
        size = r * rng.uniform(0.26, 0.48)
        out = np.array([np.cos(a), rng.uniform(-0.4, 0.4), np.sin(a)]) * r * rng.uniform(0.6, 0.9)
        steam.ellipsoid(foot + middle + out, (size, size * 0.9, size), vapour)
        if i % 6 == 0:  # fills the middle
            steam.ball(foot + middle, r * 0.75, vapour)


def _sinter(shape: Shape, rng: np.random.Generator, rise: float, wide: float, mouth: float) -> None:
    """The stepped cone of rock that a geyser builds, `rise` high and `wide` in radius, about a pool."""
    rgb = np.array([(0.40, 0.34, 0.27), (0.22, 0.21, 0.20), (0.32, 0.20, 0.11)][rng.integers(3)])
    rock = shape.material(rgb, "stone", "mottle", 0.45 * rgb, 0.07)
    blue = shape.material((0.06, 0.34, 0.40), "ceramic")
    mound, rocks = shape.part("mound", 0.05), shape.part("rocks", 0.015)
    t = np.linspace(0, 1, 12)
    flank = mouth * 1.3 + (wide - mouth * 1.3) * (1 - t) ** rng.uniform(1.3, 2.2)
    profile = np.array(
        [(0, 0), *np.stack([flank, rise * t], axis=1), (mouth, rise), (mouth * 0.8, rise - 0.1), (0, rise - 0.1)]
    )
    mound.lathe((0, rise / 2, 0), profile - (0, rise / 2), rock)
    for i, a in enumerate(_around(rng, 18)):
        s = (0.08, 0.34, 0.58, 0.8)[i % 4] + rng.uniform(-0.08, 0.08)
        out = np.interp(s, t, flank) * rng.uniform(0.85, 1.0)
        size = (0.12 + 0.22 * out) * rng.uniform(0.7, 1.2, 3) * (1, 0.4, 1.2)
        mound.ellipsoid((out * np.cos(a), max(rise * s, size[1]), out * np.sin(a)), size, rock, turn(y=-np.degrees(a)))
    for a in _around(rng, 8):
        mound.ellipsoid((mouth * 1.2 * np.cos(a), rise, mouth * 1.2 * np.sin(a)), rng.uniform(0.06, 0.12, 3), rock)
    for a in _around(rng, 7):
        size, out = rng.uniform(0.07, 0.17), rng.uniform(0.75, 1.05) * wide
        rocks.box(
            (out * np.cos(a), size * 0.8, out * np.sin(a)),
            size * rng.uniform(0.6, 1, 3),
            rock,
            turn(*rng.uniform(-25, 25, 3)),
            round=size * 0.3,
        )
    shape.part("pool").cone((0, rise - 0.15, 0), (0, rise - 0.02, 0), mouth, m=blue)
