"""classes: a linear classifier over the features of tri's published sketch tower, by which a drawing's vector moves
towards the names of what it shows.

The tower's pooled features tell the class of a doodle far better than its vector does: 256 numbers that also have to
lie where photos lie. All towers stay as they are published; galleries and the figures of texts and photos stay too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from training.datasets import MissingData, catalogue, chairv2, labels_of, sketchy25, world
from training.datasets.hands import another, drawn_by
from training.learn.features import SIDE, Compute, FeatureCache, MapCache, frozen, hash_of, inputs
from training.learn.fit import Stage
from training.learn.recipe import load_recipe, train
from training.learn.restore import load_onnx_weights
from training.learn.sampling import Cycle, Vocabulary
from training.systems import PublishedSystem, PublishedTower, doodles, further
from training.systems.further import encoded, figures_of, initial, score
from training.towers.heads import Classifier
from training.towers.sketch import Named, Seen, SketchTower, towards
from xmr import checkpoint
from xmr.modality import Item, Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Recipe(further.Recipe):
    """What classes.yaml sets; the comments there say what each setting changes."""

    unbound = further.Recipe.unbound | {"pull", "near"}

    size: int
    pull: float
    near: float
    watched: float


class Classes(nn.Module):
    """The classifier that learns, and (C, dim) unit vectors of the names of its classes."""

    def __init__(self, classes: Classifier, names: torch.Tensor) -> None:
        super().__init__()
        self.classes = classes
        self.register_buffer("names", names)

    def forward(self, features: torch.Tensor, cls: torch.Tensor, dropped: float, smoothing: float) -> dict:
        """The loss of features (N, F) of drawings of the classes (N,)."""
        return {"loss": F.cross_entropy(self.classes(features, dropped), cls, label_smoothing=smoothing)}


class Task:
    """The data, the model, and what a batch and a validation are."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.cache = recipe, cache
        self.system = checkpoint.load(recipe.system, recipe.checkpoints)
        self.seen = Seen(self.tower(folder).eval())
        self.data = {
            "quickdraw": catalogue.get("quickdraw").items("train"),
            "sketchy25": sketchy25.items("train"),
            "chairv2": chairv2.items("train"),
            "world": world.drawings(),
        }
        if not self.data["world"]:
            raise MissingData(
                "Expected drawings of the rendered world. Make them: python -m training render --split drawings=2"
            )
        drawn = {name: [item for item in items if self.counts(item)] for name, items in self.data.items()}
        drawn["another"] = drawn_by(another, drawn["quickdraw"])
        labels = self.labels = Vocabulary()
        self.pools = {}
        for name, items in drawn.items():
            features, _, kept = self._read(items)
            cls = torch.tensor([labels.number(self.shown(name, item)) for item in kept])
            self.pools[name] = features, cls, Cycle(len(kept), seed=len(kept))
        every = torch.cat([features for features, _, _ in self.pools.values()]).float()
        names = self.names()
        self.model = Classes(Classifier(every.mean(0), every.std(0) + 1e-3, len(names)), names)
        self.val = {
            name: doodles.watched(name, recipe.watched)
            for name in dict.fromkeys(key.split("/")[0] for key in recipe.score)
        }

    def tower(self, folder: Path) -> SketchTower:
        """The published sketch tower, whose features it reads."""
        return tower(self.recipe, folder)

    def counts(self, item: Item) -> bool:
        """Whether it learns from this item."""
        return item.modality is SKETCH

    def shown(self, pool: str, item: Item) -> frozenset[str]:
        """The label of what a drawing of a pool shows."""
        return labels_of(item, "class")

    def names(self) -> torch.Tensor:
        """(C, dim) a unit vector for each class, towards which its drawings move."""
        return doodles.names(self.system, self.labels)

    def _read(self, items: list[Item]) -> tuple[torch.Tensor, torch.Tensor, list[Item]]:
        """What the tower has of drawings: (N, F) features and (N, dim) vectors, both float16; and those of the drawings
        that can be read. Kept on disk."""
        size = self.recipe.size
        rasters = MapCache(None, items, 1, self.cache, size)
        cache = FeatureCache(self.cache / f"seen-{hash_of(self.seen, size)}.f16")

        def start() -> Compute[int]:
            run = frozen(self.seen, {"sketch": np.zeros((1, size, size), np.uint8)}, "seen")
            return lambda rows: run(None, {"sketch": rasters[np.array(rows), 0]})[0].astype(np.float16)

        cache.fill({key: row for row, key in enumerate(rasters.keys)}, start, "features")
        found = torch.from_numpy(cache.take(rasters.keys))
        features, vectors = found.split([found.shape[1] - self.system.dim, self.system.dim], dim=1)
        return features, vectors, rasters.items

    def begin(self, stage: Stage, step: int) -> None:
        pass

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The arguments of Classes.forward."""
        settings, parts = stage.settings, []
        for name, (features, cls, cycle) in self.pools.items():
            count = int(settings[name])
            rows = torch.from_numpy(cycle.take(step * count, count))
            parts.append((features[rows].float(), cls[rows]))
        features, cls = (torch.cat(column) for column in zip(*parts, strict=True))
        return {"features": features, "cls": cls, "dropped": settings["dropped"], "smoothing": settings["smoothing"]}

    @torch.inference_mode()
    def validate(self, stage: Stage) -> dict[str, float]:
        """The protocols' figures on the val drawings, and "score": the mean of those in the recipe, by weight."""

        def vectors(items: list[Item]) -> np.ndarray:
            if items[0].modality is PHOTO:
                return encoded(self.system, items, self.cache)
            features, drawn, _ = self._read(items)
            logits, (pull, near) = self.model.classes(features.float()), (self.recipe.pull, self.recipe.near)
            return towards(drawn.float(), logits, self.model.names, pull, near).numpy()

        return score(figures_of(self.val, vectors), self.recipe.score)


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The system that it goes on from, whose drawings move towards names; the other graphs stay as they are."""
    recipe, like = load_recipe(Recipe, folder), doodles.form()
    named = moved(recipe, folder, tower(recipe, folder))
    said = (
        f" By `python -m training fit {recipe.name}`, a linear classifier over the sketch tower's features learned "
        f"{len(named.names)} classes; a drawing's vector moves towards the names of the likely ones unless it is near."
    )
    return further.published(like, towers(recipe, named), further.card_with(recipe, said))


def tower(recipe: Recipe, folder: Path) -> SketchTower:
    """tri's sketch tower as it was published when the run began."""
    found = doodles.tower()
    load_onnx_weights(found, initial(folder, recipe, "sketch.onnx"))
    return found


def moved(recipe: Recipe, folder: Path, tower: SketchTower) -> Named:
    """The tower whose vectors move, by the classifier of a finished run."""
    trained = load_file(folder / "best.safetensors")
    names = trained["names"]
    model = Classes(Classifier(trained["classes.mean"], trained["classes.spread"], len(names)), names)
    model.load_state_dict(trained)
    return Named(tower, model.classes, names, recipe.pull, recipe.near)


def towers(recipe: Recipe, named: Named) -> dict[Modality, PublishedTower]:
    """The towers to publish: the photo tower stays."""
    drawn = sketchy25.items("val")
    photos, sketches = ([item for item in drawn if item.modality is modality] for modality in (PHOTO, SKETCH))
    return {
        PHOTO: PublishedTower(None, inputs(photos, SIDE), {}),
        SKETCH: PublishedTower(named, inputs(sketches, recipe.size), {"size": recipe.size}),
    }
