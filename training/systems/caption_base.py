"""The base class of the systems that match photos and captions: their data, batches and validation."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from training.datasets import catalogue, located
from training.datasets.protocols import find
from training.learn.evaluation import check_score
from training.learn.features import PARITY_SAMPLES, SIDE, inputs, pixels
from training.learn.fit import Stage
from training.learn.recipe import VariedRecipe
from training.learn.sampling import Pool, Vocabulary, make_pool
from training.systems import PublishedSystem, PublishedTower
from training.towers.photo import weights_source
from training.towers.sentence import SHIPPED, TRUNK_LAYERS, display_name
from xmr.evaluation import Protocol, Vectors, measure
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, TEXT = Modality.PHOTO, Modality.TEXT
BATCH = 64
VARIANTS = 4  # cached variants of a training photo: the original and three augmented copies
BLOCK = 1024  # photos whose neighbours are looked for at a time
NEIGHBOURS = 20  # hard negatives are drawn from this many nearest neighbours of a photo


@dataclass(frozen=True)
class CaptionRecipe(VariedRecipe):
    """The settings that all text systems share; the comments in their YAML files explain each one."""

    languages: tuple[str, ...]
    score: tuple[str, ...]
    text_backbone: str
    hidden: int
    dropout: float
    max_tokens: int
    batch: int


@dataclass(frozen=True)
class TunedRecipe(CaptionRecipe):
    """The settings of text systems that may also train their photo network."""

    backbone: str
    photo_cut: int
    hard_negative_share: float


def captioned(recipe: CaptionRecipe, split: str) -> list[Item]:
    """The photos of a split and their captions in the recipe's languages."""
    return [
        item
        for item in catalogue.get(recipe.data).items(split, located(recipe.folder))
        if item.modality is PHOTO or item.language in recipe.languages
    ]


Items = Callable[[CaptionRecipe, str], list[Item]]  # a split's photos and texts


class CaptionTask:
    """Draws batches of distinct photos with one caption per language, and validates on held-out photos.

    Args:
        recipe:    the settings.
        model:     has a PhotoTower `photo`, whose stem's feature maps are cached, and a text tower `text`.
        tokenizer: of the text tower.
        cache:     folder for the cached feature maps.
        items:     (recipe, "train" or "val") -> the photos and texts of that split.
    """

    modalities = (PHOTO, TEXT)

    def __init__(
        self, recipe: TunedRecipe, model: nn.Module, tokenizer: Tokenizer, cache: Path, items: Items = captioned
    ) -> None:
        self.recipe, self.model = recipe, model
        labels = Vocabulary(tokenizer, recipe.max_tokens)
        self.data = {split: items(recipe, split) for split in ("train", "val")}
        self.protocols = score_protocols(recipe)
        check_score(recipe.score, partial(caption_figures, self.protocols, self.data["val"]))
        self.pool, self.val_pool = (
            make_pool(recipe.data, self.data[split], model.photo, variants, labels, cache, class_names=False)
            for split, variants in (("train", VARIANTS), ("val", 1))
        )
        self.val = [item for item in self.data["val"] if item.id not in self.val_pool.lost]
        self.neighbours = nearest_neighbours(self.pool, model.photo.upper) if recipe.hard_negative_share else None

    @property
    def epoch_steps(self) -> int:
        """Steps in which as many photos are drawn as there are to train on."""
        return math.ceil(len(self.pool.rows[PHOTO].items) / self.recipe.batch)

    def begin(self, stage: Stage, step: int) -> None:
        """Use cached pooled features if the stage leaves the photo network frozen."""
        self.pool.use_cached_features(self.model.photo.upper, stage.rates)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """Keyword arguments of the model's forward: the photos, and the captions in each language."""
        return self.pool.captioned(rng, self.rows(step, rng))

    def rows(self, step: int, rng: np.random.Generator) -> np.ndarray:
        """Distinct rows (N,) of a batch's photos; `hard_negative_share` of them are neighbours of the others."""
        count, hard = self.recipe.batch, int(self.recipe.hard_negative_share * self.recipe.batch)
        drawn = self.pool.cycles[PHOTO].take(step * (count - hard), count - hard)
        if hard:
            drawn = np.concatenate([drawn, [rng.choice(self.neighbours[row]) for row in rng.choice(drawn, hard)]])
        return np.unique(drawn)

    @torch.inference_mode()
    def vectors(self, items: list[Item]) -> np.ndarray:
        """Embed items of one modality with the towers: (N, dim) float32."""
        modality, device, found = items[0].modality, next(self.model.parameters()).device, []
        maps = self.val_pool.rows[PHOTO].maps
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
        """Metrics on the val items, as validate_captions."""
        return validate_captions(self.recipe, self.protocols, self.val, self.vectors)


