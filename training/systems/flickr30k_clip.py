"""flickr30k-clip: photos and English captions in one space, by a symmetric contrastive loss (Radford et al. 2021)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.learn.fit import Stage
from training.learn.losses import contrastive
from training.learn.recipe import load_recipe, train
from training.systems import PublishedSystem
from training.systems.caption_base import CaptionTask, TunedRecipe, published_system, text_built
from training.towers.photo import PhotoTower, weights_source
from training.towers.sentence import LAST_SPECIAL, SentenceTower, display_name, write_tokenizer
from xmr.modality import Modality
from xmr.preprocess import UNKNOWN, Tokenizer

YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Recipe(TunedRecipe):
    """What flickr30k_clip.yaml sets; the comments there say what each setting changes."""

    dim: int
    unique_photos: bool
    token_mask_prob: float


class Clip(nn.Module):
    """Both towers and the temperature."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        r = self.recipe = recipe
        torch.manual_seed(r.seed)
        self.photo = PhotoTower(r.dim, r.hidden, r.photo_cut, r.dropout, r.backbone)
        self.text = SentenceTower(r.dim, r.hidden, r.dropout, r.text_backbone)
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, photo: dict, text_en: dict) -> dict:
        """The loss. photo, text_en: parts drawn by learn.sampling; caption n is of photo n."""
        a, b = self.photo.from_maps(photo["input"]), self.read(text_en["ids"])
        with torch.autocast(a.device.type, enabled=False):  # half precision is too coarse for scaled logits
            positive = torch.eye(len(a), device=a.device)
            return {"loss": contrastive(a.float(), b.float(), positive, self.log_scale.exp().clamp(max=100.0))}

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids (N, L) of captions -> (N, dim); in training, some tokens are masked."""
        if self.training and self.recipe.token_mask_prob:
            masked = (torch.rand(ids.shape, device=ids.device) < self.recipe.token_mask_prob) & (ids > LAST_SPECIAL)
            ids = ids.masked_fill(masked, UNKNOWN)
        return self.text(ids)


class Task(CaptionTask):
    """CaptionTask; without `unique_photos`, photos are drawn with replacement."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        tokenizer = Tokenizer(write_tokenizer(folder / "tokenizer.json", recipe.text_backbone))
        super().__init__(recipe, Clip(recipe), tokenizer, cache)

    @property
    def epoch_steps(self) -> int:
        """As CaptionTask's; where photos are drawn with their pairs, steps in which as many pairs are drawn as there
        are."""
        if self.recipe.unique_photos:
            return super().epoch_steps
        return math.ceil(sum(map(len, self.pool.captions["en"])) / self.recipe.batch)

    def rows(self, step: int, rng: np.random.Generator) -> np.ndarray:
        if self.recipe.unique_photos:
            return super().rows(step, rng)
        return rng.integers(len(self.pool.rows[Modality.PHOTO].items), size=self.recipe.batch)

    def validate(self, stage: Stage) -> dict[str, float]:
        """CaptionTask's metrics, and "val/loss", which stands beside "train/loss"."""
        return super().validate(stage) | {"val/loss": self.val_loss()}

    @torch.inference_mode()
    def val_loss(self) -> float:
        """The mean loss of the val photos with a caption each, always the same ones, in batches as large as in training
        (the loss grows with a batch); in one where there are fewer photos."""
        rng, device = np.random.default_rng(0), next(self.model.parameters()).device
        rows = rng.permutation([row for row, texts in enumerate(self.val_pool.captions["en"]) if len(texts)])
        size = min(self.recipe.batch, len(rows))
        losses = []
        for start in range(0, len(rows) - size + 1, size):
            parts = self.val_pool.captioned(rng, rows[start : start + size])
            inputs = {name: {key: value.to(device) for key, value in part.items()} for name, part in parts.items()}
            losses.append(self.model(**inputs)["loss"].item())
        return float(np.mean(losses))


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The towers of a finished run, as the app gets them."""
    recipe = load_recipe(Recipe, folder)
    network, part = weights_source(recipe.backbone)[0], "its last stages" if recipe.photo_cut else "all of it"
    built = (
        f"{network} (ImageNet-1k), {part} trained further, and {text_built(recipe)}; a head on each gives unit vectors "
        f"of {recipe.dim} numbers, compared by cosine."
    )
    return published_system(Clip(recipe), folder, "cosine", recipe.dim, {"built": built, **words(recipe)})


def words(recipe: Recipe) -> dict[str, str]:
    """The card's sentences that follow from the recipe: how it "differs" from the published system; its "limits"."""
    network, sentences = weights_source(recipe.backbone)[0], display_name(recipe.text_backbone)
    head = f"a hidden layer of {recipe.hidden}" if recipe.hidden else "no hidden layer"
    return {
        "differs": "The published system trains all of EfficientNet-B0 and MiniLM-L12 on Flickr30k, with linear heads "
        f"and captions drawn at random; here the later layers of {network} and {sentences} are trained on "
        f"{recipe.data.capitalize()}, with {head} in each head, {recipe.hard_negative_share:.0%} of each batch hard "
        f"negatives, and {recipe.token_mask_prob:.0%} of the words masked.",
        "limits": "It knows everyday scenes as Flickr shows them, and English. It takes no drawings.",
    }
