"""Things of the house and the wardrobe: crockery, light and time, tools, and what people wear.

Units are free; the front of each thing faces +x. A thing that is all silhouette (a cup with its handle, a knife) shows
it to its sides, as an animal does: it is drawn as seen from the front first, and turned at the end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.world.families import family
from training.world.sdf import smooth_outline, toward, turn

TABLE = ("studio", "studio", "kitchen", "kitchen", "grass", "street")
FRONT = turn(y=90)  # an outline seen from the front as drawn, its x to the viewer's right
FLAT = turn(x=90)  # an outline lying down, its x forward and its y to the right
KIND = {"straw": "fabric", "felt": "fabric", "leather": "plastic", "steel": "metal", "wool": "fur"}
SIDE = turn(y=-90)  # what was drawn as seen from the front comes to face +z, its right to +x
STEEL = (0.55, 0.56, 0.58)
DARK = (0.02, 0.02, 0.022)
IVORY = (0.8, 0.78, 0.7)


def lean(shape, rotation):
    """Turn everything that the shape holds so far."""
    for part in shape.parts:
        for group in (part.solid, part.carved):
            group[:] = [replace(p, centre=rotation @ p.centre, frame=rotation @ p.frame) for p in group]


def kind_of(look, default):
    """The kind of surface of the material that a caption may name."""
    return KIND.get(look.material, look.material) or default


def lighter(rgb, share):
    """A colour moved toward white by a share of the way (toward black if negative)."""
    return tuple(c + (0.85 - c) * share if share > 0 else c * (1 + share) for c in rgb)


def vessel(outside, wall, floor):
    """The profile of an open vessel from its outside, (n, 2) from the bottom to the rim."""
    outside = np.asarray(outside, float)
    inside = outside[outside[:, 1] > outside[0, 1] + floor] - (wall, 0)
    return np.concatenate([[(0, outside[0, 1])], outside, inside[::-1],
                           [(0, outside[0, 1] + floor)]])


def arc(centre, radii, start, stop, count=9):
    """(count, 2) points of an ellipse's arc, by degrees counter-clockwise from x."""
    angle = np.radians(np.linspace(start, stop, count))
    return np.stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)], axis=1)


def upright(points):
    """Points (n, 2) drawn as seen from the front, as (n, 3): x to the viewer's right, so -z."""
    return [(0.0, y, -x) for x, y in points]


@family("cup", colours=("white", "red", "blue", "green", "yellow", "black", "orange", "turquoise", "pink", "purple",
                        "brown", "grey", "beige"), materials=("ceramic", "metal", "plastic"), places=TABLE)
def cup(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "ceramic"))
    coffee = shape.material((0.035, 0.012, 0.004), "plastic")
    kind = rng.choice(["mug", "round", "tapered"], p=[0.45, 0.3, 0.25])
    height = rng.uniform(0.85, 1.15) if kind == "mug" else rng.uniform(0.7, 0.85)
    radius = rng.uniform(0.42, 0.5)
    foot = {"mug": rng.uniform(0.86, 1.0), "round": 0.5, "tapered": 0.62}[kind] * radius
    if kind == "round":
        outside = smooth_outline([(foot, 0), (foot * 1.02, 0.05), (radius * 0.88, height * 0.3),
                                  (radius, height * 0.65),
                                  (radius * 1.06, height)], closed=False)
    else:
        outside = smooth_outline([(foot * 0.95, 0), (foot, 0.04), ((foot + radius) / 2 + 0.01, height / 2),
                                  (radius, height)], closed=False)
    shape.part("wall").lathe((0, 0, 0), vessel(outside, 0.055, 0.1), body)
    shape.part("drink").cone((0, height * 0.3, 0), (0, height * rng.uniform(0.8, 0.86), 0), radius * 0.6,
                             np.interp(height * 0.83, outside[:, 1], outside[:, 0]) - 0.03, coffee)
    ear, tall = rng.uniform(0.22, 0.34), height * rng.uniform(0.24, 0.33)
    middle = height * rng.uniform(0.5, 0.56)
    points = arc((np.interp(middle, outside[:, 1], outside[:, 0]) - 0.03, middle), (ear, tall), -95, 95, 13)
    ends = np.interp(points[[0, -1], 1], outside[:, 1], outside[:, 0]) + 0.015
    points[[0, -1], 0] = ends
    shape.part("handle").chain(upright(points), rng.uniform(0.045, 0.065), body)
    if kind != "mug" and rng.random() < 0.55:
        r = radius * rng.uniform(1.5, 1.75)
        shape.part("saucer").lathe((0, -0.06, 0), [(0, 0), (r * 0.45, 0), (r * 0.6, 0.04), (r, 0.14), (r * 0.98, 0.19),
                                                   (r * 0.55, 0.08), (0, 0.07)], body)
    lean(shape, SIDE)


@family("teapot", colours=("white", "blue", "red", "green", "yellow", "black", "brown", "turquoise", "pink", "orange",
                           "silver", "purple"), materials=("ceramic", "metal"), places=TABLE)
