"""Musical instruments of the rendered world.

Units are free; the front of each instrument faces +x: the strings' side, the keyboard's, or the bell's. Horns and harps
are drawn from their broad side, as seen from the front, and turned at the end.
"""

from __future__ import annotations

import numpy as np

from training.world.families import family
from training.world.families.parts import DARK, FLAT, FRONT, IVORY, SIDE, lean, upright
from training.world.sdf import smooth_outline, toward, turn

STAGE = ("studio", "studio", "street", "grass", "beach", "night", "snow")
EBONY = (0.03, 0.018, 0.012)
STEEL = (0.6, 0.6, 0.6)
BRASS = (0.72, 0.45, 0.1)


def bout(half, steps=5):
    """A closed outline, (n, 2), that is symmetric in x, from its right half from the bottom up, (m, 2)."""
    half = np.asarray(half, float)
    return smooth_outline(np.concatenate([half, (half * (-1, 1))[::-1]]), steps=steps)


def rest(shape, rng):
    """Put an upright instrument down aslant, with its face to its side."""
    lean(shape, SIDE @ turn(z=rng.uniform(8, 25)) @ turn(x=rng.choice([-1, 1]) * rng.uniform(0, 70)))


@family(
    "guitar",
    facing=True,
    colours=("brown", "orange", "red", "black", "blue", "white", "yellow", "green", "beige"),
    materials=("wood",),
    places=STAGE,
)
def guitar(shape, rng, look):
    top = shape.material(look.rgb, "wood")
    dark, steel = shape.material(EBONY, "wood"), shape.material(STEEL, "metal")
    electric = rng.random() < 0.3
    low, mid, up = rng.uniform(0.185, 0.21), rng.uniform(0.11, 0.135), rng.uniform(0.135, 0.155)
    long = rng.uniform(0.44, 0.5)
    deep = 0.022 if electric else rng.uniform(0.045, 0.06)
    side = shape.material(tuple(c * 0.45 for c in look.rgb), "wood")
    if electric:
        horn = rng.uniform(0.06, 0.1)
        outline = smooth_outline(
            [
                (-0.07, 0),
                (0.07, 0.0),
                (low * 0.86, 0.06),
                (low * 0.9, 0.16),
                (mid, 0.26),
                (up * 0.86, 0.34),
                (up * 0.8, 0.4 + horn * 0.3),
                (0.07, 0.38),
                (0.0, 0.33),
                (-0.055, 0.38),
                (-up * 0.8, 0.41 + horn),
                (-up * 0.95, 0.38),
                (-mid, 0.27),
                (-low * 0.9, 0.16),
                (-low * 0.86, 0.06),
            ]
        )
        long = 0.37
    else:
        outline = bout(
            [
                (0.07, 0),
                (low * 0.8, 0.035),
                (low, 0.13),
                (mid + 0.01, long * 0.58),
                (up, long * 0.78),
                (up * 0.75, long * 0.96),
                (0.05, long),
            ]
        )
    shape.part("side").plate((-0.004, 0, 0), outline, deep - 0.008, top if electric else side, FRONT, round=0.004)
    face = shape.part("face")
    face.plate((deep - 0.006, 0, 0), outline * (0.985, 0.985) + (0, 0.003), 0.006, top, FRONT)
    front = deep  # x of the face
    hole = long * 0.66
    if electric:
        guard = shape.material(IVORY if sum(look.rgb) < 1.2 else DARK, "plastic")
        plate = smooth_outline(
            [
                (0.06, 0.08),
                (0.115, 0.16),
                (0.08, 0.25),
                (0.1, 0.35),
                (0.03, 0.32),
                (-0.04, 0.34),
                (-0.08, 0.3),
                (-0.03, 0.24),
                (-0.02, 0.12),
            ]
        )
        shape.part("guard").plate((front + 0.002, 0, 0), plate, 0.003, guard, FRONT)
        pickups = shape.part("pickups")
        for y in (0.15, 0.21, 0.27):
            pickups.box((front + 0.006, y, 0), (0.006, 0.014, 0.04), dark, round=0.004)
        knobs = shape.part("knobs")
        for y, z in ((0.13, -0.075), (0.1, -0.06), (0.075, -0.09)):
            knobs.cone((front, y, z), (front + 0.016, y, z), 0.012, m=steel)
        bridge = 0.1
    else:
        face.cone((front - 0.03, hole, 0), (front + 0.03, hole, 0), 0.052, m=shape.material(DARK), carve=True)
        shape.parts[0].cone((front - 0.03, hole, 0), (front + 0.03, hole, 0), 0.052, m=shape.material(DARK), carve=True)
        shape.part("rosette").ring((front, hole, 0), 0.062, 0.005, dark, FRONT)
        bridge = long * 0.3
        if rng.random() < 0.5:
            plate = smooth_outline(
                [(0.05, hole - 0.04), (0.1, hole - 0.1), (0.13, hole - 0.06), (0.09, hole + 0.02), (0.065, hole + 0.02)]
            )
            shape.part("guard").plate((front, 0, 0), plate, 0.003, dark, FRONT)
    shape.part("bridge").box(
        (front + 0.004, bridge, 0),
        (0.009, 0.012, 0.075 if not electric else 0.035),
        dark if not electric else steel,
        round=0.003,
    )
    nut, head = long + rng.uniform(0.34, 0.38), rng.uniform(0.13, 0.16)
    neck = shape.part("neck")
    neck.box(
        (front - 0.008, (long * 0.9 + nut) / 2, 0), (0.014, (nut - long * 0.9) / 2 + 0.01, 0.026), side, round=0.008
    )
    board = shape.part("fretboard")
    start = hole + 0.058 if not electric else 0.3
    board.box((front + 0.008, (start + nut) / 2, 0), (0.006, (nut - start) / 2, 0.028), dark)
    frets = shape.part("frets")
    for k in range(1, 13):
        y = nut - (nut - bridge) * (1 - 2 ** (-k / 12))
        if y > start:
            frets.box((front + 0.014, y, 0), (0.002, 0.0025, 0.028), steel)
    frets.box((front + 0.015, nut, 0), (0.004, 0.004, 0.028), shape.material(IVORY, "plastic"))
    tilt = turn(z=8) @ FRONT
    if electric:
        outline = [
            (0.026, 0),
            (0.03, 0.05),
            (0.022, head),
            (-0.01, head + 0.025),
            (-0.05, head + 0.005),
            (-0.052, 0.03),
            (-0.026, 0),
        ]
    else:
        outline = [
            (0.024, 0),
            (0.04, 0.03),
            (0.042, head - 0.01),
            (0.02, head),
            (-0.02, head),
            (-0.042, head - 0.01),
            (-0.04, 0.03),
            (-0.024, 0),
        ]
    shape.part("head").plate(
        (front - 0.004, nut, 0), smooth_outline(outline), 0.009, side if rng.random() < 0.6 else top, tilt, round=0.003
    )
    pegs = shape.part("pegs")
    for k in range(3):
        y = nut + head * (0.25 + 0.29 * k)
        x = front - 0.004 - (y - nut) * np.sin(np.radians(8))
        pegs.limb((x, y, 0.03), (x, y, 0.062), 0.004, m=steel, mirror=not electric)
        pegs.ellipsoid((x, y, 0.066), (0.008, 0.013, 0.011), steel, mirror=not electric)
    strings = shape.part("strings")
    for k in range(6):
        across = (k - 2.5) * 0.0085
        strings.cone((front + 0.016, bridge, across * 1.15), (front + 0.019, nut, across), 0.0018, m=steel)
    if rng.random() < 0.45:
        rest(shape, rng)


