"""What people wear and carry: hats, shoes, eyeglasses and umbrellas.

Units are free; the front of each thing faces +x.
"""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.families.parts import DARK, FLAT, FRONT, arc, kind_of, lighter
from training.world.sdf import Shape, smooth_outline, turn


def _brim_and_crown(shape, rng, m, ribbon, brim, crown_r, crown_h, top, droop):
    """The brim of a hat, which droops (or turns up), the ribbon of a crown that narrows to `top` of its radius, and the
    part for that crown, still empty."""
    t = 0.035
    shape.part("brim").lathe(
        (0, 0, 0),
        [
            (0, 0),
            (crown_r, 0),
            (crown_r + (brim - crown_r) * 0.6, -droop * 0.4),
            (brim, -droop),
            (brim + 0.01, -droop + t * 0.6),
            (brim, -droop + t),
            (crown_r + (brim - crown_r) * 0.6, t - droop * 0.4),
            (crown_r, t),
            (0, t),
        ],
        m,
    )
    crown = shape.part("crown")
    shape.part("ribbon").cone(
        (0, 0.01, 0),
        (0, crown_h * rng.uniform(0.2, 0.3), 0),
        crown_r * 1.035,
        crown_r * (1.035 + (top - 1) * 0.25),
        ribbon,
    )
    return crown


@family(
    "hat",
    colours=("black", "brown", "beige", "white", "red", "blue", "grey", "pink", "purple", "green", "yellow"),
    materials=("straw", "felt", "leather"),
    places=("studio", "studio", "beach", "street", "desert", "snow"),
)
def hat(shape, rng, look):
    cloth = shape.material(look.rgb, kind_of(look, "fabric"))
    dark, light = rng.random() < 0.5, [(0.5, 0.03, 0.04), (0.75, 0.7, 0.6), (0.03, 0.07, 0.3)][rng.integers(3)]
    plain = look.colour == "red" or (dark and sum(look.rgb) > 0.9)
    ribbon = shape.material(DARK if plain else light, "fabric")
    kind = rng.choice(["top", "sun", "cowboy", "fedora", "cap"], p=[0.2, 0.25, 0.25, 0.2, 0.1])
    if kind == "top":
        high = rng.uniform(0.62, 0.85)
        crown = _brim_and_crown(shape, rng, cloth, ribbon, rng.uniform(0.56, 0.64), 0.36, high, 1.05, -0.05)
        flare = rng.uniform(1.0, 1.12)
        crown.lathe(
            (0, 0, 0),
            [
                (0, 0),
                (0.36, 0),
                (0.345, high * 0.5),
                (0.36 * flare, high - 0.01),
                (0.355 * flare, high + 0.01),
                (0.2, high + 0.02),
                (0, high + 0.02),
            ],
            cloth,
        )
    elif kind == "sun":
        high = rng.uniform(0.34, 0.42)
        crown = _brim_and_crown(
            shape, rng, cloth, ribbon, rng.uniform(0.78, 1.0), 0.38, high, 0.97, rng.uniform(0.02, 0.14)
        )
        crown.lathe(
            (0, 0, 0),
            [
                (0, 0),
                *smooth_outline(
                    [(0.38, 0), (0.375, high * 0.45), (0.29, high * 0.9), (0.12, high), (0, high)],
                    closed=False,
                    steps=4,
                ),
            ],
            cloth,
        )
    elif kind == "fedora":
        high = rng.uniform(0.42, 0.5)
        crown = _brim_and_crown(
            shape, rng, cloth, ribbon, rng.uniform(0.56, 0.66), 0.36, high, 0.9, rng.uniform(-0.1, 0.02)
        )
        crown.lathe(
            (0, 0, 0),
            [
                (0, 0),
                *smooth_outline(
                    [(0.36, 0), (0.34, high * 0.5), (0.28, high * 0.92), (0.15, high), (0, high)], closed=False, steps=4
                ),
            ],
            cloth,
        )
        crown.ellipsoid((0.03, high + 0.045, 0), (0.3, 0.13, 0.075), cloth, carve=True)
        crown.ellipsoid((0.34, high * 0.95, 0.24), (0.2, 0.24, 0.11), cloth, mirror=True, carve=True)
    elif kind == "cowboy":
        long, curl = rng.uniform(0.66, 0.76), rng.uniform(0.16, 0.3)
        z = np.linspace(-0.56, 0.56, 25)
        rise = curl * np.abs(z / 0.56) ** 2.6
        strip = np.concatenate([np.stack([z, rise], 1), np.stack([z, rise + 0.04], 1)[::-1]])
        brim = shape.part("brim")
        brim.plate((0, 0, 0), strip * (-1, 1), long, cloth, FRONT)
        around = arc((0, 0), (long, 0.56), 0, 180, 33)
        corner = np.concatenate([around, [(-1, 0), (-1, 1), (1, 1), (1, 0)]])
        for way in (1, -1):
            brim.plate((0, 0.1, 0), corner * (1, way), 0.5, None, FLAT, carve=True)
        high = rng.uniform(0.4, 0.5)
        crown = shape.part("crown", blend=0.01)
        crown.ellipsoid((0, 0.02, 0), (0.4, high * 1.12, 0.31), cloth)
        crown.box((0, -0.47, 0), (0.6, 0.5, 0.6), None, carve=True)
        crown.ellipsoid((0.03, high + 0.15, 0), (0.3, 0.17, 0.08), cloth, carve=True)
        crown.ellipsoid((0.34, high * 0.92, 0.24), (0.17, 0.2, 0.12), cloth, mirror=True, carve=True)
        shape.part("ribbon").plate((0, 0.075, 0), arc((0, 0), (0.405, 0.32), 0, 350, 36), 0.035, ribbon, FLAT)
    else:
        cap = shape.part("cap")
        cap.lathe(
            (0, 0, 0),
            smooth_outline(
                [(0, 0), (0.4, 0), (0.395, 0.12), (0.3, 0.3), (0.12, 0.37), (0, 0.38)], closed=False, steps=4
            ),
            cloth,
        )
        shape.part("button").ball((0, 0.385, 0), 0.04, ribbon)
        tip = smooth_outline(
            [(0.1, -0.36), (0.34, -0.37), (0.68, -0.27), (0.8, 0), (0.68, 0.27), (0.34, 0.37), (0.1, 0.36)]
        )
        shape.part("visor").plate(
            (0, 0.035, 0), tip, 0.016, ribbon if rng.random() < 0.5 else cloth, turn(z=-9) @ FLAT, round=0.008
        )
        seams = shape.part("seams")
        for angle in (0, 60, 120):
            seams.ring((0, 0, 0), 0.385, 0.012, cloth, turn(y=angle), arc=180)