def teapot(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "ceramic"))
    trim = shape.material((0.7, 0.42, 0.08) if rng.random() < 0.4 else look.rgb,
                          "metal" if look.material == "metal" else
                          "ceramic")
    tall = rng.uniform(0.72, 1.2)
    waist = 0.6
    neck = rng.uniform(0.2, 0.3)
    bulge = rng.uniform(0.35, 0.55)  # where the belly is widest, of the height
    outside = smooth_outline([(0.3, 0), (0.33, 0.03), (0.34, 0.05), (waist * 0.9, tall * bulge * 0.5),
                              (waist, tall * bulge), (waist * 0.84, tall * (bulge + 0.3)), (neck * 1.15, tall * 0.97)],
                             closed=False)
    shape.part("pot").lathe((0, 0, 0), np.concatenate([[(0, 0)], outside, [(0, tall * 0.97)]]), body)

    def side(y):
        return np.interp(y, outside[:, 1], outside[:, 0])

    low, tip = tall * rng.uniform(0.22, 0.35), tall * rng.uniform(0.86, 1.04)
    out = rng.uniform(0.42, 0.55)
    start = side(low) - 0.08
    path = smooth_outline([(start, low), (start + out * 0.5, low + 0.1), (start + out * 0.72, (low + tip) / 2 + 0.02),
                           (start + out + 0.06, tip)], closed=False, steps=3)
    spout = shape.part("spout")
    spout.chain(upright(path), np.linspace(0.15, 0.055, len(path)), body)
    mouth = path[-1] + (path[-1] - path[-2]) * 0.6
    spout.limb(*upright([mouth, mouth + (path[-1] - path[-2]) * 0.5]), 0.032, 0.034,
             shape.material(DARK), carve=True)
    over = rng.random() < 0.2
    if over:  # a bail handle over the top
        points = arc((0, tall * 0.8), (waist * 0.72, tall * 0.65 + 0.15), -5, 185, 13)
        shape.part("handle").chain(upright(points), 0.042, trim)
    else:
        high, low = tall * 0.82, tall * rng.uniform(0.2, 0.32)
        ear = rng.uniform(0.36, 0.46)
        points = smooth_outline([(-side(low) + 0.04, low), (-waist - ear * 0.72, low + 0.06),
                                 (-waist - ear, tall * 0.66),
                                 (-waist - ear * 0.5, high + 0.06), (-side(high) + 0.03, high - 0.02)], closed=False,
                                steps=3)
        shape.part("handle").chain(upright(points), 0.052, body)
    lid = shape.part("lid")
    rise = rng.uniform(0.06, 0.16)
    lid.lathe((0, tall * 0.95, 0), [(0, 0), (neck * 1.22, 0), (neck * 1.24, 0.03), (neck * 0.95, rise * 0.6 + 0.03),
                                    (neck * 0.5, rise + 0.03), (0, rise + 0.05)], body)
    knob = shape.part("knob", blend=0.01)
    knob.limb((0, tall * 0.95 + rise, 0), (0, tall * 0.95 + rise + 0.1, 0), 0.028, m=trim)
    knob.ellipsoid((0, tall * 0.95 + rise + 0.12, 0), (0.07, rng.uniform(0.045, 0.075), 0.07), trim)
    if rng.random() < 0.4:
        shape.part("foot").cone((0, -0.03, 0), (0, 0.05, 0), 0.36, 0.32, trim, round=0.015)
    if rng.random() < 0.3:  # a painted band
        y = tall * bulge
        shape.part("band").cone((0, y - 0.04, 0), (0, y + 0.04, 0), waist * 1.006, m=trim)
    lean(shape, SIDE)


def _brim_and_crown(shape, rng, m, ribbon, brim, crown_r, crown_h, top, droop):
    """A hat turned on the lathe: a brim that droops (or turns up), and a crown that narrows to `top` of its radius."""
    t = 0.035
    shape.part("brim").lathe((0, 0, 0), [(0, 0), (crown_r, 0), (crown_r + (brim - crown_r) * 0.6, -droop * 0.4),
                                         (brim, -droop), (brim + 0.01, -droop + t * 0.6), (brim, -droop + t),
                                         (crown_r + (brim - crown_r) * 0.6, t - droop * 0.4), (crown_r, t), (0, t)], m)
    return shape.part("crown"), shape.part("ribbon").cone((0, 0.01, 0), (0, crown_h * rng.uniform(0.2, 0.3), 0),
                                                          crown_r * 1.035, crown_r * (1.035 + (top - 1) * 0.25), ribbon)


@family("hat", colours=("black", "brown", "beige", "white", "red", "blue", "grey", "pink", "purple", "green", "yellow"),
        materials=("straw", "felt", "leather"),
        places=("studio", "studio", "beach", "street", "desert", "snow"))
def hat(shape, rng, look):
    cloth = shape.material(look.rgb, kind_of(look, "fabric"))
    dark, light = rng.random() < 0.5, [(0.5, 0.03, 0.04), (0.75, 0.7, 0.6), (0.03, 0.07, 0.3)][rng.integers(3)]
    plain = look.colour == "red" or (dark and sum(look.rgb) > 0.9)
    ribbon = shape.material(DARK if plain else light, "fabric")
    kind = rng.choice(["top", "sun", "cowboy", "fedora", "cap"], p=[0.2, 0.25, 0.25, 0.2, 0.1])
    if kind == "top":
        high = rng.uniform(0.62, 0.85)
        crown, _ = _brim_and_crown(shape, rng, cloth, ribbon, rng.uniform(0.56, 0.64), 0.36, high, 1.05, -0.05)
        flare = rng.uniform(1.0, 1.12)
        crown.lathe((0, 0, 0), [(0, 0), (0.36, 0), (0.345, high * 0.5), (0.36 * flare, high - 0.01),
                                (0.355 * flare, high + 0.01), (0.2, high + 0.02), (0, high + 0.02)], cloth)
    elif kind == "sun":
        high = rng.uniform(0.34, 0.42)
        crown, _ = _brim_and_crown(shape, rng, cloth, ribbon, rng.uniform(0.78, 1.0), 0.38, high, 0.97,
                                   rng.uniform(0.02, 0.14))
        crown.lathe((0, 0, 0), [(0, 0), *smooth_outline([(0.38, 0), (0.375, high * 0.45), (0.29, high * 0.9),
                                                         (0.12, high),
                                                         (0, high)], closed=False, steps=4)], cloth)
    elif kind == "fedora":
        high = rng.uniform(0.42, 0.5)
        crown, _ = _brim_and_crown(shape, rng, cloth, ribbon, rng.uniform(0.56, 0.66), 0.36, high, 0.9,
                                   rng.uniform(-0.1, 0.02))
        crown.lathe((0, 0, 0), [(0, 0), *smooth_outline([(0.36, 0), (0.34, high * 0.5), (0.28, high * 0.92),
                                                         (0.15, high),
                                                         (0, high)], closed=False, steps=4)], cloth)
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
        cap.lathe((0, 0, 0), smooth_outline([(0, 0), (0.4, 0), (0.395, 0.12), (0.3, 0.3), (0.12, 0.37), (0, 0.38)],
                                            closed=False, steps=4), cloth)
        shape.part("button").ball((0, 0.385, 0), 0.04, ribbon)
        tip = smooth_outline([(0.1, -0.36), (0.34, -0.37), (0.68, -0.27), (0.8, 0), (0.68, 0.27), (0.34, 0.37),
                              (0.1, 0.36)])
        shape.part("visor").plate((0, 0.035, 0), tip, 0.016, ribbon if rng.random() < 0.5 else cloth,
                                  turn(z=-9) @ FLAT, round=0.008)
        seams = shape.part("seams")
        for angle in (0, 60, 120):
            seams.ring((0, 0, 0), 0.385, 0.012, cloth, turn(y=angle), arc=180)


