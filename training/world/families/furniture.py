"""Furniture of the rendered world: chair, table, couch and bench.

Units are metres; the front of each piece faces +x.
"""

from __future__ import annotations

import numpy as np

from training.world.families import family
from training.world.families.parts import DARK, STEEL, kind_of
from training.world.sdf import toward, turn

INDOORS = ("studio", "kitchen", "studio", "grass", "beach", "street", "snow")


def bar(part, a, b, wide, deep, m=0, round=0.004, mirror=False):
    """A square bar from point a to point b; `wide` and `deep` are its half sizes across."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    part.box((a + b) / 2, (wide, np.linalg.norm(b - a) / 2, deep), m, toward(b - a), round, mirror=mirror)


def _straight_legs(shape, rng, m, x0, x1, z, top, thick):
    """Four legs under a seat from x0 (back) to x1, half width z, with stretchers now and then."""
    legs = shape.part("legs")
    splay = rng.choice([0.0, 0.0, rng.uniform(0.02, 0.06)])
    turned = rng.random() < 0.35
    for x, way in ((x0, -1), (x1, 1)):
        foot, head = (x + way * splay, 0, z + splay), (x, top, z)
        if turned:
            legs.limb(foot, head, thick * 0.7, thick * 1.1, m, mirror=True)
        else:
            bar(legs, foot, head, thick, thick, m, mirror=True)
    if rng.random() < 0.5:
        y = top * rng.uniform(0.3, 0.5)
        low = shape.part("stretchers")
        bar(low, (x0, y, z), (x1, y, z), thick * 0.5, thick * 0.5, m, mirror=True)
        if rng.random() < 0.5:
            bar(low, ((x0 + x1) / 2, y, -z), ((x0 + x1) / 2, y, z), thick * 0.5, thick * 0.5, m)


def _swivel_base(shape, rng, m, top):
    """A gas spring on a star of five feet with castors."""
    stand = shape.part("stand")
    reach = rng.uniform(0.25, 0.3)
    stand.cone((0, 0.1, 0), (0, top, 0), 0.03, 0.022, m)
    castors = shape.part("castors")
    for angle in np.radians(np.arange(5) * 72 + 36):
        tip = np.array([np.cos(angle) * reach, 0.065, np.sin(angle) * reach])
        stand.limb((0, 0.11, 0), tip, 0.024, 0.016, m)
        castors.ball(tip - (0, 0.03, 0), 0.034, m)


@family(
    "chair",
    colours=(
        "brown",
        "black",
        "white",
        "red",
        "blue",
        "green",
        "yellow",
        "grey",
        "orange",
        "turquoise",
        "beige",
        "pink",
    ),
    materials=("wood", "plastic", "metal"),
    places=INDOORS,
)
def chair(shape, rng, look):
    kind = rng.choice(["slats", "ladder", "solid", "arms", "shell", "swivel"], p=[0.24, 0.18, 0.16, 0.18, 0.1, 0.14])
    body = shape.material(look.rgb, kind_of(look, "wood"))
    depth, z = rng.uniform(0.2, 0.235), rng.uniform(0.19, 0.225)
    seat_y, top = rng.uniform(0.42, 0.48), rng.uniform(0.82, 1.08)
    thick = rng.uniform(0.016, 0.026)
    lean = rng.uniform(0.04, 0.13)
    if kind == "swivel":
        grey = shape.material((0.05, 0.05, 0.055), "plastic")
        _swivel_base(shape, rng, grey, seat_y - 0.02)
        seat = shape.part("seat")
        seat.box((0, seat_y, 0), (depth + 0.02, 0.045, z + 0.03), body, round=0.04)
        back = shape.part("back")
        back.box(
            (-depth - lean * 0.7, (seat_y + top) / 2 + 0.07, 0),
            (0.035, (top - seat_y) / 2 - 0.02, z * 0.95),
            body,
            turn(z=np.degrees(np.arctan(lean / 0.5))),
            round=0.032,
        )
        shape.part("spine").chain(
            [(-depth * 0.4, seat_y - 0.04, 0), (-depth - 0.06, seat_y - 0.02, 0), (-depth - 0.08, seat_y + 0.2, 0)],
            0.022,
            grey,
        )
        if rng.random() < 0.65:
            arms = shape.part("arms")
            h = seat_y + rng.uniform(0.17, 0.23)
            arms.chain(
                [(0.0, seat_y - 0.02, z), (0.0, seat_y, z + 0.07), (-0.02, h, z + 0.07)], 0.018, grey, mirror=True
            )
            arms.box((-0.01, h + 0.01, z + 0.07), (0.13, 0.016, 0.032), grey, round=0.015, mirror=True)
        return
    if kind == "shell":  # a moulded bucket on thin legs
        shell = shape.part("shell", blend=0.02)
        shell.box((0.0, seat_y, 0), (depth, 0.012, z), body, round=0.011)
        shell.box(
            (-depth - lean * 0.5, (seat_y + top * 0.88) / 2, 0),
            (0.012, (top * 0.88 - seat_y) / 2, z * 0.95),
            body,
            turn(z=np.degrees(np.arctan(lean * 1.6 / (top - seat_y)))),
            round=0.011,
        )
        if rng.random() < 0.6:
            shell.box(
                (-depth * 0.35, seat_y + 0.08, z),
                (depth * 0.65, 0.08, 0.01),
                body,
                turn(x=10),
                round=0.009,
                mirror=True,
            )
        legs = shape.part("legs")
        for x in (-depth * 0.8, depth * 0.8):
            legs.limb((x * 1.35, 0, z + 0.03), (x * 0.8, seat_y, z * 0.7), 0.012, 0.016, body, mirror=True)
        return

    front, rear = depth - thick, -depth + thick
    seat = shape.part("seat")
    seat.box((0, seat_y, 0), (depth, rng.uniform(0.014, 0.03), z + 0.005), body, round=0.012)
    if rng.random() < 0.35:
        pad = shape.material(tuple(0.55 * c + 0.25 for c in look.rgb), "fabric")
        shape.part("cushion").box((0.01, seat_y + 0.035, 0), (depth * 0.92, 0.028, z * 0.94), pad, round=0.026)
    _straight_legs(shape, rng, body, rear, front, z - thick, seat_y, thick)

    def at(share):  # a point's x and y on the leaning back, from the seat (0) to the top (1)
        return rear - lean * share, seat_y + (top - seat_y) * share

    posts = shape.part("posts")
    bar(posts, (*at(0), z - thick), (*at(1), z - thick), thick, thick, body, mirror=True)
    back = shape.part("back")
    if kind in ("slats", "arms"):
        for share, high in ((0.95, 0.035), (0.2, 0.02)):
            x, y = at(share)
            back.box((x, y, 0), (thick * 0.8, high, z - thick), body, turn(z=np.degrees(lean)), round=0.008)
        count = int(rng.integers(3, 7))
        wide = rng.uniform(0.35, 0.6) * (z - thick) / count
        for k in range(count):
            along = (z - thick) * ((2 * k + 1) / count - 1)
            bar(back, (*at(0.2), along), (*at(0.93), along), thick * 0.4, wide, body)
    elif kind == "ladder":
        count = int(rng.integers(2, 5))
        for k in range(count):
            x, y = at(0.35 + 0.6 * k / max(count - 1, 1))
            back.box(
                (x, y, 0),
                (thick * 0.5, (top - seat_y) * 0.22 / count, z - thick),
                body,
                turn(z=np.degrees(lean)),
                round=0.006,
            )
    else:
        x, y = at(0.62)
        back.box(
            (x, y, 0),
            (thick * 0.7, (top - seat_y) * rng.uniform(0.28, 0.38), z - thick * 0.5),
            body,
            turn(z=np.degrees(np.arctan2(lean, top - seat_y))),
            round=0.012,
        )
    if kind == "arms" or (kind == "solid" and rng.random() < 0.3):
        h = seat_y + rng.uniform(0.18, 0.24)
        x, y = at((h - seat_y) / (top - seat_y))
        arms = shape.part("arms")
        bar(arms, (front - 0.01, seat_y, z), (front - 0.01, h, z), thick * 0.8, thick * 0.8, body, mirror=True)
        bar(arms, (x, h, z), (front + 0.03, h, z), thick * 0.6, thick * 1.3, body, round=0.008, mirror=True)


@family(
    "table",
    colours=("brown", "white", "black", "beige", "grey", "red", "green", "blue", "yellow", "orange"),
    materials=("wood", "metal", "plastic"),
    places=INDOORS,
)
def table(shape, rng, look):
    body = shape.material(
        look.rgb,
        look.material or "wood",
        "planks" if look.material == "wood" else "plain",
        tuple(c * 0.8 for c in look.rgb),
        0.15,
    )
    rounded = rng.random() < 0.35
    pedestal = rng.random() < (0.6 if rounded else 0.1)
    low = rng.random() < 0.2
    height = rng.uniform(0.4, 0.5) if low else rng.uniform(0.68, 0.8)
    thick = rng.uniform(0.015, 0.032)
    x, z = rng.uniform(0.35, 0.48), rng.uniform(0.5, 0.85)
    top = shape.part("top")
    if rounded:
        x = z = rng.uniform(0.42, 0.58)
        top.cone((0, height - thick, 0), (0, height + thick, 0), x, m=body, round=0.01)
    else:
        top.box((0, height, 0), (x, thick, z), body, round=rng.choice([0.006, 0.014]))
    if pedestal:
        column = shape.part("column", blend=0.015)
        waist = rng.uniform(0.035, 0.06)
        if rng.random() < 0.5:
            column.cone((0, 0.04, 0), (0, height, 0), waist, m=body)
            column.cone((0, 0, 0), (0, 0.05, 0), x * 0.55, x * 0.42, m=body, round=0.01)
        else:
            column.limb((0, height * 0.25, 0), (0, height * 0.9, 0), waist * 1.3, waist * 0.8, body)
            column.ball((0, height * 0.45, 0), waist * 1.7, body)
            for angle in np.radians((45, 135, 225, 315)):
                along = np.array([np.cos(angle), 0, np.sin(angle)])
                column.chain(
                    [(0, height * 0.3, 0), along * x * 0.3 + (0, 0.14, 0), along * x * 0.62 + (0, 0.03, 0)],
                    (0.04, 0.035, 0.028),
                    body,
                )
        return
    inset = rng.uniform(0.04, 0.1) + (0.22 * x if rounded else 0)
    leg = rng.uniform(0.022, 0.042)
    lx, lz = x - inset, z - inset
    legs = shape.part("legs", blend=0.004)
    style = rng.choice(["square", "taper", "turned", "trestle"], p=[0.35, 0.3, 0.2, 0.15])
    if style == "trestle" and not rounded:
        for way in (-1, 1):
            bar(legs, (way * lx, 0, lz), (-way * lx * 0.8, height, lz), leg, leg, body, mirror=True)
        bar(shape.part("beam"), (0, height * 0.5, -lz), (0, height * 0.5, lz), leg * 0.6, leg, body)
        return
    for way in (-1, 1):
        foot = (way * (lx + (0.05 if style == "taper" else 0)), 0, lz + (0.05 if style == "taper" else 0))
        if style in ("square", "trestle"):
            bar(legs, foot, (way * lx, height, lz), leg, leg, body, mirror=True)
        else:
            legs.cone(foot, (way * lx, height, lz), leg * 0.6, leg, body, mirror=True)
        if style == "turned":
            for share, size in ((0.12, 1.0), (0.45, 1.35), (0.72, 1.3)):
                legs.ellipsoid((way * lx, height * share, lz), (leg * size, leg * 1.6, leg * size), body, mirror=True)
    if style != "taper":
        apron, drop = shape.part("apron"), rng.uniform(0.03, 0.06)
        apron.box((lx, height - drop, 0), (0.012, drop, lz), body)
        apron.box((-lx, height - drop, 0), (0.012, drop, lz), body)
        apron.box((0, height - drop, lz), (lx, drop, 0.012), body, mirror=True)
        if not rounded and rng.random() < 0.3:
            knob = shape.part("drawer")
            knob.box((lx + 0.012, height - drop - 0.006, 0), (0.006, drop * 0.7, lz * 0.4), body)
            knob.ball((lx + 0.03, height - drop, 0), 0.016, shape.material(STEEL, "metal"))


@family(
    "couch",
    facing=True,
    colours=(
        "red",
        "blue",
        "brown",
        "grey",
        "black",
        "white",
        "green",
        "beige",
        "pink",
        "turquoise",
        "purple",
        "yellow",
        "orange",
    ),
    materials=("fabric", "leather"),
    places=("studio", "studio", "grass", "street", "beach", "snow"),
)
def couch(shape, rng, look):
    cover = kind_of(look, "fabric")
    body = shape.material(look.rgb, cover)
    soft = shape.material(tuple(min(0.9, c * 1.12 + 0.008) for c in look.rgb), cover)
    feet = shape.material((0.10, 0.05, 0.02), "wood")
    seats = int(rng.choice([2, 3], p=[0.5, 0.5]))
    half = seats * rng.uniform(0.29, 0.34)  # half the width between the arms
    arm, arm_top = rng.uniform(0.07, 0.13), rng.uniform(0.54, 0.66)
    deep, leg = rng.uniform(0.36, 0.44), rng.uniform(0.06, 0.13)
    seat, top = rng.uniform(0.38, 0.43), rng.uniform(0.74, 0.92)
    base = shape.part("base")
    base.box((0, (seat - 0.1 + leg) / 2, 0), (deep, (seat - 0.1 - leg) / 2, half + arm), body, round=0.02)
    back = shape.part("back")
    back.box((-deep + 0.07, (top + leg) / 2, 0), (0.09, (top - leg) / 2, half + arm * 0.9), body, turn(z=7), round=0.06)
    if rng.random() < 0.25:  # a camel back
        back.ellipsoid((-deep + 0.03, top - 0.03, 0), (0.09, 0.11, half * 0.8), body)
    arms = shape.part("arms", blend=0.01)
    if rng.random() < 0.5:
        arms.box(
            (0.01, (arm_top + leg) / 2, half + arm),
            (deep, (arm_top - leg) / 2, arm),
            body,
            round=arm * 0.7,
            mirror=True,
        )
    else:  # rolled arms
        arms.box(
            (0.01, (arm_top + leg) / 2, half + arm),
            (deep, (arm_top - leg) / 2, arm * 0.75),
            body,
            round=0.03,
            mirror=True,
        )
        arms.cone(
            (-deep + 0.01, arm_top - 0.01, half + arm * 1.15),
            (deep + 0.015, arm_top - 0.01, half + arm * 1.15),
            arm * 1.1,
            m=body,
            round=0.025,
            mirror=True,
        )
    wide = half / seats
    for k in range(seats):
        z = half * ((2 * k + 1) / seats - 1)
        shape.part(f"seat cushion {k}").box(
            (0.06, seat - 0.01, z), (deep - 0.04, 0.085, wide * 0.985), soft, round=0.055
        )
        shape.part(f"back cushion {k}").box(
            (-deep + 0.22, seat + 0.08 + (top - seat) / 2, z),
            (0.09, (top - seat) / 2 - 0.01, wide * 0.975),
            soft,
            turn(z=12),
            round=0.075,
        )
    if rng.random() < 0.4:
        other = shape.material(tuple(1 - c for c in look.rgb) if rng.random() < 0.5 else (0.8, 0.75, 0.62), "fabric")
        way = rng.choice([-1, 1])
        shape.part("pillow").box(
            (-deep + 0.4, seat + 0.22, way * (half - 0.15)),
            (0.06, 0.16, 0.16),
            other,
            turn(x=way * 20, z=25),
            round=0.058,
        )
    legs = shape.part("legs")
    for x in (-deep + 0.08, deep - 0.08):
        legs.cone((x, 0, half + arm - 0.05), (x, leg + 0.03, half + arm - 0.05), 0.018, 0.032, feet, mirror=True)


@family(
    "bench",
    colours=("brown", "green", "grey", "white", "red", "blue", "black", "beige", "yellow"),
    materials=("wood", "metal"),
    places=("grass", "street", "forest", "beach", "snow", "studio", "night", "grass"),
)
def bench(shape, rng, look):
    body = shape.material(look.rgb, look.material or "wood")
    iron = shape.material(DARK, "metal")
    half = rng.uniform(0.6, 0.95)  # half its length
    seat, deep, top = rng.uniform(0.42, 0.48), rng.uniform(0.2, 0.26), rng.uniform(0.78, 0.95)
    kind = rng.choice(["park", "timber", "backless"], p=[0.55, 0.3, 0.15])
    frame = iron if kind == "park" else body
    lean = rng.uniform(0.08, 0.16)
    slats = shape.part("seat")
    count = int(rng.integers(3, 6)) if kind != "backless" else int(rng.integers(2, 5))
    wide = deep / count
    for k in range(count):
        slats.box((deep * ((2 * k + 1) / count - 1), seat, 0), (wide * 0.86, 0.018, half), body, round=0.006)
    if kind == "backless":
        ends = shape.part("legs")
        for z in (half * 0.78,):
            bar(ends, (-deep * 0.85, 0, z), (-deep * 0.5, seat, z), 0.035, 0.035, frame, mirror=True)
            bar(ends, (deep * 0.85, 0, z), (deep * 0.5, seat, z), 0.035, 0.035, frame, mirror=True)
            bar(ends, (-deep * 0.9, seat - 0.035, z), (deep * 0.9, seat - 0.035, z), 0.02, 0.03, frame, mirror=True)
        bar(ends, (0, seat * 0.4, -half * 0.78), (0, seat * 0.4, half * 0.78), 0.02, 0.02, frame)
        return
    back = shape.part("back")
    if kind == "park" or rng.random() < 0.4:
        rows = int(rng.integers(2, 5))
        for k in range(rows):
            share = 0.3 + 0.62 * k / max(rows - 1, 1)
            back.box(
                (-deep - lean * share, seat + (top - seat) * share, 0),
                (0.014, (top - seat) * 0.32 / rows, half),
                body,
                turn(z=np.degrees(np.arctan2(lean, top - seat))),
                round=0.005,
            )
    else:
        for share in (0.28, 0.95):
            back.box((-deep - lean * share, seat + (top - seat) * share, 0), (0.02, 0.035, half), body, round=0.006)
        pales = int(rng.integers(9, 14))
        for k in range(pales):
            z = half * ((2 * k + 1) / pales - 1)
            bar(
                back,
                (-deep - lean * 0.28, seat + (top - seat) * 0.28, z),
                (-deep - lean * 0.92, seat + (top - seat) * 0.92, z),
                0.01,
                0.026,
                body,
            )
    sides = shape.part("ends", blend=0.006)
    z = half * (0.9 if kind == "park" else 0.985)
    thick = 0.022 if kind == "park" else 0.035
    bar(sides, (-deep - 0.09, 0, z), (-deep, seat, z), thick, thick, frame, mirror=True)
    bar(sides, (-deep - 0.01, seat, z), (-deep - lean - 0.02, top, z), thick * 0.9, thick, frame, mirror=True)
    bar(sides, (deep + 0.03, 0, z), (deep - 0.02, seat, z), thick, thick, frame, mirror=True)
    bar(sides, (-deep, seat - 0.03, z), (deep, seat - 0.03, z), thick * 0.8, thick * 0.8, frame, mirror=True)
    arm = seat + rng.uniform(0.18, 0.23)
    if kind == "park":
        sides.chain(
            [
                (-deep - lean * 0.45, arm, z),
                (deep * 0.5, arm + 0.02, z),
                (deep + 0.03, arm - 0.02, z),
                (deep + 0.03, arm - 0.09, z),
                (deep - 0.02, seat, z),
            ],
            0.018,
            frame,
            mirror=True,
        )
    elif rng.random() < 0.8:
        bar(sides, (deep - 0.03, seat, z), (deep - 0.03, arm, z), 0.026, 0.03, frame, mirror=True)
        bar(sides, (-deep - lean * 0.45, arm, z), (deep + 0.03, arm, z), 0.018, 0.045, frame, mirror=True)
