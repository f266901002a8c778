"""zero-shot-dann: two towers whose vectors don't tell whether a drawing or a photo made them (Ganin et al. 2016).

A triplet loss pulls a sketch towards photos of its class; a classifier learns to tell sketches from photos by their
vectors, and the gradient that reaches the towers through it is reversed, so that they learn to leave it nothing to go
by. What is learned of the seen classes has to do for classes that were never seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from training.datasets.outlines import outlines, strangers
from training.datasets.sketchy import UNSEEN
from training.features import MapCache
from training.fit import Stage
from training.objectives import contrastive, distillation, ramp, reversed_gradient, same, triplet
from training.recipes import BadRecipe, Published, kept, train
from training.sketches import BATCH, SketchRecipe, SketchTask, class_means, parts
from training.towers.heads import Discriminant, Preserving
from training.towers.photo import PhotoTower, classifier, credit
from training.towers.sketch import Mirrored, SketchTower
from training.vary import half_mixed, vary_sketches
from xmr.modality import Modality

PHOTO = Modality.PHOTO
YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Losses:
    triplet: float
    domain: float
    contrast: float
    names: float
    features: float

    @property
    def taught(self) -> bool:
        """Whether sketches are taught what the photo network knows of photos."""
        return bool(self.names or self.features)


@dataclass(frozen=True)
class Reversal:
    threshold: float
    length: float
    hidden: int


@dataclass(frozen=True)
class Recipe(SketchRecipe):
    """What zero_shot_dann.yaml sets; the comments there say what each setting changes."""

    dim: int
    sketch_cut: int
    outlines: int
    head: str
    hidden: int
    preserved: float
    discriminant: float
    losses: Losses
    reversal: Reversal


class ZeroShotDann(nn.Module):
    """Both towers, the domain classifier, and a temperature."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        r = self.recipe = recipe
        if r.head not in ("new", "names"):
            raise BadRecipe(f"Expected new or names for 'head', got {r.head!r}.")
        torch.manual_seed(r.seed)
        self.photo = PhotoTower(r.dim, r.hidden, r.photo_cut, r.dropout, r.backbone)
        self.sketch = SketchTower(r.dim, r.hidden, r.sketch_cut, r.dropout, r.backbone)
        if r.head == "names":
            begin_as_names(self.photo.head.linear, classifier(r.backbone))
        self.dim = r.dim
        if r.preserved:
            self.dim += self.photo.features
            for tower in (self.photo, self.sketch):
                tower.head = Preserving(tower.head, tower.features, r.preserved)
        self.sketch.head.load_state_dict(self.photo.head.state_dict())  # so that both begin in one space
        self.sketch = self.sketch.to(memory_format=torch.channels_last)
        self.discriminant = Discriminant(self.dim) if r.discriminant else nn.Identity()
        hidden = r.reversal.hidden
        self.domain = nn.Sequential(nn.Linear(r.dim, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def forward(
        self, photo: dict, sketch: dict, epoch: float, taught: torch.Tensor | None = None, outline: dict | None = None
    ) -> dict:
        """Losses by name, their weighted sum as "loss", and how often the domain is told right as "domain_right".

        photo, sketch: what training.sampling drew, the sketches as pixels.
        epoch: counts passes over the sketches; it sets the strength of the reversed gradient.
        taught: (N, 1000 + features) for each sketch what `known` gives for the photos of its class: the
            probabilities that ImageNet's classifier gives them, and their features, both means.
        outline: "input", pixels of photos' outlines, and "taught", the same of each of those photos.
        """
        weights, size = self.recipe.losses, self.recipe.sketch_size
        drawn = vary_sketches(sketch["input"], size)
        drawn, other, share = half_mixed(drawn, 0.0 if weights.triplet else self.recipe.mix)
        shown = drawn if outline is None else torch.cat([drawn, vary_sketches(outline["input"], size)])
        features = self.sketch.upper(self.sketch.maps(shown))
        told, features = features, features[: len(drawn)]
        a, b = self.sketch.head(features), self.photo.from_maps(photo["input"])
        losses = {}
        with torch.autocast(a.device.type, enabled=False):
            a, b = a.float(), b.float()
            if weights.triplet:
                kin = same(sketch["cls"], photo["cls"])
                losses["triplet"] = 0.5 * (triplet(a, b, kin, self.recipe.margin)
                                           + triplet(b, a, kin.T, self.recipe.margin))  # fmt: skip
            if weights.contrast:
                positive = same(sketch["cls"], photo["cls"]).float()
                positive = positive.lerp(positive[other], 1 - share)
                losses["contrast"] = contrastive(a, b, positive, self.log_scale.exp().clamp(max=100.0))
            if weights.taught:
                taught = taught.lerp(taught[other], 1 - share)
                taught = taught if outline is None else torch.cat([taught, outline["taught"]])
                losses |= self.knowledge_losses(told.float(), taught)
            if weights.domain:
                losses |= self.domain_losses(a, b, epoch)
        losses["loss"] = sum(getattr(weights, name) * loss for name, loss in losses.items() if hasattr(weights, name))
        return losses

    def domain_losses(self, a: torch.Tensor, b: torch.Tensor, epoch: float) -> dict:
        """The domain classifier's loss on sketches and on photos alike, and the share it gets right."""
        strength = ramp(epoch, self.recipe.reversal.threshold, self.recipe.reversal.length)
        a_logit, b_logit = (self.domain(reversed_gradient(x, strength)).squeeze(1) for x in (a, b))
        found = {"domain": 0.5 * (F.softplus(-a_logit).mean() + F.softplus(b_logit).mean())}
        right = 0.5 * ((a_logit > 0).float().mean() + (b_logit <= 0).float().mean())
        return found | {"domain_right": right.detach()}

    def knowledge_losses(self, told: torch.Tensor, taught: torch.Tensor) -> dict:
        """How far sketches' features (N, features) are from saying and being what was taught, which `known` gives."""
        names, features = taught.split([len(self.name_bias), len(self.centre)], 1)
        alike = F.normalize(features - self.centre, dim=1)
        return {"names": F.cross_entropy(self.names(told), names), "features": distillation(told - self.centre, alike)}

    def names(self, features: torch.Tensor) -> torch.Tensor:
        """What ImageNet's classifier makes of features, (N, 1280) -> (N, 1000) logits."""
        return F.linear(features, self.name_weight, self.name_bias)

    def known(self, features: torch.Tensor) -> torch.Tensor:
        """(N, 1000 + features) what the photo network knows of photos by their features (N, features)."""
        return torch.cat([self.names(features).softmax(1), features], 1)

    def teach(self) -> None:
        """Take up ImageNet's classifier, which is no part of the published towers."""
        layer = classifier(self.recipe.backbone)
        self.register_buffer("name_weight", layer.weight, persistent=False)
        self.register_buffer("name_bias", layer.bias, persistent=False)

    def see_from(self, centre: torch.Tensor) -> None:
        """Take up the mean of photos' features (features,), from which all features are seen."""
        self.register_buffer("centre", centre, persistent=False)
        if self.recipe.preserved:
            for tower in (self.photo, self.sketch):
                tower.head.kept.centre.copy_(self.centre)

    def embed(self, modality: Modality, pixels: torch.Tensor) -> torch.Tensor:
        return self.photo(pixels) if modality is PHOTO else self.query(pixels)

    @property
    def query(self) -> nn.Module:
        """After training: from a sketch to the vector that photos are held against."""
        return nn.Sequential(Mirrored(self.sketch) if self.recipe.mirrored else self.sketch, self.discriminant)


@torch.no_grad()
def begin_as_names(linear: nn.Linear, layer: nn.Linear) -> None:
    """Let a layer from features to `dim` numbers begin as ImageNet's classifier `layer`: its logits less their mean, in
    their `dim` main directions. Things are near each other there that go by like names, seen or not."""
    weight, bias = layer.weight - layer.weight.mean(0), layer.bias - layer.bias.mean()  # (1000, features), (1000,)
    left, sizes, right = torch.linalg.svd(weight, full_matrices=False)
    kept = linear.out_features
    linear.weight.copy_(sizes[:kept, None] * right[:kept])
    linear.bias.copy_(left[:, :kept].T @ bias)


class Task(SketchTask):
    """SketchTask, what the photo network knows of the photos of each class, and the outlines of these and others."""

    def __init__(self, recipe: Recipe, cache: Path) -> None:
        super().__init__(recipe, ZeroShotDann(recipe), cache)
        self.taught = self.outlines = None
        photos = self.real.rows[PHOTO]
        if recipe.losses.taught or recipe.preserved:
            features = self.features(photos.maps)
            self.model.see_from(features.mean(0))
        if recipe.losses.taught:
            self.model.teach()
            self.classes, self.taught = class_means(self.real, self.model.known(features).numpy())
            if recipe.outlines:
                maps = MapCache(self.model.photo, photos.items + strangers(UNSEEN[recipe.data]), 1, cache)
                self.outlines = MapCache(None, outlines(maps.items), 1, cache)
                self.of_outlines = self.model.known(self.features(maps))
                self.rows = np.array([maps.rows[item.id.removesuffix("#outline")] for item in self.outlines.items])

    def validate(self, stage: Stage) -> dict[str, float]:
        """SketchTask's, after the discriminant was read off the towers as they are now."""
        if self.recipe.discriminant:
            self.settle()
        return super().validate(stage)

    @torch.no_grad()
    def settle(self) -> None:
        """Read the discriminant off the vectors of the training photos and of some sketches."""
        photos, model = self.real.rows[PHOTO], self.model
        device, every = next(model.parameters()).device, np.arange(len(photos.items))
        held = photos.take(every, np.zeros_like(every))
        vectors = torch.cat([model.photo.from_maps(part.to(device)) for part in held["input"].split(BATCH)])
        drawn = self.of_some(model.sketch, self.recipe.query_size)
        model.discriminant.settle(drawn, vectors, held["cls"].to(device), self.recipe.discriminant)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        batch = super().batch(stage, step, rng)
        batch["epoch"] = step * self.recipe.batch / len(self.real.rows[Modality.SKETCH].items)
        if self.taught is not None:
            batch["taught"] = self.taught[np.searchsorted(self.classes, batch["sketch"]["cls"].numpy())]
        if self.outlines is not None:
            drawn = rng.choice(len(self.rows), self.recipe.outlines, replace=False)
            pictures = torch.from_numpy(self.outlines[drawn, np.zeros(len(drawn), int)])
            batch["outline"] = {"input": pictures, "taught": self.of_outlines[self.rows[drawn]]}
        return batch


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache))


