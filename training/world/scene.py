"""Scenes: everything that one photo shows, sampled from seeds, and the camera that takes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from training.world.families import COLOURS, Family
from training.world.sdf import Field
from training.world.trace import Camera, DistanceGrid, march

INDOORS = ("studio", "kitchen", "table")
LIGHTS = {"sun": 0.42, "overcast": 0.28, "golden hour": 0.30}  # by day; the place "night" has its own
AIR_VIEWS = ("sky",)
HEAD = 0.42  # extent of a portrait below and behind the front and top of the head, as a share of the thing

# Real sizes in metres; they set the scale of the grass, sand and tiles around the things.
_SIZES = {
    0.12: "ant bee beetle butterfly spider scorpion snail hermit_crab strawberry mushroom",
    0.2: "apple pear banana cup mouse songbird frog hamburger hotdog pretzel candle alarm_clock eyeglasses spoon knife "
    "fish hourglass starfish scissors shoe crab flower lizard pistol hedgehog",
    0.4: "teapot bread pineapple pizza wine_bottle bell trumpet violin hat squirrel rabbit parrot owl duck chicken "
    "hammer lobster saw turtle seagull bat fan jack-o-lantern teddy_bear racket jellyfish axe cat raccoon",
    0.9: "dog penguin guitar saxophone sword rifle umbrella swan wading_bird snake sheep pig chair sea_turtle harp "
    "kangaroo ray seal window",
    1.8: "armor bench bicycle wheelchair motorcycle table couch piano deer lion tiger bear cow horse zebra cannon door "
    "camel ape crocodilian dolphin shark",
    4.0: "car_(sedan) pickup_truck elephant giraffe rhinoceros tank sailboat helicopter cabin",
    12.0: "airplane blimp hot-air_balloon rocket tree windmill church castle geyser",
    60.0: "skyscraper volcano",
}
SIZES = {name: size for size, names in _SIZES.items() for name in names.split()}


@dataclass(frozen=True)
class Scene:
    """One photo of one thing. Angles are in degrees; the unit of length is the thing's longest side.

    Attributes:
        category:  the class.
        instance:  seed of the thing's shape.
        seed:      seed of everything else, down to the film grain.
        colour, material, pose, place, light: as captions name them.
        stance:    "ground", "water" (floating on it), "air" or "under" (under water).
        waterline: height of the water's surface on a floating thing, as a share of its height.
        azimuth:   of the camera about the thing: 0 sees its front, 90 its right side.
        elevation: of the camera above the horizon.
        roll:      of the camera.
        focal:     focal length, in picture heights.
        fill:      share of the picture that the thing's longer side takes up.
        portrait:  fill the picture with the thing's head and chest, if `fill` is above 1.
        shift:     offset of its centre from the picture's, as a share of the picture.
        sun:       azimuth of the key light relative to the camera (90 is from the right), and its elevation.
        metres:    the thing's real size.
        hover:     height above the ground of a flying thing; None for no ground.
        blur:      radius of the background blur, as a share of the picture.
        exposure:  in stops.
        warmth:    white balance from -1 (bluish) to 1 (yellowish).
    """

    category: str
    instance: int
    seed: int
    colour: str
    material: str | None
    pose: str | None
    place: str
    light: str
    stance: str
    waterline: float
    azimuth: float
    elevation: float
    roll: float
    focal: float
    fill: float
    portrait: bool
    shift: tuple[float, float]
    sun: tuple[float, float]
    metres: float
    hover: float | None
    blur: float
    exposure: float
    warmth: float

    def view(self) -> str:
        """The name of the view: front, side, back, three-quarter or above."""
        if self.elevation > 50:
            return "above"
        turned = abs((self.azimuth + 180) % 360 - 180)
        if turned < 24:
            return "front"
        if turned > 156:
            return "back"
        return "side" if 66 < turned < 114 else "three-quarter"

    def turned(self, degrees: float) -> Scene:
        """The same scene with the camera turned about the thing by this angle."""
        return replace(self, azimuth=self.azimuth + degrees)


def sample_scene(family: Family, instance_seed: int, view_seed: int) -> Scene:
    """Sample a scene of one instance. Colour, material and pose depend on the instance seed only."""
    name = [*family.name.encode()]
    instance_rng = np.random.default_rng([7, instance_seed, *name])
    colour = str(instance_rng.choice(family.colours))
    material = str(instance_rng.choice(family.materials)) if family.materials else None
    pose = str(instance_rng.choice(family.poses)) if family.poses else None

    rng = np.random.default_rng([8, view_seed, instance_seed, *name])
    place = str(rng.choice(family.places))
    for _ in range(4):  # a thing in the ground's colour is hard to see, so mostly choose another place
        if not _blends_in(colour, place) or rng.uniform() < 0.2:
            break
        place = str(rng.choice(family.places))
    light = str(rng.choice(list(LIGHTS), p=list(LIGHTS.values())))
    if place == "night":
        light = "lamp"
    metres = SIZES.get(family.name, 0.6)
    stance = "air" if pose in ("flying", "hovering") else family.stance
    if place == "sky":
        stance = "air"
    elif stance == "water" and place != "water":
        stance = "ground"
    elif stance == "air" and place == "water":
        stance = "under"

    habit = family.habit
    shares = habit.sides or ([0.55, 0.06, 0.34, 0.03, 0.02] if family.facing else [0.47, 0.28, 0.12, 0.08, 0.05])
    azimuth = rng.choice(
        [rng.uniform(20, 75), rng.uniform(70, 110), rng.uniform(-22, 22), rng.uniform(110, 160), rng.uniform(160, 200)],
        p=shares,
    ) * rng.choice([-1, 1])
    low, high = (3, 18) if metres > 3 else (4, 24) if metres > 0.5 else (8, 34)
    elevation = low + (high - low) * rng.uniform() ** 1.5
    if rng.uniform() < 0.05:
        elevation = rng.uniform(52, 66)
    if place == "sky" or stance == "under":
        elevation = rng.uniform(-22, 12)
    if habit.elevation:
        elevation = rng.uniform(*habit.elevation)
    sun_high = {"golden hour": (16, 26), "overcast": (55, 80), "sun": (34, 62), "lamp": (56, 72)}[light]
    side = rng.choice([-1, 1]) * rng.uniform(25, 80)
    fill = rng.uniform(*habit.fill)
    slack = abs(1 - fill) * 0.35
    scene = Scene(
        category=family.name,
        instance=instance_seed,
        seed=view_seed,
        colour=colour,
        material=material,
        pose=pose,
        place=place,
        light=light,
        stance=stance,
        waterline=family.waterline,
        azimuth=float((azimuth + 180) % 360 - 180),
        elevation=float(elevation),
        roll=float(rng.normal(0, 1.2)),
        focal=float(rng.uniform(*habit.focal)),
        fill=float(fill),
        portrait=False,
        shift=(float(rng.uniform(-slack, slack)), float(rng.uniform(-slack, slack))),
        sun=(float(side), float(rng.uniform(*sun_high))),
        metres=metres,
        hover=None if place == "sky" or stance == "under" else float(rng.uniform(0.25, 0.7)),
        blur=float(rng.uniform(0.004, 0.022) * (1.0 if metres < 1.5 else 0.35)),
        exposure=float(rng.normal(0, 0.14)),
        warmth=float(rng.normal(0, 0.35)),
    )
    if habit.portrait and rng.uniform() < habit.portrait and abs(scene.azimuth) < 100 and elevation < 40:
        scene = replace(scene, portrait=True, fill=float(rng.uniform(1.02, 1.45)), blur=scene.blur * 2)
    return scene


def _blends_in(colour: str, place: str) -> bool:
    """Whether a thing of this colour is hard to see in this place."""
    return colour in {
        "grass": ("green",),
        "forest": ("brown", "green"),
        "snow": ("white", "silver"),
        "beach": ("beige",),
        "desert": ("beige", "orange", "gold"),
        "water": ("blue", "turquoise"),
        "street": ("grey",),
        "night": ("black",),
        "sky": ("blue", "white"),
    }.get(place, ())


def thing(family: Family, scene: Scene, device="cpu") -> Field:
    """The distance field of the scene's thing."""
    return family.shape(scene.instance, scene.colour, scene.material, scene.pose).field(device)


