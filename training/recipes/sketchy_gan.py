"""sketchy-gan: a generator turns a sketch's features into those of a photo, against a discriminator of photo features.

The photo's features are those of a network that knows photos; a sketch network and the generator learn to reach them:
the discriminator is to take what is generated for a real photo's features (Goodfellow et al. 2014), and retrieval
losses put it near the photos of its class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn
from torch.func import functional_call

from training.datasets import imagenet1000, labels_of
from training.datasets.outlines import outlines
from training.fit import Stage, TrainingStopped
from training.objectives import contrastive, same, triplet
from training.recipes import BadRecipe, Published, kept, train
from training.sampling import make_pool
from training.sketches import SketchRecipe, SketchTask, class_means, parts, real_items
from training.towers.heads import ProjectionHead, Recall
from training.towers.photo import Followed, PhotoTower, backbone, credit
from training.towers.sketch import Mirrored, Resized, paper, plain_cnn
from training.vary import half_mixed, vary_sketches
from xmr.modality import Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Losses:
    triplet: float
    adversarial: float
    contrast: float
    centres: float


@dataclass(frozen=True)
class Recalled:
    photo: float
    sketch: float


@dataclass(frozen=True)
class Recipe(SketchRecipe):
    """What sketchy_gan.yaml sets; the comments there say what each setting changes."""

    sketcher: str
    sizes: tuple[int, ...]
    outlines: int
    code: int
    generator: int
    discriminator: int
    recall: Recalled
    losses: Losses
    winning: float
    patience: int


class Sketcher(nn.Module):
    """sketch (N, S, S), 255 paper and 0 ink -> (N, code) features."""

    def __init__(self, kind: str, code: int) -> None:
        super().__init__()
        self.stem, self.upper, features = plain_cnn() if kind == "plain" else backbone(0, kind)
        self.stem.requires_grad_(False)
        self.code = nn.Linear(features, code)

    def forward(self, sketch: torch.Tensor) -> torch.Tensor:
        return self.code(self.features(sketch))

    def features(self, sketch: torch.Tensor) -> torch.Tensor:
        """What the network sees in it, before it is brought to a code."""
        return self.upper(self.stem(paper(sketch)))


class SketchyGan(nn.Module):
    """The photo network, the sketch network, the two players, and a temperature."""

    def __init__(self, recipe: Recipe, classes: int) -> None:
        super().__init__()
        r = self.recipe = recipe
        if r.recall != Recalled(0, 0) and not r.losses.centres:
            raise BadRecipe("Expected 'recall' to be 0 where losses.centres is: it goes by what that loss has learned.")
        torch.manual_seed(r.seed)
        self.photo = PhotoTower(0, 0, r.photo_cut, name=r.backbone)
        self.sketch = Sketcher(r.sketcher, r.code).to(memory_format=torch.channels_last)
        self.generator = ProjectionHead(r.code, self.photo.features, r.generator, r.dropout)
        self.discriminator = nn.Sequential(
            nn.LayerNorm(self.photo.features, elementwise_affine=False),
            nn.Linear(self.photo.features, r.discriminator), nn.LeakyReLU(0.2),
            nn.Dropout(r.dropout), nn.Linear(r.discriminator, 1),
        )  # fmt: skip
        self.log_scale = nn.Parameter(torch.tensor(3.0))
        self.register_buffer("centres", torch.zeros(classes, self.photo.features))

    @torch.no_grad()
    def begin(self, photos: torch.Tensor, sketches: torch.Tensor) -> None:
        """Begin with what the network makes of a sketch, seen from the middle of all sketches, in the main directions
        of photos: what it knows of things that look alike is not to be learned anew from a few thousand sketches.

        photos, sketches: (N, features) of either, by the same network, untrained.
        """
        directions = torch.linalg.svd(photos - photos.mean(0), full_matrices=False)[2][: self.recipe.code]
        self.sketch.code.weight.copy_(directions)
        self.sketch.code.bias.copy_(-directions @ sketches.mean(0))
        self.generator.linear.weight.copy_(directions.T)
        self.generator.linear.bias.zero_()

    def forward(self, photo: dict, sketch: dict) -> dict:
        """Both players' losses by name, and their weighted sum as "loss".

        One step moves both players: each one's loss has a gradient for that player alone, so that Adam's steps are the
        same as those of two optimisers that step at the same time.

        photo, sketch: what training.sampling drew, the sketches as pixels; "row" is their class's row of the centres.
        """
        weights = self.recipe.losses
        drawn = vary_sketches(sketch["input"], self.recipe.sketch_size)
        drawn, other, share = half_mixed(drawn, self.recipe.mix)
        made = self.generator(self.sketch(drawn))  # (N, features)
        real = self.photo.from_maps(photo["input"])
        losses = {}
        with torch.autocast(made.device.type, enabled=False):
            made, real = made.float(), real.float()
            scale = self.log_scale.exp().clamp(max=100.0)
            kin = same(sketch["cls"], photo["cls"]) | same(sketch["group"], photo["group"])
            if weights.triplet and share == 1.0:
                losses["triplet"] = triplet(made, real, kin, self.recipe.margin)
            if weights.contrast:
                positive = kin.float()
                losses["contrast"] = contrastive(made, real, positive.lerp(positive[other], 1 - share), scale)
            if weights.centres:  # an outline, of whatever it may be, has none
                rows = torch.arange(len(self.centres), device=made.device)
                wanted = same(sketch["row"], rows).float()
                logits = F.log_softmax(scale * made @ self.centres.T, dim=1)
                losses["centres"] = -(wanted.lerp(wanted[other], 1 - share) * logits).sum() / wanted.sum()
            if weights.adversarial:
                losses |= self.play(made, real)
        told = {"discriminator": 1.0} | vars(weights)
        losses["loss"] = sum(told[name] * loss for name, loss in losses.items())
        return losses

    def play(self, made: torch.Tensor, real: torch.Tensor) -> dict:
        """Binary cross-entropy of each player: the discriminator on both, the generator on what it wants it to say."""
        fake, true = self.discriminator(made.detach()), self.discriminator(real.detach())
        frozen = {name: p.detach() for name, p in self.discriminator.named_parameters()}
        return {
            "discriminator": 0.5 * (F.softplus(fake).mean() + F.softplus(-true).mean()),
            "adversarial": F.softplus(-functional_call(self.discriminator, frozen, (made,))).mean(),
        }

    def made(self, modality: Modality, pixels: torch.Tensor) -> torch.Tensor:
        """What the players see: a photo's features, or what is generated from a sketch."""
        return self.photo(pixels) if modality is PHOTO else self.generator(self.sketch(pixels))

    def embed(self, modality: Modality, pixels: torch.Tensor) -> torch.Tensor:
        return self.tower(modality).to(pixels.device)(pixels)  # what it adds is made anew

    def tower(self, modality: Modality) -> nn.Module:
        """After training: from a photo to its features, or from a sketch to what is generated, moved on towards the
        mean features of the classes that it is likely to be of."""
        tower, share = self.photo, vars(self.recipe.recall)[modality]
        if modality is SKETCH:
            made = nn.Sequential(self.sketch, self.generator)
            tower = Mirrored(made) if self.recipe.mirrored else made
            tower = Resized(tower, self.recipe.query_size, self.recipe.sizes)
        return Followed(tower, Recall(self.centres, self.log_scale.detach().exp(), share)) if share else tower


