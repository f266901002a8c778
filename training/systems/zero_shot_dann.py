"""zero-shot-dann: two towers for classes never seen, with a domain classifier behind a gradient reversal layer (DANN,
Ganin et al. 2016).

A triplet loss pulls a sketch towards photos of its class; a domain classifier learns to tell sketches from photos by
their embeddings, and the gradient that reaches the towers through it is reversed, so that they learn to confuse it.
Whether they do depends on the recipe: on how many steps, and how strongly, the reversal is on. It is trained on seen
classes and evaluated on unseen ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from training.datasets import located
from training.datasets.outlines import outlines, photos_excluding
from training.datasets.sketchy import UNSEEN, unseen
from training.learn.augment import augment_sketches, maybe_mixup
from training.learn.features import SIDE, FeatureCache, MapCache, hash_of, key_of, pixels
from training.learn.fit import Stage, trains
from training.learn.losses import contrastive, distillation, ramp, reversed_gradient, same, triplet
from training.learn.recipe import BadRecipe, load_recipe, train
from training.learn.restore import load_onnx_weights
from training.systems import PublishedSystem
from training.systems.runs import AVERAGE
from training.systems.sketch_base import (
    BATCH,
    Embed,
    SketchRecipe,
    SketchTask,
    class_means,
    published_towers,
)
from training.towers.heads import CentredUnit, Discriminant, HeadAndFeatures, unit
from training.towers.photo import PhotoTower, TowerThen, classifier, weights_source
from training.towers.sketch import Mirrored, SketchTower
from xmr import checkpoint
from xmr.modality import Item, Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
PUBLISHED = "published"
YAML = Path(__file__).with_suffix(".yaml")
DRAWN = 2  # augmented copies of each sketch whose features are cached, where the sketch network is frozen


@dataclass(frozen=True)
class Losses:
    triplet: float
    domain: float
    contrast: float
    names: float
    features: float

    @property
    def distils(self) -> bool:
        """Whether the photo network is a teacher of the sketch network."""
        return bool(self.names or self.features)


@dataclass(frozen=True)
class Reversal:
    threshold: float
    length: float
    strength: float
    hidden: int

    def at(self, epoch: float) -> float:
        """The factor of the reversed gradient after so many epochs."""
        return self.strength * ramp(epoch, self.threshold, self.length)


@dataclass(frozen=True)
class Recipe(SketchRecipe):
    """What zero_shot_dann.yaml sets; the comments there say what each setting changes."""

    dim: int
    sketch_cut: int
    outlines: int
    head_init: str
    networks: str
    centred: bool
    hidden: int
    feature_scale: float
    lda_shrinkage: float
    losses: Losses
    reversal: Reversal


class ZeroShotDann(nn.Module):
    """Both towers, the domain classifier, and a temperature."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        r = self.recipe = recipe
        if r.head_init not in ("random", "classifier"):
            raise BadRecipe(f"Expected random or classifier for 'head_init', got {r.head_init!r}.")
        if r.networks not in ("imagenet", PUBLISHED):
            raise BadRecipe(f"Expected imagenet or {PUBLISHED} for 'networks', got {r.networks!r}.")
        torch.manual_seed(r.seed)
        self.photo = PhotoTower(r.dim, r.hidden, r.photo_cut, r.dropout, r.backbone)
        self.sketch = SketchTower(r.dim, r.hidden, r.sketch_cut, r.dropout, r.backbone)
        if r.head_init == "classifier":
            init_from_classifier(self.photo.head.linear, classifier(r.backbone))
        self.dim = r.dim
        if r.feature_scale:
            self.dim += self.photo.features
            for tower in (self.photo, self.sketch):
                tower.head = HeadAndFeatures(tower.head, tower.features, r.feature_scale)
        self.sketch.head.load_state_dict(self.photo.head.state_dict())  # both begin in one space
        if r.networks == PUBLISHED:
            for module, graph in ((self.photo.head, "photo.onnx"), (self.sketch, "sketch.onnx")):
                load_onnx_weights(module, checkpoint.ROOT / "zero-shot-dann" / graph)
        self.sketch = self.sketch.to(memory_format=torch.channels_last)
        self.photo_centre, self.sketch_centre = (
            CentredUnit(self.dim) if r.centred else nn.Identity() for _ in (PHOTO, SKETCH)
        )
        self.discriminant = Discriminant(self.dim) if r.lda_shrinkage else nn.Identity()
        hidden = r.reversal.hidden
        self.domain = nn.Sequential(nn.Linear(r.dim, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def forward(
        self, photo: dict, sketch: dict, epoch: float, targets: torch.Tensor | None = None, outline: dict | None = None
    ) -> dict:
        """Losses by name, their weighted sum as "loss", and of the domain classifier its accuracy as "domain_accuracy",
        the factor of its reversed gradient as "reversal" and whether that is above 0 as "reversal_on".

        photo, sketch: parts drawn by learn.sampling, the sketches as pixels, or as features where their network is
            frozen.
        epoch: passes over the sketches so far; it sets the strength of the reversed gradient.
        targets: (N, 1000 + features), for each sketch the mean of `teacher_targets` over the photos of its class.
        outline: "input", pixels of photos' outlines, and "targets", those of each of these photos.
        """
        weights, size = self.recipe.losses, self.recipe.sketch_size
        drawn = sketch["input"]
        if drawn.ndim == 2:
            drawn, other, share = maybe_mixup(drawn.float(), 0.0)
            features = all_features = drawn
        else:
            drawn = augment_sketches(drawn, size)
            drawn, other, share = maybe_mixup(drawn, 0.0 if weights.triplet else self.recipe.mixup_alpha)
            shown = drawn if outline is None else torch.cat([drawn, augment_sketches(outline["input"], size)])
            all_features = self.sketch.upper(self.sketch.maps(shown))
            features = all_features[: len(drawn)]
        a, b = self.sketch.head(features), self.photo.from_maps(photo["input"])
        losses = {}
        with torch.autocast(a.device.type, enabled=False):
            a, b = a.float(), b.float()
            if self.recipe.centred:  # by the means of the batch; at inference by those of all training items
                a, b = (unit(vectors - vectors.mean(0)) for vectors in (a, b))
            if weights.triplet:
                match = same(sketch["cls"], photo["cls"])
                losses["triplet"] = 0.5 * (
                    triplet(a, b, match, self.recipe.margin) + triplet(b, a, match.T, self.recipe.margin)
                )
            if weights.contrast:
                positive = same(sketch["cls"], photo["cls"]).float()
                positive = positive.lerp(positive[other], 1 - share)
                losses["contrast"] = contrastive(a, b, positive, self.log_scale.exp().clamp(max=100.0))
            if weights.distils:
                targets = targets.lerp(targets[other], 1 - share)
                targets = targets if outline is None else torch.cat([targets, outline["targets"]])
                losses |= self.distillation_losses(all_features.float(), targets)
            if weights.domain:
                losses |= self.domain_losses(a, b, epoch)
        losses["loss"] = sum(getattr(weights, name) * loss for name, loss in losses.items() if hasattr(weights, name))
        return losses

    def domain_losses(self, a: torch.Tensor, b: torch.Tensor, epoch: float) -> dict:
        """The domain classifier's loss and accuracy, both balanced between sketches and photos."""
        strength = self.recipe.reversal.at(epoch)
        a_logit, b_logit = (self.domain(reversed_gradient(x, strength)).squeeze(1) for x in (a, b))
        loss = 0.5 * (F.softplus(-a_logit).mean() + F.softplus(b_logit).mean())
        accuracy = 0.5 * ((a_logit > 0).float().mean() + (b_logit <= 0).float().mean())
        on = {"reversal": torch.tensor(strength), "reversal_on": torch.tensor(float(strength > 0))}
        return {"domain": loss, "domain_accuracy": accuracy.detach()} | on

    def distillation_losses(self, features: torch.Tensor, targets: torch.Tensor) -> dict:
        """Cross-entropy with the teacher's class probabilities, and cosine distance to its centred features.

        features: (N, features) of sketches. targets: (N, 1000 + features), as `teacher_targets` gives them.
        """
        probabilities, wanted = targets.split([len(self.classifier_bias), len(self.centre)], 1)
        wanted = F.normalize(wanted - self.centre, dim=1)
        return {
            "names": F.cross_entropy(self.class_logits(features), probabilities),
            "features": distillation(features - self.centre, wanted),
        }

    def class_logits(self, features: torch.Tensor) -> torch.Tensor:
        """ImageNet's classifier: (N, features) -> (N, 1000)."""
        return F.linear(features, self.classifier_weight, self.classifier_bias)

    def teacher_targets(self, features: torch.Tensor) -> torch.Tensor:
        """Photos' features (N, features) -> (N, 1000 + features): the classifier's probabilities, then the features."""
        return torch.cat([self.class_logits(features).softmax(1), features], 1)

    def load_classifier(self) -> None:
        """Load ImageNet's classifier, which is no part of the published towers."""
        layer = classifier(self.recipe.backbone)
        self.register_buffer("classifier_weight", layer.weight, persistent=False)
        self.register_buffer("classifier_bias", layer.bias, persistent=False)

    def set_centre(self, centre: torch.Tensor) -> None:
        """Set the mean (features,) of photos' features, by which all features are centred."""
        self.register_buffer("centre", centre, persistent=False)
        if self.recipe.feature_scale:
            for tower in (self.photo, self.sketch):
                tower.head.features.centre.copy_(self.centre)

    def embed(self, modality: Modality, pixels: torch.Tensor) -> torch.Tensor:
        return (self.answer if modality is PHOTO else self.query)(pixels)

    @property
    def answer(self) -> TowerThen:
        """The photo tower at inference."""
        return TowerThen(self.photo, self.photo_centre)

    @property
    def query(self) -> nn.Module:
        """The sketch tower at inference."""
        tower = Mirrored(self.sketch) if self.recipe.mirror_queries else self.sketch
        return nn.Sequential(tower, self.sketch_centre, self.discriminant)


@torch.no_grad()
def init_from_classifier(linear: nn.Linear, layer: nn.Linear) -> None:
    """Initialise a linear layer from features to `dim` numbers with ImageNet's classifier `layer`: the centred logits,
    projected to their first `dim` principal directions. Classes with similar logits are near there, seen or unseen."""
    weight, bias = layer.weight - layer.weight.mean(0), layer.bias - layer.bias.mean()  # (1000, features), (1000,)
    left, sizes, right = torch.linalg.svd(weight, full_matrices=False)
    dim = linear.out_features
    linear.weight.copy_(sizes[:dim, None] * right[:dim])
    linear.bias.copy_(left[:, :dim].T @ bias)


class Task(SketchTask):
    """SketchTask with the teacher's targets for each class, outlines with their own, the centres and the
    discriminant."""

    def __init__(self, recipe: Recipe, cache: Path) -> None:
        outlined = recipe.losses.distils and recipe.outlines
        unpaired = photos_excluding(unseen(recipe.data, located(recipe.folder))) if outlined else []
        super().__init__(recipe, ZeroShotDann(recipe), cache)
        self.cache, self.drawn = cache, None
        self.targets = self.outlines = None
        photos = self.real.rows[PHOTO]
        if recipe.losses.distils or recipe.feature_scale:
            features = self.features(photos.maps)
            self.model.set_centre(features.mean(0))
        if recipe.losses.distils:
            self.model.load_classifier()
            self.classes, self.targets = class_means(self.real, self.model.teacher_targets(features).numpy())
            if recipe.outlines:
                self.data["outlines"] = photos.items + unpaired
                maps = MapCache(self.model.photo, self.data["outlines"], 1, cache)
                self.outlines = MapCache(None, outlines(maps.items), 1, cache)
                self.outline_targets = self.model.teacher_targets(self.features(maps))
                photos_of = [item.id.removesuffix("#outline") for item in self.outlines.items]
                self.outline_rows = np.array([maps.rows[photo] for photo in photos_of])

    @property
    def frozen(self) -> bool:
        """Whether no stage trains the sketch network, so that what it sees of a sketch is cached."""
        return not any(trains(stage.rates, "sketch.upper") for stage in self.recipe.stages)

    def begin(self, stage: Stage, step: int) -> None:
        super().begin(stage, step)
        if self.frozen and self.drawn is None:
            self.drawn = self.sketch_features(self.real.rows[SKETCH].items, DRAWN, self.recipe.sketch_size)

    @torch.inference_mode()
    def sketch_features(self, items: list[Item], variants: int, size: int) -> np.ndarray:
        """(N, variants, features) float32 of sketches by the frozen sketch network, kept on disk: with one variant as
        they are, at `size` pixels, else each augmented so many times."""
        network, device = self.model.sketch.trunk, next(self.model.parameters()).device

        @torch.inference_mode()
        def compute(some: list[Item]) -> np.ndarray:
            shown = torch.from_numpy(np.stack([pixels(item, 0, size if variants == 1 else SIDE) for item in some]))
            shown = shown.to(device)
            torch.manual_seed(int(key_of(some[0])[:8], 16))
            each = [augment_sketches(shown, size) if variants > 1 else shown for _ in range(variants)]
            return torch.stack([network(one) for one in each], 1).float().cpu().numpy()

        cache = FeatureCache(self.cache / f"sketch-features-{hash_of(network, variants, size)}.f32")
        cache.fill({key_of(item): item for item in items}, lambda: compute, "sketch features", workers=1)
        return cache.take([key_of(item) for item in items])

    def vectors(self, items: list[Item], embed: Embed | None = None) -> np.ndarray:
        """SketchTask's vectors; where the sketch network is frozen, from cached features of sketches and photos."""
        if embed or not self.frozen or self.recipe.mirror_queries:
            return super().vectors(items, embed)
        model, device = self.model, next(self.model.parameters()).device
        if items[0].modality is SKETCH:
            features = self.sketch_features(items, 1, self.recipe.query_size)[:, 0]
            rest = (model.sketch.head, model.sketch_centre, model.discriminant)
        else:
            maps = MapCache(model.photo, items, 1, self.cache)
            features = maps.pooled(model.photo.upper)[:, 0].astype(np.float32)
            rest = (model.photo.head, model.photo_centre)
        with torch.inference_mode():
            return nn.Sequential(*rest)(torch.from_numpy(features).to(device)).float().cpu().numpy()

    def validate(self, stage: Stage) -> dict[str, float]:
        """SketchTask's metrics, with the centres and the discriminant fitted to the towers as they are now."""
        if self.recipe.centred or self.recipe.lda_shrinkage:
            self.fit_to_vectors()
        return super().validate(stage)

    @torch.no_grad()
    def fit_to_vectors(self) -> None:
        """Fit the centres and the discriminant to the vectors of the training photos and of some sketches."""
        photos, model = self.real.rows[PHOTO], self.model
        device, every = next(model.parameters()).device, np.arange(len(photos.items))
        part = photos.take(every, np.zeros_like(every))
        vectors = torch.cat([model.photo.from_maps(some.to(device)) for some in part["input"].split(BATCH)])
        drawn = self.sample_outputs(model.sketch, self.recipe.query_size)
        if self.recipe.centred:
            for centre, found in ((model.photo_centre, vectors), (model.sketch_centre, drawn)):
                centre.centre.copy_(found.mean(0))
            vectors, drawn = model.photo_centre(vectors), model.sketch_centre(drawn)
        if self.recipe.lda_shrinkage:
            model.discriminant.fit_lda(drawn, vectors, part["cls"].to(device), self.recipe.lda_shrinkage)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        batch = super().batch(stage, step, rng)
        if self.drawn is not None:
            rows = self.real.cycles[SKETCH].take(step * self.recipe.batch, self.recipe.batch)
            batch["sketch"]["input"] = torch.from_numpy(self.drawn[rows, rng.integers(DRAWN, size=len(rows))])
        batch["epoch"] = step * self.recipe.batch / len(self.real.rows[Modality.SKETCH].items)
        if self.targets is not None:
            batch["targets"] = self.targets[np.searchsorted(self.classes, batch["sketch"]["cls"].numpy())]
        if self.outlines is not None:
            drawn = rng.choice(len(self.outline_rows), self.recipe.outlines, replace=False)
            pictures = torch.from_numpy(self.outlines[drawn, np.zeros(len(drawn), int)])
            batch["outline"] = {"input": pictures, "targets": self.outline_targets[self.outline_rows[drawn]]}
        return batch


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache))