def ground_height(field: Field, coarse: DistanceGrid, scene: Scene, spread: tuple[float, ...] = (0.0,)) -> float:
    """Height of the ground or of the water's surface, in the field's coordinates; -inf for none.

    Args:
        field:  the thing.
        coarse: the thing on a grid.
        scene:  the scene.
        spread: offsets, in grid cells, of the rays that search the lowest point; a coarse grid can miss a thin leg.
    """
    low, high = _extent(coarse)
    if scene.hover is None:
        return -np.inf
    if scene.stance == "water":
        return float(low[1] + scene.waterline * (high[1] - low[1]))
    # The bounding box may extend below the thing, so find its lowest point with rays from below.
    points = coarse.surface_points()
    columns = np.unique(points[points[:, 1] < low[1] + 2.5 * coarse.cell][:, [0, 2]], axis=0)
    columns = columns[:: 1 + len(columns) // 300]
    columns = np.concatenate([columns + coarse.cell * np.array([x, z]) for x in spread for z in spread])
    start = torch.tensor(
        np.insert(columns, 1, float(coarse.low[1]), axis=1).T, dtype=torch.float32, device=field.device
    )
    up = torch.zeros_like(start)
    up[1] = 1
    foot = float(coarse.low[1] + march(field, coarse, start, up).min())
    foot = foot if np.isfinite(foot) else float(low[1])
    return foot - scene.hover if scene.stance == "air" else foot


def _extent(coarse: DistanceGrid) -> tuple[np.ndarray, np.ndarray]:
    points = coarse.surface_points()
    return points.min(axis=0), points.max(axis=0)


def set_camera(scene: Scene, coarse: DistanceGrid, ground: float) -> Camera:
    """The camera that frames the thing as the scene demands.

    Args:
        scene:  the scene.
        coarse: the thing on a grid.
        ground: height of the ground; -inf for none.
    """
    points = coarse.surface_points()
    if scene.stance == "water":  # ignore what is under water
        points = points[points[:, 1] > ground - 0.04]
    if scene.portrait and scene.fill > 1:  # keep the front and the top
        height = points[:, 0] + points[:, 1]
        points = points[height > height.max() - HEAD]
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    a, e = np.radians(scene.azimuth), np.radians(scene.elevation)
    toward = np.array([np.cos(a) * np.cos(e), np.sin(e), np.sin(a) * np.cos(e)])
    distance, shift = 3.0, np.zeros(2)
    for _ in range(6):
        eye = middle + toward * distance
        if np.isfinite(ground):  # the camera must stay above the ground
            eye[1] = max(eye[1], ground + 0.12)
        camera = Camera(tuple(eye), tuple(middle), scene.focal, scene.roll, tuple(shift))
        u, v, _ = camera.project(points).T
        size = max(np.ptp(u), np.ptp(v))
        shift = shift + (0.5 + scene.shift[0] - (u.min() + u.max()) / 2, (v.min() + v.max()) / 2 - 0.5 + scene.shift[1])
        distance = float(np.clip(distance * size / scene.fill, 0.9, 30))
    return Camera(tuple(map(float, eye)), tuple(map(float, middle)), scene.focal, scene.roll, tuple(map(float, shift)))


def brightness(colour: str) -> float:
    """Luminance, in 0..1, of a named colour."""
    return float(np.dot(COLOURS.get(colour, (0.3, 0.3, 0.3)), (0.2126, 0.7152, 0.0722)))