SOLE = [
    (0.5, 0.0),
    (0.46, 0.1),
    (0.3, 0.155),
    (0.05, 0.13),
    (-0.2, 0.115),
    (-0.4, 0.125),
    (-0.49, 0.07),
    (-0.5, 0),
    (-0.49, -0.07),
    (-0.4, -0.125),
    (-0.2, -0.115),
    (0.05, -0.13),
    (0.3, -0.155),
    (0.46, -0.1),
]


@family(
    "shoe",
    colours=(
        "red",
        "blue",
        "black",
        "white",
        "brown",
        "green",
        "pink",
        "yellow",
        "orange",
        "purple",
        "grey",
        "turquoise",
    ),
    materials=("leather", "fabric"),
    places=("studio", "studio", "grass", "street", "beach", "snow"),
)
def shoe(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "fabric"))
    inside = shape.material((0.03, 0.025, 0.02), "fabric")
    kind = rng.choice(["sneaker", "boot", "heel", "lace"], p=[0.4, 0.25, 0.2, 0.15])
    if kind == "heel":
        high = rng.uniform(0.26, 0.38)
        cut = rng.uniform(0.16, 0.24)  # where the vamp begins
        bottom = smooth_outline(
            [(0.56, 0.0), (0.3, 0.0), (0.12, 0.035), (-0.15, high * 0.68), (-0.36, high - 0.01), (-0.5, high)],
            closed=False,
            steps=4,
        )
        top = smooth_outline(
            [
                (-0.5, high),
                (-0.52, high + 0.09),
                (-0.46, high + 0.17),
                (-0.3, high * 0.9 + 0.09),
                (-0.08, high * 0.55 + 0.07),
                (cut, 0.13),
                (cut + 0.06, 0.135),
                (0.42, 0.08),
                (0.56, 0.0),
            ],
            closed=False,
            steps=4,
        )
        foot = smooth_outline(
            [
                (0.58, 0.0),
                (0.5, 0.075),
                (0.3, 0.13),
                (0.05, 0.1),
                (-0.25, 0.09),
                (-0.42, 0.1),
                (-0.51, 0.05),
                (-0.51, -0.05),
                (-0.42, -0.1),
                (-0.25, -0.09),
                (0.05, -0.1),
                (0.3, -0.13),
                (0.5, -0.075),
            ]
        )
        upper = shape.part("upper")
        upper.plate((0, 0, 0), np.concatenate([bottom, top]), 0.2, body)
        for way in (1, -1):  # cut to the outline of the foot, half by half
            edge = foot[foot[:, 1] * way >= 0]
            edge = edge[np.argsort(edge[:, 0])]
            around = np.concatenate(
                [[(-0.9, 0), edge[0] * (1, 0)], edge, [edge[-1] * (1, 0), (0.9, 0), (0.9, way), (-0.9, way)]]
            )
            upper.plate((0, 0, 0), around, 1.0, None, FLAT, carve=True)
        floor = bottom + (0, 0.035)
        upper.plate(
            (0, 0, 0),
            np.concatenate([floor[floor[:, 0] < cut + 0.05], [(-0.47, 0.9), (cut + 0.05, 0.9)]]),
            0.078,
            inside,
            carve=True,
        )
        thin = rng.uniform(0.018, 0.04)
        shape.part("heel").limb((-0.45, thin, 0), (-0.44, high - 0.02, 0), thin, 0.07, body)
        return
    rubber = shape.material(
        (0.75, 0.74, 0.7) if kind == "sneaker" and look.colour != "white" else (0.05, 0.035, 0.025), "plastic"
    )
    thick = rng.uniform(0.03, 0.05)
    sole = shape.part("sole")
    sole.plate((0, thick, 0), np.array(smooth_outline(SOLE)) * (1.02, 1.04), thick, rubber, FLAT, round=0.008)
    if kind != "sneaker":
        shape.part("heel").box((-0.35, -0.02, 0), (0.14, 0.05, 0.115), rubber, round=0.02)
    base = 2 * thick
    upper = shape.part("upper", blend=0.03)
    toe = rng.uniform(0.09, 0.12)
    upper.ellipsoid((0.3, base + 0.01, 0), (0.19, toe, 0.135), body)
    upper.ellipsoid((0.1, base + 0.03, 0), (0.24, 0.16, 0.115), body)
    upper.ellipsoid((-0.12, base + 0.07, 0), (0.24, 0.2, 0.105), body)
    upper.ellipsoid((-0.34, base + 0.05, 0), (0.15, 0.17, 0.11), body)
    if kind == "boot":
        top = rng.uniform(0.6, 0.85)
        upper.cone((-0.28, base + 0.05, 0), (-0.3, top, 0), 0.16, rng.uniform(0.17, 0.2), body, round=0.02)
        upper.cone((-0.3, top - 0.12, 0), (-0.3, top + 0.1, 0), 0.15, m=inside, carve=True)
        shape.part("cuff").cone(
            (-0.3, top - 0.06, 0),
            (-0.3, top + 0.01, 0),
            0.205,
            0.21,
            shape.material(lighter(look.rgb, -0.4), "fabric"),
            round=0.02,
        )
        shape.parts[-1].cone((-0.3, top - 0.1, 0), (-0.3, top + 0.1, 0), 0.155, m=inside, carve=True)
    else:
        upper.cone((-0.3, base + 0.1, 0), (-0.34, base + 0.29, 0), 0.13, 0.125, body, round=0.02)
        upper.limb((-0.36, base + 0.28, 0), (-0.16, base + 0.3, 0), 0.085, 0.075, inside, carve=True)
        tongue = shape.part("tongue")
        tongue.box((-0.04, base + 0.25, 0), (0.1, 0.014, 0.06), body, turn(z=-42), round=0.012)
    lace = shape.material((0.8, 0.79, 0.75) if look.colour not in ("white", "yellow") else (0.03, 0.03, 0.03), "fabric")
    if kind != "boot":
        laces, rows = shape.part("laces"), 4
        for k in range(rows):
            x, y = 0.2 - 0.075 * k, base + 0.132 + 0.032 * k
            laces.chain([(x + 0.02, y - 0.035, 0.075), (x, y + 0.022, 0), (x - 0.03, y - 0.02, -0.075)], 0.013, lace)
        x, y = 0.2 - 0.075 * rows, base + 0.14 + 0.034 * rows
        laces.chain(
            [(x, y, 0), (x + 0.06, y + 0.05, 0.07), (x + 0.09, y - 0.02, 0.1), (x, y, 0)], 0.01, lace, mirror=True
        )
    if kind == "sneaker":
        cap = shape.part("toe cap")
        cap.ellipsoid((0.37, base - 0.01, 0), (0.142, toe * 0.86, 0.125), rubber)
        stripes = shape.part("stripes")
        if rng.random() < 0.6:
            for k in range(3):
                x = -0.02 - 0.08 * k
                stripes.limb((x, base + 0.02, 0.118), (x - 0.06, base + 0.18, 0.09), 0.016, m=lace, mirror=True)
        else:
            stripes.chain(
                [(-0.3, base + 0.12, 0.112), (-0.12, base + 0.04, 0.118), (0.05, base + 0.1, 0.115)],
                (0.01, 0.026, 0.01),
                lace,
                mirror=True,
            )


