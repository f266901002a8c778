"""tri: photos, sketches and bilingual text in one cosine space, trained together on four kinds of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from training import datasets
from training.datasets import catalogue, flickr8k, multi30k, names, sketchy25
from training.datasets.outlines import outlines
from training.datasets.protocols import PROTOCOLS
from training.learn import recipe as recipes
from training.learn.augment import augment_sketches, mixup, resized
from training.learn.features import PARITY_SAMPLES, SIDE, FeatureCache, inputs
from training.learn.fit import Stage
from training.learn.losses import contrastive, distillation, same
from training.learn.recipe import load_recipe, train
from training.learn.sampling import Pool, TextPool, Vocabulary, make_pool, merge
from training.systems import PublishedSystem, PublishedTower
from training.towers.photo import PhotoTower, weights_source
from training.towers.sketch import SketchTower
from training.towers.text import TextTower, init_bag_of_words, sentence_encoder, train_tokenizer
from xmr.evaluation import measure
from xmr.modality import BadInput, Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
TEACHER_DIM = 384
LOSSES = ("photo_text", "photo_sketch", "sketch_text", "sketch_names", "text_text", "distil")
YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class PictureSettings:
    cut: int
    hidden: int
    dropout: float


@dataclass(frozen=True)
class TextSettings:
    vocab_size: int
    width: int
    depth: int
    heads: int
    max_tokens: int
    dropout: float


@dataclass(frozen=True)
class PoolSettings:
    negative_group: str
    photos: int
    same_instance_prob: float = 1.0
    class_names: bool = True
    all_class_names: bool = True
    outlines: bool = False


@dataclass(frozen=True)
class Recipe(recipes.Recipe):
    """What tri.yaml sets; the comments there say what each setting changes."""

    backbone: str
    dim: int
    class_share: float
    photo: PictureSettings
    sketch: PictureSettings
    sketch_init: str
    sketch_size: int
    text: TextSettings
    pools: dict[str, PoolSettings]
    score: dict[str, float]


class Tri(nn.Module):
    """The three towers, and what only training needs: temperatures and a projection to the teacher's space."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        dim, p, s = recipe.dim, recipe.photo, recipe.sketch
        self.photo = PhotoTower(dim, p.hidden, p.cut, p.dropout, recipe.backbone)
        self.sketch = SketchTower(dim, s.hidden, s.cut, s.dropout, recipe.backbone)
        self.sketch = self.sketch.to(memory_format=torch.channels_last)
        t = recipe.text
        self.text = TextTower(t.vocab_size, dim, t.width, t.depth, t.heads, t.max_tokens, t.dropout)
        self.to_teacher = nn.Linear(t.width, TEACHER_DIM)
        pairs = ("photo_text", "photo_sketch", "sketch_text", "text_text")
        self.log_scale = nn.ParameterDict({pair: nn.Parameter(torch.tensor(3.0)) for pair in pairs})
        self.class_share = recipe.class_share

    def forward(
        self,
        negative_groups: dict[str, dict],
        pairs: dict | None,
        weights: dict[str, float],
        size: int = SIDE,
        mixup_alpha: float = 0.0,
    ) -> dict:
        """Losses by name, and their weighted sum as "loss".

        negative_groups: by name, the parts that learn.sampling drew; the items of one group are each other's negatives.
        pairs:       what TextPool drew, or None.
        weights:     of the LOSSES; 0 leaves one out.
        size:        side in pixels of the sketches, which are augmented here.
        mixup_alpha: of mixup of the sketches within a group, with a probability of one half; 0 for none.
        """
        for parts in negative_groups.values():
            if SKETCH in parts:
                part = parts[SKETCH]
                part["input"] = augment_sketches(part["input"], size)
                if mixup_alpha and torch.rand(()) < 0.5:
                    part["input"], part["other"], part["share"] = mixup(part["input"], mixup_alpha)
        embs = self.embed(negative_groups)
        terms: dict[str, list[torch.Tensor]] = {}
        for name, parts in negative_groups.items():
            texts = [part for part in parts if part not in (PHOTO, SKETCH)]
            for pair, a, b in [
                *(("photo_text", PHOTO, part) for part in texts),
                *(("sketch_names" if part == "names" else "sketch_text", SKETCH, part) for part in texts),
                ("photo_sketch", PHOTO, SKETCH),
            ]:
                if a in parts and b in parts and weights[pair]:
                    loss = self.pair_loss(embs[name, a], parts[a], embs[name, b], parts[b], pair)
                    terms.setdefault(pair, []).append(loss)
        losses = {pair: torch.stack(parts).sum() for pair, parts in terms.items()}
        if pairs is not None:
            a, b = (self.text.features(pairs[key]) for key in ("a", "b"))
            a_emb, b_emb = (nn.functional.normalize(self.text.head(x), dim=1) for x in (a, b))
            losses["text_text"] = contrastive(a_emb, b_emb, torch.eye(len(a), device=a.device), self.scale("text_text"))
            teacher = torch.cat([pairs["a_teacher"], pairs["b_teacher"]]).float()
            known = teacher.abs().sum(1) > 0
            losses["distil"] = distillation(self.to_teacher(torch.cat([a, b]))[known], teacher[known])
        losses["loss"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses

    def scale(self, pair: str) -> torch.Tensor:
        """1 / temperature of a loss, at most 100."""
        return self.log_scale["sketch_text" if pair == "sketch_names" else pair].exp().clamp(max=100.0)

    def pair_loss(self, a_emb, a: dict, b_emb, b: dict, pair: str) -> torch.Tensor:
        """InfoNCE with matches by instance, weighted 1 - class_share, and by class, weighted class_share. A mixup of
        sketches has the matches of both, by their shares."""
        by_instance, by_class = same(a["group"], b["group"]), same(a["cls"], b["cls"])
        positive = (1 - self.class_share) * by_instance + self.class_share * by_class
        if "other" in a:
            positive = positive.lerp(positive[a["other"]], 1 - a["share"])
        if "other" in b:
            positive = positive.lerp(positive[:, b["other"]], 1 - b["share"])
        with torch.autocast(a_emb.device.type, enabled=False):  # half precision is too coarse for scaled logits
            return contrastive(a_emb.float(), b_emb.float(), positive, self.scale(pair))

    def embed(self, negative_groups: dict[str, dict]) -> dict[tuple[str, str], torch.Tensor]:
        """The vectors of every part by (group, part); each tower runs once over all parts of its modality."""
        embs = {}
        for embed, takes, key in (
            (self.photo.from_maps, lambda part: part == PHOTO, "input"),
            (self.sketch, lambda part: part == SKETCH, "input"),
            (self.embed_texts, lambda part: part not in (PHOTO, SKETCH), "ids"),
        ):
            found = [(name, part) for name, parts in negative_groups.items() for part in parts if takes(part)]
            if found:
                inputs = [negative_groups[name][part][key] for name, part in found]
                vectors = embed(inputs if key == "ids" else torch.cat(inputs))
                embs |= dict(zip(found, vectors.split([len(i) for i in inputs]), strict=True))
        return embs

    def embed_texts(self, inputs: list[torch.Tensor], chunks: int = 4) -> torch.Tensor:
        """Token ids (N, L) of several parts -> (all N, dim), in chunks of similar length, which saves padding."""
        longest = max(ids.shape[1] for ids in inputs)
        ids = torch.cat([nn.functional.pad(part, (0, longest - part.shape[1])) for part in inputs])
        lengths = (ids != 0).sum(1)
        order = lengths.argsort()
        parts = [self.text(ids[rows, : max(1, int(lengths[rows[-1]]))]) for rows in order.chunk(chunks)]
        return torch.cat(parts)[order.argsort()]


class TriTask:
    """The model, the pools that its batches are drawn from, and its validation."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.runs = recipe, cache.parent
        splits = {split: self._items(split) for split in ("train", "val")}
        text = multi30k.for_training()
        self.data = {f"{name} {split}": items for split, found in splits.items() for name, items in found.items()}
        self.data["multi30k train"] = text
        captions = [item for items in splits["train"].values() for item in items if item.modality is TEXT]
        class_names = _class_names([item for items in splits["train"].values() for item in items])
        path = folder / "tokenizer.json"
        if not path.is_file():
            texts = [i.content for i in text + captions] + 5 * [t for names in class_names.values() for t in names]
            train_tokenizer(texts, recipe.text.vocab_size, path)
        self.vocabulary = vocabulary = Vocabulary(Tokenizer(path), recipe.text.max_tokens)
        torch.manual_seed(recipe.seed)
        self.model = Tri(recipe)
        self.pools: dict[str, Pool] = {}
        self.val: dict[str, Pool] = {}
        for name, items in splits["train"].items():
            how = recipe.pools[name]
            self.pools[name] = make_pool(
                name, items, self.model.photo, how.photos, vocabulary, cache, how.same_instance_prob, how.class_names
            )
        for name, items in splits["val"].items():
            self.val[name] = make_pool(name, items, self.model.photo, 1, vocabulary, cache)
        english = [i.content for i in captions if i.language == "en"] + class_names["en"]
        english += [i.content for i in text if i.language == "en" and i.id.endswith(("#en", "#en0", "#en1"))]
        english = sorted(set(english), key=lambda text: (len(text), text))  # by length, which saves padding
        teacher = FeatureCache(cache / "all-minilm-l6-v2.f16")
        teacher.fill(dict(zip(english, english, strict=True)), sentence_encoder, "teacher", chunk=64, workers=1)
        self.text_pool = TextPool(vocabulary, text + captions, dict(zip(english, teacher.take(english), strict=True)))
        self.val_items = {
            p.name: [item for item in p.items("val") if item.id not in pool.lost]
            for p in PROTOCOLS.values()
            if (pool := self.val.get(p.name.split("-")[0]))
        }
        self._init_text()

    def _items(self, split: str) -> dict[str, list[Item]]:
        """The items of each pool, as far as its data set is on this machine."""
        items: dict[str, list[Item]] = {}
        for name in self.recipe.pools:
            try:
                items[name] = catalogue.get(name).items(split)
                if split == "train" and self.recipe.pools[name].outlines:
                    items[name] = items[name] + outlines([item for item in items[name] if item.modality is PHOTO])
            except datasets.MissingData as error:
                print(f"Training goes on without {name}. {error}")
        return {name: some for name, some in items.items() if some}

    def _init_text(self) -> None:
        """Initialise the text tower as the bag-of-words model that imitates the teacher best, in closed form."""
        pool = self.text_pool
        rows = np.flatnonzero(pool.teacher.any(axis=1))
        pairs = [(row, row) for row in rows]
        for texts, translated in zip(pool.images, pool.translated, strict=True):
            if translated:
                pairs.append((texts["de"][0], texts["en"][0]))
        ids = [pool.vocabulary.ids[text] for text, _ in pairs]
        targets = pool.teacher[[row for _, row in pairs]].astype(np.float32)
        init_bag_of_words(self.model.text, self.model.to_teacher, ids, targets)

    def begin(self, stage: Stage, step: int) -> None:
        """Cache pooled features where the photo network is frozen; with "init_from_photo" in the stage, initialise the
        sketch tower from the photo tower as it is now, and its network from another system's."""
        if step == 0 and stage.settings.get("init_from_photo"):
            self.model.sketch.copy_from(self.model.photo)
            if self.recipe.sketch_init:
                load_sketch_network(self.model.sketch, self.runs / self.recipe.sketch_init)
        for pool in self.pools.values():
            if stage.settings.get(pool.name):
                pool.use_cached_features(self.model.photo.upper, stage.rates)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The arguments of Tri.forward. `stage.settings`: items of each pool ("text": sentence pairs), loss weights,
        and where the sketch tower is trained (else no sketch is drawn) the sketches' "size" and "mixup_alpha"."""
        negative_groups: dict[str, dict] = {}
        sketched = any(key.startswith("sketch") for key in stage.rates)
        for name, pool in self.pools.items():
            if not (count := int(stage.settings.get(name, 0))):
                continue
            how = self.recipe.pools[name]
            parts = pool.draw(rng, step, count, how.all_class_names, sketched)
            merge(negative_groups.setdefault(how.negative_group, {}), parts)
        count = int(stage.settings.get("text", 0))
        return {
            "negative_groups": negative_groups,
            "pairs": self.text_pool.draw(rng, step, count) if count else None,
            "weights": {name: stage.settings.get(name, 0.0) for name in LOSSES},
            "size": int(stage.settings.get("size", SIDE)),
            "mixup_alpha": stage.settings.get("mixup_alpha", 0.0),
        }

    @torch.inference_mode()
    def vectors(self, pool: Pool, items: list[Item]) -> np.ndarray:
        """(N, dim) float32 vectors of some of a pool's items, of one modality, from its cache."""
        model, modality = self.model, items[0].modality
        device = next(model.parameters()).device
        if modality is TEXT:
            rows = self.vocabulary.add([item.content for item in items])
            batches = [self.vocabulary.padded(rows[n : n + 512]) for n in range(0, len(rows), 512)]
            return np.concatenate([model.embed_texts([ids.to(device)]).cpu().numpy() for ids in batches])
        embed = model.photo.from_maps if modality is PHOTO else model.sketch
        maps = pool.rows[modality].maps
        rows = np.array([maps.rows[item.id] for item in items])
        found = []
        for n in range(0, len(rows), 64):
            some = torch.from_numpy(maps[rows[n : n + 64], 0]).to(device)
            some = some if modality is PHOTO else resized(some, self.recipe.sketch_size)
            found.append(embed(some).cpu().numpy())
        return np.concatenate(found)

    def validate(self, stage: Stage) -> dict[str, float]:
        """The val metrics that the recipe's `score` names, and "score": their weighted mean."""
        figures = {}
        for protocol in PROTOCOLS.values():
            if (pool := self.val.get(protocol.name.split("-")[0])) is not None:
                items = self.val_items[protocol.name]
                entry = measure(protocol, items, lambda items, pool=pool: self.vectors(pool, items))
                figures |= {f"{protocol.name}/{key}": value for key, value in entry["metrics"].items()}
        weights = {key: weight for key, weight in self.recipe.score.items() if key in figures}
        score = sum(weight * figures[key] for key, weight in weights.items()) / sum(weights.values())
        return {"score": score} | {key: figures[key] for key in weights}


def load_sketch_network(sketch: SketchTower, run: Path) -> None:
    """Load the sketch network of another system's finished run into a sketch tower, all but the head.

    Raises:
        BadInput: there is no such run, or its network has another architecture.
    """
    path = run / "best.safetensors"
    if not path.is_file():
        raise BadInput(
            f"Expected a sketch network in {run}. Train it first: python -m training fit {run.parent.name}"
            "; or set sketch_init to '' to start from the photo tower."
        )
    parts = ("sketch.stem.", "sketch.upper.")
    source = {name[7:]: value for name, value in load_file(path).items() if name.startswith(parts)}
    target = {name: value for name, value in sketch.state_dict().items() if not name.startswith("head.")}
    if {name: value.shape for name, value in source.items()} != {name: value.shape for name, value in target.items()}:
        raise BadInput(
            f"The sketch network in {run} has another architecture than this recipe's: its backbone or cut differs."
        )
    sketch.load_state_dict(source, strict=False)


def _class_names(items: list[Item]) -> dict[str, list[str]]:
    """Phrases that name the items' classes, by language."""
    labels = sorted({label for item in items for label in datasets.labels_of(item, "class")})
    phrases = [names.phrases(label.removeprefix("class:"), synonyms=True) for label in labels]
    return {language: [text for one in phrases for text in one.get(language, [])] for language in ("en", "de")}


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> TriTask:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: TriTask(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The towers of a finished run, as the app gets them."""
    recipe = load_recipe(Recipe, folder)
    model = Tri(recipe)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    pictures, captioned = sketchy25.items("val"), flickr8k.items("val")
    photos, sketches = ([item for item in pictures if item.modality is modality] for modality in (PHOTO, SKETCH))
    captions = [item.content for item in captioned if item.modality is TEXT]
    size, length = recipe.sketch_size, recipe.text.max_tokens
    ids = Tokenizer(folder / "tokenizer.json").encode(captions[:PARITY_SAMPLES], length)
    return PublishedSystem(
        recipe.name,
        recipe.about,
        recipe.protocols,
        "cosine",
        recipe.dim,
        {
            PHOTO: PublishedTower(model.photo, inputs(photos, SIDE), {"size": SIDE}),
            SKETCH: PublishedTower(model.sketch, inputs(sketches, size), {"size": size}),
            TEXT: PublishedTower(
                model.text,
                ids,
                {
                    "tokenizer": "tokenizer.json",
                    "max_tokens": length,
                    "languages": ["en", "de"],
                },
            ),
        },
        card(recipe),
    )


def card(recipe: Recipe) -> dict:
    """What its card says beside its figures."""
    network, source = weights_source(recipe.backbone)
    return {
        "built": f"A photo, a sketch and a text tower give unit vectors of {recipe.dim} numbers, compared by "
        f"cosine. Photo and sketch: {network} (ImageNet-1k), trained further: its last stages for "
        f"photos, all but the first layer for sketches, {SIDE} and {recipe.sketch_size} px. Text: a transformer over "
        f"subwords, English and German, at most {recipe.text.max_tokens} tokens.",
        "data": [
            "world",
            "flickr8k",
            "multi30k",
            "sketchy25",
            "chairv2",
            "caltech101",
            "imagenet1000",
            source,
            "minilm",
        ],
        **words(recipe),
    }


def words(recipe: Recipe) -> dict[str, str]:
    """The card's sentences that follow from the recipe."""
    return {
        "limits": "It knows the words, things and views of this data: everyday scenes, 125 kinds of things, "
        "rendered objects. Words outside them are guessed from their parts; counts, text in pictures and relations "
        "are mostly lost. Photos of people come with the biases of Flickr's photos and captions.",
    }
