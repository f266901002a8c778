"""attributes-again: tri's photo and text tower once more, by the objective of attributes, on twice as many photos."""

from collections.abc import Sequence
from pathlib import Path

from training.learn.recipe import load_recipe
from training.systems import PublishedSystem, attributes
from training.systems.attributes import Recipe, Task

YAML = Path(__file__).with_suffix(".yaml")


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return attributes.run(folder, cache, overrides, YAML)


def published(folder: Path) -> PublishedSystem:
    """The system that it goes on from, with its new photo and text towers; the sketch tower stays as published."""
    command = f"python -m training fit {load_recipe(Recipe, folder).name}"
    said = f"The photo and the text tower were trained so once more, on twice as many photos, by `{command}`."
    return attributes.further_published(folder, said)
