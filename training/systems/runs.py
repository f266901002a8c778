"""The runs of a system: the folder and the overrides of each variant and seed, and which run is published."""

import argparse
import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training import systems
from training.datasets.protocols import of_data
from training.learn.recipe import Recipe, VariedRecipe, load
from training.options import add_data, add_system
from xmr.modality import BadInput

WORLD = "world"  # the data of a variant that trains on the rendered world
AVERAGE = "average"  # the name of the variant and the run whose weights are the mean of other runs' weights


def varied_recipe(system: str) -> VariedRecipe | None:
    """The system's recipe; None if it has no variants."""
    module = systems.module(system)
    recipe = load(module.Recipe, module.YAML)
    return recipe if isinstance(recipe, VariedRecipe) else None


def run_of(
    system: str,
    runs: Path,
    variant: str | None = None,
    seed: int | None = None,
    data: str | None = None,
    changed: Sequence[str] = (),
) -> tuple[Path, list[str]]:
    """The folder and the recipe overrides of a run.

    Args:
        system:  name of the system.
        runs:    folder of all runs.
        variant: name of a variant; None for the one that is published, or the first of those whose mean is.
        seed:    None for the recipe's first seed.
        data:    where the data of the published system is: a path, or a name under $XMR_DATA. The run trains on it, and
                 is measured on its test items alone. None for the recipe's own data.
        changed: more overrides, which count before all others.

    Raises:
        BadInput: the recipe has no such variant, or doesn't train on one data set.
    """
    recipe = varied_recipe(system)
    if recipe is None:
        if variant:
            raise BadInput(f"The recipe of {system} has no variants. Leave --variant out.")
        if data:
            raise BadInput(f"{system} trains on several data sets. Leave --data out, and set XMR_DATA to their folder.")
        folder, own = (runs / system, []) if seed is None else (runs / system / str(seed), [f"seed={seed}"])
        return folder, [*own, *changed]
    ships = recipe.average_of[0] if recipe.ships == AVERAGE else recipe.ships
    variant, seed = variant or ships, recipe.seeds[0] if seed is None else seed
    if variant not in recipe.variants:
        raise BadInput(f"{system} has no variant {variant!r}. Choose one of: {', '.join(recipe.variants)}.")
    overrides = recipe.overrides(variant, seed, original=data is not None)
    if data is not None:
        overrides += _measured_on(system, data, [*overrides, *changed])
    return runs / system / f"{variant}-{seed}", [*overrides, *changed]


def _measured_on(system: str, data: str, overrides: Sequence[str]) -> list[str]:
    """The overrides by which a run reads its data set from a folder, and is chosen and measured by its protocols.

    Raises:
        BadInput: it trains on the rendered world.
    """
    module = systems.module(system)
    recipe = load(module.Recipe, module.YAML, overrides)
    if recipe.data == WORLD:
        raise BadInput(f"This variant of {system} trains on the rendered world. Choose another, or leave --data out.")
    settings = {"folder": data, "protocols": of_data(recipe.data)}
    if isinstance(recipe.score, tuple):  # its metrics, each behind its protocol's name
        settings["score"] = [f"{recipe.data}-test/{key.partition('/')[2]}" for key in recipe.score]
    return [f"{key}={json.dumps(value)}" for key, value in settings.items()]


def own_settings(system: str, runs: Path, variant: str | None, data: str | None, held: Recipe) -> list[str]:
    """The settings by which the recipe that a run was trained by differs from that which its variant has today, in the
    form that --set takes; without those that its weights don't follow from."""
    module, changed, wanted = systems.module(system), [], plain(held)
    for name in sorted(wanted.keys() - held.unbound, key=lambda name: (name != "data", name)):  # others follow from it
        today = plain(load(module.Recipe, module.YAML, run_of(system, runs, variant, data=data, changed=changed)[1]))
        changed += _differences(today[name], wanted[name], name)
    return changed


def _differences(before: Any, after: Any, name: str) -> Iterator[str]:
    """The overrides that make one value of a setting another; a key with a dot can't be named alone."""
    dicts = isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys()
    if dicts and not any("." in key for key in after):
        parts: Iterable[Any] = after
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        parts = range(len(after))
    elif before != after:
        yield f"{name}={json.dumps(after)}"
        return
    else:
        return
    for part in parts:
        yield from _differences(before[part], after[part], f"{name}.{part}")


def of_command(command: str) -> tuple[str, list[str]]:
    """The system and the overrides of the run that a command as `published_run` gives it trains first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    add_system(parser)
    add_data(parser)
    parser.add_argument("--variant", action="append")
    args = parser.parse_args(shlex.split(command))
    variant, *_ = args.variant or [None]
    return args.system, run_of(args.system, Path("runs"), variant, None, args.data, args.overrides)[1]


def plain(recipe: Any) -> dict[str, Any]:
    """A recipe's settings as JSON has them."""
    return json.loads(json.dumps(asdict(recipe)))


def published_run(system: str, runs: Path, variant: str | None = None) -> tuple[Path, str]:
    """The folder of the run to publish, and the command after `python -m training` that trains it.

    variant: the name of one, or "average"; None for the one that ships.
    """
    recipe = varied_recipe(system)
    if recipe and recipe.average_of and (variant or recipe.ships) == AVERAGE:
        variants = " ".join(f"--variant {variant}" for variant in (*recipe.average_of, AVERAGE))
        return runs / system / AVERAGE, f"ablation {system} {variants}"
    return run_of(system, runs, variant)[0], f"fit {system}" + (f" --variant {variant}" if variant else "")
