"""Arms and armour: the suit of armour, the pistol and the rifle."""

from __future__ import annotations

import numpy as np

from training.world.families import family
from training.world.families.anatomy import DARK, mix, place
from training.world.families.parts import FRONT
from training.world.sdf import Shape, smooth_outline, turn

WOOD = (0.17, 0.075, 0.03)


def _show(shape: Shape, rng: np.random.Generator, roll: float) -> None:
    """Turn a flat thing drawn from its side, so that its broad side faces forward and up, its length across."""
    across = turn(x=rng.uniform(-roll, roll)) @ turn(y=90 * rng.choice((-1, 1)))
    place(shape.parts, turned=turn(y=rng.uniform(-25, 25)) @ turn(z=rng.uniform(22, 50)) @ across)


@family(
    "armor",
    colours=("silver", "grey", "gold", "black"),
    places=("studio", "studio", "street", "grass", "forest", "night"),
    materials=("metal",),
)
def armor(shape: Shape, rng: np.random.Generator, look) -> None:
    steel = shape.material(look.rgb, "metal")
    trim = shape.material(mix(look.rgb, (0.7, 0.42, 0.08) if look.colour != "gold" else DARK, 0.6), "metal")
    mail, black = shape.material(mix(look.rgb, DARK, 0.55), "metal"), shape.material(DARK)
    wide, stance = rng.uniform(0.92, 1.1), rng.uniform(0.1, 0.14)
    legs = shape.part("mail")
    legs.chain([(0, 0.92, 0.09), (0, 0.5, stance), (0, 0.1, stance)], [0.09, 0.07, 0.055], mail, mirror=True)
    legs.ellipsoid((0, 0.95, 0), (0.12, 0.1, 0.15), mail)
    shape.part("cuisses", 0.01).limb((0.01, 0.8, 0.105), (0.015, 0.6, stance), 0.098, 0.082, steel, mirror=True)
    shape.part("greaves", 0.01).limb((0, 0.42, stance), (-0.005, 0.14, stance), 0.082, 0.064, steel, mirror=True)
    shape.part("knees", 0.01).ellipsoid(
        (0.035, 0.51, stance), (0.072, 0.075, 0.075), trim if rng.random() < 0.5 else steel, mirror=True
    )
    feet = shape.part("sabatons", 0.01)
    feet.limb((-0.01, 0.06, stance), (0.17, 0.035, stance + 0.03), 0.06, 0.03, steel, mirror=True)
    skirt = np.array([(0, 0.22), (0.125, 0.22), (0.165, 0.05), (0.19, 0.0), (0, 0.0)])
    shape.part("skirt").lathe((0, 0.87, 0), skirt * (1.05 * wide, 0.9), steel)
    for y in (0.93, 0.99):
        shape.part("lames").ring((0, y, 0), 0.165 * wide * (1.06 if y < 0.95 else 0.96), 0.012, steel, turn(x=90))
    shape.part("belt").ring((0, 1.06, 0), 0.128 * wide, 0.024, trim, turn(x=90))
    chest = shape.part("breastplate", 0.03)
    chest.ellipsoid((0.01, 1.26, 0), (0.165, 0.22, 0.215 * wide), steel)
    chest.limb((0.1, 1.12, 0), (0.13, 1.3, 0), 0.05, 0.05, steel)
    collar = shape.part("gorget")
    collar.cone((0, 1.43, 0), (0, 1.52, 0), 0.12, 0.09, trim, round=0.015)
    out = rng.uniform(0.0, 0.1)
    shoulder, elbow = np.array([0, 1.39, 0.235 * wide]), np.array([-0.02, 1.13, 0.31 * wide + out])
    wrist = np.array([0.12, 0.94, 0.3 * wide + out])
    sleeves = shape.part("arms")
    sleeves.limb(shoulder, elbow, 0.07, 0.06, mail, mirror=True)
    shape.part("vambraces", 0.01).limb(elbow + (0.03, -0.05, 0), wrist, 0.068, 0.055, steel, mirror=True)
    shape.part("elbows").ellipsoid(
        elbow + (-0.02, 0, 0.005), (0.07, 0.075, 0.075), trim if rng.random() < 0.5 else steel, mirror=True
    )
    shape.part("upper arms").limb(shoulder + (0, -0.08, 0.02), elbow + (0, 0.08, 0), 0.075, 0.066, steel, mirror=True)
    shape.part("pauldrons", 0.012).ellipsoid(
        shoulder + (0, 0.02, 0.01), (0.125, 0.1, 0.115), steel, turn(x=28), mirror=True
    )
    shape.part("pauldron edges").ellipsoid(
        shoulder + (0, -0.05, 0.04), (0.112, 0.07, 0.09), steel, turn(x=28), mirror=True
    )
    shape.part("gauntlets", 0.01).ellipsoid(
        wrist + (0.05, -0.05, 0), (0.07, 0.065, 0.055), steel, turn(z=-40), mirror=True
    )

    helm = shape.part("helmet", 0.015)
    helm.ellipsoid((0, 1.66, 0), (0.135, 0.165, 0.115), steel)
    helm.limb((0.02, 1.56, 0), (0.06, 1.55, 0), 0.1, 0.07, steel)
    visor = shape.part("visor", 0.01)
    beak = rng.uniform(0.02, 0.1)
    visor.ellipsoid((0.045, 1.61, 0), (0.115, 0.095, 0.112), steel)
    visor.limb((0.08, 1.6, 0), (0.12 + beak, 1.58, 0), 0.07, 0.025, steel)
    shape.part("slit").ellipsoid((0.075, 1.685, 0), (0.085, 0.014, 0.104), black)
    holes = shape.part("holes")
    for y in (1.6, 1.565):
        for z in (0.035, 0.06):
            holes.ball((0.16 - z * 0.75 + beak * 0.3, y, z), 0.009, black, mirror=True)
    if rng.random() < 0.5:
        plume = shape.material(((0.5, 0.02, 0.02), (0.03, 0.08, 0.4), (0.7, 0.68, 0.62))[rng.integers(3)], "feather")
        shape.part("plume", 0.02).chain(
            [(0.02, 1.82, 0), (-0.08, 1.95, 0), (-0.22, 1.9, 0), (-0.27, 1.72, 0)], [0.03, 0.055, 0.055, 0.02], plume
        )
    else:
        shape.part("crest").ring((0, 1.66, 0), 0.15, 0.016, trim, turn(y=0), arc=170)
    if rng.random() < 0.5:
        hand = wrist + (0.08, -0.05, 0)
        wood, blade = shape.material(WOOD, "wood"), shape.material((0.6, 0.61, 0.63), "metal")
        shaft = shape.part("shaft")
        if rng.random() < 0.5:  # a halberd
            shaft.limb(hand * (1, 0, 1), hand * (1, 0, 1) + (0, 1.85, 0), 0.022, 0.02, wood)
            axe = np.array(
                [(0.0, 1.78), (0.06, 1.72), (0.18, 1.8), (0.2, 1.6), (0.16, 1.45), (0.06, 1.56), (0.0, 1.52)]
            )
            shape.part("blade").plate(hand * (1, 0, 1), axe, 0.008, blade)
            shape.part("spike").limb(
                hand * (1, 0, 1) + (0, 1.85, 0), hand * (1, 0, 1) + (0, 2.1, 0), 0.028, 0.004, blade
            )
        else:  # a sword, its point on the ground
            shaft.limb(hand + (0, -0.02, 0), hand + (0, 0.16, 0), 0.022, 0.018, wood)
            shaft.ball(hand + (0, 0.19, 0), 0.034, trim)
            shape.part("guard").limb(hand + (0, -0.06, -0.12), hand + (0, -0.06, 0.12), 0.018, 0.018, trim)
            low = hand[1] - 0.06
            shape.part("blade").plate(
                hand + (0, -0.06, 0),
                [(-0.035, 0), (0.035, 0), (0.025, -low * 0.85), (0, -low), (-0.025, -low * 0.85)],
                0.007,
                blade,
                FRONT,
            )


