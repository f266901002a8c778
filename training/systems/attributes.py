"""attributes: tri's published photo and text towers, trained further for what things are like: colour, place, material.

The rendered world's facts say exactly which photo answers "something red" or "a red cup", and photos of one kind in
many colours are each other's hard negatives. Drawings' vectors stay as they are published, and photos learn to stay
near those; so do captions of real photos and the names of things.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from training.datasets import MissingData, catalogue, demo, labels_of, multi30k, world
from training.datasets.mixed import Facts, coloured, text
from training.datasets.names import phrases
from training.datasets.protocols import find
from training.learn.features import PARITY_SAMPLES, SIDE, MapCache, inputs
from training.learn.fit import Stage
from training.learn.losses import contrastive, distillation
from training.learn.recipe import load_recipe, train
from training.learn.restore import load_onnx_weights
from training.learn.sampling import Cycle
from training.systems import PublishedSystem, PublishedTower, doodles, further, typed
from training.systems.composer import words_for
from training.systems.further import encoded, figures_of, form, initial, interpolate, loss_weights, score
from training.systems.typed import captions_of, described, named, nearest, slipped, some, staying_rows
from training.towers.photo import PhotoTower
from training.towers.text import TextTower
from training.world.lexicon import LEXICON
from xmr import checkpoint
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
YAML = Path(__file__).with_suffix(".yaml")
BATCH = 64
REAL = ("flickr8k", "sketchy25", "chairv2", "others")
GROUPS = ("phrase", "phrase", "phrase", "colour", "colour", "place", "name", "material")  # of words, as often as drawn
RANKED = ("terms", "names")
PHRASES = "phrases"
DOODLES = 0.15  # of val's doodles: enough to see them kept


@dataclass(frozen=True)
class Recipe(further.TowerRecipe):
    """What attributes.yaml sets; the comments there say what each setting changes."""

    views: int
    captions: int
    sentences: int
    neighbours: int
    alike: int


class Held(NamedTuple):
    """What some photos of a batch are held against.

    Attributes:
        against: token ids (T, L) of texts, or vectors (T, dim) of drawings.
        rows: (P,) int64, the photos' rows in the batch.
        right: (T, P) float, how well each photo answers.
        neither: (T, P) bool, pairs that are neither right nor wrong.
    """

    against: torch.Tensor
    rows: torch.Tensor
    right: torch.Tensor
    neither: torch.Tensor | None = None


class Attributes(nn.Module):
    """The two towers, and a temperature for each loss that has one."""

    def __init__(self, photo: PhotoTower, text: TextTower) -> None:
        super().__init__()
        self.photo, self.text = photo, text
        kinds = (*RANKED, "scenes", "captions", "drawn")
        self.log_scale = nn.ParameterDict({kind: nn.Parameter(torch.tensor(3.0)) for kind in kinds})

    def forward(
        self,
        maps: torch.Tensor,
        photos: torch.Tensor,
        rendered: int,
        held: list[tuple[str, Held]],
        ids: torch.Tensor,
        texts: torch.Tensor,
        weights: dict[str, float],
    ) -> dict:
        """Losses by name, and their weighted sum as "loss".

        maps: (N, C, S, S) of photos, of which so many are `rendered`, and come first. photos: (N, dim) where their
        vectors are to stay. held: losses' names, and what is held against what. ids: (M, L) of texts. texts: (M, dim)
        where their vectors are to stay.
        """
        shown = self.photo.from_maps(maps)
        found: dict[str, list[torch.Tensor]] = {}
        with torch.autocast(maps.device.type, enabled=False):  # half precision is too coarse for scaled logits
            shown = shown.float()
            for kind, one in held:
                asked = (one.against if one.against.is_floating_point() else self.text(one.against)).float()
                answers, scale = shown[one.rows], self.log_scale[kind].exp().clamp(max=100.0)
                if kind in RANKED:  # photos for words: a photo has many true words, and need not rank them
                    ranked = (scale * asked @ answers.T).log_softmax(1)
                    loss = -(one.right * ranked).sum(1) / one.right.sum(1)
                    found.setdefault(kind, []).append(loss.mean())
                else:
                    found.setdefault(kind, []).append(contrastive(asked, answers, one.right, scale, one.neither))
            losses = {kind: torch.stack(parts).mean() for kind, parts in found.items()}
            losses["rendered"] = distillation(shown[:rendered], photos[:rendered])
            losses["photos"] = distillation(shown[rendered:], photos[rendered:])
            losses["texts"] = distillation(self.text(ids), texts)
        losses["loss"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses


class Photos:
    """The photos of one set: their maps, and where the published tower has each view of them, (N, views, dim)."""

    def __init__(self, maps: MapCache, taught: np.ndarray) -> None:
        self.items, self.maps, self.taught = maps.items, maps, taught
        self.cycle = Cycle(len(self.items), seed=len(self.items))
        self.classes = [labels_of(item, "class") for item in self.items]

    def take(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The maps of one view of each, (n, C, S, S), and their published vectors, (n, dim)."""
        views = rng.integers(self.maps.variants, size=len(rows))
        return self.maps[rows, views], self.taught[rows, views]


