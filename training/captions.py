"""What the text systems share: photos with captions, how a batch of both is drawn, and how they are validated."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.datasets import catalogue, located
from training.datasets.protocols import find
from training.evaluate import Vectors, measure
from training.features import SHOWN, SIDE, inputs, pixels
from training.fit import Stage
from training.recipes import Part, VariedRecipe
from training.sampling import Pool, Vocabulary, make_pool
from training.towers.sentence import SHIPPED
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, TEXT = Modality.PHOTO, Modality.TEXT
BATCH = 64
VARIANTS = 4  # of each photo that are trained on: itself, and three that are cut, turned and coloured otherwise
NEIGHBOURS = 20  # photos that look most like one, among which its hard negatives are drawn


@dataclass(frozen=True)
class CaptionRecipe(VariedRecipe):
    """What the text systems' recipes set alike; the comments of their YAML files say what each setting changes."""

    data: str
    folder: str
    languages: tuple[str, ...]
    score: tuple[str, ...]
    sentences: str
    hidden: int
    dropout: float
    max_tokens: int
    batch: int


@dataclass(frozen=True)
class TunedRecipe(CaptionRecipe):
    """Those of them whose photo network may be trained too."""

    backbone: str
    photo_cut: int
    hard: float


def captioned(recipe: CaptionRecipe, split: str) -> list[Item]:
    """The photos of a split and their captions in the recipe's languages."""
    return [item for item in catalogue.get(recipe.data).items(split, located(recipe.folder))
            if item.modality is PHOTO or item.language in recipe.languages]  # fmt: skip


Items = Callable[[CaptionRecipe, str], list[Item]]  # a split's photos and texts


class CaptionTask:
    """Batches of photos with one caption in each language, no photo twice, and a validation on held-out ones.

    model: has a PhotoTower `photo`, whose stem's maps are cached, and a tower `text`.
    items: gives the photos and texts of "train" and "val".
    """

    modalities = (PHOTO, TEXT)

    def __init__(
        self, recipe: TunedRecipe, model: nn.Module, tokenizer: Tokenizer, cache: Path, items: Items = captioned
    ) -> None:
        self.recipe, self.model = recipe, model
        labels = Vocabulary(tokenizer, recipe.max_tokens)
        self.val = items(recipe, "val")
        self.pool, self.held = (
            make_pool(recipe.data, items, model.photo, variants, labels, cache, named=False)
            for items, variants in ((items(recipe, "train"), VARIANTS), (self.val, 1))
        )
        self.val = [item for item in self.val if item.id not in self.held.lost]
        self.alike = neighbours(self.pool, model.photo.upper) if recipe.hard else None

    def begin(self, stage: Stage, step: int) -> None:
        self.pool.settle(self.model.photo.upper, stage.rates)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The keywords of the model's forward: a part of photos, and one of captions a language."""
        return self.pool.captioned(rng, self.rows(step, rng))

    def rows(self, step: int, rng: np.random.Generator) -> np.ndarray:
        """The photos of a batch, each once: (N,) rows of the pool. A share `hard` of them look like one of the rest."""
        count, hard = self.recipe.batch, int(self.recipe.hard * self.recipe.batch)
        drawn = self.pool.cycles[PHOTO].take(step * (count - hard), count - hard)
        if hard:
            drawn = np.concatenate([drawn, [rng.choice(self.alike[row]) for row in rng.choice(drawn, hard)]])
        return np.unique(drawn)

    @torch.inference_mode()
    def vectors(self, items: list[Item]) -> np.ndarray:
        """(N, dim) float32 vectors of items of one modality, through the towers."""
        modality, device, found = items[0].modality, next(self.model.parameters()).device, []
        maps = self.held.rows[PHOTO].maps
        for start in range(0, len(items), BATCH):
            some = items[start : start + BATCH]
            if modality is TEXT:
                vocabulary = self.pool.vocabulary
                vectors = self.model.text(vocabulary.padded(vocabulary.add([i.content for i in some])).to(device))
            elif all(item.id in maps.rows for item in some):
                rows = np.array([maps.rows[item.id] for item in some])
                vectors = self.model.photo.from_maps(torch.from_numpy(maps[rows, 0]).to(device))
            else:
                vectors = self.model.photo(torch.from_numpy(np.stack([pixels(i, 0) for i in some])).to(device))
            found.append(vectors.float().cpu().numpy())
        return np.concatenate(found)

    def validate(self, stage: Stage) -> dict[str, float]:
        return validated(self.recipe, self.val, self.vectors)


def validated(recipe: CaptionRecipe, val: list[Item], vectors: Vectors) -> dict[str, float]:
    """The metrics on val items of the protocols that the recipe's score is of, and "score": the mean of those named."""
    figures = {}
    for name in dict.fromkeys(key.partition("/")[0] for key in recipe.score):
        protocol = find(name)
        told = {c.query[1] or c.gallery[1] for c in protocol.comparisons}
        items = [item for item in val if item.modality is PHOTO or item.language in told]
        described = {label for item in items if item.modality is TEXT for label in item.labels}
        entry = measure(protocol, [item for item in items if item.labels & described], vectors)
        figures |= {f"{name}/{key}": value for key, value in entry["metrics"].items()}
    return {"score": float(np.mean([figures[key] for key in recipe.score]))} | figures


def neighbours(pool: Pool, upper: nn.Module) -> np.ndarray:
    """The photos that look most like each photo of a pool to an untrained network: (N, NEIGHBOURS) rows."""
    features = pool.rows[PHOTO].maps.pooled(upper)[:, 0].astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    alike = features @ features.T
    np.fill_diagonal(alike, -1.0)
    return np.argpartition(-alike, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def parts(
    recipe: CaptionRecipe, photo: nn.Module, text: nn.Module, tokenizer: Path, items: Items = captioned,
    size: int = SIDE,
) -> dict[Modality, Part]:  # fmt: skip
    """Two towers as they are published; `size` is the side of the photos in pixels."""
    held = items(recipe, "val")
    photos, texts = ([item for item in held if item.modality is m][:SHOWN] for m in (PHOTO, TEXT))
    ids = Tokenizer(tokenizer).encode([item.content for item in texts], recipe.max_tokens)
    told = {"max_tokens": recipe.max_tokens, "languages": list(recipe.languages)}
    name = "minilm" if recipe.sentences == SHIPPED else recipe.sentences.rpartition("/")[2]
    return {PHOTO: Part(photo, inputs(photos, size), {"size": size}), TEXT: Part(text, ids, told, name)}