class Task(SketchTask):
    """SketchTask, the mean features of each class's photos, and an eye on whether the discriminator wins."""

    def __init__(self, recipe: Recipe, cache: Path) -> None:
        classes = {label for item in real_items(recipe, "train") for label in labels_of(item, "class")}
        super().__init__(recipe, SketchyGan(recipe, len(classes)), cache)
        head, maps = self.model.photo.head, self.real.rows[PHOTO].maps
        if recipe.outlines:
            photos = maps.items + imagenet1000.items("train")
            pairs = photos + outlines(photos)
            pool = make_pool("outlines", pairs, self.model.photo, 1, self.labels, cache, named=False)
            self.pools.append((pool, recipe.outlines))
        features = self.features(maps)
        head.centre.copy_(features.mean(0))
        if recipe.sketcher == recipe.backbone:
            self.model.begin(features, self.of_some(self.model.sketch.features, recipe.sketch_size))
        self.classes, centres = class_means(self.real, head(features).numpy())
        self.model.centres.copy_(F.normalize(centres))
        self.won = 0

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """SketchTask's, and for each sketch the row of its class's centre; -1 for none."""
        batch = super().batch(stage, step, rng)
        cls = batch["sketch"]["cls"].numpy()
        batch["sketch"]["row"] = torch.from_numpy(np.where(cls < 0, -1, np.searchsorted(self.classes, cls)))
        return batch

    def validate(self, stage: Stage) -> dict[str, float]:
        """SketchTask's, and "told_apart": how often the discriminator is right, sketches and photos counted alike."""
        figures = super().validate(stage)
        if not self.recipe.losses.adversarial:
            return figures
        told = told_apart(self.model.discriminator, *(
            self.vectors([item for item in self.val if item.modality is m], self.model.made) for m in (SKETCH, PHOTO)
        ))  # fmt: skip
        self.won = self.won + 1 if told >= self.recipe.winning else 0
        if self.won >= self.recipe.patience:
            raise TrainingStopped(
                f"The discriminator has told {told:.1%} of the val features right for {self.won} validations: it has "
                f"won, and teaches nothing any more. The checkpoint before is kept. Lower its rate, or raise "
                f"losses.adversarial, and train again."
            )
        return figures | {"told_apart": told}


