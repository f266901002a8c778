"""Photos of several things: chooses things that go together, places them by a relation, and merges their fields.

Relations are meant from the camera's viewpoint: "beside" is to the left or right, "behind" is further away. The unit of
length is the main thing's longest side, until the group is scaled so that its longest side is 1, like a single shape.
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
from training.world.trace import Camera, DistanceGrid, GBuffer, march

ON_TOP = {  # support -> things that may lie, stand or sit on it
    "table": "cup teapot wine_bottle apple pear banana bread pizza hamburger hotdog pretzel pineapple candle "
    "alarm_clock hourglass hat teddy_bear strawberry jack-o-lantern fan shoe mushroom",
    "chair": "cat hat teddy_bear shoe rabbit jack-o-lantern",
    "couch": "cat dog teddy_bear hat rabbit",
    "bench": "cat hat shoe squirrel teddy_bear apple songbird cup jack-o-lantern",
    "piano": "candle hourglass cup alarm_clock teddy_bear hat wine_bottle",
}
SUPPORTS = {  # thing -> what it may be on; the inverse of ON_TOP
    name: [support for support, names in ON_TOP.items() if name in names.split()]
    for names in ON_TOP.values()
    for name in names.split()
}
ALWAYS_SINGLE = {"volcano", "geyser"}  # never shown with other things
MAX_SIZE_RATIO = 6.0  # between the real sizes of two things next to each other
MAX_SHOWN_RATIO, RATIO_EXPONENT = 3.4, 0.7  # in the photo, size ratios are reduced: ratio ** 0.7, and at most 3.4
PLACING_CELL = 1 / 18  # spacing of the distance grids that are used to place things
MIN_VISIBLE, MIN_AREA = 0.4, 0.004  # least visible share of each thing, and least share of the picture that it covers


@dataclass(frozen=True)
class Composition:
    """The content of a photo of several things.

    Attributes:
        scene:    the main thing, with the place, light and camera of the photo.
        others:   the other things; only their seeds, colour, material, pose and azimuth are used.
        relation: of the subjects to the objects: "beside", "behind", "in front of", "on" or "between"; None for several
            things of one kind.
        subjects: indices into `things`.
        objects:  indices into `things`.
    """

    scene: Scene
    others: tuple[Scene, ...]
    relation: str | None = None
    subjects: tuple[int, ...] = ()
    objects: tuple[int, ...] = ()

    @property
    def things(self) -> tuple[Scene, ...]:
        """All things; the main one is first."""
        return self.scene, *self.others


# Choosing the things


def sample_composition(family: Family, instance_seed: int, view_seed: int, others: int) -> Composition | None:
    """Draw a photo of two to four things.

    Args:
        family:        class of the main thing.
        instance_seed: of the main thing.
        view_seed:     of everything else.
        others:        instance seed of the first other thing; the next ones have `others` + 1 and so on.

    Returns:
        The composition; None if things of this class are only shown singly.
    """
    if family.name in ALWAYS_SINGLE:
        return None
    known = families()
    rng = np.random.default_rng([12, view_seed, instance_seed, *family.name.encode()])
    scene = sample_scene(family, instance_seed, view_seed)
    can_be_on = family.name in ON_TOP or family.name in SUPPORTS
    if scene.stance == "ground" and scene.place != "water" and rng.uniform() < (0.7 if can_be_on else 0.5):
        if can_be_on and rng.uniform() < 0.6:
            main_is_on_top = family.name in SUPPORTS
            other = str(rng.choice(SUPPORTS[family.name] if main_is_on_top else ON_TOP[family.name].split()))
            if both := _in_common_place(family, scene, known[other], others, view_seed, rng):
                who = ((0,), (1,)) if main_is_on_top else ((1,), (0,))
                return Composition(both[0], (both[1],), "on", *who)
        partners = [
            name
            for name, size in SIZES.items()
            if 1 / MAX_SIZE_RATIO <= size / scene.metres <= MAX_SIZE_RATIO
            and name not in ALWAYS_SINGLE | {family.name}
            and known[name].stance == "ground"
        ]
        for other in rng.permutation(partners)[:8]:
            both = _in_common_place(family, scene, known[str(other)], others, view_seed, rng)
            if both is None:
                continue
            scene, second = both
            draw = rng.uniform()
            if draw < 0.18:  # a third thing, or more of the main one
                for third in rng.permutation(partners)[:8]:
                    three = _in_common_place(family, scene, known[str(third)], others + 1, view_seed, rng, move=False)
                    if three and third != other:
                        order = [(0, (1, 2)), (1, (0, 2))][int(rng.integers(2))]
                        return Composition(scene, (second, three[1]), "between", (order[0],), order[1])
            relation = str(rng.choice(["beside", "beside", "behind", "in front of"]))
            if draw < 0.4:
                count = int(rng.integers(2, 4))
                twins = _more_of_kind(family, scene, count - 1, others + 1, view_seed, rng)
                more = tuple(range(2, count + 1))
                return Composition(scene, (second, *twins), "beside", (0, *more), (1,))
            return Composition(scene, (second,), relation, *(((0,), (1,)) if rng.uniform() < 0.7 else ((1,), (0,))))
    count = int(rng.choice([2, 3, 4], p=[0.45, 0.37, 0.18]))
    return Composition(scene, _more_of_kind(family, scene, count - 1, others, view_seed, rng))


def _in_common_place(
    family: Family,
    scene: Scene,
    other: Family,
    instance: int,
    view_seed: int,
    rng: np.random.Generator,
    move: bool = True,
) -> tuple[Scene, Scene] | None:
    """The scene, moved if need be to a place where both classes occur, and the other thing; None if there is no such
    place, or it is another one and `move` is False."""
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


def _more_of_kind(
    family: Family, scene: Scene, count: int, instance: int, view_seed: int, rng: np.random.Generator
) -> tuple[Scene, ...]:
    """`count` more things of the scene's class. In 65 % of cases they share its colour, material, pose and azimuth."""
    alike = rng.uniform() < 0.65
    out = []
    for k in range(count):
        own = sample_scene(family, instance + k, view_seed)
        azimuth = scene.azimuth + rng.normal(0, 22) if alike else own.azimuth
        out.append(
            replace(
                own,
                azimuth=float((azimuth + 180) % 360 - 180),
                colour=scene.colour if alike else own.colour,
                material=scene.material if alike else own.material,
                pose=scene.pose if alike or scene.stance != "ground" else own.pose,
                stance=scene.stance,
            )
        )
    return tuple(out)