def score_protocols(recipe: CaptionRecipe) -> dict[str, Protocol]:
    """The protocols that `recipe.score` names, by their names. Looking them up may read a whole data set, so a task
    does it once."""
    return {name: find(name) for name in dict.fromkeys(key.partition("/")[0] for key in recipe.score)}


def validate_captions(
    recipe: CaptionRecipe, protocols: Mapping[str, Protocol], val: list[Item], vectors: Vectors
) -> dict[str, float]:
    """`caption_figures`, plus "score", the mean of the metrics that `recipe.score` names."""
    figures = caption_figures(protocols, val, vectors)
    return {"score": float(np.mean([figures[key] for key in recipe.score]))} | figures


def caption_figures(protocols: Mapping[str, Protocol], val: list[Item], vectors: Vectors) -> dict[str, float]:
    """The protocols' metrics on the val items, as <protocol>/<metric>."""
    figures = {}
    for name, protocol in protocols.items():
        languages = {c.query[1] or c.gallery[1] for c in protocol.comparisons}
        items = [item for item in val if item.modality is PHOTO or item.language in languages]
        captioned_labels = {label for item in items if item.modality is TEXT for label in item.labels}
        entry = measure(protocol, [item for item in items if item.labels & captioned_labels], vectors)
        figures |= {f"{name}/{key}": value for key, value in entry["metrics"].items()}
    return figures


def nearest_neighbours(pool: Pool, upper: nn.Module) -> np.ndarray:
    """Rows (N, NEIGHBOURS) of each photo's nearest neighbours in the pool, by cosine of pretrained features; fewer
    where there are fewer other photos."""
    features = pool.rows[PHOTO].maps.pooled(upper)[:, 0].astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    count, found = min(NEIGHBOURS, len(features) - 1), []
    for start in range(0, len(features), BLOCK):  # all at once would take 13 GB for Flickr30k
        similarity = features[start : start + BLOCK] @ features.T
        itself = np.arange(len(similarity))
        similarity[itself, start + itself] = -np.inf
        found.append(np.argpartition(-similarity, count, axis=1)[:, :count])
    return np.concatenate(found)


def published_system(
    model: nn.Module, folder: Path, space: str, dim: int, card: Mapping[str, Any], items: Items = captioned
) -> PublishedSystem:
    """A finished run's system, whose photo network is one of those that ImageNet taught.

    Args:
        model:  made by the run's `recipe`, a TunedRecipe, with the towers `photo` and `text`; it gets the best weights.
        folder: of the run.
        space:  how its vectors compare.
        dim:    their length.
        card:   the card's sentences; its "data" follows from the recipe.
        items:  (recipe, split) -> photos and texts.
    """
    model.load_state_dict(load_file(folder / "best.safetensors"))
    recipe = model.recipe
    towers = published_towers(recipe, model.photo, model.text, folder / "tokenizer.json", items)
    data = [recipe.data_on_card, weights_source(recipe.backbone)[1], text_source(recipe)]
    return PublishedSystem(recipe.name, recipe.about, recipe.protocols, space, dim, towers, {**card, "data": data})


def published_towers(
    recipe: CaptionRecipe,
    photo: nn.Module,
    text: nn.Module,
    tokenizer: Path,
    items: Items = captioned,
    size: int = SIDE,
) -> dict[Modality, PublishedTower]:
    """The photo and the text tower to export, with val items for the parity check.

    Args:
        recipe:    the settings.
        photo:     (N, size, size, 3) uint8 -> (N, dim).
        text:      token ids (N, L) -> (N, dim).
        tokenizer: path of the tokenizer's JSON file.
        items:     (recipe, split) -> photos and texts.
        size:      side of the photos, in pixels.
    """
    val = items(recipe, "val")
    photos, texts = ([item for item in val if item.modality is m][:PARITY_SAMPLES] for m in (PHOTO, TEXT))
    ids = Tokenizer(tokenizer).encode([item.content for item in texts], recipe.max_tokens)
    config = {"max_tokens": recipe.max_tokens, "languages": list(recipe.languages)}
    return {
        PHOTO: PublishedTower(photo, inputs(photos, size), {"size": size}),
        TEXT: PublishedTower(text, ids, config, text_source(recipe)),
    }


def text_source(recipe: CaptionRecipe) -> str:
    """The key of the language model's weights in training.release.card.DATA, and the name of its shared trunk."""
    return "minilm" if recipe.text_backbone == SHIPPED else recipe.text_backbone.rpartition("/")[2]


def text_built(recipe: CaptionRecipe) -> str:
    """The language model, which part of it is trained, and what is made of its tokens, in a card's words."""
    part = "its second half" if recipe.text_backbone == SHIPPED else f"all but its first {TRUNK_LAYERS} layers"
    return (
        f"{display_name(recipe.text_backbone)}, {part} trained further, the mean of whose tokens counts, at most "
        f"{recipe.max_tokens}"
    )