@family("wine_bottle", colours=("green", "black", "brown", "red", "blue", "white"), materials=("glass",), places=TABLE)
def wine_bottle(shape, rng, look):
    deep = look.rgb if look.colour in ("black", "white", "blue") else lighter(look.rgb, -0.35)
    glass = shape.material(deep, "glass")
    radius, shoulder = rng.uniform(0.125, 0.15), rng.uniform(0.52, 0.62)
    neck, collar = rng.uniform(0.044, 0.052), rng.uniform(0.68, 0.75)
    round_shoulder = rng.random() < 0.6  # a Bordeaux bottle; else the sloping one of Burgundy
    if round_shoulder:
        bend = [(radius, shoulder), (radius * 0.93, shoulder + 0.05), (neck * 1.5, collar - 0.02)]
    else:
        bend = [(radius, shoulder - 0.1), (radius * 0.8, shoulder + 0.02), (neck * 1.5, collar)]
    outside = smooth_outline([(radius * 0.9, 0), (radius, 0.02), (radius, 0.2), *bend, (neck, collar + 0.06),
                              (neck * 0.96, 0.9), (neck, 1.0)], closed=False)
    shape.part("bottle").lathe((0, 0, 0), np.concatenate([[(0, 0)], outside, [(0, 1.0)]]), glass)
    shape.part("lip").cone((0, 0.965, 0), (0, 0.99, 0), neck * 1.22, m=glass, round=0.006)
    foil = shape.material([(0.4, 0.02, 0.03), (0.7, 0.42, 0.08), (0.02, 0.02, 0.02)][rng.integers(3)], "metal")
    if rng.random() < 0.75:
        shape.part("foil").cone((0, rng.uniform(0.82, 0.87), 0), (0, 1.004, 0), neck * 1.12, neck * 1.08, foil,
                                round=0.004)
    else:
        shape.part("cork").cone((0, 0.97, 0), (0, 1.05, 0), neck * 0.75, neck * 0.82, shape.material((0.5, 0.32, 0.16)))
    paper = shape.material(IVORY if look.colour != "white" else (0.35, 0.03, 0.04), "matte")
    low, high = rng.uniform(0.1, 0.16), rng.uniform(0.36, 0.46)
    label = shape.part("label")
    label.cone((0, low, 0), (0, high, 0), radius * 1.015, m=paper)
    label.box((-radius * 1.3, 0.3, 0), (radius * 0.9, 0.3, 0.3), glass, carve=True)
    band = shape.part("label band")
    band.cone((0, low + (high - low) * 0.62, 0), (0, low + (high - low) * 0.82, 0), radius * 1.03, m=foil)
    band.box((-radius * 1.1, 0.3, 0), (radius, 0.3, 0.3), glass, carve=True)


@family("candle", colours=("white", "red", "yellow", "beige", "green", "blue", "purple", "orange", "pink"),
        places=("studio", "kitchen", "night", "studio", "night", "snow", "grass"))
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
            shape.part("dish").lathe((0, -0.05, 0), [(0, 0), (radius * 1.2, 0), (radius * 1.55, 0.05),
                                                     (radius * 1.5, 0.08), (radius * 1.1, 0.045), (0, 0.045)],
                                     shape.material(DARK, "metal"))
        return
    brass = shape.material((0.65, 0.4, 0.09) if rng.random() < 0.5 else DARK, "metal")
    stick = shape.part("candlestick", blend=0.01)
    if kind == "holder":  # a chamber stick: a saucer with a finger ring
        wide = rng.uniform(0.28, 0.36)
        stick.lathe((0, -0.06, 0), [(0, 0), (wide * 0.8, 0), (wide, 0.07), (wide * 0.97, 0.1), (wide * 0.75, 0.04),
                                    (0, 0.04)], brass)
        stick.cone((0, -0.03, 0), (0, 0.1, 0), radius * 1.35, m=brass, round=0.01)
        shape.part("finger ring").ring((0, 0.03, -wide - 0.07), 0.08, 0.02, brass, FRONT)
    else:
        down = rng.uniform(0.2, 0.4)
        stick.cone((0, -0.02, 0), (0, 0.06, 0), radius * 1.2, radius * 1.4, brass, round=0.01)
        stick.limb((0, -down, 0), (0, 0, 0), 0.035, 0.03, brass)
        stick.ball((0, -down * 0.5, 0), 0.06, brass)
        stick.cone((0, -down - 0.05, 0), (0, -down + 0.03, 0), 0.21, 0.06, brass, round=0.015)


@family("hourglass", colours=("brown", "black", "red", "blue", "gold", "white", "green", "grey"),
        materials=("wood", "metal", "plastic"), places=("studio", "studio", "kitchen", "beach", "desert", "snow"))
def hourglass(shape, rng, look):
    frame = shape.material(look.rgb, kind_of(look, "wood"))
    glass = shape.material((0.6, 0.68, 0.7), "glass")
    sand = shape.material([(0.75, 0.5, 0.22), (0.8, 0.7, 0.5), (0.6, 0.25, 0.15)][rng.integers(3)])
    r, waist = rng.uniform(0.2, 0.24), 0.025
    bulb = smooth_outline([(r * 0.7, 0.05), (r * 0.95, 0.12), (r, 0.22), (r * 0.75, 0.36), (waist * 1.5, 0.47),
                           (waist, 0.5), (waist * 1.5, 0.53), (r * 0.75, 0.64), (r, 0.78), (r * 0.95, 0.88),
                           (r * 0.7, 0.95)], closed=False)
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


DIGITS = {1: "bc", 2: "abged", 3: "abgcd", 4: "fgbc", 5: "afgcd", 6: "afgedc", 7: "abc", 8: "abcdefg", 9: "abcdfg",
          0: "abcdef"}  # the lit segments of a display, clockwise from the top, g in the middle


