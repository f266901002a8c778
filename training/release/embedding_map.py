"""A look into an embedding space for the app: scores of matching and other pairs of a system's own test, and a t-SNE of
all modalities of the rendered world."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from training.datasets import MissingData, identity_of, labels_of, world
from training.datasets.protocols import find
from training.learn.evaluation import encoder_vectors
from training.learn.run_record import trained_on
from training.options import add_folders, add_system
from xmr import checkpoint
from xmr.files import replacing
from xmr.modality import Item, Modality
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
PAIRS = 20  # of as many classes, where photos have any
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
    """The content of space.json.

    "of": the protocol that the system is measured by first. "pairs": for sketches and for English captions (or, where
    there are none, others) among its test items, the "classes" of pairs with a photo, or the numbers of photos without
    one, and the "scores" of all queries (rows) against all photos. "map": t-SNE (van der Maaten and Hinton 2008) of the
    vectors of the rendered world's test items, each modality centred, since their means lie apart; empty where that
    world isn't on this machine.

    Raises:
        MissingData: the test items are not on this machine.
    """
    of, vectors = system.config["protocols"][0], encoder_vectors(system)
    pairs = _pairs(list(_taken(find(of).items("test"), system)), vectors, system)
    try:
        rendered = list(_taken(world.items("test", things="one"), system))
    except MissingData:
        rendered = []
    return {"of": of, "pairs": pairs, "map": _map(rendered, vectors) if rendered else []}


def _taken(items: list[Item], system: System) -> Iterator[Item]:
    """The items that the system takes."""
    for item in items:
        if item.modality in system.encoders and (item.modality is not TEXT or item.language in system.languages):
            yield item


def write(system: System, folder: Path) -> None:
    """Write the survey of a system to its checkpoint's space.json, with the data that it was trained on."""
    with trained_on(folder):
        found = survey(system)
    with replacing(folder / "space.json") as part:
        part.write_text(json.dumps(found) + "\n", encoding="utf-8")


def _class(item: Item) -> str:
    """An item's class; empty if it has none."""
    return min(labels_of(item, "class"), default="").removeprefix("class:")


def _evenly(values: list, count: int) -> list:
    """`count` of the values, evenly spaced; all if there are no more."""
    return [values[n * len(values) // count] for n in range(count)] if count < len(values) else values


def _pairs(items: list[Item], vectors, system: System) -> dict:
    photos, found = [item for item in items if item.modality is PHOTO], {}
    texts = {item.language for item in items if item.modality is TEXT}
    for kind in ((SKETCH, None), (TEXT, "en" if "en" in texts else min(texts, default=None))):
        partner = {identity_of(item): item for item in reversed(items) if (item.modality, item.language) == kind}
        asked = [photo for photo in photos if identity_of(photo) in partner]
        if not asked:
            continue
        first = {(_class(photo), 0 if _class(photo) else n): photo for n, photo in reversed(list(enumerate(asked)))}
        chosen = [first[key] for key in _evenly(sorted(first), PAIRS)]
        names = [_class(photo) or str(n) for n, photo in enumerate(chosen, 1)]
        scores = vectors([partner[identity_of(photo)] for photo in chosen]) @ vectors(chosen).T
        if system.space == "hamming":
            scores = scores / system.dim  # 1 where all bits are equal, -1 where none is
        found[str(kind[0])] = {"classes": names, "scores": scores.round(3).tolist()}
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
