"""sketchy-gan-classes: a linear classifier over the features of sketchy-gan's published sketch network, by which what
is made of a drawing moves towards the mean features of the photos of what it shows.

It learns from doodles too, which sketchy-gan has never seen. Careful drawings of things of one kind, ChairV2's, are a
class of their own, which moves nowhere: towards the mean of all chairs, what tells one from another would be lost. All
that was trained before stays as it is published, and so do galleries and the figures of photos.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.datasets import labels_of, sketchy25
from training.learn import recipe as recipes
from training.learn.recipe import load_recipe, train
from training.learn.restore import load_onnx_weights
from training.systems import PublishedSystem, classes, sketchy_gan
from training.systems.classes import Recipe
from training.systems.further import card_with, encoded, initial
from training.towers.heads import ProjectionHead, unit
from training.towers.sketch import Mirrored, MultiScale, SketchTower
from xmr import checkpoint
from xmr.modality import Item, Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
YAML = Path(__file__).with_suffix(".yaml")


CAREFUL = frozenset({"careful"})  # the label of drawings that stay


class Task(classes.Task):
    """As for tri, with the classes of Sketchy alone, whose photos sketchy-gan knows, and with one for what stays."""

    @cached_property
    def photos(self) -> Mapping[str, list[Item]]:
        """The training photos of each class."""
        found: dict[str, list[Item]] = {}
        for item in sketchy25.items("train"):
            if item.modality is PHOTO:
                found.setdefault(min(labels_of(item, "class")), []).append(item)
        return found

    def tower(self, folder: Path) -> SketchTower:
        return tower(initial(folder, self.recipe, "sketch.onnx"), self.system.dim)

    def counts(self, item: Item) -> bool:
        return super().counts(item) and labels_of(item, "class") <= self.photos.keys()

    def shown(self, pool: str, item: Item) -> frozenset[str]:
        return CAREFUL if pool == "chairv2" else super().shown(pool, item)

    def names(self) -> torch.Tensor:
        """(C, dim) the mean vector of each class's training photos, at length 1; 0 for the one that stays."""
        every = [item for items in self.photos.values() for item in items]
        vectors = dict(zip([item.id for item in every], encoded(self.system, every, self.cache), strict=True))
        means = [
            np.mean([vectors[item.id] for item in self.photos[label]], axis=0)
            if label in self.photos
            else np.zeros(self.system.dim)
            for label in self.labels.numbers
        ]
        return unit(torch.from_numpy(np.stack(means)).float())


def form() -> sketchy_gan.Recipe:
    """What the networks are like: as sketchy-gan's recipe says."""
    return recipes.load(sketchy_gan.Recipe, sketchy_gan.YAML)


def tower(graph: Path, dim: int) -> SketchTower:
    """sketchy-gan's sketch network as a tower whose head, to `dim` numbers, is the code and the generator, with the
    weights of a published graph."""
    like = form()
    network = sketchy_gan.SketchNetwork(like.sketch_backbone, like.code)
    found = SketchTower(0, 0, 0, name=like.sketch_backbone)
    made = ProjectionHead(like.code, dim, like.generator, like.dropout)
    ways = MultiScale(Mirrored(nn.Sequential(network, made)), like.query_size, like.sizes)
    load_onnx_weights(ways, graph)
    found.stem, found.upper, found.head = network.stem, network.upper, nn.Sequential(network.code, made)
    return found


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """sketchy-gan with drawings that move towards the means of their classes; the photo graph stays as it is."""
    recipe, like = load_recipe(Recipe, folder), form()
    before = checkpoint.describe(recipe.system, recipe.checkpoints)
    named = classes.moved(recipe, folder, tower(initial(folder, recipe, "sketch.onnx"), before["dim"]))
    known = int(named.names.any(1).sum())
    said = (
        f" By `python -m training fit {recipe.name}`, a linear classifier over the sketch network's features learned "
        f"{known} classes, from doodles too, and to tell careful drawings of chairs. What is made of a sketch, at "
        f"{recipe.size} px alone, now moves towards the mean of the photos of the classes that this one finds likely, "
        "unless it is near; careful chairs stay."
    )
    card = card_with(recipe, said)
    return PublishedSystem(
        like.name,
        like.about,
        (*like.protocols, *recipe.protocols),
        "cosine",
        before["dim"],
        classes.towers(recipe, named),
        {
            **card,
            "differs": before["card"]["differs"],
            "data": [*dict.fromkeys((*card["data"], "quickdraw", "chairv2"))],
        },
        further=True,
    )