@family("alarm_clock", facing=True, colours=("red", "blue", "black", "white", "green", "yellow", "pink", "turquoise", "silver",
                                "gold",
                                "orange", "purple"), materials=("metal", "plastic"),
        places=("studio", "studio", "kitchen", "grass", "snow", "night"))
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
        for where, digit in zip((-0.62, -0.24, 0.24, 0.62), (1, rng.integers(3), rng.integers(6), rng.integers(10)),
                                strict=True):
            z = -where * wide
            for name in DIGITS[int(digit)]:
                dy, dz, flat = {"a": (1, 0, 1), "b": (0.5, -1, 0), "c": (-0.5, -1, 0), "d": (-1, 0, 1),
                                "e": (-0.5, 1, 0),
                                "f": (0.5, 1, 0), "g": (0, 0, 1)}[name]
                digits.box((x, high + dy * tall, z + dz * across), (0.01, 0.017 if flat else tall * 0.42,
                                                                    across * 0.8 if flat else 0.017), lit)
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
        marks.box((x, np.cos(angle) * r * 0.74, -np.sin(angle) * r * 0.74),
                  (0.008, long, 0.016 if k % 3 == 0 else 0.01),
                  ink, turn(x=-30 * k))
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
        shape.part("handle").chain([(0, r + size * 0.9, z * 1.5), (0, high - 0.02, z), (0, high + 0.03, 0),
                                    (0, high - 0.02, -z), (0, r + size * 0.9, -z * 1.5)], 0.02, steel)
    feet = shape.part("feet")
    out = np.array([0, -np.cos(np.radians(33)), np.sin(np.radians(33))])
    feet.limb(out * (r - 0.03), out * (r + 0.13), 0.04, 0.025, shiny, mirror=True)
    feet.ball(out * (r + 0.14), 0.035, shiny, mirror=True)


@family("bell", colours=("gold", "silver", "brown", "green", "black", "red"), materials=("metal",),
        places=("studio", "studio", "snow", "grass", "kitchen", "street"))
def bell(shape, rng, look):
    body = shape.material(look.rgb, "metal")
    wood = shape.material((0.14, 0.06, 0.025), "wood")
    kind = rng.choice(["church", "hand", "hung"], p=[0.35, 0.3, 0.35])
    high, mouth = rng.uniform(0.62, 0.78), rng.uniform(0.4, 0.47)
    crown = rng.uniform(0.19, 0.25)
    outside = smooth_outline([(mouth, 0), (mouth * 0.93, 0.07), (mouth * 0.72, high * 0.3), (crown * 1.12, high * 0.7),
                              (crown, high * 0.9), (crown * 0.6, high)], closed=False)
    inside = outside[:-6] - (0.045, 0)
    inside[0, 0] = mouth - 0.02
    profile = np.concatenate([outside, [(0, high + 0.01), (0, high * 0.85)], inside[::-1]])
    shape.part("bell").lathe((0, 0, 0), np.concatenate([[(0, high + 0.01)], profile[:len(outside)][::-1], inside,
                                                        [(0, high * 0.84)]]), body)
    rings = shape.part("rings")
    for y, swell in ((0.1, 0.007), (high * 0.82, 0.006), (high * 0.74, 0.004)):
        rings.ring((0, y, 0), np.interp(y, outside[:, 1], outside[:, 0]), 0.01 + swell, body, turn(x=90))
    clapper = shape.part("clapper")
    clapper.limb((0, high * 0.9, 0), (0, 0.0, 0), 0.018, 0.025, shape.material((0.06, 0.055, 0.05), "metal"))
    clapper.ball((0, -0.03, 0), 0.075, shape.material((0.06, 0.055, 0.05), "metal"))
    if kind == "hand":
        grip = shape.part("grip", blend=0.01)
        long = rng.uniform(0.4, 0.5)
        grip.chain([(0, high, 0), (0, high + 0.06, 0), (0, high + long * 0.55, 0), (0, high + long, 0)],
                   (0.045, 0.04, 0.075, 0.05), wood)
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


def lay(shape, rng, level=(20, 55)):
    """Lay down a flat thing that was drawn upright as seen from the front: its length comes to lie across the view,
    turned by an angle out of `level`, up or down. It leans back a little, so that a camera on either side of it sees
    its breadth."""
    across, up = rng.choice([-1, 1], 2)
    lean(shape, SIDE @ turn(z=rng.uniform(15, 38)) @ turn(x=90 * across + up * rng.uniform(*level)))


@family("hammer", colours=("red", "yellow", "brown", "blue", "black", "orange", "green", "grey"),
        places=("studio", "studio", "grass", "street", "kitchen", "snow"))
def hammer(shape, rng, look):
    grip = shape.material(look.rgb, "wood" if look.colour == "brown" else "plastic")
    steel = shape.material((0.33, 0.34, 0.36), "metal")
    thick, long = rng.uniform(0.036, 0.044), rng.uniform(0.72, 0.9)
    handle = shape.part("handle", blend=0.004)
    handle.chain([(0, 0, 0), (0, long * 0.35, 0), (0, long * 0.62, 0), (0, long, 0)],
                 (thick * 1.25, thick * 1.15, thick * 0.78, thick * 0.82), grip)
    head = shape.part("head", blend=0.012)
    y = long - 0.01
    kind = rng.choice(["claw", "ball", "sledge"], p=[0.65, 0.15, 0.2])
    if kind == "claw":
        head.box((0, y, 0), (0.055, 0.062, 0.07), steel, round=0.02)
        head.cone((0, y, -0.05), (0, y, -0.15), 0.045, m=steel)
        head.cone((0, y, -0.14), (0, y, -0.23), 0.068, m=steel, round=0.012)
        drop = rng.uniform(0.05, 0.12)
        for x in (-0.034, 0.034):
            head.chain([(x * 0.6, y + 0.015, 0.04), (x, y + 0.02, 0.14), (x * 1.2, y - 0.02, 0.23),
                        (x * 1.35, y - 0.02 - drop, 0.31)], (0.042, 0.034, 0.024, 0.01), steel)
    elif kind == "ball":
        head.cone((0, y, 0.1), (0, y, -0.12), 0.05, m=steel)
        head.cone((0, y, -0.12), (0, y, -0.2), 0.072, m=steel, round=0.012)
        head.ball((0, y, 0.15), 0.072, steel)
    else:
        wide = rng.uniform(0.16, 0.22)
        head.box((0, y, 0), (0.085, 0.085, wide), steel, round=0.022)
    if rng.random() < 0.5:
        shape.part("ferrule").cone((0, long * 0.36, 0), (0, long * 0.4, 0), thick * 1.22, m=steel)
    lay(shape, rng)


@family("knife", colours=("black", "brown", "red", "blue", "green", "silver", "white", "yellow"),
        places=("studio", "kitchen", "studio", "kitchen", "street", "beach"))
