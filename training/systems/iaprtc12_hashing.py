"""iaprtc12-hashing: photos and descriptions in two languages as short binary codes, by four triplet losses.

Matching isn't transitive: two descriptions that each share a concept with a photo need not share one with each other.
Codes are nested as in Matryoshka representations (Kusupati et al. 2022): a prefix of a code is a code, so that one
training gives all lengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.datasets import catalogue, labels_of, located, stable_order, world
from training.datasets.concepts import CONCEPTS, tagged
from training.learn.fit import Stage
from training.learn.losses import imbalance, quantisation, triplet
from training.learn.recipe import load_recipe, train
from training.systems import PublishedSystem
from training.systems.caption_base import CaptionTask, TunedRecipe, published_system, text_built
from training.towers.photo import PhotoTower, weights_source
from training.towers.sentence import SentenceTower, display_name, write_tokenizer
from xmr.evaluation import Vectors
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, TEXT = Modality.PHOTO, Modality.TEXT
LABELLED = ("iaprtc12", "world")  # data whose photos have labels; of others, captions name concepts
SPLIT = "hashing-1"  # changing it changes which photos are trained on
YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Losses:
    photo_text: float
    text_text: float
    photo_photo: float
    quantise: float
    balance: float


@dataclass(frozen=True)
class Recipe(TunedRecipe):
    """What iaprtc12_hashing.yaml sets; the comments there say what each setting changes."""

    bits: tuple[int, ...]
    train: int
    margin: float
    losses: Losses


class CodeHead(nn.Module):
    """(N, features) -> (N, bits): tanh activations in training, their signs (-1 or 1; 0 counts as -1) in evaluation.

    signs: False gives the activations in evaluation too.
    """

    def __init__(self, features: int, hidden: int, bits: int, dropout: float) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, bits))
        self.signs = True

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        code = self.net(features).tanh()
        return torch.where(code > 0, 1.0, -1.0) if self.signs and not self.training else code


class Hashing(nn.Module):
    """Both towers."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        r = self.recipe = recipe
        torch.manual_seed(r.seed)
        self.photo = PhotoTower(0, 0, r.photo_cut, name=r.backbone)
        self.photo.head = CodeHead(self.photo.features, r.hidden, max(r.bits), r.dropout)
        self.text = SentenceTower(1, 1, 0.0, r.text_backbone)
        self.text.head = CodeHead(self.text.width, r.hidden, max(r.bits), r.dropout)

    def forward(self, photo: dict, **texts: dict) -> dict:
        """Losses by name, and their weighted sum as "loss". Each part, that of the photos and one of descriptions for
        each language, has its items' "tags", (N, concepts) bool."""
        parts = {"photo": (self.photo.from_maps(photo["input"]), photo["tags"])}
        parts |= {name: (self.text(part["ids"]), part["tags"]) for name, part in texts.items()}
        with torch.autocast(photo["tags"].device.type, enabled=False):
            codes = {name: code.float() for name, (code, _) in parts.items()}
            tags = {name: held.float() for name, (_, held) in parts.items()}
            found = {
                "photo_text": [self.pair(codes, tags, *ab) for x in texts for ab in (("photo", x), (x, "photo"))],
                "text_text": [self.pair(codes, tags, a, b) for a in texts for b in texts],
                "photo_photo": [self.pair(codes, tags, "photo", "photo")],
                "quantise": [quantisation(code) for code in codes.values()],
                "balance": [imbalance(code) for code in codes.values()],
            }
            losses = {name: torch.stack(terms).mean() for name, terms in found.items()}
        losses["loss"] = sum(getattr(self.recipe.losses, name) * loss for name, loss in losses.items())
        return losses

    def pair(self, codes: dict[str, torch.Tensor], tags: dict[str, torch.Tensor], a: str, b: str) -> torch.Tensor:
        """The triplet loss from one part to another, or to itself without the item itself: the mean over code lengths,
        each code scaled to unit length."""
        positive = tags[a] @ tags[b].T > 0
        itself = torch.eye(len(positive), dtype=torch.bool, device=positive.device) if a == b else None
        nested = [[codes[part][:, :bits] * bits**-0.5 for part in (a, b)] for bits in self.recipe.bits]
        return torch.stack([triplet(*ab, positive, self.recipe.margin, itself) for ab in nested]).mean()