@family(
    "pistol",
    colours=("black", "silver", "grey", "gold"),
    places=("studio", "studio", "street", "desert", "grass"),
    materials=("metal",),
)
def pistol(shape: Shape, rng: np.random.Generator, look) -> None:
    gun = shape.material(look.rgb, "metal")
    dark = shape.material(mix(look.rgb, DARK, 0.5), "metal")
    wooden = rng.random() < 0.4
    grip = shape.material(WOOD if wooden else (0.03, 0.03, 0.032), "wood" if wooden else "plastic")
    black = shape.material(DARK)
    rake, long = rng.uniform(8, 20), rng.uniform(0.9, 1.15)
    if rng.random() < 0.5:  # automatic
        shape.part("slide").box((0.04 * long, 0.0, 0), (0.42 * long, 0.075, 0.055), gun, round=0.018)
        shape.part("frame").box((0.08 * long, -0.1, 0), (0.36 * long, 0.038, 0.048), dark, round=0.012)
        shape.part("muzzle").cone((0.45 * long, 0.01, 0), (0.485 * long, 0.01, 0), 0.042, m=dark)
        shape.part("bore").cone((0.478 * long, 0.01, 0), (0.489 * long, 0.01, 0), 0.026, m=black)
        serrations = shape.part("serrations")
        for i in range(5):
            serrations.box((-0.34 * long + 0.03 * i, 0.01, 0), (0.007, 0.055, 0.059), dark, turn(z=-10))
        shape.part("port").box((0.08, 0.045, 0.035), (0.08, 0.026, 0.026), dark, round=0.006)
        sights = shape.part("sights")
        sights.box((0.42 * long, 0.088, 0), (0.018, 0.02, 0.01), dark)
        sights.box((-0.35 * long, 0.088, 0), (0.025, 0.02, 0.035), dark)
        hilt = smooth_outline(
            [
                (-0.36, -0.06),
                (-0.12, -0.08),
                (-0.1, -0.2),
                (-0.14, -0.5),
                (-0.16, -0.58),
                (-0.3, -0.585),
                (-0.38, -0.57),
                (-0.36, -0.4),
                (-0.34, -0.24),
                (-0.4, -0.12),
            ],
            steps=4,
        )
        shape.part("grip").plate(
            (0.02, 0, 0), (hilt - (0, -0.08)) @ turn(z=rake - 10)[:2, :2].T + (0, -0.08), 0.042, grip, round=0.02
        )
        shape.part("hammer").limb((-0.36 * long, 0.03, 0), (-0.43 * long, 0.09, 0), 0.03, 0.02, dark)
        guard = (0.02, -0.2)
    else:  # revolver
        barrel = rng.uniform(0.4, 0.72)
        shape.part("barrel", 0.01).cone((0.1, 0.02, 0), (0.12 + barrel, 0.02, 0), 0.052, m=gun)
        shape.parts[-1].box((0.12 + barrel / 2, -0.035, 0), (barrel / 2, 0.03, 0.03), gun, round=0.01)
        shape.part("bore").cone((0.1 + barrel, 0.02, 0), (0.127 + barrel, 0.02, 0), 0.027, m=black)
        shape.part("sight").plate(
            (0.06 + barrel, 0.06, 0), [(-0.08, 0), (0.04, 0), (0.03, 0.06), (0.0, 0.06)], 0.008, dark
        )
        drum = shape.part("cylinder")
        drum.cone((-0.12, -0.01, 0), (0.11, -0.01, 0), 0.115, m=gun, round=0.015)
        for i in range(6):
            drum.limb(
                turn(x=60 * i) @ np.array([0.0, 0.125, 0]) + (0, -0.01, 0),
                turn(x=60 * i) @ np.array([0.2, 0.125, 0]) + (0, -0.01, 0),
                0.024,
                m=dark,
                carve=True,
            )
        frame = shape.part("frame", 0.01)
        frame.box((0.0, 0.105, 0), (0.17, 0.022, 0.03), gun, round=0.01)
        frame.box((0.0, -0.135, 0), (0.17, 0.03, 0.036), gun, round=0.01)
        frame.plate(
            (-0.2, 0, 0),
            [(0.07, 0.13), (-0.03, 0.1), (-0.1, 0.0), (-0.1, -0.14), (0.07, -0.17)],
            0.035,
            gun,
            round=0.015,
        )
        hilt = smooth_outline(
            [
                (-0.16, -0.1),
                (-0.3, -0.02),
                (-0.34, -0.1),
                (-0.34, -0.22),
                (-0.45, -0.44),
                (-0.46, -0.54),
                (-0.34, -0.58),
                (-0.24, -0.5),
                (-0.2, -0.32),
            ],
            steps=4,
        )
        shape.part("grip").plate((0, 0, 0), hilt, 0.04, grip, round=0.02)
        shape.part("hammer", 0.01).chain(
            [(-0.24, 0.08, 0), (-0.32, 0.14, 0), (-0.38, 0.13, 0)], [0.03, 0.024, 0.018], dark
        )
        guard = (-0.03, -0.225)
    shape.part("trigger guard").ring((*guard, 0), 0.092, 0.016, dark)
    shape.part("trigger").chain(
        [(guard[0], guard[1] + 0.09, 0), (guard[0] + 0.005, guard[1] + 0.02, 0), (guard[0] + 0.03, guard[1] - 0.02, 0)],
        0.015,
        dark,
    )
    _show(shape, rng, 18)