def knife(shape, rng, look):
    blade = shape.material((0.62, 0.63, 0.65), "metal")
    grip = shape.material(look.rgb, {"brown": "wood", "silver": "metal"}.get(look.colour, "plastic"))
    wide, long = rng.uniform(0.05, 0.085), rng.uniform(0.52, 0.6)
    kind = rng.choice(["chef", "table", "hunting"], p=[0.5, 0.2, 0.3])
    if kind == "chef":
        edge = [(-0.03, 0), (wide * 1.2, 0.0), (wide * 1.2, long * 0.35), (wide * 0.85, long * 0.72), (-0.02, long),
                (-0.035, long * 0.9), (-0.03, long * 0.5)]
    elif kind == "table":
        edge = [(-0.028, 0), (0.028, 0), (0.036, long * 0.5), (0.032, long * 0.9), (0.01, long), (-0.02, long * 0.96),
                (-0.03, long * 0.5)]
    else:
        edge = [(-0.04, 0), (wide, 0), (wide * 1.05, long * 0.45), (wide * 0.7, long * 0.75), (-0.03, long),
                (-0.015, long * 0.8), (-0.04, long * 0.55)]
    shape.part("blade").plate((0, 0, 0), smooth_outline(edge, steps=5), 0.009, blade, FRONT, round=0.003)
    tail = -rng.uniform(0.36, 0.42)
    handle = shape.part("handle")
    if kind == "table":
        handle.chain([(0, 0.0, 0), (0, tail * 0.5, 0), (0, tail, 0)], (0.022, 0.026, 0.034), grip)
    else:
        outline = smooth_outline([(-0.042, 0), (0.042, 0), (0.032, tail * 0.35), (0.036, tail * 0.6),
                                  (0.052, tail * 0.93),
                                  (0.02, tail), (-0.035, tail * 0.96), (-0.045, tail * 0.5)])
        handle.plate((0, 0, 0), outline, 0.022, grip, FRONT, round=0.008)
        rivets = shape.part("rivets")
        for share in (0.2, 0.5, 0.8):
            rivets.cone((-0.034, tail * share, 0), (0.034, tail * share, 0), 0.014, m=blade)
        bolster = shape.part("bolster")
        if kind == "hunting":
            bolster.box((0, 0.0, 0), (0.035, 0.018, 0.085), blade, round=0.008)
        else:
            bolster.box((0, 0.0, -0.005), (0.03, 0.016, 0.05), blade, round=0.006)
    lay(shape, rng)


@family("scissors", colours=("red", "black", "blue", "orange", "green", "yellow", "purple", "pink", "silver"),
        places=("studio", "studio", "kitchen", "street", "snow"))
def scissors(shape, rng, look):
    steel = shape.material((0.62, 0.63, 0.65), "metal")
    grip = shape.material(look.rgb, "metal" if look.colour == "silver" else "plastic")
    long, wide = rng.uniform(0.5, 0.62), rng.uniform(0.035, 0.05)
    gape = rng.uniform(8, 24)  # degrees of each blade off the axis
    a, b = rng.uniform(0.095, 0.12), rng.uniform(0.12, 0.16)
    for way, x in ((1, 0.012), (-1, -0.012)):
        # In a half's own plane its inner edge is at 0 and it is straight; then it turns about the pivot.
        frame = turn(x=-way * gape) @ FRONT
        blade = [(0.0, long), (wide * 0.5, long * 0.8), (wide, long * 0.2), (wide * 0.9, -0.03), (wide * 0.2, -0.2),
                 (-wide, -0.2), (-wide * 0.5, -0.03), (-0.004, long * 0.15)]
        shape.part(f"blade {way}").plate((x, 0, 0), np.array(blade) * (way, 1), 0.009, steel, frame, round=0.002)
        middle = np.array([-0.06 * way, -0.2 - b])
        handle = shape.part(f"handle {way}")
        outer = arc(middle, (a, b), 0, 345, 24)
        inner = arc(middle + (0, -0.005), (a - 0.045, b - 0.05), 0, 345, 24)
        shank = np.array([(wide * 0.9, -0.05), (wide * 0.9, -0.16), (-0.05, -0.24), (-0.1, -0.24), (-wide, -0.12),
                          (-wide * 0.6, -0.05)]) * (way, 1)
        handle.plate((x, 0, 0), outer, 0.022, grip, frame, round=0.008)
        handle.plate((x, 0, 0), shank, 0.018, grip, frame, round=0.006)
        handle.plate((x, 0, 0), inner, 0.08, None, frame, carve=True)
    shape.part("screw").cone((-0.03, 0, 0), (0.03, 0, 0), 0.024, m=steel, round=0.005)
    lay(shape, rng, (10, 80))


@family("eyeglasses", facing=True, colours=("black", "brown", "red", "blue", "gold", "silver", "green", "purple", "pink", "white"),
        materials=("plastic", "metal"), places=("studio", "studio", "kitchen", "street", "beach", "snow"))
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
        lens = smooth_outline([(wide, high * 0.3 + lift), (wide * 0.86, high * 0.86 + lift), (0, high * 0.92),
                               (-wide * 0.86, high * 0.86), (-wide, high * 0.3), (-wide * 0.78, -high * 0.85),
                               (0, -high), (wide * 0.75, -high * 0.85)], steps=5)
    middle = lens.mean(axis=0)
    shrink = 1 - 2 * thick / np.array([wide * 2, high * 2]).min()
    inner = middle + (lens - middle) * (shrink if kind != "cat" else shrink - 0.02)
    dark = rng.random() < 0.3
    for way in (1, -1):
        rim = shape.part(f"rim {way}")
        rim.plate((0, 0, way * z), lens * (-way, 1), 0.014, frame, FRONT, round=0.005)
        rim.plate((0, 0, way * z), inner * (-way, 1), 0.1, None, FRONT, carve=True)
        if dark:
            shape.part(f"lens {way}").plate((0, 0, way * z), inner * (-way, 1), 0.005,
                                            shape.material((0.012, 0.013, 0.016), "glass"), FRONT, round=0.003)
    shape.part("bridge").chain([(0, high * 0.15, z - wide + 0.01), (0.015, high * 0.4, 0),
                                (0, high * 0.15, -z + wide - 0.01)], thick * 0.62, frame)
    hinge = z + wide - 0.005
    temples = shape.part("temples")
    up = high * 0.4 + (0.04 if kind == "cat" else 0)
    long = rng.uniform(0.55, 0.65)
    temples.chain([(0, up, hinge - 0.01), (-0.03, up, hinge + 0.015), (-long, up, hinge),
                   (-long - 0.1, up - 0.05, hinge - 0.01), (-long - 0.17, -high * 0.75, hinge - 0.02)],
                  thick * 0.6 + 0.003, frame, mirror=True)


