"""Draws batches from data sets: pictures as cached feature maps, texts as token ids.

A batch has the parts "photo", "sketch", "text_en", "text_de" and "names". Each part is a dict of tensors: the inputs
("input", or "ids" for texts) and two integer labels per item, "group" (the instance or image that it shows) and "cls"
(its class); -1 stands for no label. Two items match if they have an equal label, as in evaluation; all other items of
a part are negatives.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from training.datasets import identity_of, labels_of
from training.datasets.names import phrases
from training.learn.features import MapCache
from training.learn.fit import trains
from training.towers.photo import PhotoTower
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

_NONE = np.zeros(0, np.int64)


class Vocabulary:
    """Integer ids of labels, shared by all data sets, and token ids of texts, each text stored once."""

    def __init__(self, tokenizer: Tokenizer | None = None, max_tokens: int = 0) -> None:
        """Without a tokenizer it holds labels only."""
        self.numbers: dict[str, int] = {}
        self.tokenizer, self.max_tokens = tokenizer, max_tokens
        self.ids: list[np.ndarray] = []
        self.texts: list[str] = []
        self.rows: dict[str, int] = {}

    def number(self, labels: frozenset[str]) -> int:
        """The id of an item's label of one kind; -1 if it has none or several."""
        return self.numbers.setdefault(min(labels), len(self.numbers)) if len(labels) == 1 else -1

    def add(self, texts: list[str]) -> np.ndarray:
        """The rows (N,) int64 of these texts; new ones are tokenised and added."""
        new = list(dict.fromkeys(text for text in texts if text not in self.rows))
        for start in range(0, len(new), 4096):
            batch = new[start : start + 4096]
            for text, ids in zip(batch, self.tokenizer.encode(batch, self.max_tokens), strict=True):
                self.rows[text] = len(self.ids)
                self.ids.append(ids[: (ids != 0).sum()].astype(np.int32))
                self.texts.append(text)
        return np.array([self.rows[text] for text in texts], np.int64)

    def padded(self, rows: np.ndarray) -> torch.Tensor:
        """Token ids (N, L) int64 of these rows, zero-padded to the longest."""
        ids = np.zeros((len(rows), max((len(self.ids[row]) for row in rows), default=1)), np.int64)
        for line, row in zip(ids, rows, strict=True):
            line[: len(self.ids[row])] = self.ids[row]
        return torch.from_numpy(ids)


