"""What flies: aeroplanes, helicopters, balloons, blimps and rockets, as parametric solids in metres."""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.families.parts import CHROME, FLAT, GLASS, RUBBER, sheet
from training.world.sdf import Part, Shape, smooth_outline, turn

AHEAD = turn(z=-90)  # takes a lathe's axis to +x


@family(
    "airplane",
    colours=("white", "silver", "red", "blue", "yellow", "green", "grey", "orange"),
    places=("sky", "sky", "sky", "snow", "beach", "desert"),
    stance="air",
)
def airplane(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["airliner", "airliner", "propeller", "biplane", "fighter"])
    {"airliner": _airliner, "propeller": _light_plane, "biplane": _light_plane, "fighter": _fighter}[kind](
        shape, rng, look, *([kind == "biplane"] if kind in ("propeller", "biplane") else [])
    )


def _wing(
    part: Part,
    root,
    span: float,
    chord: float,
    tip: float,
    sweep: float,
    thick: float,
    m: int,
    dihedral: float = 0.0,
    mirror: bool = True,
    upright: bool = False,
) -> None:
    """A wing from `root` (the middle of its chord) outwards along z, or along y for a fin; `sweep` is how far the
    tip's middle lies behind the root's, `dihedral` in degrees."""
    outline = np.array([(chord / 2, 0), (tip / 2 - sweep, span), (-tip / 2 - sweep, span), (-chord / 2, 0)])
    frame = np.eye(3) if upright else turn(x=-dihedral) @ FLAT
    sheet(part, outline, thick * 0.3, m, at=root, frame=frame, round=thick * 0.7, mirror=mirror)


