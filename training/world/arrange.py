"""Several things in one photo: which go together, how they stand to one another, and their fields as one.

Things are placed as the camera sees them: beside is to its left or right, behind is further from it. Lengths are of the
main thing's longest side until the group is scaled to be 1 across, as every settled shape is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import maximum_filter, minimum_filter

from training.world.families import Family, families
from training.world.group import Group, turned
from training.world.scene import SIZES, Scene, ground_height, sample_scene, thing
from training.world.sdf import Field
from training.world.trace import Camera, Coarse, GBuffer, march

RIDERS = {  # what may lie, stand or sit on what
    "table": "cup teapot wine_bottle apple pear banana bread pizza hamburger hotdog pretzel pineapple candle "
             "alarm_clock hourglass hat teddy_bear strawberry jack-o-lantern fan shoe mushroom",
    "chair": "cat hat teddy_bear shoe rabbit jack-o-lantern",
    "couch": "cat dog teddy_bear hat rabbit",
    "bench": "cat hat shoe squirrel teddy_bear apple songbird cup jack-o-lantern",
    "piano": "candle hourglass cup alarm_clock teddy_bear hat wine_bottle",
}  # fmt: skip
CARRIERS = {rider: [c for c, riders in RIDERS.items() if rider in riders.split()]
            for riders in RIDERS.values() for rider in riders.split()}  # fmt: skip
ALONE = {"volcano", "geyser"}  # there is one of them, and nothing of its size to stand beside it
UNEQUAL = 6.0  # most that the real sizes of two things beside one another may differ by
FARTHEST, TAMED = 3.4, 0.7  # sizes are drawn together, by this power of their ratio and to this ratio at most
ROUGH = 1 / 18  # spacing of the grids that things are placed by
SEEN, LEAST = 0.4, 0.004  # share of each thing that has to be seen, and of the picture that it has to take up


@dataclass(frozen=True)
class Tableau:
    """What a photo of several things shows.

    scene:    the main thing, with the place, light and camera of all. others: the other things, each with the seeds,
              the colour and the side that it shows; the rest of them does not count.
    relation: "beside", "behind", "in front of", "on" or "between": how the subjects stand to the objects; None for
              several of one kind.
    subjects, objects: numbers of things, of which the main one is 0.
    """

    scene: Scene
    others: tuple[Scene, ...]
    relation: str | None = None
    subjects: tuple[int, ...] = ()
    objects: tuple[int, ...] = ()

    @property
    def things(self) -> tuple[Scene, ...]:
        return self.scene, *self.others


# Which things


def sample_tableau(family: Family, instance_seed: int, view_seed: int, others: int) -> Tableau | None:
    """Two to four things of which the first is an instance of the family; the others' instances are `others`,
    `others` + 1 and so on. None where the class is best alone."""
    if family.name in ALONE:
        return None
    known = families()
    rng = np.random.default_rng([12, view_seed, instance_seed, *family.name.encode()])
    scene = sample_scene(family, instance_seed, view_seed)
    carried = family.name in RIDERS or family.name in CARRIERS
    if scene.stance == "ground" and scene.place != "water" and rng.uniform() < (0.7 if carried else 0.5):
        if carried and rng.uniform() < 0.6:
            rides = family.name in CARRIERS
            other = str(rng.choice(CARRIERS[family.name] if rides else RIDERS[family.name].split()))
            if both := _meet(family, scene, known[other], others, view_seed, rng):
                who = ((0,), (1,)) if rides else ((1,), (0,))
                return Tableau(both[0], (both[1],), "on", *who)
        partners = [name for name, size in SIZES.items() if 1 / UNEQUAL <= size / scene.metres <= UNEQUAL
                    and name not in ALONE | {family.name} and known[name].stance == "ground"]  # fmt: skip
        for other in rng.permutation(partners)[:8]:
            both = _meet(family, scene, known[str(other)], others, view_seed, rng)
            if both is None:
                continue
            scene, second = both
            draw = rng.uniform()
            if draw < 0.18:  # a third thing, or more of the main one
                for third in rng.permutation(partners)[:8]:
                    three = _meet(family, scene, known[str(third)], others + 1, view_seed, rng, move=False)
                    if three and third != other:
                        order = [(0, (1, 2)), (1, (0, 2))][int(rng.integers(2))]
                        return Tableau(scene, (second, three[1]), "between", (order[0],), order[1])
            relation = str(rng.choice(["beside", "beside", "behind", "in front of"]))
            if draw < 0.4:
                count = int(rng.integers(2, 4))
                twins = _more(family, scene, count - 1, others + 1, view_seed, rng)
                more = tuple(range(2, count + 1))
                return Tableau(scene, (second, *twins), "beside", (0, *more), (1,))
            return Tableau(scene, (second,), relation, *(((0,), (1,)) if rng.uniform() < 0.7 else ((1,), (0,))))
    count = int(rng.choice([2, 3, 4], p=[0.45, 0.37, 0.18]))
    return Tableau(scene, _more(family, scene, count - 1, others, view_seed, rng))


def _meet(family: Family, scene: Scene, other: Family, instance: int, view_seed: int, rng: np.random.Generator,
          move: bool = True) -> tuple[Scene, Scene] | None:
    """The scene in a place where both are at home, and the other thing; None if there is no such place."""
    common = [p for p in family.places if p in other.places and p not in ("water", "sky")]
    if not common or (not move and scene.place not in common):
        return None
    if scene.place not in common:
        place = str(rng.choice(common))
        light = "lamp" if place == "night" else "sun" if scene.light == "lamp" else scene.light
        height = 64.0 if light == "lamp" else 45.0 if scene.light == "lamp" else scene.sun[1]
        scene = replace(scene, place=place, light=light, sun=(scene.sun[0], height))
    second = sample_scene(other, instance, view_seed)
    return (scene, second) if second.pose not in ("flying", "hovering") else None


def _more(family: Family, scene: Scene, count: int, instance: int, view_seed: int,
          rng: np.random.Generator) -> tuple[Scene, ...]:
    """More of the scene's kind: mostly alike, now and then each as it likes."""
    alike = rng.uniform() < 0.65
    out = []
    for k in range(count):
        own = sample_scene(family, instance + k, view_seed)
        azimuth = scene.azimuth + rng.normal(0, 22) if alike else own.azimuth
        out.append(replace(own, azimuth=float((azimuth + 180) % 360 - 180),
                           colour=scene.colour if alike else own.colour,
                           material=scene.material if alike else own.material,
                           pose=scene.pose if alike or scene.stance != "ground" else own.pose, stance=scene.stance))
    return tuple(out)