@family("violin", facing=True, colours=("brown", "orange", "red", "black", "yellow"), materials=("wood",), places=STAGE)
def violin(shape, rng, look):
    wood = shape.material(look.rgb, "wood")
    rib = shape.material(tuple(c * 0.55 for c in look.rgb), "wood")
    dark, steel = shape.material(EBONY, "wood"), shape.material(STEEL, "metal")
    low, mid, up = rng.uniform(0.165, 0.18), rng.uniform(0.085, 0.1), rng.uniform(0.132, 0.148)
    outline = bout(
        [
            (0.06, 0),
            (low * 0.8, 0.03),
            (low, 0.12),
            (low * 0.86, 0.205),
            (low * 0.9, 0.222),
            (mid, 0.255),
            (mid, 0.315),
            (up * 0.92, 0.355),
            (up * 0.88, 0.37),
            (up, 0.44),
            (up * 0.75, 0.53),
            (0.04, 0.55),
        ]
    )
    deep = 0.035
    shape.part("ribs").plate((0, 0, 0), outline * 0.965 + (0, 0.01), deep, rib, FRONT)
    for name, x in (("belly", deep), ("back", -deep)):
        shape.part(name).plate((x, 0, 0), outline, 0.009, wood, FRONT, round=0.004)
    belly = shape.parts[1]
    hole = shape.material(DARK)
    for way in (1, -1):  # the f-holes
        belly.chain(
            [
                (deep + 0.01, y, way * z)
                for z, y in ((0.048, 0.335), (0.062, 0.325), (0.066, 0.29), (0.08, 0.245), (0.098, 0.235), (0.1, 0.25))
            ],
            (0.009, 0.007, 0.006, 0.006, 0.008, 0.01),
            hole,
            carve=True,
        )
    front = deep + 0.012
    shape.part("tailpiece").plate(
        (front + 0.012, 0, 0),
        [(-0.018, 0.03), (0.018, 0.03), (0.028, 0.17), (0.0, 0.185), (-0.028, 0.17)],
        0.007,
        dark,
        turn(z=-3) @ FRONT,
        round=0.003,
    )
    shape.part("bridge").plate(
        (front + 0.018, 0.27, 0),
        [
            (-0.042, -0.02),
            (-0.02, -0.02),
            (-0.012, -0.006),
            (0.012, -0.006),
            (0.02, -0.02),
            (0.042, -0.02),
            (0.036, 0.012),
            (0, 0.022),
            (-0.036, 0.012),
        ],
        0.006,
        shape.material((0.5, 0.3, 0.12), "wood"),
        turn(z=-90) @ FRONT,
    )
    nut = rng.uniform(0.82, 0.86)
    neck = shape.part("neck", blend=0.006)
    neck.limb((0.005, 0.54, 0), (0.018, nut, 0), 0.024, 0.02, wood)
    shape.part("fretboard").plate(
        (front + 0.024, 0, 0),
        [(-0.032, 0.37), (0.032, 0.37), (0.02, nut), (-0.02, nut)],
        0.008,
        dark,
        FRONT,
        round=0.003,
    )
    scroll = shape.part("scroll", blend=0.008)
    scroll.limb((0.015, nut, 0), (-0.012, nut + 0.1, 0), 0.024, 0.02, wood)
    scroll.ring((0.005, nut + 0.125, 0), 0.022, 0.014, wood)
    scroll.limb((0.005, nut + 0.125, -0.028), (0.005, nut + 0.125, 0.028), 0.013, m=wood)
    pegs = shape.part("pegs")
    for k, way in enumerate((1, -1, 1, -1)):
        y = nut + 0.015 + 0.022 * k
        pegs.limb((0.008, y, -0.02 * way), (0.008, y, 0.055 * way), 0.006, m=dark)
        pegs.ellipsoid((0.008, y, 0.065 * way), (0.007, 0.012, 0.014), dark)
    strings = shape.part("strings")
    for k in range(4):
        across = k - 1.5
        strings.cone((front + 0.04, 0.27, across * 0.014), (front + 0.035, nut, across * 0.008), 0.0018, m=steel)
        strings.cone((front + 0.022, 0.16, across * 0.009), (front + 0.04, 0.27, across * 0.014), 0.0018, m=steel)
    if rng.random() < 0.5:
        shape.part("chin rest").ellipsoid((front + 0.012, 0.05, 0.075), (0.016, 0.04, 0.06), dark)
    if rng.random() < 0.4:
        bow, z = shape.part("bow"), -rng.uniform(0.24, 0.28)
        stick = shape.material((0.16, 0.05, 0.02), "wood")
        bow.chain([(0.03, 0.0, z), (0.03, 0.45, z + 0.012), (0.03, 0.9, z)], 0.008, stick)
        bow.box((0.03, 0.05, z + 0.016), (0.01, 0.03, 0.014), dark)
        bow.box((0.03, 0.895, z + 0.01), (0.008, 0.01, 0.016), stick)
        shape.part("hair").box((0.03, 0.47, z + 0.026), (0.006, 0.42, 0.003), shape.material(IVORY))
    if rng.random() < 0.45:
        rest(shape, rng)