@family(
    "eyeglasses",
    facing=True,
    colours=("black", "brown", "red", "blue", "gold", "silver", "green", "purple", "pink", "white"),
    materials=("plastic", "metal"),
    places=("studio", "studio", "kitchen", "street", "beach", "snow"),
)
def eyeglasses(shape, rng, look):
    frame = shape.material(look.rgb, kind_of(look, "plastic"))
    kind = rng.choice(["round", "square", "cat"], p=[0.4, 0.4, 0.2])
    wide, high = rng.uniform(0.18, 0.21), rng.uniform(0.14, 0.17)
    thick = rng.uniform(0.016, 0.03)
    z = wide + rng.uniform(0.035, 0.055)
    if kind == "round":
        lens = arc((0, 0), (high * 1.12, high * 1.12), 0, 350, 36)
        wide = high * 1.12
        z = wide + 0.05
    else:
        lift = 0.05 if kind == "cat" else 0.0
        lens = smooth_outline(
            [
                (wide, high * 0.3 + lift),
                (wide * 0.86, high * 0.86 + lift),
                (0, high * 0.92),
                (-wide * 0.86, high * 0.86),
                (-wide, high * 0.3),
                (-wide * 0.78, -high * 0.85),
                (0, -high),
                (wide * 0.75, -high * 0.85),
            ],
            steps=5,
        )
    middle = lens.mean(axis=0)
    shrink = 1 - 2 * thick / np.array([wide * 2, high * 2]).min()
    inner = middle + (lens - middle) * (shrink if kind != "cat" else shrink - 0.02)
    dark = rng.random() < 0.3
    for way in (1, -1):
        rim = shape.part(f"rim {way}")
        rim.plate((0, 0, way * z), lens * (-way, 1), 0.014, frame, FRONT, round=0.005)
        rim.plate((0, 0, way * z), inner * (-way, 1), 0.1, None, FRONT, carve=True)
        if dark:
            shape.part(f"lens {way}").plate(
                (0, 0, way * z),
                inner * (-way, 1),
                0.005,
                shape.material((0.012, 0.013, 0.016), "glass"),
                FRONT,
                round=0.003,
            )
    shape.part("bridge").chain(
        [(0, high * 0.15, z - wide + 0.01), (0.015, high * 0.4, 0), (0, high * 0.15, -z + wide - 0.01)],
        thick * 0.62,
        frame,
    )
    hinge = z + wide - 0.005
    temples = shape.part("temples")
    up = high * 0.4 + (0.04 if kind == "cat" else 0)
    long = rng.uniform(0.55, 0.65)
    temples.chain(
        [
            (0, up, hinge - 0.01),
            (-0.03, up, hinge + 0.015),
            (-long, up, hinge),
            (-long - 0.1, up - 0.05, hinge - 0.01),
            (-long - 0.17, -high * 0.75, hinge - 0.02),
        ],
        thick * 0.6 + 0.003,
        frame,
        mirror=True,
    )


