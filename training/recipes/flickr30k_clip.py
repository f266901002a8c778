"""flickr30k-clip: photos and English captions in one space, by a symmetric contrastive loss (Radford et al. 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from training.captions import CaptionTask, TunedRecipe, parts
from training.datasets import catalogue
from training.fit import Stage
from training.objectives import contrastive
from training.recipes import Published, kept, train
from training.sampling import Cycle
from training.towers.photo import PhotoTower
from training.towers.sentence import LAST, SentenceTower, write_tokenizer
from xmr.modality import Modality
from xmr.preprocess import UNKNOWN, Tokenizer

YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Recipe(TunedRecipe):
    """What flickr30k_clip.yaml sets; the comments there say what each setting changes."""

    dim: int
    unique: bool
    unread: float
    paraphrases: int


class Clip(nn.Module):
    """Both towers and the temperature."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        r = self.recipe = recipe
        torch.manual_seed(r.seed)
        self.photo = PhotoTower(r.dim, r.hidden, r.photo_cut, r.dropout, r.backbone)
        self.text = SentenceTower(r.dim, r.hidden, r.dropout, r.sentences)
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, photo: dict, text_en: dict, told: torch.Tensor | None = None) -> dict:
        """The loss: of photos and captions, plus half of that of captions and other captions of the same photo.

        photo, text_en: what training.sampling drew; caption n is of photo n. told: (2 N, L) token ids, the first half
        and the second of the same N photos, which are not there themselves.
        """
        losses = {"photo_text": self.matched(self.photo.from_maps(photo["input"]), self.read(text_en["ids"]))}
        if told is not None:
            losses["text_text"] = 0.5 * self.matched(*self.read(told).chunk(2))
        return losses | {"loss": sum(losses.values())}

    def matched(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The symmetric contrastive loss of (N, dim) unit vectors whose rows n belong together."""
        with torch.autocast(a.device.type, enabled=False):  # temperatures want exact logits
            own = torch.eye(len(a), device=a.device)
            return contrastive(a.float(), b.float(), own, self.log_scale.exp().clamp(max=100.0))

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        """Captions' vectors, in training with some word pieces hidden."""
        if self.training and self.recipe.unread:
            hidden = (torch.rand(ids.shape, device=ids.device) < self.recipe.unread) & (ids > LAST)
            ids = ids.masked_fill(hidden, UNKNOWN)
        return self.text(ids)


class Task(CaptionTask):
    """CaptionTask, or with `unique` off captions drawn at random with their photos, of which some come twice."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        tokenizer = Tokenizer(write_tokenizer(folder / "tokenizer.json", recipe.sentences))
        super().__init__(recipe, Clip(recipe), tokenizer, cache)
        self.told: list[np.ndarray] = []  # of each photo that only captions tell of, the rows of those
        if recipe.paraphrases:
            captions: dict[str, list[str]] = {}
            for item in catalogue.get("multi30k").items("train"):
                if item.language == "en":
                    captions.setdefault(min(item.labels), []).append(item.content)
            self.told = [self.pool.vocabulary.add(texts) for texts in captions.values() if len(set(texts)) > 1]
            self.order = Cycle(len(self.told), recipe.seed)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """CaptionTask's, and pairs of captions of photos that are not there."""
        batch, count = super().batch(stage, step, rng), self.recipe.paraphrases
        if count:
            drawn = self.order.take(step * count, count)
            pairs = np.stack([rng.choice(self.told[row], 2, replace=False) for row in drawn])  # (N, 2)
            batch["told"] = self.pool.vocabulary.padded(pairs.T.ravel())
        return batch

    def rows(self, step: int, rng: np.random.Generator) -> np.ndarray:
        if self.recipe.unique:
            return super().rows(step, rng)
        return rng.integers(len(self.pool.rows[Modality.PHOTO].items), size=self.recipe.batch)


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> Published:
    """The towers of a finished run, as the app gets them."""
    recipe = kept(Recipe, folder)
    model = Clip(recipe)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    return Published(
        recipe.name, recipe.about, recipe.protocols, "cosine", recipe.dim,
        parts(recipe, model.photo, model.text, folder / "tokenizer.json"),
        {
            "built": f"MobileNetV2 (ImageNet-1k), its last stages trained further, and all-MiniLM-L6-v2, its "
            f"second half trained further, the mean of whose tokens counts, at most {recipe.max_tokens}; a head on "
            f"each gives unit vectors of {recipe.dim} numbers, compared by cosine.",
            "data": ["flickr8k", *(["multi30k"] if recipe.paraphrases else []), "imagenet", "minilm"],
            "limits": "It knows everyday scenes as Flickr shows them, and English. It takes no drawings.",
        },
    )  # fmt: skip