SOLE = [(0.5, 0.0), (0.46, 0.1), (0.3, 0.155), (0.05, 0.13), (-0.2, 0.115), (-0.4, 0.125), (-0.49, 0.07), (-0.5, 0),
        (-0.49, -0.07), (-0.4, -0.125), (-0.2, -0.115), (0.05, -0.13), (0.3, -0.155), (0.46, -0.1)]


@family("shoe", colours=("red", "blue", "black", "white", "brown", "green", "pink", "yellow", "orange", "purple",
                         "grey",
                         "turquoise"), materials=("leather", "fabric"),
        places=("studio", "studio", "grass", "street", "beach", "snow"))
def shoe(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "fabric"))
    inside = shape.material((0.03, 0.025, 0.02), "fabric")
    kind = rng.choice(["sneaker", "boot", "heel", "lace"], p=[0.4, 0.25, 0.2, 0.15])
    if kind == "heel":
        high = rng.uniform(0.26, 0.38)
        cut = rng.uniform(0.16, 0.24)  # where the vamp begins
        bottom = smooth_outline([(0.56, 0.0), (0.3, 0.0), (0.12, 0.035), (-0.15, high * 0.68), (-0.36, high - 0.01),
                                 (-0.5, high)], closed=False, steps=4)
        top = smooth_outline([(-0.5, high), (-0.52, high + 0.09), (-0.46, high + 0.17), (-0.3, high * 0.9 + 0.09),
                              (-0.08, high * 0.55 + 0.07), (cut, 0.13), (cut + 0.06, 0.135), (0.42, 0.08), (0.56, 0.0)],
                             closed=False, steps=4)
        foot = smooth_outline([(0.58, 0.0), (0.5, 0.075), (0.3, 0.13), (0.05, 0.1), (-0.25, 0.09), (-0.42, 0.1),
                               (-0.51, 0.05), (-0.51, -0.05), (-0.42, -0.1), (-0.25, -0.09), (0.05, -0.1), (0.3, -0.13),
                               (0.5, -0.075)])
        upper = shape.part("upper")
        upper.plate((0, 0, 0), np.concatenate([bottom, top]), 0.2, body)
        for way in (1, -1):  # cut to the outline of the foot, half by half
            edge = foot[foot[:, 1] * way >= 0]
            edge = edge[np.argsort(edge[:, 0])]
            around = np.concatenate([[(-0.9, 0), edge[0] * (1, 0)], edge,
                                     [edge[-1] * (1, 0), (0.9, 0), (0.9, way), (-0.9, way)]])
            upper.plate((0, 0, 0), around, 1.0, None, FLAT, carve=True)
        floor = bottom + (0, 0.035)
        upper.plate((0, 0, 0), np.concatenate([floor[floor[:, 0] < cut + 0.05], [(-0.47, 0.9), (cut + 0.05, 0.9)]]),
                    0.078,
                    inside, carve=True)
        thin = rng.uniform(0.018, 0.04)
        shape.part("heel").limb((-0.45, thin, 0), (-0.44, high - 0.02, 0), thin, 0.07, body)
        return
    rubber = shape.material((0.75, 0.74, 0.7) if kind == "sneaker" and look.colour != "white" else (0.05, 0.035, 0.025),
                            "plastic")
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
        shape.part("cuff").cone((-0.3, top - 0.06, 0), (-0.3, top + 0.01, 0), 0.205, 0.21,
                                shape.material(lighter(look.rgb, -0.4), "fabric"), round=0.02)
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
        laces.chain([(x, y, 0), (x + 0.06, y + 0.05, 0.07), (x + 0.09, y - 0.02, 0.1), (x, y, 0)], 0.01, lace,
                    mirror=True)
    if kind == "sneaker":
        cap = shape.part("toe cap")
        cap.ellipsoid((0.37, base - 0.01, 0), (0.142, toe * 0.86, 0.125), rubber)
        stripes = shape.part("stripes")
        if rng.random() < 0.6:
            for k in range(3):
                x = -0.02 - 0.08 * k
                stripes.limb((x, base + 0.02, 0.118), (x - 0.06, base + 0.18, 0.09), 0.016, m=lace, mirror=True)
        else:
            stripes.chain([(-0.3, base + 0.12, 0.112), (-0.12, base + 0.04, 0.118), (0.05, base + 0.1, 0.115)],
                          (0.01, 0.026, 0.01), lace, mirror=True)


@family("teddy_bear", colours=("brown", "beige", "white", "pink", "blue", "grey", "yellow", "black", "purple"),
        places=("studio", "studio", "grass", "kitchen", "snow", "beach", "street"))
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
    seam.chain([(front - 0.065, 0.4, 0), (front - 0.012, 0.32, 0), (front, 0.25, 0), (front - 0.018, 0.16, 0)], 0.008,
               thread)
    for y in (0.3, 0.235, 0.17):
        seam.limb((front - 0.012, y, -0.022), (front - 0.012, y, 0.022), 0.007, m=thread)
    y = 0.5 + head * 0.72
    skull = shape.part("head", blend=0.02)
    skull.ellipsoid((0, y, 0), (head * 0.95, head * 0.95, head * 1.06), fur)
    size = rng.uniform(0.07, 0.095)
    ears = shape.part("ears")
    ears.ellipsoid((-0.01, y + head * 0.78, head * 0.82), (0.045, size, size), fur, mirror=True)
    shape.part("ear lining").ellipsoid((0.028, y + head * 0.78, head * 0.82), (0.018, size * 0.6, size * 0.6), pale,
                                       mirror=True)
    muzzle = shape.part("muzzle", blend=0.01)
    snout = rng.uniform(0.08, 0.11)
    muzzle.ellipsoid((head * 0.9, y - head * 0.25, 0), (snout, snout * 0.82, snout * 1.1), pale)
    tip = head * 0.9 + snout
    nose = shape.part("nose", blend=0.006)
    nose.ellipsoid((tip - 0.012, y - head * 0.25 + snout * 0.42, 0), (0.026, 0.026, 0.04), black)
    mouth = shape.part("mouth")
    low = y - head * 0.25
    mouth.chain([(tip - 0.005, low + 0.02, 0), (tip + 0.0, low - 0.012, 0), (tip - 0.014, low - 0.038, 0.035)], 0.007,
                thread,
                mirror=True)
    shape.part("eyes").ball((head * 0.86, y + head * 0.2, head * 0.4), 0.028, black, mirror=True)
    arms = shape.part("arms", blend=0.02)
    swing = rng.uniform(-0.06, 0.12)
    arms.chain([(0.02, 0.44, fat * 0.8), (0.06, 0.32 + swing * 0.5, fat + 0.1), (0.15, 0.22 + swing, fat + 0.13)],
               (0.075, 0.075, 0.085), fur, mirror=True)
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