def _keys(shape, centre, half, deep):
    """A keyboard of white and black keys about a point (its front edge's top), facing +x."""
    x, y, _ = centre
    white, black = shape.material(IVORY, "plastic"), shape.material(DARK, "plastic")
    shape.part("white keys").box((x - deep / 2, y, 0), (deep / 2, 0.014, half), white)
    gaps, sharps = shape.part("gaps"), shape.part("black keys")
    count = 21
    for k in range(1, count):
        z = half - 2 * half * k / count
        if k % 7 in (0, 3):
            gaps.box((x - deep / 2, y + 0.006, z), (deep / 2, 0.0105, 0.0035), black)
        else:
            sharps.box((x - deep * 0.68, y + 0.02, z), (deep * 0.32, 0.014, half / count * 0.6), black)


@family(
    "piano",
    facing=True,
    colours=("black", "brown", "white", "red", "beige", "blue"),
    materials=("wood",),
    places=("studio", "studio", "studio", "street", "grass", "night"),
)
def piano(shape, rng, look):
    body = shape.material(look.rgb, "plastic" if look.colour in ("black", "white") else "wood")
    brass = shape.material(BRASS, "metal")
    half = rng.uniform(0.7, 0.76)  # half its width
    key_y = 0.7
    if rng.random() < 0.55:  # a grand; its straight side is on the player's left, so at +z
        long, thick = rng.uniform(1.3, 1.75), 0.13
        tail = -long
        side = smooth_outline(
            [
                (-0.05, -half),
                (tail * 0.35, -half * 0.98),
                (tail * 0.6, -half * 0.55),
                (tail * 0.82, -half * 0.1),
                (tail * 0.97, half * 0.25),
                (tail, half * 0.6),
                (tail * 0.96, half * 0.95),
            ],
            closed=False,
        )
        rim = np.concatenate([[(0.0, -half)], side, [(tail * 0.9, half), (0.0, half)]])
        case = shape.part("case")
        case.plate((0, 0.78, 0), rim, thick, body, FLAT, round=0.01)
        case.plate(
            (0, 0.95, 0),
            (rim - (tail / 2, 0)) * (0.94, 0.92) + (tail / 2 - 0.02, 0),
            0.08,
            shape.material((0.45, 0.26, 0.06), "metal"),
            FLAT,
            carve=True,
        )
        strings = shape.part("strings")
        for k in range(7):
            z = half * (0.8 - 0.22 * k)
            strings.box((tail * (0.45 - 0.04 * k), 0.875, z), (-tail * (0.36 - 0.04 * k), 0.004, 0.012), brass)
        lid = shape.part("lid")
        opening = rng.uniform(32, 42)
        frame = turn(x=opening) @ FLAT
        lid.plate((-0.02, 0.93, half), (rim - (0, half)) * (1.0, 1.0), 0.012, body, frame, round=0.006)
        up = np.radians(opening)
        far = 1.3 * half
        shape.part("prop").limb(
            (tail * 0.3, 0.9, -half * 0.93),
            (tail * 0.3, 0.93 + far * np.sin(up), half - far * np.cos(up)),
            0.012,
            m=body,
        )
        shape.part("key bed").box((0.12, 0.655, 0), (0.14, 0.035, half), body, round=0.01)
        shape.part("cheeks").box((0.12, 0.73, half - 0.05), (0.14, 0.07, 0.05), body, round=0.03, mirror=True)
        shape.part("fall").box((0.0, 0.8, 0), (0.02, 0.1, half - 0.06), body)
        _keys(shape, (0.24, key_y, 0), half - 0.1, 0.22)
        desk = shape.part("music desk")
        desk.box((-0.12, 1.05, 0), (0.012, 0.14, half * 0.55), body, turn(z=18), round=0.008)
        legs = shape.part("legs", blend=0.01)
        for x, z in ((0.02, half * 0.84), (0.02, -half * 0.84), (tail * 0.8, half * 0.5)):
            legs.cone((x, 0.05, z), (x, 0.67, z), 0.04, 0.075, body)
            legs.ball((x, 0.045, z), 0.045, brass)
        pedals = shape.part("pedals")
        pedals.box((-0.1, 0.36, 0.07), (0.015, 0.3, 0.015), body, mirror=True)
        pedals.box((-0.1, 0.1, 0), (0.05, 0.04, 0.13), body, round=0.01)
        for z in (-0.07, 0, 0.07):
            pedals.limb((-0.06, 0.09, z), (0.06, 0.08, z), 0.015, m=brass)
    else:
        tall, deep = rng.uniform(1.1, 1.3), rng.uniform(0.15, 0.19)
        case = shape.part("case")
        case.box((-0.2, tall / 2 + 0.02, 0), (deep, tall / 2, half - 0.03), body, round=0.01)
        shape.part("lid").box((-0.19, tall + 0.03, 0), (deep + 0.03, 0.02, half), body, round=0.01)
        panels = shape.part("panels")
        x = deep - 0.2
        panels.box((x, tall * 0.85, 0), (0.012, tall * 0.1, half * 0.82), body, round=0.01)
        panels.box((x, 0.36, 0), (0.012, 0.2, half * 0.85), body, round=0.01)
        shape.part("key bed").box((0.12, 0.645, 0), (0.18, 0.04, half - 0.01), body, round=0.01)
        shape.part("cheeks").box((0.12, 0.72, half - 0.05), (0.18, 0.075, 0.04), body, round=0.03, mirror=True)
        _keys(shape, (0.27, key_y, 0), half - 0.09, 0.24)
        desk = shape.part("music desk")
        desk.box((0.02, tall * 0.83, 0), (0.012, 0.12, half * 0.42), body, turn(z=14), round=0.008)
        if rng.random() < 0.7:
            shape.part("sheet music").box(
                (0.045, tall * 0.85, 0), (0.006, 0.12, 0.16), shape.material(IVORY), turn(z=14)
            )
        legs = shape.part("legs", blend=0.008)
        legs.cone((0.24, 0.0, half - 0.06), (0.24, 0.62, half - 0.06), 0.03, 0.045, body, mirror=True)
        legs.box((0.0, 0.04, half - 0.05), (0.29, 0.04, 0.05), body, round=0.01, mirror=True)
        pedals = shape.part("pedals")
        for z in (-0.09, 0, 0.09):
            pedals.limb((x, 0.08, z), (x + 0.12, 0.07, z), 0.018, m=brass)
    if rng.random() < 0.35:
        stool = shape.part("stool")
        stool.box((0.75, 0.45, 0), (0.17, 0.05, 0.3), shape.material((0.03, 0.02, 0.02), "fabric"), round=0.03)
        for x in (0.62, 0.88):
            stool.cone((x, 0, 0.24), (x, 0.42, 0.24), 0.025, m=body, mirror=True)