class Cycle:
    """An endless sequence of shuffled epochs over n items. The item at a position depends only on it and the seed."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed, self.orders = n, seed, {}

    def take(self, start: int, count: int) -> np.ndarray:
        """The items at positions start .. start + count: (count,) int64."""
        at = np.arange(start, start + count)
        epochs = range(start // self.n, (start + count - 1) // self.n + 1)
        self.orders = {n: self.orders[n] if n in self.orders else self._order(n) for n in epochs}
        return np.array([self.orders[a // self.n][a % self.n] for a in at])

    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self.seed, epoch)).permutation(self.n)


@dataclass
class Rows:
    """The pictures of one modality in a pool, in the order of its cache.

    Attributes:
        items:    the photos or sketches.
        maps:     their cached feature maps or pixels.
        group:    (N,) int64 instance or image, -1 for none.
        cls:      (N,) int64 class, -1 for none.
        features: (N, variants, channels) float16 pooled features, used instead of the maps if the network is frozen.
    """

    items: list[Item]
    maps: MapCache
    group: np.ndarray  # (N,) int64
    cls: np.ndarray  # (N,) int64
    features: np.ndarray | None = None

    def take(self, rows: np.ndarray, variants: np.ndarray) -> dict[str, torch.Tensor]:
        """A part of a batch: these rows, each as the given variant."""
        source = self.maps if self.features is None else self.features
        return {
            "input": torch.from_numpy(source[rows, variants]),
            "group": torch.from_numpy(self.group[rows]),
            "cls": torch.from_numpy(self.cls[rows]),
        }


@dataclass
class Pool:
    """One split of one data set, from which batches are drawn.

    Attributes:
        name: name of the data set.
        rows: the pictures of each modality.
        captions: for each language, the vocabulary rows of each photo's captions.
        vocabulary: all texts and labels.
        names: for each class and language, the vocabulary rows of its names.
        same_instance_prob: probability that a sketch is paired with the photo that it was drawn from instead of another
            photo of its class.
        lost: ids of the items that were left out because their picture can't be decoded.
    """

    name: str
    rows: dict[Modality, Rows]
    captions: dict[str, list[np.ndarray]]
    vocabulary: Vocabulary
    names: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    same_instance_prob: float = 1.0
    lost: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.cycles = {modality: Cycle(len(rows.items), seed=len(self.name)) for modality, rows in self.rows.items()}
        photos = self.rows[Modality.PHOTO]
        self.by_group = _inverse(photos.group)
        self.by_class = _inverse(photos.cls)

    def draw(
        self, rng: np.random.Generator, step: int, count: int, all_class_names: bool, sketched: bool = True
    ) -> dict[str, dict]:
        """Draw a batch.

        Args:
            rng:             seeded for the step.
            step:            number of the step; it decides which items are drawn.
            count:           number of sketches, each paired with a photo; of photos if there are no sketches.
            all_class_names: include a name of every class, not only of those drawn.
            sketched:        False draws photos only.

        Returns:
            The parts of the batch: sketches, distinct photos, one caption per photo and language, and class names.
        """
        part, photos = {}, self.rows[Modality.PHOTO]
        if sketched and Modality.SKETCH in self.rows:
            sketches, drawn = self.rows[Modality.SKETCH], self.cycles[Modality.SKETCH].take(step * count, count)
            part["sketch"] = sketches.take(drawn, np.zeros(count, int))
            same_instance = rng.random(count) < self.same_instance_prob
            photo_rows = np.unique(
                np.concatenate(
                    [
                        rng.choice(rows, min(1, len(rows)), replace=False)
                        for rows in map(self._photos, drawn, same_instance)
                    ]
                )
            )
        else:
            photo_rows = np.unique(self.cycles[Modality.PHOTO].take(step * count, count))
        part |= self.captioned(rng, photo_rows)
        if self.names:
            drawn = sorted(self.names) if all_class_names else np.setdiff1d(photos.cls[photo_rows], [-1])
            texts = np.array([rng.choice(self.names[c][str(rng.choice(list(self.names[c])))]) for c in drawn])
            part["names"] = self._texts(texts, np.full(len(drawn), -1), np.array(drawn))
        return part

    def use_cached_features(self, upper: torch.nn.Module, rates: Iterable[str]) -> None:
        """Use pooled features instead of maps if a stage with these learning rates leaves photo.upper frozen."""
        photos = self.rows[Modality.PHOTO]
        photos.features = None if trains(rates, "photo.upper") else photos.maps.pooled(upper)

    def captioned(self, rng: np.random.Generator, rows: np.ndarray) -> dict[str, dict]:
        """The parts of these photos, and of one of their captions in each language."""
        photos = self.rows[Modality.PHOTO]
        part = {"photo": photos.take(rows, rng.integers(photos.maps.variants, size=len(rows)))}
        for language, captions in self.captions.items():
            captioned = [row for row in rows if len(captions[row])]
            if captioned:
                texts = np.array([rng.choice(captions[row]) for row in captioned])
                part[f"text_{language}"] = self._texts(texts, photos.group[captioned], np.full(len(captioned), -1))
        return part

    def _photos(self, sketch: int, same_instance: bool) -> np.ndarray:
        """Rows of the photos that a sketch may be paired with; empty if there is none."""
        rows = self.rows[Modality.SKETCH]
        of_class = self.by_class.get(rows.cls[sketch], _NONE) if rows.cls[sketch] >= 0 else _NONE
        of_instance = self.by_group.get(rows.group[sketch], _NONE)
        return of_instance if len(of_instance) and (same_instance or not len(of_class)) else of_class

    def _texts(self, rows: np.ndarray, group: np.ndarray, cls: np.ndarray) -> dict[str, torch.Tensor]:
        ids = self.vocabulary.padded(rows)
        return {"ids": ids, "group": torch.from_numpy(group), "cls": torch.from_numpy(cls)}


def make_pool(
    name: str,
    items: list[Item],
    tower: PhotoTower,
    variants: int,
    vocabulary: Vocabulary,
    cache: Path,
    same_instance_prob: float = 1.0,
    class_names: bool = True,
) -> Pool:
    """Make a pool of items; feature maps that are not cached yet are computed.

    A picture that can't be decoded is left out; if it is a photo, so are its sketches and captions.

    Args:
        name:               of the data set.
        items:              photos, sketches and texts.
        tower:              the photo tower whose stem computes the feature maps.
        variants:           variants of each photo: the original and variants - 1 augmented copies.
        vocabulary:         receives the texts and labels.
        cache:              folder of the cached maps.
        same_instance_prob: see Pool.
        class_names:        use class labels, and class names as texts; if False, only the same instance matches.
    """
    rows, every = {}, {item.id for item in items}
    for modality in (Modality.PHOTO, Modality.SKETCH):
        if found := [item for item in items if item.modality is modality]:
            if modality is Modality.PHOTO:
                maps = MapCache(tower, found, variants, cache)
            else:  # sketches are augmented at every step, so only their pixels can be cached
                maps = MapCache(None, found, 1, cache)
            group = [vocabulary.number(identity_of(item)) for item in maps.items]
            cls = [vocabulary.number(labels_of(item, "class")) if class_names else -1 for item in maps.items]
            rows[modality] = Rows(maps.items, maps, np.array(group), np.array(cls))
            gone = {identity_of(item) for item in found} - {identity_of(item) for item in maps.items}
            items = [item for item in items if item.id not in maps.lost]
            if modality is Modality.PHOTO:
                items = [item for item in items if identity_of(item) not in gone]
    photos = rows[Modality.PHOTO]
    row_of = {group: row for row, group in enumerate(photos.group)}
    texts = [item for item in items if item.modality is Modality.TEXT and vocabulary.tokenizer]
    captions = {language: [[] for _ in photos.items] for language in sorted({item.language for item in texts})}
    for item, row in zip(texts, vocabulary.add([item.content for item in texts]), strict=True):
        captions[item.language][row_of[vocabulary.number(identity_of(item))]].append(row)
    names = {}
    if class_names and vocabulary.tokenizer:
        for label in sorted({label for item in photos.items for label in labels_of(item, "class")}):
            texts = phrases(label.removeprefix("class:"), synonyms=True)
            names[vocabulary.number(frozenset({label}))] = {k: vocabulary.add(v) for k, v in texts.items()}
    captions = {language: [np.array(c, np.int64) for c in found] for language, found in captions.items()}
    return Pool(name, rows, captions, vocabulary, names, same_instance_prob, lost=every - {item.id for item in items})


def merge(into: dict[str, dict], parts: dict[str, dict]) -> None:
    """Append a pool's parts to the batch `into`, in place; the items of all pools are each other's negatives."""
    for name, part in parts.items():
        if name not in into:
            into[name] = dict(part)
            continue
        merged = into[name]
        if "ids" in part:
            longest = max(merged["ids"].shape[1], part["ids"].shape[1])
            merged["ids"], part["ids"] = (
                F.pad(ids, (0, longest - ids.shape[1])) for ids in (merged["ids"], part["ids"])
            )
        for key in part:
            merged[key] = torch.cat([merged[key], part[key]])


def _inverse(numbers: np.ndarray) -> dict[int, np.ndarray]:
    """The positions (n,) int64 at which each number occurs."""
    order = np.argsort(numbers, kind="stable")
    values, starts = np.unique(numbers[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=True))


class TextPool:
    """Pairs of sentences (translations, or captions of one image), with the teacher's vectors where there are any."""

    def __init__(self, vocabulary: Vocabulary, items: list[Item], teacher: dict[str, np.ndarray]) -> None:
        """
        Args:
            vocabulary: receives the texts.
            items:      texts, each with one label: its pair or its image.
            teacher:    the teacher's (dim,) unit vector of each text.
        """
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
        """Draw `count` pairs: token ids "a" and "b" (count, L), and the teacher's vectors "a_teacher" and "b_teacher"
        (count, dim), zero where there is none. A translation has the teacher's vector of its original."""
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
            "a": self.vocabulary.padded(a_rows),
            "b": self.vocabulary.padded(b_rows),
            "a_teacher": torch.from_numpy(a_teacher),
            "b_teacher": torch.from_numpy(b_teacher),
        }
