"""sketchy-gan: a generator turns a sketch's features into those of a photo, against a discriminator of photo features.

The photo's features are those of a pretrained, frozen network. A sketch network and the generator learn to map a sketch
into the same space: an adversarial loss makes the generated features look like a photo's (Goodfellow et al. 2014), and
retrieval losses pull them to the photos of the sketch's class.
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
from training.learn.augment import augment_sketches, maybe_mixup
from training.learn.fit import Stage, TrainingStopped
from training.learn.losses import contrastive, same, triplet
from training.learn.recipe import BadRecipe, load_recipe, train
from training.learn.sampling import make_pool
from training.systems import PublishedSystem
from training.systems.doodle_names import pretrain
from training.systems.sketch_base import SketchRecipe, SketchTask, class_means, published_towers, real_items
from training.towers.heads import ProjectionHead, PrototypePull
from training.towers.photo import PhotoTower, TowerThen, backbone, weights_source
from training.towers.sketch import Mirrored, MultiScale, paper, plain_cnn
from xmr.modality import Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
YAML = Path(__file__).with_suffix(".yaml")
PLAIN = "plain"
DOODLE_RATE = 2e-3  # peak learning rate of the plain CNN's pretraining


@dataclass(frozen=True)
class Losses:
    triplet: float
    adversarial: float
    contrast: float
    centres: float


@dataclass(frozen=True)
class PullShares:
    photo: float
    sketch: float


@dataclass(frozen=True)
class Recipe(SketchRecipe):
    """What sketchy_gan.yaml sets; the comments there say what each setting changes."""

    sketch_backbone: str
    doodle_epochs: int
    sizes: tuple[int, ...]
    outlines: int
    code: int
    generator: int
    discriminator: int
    prototype_pull: PullShares
    losses: Losses
    discriminator_limit: float
    patience: int


class SketchNetwork(nn.Module):
    """sketch (N, S, S), 255 paper and 0 ink -> (N, code) features.

    kind: "plain", or the name of a pretrained network.
    """

    def __init__(self, kind: str, code: int) -> None:
        super().__init__()
        self.stem, self.upper, features = plain_cnn() if kind == PLAIN else backbone(0, kind)
        self.stem.requires_grad_(False)
        self.code = nn.Linear(features, code)

    def forward(self, sketch: torch.Tensor) -> torch.Tensor:
        return self.code(self.features(sketch))

    def features(self, sketch: torch.Tensor) -> torch.Tensor:
        """(N, features) pooled features of the backbone, before the linear map to the code."""
        return self.upper(self.stem(paper(sketch)))


class SketchyGan(nn.Module):
    """The photo network, the sketch network, the generator, the discriminator and a temperature.

    centres: (classes, features), the mean unit features of each class's training photos.
    """

    def __init__(self, recipe: Recipe, classes: int) -> None:
        super().__init__()
        r = self.recipe = recipe
        if r.prototype_pull != PullShares(0, 0) and not r.losses.centres:
            raise BadRecipe("Expected 'prototype_pull' to be 0 where losses.centres is, whose temperature it uses.")
        if r.doodle_epochs and r.sketch_backbone != PLAIN:
            raise BadRecipe(f"Expected 'doodle_epochs' to be 0: {r.sketch_backbone} is pretrained already.")
        torch.manual_seed(r.seed)
        self.photo = PhotoTower(0, 0, r.photo_cut, name=r.backbone)
        self.sketch = SketchNetwork(r.sketch_backbone, r.code).to(memory_format=torch.channels_last)
        self.generator = ProjectionHead(r.code, self.photo.features, r.generator, r.dropout)
        self.discriminator = nn.Sequential(
            nn.LayerNorm(self.photo.features, elementwise_affine=False),
            nn.Linear(self.photo.features, r.discriminator),
            nn.LeakyReLU(0.2),
            nn.Dropout(r.dropout),
            nn.Linear(r.discriminator, 1),
        )
        self.log_scale = nn.Parameter(torch.tensor(3.0))
        self.register_buffer("centres", torch.zeros(classes, self.photo.features))

    @torch.no_grad()
    def init_from_features(self, photos: torch.Tensor, sketches: torch.Tensor) -> None:
        """Initialise code and generator so that a sketch's output is its centred pretrained features, projected to the
        principal directions of photos' features: a few thousand sketches are too few to learn that from scratch.

        photos, sketches: (N, features) of each, by the same pretrained network.
        """
        directions = torch.linalg.svd(photos - photos.mean(0), full_matrices=False)[2][: self.recipe.code]
        self.sketch.code.weight.copy_(directions)
        self.sketch.code.bias.copy_(-directions @ sketches.mean(0))
        self.generator.linear.weight.copy_(directions.T)
        self.generator.linear.bias.zero_()

    def forward(self, photo: dict, sketch: dict) -> dict:
        """The losses of generator and discriminator by name, and their weighted sum as "loss".

        One step updates both: the loss of each has a gradient for its own parameters only, so that Adam steps as two
        optimisers would that step at the same time.

        photo, sketch: parts drawn by learn.sampling, the sketches as pixels; "row" is the row of their class in the
            centres, -1 for none.
        """
        weights = self.recipe.losses
        drawn = augment_sketches(sketch["input"], self.recipe.sketch_size)
        drawn, other, share = maybe_mixup(drawn, self.recipe.mixup_alpha)
        made = self.generator(self.sketch(drawn))  # (N, features)
        real = self.photo.from_maps(photo["input"])
        losses = {}
        with torch.autocast(made.device.type, enabled=False):
            made, real = made.float(), real.float()
            scale = self.log_scale.exp().clamp(max=100.0)
            match = same(sketch["cls"], photo["cls"]) | same(sketch["group"], photo["group"])
            if weights.triplet and share == 1.0:
                losses["triplet"] = triplet(made, real, match, self.recipe.margin)
            if weights.contrast:
                positive = match.float()
                losses["contrast"] = contrastive(made, real, positive.lerp(positive[other], 1 - share), scale)
            if weights.centres:  # outlines have no class
                rows = torch.arange(len(self.centres), device=made.device)
                target = same(sketch["row"], rows).float()
                log_probs = F.log_softmax(scale * made @ self.centres.T, dim=1)
                losses["centres"] = -(target.lerp(target[other], 1 - share) * log_probs).sum() / target.sum()
            if weights.adversarial:
                losses |= self.adversarial_losses(made, real)
        all_weights = {"discriminator": 1.0} | vars(weights)
        losses["loss"] = sum(all_weights[name] * loss for name, loss in losses.items())
        return losses

    def adversarial_losses(self, made: torch.Tensor, real: torch.Tensor) -> dict:
        """Non-saturating GAN losses: "discriminator" on generated and real features, "adversarial" of the generator."""
        fake, true = self.discriminator(made.detach()), self.discriminator(real.detach())
        frozen = {name: p.detach() for name, p in self.discriminator.named_parameters()}
        return {
            "discriminator": 0.5 * (F.softplus(fake).mean() + F.softplus(-true).mean()),
            "adversarial": F.softplus(-functional_call(self.discriminator, frozen, (made,))).mean(),
        }

    def made(self, modality: Modality, pixels: torch.Tensor) -> torch.Tensor:
        """What the discriminator judges: a photo's features, or those generated from a sketch."""
        return self.photo(pixels) if modality is PHOTO else self.generator(self.sketch(pixels))

    def embed(self, modality: Modality, pixels: torch.Tensor) -> torch.Tensor:
        return self.tower(modality).to(pixels.device)(pixels)

    def tower(self, modality: Modality) -> nn.Module:
        """At inference: a photo's features, or those generated from a sketch, pulled towards the class means."""
        tower, share = self.photo, vars(self.recipe.prototype_pull)[modality]
        if modality is SKETCH:
            made = nn.Sequential(self.sketch, self.generator)
            tower = Mirrored(made) if self.recipe.mirror_queries else made
            tower = MultiScale(tower, self.recipe.query_size, self.recipe.sizes)
        return TowerThen(tower, PrototypePull(self.centres, self.log_scale.detach().exp(), share)) if share else tower


