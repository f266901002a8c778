"""Pools: data sets as the sampler sees them, with every picture as cached maps and every text as token ids.

A drawn part is a dict of tensors for each modality in it: its inputs, and two integer labels an item, `group` (the one
thing or image it is of) and `cls` (its class); -1 is "none". Two items match in training by the rule that evaluation
uses, equal labels; whatever is in one part and doesn't match is a negative.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from training.datasets import identity_of, labels_of
from training.datasets.names import phrases
from training.features import MapCache
from training.fit import trains
from training.towers.photo import PhotoTower
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

_NONE = np.zeros(0, np.int64)


class Vocabulary:
    """Numbers for labels, the same for the same label in every data set; and token ids for texts, each once."""

    def __init__(self, tokenizer: Tokenizer | None = None, max_tokens: int = 0) -> None:
        """Without a tokenizer there are no texts, only labels."""
        self.numbers: dict[str, int] = {}
        self.tokenizer, self.max_tokens = tokenizer, max_tokens
        self.ids: list[np.ndarray] = []
        self.texts: list[str] = []
        self.rows: dict[str, int] = {}

    def number(self, labels: frozenset[str]) -> int:
        """The number of an item's label of one kind; -1 if it has none, or several, as a picture of several kinds."""
        return self.numbers.setdefault(min(labels), len(self.numbers)) if len(labels) == 1 else -1

    def add(self, texts: list[str]) -> np.ndarray:
        """The rows of the texts: (N,) int64."""
        new = list(dict.fromkeys(text for text in texts if text not in self.rows))
        for start in range(0, len(new), 4096):
            batch = new[start : start + 4096]
            for text, ids in zip(batch, self.tokenizer.encode(batch, self.max_tokens), strict=True):
                self.rows[text] = len(self.ids)
                self.ids.append(ids[: (ids != 0).sum()].astype(np.int32))
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
        turns = range(start // self.n, (start + count - 1) // self.n + 1)
        self.orders = {turn: self.orders[turn] if turn in self.orders else self._order(turn) for turn in turns}
        return np.array([self.orders[a // self.n][a % self.n] for a in at])

    def _order(self, turn: int) -> np.ndarray:
        return np.random.default_rng((self.seed, turn)).permutation(self.n)


@dataclass
class Rows:
    """The pictures of one modality in a pool, row for row as in its cache; `features` stand in for that if set."""

    items: list[Item]
    maps: MapCache
    group: np.ndarray  # (N,) int64
    cls: np.ndarray  # (N,) int64
    features: np.ndarray | None = None  # (N, variants, channels) float32

    def take(self, rows: np.ndarray, variants: np.ndarray) -> dict[str, torch.Tensor]:
        held = self.maps if self.features is None else self.features
        return {
            "input": torch.from_numpy(held[rows, variants]),
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
    lost: set[str] = field(default_factory=set)  # ids of what is left out: its picture can't be decoded

    def __post_init__(self) -> None:
        self.cycles = {modality: Cycle(len(rows.items), seed=len(self.name)) for modality, rows in self.rows.items()}
        photos = self.rows[Modality.PHOTO]
        self.by_group = _inverse(photos.group)
        self.by_class = _inverse(photos.cls)

    def draw(
        self, rng: np.random.Generator, step: int, count: int, every_name: bool, sketched: bool = True
    ) -> dict[str, dict]:
        """A part of `count` sketches with a photo each, or of `count` photos if not `sketched` or the pool has no
        sketches; captions of those photos, one a language; and names: of every class in the pool, or of those drawn."""
        part, photos = {}, self.rows[Modality.PHOTO]
        if sketched and Modality.SKETCH in self.rows:
            sketches, drawn = self.rows[Modality.SKETCH], self.cycles[Modality.SKETCH].take(step * count, count)
            part["sketch"] = sketches.take(drawn, np.zeros(count, int))
            own = rng.random(count) < self.own
            photo_rows = np.unique(np.concatenate([
                rng.choice(found, min(1, len(found)), replace=False) for found in map(self._photos, drawn, own)
            ]))  # fmt: skip
        else:
            photo_rows = np.unique(self.cycles[Modality.PHOTO].take(step * count, count))
        part |= self.captioned(rng, photo_rows)
        if self.names:
            drawn = sorted(self.names) if every_name else np.setdiff1d(photos.cls[photo_rows], [-1])
            texts = np.array([rng.choice(self.names[c][str(rng.choice(list(self.names[c])))]) for c in drawn])
            part["names"] = self._texts(texts, np.full(len(drawn), -1), np.array(drawn))
        return part

    def settle(self, upper: torch.nn.Module, rates: Iterable[str]) -> None:
        """Before a stage: a photo network that it leaves frozen, for no key of its `rates` is of photo.upper's
        parameters, runs once over all photos, and its features stand in for the maps."""
        photos = self.rows[Modality.PHOTO]
        photos.features = None if trains(rates, "photo.upper") else photos.maps.pooled(upper)

    def captioned(self, rng: np.random.Generator, rows: np.ndarray) -> dict[str, dict]:
        """A part of the photos in some rows, and one of their captions in each language."""
        photos = self.rows[Modality.PHOTO]
        part = {"photo": photos.take(rows, rng.integers(photos.maps.maps.shape[1], size=len(rows)))}
        for language, captions in self.captions.items():
            told = [row for row in rows if len(captions[row])]
            if told:
                texts = np.array([rng.choice(captions[row]) for row in told])
                part[f"text_{language}"] = self._texts(texts, photos.group[told], np.full(len(told), -1))
        return part

    def _photos(self, sketch: int, own: bool) -> np.ndarray:
        """Rows of the photos that a sketch may meet; empty if there is none."""
        rows = self.rows[Modality.SKETCH]
        kin = self.by_class.get(rows.cls[sketch], _NONE) if rows.cls[sketch] >= 0 else _NONE
        mine = self.by_group.get(rows.group[sketch], _NONE)
        return mine if len(mine) and (own or not len(kin)) else kin

    def _texts(self, rows: np.ndarray, group: np.ndarray, cls: np.ndarray) -> dict[str, torch.Tensor]:
        ids = self.vocabulary.padded(rows)
        return {"ids": ids, "group": torch.from_numpy(group), "cls": torch.from_numpy(cls)}


def make_pool(
    name: str, items: list[Item], tower: PhotoTower, variants: int, vocabulary: Vocabulary, cache: Path,
    own: float = 1.0, named: bool = True,
) -> Pool:  # fmt: skip
    """Cache what is missing and number everything. `variants`: copies of each photo. `named`: whether the classes'
    names are texts of this pool too; where not, its classes count for nothing, and only the very photo that was drawn
    is a match.

    A picture that can't be decoded is left out, and with a photo its sketches and captions.
    """
    rows, every = {}, {item.id for item in items}
    for modality in (Modality.PHOTO, Modality.SKETCH):
        if found := [item for item in items if item.modality is modality]:
            if modality is Modality.PHOTO:
                maps = MapCache(tower, found, variants, cache)
            else:  # varied anew at every step, so that it is their pixels that are kept
                maps = MapCache(None, found, 1, cache)
            group = [vocabulary.number(identity_of(item)) for item in maps.items]
            cls = [vocabulary.number(labels_of(item, "class")) if named else -1 for item in maps.items]
            rows[modality] = Rows(maps.items, maps, np.array(group), np.array(cls))
            gone = {identity_of(item) for item in found} - {identity_of(item) for item in maps.items}
            items = [item for item in items if item.id not in maps.lost]
            if modality is Modality.PHOTO:
                items = [item for item in items if identity_of(item) not in gone]
    photos = rows[Modality.PHOTO]
    row_of = {group: row for row, group in enumerate(photos.group)}
    texts = [item for item in items if item.modality is Modality.TEXT and vocabulary.tokenizer]
    captions = {
        language: [[] for _ in photos.items] for language in sorted({item.language for item in texts})
    }
    for item, row in zip(texts, vocabulary.add([item.content for item in texts]), strict=True):
        captions[item.language][row_of[vocabulary.number(identity_of(item))]].append(row)
    names = {}
    if named and vocabulary.tokenizer:
        for label in sorted({label for item in photos.items for label in labels_of(item, "class")}):
            told = phrases(label.removeprefix("class:"), synonyms=True)
            names[vocabulary.number(frozenset({label}))] = {k: vocabulary.add(v) for k, v in told.items()}
    captions = {language: [np.array(c, np.int64) for c in found] for language, found in captions.items()}
    return Pool(name, rows, captions, vocabulary, names, own, lost=every - {item.id for item in items})


def merge(into: dict[str, dict], parts: dict[str, dict]) -> None:
    """Put one pool's parts beside those of the pools it competes with, part by part."""
    for name, part in parts.items():
        if name not in into:
            into[name] = dict(part)
            continue
        held = into[name]
        if "ids" in part:
            longest = max(held["ids"].shape[1], part["ids"].shape[1])
            held["ids"], part["ids"] = (
                F.pad(ids, (0, longest - ids.shape[1])) for ids in (held["ids"], part["ids"])
            )
        for key in part:
            held[key] = torch.cat([held[key], part[key]])


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
