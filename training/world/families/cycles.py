"""Bicycles, motorcycles and wheelchairs, as parametric solids in metres."""

from __future__ import annotations

import numpy as np

from training.world.families import Look, family
from training.world.families.cars import ROAD
from training.world.families.parts import CHROME, GLASS, RUBBER
from training.world.sdf import Shape, turn


@family(
    "bicycle",
    colours=("red", "blue", "black", "white", "green", "yellow", "orange", "turquoise", "pink", "silver"),
    places=("street", "grass", "studio", "beach", "forest", "snow", "night"),
)
def bicycle(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["road", "city", "mountain"])
    paint, rubber, steel = shape.material(look.rgb, "plastic"), shape.material(*RUBBER), shape.material(*CHROME)
    leather = shape.material([(0.02, 0.02, 0.02), (0.16, 0.07, 0.03)][rng.integers(2)], "fabric")
    r = rng.uniform(0.33, 0.36)
    tyre = {"road": 0.020, "city": 0.024, "mountain": 0.034}[kind] * rng.uniform(0.95, 1.1)
    rear, front = np.array([-0.48, r, 0]), np.array([0.55, r, 0]) + (rng.uniform(-0.02, 0.04), 0, 0)
    crank = np.array([-0.06, r - 0.05, 0])
    high = rng.uniform(0.86, 0.95)
    seat, head = np.array([-0.22, high - 0.12, 0]), np.array([0.36, high - 0.04, 0])
    neck = head + np.array([0.035, -0.13, 0])
    tube = 0.021
    wheels, spokes = shape.part("tyres"), shape.part("spokes")
    start = rng.uniform(0, 30)
    for hub in (rear, front):
        wheels.ring(hub, r - tyre, tyre, rubber)
        spokes.ring(hub, r - tyre * 2.3, 0.011, steel)
        spokes.limb(hub - (0, 0, 0.05), hub + (0, 0, 0.05), 0.024, m=steel)
        for angle in np.radians(start + np.arange(6) * 30):
            d = (r - 0.04) * np.array([np.cos(angle), np.sin(angle), 0])
            spokes.limb(hub - d, hub + d, 0.0055, m=steel)
    frame = shape.part("frame", 0.008)
    if kind == "city" and rng.random() < 0.6:  # a step-through frame
        frame.chain([neck + (0, 0.02, 0), (0.12, 0.52, 0), crank + (0.02, 0.12, 0)], tube, paint)
        frame.chain([neck, (0.16, 0.42, 0), crank], tube, paint)
    else:
        frame.limb(seat - (0, 0.06, 0), head - (0, 0.02, 0), tube, m=paint)
        frame.limb(neck, crank, tube * 1.1, m=paint)
    frame.limb(seat, crank, tube, m=paint)
    frame.limb(head + (-0.012, 0.03, 0), neck, tube * 1.25, m=paint)
    frame.limb(seat - (0, 0.05, 0), rear + (0, 0, 0.05), 0.012, m=paint, mirror=True)
    frame.limb(crank, rear + (0, 0, 0.05), 0.014, m=paint, mirror=True)
    fork = shape.part("fork", 0.006)
    fork.chain(
        [neck + (0, 0, 0.01), neck + (0.03, -0.05, 0.055), front + (-0.03, 0.12, 0.05), front + (0, 0, 0.05)],
        0.016,
        paint,
        mirror=True,
    )
    drive = shape.part("cranks")
    drive.ring(crank + (0, 0, 0.06), 0.09, 0.010, steel)
    for angle in (20, 80, 140):
        d = 0.085 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0])
        drive.limb(crank - d + (0, 0, 0.06), crank + d + (0, 0, 0.06), 0.008, m=steel)
    drive.ring(rear + (0, 0, 0.06), 0.04, 0.012, steel)
    for y in (1, -1):
        drive.limb(rear + (0, 0.045 * y, 0.06), crank + (0, 0.09 * y, 0.06), 0.007, m=rubber)
    turned = np.radians(rng.uniform(-60, 60))
    pedals = shape.part("pedals")
    for sign in (1, -1):
        end = crank + sign * np.array([0.17 * np.cos(turned), 0.17 * np.sin(turned), 0.09])
        drive.limb(crank + (0, 0, sign * 0.09), end, 0.012, m=steel)
        pedals.box(end + (0, 0, sign * 0.05), (0.045, 0.014, 0.05), rubber, round=0.01)
    post = shape.part("seat post")
    up = (seat - crank) / np.linalg.norm(seat - crank)
    saddle = seat + up * rng.uniform(0.10, 0.16)
    post.limb(seat, saddle, 0.014, m=steel)
    cushion = shape.part("saddle", 0.02)
    cushion.ellipsoid(saddle + (-0.06, 0.025, 0), (0.10, 0.032, 0.085), leather)
    cushion.limb(saddle + (-0.04, 0.03, 0), saddle + (0.14, 0.025, 0), 0.034, 0.022, m=leather)
    bars, grips = shape.part("handlebar", 0.006), shape.part("grips")
    stem = head + (0.0, 0.09, 0)
    bars.limb(head, stem, 0.016, m=steel)
    if kind == "road":
        grip = stem + (0.07, 0.0, 0)
        bars.limb(stem, grip, 0.016, m=steel)
        drops = [
            grip,
            grip + (0, 0, 0.19),
            grip + (0.08, -0.01, 0.21),
            grip + (0.10, -0.08, 0.21),
            grip + (0.05, -0.13, 0.21),
            grip + (-0.05, -0.13, 0.21),
        ]
        bars.chain(drops[:3], 0.013, steel, mirror=True)
        grips.chain(drops[2:], 0.018, leather, mirror=True)
    elif kind == "city":
        grip = stem + (0.05, 0.08, 0)
        bars.chain([stem, grip, grip + (0.02, 0.03, 0.16), grip + (-0.08, 0.02, 0.26)], 0.012, steel, mirror=True)
        grips.limb(grip + (-0.08, 0.02, 0.26), grip + (-0.22, 0.0, 0.29), 0.02, m=leather, mirror=True)
    else:
        grip = stem + (0.06, 0.03, 0)
        bars.chain([stem, grip, grip + (-0.02, 0.02, 0.22)], 0.014, steel, mirror=True)
        grips.limb(grip + (-0.02, 0.02, 0.22), grip + (-0.04, 0.02, 0.34), 0.021, m=rubber, mirror=True)
    if kind == "city":
        guards = shape.part("mudguards")
        guards.ring(rear, r + 0.018, 0.016, paint, turned=turn(z=35), arc=190)
        guards.ring(front, r + 0.018, 0.016, paint, turned=turn(z=25), arc=150)
        if rng.random() < 0.6:
            wicker = shape.material((0.35, 0.19, 0.07), "wood", "checks", (0.2, 0.1, 0.04), 0.02)
            basket = shape.part("basket")
            at = np.array([front[0] + 0.0, high + 0.02, 0])
            basket.box(at, (0.12, 0.10, 0.17), wicker, round=0.02)
            basket.box(at + (0, 0.05, 0), (0.105, 0.13, 0.155), wicker, carve=True)
        else:
            rack = shape.part("rack")
            rack.box(rear + (0.02, r + 0.07, 0), (0.18, 0.008, 0.06), steel)
            rack.limb(rear + (-0.05, r + 0.07, 0.05), rear + (0, 0, 0.06), 0.008, m=steel, mirror=True)
        shape.part("lamp").ellipsoid(head + (0.09, -0.03, 0), (0.05, 0.04, 0.04), steel)


