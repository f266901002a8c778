"""A map of an embedding space for the app: scores of matching and other pairs, and a t-SNE of all modalities."""

import argparse
import json
from pathlib import Path

import numpy as np

from training.datasets import labels_of, world
from training.learn.evaluation import encoder_vectors
from training.options import add_folders, add_system
from xmr import checkpoint
from xmr.files import replacing
from xmr.modality import Item, Modality
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
PAIRS = 20  # of as many classes
CLASSES, EACH = 12, 5  # on the map: classes, and items of each in each modality
PERPLEXITY = 15.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_system(parser)
    add_folders(parser, "--checkpoints")


def run(args: argparse.Namespace) -> None:
    """Run the command; raises BadInput."""
    write(checkpoint.load(args.system, args.checkpoints), args.checkpoints / args.system)


def survey(system: System) -> dict:
    """The content of space.json, from the rendered world's test items; raises MissingData.

    "pairs": for sketches and for English captions, as far as the system takes them, the "classes" of pairs with a photo
    and the "scores" of all queries (rows) against all photos. "map": t-SNE (van der Maaten and Hinton 2008) of the
    vectors, each modality centred, since their means lie apart.
    """
    items = [
        item
        for item in world.items("test", things="one")
        if item.modality in system.encoders and (item.modality is not TEXT or item.language in system.languages)
    ]
    vectors = encoder_vectors(system)
    return {"pairs": _pairs(items, vectors, system), "map": _map(items, vectors)}


def write(system: System, folder: Path) -> None:
    """Write the survey of a system to its checkpoint's space.json."""
    with replacing(folder / "space.json") as part:
        part.write_text(json.dumps(survey(system)) + "\n", encoding="utf-8")


def _class(item: Item) -> str:
    return min(labels_of(item, "class")).removeprefix("class:")


def _evenly(values: list, count: int) -> list:
    """`count` of the values, evenly spaced; all if there are no more."""
    return [values[n * len(values) // count] for n in range(count)] if count < len(values) else values


def _pairs(items: list[Item], vectors, system: System) -> dict:
    first = {_class(item): item for item in reversed(items) if item.modality is PHOTO}
    photos = [first[name] for name in _evenly(sorted(first), PAIRS)]
    gallery, found = vectors(photos), {}
    for modality in (SKETCH, TEXT):
        partner = {
            min(labels_of(item, "image")): item
            for item in reversed(items)
            if item.modality is modality and item.language in (None, "en")
        }
        if partner:
            scores = vectors([partner[min(labels_of(photo, "image"))] for photo in photos]) @ gallery.T
            if system.space == "hamming":
                scores = scores / system.dim  # 1 where all bits are equal, -1 where none is
            found[str(modality)] = {"classes": list(map(_class, photos)), "scores": scores.round(3).tolist()}
    return found


def _map(items: list[Item], vectors) -> list[dict]:
    from sklearn.manifold import TSNE

    names = _evenly(sorted({_class(item) for item in items}), CLASSES)
    shown, blocks = [], []
    for modality in dict.fromkeys(item.modality for item in items):
        some = []
        for name in names:
            some += _evenly([item for item in items if item.modality is modality and _class(item) == name], EACH)
        block = vectors(some)
        block = block - block.mean(0)
        blocks.append(block / np.linalg.norm(block, axis=1, keepdims=True).clip(1e-9))
        shown += some
    perplexity = min(PERPLEXITY, (len(shown) - 1) / 3)
    places = TSNE(metric="cosine", perplexity=perplexity, random_state=0).fit_transform(np.concatenate(blocks))
    return [
        {
            "x": round(float(x), 2),
            "y": round(float(y), 2),
            "modality": str(item.modality),
            "class": _class(item),
            "text": item.content if item.modality is TEXT else "",
        }
        for item, (x, y) in zip(shown, places, strict=True)
    ]