def published(folder: Path) -> PublishedSystem:
    """The towers of a finished run, as the app gets them."""
    recipe = load_recipe(Recipe, folder)
    model = ZeroShotDann(recipe)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    further = recipe.networks == PUBLISHED
    return PublishedSystem(
        recipe.name,
        recipe.about,
        recipe.protocols,
        "cosine",
        model.dim,
        published_towers(recipe, model.answer, model.query),
        {**(trained_further() if further else trained(recipe, model.dim)), **words(recipe)},
        further=further,
    )


def trained_further() -> dict[str, Any]:
    """The card of the published system, whose heads were trained further, without what `words` gives."""
    before = checkpoint.describe("zero-shot-dann")["card"]
    said = (
        " Then the heads were trained further by the triplet loss and the domain classifier behind the gradient "
        "reversal; and from the vectors of each domain their mean over the training items is subtracted, so that both "
        "domains lie around one point."
    )
    return {"built": before["built"].replace(said, "") + said, "data": before["data"]}


def trained(recipe: Recipe, dim: int) -> dict[str, Any]:
    """The card of a system that was trained by this recipe alone, without what `words` gives; dim: of its vectors."""
    network, source = weights_source(recipe.backbone)
    return {
        "built": f"Two towers of the same form, {network} (ImageNet-1k) and a head, give unit vectors of {dim} "
        f"numbers, compared by cosine; sketches are shown at {recipe.query_size} px"
        + (", each with its mirror image. " if recipe.mirror_queries else ". ")
        + "A classifier of sketches and photos behind a gradient reversal layer was trained beside them, and is not "
        "needed any more. "
        + (
            "All but the layers that see lines lie between ImageNet's weights and the trained ones."
            if recipe.stages[-1].interpolation
            else ""
        )
        + (
            f" Beside a head's {recipe.dim} numbers a vector has the features themselves, {recipe.feature_scale:g} as "
            "long."
            if recipe.feature_scale
            else ""
        )
        + (
            " In a sketch's vector, directions in which photos of one class differ count for less."
            if recipe.lda_shrinkage
            else ""
        ),
        "data": [
            recipe.data_on_card,
            source,
            *(["world"] if recipe.world else []),
            *(["imagenet1000"] if recipe.outlines else []),
        ],
    }


