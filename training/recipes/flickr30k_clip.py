"""flickr30k-clip: photos and English captions in one space, by a symmetric contrastive loss (Radford et al. 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from training.captions import CaptionTask, TunedRecipe, parts
from training.objectives import contrastive
from training.recipes import Published, kept, train
from training.towers.photo import PhotoTower, credit
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


class Clip(nn.Module):
    """Both towers and the temperature."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        r = self.recipe = recipe
        torch.manual_seed(r.seed)
        self.photo = PhotoTower(r.dim, r.hidden, r.photo_cut, r.dropout, r.backbone)
        self.text = SentenceTower(r.dim, r.hidden, r.dropout, r.sentences)
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, photo: dict, text_en: dict) -> dict:
        """The loss. photo, text_en: what training.sampling drew; caption n is of photo n."""
        a, b = self.photo.from_maps(photo["input"]), self.read(text_en["ids"])
        with torch.autocast(a.device.type, enabled=False):  # temperatures want exact logits
            own = torch.eye(len(a), device=a.device)
            return {"loss": contrastive(a.float(), b.float(), own, self.log_scale.exp().clamp(max=100.0))}

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
    network, source = credit(recipe.backbone)
    return Published(
        recipe.name, recipe.about, recipe.protocols, "cosine", recipe.dim,
        parts(recipe, model.photo, model.text, folder / "tokenizer.json"),
        {
            "built": f"{network} (ImageNet-1k), its last stages trained further, and all-MiniLM-L6-v2, "
            f"its second half trained further, the mean of whose tokens counts, at most {recipe.max_tokens}; a head on "
            f"each gives unit vectors of {recipe.dim} numbers, compared by cosine.",
            "data": ["flickr8k", source, "minilm"],
            "limits": "It knows everyday scenes as Flickr shows them, and English. It takes no drawings.",
        },
    )  # fmt: skip
