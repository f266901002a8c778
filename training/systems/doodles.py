"""doodles: tri's published sketch tower, trained further for what people draw with a mouse in 20 seconds.

The vectors of photos and texts stay exactly as they are published, and drawings learn to come near those of what they
show: the names of all that Quick, Draw! and Sketchy name, the photos of the demo gallery and of sketchy25's training
part, and the very photo where one was drawn. So galleries and all figures of texts and photos stay as they are too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from training.datasets import MissingData, catalogue, chairv2, demo, labels_of, sketchy25, unit_hash, world
from training.datasets.hands import another, drawn_by
from training.datasets.names import phrases
from training.datasets.protocols import find
from training.learn.augment import augment_sketches, resized
from training.learn.features import SIDE, MapCache, inputs
from training.learn.fit import Stage
from training.learn.losses import distillation
from training.learn.recipe import load_recipe, train
from training.learn.restore import load_onnx_weights
from training.learn.sampling import Cycle, Vocabulary
from training.systems import PublishedSystem, PublishedTower, further, tri
from training.systems.further import encoded, figures_of, form, initial, interpolate, loss_weights, score
from training.towers.sketch import Mirrored, SketchTower
from xmr import checkpoint
from xmr.evaluation import Protocol
from xmr.modality import Item, Modality
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
YAML = Path(__file__).with_suffix(".yaml")
BATCH = 64


@dataclass(frozen=True)
class Recipe(further.TowerRecipe):
    """What doodles.yaml sets; the comments there say what each setting changes."""

    unbound = further.TowerRecipe.unbound | {"query_size"}

    raster: int
    size: int
    query_size: int
    watched: float


class Doodles(nn.Module):
    """The sketch tower, what its vectors are held against, and a temperature for each of those.

    sketch: trained.
    names: (C, dim) a unit vector for each class.
    photos: name -> the (P, dim) vectors of some photos and (C, P) which of the classes is in each, as 0 and 1.
    """

    def __init__(
        self, sketch: SketchTower, names: torch.Tensor, photos: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    ) -> None:
        super().__init__()
        self.sketch = sketch.to(memory_format=torch.channels_last)
        self.register_buffer("names", names, persistent=False)
        for name, (vectors, shown) in photos.items():
            self.register_buffer(f"photos_{name}", vectors, persistent=False)
            self.register_buffer(f"shown_{name}", shown, persistent=False)
        self.log_scale = nn.ParameterDict({name: nn.Parameter(torch.tensor(3.0)) for name in ("names", *photos)})

    def forward(
        self,
        input: torch.Tensor,
        cls: torch.Tensor,
        own: dict[str, torch.Tensor],
        taught: torch.Tensor,
        weights: dict[str, float],
        size: int,
        augmented: float,
    ) -> dict:
        """Losses by name, and their weighted sum as "loss".

        input: (N, S, S) uint8, shown at `size` pixels a side; augmented: the share of them that is augmented here.
        cls: (N,) their classes. own: name of photos -> (N,) the row of the very photo that was drawn, -1 for none.
        taught: (N, dim) where vectors are to stay, 0 for those that may go anywhere.
        """
        shown, rows = resized(input, size), torch.rand(len(input), device=input.device) < augmented
        if rows.any():
            shown[rows] = augment_sketches(input[rows], size)
        vectors = self.sketch(shown)
        losses = {"names": F.cross_entropy(self.scale("names") * vectors @ self.names.T, cls)}
        for name, rows in own.items():
            logits = (self.scale(name) * vectors @ getattr(self, f"photos_{name}").T).log_softmax(1)  # (N, P)
            match = getattr(self, f"shown_{name}")[cls]  # (N, P)
            if weights.get(name) and (known := match.any(1)).any():
                match = match[known] / match[known].sum(1, keepdim=True)
                losses[name] = -(match * logits[known]).sum(1).mean()
            if weights.get(f"own_{name}") and (drawn := rows >= 0).any():
                losses[f"own_{name}"] = -logits[drawn, rows[drawn]].mean()
        if (held := taught.any(1)).any():
            losses["distil"] = distillation(vectors[held], taught[held])
        losses["loss"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses

    def scale(self, name: str) -> torch.Tensor:
        return self.log_scale[name].exp().clamp(max=100.0)


class Drawings:
    """Some drawings of one set as rasters, and what is asked of them.

    rasters: of all of them as they are, and in the same order as another hand would have drawn them, if that is known.
    """

    def __init__(self, rasters: list[MapCache], cls: np.ndarray, own: np.ndarray, taught: np.ndarray) -> None:
        self.rasters, self.cls, self.own, self.taught = rasters, cls, own, taught
        self.cycle = Cycle(len(cls), seed=len(cls))

    def draw(self, rng: np.random.Generator, step: int, count: int, share: float) -> dict[str, torch.Tensor]:
        """`count` of them, a share of them by the other hand."""
        rows, hands = self.cycle.take(step * count, count), (rng.random(count) < share) * (len(self.rasters) - 1)
        input = np.stack([self.rasters[hand][row, 0] for hand, row in zip(hands, rows, strict=True)])
        found = {"input": input, "cls": self.cls[rows], "own": self.own[rows], "taught": self.taught[rows]}
        return {key: torch.from_numpy(values) for key, values in found.items()}


class Task:
    """The data, the model, and what a batch and a validation are."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.cache = recipe, cache
        self.system = checkpoint.load(recipe.system, recipe.checkpoints)
        self.shipped = demo.vectors(self.system)
        labels = self.labels = Vocabulary()
        drawn = {
            "quickdraw": catalogue.get("quickdraw").items("train"),
            "sketchy25": sketchy25.items("train"),
            "chairv2": chairv2.items("train"),
            "world": world.drawings(),
        }
        if not drawn["world"]:
            raise MissingData(
                "Expected drawings of the rendered world, for what is known of them is to be kept. Make "
                "them: python -m training render --split drawings=2"
            )
        photos = {name: [item for item in drawn[name] if item.modality is PHOTO] for name in ("sketchy25", "chairv2")}
        photos = {"demo": demo.items(), **photos}
        self.data = {**drawn, "demo": photos["demo"]}
        drawn = {name: [item for item in items if item.modality is SKETCH] for name, items in drawn.items()}
        for items in drawn.values():
            for item in items:
                labels.number(labels_of(item, "class"))
        self.pools = {name: self._drawings(name, items, photos.get(name, [])) for name, items in drawn.items()}
        self.model = Doodles(
            tower(), names(self.system, labels), {name: self._photos(items) for name, items in photos.items()}
        )
        load_onnx_weights(self.model.sketch, initial(folder, recipe, "sketch.onnx"))
        protocols = dict.fromkeys(key.split("/")[0] for key in recipe.score)
        self.val = {name: watched(name, recipe.watched) for name in protocols}

    def _drawings(self, name: str, items: list[Item], photos: list[Item]) -> Drawings:
        drawn = (items, drawn_by(another, items)) if name == "quickdraw" else (items,)
        rasters = [self.rasters(some, self.recipe.raster) for some in drawn]
        lost = {id.partition("#")[0] for cache in rasters for id in cache.lost}
        if lost:  # all hands keep the same drawings, in the same rows
            return self._drawings(name, [item for item in items if item.id not in lost], photos)
        row_of = {min(labels_of(photo, "instance")): row for row, photo in enumerate(photos)}
        own = [row_of.get(min(labels_of(item, "instance"), default=""), -1) for item in items]
        cls = [self.labels.number(labels_of(item, "class")) for item in items]
        taught = np.zeros((len(items), self.system.dim), np.float32)
        if name == "world":
            taught = self.vectors(items)
        return Drawings(rasters, np.array(cls), np.array(own), taught)

    def _photos(self, items: list[Item]) -> tuple[torch.Tensor, torch.Tensor]:
        """The vectors of photos (P, dim), and (C, P) which classes they show."""
        shown = np.zeros((len(self.labels.numbers), len(items)), np.float32)
        for column, item in enumerate(items):
            for label in labels_of(item, "class"):
                shown[self.labels.numbers[label], column] = 1
        return torch.from_numpy(self.vectors(items)), torch.from_numpy(shown)

    def rasters(self, items: list[Item], size: int) -> MapCache:
        return MapCache(None, items, 1, self.cache, size)

    def vectors(self, items: list[Item]) -> np.ndarray:
        """(N, dim) what the published encoders make of items of one modality, kept on disk."""
        if items[0].id in self.shipped:
            return np.stack([self.shipped[item.id] for item in items])
        return encoded(self.system, items, self.cache)

    def begin(self, stage: Stage, step: int) -> None:
        pass

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """One batch. `stage.settings`: how many drawings of each set; the share of doodles that
        are drawn by "another" hand; the drawings' "size", and the share of them that is "augmented"; the weights of
        the losses."""
        settings = stage.settings
        parts = {n: pool.draw(rng, step, int(settings[n]), settings["another"]) for n, pool in self.pools.items()}
        none = {name: torch.full((len(part["cls"]),), -1) for name, part in parts.items()}
        return {
            **{key: torch.cat([part[key] for part in parts.values()]) for key in ("input", "cls", "taught")},
            "own": {
                of: torch.cat([part["own"] if name == of else none[name] for name, part in parts.items()])
                for of in ("demo", "sketchy25", "chairv2")
            },
            "weights": loss_weights(settings),
            "size": int(settings["size"]),
            "augmented": settings["augmented"],
        }

    @torch.inference_mode()
    def _drawn(self, items: list[Item]) -> np.ndarray:
        """(N, dim) vectors of drawings by the tower as it is now."""
        device, cache = next(self.model.parameters()).device, self.rasters(items, self.recipe.size)
        starts = range(0, len(items), BATCH)
        parts = (
            torch.tensor(cache[np.arange(start, min(start + BATCH, len(items))), 0], device=device) for start in starts
        )
        return np.concatenate([self.model.sketch(part).cpu().numpy() for part in parts])

    def validate(self, stage: Stage) -> dict[str, float]:
        """The protocols' figures on the val drawings, and "score": the mean of those in the recipe, by weight."""
        drawn: dict[str, np.ndarray] = {}

        def vectors(items: list[Item]) -> np.ndarray:
            if items[0].modality is PHOTO:
                return self.vectors(items)
            if items[0].id not in drawn:  # the same doodles are held against several galleries
                drawn.update(zip([item.id for item in items], self._drawn(items), strict=True))
            return np.stack([drawn[item.id] for item in items])

        return score(figures_of(self.val, vectors), self.recipe.score)