# Where they stand


@dataclass
class _Body:
    """A thing to be placed. Coordinates are in the camera's axes: right, up, away.

    Attributes:
        field:        its distance field.
        grid:         the field on a grid.
        scene:        its colour, seeds and so on.
        turn:         degrees about the vertical axis.
        foot:         height of the ground in the field's coordinates.
        scale:        its size relative to the main thing's.
        local_points: (n, 3) points on its surface, turned, before scaling.
        position:     (3,) where it is put.
    """

    field: Field
    grid: DistanceGrid
    scene: Scene
    turn: float
    foot: float
    scale: float
    local_points: np.ndarray
    position: np.ndarray

    @property
    def cloud(self) -> np.ndarray:
        """(n, 3) points on its surface, scaled, with its foot at height 0, before it is moved to `position`."""
        return (self.local_points - (0, self.foot, 0)) * self.scale

    @property
    def low(self) -> np.ndarray:
        return self.cloud.min(0)

    @property
    def high(self) -> np.ndarray:
        return self.cloud.max(0)

    @property
    def size(self) -> np.ndarray:
        return np.ptp(self.cloud, axis=0)


def arrange(composition: Composition, device="cpu") -> tuple[Group, Scene] | None:
    """Place the things.

    Returns:
        All things as one field, and the scene with a camera that sees them all; None if there is no room.
    """
    known, scene = families(), composition.scene
    a = np.radians(scene.azimuth)
    axes = np.array([[np.sin(a), 0, -np.cos(a)], [0, 1, 0], [-np.cos(a), 0, -np.sin(a)]])  # right, up, away
    bodies = []
    for one in composition.things:
        field = thing(known[one.category], one, device)
        coarse = DistanceGrid(field, PLACING_CELL)
        turn = scene.azimuth - one.azimuth
        stance = scene.stance if one.category == scene.category else "ground"
        foot = ground_height(field, coarse, replace(one, hover=0.0, stance=stance), (-0.5, -0.25, 0.0, 0.25))
        scale = float(np.clip((one.metres / scene.metres) ** RATIO_EXPONENT, 1 / MAX_SHOWN_RATIO, MAX_SHOWN_RATIO))
        bodies.append(
            _Body(field, coarse, one, turn, foot, scale, coarse.surface_points() @ turned(turn).T @ axes.T, np.zeros(3))
        )
    rng = np.random.default_rng([13, scene.seed, scene.instance, *scene.category.encode()])
    if composition.relation is None:
        _place_scattered(bodies, scene, rng)
    elif composition.relation == "on":
        if not _place_on_top(bodies[composition.subjects[0]], bodies[composition.objects[0]], axes, rng):
            return None
    elif composition.relation == "between":
        left, right = rng.permutation(list(composition.objects))
        _place_in_row([bodies[left], bodies[composition.subjects[0]], bodies[right]], rng)
    elif composition.relation == "beside":
        others = [bodies[k] for k in composition.subjects]
        host = bodies[composition.objects[0]]
        _place_in_row([host, *others] if rng.uniform() < 0.5 else [*others, host], rng)
    else:
        near, far = composition.subjects, composition.objects
        if composition.relation == "behind":
            near, far = far, near
        _place_behind(bodies[near[0]], bodies[far[0]], rng)

    every = np.concatenate([b.cloud + b.position for b in bodies])
    low, high = every.min(0), every.max(0)
    across = float((high - low).max())
    middle = np.array([(low[0] + high[0]) / 2, 0.0 if scene.stance == "water" else low[1], (low[2] + high[2]) / 2])
    shifts = [(axes.T @ (b.position - middle) - (0, b.foot * b.scale, 0)) / across for b in bodies]
    ground = 0.0 if scene.stance != "air" else -(scene.hover or 0.0)
    group = Group(
        [b.field for b in bodies],
        [b.turn for b in bodies],
        [b.scale / across for b in bodies],
        shifts,
        [b.scene.instance for b in bodies],
        -np.inf if scene.hover is None else ground,
    )
    low_camera = scene.elevation < 10 and (composition.relation in ("behind", "in front of", "on") or len(bodies) > 2)
    elevation = rng.uniform(10, 24) if low_camera and scene.place != "sky" else min(scene.elevation, 50.0)
    return group, replace(
        scene,
        metres=scene.metres * across,
        elevation=float(elevation),
        fill=float(rng.uniform(0.8, 0.92)),
        shift=(0.0, 0.0),
    )