class Task:
    """The data, the model, and what a batch and a validation are."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.cache = recipe, cache
        self.system = checkpoint.load(recipe.system, recipe.checkpoints)
        self.tokenizer = Tokenizer(initial(folder, recipe, "tokenizer.json"))
        initial(folder, recipe, "words.json")  # they are published again with the text tower
        self.model = Attributes(photo_tower(), typed.tower())
        load_onnx_weights(self.model.photo, initial(folder, recipe, "photo.onnx"))
        load_onnx_weights(self.model.text, initial(folder, recipe, "text.onnx"))
        rendered = [item for item in world.items("photos") if item.modality is PHOTO]
        if not rendered:
            raise MissingData("Expected photos of new things. Make them: python -m training render --split photos=192")
        found = {name: catalogue.get(name).items("train") for name in ("flickr8k", "sketchy25", "chairv2")}
        others = [item for name in ("imagenet1000", "caltech101") for item in catalogue.get(name).items("train")]
        self.data = {**found, "others": others, "world": rendered}
        self.photos = {name: self._photos(items) for name, items in self.data.items()}
        self._scenes(self.photos["world"].items)
        self.captions = captions_of(self.photos["flickr8k"].items, found["flickr8k"])
        self.near = nearest(self.photos["flickr8k"].taught[:, 0], recipe.neighbours)
        drawn = [item for name in ("sketchy25", "chairv2") for item in found[name] if item.modality is SKETCH]
        self.drawn = dict(zip([item.id for item in drawn], encoded(self.system, drawn, cache), strict=True))
        self.drawings: dict[str, list[str]] = {}  # of each photo's instance
        for item in drawn:
            for label in labels_of(item, "instance"):
                self.drawings.setdefault(label, []).append(item.id)
        self._staying(recipe)
        self.val = {name: self._watched(name) for name in dict.fromkeys(key.split("/")[0] for key in recipe.score)}

    def _photos(self, items: list[Item]) -> Photos:
        items = [item for item in items if item.modality is PHOTO]
        maps = MapCache(self.model.photo, items, self.recipe.views, self.cache)
        pooled = torch.from_numpy(maps.pooled(self.model.photo.upper)).float()
        with torch.inference_mode():
            taught = self.model.photo.head.eval()(pooled.flatten(0, 1))
        return Photos(maps, taught.view(*pooled.shape[:2], -1).numpy())

    def _scenes(self, rendered: list[Item]) -> None:
        """What may be said of the rendered photos, and which photos are alike."""
        self.words, self.met = {}, {}  # by group: (text, language), and (texts, photos) bool
        for group, told in words_for(Facts(rendered)).items():
            told = [one for one in told if one[2].any()]
            self.words[group] = [(words, language) for words, language, _ in told]
            self.met[group] = np.stack([shown for *_, shown in told])
        self.kinds: dict[str, list[int]] = {}
        for row, item in enumerate(rendered):
            self.kinds.setdefault(min(labels_of(item, "class")), []).append(row)

    def _staying(self, recipe: Recipe) -> None:
        """The texts whose vectors stay: what things are called, and sentences."""
        labels = {label for item in catalogue.get("quickdraw").items("val") for label in item.labels}
        called = named(labels)
        self.staying = [*called, *described(recipe.captions), *some(multi30k.for_training(), recipe.sentences)]
        self.data["staying"] = self.staying
        self.taught = encoded(self.system, self.staying, self.cache)  # (texts, dim)
        self.cycles = {"names": Cycle(len(called), seed=2), "sentences": Cycle(len(self.staying) - len(called), seed=3)}

    def begin(self, stage: Stage, step: int) -> None:
        pass

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The arguments of Attributes.forward."""
        settings = stage.settings
        rows = {"world": self._alike(int(settings["world"]), rng)}
        for name in REAL:
            count = int(settings[name])
            rows[name] = self.photos[name].cycle.take(step * count, count)
        half = rows["flickr8k"][: len(rows["flickr8k"]) // 2]
        rows["flickr8k"] = np.unique(np.concatenate([half, rng.permuted(self.near[half], axis=1)[:, 0]]))
        taken = {name: self.photos[name].take(some, rng) for name, some in rows.items()}
        starts = dict(zip(rows, np.cumsum([0, *map(len, rows.values())]), strict=False))
        slips = settings["typed"]
        held = [
            ("terms", self._terms(rows["world"], slips, rng)),
            ("scenes", self._described(rows["world"], slips, rng)),
        ]
        for language in ("en", "de"):
            held.append(("captions", self._captioned(rows["flickr8k"], starts["flickr8k"], language, slips, rng)))
        held += [("drawn", self._drawn(name, rows[name], starts[name], rng)) for name in ("sketchy25", "chairv2")]
        held += [("names", self._named(name, rows[name], starts[name], slips, rng)) for name in ("sketchy25", "others")]
        stay = staying_rows(self.cycles, settings, step)
        return {
            "maps": torch.from_numpy(np.concatenate([maps for maps, _ in taken.values()])),
            "photos": torch.from_numpy(np.concatenate([vectors for _, vectors in taken.values()])),
            "rendered": len(rows["world"]),
            "held": held,
            "ids": self._ids([(self.staying[row].content, self.staying[row].language) for row in stay], slips, rng),
            "texts": torch.from_numpy(self.taught[stay]),
            "weights": loss_weights(settings),
        }

    def _alike(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """The rows of that many rendered photos, a few of one kind each."""
        kinds = rng.permutation(sorted(self.kinds))[: count // self.recipe.alike]
        drawn = [rng.permutation(self.kinds[kind])[: self.recipe.alike] for kind in kinds]
        return np.unique(np.concatenate(drawn))

    def _terms(self, rows: np.ndarray, slips: float, rng: np.random.Generator) -> Held:
        """Words that some of the rendered photos meet, and not all: for each photo one that is true of it."""
        told: dict[tuple[str, int], np.ndarray] = {}
        for row in rows:
            group = GROUPS[int(rng.integers(len(GROUPS)))]
            true = np.flatnonzero(self.met[group][:, row])
            if len(true):
                one = int(rng.choice(true))
                told[group, one] = self.met[group][one, rows]
        told = {key: shown for key, shown in told.items() if not shown.all()}
        ids = self._ids([self.words[group][one] for group, one in told], slips, rng)
        return Held(ids, torch.arange(len(rows)), torch.from_numpy(np.stack([*told.values()])).float())

    def _named(self, name: str, rows: np.ndarray, start: int, slips: float, rng: np.random.Generator) -> Held:
        """What the thing in each real photo is called, in one language, where that is known."""
        classes, told = [min(self.photos[name].classes[row], default="") for row in rows], []
        asked = [label for label in classes if label]
        for label in asked:
            known = phrases(label.removeprefix("class:"), synonyms=True)
            language = str(rng.choice(sorted(known)))
            told.append((str(rng.choice(known[language])), language))
        right = torch.tensor([[float(a == b) for b in classes] for a in asked])
        return Held(self._ids(told, slips, rng), torch.arange(len(rows)) + int(start), right)

    def _described(self, rows: np.ndarray, slips: float, rng: np.random.Generator) -> Held:
        """A caption of each rendered photo. It may be as true of others of the same kind."""
        photos, told = self.photos["world"], []
        for row in rows:
            language = ("en", "de")[int(rng.integers(2))]
            told.append((str(rng.choice(photos.items[row].facts["captions"][language])), language))
        classes = [photos.classes[row] for row in rows]
        same = torch.tensor([[bool(a & b) for b in classes] for a in classes])
        right = torch.eye(len(rows))
        return Held(self._ids(told, slips, rng), torch.arange(len(rows)), right, same)

    def _captioned(self, rows: np.ndarray, start: int, language: str, slips: float, rng: np.random.Generator) -> Held:
        """A caption in one language of each of Flickr8k's photos that has some."""
        known = [n for n, row in enumerate(rows) if language in self.captions[row]]
        told = [(str(rng.choice(self.captions[rows[n]][language])), language) for n in known]
        return Held(self._ids(told, slips, rng), torch.tensor(known) + int(start), torch.eye(len(known)))

    def _drawn(self, name: str, rows: np.ndarray, start: int, rng: np.random.Generator) -> Held:
        """A drawing of each photo that was drawn; a match by class counts as tri's training has it."""
        photos = self.photos[name]
        labels = [min(labels_of(photos.items[row], "instance"), default="") for row in rows]
        known = [n for n, label in enumerate(labels) if label in self.drawings]
        vectors = np.stack([self.drawn[str(rng.choice(self.drawings[labels[n]]))] for n in known])
        right, classes = torch.eye(len(rows))[known], [photos.classes[row] for row in rows]
        if name == "sketchy25":
            same = torch.tensor([[bool(classes[n] & b) for b in classes] for n in known]).float()
            right = (1 - form().class_share) * right + form().class_share * same
        return Held(torch.from_numpy(vectors), torch.arange(len(rows)) + int(start), right)

    def _ids(self, texts: list[tuple[str, str]], slips: float, rng: np.random.Generator) -> torch.Tensor:
        told = [slipped(words, language, slips, rng) for words, language in texts]
        return torch.from_numpy(self.tokenizer.encode(told, form().text.max_tokens))

    def _watched(self, name: str) -> tuple:
        """A protocol with its val items, of doodles some, and its gallery; or phrases and which photos meet them."""
        if name == PHRASES:
            facts = Facts(demo.items())
            asked = [
                (text(coloured(category, colour, language), language), facts.shows(category=category, colour=colour))
                for category in LEXICON
                for colour in facts.values(category, "colour")
                for language in ("en", "de")
            ]
            return [item for item, _ in asked], np.stack([shown for _, shown in asked]), facts.photos
        if name.startswith("quickdraw"):
            return doodles.watched(name, DOODLES)
        protocol = find(name)
        return protocol, protocol.items("val"), protocol.gallery("val") if protocol.gallery else None

    @torch.inference_mode()
    def _seen(self, items: list[Item]) -> np.ndarray:
        """(N, dim) vectors of photos or texts by the towers as they are now, and of drawings as they are published."""
        if items[0].modality is SKETCH:
            return encoded(self.system, items, self.cache)
        device, found = next(self.model.parameters()).device, []
        maps = MapCache(self.model.photo, items, 1, self.cache) if items[0].modality is PHOTO else None
        for start in range(0, len(items), BATCH):
            if maps is not None:
                some = torch.from_numpy(maps[np.arange(start, min(start + BATCH, len(items))), 0])
                found.append(self.model.photo.from_maps(some.to(device)))
            else:
                texts = [item.content for item in items[start : start + BATCH]]
                ids = torch.from_numpy(self.tokenizer.encode(texts, form().text.max_tokens))
                found.append(self.model.text(ids.to(device)))
        return torch.cat(found).cpu().numpy()

    def validate(self, stage: Stage) -> dict[str, float]:
        """The protocols' figures on val, and "score": the mean of those in the recipe, by weight."""
        known: dict[tuple, np.ndarray] = {}

        def vectors(items: list[Item]) -> np.ndarray:
            key = items[0].modality, tuple(item.id for item in items)
            if key not in known:  # several protocols share the demo gallery
                known[key] = self._seen(items)
            return known[key]

        figures = figures_of({name: one for name, one in self.val.items() if name != PHRASES}, vectors)
        if PHRASES in self.val:
            asked, met, photos = self.val[PHRASES]
            best = (vectors(asked) @ vectors(photos).T).argmax(1)
            figures[f"{PHRASES}/both@1"] = float(met[np.arange(len(best)), best].mean())
        return score(figures, self.recipe.score)


def photo_tower() -> PhotoTower:
    """A photo tower of tri's form, not trained further."""
    like, photo = form(), form().photo
    return PhotoTower(like.dim, photo.hidden, photo.cut, photo.dropout, like.backbone)


def run(folder: Path, cache: Path, overrides: Sequence[str] = (), yaml: Path = YAML) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, yaml, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The system that it goes on from, with its new photo and text towers; the sketch tower stays as published."""
    return further_published(
        folder,
        "The photo and the text tower were then trained further by `python -m training fit attributes`: rendered "
        "photos towards words for their things' colours, places and materials.",
    )


def further_published(folder: Path, said: str) -> PublishedSystem:
    """`published`, with a sentence that says on the card what was done."""
    recipe, like = load_recipe(Recipe, folder), form()
    trained, towers = load_file(folder / "best.safetensors"), {"photo": photo_tower(), "text": typed.tower()}
    for name, tower in towers.items():
        load_onnx_weights(tower, initial(folder, recipe, f"{name}.onnx"))
        own = {key.removeprefix(f"{name}."): value for key, value in trained.items() if key.startswith(f"{name}.")}
        interpolate(tower, own, recipe.share)
    pictures, captioned = catalogue.get("sketchy25").items("val"), catalogue.get("flickr8k").items("val")
    photos = [item for item in pictures if item.modality is PHOTO]
    captions = [item.content for item in captioned if item.modality is TEXT][:PARITY_SAMPLES]
    before = checkpoint.describe(recipe.system, recipe.checkpoints)["encoders"]["text"]
    config = {key: before[key] for key in ("tokenizer", "words", "max_tokens", "languages") if key in before}
    ids = Tokenizer(initial(folder, recipe, "tokenizer.json")).encode(captions, like.text.max_tokens)
    return further.published(
        like,
        {
            PHOTO: PublishedTower(towers["photo"], inputs(photos, SIDE), {"size": SIDE}),
            TEXT: PublishedTower(towers["text"], ids, config),
        },
        further.card_with(recipe, f" {said}"),
    )
