"""Pools: data sets as the sampler sees them, with every picture as cached maps and every text as token ids.

A drawn part is a dict of tensors for each modality in it: its inputs, and two integer labels an item, `group` (the one
thing or image it is of) and `cls` (its class); -1 is "none". Two items match in training by the rule that evaluation
uses, equal labels; whatever is in one part and doesn't match is a negative.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from training.datasets import labels_of
from training.datasets.names import phrases
from training.features import MapCache
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer


class Vocabulary:
    """Numbers for labels, the same for the same label in every data set; and token ids for texts, each once."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        self.numbers: dict[str, int] = {}
        self.tokenizer, self.max_tokens = tokenizer, max_tokens
        self.ids: list[np.ndarray] = []
        self.texts: list[str] = []
        self.rows: dict[str, int] = {}

    def number(self, labels: frozenset[str]) -> int:
        """The number of an item's label of one kind; -1 if it has none."""
        return self.numbers.setdefault(min(labels), len(self.numbers)) if labels else -1

    def add(self, texts: list[str]) -> np.ndarray:
        """The rows of the texts: (N,) int64."""
        new = list(dict.fromkeys(text for text in texts if text not in self.rows))
        for start in range(0, len(new), 4096):
            batch = new[start : start + 4096]
            for text, ids in zip(batch, self.tokenizer.encode(batch, self.max_tokens), strict=True):
                self.rows[text] = len(self.ids)
                self.ids.append(ids[: (ids != 0).sum()].astype(np.int16))
                self.texts.append(text)
        return np.array([self.rows[text] for text in texts], np.int64)

    def padded(self, rows: np.ndarray) -> torch.Tensor:
        """Token ids (N, L) int64 of some rows, padded with 0 to the longest."""
        ids = np.zeros((len(rows), max((len(self.ids[row]) for row in rows), default=1)), np.int64)
        for line, row in zip(ids, rows, strict=True):
            line[: len(self.ids[row])] = self.ids[row]
        return torch.from_numpy(ids)


