"""A look into a system's space: how near matching pairs are, and a map of photos, sketches and captions together."""

import json
from pathlib import Path

import numpy as np

from training.datasets import labels_of, world
from training.evaluate import encoder_vectors
from xmr.modality import Item, Modality
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
PAIRS = 20  # of as many classes
CLASSES, EACH = 12, 5  # on the map: classes, and items of each of them in each modality
PERPLEXITY = 15.0


def survey(system: System) -> dict:
    """What space.json holds, from the rendered world's test items; raises MissingData.

    "pairs": for a sketch and for an English caption of the same photo, each if the system takes it, the "classes" of
    the pairs and the "scores" of all against all, a line a query. "map": t-SNE (van der Maaten and Hinton 2008) of the
    vectors less their modality's mean, since that of photos lies elsewhere than that of words.
    """
    items = [item for item in world.items("test", things="one") if item.modality in system.encoders
             and (item.modality is not TEXT or item.language in system.languages)]  # fmt: skip
    vectors = encoder_vectors(system)
    return {"pairs": _pairs(items, vectors, system), "map": _map(items, vectors)}


def write(system: System, folder: Path) -> None:
    """Write the survey of a system to its checkpoint's space.json."""
    (folder / "space.json").write_text(json.dumps(survey(system)) + "\n", encoding="utf-8")


def _class(item: Item) -> str:
    return min(labels_of(item, "class")).removeprefix("class:")


def _spread(values: list, count: int) -> list:
    """Some of them, evenly from all; all if there are no more."""
    return [values[n * len(values) // count] for n in range(count)] if count < len(values) else values


def _pairs(items: list[Item], vectors, system: System) -> dict:
    first = {_class(item): item for item in reversed(items) if item.modality is PHOTO}
    photos = [first[name] for name in _spread(sorted(first), PAIRS)]
    gallery, found = vectors(photos), {}
    for modality in (SKETCH, TEXT):
        partner = {min(labels_of(item, "image")): item for item in reversed(items)
                   if item.modality is modality and item.language in (None, "en")}  # fmt: skip
        if partner:
            scores = vectors([partner[min(labels_of(photo, "image"))] for photo in photos]) @ gallery.T
            if system.space == "hamming":
                scores = scores / system.dim  # 1 where all bits are equal, -1 where none is
            found[str(modality)] = {"classes": list(map(_class, photos)), "scores": scores.round(3).tolist()}
    return found


def _map(items: list[Item], vectors) -> list[dict]:
    from sklearn.manifold import TSNE

    names = _spread(sorted({_class(item) for item in items}), CLASSES)
    kept, blocks = [], []
    for modality in dict.fromkeys(item.modality for item in items):
        some = []
        for name in names:
            own = [item for item in items if item.modality is modality and _class(item) == name]
            some += _spread(own, EACH)
        block = vectors(some)
        block = block - block.mean(0)
        blocks.append(block / np.linalg.norm(block, axis=1, keepdims=True).clip(1e-9))
        kept += some
    perplexity = min(PERPLEXITY, (len(kept) - 1) / 3)
    places = TSNE(metric="cosine", perplexity=perplexity, random_state=0).fit_transform(np.concatenate(blocks))
    return [
        {"x": round(float(x), 2), "y": round(float(y), 2), "modality": str(item.modality), "class": _class(item),
         "text": item.content if item.modality is TEXT else ""}
        for item, (x, y) in zip(kept, places, strict=True)
    ]  # fmt: skip