@torch.inference_mode()
def told_apart(discriminator: nn.Module, made: np.ndarray, real: np.ndarray) -> float:
    """The mean of the shares of generated and of real features, (N, dim) each, that a discriminator takes for what they
    are; 0.5 is what it gets by guessing."""
    device = next(discriminator.parameters()).device
    fake, true = (discriminator(torch.from_numpy(x).to(device)).squeeze(1) for x in (made, real))
    return 0.5 * ((fake <= 0).float().mean() + (true > 0).float().mean()).item()


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache))


def published(folder: Path) -> Published:
    """What answers queries of a finished run: the photo network, and the sketch network with the generator."""
    recipe, held = kept(Recipe, folder), load_file(folder / "best.safetensors")
    model = SketchyGan(recipe, len(held["centres"]))
    model.load_state_dict(held)
    dim, (photos, source), (sketches, another) = model.photo.features, credit(recipe.backbone), credit(recipe.sketcher)
    if recipe.sketcher == "plain":
        sketches, another = "a CNN of six layers", source
    return Published(
        recipe.name, recipe.about, recipe.protocols, "cosine", dim,
        parts(recipe, model.tower(PHOTO), model.tower(SKETCH)),
        {
            "built": f"Photos: the {dim} pooled features of {photos} as ImageNet left it, less their mean, at unit "
            f"length. Sketches{', each with its mirror image' if recipe.mirrored else ''}: {sketches}, trained, to "
            f"{recipe.code} features, and a generator from them to {dim}; the mean of what is made at "
            f"{', '.join(map(str, recipe.sizes))} px. Both move on towards the mean features of the classes that they "
            "are likely to be of, and are compared by cosine. The discriminator is not needed any more.",
            "data": ["sketchy25", *dict.fromkeys((source, another)), *(["world"] if recipe.world else []),
                     *(["imagenet1000"] if recipe.outlines else [])],
            "limits": "It knows the 125 classes of Sketchy, and of a drawing mostly the class: of several photos of a "
            "class it seldom finds the very one that was drawn. It takes no words.",
        },
    )  # fmt: skip
