"""coco-regions: a photo's mean-pooled region proposals and a caption's mean-pooled tokens, in one space by small heads.

Detector and language model are frozen, so that their features are cached; the heads on them are trained by a triplet
margin loss, with photos as anchors, captions as anchors, or both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from training.learn.evaluation import check_score
from training.learn.features import FeatureCache, hash_of
from training.learn.fit import Stage
from training.learn.losses import RANDOM, SEMI_HARD, same, triplet
from training.learn.recipe import BadRecipe, load_recipe, train
from training.learn.region_features import region_means
from training.learn.sampling import Cycle
from training.systems import PublishedSystem, detector
from training.systems.caption_base import (
    CaptionRecipe,
    caption_figures,
    captioned,
    published_towers,
    score_protocols,
    text_source,
    validate_captions,
)
from training.towers.photo import SHIPPED
from training.towers.regions import RegionTower, pretrained
from training.towers.sentence import SentenceTower, display_name, write_tokenizer
from training.towers.words import WordTable, WordTower, read_table, word_vectors, write_table
from xmr import checkpoint
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, TEXT = Modality.PHOTO, Modality.TEXT
YAML = Path(__file__).with_suffix(".yaml")
BATCH = 64
PUBLISHED = "published"
BERT, FASTTEXT = "bert", "fasttext"  # of the setting text_encoder; all else is a file of word vectors


@dataclass(frozen=True)
class Losses:
    photo_anchor: float
    caption_anchor: float


@dataclass(frozen=True)
class Recipe(CaptionRecipe):
    """What coco_regions.yaml sets; the comments there say what each setting changes."""

    detector: str
    photo_size: int
    proposals: int
    text_encoder: str
    dim: int
    margin: float
    negatives: str
    losses: Losses


class Model(nn.Module):
    """Both towers, trained from cached features of their frozen parts."""

    def __init__(self, recipe: Recipe, photo: RegionTower, text: nn.Module) -> None:
        super().__init__()
        if recipe.negatives not in (SEMI_HARD, RANDOM):
            raise BadRecipe(f"Expected {SEMI_HARD} or {RANDOM} for 'negatives', got {recipe.negatives!r}.")
        self.recipe, self.photo, self.text = recipe, photo, text

    def forward(self, photo: torch.Tensor, text: torch.Tensor, group: torch.Tensor) -> dict:
        """Losses by name, and their weighted sum as "loss".

        photo: (N, 1024) features. text: (N, width) features. group: (N,), the image of rows n; a caption of the
        anchor's image is never a negative.
        """
        a, b, match = self.photo.head(photo), self.text.head(text), same(group, group)
        loss = partial(triplet, positive=match, margin=self.recipe.margin, negatives=self.recipe.negatives)
        losses = {"photo_anchor": loss(a, b), "caption_anchor": loss(b, a)}
        weights = vars(self.recipe.losses)
        return losses | {"loss": sum(weights[name] * loss for name, loss in losses.items())}


class Task:
    """Batches of photos, each once, with one caption each, as cached features."""

    modalities = (PHOTO, TEXT)

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.cache = recipe, cache
        self.data = {split: captioned(recipe, split) for split in ("train", "val")}
        items, self.val = self.data["train"], self.data["val"]
        self.protocols = score_protocols(recipe)
        check_score(recipe.score, partial(caption_figures, self.protocols, self.val))
        torch.manual_seed(recipe.seed)
        head = (recipe.dim, recipe.hidden, recipe.dropout)
        photo = RegionTower(network(recipe, folder), *head)
        if recipe.text_encoder == BERT:
            text = SentenceTower(*head, recipe.text_backbone)
            self.frozen = nn.ModuleList([text.trunk, text.layers])
            self.tokenizer = Tokenizer(write_tokenizer(folder / "tokenizer.json", recipe.text_backbone))
        else:
            captions = [item.content for item in items if item.modality is TEXT]
            text = WordTower(word_vectors(recipe.text_encoder, captions, cache), *head)
            write_table(text.vectors, captions, folder)
        self.model = Model(recipe, photo, text).eval()
        self.cached: dict[str, np.ndarray] = {}  # features by item id
        self.photos = [item for item in items if item.modality is PHOTO]
        self.features(items + self.val)
        self.captions: dict[frozenset[str], list[Item]] = {}
        for item in items:
            if item.modality is TEXT:
                self.captions.setdefault(item.labels, []).append(item)
        self.photos = [item for item in self.photos if item.id in self.cached and item.labels in self.captions]
        self.val = [item for item in self.val if item.id in self.cached]
        self.cycle = Cycle(len(self.photos), recipe.seed)

    @property
    def epoch_steps(self) -> int:
        """Steps in which each photo is drawn once."""
        return math.ceil(len(self.photos) / self.recipe.batch)

    def begin(self, stage: Stage, step: int) -> None:
        """Nothing to do."""

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The arguments of Model.forward."""
        rows = np.unique(self.cycle.take(step * self.recipe.batch, self.recipe.batch))
        captions = [rng.choice(self.captions[self.photos[row].labels]) for row in rows]
        photo = np.stack([self.cached[self.photos[row].id] for row in rows])
        text = np.stack([self.cached[item.id] for item in captions])
        return {"photo": torch.from_numpy(photo), "text": torch.from_numpy(text), "group": torch.from_numpy(rows)}

    def features(self, items: list[Item]) -> None:
        """Compute the frozen parts' features of items as far as they aren't known; undecodable photos have none."""
        photos, texts = ([i for i in items if i.modality is m and i.id not in self.cached] for m in (PHOTO, TEXT))
        self.cached |= region_means(self.model.photo, photos, self.recipe.photo_size, self.cache)
        if self.recipe.text_encoder == BERT:
            cache = FeatureCache(self.cache / f"sentences-{hash_of(self.frozen, self.recipe.max_tokens)}.f32")
            cache.fill({item.content: item for item in texts}, lambda: self.sentence_features, "sentences", workers=1)
            self.cached |= {item.id: cache.take([item.content])[0] for item in texts}
        else:
            self.cached |= {item.id: self.model.text.features(item.content) for item in texts}

    @torch.inference_mode()
    def sentence_features(self, items: list[Item]) -> np.ndarray:
        """(N, width) float32: the language model's mean token state of captions."""
        ids = torch.from_numpy(self.tokenizer.encode([item.content for item in items], self.recipe.max_tokens))
        return self.model.text.features(self.model.text.trunk(ids), ids).numpy()

    @torch.inference_mode()
    def vectors(self, items: list[Item]) -> np.ndarray:
        """(N, dim) float32 vectors of items of one modality, by the towers."""
        self.features(items)
        head = self.model.photo.head if items[0].modality is PHOTO else self.model.text.head
        device = next(head.parameters()).device
        features = torch.from_numpy(np.stack([self.cached[item.id] for item in items]))
        return head(features.to(device)).cpu().numpy()

    def validate(self, stage: Stage) -> dict[str, float]:
        """Metrics on the val items, as validate_captions."""
        return validate_captions(self.recipe, self.protocols, self.val, self.vectors)


