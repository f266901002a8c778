"""The classes of the rendered world: a parametric family of shapes each, registered by the name Sketchy gives it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from training.world.sdf import Shape

# Linear RGB of the colour words that captions use.
COLOURS = {
    "red": (0.62, 0.03, 0.03),
    "orange": (0.80, 0.22, 0.02),
    "yellow": (0.82, 0.58, 0.04),
    "green": (0.06, 0.30, 0.06),
    "turquoise": (0.03, 0.42, 0.42),
    "blue": (0.03, 0.10, 0.50),
    "purple": (0.20, 0.04, 0.38),
    "pink": (0.80, 0.22, 0.38),
    "brown": (0.20, 0.09, 0.035),
    "beige": (0.62, 0.46, 0.28),
    "black": (0.015, 0.015, 0.017),
    "white": (0.82, 0.81, 0.78),
    "grey": (0.24, 0.24, 0.25),
    "gold": (0.70, 0.42, 0.08),
    "silver": (0.60, 0.61, 0.63),
}


@dataclass(frozen=True)
class Look:
    """The attributes that one instance is built with. A builder uses `rgb`; the names are for captions."""

    colour: str
    rgb: tuple[float, float, float]
    pose: str | None
    material: str | None


@dataclass(frozen=True)
class Habit:
    """How people photograph a class; ranges of what Scene says of the camera.

    elevation: None goes by the thing's size. sides: shares of views from three quarters, side, front, three quarters
    behind and behind; None goes by Family.facing. portrait: share of photos that show little but the head.
    """

    fill: tuple[float, float] = (0.60, 0.88)
    elevation: tuple[float, float] | None = None
    focal: tuple[float, float] = (1.7, 2.8)
    sides: tuple[float, ...] | None = None
    portrait: float = 0.0


@dataclass(frozen=True)
class Family:
    """A class of the world.

    build(shape, rng, look) adds materials and parts; the same rng state gives the same instance.
    colours, materials, poses: what captions may say of it (empty where there is nothing to say).
    places: where it is photographed. stance: how it meets the place: "ground", "water" (floats, the waterline at
    `waterline` of its height) or "air" (hovers). facing: it is known by its front, and photographed from there.
    habit: how it is photographed.
    """

    name: str
    build: Callable[[Shape, np.random.Generator, Look], None]
    colours: tuple[str, ...]
    places: tuple[str, ...]
    materials: tuple[str, ...] = ()
    poses: tuple[str, ...] = ()
    stance: str = "ground"
    waterline: float = 0.2
    facing: bool = False
    habit: Habit = Habit()

    def shape(self, seed: int, colour: str, material: str | None = None, pose: str | None = None) -> Shape:
        """The instance of a seed. Its proportions depend on the seed alone; colour, material and pose can be varied."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        shade = rng.uniform(0.8, 1.15) * rng.uniform(0.97, 1.03, 3)  # lighter or darker; the hue hardly moves
        rgb = tuple(float(c) for c in np.clip(np.array(COLOURS[colour]) * shade, 0, 0.9))
        shape = Shape()
        self.build(shape, rng, Look(colour, rgb, pose, material))
        return shape


_FAMILIES: dict[str, Family] = {}


def family(name: str, **facts):
    """Register the decorated builder as the family of class `name`."""

    def register(build):
        if name in _FAMILIES:
            raise ValueError(f"two builders claim the class {name}: {_FAMILIES[name].build} and {build}")
        _FAMILIES[name] = Family(name, build, **facts)
        return build

    return register


def families() -> dict[str, Family]:
    """All families by name, in alphabetical order."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return dict(sorted(_FAMILIES.items()))
