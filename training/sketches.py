"""What the two sketch systems share: the photos and sketches that they draw from, and how they are validated."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.datasets import MissingData, catalogue, labels_of, located, world
from training.datasets.protocols import find
from training.evaluate import measure
from training.features import SHOWN, SIDE, MapCache, inputs, pixels
from training.fit import Stage, trains
from training.recipes import Part, VariedRecipe
from training.sampling import Pool, Vocabulary, make_pool, merge
from training.towers.photo import credit
from training.vary import resized
from xmr.modality import Item, Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
BATCH = 64
Embed = Callable[[Modality, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class SketchRecipe(VariedRecipe):
    """What the sketch systems' recipes set alike; the comments of their YAML files say what each setting changes."""

    data: str
    folder: str
    score: str
    backbone: str
    photo_cut: int
    dropout: float
    sketch_size: int
    query_size: int
    mirrored: bool
    batch: int
    own: float
    margin: float
    mix: float
    world: int


def real_items(recipe: SketchRecipe, split: str) -> list[Item]:
    """The real photos and sketches of a split."""
    return catalogue.get(recipe.data).items(split, located(recipe.folder))


def rendered_items(seen: list[Item]) -> list[Item]:
    """The rendered world's photos and drawings of the classes that some training items have, and of no others."""
    classes = {label for item in seen for label in labels_of(item, "class")}
    found = [item for item in world.items("train", things="one") if labels_of(item, "class") <= classes]
    if not found:
        raise MissingData("Expected rendered photos of the classes trained on. Make them: python -m training render")
    return found


class SketchTask:
    """Batches of sketches with photos of their classes, and a validation on photos that are held out.

    model: has a PhotoTower `photo`, whose stem's maps are cached, a `sketch` tower, and for one modality's pixels the
        vectors: `embed(modality, pixels)`.
    """

    modalities = (PHOTO, SKETCH)

    def __init__(self, recipe: SketchRecipe, model: nn.Module, cache: Path) -> None:
        self.recipe, self.model = recipe, model
        self.val = real_items(recipe, "val")
        train, photo = real_items(recipe, "train"), model.photo
        labels = self.labels = Vocabulary()
        self.real = make_pool(recipe.data, train, photo, 2, labels, cache, recipe.own)
        self.pools = [(self.real, recipe.batch)]
        if recipe.world:
            rendered = make_pool("world", rendered_items(train), photo, 1, labels, cache, recipe.own)
            self.pools.append((rendered, recipe.world))

    def begin(self, stage: Stage, step: int) -> None:
        for pool, _ in self.pools:
            pool.settle(self.model.photo.upper, stage.rates)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The keywords of the model's forward: a part of photos and one of sketches."""
        parts: dict[str, dict] = {}
        for pool, count in self.pools:
            merge(parts, pool.draw(rng, step, count, every_name=False))
        return {"photo": parts["photo"], "sketch": parts["sketch"]}

    def features(self, maps: MapCache) -> torch.Tensor:
        """(N, features) what the photo network, as it is now, makes of photos as they are, not of varied copies."""
        return torch.from_numpy(maps.pooled(self.model.photo.upper)[:, 0].astype(np.float32))

    @torch.inference_mode()
    def vectors(self, items: list[Item], embed: Embed | None = None) -> np.ndarray:
        """(N, dim) float32 vectors of items of one modality, through the towers; or by another `embed` than theirs."""
        embed = embed or self.model.embed
        modality, device = items[0].modality, next(self.model.parameters()).device
        size, found = SIDE if modality is PHOTO else self.recipe.query_size, []
        for start in range(0, len(items), BATCH):
            batch = np.stack([pixels(item, 0, size) for item in items[start : start + BATCH]])
            found.append(embed(modality, torch.from_numpy(batch).to(device)).float().cpu().numpy())
        return np.concatenate(found)

    @torch.inference_mode()
    def of_some(self, network: Callable[[torch.Tensor], torch.Tensor], size: int) -> torch.Tensor:
        """(N, ...) what a network makes of some 500 training sketches, shown at `size` pixels a side."""
        held, device = self.real.rows[SKETCH].maps.maps, next(self.model.parameters()).device
        some = torch.from_numpy(held[:: max(1, len(held) // 512), 0])
        return torch.cat([network(resized(part.to(device), size)) for part in some.split(BATCH)])

    def validate(self, stage: Stage) -> dict[str, float]:
        """The first protocol's metrics on the val items; "score" is the one that the recipe names."""
        figures = measure(find(self.recipe.protocols[0]), self.val, self.vectors)["metrics"]
        return {"score": figures[self.recipe.score]} | figures


def class_means(pool: Pool, vectors: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
    """The mean of the (N, dim) vectors of a pool's photos over each class: the classes (C,), sorted, and (C, dim)."""
    cls = pool.rows[PHOTO].cls
    known = np.unique(cls)
    return known, torch.from_numpy(np.stack([vectors[cls == c].mean(0) for c in known])).float()


def parts(recipe: SketchRecipe, photo: nn.Module, sketch: nn.Module) -> dict[Modality, Part]:
    """Two towers as they are published."""
    held = real_items(recipe, "val")
    photos, sketches = ([item for item in held if item.modality is m][:SHOWN] for m in (PHOTO, SKETCH))
    size = recipe.query_size
    trained = any(trains(stage.rates, "photo.upper") for stage in recipe.stages)
    shared = "" if trained else credit(recipe.backbone)[0].lower()
    return {
        PHOTO: Part(photo, inputs(photos, SIDE), {"size": SIDE}, shared),
        SKETCH: Part(sketch, inputs(sketches, size), {"size": size}),
    }