@family("spoon", colours=("silver", "gold", "brown", "white", "red", "black"), materials=("metal", "wood", "plastic"),
        places=("studio", "kitchen", "studio", "kitchen", "street"))
def spoon(shape, rng, look):
    body = shape.material(look.rgb, kind_of(look, "metal"))
    wide, long, tail = rng.uniform(0.095, 0.13), rng.uniform(0.16, 0.2), rng.uniform(0.62, 0.72)
    bowl = shape.part("bowl")
    bowl.ellipsoid((0.0, 0.0, 0), (0.075, long, wide), body)
    bowl.ellipsoid((0.075, 0.0, 0), (0.125, long * 0.93, wide * 0.9), body, carve=True)
    bowl.box((0.3, 0, 0), (0.28, 0.4, 0.4), None, carve=True)
    handle = shape.part("handle")
    edge = smooth_outline([(-0.022, -long * 0.9), (0.022, -long * 0.9), (0.013, -long - 0.1),
                           (0.018, -long - tail * 0.6),
                           (0.04, -long - tail * 0.92), (0.0, -long - tail), (-0.04, -long - tail * 0.92),
                           (-0.018, -long - tail * 0.6), (-0.013, -long - 0.1)])
    handle.plate((0, 0, 0), edge, 0.01, body, FRONT, round=0.006)
    lay(shape, rng)


@family("axe", colours=("brown", "red", "yellow", "orange", "black", "blue"),
        places=("forest", "grass", "studio", "snow", "studio"))
def axe(shape, rng, look):
    grip = shape.material(look.rgb, "wood" if look.colour == "brown" else "plastic")
    steel = shape.material((0.36, 0.37, 0.39), "metal")
    bright = shape.material((0.66, 0.67, 0.69), "metal")
    thick = rng.uniform(0.032, 0.04)
    handle = shape.part("handle", blend=0.004)
    handle.chain([(0, -0.02, 0.03), (0, 0.06, 0.02), (0, 0.35, -0.01), (0, 0.7, 0.005), (0, 0.98, 0)],
                 (thick * 1.5, thick * 1.15, thick, thick, thick * 0.95), grip)
    reach, drop = rng.uniform(0.26, 0.32), rng.uniform(0.14, 0.2)
    heads = [1, -1] if rng.random() < 0.25 else [1]
    head, edge = shape.part("head"), shape.part("edge")
    for way in heads:
        curve = arc((reach - 0.16, 0.88), (0.18, drop), -75, 75, 9)
        outline = np.concatenate([[(-0.06, 0.97), (-0.06, 0.82), (0.06, 0.82)], curve, [(0.06, 0.96)]])
        head.plate((0, 0, 0), outline * (way, 1), 0.024, steel, FRONT, round=0.006)
        inner = curve[::-1] * (0.9, 1) + (0.0, 0)
        edge.plate((0, 0, 0), np.concatenate([curve + (0.006, 0), inner]) * (way, 1), 0.028, bright, FRONT, round=0.004)
    if len(heads) == 1:
        head.box((0, 0.895, 0.08), (0.036, 0.075, 0.05), steel, round=0.01)
    lay(shape, rng, (20, 60))


@family("fan", facing=True, colours=("white", "black", "blue", "red", "green", "silver", "grey", "turquoise", "pink"),
        materials=("metal", "plastic"), places=("studio", "studio", "kitchen", "studio", "grass"))
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
    leaf = smooth_outline([(0.02, 0.03), (0.1, r * 0.45), (0.12, r * 0.75), (0.02, r * 0.88), (-0.09, r * 0.75),
                           (-0.05, r * 0.4), (-0.02, 0.03)])
    for k in range(count):
        blades.plate((0, 0, 0), leaf, 0.006, wing, turn(x=spin + 360 * k / count) @ FRONT @ turn(y=22), round=0.003)
    blades.cone((-deep * 0.5, 0, 0), (deep * 0.8, 0, 0), 0.06, m=body)
    motor = shape.part("motor", blend=0.01)
    motor.cone((-deep - 0.16, 0, 0), (-deep * 0.7, 0, 0), 0.07, 0.11, body, round=0.03)
    pole = shape.part("stand", blend=0.01)
    foot = -r - stem
    pole.limb((-deep - 0.07, -0.06, 0), (-deep - 0.06, foot + 0.05, 0), 0.03, 0.04, body)
    wide = rng.uniform(0.22, 0.28)
    shape.part("foot").cone((-deep + 0.03, foot, 0), (-deep + 0.03, foot + 0.06, 0), wide, wide * 0.85, body,
                            round=0.02)
    if stem < 0.5:
        knobs = shape.part("buttons")
        for k in range(3):
            knobs.ball((-deep + 0.03 + wide * 0.62, foot + 0.065, (k - 1) * 0.07), 0.024, wing)


@family("saw", colours=("brown", "red", "yellow", "orange", "blue", "black", "green"),
        places=("studio", "studio", "grass", "street", "forest", "snow"))
