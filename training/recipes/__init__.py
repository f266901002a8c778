"""Recipes: how each system is trained. YAML + overrides -> a frozen dataclass; an unknown key names the nearest one.

A recipe's module has `run(folder, cache, overrides)`, which trains into a folder or goes on there, and
`published(folder)`, which says what of it the app gets.
"""

import dataclasses
import difflib
import importlib
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from torch import nn

from training.fit import Stage, Task, fit
from xmr.modality import BadInput, Modality

T = typing.TypeVar("T")
TaskOfRecipe = typing.TypeVar("TaskOfRecipe", bound=Task)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What every system's recipe sets; the comments of the YAML files say what each setting changes."""

    name: str
    about: str
    protocols: tuple[str, ...]
    seed: int
    precision: str
    stages: tuple[Stage, ...]


@dataclasses.dataclass(frozen=True)
class VariedRecipe(Recipe):
    """A recipe whose variants `python -m training study` compares.

    variants: by name, the settings that each changes: "stages.0.steps" -> 10.
    soup: the variants, of one form, whose seeds' runs' weights have the mean that ships; if none, the first run ships.
    """

    seeds: tuple[int, ...]
    ships: str
    variants: Mapping[str, Mapping[str, Any]]
    soup: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)

    def overrides(self, variant: str, seed: int) -> list[str]:
        """What a variant changes, from a seed, as `load` takes it."""
        changed = {**self.variants[variant], "seed": seed}
        return [f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in changed.items()]


@dataclasses.dataclass(frozen=True)
class Part:
    """One tower as it is published.

    inputs: real ones of its val items, to hold its graph against it.
    config: its encoder's entry of config.json without the files, such as {"size": 224}.
    shared: the name under which all that build on the tower's frozen trunk find that; empty where it has none. A tower
        with one has `trunk` and `rest`.
    """

    tower: nn.Module
    inputs: np.ndarray
    config: dict[str, Any]
    shared: str = ""


@dataclasses.dataclass(frozen=True)
class Published:
    """A trained system as it is published.

    card: "built" (how), "data" (keys of training.publish.DATA) and "limits", for its card.
    """

    name: str
    about: str
    protocols: tuple[str, ...]
    space: str
    dim: int
    parts: Mapping[Modality, Part]
    card: Mapping[str, Any]


def module(name: str) -> types.ModuleType:
    """The recipe module of a system; BadInput if there is none."""
    known = sorted(path.stem.replace("_", "-") for path in Path(__file__).parent.glob("*.yaml"))
    if name not in known:
        raise BadInput(f"There is no recipe {name!r}. Choose one of: {', '.join(known)}.")
    return importlib.import_module(f"training.recipes.{name.replace('-', '_')}")


class BadRecipe(BadInput):
    """A recipe that cannot be used as it is written."""


def load(kind: type[T], path: Path, overrides: Sequence[str] = ()) -> T:
    """Read a YAML file into the frozen dataclass `kind`.

    overrides: "stages.0.steps=10", applied to the file's content before it is checked; values are YAML.
    """
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    for override in overrides:
        key, found, value = override.partition("=")
        if not found:
            raise BadRecipe(f"Expected --set key=value, got {override!r}.")
        _put(tree, key.split("."), yaml.safe_load(value), key)
    return _build(kind, tree, "")


def train(
    kind: type[T], path: Path, folder: Path, overrides: Sequence[str], task_of: Callable[[T], TaskOfRecipe]
) -> TaskOfRecipe:
    """Train by the recipe in a YAML file into `folder` (or go on there), and give the task with its best weights."""
    recipe = keep(load(kind, path, overrides), folder)
    task = task_of(recipe)
    fit(task, recipe.stages, folder, recipe.seed, recipe.precision)
    return task


def keep(recipe: T, folder: Path) -> T:
    """Write a recipe as it is used to its run's folder, where publishing finds it; gives it back."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe), indent=1) + "\n")
    return recipe


def kept(kind: type[T], folder: Path) -> T:
    """The recipe that a run was trained by."""
    return _build(kind, json.loads((folder / "recipe.json").read_text()), "")


def _put(tree: Any, keys: list[str], value: Any, whole: str) -> None:
    for n, key in enumerate(keys):
        where = int(key) if isinstance(tree, list) and key.isdigit() else key
        known = range(len(tree)) if isinstance(tree, list) else tree
        if n == len(keys) - 1 and not isinstance(tree, list):
            tree[where] = value  # a key that the recipe does not know is found out when it is built
            return
        if where not in known:
            raise BadRecipe(f"--set {whole}: there is no {key!r} here{_nearest(str(key), map(str, known))}.")
        if n == len(keys) - 1:
            tree[where] = value
            return
        tree = tree[where]


def _build(kind: Any, value: Any, where: str) -> Any:
    """`value` as the type `kind`: a dataclass, tuple[X, ...], Mapping[str, X], a plain type, or Any."""
    if kind is Any:
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    mapping = origin is not None and issubclass(origin, Mapping)
    if (mapping or dataclasses.is_dataclass(kind)) and not isinstance(value, dict):
        raise BadRecipe(f"Expected settings under {where or 'the recipe'!r}, got {value!r}.")
    if dataclasses.is_dataclass(kind):
        types_ = typing.get_type_hints(kind)
        for key in value:
            if key not in types_:
                raise BadRecipe(f"Unknown setting {where + str(key)!r}{_nearest(str(key), types_)}.")
        missing = [
            f.name for f in dataclasses.fields(kind)
            if f.name not in value and f.default is f.default_factory is dataclasses.MISSING
        ]  # fmt: skip
        if missing:
            raise BadRecipe(f"Missing setting {where + missing[0]!r}.")
        return kind(**{key: _build(types_[key], item, f"{where}{key}.") for key, item in value.items()})
    if origin is tuple:
        return tuple(_build(arguments[0], item, f"{where}{n}.") for n, item in enumerate(value))
    if mapping:
        return {key: _build(arguments[1], item, f"{where}{key}.") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    plain = arguments if isinstance(kind, types.UnionType) else (kind,)
    if type(value) not in plain:
        wanted = " or ".join(getattr(one, "__name__", str(one)) for one in plain)
        raise BadRecipe(f"Expected {wanted} for {where.rstrip('.')!r}, got {value!r}.")
    return value


def _nearest(key: str, known: Any) -> str:
    known = list(known)
    found = difflib.get_close_matches(key, known, 1, 0.4)
    return f"; did you mean {found[0]!r}?" if found else f"; known: {', '.join(known)}"