@family(
    "umbrella",
    colours=("red", "blue", "yellow", "green", "pink", "purple", "black", "orange", "turquoise", "white"),
    places=("street", "beach", "grass", "studio", "snow", "night"),
    poses=("open", "tilted", "closed"),
)
def umbrella(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    cloth = shape.material(look.rgb, "fabric")
    second = shape.material(tuple(0.5 * c for c in look.rgb), "fabric") if rng.random() < 0.35 else cloth
    steel = shape.material((0.5, 0.5, 0.52), "metal")
    wood = shape.material([(0.22, 0.10, 0.04), (0.03, 0.03, 0.03)][rng.integers(2)], "wood")
    n = 8
    wide, dome, low = rng.uniform(0.95, 1.15), rng.uniform(0.42, 0.68), rng.uniform(-1.05, -0.8)
    hooked = bool(rng.random() < 0.8)
    tilt = {"tilted": rng.uniform(25, 62), "closed": rng.uniform(0, 16)}.get(look.pose, 0.0)
    swing = rng.uniform(0, 360)
    spin = turn(y=swing) @ turn(x=tilt)
    shaft, handle = shape.part("shaft"), shape.part("handle")
    top = dome + 0.03
    shaft.limb(spin @ (0, low, 0), spin @ (0, top + 0.12, 0), 0.02, m=steel)
    shaft.limb(spin @ (0, top, 0), spin @ (0, top + 0.2, 0), 0.03, 0.016, m=wood)
    if hooked:
        bend = 0.12 + np.zeros(7)
        t = np.linspace(0, np.pi * 1.05, 7)
        hook = np.stack([0.12 - bend * np.cos(t), low - 0.12 - bend * np.sin(t), 0 * t], axis=1)
        handle.chain([spin @ p for p in np.concatenate([[(0, low + 0.12, 0)], hook])], 0.036, wood)
    else:
        handle.limb(spin @ (0, low, 0), spin @ (0, low - 0.2, 0), 0.035, 0.05, m=wood)
    if look.pose == "closed":
        folds = [shape.part("folds"), shape.part("folds between")]
        for i in range(n):
            a = i * 2 * np.pi / n
            d = np.array([np.cos(a), 0, np.sin(a)])
            folds[i % 2].limb(
                spin @ (d * 0.02 + (0, top - 0.05, 0)),
                spin @ (d * 0.085 + (0, low + 0.42, 0)),
                0.03,
                0.055,
                m=(cloth, second)[i % 2],
            )
        shape.part("strap").ring(spin @ (0, low + 0.75, 0), 0.115, 0.022, cloth, turned=spin @ turn(x=90))
        return
    radius = (wide**2 + dome**2) / (2 * dome)  # the canopy is a cap of a ball

    def cap(r: float) -> np.ndarray:
        t = np.linspace(np.arcsin(wide / radius), 0, 24)
        return np.stack([r * np.sin(t), r * np.cos(t) - radius + dome], axis=1)

    profile = np.concatenate([cap(radius - 0.045)[::-1], cap(radius)]) - (0, dome / 2)
    for k, (name, m) in enumerate((("canopy", cloth), ("canopy between", second))):
        gores = shape.part(name)
        gores.lathe(spin @ (0, dome / 2, 0), profile, m, turned=spin)
        for i in range(n):
            a = (i + 0.5) * 2 * np.pi / n
            if i % 2 != k:  # the other part's gores
                u = np.array([a - np.pi / n, a + np.pi / n])
                outline = np.array([(0, 0), *np.stack([np.cos(u), np.sin(u)], axis=1) * wide * 1.3])
                gores.plate((0, 0, 0), outline, 2, None, turned=spin @ turn(x=90), carve=True)
            else:  # the rim is hollowed between two ribs
                frame = spin @ turn(y=-np.degrees(a))
                gores.ellipsoid(
                    frame @ (wide, -0.05, 0),
                    (0.5 * wide, 0.15, wide * np.pi / n * 0.92),
                    None,
                    turned=frame,
                    carve=True,
                )
    ribs = shape.part("ribs")
    for a in np.arange(n) * 2 * np.pi / n:
        d = np.array([np.cos(a), 0, np.sin(a)])
        edge = d * wide * 0.985 + (0, 0.0, 0)
        half = d * wide * 0.55 + (0, np.sqrt(radius**2 - (wide * 0.55) ** 2) - radius + dome - 0.05, 0)
        ribs.limb(spin @ half, spin @ edge, 0.014, m=steel)
        ribs.limb(spin @ (0, low * 0.05, 0), spin @ half, 0.012, m=steel)
        ribs.ball(spin @ edge, 0.024, steel)