def names(system: System, labels: Vocabulary) -> torch.Tensor:
    """(C, dim) the mean of what each class is called, in all phrasings and languages, at length 1."""
    found = []
    for label in labels.numbers:
        told = [text for texts in phrases(label.removeprefix("class:"), synonyms=True).values() for text in texts]
        found.append(system.encode(TEXT, told).mean(0))
    return F.normalize(torch.from_numpy(np.stack(found)), dim=1)


def watched(name: str, share: float) -> tuple[Protocol, list[Item], list[Item] | None]:
    """A protocol with drawings as the only queries: its val drawings, of doodles that share, and its photos."""
    protocol = find(name)
    items, drawn = protocol.items("val"), lambda comparison: (comparison.query[0], comparison.gallery[0])
    if name.startswith("quickdraw"):
        items = [item for item in items if unit_hash(item.id.partition("#")[0], "watched") < share]
    items = [item for item in items if item.modality in (PHOTO, SKETCH)]
    kept = tuple(c for c in protocol.comparisons if drawn(c) == (SKETCH, PHOTO))
    return replace(protocol, comparisons=kept), items, protocol.gallery("val") if protocol.gallery else None


def tower() -> SketchTower:
    """A sketch tower of tri's form, not trained."""
    like, sketch = form(), form().sketch
    return SketchTower(like.dim, sketch.hidden, sketch.cut, sketch.dropout, like.backbone)