def published(folder: Path) -> Published:
    """The towers of a finished run, as the app gets them."""
    recipe = kept(Recipe, folder)
    model = ZeroShotDann(recipe)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    unseen = {"sketchy-1": 25, "sketchy-2": 21}[recipe.data]
    network, source = credit(recipe.backbone)
    return Published(
        recipe.name, recipe.about, recipe.protocols, "cosine", model.dim,
        parts(recipe, model.photo, model.query),
        {
            "built": f"Two towers of the same form, {network} (ImageNet-1k) and a head, give unit vectors of "
            f"{model.dim} numbers, compared by cosine; sketches are shown at {recipe.query_size} px"
            + (", each with its mirror image. " if recipe.mirrored else ". ")
            + "A classifier of sketches and photos behind a gradient reversal layer was trained beside them, and is "
            "not needed any more. "
            + ("All but the layers that see lines lie between ImageNet's weights and the trained ones."
               if recipe.stages[-1].learned else "")
            + (f" Beside a head's {recipe.dim} numbers a vector has the features themselves, {recipe.preserved:g} as "
               "long." if recipe.preserved else "")
            + (" In a sketch's vector, directions in which photos of one class differ count for less." if
               recipe.discriminant else ""),
            "data": ["sketchy25", source, *(["world"] if recipe.world else []),
                     *(["imagenet1000"] if recipe.outlines else [])],
            "limits": f"Trained on {125 - unseen} of Sketchy's 125 classes; the other {unseen} and everything else it "
            "knows only by likeness, and through what ImageNet's network knew before. It takes no words.",
        },
    )  # fmt: skip
