"""tri: photos, sketches and bilingual text in one cosine space, trained together on four kinds of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from tqdm import tqdm

from training import datasets, recipes
from training.datasets import catalogue, flickr8k, multi30k, names, sketchy25
from training.datasets.outlines import outlines
from training.datasets.protocols import PROTOCOLS
from training.evaluate import measure
from training.features import SHOWN, SIDE, inputs
from training.fit import Stage
from training.objectives import contrastive, distillation, same
from training.recipes import Part, Published, kept, train
from training.sampling import Pool, Rows, TextPool, Vocabulary, make_pool, merge
from training.towers.photo import PhotoTower, credit
from training.towers.sketch import SketchTower
from training.towers.text import TextTower, bag_of_pieces, teacher_vectors, train_tokenizer
from training.vary import mixed, resized, vary_sketches
from xmr.modality import BadInput, Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
TEACHER_DIM = 384
LOSSES = ("photo_text", "photo_sketch", "sketch_text", "sketch_names", "text_text", "distil")
YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class PictureTower:
    cut: int
    hidden: int
    dropout: float


@dataclass(frozen=True)
class TextSettings:
    pieces: int
    width: int
    depth: int
    heads: int
    max_tokens: int
    dropout: float


@dataclass(frozen=True)
class PoolSettings:
    contest: str
    photos: int
    own: float = 1.0
    named: bool = True
    every_name: bool = True
    outlines: bool = False


@dataclass(frozen=True)
class Recipe(recipes.Recipe):
    """What tri.yaml sets; the comments there say what each setting changes."""

    backbone: str
    dim: int
    class_share: float
    photo: PictureTower
    sketch: PictureTower
    sketcher: str
    sketch_size: int
    text: TextSettings
    pools: dict[str, PoolSettings]
    score: dict[str, float]


class Tri(nn.Module):
    """The three towers, and what only training needs: temperatures and the way to the teacher's space."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        dim, p, s = recipe.dim, recipe.photo, recipe.sketch
        self.photo = PhotoTower(dim, p.hidden, p.cut, p.dropout, recipe.backbone)
        self.sketch = SketchTower(dim, s.hidden, s.cut, s.dropout, recipe.backbone)
        self.sketch = self.sketch.to(memory_format=torch.channels_last)
        t = recipe.text
        self.text = TextTower(t.pieces, dim, t.width, t.depth, t.heads, t.max_tokens, t.dropout)
        self.to_teacher = nn.Linear(t.width, TEACHER_DIM)
        pairs = ("photo_text", "photo_sketch", "sketch_text", "text_text")
        self.log_scale = nn.ParameterDict({pair: nn.Parameter(torch.tensor(3.0)) for pair in pairs})
        self.class_share = recipe.class_share

    def forward(
        self, contests: dict[str, dict], pairs: dict | None, weights: dict[str, float], size: int = SIDE, mix: float = 0
    ) -> dict:
        """Losses by name, and their weighted sum as "loss".

        contests: name -> part name -> what training.sampling drew. Items of one contest compete with each other.
        pairs:    what TextPool drew, or None.
        weights:  of the LOSSES; 0 leaves one out.
        size:     side in pixels of the sketches, which are varied here.
        mix:      strength of the mixup of sketches within a contest, in every other batch of it; 0 for none.
        """
        for parts in contests.values():
            if SKETCH in parts:
                part = parts[SKETCH]
                part["input"] = vary_sketches(part["input"], size)
                if mix and torch.rand(()) < 0.5:
                    part["input"], part["other"], part["share"] = mixed(part["input"], mix)
        embs = self.embed(contests)
        found: dict[str, list[torch.Tensor]] = {}
        for name, parts in contests.items():
            texts = [part for part in parts if part not in (PHOTO, SKETCH)]
            for pair, a, b in [
                *(("photo_text", PHOTO, part) for part in texts),
                *(("sketch_names" if part == "names" else "sketch_text", SKETCH, part) for part in texts),
                ("photo_sketch", PHOTO, SKETCH),
            ]:
                if a in parts and b in parts and weights[pair]:
                    loss = self.pair_loss(embs[name, a], parts[a], embs[name, b], parts[b], pair)
                    found.setdefault(pair, []).append(loss)
        losses = {pair: torch.stack(terms).sum() for pair, terms in found.items()}
        if pairs is not None:
            a, b = (self.text.features(pairs[key]) for key in ("a", "b"))
            a_emb, b_emb = (nn.functional.normalize(self.text.head(x), dim=1) for x in (a, b))
            losses["text_text"] = contrastive(a_emb, b_emb, torch.eye(len(a), device=a.device), self.scale("text_text"))
            taught = torch.cat([pairs["a_teacher"], pairs["b_teacher"]]).float()
            known = taught.abs().sum(1) > 0
            losses["distil"] = distillation(self.to_teacher(torch.cat([a, b]))[known], taught[known])
        losses["loss"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses

    def scale(self, pair: str) -> torch.Tensor:
        return self.log_scale["sketch_text" if pair == "sketch_names" else pair].exp().clamp(max=100.0)

    def pair_loss(self, a_emb, a: dict, b_emb, b: dict, pair: str) -> torch.Tensor:
        """Matches of one thing and of one class, weighted 1 - class_share to class_share. A mixed sketch has those of
        both that are in it, by their shares."""
        thing, kind = same(a["group"], b["group"]), same(a["cls"], b["cls"])
        positive = (1 - self.class_share) * thing + self.class_share * kind
        if "other" in a:
            positive = positive.lerp(positive[a["other"]], 1 - a["share"])
        if "other" in b:
            positive = positive.lerp(positive[:, b["other"]], 1 - b["share"])
        with torch.autocast(a_emb.device.type, enabled=False):  # temperatures want exact logits
            return contrastive(a_emb.float(), b_emb.float(), positive, self.scale(pair))

    def embed(self, contests: dict[str, dict]) -> dict[tuple[str, str], torch.Tensor]:
        """Every part's vectors by (contest, part); each tower runs once over all that are its own."""
        embs = {}
        for embed, is_mine, key in (
            (self.photo.from_maps, lambda part: part == PHOTO, "input"),
            (self.sketch, lambda part: part == SKETCH, "input"),
            (self.embed_texts, lambda part: part not in (PHOTO, SKETCH), "ids"),
        ):
            mine = [(name, part) for name, parts in contests.items() for part in parts if is_mine(part)]
            if mine:
                inputs = [contests[name][part][key] for name, part in mine]
                vectors = embed(inputs if key == "ids" else torch.cat(inputs))
                embs |= dict(zip(mine, vectors.split([len(i) for i in inputs]), strict=True))
        return embs

    def embed_texts(self, inputs: list[torch.Tensor], chunks: int = 4) -> torch.Tensor:
        """Texts of all lengths: sorted, so that short ones are not padded to the length of the longest."""
        longest = max(ids.shape[1] for ids in inputs)
        ids = torch.cat([nn.functional.pad(part, (0, longest - part.shape[1])) for part in inputs])
        lengths = (ids != 0).sum(1)
        order = lengths.argsort()
        parts = [self.text(ids[rows, : max(1, int(lengths[rows[-1]]))]) for rows in order.chunk(chunks)]
        return torch.cat(parts)[order.argsort()]


class TriTask:
    """The data, the model, and what a batch and a validation are."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.runs = recipe, cache.parent
        splits = {split: self._items(split) for split in ("train", "val")}
        text = multi30k.items("train")
        every = [item for items in splits["train"].values() for item in items if item.modality is TEXT]
        told = _names([item for items in splits["train"].values() for item in items])
        self.tokenizer_path = folder / "tokenizer.json"
        if not self.tokenizer_path.is_file():
            sentences = [i.content for i in text + every] + 5 * [t for texts in told.values() for t in texts]
            train_tokenizer(sentences, recipe.text.pieces, self.tokenizer_path)
        tokenizer = Tokenizer(self.tokenizer_path)
        vocabulary = Vocabulary(tokenizer, recipe.text.max_tokens)
        torch.manual_seed(recipe.seed)
        self.model = Tri(recipe)
        self.pools: dict[str, Pool] = {}
        self.val: dict[str, Pool] = {}
        for name, items in splits["train"].items():
            how, tower = recipe.pools[name], self.model.photo
            self.pools[name] = make_pool(name, items, tower, how.photos, vocabulary, cache, how.own, how.named)
        for name, items in splits["val"].items():
            self.val[name] = make_pool(name, items, self.model.photo, 1, vocabulary, cache)
        taught = [i.content for i in every if i.language == "en"] + told["en"]
        taught += [i.content for i in text if i.language == "en" and i.id.endswith(("#en", "#en0", "#en1"))]
        taught = list(dict.fromkeys(taught))
        teacher = dict(zip(taught, teacher_vectors(taught, cache / "teacher.npz", tqdm), strict=True))
        self.text_pool = TextPool(vocabulary, text + every, teacher)
        self.vocabulary = vocabulary
        self.val_items = {
            p.name: [item for item in p.items("val") if item.id not in pool.lost]
            for p in PROTOCOLS.values()
            if (pool := self.val.get(p.name.split("-")[0]))
        }
        self._start_text()

    def _items(self, split: str) -> dict[str, list[Item]]:
        """The items of each pool, as far as they are on this machine."""
        found = {}
        for name in self.recipe.pools:
            try:
                found[name] = catalogue.get(name).items(split)
                if split == "train" and self.recipe.pools[name].outlines:
                    found[name] = found[name] + outlines([item for item in found[name] if item.modality is PHOTO])
            except datasets.MissingData as error:
                print(f"Training goes on without {name}. {error}")
        return {name: items for name, items in found.items() if items}

    def _start_text(self) -> None:
        """Begin at the best bag of pieces that imitates the teacher, in closed form."""
        pool = self.text_pool
        rows = np.flatnonzero(pool.teacher.any(axis=1))
        pairs = [(row, row) for row in rows]
        for found, translated in zip(pool.images, pool.translated, strict=True):
            if translated:
                pairs.append((found["de"][0], found["en"][0]))
        ids = [pool.vocabulary.ids[text] for text, _ in pairs]
        targets = pool.teacher[[row for _, row in pairs]].astype(np.float32)
        bag_of_pieces(self.model.text, self.model.to_teacher, ids, targets)

    def begin(self, stage: Stage, step: int) -> None:
        """What a stage needs first: features of photos where their network is frozen; and where the stage says
        "as_photo", the sketch tower begins as what the photo tower has become, or its network as another system's."""
        if step == 0 and stage.settings.get("as_photo"):
            self.model.sketch.begin_as(self.model.photo)
            if self.recipe.sketcher:
                take_over(self.model.sketch, self.runs / self.recipe.sketcher)
        for pool in self.pools.values():
            if stage.settings.get(pool.name):
                pool.settle(self.model.photo.upper, stage.rates)

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """One batch. `stage.settings`: how many of each pool ("text": sentence pairs), the losses' weights, and for a
        stage that trains the sketch tower (in others no sketch is drawn) the sketches' "size" and their "mix"."""
        contests: dict[str, dict] = {}
        sketched = any(key.startswith("sketch") for key in stage.rates)
        for name, pool in self.pools.items():
            if not (count := int(stage.settings.get(name, 0))):
                continue
            how = self.recipe.pools[name]
            parts = pool.draw(rng, step, count, how.every_name, sketched)
            merge(contests.setdefault(how.contest, {}), parts)
        count = int(stage.settings.get("text", 0))
        return {
            "contests": contests,
            "pairs": self.text_pool.draw(rng, step, count) if count else None,
            "weights": {name: stage.settings.get(name, 0.0) for name in LOSSES},
            "size": int(stage.settings.get("size", SIDE)),
            "mix": stage.settings.get("mix", 0.0),
        }

    @torch.inference_mode()
    def vectors(self, pool: Pool, items: list[Item]) -> np.ndarray:
        """The towers' vectors of some of a pool's items, from what is cached of them."""
        model, modality = self.model, items[0].modality
        device = next(model.parameters()).device
        if modality is TEXT:
            rows = self.vocabulary.add([item.content for item in items])
            batches = [self.vocabulary.padded(rows[n : n + 512]) for n in range(0, len(rows), 512)]
            return np.concatenate([model.embed_texts([ids.to(device)]).cpu().numpy() for ids in batches])
        embed = model.photo.from_maps if modality is PHOTO else model.sketch
        held: Rows = pool.rows[modality]
        rows = np.array([held.maps.rows[item.id] for item in items])
        found = []
        for n in range(0, len(rows), 64):
            some = torch.from_numpy(held.maps[rows[n : n + 64], 0]).to(device)
            some = some if modality is PHOTO else resized(some, self.recipe.sketch_size)
            found.append(embed(some).cpu().numpy())
        return np.concatenate(found)

    def validate(self, stage: Stage) -> dict[str, float]:
        """The protocols' metrics on the val items, and "score": the mean of those named in the recipe, by weight."""
        figures = {}
        for protocol in PROTOCOLS.values():
            if (pool := self.val.get(protocol.name.split("-")[0])) is not None:
                items = self.val_items[protocol.name]
                entry = measure(protocol, items, lambda items, pool=pool: self.vectors(pool, items))
                figures |= {f"{protocol.name}/{key}": value for key, value in entry["metrics"].items()}
        weights = {key: weight for key, weight in self.recipe.score.items() if key in figures}
        score = sum(weight * figures[key] for key, weight in weights.items()) / sum(weights.values())
        return {"score": score} | {key: figures[key] for key in weights}


def take_over(sketch: SketchTower, run: Path) -> None:
    """Give a sketch tower the sketch network, without its head, of a finished run of another system.

    Raises:
        BadInput: there is no such run, or its network is of another form.
    """
    path = run / "best.safetensors"
    if not path.is_file():
        raise BadInput(f"Expected a sketch network in {run}. Train it first: python -m training fit {run.parent.name}"
                       "; or set sketcher to '' to begin as the photo tower.")  # fmt: skip
    parts = ("sketch.stem.", "sketch.upper.")
    held = {name[7:]: value for name, value in load_file(path).items() if name.startswith(parts)}
    own = {name: value for name, value in sketch.state_dict().items() if not name.startswith("head.")}
    if {name: value.shape for name, value in held.items()} != {name: value.shape for name, value in own.items()}:
        raise BadInput(f"The sketch network in {run} has another form than this recipe's: its backbone or cut differs.")
    sketch.load_state_dict(held, strict=False)


def _names(items: list[Item]) -> dict[str, list[str]]:
    """What the items' classes are called, by language."""
    labels = sorted({label for item in items for label in datasets.labels_of(item, "class")})
    told = [names.phrases(label.removeprefix("class:"), synonyms=True) for label in labels]
    return {language: [t for one in told for t in one.get(language, [])] for language in ("en", "de")}


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> TriTask:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: TriTask(recipe, cache, folder))


