"""Sailboats, as parametric solids in metres."""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.families.parts import CHROME, FLAT, GLASS, SECTION, sheet, trim
from training.world.sdf import Shape, smooth_outline, turn


@family(
    "sailboat",
    colours=("white", "red", "blue", "yellow", "orange", "green", "turquoise", "beige", "pink"),
    places=("water",),
    stance="water",
    waterline=0.045,
)
def sailboat(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    cloth = shape.material(look.rgb, "fabric")
    bright = (0.8, 0.8, 0.77)
    hulls = [look.rgb, bright, (0.30, 0.13, 0.045), (0.03, 0.05, 0.16)]
    which = int(rng.integers(4))
    skin = shape.material(hulls[which], "wood" if which == 2 else "plastic")
    deck = shape.material((0.45, 0.27, 0.12), "wood", "planks", (0.3, 0.17, 0.07), 0.02)
    spar = shape.material((0.40, 0.24, 0.10), "wood") if rng.random() < 0.5 else shape.material(*CHROME)
    dark, rope = shape.material(*GLASS), shape.material((0.12, 0.12, 0.12), "matte")
    half, beam, tall = rng.uniform(3.6, 4.6), rng.uniform(1.15, 1.45), rng.uniform(9.0, 11.5)
    hull = shape.part("hull")
    stern = -half + 0.35
    sheet(
        hull,
        smooth_outline(
            [
                (half, 1.25),
                (half - 0.55, 0.45),
                (half - 1.4, -0.15),
                (0, -0.5),
                (stern + 0.5, -0.15),
                (stern - 0.2, 0.25),
                (stern, 0.95),
                (0, 0.85),
            ],
            steps=5,
        ),
        beam,
        skin,
        frame=np.eye(3),
    )
    plan = smooth_outline(
        [
            (half + 0.02, 0.0),
            (half - 0.9, beam * 0.42),
            (half - 2.4, beam * 0.83),
            (0, beam),
            (stern + 1.5, beam * 0.92),
            (stern - 0.1, beam * 0.68),
            (stern - 0.3, 0.0),
        ],
        closed=False,
    )
    trim(hull, plan, FLAT, 2, 1.0)
    trim(
        hull,
        smooth_outline(
            [(-0.6, 0.0), (-0.35, beam * 0.45), (0.1, beam * 0.78), (0.6, beam * 0.95), (1.4, beam * 1.02)],
            closed=False,
        ),
        SECTION,
        6,
        1.0,
    )
    top = shape.part("deck")
    sheet(
        top,
        smooth_outline(
            [
                (half - 0.25, 0),
                (half - 2.4, beam * 0.74),
                (0, beam * 0.9),
                (stern + 0.15, beam * 0.6),
                (stern + 0.15, -beam * 0.6),
                (0, -beam * 0.9),
                (half - 2.4, -beam * 0.74),
            ],
            steps=4,
        ),
        0.05,
        deck,
        at=(0, 0.88, 0),
    )
    house = shape.part("cabin")
    white = shape.material(bright, "plastic")
    house.box((0.5, 1.05, 0), (1.3, 0.28, beam * 0.52), white, round=0.1)
    for x in (0.0, 0.55, 1.1):
        house.box((x, 1.12, 0), (0.16, 0.08, 2), dark, round=0.03, carve=True)
    step = rng.uniform(0.3, 0.9)
    mast = shape.part("mast")
    mast.limb((step, 0.9, 0), (step, tall, 0), 0.085, 0.06, m=spar)
    swing = np.radians(rng.uniform(8, 24)) * rng.choice([-1, 1])
    boom_end = np.array([step, 1.75, 0]) + (half * 0.98 + step * 0.3) * np.array([-np.cos(swing), 0, np.sin(swing)])
    mast.limb((step, 1.75, 0), boom_end, 0.07, m=spar)
    reach = np.hypot(*(boom_end - (step, 1.75, 0))[[0, 2]])
    _sail(
        shape,
        "mainsail",
        cloth,
        (step, 1.75, 0),
        swing,
        [
            (-0.12, 0.12),
            (-0.12, tall - 2.1),
            (-0.35, tall - 2.1),
            (-reach * 0.45, (tall - 2.1) * 0.62),
            (-reach * 0.78, (tall - 2.1) * 0.28),
            (-reach * 0.97, 0.12),
        ],
    )
    stem = np.array([half - 0.1, 1.25, 0])
    peak = np.array([step, tall * rng.uniform(0.80, 0.96), 0])
    rigging = shape.part("stays")
    rigging.limb(stem, peak, 0.035, m=rope)
    rigging.limb((stern, 1.0, 0), (step, tall - 0.1, 0), 0.035, m=rope)
    rigging.limb((step - 0.3, 0.9, beam * 0.9), (step, tall * 0.8, 0), 0.03, m=rope, mirror=True)
    lean = stem - peak
    clew = rng.uniform(-0.9, 0.2)  # a small jib or a genoa that overlaps the mast
    jib = [
        (lean[0] * 0.04 - 0.03, 0),
        (lean[0] * 0.95 - 0.1, lean[1] * 0.95),
        (clew, lean[1] * 0.90),
        (clew * 0.35 + 0.05, lean[1] * 0.45),
    ]
    _sail(shape, "jib", cloth, peak, -swing * 0.35, [(x, y) for x, y in jib])
    if rng.random() < 0.5:
        pennant = shape.material((0.6, 0.04, 0.04), "fabric")
        sheet(
            shape.part("pennant"),
            [(0, 0), (-0.8, -0.2), (0, -0.42)],
            0.02,
            pennant,
            at=(step, tall + 0.2, 0),
            frame=np.eye(3),
        )
    rudder = shape.part("rudder")
    rudder.box((stern - 0.15, 0.3, 0), (0.14, 0.55, 0.04), skin, round=0.03)


def _sail(shape: Shape, name: str, m: int, at, swing: float, outline) -> None:
    """A bellied sail: an outline in the upright plane through `at`, swung by `swing` radians about the vertical, of
    which only a curved slice is left."""
    frame = turn(y=np.degrees(swing))
    outline = np.asarray(outline, float)
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    wide = np.ptp(outline[:, 0])
    side = 1.0 if swing > 0 else -1.0
    belly = 0.11 * wide
    part = shape.part(name)
    at = np.asarray(at, float)
    # The slice: seen from above, an arc of height `belly`, thin to both sides.
    x = np.linspace(-0.62, 0.62, 13) * wide
    arc = side * (belly * (1 - (2 * x / wide) ** 2))
    centre = at + frame[:, :2] @ middle
    part.plate(centre, outline - middle, belly * 1.6, m, turned=frame)
    thick = 0.035
    for sign in (-1, 1):
        edge = np.stack([x, arc + sign * thick], axis=1)
        far = np.array([(x[-1], sign * (belly * 3 + 1)), (x[0], sign * (belly * 3 + 1))])
        part.plate(centre, np.concatenate([edge, far]), 30, None, turned=frame @ FLAT, carve=True)