def network(recipe: Recipe, folder: Path) -> nn.Module:
    """The detector; "shipped" is that of the run "detector" beside this system's runs, "published" the same as the
    published checkpoint has it."""
    if recipe.detector == PUBLISHED:
        return detector.published_network(checkpoint.ROOT / "coco-regions" / "photo.onnx", recipe.proposals)
    if recipe.detector == SHIPPED:
        return detector.trained(folder.parent.parent / "detector")
    return pretrained(recipe.detector, recipe.proposals, recipe.photo_size)


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The towers of a finished run, as the app gets them."""
    recipe = load_recipe(Recipe, folder)
    head = (recipe.dim, recipe.hidden, recipe.dropout)
    bert = recipe.text_encoder == BERT
    text = SentenceTower(*head, recipe.text_backbone) if bert else WordTable(read_table(folder), *head)
    model = Model(recipe, RegionTower(network(recipe, folder), *head), text)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    towers = published_towers(recipe, model.photo, model.text, folder / "tokenizer.json", size=recipe.photo_size)
    towers[PHOTO].config["batch"] = 1
    if not bert:
        config = towers[TEXT].config | {"tokenizer": "tokenizer.json"}
        towers[TEXT] = replace(towers[TEXT], shared="", config=config)
    built = "torchvision's Faster R-CNN, trained on COCO"
    if recipe.detector == SHIPPED:
        built = "a Faster R-CNN on MobileNetV2, " + detector.summary(folder.parent.parent / "detector")
    return PublishedSystem(
        recipe.name,
        recipe.about,
        recipe.protocols,
        "cosine",
        recipe.dim,
        towers,
        {
            "built": f"Photos: the mean of the features of what a detector proposes ({built}). Captions: the mean of "
            f"{text_read(recipe)}, at most {recipe.max_tokens}. Both are frozen; a small "
            f"head on each gives unit vectors of {recipe.dim} numbers, compared by cosine.",
            "data": [
                recipe.data_on_card,
                "imagenet",
                *text_sources(recipe),
                *(["world", "coco_mini"] if recipe.detector == SHIPPED else []),
            ],
            **words(recipe),
        },
    )


def text_name(recipe: Recipe) -> str:
    """What reads captions, by its name."""
    return display_name(recipe.text_backbone) if recipe.text_encoder == BERT else "fastText"


def text_read(recipe: Recipe) -> str:
    """What is averaged of a caption."""
    if recipe.text_encoder == BERT:
        return f"{text_name(recipe)}'s tokens"
    learned = (
        "learned from the training captions" if recipe.text_encoder == FASTTEXT else Path(recipe.text_encoder).name
    )
    return f"its words' vectors by fastText ({learned}), of words in the training captions"


def text_sources(recipe: Recipe) -> list[str]:
    """The keys of the weights that came with what reads captions, in training.release.card.DATA."""
    if recipe.text_encoder == BERT:
        return [text_source(recipe)]
    return [] if recipe.text_encoder == FASTTEXT else [Path(recipe.text_encoder).name]


def words(recipe: Recipe) -> dict[str, str]:
    """The card's sentences that follow from the recipe: how it "differs" from the published system; its "limits"."""
    trained = "mostly on rendered photos" if recipe.detector == SHIPPED else "on COCO"
    return {
        "differs": "The published system is trained on COCO, on the proposals of a Faster R-CNN and fastText or BERT, "
        f"in a network for each direction and with random negatives; here the detector was trained {trained}, the "
        f"captions are {recipe.data.capitalize()}'s through {text_name(recipe)}, and one network "
        "serves both directions, with negatives chosen in the batch.",
        "limits": "A photo's things count, but not where they are. It knows everyday scenes as Flickr shows them, and "
        "English. It takes no drawings.",
    }