def published(folder: Path) -> Published:
    """The towers of a finished run, as the app gets them."""
    recipe = kept(Recipe, folder)
    model = Tri(recipe)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    drawn, told = sketchy25.items("val"), flickr8k.items("val")
    photos, sketches = ([item for item in drawn if item.modality is modality] for modality in (PHOTO, SKETCH))
    captions = [item.content for item in told if item.modality is TEXT]
    size, length = recipe.sketch_size, recipe.text.max_tokens
    ids = Tokenizer(folder / "tokenizer.json").encode(captions[:SHOWN], length)
    network, source = credit(recipe.backbone)
    return Published(
        recipe.name, recipe.about, recipe.protocols, "cosine", recipe.dim,
        {
            PHOTO: Part(model.photo, inputs(photos, SIDE), {"size": SIDE}),
            SKETCH: Part(model.sketch, inputs(sketches, size), {"size": size}),
            TEXT: Part(model.text, ids, {
                "tokenizer": "tokenizer.json", "max_tokens": length, "languages": ["en", "de"],
            }),
        },
        {
            "built": f"A photo, a sketch and a text tower give unit vectors of {recipe.dim} numbers, compared by "
            f"cosine. Photo and sketch: {network} (ImageNet-1k), trained further: its last stages for "
            f"photos, all but the first layer for sketches, {SIDE} and {size} px. Text: a transformer over subwords, "
            f"English and German, at most {length} tokens.",
            "data": ["world", "flickr8k", "multi30k", "sketchy25", "chairv2", "caltech101", "imagenet1000",
                     source, "minilm"],
            "limits": "It knows the words, things and views of this data: everyday scenes, 125 kinds of things, "
            "rendered objects. Words outside them are guessed from their parts; counts, text in pictures and relations "
            "are mostly lost. Photos of people come with the biases of Flickr's photos and captions.",
        },
    )  # fmt: skip