class Cycle:
    """Endless passes over n things, each pass in a new order; what comes at a position depends on nothing else."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed, self.orders = n, seed, {}

    def take(self, start: int, count: int) -> np.ndarray:
        """The things at positions start .. start + count: (count,) int64."""
        at = np.arange(start, start + count)
        for turn in range(start // self.n, (start + count - 1) // self.n + 1):
            if turn not in self.orders:
                self.orders = {turn - 1: self.orders.get(turn - 1)}  # the two that a batch may span
                self.orders[turn - 1] = self._order(turn - 1)
                self.orders[turn] = self._order(turn)
        return np.array([self.orders[a // self.n][a % self.n] for a in at])

    def _order(self, turn: int) -> np.ndarray:
        return np.random.default_rng((self.seed, max(turn, 0))).permutation(self.n)


@dataclass
class Rows:
    """The pictures of one modality in a pool, row for row as in its maps; `features` stand in for the maps if set."""

    items: list[Item]
    maps: MapCache
    group: np.ndarray  # (N,) int64
    cls: np.ndarray  # (N,) int64
    features: np.ndarray | None = None  # (N, variants, channels) float32

    def take(self, rows: np.ndarray, variants: np.ndarray) -> dict[str, torch.Tensor]:
        held = self.maps if self.features is None else self.features
        return {
            "maps": torch.from_numpy(held[rows, variants]),
            "group": torch.from_numpy(self.group[rows]),
            "cls": torch.from_numpy(self.cls[rows]),
        }


@dataclass
class Pool:
    """One split of one data set."""

    name: str
    rows: dict[Modality, Rows]
    captions: dict[str, list[np.ndarray]]  # language -> for each photo, the rows of its captions
    vocabulary: Vocabulary
    names: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)  # class -> language -> rows of its phrases
    own: float = 1.0  # the share of sketches that meet the photo they were drawn from, not another of its class

    def __post_init__(self) -> None:
        anchors = self.rows.get(Modality.SKETCH) or self.rows[Modality.PHOTO]
        self.cycle = Cycle(len(anchors.items), seed=len(self.name))
        photos = self.rows[Modality.PHOTO]
        self.by_group = _inverse(photos.group)
        self.by_class = _inverse(photos.cls)

    def draw(self, rng: np.random.Generator, step: int, count: int, every_name: bool) -> dict[str, dict]:
        """A part of `count` sketches with a photo each, or of `count` photos where the pool has no sketches; captions
        of those photos, one a language; and names: of every class in the pool, or of those drawn."""
        part, anchors = {}, self.cycle.take(step * count, count)
        photos, photo_rows = self.rows[Modality.PHOTO], anchors
        if Modality.SKETCH in self.rows:
            sketches = self.rows[Modality.SKETCH]
            part["sketch"] = sketches.take(anchors, rng.integers(sketches.maps.maps.shape[1], size=count))
            own = rng.random(count) < self.own
            photo_rows = np.array([
                rng.choice(self.by_group[sketches.group[a]] if o else self.by_class[sketches.cls[a]])
                for a, o in zip(anchors, own, strict=True)
            ])  # fmt: skip
        photo_rows = np.unique(photo_rows)
        part["photo"] = photos.take(photo_rows, rng.integers(photos.maps.maps.shape[1], size=len(photo_rows)))
        for language, captions in self.captions.items():
            told = [row for row in photo_rows if len(captions[row])]
            if told:
                texts = np.array([rng.choice(captions[row]) for row in told])
                part[f"text_{language}"] = self._texts(texts, photos.group[told], np.full(len(told), -1))
        if self.names:
            drawn = sorted(self.names) if every_name else np.unique(photos.cls[photo_rows])
            texts = np.array([rng.choice(self.names[c][str(rng.choice(list(self.names[c])))]) for c in drawn])
            part["names"] = self._texts(texts, np.full(len(drawn), -1), np.array(drawn))
        return part

    def _texts(self, rows: np.ndarray, group: np.ndarray, cls: np.ndarray) -> dict[str, torch.Tensor]:
        ids = self.vocabulary.padded(rows)
        return {"ids": ids, "group": torch.from_numpy(group), "cls": torch.from_numpy(cls)}


def make_pool(
    name: str, items: list[Item], towers: dict, variants: dict[str, int], vocabulary: Vocabulary, cache: Path,
    own: float = 1.0, named: bool = True,
) -> Pool:  # fmt: skip
    """Cache what is missing and number everything. `named`: whether the classes' names are texts of this pool too;
    where not, its classes count for nothing, and only the very photo that was drawn is a match."""
    rows = {}
    for modality in (Modality.PHOTO, Modality.SKETCH):
        if found := [item for item in items if item.modality is modality]:
            group = [vocabulary.number(_identity(item)) for item in found]
            cls = [vocabulary.number(labels_of(item, "class")) if named else -1 for item in found]
            maps = MapCache(towers[modality], found, variants[modality], cache)
            rows[modality] = Rows(found, maps, np.array(group), np.array(cls))
    photos = rows[Modality.PHOTO]
    row_of = {group: row for row, group in enumerate(photos.group)}
    texts = [item for item in items if item.modality is Modality.TEXT]
    captions = {
        language: [[] for _ in photos.items] for language in sorted({item.language for item in texts})
    }
    for item, row in zip(texts, vocabulary.add([item.content for item in texts]), strict=True):
        captions[item.language][row_of[vocabulary.number(_identity(item))]].append(row)
    names = {}
    if named:
        for label in sorted({label for item in photos.items for label in labels_of(item, "class")}):
            told = phrases(label.removeprefix("class:"))
            names[vocabulary.number(frozenset({label}))] = {k: vocabulary.add(v) for k, v in told.items()}
    captions = {language: [np.array(c, np.int64) for c in found] for language, found in captions.items()}
    return Pool(name, rows, captions, vocabulary, names, own)


def _identity(item: Item) -> frozenset[str]:
    """The one photo that an item is of: its image label, or where it has none its instance."""
    return labels_of(item, "image") or labels_of(item, "instance") or frozenset({f"image:{item.id}"})


def _inverse(numbers: np.ndarray) -> dict[int, np.ndarray]:
    order = np.argsort(numbers, kind="stable")
    values, starts = np.unique(numbers[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=True))


class TextPool:
    """Pairs of sentences that mean the same or are of one image, with the teacher's vector where there is one."""

    def __init__(self, vocabulary: Vocabulary, items: list[Item], teacher: dict[str, np.ndarray]) -> None:
        self.vocabulary = vocabulary
        images: dict[str, dict[str, list[int]]] = {}
        rows = vocabulary.add([item.content for item in items])
        for item, row in zip(items, rows, strict=True):
            images.setdefault(min(item.labels), {}).setdefault(item.language, []).append(row)
        self.images = [found for found in images.values() if len(found) == 2 or len(found.get("en", [])) > 1]
        self.translated = np.array([len(found["en"]) == len(found.get("de", [])) == 1 for found in self.images])
        self.cycle = Cycle(len(self.images), seed=7)
        dim = len(next(iter(teacher.values())))
        self.teacher = np.zeros((len(vocabulary.ids), dim), np.float16)  # all zero: no teacher
        for text, row in vocabulary.rows.items():
            if text in teacher:
                self.teacher[row] = teacher[text]

    def draw(self, rng: np.random.Generator, step: int, count: int) -> dict[str, torch.Tensor]:
        """`count` pairs (a, b) of token ids with teacher vectors; a translation has its original's vector."""
        taken = self.cycle.take(step * count, count)
        a_rows, b_rows = [], []
        for n in taken:
            found = self.images[n]
            if len(found) == 2:
                a, b = rng.choice(found["en"]), rng.choice(found["de"])
            else:
                a, b = rng.choice(found["en"], 2, replace=False)
            a_rows.append(a)
            b_rows.append(b)
        a_rows, b_rows = np.array(a_rows), np.array(b_rows)
        a_teacher, b_teacher = self.teacher[a_rows], self.teacher[b_rows]
        b_teacher = np.where(self.translated[taken][:, None], a_teacher, b_teacher)
        return {
            "a": self.vocabulary.padded(a_rows), "b": self.vocabulary.padded(b_rows),
            "a_teacher": torch.from_numpy(a_teacher), "b_teacher": torch.from_numpy(b_teacher),
        }  # fmt: skip