def run(folder: Path, cache: Path, overrides: Sequence[str] = (), yaml: Path = YAML) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, yaml, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The system that it goes on from, with its new sketch tower; the other graphs stay as they are published."""
    recipe, like = load_recipe(Recipe, folder), form()
    card = tri.card(replace(like, sketch_size=recipe.query_size))
    return further.published(
        like,
        towers(recipe, folder),
        card
        | {
            "built": f"{card['built']} The sketch tower was then trained further by `python -m training fit "
            f"{recipe.name}`, on doodles too, towards the vectors of photos and names as they stood; its weights lie "
            f"{recipe.share:.0%} of the way from those before to those after, and a vector is the mean of a drawing's "
            "and its mirror image's.",
            "data": [*card["data"], "quickdraw"],
            **words(recipe),
        },
    )


def towers(recipe: Recipe, folder: Path) -> dict[Modality, PublishedTower]:
    """The towers to publish of a finished run: the photo tower stays."""
    sketch, size = tower(), recipe.query_size
    load_onnx_weights(sketch, initial(folder, recipe, "sketch.onnx"))
    trained = load_file(folder / "best.safetensors")
    interpolate(sketch, {name.removeprefix("sketch."): value for name, value in trained.items()}, recipe.share)
    drawn = sketchy25.items("val")
    photos, sketches = ([item for item in drawn if item.modality is modality] for modality in (PHOTO, SKETCH))
    return {
        PHOTO: PublishedTower(None, inputs(photos, SIDE), {}),
        SKETCH: PublishedTower(Mirrored(sketch), inputs(sketches, size), {"size": size}),
    }


def words(recipe: Recipe) -> dict[str, str]:
    """The card's sentences that follow from the recipe: tri's, and what training on doodles cost."""
    limits = tri.words(form())["limits"]
    return {
        "limits": f"{limits} The renderer's own drawings and ChairV2's chairs it finds less often than before it was "
        "trained on doodles."
    }