def _place_in_row(bodies: list[_Body], rng: np.random.Generator, away: float = 0.0) -> None:
    """Place things from left to right with gaps, their fronts about level at the distance `away`."""
    x = 0.0
    for body in bodies:
        body.position[0] = x - body.low[0]
        body.position[2] = away - body.low[2] + rng.uniform(0, 0.3) * body.size[2]
        x += body.size[0] + rng.uniform(0.05, 0.35) * min(b.size[0] for b in bodies)
    for body in bodies:
        body.position[0] -= x / 2


def _place_scattered(bodies: list[_Body], scene: Scene, rng: np.random.Generator) -> None:
    """Place things of one kind in one row, or in two with the rear row in the gaps of the front one."""
    front = bodies
    if len(bodies) > 2 and rng.uniform() < 0.65:
        front, back = bodies[: (len(bodies) + 1) // 2], bodies[(len(bodies) + 1) // 2 :]
        _place_in_row(back, rng, away=max(b.size[2] for b in front) * 1.35 + rng.uniform(0.1, 0.4))
        for body in back:
            body.position[0] += rng.uniform(-0.2, 0.2) * body.size[0]
    _place_in_row(front, rng)
    if scene.stance in ("air", "under"):  # things that fly or swim are not in line
        for body in bodies:
            body.position[1] += rng.uniform(0, 0.55) * body.size.max()
            body.position[2] += rng.uniform(0, 0.8)


def _place_behind(near: _Body, far: _Body, rng: np.random.Generator) -> None:
    """Place one thing behind the other, far enough to the side to be visible."""
    near.position[2] = -near.high[2]
    far.position[2] = -far.low[2] + rng.uniform(0.12, 0.45)
    over = max(0.0, 1 - far.size[1] / max(near.size[1], 1e-6))  # the lower the rear thing, the further aside
    aside = rng.uniform(0.30, 0.55) + 0.45 * over
    far.position[0] = rng.choice([-1, 1]) * aside * (near.size[0] + far.size[0]) / 2


def _place_on_top(upper: _Body, support: _Body, axes: np.ndarray, rng: np.random.Generator) -> bool:
    """Put a thing where its support is flat and has free space above; shrink the thing up to four times to fit.

    Returns:
        False if it fits nowhere.
    """
    step = 0.035 * support.scale
    low, high = support.low, support.high
    x, z = (np.arange(low[i], high[i] + step, step) for i in (0, 2))
    grid = np.stack(np.meshgrid(x, z, indexing="ij"), -1)  # (X, Z, 2)
    start = np.insert(grid.reshape(-1, 2), 1, high[1] + 0.1, axis=1)
    top = np.array([0, float(support.grid.high[1]) + 0.01, 0])
    local = (start @ axes / support.scale) @ turned(support.turn)  # row vectors: undoes the turn
    local[:, 1] = top[1]
    origin = torch.tensor(local.T, dtype=torch.float32, device=support.field.device)
    down = torch.zeros_like(origin)
    down[1] = -1
    fall = march(support.field, support.grid, origin, down).cpu().numpy()
    height = np.where(np.isfinite(fall), (top[1] - fall - support.foot) * support.scale, -9.0).reshape(grid.shape[:2])
    inner = (slice(int(0.3 * n), int(0.7 * n) + 1) for n in height.shape)
    seat = float(np.median(height[tuple(inner)]))  # a table's top; a couch's seat, not its back
    if seat < 0.1 * high[1]:
        return False
    for _ in range(4):
        feet = upper.cloud[upper.cloud[:, 1] < 0.12 * upper.size[1] + 1e-9]
        if not len(feet):  # so flat a thing that the coarse grid has none
            return False
        under, over = (
            np.maximum(np.ceil(np.ptp(c, axis=0)[[0, 2]] / step).astype(int), 1) for c in (feet, upper.cloud)
        )
        floor, roof = (f(height, size=tuple(under)) for f in (minimum_filter, maximum_filter))
        clear = maximum_filter(height, size=tuple(over + 2))
        fits = (roof - floor < 0.05 * support.scale) & (clear - roof < 0.05 * support.scale)
        fits &= np.abs(roof - seat) < 0.06 * support.scale
        if fits.any():
            spots = np.argwhere(fits)
            middle = (feet.min(0) + feet.max(0))[[0, 2]] / 2
            off = np.hypot(*(grid[fits] - (low + high)[[0, 2]] / 2).T)
            best = spots[(off + rng.uniform(0, 0.25 * support.size[0], len(spots))).argmin()]
            upper.position[[0, 2]] = grid[tuple(best)] - middle
            upper.position[1] = roof[tuple(best)]
            return True
        upper.scale *= 0.85
    return False


def all_visible(group: Group, view: GBuffer, camera: Camera) -> bool:
    """Whether every thing is large enough in the picture and not too much of it is hidden by another."""
    size, cells = view.depth.shape[0], 24
    for k, own in enumerate(group.seen(view)):
        left, top, right, bottom = own.box()
        if len(own.hit) < MIN_AREA * size**2 or min(right - left, bottom - top) < 0.05:
            return False
        field = group.fields[k]
        points = torch.tensor(
            DistanceGrid(field, PLACING_CELL).surface_points().T, dtype=torch.float32, device=group.device
        )
        points = (group.shifts[k] + group.scales[k] * (group.turns[k] @ points)).T.cpu().numpy()
        if np.isfinite(group.ground):
            points = points[points[:, 1] > group.ground - 0.02]
        u, v, _ = camera.project(points).T
        hit = own.hit.cpu().numpy()
        seen, whole = (
            len(np.unique((x * cells).astype(int) + cells * (y * cells).astype(int)))
            for x, y in ((hit % size / size, hit // size / size), (u, v))
        )
        if seen < MIN_VISIBLE * whole:
            return False
    return True