def saw(shape, rng, look):
    grip = shape.material(look.rgb, "wood" if look.colour == "brown" else "plastic")
    steel = shape.material((0.6, 0.61, 0.63), "metal")
    long, heel, toe = rng.uniform(0.68, 0.78), rng.uniform(0.2, 0.25), rng.uniform(0.07, 0.12)
    teeth = 17
    t = np.linspace(0, 1, 2 * teeth + 1)
    bottom = np.stack([-0.02 + long * t, np.where(np.arange(2 * teeth + 1) % 2, 0.036, 0.0)], 1)
    blade = np.concatenate([bottom, [(long, toe), (long * 0.9, toe + 0.035), (-0.02, heel)]])
    shape.part("blade").plate((0, 0, 0), blade, 0.011, steel, FRONT, round=0.001)
    handle = shape.part("handle")
    outline = smooth_outline([(0.06, heel + 0.02), (0.0, heel + 0.05), (-0.14, heel + 0.03), (-0.24, heel - 0.02),
                              (-0.2, heel * 0.55), (-0.25, 0.03), (-0.22, -0.04), (-0.1, -0.02), (0.04, 0.01),
                              (0.07, heel * 0.4)])
    handle.plate((0, 0, 0), outline, 0.026, grip, FRONT, round=0.01)
    grasp = smooth_outline([(-0.03, heel * 0.92), (-0.12, heel * 0.9), (-0.145, heel * 0.55), (-0.15, heel * 0.22),
                            (-0.06, heel * 0.2), (-0.03, heel * 0.5)])
    handle.plate((0, 0, 0), grasp, 0.1, None, FRONT, carve=True)
    screws = shape.part("screws")
    for x, y in ((0.03, heel * 0.8), (0.03, heel * 0.3)):
        screws.cone((-0.042, y, -x), (0.042, y, -x), 0.016, m=steel, round=0.004)
    lean(shape, SIDE @ turn(z=rng.uniform(15, 38)) @ turn(x=rng.uniform(-25, 40)))


@family("sword", colours=("silver", "gold", "black", "brown", "red", "blue"),
        places=("studio", "studio", "grass", "forest", "desert", "snow", "night"))
def sword(shape, rng, look):
    steel = shape.material((0.62, 0.63, 0.66), "metal")
    hilt = shape.material(look.rgb, "metal" if look.colour in ("gold", "silver") else "plastic")
    grip = shape.material({"black": (0.06, 0.06, 0.06), "gold": (0.3, 0.02, 0.02), "silver": DARK}.get(look.colour,
                                                                                                       look.rgb),
                          "fabric")
    wide, long = rng.uniform(0.035, 0.055), rng.uniform(0.66, 0.74)
    blade = shape.part("blade")
    if rng.random() < 0.25:  # a sabre
        edge = smooth_outline([(-wide, 0), (wide * 0.7, 0), (wide * 0.9, long * 0.5), (0.0, long * 0.85), (-0.12, long),
                               (-wide - 0.05, long * 0.85), (-wide - 0.005, long * 0.45)], steps=5)
    else:
        edge = np.array([(-wide, 0), (wide, 0), (wide * 0.75, long * 0.88), (0, long), (-wide * 0.75, long * 0.88)])
        shape.part("ridge").box((0, long * 0.42, 0), (0.016, long * 0.4, wide * 0.16), steel, round=0.003)
    blade.plate((0, 0, 0), edge, 0.01, steel, FRONT, round=0.002)
    guard, reach = shape.part("guard", blend=0.006), rng.uniform(0.12, 0.17)
    sweep = rng.choice([0.0, 0.04, -0.03])
    guard.chain([(0, sweep, -reach), (0, 0, -0.03), (0, 0, 0.03), (0, sweep, reach)], (0.026, 0.024, 0.024, 0.026),
                hilt)
    guard.ball((0, sweep, reach), 0.034, hilt, mirror=True)
    end = -rng.uniform(0.19, 0.23)
    handle = shape.part("grip")
    handle.limb((0, -0.01, 0), (0, end, 0), 0.026, 0.024, grip)
    wraps = shape.part("wraps")
    for k in range(5):
        wraps.ring((0, end * (0.18 + 0.17 * k), 0), 0.025, 0.006, hilt, turn(x=90 + 14))
    shape.part("pommel").ball((0, end - 0.02, 0), 0.043, hilt)
    lay(shape, rng, (20, 60))


@family("racket", colours=("red", "blue", "black", "green", "yellow", "orange", "white", "pink"),
        places=("studio", "studio", "grass", "street", "beach", "snow"))
def racket(shape, rng, look):
    frame = shape.material(look.rgb, "plastic")
    gut = shape.material((0.78, 0.77, 0.7) if look.colour != "white" else (0.1, 0.1, 0.1), "plastic")
    tape = shape.material(DARK if look.colour != "black" else (0.3, 0.18, 0.08), "fabric")
    a, b = rng.uniform(0.2, 0.23), rng.uniform(0.255, 0.29)
    centre, thick = rng.uniform(0.68, 0.72), rng.uniform(0.02, 0.027)
    oval = arc((0, centre), (a, b), 0, 352.5, 48)
    hoop = shape.part("hoop")
    hoop.plate((0, 0, 0), (oval - (0, centre)) * (1 + thick / a, 1 + thick / b) + (0, centre), 0.018, frame, FRONT,
               round=0.008)
    hoop.plate((0, 0, 0), (oval - (0, centre)) * (1 - thick / a, 1 - thick / b) + (0, centre), 0.1, None, FRONT,
               carve=True)
    strings = shape.part("strings")
    for k in range(9):
        s = (k - 4) / 4.7
        reach = np.sqrt(1 - s**2)
        strings.limb((0, centre + b * reach, a * s), (0, centre - b * reach, a * s), 0.0032, m=gut)
        strings.limb((0, centre + b * s, a * reach), (0, centre + b * s, -a * reach), 0.0032, m=gut)
    throat = shape.part("throat", blend=0.004)
    low = centre - b
    throat.chain([(0, low + b * 0.22, a * 0.62), (0, low - 0.02, a * 0.36), (0, low - 0.14, 0.018)], 0.021, frame,
                 mirror=True)
    throat.limb((0, low - 0.12, 0), (0, 0.22, 0), 0.026, m=frame)
    grip = shape.part("grip")
    grip.cone((0, -0.02, 0), (0, 0.24, 0), 0.037, 0.033, tape, round=0.008)
    wraps = shape.part("wraps")
    for k in range(5):
        wraps.ring((0, 0.02 + 0.045 * k, 0), 0.034, 0.005, tape, turn(x=90 + 18))
    if rng.random() < 0.4:
        ball = shape.part("ball")
        felt = shape.material((0.55, 0.7, 0.05), "fur")
        ball.ball((0.05, 0.28, 0.17), 0.065, felt)
    lay(shape, rng, (10, 80))