class Task(SketchTask):
    """SketchTask with the class means, and early stopping when the discriminator wins."""

    def __init__(self, recipe: Recipe, cache: Path) -> None:
        items = real_items(recipe, "train")
        classes = {label for item in items for label in labels_of(item, "class")}
        unpaired = imagenet1000.items("train") if recipe.outlines else []  # missing data is told before features
        model = SketchyGan(recipe, len(classes))
        most = min(sum(item.modality is PHOTO for item in items), model.photo.features)  # as init_from_features has
        if recipe.sketch_backbone == recipe.backbone and recipe.code > most:
            raise BadRecipe(f"Expected at most {most} for 'code' with these training photos, got {recipe.code}.")
        super().__init__(recipe, model, cache)
        if recipe.doodle_epochs:
            pretrain(self.model.sketch, recipe.code, recipe.sketch_size, recipe.doodle_epochs, DOODLE_RATE, cache)
        head, maps = self.model.photo.head, self.real.rows[PHOTO].maps
        if recipe.outlines:
            self.data["outlines"] = photos = maps.items + unpaired
            pairs = photos + outlines(photos)
            pool = make_pool("outlines", pairs, self.model.photo, 1, self.labels, cache, class_names=False)
            self.pools.append((pool, recipe.outlines))
        features = self.features(maps)
        head.centre.copy_(features.mean(0))
        if recipe.sketch_backbone == recipe.backbone:
            self.model.init_from_features(features, self.sample_outputs(self.model.sketch.features, recipe.sketch_size))
        self.classes, centres = class_means(self.real, head(features).numpy())
        self.model.centres.copy_(F.normalize(centres))
        self.validations_won = 0

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """SketchTask's batch, and for each sketch the row of its class's centre; -1 for none."""
        batch = super().batch(stage, step, rng)
        cls = batch["sketch"]["cls"].numpy()
        batch["sketch"]["row"] = torch.from_numpy(np.where(cls < 0, -1, np.searchsorted(self.classes, cls)))
        return batch

    def validate(self, stage: Stage) -> dict[str, float]:
        """SketchTask's metrics, and "discriminator_accuracy"; raises TrainingStopped if the discriminator has won."""
        figures = super().validate(stage)
        if not self.recipe.losses.adversarial:
            return figures
        accuracy = discriminator_accuracy(
            self.model.discriminator,
            *(
                self.vectors([item for item in self.val if item.modality is m], self.model.made)
                for m in (SKETCH, PHOTO)
            ),
        )
        self.validations_won = self.validations_won + 1 if accuracy >= self.recipe.discriminator_limit else 0
        if self.validations_won >= self.recipe.patience:
            raise TrainingStopped(
                f"The discriminator's accuracy on the val features was {accuracy:.1%} for {self.validations_won} "
                f"validations: it has won, and the generator learns nothing from it any more. The checkpoint before is "
                f"kept. Lower the discriminator's rate, or raise losses.adversarial, and train again."
            )
        return figures | {"discriminator_accuracy": accuracy}