@family(
    "rifle",
    colours=("brown", "black", "green", "grey", "beige"),
    places=("studio", "studio", "grass", "desert", "forest", "snow"),
)
def rifle(shape: Shape, rng: np.random.Generator, look) -> None:
    body = shape.material(look.rgb, "wood" if look.colour in ("brown", "beige") else "plastic")
    steel, black = shape.material((0.035, 0.035, 0.038), "metal"), shape.material(DARK)
    barrel, modern = rng.uniform(0.62, 0.85), rng.random() < 0.45
    if modern:
        stock = np.array(
            [(-0.3, 0.03), (-0.42, 0.03), (-0.72, 0.045), (-0.74, -0.16), (-0.66, -0.17), (-0.5, -0.075), (-0.3, -0.06)]
        )
        shape.part("stock").plate((0, 0, 0), stock, 0.026, body, round=0.012)
        shape.part("receiver").box((-0.1, 0, 0), (0.22, 0.075, 0.036), steel, round=0.012)
        shape.part("hand guard").box((0.3, 0.01, 0), (0.19, 0.056, 0.042), body, round=0.02)
        ribs = shape.part("ribs")
        for i in range(4):
            ribs.box((0.18 + 0.08 * i, 0.015, 0), (0.012, 0.04, 0.046), steel)
        grip = smooth_outline(
            [(-0.24, -0.05), (-0.16, -0.06), (-0.2, -0.2), (-0.22, -0.26), (-0.31, -0.25), (-0.28, -0.14)], steps=4
        )
        shape.part("grip").plate((0, 0, 0), grip, 0.022, body, round=0.012)
        bow = rng.uniform(0.0, 0.09)
        clip = smooth_outline(
            [
                (-0.04, -0.05),
                (0.08, -0.05),
                (0.09 + bow * 0.3, -0.18),
                (0.12 + bow, -0.3),
                (0.02 + bow, -0.32),
                (-0.03, -0.2),
            ],
            steps=4,
        )
        shape.part("magazine").plate((0, 0, 0), clip, 0.02, steel, round=0.008)
        shape.part("carry handle").chain(
            [(-0.2, 0.07, 0), (-0.17, 0.13, 0), (-0.02, 0.13, 0), (0.02, 0.07, 0)], 0.018, steel
        )
        shape.part("front sight").limb((0.55, 0.02, 0), (0.54, 0.11, 0), 0.022, 0.012, steel)
    else:
        stock = smooth_outline(
            [
                (0.42, 0.03),
                (0.42, -0.035),
                (0.1, -0.065),
                (-0.12, -0.07),
                (-0.24, -0.1),
                (-0.33, -0.14),
                (-0.4, -0.1),
                (-0.72, -0.2),
                (-0.75, -0.1),
                (-0.74, 0.02),
                (-0.5, 0.0),
                (-0.34, -0.015),
                (-0.22, 0.025),
                (0.1, 0.03),
            ],
            steps=4,
        )
        shape.part("stock").plate((0, 0, 0), stock, 0.022, body, round=0.014)
        shape.part("receiver").limb((-0.22, 0.035, 0), (0.12, 0.035, 0), 0.036, 0.036, steel)
        shape.part("bolt").chain(
            [(-0.16, 0.035, 0.03), (-0.17, 0.0, 0.085), (-0.18, -0.015, 0.1)], [0.014, 0.013, 0.024], steel
        )
        if rng.random() < 0.65:
            scope = shape.part("scope")
            scope.cone((-0.2, 0.125, 0), (0.16, 0.125, 0), 0.025, m=steel)
            scope.cone((0.1, 0.125, 0), (0.21, 0.125, 0), 0.03, 0.044, steel)
            scope.cone((-0.28, 0.125, 0), (-0.17, 0.125, 0), 0.04, 0.032, steel)
            scope.box((-0.08, 0.085, 0), (0.02, 0.03, 0.018), steel)
            scope.box((0.06, 0.085, 0), (0.02, 0.03, 0.018), steel)
        else:
            shape.part("rear sight").box((0.06, 0.08, 0), (0.03, 0.016, 0.014), steel)
        if rng.random() < 0.5:
            strap = shape.material(WOOD, "leather")
            shape.part("sling").chain(
                [(0.36, -0.05, 0), (0.12, -0.2, 0), (-0.25, -0.27, 0), (-0.6, -0.19, 0)], 0.014, strap
            )
    shape.part("barrel").chain([(0.1, 0.03, 0), (0.42 + barrel * 0.6, 0.03, 0)], [0.026, 0.02], steel)
    shape.part("muzzle").cone((0.4 + barrel * 0.6, 0.03, 0), (0.47 + barrel * 0.6, 0.03, 0), 0.027, m=steel)
    shape.part("bore").cone((0.465 + barrel * 0.6, 0.03, 0), (0.473 + barrel * 0.6, 0.03, 0), 0.014, m=black)
    shape.part("trigger guard").ring((-0.1, -0.105, 0), 0.048, 0.011, steel)
    shape.part("trigger").limb((-0.1, -0.07, 0), (-0.09, -0.12, 0), 0.011, 0.008, steel)
    _show(shape, rng, 14)