def flare(length, throat, mouth, power=3.0):
    """The profile of a horn's bell that opens along y: from the throat at 0 to the mouth at `length`, hollow inside."""
    t = np.linspace(0, 1, 16)
    r = throat + (mouth - throat) * t**power
    outside = np.stack([r, t * length], 1)
    lip = [(mouth + 0.012, length), (mouth, length + 0.012)]
    inside = np.stack([np.maximum(r[5:] - 0.022, 0.004), t[5:] * length + 0.012], 1)[::-1]
    return np.concatenate([[(0, 0)], outside, lip, inside, [(0, t[5] * length)]])


@family("trumpet", colours=("gold", "silver", "red", "black", "blue"), materials=("metal",), places=STAGE)
def trumpet(shape, rng, look):
    body = shape.material(look.rgb, "metal")
    steel = shape.material(STEEL if look.colour != "silver" else BRASS, "metal")
    tube = rng.uniform(0.02, 0.024)
    mouth = rng.uniform(0.14, 0.165)
    right = turn(x=-90)  # takes y to -z, the viewer's right
    bell_at, top, low = -0.05, 0.0, -rng.uniform(0.13, 0.16)
    shape.part("bell").lathe((0, top, bell_at), flare(0.52, tube, mouth), body, right)
    loop = shape.part("tubing")
    x = 0.0
    back, fore = 0.38, -0.28  # where the tube turns, toward the mouthpiece and toward the bell
    mid = (top + low) / 2
    bend = (top - low) / 2
    loop.limb((x, top, bell_at), (x, top, back), tube, m=body)
    loop.ring((x, mid, back), bend, tube, body, turn(x=90) @ FRONT, arc=182)
    loop.limb((x, low, back), (x, low, 0.1), tube, m=body)
    y2 = top + 0.0
    out = 0.055
    loop.limb((out, low, -0.02), (out, low, fore), tube * 0.95, m=body)
    loop.ring((out, mid, fore), bend, tube * 0.95, body, turn(x=-90) @ FRONT, arc=182)
    loop.limb((out, y2, fore), (out, y2, 0.55), tube * 0.9, m=body)
    loop.limb((out, low, -0.02), (x, low, 0.1), tube, m=body)
    piece = shape.part("mouthpiece", blend=0.006)
    piece.cone((out, y2, 0.53), (out, y2, 0.62), 0.016, 0.02, steel)
    piece.cone((out, y2, 0.61), (out, y2, 0.66), 0.022, 0.046, steel, round=0.006)
    valves, caps = shape.part("valves"), shape.part("valve caps")
    for k in range(3):
        z = 0.14 - 0.085 * k
        valves.cone((out / 2, low - 0.06, z), (out / 2, top + 0.075, z), 0.036, m=body, round=0.004)
        caps.cone((out / 2, top + 0.07, z), (out / 2, top + 0.092, z), 0.04, m=steel, round=0.004)
        caps.cone((out / 2, low - 0.085, z), (out / 2, low - 0.055, z), 0.04, 0.042, steel, round=0.004)
        down = rng.choice([0.0, 0.03])
        caps.limb((out / 2, top + 0.08, z), (out / 2, top + 0.14 - down, z), 0.009, m=steel)
        caps.cone((out / 2, top + 0.14 - down, z), (out / 2, top + 0.156 - down, z), 0.026, m=steel, round=0.004)
    slides = shape.part("slides")
    slides.ring((out + 0.02, mid + 0.03, -0.16), 0.035, 0.013, body, turn(x=-90) @ FRONT, arc=180)
    slides.ring((out + 0.03, low + 0.03, 0.02), 0.022, 0.012, steel, FRONT)
    slides.limb((x, top, 0.25), (x, low, 0.25), 0.01, m=body)
    slides.limb((x, top, -0.2), (out, low, -0.2), 0.01, m=body)
    lean(shape, SIDE @ turn(x=rng.uniform(-20, 30)))


