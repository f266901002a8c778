"""The base class of the two sketch systems: their data, batches and validation."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.datasets import MissingData, catalogue, labels_of, located, world
from training.datasets.protocols import find
from training.datasets.sketchy import refuse_unseen
from training.learn.augment import resized
from training.learn.evaluation import check_score
from training.learn.features import PARITY_SAMPLES, SIDE, MapCache, inputs, pixels
from training.learn.fit import Stage, trains
from training.learn.probe import domain_probe
from training.learn.recipe import VariedRecipe
from training.learn.sampling import Pool, Vocabulary, make_pool, merge
from training.systems import PublishedTower
from training.towers.photo import weights_source
from xmr.evaluation import Vectors, measure
from xmr.modality import Item, Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
BATCH = 64
Embed = Callable[[Modality, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class SketchRecipe(VariedRecipe):
    """The settings that both sketch systems share; the comments in their YAML files explain each one."""

    unbound = VariedRecipe.unbound - {"protocols"}  # the first one selects the checkpoint

    score: str
    backbone: str
    photo_cut: int
    dropout: float
    sketch_size: int
    query_size: int
    mirror_queries: bool
    batch: int
    same_instance_prob: float
    margin: float
    mixup_alpha: float
    world: int


def real_items(recipe: SketchRecipe, split: str) -> list[Item]:
    """The real photos and sketches of a split."""
    return catalogue.get(recipe.data).items(split, located(recipe.folder))


def rendered_items(seen: list[Item]) -> list[Item]:
    """The rendered photos and drawings of the classes of these training items; raises MissingData if there are none."""
    classes = {label for item in seen for label in labels_of(item, "class")}
    rendered = [item for item in world.items("train", things="one") if labels_of(item, "class") <= classes]
    if not rendered:
        raise MissingData("Expected rendered photos of the classes trained on. Make them: python -m training render")
    return rendered


class SketchTask:
    """Draws batches of sketches with photos of the same classes, and validates on held-out photos.

    Args:
        recipe: the settings.
        model:  has a PhotoTower `photo`, whose stem's feature maps are cached, a `sketch` tower, and
            `embed(modality, pixels)`, which returns the vectors of one modality's pixels.
        cache:  folder for the cached feature maps.
    """

    modalities = (PHOTO, SKETCH)

    def __init__(self, recipe: SketchRecipe, model: nn.Module, cache: Path) -> None:
        self.recipe, self.model = recipe, model
        self.data = {split: real_items(recipe, split) for split in ("train", "val")}
        train, self.val = self.data.values()
        if recipe.world:
            self.data["world"] = rendered_items(train)
        for items in self.data.values():  # rendered items too
            refuse_unseen(items, recipe.data, located(recipe.folder))
        self.protocol = find(recipe.protocols[0])  # once, for it may read a whole data set
        check_score([recipe.score], self.figures)
        photo, labels = model.photo, Vocabulary()
        self.labels = labels
        self.real = make_pool(recipe.data, train, photo, 2, labels, cache, recipe.same_instance_prob)
        self.pools = [(self.real, recipe.batch)]
        if recipe.world:
            rendered = make_pool("world", self.data["world"], photo, 1, labels, cache, recipe.same_instance_prob)
            self.pools.append((rendered, recipe.world))

    @property
    def epoch_steps(self) -> int:
        """Steps in which each real training sketch is drawn once."""
        return math.ceil(len(self.real.rows[SKETCH].items) / self.recipe.batch)

    def begin(self, stage: Stage, step: int) -> None:
        """Use cached pooled features if the stage leaves the photo network frozen."""
        for pool, _ in self.pools:
            pool.use_cached_features(self.model.photo.upper, stage.rates)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """Keyword arguments of the model's forward: the photos and the sketches of a batch."""
        parts: dict[str, dict] = {}
        for pool, count in self.pools:
            merge(parts, pool.draw(rng, step, count, all_class_names=False))
        return {"photo": parts["photo"], "sketch": parts["sketch"]}

    def features(self, maps: MapCache) -> torch.Tensor:
        """Pooled features (N, features) of the photos without augmentation, with the network's current weights."""
        return torch.from_numpy(maps.pooled(self.model.photo.upper)[:, 0].astype(np.float32))

    @torch.inference_mode()
    def vectors(self, items: list[Item], embed: Embed | None = None) -> np.ndarray:
        """Embed items of one modality, (N, dim) float32, with the model's `embed` or another one."""
        embed = embed or self.model.embed
        modality, device = items[0].modality, next(self.model.parameters()).device
        size, found = SIDE if modality is PHOTO else self.recipe.query_size, []
        for start in range(0, len(items), BATCH):
            batch = np.stack([pixels(item, 0, size) for item in items[start : start + BATCH]])
            found.append(embed(modality, torch.from_numpy(batch).to(device)).float().cpu().numpy())
        return np.concatenate(found)

    @torch.inference_mode()
    def sample_outputs(self, network: Callable[[torch.Tensor], torch.Tensor], size: int) -> torch.Tensor:
        """A network's outputs (N, ...) on about 500 training sketches, resized to `size` x `size` pixels."""
        maps, device = self.real.rows[SKETCH].maps, next(self.model.parameters()).device
        some = torch.from_numpy(maps[np.arange(0, len(maps.items), max(1, len(maps.items) // 512)), 0])
        return torch.cat([network(resized(part.to(device), size)) for part in some.split(BATCH)])

    def validate(self, stage: Stage) -> dict[str, float]:
        """The first protocol's metrics on the val items, and "score", the metric that `recipe.score` names."""
        figures = self.figures(self.vectors)
        return {"score": figures[self.recipe.score]} | figures

    def figures(self, vectors: Vectors) -> dict[str, float]:
        """The first protocol's metrics on the val items, by their `vectors`."""
        return measure(self.protocol, self.val, vectors)["metrics"]

    def probe(self, vectors: Vectors) -> float:
        """How well a fresh linear classifier tells sketches' `vectors` from photos': `domain_probe` on the test items
        of the first protocol, which of a zero-shot system are all of classes that it has not seen."""
        items = self.protocol.items("test")
        parts = [[item for item in items if item.modality is m] for m in (SKETCH, PHOTO)]
        classes = [[min(labels_of(item, "class")) for item in part] for part in parts]
        return domain_probe(*map(vectors, parts), *classes)


def class_means(pool: Pool, vectors: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
    """The sorted classes (C,) of a pool's photos, and the mean vector (C, dim) of each; vectors: (N, dim)."""
    cls = pool.rows[PHOTO].cls
    classes = np.unique(cls)
    return classes, torch.from_numpy(np.stack([vectors[cls == c].mean(0) for c in classes])).float()


def published_towers(recipe: SketchRecipe, photo: nn.Module, sketch: nn.Module) -> dict[Modality, PublishedTower]:
    """The photo and the sketch tower to export, with val items for the parity check."""
    val = real_items(recipe, "val")
    photos, sketches = ([item for item in val if item.modality is m][:PARITY_SAMPLES] for m in (PHOTO, SKETCH))
    size = recipe.query_size
    trained = any(trains(stage.rates, "photo.upper") for stage in recipe.stages)
    shared = "" if trained else weights_source(recipe.backbone)[0].lower()
    return {
        PHOTO: PublishedTower(photo, inputs(photos, SIDE), {"size": SIDE}, shared),
        SKETCH: PublishedTower(sketch, inputs(sketches, size), {"size": size}),
    }