@torch.inference_mode()
def discriminator_accuracy(discriminator: nn.Module, made: np.ndarray, real: np.ndarray) -> float:
    """Balanced accuracy of a discriminator on generated and real features, (N, dim) each; 0.5 is chance."""
    device = next(discriminator.parameters()).device
    fake, true = (discriminator(torch.from_numpy(x).to(device)).squeeze(1) for x in (made, real))
    return 0.5 * ((fake <= 0).float().mean() + (true > 0).float().mean()).item()


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache))


def published(folder: Path) -> PublishedSystem:
    """The towers of a finished run: the photo network, and the sketch network with the generator."""
    recipe, weights = load_recipe(Recipe, folder), load_file(folder / "best.safetensors")
    model = SketchyGan(recipe, len(weights["centres"]))
    model.load_state_dict(weights)
    dim, (photos, source) = model.photo.features, weights_source(recipe.backbone)
    sketches, another = weights_source(recipe.sketch_backbone)
    if recipe.sketch_backbone == PLAIN:
        sketches, another = "a CNN of six layers", source
    return PublishedSystem(
        recipe.name,
        recipe.about,
        recipe.protocols,
        "cosine",
        dim,
        published_towers(recipe, model.tower(PHOTO), model.tower(SKETCH)),
        {
            "built": f"Photos: the {dim} pooled features of {photos} as ImageNet left it, less their mean, at unit "
            f"length. Sketches{', each with its mirror image' if recipe.mirror_queries else ''}: {sketches}, trained, "
            f"to {recipe.code} features, and a generator from them to {dim}; the mean of what is made at "
            f"{', '.join(map(str, recipe.sizes))} px. Both move on towards the mean features of the classes that they "
            "are likely to be of, and are compared by cosine. The discriminator is not needed any more.",
            "data": [
                recipe.data_on_card,
                *dict.fromkeys((source, another)),
                *(["world"] if recipe.world else []),
                *(["imagenet1000"] if recipe.outlines else []),
            ],
            **words(recipe),
        },
    )


def words(recipe: Recipe) -> dict[str, str]:
    """The card's sentences that follow from the recipe: how it "differs" from the published system; its "limits"."""
    photos = weights_source(recipe.backbone)[0]
    plain = recipe.sketch_backbone == PLAIN
    sketches = "a plain CNN" if plain else f"{weights_source(recipe.sketch_backbone)[0]}, pretrained on ImageNet,"
    weights = ", ".join(f"{name} {weight:g}" for name, weight in vars(recipe.losses).items() if weight)
    return {
        "differs": "The published system has the features of ResNet-50 for photos, a CNN trained from nothing for "
        f"sketches, and a triplet and an adversarial loss alone; here {photos} gives the features, {sketches} sees the "
        f"sketches, and the losses have the weights {weights}.",
        "limits": "It knows the 125 classes of Sketchy, and of a drawing mostly the class: of several photos of a "
        "class it seldom finds the very one that was drawn. "
        + (
            "Its discriminator does nothing that can be measured: without it (without-discriminator) it finds as much "
            "as with it (gan). "
            if recipe.losses.adversarial and not plain
            else ""
        )
        + "It takes no words.",
    }