@family("saxophone", colours=("gold", "silver", "black", "red", "blue"), materials=("metal",), places=STAGE)
def saxophone(shape, rng, look):
    body = shape.material(look.rgb, "metal")
    keys = shape.material(STEEL if look.colour not in ("silver",) else BRASS, "metal")
    black = shape.material(DARK, "plastic")
    mouth = rng.uniform(0.13, 0.155)
    tall = rng.uniform(0.6, 0.68)
    # Drawn as seen from the front: the bow at the bottom, the bell to the viewer's right.
    path = smooth_outline(
        [(-0.1, tall), (-0.09, 0.4), (-0.075, 0.14), (-0.02, 0.03), (0.06, 0.02), (0.13, 0.08), (0.17, 0.2)],
        closed=False,
        steps=3,
    )
    r = np.interp(np.linspace(0, 1, len(path)), [0, 0.5, 1], [0.024, 0.05, 0.072])
    tube = shape.part("tube", blend=0.002)
    tube.chain([(0.0, y, -z) for z, y in path], r, body)
    way = np.array([0.0, 0.97, -0.24])
    shape.part("bell").lathe((0, 0.17, -0.163), flare(rng.uniform(0.26, 0.32), 0.07, mouth, 2.6), body, toward(way))
    neck = shape.part("neck", blend=0.001)
    bend = smooth_outline(
        [(-0.1, tall - 0.01), (-0.102, tall + 0.07), (-0.13, tall + 0.13), (-0.2, tall + 0.14), (-0.26, tall + 0.115)],
        closed=False,
        steps=3,
    )
    neck.chain([(0.0, y, -z) for z, y in bend], np.linspace(0.022, 0.016, len(bend)), body)
    reed = shape.part("mouthpiece")
    reed.limb((0.0, tall + 0.125, 0.24), (0.0, tall + 0.075, 0.345), 0.023, 0.01, black)
    collar = shape.part("rings")
    collar.cone((0, tall - 0.025, 0.1), (0, tall + 0.01, 0.1), 0.03, m=keys, round=0.004)
    collar.limb((0, 0.13, 0.06), (0, 0.17, -0.15), 0.01, m=body)
    cups, rods = shape.part("keys"), shape.part("rods")
    for k in range(6):
        y = 0.16 + (tall - 0.22) * k / 5
        z = np.interp(y, [0.14, 0.4, tall], [0.075, 0.09, 0.1])
        size = 0.042 - 0.0035 * k
        reach = np.interp(y, [0.14, tall], [0.046, 0.026])
        cups.cone((reach, y, z), (reach + 0.022, y, z), size, m=keys, round=0.006)
        cups.limb((reach * 0.3, y + 0.035, z + 0.03), (reach * 0.3, y + 0.03, z + 0.075), 0.012, m=keys)
    for way in (0.034, -0.03):
        rods.limb((0.03, 0.14, 0.075 + way), (0.022, tall - 0.06, 0.1 + way), 0.007, m=keys)
    cups.cone((0.066, 0.13, -0.14), (0.09, 0.13, -0.145), 0.05, m=keys, round=0.006)
    lean(shape, SIDE @ turn(x=rng.uniform(-15, 25)))