# Where they stand


@dataclass
class _Body:
    """A thing to be placed. cloud: (n, 3) points on its surface, scaled, turned and set down, in the camera's axes:
    right, up and away; at: where it is put, in the same axes."""

    field: Field
    coarse: Coarse
    scene: Scene
    turn: float
    foot: float
    scale: float
    raw: np.ndarray
    at: np.ndarray

    @property
    def cloud(self) -> np.ndarray:
        return (self.raw - (0, self.foot, 0)) * self.scale

    @property
    def low(self) -> np.ndarray:
        return self.cloud.min(0)

    @property
    def high(self) -> np.ndarray:
        return self.cloud.max(0)

    @property
    def size(self) -> np.ndarray:
        return np.ptp(self.cloud, axis=0)


def arrange(tableau: Tableau, device="cpu") -> tuple[Group, Scene] | None:
    """The things as one field, and the scene in which the camera sees all of it; None if they find no room."""
    known, scene = families(), tableau.scene
    a = np.radians(scene.azimuth)
    axes = np.array([[np.sin(a), 0, -np.cos(a)], [0, 1, 0], [-np.cos(a), 0, -np.sin(a)]])  # right, up, away
    bodies = []
    for one in tableau.things:
        field = thing(known[one.category], one, device)
        coarse = Coarse(field, ROUGH)
        turn = scene.azimuth - one.azimuth
        stance = scene.stance if one.category == scene.category else "ground"
        foot = ground_height(field, coarse, replace(one, hover=0.0, stance=stance), (-0.5, -0.25, 0.0, 0.25))
        scale = float(np.clip((one.metres / scene.metres) ** TAMED, 1 / FARTHEST, FARTHEST))
        bodies.append(_Body(field, coarse, one, turn, foot, scale,
                            coarse.surface_points() @ turned(turn).T @ axes.T, np.zeros(3)))
    rng = np.random.default_rng([13, scene.seed, scene.instance, *scene.category.encode()])
    if tableau.relation is None:
        _scatter(bodies, scene, rng)
    elif tableau.relation == "on":
        if not _put_on(bodies[tableau.subjects[0]], bodies[tableau.objects[0]], axes, rng):
            return None
    elif tableau.relation == "between":
        left, right = rng.permutation(list(tableau.objects))
        _row([bodies[left], bodies[tableau.subjects[0]], bodies[right]], rng)
    elif tableau.relation == "beside":
        others = [bodies[k] for k in tableau.subjects]
        host = bodies[tableau.objects[0]]
        _row([host, *others] if rng.uniform() < 0.5 else [*others, host], rng)
    else:
        near, far = (tableau.objects, tableau.subjects) if tableau.relation == "behind" else (
            tableau.subjects, tableau.objects)
        _stagger(bodies[near[0]], bodies[far[0]], rng)

    every = np.concatenate([b.cloud + b.at for b in bodies])
    low, high = every.min(0), every.max(0)
    across = float((high - low).max())
    middle = np.array([(low[0] + high[0]) / 2, 0.0 if scene.stance == "water" else low[1], (low[2] + high[2]) / 2])
    shifts = [(axes.T @ (b.at - middle) - (0, b.foot * b.scale, 0)) / across for b in bodies]
    ground = 0.0 if scene.stance != "air" else -(scene.hover or 0.0)
    group = Group([b.field for b in bodies], [b.turn for b in bodies], [b.scale / across for b in bodies], shifts,
                  [b.scene.instance for b in bodies], -np.inf if scene.hover is None else ground)
    low_camera = scene.elevation < 10 and (tableau.relation in ("behind", "in front of", "on") or len(bodies) > 2)
    elevation = rng.uniform(10, 24) if low_camera and scene.place != "sky" else min(scene.elevation, 50.0)
    return group, replace(scene, metres=scene.metres * across, elevation=float(elevation),
                          fill=float(rng.uniform(0.8, 0.92)), shift=(0.0, 0.0))