def _airliner(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint, dark, steel = shape.material(look.rgb, "plastic"), shape.material(*GLASS), shape.material(*CHROME)
    accent = shape.material([(0.5, 0.03, 0.04), (0.03, 0.08, 0.4), (0.75, 0.4, 0.03)][rng.integers(3)], "plastic")
    r, half = rng.uniform(1.9, 2.3), rng.uniform(14, 18)
    rear = rng.random() < 0.25  # engines at the tail
    body = shape.part("fuselage", 0.5)
    body.ellipsoid((half - 4.2, -0.1, 0), (4.4, r, r), paint)
    body.limb((half - 4.5, 0, 0), (-half + 9, 0, 0), r, m=paint)
    body.limb((-half + 9.5, 0, 0), (-half + 0.6, r * 0.55, 0), r * 0.96, 0.5, m=paint)
    n = int(rng.integers(10, 14))
    for x in np.linspace(half - 6.5, -half + 8.5, n):
        body.cone((x, r * 0.30, -3), (x, r * 0.30, 3), 0.30, m=None, carve=True)
    body.box((half - 2.0, r * 0.47, 0), (0.75, 0.34, 3), None, turned=turn(z=-22), carve=True)
    inside = shape.part("windows")
    inside.limb((half - 4.5, 0, 0), (-half + 9, 0, 0), r * 0.93, m=dark)
    inside.ellipsoid((half - 4.2, -0.1, 0), (4.1, r * 0.93, r * 0.93), dark)
    wings = shape.part("wings")
    span = half * rng.uniform(0.86, 1.0)
    _wing(wings, (1.2, -r * 0.55, 0.5), span, 6.4, 1.5, rng.uniform(5.0, 7.0), 0.32, paint, dihedral=6)
    tail = shape.part("tail")
    _wing(
        tail, (-half + 3.0, r * 0.7, 0), rng.uniform(5.2, 6.4), 5.2, 2.0, 3.6, 0.26, accent, mirror=False, upright=True
    )
    high = r * 0.45 if not rear else r * 0.7 + 5.2
    _wing(
        shape.part("stabiliser"),
        (-half + (2.6 if not rear else -0.4), high, 0),
        5.6,
        3.2,
        1.3,
        2.6,
        0.22,
        paint,
        dihedral=4,
    )
    engines = shape.part("engines")
    for z in [r + 1.5] if rear else [span * 0.36] if rng.random() < 0.6 else [span * 0.33, span * 0.62]:
        y = 0.6 if rear else -r * 0.55 + z * 0.1 - 1.25
        x = -half + 9 if rear else 3.6 - z * 0.33
        engines.limb((x + 1.4, y, z), (x - 2.4, y, z), 1.15, 0.65, m=steel, mirror=True)
        engines.cone((x + 1.9, y, z), (x + 3.2, y, z), 0.9, 1.0, m=dark, mirror=True, carve=True)
        if rear:
            engines.box((x, y, z - 1.2), (1.2, 0.2, 1.0), paint, mirror=True)
        else:
            engines.box((x - 1.6, y + 1.1, z), (1.6, 0.5, 0.15), steel, mirror=True)


def _propeller(shape: Shape, x: float, y: float, radius: float, blades: int, tilt: float, m: int, tip: int) -> None:
    """Blades that turn about the x axis, with a spinner."""
    part = shape.part("propeller")
    part.ellipsoid((x, y, 0), (radius * 0.28, radius * 0.14, radius * 0.14), tip)
    for angle in tilt + np.arange(blades) * 360 / blades:
        frame = turn(x=angle)
        centre = np.array([x, y, 0]) + frame @ (0, radius / 2, 0)
        part.ellipsoid(centre, (radius * 0.035, radius * 0.52, radius * 0.09), m, turned=frame)


def _light_plane(shape: Shape, rng: np.random.Generator, look: Look, biplane: bool) -> None:
    paint, dark = shape.material(look.rgb, "plastic"), shape.material(*GLASS)
    steel, rubber = shape.material(*CHROME), shape.material(*RUBBER)
    wood = shape.material((0.18, 0.08, 0.03), "wood")
    pale = shape.material((0.8, 0.78, 0.72), "plastic")
    low = not biplane and rng.random() < 0.4  # a low-winged warbird or tourer
    body = shape.part("fuselage", 0.18)
    body.ellipsoid((2.3, 0, 0), (1.1, 0.58, 0.56), paint)
    body.limb((2.0, 0.02, 0), (0.2, 0.08, 0), 0.58, 0.62, m=paint)
    body.limb((0.0, 0.05, 0), (-4.0, 0.22, 0), 0.60, 0.16, m=paint)
    wings = shape.part("wings")
    span, chord = rng.uniform(4.6, 5.6), rng.uniform(1.45, 1.75)
    high = 0.85 if not low else -0.35
    cabin = shape.part("cabin", 0.08)
    if biplane:
        cabin.ellipsoid((-0.5, 0.62, 0), (0.48, 0.16, 0.34), dark)
        cabin.box((0.05, 0.74, 0), (0.03, 0.16, 0.30), dark, turned=turn(z=25), round=0.02)
        high, span = 1.15, span * 0.86
        _wing(wings, (0.9, -0.42, 0), span * 0.95, chord, chord * 0.8, 0, 0.11, paint, dihedral=3)
        struts = shape.part("struts")
        for z, y in ((span * 0.62, -0.25), (0.42, 0.3)):
            for x in (0.5, 1.3):
                struts.limb((x, y, z), (x + 0.15, high, z), 0.05, m=wood, mirror=True)
    elif low:
        cabin.ellipsoid((0.0, 0.58, 0), (1.15, 0.42, 0.42), dark)
    else:
        cabin.box((0.55, 0.52, 0), (0.85, 0.34, 0.50), dark, round=0.12)
        body.box((-0.55, 0.58, 0), (0.5, 0.24, 0.44), paint, round=0.1)
        pillars = shape.part("pillars")
        for x, top in ((1.38, 1.05), (0.45, 0.45), (-0.3, -0.3)):
            pillars.limb((x, 0.25, 0.5), (top, 0.84, 0.5), 0.05, m=paint, mirror=True)
        struts = shape.part("struts")
        struts.limb((0.5, -0.4, 0.5), (0.5, high - 0.02, span * 0.5), 0.05, m=paint, mirror=True)
    _wing(
        wings,
        (0.75, high, 0),
        span,
        chord,
        chord * rng.uniform(0.6, 0.85),
        0.1,
        0.12,
        paint,
        dihedral=5 if low else 1.5,
    )
    tail = shape.part("tail")
    sheet(
        tail,
        smooth_outline([(-2.9, 0.3), (-3.6, 1.25), (-4.1, 1.35), (-4.35, 0.8), (-4.2, 0.1)], steps=4),
        0.03,
        paint,
        frame=np.eye(3),
        round=0.03,
    )
    _wing(shape.part("stabiliser"), (-3.75, 0.26, 0), 1.75, 1.0, 0.6, 0.15, 0.08, paint)
    _propeller(
        shape,
        3.35,
        0,
        rng.uniform(0.95, 1.15),
        int(rng.integers(2, 4)),
        rng.uniform(0, 180),
        wood if biplane else steel,
        pale,
    )
    gear, tyres = shape.part("gear"), shape.part("tyres")
    deep = -1.25
    gear.limb((1.3, -0.45, 0.3), (1.35, deep, 1.05), 0.06, m=steel, mirror=True)
    tyres.cone((1.35, deep, 0.95), (1.35, deep, 1.18), 0.32, m=rubber, round=0.08, mirror=True)
    if biplane or low:
        tyres.cone((-3.9, -0.22, -0.06), (-3.9, -0.22, 0.06), 0.16, m=rubber, round=0.04)
        gear.limb((-3.6, 0.1, 0), (-3.9, -0.22, 0), 0.05, m=steel)
    else:
        gear.limb((2.6, -0.4, 0), (2.75, deep, 0), 0.06, m=steel)
        tyres.cone((2.75, deep, -0.1), (2.75, deep, 0.1), 0.27, m=rubber, round=0.06)


def _fighter(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint, dark, steel = shape.material(look.rgb, "plastic"), shape.material(*GLASS), shape.material(*CHROME)
    body = shape.part("fuselage", 0.3)
    body.limb((3, 0, 0), (8.2, -0.1, 0), 0.85, 0.08, m=paint)
    body.limb((3, 0, 0), (-6, 0, 0), 0.9, 0.8, m=paint)
    body.box((-1.0, -0.25, 0), (4.0, 0.55, 1.25), paint, round=0.3)
    intake = shape.part("intakes")
    intake.box((2.4, -0.2, 1.15), (1.4, 0.5, 0.4), paint, round=0.12, mirror=True)
    intake.box((3.9, -0.2, 1.18), (0.4, 0.38, 0.28), dark, mirror=True, carve=True)
    shape.part("canopy").ellipsoid((3.9, 0.62, 0), (1.7, 0.55, 0.48), dark)
    wings = shape.part("wings")
    sweep, span = rng.uniform(2.0, 3.2), rng.uniform(4.6, 5.4)
    _wing(wings, (-1.2, -0.1, 0.6), span, 6.0, 1.3, sweep, 0.12, paint)
    _wing(wings, (-5.6, -0.1, 0.5), 2.9, 2.6, 1.0, 1.6, 0.10, paint)
    fins = shape.part("tail")
    twin = rng.random() < 0.5
    _wing(
        fins,
        (-4.6, 0.4, 0.95 if twin else 0),
        rng.uniform(2.4, 3.0),
        3.2,
        1.3,
        2.0,
        0.1,
        paint,
        mirror=twin,
        upright=True,
    )
    jets = shape.part("nozzle")
    for z in (-0.62, 0.62) if twin else (0.0,):
        jets.cone((-6.0, 0, z), (-7.2, 0, z), 0.72 if not twin else 0.58, 0.5, m=steel)
        jets.cone((-6.9, 0, z), (-7.5, 0, z), 0.40, 0.46, m=dark, carve=True)
    weapons = shape.part("missiles")
    weapons.limb((-1.2, -0.55, 2.6), (1.2, -0.55, 2.6), 0.17, m=steel, mirror=True)


@family(
    "helicopter",
    colours=("red", "blue", "white", "black", "yellow", "green", "grey", "orange", "silver"),
    places=("sky", "sky", "sky", "snow", "beach", "desert"),
    stance="air",
)
def helicopter(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["light", "light", "transport"])
    paint, dark, steel = shape.material(look.rgb, "plastic"), shape.material(*GLASS), shape.material(*CHROME)
    black = shape.material(*RUBBER)
    accent = shape.material((0.8, 0.78, 0.74) if look.colour != "white" else (0.5, 0.03, 0.03), "plastic")
    body, glass = shape.part("body", 0.22), shape.part("canopy", 0.1)
    length, fat = (rng.uniform(1.4, 1.7), rng.uniform(0.85, 1.0)) if kind == "light" else (2.5, 1.05)
    if kind == "light":
        body.ellipsoid((0, 0, 0), (length, fat, 0.85), paint)
        body.ellipsoid((-0.6, 0.55, 0), (0.9, 0.45, 0.45), paint)
        glass.ellipsoid((0.28, 0.06, 0), (length * 0.94, fat * 0.90, 0.84), dark)
        body.box(
            (length * 0.62, 0.26, 0), (length * 0.60, fat * 0.44, 0.97), None, turned=turn(z=-14), round=0.2, carve=True
        )
        pillar = shape.part("pillars")
        pillar.ring((0.36, 0.06, 0), fat * 0.86, 0.05, paint, turned=turn(y=90), arc=170)
        pillar.limb((length * 0.93, 0.3, 0), (0.35, fat * 0.95, 0), 0.045, m=paint)
    else:
        body.limb((1.4, 0, 0), (-1.6, 0.05, 0), fat, fat * 0.92, m=paint)
        body.ellipsoid((2.0, -0.22, 0), (1.1, 0.75, 0.85), paint)
        body.ellipsoid((-0.2, 0.95, 0), (1.6, 0.42, 0.55), paint)
        glass.ellipsoid((2.02, 0.12, 0), (1.0, 0.62, 0.82), dark)
        glass.box((2.6, -0.7, 0), (2, 0.6, 2), None, turned=turn(z=8), carve=True)
        for x in (-1.5, -0.6):
            body.box((x, 0.25, 0), (0.3, 0.24, 2), dark, round=0.08, carve=True)
        body.box((0.45, -0.05, fat), (0.4, 0.62, 0.14), dark, round=0.1, mirror=True, carve=True)
        shape.part("doors").box((0.45, -0.05, fat - 0.12), (0.37, 0.59, 0.1), paint, round=0.1, mirror=True)
    reach = length + rng.uniform(2.6, 3.2)
    end = np.array([-reach, 0.45, 0])
    body.limb((-length * 0.55, 0.22, 0), end, 0.42, 0.14, m=paint)
    tail = shape.part("tail")
    sheet(
        tail,
        [(0.5, -0.1), (-0.15, 1.15), (-0.5, 1.15), (-0.25, 0.1), (-0.45, -0.45), (-0.2, -0.45)],
        0.03,
        paint,
        at=end,
        frame=np.eye(3),
        round=0.03,
    )
    tail.box(end + (0.9, 0.02, 0), (0.2, 0.025, 0.65), accent, round=0.02)
    shape.part("stripe").limb((-length * 0.9, 0.24, 0), end + (0.9, -0.02, 0), 0.31, 0.2, m=accent)
    small = shape.part("tail rotor")
    spot = end + (-0.25, 0.65, 0.16)
    small.limb(spot - (0, 0, 0.15), spot, 0.06, m=steel)
    angle = rng.uniform(0, 90)
    for a in (angle, angle + 90):
        small.box(spot, (0.06, 0.62, 0.015), black, turned=turn(z=a), round=0.01)
    top = fat + 0.42 + (0.25 if kind == "transport" else 0)
    mast, rotor = shape.part("mast", 0.05), shape.part("rotor")
    mast.limb((-0.2, fat * 0.6, 0), (-0.2, top, 0), 0.13, 0.09, m=steel)
    mast.ellipsoid((-0.2, top, 0), (0.25, 0.1, 0.25), black)
    blades, start, span = int(rng.integers(2, 5)), rng.uniform(0, 360), rng.uniform(3.4, 4.1)
    for a in start + np.arange(blades) * 360 / blades:
        frame = turn(y=a) @ turn(x=-4) @ turn(z=2.5)
        centre = np.array([-0.2, top, 0]) + frame @ (span / 2, 0, 0)
        rotor.box(centre, (span / 2, 0.028, 0.13), black, turned=frame, round=0.015)
    gear = shape.part("skids")
    if kind == "light" or rng.random() < 0.4:
        low, wide = -fat - 0.42, 0.92
        gear.chain(
            [(length * 0.95, low + 0.22, wide), (length * 0.75, low, wide), (-length * 0.75, low, wide)],
            0.065,
            steel,
            mirror=True,
        )
        for x in (0.55, -0.55):
            gear.limb((x, -fat * 0.7, 0.35), (x, low, wide), 0.055, m=steel, mirror=True)
    else:
        gear.limb((-1.1, -0.6, 0.6), (-1.1, -1.25, 1.1), 0.09, m=steel, mirror=True)
        gear.cone((-1.1, -1.3, 1.0), (-1.1, -1.3, 1.25), 0.32, m=black, round=0.06, mirror=True)
        gear.limb((1.9, -0.6, 0), (1.9, -1.25, 0), 0.09, m=steel)
        gear.cone((1.9, -1.33, -0.12), (1.9, -1.33, 0.12), 0.28, m=black, round=0.06)


@family(
    "hot-air_balloon",
    colours=("red", "blue", "yellow", "orange", "green", "purple", "pink", "turquoise"),
    places=("sky", "sky", "sky", "snow", "beach", "desert"),
    stance="air",
)
def hot_air_balloon(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    main = shape.material(look.rgb, "fabric")
    contrasts = np.array([(0.8, 0.79, 0.74), (0.82, 0.55, 0.05), (0.03, 0.07, 0.30), (0.6, 0.05, 0.04)])
    far = contrasts[np.argsort(-np.abs(contrasts - look.rgb).sum(axis=1))]
    other = shape.material(far[int(rng.integers(2))].tolist(), "fabric")
    wicker = shape.material((0.34, 0.19, 0.07), "wood", "checks", (0.2, 0.1, 0.04), 0.01)
    leather, rope = shape.material((0.13, 0.06, 0.03), "fabric"), shape.material((0.15, 0.12, 0.09), "matte")
    n = int(rng.choice([12, 16]))
    style = rng.choice(["alternate", "every third", "band", "plain"])
    r, stretch = rng.uniform(7.0, 8.2), rng.uniform(1.0, 1.12)
    mouth, crown_y = -9.6, 2.0
    # A gore is a slim ellipsoid on the ball and a limb that runs from it down to the mouth.
    gores = [shape.part("gores", 0.25), shape.part("gores between", 0.25)]
    width = r * np.pi / n
    for i in range(n):
        a = i * 2 * np.pi / n
        d = np.array([np.cos(a), 0, np.sin(a)])
        m = {
            "alternate": (main, other)[i % 2],
            "every third": (main, main, other)[i % 3] if n % 3 == 0 else (main, main, main, other)[i % 4],
            "band": main,
            "plain": main,
        }[style]
        part = gores[i % 2]
        part.ellipsoid(
            d * r * 0.36 + (0, crown_y, 0), (r * 0.64, r * stretch, width * 1.22), m, turned=turn(y=-np.degrees(a))
        )
        part.limb(d * (r * 0.62) + (0, crown_y - r * 0.52, 0), d * 0.85 + (0, mouth, 0), width * 0.95, 0.45, m=m)
    core = shape.part("core", 0.6)
    core.ellipsoid((0, crown_y, 0), (r * 0.93, r * stretch * 0.96, r * 0.93), main)
    core.cone((0, crown_y - r * 0.42, 0), (0, mouth + 0.3, 0), r * 0.84, 1.1, m=main)
    cap = shape.part("cap")
    cap.ellipsoid((0, crown_y + r * stretch * 0.9, 0), (r * 0.42, r * 0.13, r * 0.42), other)
    if style == "band":  # a belt a little wider than the gores
        low, high = rng.uniform(-0.55, -0.2), rng.uniform(0.05, 0.35)
        y = np.linspace(low, high, 12)
        edge = np.stack([r * (0.36 + 0.64 * np.sqrt(1 - y * y)) + 0.06, r * stretch * (y - (low + high) / 2)], axis=1)
        shape.part("belt").lathe(
            (0, crown_y + r * stretch * (low + high) / 2, 0), [(0, edge[0, 1]), *edge, (0, edge[-1, 1])], other
        )
    skirt = shape.part("skirt")
    skirt.cone((0, mouth + 0.2, 0), (0, mouth - 0.7, 0), 1.35, 1.15, m=other)
    skirt.cone((0, mouth + 0.1, 0), (0, mouth - 1.0, 0), 1.2, 1.05, m=rope, carve=True)
    low = mouth - rng.uniform(2.4, 3.2)
    basket = shape.part("basket")
    basket.box((0, low - 0.75, 0), (0.95, 0.8, 0.95), wicker, round=0.15)
    basket.box((0, low, 0), (0.8, 0.5, 0.8), rope, carve=True)
    rim = shape.part("rim")
    for z in (-0.92, 0.92):
        rim.limb((-0.92, low + 0.05, z), (0.92, low + 0.05, z), 0.14, m=leather)
        rim.limb((z, low + 0.05, -0.92), (z, low + 0.05, 0.92), 0.14, m=leather)
    ropes = shape.part("ropes")
    for x, z in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        ropes.limb((x * 0.85, low, z * 0.85), (x * 0.85, mouth - 0.5, z * 0.85), 0.075, m=rope)
    burner = shape.part("burner")
    burner.cone((0, mouth - 1.3, 0), (0, mouth - 0.9, 0), 0.3, m=shape.material(*CHROME))


@family(
    "blimp",
    colours=("white", "silver", "blue", "red", "yellow", "grey", "green", "orange"),
    places=("sky", "sky", "sky", "snow", "beach", "grass"),
    stance="air",
)
def blimp(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    paint = shape.material(look.rgb, "plastic")
    bright, blue = (0.8, 0.79, 0.76), (0.02, 0.06, 0.3)
    accent = shape.material(blue if look.colour in ("white", "silver", "yellow", "grey") else bright, "plastic")
    dark, steel = shape.material(*GLASS), shape.material(*CHROME)
    half, fat = 10.0, rng.uniform(2.5, 3.4)
    t = np.linspace(0, np.pi, 30)
    x = half * np.cos(t)
    r = fat * np.sin(t) ** rng.uniform(0.72, 0.9) * (1 + 0.16 * np.cos(t))
    hull = shape.part("hull")
    profile = np.stack([np.abs(r), x], axis=1)[::-1]
    hull.lathe((0, 0, 0), profile, paint, turned=AHEAD)
    shape.part("nose").ellipsoid((half * 0.985, 0, 0), (0.45, 0.75, 0.75), accent)
    # A band of the second colour: the hull's own profile between two places, a little wider.
    a, b = sorted(rng.uniform(-0.35, 0.45, 2))
    inside = (x > half * a) & (x < half * max(b, a + 0.12))
    belt = np.stack([r[inside] + 0.04, x[inside]], axis=1)[::-1]
    middle = (belt[0, 1] + belt[-1, 1]) / 2
    shape.part("band").lathe(
        (middle, 0, 0),
        [(0, belt[0, 1] - middle), *(belt - (0, middle)), (0, belt[-1, 1] - middle)],
        accent,
        turned=AHEAD,
    )
    ribs = shape.part("ribs")
    for k in (6, 11, 19, 24):
        ribs.ring((x[k], 0, 0), r[k] + 0.0, 0.07, paint, turned=turn(y=90))
    fins, tall = shape.part("fins"), rng.uniform(2.6, 3.4)
    skew, tail = rng.choice([0, 45]), accent if rng.random() < 0.5 else paint
    outline = [(1.9, 0), (0.3, tall), (-1.5, tall), (-1.7, 0)]
    for angle in np.arange(4) * 90 + skew:
        sheet(
            fins, outline, 0.08, tail, at=turn(x=angle) @ (-half * 0.72, fat * 0.42, 0), frame=turn(x=angle), round=0.06
        )
    car, low, at = shape.part("gondola"), -fat * 1.03, rng.uniform(0.2, 1.6)
    shape.part("cabin").box((at, low - 0.35, 0), (1.6, 0.5, 0.52), dark, round=0.25)
    car.box((at, low - 0.3, 0), (1.8, 0.8, 0.68), paint, round=0.3)
    car.box((at + 0.1, low - 0.32, 0), (1.45, 0.24, 2), dark, round=0.05, carve=True)
    for u in (-0.7, 0.1, 0.9):
        car.box((at + u, low - 0.32, 0), (0.08, 0.3, 0.64), paint)
    engines = shape.part("engines")
    engines.limb((at - 1.0, low - 0.5, 1.15), (at - 2.0, low - 0.5, 1.15), 0.26, 0.18, m=steel, mirror=True)
    engines.box((at - 1.2, low - 0.4, 0.75), (0.18, 0.06, 0.45), steel, mirror=True)
    for angle in (20, 110):
        engines.box((at - 2.2, low - 0.5, 1.15), (0.03, 0.75, 0.08), dark, turned=turn(x=angle), mirror=True)
    engines.limb((at, low - 0.95, 0), (at, low - 1.3, 0), 0.05, m=steel)
    engines.cone((at, low - 1.3, -0.08), (at, low - 1.3, 0.08), 0.22, m=dark)


@family(
    "rocket",
    colours=("white", "red", "silver", "blue", "orange", "black", "yellow", "green"),
    places=("desert", "studio", "grass", "snow", "night", "beach"),
)
def rocket(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["finned", "finned", "stages", "boosters"])
    paint, steel, dark = shape.material(look.rgb, "plastic"), shape.material(*CHROME), shape.material(*RUBBER)
    bright, red = (0.8, 0.79, 0.76), (0.55, 0.03, 0.03)
    accent = shape.material(red if look.colour in ("white", "silver", "black") else bright, "metal")
    glass = shape.material(*GLASS)
    body, nose, fins, rings = shape.part("body"), shape.part("nose"), shape.part("fins"), shape.part("rings")
    engines = shape.part("engines")
    if kind == "finned":
        r, top = rng.uniform(0.75, 1.2), rng.uniform(6.5, 8.5)
        waist = rng.uniform(0.55, 0.8)
        profile = smooth_outline(
            [
                (r * waist, -top / 2 + 0.7),
                (r * 0.92, -top / 2 + 2.0),
                (r, -0.4),
                (r * 0.92, top * 0.16),
                (r * 0.70, top * 0.30),
            ],
            closed=False,
        )
        body.lathe((0, top / 2, 0), [(0, -top / 2 + 0.7), *profile, (0, top * 0.30)], paint)
        tip = np.array([(r * 0.69, 0), (r * 0.5, top * 0.09), (r * 0.25, top * 0.165), (0.02, top * 0.21)])
        tip[:, 1] -= tip[-1, 1] / 2
        nose.lathe(
            (0, top * 0.80 + tip[-1, 1], 0),
            [(0, tip[0, 1]), *smooth_outline(tip, closed=False), (0, tip[-1, 1])],
            accent,
        )
        nose.limb(
            (0, top * 0.8 + 2 * tip[-1, 1] - 0.1, 0), (0, top * 0.8 + 2 * tip[-1, 1] + 0.3, 0), 0.05, 0.03, m=steel
        )
        rings.ring((0, top * 0.795, 0), r * 0.70, 0.06, steel, turned=turn(x=90))
        n = int(rng.integers(3, 5))
        flare = rng.uniform(0.9, 1.5)
        outline = smooth_outline(
            [
                (r * 0.75, 2.9),
                (r + flare * 0.8, 1.2),
                (r + flare, 0.0),
                (r + flare * 0.72, 0.0),
                (r * 0.9, 0.75),
                (r * 0.45, 0.9),
            ],
            steps=5,
        )
        for a in np.arange(n) * 360 / n + 180 / n * (n == 4):
            sheet(fins, outline, 0.06, accent, frame=turn(y=a), round=0.05)
        engines.cone((0, 0.2, 0), (0, 0.9, 0), r * 0.62, r * 0.42, m=dark)
        if rng.random() < 0.75:
            for y in (0.62, 0.45)[: int(rng.integers(1, 3))]:
                rings.ring((r * 0.93, top * y, 0), 0.33 * r, 0.08, steel, turned=turn(y=90))
                nose.ellipsoid((r * 0.85, top * y, 0), (0.16 * r, 0.33 * r, 0.33 * r), glass)
        return
    r, top = rng.uniform(0.62, 0.8), rng.uniform(8.0, 9.5)
    white = shape.material(look.rgb, "plastic")
    if kind == "stages":
        slim = rng.uniform(0.6, 0.75)
        body.cone((0, 0.8, 0), (0, top * 0.52, 0), r, m=paint)
        body.cone((0, top * 0.52, 0), (0, top * 0.58, 0), r, r * slim, m=accent)
        body.cone((0, top * 0.58, 0), (0, top * 0.78, 0), r * slim, m=white)
        nose.cone((0, top * 0.78, 0), (0, top * 0.86, 0), r * slim, r * 0.34, m=accent)
        nose.cone((0, top * 0.86, 0), (0, top * 0.91, 0), r * 0.34, 0.06, m=paint)
        nose.limb((0, top * 0.91, 0), (0, top, 0), 0.05, 0.03, m=dark)
        for y in (0.18, 0.34, 0.5, 0.68):
            rings.cone((0, top * y - 0.1, 0), (0, top * y + 0.1, 0), (r if y < 0.55 else r * slim) + 0.012, m=dark)
    else:
        body.cone((0, 1.0, 0), (0, top * 0.72, 0), r, m=paint)
        nose.cone((0, top * 0.72, 0), (0, top * 0.76, 0), r, r * 1.25, m=accent)
        nose.cone((0, top * 0.76, 0), (0, top * 0.88, 0), r * 1.25, m=paint)
        nose.limb((0, top * 0.86, 0), (0, top * 0.96, 0), r * 1.22, 0.2, m=paint)
        rings.cone((0, top * 0.4, 0), (0, top * 0.43, 0), r + 0.015, m=dark)
        side = shape.part("boosters")
        for sign in (1, -1) if rng.random() < 0.5 else (1, -1, 1j, -1j):
            x, z = np.real(sign) * r * 1.72, np.imag(sign) * r * 1.72
            if not np.iscomplex(sign):
                x, z = z, x
            side.cone((x, 0.7, z), (x, top * 0.46, z), r * 0.62, m=paint)
            side.cone((x, top * 0.46, z), (x, top * 0.57, z), r * 0.62, 0.06, m=accent)
            side.box((x * 0.6, top * 0.40, z * 0.6), (0.18, 0.1, 0.18), dark)
            engines.cone((x, 0.1, z), (x, 0.75, z), r * 0.48, r * 0.28, m=dark)
    for a in np.arange(4) * 90 + 45:
        outline = np.array([(r * 0.9, 2.0), (r * 1.75, 0.8), (r * 1.75, 0.35), (r * 0.9, 0.7)])
        if kind == "stages":
            sheet(fins, outline, 0.05, accent, frame=turn(y=a))
        engines.cone(
            (0.42 * r * np.cos(a / 57.3), 0.0, 0.42 * r * np.sin(a / 57.3)),
            (0.42 * r * np.cos(a / 57.3), 0.9, 0.42 * r * np.sin(a / 57.3)),
            r * 0.36,
            r * 0.2,
            m=dark,
        )
    if kind != "stages":
        fins.cone((0, 0.85, 0), (0, 1.25, 0), r * 1.1, r, m=steel)