class Task(CaptionTask):
    """CaptionTask on descriptions, whose batches have each item's concepts as multi-hot "tags"."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        tokenizer = Tokenizer(write_tokenizer(folder / "tokenizer.json", recipe.text_backbone))
        super().__init__(recipe, Hashing(recipe), tokenizer, cache, described)
        photos = self.pool.rows[PHOTO]
        concepts = sorted({label for item in photos.items for label in labels_of(item, "tag")})
        self.tags = torch.zeros(int(photos.group.max()) + 1, len(concepts), dtype=torch.bool)  # by group
        columns = {label: column for column, label in enumerate(concepts)}
        for item, group in zip(photos.items, photos.group, strict=True):
            self.tags[group, [columns[label] for label in labels_of(item, "tag")]] = True

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        batch = super().batch(stage, step, rng)
        for part in batch.values():
            part["tags"] = self.tags[part["group"]]
        return batch

    @property
    def views(self) -> dict[str, Vectors]:
        """What an ablation measures: the codes of each length, and their upper bound, the activations before the signs,
        at unit length. Activations are computed once for all lengths."""
        known: dict[str, np.ndarray] = {}

        def numbers(items: list[Item], bits: int) -> np.ndarray:
            if new := [item for item in items if item.id not in known]:
                known.update(zip([item.id for item in new], self.activations(new), strict=True))
            return np.stack([known[item.id][:bits] for item in items])

        def codes(items: list[Item], bits: int) -> np.ndarray:
            return np.where(numbers(items, bits) > 0, 1.0, -1.0).astype(np.float32)

        def floats(items: list[Item], bits: int) -> np.ndarray:
            found = numbers(items, bits)
            return found / np.linalg.norm(found, axis=1, keepdims=True)

        return {
            f" {bits} {name}": partial(view, bits=bits)
            for name, view in (("bits", codes), ("numbers", floats))
            for bits in self.recipe.bits
        }

    def activations(self, items: list[Item]) -> np.ndarray:
        """(N, bits) activations in -1..1, before their signs are taken."""
        heads = (self.model.photo.head, self.model.text.head)
        for head in heads:
            head.signs = False
        found = self.vectors(items)
        for head in heads:
            head.signs = True
        return found

    def validate(self, stage: Stage) -> dict[str, float]:
        """CaptionTask's metrics, and of the photos' codes the "quantisation" error and the bits' "imbalance"."""
        photos = [item for item in self.val if item.modality is PHOTO]
        errors = {
            "quantisation": float(np.square(np.abs(self.activations(photos)) - 1).mean()),
            "imbalance": float(np.abs(self.vectors(photos).mean(0)).mean()),
        }
        return super().validate(stage) | errors


def described(recipe: Recipe, split: str) -> list[Item]:
    """Photos with concepts, and a description of each in each of the recipe's languages; of "train", recipe.train.

    The concepts are the photos' tags where they have any, as in IAPR TC-12 and the rendered world; else those that
    their captions name, in any language.
    """
    if recipe.data == "world":
        found = world.described(split)
    else:
        found = catalogue.get(recipe.data).items(split, located(recipe.folder))
        if not any(labels_of(item, "tag") for item in found):
            found = tagged(found)
    found = [item for item in found if item.language in (None, *recipe.languages)]
    if split != "train":
        return found
    chosen = set(stable_order([item.id for item in found if item.modality is PHOTO], SPLIT)[: recipe.train])
    return [item for item in found if item.id.partition("#")[0] in chosen]


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The towers of a finished run, as the app gets them."""
    recipe = load_recipe(Recipe, folder)
    network, bits = weights_source(recipe.backbone)[0], sorted(recipe.bits)
    tuned = any("photo.upper" in stage.rates for stage in recipe.stages)
    photos = "its last stages trained further" if tuned else "as ImageNet left it"
    nested = f", whose first {', '.join(map(str, bits[:-1]))} are codes too" if bits[:-1] else ""
    built = (
        f"The features of {network}, {photos}, and {text_built(recipe)}; two layers on each give codes of {bits[-1]} "
        f"bits{nested}. Answers whose codes differ in as many bits keep the gallery's order."
    )
    made = published_system(Hashing(recipe), folder, "hamming", bits[-1], {"built": built, **words(recipe)}, described)
    return replace(made, codes=bits)


def words(recipe: Recipe) -> dict[str, str]:
    """The card's sentences that follow from the recipe: how it "differs" from the published system; its "limits"."""
    network, sentences = weights_source(recipe.backbone)[0], display_name(recipe.text_backbone)
    labels = "with its labels" if recipe.data in LABELLED else "concepts that its captions name stand for labels"
    several = "the short codes are the first bits of the long one" if len(recipe.bits) > 1 else "there is one length"
    return {
        "differs": "The published system trains ResNet-18 and a BERT of each language on IAPR TC-12 with its labels, "
        f"one network a length of code; here {network}'s features and one language model for all, {sentences}, are "
        f"trained on {recipe.data.capitalize()}, {labels}, and {several}.",
        "limits": (
            "It was taught the labels of its photos"
            if recipe.data in LABELLED
            else f"It was taught {len(CONCEPTS)} concepts of everyday scenes"
        )
        + ", and tells apart what they tell apart. "
        + (
            ""
            if recipe.data == "world"
            else "Rendered photos, as the shipped ones, it was not trained on: see world-tags. "
        )
        + "It takes no drawings, and cannot mix.",
    }