def words(recipe: Recipe) -> dict[str, str]:
    """The card's sentences that follow from the recipe: how it "differs" from the published system; its "limits"."""
    if recipe.data in UNSEEN:
        count = len(UNSEEN[recipe.data])
        seen = f"{125 - count} of Sketchy's 125 classes; the other {count}"
    else:
        seen = "the listed classes of Sketchy; the others"
    network, frozen = weights_source(recipe.backbone)[0], not any(trains(s.rates, "photo.upper") for s in recipe.stages)
    losses = ", ".join(name for name, weight in vars(recipe.losses).items() if weight)
    averaged = f"the mean of the weights of {', '.join(recipe.average_of)}"
    if recipe.networks == PUBLISHED:
        here = f"here they train only the heads further, from {averaged}, of which the first has other losses too"
    elif recipe.ships == AVERAGE:
        here = f"here {averaged} ships, of which the first has the losses {losses}"
    else:
        here = f"here the run that ships has the losses {losses}"
    # Recipes in epochs have a reversal of full strength for most of them; those in steps are a few epochs long.
    brief = sum(stage.epochs for stage in recipe.stages) < recipe.reversal.threshold + recipe.reversal.length
    return {
        "differs": "The published system trains its networks by a triplet loss and, from a threshold epoch on, the "
        f"reversed gradient of a domain classifier; {here}, on {network}"
        f"{', whose photo features stay as ImageNet left them' if frozen else ''}.",
        "limits": f"Trained on {seen} and everything else it "
        "knows only by likeness, and through what ImageNet's network knew before. "
        + (
            "Its gradient reversal is hardly on in training, and it does not mix sketches with photos. "
            if brief
            else ""
        )
        + "It takes no words.",
    }
