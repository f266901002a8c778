"""typed: tri's published text tower, trained further for words as people type them.

The vectors of photos and drawings stay exactly as they are published. Texts learn to be where they were, however they
are typed, and captions of real photos to come nearer to these.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer as Table
from torch import nn

from training.datasets import catalogue, flickr8k, labels_of, multi30k, quickdraw
from training.datasets.names import phrases
from training.datasets.protocols import find
from training.datasets.typing import KINDS
from training.datasets.vocabulary import write_words
from training.learn.features import PARITY_SAMPLES, SIDE, inputs
from training.learn.fit import Stage
from training.learn.losses import contrastive, distillation
from training.learn.recipe import load_recipe, train
from training.learn.restore import load_onnx_weights
from training.learn.sampling import Cycle
from training.systems import PublishedSystem, PublishedTower, further
from training.systems.further import encoded, figures_of, form, initial, interpolate, loss_weights, score
from training.towers.text import TextTower, normalizer
from training.world.captions import COLOURS, LIGHTS, MATERIALS, PLACES, VIEWS, Facts, describe
from training.world.lexicon import LEXICON
from xmr import checkpoint
from xmr.files import replacing
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
YAML = Path(__file__).with_suffix(".yaml")
BATCH = 256
# Slips that are left after what the app puts right, and habits that it leaves alone.
LEARNT = ("dropped", "doubled", "swapped", "wrong", "twice-wrong", "written-out", "undotted", "bare", "reordered")


@dataclass(frozen=True)
class Recipe(further.TowerRecipe):
    """What typed.yaml sets; the comments there say what each setting changes."""

    captions: int
    sentences: int
    neighbours: int


class Typed(nn.Module):
    """The text tower, the temperature of its loss, and the photos' vectors, (P, dim)."""

    def __init__(self, text: TextTower, photos: torch.Tensor) -> None:
        super().__init__()
        self.text = text
        self.register_buffer("photos", photos, persistent=False)
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def forward(
        self,
        captions: dict[str, tuple[torch.Tensor, torch.Tensor]],
        staying: torch.Tensor,
        taught: torch.Tensor,
        weights: dict[str, float],
    ) -> dict:
        """Losses by name, and their weighted sum as "loss".

        captions: by language, token ids (N, L) and the row (N,) of the photo that each is of; a photo comes once.
        staying: (M, L) token ids. taught: (M, dim) where their vectors are to be.
        """
        scale, found = self.log_scale.exp().clamp(max=100.0), []
        for ids, rows in captions.values():
            same = torch.eye(len(rows), device=ids.device)
            found.append(contrastive(self.text(ids), self.photos[rows], same, scale))
        losses = {"photos": torch.stack(found).mean(), "distil": distillation(self.text(staying), taught)}
        losses["loss"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses


class Task:
    """The data, the model, and what a batch and a validation are."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.cache, self.folder = recipe, cache, folder
        self.system = checkpoint.load(recipe.system, recipe.checkpoints)
        self.tokenizer = Tokenizer(tokenizer(folder, recipe))
        photographed = flickr8k.items("train")
        names = {label for item in catalogue.get("quickdraw").items("val") for label in item.labels}
        sentences = some(multi30k.for_training(), recipe.sentences)
        words = folder / "words.json"
        if not words.is_file():
            write_words(words, photographed + multi30k.for_training(), names | quickdraw.SKETCHY.keys())
        photos = [item for item in photographed if item.modality is PHOTO]
        self.captions = captions_of(photos, photographed)
        called = named(names)
        self.staying = [*called, *described(recipe.captions), *sentences]
        self.data = {"flickr8k": photographed, "staying": self.staying}
        self.taught = encoded(self.system, self.staying, cache)  # (texts, dim)
        vectors = encoded(self.system, photos, cache)  # (photos, dim)
        self.near = nearest(vectors, recipe.neighbours)
        self.cycles = {
            "flickr8k": Cycle(len(photos), seed=1),
            "names": Cycle(len(called), seed=2),
            "sentences": Cycle(len(self.staying) - len(called), seed=3),
        }
        self.model = Typed(tower(), torch.from_numpy(vectors))
        load_onnx_weights(self.model.text, initial(folder, recipe, "text.onnx"))
        self.val = {name: self._watched(name) for name in dict.fromkeys(key.split("/")[0] for key in recipe.score)}

    def begin(self, stage: Stage, step: int) -> None:
        pass

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The arguments of Typed.forward."""
        settings = stage.settings
        count = int(settings["flickr8k"]) // 2
        rows = self.cycles["flickr8k"].take(step * count, count)
        rows = np.unique(np.concatenate([rows, rng.permuted(self.near[rows], axis=1)[:, 0]]))
        captions = {}
        for language in ("en", "de"):
            known = [row for row in rows if language in self.captions[row]]
            texts = [str(rng.choice(self.captions[row][language])) for row in known]
            captions[language] = (self._ids(texts, language, settings["typed"], rng), torch.tensor(known))
        rows = staying_rows(self.cycles, settings, step)
        staying = [self.staying[row] for row in rows]
        ids = [slipped(item.content, item.language, settings["typed"], rng) for item in staying]
        return {
            "captions": captions,
            "staying": torch.from_numpy(self.tokenizer.encode(ids, form().text.max_tokens)),
            "taught": torch.from_numpy(self.taught[rows]),
            "weights": loss_weights(settings),
        }

    def _ids(self, texts: list[str], language: str, share: float, rng: np.random.Generator) -> torch.Tensor:
        texts = [slipped(text, language, share, rng) for text in texts]
        return torch.from_numpy(self.tokenizer.encode(texts, form().text.max_tokens))

    def _watched(self, name: str) -> tuple:
        """A protocol without drawings, its val texts and photos, and its gallery."""
        protocol = find(name)
        kept = tuple(c for c in protocol.comparisons if SKETCH not in (c.query[0], c.gallery[0]))
        items = [item for item in protocol.items("val") if item.modality is not SKETCH]
        return replace(protocol, comparisons=kept), items, protocol.gallery("val") if protocol.gallery else None

    @torch.inference_mode()
    def _read(self, items: list[Item]) -> np.ndarray:
        """(N, dim) vectors of texts by the tower as it is now."""
        device, found = next(self.model.parameters()).device, []
        for start in range(0, len(items), BATCH):
            texts = [item.content for item in items[start : start + BATCH]]
            ids = torch.from_numpy(self.tokenizer.encode(texts, form().text.max_tokens))
            found.append(self.model.text(ids.to(device)).cpu().numpy())
        return np.concatenate(found)

    def validate(self, stage: Stage) -> dict[str, float]:
        """The protocols' figures on the val texts, and "score": the mean of those in the recipe, by weight."""

        def vectors(items: list[Item]) -> np.ndarray:
            return encoded(self.system, items, self.cache) if items[0].modality is PHOTO else self._read(items)

        return score(figures_of(self.val, vectors), self.recipe.score)


def captions_of(photos: list[Item], items: list[Item]) -> list[dict[str, list[str]]]:
    """By photo and by language, the captions among the items that are of its image."""
    row_of = {min(labels_of(item, "image")): row for row, item in enumerate(photos)}
    found: list[dict[str, list[str]]] = [{} for _ in photos]
    for item in items:
        if item.modality is TEXT and (row := row_of.get(min(labels_of(item, "image")))) is not None:
            found[row].setdefault(item.language, []).append(item.content)
    return found


def nearest(vectors: np.ndarray, count: int) -> np.ndarray:
    """(N, count) int64, the rows most like each of the unit vectors (N, dim), best first and without itself."""
    return np.argsort(-(vectors @ vectors.T), axis=1)[:, 1 : 1 + count]


def staying_rows(cycles: Mapping[str, Cycle], settings: Mapping[str, float], step: int) -> np.ndarray:
    """The rows of a step's texts whose vectors stay: as many "names" as the settings say, which come first among all
    such texts, and as many "sentences"."""
    names, sentences = (
        cycles[kind].take(step * int(settings[kind]), int(settings[kind])) for kind in ("names", "sentences")
    )
    return np.concatenate([names, sentences + cycles["names"].n])


def slipped(text: str, language: str, share: float, rng: np.random.Generator) -> str:
    """A text as people type it, in a share of the cases; else as it is."""
    if rng.random() >= share:
        return text
    return KINDS[LEARNT[int(rng.integers(len(LEARNT)))]](text, language, rng) or text


def named(labels: set[str]) -> list[Item]:
    """Every name of the rendered world's classes and of others, in all phrasings."""
    found = {}
    for label in sorted({*(f"class:{name}" for name in LEXICON), *labels}):
        for language, texts in phrases(label.removeprefix("class:"), synonyms=True).items():
            found |= {text: Item(f"{label}#{text}", TEXT, text, frozenset({label}), language) for text in texts}
    return list(found.values())


def described(count: int) -> list[Item]:
    """Captions of scenes that nobody rendered."""
    rng, found = np.random.default_rng(0), []
    while len(found) < count:
        chosen = (
            [*LEXICON],
            [None, *COLOURS],
            [None, None, *MATERIALS],
            [*PLACES],
            [*LIGHTS],
            [None, *VIEWS],
        )
        category, colour, material, place, light, view = (many[int(rng.integers(len(many)))] for many in chosen)
        facts = Facts(category, colour, material, place, light, view, None, int(rng.choice([1, 1, 1, 2, 3, 4])))
        for language, texts in describe(facts, len(found)).items():
            found += [
                Item(f"{len(found)}#{language}{n}", TEXT, text, language=language) for n, text in enumerate(texts)
            ]
    return found[:count]


def some(items: list[Item], count: int) -> list[Item]:
    """That many of the items that have a word in them, the same at every call."""
    items = [item for item in items if any(letter.isalpha() for letter in item.content)]
    return sorted(items, key=lambda item: hashlib.sha256(item.id.encode()).digest())[:count]


def tokenizer(folder: Path, recipe: Recipe) -> Path:
    """The published tokenizer, as which a run's begins, that passes over case and marks that say nothing."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        table = Table.from_file(str(Path(recipe.checkpoints) / recipe.system / "tokenizer.json"))
        table.normalizer = normalizer()
        with replacing(path) as part:
            table.save(str(part))
    return path


def tower() -> TextTower:
    """A text tower of tri's form, not trained."""
    like, text = form(), form().text
    return TextTower(text.vocab_size, like.dim, text.width, text.depth, text.heads, text.max_tokens, text.dropout)


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The system that it goes on from, with its new text tower; the other graphs stay as they are published."""
    recipe, text, like = load_recipe(Recipe, folder), tower(), form()
    load_onnx_weights(text, initial(folder, recipe, "text.onnx"))
    trained = load_file(folder / "best.safetensors")
    interpolate(text, {name.removeprefix("text."): value for name, value in trained.items()}, recipe.share)
    pictures, captioned = catalogue.get("sketchy25").items("val"), flickr8k.items("val")
    photos = [item for item in pictures if item.modality is PHOTO]
    captions = [item.content for item in captioned if item.modality is TEXT][:PARITY_SAMPLES]
    config = {
        "tokenizer": "tokenizer.json",
        "words": "words.json",
        "max_tokens": like.text.max_tokens,
        "languages": ["en", "de"],
    }
    ids = Tokenizer(folder / "tokenizer.json").encode(captions, like.text.max_tokens)
    said = (
        f" The text tower was then trained further by `python -m training fit {recipe.name}`: texts as people type "
        "them towards the vectors of what is meant, and Flickr8k's captions towards those of its photos."
    )
    towers = {PHOTO: PublishedTower(None, inputs(photos, SIDE), {}), TEXT: PublishedTower(text, ids, config)}
    card = further.card_with(recipe, said)
    return further.published(like, towers, card | {"data": list(dict.fromkeys([*card["data"], "wordfreq"]))})