@family(
    "harp",
    colours=("gold", "brown", "black", "white", "red"),
    materials=("wood",),
    places=("studio", "studio", "grass", "street", "night", "beach"),
)
def harp(shape, rng, look):
    wood = shape.material(look.rgb, "metal" if look.colour == "gold" else "wood")
    string = shape.material((0.75, 0.73, 0.68), "metal")
    # Drawn as seen from the front: the column on the left, the sound box rises to the right.
    tall, wide = rng.uniform(0.95, 1.05), rng.uniform(0.48, 0.58)
    straight = rng.random() < 0.6
    foot, column = -wide / 2, shape.part("column", blend=0.002)
    bulge = 0.0 if straight else rng.uniform(0.06, 0.1)
    left = smooth_outline(
        [(foot + 0.04, 0.06), (foot - bulge * 0.8, tall * 0.45), (foot - bulge, tall * 0.75), (foot, tall)],
        closed=False,
        steps=3,
    )
    column.chain(upright(left), 0.026, wood)
    column.ball((0, tall, -foot), 0.045, wood)
    if straight:
        column.cone((0, tall - 0.02, -foot), (0, tall + 0.06, -foot), 0.035, 0.055, wood, round=0.015)
    box = shape.part("sound box", blend=0.002)
    a, b = np.array([foot + 0.1, 0.05]), np.array([wide / 2, tall * rng.uniform(0.74, 0.8)])
    box.limb(*upright([a, b]), 0.075, 0.034, wood)
    neck = shape.part("neck", blend=0.002)
    curve = smooth_outline(
        [b, (wide * 0.36, tall * 0.86), (wide * 0.12, tall * 0.83), (-wide * 0.2, tall * 0.87), (foot, tall * 0.985)],
        closed=False,
        steps=3,
    )
    neck.chain(upright(curve), 0.03, wood)
    base = shape.part("base")
    base.box((0, 0.025, -foot - 0.06), (0.12, 0.03, 0.14), wood, round=0.015)
    strings = shape.part("strings")
    count = 14
    order = np.argsort(curve[:, 0])
    for k in range(count):
        t = (k + 0.8) / (count + 0.6)
        low = a + (b - a) * t + (-0.02, 0.0)
        x = foot + 0.05 + (low[0] - foot - 0.05) * (0.55 + 0.45 * t)
        y = np.interp(x, curve[order, 0], curve[order, 1])
        strings.cone(*upright([low, (x, y)]), 0.0028, m=string)
    lean(shape, SIDE)