def _row(bodies: list[_Body], rng: np.random.Generator, away: float = 0.0) -> None:
    """From left to right with gaps between them, their fronts about level."""
    x = 0.0
    for body in bodies:
        body.at[0] = x - body.low[0]
        body.at[2] = away - body.low[2] + rng.uniform(0, 0.3) * body.size[2]
        x += body.size[0] + rng.uniform(0.05, 0.35) * min(b.size[0] for b in bodies)
    for body in bodies:
        body.at[0] -= x / 2


def _scatter(bodies: list[_Body], scene: Scene, rng: np.random.Generator) -> None:
    """Several of one kind: in a row, or in two of which the one behind shows between those in front."""
    front = bodies
    if len(bodies) > 2 and rng.uniform() < 0.65:
        front, back = bodies[: (len(bodies) + 1) // 2], bodies[(len(bodies) + 1) // 2 :]
        _row(back, rng, away=max(b.size[2] for b in front) * 1.35 + rng.uniform(0.1, 0.4))
        for body in back:
            body.at[0] += rng.uniform(-0.2, 0.2) * body.size[0]
    _row(front, rng)
    if scene.stance in ("air", "under"):  # what flies or swims keeps no row
        for body in bodies:
            body.at[1] += rng.uniform(0, 0.55) * body.size.max()
            body.at[2] += rng.uniform(0, 0.8)


def _stagger(near: _Body, far: _Body, rng: np.random.Generator) -> None:
    """One in front of the other, and so far aside that both are seen."""
    near.at[2] = -near.high[2]
    far.at[2] = -far.low[2] + rng.uniform(0.12, 0.45)
    over = max(0.0, 1 - far.size[1] / max(near.size[1], 1e-6))  # a low thing behind a tall one has to step aside
    aside = rng.uniform(0.30, 0.55) + 0.45 * over
    far.at[0] = rng.choice([-1, 1]) * aside * (near.size[0] + far.size[0]) / 2


def _put_on(rider: _Body, carrier: _Body, axes: np.ndarray, rng: np.random.Generator) -> bool:
    """Set one thing down where the other is flat and free above; it gets smaller if there is no room. False if there
    is none at all."""
    step = 0.035 * carrier.scale
    low, high = carrier.low, carrier.high
    x, z = (np.arange(low[i], high[i] + step, step) for i in (0, 2))
    grid = np.stack(np.meshgrid(x, z, indexing="ij"), -1)  # (X, Z, 2)
    start = np.insert(grid.reshape(-1, 2), 1, high[1] + 0.1, axis=1)
    top = np.array([0, float(carrier.coarse.high[1]) + 0.01, 0])
    local = (start @ axes / carrier.scale) @ turned(carrier.turn)  # rows: transposed, so that it turns back
    local[:, 1] = top[1]
    origin = torch.tensor(local.T, dtype=torch.float32, device=carrier.field.device)
    down = torch.zeros_like(origin)
    down[1] = -1
    fall = march(carrier.field, carrier.coarse, origin, down).cpu().numpy()
    height = np.where(np.isfinite(fall), (top[1] - fall - carrier.foot) * carrier.scale, -9.0).reshape(grid.shape[:2])
    inner = (slice(int(0.3 * n), int(0.7 * n) + 1) for n in height.shape)
    seat = float(np.median(height[tuple(inner)]))  # the top of a table; of a couch, not its back
    if seat < 0.1 * high[1]:
        return False
    for _ in range(4):
        feet = rider.cloud[rider.cloud[:, 1] < 0.12 * rider.size[1] + 1e-9]
        under, over = (np.maximum(np.ceil(np.ptp(c, axis=0)[[0, 2]] / step).astype(int), 1)
                       for c in (feet, rider.cloud))
        floor, roof = (f(height, size=tuple(under)) for f in (minimum_filter, maximum_filter))
        clear = maximum_filter(height, size=tuple(over + 2))
        fits = (roof - floor < 0.05 * carrier.scale) & (clear - roof < 0.05 * carrier.scale)
        fits &= np.abs(roof - seat) < 0.06 * carrier.scale
        if fits.any():
            spots = np.argwhere(fits)
            middle = (feet.min(0) + feet.max(0))[[0, 2]] / 2
            off = np.hypot(*(grid[fits] - (low + high)[[0, 2]] / 2).T)
            best = spots[(off + rng.uniform(0, 0.25 * carrier.size[0], len(spots))).argmin()]
            rider.at[[0, 2]] = grid[tuple(best)] - middle
            rider.at[1] = roof[tuple(best)]
            return True
        rider.scale *= 0.85
    return False


def all_seen(group: Group, view: GBuffer, camera: Camera) -> bool:
    """Whether each thing is large enough in the picture, and no other hides too much of it."""
    size, cells = view.depth.shape[0], 24
    for k, own in enumerate(group.seen(view)):
        left, top, right, bottom = own.box()
        if len(own.hit) < LEAST * size**2 or min(right - left, bottom - top) < 0.05:
            return False
        field = group.fields[k]
        points = torch.tensor(Coarse(field, ROUGH).surface_points().T, dtype=torch.float32, device=group.device)
        points = (group.shifts[k] + group.scales[k] * (group.turns[k] @ points)).T.cpu().numpy()
        if np.isfinite(group.ground):
            points = points[points[:, 1] > group.ground - 0.02]
        u, v, _ = camera.project(points).T
        hit = own.hit.cpu().numpy()
        seen, whole = (len(np.unique((x * cells).astype(int) + cells * (y * cells).astype(int)))
                       for x, y in ((hit % size / size, hit // size / size), (u, v)))
        if seen < SEEN * whole:
            return False
    return True