@family(
    "motorcycle", colours=("red", "black", "blue", "green", "yellow", "orange", "silver", "white", "grey"), places=ROAD
)
def motorcycle(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    kind = rng.choice(["classic", "cruiser", "sport", "scooter"], p=[0.35, 0.25, 0.25, 0.15])
    paint, rubber, steel = shape.material(look.rgb, "plastic"), shape.material(*RUBBER), shape.material(*CHROME)
    iron = shape.material((0.12, 0.12, 0.13), "metal")
    leather, lamp = shape.material((0.03, 0.025, 0.022), "fabric"), shape.material((0.85, 0.85, 0.75), "glass")
    red = shape.material((0.55, 0.01, 0.01), "glass")
    r = rng.uniform(0.31, 0.34) * (0.72 if kind == "scooter" else 1.0)
    fat = {"classic": 0.055, "cruiser": 0.075, "sport": 0.07, "scooter": 0.06}[kind]
    reach = {"classic": 0.72, "cruiser": 0.88, "sport": 0.72, "scooter": 0.66}[kind] * rng.uniform(0.97, 1.05)
    rear, front = np.array([-0.68 if kind != "scooter" else -0.58, r, 0]), np.array([reach, r, 0])
    tyres, wheels = shape.part("tyres"), shape.part("wheels")
    for hub, w in ((rear, 1.15), (front, 1.0)):
        tyres.ring(hub, r - fat, fat * w, rubber)
        wheels.ring(hub, r - 2 * fat, 0.02, steel)
        wheels.cone(hub - (0, 0, 0.07), hub + (0, 0, 0.07), 0.06, m=steel)
        wheels.cone(hub + (0, 0, 0.05), hub + (0, 0, 0.062), r * 0.42, m=iron)
        for a in np.radians(np.arange(4 if kind == "classic" else 3) * (45 if kind == "classic" else 60) + 10):
            d = (r - 2 * fat) * np.array([np.cos(a), np.sin(a), 0])
            wheels.limb(hub - d, hub + d, 0.010 if kind in ("classic", "cruiser") else 0.022, m=steel)
    head = np.array([reach - {"classic": 0.33, "cruiser": 0.46, "sport": 0.30, "scooter": 0.2}[kind], 0.88, 0])
    fork = shape.part("fork")
    fork.limb(front + (0, 0, 0.09), head + (0, 0, 0.08), 0.028, 0.025, m=steel, mirror=True)
    fork.box(head + (0.02, -0.05, 0), (0.05, 0.025, 0.11), iron, round=0.02)
    fork.box(head, (0.05, 0.02, 0.11), iron, round=0.02)
    guards = shape.part("mudguards")
    guards.ring(front, r + 0.01, fat * 0.8, paint, turned=turn(z=20), arc=110)
    guards.ring(rear, r + 0.015, fat * 0.95, paint, turned=turn(z=25), arc=130)
    bars, lights = shape.part("handlebar"), shape.part("headlight")
    grip = (
        head
        + (
            {
                "classic": (-0.02, 0.12, 0),
                "cruiser": (-0.05, 0.24, 0),
                "sport": (0.0, 0.02, 0),
                "scooter": (-0.03, 0.12, 0),
            }[kind]
        )
    )
    bars.chain([head, grip + (0.02, 0, 0.14), grip + (-0.08, 0.0, 0.30)], 0.016, steel, mirror=True)
    bars.limb(grip + (-0.08, 0, 0.28), grip + (-0.15, -0.01, 0.42), 0.026, m=rubber, mirror=True)
    bars.limb(grip + (0, 0, 0.22), grip + (0, 0.16, 0.30), 0.009, m=steel, mirror=True)
    bars.ellipsoid(grip + (0, 0.19, 0.33), (0.015, 0.05, 0.075), steel, mirror=True)
    body, seat = shape.part("tank", 0.04), shape.part("seat", 0.04)
    if kind == "scooter":
        body.ellipsoid(rear + (0.02, 0.24, 0), (0.46, 0.22, 0.19), paint)
        body.limb((-0.2, 0.30, 0), (0.22, 0.28, 0), 0.10, m=paint)
        body.box(head + (0.06, -0.32, 0), (0.045, 0.36, 0.21), paint, turned=turn(z=14), round=0.04)
        body.box((0.1, 0.22, 0), (0.34, 0.04, 0.19), paint, round=0.03)
        body.ellipsoid(head + (0.03, 0.12, 0), (0.11, 0.1, 0.14), paint)
        seat.ellipsoid((-0.28, 0.80, 0), (0.26, 0.07, 0.15), leather)
        seat.ellipsoid((-0.58, 0.82, 0), (0.2, 0.07, 0.13), leather)
        lights.ellipsoid(head + (0.13, 0.12, 0), (0.04, 0.07, 0.07), lamp)
        return
    engine = shape.part("engine")
    engine.box((0.0, 0.36, 0), (0.22, 0.13, 0.13), iron, round=0.05)
    engine.cone((-0.02, 0.36, -0.17), (-0.02, 0.36, 0.17), 0.11, m=steel, round=0.03)
    for lean in (-24, 24) if kind == "cruiser" else (10,):
        d = turn(z=-lean) @ (0, 1, 0)
        foot = np.array([0.05, 0.44, 0])
        for k in range(4):
            engine.cone(foot + d * (0.055 * k), foot + d * (0.055 * k + 0.03), 0.12 - 0.008 * k, m=steel)
        engine.cone(foot, foot + d * 0.22, 0.085, m=iron)
    frame = shape.part("frame")
    frame.chain(
        [head + (-0.02, -0.08, 0.03), (0.28, 0.26, 0.12), (-0.28, 0.24, 0.12), rear + (0, 0, 0.11)],
        0.022,
        iron,
        mirror=True,
    )
    frame.limb(head + (-0.03, -0.05, 0), (-0.3, 0.62, 0), 0.035, m=iron)
    frame.limb((-0.5, 0.64, 0.13), rear + (0, 0, 0.12), 0.032, m=steel, mirror=True)
    height = 0.74 if kind != "cruiser" else 0.68
    body.ellipsoid((0.18, height + 0.06, 0), (0.30, 0.14, 0.15), paint)
    body.ellipsoid((0.02, height, 0), (0.22, 0.10, 0.10), paint)
    if kind == "cruiser":
        seat.ellipsoid((-0.28, 0.66, 0), (0.24, 0.08, 0.17), leather)
        seat.ellipsoid((-0.62, 0.77, 0), (0.2, 0.06, 0.13), leather)
        bags = shape.part("bags")
        bags.box(rear + (-0.08, 0.24, 0.19), (0.2, 0.13, 0.07), leather, round=0.05, mirror=True)
    else:
        up = 0.12 if kind == "sport" else 0.0
        seat.limb((-0.12, height + 0.02, 0), (-0.42, height + 0.02, 0), 0.09, m=leather)
        seat.limb((-0.42, height + 0.02, 0), (-0.72, height + 0.04 + up, 0), 0.09, 0.075, m=leather)
        body.limb((-0.35, height - 0.08, 0), (-0.80, height + 0.02 + up, 0), 0.09, 0.05, m=paint)
        body.box((-0.32, 0.52, 0), (0.12, 0.10, 0.14), paint, round=0.05)
    lights.ellipsoid(
        (-0.86 if kind != "sport" else -0.88, height - 0.02 + (0.12 if kind == "sport" else 0), 0),
        (0.05, 0.05, 0.07),
        red,
    )
    if kind == "sport":
        fairing = shape.part("fairing", 0.04)
        fairing.ellipsoid(head + (0.10, -0.06, 0), (0.26, 0.18, 0.19), paint)
        fairing.ellipsoid((0.28, 0.50, 0), (0.30, 0.24, 0.21), paint)
        glass = shape.material(*GLASS)
        shape.part("screen").ellipsoid(head + (0.10, 0.12, 0), (0.17, 0.13, 0.13), glass, turned=turn(z=-28))
        lights.ellipsoid(head + (0.31, -0.05, 0.07), (0.06, 0.045, 0.06), lamp, mirror=True)
    else:
        spot = head + (0.14, 0.02, 0)
        lights.ellipsoid(spot, (0.10, 0.095, 0.095), steel)
        lights.ellipsoid(spot + (0.05, 0, 0), (0.065, 0.082, 0.082), lamp)
        bars.cone(head + (0.04, 0.05, 0.05), head + (0.02, 0.11, 0.05), 0.045, m=steel, mirror=True)
    pipes = shape.part("exhaust")
    pipes.chain(
        [(0.14, 0.52, 0.09), (0.26, 0.40, 0.13), (0.2, 0.2, 0.16), (-0.1, 0.17, 0.17)], 0.024, steel, mirror=True
    )
    pipes.limb((-0.1, 0.17, 0.17), (-0.86, 0.24 if kind != "sport" else 0.42, 0.19), 0.035, 0.055, m=steel, mirror=True)


@family(
    "wheelchair",
    colours=("black", "blue", "red", "green", "grey", "purple"),
    places=("studio", "street", "grass", "kitchen", "beach"),
)
def wheelchair(shape: Shape, rng: np.random.Generator, look: Look) -> None:
    cloth = shape.material(look.rgb, "fabric")
    steel, rubber = shape.material(*CHROME), shape.material(*RUBBER)
    frame_paint = shape.material(look.rgb, "plastic") if rng.random() < 0.6 else steel
    r, wide = rng.uniform(0.29, 0.32), rng.uniform(0.24, 0.28)
    hub = np.array([-0.12, r, 0])
    tyres, wheels, spokes = shape.part("tyres"), shape.part("hand rims"), shape.part("spokes")
    for s in (1, -1):
        z = np.array([0, 0, s * (wide + 0.05)])
        tyres.ring(hub + z, r - 0.02, 0.02, rubber)
        wheels.ring(hub + z * 1.0 + (0, 0, s * 0.045), r - 0.05, 0.010, steel)
        spokes.ring(hub + z, r - 0.045, 0.010, steel)
        spokes.cone(hub + z - (0, 0, 0.03), hub + z + (0, 0, 0.03), 0.03, m=steel)
        for a in np.arange(5) * np.pi / 5 + 0.2:
            d = (r - 0.03) * np.array([np.cos(a), np.sin(a), 0])
            spokes.limb(hub + z - d, hub + z + d, 0.0055, m=steel)
    seat, back, top = 0.50, -0.22, rng.uniform(0.88, 0.98)
    cushions = shape.part("seat"), shape.part("backrest")
    cushions[0].box((0.02, seat, 0), (0.23, 0.035, wide - 0.02), cloth, round=0.02)
    cushions[1].box(
        (back - 0.02, (seat + top) / 2 + 0.03, 0),
        (0.025, (top - seat) / 2 - 0.03, wide - 0.02),
        cloth,
        turned=turn(z=5),
        round=0.02,
    )
    tubes = shape.part("frame", 0.006)
    tubes.chain(
        [
            (back - 0.13, top - 0.01, wide),
            (back - 0.04, top, wide),
            (back, seat, wide),
            (back + 0.05, r, wide),
            (back + 0.08, 0.2, wide),
        ],
        0.013,
        frame_paint,
        mirror=True,
    )
    tubes.chain(
        [(back, seat - 0.03, wide), (0.26, seat - 0.03, wide), (0.33, 0.38, wide * 0.9), (0.42, 0.12, wide * 0.75)],
        0.013,
        frame_paint,
        mirror=True,
    )
    tubes.chain(
        [(back + 0.05, 0.2, wide), (0.26, 0.2, wide), (0.26, seat - 0.03, wide)], 0.012, frame_paint, mirror=True
    )
    tubes.limb((0.03, 0.2, -wide), (0.03, seat - 0.04, wide), 0.012, m=steel)
    tubes.limb((0.03, 0.2, wide), (0.03, seat - 0.04, -wide), 0.012, m=steel)
    arms = shape.part("arm rests")
    tubes.chain([(back, 0.72, wide), (0.2, 0.72, wide), (0.22, seat, wide)], 0.012, frame_paint, mirror=True)
    arms.box((0.02, 0.74, wide), (0.17, 0.022, 0.035), rubber, round=0.015, mirror=True)
    shape.part("handles").limb(
        (back - 0.05, top + 0.0, wide), (back - 0.19, top - 0.01, wide), 0.022, m=rubber, mirror=True
    )
    feet, casters = shape.part("foot rests"), shape.part("casters")
    feet.box((0.46, 0.10, wide * 0.48), (0.085, 0.012, 0.085), rubber, turned=turn(z=10), round=0.008, mirror=True)
    casters.cone((0.27, 0.085, wide - 0.02), (0.27, 0.085, wide + 0.02), 0.085, m=rubber, round=0.012, mirror=True)
    casters.cone((0.27, 0.085, wide - 0.024), (0.27, 0.085, wide + 0.024), 0.045, m=steel, mirror=True)
    casters.limb((0.27, 0.1, wide), (0.27, 0.22, wide), 0.016, m=steel, mirror=True)
