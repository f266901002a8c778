"""Recipes: the settings that train a system. YAML + overrides -> a frozen dataclass; unknown keys are errors."""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from training.datasets import data_of, from_anywhere, protocols
from training.datasets.catalogue import DATASETS
from training.learn.fit import Stage, Task, fit
from training.learn.run_record import RunRecord, read_recipe
from xmr.modality import BadInput

PRECISIONS = ("32-true", "64-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true")
RANGES = {"batch": (1, 1_000_000), "dim": (1, 100_000), "dropout": (0, 1), "seed": (0, 2**32 - 1)}

T = typing.TypeVar("T")
TaskOfRecipe = typing.TypeVar("TaskOfRecipe", bound=Task)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The settings that all recipes share; the comments in the YAML files explain each one.

    Attributes:
        unbound: names of the settings that don't affect the weights; a run resumes even if one of them has changed.
        name: the system's name.
        about: the system in one sentence.
        protocols: names of the protocols that measure the published checkpoint.
        seed: seed of all random draws.
        precision: Lightning Fabric's precision, such as "32-true" or "bf16-mixed".
        stages: the stages in training order.
    """

    unbound = frozenset({"about", "protocols", "folder", "seeds", "ships", "variants", "average_of", "original"})

    name: str
    about: str
    protocols: tuple[str, ...]
    seed: int
    precision: str
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            if not least <= (value := getattr(self, name, least)) <= most:
                raise BadRecipe(f"Expected {least} to {most} for {name!r}, got {value}.")
        if self.precision not in PRECISIONS:
            raise BadRecipe(f"Expected one of {', '.join(PRECISIONS)} for 'precision', got {self.precision!r}.")
        if not self.stages:
            raise BadRecipe("Expected at least one stage under 'stages', got none.")


@dataclasses.dataclass(frozen=True)
class VariedRecipe(Recipe):
    """A recipe that trains on one data set, and whose variants `python -m training ablation` compares.

    Attributes:
        data: the data set's name in the catalogue.
        folder: where it is: a path, or a name under $XMR_DATA.
        seeds: every variant is trained with every seed.
        ships: the variant to publish, from the first seed; or "average", the mean of the runs of `average_of`.
        variants: the settings that each variant changes, by its name: {"stages.0.steps": 10}.
        average_of: variants of one architecture, of all of whose runs the weights are averaged; none: of none.
        original: settings that fit the data of the published system, under those of a variant.
    """

    data: str
    folder: str
    seeds: tuple[int, ...]
    ships: str
    variants: Mapping[str, Mapping[str, Any]]
    average_of: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    original: Mapping[str, Any] = dataclasses.field(default_factory=dict, kw_only=True)

    @property
    def data_on_card(self) -> str:
        """What the data is called on a card: as its folder if that is a data set's name, such as that of the subset
        which a split is taken of."""
        return self.folder if self.folder in DATASETS and self.data != "world" else self.data

    def overrides(self, variant: str, seed: int, original: bool = False) -> list[str]:
        """The overrides of a variant with this seed, in the form that `load` takes.

        original: whether it trains on the data of the published system.
        """
        changed = {**(self.original if original else {}), **self.variants[variant], "seed": seed}
        return [f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in changed.items()]


class BadRecipe(BadInput):
    """A recipe has an unknown, a missing or a wrongly typed setting."""


def load(kind: type[T], path: Path, overrides: Sequence[str] = ()) -> T:
    """Read a YAML file into the frozen dataclass `kind`. A file that is "like" another, beside it, has that one's
    settings but for those that it names, in the form of the overrides.

    Args:
        kind: the dataclass.
        path: the YAML file.
        overrides: such as "stages.0.steps=10", applied before the content is checked; values are YAML.

    Raises:
        BadRecipe: an unknown, missing or wrongly typed setting; the message names the nearest known key.
    """
    tree = _read(path)
    for override in overrides:
        key, found, value = override.partition("=")
        if not found:
            raise BadRecipe(f"Expected --set key=value, got {override!r}.")
        try:
            _set_override(tree, key.split("."), yaml.safe_load(value), key)
        except yaml.YAMLError:
            raise BadRecipe(f"--set {key}: expected a value as YAML has it, got {value!r}.") from None
    return _parse(kind, tree, "")


def train(
    kind: type[T], path: Path, folder: Path, overrides: Sequence[str], task_of: Callable[[T], TaskOfRecipe]
) -> TaskOfRecipe:
    """Train with the recipe in a YAML file in `folder`, or resume the run there.

    Args:
        kind:      the recipe's dataclass.
        path:      the YAML file.
        folder:    of the run.
        overrides: as `load` takes them.
        task_of:   recipe -> task.

    Returns:
        The task; its model has the best weights.

    Raises:
        BadRecipe: see `load`; there is no protocol of a name under "protocols", which would be told only when the
            weights are measured; or a stage is given in epochs, and the task does not say how many steps one has.
        RunMismatch: the folder holds a run with other settings, data or code.
        TrainingStopped: see `fit`.
    """
    recipe, record = load(kind, path, overrides), RunRecord(folder)
    known = protocols.names()
    for name in recipe.protocols:
        if name not in known:
            raise BadRecipe(f"The setting protocols names {name!r}, which is no protocol{nearest(name, known)}")
    if isinstance(recipe, VariedRecipe):
        recipe = dataclasses.replace(recipe, folder=from_anywhere(recipe.folder))
    record.bind(dataclasses.asdict(recipe), recipe.unbound)
    with data_of(vars(recipe)):
        task = task_of(recipe)
        record.bind_data(task.data)
        epoch = getattr(task, "epoch_steps", 0)
        if not epoch and any(stage.epochs for stage in recipe.stages):
            raise BadRecipe(f"The batches of {recipe.name} have no epoch. Give its stages steps, not epochs.")
        fit(task, tuple(stage.in_steps(epoch) for stage in recipe.stages), folder, recipe.seed, recipe.precision)
    return task


def load_recipe(kind: type[T], folder: Path) -> T:
    """The recipe of the run in a folder; raises BadInput if there is no run."""
    return _parse(kind, read_recipe(folder), "")


def _read(path: Path) -> Any:
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "like" not in told:
        return told
    tree = _read(path.with_name(told.pop("like")))
    for key, value in told.items():
        _set_override(tree, key.split("."), value, key)
    return tree


def _set_override(tree: Any, keys: list[str], value: Any, whole: str) -> None:
    for n, key in enumerate(keys):
        where = int(key) if isinstance(tree, list) and key.isdigit() else key
        known = range(len(tree)) if isinstance(tree, list) else tree
        if n == len(keys) - 1 and not isinstance(tree, list):
            tree[where] = value  # `_parse` reports unknown keys
            return
        if where not in known:
            raise BadRecipe(f"{whole}: there is no {key!r} here{nearest(str(key), map(str, known))}")
        if n == len(keys) - 1:
            tree[where] = value
            return
        tree = tree[where]


def _parse(kind: Any, value: Any, where: str) -> Any:
    """`value` checked and converted to `kind`: a dataclass, tuple[X, ...], Mapping[str, X], a plain type or Any."""
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
                raise BadRecipe(f"Unknown setting {where + str(key)!r}{nearest(str(key), types_)}")
        missing = [
            f.name
            for f in dataclasses.fields(kind)
            if f.name not in value and f.default is f.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise BadRecipe(f"Missing setting {where + missing[0]!r}.")
        return kind(**{key: _parse(types_[key], item, f"{where}{key}.") for key, item in value.items()})
    if origin is tuple:
        if not isinstance(value, list):
            raise BadRecipe(f"Expected a list for {where.rstrip('.')!r}, got {value!r}.")
        return tuple(_parse(arguments[0], item, f"{where}{n}.") for n, item in enumerate(value))
    if mapping:
        return {key: _parse(arguments[1], item, f"{where}{key}.") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    plain = arguments if isinstance(kind, types.UnionType) else (kind,)
    if float in plain and isinstance(value, str) and re.fullmatch(r"[-+]?\d+e[-+]?\d+", value, re.I):
        return float(value)  # YAML 1.1 takes 1e-4, without a point, for a text
    if type(value) not in plain:
        wanted = " or ".join(getattr(one, "__name__", str(one)) for one in plain)
        raise BadRecipe(f"Expected {wanted} for {where.rstrip('.')!r}, got {value!r}.")
    return value


def nearest(key: str, known: Iterable[str]) -> str:
    """The end of an error's sentence that says which known name is meant, or else all of them."""
    known = list(known)
    found = difflib.get_close_matches(key, known, 1, 0.4)
    return f"; did you mean {found[0]!r}?" if found else f"; known: {', '.join(known)}."
