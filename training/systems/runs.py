"""The runs of a system: the folder and the overrides of each variant and seed, and which run is published."""

from pathlib import Path

from training import systems
from training.learn.recipe import VariedRecipe, load
from xmr.modality import BadInput

AVERAGE = "average"  # the name of the variant and the run whose weights are the mean of other runs' weights


def varied_recipe(system: str) -> VariedRecipe | None:
    """The system's recipe; None if it has no variants."""
    module = systems.module(system)
    recipe = load(module.Recipe, module.YAML)
    return recipe if isinstance(recipe, VariedRecipe) else None


def run_of(system: str, runs: Path, variant: str | None = None, seed: int | None = None) -> tuple[Path, list[str]]:
    """The folder and the recipe overrides of a run.

    Args:
        system:  name of the system.
        runs:    folder of all runs.
        variant: name of a variant; None for the one that is published, or the first of those whose mean is.
        seed:    None for the recipe's first seed.

    Raises:
        BadInput: the recipe has no such variant.
    """
    recipe = varied_recipe(system)
    if recipe is None:
        if variant:
            raise BadInput(f"The recipe of {system} has no variants. Leave --variant out.")
        return (runs / system, []) if seed is None else (runs / system / str(seed), [f"seed={seed}"])
    ships = recipe.average_of[0] if recipe.ships == AVERAGE else recipe.ships
    variant, seed = variant or ships, recipe.seeds[0] if seed is None else seed
    if variant not in recipe.variants:
        raise BadInput(f"{system} has no variant {variant!r}. Choose one of: {', '.join(recipe.variants)}.")
    return runs / system / f"{variant}-{seed}", recipe.overrides(variant, seed)


def published_run(system: str, runs: Path, variant: str | None = None) -> tuple[Path, str]:
    """The folder of the run to publish, and the command after `python -m training` that trains it.

    variant: the name of one, or "average"; None for the one that ships.
    """
    recipe = varied_recipe(system)
    if recipe and recipe.average_of and (variant or recipe.ships) == AVERAGE:
        variants = " ".join(f"--variant {variant}" for variant in (*recipe.average_of, AVERAGE))
        return runs / system / AVERAGE, f"ablation {system} {variants}"
    return run_of(system, runs, variant)[0], f"fit {system}" + (f" --variant {variant}" if variant else "")
