"""doodles-again: tri's sketch tower once more, by the objective of doodles, towards photos as they are now.

Photos that were trained further have moved a little, and drawings follow.
"""

from collections.abc import Sequence
from pathlib import Path

from training.learn.recipe import load_recipe
from training.systems import PublishedSystem, doodles, further
from training.systems.doodles import Recipe, Task

YAML = Path(__file__).with_suffix(".yaml")


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return doodles.run(folder, cache, overrides, YAML)


def published(folder: Path) -> PublishedSystem:
    """The system that it goes on from, with its new sketch tower; the other graphs stay as they are published."""
    recipe = load_recipe(Recipe, folder)
    said = f" The sketch tower followed the photos by `python -m training fit {recipe.name}`."
    return further.published(doodles.form(), doodles.towers(recipe, folder), further.card_with(recipe, said))
