"""coco-regions: the mean of what a detector proposes in a photo and a caption's mean, by two small towers in one space.

Detector and language model are frozen, so that what they make of photos and captions is computed once; the heads on
them learn by the triplet margin, with photos as anchors, captions as anchors, or both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from training.captions import CaptionRecipe, captioned, parts, validated
from training.fit import Stage
from training.objectives import same, triplet
from training.recipes import BadRecipe, Published, detector, kept, train
from training.regions import kept_features, region_means
from training.sampling import Cycle
from training.towers.photo import SHIPPED
from training.towers.regions import RegionTower, pretrained
from training.towers.sentence import SentenceTower, write_tokenizer
from training.towers.words import WordTower, word_vectors
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, TEXT = Modality.PHOTO, Modality.TEXT
YAML = Path(__file__).with_suffix(".yaml")
BATCH = 64


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
    words: str
    dim: int
    margin: float
    losses: Losses


class Model(nn.Module):
    """Both towers; they are trained from the features that their frozen parts gave."""

    def __init__(self, recipe: Recipe, photo: RegionTower, text: nn.Module) -> None:
        super().__init__()
        self.recipe, self.photo, self.text = recipe, photo, text

    def forward(self, photo: torch.Tensor, text: torch.Tensor, group: torch.Tensor) -> dict:
        """Losses by name, and their weighted sum as "loss". photo: (N, 1024), text: (N, width), and the image (N,) that
        both rows n are of: a caption of the anchor's photo is never a wrong one."""
        a, b, match = self.photo.head(photo), self.text.head(text), same(group, group)
        losses = {"photo_anchor": triplet(a, b, match, self.recipe.margin),
                  "caption_anchor": triplet(b, a, match, self.recipe.margin)}  # fmt: skip
        weights = vars(self.recipe.losses)
        return losses | {"loss": sum(weights[name] * loss for name, loss in losses.items())}


class Task:
    """Batches of photos, none twice, each with one of its captions."""

    modalities = (PHOTO, TEXT)

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.cache = recipe, cache
        items = captioned(recipe, "train")
        torch.manual_seed(recipe.seed)
        head = (recipe.dim, recipe.hidden, recipe.dropout)
        photo = RegionTower(network(recipe, folder), *head)
        if recipe.words == "bert":
            text = SentenceTower(*head, recipe.sentences)
            self.frozen = nn.ModuleList([text.trunk, text.layers])
            self.tokenizer = Tokenizer(write_tokenizer(folder / "tokenizer.json", recipe.sentences))
        else:
            captions = [item.content for item in items if item.modality is TEXT]
            text = WordTower(word_vectors(recipe.words, captions, cache), *head)
        self.model = Model(recipe, photo, text).eval()
        self.held: dict[str, np.ndarray] = {}  # an item's id -> its features
        self.photos = [item for item in items if item.modality is PHOTO]
        self.val = captioned(recipe, "val")
        self.features(items + self.val)
        self.captions: dict[frozenset[str], list[Item]] = {}
        for item in items:
            if item.modality is TEXT:
                self.captions.setdefault(item.labels, []).append(item)
        self.photos = [item for item in self.photos if item.id in self.held and item.labels in self.captions]
        self.val = [item for item in self.val if item.id in self.held]
        self.cycle = Cycle(len(self.photos), recipe.seed)

    def begin(self, stage: Stage, step: int) -> None:
        """Nothing to do."""

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The keywords of Model.forward."""
        rows = np.unique(self.cycle.take(step * self.recipe.batch, self.recipe.batch))
        told = [rng.choice(self.captions[self.photos[row].labels]) for row in rows]
        photo = np.stack([self.held[self.photos[row].id] for row in rows])
        text = np.stack([self.held[item.id] for item in told])
        return {"photo": torch.from_numpy(photo), "text": torch.from_numpy(text), "group": torch.from_numpy(rows)}

    def features(self, items: list[Item]) -> None:
        """Hold what the frozen parts make of items; a photo that can't be decoded is left out."""
        photos, texts = ([i for i in items if i.modality is m and i.id not in self.held] for m in (PHOTO, TEXT))
        self.held |= region_means(self.model.photo, photos, self.recipe.photo_size, self.cache)
        if self.recipe.words == "bert":
            self.held |= kept_features(self.frozen, texts, lambda: self.sentence_features, self.cache)
        else:
            self.held |= {item.id: self.model.text.features(item.content) for item in texts}

    @torch.inference_mode()
    def sentence_features(self, items: list[Item]) -> np.ndarray:
        """(N, width) float32."""
        ids = torch.from_numpy(self.tokenizer.encode([item.content for item in items], self.recipe.max_tokens))
        return self.model.text.features(self.model.text.trunk(ids), ids).numpy()

    @torch.inference_mode()
    def vectors(self, items: list[Item]) -> np.ndarray:
        """(N, dim) float32 vectors of items of one modality, through the towers."""
        self.features(items)
        head = self.model.photo.head if items[0].modality is PHOTO else self.model.text.head
        device = next(head.parameters()).device
        features = torch.from_numpy(np.stack([self.held[item.id] for item in items]))
        return head(features.to(device)).cpu().numpy()

    def validate(self, stage: Stage) -> dict[str, float]:
        return validated(self.recipe, self.val, self.vectors)


def network(recipe: Recipe, folder: Path) -> nn.Module:
    """The detector; the shipped one is that of the run "detector" beside the runs of this system."""
    if recipe.detector == SHIPPED:
        return detector.trained(folder.parent.parent / "detector")
    return pretrained(recipe.detector, recipe.proposals, recipe.photo_size)


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> Published:
    """The towers of a finished run, as the app gets them."""
    recipe = kept(Recipe, folder)
    if recipe.words != "bert":
        raise BadRecipe(f"Word vectors ({recipe.words}) are only measured. Publish a run with words=bert.")
    head = (recipe.dim, recipe.hidden, recipe.dropout)
    model = Model(recipe, RegionTower(network(recipe, folder), *head), SentenceTower(*head, recipe.sentences))
    model.load_state_dict(load_file(folder / "best.safetensors"))
    found = parts(recipe, model.photo, model.text, folder / "tokenizer.json", size=recipe.photo_size)
    found[PHOTO].config["batch"] = 1
    built = "torchvision's Faster R-CNN, trained on COCO"
    if recipe.detector == SHIPPED:
        built = "a Faster R-CNN on MobileNetV2, " + detector.told(folder.parent.parent / "detector")
    return Published(
        recipe.name, recipe.about, recipe.protocols, "cosine", recipe.dim, found,
        {
            "built": f"Photos: the mean of the features of what a detector proposes ({built}). Captions: the mean of "
            f"all-MiniLM-L6-v2's tokens, at most {recipe.max_tokens}. Both are frozen; a small head on each gives unit "
            f"vectors of {recipe.dim} numbers, compared by cosine.",
            "data": ["flickr8k", "imagenet", "minilm", *(["world", "coco_mini"] if recipe.detector == SHIPPED else [])],
            "limits": "A photo's things count, but not where they are. It knows everyday scenes as Flickr shows them, "
            "and English. It takes no drawings.",
        },
    )  # fmt: skip
